//! One contact in a bundle: how it stands, what happened to it, what the systems answered.

use serde_json::{Value as Json, json};

use super::Sources;
use crate::app::error::AppError;
use crate::app::mask::Mask;
use crate::app::words;
use crate::domain::conflict::{Cause, Conflict};
use crate::domain::exchange::{About, Exchange, Whom};
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::{FieldId, Side};
use crate::domain::link::{FieldState, Link, Parked};
use crate::domain::record::Happened;
use crate::domain::value::Value;
use crate::engine::decide::decide;

const HISTORY_MAX: usize = 200;
const EXCHANGES_MAX: usize = 50;

struct Telling<'a> {
    sources: &'a Sources<'a>,
    mask: &'a Mask,
    link: &'a Link,
}

pub(super) async fn part(
    sources: &Sources<'_>,
    mask: &Mask,
    link: &Link,
) -> Result<Json, AppError> {
    let telling = Telling {
        sources,
        mask,
        link,
    };
    let history = sources.store.history(link.id, HISTORY_MAX).await?;
    let history = history.iter().map(|entry| {
        json!({
            "at": entry.at.to_string(),
            "run": entry.run,
            "what": telling.happened(&entry.what),
        })
    });
    let mut whom = vec![Whom::Link(link.id)];
    let records = Side::BOTH.into_iter().filter_map(|side| link.remote(side));
    whom.extend(records.map(Whom::Record));
    let exchanges = sources.journal.map(|j| j.about(&whom, EXCHANGES_MAX));
    let exchanges = exchanges.unwrap_or_default();
    Ok(json!({
        "who": mask.person(link.id),
        "kind": link.kind,
        "generation": link.generation,
        "marks": link.marks(),
        "parked": link.parked.as_ref().map(parked),
        "ends": Side::BOTH.map(|side| telling.end(side)),
        "fields": link.fields.iter().map(|state| telling.field(state)).collect::<Vec<_>>(),
        "consent": {
            "salesforce": words::consent(link.consent.salesforce.map(|view| view.value)),
            "automation": words::consent(link.consent.automation.map(|view| view.value)),
            "agreed": words::consent(link.consent.agreed),
        },
        "conflicts": link.conflicts.iter().map(|c| telling.conflict(c)).collect::<Vec<_>>(),
        "writes": link.pending.iter().map(|pending| json!({
            "side": pending.side,
            "write": pending.write,
            "state": words::pending(pending.state),
            "attempts": pending.attempts,
            "values": telling.values(&pending.values),
            "failure": pending.failure.as_ref().map(|failure| telling.failure(failure)),
        })).collect::<Vec<_>>(),
        "history": history.collect::<Vec<_>>(),
        "exchanges": exchanges.iter().map(|e| telling.exchange(e)).collect::<Vec<_>>(),
    }))
}

const fn parked(parked: &Parked) -> &'static str {
    match parked {
        Parked::Quarantined { .. } => "set aside by an operator",
        Parked::Unlinked => "taken apart by an operator",
        Parked::NoEmail => "it has no e-mail address",
        Parked::ObjectNotSelected => "its object is not selected",
        Parked::ShadowedByContact(_) => "a Contact has its address",
        Parked::GoneBeforeLinked => "it was gone before it was linked",
        Parked::CreationNotAllowed => "it may not be created on the other side",
    }
}

impl Telling<'_> {
    fn name(&self, field: FieldId) -> String {
        words::field(self.sources.policy, self.link, field)
    }

    fn shape(&self, value: Option<&Value>) -> String {
        value.map_or_else(|| "not shown".to_owned(), |value| self.mask.value(value))
    }

    fn values(&self, values: &[(FieldId, Value)]) -> Vec<Json> {
        let values = values.iter();
        values
            .map(|(field, value)| json!({ "field": self.name(*field), "value": self.mask.value(value) }))
            .collect()
    }

    fn end(&self, side: Side) -> Json {
        let (modified, by) = match side {
            Side::Salesforce => {
                let end = self.link.salesforce.as_ref();
                (
                    end.map(|end| end.modified),
                    end.and_then(|end| end.edited_by.as_deref()),
                )
            }
            Side::Automation => {
                let end = self.link.automation.as_ref();
                (
                    end.map(|end| end.modified),
                    end.and_then(|end| end.edited_by.as_deref()),
                )
            }
        };
        json!({
            "side": side,
            "record": self.link.remote(side).map(|record| self.mask.record(record)),
            "state": self.link.state(side).map(words::state),
            "modified": modified.map(|at| at.to_string()),
            "by": by.map(|by| self.mask.user(by)),
        })
    }

    fn field(&self, state: &FieldState) -> Json {
        let policy = self.sources.policy;
        let rule = policy.and_then(|policy| policy.mapping.rule(self.link.kind, state.field));
        let why = rule.zip(policy).map(|(rule, policy)| {
            let trace = decide(rule, state, policy.update_blanks).trace;
            trace.into_iter().map(words::step).collect::<Vec<_>>()
        });
        json!({
            "field": self.name(state.field),
            "agreed": self.shape(state.base.as_ref().map(|base| &base.salesforce)),
            "salesforce": self.shape(state.salesforce.as_ref()),
            "automation": self.shape(state.automation.as_ref()),
            "why": why,
        })
    }

    fn conflict(&self, conflict: &Conflict) -> Json {
        let value = |value: &Value| self.mask.value(value);
        let cause = match &conflict.cause {
            Cause::BothChanged { .. } => json!({ "why": "both sides changed it" }),
            Cause::BothSet { .. } => json!({ "why": "both sides have a value" }),
            Cause::AgainstArrow { edited, value: v } => {
                json!({ "why": "an edit against the arrow", "side": edited, "value": value(v) })
            }
            Cause::SeveralMatch { matches } => {
                let records = matches.iter().map(|record| self.mask.record(*record));
                json!({ "why": "several match", "records": records.collect::<Vec<_>>() })
            }
            Cause::EmailTaken { side, by, .. } => {
                json!({ "why": "the address is taken", "side": side, "by": self.mask.person(*by) })
            }
            Cause::DeletedAndEdited { deleted } => {
                json!({ "why": "deleted and edited", "deleted": deleted })
            }
            Cause::ConsentWithoutProof { opted_in } => {
                json!({ "why": "consent without proof", "opted_in": opted_in })
            }
            Cause::Restored => json!({ "why": "restored" }),
            Cause::Refused {
                side,
                value: v,
                failure,
            } => json!({
                "why": "refused", "side": side, "value": value(v), "failure": self.failure(failure),
            }),
            Cause::RequiredBlank { side, fields } => json!({
                "why": "a required field is blank", "side": side, "fields": self.names(fields),
            }),
            Cause::NotKept { side, sent, kept } => json!({
                "why": "not kept", "side": side, "sent": value(sent), "kept": value(kept),
            }),
            Cause::AccountMissing { name } => {
                json!({ "why": "there is no such Account", "name": self.mask.text(name) })
            }
            Cause::SeveralAccounts { name } => {
                json!({ "why": "several Accounts have that name", "name": self.mask.text(name) })
            }
            Cause::ChangedSince { .. } => json!({ "why": "changed since an act was undone" }),
        };
        json!({
            "subject": words::subject(self.sources.policy, self.link, conflict.subject),
            "raised": conflict.raised.to_string(),
            "cause": cause,
        })
    }

    fn names(&self, fields: &[FieldId]) -> Vec<String> {
        fields.iter().map(|field| self.name(*field)).collect()
    }

    /// A system's words may quote the record; the fields that it named are kept.
    fn failure(&self, failure: &Failure) -> Json {
        let fields = match &failure.kind {
            FailureKind::Rejected(Rejection::Values(fields) | Rejection::Required(fields)) => {
                self.names(fields)
            }
            _ => Vec::new(),
        };
        json!({
            "kind": failure.kind.name(),
            "code": failure.plain_code(),
            "fields": fields,
            "message": self.mask.text(&failure.message),
        })
    }

    fn happened(&self, what: &Happened) -> Json {
        let value = |value: &Value| self.mask.value(value);
        match what {
            Happened::Linked => json!({ "it": "was linked" }),
            Happened::Created(side) => json!({ "it": "was created", "side": side }),
            Happened::Written {
                side,
                field,
                before,
                after,
            } => json!({
                "it": "was written", "side": side, "field": self.name(*field),
                "before": value(before), "after": value(after),
            }),
            Happened::Overwritten {
                side,
                field,
                lost,
                by,
            } => json!({
                "it": "was overwritten", "side": side, "field": self.name(*field),
                "before": value(lost), "after": value(by),
            }),
            Happened::StoredAs {
                side,
                field,
                sent,
                stored,
            } => json!({
                "it": "was stored in another form", "side": side, "field": self.name(*field),
                "before": value(sent), "after": value(stored),
            }),
            Happened::ConsentChanged {
                side,
                before,
                after,
                by_us,
                ..
            } => json!({
                "it": "changed its consent", "side": side, "before": words::consent(*before),
                "after": words::consent(Some(*after)), "by_us": by_us,
            }),
            Happened::ConflictRaised(subject) => {
                let subject = words::subject(self.sources.policy, self.link, *subject);
                json!({ "it": "came into conflict", "subject": subject })
            }
            Happened::ConflictResolved { subject, by } => {
                let subject = words::subject(self.sources.policy, self.link, *subject);
                json!({ "it": "was decided", "subject": subject, "by": self.mask.user(by) })
            }
            Happened::Deleted(side) => json!({ "it": "was deleted", "side": side }),
            Happened::Restored(side) => json!({ "it": "was restored", "side": side }),
            Happened::Moved { side, .. } => json!({ "it": "became another record", "side": side }),
            Happened::Refused {
                side,
                code,
                message,
            } => {
                let failure = Failure::new(FailureKind::Broken, code.as_str(), "");
                let (code, message) = (failure.plain_code(), self.mask.text(message));
                json!({ "it": "was refused", "side": side, "code": code, "message": message })
            }
            Happened::Operator { by, act, reason } => json!({
                "it": "was acted on", "by": self.mask.user(by), "act": act,
                "reason": self.mask.text(reason),
            }),
        }
    }

    fn exchange(&self, exchange: &Exchange) -> Json {
        let about = |about: &About| {
            json!({
                "carried": self.values(&about.carried),
                "consent": about.consent.map(|consent| words::consent(Some(consent))),
                "refused": about.refused.as_ref().map(|failure| self.failure(failure)),
            })
        };
        json!({
            "at": exchange.at.to_string(),
            "ms": exchange.took.0,
            "side": exchange.side,
            "asked": exchange.asked,
            "rows": exchange.rows,
            "answered": exchange.answer.as_ref().ok(),
            "failure": exchange.answer.as_ref().err().map(|failure| self.failure(failure)),
            "about": exchange.about.iter().map(about).collect::<Vec<_>>(),
        })
    }
}
