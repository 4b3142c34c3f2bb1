//! Bulk API 2.0: ingest and query jobs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::multipart::{boundary, part};
use super::routes::{Resource, method_not_allowed};
use super::wire::Answer;
use crate::sim::salesforce::bulk::{BulkQuery, Ingest, NewIngest, Operation};
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::Salesforce;
use crate::sim::salesforce::query::Deleted;
use crate::sim::salesforce::soql::parse;

const CSV: &str = "text/csv";
/// Bulk: content of a job made in one multipart request.
const MULTIPART_CHARACTERS_MAX: usize = 100_000;

pub(super) fn answer(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    rest: &[&str],
) -> Outcome<Answer> {
    let asked = resource.asked;
    let id = || {
        let text = resource.path.get(2).copied().unwrap_or_default();
        RecordId::parse(text).ok_or_else(ApiError::resource_missing)
    };
    match (asked.method.as_str(), rest) {
        ("POST", ["ingest"]) => create(org, resource),
        ("GET", ["ingest"]) => {
            let jobs: Vec<Json> = org.ingests().map(|job| info(org, job)).collect();
            Ok(Answer::json(
                200,
                json!({ "done": true, "nextRecordsUrl": null, "records": jobs }),
            ))
        }
        ("GET", ["query"]) => {
            let jobs: Vec<Json> = org.bulk_queries().map(|job| query_info(org, job)).collect();
            Ok(Answer::json(
                200,
                json!({ "done": true, "nextRecordsUrl": null, "records": jobs }),
            ))
        }
        (_, ["ingest", _, rest @ ..]) => ingest(org, resource, id()?, rest),
        ("POST", ["query"]) => create_query(org, resource),
        (_, ["query", _, rest @ ..]) => query(org, resource, id()?, rest),
        (other, _) => Err(method_not_allowed(other)),
    }
}

fn create(org: &mut Salesforce, resource: &Resource<'_>) -> Outcome<Answer> {
    let asked = resource.asked;
    let content_type = asked.header("content-type").unwrap_or_default();
    let call = asked.call();
    let Some(boundary) = boundary(content_type) else {
        let id = org.open_ingest(&call, new_ingest(resource, &asked.json_object()?)?)?;
        let job = org.ingest(id, resource.version)?;
        return Ok(Answer::json(200, info(org, job)));
    };
    let text = |name: &str| {
        String::from_utf8_lossy(part(&asked.body, boundary, name).unwrap_or_default()).into_owned()
    };
    let (job, content) = (text("job"), text("content"));
    if content.chars().count() > MULTIPART_CHARACTERS_MAX {
        let message = "The content of a multipart job is limited to 100000 characters";
        return Err(ApiError::new(ErrorCode::INVALIDJOB, message));
    }
    let job: Map<String, Json> = serde_json::from_str(&job)
        .map_err(|error| ApiError::new(ErrorCode::JSON_PARSER_ERROR, error.to_string()))?;
    let id = org.open_ingest(&call, new_ingest(resource, &job)?)?;
    org.upload(id, content)?;
    org.close_ingest(id, asked.now)?;
    let job = org.ingest(id, resource.version)?;
    Ok(Answer::json(200, info(org, job)))
}

fn new_ingest(resource: &Resource<'_>, body: &Map<String, Json>) -> Outcome<NewIngest> {
    let text = |name: &str| body.get(name).and_then(Json::as_str).map(str::to_owned);
    if text("contentType").is_some_and(|content_type| content_type != "CSV") {
        let message = "Unsupported content type: only CSV";
        return Err(ApiError::new(ErrorCode::INVALIDJOB, message));
    }
    Ok(NewIngest {
        object: text("object").unwrap_or_default(),
        operation: text("operation").as_deref().and_then(Operation::parse),
        external_id: text("externalIdFieldName"),
        line_ending: text("lineEnding"),
        delimiter: text("columnDelimiter"),
        assignment_rule: text("assignmentRuleId"),
        api_version: resource.version.to_owned(),
    })
}

fn ingest(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    id: RecordId,
    rest: &[&str],
) -> Outcome<Answer> {
    let asked = resource.asked;
    let job = org.ingest(id, resource.version)?;
    match (asked.method.as_str(), rest) {
        ("GET", []) => Ok(Answer::json(200, info(org, job))),
        ("GET", ["successfulresults"]) => Ok(Answer::text(CSV, job.successful_results())),
        ("GET", ["failedresults"]) => Ok(Answer::text(CSV, job.failed_results())),
        ("GET", ["unprocessedrecords"]) => Ok(Answer::text(CSV, job.unprocessed_records())),
        ("PUT", ["batches"]) => {
            let is_csv = asked
                .header("content-type")
                .is_some_and(|kind| kind.starts_with(CSV));
            if !is_csv {
                let message = "Content-Type must be text/csv";
                return Err(ApiError::new(ErrorCode::UNSUPPORTED_MEDIA_TYPE, message));
            }
            let content = String::from_utf8(asked.body.clone())
                .map_err(|_| ApiError::new(ErrorCode::INVALIDJOB, "the content is not UTF-8"))?;
            org.upload(id, content)?;
            Ok(Answer::empty(201))
        }
        ("PATCH", []) => {
            match asked.json_object()?.get("state").and_then(Json::as_str) {
                Some("UploadComplete") => org.close_ingest(id, asked.now)?,
                Some("Aborted") => org.abort_ingest(id, asked.now)?,
                other => {
                    let message = format!("Invalid state: {}", other.unwrap_or("null"));
                    return Err(ApiError::new(ErrorCode::INVALIDJOBSTATE, message));
                }
            }
            Ok(Answer::json(
                200,
                info(org, org.ingest(id, resource.version)?),
            ))
        }
        ("DELETE", []) => {
            org.delete_ingest(id)?;
            Ok(Answer::empty(204))
        }
        (other, _) => Err(method_not_allowed(other)),
    }
}

fn info(org: &Salesforce, job: &Ingest) -> Json {
    let version: f64 = job.api_version.parse().unwrap_or(0.0);
    let mut body = Map::new();
    let mut put = |name: &str, value: Json| body.insert(name.to_owned(), value);
    put("id", json!(job.id.to_string()));
    put("operation", json!(job.operation.name()));
    put("object", json!(org.schema().object(job.object).name));
    put("createdById", json!(job.user.to_string()));
    put("createdDate", json!(job.created.to_salesforce()));
    put("systemModstamp", json!(job.modified.to_salesforce()));
    put("state", json!(job.state.name()));
    if let Some(key) = &job.external_id {
        put("externalIdFieldName", json!(key));
    }
    put("concurrencyMode", json!("Parallel"));
    put("contentType", json!("CSV"));
    put("apiVersion", json!(version));
    put("jobType", json!("V2Ingest"));
    // Without a leading slash, unlike every other URL of the vendor's.
    let url = format!(
        "services/data/v{}/jobs/ingest/{}/batches",
        job.api_version, job.id
    );
    put("contentUrl", json!(url));
    put("lineEnding", json!(job.line_ending));
    put("columnDelimiter", json!(job.delimiter));
    put("assignmentRuleId", json!(job.assignment_rule));
    put("numberRecordsProcessed", json!(job.processed()));
    put("numberRecordsFailed", json!(job.failed()));
    put("retries", json!(0));
    let took = job.modified.millis_since(job.created);
    put("totalProcessingTime", json!(took));
    put("apiActiveProcessingTime", json!(took));
    put("apexProcessingTime", json!(0));
    if let Some(error) = &job.error {
        put("errorMessage", json!(error));
    }
    Json::Object(body)
}

fn create_query(org: &mut Salesforce, resource: &Resource<'_>) -> Outcome<Answer> {
    let body = resource.asked.json_object()?;
    let text = |name: &str| body.get(name).and_then(Json::as_str).unwrap_or_default();
    let deleted = match text("operation") {
        "query" => Deleted::Excluded,
        "queryAll" => Deleted::Included,
        other => {
            let message = format!("Unsupported operation: {other}");
            return Err(ApiError::new(ErrorCode::INVALIDJOB, message));
        }
    };
    let query = parse(text("query"))?;
    let call = resource.asked.call();
    let id = org.open_bulk_query(&call, &query, deleted, resource.version)?;
    let job = org.bulk_query(id, resource.version)?;
    Ok(Answer::json(200, query_info(org, job)))
}

fn query(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    id: RecordId,
    rest: &[&str],
) -> Outcome<Answer> {
    let asked = resource.asked;
    let job = org.bulk_query(id, resource.version)?;
    match (asked.method.as_str(), rest) {
        ("GET", []) => Ok(Answer::json(200, query_info(org, job))),
        ("GET", ["results"]) => results(org, resource, id),
        ("GET", ["resultpages"]) => result_pages(org, resource, id),
        ("PATCH", []) => {
            let body = asked.json_object()?;
            let state = body.get("state").and_then(Json::as_str);
            if state != Some("Aborted") {
                let message = format!("Invalid state: {}", state.unwrap_or("null"));
                return Err(ApiError::new(ErrorCode::INVALIDJOBSTATE, message));
            }
            org.abort_bulk_query(id, asked.now)?;
            Ok(Answer::json(
                200,
                query_info(org, org.bulk_query(id, resource.version)?),
            ))
        }
        ("DELETE", []) => {
            org.delete_bulk_query(id)?;
            Ok(Answer::empty(204))
        }
        (other, _) => Err(method_not_allowed(other)),
    }
}

fn locator(offset: usize) -> String {
    STANDARD.encode(offset.to_string())
}

fn offset(resource: &Resource<'_>) -> Outcome<usize> {
    let Some(text) = resource
        .asked
        .parameter("locator")
        .filter(|text| !text.is_empty())
    else {
        return Ok(0);
    };
    let decoded = STANDARD
        .decode(text)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    decoded
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| ApiError::new(ErrorCode::INVALID_QUERY_LOCATOR, "invalid query locator"))
}

fn results(org: &Salesforce, resource: &Resource<'_>, id: RecordId) -> Outcome<Answer> {
    let rows_max = resource
        .asked
        .parameter("maxRecords")
        .and_then(|rows| rows.parse().ok());
    let page = org.bulk_results(id, offset(resource)?, rows_max)?;
    // At the end the header holds the word, not nothing.
    let next = page.next.map_or_else(|| "null".to_owned(), locator);
    Ok(Answer::text(CSV, page.csv)
        .with("Sforce-Locator", next)
        .with("Sforce-NumberOfRecords", page.records.to_string()))
}

fn result_pages(org: &Salesforce, resource: &Resource<'_>, id: RecordId) -> Outcome<Answer> {
    if resource.number() < 58 {
        return Err(ApiError::resource_missing());
    }
    let (pages, has_more) = org.bulk_result_pages(id, offset(resource)?)?;
    let urls = pages.iter().map(|page| {
        let url = resource.url(&format!("jobs/query/{id}/results"));
        json!({ "resultUrl": format!("{url}?locator={}", locator(*page)) })
    });
    let mut body = Map::new();
    body.insert("resultPages".to_owned(), Json::Array(urls.collect()));
    if let Some(last) = pages.last().filter(|_| has_more) {
        let url = resource.url(&format!("jobs/query/{id}/resultPages"));
        let next = format!("{url}?locator={}", locator(last + 50_000));
        body.insert("nextRecordsUrl".to_owned(), json!(next));
    }
    body.insert("done".to_owned(), json!(!has_more));
    Ok(Answer::json(200, Json::Object(body)))
}

fn query_info(org: &Salesforce, job: &BulkQuery) -> Json {
    let version: f64 = job.api_version.parse().unwrap_or(0.0);
    let operation = if job.deleted == Deleted::Included {
        "queryAll"
    } else {
        "query"
    };
    json!({
        "id": job.id.to_string(),
        "operation": operation,
        "object": org.schema().object(job.object).name,
        "createdById": job.user.to_string(),
        "createdDate": job.created.to_salesforce(),
        "systemModstamp": job.modified.to_salesforce(),
        "state": job.state.name(),
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": version,
        "jobType": "V2Query",
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
        "numberRecordsProcessed": job.processed(),
        "retries": 0,
        "totalProcessingTime": job.modified.millis_since(job.created),
        "isPkChunkingSupported": true,
    })
}
