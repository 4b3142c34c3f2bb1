//! One link against the rules: what is agreed, what must be written where, what a person decides.
//!
//! Level-triggered: looks only at how things stand, never at how they came to. Running it twice
//! changes nothing the second time, so it may run after every observation, answer and restart.

mod consent;
mod creation;
mod fields;
mod outcome;

use std::collections::BTreeMap;

pub use self::consent::known_opt_out;
pub use self::creation::creation_values;
pub use self::outcome::{NOT_VISIBLE, is_unseen};
use crate::domain::conflict::{Cause, Conflict, Subject};
use crate::domain::consent::Consent;
use crate::domain::failure::Failure;
use crate::domain::ids::{FieldId, Generation, Side};
use crate::domain::link::{Base, FieldState, Link, Parked};
use crate::domain::mapping::Policy;
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
use crate::engine::accounts::Accounts;
use crate::engine::consent::Freshness;
use crate::engine::limits::FieldLimits;
use crate::engine::owners::Directory;

/// All that a reconciliation may look at besides the link.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub policy: &'a Policy,
    pub directory: &'a Directory,
    pub limits: &'a FieldLimits,
    pub accounts: &'a Accounts,
    pub freshness: Freshness,
    pub now: Timestamp,
}

/// What the caller has to see to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// Edits that a planned write overwrites: kept in the history when it is issued.
    pub lost: Vec<Lost>,
    /// The dates of consent must be read before this link's consent can be decided.
    pub asks_for_evidence: bool,
    /// The Account of this name must be found before the link can be written.
    pub asks_for_account: Option<String>,
    /// That Account is not there yet, and may be made in this cycle.
    pub waits_for_account: bool,
    /// Conflicts that are new.
    pub raised: Vec<Subject>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub side: Side,
    pub field: FieldId,
    pub value: Value,
    pub by: Value,
}

/// Brings a link in line with the rules, as far as that can be done without writing anywhere.
pub fn reconcile(link: &mut Link, context: Context<'_>) -> Reconciled {
    let mut case = Case {
        context,
        conflicts: BTreeMap::new(),
        writes: [Planned::default(), Planned::default()],
        done: Reconciled::default(),
        diverged: 0,
    };
    case.keep_identity_conflicts(link);
    case.park_or_unpark(link);
    match link.parked {
        None => case.judge_ends(link),
        // Its Contact is what is synced; that the person says out is heard on either.
        Some(Parked::ShadowedByContact(_)) => case.judge_lone_consent(link),
        Some(_) => {}
    }
    case.finish(link);
    case.done
}

#[derive(Debug, Default)]
struct Planned {
    values: Vec<(FieldId, Value)>,
    consent: Option<Consent>,
    is_create: bool,
}

impl Planned {
    const fn is_nothing(&self) -> bool {
        self.values.is_empty() && self.consent.is_none() && !self.is_create
    }
}

struct Case<'a> {
    context: Context<'a>,
    conflicts: BTreeMap<Subject, Cause>,
    /// By side, Salesforce first.
    writes: [Planned; 2],
    done: Reconciled,
    diverged: u8,
}

impl Case<'_> {
    fn write_mut(&mut self, side: Side) -> &mut Planned {
        &mut self.writes[side as usize]
    }

    /// Whose record this is was questioned; only an operator or a new look at both sides ends that.
    fn keep_identity_conflicts(&mut self, link: &Link) {
        for conflict in &link.conflicts {
            if conflict.subject == Subject::Identity {
                self.conflicts
                    .insert(Subject::Identity, conflict.cause.clone());
            }
        }
    }

    fn park_or_unpark(&mut self, link: &mut Link) {
        match link.parked {
            Some(Parked::Quarantined { until: Some(until) }) if until <= self.context.now => {
                link.parked = None;
            }
            Some(Parked::Quarantined { .. } | Parked::Unlinked | Parked::ShadowedByContact(_)) => {
                return;
            }
            _ => link.parked = None,
        }
        let one_sided = link.salesforce.is_none() || link.automation.is_none();
        if let Some(end) = &link.salesforce
            && !self.context.policy.syncs(end.object)
        {
            link.parked = Some(Parked::ObjectNotSelected);
        } else if one_sided && link.match_keys.is_empty() {
            link.parked = Some(Parked::NoEmail);
        } else if one_sided && !Side::BOTH.iter().any(|side| link.is_live(*side)) {
            link.parked = Some(Parked::GoneBeforeLinked);
        }
    }

    fn judge_ends(&mut self, link: &mut Link) {
        match (&link.salesforce, &link.automation) {
            (Some(_), Some(_)) => {
                self.judge_pair(link);
                self.judge_consent(link);
            }
            (Some(_), None) => {
                self.judge_lone_consent(link);
                self.plan_creation(Side::Automation);
            }
            (None, Some(_)) => {
                self.judge_lone_consent(link);
                self.plan_creation(Side::Salesforce);
            }
            (None, None) => {}
        }
    }

    /// A record without a counterpart. Looking for one, and leave to make one, come when the write
    /// is about to be sent: everything must have been read before.
    fn plan_creation(&mut self, to: Side) {
        if self.conflicts.contains_key(&Subject::Identity) {
            return;
        }
        self.write_mut(to).is_create = true;
    }

    fn hold(&mut self, subject: Subject, cause: Cause) {
        self.conflicts.insert(subject, cause);
    }
}

/// Both sides show the same: remember the pair.
pub fn agree(state: &mut FieldState) {
    if let (Some(salesforce), Some(automation)) = (&state.salesforce, &state.automation) {
        state.base = Some(Base {
            salesforce: salesforce.clone(),
            automation: automation.clone(),
        });
        state.salesforce_edited = None;
        state.automation_edited = None;
    }
}

/// Marks a field's write as refused by that side: it is a conflict until the value changes. An
/// operator's word that a side refuses is void, so that it is not put to the other side in turn.
pub fn refuse_field(link: &mut Link, side: Side, field: FieldId, failure: Failure, now: Timestamp) {
    let value = link
        .pending(side)
        .and_then(|pending| pending.values.iter().find(|(id, _)| *id == field))
        .map(|(_, value)| value.clone())
        .unwrap_or_default();
    link.decided.retain(|decided| decided.field != field);
    raise(
        link,
        Subject::Field(field),
        Cause::Refused {
            side,
            value,
            failure,
        },
        now,
    );
}

/// Adds or replaces one conflict.
pub fn raise(link: &mut Link, subject: Subject, cause: Cause, now: Timestamp) {
    let conflict = Conflict {
        subject,
        cause,
        raised: now,
    };
    match link
        .conflicts
        .binary_search_by_key(&subject, |conflict| conflict.subject)
    {
        Ok(index) if link.conflicts[index].cause == conflict.cause => return,
        Ok(index) => link.conflicts[index] = conflict,
        Err(index) => link.conflicts.insert(index, conflict),
    }
    link.generation = Generation(link.generation.0 + 1);
}
