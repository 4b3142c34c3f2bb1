//! A link as it is stored: what equals the value agreed on is not stored twice.

use serde::{Deserialize, Serialize};

use crate::domain::conflict::Conflict;
use crate::domain::consent::{Consent, ConsentState};
use crate::domain::ids::{FieldId, Generation, Kind, LinkId};
use crate::domain::link::{
    AutomationEnd, Base, Decided, Edited, FieldState, Link, MatchKey, Parked, Pending,
    SalesforceEnd,
};
use crate::domain::value::Value;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PackedLink {
    id: LinkId,
    kind: Kind,
    salesforce: Option<SalesforceEnd>,
    automation: Option<AutomationEnd>,
    fields: Vec<PackedField>,
    consent: ConsentState,
    generation: Generation,
    conflicts: Vec<Conflict>,
    decided: Vec<Decided>,
    decided_consent: Option<Consent>,
    pending: Vec<Pending>,
    parked: Option<Parked>,
    diverged: u8,
    match_keys: Vec<MatchKey>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PackedField {
    field: FieldId,
    base: Packed,
    base_automation: Packed,
    salesforce: Packed,
    automation: Packed,
    salesforce_edited: Option<Edited>,
    automation_edited: Option<Edited>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Packed {
    None,
    /// As the base on Salesforce's side.
    Base,
    /// As the base on Automation's side.
    BaseAutomation,
    Is(Value),
}

impl From<Link> for PackedLink {
    fn from(link: Link) -> Self {
        Self {
            id: link.id,
            kind: link.kind,
            salesforce: link.salesforce,
            automation: link.automation,
            fields: link.fields.into_iter().map(PackedField::from).collect(),
            consent: link.consent,
            generation: link.generation,
            conflicts: link.conflicts,
            decided: link.decided,
            decided_consent: link.decided_consent,
            pending: link.pending,
            parked: link.parked,
            diverged: link.diverged,
            match_keys: link.match_keys,
        }
    }
}

impl From<PackedLink> for Link {
    fn from(packed: PackedLink) -> Self {
        Self {
            id: packed.id,
            kind: packed.kind,
            salesforce: packed.salesforce,
            automation: packed.automation,
            fields: packed.fields.into_iter().map(FieldState::from).collect(),
            consent: packed.consent,
            generation: packed.generation,
            conflicts: packed.conflicts,
            decided: packed.decided,
            decided_consent: packed.decided_consent,
            pending: packed.pending,
            parked: packed.parked,
            diverged: packed.diverged,
            match_keys: packed.match_keys,
        }
    }
}

impl From<FieldState> for PackedField {
    fn from(state: FieldState) -> Self {
        let base = state.base.as_ref();
        let pack = |value: Option<Value>| match (value, base) {
            (None, _) => Packed::None,
            (Some(value), Some(base)) if value == base.salesforce => Packed::Base,
            (Some(value), Some(base)) if value == base.automation => Packed::BaseAutomation,
            (Some(value), _) => Packed::Is(value),
        };
        let salesforce = pack(state.salesforce);
        let automation = pack(state.automation);
        let (base, base_automation) = match state.base {
            None => (Packed::None, Packed::None),
            Some(base) if base.salesforce == base.automation => {
                (Packed::Is(base.salesforce), Packed::Base)
            }
            Some(base) => (Packed::Is(base.salesforce), Packed::Is(base.automation)),
        };
        Self {
            field: state.field,
            base,
            base_automation,
            salesforce,
            automation,
            salesforce_edited: state.salesforce_edited,
            automation_edited: state.automation_edited,
        }
    }
}

impl From<PackedField> for FieldState {
    fn from(packed: PackedField) -> Self {
        let base = match packed.base {
            Packed::Is(salesforce) => {
                let automation = match packed.base_automation {
                    Packed::Is(automation) => automation,
                    _ => salesforce.clone(),
                };
                Some(Base {
                    salesforce,
                    automation,
                })
            }
            _ => None,
        };
        let unpack = |value: Packed| match value {
            Packed::None => None,
            Packed::Base => base.as_ref().map(|base| base.salesforce.clone()),
            Packed::BaseAutomation => base.as_ref().map(|base| base.automation.clone()),
            Packed::Is(value) => Some(value),
        };
        Self {
            field: packed.field,
            salesforce: unpack(packed.salesforce),
            automation: unpack(packed.automation),
            base,
            salesforce_edited: packed.salesforce_edited,
            automation_edited: packed.automation_edited,
        }
    }
}
