//! Who is deleted or must not be mailed: which system says so, and how far its word has got in the
//! other one. Worked out from the link and the mapping alone; decides nothing.

use serde::{Deserialize, Serialize};

use super::conflict::Subject;
use super::consent::Consent;
use super::ids::{FieldId, Side};
use super::link::{Link, Parked, Pending, PendingState};
use super::mapping::{FieldRule, Mapping, Role};
use super::row::RowState;
use super::time::Timestamp;
use super::value::Value;

/// One thing that a system says of a person or company, and the other one should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    pub matter: Matter,
    pub standing: Standing,
    /// When it happened, as closely as any source says.
    pub at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Matter {
    /// The person must not be mailed.
    OptOut,
    /// The record of that side is gone.
    Deleted(Side),
}

/// How far the word has got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// A conflict about this waits for a person.
    Held(Subject),
    /// The write to that side was given up.
    GivenUp(Side),
    /// The sides differ, and the link is left alone.
    Parked(Parked),
    /// That side does not show what it says.
    NotShown(Side),
    /// Nothing is planned yet: the next sync plans it.
    Due(Side),
    /// The write failed in a way that may pass.
    Waiting(Side, Timestamp),
    /// The dates on both sides are being asked for.
    Asking,
    OnItsWay(Side),
    /// The other way round: an opt-in that is proven, or vouched for, goes to the side that says out.
    OptInOnItsWay(Side),
    /// No rule of the mapping carries it.
    NotMapped,
    /// Merged or converted: the record lives on as another one.
    LivesOn,
    /// Deleted in Automation: Salesforce's record stays, and nothing there is told.
    Kept,
    /// There is no live record on that side that could be told.
    Alone(Side),
    /// The address bounced on the other side, which does not mail it either.
    Bounced,
    Agreed,
}

/// The order in which entries deserve a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Urgency {
    /// Nothing moves before somebody acts.
    Person,
    /// The sides differ.
    Mismatch,
    Settled,
}

impl Standing {
    pub const fn urgency(&self) -> Urgency {
        match self {
            Self::Held(_) | Self::GivenUp(_) => Urgency::Person,
            Self::Parked(_)
            | Self::NotShown(_)
            | Self::Due(_)
            | Self::Waiting(..)
            | Self::Asking
            | Self::OnItsWay(_)
            | Self::OptInOnItsWay(_) => Urgency::Mismatch,
            Self::NotMapped
            | Self::LivesOn
            | Self::Kept
            | Self::Alone(_)
            | Self::Bounced
            | Self::Agreed => Urgency::Settled,
        }
    }
}

/// Everything of this kind that a link has to say.
pub fn flags(link: &Link, mapping: &Mapping) -> Vec<Flag> {
    let deletions = Side::BOTH.map(|side| deletion(link, mapping, side));
    deletions
        .into_iter()
        .chain([opt_out(link, mapping)])
        .flatten()
        .collect()
}

/// Whether Automation shows the flag of the deletion; `None` if no rule carries it, or it is not shown.
pub fn is_flagged(link: &Link, mapping: &Mapping) -> Option<bool> {
    let rule = rule(link, mapping, Role::Deleted)?;
    let shown = link.field(rule.id)?.automation.as_ref()?;
    Some(*shown == Value::Bool(true))
}

fn deletion(link: &Link, mapping: &Mapping, side: Side) -> Option<Flag> {
    let state = link.state(side)?;
    let is_held = holds(link, Subject::Deletion);
    // A record that came back is alive; what waits for a person is its flag in Automation.
    let is_back = state == RowState::Live
        && side == Side::Salesforce
        && is_held
        && link.state(Side::Automation) != Some(RowState::Deleted);
    if state == RowState::Live && !is_back {
        return None;
    }
    let standing = if is_held {
        Standing::Held(Subject::Deletion)
    } else if state != RowState::Deleted {
        Standing::LivesOn
    } else if !link.is_live(side.other()) {
        Standing::Alone(side.other())
    } else if side == Side::Automation {
        Standing::Kept
    } else {
        flag_standing(link, mapping)
    };
    let modified = match side {
        Side::Salesforce => link.salesforce.as_ref().map(|end| end.modified),
        Side::Automation => link.automation.as_ref().map(|end| end.modified),
    };
    Some(Flag {
        matter: Matter::Deleted(side),
        standing,
        at: modified.filter(|at| *at > Timestamp::ZERO),
    })
}

fn flag_standing(link: &Link, mapping: &Mapping) -> Standing {
    let to = Side::Automation;
    let Some(rule) = rule(link, mapping, Role::Deleted) else {
        return Standing::NotMapped;
    };
    let is_shown = is_flagged(link, mapping);
    if is_shown == Some(true) {
        return Standing::Agreed;
    }
    let carries = |pending: &Pending| pending.values.iter().any(|(field, _)| *field == rule.id);
    travel(link, to, Some(rule.id), carries).unwrap_or(match is_shown {
        Some(_) => Standing::Due(to),
        None => Standing::NotShown(to),
    })
}

fn opt_out(link: &Link, mapping: &Mapping) -> Option<Flag> {
    let is_out = |side| {
        link.consent
            .on(side)
            .is_some_and(|view| view.value.is_out())
    };
    let standing = match (is_out(Side::Salesforce), is_out(Side::Automation)) {
        (false, false) => return None,
        (true, true) => Standing::Agreed,
        (true, false) => opt_out_standing(link, mapping, Side::Automation),
        (false, true) => opt_out_standing(link, mapping, Side::Salesforce),
    };
    let seen = Side::BOTH
        .into_iter()
        .filter_map(|side| link.consent.on(side))
        .filter(|view| view.value.is_out());
    let dated = seen
        .clone()
        .filter_map(|view| view.evidence.opted_out)
        .chain(link.consent.opted_out)
        .map(|dated| dated.latest)
        .max();
    Some(Flag {
        matter: Matter::OptOut,
        standing,
        at: dated.or_else(|| seen.map(|view| view.since).min()),
    })
}

/// One side says out; how far that is from the other one.
fn opt_out_standing(link: &Link, mapping: &Mapping, to: Side) -> Standing {
    if !link.is_live(to) {
        return Standing::Alone(to);
    }
    let said = link.consent.on(to).map(|view| view.value);
    if said == Some(Consent::Bounced) {
        return Standing::Bounced;
    }
    if rule(link, mapping, Role::Consent).is_none() {
        return Standing::NotMapped;
    }
    let back = link.pending(to.other());
    let is_back = back.is_some_and(|pending| pending.consent == Some(Consent::In));
    let carries = |pending: &Pending| pending.consent.is_some_and(Consent::is_out);
    travel(link, to, None, carries).unwrap_or_else(|| match said {
        _ if is_back => Standing::OptInOnItsWay(to.other()),
        Some(_) => Standing::Due(to),
        None => Standing::NotShown(to),
    })
}

/// What keeps a word from the other side, the most in need of a person first. `None` if nothing does
/// and nothing carries it.
fn travel(
    link: &Link,
    to: Side,
    field: Option<FieldId>,
    carries: impl Fn(&Pending) -> bool,
) -> Option<Standing> {
    let own = field.map_or(Subject::Consent, Subject::Field);
    let held = [own, Subject::Identity, Subject::Write(to)];
    if let Some(subject) = held.into_iter().find(|subject| holds(link, *subject)) {
        return Some(Standing::Held(subject));
    }
    if let Some(parked) = &link.parked {
        return Some(Standing::Parked(parked.clone()));
    }
    let pending = link.pending(to)?;
    match pending.state {
        PendingState::Dead => Some(Standing::GivenUp(to)),
        PendingState::Asking => Some(Standing::Asking),
        PendingState::Waiting(until) if carries(pending) => Some(Standing::Waiting(to, until)),
        _ => carries(pending).then_some(Standing::OnItsWay(to)),
    }
}

fn holds(link: &Link, subject: Subject) -> bool {
    link.conflicts
        .iter()
        .any(|conflict| conflict.subject == subject)
}

fn rule<'a>(link: &Link, mapping: &'a Mapping, role: Role) -> Option<&'a FieldRule> {
    let object = link.salesforce.as_ref().map(|end| end.object);
    let rule = mapping.with_role(link.kind, role)?;
    object
        .is_none_or(|object| rule.objects.contains(&object))
        .then_some(rule)
}

#[cfg(test)]
mod tests;
