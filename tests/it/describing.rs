//! A system that cannot be asked what it looks like, before a run.

use passerelle::domain::command::{Fact, Scope};
use passerelle::domain::ids::Side;
use passerelle::domain::time::Span;
use passerelle::sim::faults::{CallMatcher, FaultKind};

use crate::world::agreed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spent_day_is_asked_about_once_and_the_other_side_goes_on() {
    let (mut world, leads) = agreed(1).await;
    world.opts_out(world.by_email("p0@x.example"));
    // What both systems said of themselves is old by now.
    world.told_ago = Span::minutes(20);
    world.salesforce_fails(CallMatcher::default(), FaultKind::QuotaSpent, u32::MAX);
    let ran = world.cycle(Scope::ALL).await;
    assert!(ran.waited_for(Side::Salesforce));
    let waits = |fact: &&Fact| matches!(fact, Fact::SideWaits { .. });
    let asked = ran.facts.iter().filter(waits).count();
    // The clock of the tests goes on by itself to whatever is waited for: a quarter of an hour each time.
    assert!((1..20).contains(&asked), "asked {asked} times, without end");
    world.salesforce_recovers();
    world.pass(Span::minutes(20));
    world.drive().await;
    assert!(world.flag(leads[0], "HasOptedOutOfEmail"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_a_system_is_waited_for() {
    let (mut world, leads) = agreed(1).await;
    world.opts_out(world.by_email("p0@x.example"));
    world.told_ago = Span::minutes(20);
    world.salesforce_fails(CallMatcher::default(), FaultKind::UnavailableBefore, 3);
    let ran = world.cycle(Scope::ALL).await;
    assert_eq!(ran.snapshot.stopped, std::collections::BTreeMap::new());
    assert!(world.flag(leads[0], "HasOptedOutOfEmail"));
}
