//! The screen of activities: counting, beginning and steering a plan; what was refused, by cause.

use super::bench::{Bench, NOW, World, brief};
use crate::console::Msg;
use crate::console::query::HeldRow;
use crate::domain::activity::{Activity, HeldActivity};
use crate::domain::command::{Command, Fact, Steer, Survey};
use crate::domain::failure::{Failure, FailureKind, Rejection};
use crate::domain::ids::{AutomationId, LinkId, RunId};
use crate::domain::record::{Plan, PlanKind};
use crate::domain::snapshot::{Budget, Snapshot, Transfer};
use crate::domain::time::{Span, Timestamp};

impl World {
    pub(super) fn held_row(&self, held: &HeldActivity) -> HeldRow {
        HeldRow {
            brief: brief(&self.links[&held.link]),
            held: held.clone(),
        }
    }

    /// An event of a contact that Salesforce refused.
    pub(super) fn refuse(&mut self, link: LinkId, event: u32, kind: FailureKind, code: &str) {
        self.held.push(HeldActivity {
            link,
            activity: Activity {
                reference: format!("EmailRead{event}"),
                contact: AutomationId(link.0),
                kind: "email.read".to_owned(),
                at: NOW - Span::hours(i64::from(event)),
                name: format!("Email read - Newsletter {event}"),
                description: String::new(),
            },
            failure: Failure::new(kind, code, "said the system"),
            attempts: 1,
        });
    }
}

fn survey(kind: PlanKind, command: &Command) -> Survey {
    let Command::Survey { from, until, .. } = *command else {
        panic!("{command:?}");
    };
    Survey {
        kind,
        from,
        until,
        examined: 4_000,
        to_send: 1_820,
        people: 213,
        already_there: 2_140,
        left_out: 40,
        samples: vec!["Email read - Newsletter".to_owned()],
    }
}

pub(super) fn plan(kind: PlanKind, (from, until): (Timestamp, Timestamp)) -> Plan {
    Plan {
        run: RunId(12),
        kind,
        operator: "claire".to_owned(),
        reason: "asked by phone".to_owned(),
        started: until,
        from,
        until,
        kinds: Vec::new(),
        next: (0, 1),
        examined: 0,
        sent: 0,
        already_there: 0,
        held: 0,
        is_paused: false,
    }
}

pub(super) fn transfer(examined: u64) -> Transfer {
    Transfer {
        plan: Some(RunId(12)),
        is_survey: false,
        kinds_read: 1,
        kinds: 5,
        examined,
        gathered: 900,
        sent: 0,
        already_there: 1_000,
        held: 0,
    }
}

const fn budget() -> Budget {
    Budget {
        spent: 123,
        allowed: 7_500,
        reserved: 375,
        lately: 12,
        eases: None,
    }
}

/// Contacts whose events were refused: two for one cause, one for another.
pub(super) fn refused() -> Bench {
    let mut bench = Bench::new();
    let values = FailureKind::Rejected(Rejection::Values(Vec::new()));
    let code = "FIELD_CUSTOM_VALIDATION_EXCEPTION";
    bench.world.refuse(LinkId(1), 1, values.clone(), code);
    bench.world.refuse(LinkId(2), 2, values, code);
    bench
        .world
        .refuse(LinkId(1), 3, FailureKind::Transient, "NOT_LINKED");
    bench.sync_reports_that(|snapshot| snapshot.budget = Some(budget()));
    bench.keys("6");
    bench
}

/// Counts, answers the count, and leaves the dialog open. The window that was counted.
pub(super) fn counted(bench: &mut Bench, kind: PlanKind) -> (Timestamp, Timestamp) {
    let commands = bench.commands();
    let [(reason, command)] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert_eq!(reason, "", "counting is no act");
    let survey = survey(kind, command);
    let window = (survey.from, survey.until);
    bench.send(Msg::Told(Fact::Surveyed(survey)));
    window
}

#[test]
fn a_backfill_is_counted_shown_begun_and_followed() {
    let mut bench = refused();
    bench.keys("B").expect_screen("activities of the last");
    bench.expect_screen("7d");
    bench
        .keys("enter")
        .expect_screen("Counting; nothing is written yet");
    let window = counted(&mut bench, PlanKind::Backfill);
    assert_eq!(window.1.since(window.0), Span::days(7));
    bench.expect_screen("1,820 activities of 213 contacts are sent to Salesforce");
    bench.expect_screen("2,140 are there already");
    bench.expect_screen("about 2 calls; 7,002 of ours are left today");
    bench.expect_screen("Email read - Newsletter");
    bench.expect_screen("[> Cancel <]");
    bench.matches("backfill-en");
    bench.type_text("asked by phone");
    let commands = bench.keys("enter enter").commands();
    let [(reason, Command::Backfill { kind, from, until })] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert_eq!(reason, "asked by phone");
    assert_eq!((*kind, (*from, *until)), (PlanKind::Backfill, window));
    let under_way = |examined| {
        move |snapshot: &mut Snapshot| {
            snapshot.plans = vec![plan(PlanKind::Backfill, window)];
            snapshot.transfer = Some(transfer(examined));
        }
    };
    bench.sync_reports_that(under_way(0));
    for examined in [400, 800, 1_200, 2_000] {
        bench.sync_reports_that(under_way(examined));
    }
    bench.expect_screen("backfill from");
    bench.expect_screen("50 %");
    bench.expect_screen("about 2 s left");
    bench.expect_screen("2,000 read · 900 to send");
}

#[test]
fn a_length_of_time_that_is_none_is_refused_where_it_is_typed() {
    let mut bench = refused();
    bench.keys("B backspace backspace").type_text("week");
    bench
        .keys("enter")
        .expect_screen("Not a length of time; type one such as 7, 7d");
    assert!(bench.commands().is_empty());
    bench
        .keys("esc B enter B")
        .expect_screen("numbers are on their way");
    assert_eq!(bench.commands().len(), 1, "it is counted once");
}

#[test]
fn republishing_says_that_the_plugin_is_never_left_unpublished() {
    let mut bench = refused();
    bench.keys("R");
    counted(&mut bench, PlanKind::Republish);
    bench.expect_screen("published and stays published all the time");
    bench.type_text("as the guide says");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(
        &commands[..],
        [(
            _,
            Command::Backfill {
                kind: PlanKind::Republish,
                ..
            }
        )]
    ));
}

#[test]
fn numbers_that_come_while_something_else_is_open_wait_for_the_operator() {
    let mut bench = refused();
    bench.keys("R 3");
    counted(&mut bench, PlanKind::Republish);
    bench.expect_screen("contacts need a decision");
    bench
        .keys("6")
        .expect_screen("1,820 activities of 213 contacts");
}

#[test]
fn a_count_that_was_broken_off_can_be_asked_for_again() {
    let mut bench = refused();
    bench.keys("R").commands();
    bench.send(Msg::Told(Fact::SurveyFailed));
    bench.expect_screen("Counting was interrupted");
    bench.keys("R");
    assert_eq!(bench.commands().len(), 1);
}

#[test]
fn a_plan_under_way_is_paused_let_go_on_and_stopped() {
    let mut bench = refused();
    let window = (Timestamp(0), Timestamp(1_000));
    bench
        .keys("Z")
        .expect_screen("No backfill or republish is under way");
    bench.sync_reports_that(|s| s.plans = vec![plan(PlanKind::Republish, window)]);
    bench
        .keys("B")
        .expect_screen("A backfill or republish is under way");
    for (key, is_paused, expected) in [
        ("Z", false, Steer::Pause),
        ("Z", true, Steer::Resume),
        ("X", false, Steer::Stop),
    ] {
        bench.sync_reports_that(|snapshot| {
            let mut plan = plan(PlanKind::Republish, window);
            plan.is_paused = is_paused;
            snapshot.plans = vec![plan];
        });
        bench.keys(key).type_text("lunch");
        let commands = bench.keys("enter enter").commands();
        let [(_, Command::SteerPlan { run, steer })] = &commands[..] else {
            panic!("{commands:?}");
        };
        assert_eq!((*run, *steer), (RunId(12), expected));
    }
}

#[test]
fn what_was_refused_is_grouped_explained_and_sent_again_by_its_cause() {
    let mut bench = refused();
    bench.expect_screen("3 not in Salesforce");
    bench.expect_selected("2  FIELD_CUSTOM_VALIDATION_EXCEPTION");
    bench.expect_screen("Salesforce refuses a value");
    bench.expect_screen("Correct the value or the rule named below");
    bench.expect_screen("said the system");
    bench.matches("activities-en");
    bench
        .keys("t")
        .expect_screen("2 activities are sent to Salesforce again");
    bench.type_text("rule relaxed");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(
        &commands[..],
        [(_, Command::RetryActivities { held })] if held.len() == 2
    ));
    // Into the group, then to whose it is.
    bench.keys("enter").expect_screen("/ code:=field_custom");
    bench.expect_selected("Newsletter 1");
    bench
        .keys("j enter")
        .expect_screen("paul@orion.example · no. 2");
}

#[test]
fn the_list_is_grouped_by_type_and_contact_too() {
    let mut bench = refused();
    bench.keys("v").expect_selected("3  email.read");
    bench.keys("v").expect_selected("2  claire@orion.example");
    bench.keys("v").expect_selected("Newsletter 1");
    bench.keys("v").expect_screen("by cause");
}

#[test]
fn a_group_with_several_causes_names_each_with_its_count() {
    let mut bench = refused();
    bench
        .keys("v")
        .expect_screen("2 causes")
        .expect_screen("2 × FIELD_CUSTOM_VALIDATION_EXCEPTION: Salesforce refuses a value")
        .expect_screen("1 × ");
    bench
        .keys("D")
        .expect_screen("2: FIELD_CUSTOM_VALIDATION_EXCEPTION");
}

#[test]
fn entering_a_group_shows_its_members_and_nobody_else() {
    let mut bench = refused();
    let mut longer = bench.world.held[0].clone();
    longer.failure.code = format!("{}_TOO", longer.failure.code);
    longer.activity.reference = "EmailRead99".to_owned();
    bench.world.held.push(longer);
    bench.sync_reports();
    bench.expect_selected("2  FIELD_CUSTOM_VALIDATION_EXCEPTION");
    bench.keys("enter").expect_screen("2 not in Salesforce");
}

#[test]
fn giving_up_for_good_asks_for_the_word_and_names_what_it_drops() {
    let mut bench = refused();
    bench
        .keys("D")
        .expect_screen("2 activities never go to Salesforce");
    bench.expect_screen("This cannot be undone");
    bench.type_text("tests of the agency");
    bench
        .keys("enter enter enter")
        .expect_screen("That is not the word shown");
    assert!(bench.commands().is_empty());
    bench.type_text("drop");
    let commands = bench.keys("enter enter").commands();
    assert!(matches!(
        &commands[..],
        [(_, Command::DiscardActivities { held })] if held.len() == 2
    ));
}

#[test]
fn the_screen_of_activities_in_both_languages_and_when_there_is_nothing() {
    let mut bench = refused();
    bench.speak_french();
    bench.matches("activities-fr");
    bench.keys("R");
    counted(&mut bench, PlanKind::Republish);
    bench.matches("republish-fr");
    let mut empty = Bench::empty();
    empty
        .keys("6")
        .expect_screen("No activity was refused and none waits");
    empty.sync_reports_that(|snapshot| snapshot.published = false);
    empty.expect_screen("not published: nothing runs by itself");
}
