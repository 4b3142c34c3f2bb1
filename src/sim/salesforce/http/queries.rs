//! Queries and their pages, and the replication lists.

use serde_json::json;

use super::json::Rendering;
use super::routes::{Resource, method_not_allowed};
use super::tooling;
use super::wire::Answer;
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::cursors::{self, Locator};
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::org::Salesforce;
use crate::sim::salesforce::query::Deleted;
use crate::sim::salesforce::soql::parse;

pub(super) fn query(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    is_all: bool,
) -> Outcome<Answer> {
    if resource.asked.method != "GET" {
        return Err(method_not_allowed(&resource.asked.method));
    }
    let Some(text) = resource.asked.parameter("q") else {
        let message = "q parameter is required";
        return Err(ApiError::new(ErrorCode::MALFORMED_QUERY, message));
    };
    let query = parse(text)?;
    if let Some(answer) = tooling::query(org, resource, &query) {
        return answer;
    }
    let call = resource.asked.call();
    let deleted = if is_all {
        Deleted::Included
    } else {
        Deleted::Excluded
    };
    let page = org.query(&call, &query, deleted)?;
    let rendering = Rendering {
        org,
        call: &call,
        version: resource.version,
    };
    Ok(Answer::json(200, rendering.page(&page)))
}

pub(super) fn more(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    locator: &str,
) -> Outcome<Answer> {
    let call = resource.asked.call();
    let locator = Locator::parse(locator).ok_or_else(cursors::invalid)?;
    let page = org.query_more(&call, locator)?;
    let rendering = Rendering {
        org,
        call: &call,
        version: resource.version,
    };
    Ok(Answer::json(200, rendering.page(&page)))
}

fn window(resource: &Resource<'_>) -> Outcome<(Timestamp, Timestamp)> {
    let bound = |name: &str| {
        let text = resource.asked.parameter(name).ok_or_else(|| {
            ApiError::new(
                ErrorCode::MISSING_ARGUMENT,
                format!("{name} parameter is required"),
            )
        })?;
        // A raw `+` in a URL is a space by the time it arrives; the vendor reads it as an error.
        Timestamp::parse_iso(text).ok_or_else(|| {
            ApiError::new(
                ErrorCode::INVALID_REPLICATION_DATE,
                format!("Invalid date: {text}"),
            )
        })
    };
    Ok((bound("start")?, bound("end")?))
}

pub(super) fn updated(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    name: &str,
) -> Outcome<Answer> {
    let object = org.find_object(&resource.asked.call(), name)?;
    let updated = org.updated(object, window(resource)?, resource.asked.now)?;
    let ids: Vec<String> = updated.ids.iter().map(ToString::to_string).collect();
    let covered = updated.latest_covered.to_salesforce();
    Ok(Answer::json(
        200,
        json!({ "ids": ids, "latestDateCovered": covered }),
    ))
}

pub(super) fn deleted(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    name: &str,
) -> Outcome<Answer> {
    let object = org.find_object(&resource.asked.call(), name)?;
    let deleted = org.deleted(object, window(resource)?, resource.asked.now)?;
    let records = deleted.records.iter().map(
        |entry| json!({ "id": entry.id.to_string(), "deletedDate": entry.at.to_salesforce() }),
    );
    Ok(Answer::json(
        200,
        json!({
            "deletedRecords": records.collect::<Vec<_>>(),
            "earliestDateAvailable": deleted.earliest_available.to_salesforce(),
            "latestDateCovered": deleted.latest_covered.to_salesforce(),
        }),
    ))
}
