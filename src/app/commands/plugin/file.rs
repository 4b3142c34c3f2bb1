//! A configuration as the instance file has it: the same names, and nothing that is not changed later.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::domain::ids::{Kind, SalesforceObject};
use crate::domain::mapping::{
    Arrow, BlankTravel, Concurrent, FieldRule, Overwritten, Policy, Role,
};
use crate::domain::setup::{Timetable, owners};
use crate::domain::time::Span;

/// Named as the commands name it.
pub(super) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Person => "people",
        Kind::Company => "companies",
    }
}

pub(in crate::app) const fn arrow(arrow: Arrow) -> &'static str {
    match arrow {
        Arrow::Salesforce => "salesforce",
        Arrow::Automation => "automation",
        Arrow::Both => "both",
    }
}

/// `[plugin]`, `[schedule]` and `[[mapping.…]]`.
pub(in crate::app) fn text(policy: &Policy, times: &Timetable) -> String {
    let mut text = String::new();
    // Writing into a text does not fail.
    let _ = write(&mut text, policy, times);
    text
}

fn write(text: &mut String, policy: &Policy, times: &Timetable) -> std::fmt::Result {
    let objects = policy.objects.iter().map(|object| object.name());
    let objects = objects.chain(policy.activities.then_some("Activity"));
    let types = policy.activity_types.iter().map(String::as_str);
    writeln!(text, "[plugin]")?;
    writeln!(text, "published = {}", policy.published)?;
    writeln!(text, "objects = {}", list(objects))?;
    writeln!(text, "sync_owners = {}", policy.sync_owners)?;
    writeln!(text, "update_blanks = {}", policy.update_blanks)?;
    writeln!(
        text,
        "latest_do_not_contact = {}",
        policy.latest_do_not_contact
    )?;
    writeln!(text, "create_accounts = {}", policy.create_accounts)?;
    writeln!(text, "activity_types = {}", list(types))?;
    if !policy.namespace.is_empty() {
        let namespace = quoted(&policy.namespace);
        writeln!(
            text,
            "# The prefix {namespace} stays with the instance: `plugin set namespace` changes it."
        )?;
    }
    writeln!(text, "\n[schedule]")?;
    writeln!(text, "enabled = {}", times.is_enabled)?;
    for (name, span) in [
        ("pull", times.pull),
        ("push", times.push),
        ("activities", times.activities),
        ("overlap", Some(times.overlap)),
    ] {
        if let Some(span) = span {
            writeln!(text, "{name} = {}", quoted(&Span::typed(span)))?;
        }
    }
    for kind in [Kind::Person, Kind::Company] {
        for rule in policy.mapping.rules(kind) {
            if policy.sync_owners && *rule == owners(rule.id, &policy.objects) {
                continue;
            }
            write_rule(text, kind, rule)?;
        }
    }
    Ok(())
}

/// One `[[mapping.…]]`.
pub(in crate::app) fn rule(kind: Kind, rule: &FieldRule) -> String {
    let mut text = String::new();
    // As above.
    let _ = write_rule(&mut text, kind, rule);
    text
}

fn write_rule(text: &mut String, kind: Kind, rule: &FieldRule) -> std::fmt::Result {
    let table = match kind {
        Kind::Person => "person",
        Kind::Company => "company",
    };
    writeln!(text, "\n[[mapping.{table}]]")?;
    if let Some(about) = about(rule.role) {
        writeln!(text, "# {about}")?;
    }
    writeln!(text, "salesforce = {}", quoted(&rule.salesforce))?;
    let objects = rule.objects.iter().copied().map(SalesforceObject::name);
    writeln!(text, "objects = {}", list(objects))?;
    writeln!(text, "automation = {}", quoted(&rule.automation))?;
    writeln!(text, "arrow = {}", quoted(arrow(rule.arrow)))?;
    if rule.overwritten == Overwritten::Review {
        writeln!(text, "review = true")?;
    }
    if rule.blank == BlankTravel::Clears {
        writeln!(text, "clear = true")?;
    }
    if rule.concurrent == Concurrent::Newest {
        writeln!(text, "concurrent = \"newest\"")?;
    }
    Ok(())
}

/// What a pair is besides two fields.
const fn about(role: Role) -> Option<&'static str> {
    match role {
        Role::Plain => None,
        Role::Email => Some("People are paired by it when they are first seen."),
        Role::CompanyName => Some("Companies are paired by it when they are first seen."),
        Role::Consent => Some("Decided by do-not-contact, whatever the arrow."),
        Role::Deleted => {
            Some("Set to true in Automation when the record is deleted in Salesforce.")
        }
        Role::TimelineLink => Some("The link to the contact's page in Automation."),
        Role::ContactId => {
            Some("The number of the contact in Automation (“Noyau - ID du contact”).")
        }
        Role::Owner => Some("The owner, compared by the user's e-mail address."),
        Role::Company => Some("The account of the Contact, by its name."),
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(quoted).collect();
    format!("[{}]", names.join(", "))
}

pub(in crate::app) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// Into a file that only we can read. Never through a link; in the place of another only by force,
/// and then at once: whoever reads sees the old one or the new one.
pub(in crate::app) fn put(path: &Path, text: &str, force: bool) -> io::Result<()> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file());
    if is_link {
        return Err(io::Error::other("it is a link or no file"));
    }
    let new = if force {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = path.with_file_name(name);
        // Left by a process that was killed while it wrote; none is the ordinary case.
        if let Err(error) = fs::remove_file(&new)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        new
    } else {
        path.to_owned()
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    let written = match written {
        Ok(()) if force => fs::rename(&new, path),
        written => written,
    };
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&new);
    }
    written
}
