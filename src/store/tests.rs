//! The store on disk: its forms, its answers against the model in memory, its opening, its copies.

mod accepted;
mod chain;
mod copies;
mod damage;
mod forms;
mod generate;
mod opening;
mod reference;
mod vault;
mod words;

use std::path::Path;

use futures_util::future::BoxFuture;

use crate::domain::ids::{AutomationId, FieldId, Kind, LinkId, SalesforceId, SalesforceObject};
use crate::domain::link::{AutomationEnd, Base, Link, MatchKey, SalesforceEnd};
use crate::domain::record::{Batch, Binding, Change, LinkKey, LinkPage, Listing};
use crate::domain::row::RowState;
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
use crate::ports::{Store, StoreError};
use crate::store::SledStore;

fn open(data: &Path) -> SledStore {
    SledStore::open(data, "a test").expect("the store opens")
}

fn run<T>(future: BoxFuture<'_, T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime for one future")
        .block_on(future)
}

fn commit(store: &SledStore, changes: Vec<Change>) -> Result<(), StoreError> {
    run(store.commit(Batch(changes)))
}

fn salesforce_id(number: u8) -> SalesforceId {
    format!("003Q7000000{number:04}").parse().unwrap()
}

/// A whole person: both ends, one agreed field, one address.
fn person(id: u64) -> Link {
    let mut link = Link::new(LinkId(id), Kind::Person);
    link.salesforce = Some(SalesforceEnd {
        object: SalesforceObject::Contact,
        id: salesforce_id(id as u8),
        first_id: salesforce_id(id as u8),
        state: RowState::Live,
        modified: Timestamp::from_seconds(1_772_615_702),
        edited_by: Some("005Q70000000001AAA".into()),
        account: None,
        written_since: false,
    });
    link.automation = Some(AutomationEnd {
        id: AutomationId(id + 100),
        state: RowState::Live,
        modified: Timestamp::from_seconds(1_772_615_702),
        edited_by: None,
        written_since: true,
    });
    let value = Value::Text(format!("person {id}"));
    let field = link.field_mut(FieldId(1));
    field.base = Some(Base {
        salesforce: value.clone(),
        automation: value.clone(),
    });
    field.salesforce = Some(value.clone());
    field.automation = Some(value);
    link.match_keys = vec![MatchKey::new(Kind::Person, &format!("p{id}@example.org"))];
    link
}

fn put(link: Link) -> Change {
    Change::PutLink(Box::new(link))
}

fn binding() -> Binding {
    Binding {
        organisation: "00DQ70000000001MAA".into(),
        is_sandbox: true,
        automation: "https://acme.automation.example".into(),
    }
}

fn every_link() -> LinkPage {
    LinkPage {
        listing: Listing::All,
        after: None,
        size_max: 1_000,
    }
}

fn ids(links: &[Link]) -> Vec<u64> {
    links.iter().map(|link| link.id.0).collect()
}

/// The ids of the links that are found by these keys.
fn found(store: &SledStore, keys: Vec<LinkKey>) -> Vec<u64> {
    ids(&run(store.load(keys, false)).unwrap().links)
}
