//! The three tasks that a newcomer does from the hints alone, step by step as they are seen: on a common
//! screen what is not kept elsewhere, on the smallest one all of it.

use super::activities::{counted, plan, refused, transfer};
use super::bench::{Bench, MOBILE};
use crate::console::Msg;
use crate::domain::ids::LinkId;
use crate::domain::record::PlanKind;
use crate::domain::snapshot::Budget;
use crate::domain::value::Value;

fn in_both(check: impl Fn(&mut Bench, &str)) {
    for tongue in ["en", "fr"] {
        let mut bench = refused();
        bench.keys(":").type_text(&format!("lang {tongue}"));
        bench.keys("enter");
        check(&mut bench, tongue);
    }
}

/// The same on the smallest screen.
fn small(bench: &mut Bench, name: &str, tongue: &str) {
    bench.send(Msg::Resized(60, 20));
    bench.matches(&format!("{name}-{tongue}-60x20"));
    bench.send(Msg::Resized(80, 24));
}

fn both(bench: &mut Bench, name: &str, tongue: &str) {
    bench.matches(&format!("{name}-{tongue}"));
    small(bench, name, tongue);
}

#[test]
fn a_conflict_is_resolved_seen_settled_and_undone() {
    in_both(|bench, tongue| {
        bench.keys("1");
        small(bench, "overview", tongue);
        bench.keys("3");
        small(bench, "conflicts", tongue);
        bench.keys("enter a");
        small(bench, "decide", tongue);
        bench.keys("w").type_text("asked by phone");
        small(bench, "write", tongue);
        assert_eq!(bench.keys("enter enter").commands().len(), 1);
        bench.world.agree(LinkId(1));
        bench.sync_reports();
        both(bench, "settled", tongue);
        bench.world.add_act(LinkId(1));
        bench.world.change(LinkId(1), |link| {
            link.field_mut(MOBILE).salesforce = Some(Value::text("0601"));
        });
        bench.keys("u");
        both(bench, "undo", tongue);
    });
}

#[test]
fn a_republish_is_counted_and_a_backfill_followed_to_its_refusals() {
    in_both(|bench, tongue| {
        bench.keys("6 R");
        counted(bench, PlanKind::Republish);
        small(bench, "republish", tongue);
        bench.keys("esc B enter");
        let window = counted(bench, PlanKind::Backfill);
        small(bench, "backfill", tongue);
        bench.type_text("asked by phone").keys("enter enter");
        for examined in [0, 400, 800, 1_200, 2_000] {
            bench.sync_reports_that(|snapshot| {
                snapshot.plans = vec![plan(PlanKind::Backfill, window)];
                snapshot.transfer = Some(transfer(examined));
                snapshot.budget = Some(Budget {
                    spent: 123,
                    allowed: 7_500,
                    reserved: 375,
                    lately: 12,
                    eases: None,
                });
            });
        }
        both(bench, "running", tongue);
        bench.sync_reports();
        small(bench, "activities", tongue);
    });
}
