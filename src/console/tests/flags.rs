//! The screen of deletions and opt-outs.

use super::Msg;
use super::bench::{Bench, EMAIL, FLAG, NOW, World, brief, person};
use crate::console::query::{Answer, FlagRow, Page, Query};
use crate::domain::access::Why;
use crate::domain::command::Command;
use crate::domain::consent::{Consent, ConsentView, Dated, Evidence, Proof, Reason};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::flag::{flags, is_flagged};
use crate::domain::ids::{LinkId, RunId, Side};
use crate::domain::link::{Intent, Link, Parked, Pending, PendingState};
use crate::domain::mapping::Mapping;
use crate::domain::record::{Happened, HistoryEntry};
use crate::domain::row::RowState;
use crate::domain::time::Span;
use crate::domain::value::Value;

/// How the desk would list them.
#[derive(Default)]
pub(super) struct Listed {
    more: u64,
    /// What happened to every contact alike, newest first.
    pub(super) history: Vec<HistoryEntry>,
}

/// Unsubscribed in Automation, then written to Salesforce.
fn history() -> Vec<HistoryEntry> {
    let changed = |hours, side, by_us: bool, reason| HistoryEntry {
        at: NOW - Span::hours(hours),
        run: RunId(3),
        what: Happened::ConsentChanged {
            side,
            before: Some(Consent::In),
            after: Consent::Out(reason),
            proof: (!by_us).then(|| Dated::exactly(NOW - Span::hours(30), Proof::DatedRecord)),
            by_us,
        },
    };
    vec![
        changed(28, Side::Salesforce, true, Reason::Unstated),
        changed(29, Side::Automation, false, Reason::Unsubscribed),
    ]
}

pub(super) fn answer(world: &World, mapping: &Mapping) -> Answer {
    let mut rows: Vec<FlagRow> = world
        .links
        .values()
        .flat_map(|link| {
            flags(link, mapping).into_iter().map(|flag| FlagRow {
                brief: brief(link),
                kind: link.kind,
                flag,
                consent: link.consent,
                states: Side::BOTH.map(|side| link.state(side)),
                is_flagged: is_flagged(link, mapping),
                parked: link.parked.clone(),
            })
        })
        .collect();
    rows.sort_by_key(|row| row.flag.standing.urgency());
    Answer::Flags(Page {
        rows,
        more: world.flags.more,
    })
}

fn view(value: Consent, dated: Option<Dated>) -> ConsentView {
    ConsentView {
        value,
        since: NOW - Span::days(1),
        seen: NOW,
        evidence: Evidence {
            opted_out: dated,
            opted_in: None,
        },
    }
}

fn pending(side: Side, state: PendingState) -> Pending {
    Pending {
        side,
        write: Intent::Update,
        values: Vec::new(),
        consent: None,
        state,
        attempts: 8,
        failure: Some(Failure::new(FailureKind::Transient, "503", "busy")),
    }
}

fn opted_out(number: u64, email: &str, salesforce: Consent, automation: Consent) -> Link {
    let mut link = person(number, email);
    let dated = Dated::exactly(NOW - Span::hours(30), Proof::DatedRecord);
    let of = |value: Consent| view(value, value.is_out().then_some(dated));
    link.consent.salesforce = Some(of(salesforce));
    link.consent.automation = Some(of(automation));
    link.consent.opted_out = Some(dated);
    link
}

fn deleted(number: u64, email: &str, flag: bool) -> Link {
    let mut link = person(number, email);
    if let Some(end) = &mut link.salesforce {
        end.state = RowState::Deleted;
    }
    link.field_mut(FLAG).automation = Some(Value::Bool(flag));
    link
}

/// Paul is held; Hugo given up; Omar, Iris and Ines differ; Nina and Lea agree.
fn bench() -> Bench {
    let unsubscribed = Consent::Out(Reason::Unsubscribed);
    let unstated = Consent::Out(Reason::Unstated);
    let mut hugo = opted_out(5, "hugo@orion.example", Consent::In, unsubscribed);
    hugo.pending = vec![pending(Side::Salesforce, PendingState::Dead)];
    let mut omar = deleted(6, "omar@orion.example", false);
    let mut planned = pending(Side::Automation, PendingState::Planned);
    planned.values = vec![(FLAG, Value::Bool(true))];
    omar.pending = vec![planned];
    let mut iris = opted_out(7, "iris@orion.example", unstated, Consent::In);
    iris.parked = Some(Parked::Quarantined {
        until: Some(NOW + Span::days(7)),
    });
    let mut bench = Bench::new();
    bench.world.flags.history = history();
    for link in [
        opted_out(4, "nina@orion.example", unstated, unsubscribed),
        hugo,
        omar,
        iris,
        opted_out(8, "ines@orion.example", unstated, Consent::In),
        deleted(9, "lea@orion.example", true),
    ] {
        bench.world.links.insert(link.id, link);
    }
    bench.keys("5");
    bench
}

#[test]
fn mismatches_come_first_with_a_reason_each_and_are_counted_in_the_title() {
    let mut bench = bench();
    bench.expect_screen("Deleted and opted out: 7 · 5 differ");
    bench.expect_selected("paul@orion.example");
    for (keys, whom, why) in [
        ("g g", "paul", "In conflict (consent)"),
        (
            "j",
            "hugo",
            "did not reach Salesforce: the write was given up",
        ),
        ("j", "omar", "The deletion is on its way to Automation"),
        ("j", "iris", "Set aside by an operator until 2026-03-11"),
        (
            "j",
            "ines",
            "is not in Automation yet; the next sync writes it",
        ),
        (
            "j",
            "nina",
            "Both systems say that the person must not be e-mailed",
        ),
        ("j", "lea", "Automation shows the “deleted” field ticked"),
    ] {
        bench.keys(keys).expect_selected(whom).expect_screen(why);
    }
}

#[test]
fn a_filter_goes_by_state_side_address_and_proof() {
    let mut bench = bench();
    for (typed, count) in [
        ("state:conflict", 1),
        ("side:salesforce", 5),
        ("side:automation", 3),
        ("email:nina", 1),
        ("what:deleted", 2),
        ("reason:person", 3),
        ("proof:own", 4),
        ("!state:agreed side:salesforce", 3),
    ] {
        bench.keys("/").type_text(typed);
        let title = format!("Deleted and opted out: {count} · ");
        let screen = bench.screen();
        assert!(screen.contains(&title), "{typed}: {screen}");
        bench.keys("esc");
    }
    bench.keys("/").type_text("nobody");
    bench.expect_screen("Nothing matches the filter");
}

#[test]
fn an_entry_shows_both_sides_with_dates_reason_and_proof_and_what_to_do() {
    let mut bench = bench();
    bench
        .keys("G k enter")
        .expect_screen("nina@orion.example · no. 4");
    bench.expect_screen("not stated");
    bench.expect_screen("by the person");
    bench.expect_screen("2026-03-03 03:15 UTC");
    bench.expect_screen("Automation's own record");
    bench.expect_screen("Automation, by the sync");
    bench.expect_screen("made in Automation");
    bench.expect_screen("Both systems say");
    bench.expect_screen("Next: nothing.");
    bench
        .keys("enter")
        .expect_screen("nina@orion.example · no. 4");
    bench.expect_screen("the two records were paired");
}

#[test]
fn a_held_one_leads_to_its_conflict_and_nothing_here_opts_anybody_in() {
    let mut bench = bench();
    bench.keys("enter").expect_screen("which is newer");
    bench.keys("O o w");
    assert!(bench.commands().is_empty());
    bench.expect_screen("does nothing here");
    bench
        .keys("enter")
        .expect_screen("Cause: Salesforce says the person may be e-mailed");
    bench.keys("O w").expect_screen("Type opt-in:");
}

#[test]
fn a_refresh_never_moves_the_choice_and_says_when_it_is_gone() {
    let mut bench = bench();
    bench.keys("j j j j").expect_selected("ines");
    bench.world.change(LinkId(2), |link| {
        link.conflicts.clear();
        link.consent.automation = None;
    });
    bench.sync_reports();
    bench.expect_selected("ines");
    bench
        .world
        .change(LinkId(8), |link| link.consent.salesforce = None);
    bench.sync_reports();
    bench.expect_screen("no longer in the list");
}

#[test]
fn an_entry_that_is_over_says_so() {
    let mut bench = bench();
    bench.keys("j enter");
    bench.world.change(LinkId(5), |link| {
        link.consent.automation = link.consent.salesforce;
    });
    bench.sync_reports();
    bench.expect_screen("Neither system says so any more");
    bench.world.links.remove(&LinkId(5));
    bench.sync_reports();
    bench.expect_screen("no longer known here");
}

#[test]
fn one_is_read_again_in_a_dialog_that_opens_on_cancel_and_asks_why() {
    let mut bench = bench();
    bench.keys("j t").expect_screen("[> Cancel <]");
    bench.expect_screen("hugo@orion.example · no. 5");
    assert!(bench.keys("enter").commands().is_empty());
    bench.keys("t").type_text("she called");
    let commands = bench.keys("enter enter").commands();
    let [(reason, Command::Check { links })] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert_eq!(
        (reason.as_str(), &links[..]),
        ("she called", &[LinkId(5)][..])
    );
    bench.expect_screen("Sent to the sync");
}

#[test]
fn everybody_shown_means_exactly_the_filter_with_count_and_samples() {
    let mut bench = bench();
    bench.keys("/").type_text("side:automation");
    bench
        .keys("enter T")
        .expect_screen("The records of 3 contacts are read again");
    bench.world.links.remove(&LinkId(4));
    bench.sync_reports();
    bench.expect_screen("nina@orion.example · no. 4");
    bench.keys("tab").type_text("why");
    let commands = bench.keys("tab enter").commands();
    let links = vec![LinkId(2), LinkId(5), LinkId(4)];
    assert!(
        matches!(&commands[..], [(_, Command::Check { links: sent })] if *sent == links),
        "what was shown is what is sent: {commands:?}"
    );
    bench.world.flags.more = 40;
    bench
        .keys("esc r T")
        .expect_screen("40 more, not in the list, stay as they are");
}

#[test]
fn setting_aside_asks_until_when_and_says_what_waits_meanwhile() {
    let mut bench = bench();
    bench.keys("j h").expect_screen("a date such as 2026-12-24");
    for (typed, problem) in [
        ("soon", "Neither a date"),
        ("0", "Neither a date"),
        ("2026-02-30", "Neither a date"),
        ("2026-03-04", "That date is past"),
    ] {
        bench.type_text(typed);
        bench.keys("enter").expect_screen(problem);
        for _ in 0..typed.len() {
            bench.keys("backspace");
        }
    }
    bench.type_text("2026-12-24");
    bench
        .keys("enter")
        .expect_screen("until 2026-12-24 00:00 UTC");
    bench.expect_screen("One differs between the systems");
    bench.keys("tab").type_text("lawyer looks at it");
    let commands = bench.keys("tab enter").commands();
    let [(_, Command::SetAside { links, until })] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert_eq!(links, &[LinkId(5)]);
    assert_eq!(
        until.map(|at| at.to_string()).unwrap(),
        "2026-12-24T00:00:00Z"
    );
    bench.keys("h").type_text("7");
    bench.keys("enter").expect_screen("(in 7 d)");
    bench.keys("esc h esc").expect_selected("hugo");
    bench
        .keys("H enter")
        .expect_screen("until somebody takes them back");
    bench.expect_screen("7 contacts are set aside");
    bench.keys("tab").type_text("audit");
    let commands = bench.keys("tab enter").commands();
    assert!(
        matches!(&commands[..], [(_, Command::SetAside { links, until: None })] if links.len() == 7)
    );
}

#[test]
fn only_who_is_set_aside_is_taken_back() {
    let mut bench = bench();
    bench.keys("b").expect_screen("Nobody here is set aside");
    bench
        .keys("B")
        .expect_screen("6 shown are not set aside, and stay as they are");
    bench.expect_screen("iris@orion.example · no. 7");
    bench
        .keys("esc j j j enter")
        .expect_screen("Set aside by an operator until");
    bench.expect_screen("b take back");
    bench.keys("h esc c esc b tab").type_text("done");
    let commands = bench.keys("tab enter").commands();
    assert!(matches!(&commands[..], [(_, Command::TakeBack { links })] if links == &[LinkId(7)]));
}

#[test]
fn who_is_set_aside_is_found_and_said_even_where_both_agree() {
    let mut bench = bench();
    bench.world.change(LinkId(4), |link| {
        link.parked = Some(Parked::Quarantined { until: None });
    });
    bench.keys("r /").type_text("state:aside");
    bench.expect_screen("Deleted and opted out: 2 ");
    bench.keys("enter G").expect_selected("nina");
    bench.expect_screen("must not be e-mailed. Set aside by an");
    bench.expect_screen("b take back");
}

#[test]
fn nothing_from_outside_reaches_the_screen_raw() {
    let hostile = "\u{1b}]0;x\u{7}\u{202e}evil\u{9b}2J";
    let mut bench = bench();
    bench.world.change(LinkId(2), |link| {
        link.field_mut(EMAIL).salesforce = Some(Value::Text(hostile.to_owned()));
    });
    bench.keys("r");
    for keys in ["g g", "enter", "t", "esc", "esc", "h", "enter", "esc"] {
        let screen = bench.keys(keys).screen();
        let is_raw = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!screen.contains(is_raw), "{screen:?}");
        bench.expect_screen("<U+001B>");
    }
}

#[test]
fn nothing_chosen_is_said_and_nothing_is_done() {
    let mut bench = Bench::empty();
    bench.keys("5");
    for keys in ["enter", "t", "h", "b"] {
        bench.keys(keys).expect_screen("No line is chosen");
    }
    for keys in ["T", "H", "B"] {
        bench.keys(keys).expect_screen("The filter shows nobody");
    }
    assert!(bench.commands().is_empty());
}

#[test]
fn reading_failing_empty_and_cut_lists_say_so() {
    let mut bench = Bench::empty();
    bench
        .keys("5")
        .expect_screen("Nobody is deleted or opted out");
    let mut bench = bench_that_reads();
    bench.expect_screen("Reading…");
    for (ticket, query) in bench.asked() {
        if query == Query::Flags {
            bench.send(Msg::Unanswered(ticket, Why::raw("disk on fire")));
        }
    }
    bench.expect_screen("cannot be read: disk on fire");
    let mut bench = self::bench();
    bench.world.flags.more = 1_234;
    bench.keys("r").expect_screen("1,234 more not shown");
    bench.holds_answers = true;
    bench.sync_reports();
    bench.expect_screen("as of 09:15:03 UTC");
}

fn bench_that_reads() -> Bench {
    let mut bench = Bench::new();
    bench.holds_answers = true;
    bench.keys("5");
    bench
}

#[test]
fn a_click_and_every_move_choose_a_row() {
    let mut bench = bench();
    bench.click(5, 6).expect_selected("omar");
    bench.keys("end").expect_selected("lea");
    bench.keys("home").expect_selected("paul");
    bench.keys("pgdn").expect_selected("lea");
    bench.keys("pgup").expect_selected("paul");
    bench.keys("G enter down down up pgdn home end");
    bench.expect_screen("IsDeleted");
    bench.keys("esc").expect_selected("lea");
    bench.keys("esc").expect_screen("things need a person");
}

#[test]
fn flags_at_every_size_and_in_both_languages() {
    for language in ["en", "fr"] {
        let mut bench = bench();
        bench.keys(":").type_text(&format!("lang {language}"));
        bench.keys("enter").matches(&format!("flags-{language}"));
        bench.keys("h").type_text("7");
        bench.keys("enter").matches(&format!("aside-{language}"));
        bench.keys("esc");
        bench
            .keys("enter")
            .matches(&format!("flag-held-{language}"));
        bench.keys("esc G k enter");
        bench.matches(&format!("flag-{language}"));
        bench.keys("esc G enter");
        bench.matches(&format!("flag-deleted-{language}"));
    }
    let mut bench = bench();
    for (width, height) in [
        (60, 20),
        (80, 24),
        (100, 30),
        (120, 40),
        (160, 50),
        (240, 60),
    ] {
        bench.send(Msg::Resized(width, height));
        for keys in ["5", "G k k enter", "esc enter", "esc g g"] {
            bench.keys(keys).expect_screen("PRACTICE");
        }
    }
    bench.send(Msg::Resized(60, 20)).matches("flags-60x20");
    bench.send(Msg::Resized(120, 40)).matches("flags-120x40");
}
