//! A link as it is stored: short, because there are millions.
//!
//! What equals the value agreed on is not stored twice, and what is as in most links is not stored
//! at all: a field on which both sides agree costs its number and its value.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::conflict::Conflict;
use crate::domain::consent::{Consent, ConsentState, ConsentView, Dated, Evidence};
use crate::domain::ids::{
    AutomationId, FieldId, Generation, Kind, LinkId, SalesforceId, SalesforceObject,
};
use crate::domain::link::{
    AutomationEnd, Base, Decided, Edited, FieldState, Link, MatchKey, Parked, Pending,
    SalesforceEnd,
};
use crate::domain::row::RowState;
use crate::domain::time::Timestamp;
use crate::domain::value::Value;

/// A link in its stored form.
#[derive(Debug)]
pub(super) struct PackedLink(Link);

impl From<Link> for PackedLink {
    fn from(link: Link) -> Self {
        Self(link)
    }
}

impl From<PackedLink> for Link {
    fn from(packed: PackedLink) -> Self {
        packed.0
    }
}

impl Serialize for PackedLink {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form::of(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PackedLink {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let link = Form::deserialize(deserializer)?.link();
        Ok(Self(
            link.ok_or_else(|| D::Error::custom("values are missing"))?,
        ))
    }
}

#[derive(Serialize, Deserialize)]
struct Form {
    id: LinkId,
    kind: Kind,
    salesforce: Option<PackedSalesforce>,
    automation: Option<PackedAutomation>,
    /// Fields that are as agreed on both sides, of which there is one value each.
    settled: Vec<FieldId>,
    unsettled: Vec<(FieldId, Layout)>,
    /// Of the settled fields, then of the others.
    values: Vec<Value>,
    edits: Vec<Edited>,
    consent: PackedConsent,
    match_keys: Vec<[u8; 8]>,
    unusual: Option<Unusual>,
}

#[derive(Serialize, Deserialize)]
struct PackedSalesforce {
    object: SalesforceObject,
    id: [u8; ID_BYTES],
    /// If it is not `id`.
    first_id: Option<[u8; ID_BYTES]>,
    state: RowState,
    modified: Timestamp,
    edited_by: Option<String>,
    account: Option<[u8; ID_BYTES]>,
    written_since: bool,
}

#[derive(Serialize, Deserialize)]
struct PackedAutomation {
    id: AutomationId,
    state: RowState,
    modified: Timestamp,
    edited_by: Option<String>,
    written_since: bool,
}

#[derive(Serialize, Deserialize)]
struct PackedConsent {
    agreed: Option<Consent>,
    opted_out: Option<Dated>,
    salesforce: Option<PackedView>,
    automation: Option<PackedView>,
}

#[derive(Serialize, Deserialize)]
struct PackedView {
    value: Consent,
    /// Milliseconds after the other side's, if that has one.
    since: i64,
    /// Milliseconds after `since`.
    seen: i64,
    evidence: Option<Evidence>,
}

/// What few links have, and none for long.
#[derive(PartialEq, Default, Serialize, Deserialize)]
struct Unusual {
    generation: Generation,
    conflicts: Vec<Conflict>,
    decided: Vec<Decided>,
    decided_consent: Option<Consent>,
    pending: Vec<Pending>,
    parked: Option<Parked>,
    diverged: u8,
}

impl Form {
    fn of(link: &Link) -> Self {
        let mut form = Self {
            id: link.id,
            kind: link.kind,
            salesforce: link.salesforce.as_ref().map(PackedSalesforce::of),
            automation: link.automation.as_ref().map(PackedAutomation::of),
            settled: Vec::with_capacity(link.fields.len()),
            unsettled: Vec::new(),
            values: Vec::with_capacity(link.fields.len()),
            edits: Vec::new(),
            consent: PackedConsent::of(&link.consent),
            match_keys: link
                .match_keys
                .iter()
                .map(|key| key.0.to_le_bytes())
                .collect(),
            unusual: None,
        };
        let (settled, unsettled): (Vec<_>, Vec<_>) =
            link.fields.iter().partition(|state| is_settled(state));
        for state in settled {
            form.settled.push(state.field);
            form.values.extend(state.salesforce.clone());
        }
        for state in unsettled {
            let layout = Layout::of(state, &mut form.values, &mut form.edits);
            form.unsettled.push((state.field, layout));
        }
        let unusual = Unusual {
            generation: link.generation,
            conflicts: link.conflicts.clone(),
            decided: link.decided.clone(),
            decided_consent: link.decided_consent,
            pending: link.pending.clone(),
            parked: link.parked.clone(),
            diverged: link.diverged,
        };
        form.unusual = (unusual != Unusual::default()).then_some(unusual);
        form
    }

    /// `None` if its parts do not fit together.
    fn link(self) -> Option<Link> {
        let mut link = Link::new(self.id, self.kind);
        link.salesforce = match self.salesforce {
            Some(packed) => Some(packed.end()?),
            None => None,
        };
        link.automation = self.automation.map(PackedAutomation::end);
        let mut values = self.values.into_iter();
        let mut edits = self.edits.into_iter();
        link.fields
            .reserve(self.settled.len() + self.unsettled.len());
        for field in self.settled {
            link.fields.push(settled(field, values.next()?));
        }
        for (field, layout) in self.unsettled {
            link.fields
                .push(layout.state(field, &mut values, &mut edits)?);
        }
        link.fields.sort_by_key(|state| state.field);
        link.consent = self.consent.state();
        link.match_keys = self
            .match_keys
            .into_iter()
            .map(|bytes| MatchKey(u64::from_le_bytes(bytes)))
            .collect();
        let unusual = self.unusual.unwrap_or_default();
        link.generation = unusual.generation;
        link.conflicts = unusual.conflicts;
        link.decided = unusual.decided;
        link.decided_consent = unusual.decided_consent;
        link.pending = unusual.pending;
        link.parked = unusual.parked;
        link.diverged = unusual.diverged;
        Some(link)
    }
}

/// Both sides show the one value agreed on.
fn is_settled(state: &FieldState) -> bool {
    let Some(base) = &state.base else {
        return false;
    };
    base.salesforce == base.automation
        && state.salesforce.as_ref() == Some(&base.salesforce)
        && state.automation.as_ref() == Some(&base.automation)
        && state.salesforce_edited.is_none()
        && state.automation_edited.is_none()
}

fn settled(field: FieldId, value: Value) -> FieldState {
    FieldState {
        base: Some(Base {
            salesforce: value.clone(),
            automation: value.clone(),
        }),
        salesforce: Some(value.clone()),
        automation: Some(value),
        ..FieldState::new(field)
    }
}

/// Which values of a field are stored, and which are as the base. From the lowest bit: the base in
/// two bits, each side in two, whether an edit is dated in one for each side.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Layout(u8);

impl Layout {
    const NONE: u8 = 0;
    /// One value for both sides.
    const BASE_SAME: u8 = 1;
    const BASE_PAIR: u8 = 2;
    /// As the base on Salesforce's side.
    const AS_SALESFORCE: u8 = 1;
    /// As the base on Automation's side.
    const AS_AUTOMATION: u8 = 2;
    const OWN: u8 = 3;

    fn of(state: &FieldState, values: &mut Vec<Value>, edits: &mut Vec<Edited>) -> Self {
        let base = match &state.base {
            None => Self::NONE,
            Some(base) => {
                values.push(base.salesforce.clone());
                if base.salesforce == base.automation {
                    Self::BASE_SAME
                } else {
                    values.push(base.automation.clone());
                    Self::BASE_PAIR
                }
            }
        };
        let mut side = |value: &Option<Value>| match (value, &state.base) {
            (None, _) => Self::NONE,
            (Some(value), Some(base)) if *value == base.salesforce => Self::AS_SALESFORCE,
            (Some(value), Some(base)) if *value == base.automation => Self::AS_AUTOMATION,
            (Some(value), _) => {
                values.push(value.clone());
                Self::OWN
            }
        };
        let (salesforce, automation) = (side(&state.salesforce), side(&state.automation));
        let dated = [state.salesforce_edited, state.automation_edited];
        edits.extend(dated.into_iter().flatten());
        let [salesforce_dated, automation_dated] = dated.map(|edit| u8::from(edit.is_some()));
        Self(
            base | salesforce << 2
                | automation << 4
                | salesforce_dated << 6
                | automation_dated << 7,
        )
    }

    /// `None` if values or dates are missing.
    fn state(
        self,
        field: FieldId,
        values: &mut impl Iterator<Item = Value>,
        edits: &mut impl Iterator<Item = Edited>,
    ) -> Option<FieldState> {
        let base = match self.0 & 3 {
            Self::NONE => None,
            Self::BASE_SAME => {
                let value = values.next()?;
                Some(Base {
                    salesforce: value.clone(),
                    automation: value,
                })
            }
            _ => Some(Base {
                salesforce: values.next()?,
                automation: values.next()?,
            }),
        };
        let mut side = |bits: u8| {
            Some(match bits & 3 {
                Self::NONE => None,
                Self::AS_SALESFORCE => Some(base.as_ref()?.salesforce.clone()),
                Self::AS_AUTOMATION => Some(base.as_ref()?.automation.clone()),
                _ => Some(values.next()?),
            })
        };
        let (salesforce, automation) = (side(self.0 >> 2)?, side(self.0 >> 4)?);
        let mut edited = |is_dated: bool| Some(if is_dated { Some(edits.next()?) } else { None });
        Some(FieldState {
            field,
            base,
            salesforce,
            automation,
            salesforce_edited: edited(self.0 & 1 << 6 != 0)?,
            automation_edited: edited(self.0 & 1 << 7 != 0)?,
        })
    }
}

impl PackedSalesforce {
    fn of(end: &SalesforceEnd) -> Self {
        Self {
            object: end.object,
            id: pack_id(end.id),
            first_id: (end.first_id != end.id).then(|| pack_id(end.first_id)),
            state: end.state,
            modified: end.modified,
            edited_by: end.edited_by.clone(),
            account: end.account.map(pack_id),
            written_since: end.written_since,
        }
    }

    fn end(self) -> Option<SalesforceEnd> {
        let id = unpack_id(self.id)?;
        Some(SalesforceEnd {
            object: self.object,
            id,
            first_id: self.first_id.map_or(Some(id), unpack_id)?,
            state: self.state,
            modified: self.modified,
            edited_by: self.edited_by,
            account: if let Some(account) = self.account {
                Some(unpack_id(account)?)
            } else {
                None
            },
            written_since: self.written_since,
        })
    }
}

impl PackedAutomation {
    fn of(end: &AutomationEnd) -> Self {
        Self {
            id: end.id,
            state: end.state,
            modified: end.modified,
            edited_by: end.edited_by.clone(),
            written_since: end.written_since,
        }
    }

    fn end(self) -> AutomationEnd {
        AutomationEnd {
            id: self.id,
            state: self.state,
            modified: self.modified,
            edited_by: self.edited_by,
            written_since: self.written_since,
        }
    }
}

impl PackedConsent {
    fn of(state: &ConsentState) -> Self {
        let origin = origin(state.salesforce.as_ref());
        Self {
            agreed: state.agreed,
            opted_out: state.opted_out,
            salesforce: state
                .salesforce
                .map(|view| PackedView::of(view, Timestamp::ZERO)),
            automation: state.automation.map(|view| PackedView::of(view, origin)),
        }
    }

    fn state(self) -> ConsentState {
        let salesforce = self.salesforce.map(|view| view.view(Timestamp::ZERO));
        let origin = origin(salesforce.as_ref());
        ConsentState {
            agreed: self.agreed,
            opted_out: self.opted_out,
            salesforce,
            automation: self.automation.map(|view| view.view(origin)),
        }
    }
}

/// Both sides are mostly seen for the first time within minutes.
fn origin(salesforce: Option<&ConsentView>) -> Timestamp {
    salesforce.map_or(Timestamp::ZERO, |view| view.since)
}

impl PackedView {
    fn of(view: ConsentView, origin: Timestamp) -> Self {
        Self {
            value: view.value,
            since: view.since.0.wrapping_sub(origin.0),
            seen: view.seen.0.wrapping_sub(view.since.0),
            evidence: (view.evidence != Evidence::default()).then_some(view.evidence),
        }
    }

    fn view(self, origin: Timestamp) -> ConsentView {
        let since = origin.0.wrapping_add(self.since);
        ConsentView {
            value: self.value,
            since: Timestamp(since),
            seen: Timestamp(since.wrapping_add(self.seen)),
            evidence: self.evidence.unwrap_or_default(),
        }
    }
}

/// 15 letters and digits are a number of 90 bits.
const ID_BYTES: usize = 12;

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(super) fn pack_id(id: SalesforceId) -> [u8; ID_BYTES] {
    let number = id.as_bytes().iter().fold(0_u128, |number, letter| {
        // An id holds nothing but these letters; they are in ascending order.
        let digit = LETTERS.binary_search(letter).unwrap_or(0);
        number * LETTERS.len() as u128 + digit as u128
    });
    let mut packed = [0; ID_BYTES];
    packed.copy_from_slice(&number.to_be_bytes()[16 - ID_BYTES..]);
    packed
}

/// `None` if no id packs to these bytes.
fn unpack_id(packed: [u8; ID_BYTES]) -> Option<SalesforceId> {
    let mut number = [0; 16];
    number[16 - ID_BYTES..].copy_from_slice(&packed);
    let mut number = u128::from_be_bytes(number);
    let mut letters = [0; 15];
    for letter in letters.iter_mut().rev() {
        *letter = LETTERS[(number % LETTERS.len() as u128) as usize];
        number /= LETTERS.len() as u128;
    }
    if number > 0 {
        return None;
    }
    SalesforceId::from_bytes(letters).ok()
}
