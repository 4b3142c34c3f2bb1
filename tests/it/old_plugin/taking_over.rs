//! What the plugin before us left behind: the number of its contact on each Salesforce record.

use passerelle::domain::ids::Side;
use passerelle::sim::automation::contact::ContactId;
use passerelle::sim::salesforce::OrgConfig;
use passerelle::sim::salesforce::ids::RecordId;
use passerelle::sim::salesforce::schema::{CONTACT, LEAD};
use passerelle::sim::salesforce::value::Value;

use crate::world::{MAPPING, World, input};

/// The customer's field for the number.
const NUMBER: &str = "Fax";

async fn world() -> World {
    let numbered = MAPPING.replacen(
        "person = [",
        "person = [\n  { salesforce = \"Fax\", automation = \"@contact_id\", arrow = \"automation\" },",
        1,
    );
    World::with(OrgConfig::default(), &numbered).await
}

fn lead(world: &World, email: &str, number: &str) -> RecordId {
    world.seeds(
        LEAD,
        &[
            ("LastName", Value::text("Moreau")),
            ("Company", Value::text("Orion SARL")),
            ("Email", Value::text(email.to_owned())),
            (NUMBER, Value::text(number.to_owned())),
        ],
    )
}

fn contact_of(world: &World, lead: RecordId) -> Option<ContactId> {
    let links = world.links();
    let link = links.iter().find(|link| {
        let end = link.salesforce.as_ref();
        end.is_some_and(|end| end.id.to_string() == lead.to_string())
    });
    let end = link?.automation.as_ref()?;
    Some(ContactId(u32::try_from(end.id.0).unwrap_or_default()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_that_the_old_plugin_made_is_taken_over_though_an_address_changed_since() {
    let world = world().await;
    let known = world.contact_with(input("old.address"));
    let lead = lead(&world, "new.address@x.example", &known.0.to_string());
    world.drive().await;
    assert_eq!(contact_of(&world, lead), Some(known));
    assert_eq!(world.contacts().len(), 1, "nobody was made twice");
    assert_eq!(world.records(LEAD).len(), 1);
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloned_record_carries_somebody_elses_number_and_is_not_taken_for_them() {
    let world = world().await;
    let known = world.contact_with(input("ada"));
    let number = known.0.to_string();
    let (hers, clone) = (
        lead(&world, "ada@x.example", &number),
        lead(&world, "ben@x.example", &number),
    );
    world.drive().await;
    assert_eq!(contact_of(&world, hers), Some(known));
    let made = contact_of(&world, clone);
    assert!(made.is_some_and(|made| made != known), "{made:?}");
    assert_eq!(
        world.text(clone, NUMBER),
        made.map(|id| id.0.to_string()).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_says_otherwise_wins_over_the_number() {
    let world = world().await;
    let known = world.contact_with(input("ada"));
    // Whoever has the address has no number; whoever has the number has another address.
    let hers = world.record(CONTACT, "ada");
    let numbered = lead(&world, "ben@x.example", &known.0.to_string());
    world.drive().await;
    assert_eq!(contact_of(&world, hers), Some(known));
    assert_ne!(contact_of(&world, numbered), Some(known));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_of_nobody_is_no_number() {
    let world = world().await;
    let gone = lead(&world, "ada@x.example", "4711");
    let nonsense = lead(&world, "ben@x.example", "n/a");
    let done = world.drive().await;
    assert!(done.written(Side::Automation) > 0);
    for lead in [gone, nonsense] {
        let made = contact_of(&world, lead).expect("a contact of its own");
        assert_eq!(world.text(lead, NUMBER), made.0.to_string());
    }
    world.drive().await.wrote_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_on_two_records_without_its_address_is_nobodys() {
    let world = world().await;
    let known = world.contact_with(input("ada"));
    let number = known.0.to_string();
    let (one, other) = (
        lead(&world, "ada.moved@x.example", &number),
        lead(&world, "ben@x.example", &number),
    );
    world.drive().await;
    for lead in [one, other] {
        let made = contact_of(&world, lead);
        assert!(made.is_some_and(|made| made != known), "{made:?}");
    }
    assert_eq!(world.field(known, "email"), "ada@x.example");
}
