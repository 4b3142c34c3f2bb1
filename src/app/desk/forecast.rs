//! What a configuration would do to everybody: their remembered values by the new rules, page by page,
//! and of pairs that were never read a sample of records.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use super::{Desk, PAGE_MAX};
use crate::app::said;
use crate::console::query::{Foreseen, SAMPLES_MAX, Sample, Searched};
use crate::console::{Answer, Msg, Ticket};
use crate::domain::access::Why;
use crate::domain::ids::{FieldId, Kind, LinkId, RemoteId, Side};
use crate::domain::link::Link;
use crate::domain::mapping::Policy;
use crate::domain::record::Listing;
use crate::domain::row::Row;
use crate::domain::setup::InForce;
use crate::engine::forecast::{Change, Forecast};
use crate::pool::Outside;
use crate::ports::{PortError, StoreError};

/// Links whose records are read for pairs that are new: one call to Salesforce and one to Automation.
const SAMPLE_MAX: u64 = 200;

/// How far it is is told once in so many links.
const TOLD_EVERY: u64 = 5_000;

/// Records read or written with one call, by side: `reference/salesforce-api.md` (Composite of
/// queries; five collections of 200) and `reference/automation-api.md` (lists and batches).
const READ_WITH_ONE: [(Side, u64); 2] = [(Side::Salesforce, 10_000), (Side::Automation, 1_000)];
const WRITTEN_WITH_ONE: [(Side, u64); 2] = [(Side::Salesforce, 1_000), (Side::Automation, 200)];

/// A forecast under way.
struct Walk {
    after: Policy,
    in_force: Arc<InForce>,
    stage: Stage,
    seen: Foreseen,
    /// Links with something to write, and links with a record, by side.
    written: [u64; 2],
    records: [u64; 2],
    /// Links whose records are read, and one in so many is taken.
    sampled: Vec<Link>,
    stride: u64,
    told: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    Links { after: Option<LinkId> },
    Records,
    Over,
}

/// The next of what a forecast tells; at its end there is none any more.
pub(super) async fn next(foreseeing: &mut Option<BoxStream<'_, Msg>>) -> Option<Msg> {
    let msg = foreseeing.as_mut()?.next().await;
    if msg.is_none() {
        *foreseeing = None;
    }
    msg
}

impl Desk {
    /// Tells how far it is now and then, then the whole.
    pub(super) fn foreseen(&self, ticket: Ticket, after: Policy) -> BoxStream<'_, Msg> {
        let walk = Walk::new(self.in_force(), after);
        let told = stream::unfold(Some(walk), move |walk| async move {
            let mut walk = walk?;
            loop {
                if let Err(error) = walk.step(self).await {
                    return Some((Msg::Unanswered(ticket, said::unread(&error)), None));
                }
                if walk.stage == Stage::Over {
                    let answer = Answer::Forecast(Box::new(walk.seen));
                    return Some((Msg::Answered(ticket, answer), None));
                }
                if walk.seen.looked_at >= walk.told + TOLD_EVERY {
                    walk.told = walk.seen.looked_at;
                    walk.seen.searched = Searched::SoFar(walk.told);
                    let answer = Answer::Forecast(Box::new(walk.seen.clone()));
                    return Some((Msg::Answered(ticket, answer), Some(walk)));
                }
            }
        });
        told.boxed()
    }

    /// The whole, for whoever waits for it.
    pub(super) async fn forecast(&self, after: Policy) -> Result<Foreseen, StoreError> {
        let mut walk = Walk::new(self.in_force(), after);
        while walk.stage != Stage::Over {
            walk.step(self).await?;
        }
        Ok(walk.seen)
    }
}

impl Walk {
    fn new(in_force: Arc<InForce>, after: Policy) -> Self {
        let grown = [Kind::Person, Kind::Company].map(|kind| grows(kind, &in_force.policy, &after));
        let sample = grown.contains(&true).then_some(Sample::Read {
            looked_at: 0,
            changed: 0,
        });
        Self {
            after,
            in_force,
            stage: Stage::Begin,
            seen: Foreseen {
                sample,
                ..Foreseen::default()
            },
            written: [0; 2],
            records: [0; 2],
            sampled: Vec::new(),
            stride: 1,
            told: 0,
        }
    }

    async fn step(&mut self, desk: &Desk) -> Result<(), StoreError> {
        self.stage = match self.stage {
            Stage::Begin => {
                let links = desk.store.recover().await?.counts.links;
                self.stride = links.div_ceil(SAMPLE_MAX).max(1);
                Stage::Links { after: None }
            }
            Stage::Links { after } => {
                let page = desk.page(Listing::All, after).await?;
                let is_last = page.len() < PAGE_MAX;
                let after = page.last().map(|link| link.id);
                self.look_at(desk, page);
                if is_last {
                    Stage::Records
                } else {
                    Stage::Links { after }
                }
            }
            Stage::Records => {
                if self.seen.sample.is_some() {
                    self.seen.sample = Some(self.read(desk).await);
                }
                self.count_calls();
                self.seen.searched = Searched::All;
                Stage::Over
            }
            Stage::Over => Stage::Over,
        };
        Ok(())
    }

    fn of(&self, links: &[Link], rows: &[Row], desk: &Desk) -> Vec<Change> {
        let described = &self.in_force.described;
        let described = (&described.salesforce, &described.automation);
        let forecast = Forecast::new(&self.in_force.policy, &self.after, described);
        let now = desk.clock.now();
        let changes = links.iter().map(|link| {
            let ids = Side::BOTH.map(|side| link.remote(side));
            let of_it = rows.iter().filter(|row| ids.contains(&Some(row.id)));
            let of_it: Vec<Row> = of_it.cloned().collect();
            forecast.of(link, &of_it, now)
        });
        changes.collect()
    }

    fn look_at(&mut self, desk: &Desk, page: Vec<Link>) {
        for (link, change) in page.iter().zip(self.of(&page, &[], desk)) {
            self.take(desk, link, &change);
        }
        let (stride, first) = (self.stride, self.seen.looked_at - page.len() as u64);
        let wants_more = self.seen.sample.is_some();
        let taken = (first..).zip(page).filter(|(number, link)| {
            wants_more
                && number % stride == 0
                && grows(link.kind, &self.in_force.policy, &self.after)
        });
        let taken: Vec<Link> = taken.map(|(_, link)| link).collect();
        self.sampled.extend(taken);
    }

    fn take(&mut self, desk: &Desk, link: &Link, change: &Change) {
        self.seen.looked_at += 1;
        for (count, side) in self.records.iter_mut().zip(Side::BOTH) {
            *count += u64::from(link.is_live(side));
        }
        self.seen.conflicts += change.conflicts;
        self.seen.consents += u64::from(change.consent);
        if change.writes.is_empty() && change.creates.is_none() && !change.consent {
            return;
        }
        self.seen.changed += 1;
        if let Some(side) = change.creates {
            *self.seen.creations.entry(side).or_default() += 1;
        }
        for (side, _) in &change.writes {
            *self.seen.values.entry(*side).or_default() += 1;
        }
        for (count, side) in self.written.iter_mut().zip(Side::BOTH) {
            let writes = change.writes.iter().any(|(to, _)| *to == side);
            *count += u64::from(writes || change.creates == Some(side));
        }
        self.sample_name(desk, link);
    }

    fn sample_name(&mut self, desk: &Desk, link: &Link) {
        if self.seen.samples.len() < SAMPLES_MAX {
            let name = desk.name(link);
            if !self.seen.samples.contains(&name) {
                self.seen.samples.push(name);
            }
        }
    }

    /// Reads the sample's records by the new rules.
    async fn read(&mut self, desk: &Desk) -> Sample {
        let budget = desk.snapshots.borrow().budget;
        if budget.is_some_and(|budget| budget.spent + budget.reserved >= budget.allowed) {
            return Sample::NoCallsLeft;
        }
        let Some(outside) = &desk.outside else {
            return Sample::Unread(Why::said("why-not-connected", Vec::new()));
        };
        let sampled = std::mem::take(&mut self.sampled);
        let rows = match self.rows(outside, &sampled).await {
            Ok(rows) => rows,
            Err(error) => return Sample::Unread(Why::raw(error.to_string())),
        };
        let mut changed = 0;
        for (link, mut change) in sampled.iter().zip(self.of(&sampled, &rows, desk)) {
            // The rest of it was counted from what is remembered.
            let is_new = |field| is_grown(link.kind, field, &self.in_force.policy, &self.after);
            change.writes.retain(|(_, field)| is_new(*field));
            if change.writes.is_empty() {
                continue;
            }
            changed += 1;
            self.sample_name(desk, link);
            for (count, side) in self.written.iter_mut().zip(Side::BOTH) {
                if change.writes.iter().any(|(to, _)| *to == side) {
                    // It stands for as many as were passed over.
                    *count += self.stride;
                }
            }
        }
        let looked_at = sampled.len() as u64;
        Sample::Read { looked_at, changed }
    }

    async fn rows(&self, outside: &Outside, links: &[Link]) -> Result<Vec<Row>, PortError> {
        let mapping = Arc::new(self.after.mapping.clone());
        let (mut salesforce, mut automation) = (Vec::new(), Vec::new());
        for link in links {
            for side in Side::BOTH.into_iter().filter(|side| link.is_live(*side)) {
                match link.remote(side) {
                    Some(RemoteId::Salesforce(object, id)) => salesforce.push((object, id)),
                    Some(RemoteId::Automation(kind, id)) => automation.push((kind, id)),
                    None => {}
                }
            }
        }
        let mut rows = Vec::new();
        if !salesforce.is_empty() {
            let read = outside.salesforce.rows(Arc::clone(&mapping), salesforce);
            rows.extend(read.await?.value);
        }
        if !automation.is_empty() {
            rows.extend(outside.automation.rows(mapping, automation).await?.value);
        }
        Ok(rows)
    }

    /// What reading everybody again would cost, if anything has to be read, and the writes.
    fn count_calls(&mut self) {
        let reads = self.seen.sample.is_some();
        let counted = self.records.into_iter().zip(self.written);
        let rates = READ_WITH_ONE.into_iter().zip(WRITTEN_WITH_ONE);
        for ((records, written), ((side, read), (_, wrote))) in counted.zip(rates) {
            let reading = if reads { records.div_ceil(read) } else { 0 };
            let calls = reading + written.div_ceil(wrote);
            self.seen.calls.insert(side, calls);
        }
    }
}

/// Whether some field of these has to be read that was not read before: the same question as the
/// engine's own.
fn grows(kind: Kind, before: &Policy, after: &Policy) -> bool {
    let mut rules = after.mapping.rules(kind).iter();
    rules.any(|rule| is_grown(kind, rule.id, before, after))
}

fn is_grown(kind: Kind, field: FieldId, before: &Policy, after: &Policy) -> bool {
    let Some(rule) = after.mapping.rule(kind, field) else {
        return false;
    };
    let old = before.mapping.rule(kind, field);
    old.is_none_or(|old| {
        let mut objects = rule.objects.iter();
        objects.any(|object| !old.objects.contains(object))
    })
}
