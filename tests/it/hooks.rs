//! Hints: whoever is hinted at is looked at now and by the same rules, and nothing else of a hint counts.

mod served;

use std::collections::BTreeMap;

use passerelle::domain::command::{Command, Queue, Scope};
use passerelle::domain::ids::{AutomationId, Kind, RemoteId, Side};
use passerelle::engine::Brake;
use passerelle::ports::Store as _;
use passerelle::sim::automation::acts::{Cookie, Visit};
use passerelle::sim::automation::contact::ContactId;
use passerelle::sim::automation::draft::ContactInput;
use passerelle::sim::salesforce::schema::{CONTACT, LEAD};
use passerelle::sim::salesforce::value::Value as Cell;

use crate::world::{Done, World, agreed, input};

const VISIT: Visit<'static> = Visit {
    url: "https://www.x.example/contact",
    title: "Contact",
    referer: None,
    address: "203.0.113.7",
    page: None,
};

fn person(id: ContactId) -> RemoteId {
    number(u64::from(id.0))
}

const fn number(id: u64) -> RemoteId {
    RemoteId::Automation(Kind::Person, AutomationId(id))
}

impl World {
    async fn looks(&self, records: Vec<RemoteId>) -> Done {
        self.instruct(Command::Look { records }).await
    }

    fn leads_of(&self, email: &str) -> usize {
        let leads = self.records(LEAD).into_iter();
        leads.filter(|id| self.text(*id, "Email") == email).count()
    }
}

#[tokio::test]
async fn a_hint_about_somebody_new_makes_a_lead_and_moves_no_cursor() {
    let (world, _) = agreed(2).await;
    let before = world.store.recover().await.unwrap();
    let new = world.contact_with(input("new").with("lead_company", "Orion SARL"));
    let done = world.looks(vec![person(new)]).await;
    assert_eq!(done.written(Side::Salesforce), 1);
    assert_eq!(world.leads_of("new@x.example"), 1);
    assert!(world.link_of(new).is_whole());
    let after = world.store.recover().await.unwrap();
    assert_eq!(after.cursors, before.cursors);
    assert_eq!(after.coverage, before.coverage);
    world.drive().await.wrote_nothing();
}

#[tokio::test]
async fn a_hint_about_somebody_whom_salesforce_has_updates_them_as_what_they_are() {
    let (world, _) = agreed(1).await;
    let contact = world.record(CONTACT, "known");
    let known = world.contact_with(input("known").with("firstname", "Zoé"));
    world.looks(vec![person(known)]).await;
    assert_eq!(world.text(contact, "FirstName"), "Zoé");
    assert_eq!(world.leads_of("known@x.example"), 0);
    world.drive().await.wrote_nothing();
}

#[tokio::test]
async fn an_edit_leaves_at_once_for_the_record_that_is_paired() {
    let (world, leads) = agreed(2).await;
    let id = world.by_email("p1@x.example");
    world.user_edits(id, ContactInput::default().with("position", "Buyer"));
    let done = world.looks(vec![person(id)]).await;
    assert_eq!(done.written(Side::Salesforce), 1);
    assert_eq!(world.text(leads[1], "Title"), "Buyer");
    world.looks(vec![person(id)]).await.wrote_nothing();
}

#[tokio::test]
async fn a_hint_that_tells_nothing_new_costs_salesforce_nothing() {
    let (world, _) = agreed(2).await;
    let ids = world.contacts().into_iter().map(person).collect();
    let done = world.looks(ids).await;
    done.wrote_nothing();
    assert_eq!(done.metered, 0);
}

#[tokio::test]
async fn hints_about_nobody_change_nothing() {
    let (world, _) = agreed(2).await;
    let now = world.now();
    let visitor = world.shared.brain().visitor(now, &VISIT);
    let company = RemoteId::Automation(Kind::Company, AutomationId(77));
    let wrong = vec![person(visitor), number(99_999), company];
    let done = world.looks(wrong).await;
    done.wrote_nothing();
    assert_eq!(world.links().len(), 2);
    world.drive().await.wrote_nothing();
}

#[tokio::test]
async fn a_hint_about_somebody_who_is_gone_finds_the_deletion() {
    let (world, leads) = agreed(2).await;
    let id = world.by_email("p1@x.example");
    world.deletes(id);
    world.looks(vec![person(id)]).await;
    let links = world.links();
    let link = links.iter().find(|link| {
        let automation = link.automation.as_ref();
        automation.is_some_and(|end| end.id.0 == u64::from(id.0))
    });
    assert!(!link.unwrap().is_live(Side::Automation));
    assert!(world.records(LEAD).contains(&leads[1]), "the Lead stays");
}

/// The visitor has lost the cookie: their contact is merged into the one of this visit, which is hinted
/// at under both numbers.
#[tokio::test]
async fn whoever_is_merged_by_a_form_stays_one_pair_without_a_question() {
    let (world, leads) = agreed(2).await;
    let old = world.by_email("p1@x.example");
    let now = world.now();
    let new = {
        let mut brain = world.shared.brain();
        let form = brain.add_form("Contact");
        let values = [("email", "p1@x.example"), ("firstname", "Zoé")];
        brain.submit(now, form, Cookie::Lost, &values, &VISIT)
    };
    assert_ne!(new, old);
    for records in [vec![person(new), person(old)], vec![person(old)]] {
        world.looks(records).await;
        assert_eq!(world.conflicts().await, []);
    }
    assert_eq!(world.text(leads[1], "FirstName"), "Zoé");
    assert_eq!(world.leads_of("p1@x.example"), 1);
    // The visit itself.
    let done = world.drive().await;
    assert_eq!(done.written(Side::Salesforce), 1);
    assert_eq!(world.conflicts().await, []);
    world.drive().await.wrote_nothing();
}

/// A hint about somebody, and what comes of it alone.
async fn hinted(world: &World, id: ContactId) -> Done {
    let look = Command::Look {
        records: vec![person(id)],
    };
    let commands = vec![look, Command::RunCycle(Scope::OUTBOX)];
    world.instruct_all(commands).await
}

#[tokio::test]
async fn before_everybody_was_read_once_nobody_is_made_by_a_hint() {
    let world = World::new().await;
    let id = world.contact("early");
    let done = hinted(&world, id).await;
    done.wrote_nothing();
    assert_eq!(done.snapshot.totals.ignored["hint_too_early"], 1);
    assert_eq!(world.links().len(), 0);
}

#[tokio::test]
async fn while_unpublished_hints_are_passed_over_and_counted() {
    let (mut world, _) = agreed(1).await;
    world.policy.published = false;
    let id = world.contact("new");
    let done = hinted(&world, id).await;
    done.wrote_nothing();
    assert_eq!(
        done.snapshot.totals.ignored,
        BTreeMap::from([("hint_unpublished".to_owned(), 1)])
    );
}

#[tokio::test]
async fn while_the_queue_is_paused_a_hint_is_read_and_its_write_held() {
    let (world, leads) = agreed(2).await;
    world.order(Command::Pause(Queue::Salesforce)).await;
    let id = world.by_email("p1@x.example");
    world.user_edits(id, ContactInput::default().with("position", "Buyer"));
    world.looks(vec![person(id)]).await.wrote_nothing();
    assert!(world.link_of(id).pending(Side::Salesforce).is_some());
    world.instruct(Command::Resume(Queue::Salesforce)).await;
    assert_eq!(world.text(leads[1], "Title"), "Buyer");
}

/// One cycle after the other, each far below the limit.
#[tokio::test]
async fn many_small_looks_pull_the_brake_like_one_big_cycle() {
    let (mut world, _) = agreed(6).await;
    for lead in world.records(LEAD) {
        world.edits(
            lead,
            "Title",
            passerelle::sim::salesforce::coerce::Input::text("Old"),
        );
    }
    world.drive().await;
    world.brake = Brake::On {
        links_max: 2,
        percent_max: 0,
    };
    let ids = world.contacts();
    for id in &ids {
        world.user_edits(*id, ContactInput::default().with("position", "New"));
    }
    let looks = ids.iter().map(|id| Command::Look {
        records: vec![person(*id)],
    });
    let done = world.instruct_each(looks.collect()).await;
    assert!(done.snapshot.is_braked);
    assert_eq!(done.written(Side::Salesforce), 2);
}

/// What a company of those who are not asked for would cost: nothing is read that no stream reads.
#[tokio::test]
async fn what_no_stream_reads_is_not_looked_at() {
    let mut world = World::with(
        passerelle::sim::salesforce::OrgConfig::default(),
        r#"
[mapping]
person = [
  { salesforce = "Email", automation = "email", arrow = "both" },
  { salesforce = "LastName", automation = "lastname", arrow = "both" },
  { salesforce = "HasOptedOutOfEmail", automation = "@do_not_contact_email", arrow = "both" },
]
"#,
    )
    .await;
    world.asks = false;
    world.seeds(
        LEAD,
        &[
            ("LastName", Cell::text("A")),
            ("Email", Cell::text("a@x.example")),
            ("Company", Cell::text("A")),
        ],
    );
    world.drive().await;
    let company = RemoteId::Automation(Kind::Company, AutomationId(1));
    let done = world.looks(vec![company]).await;
    assert_eq!(done.snapshot.totals.ignored["object_not_selected"], 1);
}
