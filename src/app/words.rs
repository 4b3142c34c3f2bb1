//! What the product's states are called when a person reads them. One sentence each.

use crate::domain::conflict::{Cause, Conflict, Subject};
use crate::domain::consent::{Consent, Reason};
use crate::domain::ids::{FieldId, Side};
use crate::domain::link::{Link, Parked, PendingState};
use crate::domain::mapping::{Arrow, Policy};
use crate::domain::record::Happened;
use crate::domain::row::RowState;
use crate::domain::value::Value;
use crate::engine::decide::Step;

pub(super) fn ignored(reason: &str) -> &str {
    match reason {
        "no_email" => "records without an e-mail address: nothing pairs them",
        "object_not_selected" => "records of objects that are not selected",
        "gone_before_linked" => "records deleted, merged or converted before they were known",
        "creation_not_allowed" => "records that may not be created on the other side",
        "activity_of_unknown_contact" => "activities of contacts that are not linked",
        "hint_unpublished" => "webhook hints while the plugin is unpublished",
        "hint_too_early" => "webhook hints before everybody was read once",
        "hint_dropped" => "webhook hints left to the next reading",
        "activity_unreadable" => "activities whose id or time cannot be read",
        "activity_of_person_not_in_salesforce" => "activities of people not in Salesforce",
        other => other,
    }
}

/// `Phone` ↔ `phone`, by the names of both systems.
pub(super) fn field(policy: Option<&Policy>, link: &Link, id: FieldId) -> String {
    let rule = policy.and_then(|policy| policy.mapping.rule(link.kind, id));
    rule.map_or_else(
        || format!("field {id}"),
        |rule| format!("{} ↔ {}", rule.salesforce, rule.automation),
    )
}

/// Which side has priority, as the set-up guide draws it.
pub(super) const fn arrow(arrow: Arrow) -> &'static str {
    match arrow {
        Arrow::Salesforce => "→",
        Arrow::Automation => "←",
        Arrow::Both => "↔",
    }
}

pub(super) fn subject(policy: Option<&Policy>, link: &Link, subject: Subject) -> String {
    match subject {
        Subject::Identity => "identity".to_owned(),
        Subject::Deletion => "deletion".to_owned(),
        Subject::Consent => "consent".to_owned(),
        Subject::Write(side) => format!("writing to {side}"),
        Subject::Field(id) => field(policy, link, id),
    }
}

/// Why it is held, in one sentence.
pub(super) fn cause(conflict: &Conflict) -> String {
    match &conflict.cause {
        Cause::BothChanged { .. } => {
            "both systems changed it since they last agreed, and differently".to_owned()
        }
        Cause::BothSet { .. } => {
            "both systems have a value, they never agreed on one, and neither has priority"
                .to_owned()
        }
        Cause::AgainstArrow { edited, value } => format!(
            "{edited} changed it to “{value}”, but {} has priority and the rule asks for review",
            edited.other()
        ),
        Cause::SeveralMatch { matches } => {
            let records: Vec<String> = matches.iter().map(ToString::to_string).collect();
            format!("several records could be the same: {}", records.join(", "))
        }
        Cause::EmailTaken { side, address, by } => {
            format!("{address} is in {side} already, on the record of link {by}")
        }
        Cause::DeletedAndEdited { deleted } => format!(
            "it was deleted in {deleted} and edited or seen again in {}",
            deleted.other()
        ),
        Cause::ConsentWithoutProof { opted_in } => format!(
            "{opted_in} says the person may be mailed, {} says not, and no date proves which is \
             newer",
            opted_in.other()
        ),
        Cause::Restored => {
            "it is back from Salesforce's recycle bin, and the flag of its deletion is still set \
             in Automation"
                .to_owned()
        }
        Cause::Refused { side, failure, .. } => format!("{side} refused the write: {failure}"),
        Cause::RequiredBlank { side, .. } => format!("{side} requires a value, and it is blank"),
        Cause::NotKept { side, sent, kept } => {
            format!("{side} took “{sent}” and kept “{kept}”")
        }
        Cause::AccountMissing { name } => {
            format!("there is no Account “{name}”, and none was made")
        }
        Cause::SeveralAccounts { name } => {
            format!("several Accounts are called “{name}”, and nothing tells which it is")
        }
        Cause::ChangedSince { .. } => {
            "it was to be undone, and somebody changed it since; “base” is what undoing would \
             bring back"
                .to_owned()
        }
    }
}

/// The same without the values in it, so that conflicts of one cause can be counted.
pub(super) const fn cause_of_many(cause: &Cause) -> &'static str {
    match cause {
        Cause::BothChanged { .. } => "both systems changed a field since they last agreed",
        Cause::BothSet { .. } => "both systems have a value, and neither has priority",
        Cause::AgainstArrow { .. } => "an edit against the arrow, held for review",
        Cause::SeveralMatch { .. } => "several records could be the same",
        Cause::EmailTaken { .. } => "an e-mail address is on somebody else's record",
        Cause::DeletedAndEdited { .. } => {
            "deleted in one system, edited or seen again in the other"
        }
        Cause::ConsentWithoutProof { .. } => {
            "may be mailed in one system and not in the other, undated"
        }
        Cause::Restored => "back from Salesforce's recycle bin",
        Cause::Refused { .. } => "a value was refused",
        Cause::RequiredBlank { .. } => "a required value is blank",
        Cause::NotKept { .. } => "a value was not kept as it was written",
        Cause::AccountMissing { .. } => "the Account is missing, and none was made",
        Cause::SeveralAccounts { .. } => "several Accounts have that name",
        Cause::ChangedSince { .. } => "to be undone, and changed since",
    }
}

/// One rule of a decision, as it applied.
pub(super) fn step(step: Step) -> String {
    match step {
        Step::NotShown(side) => format!("{side} does not show the field"),
        Step::Equal => "both systems show the same".to_owned(),
        Step::AsAgreed => "both systems show what they agreed on".to_owned(),
        Step::FirstSight => "they never agreed on a value before".to_owned(),
        Step::Changed(side) => format!("{side} changed it since they last agreed"),
        Step::BlankNeverClears(side) => {
            format!("{side} emptied it, and a blank does not clear the other side")
        }
        Step::BlankClears(side) => format!("{side} emptied it, and this rule lets a blank clear"),
        Step::FillsBlank(side) => {
            format!("it is blank in {side}; “update blank values” lets the other side fill it")
        }
        Step::BlankStays(side) => {
            format!("it is blank in {side}, which has priority; “update blank values” is off")
        }
        Step::Priority(side) => format!("{side}'s value is taken"),
        Step::AgainstArrow(side) => format!("{} has priority over {side}", side.other()),
        Step::HeldForReview => "the rule holds such edits for a person".to_owned(),
        Step::EditLost(side) => format!("the edit in {side} is kept in the history"),
        Step::Later(side) => format!("{side}'s edit is surely the later one"),
        Step::NotDated => "no dates tell which edit is later".to_owned(),
        Step::BothWays => "the arrow goes both ways: neither has priority".to_owned(),
    }
}

pub(super) fn consent(consent: Option<Consent>) -> &'static str {
    match consent {
        None => "not shown",
        Some(Consent::In) => "may be mailed",
        Some(Consent::Out(Reason::Unstated)) => "opted out",
        Some(Consent::Out(Reason::Manual)) => "opted out (set by a user or an integration)",
        Some(Consent::Out(Reason::Unsubscribed)) => "opted out (unsubscribed)",
        Some(Consent::Bounced) => "bounced",
    }
}

pub(super) fn state(state: RowState) -> String {
    match state {
        RowState::Live => "live".to_owned(),
        RowState::Deleted => "deleted".to_owned(),
        RowState::MergedSalesforce(id) => format!("merged into {id}"),
        RowState::MergedAutomation(id) => format!("merged into {id}"),
        RowState::Converted(id) => format!("converted to Contact {id}"),
    }
}

pub(super) fn parked(parked: &Parked) -> String {
    match parked {
        Parked::NoEmail => "has no e-mail address, so nothing pairs it".to_owned(),
        Parked::ObjectNotSelected => "is of an object that is not selected".to_owned(),
        Parked::ShadowedByContact(link) => format!("gives way to the Contact of link {link}"),
        Parked::GoneBeforeLinked => "was gone before it was linked".to_owned(),
        Parked::Quarantined { until: None } => "was set aside by an operator".to_owned(),
        Parked::Quarantined { until: Some(until) } => {
            format!("was set aside by an operator until {until}")
        }
        Parked::Unlinked => "was taken apart by an operator".to_owned(),
        Parked::CreationNotAllowed => "may not be created on the other side".to_owned(),
    }
}

pub(super) fn pending(state: PendingState) -> String {
    match state {
        PendingState::Planned => "ready".to_owned(),
        PendingState::Issued => "under way".to_owned(),
        PendingState::Waiting(until) => format!("waits until {until}"),
        PendingState::Dead => "given up".to_owned(),
        PendingState::Asking => "asking what it depends on".to_owned(),
    }
}

pub(super) fn value(value: Option<&Value>) -> String {
    match value {
        None => "not shown".to_owned(),
        Some(Value::Blank) => "(blank)".to_owned(),
        Some(value) => value.to_string(),
    }
}

pub(super) fn happened(policy: Option<&Policy>, link: &Link, what: &Happened) -> String {
    let name = |id: &FieldId| field(policy, link, *id);
    let shown = |v: &Value| value(Some(v));
    match what {
        Happened::Linked => "the two records were paired".to_owned(),
        Happened::Created(side) => format!("created in {side}"),
        Happened::Written {
            side,
            field,
            before,
            after,
        } => {
            format!(
                "{side}: {} from {} to {}",
                name(field),
                shown(before),
                shown(after)
            )
        }
        Happened::Overwritten {
            side,
            field,
            lost,
            by,
        } => format!(
            "{side}: the edit {} of {} is overwritten by {}",
            shown(lost),
            name(field),
            shown(by)
        ),
        Happened::StoredAs {
            side,
            field,
            sent,
            stored,
        } => {
            format!(
                "{side} stored {} of {} as {}",
                shown(sent),
                name(field),
                shown(stored)
            )
        }
        Happened::ConsentChanged {
            side,
            before,
            after,
            ..
        } => format!(
            "{side}: consent from “{}” to “{}”",
            consent(*before),
            consent(Some(*after))
        ),
        Happened::ConflictRaised(of) => format!("conflict: {}", subject(policy, link, *of)),
        Happened::ConflictResolved { subject: of, by } => {
            format!("{by} decided: {}", subject(policy, link, *of))
        }
        Happened::Deleted(side) => format!("deleted in {side}"),
        Happened::Restored(side) => format!("restored in {side}"),
        Happened::Moved { side, from, to } => format!("{side}: from {from} to {to}"),
        Happened::Refused {
            side,
            code,
            message,
        } => format!("{side} refused: {code}: {message}"),
        Happened::Operator { by, act, reason } => format!("{by}: {act} ({reason})"),
    }
}

/// Both sides' records in a few words.
pub(super) fn records(link: &Link) -> String {
    let salesforce = link.salesforce.as_ref().map_or_else(
        || "not in Salesforce".to_owned(),
        |end| format!("{} {}", end.object, end.id),
    );
    let automation = link.automation.as_ref().map_or_else(
        || "not in Automation".to_owned(),
        |end| match link.kind {
            crate::domain::ids::Kind::Person => format!("contact {}", end.id),
            crate::domain::ids::Kind::Company => format!("company {}", end.id),
        },
    );
    format!("{salesforce} ↔ {automation}")
}

/// How a side is called in a list of values.
pub(super) const fn side(side: Side) -> &'static str {
    match side {
        Side::Salesforce => "Salesforce",
        Side::Automation => "Automation",
    }
}
