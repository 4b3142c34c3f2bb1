//! Looking for somebody by words of their name.

use super::{CONSENT, EMAIL, Room, person, put, rule};
use crate::app::desk::Desk;
use crate::app::desk::search::{Search, keys};
use crate::console::query::{Found, Searched};
use crate::domain::consent::Consent;
use crate::domain::ids::{FieldId, LinkId};
use crate::domain::mapping::{Policy, Role};
use crate::domain::record::{Change, LinkKey, PolicyVersion};
use crate::domain::value::Value;

const FIRST: FieldId = FieldId(3);
const LAST: FieldId = FieldId(4);

/// So many people without a name, then these.
fn room(nameless: u64, names: &[(&str, &str)]) -> Room {
    let mut policy = Policy::default();
    policy.mapping.person = vec![
        rule(EMAIL, ("Email", "email"), Role::Email),
        rule(
            CONSENT,
            ("HasOptedOutOfEmail", "@do_not_contact_email"),
            Role::Consent,
        ),
        rule(FIRST, ("FirstName", "firstname"), Role::Plain),
        rule(LAST, ("LastName", "lastname"), Role::Plain),
    ];
    let version = PolicyVersion {
        version: 1,
        at: super::NOW,
        author: "claire".to_owned(),
        policy,
        timetable: None,
    };
    let mut changes = vec![Change::PutPolicy(Box::new(version))];
    changes.extend((1..=nameless).map(|number| put(person(number, Consent::In, Consent::In))));
    for (number, (first, last)) in (nameless + 1..).zip(names) {
        let mut link = person(number, Consent::In, Consent::In);
        link.field_mut(FIRST).salesforce = Some(Value::text(first));
        link.field_mut(LAST).salesforce = Some(Value::text(last));
        changes.push(put(link));
    }
    Room::with(changes)
}

/// What was told, each time: the numbers of whom it found.
async fn told(desk: &Desk, wanted: &str) -> Vec<(Vec<u64>, u64, Searched)> {
    let mut search = Search::new(wanted);
    let mut told = Vec::new();
    while !search.is_over() {
        if let Some(Found { page, searched }) = search.step(desk).await.unwrap() {
            let ids = page.rows.iter().map(|row| row.id.0).collect();
            told.push((ids, page.more, searched));
        }
    }
    told
}

#[test]
fn a_number_of_ours_is_looked_for_as_screens_and_commands_write_it() {
    let ours = vec![LinkKey::Id(LinkId(38))];
    for text in ["link:38", "no. 38", "no.38", "n° 38", "n°38"] {
        assert_eq!(keys(text), ours, "{text}");
    }
    // That is an address.
    assert!(!keys("no.38@orion.example").contains(&ours[0]));
}

#[tokio::test]
async fn words_of_a_name_find_at_once_then_parts_of_any_text_and_nobody_twice() {
    let names = [
        ("Élodie", "Martin"),
        ("Paul", "Saint-Martin"),
        ("Elodie", "Lamartine"),
    ];
    let room = room(600, &names);
    assert_eq!(
        told(&room.desk, "martin").await,
        [
            (vec![601, 602], 0, Searched::SoFar(0)),
            (vec![601, 602, 603], 0, Searched::All),
        ]
    );
    assert_eq!(
        told(&room.desk, "MARTIN  Élo").await,
        [
            (vec![601], 0, Searched::SoFar(0)),
            (vec![601, 603], 0, Searched::All),
        ]
    );
    assert_eq!(
        told(&room.desk, "saint-martin").await,
        [
            (vec![602], 0, Searched::SoFar(0)),
            (vec![602], 0, Searched::All),
        ],
        "what stands between the words counts"
    );
    assert_eq!(
        told(&room.desk, "martin paule").await,
        [(vec![], 0, Searched::All)]
    );
}

#[tokio::test]
async fn a_name_that_many_have_fills_the_page_and_the_others_are_counted() {
    let room = room(0, &[("Anne", "Roux"); 450]);
    let told = told(&room.desk, "anne r").await;
    let page = |told: &(Vec<u64>, u64, Searched)| (told.0.len(), told.1, told.2);
    assert_eq!(page(&told[0]), (100, 0, Searched::SoFar(0)));
    let last = told.last().unwrap();
    assert_eq!(page(last), (100, 350, Searched::All));
    assert_eq!(last.0, (1..=100).collect::<Vec<u64>>());
}
