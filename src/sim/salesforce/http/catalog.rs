//! What the organisation offers: versions, resources, limits, counts.

use serde_json::{Map, Value as Json, json};

use super::routes::{Resource, VERSION_NEWEST, VERSION_OLDEST};
use super::wire::{Answer, Asked};
use crate::sim::clock::{DAY_MS, Timestamp};
use crate::sim::salesforce::bulk::Ingest;
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::org::Salesforce;
use crate::sim::salesforce::schema::{SECURITY_OBJECTS, UserRight};

/// Needs no session, costs no call, and carries no limit header.
pub(super) fn versions() -> Answer {
    const SEASONS: [&str; 3] = ["Spring", "Summer", "Winter"];
    let versions = (VERSION_OLDEST..=VERSION_NEWEST).map(|number| {
        // 66 is Spring '26. Three releases a year, and the winter one bears the next year's number.
        let season = SEASONS[(number % 3) as usize];
        let year = number / 3 + 4 + u32::from(number % 3 == 2);
        json!({
            "label": format!("{season} '{year:02}"),
            "url": format!("/services/data/v{number}.0"),
            "version": format!("{number}.0"),
        })
    });
    Answer::json(200, Json::Array(versions.collect()))
}

pub(super) fn root(resource: &Resource<'_>) -> Answer {
    const RESOURCES: [&str; 8] = [
        "sobjects",
        "query",
        "queryAll",
        "composite",
        "limits",
        "jobs",
        "metadata",
        "tooling",
    ];
    let mut body = Map::new();
    for name in RESOURCES {
        body.insert(name.to_owned(), json!(resource.url(name)));
    }
    body.insert(
        "identity".to_owned(),
        json!(format!("{}/id", resource.asked.base_url())),
    );
    Answer::json(200, Json::Object(body))
}

/// For whoever may *View Setup and Configuration*.
pub(super) fn limits(org: &mut Salesforce, now: Timestamp) -> Outcome<Answer> {
    if !org.has_right(UserRight::ViewSetup) {
        let message = "You do not have the View Setup and Configuration permission";
        return Err(ApiError::new(ErrorCode::INSUFFICIENT_ACCESS, message));
    }
    let usage = org.api_usage(now);
    let limit = |most: u64, left: u64| json!({ "Max": most, "Remaining": left });
    let stored = org.schema().objects().map(|(object, _)| object);
    let records: usize = stored
        .filter(|object| !SECURITY_OBJECTS.contains(object))
        .map(|object| org.count(object))
        .sum();
    let since = now.plus_millis(-DAY_MS);
    let batches: usize = org
        .ingests()
        .filter(|job| job.created > since)
        .map(Ingest::batches)
        .sum();
    let queries = org.bulk_queries().filter(|job| job.created > since).count();
    let left = |most: u64, used: usize| limit(most, most.saturating_sub(used as u64));
    // A record takes about two kilobytes, whatever it holds.
    let storage_left = 10_240_u64.saturating_sub(records as u64 / 512);
    Ok(Answer::json(
        200,
        json!({
            "DailyApiRequests": limit(usage.allowed, usage.allowed.saturating_sub(usage.used)),
            "DailyBulkApiBatches": left(15_000, batches),
            "DailyBulkV2QueryFileStorageMB": limit(976_562, 976_562),
            "DailyBulkV2QueryJobs": left(10_000, queries),
            "DailyDeliveredPlatformEvents": limit(25_000, 25_000),
            "DataStorageMB": limit(10_240, storage_left),
        }),
    ))
}

pub(super) fn record_counts(org: &Salesforce, asked: &Asked) -> Answer {
    let names = asked.parameter("sObjects").unwrap_or_default();
    let counts = names.split(',').filter_map(|name| {
        let object = org.find_object(&asked.call(), name.trim()).ok()?;
        let name = &org.schema().object(object).name;
        Some(json!({ "count": org.count(object), "name": name }))
    });
    Answer::json(200, json!({ "sObjects": counts.collect::<Vec<_>>() }))
}
