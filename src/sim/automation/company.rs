//! Company records and their links with contacts.

use std::collections::{BTreeMap, BTreeSet};

use super::contact::{ContactId, Stamp};
use super::user::UserId;
use super::value::Values;
use crate::sim::clock::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompanyId(pub u32);

#[derive(Clone, Debug)]
pub struct Company {
    pub id: CompanyId,
    pub values: Values,
    pub score: i64,
    pub owner: Option<UserId>,
    /// Kept and filterable, but never shown in company answers.
    pub added: Stamp,
    pub modified: Option<Stamp>,
}

/// A contact's membership of a company.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    pub company: CompanyId,
    pub is_primary: bool,
    pub since: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub struct Companies {
    records: BTreeMap<CompanyId, Company>,
    by_name: BTreeSet<(String, CompanyId)>,
    links: BTreeMap<ContactId, Vec<Link>>,
    last_id: u32,
}

impl Companies {
    pub fn insert(&mut self, name: &str, make: impl FnOnce(CompanyId) -> Company) -> CompanyId {
        self.last_id += 1;
        let id = CompanyId(self.last_id);
        self.by_name.insert((name.to_lowercase(), id));
        self.records.insert(id, make(id));
        id
    }

    pub fn rename(&mut self, id: CompanyId, old: &str, new: &str) {
        self.by_name.remove(&(old.to_lowercase(), id));
        self.by_name.insert((new.to_lowercase(), id));
    }

    pub fn remove(&mut self, id: CompanyId, name: &str) -> Option<Company> {
        self.by_name.remove(&(name.to_lowercase(), id));
        for links in self.links.values_mut() {
            links.retain(|link| link.company != id);
        }
        self.records.remove(&id)
    }

    pub fn by_id(&self, id: CompanyId) -> Option<&Company> {
        self.records.get(&id)
    }

    pub fn by_id_mut(&mut self, id: CompanyId) -> Option<&mut Company> {
        self.records.get_mut(&id)
    }

    /// Companies of that name, whatever the letter case, oldest first.
    pub fn named(&self, name: &str) -> impl Iterator<Item = CompanyId> {
        let name = name.to_lowercase();
        let from = (name.clone(), CompanyId(0));
        self.by_name
            .range(from..)
            .take_while(move |(key, _)| *key == name)
            .map(|(_, id)| *id)
    }

    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Company> {
        self.records.values()
    }

    pub fn links_of(&self, contact: ContactId) -> &[Link] {
        self.links.get(&contact).map_or(&[], Vec::as_slice)
    }

    pub fn links(&self) -> impl Iterator<Item = (ContactId, &Link)> {
        self.links
            .iter()
            .flat_map(|(contact, links)| links.iter().map(|link| (*contact, link)))
    }

    /// Links as the primary company, the others staying as secondary. False if it was so already.
    pub fn link_primary(&mut self, contact: ContactId, company: CompanyId, now: Timestamp) -> bool {
        let links = self.links.entry(contact).or_default();
        if links
            .iter()
            .any(|link| link.company == company && link.is_primary)
        {
            return false;
        }
        for link in links.iter_mut() {
            link.is_primary = false;
        }
        match links.iter_mut().find(|link| link.company == company) {
            Some(link) => link.is_primary = true,
            None => links.push(Link {
                company,
                is_primary: true,
                since: now.whole_second(),
            }),
        }
        true
    }

    /// Removes the link; a remaining company is promoted if the primary one went.
    pub fn unlink(&mut self, contact: ContactId, company: CompanyId) -> bool {
        let Some(links) = self.links.get_mut(&contact) else {
            return false;
        };
        let count = links.len();
        links.retain(|link| link.company != company);
        let has_primary = links.iter().any(|link| link.is_primary);
        if let Some(first) = links.first_mut().filter(|_| !has_primary) {
            first.is_primary = true;
        }
        links.len() != count
    }

    /// No company is primary any more; the links stay.
    pub fn drop_primary(&mut self, contact: ContactId) {
        for link in self.links.get_mut(&contact).into_iter().flatten() {
            link.is_primary = false;
        }
    }

    pub fn primary_of(&self, contact: ContactId) -> Option<CompanyId> {
        self.links_of(contact)
            .iter()
            .find(|link| link.is_primary)
            .map(|link| link.company)
    }

    /// Links follow a merge, and go with a deletion. The winner's own primary company stays.
    pub(super) fn hand_over(&mut self, loser: ContactId, winner: Option<ContactId>) {
        let Some(moved) = self.links.remove(&loser) else {
            return;
        };
        let Some(winner) = winner else { return };
        let links = self.links.entry(winner).or_default();
        let has_primary = links.iter().any(|link| link.is_primary);
        for mut link in moved {
            if links.iter().all(|known| known.company != link.company) {
                link.is_primary &= !has_primary;
                links.push(link);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_primary_company_leaves_the_earlier_one_as_secondary() {
        let mut companies = Companies::default();
        let (contact, now) = (ContactId(1), Timestamp::from_seconds(10));
        assert!(companies.link_primary(contact, CompanyId(1), now));
        assert!(companies.link_primary(contact, CompanyId(2), now));
        assert!(!companies.link_primary(contact, CompanyId(2), now));
        assert_eq!(companies.primary_of(contact), Some(CompanyId(2)));
        assert_eq!(companies.links_of(contact).len(), 2);
        assert!(companies.unlink(contact, CompanyId(2)));
        assert_eq!(companies.primary_of(contact), Some(CompanyId(1)));
    }

    #[test]
    fn removing_a_secondary_company_keeps_the_primary_one() {
        let mut companies = Companies::default();
        let (contact, now) = (ContactId(1), Timestamp::from_seconds(10));
        for company in 1..=3 {
            companies.link_primary(contact, CompanyId(company), now);
        }
        companies.unlink(contact, CompanyId(1));
        assert_eq!(companies.primary_of(contact), Some(CompanyId(3)));
    }
}
