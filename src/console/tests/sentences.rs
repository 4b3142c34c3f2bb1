//! What an operator needs is read whole, in both languages, on the smallest screens that there are.

use super::bench::{Bench, MOBILE, NOW};
use crate::console::{Msg, Safe};
use crate::domain::activity::NOT_LINKED;
use crate::domain::command::{Command, Queue, Survey};
use crate::domain::conflict::{Cause, Conflict, Subject};
use crate::domain::drift::FIELD_CHANGED;
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::{FieldId, LinkId, Side};
use crate::domain::link::{Base, Intent, Pending, PendingState};
use crate::domain::record::PlanKind;
use crate::domain::snapshot::{Budget, Transfer};
use crate::domain::time::Span;
use crate::domain::value::Value;

const SIZES: [(u16, u16); 2] = [(80, 24), (60, 20)];

/// In every language and size, with a bench that shows it.
fn everywhere(check: impl Fn(&mut Bench)) {
    for (width, height) in SIZES {
        for tongue in ["en", "fr"] {
            let mut bench = Bench::new();
            bench.keys(":").type_text(&format!("lang {tongue}"));
            bench.keys("enter");
            bench.send(Msg::Resized(width, height));
            check(&mut bench);
        }
    }
}

/// The words of the screen in their order, whatever lines they stand on; of a frame over it, what is in
/// the frame.
fn flat(bench: &Bench) -> String {
    let screen = bench.screen();
    let lines = screen.lines().map(|line| {
        let inside = line.split_once('│');
        let inside = inside.and_then(|(_, rest)| rest.rsplit_once('│'));
        inside.map_or(line, |(inside, _)| inside)
    });
    words(&lines.collect::<Vec<_>>().join(" "))
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn expect_whole(bench: &Bench, sentence: &str) {
    let sentence = words(Safe::new(sentence).as_str());
    let screen = bench.screen();
    assert!(
        flat(bench).contains(&sentence),
        "not whole: “{sentence}” in:\n{screen}"
    );
}

/// Every way to fail that has a sentence of its own.
fn failures() -> Vec<Failure> {
    let kinds = [
        FailureKind::Throttled { until: None },
        FailureKind::LimitReached,
        FailureKind::Transient,
        FailureKind::Unknown,
        FailureKind::Rejected(Rejection::Values(Vec::new())),
        FailureKind::Rejected(Rejection::Required(Vec::new())),
        FailureKind::Rejected(Rejection::Duplicate),
        FailureKind::Stale,
        FailureKind::Gone,
        FailureKind::Moved,
        FailureKind::Unauthorised,
        FailureKind::Forbidden,
        FailureKind::Broken,
    ];
    let said = "said the system";
    let kinds = kinds.into_iter();
    let mut failures: Vec<Failure> = kinds
        .map(|kind| Failure::new(kind, "SOME_CODE", said))
        .collect();
    for code in [NOT_LINKED, FIELD_CHANGED] {
        failures.push(Failure::new(FailureKind::Transient, code, said));
    }
    failures
}

fn write(failure: Failure) -> Pending {
    Pending {
        side: Side::Automation,
        write: Intent::Update,
        values: vec![(MOBILE, Value::text("0602"))],
        consent: None,
        state: PendingState::Dead,
        attempts: 8,
        failure: Some(failure),
    }
}

#[test]
fn every_failure_of_a_write_is_explained_whole_with_what_helps() {
    everywhere(|bench| {
        bench.keys("2");
        for failure in failures() {
            let pending = write(failure.clone());
            bench
                .world
                .change(LinkId(1), |link| link.pending = vec![pending.clone()]);
            bench.sync_reports();
            let words = bench.model.shell.words();
            let explained = words.explain_write(&pending, &failure);
            expect_whole(bench, &explained.sentence);
            expect_whole(bench, &explained.action);
            expect_whole(bench, "said the system");
        }
    });
}

#[test]
fn every_failure_of_an_activity_is_explained_whole_with_what_helps() {
    everywhere(|bench| {
        // Below the common size the head leaves less room: the sentence and the action come first.
        let is_common = bench.model.size() == SIZES[0];
        bench.keys("6");
        for failure in failures() {
            bench.world.held.clear();
            bench
                .world
                .refuse(LinkId(1), 1, failure.kind.clone(), &failure.code);
            bench.sync_reports();
            bench.keys("home");
            let words = bench.model.shell.words();
            let explained = words.explain(Side::Salesforce, &failure);
            expect_whole(bench, &explained.sentence);
            if is_common {
                expect_whole(bench, &explained.action);
            }
        }
    });
}

#[test]
fn the_cause_of_a_conflict_is_read_whole_in_the_list_and_inside() {
    everywhere(|bench| {
        bench.keys("3 j");
        let cause = Cause::ConsentWithoutProof {
            opted_in: Side::Salesforce,
        };
        let conflict = Conflict {
            subject: Subject::Consent,
            cause,
            raised: NOW,
        };
        let cause = bench.model.shell.words().cause(&conflict);
        expect_whole(bench, &cause);
        bench.keys("enter");
        expect_whole(bench, &cause);
    });
}

#[test]
fn what_is_wrong_with_a_typed_value_is_read_whole() {
    everywhere(|bench| {
        let refused = Value::text("0602");
        bench.world.change(LinkId(1), |link| {
            link.conflicts[0].cause = Cause::Refused {
                side: Side::Salesforce,
                value: refused.clone(),
                failure: Failure::new(FailureKind::Broken, "SOME_CODE", "no"),
            };
        });
        bench.sync_reports();
        bench.keys("3 enter e");
        for _ in 0..4 {
            bench.keys("backspace");
        }
        bench.type_text("0602").keys("enter");
        let side = Side::Salesforce.to_string();
        let gaps = [("side", side.as_str())];
        let told = bench.model.shell.language.with("refused-again", &gaps);
        expect_whole(bench, &told);
    });
}

#[test]
fn the_counts_of_a_transfer_lose_none_of_their_parts() {
    everywhere(|bench| {
        bench.keys("6");
        bench.sync_reports_that(|snapshot| {
            snapshot.transfer = Some(Transfer {
                plan: None,
                is_survey: false,
                kinds_read: 1,
                kinds: 5,
                examined: 104_000,
                gathered: 1_820,
                sent: 60_500,
                already_there: 40_040,
                held: 1_234,
            });
        });
        let say = &bench.model.shell.language;
        let number = say.number(1_234);
        let refused = say.with(
            "progress-read",
            &[
                ("examined", &say.number(104_000)),
                ("gathered", &say.number(1_820)),
                ("sent", &say.number(60_500)),
                ("there", &say.number(40_040)),
                ("held", &number),
            ],
        );
        expect_whole(bench, &refused);
    });
}

#[test]
fn the_overview_cuts_neither_its_verdict_nor_the_budget_nor_why_a_side_stopped() {
    everywhere(|bench| {
        bench.keys("1");
        bench.sync_reports_that(|snapshot| {
            snapshot.paused = Queue::ALL.into_iter().collect();
            snapshot.limit = Some((12_345, 100_000));
            snapshot.budget = Some(Budget {
                spent: 12_345,
                allowed: 50_000,
                reserved: 2_500,
                lately: 12,
                eases: None,
            });
        });
        let words = bench.model.shell.words();
        let say = words.language;
        let queues = Queue::ALL.map(|queue| words.queue(queue)).join(", ");
        expect_whole(bench, &say.with("verdict-paused", &[("queues", &queues)]));
        let kept = say.with("budget-kept", &[("reserved", &say.number(2_500))]);
        expect_whole(bench, &kept);
        let failure = Failure::new(
            FailureKind::Unauthorised,
            "invalid_grant",
            "the authentication that was kept is good for nothing any more",
        );
        let why = failure.to_string();
        bench.sync_reports_that(|snapshot| {
            snapshot.stopped.insert(Side::Salesforce, failure);
        });
        let say = &bench.model.shell.language;
        expect_whole(bench, &say.with("side-stopped", &[("failure", &why)]));
    });
}

#[test]
fn that_the_sync_has_ended_is_read_whole() {
    everywhere(|bench| {
        bench.send(Msg::Ended);
        let say = &bench.model.shell.language;
        expect_whole(bench, say.text("sync-ended"));
    });
}

#[test]
fn an_entry_of_the_help_is_read_whole_when_it_is_chosen() {
    everywhere(|bench| {
        bench.keys("3 enter ?").type_text("type-value");
        let say = &bench.model.shell.language;
        expect_whole(bench, say.text("do-type-value"));
    });
}

#[test]
fn an_undo_says_what_becomes_of_a_value_that_changed_since() {
    everywhere(|bench| {
        bench.world.add_act(LinkId(1));
        bench.world.change(LinkId(1), |link| {
            link.field_mut(MOBILE).automation = Some(Value::text("0777"));
        });
        bench.keys("u");
        if bench.model.size() != SIZES[0] {
            // Some of it is below, and it says so.
            bench.expect_screen("pgdn");
            return;
        }
        let say = &bench.model.shell.language;
        expect_whole(bench, say.text("undo-honest"));
        let field = [("field", "MobilePhone ↔ mobile")];
        expect_whole(bench, &say.with("preview-changed-since", &field));
    });
}

#[test]
fn what_does_not_fit_of_a_contact_with_many_conflicts_is_counted_and_reached() {
    everywhere(|bench| {
        bench.world.change(LinkId(1), |link| {
            let first = link.conflicts[0].clone();
            for number in 10..18 {
                let field = FieldId(number);
                let state = link.field_mut(field);
                state.salesforce = Some(Value::text("a"));
                state.automation = Some(Value::text("b"));
                let subject = Subject::Field(field);
                link.conflicts.push(Conflict {
                    subject,
                    ..first.clone()
                });
            }
        });
        bench.sync_reports();
        bench.keys("3 enter");
        let rows = if bench.model.size() == SIZES[0] { 6 } else { 5 };
        let say = &bench.model.shell.language;
        expect_whole(bench, &say.count("decide-below", 9 - rows));
        bench.keys("G");
        let say = &bench.model.shell.language;
        expect_whole(bench, &say.count("decide-above", rows));
        let more = say.count("decide-below", 9 - rows);
        assert!(!flat(bench).contains(&words(&more)), "nothing is below");
    });
}

#[test]
fn a_value_longer_than_the_screen_is_scrolled_and_says_how_much_is_below() {
    everywhere(|bench| {
        let long = |end: &str| Value::text(&format!("{}{end}", "0123456789 ".repeat(90)));
        bench.world.change(LinkId(1), |link| {
            let state = link.field_mut(MOBILE);
            state.base = Some(Base {
                salesforce: Value::text("0600"),
                automation: Value::text("0600"),
            });
            state.salesforce = Some(long("first"));
            state.automation = Some(long("second"));
        });
        bench.sync_reports();
        bench.keys("3 enter");
        bench.expect_screen("pgdn").lacks("second");
        for _ in 0..5 {
            bench.keys("pgdn");
        }
        let say = &bench.model.shell.language;
        expect_whole(bench, say.text("dialog-end"));
        bench.keys("k");
        bench.expect_screen("pgdn");
    });
}

#[test]
fn a_backfill_that_the_calls_do_not_last_for_says_so_instead_of_a_time() {
    everywhere(|bench| {
        bench.keys("6 R");
        let commands = bench.commands();
        let [(_, Command::Survey { from, until, .. })] = commands[..] else {
            panic!("{commands:?}");
        };
        let survey = Survey {
            kind: PlanKind::Republish,
            from,
            until,
            examined: 9_000,
            to_send: 5_000,
            people: 213,
            already_there: 0,
            left_out: 0,
            samples: Vec::new(),
        };
        bench.send(Msg::Told(crate::domain::command::Fact::Surveyed(survey)));
        bench.keys("esc");
        let under_way = |spent: u32, examined: u64| {
            move |snapshot: &mut crate::domain::snapshot::Snapshot| {
                snapshot.plans = vec![super::activities::plan(PlanKind::Republish, (from, until))];
                snapshot.transfer = Some(super::activities::transfer(examined));
                snapshot.budget = Some(Budget {
                    spent,
                    allowed: 100,
                    reserved: 5,
                    lately: 1,
                    eases: Some(NOW + Span::hours(2)),
                });
            }
        };
        for examined in [0, 400, 800, 1_200] {
            bench.sync_reports_that(under_way(90, examined));
        }
        let say = &bench.model.shell.language;
        let time = bench.model.shell.words().span(Span::seconds(10));
        let left = say.with("progress-left", &[("time", &time)]);
        assert!(flat(bench).contains(&words(&left)), "{}", bench.screen());
        bench.sync_reports_that(under_way(93, 1_200));
        let say = &bench.model.shell.language;
        let short = say.with("progress-short", &[("left", "2"), ("needed", "5")]);
        expect_whole(bench, &short);
        assert!(!flat(bench).contains(&words(&left)));
    });
}
