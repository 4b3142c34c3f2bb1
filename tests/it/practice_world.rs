//! What the practice company holds: every kind of conflict, and every constellation of consent.

use std::collections::{BTreeMap, BTreeSet};

use passerelle::domain::conflict::Cause;
use passerelle::domain::time::Span;
use passerelle::sim::automation::contact::Contact;
use passerelle::sim::salesforce::coerce::Input;
use passerelle::sim::salesforce::schema::{CONTACT, LEAD};
use passerelle::sim::salesforce::value::Value as Cell;
use passerelle::sim::world::traffic::{Act, Clash, Clerk, DEEDS, Deed, Outcome, Visitor, perform};

use crate::world::World;

/// Each kind of conflict by name. A new kind does not compile until it is here.
const fn name(cause: &Cause) -> &'static str {
    match cause {
        Cause::BothChanged { .. } => "both changed",
        Cause::BothSet { .. } => "both set",
        Cause::AgainstArrow { .. } => "against the arrow",
        Cause::SeveralMatch { .. } => "several match",
        Cause::EmailTaken { .. } => "e-mail taken",
        Cause::DeletedAndEdited { .. } => "deleted and edited",
        Cause::ConsentWithoutProof { .. } => "consent without proof",
        Cause::Restored => "restored",
        Cause::Refused { .. } => "refused",
        Cause::RequiredBlank { .. } => "required and blank",
        Cause::NotKept { .. } => "not kept",
        Cause::AccountMissing { .. } => "account missing",
        Cause::ChangedSince { .. } => "changed since",
        Cause::SeveralAccounts { .. } => "several accounts",
    }
}

fn raised(world: &World) -> BTreeMap<&'static str, usize> {
    let mut raised = BTreeMap::new();
    for link in world.links() {
        for conflict in &link.conflicts {
            *raised.entry(name(&conflict.cause)).or_default() += 1;
        }
    }
    raised
}

/// Another person for each deed.
fn deed_number(deed: Deed) -> u64 {
    let place = DEEDS.iter().position(|(known, _)| *known == deed);
    place.unwrap() as u64
}

/// Somebody does it, now; tried with one person after another until there is somebody it concerns.
fn happens(world: &World, deed: Deed) {
    let first = 1_000 * deed_number(deed);
    let done = (first..first + 50).any(|seed| {
        let act = Act {
            due: world.now(),
            number: 900 + seed,
            deed,
            seed,
        };
        let outcome = world
            .site
            .with_brain(|org| perform(org, &mut world.shared.brain(), world.now(), &act));
        outcome == Outcome::Done
    });
    assert!(done, "{deed:?}");
    world.pass(Span::minutes(1));
}

/// People who must not be mailed, on each side.
fn kept_out(world: &World) -> (usize, usize) {
    let there = world.site.with_brain(|org| {
        let people = org.records(LEAD).chain(org.records(CONTACT));
        let is_out = |id| org.value(id, "HasOptedOutOfEmail") == Cell::Bool(true);
        people.filter(|(id, _)| is_out(*id)).count()
    });
    let brain = world.shared.brain();
    let is_out = |contact: &&Contact| contact.dnc_on("email").is_some();
    (there, brain.contacts().all().filter(is_out).count())
}

#[tokio::test]
async fn somebody_who_opted_out_and_comes_back_under_another_id_stays_out() {
    let world = World::practice(1, 50).await;
    world.drive().await;
    for _ in 0..3 {
        let before = kept_out(&world);
        happens(&world, Deed::Automation(Visitor::ReturnsElsewhere));
        let lost = kept_out(&world);
        assert_eq!(lost.1 + 1, before.1, "the merge leaves the opt-out behind");
        for _ in 0..3 {
            world.drive().await;
            world.pass(Span::minutes(30));
        }
        let after = kept_out(&world);
        assert!(
            after.0 >= before.0,
            "nobody is let in by a merge: {before:?} {lost:?} {after:?} {:?}",
            raised(&world)
        );
    }
}

#[tokio::test]
async fn every_kind_of_conflict_can_be_practised() {
    let world = World::practice(1, 50).await;
    world.drive().await;
    let mut seen: BTreeSet<&str> = raised(&world).into_keys().collect();
    let at_first = [
        "account missing",
        "both set",
        "not kept",
        "refused",
        "required and blank",
        "several match",
    ];
    assert_eq!(seen, at_first.into());
    for deed in [
        Deed::Both(Clash::BothEdit),
        Deed::Both(Clash::OneDeletesOneEdits),
        Deed::Both(Clash::OneLetsInOneEdits),
        Deed::Salesforce(Clerk::Deletes),
        Deed::Salesforce(Clerk::Restores),
    ] {
        happens(&world, deed);
        world.drive().await;
        seen.extend(raised(&world).into_keys());
    }
    edits_title(&world);
    world.drive().await;
    seen.extend(raised(&world).into_keys());
    let with_time = [
        "against the arrow",
        "both changed",
        "consent without proof",
        "deleted and edited",
        "restored",
    ];
    let all: BTreeSet<&str> = at_first.into_iter().chain(with_time).collect();
    assert_eq!(seen, all);
}

/// Against the arrow, on a rule that holds such edits for review.
fn edits_title(world: &World) {
    let live = world.records(CONTACT);
    world.edits(live[0], "Title", Input::text("Grand chambellan"));
}
