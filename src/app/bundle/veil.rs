//! What the store keeps, with everything in it that is somebody's replaced, so that the same screens can
//! show it. Each part is built anew from what may be told: a field that is not named here is not told.

use crate::app::mask::Mask;
use crate::domain::activity::{Activity, HeldActivity};
use crate::domain::conflict::{Cause, Conflict};
use crate::domain::drift::Descriptions;
use crate::domain::exchange::{About, Exchange, Whom};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{
    AutomationId, FieldId, Kind, LinkId, RemoteId, SalesforceId, SalesforceObject, Side,
};
use crate::domain::link::{
    AutomationEnd, Base, Decided, FieldState, Link, Parked, Pending, SalesforceEnd,
};
use crate::domain::mapping::Policy;
use crate::domain::record::{Act, Happened, HistoryEntry, Plan, PolicyVersion, UndoStep};
use crate::domain::request::{AutomationDescription, FieldDescription, SalesforceDescription};
use crate::domain::row::RowState;
use crate::domain::snapshot::Snapshot;
use crate::domain::value::Value;
use crate::engine::observe::match_text;

/// Of one act; its object says how many there were.
const STEPS_MAX: usize = 50;

/// Who is covered up, and by what.
pub(super) struct Veil<'a> {
    pub(super) mask: &'a Mask,
    pub(super) policy: &'a Policy,
}

/// Whose values these are: their name is replaced by their token wherever it stands.
#[derive(Clone, Copy)]
struct Whose<'a> {
    name: Option<&'a str>,
    link: Option<LinkId>,
}

const NOBODY: Whose<'static> = Whose {
    name: None,
    link: None,
};

impl Veil<'_> {
    fn whose<'l>(&self, link: &'l Link) -> Whose<'l> {
        let mut sides = Side::BOTH.into_iter();
        let name = sides.find_map(|side| match_text(link, &self.policy.mapping, side));
        let link = Some(link.id);
        Whose { name, link }
    }

    fn value(&self, whose: Whose<'_>, value: &Value) -> Value {
        match (value, whose.name, whose.link) {
            (Value::Blank | Value::Bool(_), ..) => value.clone(),
            (Value::Text(text), Some(name), Some(link)) if text.eq_ignore_ascii_case(name) => {
                Value::Text(self.mask.person(link))
            }
            _ => Value::Text(self.mask.value(value)),
        }
    }

    fn values(&self, whose: Whose<'_>, values: &[(FieldId, Value)]) -> Vec<(FieldId, Value)> {
        let values = values.iter();
        values
            .map(|(field, value)| (*field, self.value(whose, value)))
            .collect()
    }

    fn base(&self, whose: Whose<'_>, base: &Base) -> Base {
        Base {
            salesforce: self.value(whose, &base.salesforce),
            automation: self.value(whose, &base.automation),
        }
    }

    /// What somebody wrote, or a system said; nothing stays nothing.
    fn text(&self, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        self.mask.text(text)
    }

    pub(super) fn failure(&self, failure: &Failure) -> Failure {
        let message = self.text(&failure.message);
        Failure::new(failure.kind.clone(), failure.plain_code(), message)
    }

    fn id(&self, object: SalesforceObject, id: SalesforceId) -> SalesforceId {
        match self.mask.id(RemoteId::Salesforce(object, id)) {
            RemoteId::Salesforce(_, id) => id,
            RemoteId::Automation(..) => id,
        }
    }

    pub(super) fn link(&self, link: &Link) -> Link {
        let whose = self.whose(link);
        let id = self.mask.link(link.id);
        let fields = link.fields.iter().map(|state| self.field(whose, state));
        let conflicts = link.conflicts.iter();
        let pending = link
            .pending
            .iter()
            .map(|pending| self.pending(whose, pending));
        Link {
            id,
            kind: link.kind,
            salesforce: link.salesforce.as_ref().map(|end| self.salesforce(end)),
            automation: link
                .automation
                .as_ref()
                .map(|end| self.automation(link.kind, end)),
            fields: fields.collect(),
            consent: link.consent,
            generation: link.generation,
            conflicts: conflicts.map(|c| self.conflict(whose, c)).collect(),
            decided: link
                .decided
                .iter()
                .map(|d| self.decided(whose, d))
                .collect(),
            decided_consent: link.decided_consent,
            pending: pending.collect(),
            parked: link.parked.as_ref().map(|parked| match parked {
                Parked::ShadowedByContact(other) => {
                    Parked::ShadowedByContact(self.mask.link(*other))
                }
                other => other.clone(),
            }),
            diverged: link.diverged,
            // Made from addresses; whoever opens it makes its own, from tokens.
            match_keys: Vec::new(),
        }
    }

    fn salesforce(&self, end: &SalesforceEnd) -> SalesforceEnd {
        SalesforceEnd {
            object: end.object,
            id: self.id(end.object, end.id),
            first_id: self.id(end.object, end.first_id),
            state: self.state(end.object, end.state),
            modified: end.modified,
            edited_by: end.edited_by.as_deref().map(|by| self.mask.user(by)),
            account: end.account.map(|id| self.id(SalesforceObject::Account, id)),
            written_since: end.written_since,
        }
    }

    fn automation(&self, kind: Kind, end: &AutomationEnd) -> AutomationEnd {
        AutomationEnd {
            id: self.automation_id(kind, end.id),
            state: self.state(SalesforceObject::Contact, end.state),
            modified: end.modified,
            edited_by: end.edited_by.as_deref().map(|by| self.mask.user(by)),
            written_since: end.written_since,
        }
    }

    fn automation_id(&self, kind: Kind, id: AutomationId) -> AutomationId {
        match self.mask.id(RemoteId::Automation(kind, id)) {
            RemoteId::Automation(_, id) => id,
            RemoteId::Salesforce(..) => id,
        }
    }

    fn state(&self, object: SalesforceObject, state: RowState) -> RowState {
        match state {
            RowState::Live | RowState::Deleted => state,
            RowState::MergedSalesforce(id) => RowState::MergedSalesforce(self.id(object, id)),
            RowState::MergedAutomation(id) => {
                RowState::MergedAutomation(self.automation_id(object.kind(), id))
            }
            RowState::Converted(id) => RowState::Converted(self.id(SalesforceObject::Contact, id)),
        }
    }

    fn field(&self, whose: Whose<'_>, state: &FieldState) -> FieldState {
        let shown = |value: &Option<Value>| value.as_ref().map(|v| self.value(whose, v));
        FieldState {
            field: state.field,
            base: state.base.as_ref().map(|base| self.base(whose, base)),
            salesforce: shown(&state.salesforce),
            automation: shown(&state.automation),
            salesforce_edited: state.salesforce_edited,
            automation_edited: state.automation_edited,
        }
    }

    fn decided(&self, whose: Whose<'_>, decided: &Decided) -> Decided {
        Decided {
            field: decided.field,
            target: self.base(whose, &decided.target),
            saw: self.base(whose, &decided.saw),
            agreed: decided.agreed.as_ref().map(|base| self.base(whose, base)),
        }
    }

    fn pending(&self, whose: Whose<'_>, pending: &Pending) -> Pending {
        Pending {
            side: pending.side,
            write: pending.write,
            values: self.values(whose, &pending.values),
            consent: pending.consent,
            state: pending.state,
            attempts: pending.attempts,
            failure: pending.failure.as_ref().map(|f| self.failure(f)),
        }
    }

    fn conflict(&self, whose: Whose<'_>, conflict: &Conflict) -> Conflict {
        Conflict {
            subject: conflict.subject,
            cause: self.cause(whose, &conflict.cause),
            raised: conflict.raised,
        }
    }

    fn cause(&self, whose: Whose<'_>, cause: &Cause) -> Cause {
        let value = |v: &Value| self.value(whose, v);
        match cause {
            Cause::BothChanged {
                salesforce,
                automation,
            } => Cause::BothChanged {
                salesforce: value(salesforce),
                automation: value(automation),
            },
            Cause::BothSet {
                salesforce,
                automation,
            } => Cause::BothSet {
                salesforce: value(salesforce),
                automation: value(automation),
            },
            Cause::AgainstArrow { edited, value: v } => Cause::AgainstArrow {
                edited: *edited,
                value: value(v),
            },
            Cause::SeveralMatch { matches } => Cause::SeveralMatch {
                matches: matches.iter().map(|record| self.mask.id(*record)).collect(),
            },
            Cause::EmailTaken { side, address, by } => Cause::EmailTaken {
                side: *side,
                address: value(address),
                by: self.mask.link(*by),
            },
            // Nobody's values are in these.
            Cause::DeletedAndEdited { .. }
            | Cause::ConsentWithoutProof { .. }
            | Cause::Restored
            | Cause::RequiredBlank { .. } => cause.clone(),
            Cause::Refused {
                side,
                value: v,
                failure,
            } => Cause::Refused {
                side: *side,
                value: value(v),
                failure: self.failure(failure),
            },
            Cause::NotKept { side, sent, kept } => Cause::NotKept {
                side: *side,
                sent: value(sent),
                kept: value(kept),
            },
            Cause::AccountMissing { name } => Cause::AccountMissing {
                name: self.text(name),
            },
            Cause::SeveralAccounts { name } => Cause::SeveralAccounts {
                name: self.text(name),
            },
            Cause::ChangedSince {
                salesforce,
                automation,
            } => Cause::ChangedSince {
                salesforce: value(salesforce),
                automation: value(automation),
            },
        }
    }

    pub(super) fn history(&self, link: &Link, entry: &HistoryEntry) -> HistoryEntry {
        let whose = self.whose(link);
        let value = |v: &Value| self.value(whose, v);
        let what = match &entry.what {
            Happened::Written {
                side,
                field,
                before,
                after,
            } => Happened::Written {
                side: *side,
                field: *field,
                before: value(before),
                after: value(after),
            },
            Happened::Overwritten {
                side,
                field,
                lost,
                by,
            } => Happened::Overwritten {
                side: *side,
                field: *field,
                lost: value(lost),
                by: value(by),
            },
            Happened::StoredAs {
                side,
                field,
                sent,
                stored,
            } => Happened::StoredAs {
                side: *side,
                field: *field,
                sent: value(sent),
                stored: value(stored),
            },
            other => self.without_values(other),
        };
        HistoryEntry {
            at: entry.at,
            run: entry.run,
            what,
        }
    }

    /// What happened besides values: whatever may hold one is told without it.
    fn without_values(&self, what: &Happened) -> Happened {
        match what {
            Happened::ConflictResolved { subject, by } => Happened::ConflictResolved {
                subject: *subject,
                by: self.mask.user(by),
            },
            Happened::Moved { side, from, to } => Happened::Moved {
                side: *side,
                from: self.mask.reference(from),
                to: self.mask.reference(to),
            },
            Happened::Refused {
                side,
                code,
                message,
            } => {
                let kind = FailureKind::Broken;
                let failure = self.failure(&Failure::new(kind, code.as_str(), message.as_str()));
                Happened::Refused {
                    side: *side,
                    code: failure.code,
                    message: failure.message,
                }
            }
            Happened::Operator { by, act, reason } => Happened::Operator {
                by: self.mask.user(by),
                act: act.clone(),
                reason: self.text(reason),
            },
            Happened::Linked
            | Happened::Created(_)
            | Happened::Deleted(_)
            | Happened::Restored(_)
            | Happened::ConflictRaised(_)
            | Happened::ConsentChanged { .. } => what.clone(),
            // Told above, with their values masked.
            Happened::Written { .. } | Happened::Overwritten { .. } | Happened::StoredAs { .. } => {
                Happened::Linked
            }
        }
    }

    pub(super) fn act(&self, act: &Act) -> Act {
        let object = self.mask.object(
            act,
            |link| self.mask.link(link).to_string(),
            |record| self.mask.id(record).to_string(),
        );
        let links = act.links.iter().take(STEPS_MAX);
        let undo = act.undo.iter().take(STEPS_MAX).map(|step| UndoStep {
            link: self.mask.link(step.link),
            before: self.field(NOBODY, &step.before),
            after: self.base(NOBODY, &step.after),
        });
        Act {
            run: act.run,
            at: act.at,
            operator: self.mask.user(&act.operator),
            from: self.mask.place(&act.from),
            act: act.act.clone(),
            object,
            links: links.map(|link| self.mask.link(*link)).collect(),
            reason: self.text(&act.reason),
            undo: undo.collect(),
        }
    }

    pub(super) fn held(&self, held: &HeldActivity) -> HeldActivity {
        let activity = &held.activity;
        HeldActivity {
            link: self.mask.link(held.link),
            activity: Activity {
                reference: self.mask.reference(&activity.reference),
                contact: self.automation_id(Kind::Person, activity.contact),
                kind: activity.kind.clone(),
                at: activity.at,
                name: self.text(&activity.name),
                description: self.text(&activity.description),
            },
            failure: self.failure(&held.failure),
            attempts: held.attempts,
        }
    }

    pub(super) fn exchange(&self, link: &Link, exchange: &Exchange) -> Exchange {
        let whose = self.whose(link);
        let about = exchange.about.iter().map(|about| About {
            whom: match about.whom {
                Whom::Link(link) => Whom::Link(self.mask.link(link)),
                Whom::Record(record) => Whom::Record(self.mask.id(record)),
            },
            carried: self.values(whose, &about.carried),
            consent: about.consent,
            refused: about.refused.as_ref().map(|f| self.failure(f)),
        });
        let answer = exchange.answer.as_ref();
        Exchange {
            at: exchange.at,
            took: exchange.took,
            side: exchange.side,
            asked: exchange.asked,
            rows: exchange.rows,
            answer: answer.copied().map_err(|f| self.failure(f)),
            about: about.collect(),
        }
    }

    pub(super) fn snapshot(&self, snapshot: &Snapshot) -> Snapshot {
        let mut shown = snapshot.clone();
        for failure in shown.stopped.values_mut() {
            *failure = self.failure(failure);
        }
        for plan in &mut shown.plans {
            *plan = self.plan(plan);
        }
        shown
    }

    pub(super) fn plan(&self, plan: &Plan) -> Plan {
        Plan {
            operator: self.mask.user(&plan.operator),
            reason: self.text(&plan.reason),
            ..plan.clone()
        }
    }

    pub(super) fn version(&self, version: &PolicyVersion) -> PolicyVersion {
        PolicyVersion {
            author: self.mask.user(&version.author),
            policy: policy(&version.policy),
            ..version.clone()
        }
    }
}

/// Without the path of an address, and whatever somebody put into it.
pub(super) fn policy(policy: &Policy) -> Policy {
    let url = url::Url::parse(&policy.automation_url).ok();
    let automation_url = url.map(|url| super::settings::place(&url));
    Policy {
        automation_url: automation_url.unwrap_or_default(),
        ..policy.clone()
    }
}

/// What the mapped fields are; no user, no other field, and no list of choices.
pub(super) fn described(described: &Descriptions, policy: &Policy) -> Descriptions {
    let rules = policy.mapping.person.iter().chain(&policy.mapping.company);
    let rules: Vec<_> = rules.collect();
    let kept = |fields: &[FieldDescription]| -> Vec<FieldDescription> {
        let is_mapped = |field: &&FieldDescription| {
            let mut rules = rules.iter();
            rules.any(|rule| rule.automation == field.name || rule.salesforce == field.name)
        };
        let fields = fields.iter().filter(is_mapped);
        fields
            .map(|field| FieldDescription {
                label: field.name.clone(),
                choices: None,
                ..field.clone()
            })
            .collect()
    };
    let (salesforce, automation) = (&described.salesforce, &described.automation);
    let objects = salesforce.objects.iter();
    Descriptions {
        at: described.at,
        salesforce: SalesforceDescription {
            is_sandbox: salesforce.is_sandbox,
            api_version: salesforce.api_version.clone(),
            objects: objects
                .map(|(name, fields)| (name.clone(), kept(fields)))
                .collect(),
            ..SalesforceDescription::default()
        },
        automation: AutomationDescription {
            version: automation.version.clone(),
            contact_fields: kept(&automation.contact_fields),
            company_fields: kept(&automation.company_fields),
            activity_types: policy.activity_types.clone(),
            ..AutomationDescription::default()
        },
    }
}
