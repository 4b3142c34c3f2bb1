//! The audit as a file: JSON lines, or CSV that no spreadsheet takes for formulas.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::console::query::Format;
use crate::domain::ids::{FieldId, LinkId, Side};
use crate::domain::record::{Act, UndoStep};
use crate::domain::time::Timestamp;
use crate::domain::value::Value;

/// A contact that acts touched, as it is called now.
pub(super) struct Touched {
    pub(super) name: String,
    pub(super) fields: BTreeMap<FieldId, String>,
}

const HEADING: [&str; 13] = [
    "run",
    "at",
    "operator",
    "act",
    "object",
    "reason",
    "link",
    "contact",
    "field",
    "salesforce_before",
    "salesforce_after",
    "automation_before",
    "automation_after",
];

/// `audit-20260304-091502Z.csv`.
pub(super) fn file_name(format: Format, at: Timestamp) -> String {
    let digits: String = at
        .to_string()
        .chars()
        .filter(|c| !matches!(c, '-' | ':'))
        .map(|c| if c == 'T' { '-' } else { c })
        .collect();
    let ending = match format {
        Format::Csv => "csv",
        Format::JsonLines => "jsonl",
    };
    format!("audit-{digits}.{ending}")
}

pub(super) fn text(format: Format, acts: &[Act], contacts: &BTreeMap<LinkId, Touched>) -> String {
    match format {
        Format::JsonLines => acts.iter().fold(String::new(), |mut text, act| {
            let _ = writeln!(text, "{}", json_of(act, contacts)); // Into a string: cannot fail.
            text
        }),
        Format::Csv => {
            let mut text = csv_line(&HEADING.map(ToOwned::to_owned));
            for act in acts {
                if act.undo.is_empty() {
                    text.push_str(&csv_line(&cells(act, None, contacts)));
                }
                for step in &act.undo {
                    text.push_str(&csv_line(&cells(act, Some(step), contacts)));
                }
            }
            text
        }
    }
}

/// Into a new file that only we can read. Whatever has that name already stays as it is, a symbolic
/// link too, and nothing is written then; a file that could not be written whole is taken away.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(path);
    }
    written
}

fn json_of(act: &Act, contacts: &BTreeMap<LinkId, Touched>) -> Json {
    let decided: Vec<Json> = act
        .undo
        .iter()
        .map(|step| {
            let [salesforce, automation] = Side::BOTH.map(|side| {
                let (before, after) = moved(step, side);
                json!({ "before": before.map(Value::to_string), "after": after.to_string() })
            });
            json!({
                "link": step.link.0,
                "contact": contacts.get(&step.link).map(|contact| contact.name.as_str()),
                "field": field(step, contacts),
                "salesforce": salesforce,
                "automation": automation,
            })
        })
        .collect();
    json!({
        "run": act.run.0,
        "at": act.at.to_string(),
        "operator": act.operator,
        "act": act.act,
        "object": act.object,
        "reason": act.reason,
        "decided": decided,
    })
}

fn cells(act: &Act, step: Option<&UndoStep>, contacts: &BTreeMap<LinkId, Touched>) -> [String; 13] {
    let of = |text: &dyn Fn(&UndoStep) -> String| step.map_or_else(String::new, text);
    let before = |side| {
        of(&|step| {
            let shown = moved(step, side).0;
            shown.map_or_else(String::new, ToString::to_string)
        })
    };
    let after = |side| of(&|step| moved(step, side).1.to_string());
    [
        act.run.to_string(),
        act.at.to_string(),
        act.operator.clone(),
        act.act.clone(),
        act.object.clone(),
        act.reason.clone(),
        of(&|step| step.link.to_string()),
        of(&|step| {
            let contact = contacts.get(&step.link);
            contact.map_or_else(String::new, |contact| contact.name.clone())
        }),
        of(&|step| field(step, contacts)),
        before(Side::Salesforce),
        after(Side::Salesforce),
        before(Side::Automation),
        after(Side::Automation),
    ]
}

fn field(step: &UndoStep, contacts: &BTreeMap<LinkId, Touched>) -> String {
    let field = step.before.field;
    let named = contacts
        .get(&step.link)
        .and_then(|contact| contact.fields.get(&field));
    named.map_or_else(|| format!("#{field}"), Clone::clone)
}

const fn moved(step: &UndoStep, side: Side) -> (Option<&Value>, &Value) {
    let after = match side {
        Side::Salesforce => &step.after.salesforce,
        Side::Automation => &step.after.automation,
    };
    (step.before.on(side), after)
}

fn csv_line(cells: &[String; 13]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A spreadsheet takes a cell for a formula by its first character; an apostrophe before it says that
/// it is text. Then as RFC 4180 quotes.
fn csv_cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    let needs_quotes = text.contains([',', '"', '\n', '\r', '\t', ';']);
    if needs_quotes {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::domain::ids::RunId;
    use crate::domain::link::{Base, FieldState};

    const AT: Timestamp = Timestamp(1_772_615_702_000);

    fn act(reason: &str, value: &str) -> Act {
        let mut before = FieldState::new(FieldId(2));
        before.salesforce = Some(Value::text("0600"));
        Act {
            run: RunId(9),
            at: AT,
            operator: "claire".to_owned(),
            from: String::new(),
            act: "resolve".to_owned(),
            object: "1".to_owned(),
            links: Vec::new(),
            reason: reason.to_owned(),
            undo: vec![UndoStep {
                link: LinkId(1),
                before,
                after: Base {
                    salesforce: Value::text(value),
                    automation: Value::text(value),
                },
            }],
        }
    }

    fn contacts() -> BTreeMap<LinkId, Touched> {
        let fields = BTreeMap::from([(FieldId(2), "MobilePhone / mobile".to_owned())]);
        let name = "claire@orion.example".to_owned();
        BTreeMap::from([(LinkId(1), Touched { name, fields })])
    }

    #[test]
    fn no_cell_is_a_formula_whatever_was_typed_or_read() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("+33601", "'+33601"),
            ("-2", "'-2"),
            ("@x", "'@x"),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
            ("=a,\"b\"", "\"'=a,\"\"b\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("plain = +", "plain = +"),
            ("", ""),
        ] {
            assert_eq!(csv_cell(cell), expected);
        }
        let text = text(
            Format::Csv,
            &[act("=cmd|' /C calc'!A0", "+336")],
            &contacts(),
        );
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(
            lines[1],
            "9,2026-03-04T09:15:02Z,claire,resolve,1,'=cmd|' /C calc'!A0,1,claire@orion.example,\
             MobilePhone / mobile,0600,'+336,,'+336"
        );
        assert_eq!(lines.len(), 3, "a heading, a line, the last line's end");
    }

    #[test]
    fn json_lines_are_one_act_each_with_what_it_decided() {
        let text = text(
            Format::JsonLines,
            &[act("two\nlines", "0601"), act("=x", "0602")],
            &contacts(),
        );
        let lines: Vec<Json> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["reason"], "two\nlines");
        assert_eq!(lines[1]["reason"], "=x");
        assert_eq!(lines[0]["decided"][0]["field"], "MobilePhone / mobile");
        assert_eq!(lines[0]["decided"][0]["salesforce"]["before"], "0600");
        assert_eq!(lines[0]["decided"][0]["automation"]["before"], Json::Null);
        assert_eq!(lines[0]["decided"][0]["automation"]["after"], "0601");
    }

    #[test]
    fn the_file_is_ours_alone_and_never_written_through_a_link_or_over_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file_name(Format::Csv, AT));
        assert!(path.ends_with("audit-20260304-091502Z.csv"));
        write(&path, "a").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(write(&path, "b").is_err(), "nothing is overwritten");
        assert_eq!(fs::read_to_string(&path).unwrap(), "a");

        let target = folder.path().join("elsewhere");
        let link = folder.path().join("audit-x.csv");
        symlink(&target, &link).unwrap();
        assert!(write(&link, "c").is_err());
        assert!(!target.exists(), "a dangling link is not followed either");
    }
}
