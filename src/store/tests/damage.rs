//! One damaged value is named and passed over; the rest of the store stays in use.

use crate::domain::consent::{Consent, Dated, Proof, Reason};
use crate::domain::ids::{Kind, LinkId};
use crate::domain::link::{Link, Mark, MatchKey};
use crate::domain::record::{Change, LinkKey, LinkPage, Listing, Suppression, Tally};
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
use crate::ports::{Store, StoreError};
use crate::store::durable::Staged;
use crate::store::tests::{
    binding, commit, every_link, found, generate, ids, open, person, put, run, salesforce_id,
};
use crate::store::{SledStore, codec, keys};

/// Flips one bit in the middle of a stored value.
fn damage(store: &SledStore, key: Vec<u8>) {
    let mut value = store.durable.get(&key).unwrap().expect("a value to damage");
    let middle = value.len() / 2;
    value[middle] ^= 1;
    overwrite(store, key, value);
}

fn overwrite(store: &SledStore, key: Vec<u8>, value: Vec<u8>) {
    store
        .durable
        .commit(Staged::from([(key, Some(value))]))
        .unwrap();
    // As after a restart: a link that is remembered is not read.
    store.cache.forget((0..100).map(LinkId));
}

fn one_sided(id: u64) -> Link {
    let mut link = person(id);
    link.automation = None;
    link
}

#[test]
fn a_damaged_link_is_passed_over_and_the_others_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, (1..=3).map(|id| put(one_sided(id))).collect()).unwrap();
    damage(&store, keys::link(LinkId(2)));
    assert_eq!(store.damaged(), 0);
    assert_eq!(ids(&run(store.links(every_link())).unwrap()), [1, 3]);
    assert_eq!(store.damaged(), 1);
    let two = LinkPage {
        listing: Listing::Marked(Mark::OneSided),
        after: None,
        size_max: 2,
    };
    assert_eq!(ids(&run(store.links(two)).unwrap()), [1, 3]);
    let keys = (1..=3).map(|id| LinkKey::Salesforce(salesforce_id(id)));
    assert_eq!(found(&store, keys.collect()), [1, 3]);
    assert_eq!(store.damaged(), 3);
}

#[test]
fn a_damaged_link_is_replaced_by_what_is_put() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, vec![put(one_sided(1)), put(person(2))]).unwrap();
    damage(&store, keys::link(LinkId(1)));
    let mut anew = person(1);
    anew.salesforce = person(7).salesforce;
    commit(&store, vec![put(anew)]).unwrap();
    assert_eq!(
        found(&store, vec![LinkKey::Salesforce(salesforce_id(7))]),
        [1]
    );
    // The entry of the record that it once had leads nowhere now.
    let former = LinkKey::Salesforce(salesforce_id(1));
    assert!(found(&store, vec![former]).is_empty());
    let counts = run(store.recover()).unwrap().counts;
    assert_eq!(counts.links, 2);
    assert!(counts.marks.is_empty(), "{:?}", counts.marks);
}

#[test]
fn a_damaged_link_can_be_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, vec![put(one_sided(1)), put(person(2))]).unwrap();
    damage(&store, keys::link(LinkId(1)));
    commit(&store, vec![Change::RemoveLink(LinkId(1))]).unwrap();
    let counts = run(store.recover()).unwrap().counts;
    assert_eq!((counts.links, counts.marks.len()), (1, 0));
}

#[test]
fn a_damaged_suppression_still_keeps_the_address_from_being_mailed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let address = MatchKey::new(Kind::Person, "a@example.org");
    let suppression = Suppression {
        address,
        consent: Consent::Out(Reason::Unsubscribed),
        opted_out: Dated::exactly(Timestamp(5), Proof::DatedRecord),
    };
    commit(&store, vec![Change::PutSuppression(suppression)]).unwrap();
    damage(&store, keys::suppression(address));
    let loaded = run(store.load(vec![LinkKey::Match(address)], false)).unwrap();
    assert!(loaded.suppressions[0].consent.is_out());
    assert_eq!(loaded.suppressions[0].opted_out.latest, Timestamp::MAX);
}

#[test]
fn damaged_lists_and_entries_do_not_stop_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let held = ["a", "b"].map(|name| Change::PutHeldActivity(generate::held(name, 1)));
    commit(&store, held.into()).unwrap();
    commit(&store, vec![Change::AddSent(LinkId(1), vec![3, 4])]).unwrap();
    damage(&store, keys::held("a"));
    damage(&store, keys::sent(LinkId(1)));
    let page = run(store.held_activities(None, 1)).unwrap();
    assert_eq!(page[0].activity.reference, "b");
    commit(&store, vec![Change::AddSent(LinkId(1), vec![5])]).unwrap();
    let loaded = run(store.load(vec![LinkKey::Id(LinkId(1))], true)).unwrap();
    assert_eq!(loaded.sent[&LinkId(1)], [5]);
}

#[test]
fn what_everything_depends_on_is_named_when_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, vec![Change::PutTally(Tally::default())]).unwrap();
    run(store.bind(binding())).unwrap();
    damage(&store, keys::TALLY.to_vec());
    let told = run(store.recover()).unwrap_err();
    assert!(
        matches!(&told, StoreError::Damaged { what: "tally", key } if key == "c/tally"),
        "{told}"
    );
    damage(&store, keys::BINDING.to_vec());
    let told = run(store.bind(binding())).unwrap_err();
    assert!(
        matches!(
            told,
            StoreError::Damaged {
                what: "binding",
                ..
            }
        ),
        "{told}"
    );
}

#[test]
fn damaged_counts_are_counted_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let changes = vec![
        put(one_sided(1)),
        put(person(2)),
        Change::PutHeldActivity(generate::held("a", 1)),
        Change::AddSent(LinkId(1), vec![3, 4]),
    ];
    commit(&store, changes).unwrap();
    let mut before = run(store.recover()).unwrap().counts;
    damage(&store, keys::COUNTS.to_vec());
    drop(store);
    let store = open(folder.path());
    commit(&store, Vec::new()).unwrap();
    let after = run(store.recover()).unwrap().counts;
    before.commits = after.commits;
    assert_eq!(after, before);
}

#[test]
fn a_store_of_a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    overwrite(
        &store,
        keys::FORMAT.to_vec(),
        codec::encode(&2_u32).unwrap(),
    );
    drop(store);
    let refused = SledStore::open(folder.path(), "a test").err();
    assert!(
        matches!(refused, Some(StoreError::Newer { found: 2, known: 1 })),
        "{refused:?}"
    );
}

#[test]
fn a_value_of_a_newer_form_is_refused_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, vec![put(person(1))]).unwrap();
    let mut newer = vec![2, 1, 2, 3];
    newer.extend(crc32fast::hash(&newer).to_le_bytes());
    overwrite(&store, keys::link(LinkId(1)), newer);
    let refused = run(store.links(every_link())).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { .. }), "{refused}");
}

#[test]
fn long_values_are_kept_in_pieces_that_leave_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut link = person(1);
    for bytes in [10, 4_000, 5_000, 300_000, 1_200_000, 9_000, 10] {
        link.field_mut(crate::domain::ids::FieldId(1)).salesforce =
            Some(Value::Text("é".repeat(bytes / 2)));
        commit(&store, vec![put(link.clone())]).unwrap();
        assert_eq!(run(store.links(every_link())).unwrap(), [link.clone()]);
    }
    drop(store);
    let store = open(folder.path());
    assert_eq!(run(store.links(every_link())).unwrap(), [link.clone()]);
    assert!(!store.durable.holds_pieces());
    let blobs = std::fs::read_dir(folder.path().join("store/blobs")).map_or(0, Iterator::count);
    assert_eq!(
        blobs, 0,
        "a page got a file of its own, which sled never syncs"
    );
}
