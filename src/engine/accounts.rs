//! Accounts by name, as far as anybody asked in this cycle: a Contact belongs to an Account by id,
//! and Automation knows only the company's name.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::{Kind, LinkId, RemoteId, SalesforceId};
use crate::domain::link::MatchKey;
use crate::domain::mapping::{Mapping, Role};
use crate::domain::request::{Request, SalesforceRequest};
use crate::domain::row::{Row, RowState};
use crate::domain::value::Value;
use crate::engine::Engine;
use crate::engine::work::{Job, Work};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    One(SalesforceId),
    Nobody,
    Several,
}

/// The names that were looked for.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    found: BTreeMap<MatchKey, Found>,
    /// Nobody had them in the cycle before, in which they could have been made.
    missed: BTreeSet<MatchKey>,
}

impl Accounts {
    /// `None` if nobody asked yet.
    pub fn find(&self, name: &str) -> Option<Found> {
        let key = MatchKey::new(Kind::Company, name);
        self.found.get(&key).copied()
    }

    /// Whether an Account of that name was waited for in vain.
    pub fn was_missed(&self, name: &str) -> bool {
        self.missed.contains(&MatchKey::new(Kind::Company, name))
    }

    /// A new cycle asks anew.
    pub fn forget(&mut self) {
        let found = std::mem::take(&mut self.found).into_iter();
        let missed = found.filter(|(_, found)| *found == Found::Nobody);
        self.missed = missed.map(|(key, _)| key).collect();
    }

    fn learn(&mut self, names: &[String], rows: &[Row], mapping: &Mapping) {
        for name in names {
            self.found
                .insert(MatchKey::new(Kind::Company, name), Found::Nobody);
        }
        let Some(rule) = mapping.with_role(Kind::Company, Role::CompanyName) else {
            return;
        };
        for row in rows {
            let (RemoteId::Salesforce(_, id), RowState::Live) = (row.id, row.state) else {
                continue;
            };
            let Some(name) = row.value(rule.id).and_then(Value::as_text) else {
                continue;
            };
            let found = self
                .found
                .entry(MatchKey::new(Kind::Company, name))
                .or_insert(Found::Nobody);
            *found = match *found {
                Found::Nobody => Found::One(id),
                Found::One(known) if known == id => Found::One(id),
                Found::One(_) | Found::Several => Found::Several,
            };
        }
    }
}

impl Engine {
    /// Looks for the Accounts that waiting links name.
    pub(super) fn ask_accounts(&mut self, asked: Vec<(LinkId, String)>) {
        let links = asked.iter().map(|(link, _)| *link).collect();
        let mut names: Vec<String> = asked.into_iter().map(|(_, name)| name).collect();
        names.sort_unstable();
        names.dedup();
        let request = Request::Salesforce(SalesforceRequest::Find {
            mapping: std::sync::Arc::clone(&self.mapping),
            objects: Vec::new(),
            emails: Vec::new(),
            accounts: names.clone(),
        });
        self.request(Job::FindAccounts { links, names }, request);
    }

    pub(super) fn on_accounts(&mut self, links: &[LinkId], names: &[String], rows: &[Row]) {
        self.accounts.learn(names, rows, &self.mapping);
        for links in links.chunks(self.settings.chunk_size_max) {
            let links = links.to_vec();
            self.queue(Work::Settle { links });
        }
    }
}
