//! `resolve`: an operator's choices for one contact, written to both systems.

use crate::app::args::Resolve;
use crate::app::commands::{Place, inspect, sync};
use crate::app::compose::Mode;
use crate::app::error::{AppError, Refused, Status};
use crate::app::out::Out;
use crate::app::run::Goal;
use crate::app::words;
use crate::domain::command::Command;
use crate::domain::conflict::{Choice, Conflict, Resolution, Subject};
use crate::domain::ids::{
    AutomationId, Generation, LinkId, RemoteId, SalesforceId, SalesforceObject,
};
use crate::domain::link::Link;
use crate::domain::mapping::Policy;
use crate::domain::value::{NotAValue, Value, ValueType};

/// The word that an operator types to opt a person in again.
const OPT_IN_WORD: &str = "opt-in";

pub(super) async fn perform(
    place: &Place,
    arguments: &Resolve,
    out: &mut Out,
) -> Result<Status, AppError> {
    let opened = place.open().await?;
    let id = LinkId(arguments.link);
    let link = inspect::one(&opened, id).await?;
    if let Some(asked) = arguments.generation
        && asked != link.generation.0
    {
        let refused = Refused::OlderGeneration {
            link: id.0,
            asked,
            now: link.generation.0,
            decided: None,
        };
        return Err(AppError::Refused(refused));
    }
    let policy = inspect::policy(&opened);
    let mut choices = Vec::with_capacity(arguments.choices.len());
    for typed in &arguments.choices {
        choices.push(parse(typed, &link, policy)?);
    }
    let opts_in = choices.iter().any(|(_, choice)| *choice == Choice::OptIn);
    if opts_in && arguments.confirm.as_deref() != Some(OPT_IN_WORD) {
        return Err(AppError::Usage(format!(
            "an opt-in lets the person be mailed again; confirm it with --confirm {OPT_IN_WORD}"
        )));
    }
    let generation = Generation(arguments.generation.unwrap_or(link.generation.0));
    if arguments.writing.dry_run {
        preview(&link, policy, &choices, out)?;
        return Ok(Status::Done);
    }
    let connected = place.connected(opened).await?;
    let command = Command::Resolve(vec![Resolution {
        link: id,
        generation,
        choices,
    }]);
    let goal =
        Goal::Command(place.instruction(&connected.opened, &arguments.writing.reason, command)?);
    let report = sync::measured(&connected, Mode::default(), goal, out).await?;
    report.print(out)?;
    let after = inspect::one(&connected.opened, id).await?;
    Ok(if after.conflicts.is_empty() {
        Status::Done
    } else {
        Status::WorkRemains
    })
}

/// What each choice would put where.
fn preview(
    link: &Link,
    policy: Option<&Policy>,
    choices: &[(Subject, Choice)],
    out: &mut Out,
) -> Result<(), AppError> {
    for (subject, choice) in choices {
        let name = words::subject(policy, link, *subject);
        let words = match (subject, choice) {
            (Subject::Field(field), choice) => {
                let state = link.field(*field);
                let value = match choice {
                    Choice::Salesforce => state.and_then(|state| state.salesforce.clone()),
                    Choice::Automation => state.and_then(|state| state.automation.clone()),
                    Choice::Base => state
                        .and_then(|state| state.base.clone())
                        .map(|base| base.salesforce),
                    Choice::Typed(value) => Some(value.clone()),
                    _ => None,
                };
                value.map_or_else(
                    || format!("{choice:?}: no value is written"),
                    |value| {
                        let differs = |side| state.and_then(|s| s.on(side)) != Some(&value);
                        let sides: Vec<&str> = crate::domain::ids::Side::BOTH
                            .into_iter()
                            .filter(|side| differs(*side))
                            .map(words::side)
                            .collect();
                        format!("“{value}” would be written to {}", sides.join(" and "))
                    },
                )
            }
            (_, choice) => format!("{choice:?}"),
        };
        out.line(&format!("{name}: {words}"))?;
    }
    Ok(())
}

/// `FIELD=salesforce`, `FIELD:VALUE`, `consent=out`, `identity=RECORD`, `deletion=keep`.
fn parse(typed: &str, link: &Link, policy: Option<&Policy>) -> Result<(Subject, Choice), AppError> {
    let usage = |problem: String| AppError::Usage(format!("--choose {typed}: {problem}"));
    if let Some((field, text)) = typed
        .split_once(':')
        .filter(|(field, _)| !field.contains('='))
    {
        let subject = field_subject(field, link, policy).map_err(usage)?;
        let value = value(text, subject, link, policy).map_err(usage)?;
        return Ok((subject, Choice::Typed(value)));
    }
    let (what, choice) = typed
        .split_once('=')
        .ok_or_else(|| usage("write FIELD=salesforce, or FIELD:VALUE".to_owned()))?;
    let subject = match what {
        "identity" => Subject::Identity,
        "deletion" => Subject::Deletion,
        "consent" => Subject::Consent,
        "write-salesforce" => Subject::Write(crate::domain::ids::Side::Salesforce),
        "write-automation" => Subject::Write(crate::domain::ids::Side::Automation),
        field => field_subject(field, link, policy).map_err(usage)?,
    };
    let choice = match (subject, choice) {
        (Subject::Consent, "out") => Choice::OptOut,
        (Subject::Consent, "in") => Choice::OptIn,
        (Subject::Identity, record) => {
            Choice::Pair(record_of(record, link, subject).map_err(usage)?)
        }
        (_, "salesforce") => Choice::Salesforce,
        (_, "automation") => Choice::Automation,
        (_, "base") => Choice::Base,
        (_, "keep") => Choice::KeepBoth,
        (_, "retry") => Choice::Retry,
        (_, other) => return Err(usage(format!("“{other}” is no choice here"))),
    };
    Ok((subject, choice))
}

fn field_subject(name: &str, link: &Link, policy: Option<&Policy>) -> Result<Subject, String> {
    let rules = policy.map_or(&[][..], |policy| policy.mapping.rules(link.kind));
    let rule = rules.iter().find(|rule| {
        rule.salesforce.eq_ignore_ascii_case(name) || rule.automation.eq_ignore_ascii_case(name)
    });
    rule.map(|rule| Subject::Field(rule.id))
        .ok_or_else(|| format!("no field “{name}” is mapped"))
}

fn value(
    text: &str,
    subject: Subject,
    link: &Link,
    policy: Option<&Policy>,
) -> Result<Value, String> {
    let rule = match (subject, policy) {
        (Subject::Field(id), Some(policy)) => policy.mapping.rule(link.kind, id),
        _ => None,
    };
    let value_type = rule.map_or(ValueType::Text, |rule| rule.value_type);
    value_type.typed(text).map_err(|problem| match problem {
        NotAValue::Bool => format!("“{text}” is neither true nor false"),
        NotAValue::Number => format!("“{text}” is no number"),
        NotAValue::Date => format!("“{text}” is no date like 2026-11-23"),
        NotAValue::Moment => "a date and time cannot be typed; take one side's".to_owned(),
    })
}

/// One of the records that the conflict names.
fn record_of(text: &str, link: &Link, subject: Subject) -> Result<RemoteId, String> {
    let salesforce: Option<SalesforceId> = text.parse().ok();
    let automation: Option<AutomationId> = text.parse().ok().map(AutomationId);
    let is_asked = |record: &RemoteId| match record {
        RemoteId::Salesforce(_, id) => Some(*id) == salesforce,
        RemoteId::Automation(_, id) => Some(*id) == automation,
    };
    let conflict: Option<&Conflict> = link
        .conflicts
        .iter()
        .find(|conflict| conflict.subject == subject);
    let named = conflict.and_then(|conflict| match &conflict.cause {
        crate::domain::conflict::Cause::SeveralMatch { matches } => {
            matches.iter().copied().find(is_asked)
        }
        _ => None,
    });
    let by_prefix = salesforce.map(|id| {
        let object = match &id.to_string()[..3] {
            "00Q" => SalesforceObject::Lead,
            "001" => SalesforceObject::Account,
            _ => SalesforceObject::Contact,
        };
        RemoteId::Salesforce(object, id)
    });
    let by_number = automation.map(|id| RemoteId::Automation(link.kind, id));
    named
        .or(by_prefix)
        .or(by_number)
        .ok_or_else(|| format!("“{text}” is neither a Salesforce id nor an Automation id"))
}
