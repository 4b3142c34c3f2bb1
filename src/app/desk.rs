//! Answers what screens ask: reads the store, and lets the engine's rules say why.

mod access;
mod audit;
mod bundle;
mod doctor;
pub(super) mod export;
mod flags;
mod forecast;
pub(super) mod plugin;
mod search;

pub use doctor::Doctor;
pub(super) use doctor::{Recorded, disk, waiting};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, FuturesUnordered};
use serde_json::Value as Json;
use tokio::sync::{mpsc, watch};

use crate::app::compose::{Connected, Opened};
use crate::app::door::Door;
use crate::app::error::AppError;
use crate::app::house::House;
use crate::app::said;
use crate::console::query::{
    Brief, ConflictRow, Found, HISTORY_MAX, Held, HeldRow, Page, Person, QueuedWrite, Queues,
    UndoPreview,
};
use crate::console::{Answer, Msg, Query, Ticket};
use crate::domain::audit::{Check, Verdict};
use crate::domain::exchange::{Exchange, Whom};
use crate::domain::ids::{LinkId, RemoteId, Side};
use crate::domain::link::{Link, Mark};
use crate::domain::mapping::Policy;
use crate::domain::operator::Role;
use crate::domain::record::{LinkKey, LinkPage, Listing};
use crate::domain::setup::InForce;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::Timestamp;
use crate::engine::decide::decide;
use crate::engine::observe::match_text;
use crate::pool::{Handle, Journal, Outside};
use crate::ports::{Clock, Store, StoreError};
use access::{Attempts, Reception};
use audit::Checking;
use search::Search;
pub(super) use search::keys;

/// Links are read from the store in pages of this size.
const PAGE_MAX: usize = 200;

/// Rows of a list: nobody scrolls further, and the rest is counted.
const ROWS_MAX: usize = 1_000;

/// Held activities of the list: a retry by cause takes as many along.
const HELD_MAX: usize = 10_000;

/// Questions answered beside each other. Each place on the screens asks one at a time.
const AT_ONCE_MAX: usize = 16;

/// Requests and answers shown of one contact.
const EXCHANGES_MAX: usize = 50;

/// Acts looked through for the last one that can be undone.
const ACTS_MAX: usize = 1_000;

pub struct Desk {
    pub store: Arc<dyn Store>,
    /// What the sync works by.
    pub setups: watch::Receiver<Arc<InForce>>,
    pub journal: Arc<Journal>,
    /// The instance's folder: where exports go.
    pub data: PathBuf,
    /// As a bundle tells them.
    pub settings: Json,
    pub doctor: Doctor,
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub clock: Arc<dyn Clock>,
    /// Of whoever asks: who only looks takes nothing away.
    pub role: Role,
    /// Where somebody can be let in from here.
    pub reception: Option<Reception>,
    /// Both systems, where they are connected to: a forecast reads some records.
    pub outside: Option<Outside>,
}

impl Desk {
    /// Over the store of an instance, and what its pool tells.
    pub(super) fn of(connected: &Connected, pool: &Handle) -> Self {
        Self {
            store: connected.outside.store.clone(),
            setups: pool.setups.clone(),
            journal: Arc::clone(&pool.journal),
            data: connected.opened.instance.data.clone(),
            settings: crate::app::bundle::settings(&connected.opened.instance),
            doctor: Doctor::of(connected),
            snapshots: pool.snapshots.clone(),
            clock: connected.outside.clock.clone(),
            role: Role::Admin,
            reception: None,
            outside: Some(connected.outside.clone()),
        }
    }

    /// Over the store alone, for a command.
    pub(super) fn at_rest(opened: &Opened, policy: Arc<Policy>) -> Self {
        let (_, snapshots) = watch::channel(Arc::default());
        let (_, setups) = watch::channel(Arc::new(opened.in_force(policy)));
        Self {
            store: opened.store.clone(),
            setups,
            journal: Arc::default(),
            data: opened.instance.data.clone(),
            settings: crate::app::bundle::settings(&opened.instance),
            doctor: Doctor::default(),
            snapshots,
            clock: opened.clock.clone(),
            role: Role::Viewer,
            reception: None,
            outside: None,
        }
    }

    /// The same with both systems at hand.
    pub(super) fn over(connected: &Connected) -> Self {
        let (_, setups) = watch::channel(Arc::new(connected.in_force()));
        Self {
            setups,
            outside: Some(connected.outside.clone()),
            ..Self::at_rest(&connected.opened, Arc::clone(&connected.policy))
        }
    }

    pub(super) fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.setups.borrow())
    }

    pub(super) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.setups.borrow().policy)
    }

    /// Answers what this role may ask.
    pub(super) fn for_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Lets in whoever asks by this door.
    pub(super) fn at_door(self, house: Arc<House>, door: Door) -> Self {
        let reception = Some(Reception { house, door });
        Self { reception, ..self }
    }

    /// Changes the set-up in somebody's name.
    pub(super) fn recording(mut self, recorded: Recorded) -> Self {
        self.doctor.recorded = Some(recorded);
        self
    }

    /// Answers until nobody asks any more. A question that takes long delays no other one; a search
    /// tells what it found so far, and ends where another one begins; so does a forecast.
    pub async fn serve(
        self,
        mut questions: mpsc::Receiver<(Ticket, Query)>,
        answers: mpsc::Sender<Msg>,
    ) {
        let mut answering = FuturesUnordered::new();
        let mut searching: Option<(Ticket, Search)> = None;
        let mut checking: Option<Checking> = None;
        let mut attempts = Attempts::default();
        let mut foreseeing: Option<BoxStream<'_, Msg>> = None;
        loop {
            let may_ask = answering.len() < AT_ONCE_MAX;
            let told = tokio::select! {
                biased;
                asked = questions.recv(), if may_ask => {
                    let mut told = None;
                    match asked {
                        None => return,
                        Some((ticket, Query::Search(wanted))) => {
                            searching = Some((ticket, Search::new(&wanted)));
                        }
                        Some((ticket, Query::CheckAudit)) => {
                            checking = Some(Checking::new(ticket));
                        }
                        Some((ticket, Query::Admit(side, admit))) => {
                            let asked = (ticket, side, admit);
                            told = self.admit(&mut attempts, asked, &answers);
                        }
                        Some((ticket, Query::Forecast(policy))) if self.role >= Role::Admin => {
                            foreseeing = Some(self.foreseen(ticket, *policy));
                        }
                        Some((ticket, query)) => answering.push(self.answered(ticket, query)),
                    }
                    told
                }
                Some(msg) = answering.next() => Some(msg),
                msg = self.look_on(&mut searching), if searching.is_some() => msg,
                msg = self.check_on(&mut checking), if checking.is_some() => msg,
                msg = forecast::next(&mut foreseeing), if foreseeing.is_some() => msg,
            };
            if let Some(msg) = told
                && answers.send(msg).await.is_err()
            {
                return;
            }
        }
    }

    /// One step of the search under way. Dropped before its end, it is done again.
    async fn look_on(&self, searching: &mut Option<(Ticket, Search)>) -> Option<Msg> {
        let (ticket, search) = searching.as_mut()?;
        let ticket = *ticket;
        let step = search.step(self).await;
        if step.is_err() || search.is_over() {
            *searching = None;
        }
        match step {
            Ok(found) => found.map(|found| Msg::Answered(ticket, Answer::Found(found))),
            Err(error) => Some(Msg::Unanswered(ticket, said::unread(&error))),
        }
    }

    pub(super) async fn answered(&self, ticket: Ticket, query: Query) -> Msg {
        if matches!(query, Query::ExportActs(..) | Query::Bundle(..)) && self.role < Role::Operator
        {
            return Msg::Unanswered(ticket, said::needs(Role::Operator));
        }
        // It spends calls for what only an admin can save.
        if matches!(query, Query::Forecast(_)) && self.role < Role::Admin {
            return Msg::Unanswered(ticket, said::needs(Role::Admin));
        }
        match self.answer(query).await {
            Ok(answer) => Msg::Answered(ticket, answer),
            Err(error) => Msg::Unanswered(ticket, said::unread(&error)),
        }
    }

    pub(super) async fn answer(&self, query: Query) -> Result<Answer, StoreError> {
        Ok(match query {
            Query::Standing => Answer::Standing(self.store.recover().await?.counts),
            Query::Conflicts => Answer::Conflicts(self.conflicts().await?),
            Query::Queues => Answer::Queues(self.queues().await?),
            Query::Held => Answer::Held(Held {
                rows: self.held(HELD_MAX).await?,
            }),
            Query::Person(id) => Answer::Person(self.person(id).await?.map(Box::new)),
            Query::Search(wanted) => Answer::Found(self.search(&wanted).await?),
            Query::Links(ids) => Answer::Links(self.named(ids).await?),
            Query::LastAct => Answer::LastAct(self.last_act().await?.map(Box::new)),
            Query::Flags => Answer::Flags(self.flags().await?),
            Query::Acts => Answer::Acts(self.acts().await?),
            Query::Act(act) => Answer::Act(Box::new(self.act(*act).await?)),
            Query::ExportActs(export, reason) => {
                Answer::Exported(self.recorded_export(export, &reason).await?)
            }
            Query::Bundle(contact, at, reason) => {
                Answer::Exported(self.recorded_bundle(contact, at, &reason).await?)
            }
            Query::CheckAudit => Answer::Checked(Box::new(check_audit(&*self.store).await?)),
            Query::Plugin => Answer::Plugin(Box::new(self.plugin().await?)),
            Query::Example(kind, field) => Answer::Example(self.example(kind, field).await?),
            Query::Forecast(policy) => Answer::Forecast(Box::new(self.forecast(*policy).await?)),
            Query::Doctor => Answer::Doctor(self.diagnosis().await?),
            Query::Examine => Answer::Doctor(self.examination().await?),
            Query::Preview(remedy) => Answer::Mending(Box::new(self.preview(remedy).await)),
            Query::Mend(remedy, reason) => {
                Answer::Mending(Box::new(self.mend(remedy, &reason).await))
            }
            Query::Access => Answer::Access(self.access().await),
            // It is told more than once, by a desk that serves a session.
            Query::Admit(..) => return Err(StoreError::Secret(AppError::NotServed.to_string())),
        })
    }

    async fn page(&self, listing: Listing, after: Option<LinkId>) -> Result<Vec<Link>, StoreError> {
        let page = LinkPage {
            listing,
            after,
            size_max: PAGE_MAX,
        };
        self.store.links(page).await
    }

    /// Hands every link of a listing to a function, page by page.
    async fn each(&self, listing: Listing, mut take: impl FnMut(Link)) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.page(listing, after).await?;
            let is_last = page.len() < PAGE_MAX;
            after = page.last().map(|link| link.id);
            page.into_iter().for_each(&mut take);
            if is_last {
                return Ok(());
            }
        }
    }

    async fn conflicts(&self) -> Result<Page<ConflictRow>, StoreError> {
        let mut page = empty();
        self.each(Listing::Marked(Mark::Conflict), |link| {
            let raised = link.conflicts.iter().map(|conflict| conflict.raised).min();
            let row = ConflictRow {
                brief: self.brief(&link),
                raised: raised.unwrap_or(Timestamp::ZERO),
                conflicts: link.conflicts,
            };
            push(&mut page, row, ROWS_MAX);
        })
        .await?;
        Ok(page)
    }

    async fn queues(&self) -> Result<Queues, StoreError> {
        let mut writes = empty();
        let mut dead: BTreeMap<String, Vec<LinkId>> = BTreeMap::new();
        // What was given up first: it is what needs somebody.
        for mark in [Mark::Dead, Mark::Pending] {
            self.each(Listing::Marked(mark), |link| {
                let brief = self.brief(&link);
                for pending in link.pending {
                    if pending.is_dead() != (mark == Mark::Dead) {
                        continue;
                    }
                    if pending.is_dead() {
                        let code = pending.failure.as_ref().map(|failure| failure.code.clone());
                        let links = dead.entry(code.unwrap_or_default()).or_default();
                        if links.last() != Some(&brief.id) {
                            links.push(brief.id);
                        }
                    }
                    let row = QueuedWrite {
                        brief: brief.clone(),
                        pending,
                    };
                    push(&mut writes, row, ROWS_MAX);
                }
            })
            .await?;
        }
        Ok(Queues {
            writes,
            held: self.held(ROWS_MAX).await?,
            dead,
        })
    }

    /// Events that could not be sent, with whose they are.
    async fn held(&self, max: usize) -> Result<Page<HeldRow>, StoreError> {
        let mut rows = empty();
        let mut after = None;
        loop {
            let page = self.store.held_activities(after, PAGE_MAX).await?;
            let is_last = page.len() < PAGE_MAX;
            after = page.last().map(|held| held.activity.reference.clone());
            let keys = page.iter().map(|held| LinkKey::Id(held.link)).collect();
            let loaded = self.store.load(keys, false).await?;
            let briefs: BTreeMap<LinkId, Brief> = loaded
                .links
                .iter()
                .map(|link| (link.id, self.brief(link)))
                .collect();
            for held in page {
                let nobody = || Brief {
                    id: held.link,
                    name: String::new(),
                    records: Vec::new(),
                    conflicts: 0,
                };
                let brief = briefs.get(&held.link).cloned().unwrap_or_else(nobody);
                push(&mut rows, HeldRow { brief, held }, max);
            }
            if is_last {
                return Ok(rows);
            }
        }
    }

    async fn person(&self, id: LinkId) -> Result<Option<Person>, StoreError> {
        let loaded = self.store.load(vec![LinkKey::Id(id)], false).await?;
        let Some(link) = loaded.links.into_iter().next() else {
            return Ok(None);
        };
        let history = self.store.history(id, HISTORY_MAX).await?;
        let policy = self.policy();
        let differing = link
            .fields
            .iter()
            .filter(|state| state.salesforce != state.automation);
        let why = differing
            .filter_map(|state| {
                let rule = policy.mapping.rule(link.kind, state.field)?;
                let decision = decide(rule, state, policy.update_blanks);
                Some((state.field, decision.trace))
            })
            .collect();
        Ok(Some(Person {
            name: self.name(&link),
            why,
            history,
            exchanges: self.exchanges(&link),
            link,
        }))
    }

    fn exchanges(&self, link: &Link) -> Vec<Exchange> {
        let mut whom = vec![Whom::Link(link.id)];
        whom.extend(records(link).into_iter().map(Whom::Record));
        self.journal.about(&whom, EXCHANGES_MAX)
    }

    async fn search(&self, wanted: &str) -> Result<Found, StoreError> {
        let mut search = Search::new(wanted);
        loop {
            let found = search.step(self).await?;
            if let Some(found) = found.filter(|_| search.is_over()) {
                return Ok(found);
            }
        }
    }

    async fn named(&self, ids: Vec<LinkId>) -> Result<Vec<(Link, String)>, StoreError> {
        let keys = ids.into_iter().map(LinkKey::Id).collect();
        let links = self.store.load(keys, false).await?.links.into_iter();
        let named = links.map(|link| {
            let name = self.name(&link);
            (link, name)
        });
        Ok(named.collect())
    }

    async fn last_act(&self) -> Result<Option<UndoPreview>, StoreError> {
        let mut newer = self.store.acts(ACTS_MAX).await?;
        let Some(index) = newer.iter().position(|act| !act.undo.is_empty()) else {
            return Ok(None);
        };
        let act = newer.remove(index);
        newer.truncate(index);
        let shown = self.act(act).await?;
        Ok(Some(UndoPreview { newer, ..shown }))
    }

    fn name(&self, link: &Link) -> String {
        let policy = self.policy();
        let on = |side| match_text(link, &policy.mapping, side);
        on(Side::Salesforce)
            .or_else(|| on(Side::Automation))
            .unwrap_or_default()
            .to_owned()
    }

    fn brief(&self, link: &Link) -> Brief {
        Brief {
            id: link.id,
            name: self.name(link),
            records: records(link),
            conflicts: link.conflicts.len() as u32,
        }
    }
}

/// The whole check, for whoever has nothing else to do meanwhile.
pub(super) async fn check_audit(store: &dyn Store) -> Result<Verdict, StoreError> {
    let mut check = Check::default();
    while !check.is_over() {
        check = store.check_audit(check).await?;
    }
    Ok(check.verdict)
}

fn records(link: &Link) -> Vec<RemoteId> {
    let records = Side::BOTH.into_iter();
    records.filter_map(|side| link.remote(side)).collect()
}

fn empty<T>() -> Page<T> {
    Page {
        rows: Vec::new(),
        more: 0,
    }
}

fn push<T>(page: &mut Page<T>, row: T, max: usize) {
    if page.rows.len() < max {
        page.rows.push(row);
    } else {
        page.more += 1;
    }
}

#[cfg(test)]
mod tests;
