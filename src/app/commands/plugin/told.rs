//! A configuration, and what would change in it, in lines and as JSON.

use std::io;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{edit, file};
use crate::app::error::AppError;
use crate::app::out::Out;
use crate::app::words;
use crate::console::query::Foreseen;
use crate::console::{Language, Tongue, objected, spoken_changes, spoken_forecast};
use crate::domain::ids::Kind;
use crate::domain::mapping::{BlankTravel, Concurrent, FieldRule, Overwritten};
use crate::domain::record::PolicyVersion;
use crate::domain::setup::{Draft, InForce, Objection, Weight, differences};

fn english() -> Language {
    Language::new(Tongue::English)
}

pub(super) fn objection(objection: &Objection) -> String {
    objected(&english(), objection)
}

pub(super) fn setup(in_force: &InForce, out: &mut Out) -> Result<(), AppError> {
    let policy = &in_force.policy;
    let yes = |is: bool| if is { "yes" } else { "no" };
    let objects: Vec<&str> = policy.objects.iter().map(|object| object.name()).collect();
    for (title, value) in [
        ("Version", in_force.version.to_string()),
        ("Published", yes(policy.published).to_owned()),
        ("Objects", objects.join(", ")),
        ("Activities", yes(policy.activities).to_owned()),
        ("Types of activity", policy.activity_types.join(", ")),
        ("Update blank values", yes(policy.update_blanks).to_owned()),
        (
            "Latest do-not-contact",
            yes(policy.latest_do_not_contact).to_owned(),
        ),
        ("Owners", yes(policy.sync_owners).to_owned()),
        (
            "Accounts may be created",
            yes(policy.create_accounts).to_owned(),
        ),
        ("Schedule", yes(in_force.timetable.is_enabled).to_owned()),
    ] {
        out.figure(title, "", &value)?;
    }
    for kind in [Kind::Person, Kind::Company] {
        out.line(&format!("Fields of {}:", file::kind(kind)))?;
        for rule in policy.mapping.rules(kind) {
            out.line(&format!("  {}", pair(rule)))?;
            let of_it = in_force.suspended.iter();
            let of_it = of_it.filter(|one| (one.kind, one.field) == (kind, rule.id));
            for suspension in of_it {
                let (since, why) = (suspension.since, suspension.why.told());
                out.line(&format!("    suspended since {since}: {why}"))?;
            }
        }
    }
    Ok(())
}

/// With what it is for, and its options by their names on the command line.
fn pair(rule: &FieldRule) -> String {
    let mut words = vec![
        format!(
            "{} {} {}",
            rule.salesforce,
            words::arrow(rule.arrow),
            rule.automation
        ),
        edit::objects_of(rule, ", "),
    ];
    let options = [
        (rule.overwritten == Overwritten::Review, "review"),
        (rule.blank == BlankTravel::Clears, "clear"),
        (rule.concurrent == Concurrent::Newest, "newest"),
    ];
    let set = options.into_iter().filter(|(is_set, _)| *is_set);
    words.extend(set.map(|(_, name)| name.to_owned()));
    words.join(" · ")
}

/// What would change, what speaks against it, what it would do.
pub(super) fn draft(
    draft: &Draft,
    against: &[Objection],
    seen: Option<&Foreseen>,
    line: &mut dyn FnMut(&str) -> io::Result<()>,
) -> io::Result<()> {
    if !draft.is_changed() {
        line("Nothing would change.")?;
        return match draft.left_times() {
            Some(left) => line(&format!("warning: {}", objection(&left))),
            None => Ok(()),
        };
    }
    for change in changes(draft) {
        line(&change)?;
    }
    for one in against {
        let weight = match one.weight {
            Weight::Refused => "refused",
            Weight::Warned => "warning",
        };
        line(&format!("{weight}: {}", objection(one)))?;
    }
    for told in seen.map(forecast).into_iter().flatten() {
        line(&told)?;
    }
    Ok(())
}

fn changes(draft: &Draft) -> Vec<String> {
    spoken_changes(&english(), &draft.differences(), draft.retimed())
}

fn forecast(seen: &Foreseen) -> Vec<String> {
    spoken_forecast(&english(), seen)
}

pub(super) fn json(draft: &Draft, against: &[Objection], seen: Option<&Foreseen>) -> Json {
    let objections = against.iter().map(|one| {
        json!({
            "refused": one.is_refusal(),
            "code": one.says,
            "text": objection(one),
        })
    });
    let objections: Vec<Json> = objections.collect();
    json!({
        "based_on": draft.based_on,
        "changes": changes(draft),
        "objections": objections,
        "forecast": seen,
    })
}

/// One version, as it is listed.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    version: u32,
    at: String,
    author: String,
    /// Since the one before it; `None` for the first that is known.
    changes: Option<Vec<String>>,
}

impl Listed {
    pub(super) fn print(&self, out: &mut Out) -> io::Result<()> {
        out.line(&format!(
            "version {}  {}  {}",
            self.version, self.at, self.author
        ))?;
        for change in self.changes.iter().flatten() {
            out.line(&format!("    {change}"))?;
        }
        Ok(())
    }
}

/// Newest first, as they come.
pub(super) fn versions(versions: &[PolicyVersion]) -> Vec<Listed> {
    let language = english();
    let listed = versions.iter().enumerate().map(|(index, version)| {
        let before = versions.get(index + 1);
        let changes = before.map(|before| {
            let times = before.timetable.zip(version.timetable);
            let times = times.filter(|(before, after)| before != after);
            spoken_changes(
                &language,
                &differences(&before.policy, &version.policy),
                times,
            )
        });
        Listed {
            version: version.version,
            at: version.at.to_string(),
            author: version.author.clone(),
            changes,
        }
    });
    listed.collect()
}
