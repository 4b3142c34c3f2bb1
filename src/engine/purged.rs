//! Records of Salesforce that are gone for good: no query shows them, only the platform's own list.

use crate::domain::ids::RemoteId;
use crate::domain::link::Link;
use crate::domain::record::Happened;
use crate::domain::row::RowState;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::rows::{forget_unseen, set_state};
use crate::engine::work::Desk;

impl Engine {
    /// Whoever is known and counts as live was deleted without our seeing it in the Recycle Bin. Of the
    /// others nothing is to be made.
    pub(super) fn take_purged(&mut self, desk: &mut Desk, now: Timestamp, ids: &[RemoteId]) {
        for record in ids {
            let side = record.side();
            let known = desk.find(*record);
            let link = known.and_then(|id| desk.links.get_mut(&id));
            let is_it = |link: &&mut Link| link.remote(side) == Some(*record) && link.is_live(side);
            let Some(link) = link.filter(is_it) else {
                continue;
            };
            let id = link.id;
            set_state(link, side, RowState::Deleted);
            // That it does not show has its reason now.
            forget_unseen(link, side);
            self.outbox.pair_again(&link.match_keys);
            self.cycle.deletions += 1;
            desk.history(id, now, self.cycle.run, Happened::Deleted(side));
            self.settle(desk, id, now);
        }
    }
}
