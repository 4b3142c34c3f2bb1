//! Hints: somebody says that a record is worth a look. Nothing else of what they say is believed, and
//! nothing is lost with a hint: whatever it tells of, the cursors reach too.

use std::collections::BTreeMap;

use crate::domain::command::Scope;
use crate::domain::cursor::{Cursor, Stream};
use crate::domain::ids::{Kind, LinkId, RemoteId, SalesforceObject, Side};
use crate::domain::link::Link;
use crate::domain::mapping::Policy;
use crate::domain::row::{Row, RowState};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::cycle::Begun;
use crate::engine::observe::{Trust, observe};
use crate::engine::work::Desk;

/// Records that wait to be looked at. Where there are more, an ordinary cycle reads them in fewer
/// requests.
const LOOKS_MAX: usize = 10_000;

/// Whether the people of both sides were read to the end once. Before that somebody may be known under
/// another address by a record that nobody saw.
pub fn has_read_everybody(policy: &Policy, cursors: &BTreeMap<Stream, Cursor>) -> bool {
    let people = [
        (Stream::Leads, policy.syncs(SalesforceObject::Lead)),
        (Stream::Contacts, policy.syncs(SalesforceObject::Contact)),
        (Stream::AutomationContacts, true),
    ];
    people.into_iter().all(|(stream, is_synced)| {
        let cursor = cursors.get(&stream);
        !is_synced || cursor.is_some_and(|cursor| cursor.from > Timestamp::ZERO)
    })
}

impl Engine {
    /// 1. Not while the plugin is unpublished, and not before everybody was read once.
    /// 2. Not of records that no stream reads.
    /// 3. What is too much is left to a cycle that reads that side's changes.
    pub(super) fn look(&mut self, records: Vec<RemoteId>) {
        let knows_everybody = has_read_everybody(&self.settings.policy, &self.cursors);
        if !self.settings.policy.published || !knows_everybody {
            let why = if self.settings.policy.published {
                "hint_too_early"
            } else {
                "hint_unpublished"
            };
            for _ in records {
                self.ignore(why);
            }
            return;
        }
        let mut scope = Scope::OUTBOX;
        for record in records {
            if !self.is_read(record) {
                self.ignore("object_not_selected");
            } else if self.outbox.rechecks() < LOOKS_MAX {
                self.outbox.recheck(record);
            } else {
                scope.push |= record.side() == Side::Automation;
                scope.pull |= record.side() == Side::Salesforce;
                self.ignore("hint_dropped");
            }
        }
        self.cycle.next_by = Begun::ByHint;
        self.want_cycle(scope);
    }

    /// Whether a stream would show that record.
    fn is_read(&self, record: RemoteId) -> bool {
        let policy = &self.settings.policy;
        let has_companies = !policy.mapping.company.is_empty();
        match record {
            RemoteId::Salesforce(SalesforceObject::Account, _)
            | RemoteId::Automation(Kind::Company, _) => has_companies,
            RemoteId::Salesforce(object, _) => policy.syncs(object),
            RemoteId::Automation(Kind::Person, _) => true,
        }
    }

    /// A record that no link knows, by a hint. Only somebody alive who has an address is taken in: a
    /// visitor without a name is nobody yet, and whoever is gone leaves nothing to do. Where a contact
    /// lives on as another one, that one is looked at.
    pub(in crate::engine) fn take_hinted(&mut self, desk: &mut Desk, now: Timestamp, row: &Row) {
        match (row.state, row.id) {
            (RowState::Live, _) => {
                let mut seen = Link::new(LinkId(0), row.id.kind());
                observe(&mut seen, row, &self.mapping, Trust::Certain, now);
                if seen.match_keys.is_empty() {
                    self.ignore("no_email");
                } else {
                    self.take_new(desk, now, row);
                }
            }
            (RowState::MergedAutomation(winner), RemoteId::Automation(kind, loser))
                if winner != loser =>
            {
                self.outbox.recheck(RemoteId::Automation(kind, winner));
            }
            _ => self.ignore("gone_before_linked"),
        }
    }
}
