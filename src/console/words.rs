//! What the product's states are called when a person reads them, in the language that is spoken.

mod access;
mod acts;
mod audit;
mod doctor;
mod flags;
mod plugin;
mod records;
mod setup;

pub use audit::{SpokenVerdict, spoken_verdict};
pub use doctor::{Spoken, spoken};
pub use flags::{SpokenFlag, spoken_flag};
pub(super) use plugin::sign;
pub use setup::{Time, objected, spoken_changes, spoken_forecast};

use crate::console::language::Language;
use crate::domain::command::{Fact, Queue, Refusal};
use crate::domain::conflict::{Cause, Choice, Conflict, Subject};
use crate::domain::consent::{Consent, Reason};
use crate::domain::exchange::Asked;
use crate::domain::ids::{FieldId, Kind, LinkId, Side};
use crate::domain::link::{Edited, Link, Parked, PendingState};
use crate::domain::mapping::Policy;
use crate::domain::operator::{Present, Role};
use crate::domain::record::Happened;
use crate::domain::row::RowState;
use crate::domain::snapshot::Phase;
use crate::domain::time::{Span, Timestamp};
use crate::domain::trace::Step;
use crate::domain::value::Value;

/// Everything that words depend on.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) language: &'a Language,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
}

impl Words<'_> {
    fn sided(&self, key: &str, side: Side) -> String {
        let (side, other) = (side.to_string(), side.other().to_string());
        self.language
            .with(key, &[("side", &side), ("other", &other)])
    }

    /// With what the system said, in its own words.
    fn failed(&self, key: &str, side: Side, failure: &str) -> String {
        let gaps = [("side", &*side.to_string()), ("failure", failure)];
        self.language.with(key, &gaps)
    }

    /// A contact's name and its link's number: the name alone may be that of two.
    pub(super) fn titled(&self, name: &str, link: LinkId) -> String {
        let gaps = [("name", name), ("link", &link.to_string())];
        self.language.with("titled", &gaps)
    }

    /// `MobilePhone ↔ mobile`, by the names of both systems.
    pub(super) fn field(&self, kind: Kind, id: FieldId) -> String {
        self.policy.mapping.rule(kind, id).map_or_else(
            || format!("#{id}"),
            |rule| format!("{} ↔ {}", rule.salesforce, rule.automation),
        )
    }

    /// The field's name in one of the systems.
    pub(super) fn field_on(&self, kind: Kind, id: FieldId, side: Side) -> String {
        self.policy.mapping.rule(kind, id).map_or_else(
            || format!("#{id}"),
            |rule| match side {
                Side::Salesforce => rule.salesforce.clone(),
                Side::Automation => rule.automation.clone(),
            },
        )
    }

    pub(super) fn subject(&self, kind: Kind, subject: Subject) -> String {
        match subject {
            Subject::Identity => self.language.text("subject-identity").to_owned(),
            Subject::Deletion => self.language.text("subject-deletion").to_owned(),
            Subject::Consent => self.language.text("subject-consent").to_owned(),
            Subject::Write(side) => self.sided("subject-write", side),
            Subject::Field(id) => self.field(kind, id),
        }
    }

    /// What deciding which records are the same does, and leaves.
    pub(super) fn pairing(&self, conflict: &Conflict) -> Option<String> {
        let Cause::SeveralMatch { matches } = &conflict.cause else {
            return None;
        };
        Some(self.language.count("pairing", matches.len() as u64 + 1))
    }

    /// Why it is held, in one sentence.
    pub(super) fn cause(&self, conflict: &Conflict) -> String {
        let say = self.language;
        match &conflict.cause {
            Cause::BothChanged { .. } => say.text("cause-both-changed").to_owned(),
            Cause::BothSet { .. } => say.text("cause-both-set").to_owned(),
            Cause::AgainstArrow { edited, .. } => self.sided("cause-against-arrow", *edited),
            Cause::SeveralMatch { matches } => say.with(
                "cause-several-match",
                &[("records", &self.numbered(matches))],
            ),
            Cause::EmailTaken { side, address, by } => say.with(
                "cause-email-taken",
                &[
                    ("side", &side.to_string()),
                    ("address", &self.value(Some(address))),
                    ("link", &by.to_string()),
                ],
            ),
            Cause::DeletedAndEdited { deleted } => self.sided("cause-deleted-and-edited", *deleted),
            Cause::ConsentWithoutProof { opted_in } => {
                self.sided("cause-consent-without-proof", *opted_in)
            }
            Cause::Restored => say.text("cause-restored").to_owned(),
            Cause::Refused { side, failure, .. } => {
                self.failed("cause-refused", *side, &failure.to_string())
            }
            Cause::RequiredBlank { side, .. } => self.sided("cause-required-blank", *side),
            Cause::NotKept { side, sent, kept } => say.with(
                "cause-not-kept",
                &[
                    ("side", &side.to_string()),
                    ("sent", &self.value(Some(sent))),
                    ("kept", &self.value(Some(kept))),
                ],
            ),
            Cause::AccountMissing { name } => say.with("cause-account-missing", &[("name", name)]),
            Cause::SeveralAccounts { name } => {
                say.with("cause-several-accounts", &[("name", name)])
            }
            Cause::ChangedSince { .. } => say.text("cause-changed-since").to_owned(),
        }
    }

    /// One rule of the engine's trace.
    pub(super) fn step(&self, step: Step) -> String {
        let say = self.language;
        match step {
            Step::NotShown(side) => self.sided("step-not-shown", side),
            Step::Equal => say.text("step-equal").to_owned(),
            Step::AsAgreed => say.text("step-as-agreed").to_owned(),
            Step::FirstSight => say.text("step-first-sight").to_owned(),
            Step::Changed(side) => self.sided("step-changed", side),
            Step::BlankNeverClears(side) => self.sided("step-blank-never-clears", side),
            Step::BlankClears(side) => self.sided("step-blank-clears", side),
            Step::FillsBlank(side) => self.sided("step-fills-blank", side),
            Step::BlankStays(side) => self.sided("step-blank-stays", side),
            Step::Priority(side) => self.sided("step-priority", side),
            Step::AgainstArrow(side) => self.sided("step-against-arrow", side),
            Step::HeldForReview => say.text("step-held-for-review").to_owned(),
            Step::EditLost(side) => self.sided("step-edit-lost", side),
            Step::Later(side) => self.sided("step-later", side),
            Step::NotDated => say.text("step-not-dated").to_owned(),
            Step::BothWays => say.text("step-both-ways").to_owned(),
        }
    }

    pub(super) fn consent(&self, consent: Option<Consent>) -> &str {
        self.language.text(match consent {
            None => "consent-unknown",
            Some(Consent::In) => "consent-in",
            Some(Consent::Out(Reason::Unstated)) => "consent-out",
            Some(Consent::Out(Reason::Manual)) => "consent-manual",
            Some(Consent::Out(Reason::Unsubscribed)) => "consent-unsubscribed",
            Some(Consent::Bounced) => "consent-bounced",
        })
    }

    pub(super) fn value(&self, value: Option<&Value>) -> String {
        match value {
            None => self.language.text("not-shown").to_owned(),
            Some(Value::Blank) => self.language.text("blank").to_owned(),
            Some(Value::Bool(true)) => self.language.text("true").to_owned(),
            Some(Value::Bool(false)) => self.language.text("false").to_owned(),
            Some(Value::Moment(at)) => moment(*at),
            Some(value) => value.to_string(),
        }
    }

    pub(super) fn choice(&self, choice: &Choice) -> String {
        let say = self.language;
        match choice {
            Choice::Salesforce => say.text("choice-salesforce").to_owned(),
            Choice::Automation => say.text("choice-automation").to_owned(),
            Choice::Base => say.text("choice-base").to_owned(),
            Choice::Typed(value) => {
                say.with("choice-typed", &[("value", &self.value(Some(value)))])
            }
            Choice::KeepBoth => say.text("choice-keep-both").to_owned(),
            Choice::OptOut => say.text("choice-opt-out").to_owned(),
            Choice::OptIn => say.text("choice-opt-in").to_owned(),
            Choice::Pair(record) => {
                say.with("choice-pair", &[("record", &self.record_of(*record))])
            }
            Choice::Retry => say.text("choice-retry").to_owned(),
        }
    }

    pub(super) fn row_state(&self, state: RowState) -> String {
        let say = self.language;
        match state {
            RowState::Live => say.text("state-live").to_owned(),
            RowState::Deleted => say.text("state-deleted").to_owned(),
            RowState::MergedSalesforce(id) => {
                say.with("state-merged", &[("into", &id.to_string())])
            }
            RowState::MergedAutomation(id) => {
                say.with("state-merged", &[("into", &id.to_string())])
            }
            RowState::Converted(id) => say.with("state-converted", &[("into", &id.to_string())]),
        }
    }

    pub(super) fn parked(&self, parked: &Parked) -> String {
        let say = self.language;
        match parked {
            Parked::NoEmail => say.text("parked-no-email").to_owned(),
            Parked::ObjectNotSelected => say.text("parked-object").to_owned(),
            Parked::ShadowedByContact(link) => {
                say.with("parked-shadowed", &[("link", &link.to_string())])
            }
            Parked::GoneBeforeLinked => say.text("parked-gone").to_owned(),
            Parked::Quarantined { until: None } => say.text("parked-aside").to_owned(),
            Parked::Quarantined { until: Some(until) } => {
                say.with("parked-aside-until", &[("until", &moment(*until))])
            }
            Parked::Unlinked => say.text("parked-unlinked").to_owned(),
            Parked::CreationNotAllowed => say.text("parked-creation").to_owned(),
        }
    }

    pub(super) fn pending(&self, state: PendingState) -> String {
        let say = self.language;
        match state {
            PendingState::Planned => say.text("pending-planned").to_owned(),
            PendingState::Issued => say.text("pending-issued").to_owned(),
            PendingState::Waiting(until) => {
                say.with("pending-waiting", &[("until", &moment(until))])
            }
            PendingState::Dead => say.text("pending-dead").to_owned(),
            PendingState::Asking => say.text("pending-asking").to_owned(),
        }
    }

    pub(super) fn asked(&self, asked: Asked) -> &str {
        self.language.text(match asked {
            Asked::Describe => "asked-describe",
            Asked::Changes => "asked-changes",
            Asked::Audit => "asked-audit",
            Asked::Rows => "asked-rows",
            Asked::Find => "asked-find",
            Asked::Evidence => "asked-evidence",
            Asked::Write => "asked-write",
            Asked::ReadActivities => "asked-read-activities",
            Asked::SendActivities => "asked-send-activities",
        })
    }

    pub(super) fn queue(&self, queue: Queue) -> &str {
        self.language.text(match queue {
            Queue::Salesforce => "queue-salesforce",
            Queue::Automation => "queue-automation",
            Queue::Activities => "queue-activities",
        })
    }

    pub(super) fn phase(&self, phase: Phase) -> &str {
        self.language.text(match phase {
            Phase::Idle => "phase-idle",
            Phase::Describing => "phase-describing",
            Phase::Reading => "phase-reading",
            Phase::Pushing => "phase-writing",
            Phase::Transferring => "phase-transferring",
        })
    }

    /// Why something that was read is left out.
    pub(super) fn left_out<'b>(&'b self, reason: &'b str) -> &'b str {
        self.language.text(match reason {
            "no_email" => "left-out-no-email",
            "object_not_selected" => "left-out-object",
            "gone_before_linked" => "left-out-gone",
            "creation_not_allowed" => "left-out-creation",
            "activity_of_unknown_contact" => "left-out-stranger",
            "activity_of_person_not_in_salesforce" => "left-out-one-sided",
            "activity_discarded" => "left-out-discarded",
            "activity_unreadable" => "left-out-unreadable",
            "hint_unpublished" => "left-out-hint-unpublished",
            "hint_too_early" => "left-out-hint-early",
            "hint_dropped" => "left-out-hint-dropped",
            // One of a later engine than these words.
            other => return other,
        })
    }

    /// What an operator may do.
    pub(super) fn right(&self, role: Role) -> &str {
        self.language.text(match role {
            Role::Viewer => "role-viewer",
            Role::Operator => "role-operator",
            Role::Admin => "role-admin",
        })
    }

    /// Somebody else has the same contact open.
    pub(super) fn company(&self, other: &Present) -> String {
        let (who, since) = (&other.operator.name, clock(other.since));
        let say = self.language;
        say.with("company", &[("who", who), ("since", &since)])
    }

    pub(super) fn refusal(&self, refusal: &Refusal) -> String {
        let say = self.language;
        let (key, what) = match refusal {
            Refusal::OlderGeneration {
                link,
                decided: Some((by, at)),
                ..
            } => {
                return say.with(
                    "refused-older-by",
                    &[
                        ("what", &link.to_string()),
                        ("by", by),
                        ("at", &moment(*at)),
                    ],
                );
            }
            Refusal::OlderGeneration { link, .. } => ("refused-older", link.to_string()),
            Refusal::NoSuchLink(link) => ("refused-no-link", link.to_string()),
            Refusal::NoSuchConflict(link) => ("refused-no-conflict", link.to_string()),
            Refusal::ChoiceDoesNotFit(link) => ("refused-choice", link.to_string()),
            Refusal::NoBrake => return say.text("brake-not-pulled").to_owned(),
            Refusal::NothingToUndo => return say.text("refused-undo").to_owned(),
            Refusal::NoSuchPlan(run) => ("refused-no-plan", run.to_string()),
            Refusal::OptOutStays(link) => ("refused-opt-out", link.to_string()),
            Refusal::OtherWrite(link) => ("refused-other-write", link.to_string()),
            Refusal::AddressTaken { by, .. } => ("refused-address", by.to_string()),
            Refusal::OlderConfiguration {
                made: Some((by, at)),
                ..
            } => {
                let gaps = [("by", by.as_str()), ("at", &moment(*at))];
                return say.with("refused-configuration-by", &gaps);
            }
            Refusal::OlderConfiguration { .. } => {
                return say.text("refused-configuration").to_owned();
            }
            Refusal::Objected(objections) => {
                let first = objections.first().map(|one| self.objection(one));
                ("refused-objected", first.unwrap_or_default())
            }
            Refusal::NothingChanges => return say.text("refused-nothing").to_owned(),
        };
        say.with(key, &[("what", &what)])
    }

    /// What is worth a word when it happens.
    pub(super) fn fact(&self, fact: &Fact) -> Option<String> {
        let say = self.language;
        match fact {
            Fact::CycleStarted | Fact::CycleEnded | Fact::Surveyed(_) => None,
            Fact::SurveyFailed => Some(say.text("told-survey-failed").to_owned()),
            Fact::Accepted(run) => Some(say.with("told-accepted", &[("run", &run.to_string())])),
            Fact::AcceptedInPart { run, refused } => Some(self.taken_in_part(*run, refused)),
            Fact::Refused(refusal) => Some(self.refusal(refusal)),
            Fact::SideStopped { side, failure } => {
                Some(self.failed("told-side-stopped", *side, &failure.to_string()))
            }
            Fact::SideWaits {
                side,
                until,
                failure,
            } => Some(say.with(
                "told-side-waits",
                &[
                    ("side", &side.to_string()),
                    ("until", &moment(*until)),
                    ("failure", &failure.to_string()),
                ],
            )),
            Fact::BrakePulled { overwrites, .. } => {
                Some(say.with("told-brake", &[("n", &say.number(*overwrites))]))
            }
            Fact::PlanFinished(plan) => Some(say.with(
                "told-plan",
                &[
                    ("run", &plan.run.to_string()),
                    ("sent", &say.number(plan.sent)),
                    ("there", &say.number(plan.already_there)),
                    ("held", &say.number(plan.held)),
                ],
            )),
        }
    }

    /// When the value got where it is, as closely as we know.
    pub(super) fn edited(&self, edited: Option<Edited>) -> String {
        match edited {
            None => String::new(),
            Some(Edited { after, by }) if after == Timestamp::ZERO => {
                self.language.with("edited-by-then", &[("by", &moment(by))])
            }
            Some(Edited { after, by }) => self.language.with(
                "edited-between",
                &[("after", &moment(after)), ("by", &moment(by))],
            ),
        }
    }

    /// Who edited the record last on that side, and when; the field's editor is not known.
    pub(super) fn last_edit(&self, link: &Link, side: Side) -> String {
        let (modified, by) = match side {
            Side::Salesforce => (
                link.salesforce.as_ref().map(|end| end.modified),
                link.salesforce
                    .as_ref()
                    .and_then(|end| end.edited_by.clone()),
            ),
            Side::Automation => (
                link.automation.as_ref().map(|end| end.modified),
                link.automation
                    .as_ref()
                    .and_then(|end| end.edited_by.clone()),
            ),
        };
        let Some(modified) = modified.filter(|at| *at > Timestamp::ZERO) else {
            return String::new();
        };
        let at = moment(modified);
        match by {
            Some(by) => self
                .language
                .with("last-edit-by", &[("at", &at), ("by", &by)]),
            None => self.language.with("last-edit", &[("at", &at)]),
        }
    }

    /// `3 min ago`, or `in 3 min`.
    pub(super) fn relative(&self, at: Timestamp) -> String {
        let span = self.now.since(at);
        let (key, span) = if span < Span::ZERO {
            ("in-time", Span(-span.0))
        } else {
            ("time-ago", span)
        };
        self.language.with(key, &[("time", &self.span(span))])
    }

    /// The time of day, and the day unless it is today.
    pub(super) fn clock_or_day(&self, at: Timestamp) -> String {
        let day = |at: Timestamp| moment(at).get(..10).map(str::to_owned);
        if day(at) == day(self.now) {
            clock(at)
        } else {
            moment(at)
        }
    }

    pub(super) fn span(&self, span: Span) -> String {
        let seconds = span.0 / 1_000;
        let (n, unit) = match seconds {
            0..60 => (seconds, "unit-second"),
            60..3_600 => (seconds / 60, "unit-minute"),
            3_600..172_800 => (seconds / 3_600, "unit-hour"),
            _ => (seconds / 86_400, "unit-day"),
        };
        format!("{n} {}", self.language.text(unit))
    }

    pub(super) fn happened(&self, kind: Kind, what: &Happened) -> String {
        let say = self.language;
        match what {
            Happened::Linked => say.text("happened-linked").to_owned(),
            Happened::Created(side) => self.sided("happened-created", *side),
            Happened::Written {
                side,
                field,
                before,
                after,
            } => self.moved("happened-written", *side, kind, *field, before, after),
            Happened::Overwritten {
                side,
                field,
                lost,
                by,
            } => self.moved("happened-overwritten", *side, kind, *field, lost, by),
            Happened::StoredAs {
                side,
                field,
                sent,
                stored,
            } => self.moved("happened-stored-as", *side, kind, *field, sent, stored),
            Happened::ConsentChanged {
                side,
                before,
                after,
                ..
            } => say.with(
                "happened-consent",
                &[
                    ("side", &side.to_string()),
                    ("before", self.consent(*before)),
                    ("after", self.consent(Some(*after))),
                ],
            ),
            Happened::ConflictRaised(subject) => say.with(
                "happened-raised",
                &[("what", &self.subject(kind, *subject))],
            ),
            Happened::ConflictResolved { subject, by } => say.with(
                "happened-resolved",
                &[("what", &self.subject(kind, *subject)), ("by", by)],
            ),
            Happened::Deleted(side) => self.sided("happened-deleted", *side),
            Happened::Restored(side) => self.sided("happened-restored", *side),
            Happened::Moved { side, from, to } => say.with(
                "happened-moved",
                &[("side", &side.to_string()), ("from", from), ("to", to)],
            ),
            Happened::Refused {
                side,
                code,
                message,
            } => self.failed("cause-refused", *side, &format!("{code}: {message}")),
            Happened::Operator { by, act, reason } => say.with(
                "happened-act",
                &[("by", by), ("act", self.act(act)), ("reason", reason)],
            ),
        }
    }

    fn moved(
        &self,
        key: &str,
        side: Side,
        kind: Kind,
        field: FieldId,
        from: &Value,
        to: &Value,
    ) -> String {
        self.language.with(
            key,
            &[
                ("side", &side.to_string()),
                ("field", &self.field_on(kind, field, side)),
                ("from", &self.value(Some(from))),
                ("to", &self.value(Some(to))),
            ],
        )
    }
}

/// With its zone: `2026-03-04 09:15 UTC`.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

pub(super) fn clock(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(11..19)
        .map_or_else(|| text.clone(), |time| format!("{time} UTC"))
}
