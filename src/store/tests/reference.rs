//! The store on disk answers as the model in memory does, whatever is committed.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::domain::ids::{AutomationId, Kind, LinkId};
use crate::domain::link::{Mark, MatchKey};
use crate::domain::record::{Batch, Change, LinkKey, LinkPage, Listing, Recovered};
use crate::ports::Store;
use crate::store::SledStore;
use crate::store::memory::MemoryStore;
use crate::store::tests::{found, generate, ids, open, person, put, run, salesforce_id};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_batches_leave_the_disk_and_the_model_in_agreement(
        mut batches in vec(vec(generate::change(), 1..9), 1..7)
    ) {
        generate::number(&mut batches);
        let folder = tempfile::tempdir().unwrap();
        let model = MemoryStore::default();
        let store = open(folder.path());
        for changes in batches {
            run(model.commit(Batch(changes.clone()))).unwrap();
            run(store.commit(Batch(changes))).unwrap();
            agree(&store, &model)?;
        }
        drop(store);
        agree(&open(folder.path()), &model)?;
    }
}

fn agree(store: &SledStore, model: &MemoryStore) -> Result<(), TestCaseError> {
    let comparable = |mut recovered: Recovered| {
        // The model does not number its commits.
        recovered.counts.commits = 0;
        recovered
    };
    prop_assert_eq!(
        comparable(run(store.recover()).unwrap()),
        comparable(run(model.recover()).unwrap())
    );
    for key in keys() {
        let load = |store: &dyn Store| run(store.load(vec![key], true)).unwrap();
        prop_assert_eq!(load(store), load(model), "{:?}", key);
    }
    let all = |store: &dyn Store| run(store.load(keys(), true)).unwrap();
    prop_assert_eq!(all(store), all(model));
    for listing in [Listing::All]
        .into_iter()
        .chain(Mark::ALL.map(Listing::Marked))
    {
        prop_assert_eq!(walk(store, listing), walk(model, listing), "{:?}", listing);
    }
    for id in 0..6 {
        let history = |store: &dyn Store| run(store.history(LinkId(id), 5)).unwrap();
        prop_assert_eq!(history(store), history(model));
    }
    let held = |store: &dyn Store| {
        let page = run(store.held_activities(None, 2)).unwrap();
        let last = page.last().map(|held| held.activity.reference.clone());
        (page, run(store.held_activities(last, 9)).unwrap())
    };
    prop_assert_eq!(held(store), held(model));
    let acts = |store: &dyn Store| run(store.acts(3)).unwrap();
    prop_assert_eq!(acts(store), acts(model));
    Ok(())
}

/// Every key that a generated link can have, and some that none has.
fn keys() -> Vec<LinkKey> {
    let mut keys: Vec<LinkKey> = (0..7).map(|id| LinkKey::Id(LinkId(id))).collect();
    keys.extend((0..6).map(|id| LinkKey::Salesforce(salesforce_id(id))));
    for kind in [Kind::Person, Kind::Company] {
        keys.extend((0..6).map(|id| LinkKey::Automation(kind, AutomationId(id))));
    }
    keys.extend((0..5).map(|address| LinkKey::Match(MatchKey(address))));
    keys
}

/// All links of a listing, two at a time.
fn walk(store: &dyn Store, listing: Listing) -> Vec<u64> {
    let mut walked = Vec::new();
    let mut after = None;
    loop {
        let page = LinkPage {
            listing,
            after,
            size_max: 2,
        };
        let links = run(store.links(page)).unwrap();
        assert!(links.len() <= 2);
        walked.extend(ids(&links));
        match links.last() {
            Some(last) => after = Some(last.id),
            None => return walked,
        }
    }
}

#[test]
fn two_links_swap_a_salesforce_record_in_one_batch() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (mut one, mut two) = (person(1), person(2));
    run(store.commit(Batch(vec![put(one.clone()), put(two.clone())]))).unwrap();
    std::mem::swap(&mut one.salesforce, &mut two.salesforce);
    run(store.commit(Batch(vec![put(one), put(two)]))).unwrap();
    assert_eq!(
        found(&store, vec![LinkKey::Salesforce(salesforce_id(1))]),
        [2]
    );
    assert_eq!(
        found(&store, vec![LinkKey::Salesforce(salesforce_id(2))]),
        [1]
    );
}

#[test]
fn a_record_that_changes_hands_stays_with_the_link_that_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut two = person(2);
    two.salesforce = person(1).salesforce;
    run(store.commit(Batch(vec![put(person(1)), put(two)]))).unwrap();
    let key = vec![LinkKey::Salesforce(salesforce_id(1))];
    assert_eq!(found(&store, key.clone()), [1, 2]);
    run(store.commit(Batch(vec![Change::RemoveLink(LinkId(2))]))).unwrap();
    assert_eq!(found(&store, key), [1]);
}

#[test]
fn a_page_of_nothing_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let held = Change::PutHeldActivity(generate::held("a", 1));
    run(store.commit(Batch(vec![put(person(1)), held]))).unwrap();
    let page = LinkPage {
        listing: Listing::All,
        after: None,
        size_max: 0,
    };
    assert!(run(store.links(page)).unwrap().is_empty());
    assert!(run(store.held_activities(None, 0)).unwrap().is_empty());
}

#[test]
fn a_crowd_of_committers_is_answered_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let commits = (0..200).map(|id| store.commit(Batch(vec![put(person(id))])));
    let answers = run(Box::pin(futures_util::future::join_all(commits)));
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(run(store.recover()).unwrap().counts.links, 200);
}
