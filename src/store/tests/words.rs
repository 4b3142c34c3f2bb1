//! The index of words: the same answers as the model's, whatever is put, named and killed meanwhile.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::domain::ids::{FieldId, Kind, LinkId, SalesforceObject};
use crate::domain::link::Link;
use crate::domain::mapping::{
    Arrow, BlankTravel, Concurrent, FieldRule, Mapping, Overwritten, Policy, Role,
};
use crate::domain::record::{Change, PolicyVersion, WordPage};
use crate::domain::time::Timestamp;
use crate::domain::value::{Value, ValueType};
use crate::ports::Store;
use crate::store::SledStore;
use crate::store::durable::Staged;
use crate::store::memory::MemoryStore;
use crate::store::tests::{commit, generate, open, put, run};
use crate::store::{export, keys, restore};

const FIRST: FieldId = FieldId(1);
const LAST: FieldId = FieldId(2);

/// A configuration in which these fields of people hold names, by their Salesforce names.
pub(super) fn naming(version: u32, names: &[(FieldId, &str)]) -> Change {
    let rule = |(id, name): &(FieldId, &str)| FieldRule {
        id: *id,
        salesforce: (*name).to_owned(),
        objects: vec![SalesforceObject::Lead],
        automation: name.to_lowercase(),
        value_type: ValueType::Text,
        role: Role::Plain,
        arrow: Arrow::Both,
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Never,
        concurrent: Concurrent::Conflict,
    };
    Change::PutPolicy(Box::new(PolicyVersion {
        version,
        at: Timestamp(i64::from(version)),
        author: "anne".to_owned(),
        policy: Policy {
            mapping: Mapping {
                person: names.iter().map(rule).collect(),
                company: Vec::new(),
            },
            ..Policy::default()
        },
        timetable: None,
    }))
}

fn both_names(version: u32) -> Change {
    naming(version, &[(FIRST, "FirstName"), (LAST, "LastName")])
}

fn called(id: u64, first: &str, last: &str) -> Link {
    let mut link = Link::new(LinkId(id), Kind::Person);
    link.field_mut(FIRST).salesforce = Some(Value::text(first));
    link.field_mut(LAST).automation = Some(Value::text(last));
    link
}

/// All that have the words, one at a time.
fn named(store: &dyn Store, words: &[&str]) -> Vec<u64> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = WordPage {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            after,
            size_max: 1,
        };
        let step = run(store.named(page)).unwrap();
        assert!(step.links.len() <= 1);
        found.extend(step.links.iter().map(|link| link.id.0));
        match step.after {
            Some(next) => {
                assert!(after.is_none_or(|after| next > after), "{words:?}");
                after = Some(next);
            }
            None => return found,
        }
    }
}

/// The index's entries, readable.
fn entries(store: &SledStore) -> Vec<(String, u64)> {
    let mut entries = Vec::new();
    let scanned = store.durable.scan(keys::WORD, None, |key, _| {
        let (word, id) = keys::word_parts(key).expect("a word and a link");
        entries.push((word.to_owned(), id.0));
        true
    });
    scanned.unwrap();
    entries
}

/// Commits nothing until the index is built: each commit takes it a step further.
fn build(store: &SledStore) {
    for _ in 0..100 {
        if store.cache.words().is_whole() {
            return;
        }
        commit(store, Vec::new()).unwrap();
    }
    panic!("the index is never built");
}

#[test]
fn a_link_is_found_by_the_beginnings_of_its_words_however_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let links = [
        called(1, "Élodie", "Lefèvre-Martin"),
        called(2, "Elodie", "Weiß"),
        called(300, "Marc", "Lefebvre"),
        called(70_000, "Jean-Marc", "O'Brien"),
    ];
    let puts = links.into_iter().map(put);
    commit(&store, std::iter::once(both_names(1)).chain(puts).collect()).unwrap();
    for (words, found) in [
        (&["elodie"][..], &[1, 2][..]),
        (&["lef"], &[1, 300]),
        (&["marc"], &[300, 70_000]),
        (&["mar"], &[1, 300, 70_000]),
        (&["martin", "elod"], &[1]),
        (&["weiss"], &[2]),
        (&["brien", "jean"], &[70_000]),
        (&["elodie", "marc"], &[]),
        (&["odie"], &[]),
        (&[], &[]),
    ] {
        assert_eq!(named(&store, words), found, "{words:?}");
    }
}

#[test]
fn only_what_changes_of_a_link_s_words_is_written_and_nothing_stays_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, vec![both_names(1), put(called(1, "Anne", "Roux"))]).unwrap();
    commit(&store, vec![put(called(1, "Anne", "Garcia"))]).unwrap();
    assert_eq!(
        entries(&store),
        [("anne".to_owned(), 1), ("garcia".to_owned(), 1)]
    );
    commit(&store, vec![Change::RemoveLink(LinkId(1))]).unwrap();
    assert_eq!(entries(&store), []);
}

#[test]
fn long_names_are_in_the_index_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let link = called(1, "a b c d e f", "g h i j Hippopotomonstrosesquippedalie");
    let long = called(2, "Hippopotomonstrosesquippedalie", "x");
    commit(&store, vec![both_names(1), put(link), put(long)]).unwrap();
    assert_eq!(entries(&store).len(), 8 + 2);
    assert_eq!(named(&store, &["hippopotomonstrosesquippedalie"]), [2]);
    assert_eq!(
        named(&store, &["hippopotomonstrosesquippedaxyz"]),
        [2],
        "cut alike"
    );
}

#[test]
fn a_store_from_before_is_indexed_beside_its_work_and_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let links = (0..900).map(|id| put(called(id, "Anne", &format!("Nr{id}"))));
    commit(
        &store,
        std::iter::once(both_names(1)).chain(links).collect(),
    )
    .unwrap();
    let whole = entries(&store);
    let away = whole
        .iter()
        .map(|(word, id)| (keys::word_link(word, LinkId(*id)), None));
    let away: Staged = away.chain([(keys::WORDS.to_vec(), None)]).collect();
    store.durable.commit(away).unwrap();
    drop(store);
    // Opened and closed at once, it may be anywhere between the two ends.
    drop(open(folder.path()));
    let store = open(folder.path());
    let found = named(&store, &["anne"]).len();
    assert!(found == 0 || found == 900, "{found}: all or nothing");
    // One before the boundary and one behind it change meanwhile, a third one goes.
    let changed = [
        put(called(3, "Zoé", "Nr3")),
        put(called(880, "Zoé", "Nr880")),
    ];
    commit(&store, changed.into()).unwrap();
    commit(
        &store,
        vec![
            Change::RemoveLink(LinkId(4)),
            put(called(901, "Zoé", "New")),
        ],
    )
    .unwrap();
    build(&store);
    assert_eq!(named(&store, &["zoe"]), [3, 880, 901]);
    assert_eq!(named(&store, &["anne"]).len(), 900 - 3);
    drop(store);
    let store = open(folder.path());
    assert!(store.cache.words().is_whole(), "it is built once");
    assert_eq!(entries(&store).len(), 2 * 900);
}

#[test]
fn other_fields_of_names_make_another_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let links = (0..1_200).map(|id| put(called(id, "Anne", "Roux")));
    commit(
        &store,
        std::iter::once(both_names(1)).chain(links).collect(),
    )
    .unwrap();
    commit(
        &store,
        vec![
            naming(2, &[(LAST, "LastName")]),
            put(called(5, "Luc", "Luc")),
        ],
    )
    .unwrap();
    assert_eq!(
        named(&store, &["anne"]),
        Vec::<u64>::new(),
        "what is being cleared is not asked"
    );
    drop(store);
    let store = open(folder.path());
    build(&store);
    assert!(named(&store, &["anne"]).is_empty());
    assert_eq!(named(&store, &["luc"]), [5]);
    assert_eq!(named(&store, &["roux"]).len(), 1_199);
    assert_eq!(entries(&store).len(), 1_200);
}

#[test]
fn a_backup_brings_the_index_along_and_one_from_before_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let [data, from, old] =
        ["data", "new.backup", "old.backup"].map(|name| folder.path().join(name));
    let store = open(&data);
    commit(&store, vec![both_names(1), put(called(1, "Anne", "Roux"))]).unwrap();
    export(&store, &from).unwrap();
    let away = entries(&store).into_iter();
    let away = away.map(|(word, id)| (keys::word_link(&word, LinkId(id)), None));
    let away: Staged = away.chain([(keys::WORDS.to_vec(), None)]).collect();
    store.durable.commit(away).unwrap();
    export(&store, &old).unwrap();
    for (backup, to) in [(from, "one"), (old, "two")] {
        let to = folder.path().join(to);
        restore(&backup, &to, "a restore").unwrap();
        let store = open(&to);
        build(&store);
        assert_eq!(named(&store, &["anne"]), [1], "{}", backup.display());
    }
}

#[test]
fn a_damaged_account_of_the_index_makes_it_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, vec![both_names(1), put(called(1, "Anne", "Roux"))]).unwrap();
    let torn = Staged::from([(keys::WORDS.to_vec(), Some(b"torn".to_vec()))]);
    store.durable.commit(torn).unwrap();
    drop(store);
    let store = open(folder.path());
    build(&store);
    assert_eq!(named(&store, &["anne"]), [1]);
}

#[test]
fn a_beginning_of_half_the_words_does_not_hide_whom_the_other_one_names() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let links = (0..200).map(|id| put(called(id, &format!("Nr{id:03}"), "Roux")));
    let last = put(called(200, "Nr999", "Zola"));
    let all = std::iter::once(both_names(1)).chain(links).chain([last]);
    commit(&store, all.collect()).unwrap();
    assert_eq!(named(&store, &["nr", "zola"]), [200]);
    assert_eq!(named(&store, &["nr", "roux"]).len(), 200);
    assert!(named(&store, &["nr"]).len() >= 60, "some of them, at once");
}

#[derive(Debug, Clone)]
enum Step {
    Change(Box<Change>),
    /// Only the first, only the last, both, none.
    Name(u8),
    Reopen,
}

fn step() -> BoxedStrategy<Step> {
    let name = "[aé]{1,2}( [ab]{1,2})?";
    let link = (0..6_u64, name, name);
    prop_oneof![
        8 => link.prop_map(|(id, first, last)| Step::Change(Box::new(put(called(id, &first, &last))))),
        2 => generate::link().prop_map(|link| Step::Change(Box::new(put(link)))),
        2 => (0..6_u64).prop_map(|id| Step::Change(Box::new(Change::RemoveLink(LinkId(id))))),
        1 => (0..4_u8).prop_map(Step::Name),
        1 => Just(Step::Reopen),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_is_put_and_named_the_index_and_the_model_agree(batches in vec(vec(step(), 1..6), 1..9)) {
        let folder = tempfile::tempdir().unwrap();
        let model = MemoryStore::default();
        let mut store = open(folder.path());
        let mut version = 0;
        for batch in batches {
            let mut changes = Vec::new();
            for step in batch {
                match step {
                    Step::Change(change) => changes.push(*change),
                    Step::Name(which) => {
                        version += 1;
                        let names = [(FIRST, "FirstName"), (LAST, "LastName")];
                        let which = [&names[..1], &names[1..], &names[..], &[]][usize::from(which)];
                        changes.push(naming(version, which));
                    }
                    Step::Reopen => {
                        drop(store);
                        store = open(folder.path());
                    }
                }
            }
            run(model.commit(crate::domain::record::Batch(changes.clone()))).unwrap();
            commit(&store, changes).unwrap();
        }
        build(&store);
        for words in [&["a"][..], &["b"], &["e"], &["aa"], &["ab"], &["a", "b"], &["ea", "ba"], &["x"]] {
            prop_assert_eq!(named(&store, words), named(&model, words), "{:?}", words);
        }
        let mut there = entries(&store);
        there.sort();
        prop_assert_eq!(there, model.kept().word_entries());
    }
}
