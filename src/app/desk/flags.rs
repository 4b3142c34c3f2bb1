//! Who is deleted or opted out, the mismatches first: they are never the ones that are left out.

use std::collections::{BTreeMap, BTreeSet};

use super::{Desk, ROWS_MAX, empty, push};
use crate::console::query::{FlagRow, Page};
use crate::domain::flag::{Urgency, flags, is_flagged};
use crate::domain::ids::{LinkId, Side};
use crate::domain::link::{Link, Mark};
use crate::domain::record::Listing;
use crate::ports::StoreError;

/// Every link that may have something to say. A record back from the recycle bin bears no mark but
/// that of its conflict.
const LISTINGS: [Mark; 4] = [
    Mark::Conflict,
    Mark::DeletedInSalesforce,
    Mark::DeletedInAutomation,
    Mark::OptedOut,
];

impl Desk {
    pub(super) async fn flags(&self) -> Result<Page<FlagRow>, StoreError> {
        let mut seen: BTreeSet<LinkId> = BTreeSet::new();
        // Each kind is bounded by itself, so that none can push a more urgent one out.
        let mut kinds: BTreeMap<Urgency, Page<FlagRow>> = BTreeMap::new();
        for mark in LISTINGS {
            self.each(Listing::Marked(mark), |link| {
                if !seen.insert(link.id) {
                    return;
                }
                for row in self.flag_rows(&link) {
                    let page = kinds
                        .entry(row.flag.standing.urgency())
                        .or_insert_with(empty);
                    push(page, row, ROWS_MAX);
                }
            })
            .await?;
        }
        let mut all = empty();
        for mut kind in kinds.into_values() {
            // The latest first: it is what somebody asks about.
            kind.rows.sort_by_key(|row| std::cmp::Reverse(row.flag.at));
            all.more += kind.more;
            for row in kind.rows {
                push(&mut all, row, ROWS_MAX);
            }
        }
        Ok(all)
    }

    fn flag_rows(&self, link: &Link) -> Vec<FlagRow> {
        let policy = self.policy();
        let mapping = &policy.mapping;
        let rows = flags(link, mapping).into_iter().map(|flag| FlagRow {
            brief: self.brief(link),
            kind: link.kind,
            flag,
            consent: link.consent,
            states: Side::BOTH.map(|side| link.state(side)),
            is_flagged: is_flagged(link, mapping),
            parked: link.parked.clone(),
        });
        rows.collect()
    }
}
