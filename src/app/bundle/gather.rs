//! Collects a bundle. Whatever a person or a system wrote goes through the mask.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::{BYTES_MAX, Bundle, FORMAT, contact, screens, settings};
use crate::app::desk;
use crate::app::error::AppError;
use crate::app::log;
use crate::app::mask::{Mask, without_addresses};
use crate::console::{Language, Tongue, spoken};
use crate::domain::cursor::Coverage;
use crate::domain::doctor::{Facts, Finding, Told, examine};
use crate::domain::drift::Descriptions;
use crate::domain::evidence::Evidence;
use crate::domain::ids::{LinkId, Side};
use crate::domain::link::{Link, Mark};
use crate::domain::mapping::{Mapping, Policy};
use crate::domain::record::{Act, LinkPage, Listing, Recovered};
use crate::domain::setup::Timetable;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::{Span, Timestamp};
use crate::pool::Journal;
use crate::ports::{Store, StoreError};

/// Lines of the log, of all its kinds and of the errors alone.
const LOG_MAX: usize = 1_000;
const ERRORS_MAX: usize = 200;

/// Lines looked through for errors.
const LOOKED_MAX: usize = 20_000;

const ACTS_MAX: usize = 200;

/// Of one act; its object says how many there were.
const LINKS_MAX: usize = 50;

/// Links and activities looked through for causes; the rest is in the counts.
const QUEUED_MAX: usize = 20_000;

const PAGE_MAX: usize = 500;

/// Findings name fields and types of events by these gaps; what other gaps name may be people.
const OPEN_GAPS: [&str; 3] = ["fields", "types", "objects"];

/// Where it is collected from.
pub(in crate::app) struct Sources<'a> {
    /// As [`settings`](super::settings()) tells them.
    pub(in crate::app) settings: &'a Json,
    pub(in crate::app) store: &'a dyn Store,
    pub(in crate::app) recovered: &'a Recovered,
    pub(in crate::app) policy: Option<&'a Policy>,
    pub(in crate::app) described: Option<&'a Descriptions>,
    pub(in crate::app) timetable: Timetable,
    pub(in crate::app) snapshot: &'a Snapshot,
    /// What the doctor read of both systems last, in this process.
    pub(in crate::app) evidence: Option<&'a Evidence>,
    pub(in crate::app) journal: Option<&'a Journal>,
    pub(in crate::app) data: &'a Path,
    pub(in crate::app) now: Timestamp,
    /// Whose link, history and exchanges go along.
    pub(in crate::app) contact: Option<&'a Link>,
}

pub(in crate::app) async fn gather(sources: &Sources<'_>) -> Result<Bundle, AppError> {
    let mask = Mask::new()?;
    let mut parts = Map::new();
    let mut put = |name: &str, part: Json| parts.insert(name.to_owned(), part);
    put("about", about(sources.now));
    put("versions", versions(sources.described));
    put("settings", sources.settings.clone());
    put("rules", sources.policy.map_or(Json::Null, settings::policy));
    put("status", status(sources));
    put("coverage", coverage(sources));
    put("queues", queues(sources).await?);
    let findings = findings(sources, &mask).await?;
    put("doctor", doctor(sources, &findings));
    put("audit", audit(sources, &mask).await?);
    if let Some(link) = sources.contact {
        put("contact", contact::part(sources, &mask, link).await?);
    }
    let (errors, lines) = logged(sources.data, &mask)?;
    put("errors", Json::Array(errors));
    put("log", Json::Array(lines));
    if let Some(policy) = sources.policy {
        let findings = findings.iter().map(serde_json::to_value);
        let findings: Result<Vec<Json>, _> = findings.collect();
        let findings = findings.map_err(std::io::Error::from)?;
        put(
            "screens",
            screens::part(sources, (&mask, policy), findings).await?,
        );
    }
    let mut bundle = Bundle(parts);
    shorten(&mut bundle);
    Ok(bundle)
}

/// What is left to tell where the store cannot be opened: that, the settings and the log.
pub(in crate::app) fn without_store(
    settings: &Json,
    data: &Path,
    now: Timestamp,
    why: &StoreError,
) -> Result<Bundle, AppError> {
    let mask = Mask::new()?;
    let (errors, lines) = logged(data, &mask)?;
    let mut parts = Map::new();
    let mut put = |name: &str, part: Json| parts.insert(name.to_owned(), part);
    put("about", about(now));
    put("versions", versions(None));
    put("settings", settings.clone());
    put("store", json!({ "why": broken(why) }));
    put("errors", Json::Array(errors));
    put("log", Json::Array(lines));
    let mut bundle = Bundle(parts);
    shorten(&mut bundle);
    Ok(bundle)
}

/// Its own words name folders and people.
const fn broken(why: &StoreError) -> &'static str {
    match why {
        StoreError::Held { .. } => "another process has it, and does not answer",
        StoreError::Open { .. } => "it cannot be opened",
        StoreError::Foreign { .. } => "it belongs to another organisation",
        StoreError::Newer { .. } => "a newer passerelle wrote it",
        StoreError::Damaged { .. } => "a stored value is damaged",
        StoreError::Commit { .. } | StoreError::Poisoned => "it cannot make a change durable",
        StoreError::Secret(_) => "the key of the kept secrets is another one",
        StoreError::Read { .. } => "it cannot be read",
    }
}

/// The log is what may be long: its oldest lines go until the whole fits.
fn shorten(bundle: &mut Bundle) {
    while bundle.bytes().len() > BYTES_MAX {
        let mut is_shorter = false;
        for name in ["log", "errors", "audit"] {
            if let Some(Json::Array(lines)) = bundle.0.get_mut(name) {
                is_shorter |= !lines.is_empty();
                lines.drain(..lines.len().div_ceil(2));
            }
        }
        if !is_shorter {
            return;
        }
    }
}

fn about(now: Timestamp) -> Json {
    json!({
        "format": FORMAT,
        "made": now.to_string(),
        "masked": "people, operators and records are tokens that hold within this bundle alone; of \
                   values only their shape is told, and equal values have equal marks",
    })
}

fn versions(described: Option<&Descriptions>) -> Json {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    let kernel = kernel.as_deref().map(str::trim);
    json!({
        "passerelle": env!("CARGO_PKG_VERSION"),
        "system": std::env::consts::OS,
        "machine": std::env::consts::ARCH,
        "kernel": kernel,
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "salesforce_api": described.map(|described| described.salesforce.api_version.as_str()),
        "automation": described.map(|described| described.automation.version.as_str()),
        "is_sandbox": described.map(|described| described.salesforce.is_sandbox),
    })
}

fn status(sources: &Sources<'_>) -> Json {
    let Recovered { counts, tally, .. } = sources.recovered;
    let snapshot = sources.snapshot;
    let stopped: BTreeMap<String, Json> = snapshot
        .stopped
        .iter()
        .map(|(side, failure)| {
            let (kind, code) = (failure.kind.name(), failure.plain_code());
            (side.to_string(), json!({ "kind": kind, "code": code }))
        })
        .collect();
    json!({
        "links": counts.links,
        "marks": counts.marks,
        "activities_sent": counts.sent_activities,
        "activities_held": counts.held_activities,
        "commits": counts.commits,
        "left_out": tally.ignored,
        "is_braked": tally.is_braked,
        "is_restored": sources.recovered.is_restored,
        "paused": tally.paused,
        "phase": snapshot.phase.name(),
        "is_idle": snapshot.is_idle,
        "stopped": stopped,
        "salesforce_limit": snapshot.limit,
        "totals": snapshot.totals,
        // Since the serving process began; nothing is known of it where none serves.
        "webhooks_heard": snapshot.hearing,
        "plans": sources.recovered.plans.iter().map(|plan| json!({
            "run": plan.run, "kind": plan.kind, "from": plan.from.to_string(),
            "until": plan.until.to_string(), "examined": plan.examined, "sent": plan.sent,
            "already_there": plan.already_there, "held": plan.held, "is_paused": plan.is_paused,
        })).collect::<Vec<_>>(),
    })
}

fn coverage(sources: &Sources<'_>) -> Json {
    let day = sources.now - Span::hours(24);
    let sides = Side::BOTH.map(|side| {
        let coverage = sources.recovered.coverage.get(&side);
        let until = coverage.and_then(Coverage::until);
        let gaps = coverage.zip(until).map(|(coverage, until)| {
            let gaps = coverage.gaps(day, until);
            gaps.len()
        });
        let part = json!({
            "read_until": until.map(|until| until.to_string()),
            "gaps_of_the_last_day": gaps,
        });
        (side.to_string(), part)
    });
    Json::Object(sides.into_iter().collect())
}

/// By what they were given up or put off for: the kind of failure and its code.
async fn queues(sources: &Sources<'_>) -> Result<Json, AppError> {
    let mut causes: BTreeMap<(String, &str, String), u64> = BTreeMap::new();
    let mut looked = 0;
    for mark in [Mark::Dead, Mark::Pending] {
        let mut after = None;
        loop {
            let page = LinkPage {
                listing: Listing::Marked(mark),
                after,
                size_max: PAGE_MAX,
            };
            let links = sources.store.links(page).await?;
            after = links.last().map(|link| link.id);
            looked += links.len();
            for pending in links.iter().flat_map(|link| &link.pending) {
                if pending.is_dead() != (mark == Mark::Dead) {
                    continue;
                }
                let state = if pending.is_dead() {
                    "given up"
                } else {
                    "waits"
                };
                let failure = pending.failure.as_ref();
                let kind = failure.map_or("none", |failure| failure.kind.name());
                let code = failure
                    .map_or("", |failure| failure.plain_code())
                    .to_owned();
                let what = format!("write to {} {state}", pending.side);
                *causes.entry((what, kind, code)).or_default() += 1;
            }
            if links.len() < PAGE_MAX || looked >= QUEUED_MAX {
                break;
            }
        }
    }
    let mut after = None;
    for _ in 0..QUEUED_MAX / PAGE_MAX {
        let held = sources.store.held_activities(after, PAGE_MAX).await?;
        after = held.last().map(|held| held.activity.reference.clone());
        for held in &held {
            let (kind, code) = (held.failure.kind.name(), held.failure.plain_code());
            let what = "activity held".to_owned();
            *causes.entry((what, kind, code.to_owned())).or_default() += 1;
        }
        if held.len() < PAGE_MAX {
            break;
        }
    }
    let causes = causes.into_iter().map(|((what, kind, code), count)| {
        json!({ "what": what, "count": count, "kind": kind, "code": code })
    });
    Ok(Json::Array(causes.collect()))
}

async fn findings(sources: &Sources<'_>, mask: &Mask) -> Result<Vec<Finding>, AppError> {
    let Some(policy) = sources.policy else {
        return Ok(Vec::new());
    };
    let waiting = desk::waiting(sources.store).await?;
    let facts = Facts {
        now: sources.now,
        policy,
        snapshot: sources.snapshot,
        counts: &sources.recovered.counts,
        described: sources.described,
        evidence: sources.evidence,
        machine: None,
        bound: sources.recovered.binding.as_ref(),
        timetable: Some(sources.timetable),
        oldest_conflict: waiting.oldest,
        refused: &waiting.refused,
        disk: desk::disk(sources.data.to_owned()).await,
    };
    let mut findings = examine(&facts);
    for finding in &mut findings {
        masked(finding, policy, mask);
        // It names what it would send.
        finding.seen.remedy = None;
    }
    Ok(findings)
}

fn doctor(sources: &Sources<'_>, findings: &[Finding]) -> Json {
    let Some(policy) = sources.policy else {
        return Json::Null;
    };
    let language = Language::new(Tongue::English);
    let findings = findings
        .iter()
        .cloned()
        .map(Finding::out_of_reach)
        .map(|finding| {
            let spoken = spoken(&language, policy, sources.now, &finding);
            let severity = finding.seen.severity;
            json!({
                "check": finding.check.id,
                "state": severity.name(),
                "seen": spoken.evidence,
            })
        });
    Json::Array(findings.collect())
}

fn masked(finding: &mut Finding, policy: &Policy, mask: &Mask) {
    let Mapping { person, company } = &policy.mapping;
    // Findings name mapped fields, too.
    let is_field = |text: &str| {
        let mut rules = person.iter().chain(company);
        rules.any(|rule| rule.salesforce == text || rule.automation == text)
    };
    for (gap, told) in &mut finding.seen.gaps {
        match told {
            Told::Text(text) if is_field(text) => {}
            Told::Text(text) => *text = mask.text(text),
            Told::Names(names) if !OPEN_GAPS.contains(&&**gap) => {
                for name in names {
                    *name = mask.user(name);
                }
            }
            _ => {}
        }
    }
}

async fn audit(sources: &Sources<'_>, mask: &Mask) -> Result<Json, AppError> {
    let acts = sources.store.acts(ACTS_MAX).await?;
    // The oldest first, as in the log.
    Ok(acts.iter().rev().map(|act| told(act, mask)).collect())
}

fn told(act: &Act, mask: &Mask) -> Json {
    let object = mask.object(act, |link| mask.person(link), |record| mask.record(record));
    json!({
        "run": act.run,
        "at": act.at.to_string(),
        "operator": mask.user(&act.operator),
        "from": mask.place(&act.from),
        "act": act.act,
        "object": object,
        "links": act.links.iter().take(LINKS_MAX).map(|link| mask.person(*link)).collect::<Vec<_>>(),
        "reason": mask.text(&act.reason),
        "fields": act.undo.len(),
    })
}

/// Warnings and errors, and all of the latest lines. A line that is none of ours is left out.
fn logged(data: &Path, mask: &Mask) -> Result<(Vec<Json>, Vec<Json>), AppError> {
    let read = log::latest(data, LOOKED_MAX)?;
    let mut lines: Vec<Json> = read
        .iter()
        .filter_map(|line| serde_json::from_str::<Map<String, Json>>(line).ok())
        .map(|line| masked_line(line, mask))
        .collect();
    let is_error = |line: &&Json| matches!(line["level"].as_str(), Some("warn" | "error"));
    let errors: Vec<Json> = lines.iter().filter(is_error).cloned().collect();
    let latest = |mut lines: Vec<Json>, max: usize| {
        lines.drain(..lines.len().saturating_sub(max));
        lines
    };
    lines.retain(Json::is_object);
    Ok((latest(errors, ERRORS_MAX), latest(lines, LOG_MAX)))
}

fn masked_line(line: Map<String, Json>, mask: &Mask) -> Json {
    let fields = line.into_iter().map(|(name, value)| {
        let value = match (name.as_str(), value) {
            ("operator", Json::String(text)) => mask.user(&text).into(),
            ("from", Json::String(text)) => mask.place(&text).into(),
            ("link", Json::Number(number)) => {
                let link = number.as_u64().unwrap_or_default();
                mask.person(LinkId(link)).into()
            }
            (_, Json::String(text)) => without_addresses(&text).into(),
            (_, value @ (Json::Number(_) | Json::Bool(_))) => value,
            // No line of ours has anything else.
            _ => Json::Null,
        };
        (name, value)
    });
    Json::Object(fields.collect())
}
