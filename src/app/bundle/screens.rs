//! What the console's screens show, as a part of a bundle; and the same read again from a file that
//! anybody may have written.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::Sources;
use super::veil::{self, Veil};
use crate::app::error::AppError;
use crate::app::mask::Mask;
use crate::app::text::safe;
use crate::domain::activity::HeldActivity;
use crate::domain::doctor::{Finding, Severity};
use crate::domain::drift::Descriptions;
use crate::domain::exchange::{Exchange, Whom};
use crate::domain::ids::{LinkId, RunId, Side};
use crate::domain::link::{Link, Mark, MatchKey};
use crate::domain::mapping::Policy;
use crate::domain::record::{
    Act, Batch, Change, Counts, HistoryEntry, LinkPage, Listing, PolicyVersion, Recovered,
};
use crate::domain::setup::{InForce, Suspension, Timetable};
use crate::domain::snapshot::Snapshot;
use crate::domain::time::Timestamp;
use crate::ports::StoreError;
use crate::store::memory::Kept;

/// Contacts that go along besides the one that is asked for, by why they do: what needs a person first.
const ALONG: [(Mark, usize); 7] = [
    (Mark::Conflict, 200),
    (Mark::Dead, 100),
    (Mark::DeletedInSalesforce, 50),
    (Mark::DeletedInAutomation, 50),
    (Mark::SetAside, 50),
    (Mark::Pending, 50),
    (Mark::OptedOut, 50),
];

/// Of the one that is asked for, and of each of the others.
const HISTORY_MAX: usize = 200;
const OTHERS_HISTORY_MAX: usize = 10;

const EXCHANGES_MAX: usize = 50;

const ACTS_MAX: usize = 200;

const HELD_MAX: usize = 200;

const VERSIONS_MAX: usize = 20;

/// Of this part alone: the log and what tells of the machine have to find room beside it.
const BYTES_MAX: usize = 2 * 1_024 * 1_024;

/// No number of ours is larger: tokens have forty bits, and moments are milliseconds before 2109.
const NUMBER_MAX: u64 = 1 << 42;

/// No text of ours is longer.
const TEXT_BYTES_MAX: usize = 4_096;

/// Letters of why a part is none.
const WHY_MAX: usize = 200;

/// Everything that the screens are made of.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct Screens {
    /// Of the configuration in force.
    version: u32,
    policy: Policy,
    timetable: Timetable,
    suspended: Vec<Suspension>,
    described: Descriptions,
    versions: Vec<PolicyVersion>,
    pub(in crate::app) snapshot: Snapshot,
    /// Of the whole instance, not only of what goes along.
    pub(in crate::app) counts: Counts,
    links: Vec<Link>,
    /// Newest first.
    history: BTreeMap<LinkId, Vec<HistoryEntry>>,
    exchanges: Vec<Exchange>,
    /// Newest first.
    acts: Vec<Act>,
    held: Vec<HeldActivity>,
    /// Those of a later passerelle are left out.
    findings: Vec<Json>,
    /// When both systems were read for them, if they were.
    pub(in crate::app) examined: Option<Timestamp>,
    /// Whom the bundle was asked for.
    pub(in crate::app) contact: Option<LinkId>,
}

pub(super) async fn part(
    sources: &Sources<'_>,
    (mask, policy): (&Mask, &Policy),
    findings: Vec<Json>,
) -> Result<Json, AppError> {
    let veil = Veil { mask, policy };
    let store = sources.store;
    let links = along(sources).await?;
    let acts = store.acts(ACTS_MAX).await?;
    let held = store.held_activities(None, HELD_MAX).await?;
    let versions = store.policies(VERSIONS_MAX).await?;
    let Recovered {
        counts,
        policy: stored,
        suspended,
        coverage,
        ..
    } = sources.recovered;
    let mut snapshot = veil.snapshot(sources.snapshot);
    if snapshot.coverage.is_empty() {
        // No pool runs: what the store remembers is what there is to tell.
        snapshot.coverage.clone_from(coverage);
        snapshot.published = policy.published;
        let plans = sources.recovered.plans.iter();
        snapshot.plans = plans.map(|plan| veil.plan(plan)).collect();
    }
    let mut screens = Screens {
        version: stored.as_ref().map_or(0, |version| version.version),
        policy: veil::policy(policy),
        timetable: sources.timetable,
        suspended: suspended.clone(),
        described: sources
            .described
            .map_or_else(Descriptions::default, |d| veil::described(d, policy)),
        versions: versions
            .iter()
            .map(|version| veil.version(version))
            .collect(),
        snapshot,
        counts: counts.clone(),
        exchanges: exchanges(sources, &veil),
        acts: acts.iter().map(|act| veil.act(act)).collect(),
        held: held.iter().map(|held| veil.held(held)).collect(),
        findings,
        examined: sources.evidence.map(|evidence| evidence.at),
        contact: sources.contact.map(|link| mask.link(link.id)),
        ..Screens::default()
    };
    for link in &links {
        let is_asked_for = sources.contact.is_some_and(|contact| contact.id == link.id);
        let max = if is_asked_for {
            HISTORY_MAX
        } else {
            OTHERS_HISTORY_MAX
        };
        let entries = store.history(link.id, max).await?;
        let entries = entries.iter().map(|entry| veil.history(link, entry));
        screens
            .history
            .insert(mask.link(link.id), entries.collect());
        screens.links.push(veil.link(link));
    }
    fitted(screens)
}

/// As JSON, with as many contacts as there is room for.
fn fitted(mut screens: Screens) -> Result<Json, AppError> {
    loop {
        let json = serde_json::to_value(&screens).map_err(std::io::Error::from)?;
        if json.to_string().len() <= BYTES_MAX || screens.links.len() <= 1 {
            return Ok(json);
        }
        for link in screens.links.split_off(screens.links.len().div_ceil(2)) {
            screens.history.remove(&link.id);
        }
    }
}

/// The contact that is asked for, then whoever needs a person; each once.
async fn along(sources: &Sources<'_>) -> Result<Vec<Link>, StoreError> {
    let mut links: Vec<Link> = sources.contact.cloned().into_iter().collect();
    for (mark, size_max) in ALONG {
        let page = LinkPage {
            listing: Listing::Marked(mark),
            after: None,
            size_max,
        };
        for link in sources.store.links(page).await? {
            if links.iter().all(|known| known.id != link.id) {
                links.push(link);
            }
        }
    }
    Ok(links)
}

fn exchanges(sources: &Sources<'_>, veil: &Veil<'_>) -> Vec<Exchange> {
    let Some((journal, link)) = sources.journal.zip(sources.contact) else {
        return Vec::new();
    };
    let mut whom = vec![Whom::Link(link.id)];
    let records = Side::BOTH.into_iter().filter_map(|side| link.remote(side));
    whom.extend(records.map(Whom::Record));
    let told = journal.about(&whom, EXCHANGES_MAX);
    told.iter().map(|e| veil.exchange(link, e)).collect()
}

impl Screens {
    /// From a bundle's part, or what is wrong with it in one sentence.
    pub(super) fn read(part: &Json) -> Result<Self, String> {
        check(part)?;
        serde_json::from_value(part.clone()).map_err(|error| {
            // It quotes what it did not expect.
            let why = safe(&error.to_string());
            let why: String = why.chars().take(WHY_MAX).collect();
            format!("its screens are none: {why}")
        })
    }

    /// What an older bundle tells of them.
    pub(super) fn of_old(parts: &serde_json::Map<String, Json>) -> Self {
        let part = |name: &str| parts.get(name).filter(|part| check(part).is_ok());
        let status = part("status").unwrap_or(&Json::Null);
        let taken = |name: &str| status.get(name).cloned().unwrap_or_default();
        let number = |name: &str| status.get(name).and_then(Json::as_u64).unwrap_or_default();
        let mut screens = Self {
            counts: Counts {
                links: number("links"),
                held_activities: number("activities_held"),
                sent_activities: number("activities_sent"),
                commits: number("commits"),
                ..Counts::default()
            },
            ..Self::default()
        };
        screens.snapshot.totals = serde_json::from_value(taken("totals")).unwrap_or_default();
        screens.snapshot.is_braked = taken("is_braked") == Json::Bool(true);
        screens.snapshot.is_idle = taken("is_idle") == Json::Bool(true);
        screens.snapshot.limit = serde_json::from_value(taken("salesforce_limit")).unwrap_or(None);
        let items = |name: &str| part(name).and_then(Json::as_array).into_iter().flatten();
        screens.findings = items("doctor").filter_map(old_finding).collect();
        screens.acts = items("audit").rev().filter_map(old_act).collect();
        screens
    }

    /// What the store would hold.
    pub(in crate::app) fn kept(&self) -> Kept {
        let mut batch: Vec<Change> = Vec::new();
        let links = self.links.iter().cloned();
        batch.extend(links.map(|mut link| {
            // Found by its token, as elsewhere by its address.
            let token = Mask::token_of(link.id);
            link.match_keys = vec![MatchKey::new(link.kind, &token)];
            Change::PutLink(Box::new(link))
        }));
        for (link, entries) in &self.history {
            let entries = entries.iter().rev().cloned();
            batch.extend(entries.map(|entry| Change::AddHistory(*link, entry)));
        }
        batch.extend(self.acts.iter().rev().cloned().map(Change::AddAct));
        batch.extend(self.held.iter().cloned().map(Change::PutHeldActivity));
        let versions = self.versions.iter().rev().cloned();
        batch.extend(versions.map(|version| Change::PutPolicy(Box::new(version))));
        let mut kept = Kept::default();
        kept.apply(Batch(batch));
        kept
    }

    pub(in crate::app) fn in_force(&self) -> InForce {
        InForce {
            version: self.version,
            policy: Arc::new(self.policy.clone()),
            timetable: self.timetable,
            suspended: self.suspended.clone(),
            described: Arc::new(self.described.clone()),
        }
    }

    /// The oldest first, as they are noted.
    pub(in crate::app) fn exchanges(&self) -> impl Iterator<Item = Exchange> + '_ {
        self.exchanges.iter().rev().cloned()
    }

    pub(in crate::app) fn findings(&self) -> Vec<Finding> {
        let findings = self.findings.iter().cloned();
        findings
            .filter_map(|finding| serde_json::from_value(finding).ok())
            .collect()
    }

    /// How many contacts are in it.
    pub(in crate::app) fn len(&self) -> u64 {
        self.links.len() as u64
    }

    /// When the two systems described themselves.
    pub(in crate::app) const fn described(&self) -> Timestamp {
        self.described.at
    }
}

/// A check with what it saw, in words and not by its message.
fn old_finding(item: &Json) -> Option<Json> {
    let state = item["state"].as_str()?;
    let all = [
        Severity::Fault,
        Severity::Warning,
        Severity::Unknown,
        Severity::Note,
        Severity::Ok,
    ];
    let severity = all.into_iter().find(|severity| severity.name() == state)?;
    let seen = json!({ "severity": severity, "says": item["seen"], "gaps": [] });
    Some(json!({ "check": item["check"], "seen": seen }))
}

fn old_act(item: &Json) -> Option<Act> {
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let at: jiff::Timestamp = item["at"].as_str()?.parse().ok()?;
    let at = u64::try_from(at.as_millisecond()).ok()?;
    Some(Act {
        run: RunId(item["run"].as_u64()?),
        at: Timestamp(at.min(NUMBER_MAX) as i64),
        operator: text("operator"),
        from: text("from"),
        act: text("act"),
        object: text("object"),
        links: Vec::new(),
        reason: text("reason"),
        undo: Vec::new(),
    })
}

/// Numbers and texts as ours are, before anything counts or paints with them.
fn check(part: &Json) -> Result<(), String> {
    match part {
        Json::Null | Json::Bool(_) => Ok(()),
        Json::Number(number) => match number.as_u64() {
            Some(number) if number <= NUMBER_MAX => Ok(()),
            _ => Err(format!("it holds a number that is in no bundle: {number}")),
        },
        Json::String(text) if text.len() <= TEXT_BYTES_MAX => Ok(()),
        Json::String(_) => Err("it holds a text that is longer than any in a bundle".to_owned()),
        Json::Array(items) => items.iter().try_for_each(check),
        Json::Object(fields) => fields.iter().try_for_each(|(name, value)| match value {
            // A bundle tells of a value what it is like, in words.
            Json::Object(_) if name == "Number" => {
                Err("it holds a value that is not masked, which is in no bundle".to_owned())
            }
            value => check(value),
        }),
    }
}
