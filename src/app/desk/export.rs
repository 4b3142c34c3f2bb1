//! The audit as a file: JSON lines, or CSV that no spreadsheet takes for formulas.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::console::query::Format;
use crate::domain::ids::{FieldId, LinkId, Side};
use crate::domain::mapping::Policy;
use crate::domain::record::{Act, LinkKey, UndoStep};
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
use crate::engine::observe::match_text;
use crate::ports::{Store, StoreError};

/// A contact that acts touched, as it is called now.
pub(in crate::app) struct Touched {
    name: String,
    fields: BTreeMap<FieldId, String>,
}

const HEADING: [&str; 14] = [
    "run",
    "at",
    "operator",
    "from",
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

/// Links and acts are read in pages of this size.
const PAGE_MAX: usize = 500;

/// All acts, newest first, on their way into a file.
pub(in crate::app) struct Exporting<'a> {
    pub(in crate::app) store: &'a dyn Store,
    pub(in crate::app) policy: Option<&'a Policy>,
    pub(in crate::app) format: Format,
}

impl Exporting<'_> {
    /// Writes those that are kept, of all there are, page by page. Answers how many those are, or why
    /// the file could not be written: then nothing is left of it.
    pub(in crate::app) async fn write(
        &self,
        path: PathBuf,
        keeps: impl Fn(&Act, &str) -> bool,
    ) -> Result<io::Result<u64>, StoreError> {
        let file = match create(&path) {
            Ok(file) => file,
            Err(error) => return Ok(Err(error)),
        };
        let written = self.fill(file, keeps).await;
        if !matches!(written, Ok(Ok(_))) {
            // The error that matters is the first one.
            let _ = fs::remove_file(&path);
        }
        written
    }

    async fn fill(
        &self,
        mut file: File,
        keeps: impl Fn(&Act, &str) -> bool,
    ) -> Result<io::Result<u64>, StoreError> {
        let mut text = head(self.format);
        let mut count = 0;
        let mut before = None;
        loop {
            let mut acts = match before {
                None => self.store.acts(PAGE_MAX).await?,
                Some(run) => self.store.acts_before(run, PAGE_MAX).await?,
            };
            before = acts.last().map(|act| act.run);
            let is_last = acts.is_empty();
            file = match put(file, text, is_last).await {
                Ok(file) => file,
                Err(error) => return Ok(Err(error)),
            };
            if is_last {
                return Ok(Ok(count));
            }
            let contacts = contacts(self.store, self.policy, &acts).await?;
            acts.retain(|act| {
                let first = act.links.first().and_then(|link| contacts.get(link));
                keeps(act, first.map_or("", |contact| &contact.name))
            });
            count += acts.len() as u64;
            text = self::text(self.format, &acts, &contacts);
        }
    }
}

/// Names of the contacts that acts were about, and what their fields are called.
pub(in crate::app) async fn contacts(
    store: &dyn Store,
    policy: Option<&Policy>,
    acts: &[Act],
) -> Result<BTreeMap<LinkId, Touched>, StoreError> {
    let ids: BTreeSet<LinkId> = acts.iter().flat_map(touched).collect();
    let ids: Vec<LinkKey> = ids.into_iter().map(LinkKey::Id).collect();
    let mut contacts = BTreeMap::new();
    let Some(policy) = policy else {
        return Ok(contacts);
    };
    for part in ids.chunks(PAGE_MAX) {
        for link in store.load(part.to_vec(), false).await?.links {
            let on = |side| match_text(&link, &policy.mapping, side);
            let name = on(Side::Salesforce).or_else(|| on(Side::Automation));
            let rules = policy.mapping.rules(link.kind).iter();
            let named = rules.map(|rule| {
                let names = format!("{} / {}", rule.salesforce, rule.automation);
                (rule.id, names)
            });
            let touched = Touched {
                name: name.unwrap_or_default().to_owned(),
                fields: named.collect(),
            };
            contacts.insert(link.id, touched);
        }
    }
    Ok(contacts)
}

/// The links an act names: whom it was about, and those whose fields it decided.
pub(super) fn touched(act: &Act) -> Vec<LinkId> {
    let mut ids: Vec<LinkId> = act.undo.iter().map(|step| step.link).collect();
    ids.extend(&act.links);
    ids.extend(act.link());
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn head(format: Format) -> String {
    match format {
        Format::JsonLines => String::new(),
        Format::Csv => csv_line(&HEADING.map(ToOwned::to_owned)),
    }
}

fn text(format: Format, acts: &[Act], contacts: &BTreeMap<LinkId, Touched>) -> String {
    match format {
        Format::JsonLines => acts.iter().fold(String::new(), |mut text, act| {
            let _ = writeln!(text, "{}", json_of(act, contacts)); // Into a string: cannot fail.
            text
        }),
        Format::Csv => {
            let mut text = String::new();
            for act in acts {
                for step in &act.undo {
                    let cells = cells(act, Some(step.link), Some(step), contacts);
                    text.push_str(&csv_line(&cells));
                }
                let decided = |link: &LinkId| act.undo.iter().any(|step| step.link == *link);
                let others: Vec<LinkId> = touched(act)
                    .into_iter()
                    .filter(|link| !decided(link))
                    .collect();
                for link in &others {
                    text.push_str(&csv_line(&cells(act, Some(*link), None, contacts)));
                }
                if act.undo.is_empty() && others.is_empty() {
                    text.push_str(&csv_line(&cells(act, None, None, contacts)));
                }
            }
            text
        }
    }
}

/// A disk may take its time, and others are to be answered meanwhile.
async fn put(mut file: File, text: String, is_last: bool) -> io::Result<File> {
    let put = tokio::task::spawn_blocking(move || {
        file.write_all(text.as_bytes())?;
        if is_last {
            file.sync_all()?;
        }
        Ok(file)
    });
    put.await.map_err(io::Error::other)?
}

/// A new file that only we can read. Whatever has that name already stays as it is, a symbolic link
/// too, and nothing is written then.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

pub(in crate::app) fn json_of(act: &Act, contacts: &BTreeMap<LinkId, Touched>) -> Json {
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
    let about: Vec<Json> = touched(act)
        .into_iter()
        .map(|link| {
            let contact = contacts.get(&link).map(|contact| contact.name.as_str());
            json!({ "link": link.0, "contact": contact })
        })
        .collect();
    json!({
        "run": act.run.0,
        "at": act.at.to_string(),
        "operator": act.operator,
        "from": act.from,
        "act": act.act,
        "object": act.object,
        "reason": act.reason,
        "about": about,
        "decided": decided,
    })
}

fn cells(
    act: &Act,
    link: Option<LinkId>,
    step: Option<&UndoStep>,
    contacts: &BTreeMap<LinkId, Touched>,
) -> [String; 14] {
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
        act.from.clone(),
        act.act.clone(),
        act.object.clone(),
        act.reason.clone(),
        link.map_or_else(String::new, |link| link.to_string()),
        link.and_then(|link| contacts.get(&link))
            .map_or_else(String::new, |contact| contact.name.clone()),
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

fn csv_line(cells: &[String; 14]) -> String {
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
            from: "=1".to_owned(),
            act: "resolve".to_owned(),
            object: "1".to_owned(),
            links: vec![LinkId(1)],
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
            lines[0],
            "9,2026-03-04T09:15:02Z,claire,'=1,resolve,1,'=cmd|' /C calc'!A0,1,claire@orion.example,\
             MobilePhone / mobile,0600,'+336,,'+336"
        );
        assert_eq!(lines.len(), 2, "a line, and its end");
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
        create(&path).unwrap().write_all(b"a").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(create(&path).is_err(), "nothing is overwritten");
        assert_eq!(fs::read_to_string(&path).unwrap(), "a");

        let target = folder.path().join("elsewhere");
        let link = folder.path().join("audit-x.csv");
        symlink(&target, &link).unwrap();
        assert!(create(&link).is_err());
        assert!(!target.exists(), "a dangling link is not followed either");
    }
}
