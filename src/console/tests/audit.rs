//! The screen of operators' acts.

use super::Msg;
use super::bench::{Bench, MOBILE, NOW, World, brief};
use crate::console::language::Tongue;
use crate::console::query::{
    Acts, Answer, Export, Exported, Format, Older, Query, Ticket, UndoPreview, Wanted,
};
use crate::domain::access::Why;
use crate::domain::audit::{Entry, Finding, Head, Mac, Verdict};
use crate::domain::ids::{LinkId, RunId};
use crate::domain::link::{Base, FieldState};
use crate::domain::record::{Act, UndoStep};
use crate::domain::time::Span;
use crate::domain::value::Value;

/// What the store would hold of it.
#[derive(Default)]
pub(super) struct Kept {
    /// Newest first.
    acts: Vec<Act>,
    has_older: bool,
    /// Why no file can be written.
    broken: Option<String>,
    /// What a check comes to.
    verdict: Verdict,
}

pub(super) fn answer(world: &World, query: &Query) -> Answer {
    let kept = &world.audit;
    match query {
        Query::Act(act) => {
            let mut ids: Vec<LinkId> = act.undo.iter().map(|step| step.link).collect();
            ids.extend(&act.links);
            ids.extend(act.link());
            ids.dedup();
            let links = ids.iter().filter_map(|id| world.links.get(id));
            Answer::Act(Box::new(UndoPreview {
                act: (**act).clone(),
                links: links.map(|link| (link.clone(), brief(link).name)).collect(),
                newer: Vec::new(),
            }))
        }
        Query::Bundle(contact, ..) => Answer::Exported(Exported::Bundle {
            path: format!("/data/bundle-of-{contact:?}.json.gz"),
        }),
        Query::ExportActs(export, _) => {
            let path = "/data/audit-20260304-091502Z.csv".to_owned();
            Answer::Exported(match &kept.broken {
                Some(error) => Exported::Failed {
                    path,
                    error: error.clone(),
                },
                None => Exported::Written {
                    acts: match &export.wanted {
                        Wanted::All => kept.acts.len() as u64,
                        Wanted::One(_) => 1,
                        Wanted::Filtered { .. } => 2,
                    },
                    path,
                },
            })
        }
        Query::CheckAudit => Answer::Checked(Box::new(kept.verdict.clone())),
        _ => {
            let firsts = kept.acts.iter().filter_map(|act| act.links.first());
            let links = firsts.filter_map(|id| world.links.get(id));
            Answer::Acts(Acts {
                rows: kept.acts.clone(),
                older: older(kept),
                names: links.map(|link| (link.id, brief(link).name)).collect(),
            })
        }
    }
}

const fn older(kept: &Kept) -> Older {
    if kept.has_older {
        Older::NotShown
    } else {
        Older::Nothing
    }
}

fn act(run: u64, operator: &str, name: &str, object: &str, reason: &str) -> Act {
    Act {
        run: RunId(run),
        at: NOW - Span::minutes(100 - run as i64),
        operator: operator.to_owned(),
        from: String::new(),
        act: name.to_owned(),
        object: object.to_owned(),
        links: Vec::new(),
        reason: reason.to_owned(),
        undo: Vec::new(),
    }
}

fn step(link: u64) -> UndoStep {
    let mut before = FieldState::new(MOBILE);
    before.salesforce = Some(Value::text("0601"));
    before.automation = Some(Value::text("0602"));
    UndoStep {
        link: LinkId(link),
        before,
        after: Base {
            salesforce: Value::text("0602"),
            automation: Value::text("0602"),
        },
    }
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    let mut resolved = act(94, "claire", "resolve", "1", "she said so on the phone");
    resolved.undo = vec![step(1)];
    let mut undone = act(95, "paul", "undo", "94", "wrong number");
    undone.undo = vec![step(1), step(2), step(3)];
    bench.world.audit.acts = vec![
        act(98, "claire", "unheard of", "7 things", "=SUM(A1)"),
        act(97, "claire", "resolve", "2", "wrote to us"),
        act(96, "zoe", "retry", "12 links", "locks are gone"),
        undone,
        resolved,
        act(93, "zoe", "retry activities", "1", "field added"),
    ];
    bench.keys("9");
    bench
}

#[test]
fn acts_are_told_newest_first_in_words_with_their_reason() {
    let mut bench = bench();
    bench.expect_screen("Audit: 6 acts");
    bench.expect_selected("unheard of");
    bench.expect_screen("7 things");
    bench.keys("j").expect_selected("conflict decided");
    bench.expect_screen("2026-03-04 09:12 UTC · claire: conflict decided · no. 2");
    bench.expect_screen("Reason given: wrote to us");
    bench.keys("j").expect_selected("12 contacts");
    bench.keys("G").expect_selected("1 activity");
    bench.keys(":").type_text("lang fr");
    bench.keys("enter").expect_screen("Audit : 6 actes");
    bench.expect_screen("conflit décidé");
}

#[test]
fn a_filter_goes_by_operator_act_object_and_reason() {
    let mut bench = bench();
    for (typed, count) in [
        ("operator:zoe", 2),
        ("act:decided", 2),
        ("object:no.", 2),
        ("reason:phone", 1),
        ("!operator:claire", 3),
    ] {
        bench.keys("/").type_text(typed);
        let screen = bench.screen();
        let title = if count == 1 {
            "1 act ·".to_owned()
        } else {
            format!("{count} acts ·")
        };
        assert!(screen.contains(&title), "{typed}: {screen}");
        bench.keys("esc");
    }
}

#[test]
fn an_act_shows_what_it_decided_per_field_and_side_and_leads_to_the_contact() {
    let mut bench = bench();
    bench
        .keys("G k enter")
        .expect_screen("conflict decided · act 94");
    bench.expect_screen("claire@orion.example · no. 1 · MobilePhone ↔ mobile");
    bench.expect_screen("Salesforce: “0601” → “0602”");
    bench.expect_screen("Automation: “0602”, as it was");
    bench.expect_screen("2026-03-04 09:09 UTC · claire");
    bench
        .keys("enter")
        .expect_screen("claire@orion.example · no. 1 ");
    bench.expect_screen("the two records were paired");
    bench.keys("9").expect_screen("act 94");
}

#[test]
fn an_act_on_several_contacts_leads_to_the_one_pointed_at() {
    let mut bench = bench();
    bench
        .keys("j j j enter j")
        .expect_selected("paul@orion.example");
    bench.sync_reports();
    bench
        .keys("enter")
        .expect_screen("paul@orion.example · no. 2");
    bench.keys("9 esc").expect_selected("undone");
}

#[test]
fn an_act_without_decided_fields_names_whom_it_was_about_or_nobody() {
    let mut bench = bench();
    bench.keys("j enter").expect_screen("Whom it was about");
    bench.expect_screen("paul@orion.example · no. 2");
    bench
        .keys("esc k enter")
        .expect_screen("No field of a contact was decided");
    bench
        .keys("enter")
        .expect_screen("There is no contact to open");
}

#[test]
fn export_takes_exactly_what_the_filter_shows_and_says_where_the_file_is() {
    let mut bench = bench();
    bench.asked();
    bench
        .keys("x")
        .expect_screen("Write acts to a file")
        .expect_screen("[> Cancel <]");
    assert_eq!(bench.keys("enter").commands(), []);
    assert!(!bench.asked().iter().any(is_export), "cancelled");
    takes(&mut bench, "x").expect_screen("6 acts written to /data/audit-2026");
    assert_eq!(exported(&mut bench), (Format::Csv, Wanted::All));
    bench.keys("/").type_text("operator:zoe");
    takes(&mut bench, "enter X").expect_screen("2 acts written to");
    let wanted = Wanted::Filtered {
        typed: "operator:zoe".to_owned(),
        tongue: Tongue::English,
    };
    assert_eq!(exported(&mut bench), (Format::JsonLines, wanted));
    takes(&mut bench, "G enter x").expect_screen("1 act written to");
    assert_eq!(exported(&mut bench), (Format::Csv, Wanted::One(RunId(93))));
    bench.sync_reports();
    assert!(!bench.asked().iter().any(is_export), "once is enough");
}

const fn is_export((_, query): &(Ticket, Query)) -> bool {
    matches!(query, Query::ExportActs(..))
}

/// Asks for a file, says why, and confirms.
fn takes<'a>(bench: &'a mut Bench, keys: &str) -> &'a mut Bench {
    bench.keys(keys).keys("tab").type_text("for the auditor");
    bench.keys("enter enter")
}

fn exported(bench: &mut Bench) -> (Format, Wanted) {
    let asked = bench.asked();
    let mut exports = asked.into_iter().filter_map(|(_, query)| match query {
        Query::ExportActs(Export { format, wanted, .. }, reason) => {
            assert_eq!(reason, "for the auditor");
            Some((format, wanted))
        }
        _ => None,
    });
    let first = exports.next().unwrap();
    assert_eq!(exports.next(), None);
    first
}

#[test]
fn a_bundle_is_asked_for_once_with_the_open_contact_and_said_where_it_is() {
    let bundled = |bench: &mut Bench| -> Vec<_> {
        let asked = bench.asked().into_iter();
        let bundles = asked.filter_map(|(_, query)| match query {
            Query::Bundle(contact, ..) => Some(contact),
            _ => None,
        });
        bundles.collect()
    };
    let mut bench = Bench::new();
    bench
        .keys("8 x")
        .expect_screen("- what the doctor found, the last acts")
        .expect_screen("[> Cancel <]")
        .lacks("how contact");
    bench.keys("esc");
    assert_eq!(bundled(&mut bench), [], "nothing is made unseen");
    takes(&mut bench, "x").expect_screen("The bundle, without names, is in /data/bundle-of-None");
    assert_eq!(bundled(&mut bench), [None]);
    bench.keys("4").type_text("claire");
    bench
        .keys("enter enter x")
        .expect_screen("- how contact no. 1 stands");
    bench.keys("esc");
    takes(&mut bench, "x").expect_screen("/data/bundle-of-Some");
    assert_eq!(bundled(&mut bench).len(), 1);
}

#[test]
fn an_act_on_several_contacts_names_the_first_and_says_from_where() {
    let mut bench = bench();
    let mut retried = act(99, "zoe", "retry", "3 links", "locks are gone");
    retried.links = vec![LinkId(1), LinkId(2), LinkId(9)];
    retried.from = "ssh 192.0.2.7".to_owned();
    bench.world.audit.acts.insert(0, retried);
    bench.keys("r g g").expect_selected("3: claire");
    bench.expect_screen("zoe (ssh 192.0.2.7): sent again · 3 contacts");
    bench.keys("/").type_text("object:claire@orion");
    bench.expect_screen("1 act ·");
    bench.keys("esc /").type_text("from:192.0.2");
    bench
        .keys("enter enter")
        .expect_screen("claire@orion.example · no. 1");
    bench.expect_screen("paul@orion.example · no. 2");
    bench.expect_screen("zoe (ssh 192.0.2.7)");
}

fn verdict() -> Verdict {
    Verdict {
        seals: 4,
        entries: 1_234,
        head: Some(Head {
            sequence: 4,
            at: NOW,
            mac: Mac([7; 32]),
        }),
        anchor: "/data.audit/anchor".to_owned(),
        is_over: true,
        ..Verdict::default()
    }
}

#[test]
fn a_check_tells_its_progress_then_that_all_is_whole() {
    let mut bench = bench();
    bench.world.audit.verdict = verdict();
    bench.holds_answers = true;
    bench.keys("V").expect_screen("Reading…");
    let ticket = bench
        .asked()
        .into_iter()
        .find_map(|(ticket, query)| (query == Query::CheckAudit).then_some(ticket))
        .unwrap();
    let mut sofar = verdict();
    sofar.is_over = false;
    sofar.entries = 20;
    bench.send(Msg::Answered(ticket, Answer::Checked(Box::new(sofar))));
    bench.expect_screen("Checking: 20 entries under 4 seals so far");
    bench.send(Msg::Answered(ticket, Answer::Checked(Box::new(verdict()))));
    bench.expect_screen("Whole: 1,234 entries under 4 seals");
    bench.expect_screen("Head: seal 4 of 2026-03-04");
    bench.holds_answers = false;
    bench.asked();
    bench.sync_reports();
    let is_check = |(_, query): &(_, Query)| *query == Query::CheckAudit;
    assert!(!bench.asked().iter().any(is_check), "once is enough");
    bench.keys("esc").expect_screen("Audit: 6 acts");
}

#[test]
fn a_check_says_each_finding_and_what_to_do() {
    let mut bench = bench();
    bench.world.audit.verdict = verdict();
    bench.world.audit.verdict.findings = vec![
        Finding::Edited(Entry::Act(RunId(12))),
        Finding::TailCut {
            head: 4,
            anchored: 9,
        },
    ];
    bench.keys("V").expect_screen("CHANGED: 2 found");
    bench.expect_screen("Act 12 was changed after it was sealed");
    bench.expect_screen("the anchor knows seal 9, the store ends with seal 4");
    bench.matches("audit-check-en");
    bench.keys("j");
    assert!(!bench.screen().contains("Act 12"), "scrolled past");
    bench.keys(":").type_text("lang fr");
    bench.keys("enter g g").matches("audit-check-fr");
}

#[test]
fn every_finding_has_its_sentence_in_both_languages() {
    let entry = Entry::Sent(LinkId(3));
    let path = || "/data.audit/key".to_owned();
    let all = [
        Finding::Edited(entry),
        Finding::Missing(entry),
        Finding::Added(entry),
        Finding::Swapped(entry),
        Finding::SealEdited(2),
        Finding::SealsMissing(2, 3),
        Finding::SealSwapped(2),
        Finding::TailCut {
            head: 1,
            anchored: 2,
        },
        Finding::AnchorDiffers(2),
        Finding::AnchorEdited(2),
        Finding::AnchorMissing {
            path: path(),
            head: 1,
        },
        Finding::KeyMissing {
            path: path(),
            first: 1,
            last: 2,
        },
        Finding::Restored {
            head: 1,
            until: NOW,
            anchored: 2,
        },
    ];
    for tongue in [Tongue::English, Tongue::French] {
        let language = crate::console::Language::new(tongue);
        let verdict = Verdict {
            findings: all.to_vec(),
            ..verdict()
        };
        let spoken = crate::console::spoken_verdict(&language, &verdict);
        for (code, says, remedy) in spoken.findings {
            assert!(says.contains(' ') && remedy.contains(' '), "{code}");
            assert!(!says.contains(['{', '}']), "{says}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_written_is_said_with_its_cause() {
    let mut bench = bench();
    bench.world.audit.broken = Some("No space left on device".to_owned());
    takes(&mut bench, "x").expect_screen("No space left on device");
    bench.world.audit.acts.clear();
    bench.keys("r X").expect_screen("There is nothing to write");
    bench.world.audit.acts = vec![act(1, "zoe", "retry", "1", "x")];
    bench.keys("r");
    bench.holds_answers = true;
    takes(&mut bench, "X");
    for (ticket, query) in bench.asked() {
        if matches!(query, Query::ExportActs(..)) {
            bench.send(Msg::Unanswered(ticket, Why::raw("disk on fire")));
        }
    }
    bench.expect_screen("disk on fire");
}

#[test]
fn reading_failing_empty_and_cut_lists_say_so() {
    let mut bench = Bench::empty();
    bench.keys("9").expect_screen("Nobody decided anything yet");
    let mut bench = Bench::new();
    bench.holds_answers = true;
    bench.keys("9").expect_screen("Reading…");
    for (ticket, query) in bench.asked() {
        if query == Query::Acts {
            bench.send(Msg::Unanswered(ticket, Why::raw("disk on fire")));
        }
    }
    bench.expect_screen("cannot be read: disk on fire");
    let mut bench = self::bench();
    bench.world.audit.has_older = true;
    bench.keys("r").expect_screen("older ones are not shown");
}

#[test]
fn a_new_act_never_moves_the_choice() {
    let mut bench = bench();
    bench.keys("j j").expect_selected("zoe");
    let newest = act(99, "claire", "retry", "1", "again");
    bench.world.audit.acts.insert(0, newest);
    bench.sync_reports();
    bench.expect_selected("12 contacts");
    bench.keys("home").expect_selected("again");
}

#[test]
fn audit_at_every_size_and_in_both_languages() {
    for language in ["en", "fr"] {
        let mut bench = bench();
        bench.keys(":").type_text(&format!("lang {language}"));
        bench
            .keys("enter j j j")
            .matches(&format!("audit-{language}"));
        bench.keys("enter j").matches(&format!("act-{language}"));
    }
    let mut bench = bench();
    for (width, height) in [(60, 20), (80, 24), (100, 30), (120, 40), (240, 60)] {
        bench.send(Msg::Resized(width, height));
        for keys in ["9", "j j j enter j j", "esc g g"] {
            bench.keys(keys).expect_screen("PRACTICE");
        }
    }
    bench.send(Msg::Resized(60, 20)).matches("audit-60x20");
    bench.send(Msg::Resized(120, 40)).matches("audit-120x40");
}

#[test]
fn nothing_from_outside_reaches_the_screen_raw() {
    let hostile = "\u{1b}]0;x\u{7}\u{202e}evil\u{9b}2J\r\n";
    let mut bench = bench();
    let mut act = act(99, hostile, hostile, hostile, hostile);
    act.undo = vec![step(1)];
    act.undo[0].after.salesforce = Value::Text(hostile.to_owned());
    bench.world.audit.acts.insert(0, act);
    bench.world.audit.broken = Some(hostile.to_owned());
    bench.keys("r g g");
    for keys in ["x", "enter", "X"] {
        if keys == "enter" {
            bench.keys(keys);
        } else {
            takes(&mut bench, keys);
        }
        let screen = bench.screen();
        let is_raw = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!screen.contains(is_raw), "{screen:?}");
        bench.expect_screen("<U+001B>");
    }
}

#[test]
fn a_long_path_is_shown_whole() {
    let mut bench = bench();
    let long = format!("{}/audit.csv", "/tmp/practice".repeat(8));
    bench.world.audit.broken = Some(long.clone());
    takes(&mut bench, "x");
    let screen = bench.screen().replace("\n ", "");
    assert!(screen.contains(&long), "{screen}");
}
