//! The screen of what is wrong with the set-up.

use super::Msg;
use super::bench::{Bench, NOW, World, policy};
use super::plugin::described;
use crate::console::query::{Answer, Diagnosis, Mending, Query};
use crate::domain::access::Why;
use crate::domain::doctor::{CHECKS, Disk, Facts, examine};
use crate::domain::drift::Descriptions;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::Side;
use crate::domain::link::Mark;
use crate::domain::record::Counts;
use crate::domain::remedy::{Mended, Preview, Remedy, Step};
use crate::domain::snapshot::Snapshot;
use crate::domain::time::{Span, Timestamp};

/// What the desk would know. Nothing is examined unless there is something to examine.
#[derive(Default)]
pub(super) struct Known {
    facts: Option<Box<Seen>>,
    /// What a trial run is refused with.
    refusal: Option<String>,
}

struct Seen {
    snapshot: Snapshot,
    described: Descriptions,
    oldest_conflict: Option<Timestamp>,
}

pub(super) fn answer(world: &World, query: &Query) -> Answer {
    match query {
        Query::Preview(_) => {
            let step = Step {
                request: "POST /services/data/v62.0/metadata/deployRequest".to_owned(),
                file: "objects/mautic_timeline__c.object".to_owned(),
                content: "<CustomObject/>".to_owned(),
            };
            let mending = world.doctor.refusal.clone().map_or_else(
                || Preview {
                    steps: vec![step],
                    refusals: Vec::new(),
                    is_tried: true,
                },
                |refusal| Preview {
                    refusals: vec![refusal],
                    ..Preview::default()
                },
            );
            return Answer::Mending(Box::new(Mending::Previewed(mending)));
        }
        Query::Mend(..) => {
            let made = vec!["mautic_timeline__c".to_owned()];
            return Answer::Mending(Box::new(Mending::Made(Mended {
                made,
                ..Mended::default()
            })));
        }
        _ => {}
    }
    let Some(seen) = &world.doctor.facts else {
        return Answer::Doctor(Diagnosis {
            findings: Vec::new(),
            described: NOW,
            examined: Some(NOW),
        });
    };
    let mut counts = Counts::default();
    counts.marks.insert(Mark::Conflict, 3);
    let facts = Facts {
        now: NOW,
        policy: &policy(),
        snapshot: &seen.snapshot,
        counts: &counts,
        described: Some(&seen.described),
        evidence: None,
        machine: None,
        bound: None,
        timetable: None,
        oldest_conflict: seen.oldest_conflict,
        refused: &[],
        disk: Some(Disk {
            used_bytes: 12_300_000,
            free_bytes: 48_000_000_000,
        }),
    };
    Answer::Doctor(Diagnosis {
        findings: examine(&facts),
        described: seen.described.at,
        examined: Some(NOW),
    })
}

pub(super) fn bench() -> Bench {
    let mut bench = Bench::new();
    let mut snapshot = Snapshot {
        published: true,
        limit: Some((1_204, 15_000)),
        ..Snapshot::default()
    };
    snapshot
        .answered
        .insert(Side::Salesforce, NOW - Span::minutes(2));
    let failure = Failure::new(FailureKind::Unauthorised, "401", "The access token expired");
    snapshot.stopped.insert(Side::Automation, failure);
    bench.world.doctor.facts = Some(Box::new(Seen {
        snapshot,
        described: described(),
        oldest_conflict: Some(NOW - Span::days(9)),
    }));
    bench.keys("r 8");
    bench
}

fn seen(bench: &mut Bench) -> &mut Seen {
    bench.world.doctor.facts.as_mut().unwrap()
}

#[test]
fn faults_stand_first_with_what_was_seen_and_their_count_in_the_title() {
    let mut bench = bench();
    bench
        .expect_screen("Doctor: 4 faults")
        .expect_selected("Credentials and rights");
    bench.expect_screen("Automation refused us: 401: The access token expired");
    bench
        .keys("y")
        .expect_screen("Credentials and rights: Automation refused us");
    bench.keys("G").expect_selected("ok");
}

#[test]
fn the_first_finding_is_chosen_when_both_were_read_unless_the_operator_has_chosen() {
    let mut bench = bench();
    bench.expect_selected("Credentials and rights");
    let stopped = std::mem::take(&mut seen(&mut bench).snapshot.stopped);
    bench.keys("r").expect_selected("Salesforce objects");
    bench.keys("down").expect_selected("Timeline object");
    seen(&mut bench).snapshot.stopped = stopped;
    bench.keys("r").expect_selected("Timeline object");
    bench.expect_screen("Credentials and rights");
}

#[test]
fn a_check_opens_to_the_whole_text_and_leads_to_where_it_is_mended() {
    let mut bench = bench();
    bench.keys("/").type_text("check:conflicts");
    bench.keys("enter enter");
    bench
        .expect_screen("warning: Waiting for a decision: 3; the oldest since 2026-02-23")
        .expect_screen("Why it matters")
        .expect_screen("Screen Conflicts: decide")
        .expect_screen("Both systems were read on 2026-03-04");
    bench
        .keys("enter")
        .expect_screen("3 contacts need a decision");
    bench.keys("8 esc esc /").type_text("check:rights");
    bench.keys("enter enter").expect_screen("App Manager");
    bench.keys("enter").expect_screen("Nothing further to open");
    bench.keys("j").expect_screen("Why it matters");
    bench.keys("j j").expect_screen("What to do");
}

#[test]
fn the_chosen_check_stays_chosen_when_it_changes_its_place() {
    let mut bench = bench();
    bench.keys("j").expect_selected("Salesforce objects");
    seen(&mut bench).snapshot.stopped.clear();
    bench.keys("r").expect_screen("Doctor: 3 faults");
    bench.expect_selected("Salesforce objects");
}

#[test]
fn what_cannot_be_seen_is_unknown_and_says_what_would_tell() {
    let mut bench = bench();
    bench.keys("/").type_text("state:unknown check:clocks");
    bench
        .keys("enter")
        .expect_screen("Not measured here; compare this machine's clock");
}

fn asked_to_mend(bench: &mut Bench) -> Vec<(Remedy, String)> {
    let asked = bench.asked().into_iter();
    asked
        .filter_map(|(_, query)| match query {
            Query::Mend(remedy, reason) => Some((remedy, reason)),
            _ => None,
        })
        .collect()
}

#[test]
fn what_is_missing_is_shown_before_it_is_made_and_never_made_by_the_same_key() {
    let mut bench = bench();
    bench.keys("/").type_text("check:timeline");
    bench.keys("enter").expect_selected("Timeline object");
    bench
        .keys("F")
        .expect_screen("Make what is missing?")
        .expect_screen("To be made in Salesforce")
        .expect_screen("Only our user sees what is made")
        .expect_screen("objects/mautic_timeline__c.object")
        .expect_screen("Salesforce accepted a trial");
    bench.keys("esc F F");
    assert_eq!(
        asked_to_mend(&mut bench),
        [],
        "the key that asked does not answer"
    );
    bench.keys("esc esc F tab").type_text("asked by phone");
    bench
        .keys("enter enter")
        .expect_screen("Made: mautic_timeline__c. Only our user sees");
    let reason = "asked by phone".to_owned();
    assert_eq!(asked_to_mend(&mut bench), [(Remedy::Timeline, reason)]);
}

#[test]
fn what_a_trial_run_refuses_or_nobody_can_mend_is_said() {
    let mut bench = bench();
    bench.keys("/").type_text("check:timeline");
    bench.world.doctor.refusal = Some("WhoId__c: no such object".to_owned());
    bench
        .keys("enter F")
        .expect_screen("Salesforce or Automation would refuse it: WhoId__c: no such object");
    bench.keys("esc /").type_text("check:credentials");
    bench
        .keys("enter F")
        .expect_screen("This cannot be fixed from here");
    assert_eq!(asked_to_mend(&mut bench), []);
}

#[test]
fn the_overview_counts_the_faults_and_leads_to_them() {
    let mut bench = bench();
    bench.keys("1").expect_screen("Faults of the set-up");
    bench.expect_screen("7 things need a person");
    bench.keys("G").expect_selected("Faults of the set-up");
    bench.keys("enter").expect_screen("Doctor: 4 faults");
}

#[test]
fn what_cannot_be_read_is_said() {
    let mut bench = Bench::new();
    let fail = |bench: &mut Bench| {
        for (ticket, query) in bench.asked() {
            if query == Query::Doctor {
                bench.send(Msg::Unanswered(ticket, Why::raw("disk on fire")));
            }
        }
    };
    bench.holds_answers = true;
    bench.keys("8 r");
    fail(&mut bench);
    bench.expect_screen("cannot be read: disk on fire");
}

#[test]
fn every_check_says_everything_it_has_to_say() {
    for language in ["en", "fr"] {
        let mut bench = bench();
        bench.keys(":").type_text(&format!("lang {language}"));
        bench.keys("enter g g").send(Msg::Resized(120, 40));
        for _ in CHECKS {
            let screen = bench.keys("enter").screen();
            assert!(!screen.contains(['{', '}']), "{screen}");
            bench.keys("esc j");
        }
    }
}

#[test]
fn doctor_in_both_languages_and_every_size() {
    for language in ["en", "fr"] {
        let mut bench = bench();
        bench.keys(":").type_text(&format!("lang {language}"));
        bench.keys("enter").matches(&format!("doctor-{language}"));
        bench.keys("j enter").matches(&format!("check-{language}"));
        bench.keys("esc /").type_text("timeline");
        bench.keys("enter enter");
        bench.matches(&format!("check-timeline-{language}"));
    }
    for (name, size) in [
        ("60x20", (60, 20)),
        ("120x40", (120, 40)),
        ("240x60", (240, 60)),
    ] {
        let mut bench = bench();
        bench.send(Msg::Resized(size.0, size.1));
        if size.0 < 240 {
            bench.matches(&format!("doctor-{name}"));
        }
        bench.keys("enter").expect_screen("Why it matters");
    }
}

#[test]
fn nine_tabs_fit_at_80_columns_in_both_languages_with_many_conflicts() {
    for (language, last) in [("en", "9 Audit"), ("fr", "9 Audit")] {
        let mut bench = Bench::new();
        for id in 10..250 {
            let mut link = bench.world.links.values().next().unwrap().clone();
            link.id = crate::domain::ids::LinkId(id);
            bench.world.links.insert(link.id, link);
        }
        bench.keys(":").type_text(&format!("lang {language}"));
        bench.keys("enter r");
        let screen = bench.screen();
        let tabs = screen.lines().next().unwrap();
        assert!(tabs.ends_with(last), "{tabs}");
        assert!(tabs.contains("Conf !243"), "{tabs}");
    }
}
