//! The client against an organisation that misbehaves.

mod hostile;
mod jobs;

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Request as HttpRequest, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json as AxumJson, Router};
use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use super::*;
use crate::adapters::testing::{MemoryVault, StillClock, rule, serve};
use crate::domain::cursor::Stream;
use crate::domain::ids::{AutomationId, FieldId, LinkId};
use crate::domain::mapping::Role;
use crate::domain::request::{ActivitySent, Target};
use crate::domain::time::Timestamp;
use crate::domain::value::Value;

/// One request below the version's root, as the fake organisation sees it.
struct Seen {
    method: String,
    path: String,
    body: String,
}

impl Seen {
    fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap()
    }
}

type Handler = dyn Fn(&Seen) -> Response + Send + Sync;

/// An organisation that grants tokens `at1`, `at2`, … and answers by a closure.
#[derive(Clone)]
struct Org {
    granted: Arc<AtomicUsize>,
    /// The number of the only token that is good.
    good: Arc<AtomicUsize>,
    handler: Arc<Handler>,
}

impl Org {
    async fn start(
        handler: impl Fn(&Seen) -> Response + Send + Sync + 'static,
    ) -> (Self, SalesforceClient) {
        let org = Self {
            granted: Arc::default(),
            good: Arc::new(AtomicUsize::new(1)),
            handler: Arc::new(handler),
        };
        let app = Router::new()
            .fallback(answer_request)
            .with_state(org.clone());
        let base = serve(app).await;
        let config = Config {
            login_url: base,
            client_id: "app".into(),
            flow: Flow::ClientCredentials {
                client_secret: "s".into(),
            },
            api_version: ApiVersion::Auto,
            limits: Limits::default(),
        };
        let clock = Arc::new(StillClock::default());
        let vault = Arc::new(MemoryVault::default());
        (org, SalesforceClient::new(config, clock, vault).unwrap())
    }
}

async fn answer_request(Shared(org): Shared<Org>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.to_string();
    match path.as_str() {
        "/services/oauth2/token" => {
            let turn = org.granted.fetch_add(1, Ordering::SeqCst) + 1;
            let token = json!({"access_token": format!("at{turn}"), "token_type": "Bearer"});
            return AxumJson(token).into_response();
        }
        "/services/data" => {
            return AxumJson(
                json!([{"version": "59.0"}, {"version": "67.0"}, {"version": "99.0"}]),
            )
            .into_response();
        }
        _ => {}
    }
    let good = format!("Bearer at{}", org.good.load(Ordering::SeqCst));
    if parts.headers["authorization"] != good.as_str() {
        let expired =
            json!([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]);
        return (StatusCode::UNAUTHORIZED, AxumJson(expired)).into_response();
    }
    let seen = Seen {
        method: parts.method.to_string(),
        path: path
            .strip_prefix("/services/data/v67.0")
            .unwrap()
            .to_owned(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let mut headers = HeaderMap::new();
    headers.insert("sforce-limit-info", "api-usage=812/115000".parse().unwrap());
    (headers, (org.handler)(&seen)).into_response()
}

/// Answers each subrequest of a Composite.
fn composite(seen: &Seen, answer: impl Fn(&Json) -> (u16, Json)) -> Response {
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("POST", "/composite")
    );
    let body = seen.json();
    assert_eq!(body["collateSubrequests"], false);
    let subs = body["compositeRequest"].as_array().unwrap();
    let answers: Vec<Json> = subs
        .iter()
        // The platform does not promise the order.
        .rev()
        .map(|sub| {
            let (status, body) = answer(sub);
            json!({"referenceId": sub["referenceId"], "httpStatusCode": status, "body": body})
        })
        .collect();
    AxumJson(json!({"compositeResponse": answers})).into_response()
}

fn page(records: &[Json]) -> (u16, Json) {
    (
        200,
        json!({"totalSize": records.len(), "done": true, "records": records}),
    )
}

fn nothing(seen: &Seen) -> Response {
    composite(seen, |_| page(&[]))
}

/// A success for each record of a collection.
fn accepted(sub: &Json) -> (u16, Json) {
    let records = sub["body"]["records"].as_array().unwrap();
    let results: Vec<Json> = records
        .iter()
        .map(|record| {
            json!({"success": true, "errors": [], "created": true,
            "id": record.get("id").cloned().unwrap_or_else(|| json!("003Q7000000ZZZZ"))})
        })
        .collect();
    (200, Json::Array(results))
}

fn id(n: usize) -> SalesforceId {
    format!("003Q7{n:010}").parse().unwrap()
}

fn mapping() -> Arc<Mapping> {
    let objects = [SalesforceObject::Lead, SalesforceObject::Contact];
    Arc::new(Mapping {
        person: vec![
            rule(1, "Email", &objects, "email", Role::Email),
            rule(2, "LastName", &objects, "lastname", Role::Plain),
        ],
        company: Vec::new(),
    })
}

fn update(n: usize) -> RowWrite {
    RowWrite {
        link: LinkId(n as u64),
        target: Target::Existing(RemoteId::Salesforce(SalesforceObject::Contact, id(n))),
        values: vec![(FieldId(2), Value::Text(format!("Name {n}")))],
        consent: None,
        unless_modified_since: None,
    }
}

fn window(stream: Stream) -> Window {
    Window {
        stream,
        from: Timestamp::from_seconds(0),
        until: Timestamp::from_seconds(60),
        after: None,
    }
}

fn windows() -> Vec<Window> {
    [Stream::Leads, Stream::Contacts].map(window).to_vec()
}

#[tokio::test]
async fn an_idle_cycle_costs_one_call_and_reads_the_meter() {
    let (_, client) = Org::start(nothing).await;
    let answered = client.changes(mapping(), windows()).await.unwrap();
    assert_eq!(answered.spent.calls, 1);
    assert_eq!(answered.spent.limit, Some((812, 115_000)));
    assert!(answered.spent.server_time.is_some());
    assert!(
        answered
            .value
            .iter()
            .all(|page| page.is_last && page.rows.is_empty())
    );
}

#[tokio::test]
async fn what_is_listed_as_deleted_and_still_there_is_not_purged() {
    let days = Window {
        from: Timestamp::from_seconds(20 * 86_400 - 60),
        until: Timestamp::from_seconds(20 * 86_400 + 60),
        ..window(Stream::Contacts)
    };
    let read = |list: (u16, Json)| async move {
        let (_, client) = Org::start(move |seen| {
            composite(seen, |sub| {
                let url = sub["url"].as_str().unwrap();
                if url.contains("/deleted/") {
                    let wanted = "/sobjects/Contact/deleted/?start=1970-01-18T23%3A59%3A00Z\
                        &end=1970-01-21T00%3A01%3A00Z";
                    assert!(url.ends_with(wanted), "{url}");
                    return list.clone();
                }
                let is_by_id = url.contains("WHERE+Id+IN");
                let there = json!({"Id": id(2).to_string()});
                page(if is_by_id {
                    std::slice::from_ref(&there)
                } else {
                    &[]
                })
            })
        })
        .await;
        client.changes(mapping(), vec![days]).await.unwrap()
    };
    let entry = |n| json!({"id": id(n).to_string(), "deletedDate": "1970-01-20T00:00:00.000+0000"});
    let listed = json!({"deletedRecords": [entry(1), entry(2)]});
    let answered = read((200, listed)).await;
    let gone = RemoteId::Salesforce(SalesforceObject::Contact, id(1));
    assert_eq!(answered.value[0].purged, [gone]);
    assert_eq!(answered.spent.calls, 2);
    let refusal = json!([{"errorCode": "INVALID_REPLICATION_DATE", "message": "too early"}]);
    for list in [(400, refusal), (200, json!({"deletedRecords": []}))] {
        let answered = read(list).await;
        assert_eq!(answered.value[0].purged, []);
        assert!(answered.value[0].is_last, "the rows are read all the same");
        assert_eq!(answered.spent.calls, 1);
    }
}

#[tokio::test]
async fn calls_refused_with_an_old_session_share_one_refresh_and_are_replayed_once() {
    let (org, client) = Org::start(nothing).await;
    client.changes(mapping(), windows()).await.unwrap();
    org.good.store(2, Ordering::SeqCst);
    let calls = (0..10).map(|_| client.changes(mapping(), windows()));
    for answered in join_all(calls).await {
        assert_eq!(answered.unwrap().spent.calls, 2);
    }
    assert_eq!(org.granted.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_session_that_is_refused_again_is_not_tried_a_third_time() {
    let (org, client) = Org::start(nothing).await;
    org.good.store(99, Ordering::SeqCst);
    let error = client.changes(mapping(), windows()).await.unwrap_err();
    assert_eq!(error.failure.kind, FailureKind::Unauthorised);
    assert_eq!(error.spent.calls, 2);
}

#[tokio::test]
async fn a_page_cut_short_by_the_platform_is_not_the_last() {
    let record = json!({"Id": id(1).to_string(), "SystemModstamp": "1970-01-01T00:00:30.000+0000"});
    let (_, client) = Org::start(move |seen| {
        composite(seen, |_| {
            let cut = json!({"totalSize": 9, "done": false, "records": [record],
                "nextRecordsUrl": "/services/data/v67.0/query/01gQ70000000Lc2IAE-1"});
            (200, cut)
        })
    })
    .await;
    let answered = client
        .changes(mapping(), vec![window(Stream::Contacts)])
        .await
        .unwrap();
    assert!(!answered.value[0].is_last);
    assert_eq!(answered.value[0].rows.len(), 1);
    assert_eq!(answered.spent.calls, 1, "no locator is followed");
}

#[tokio::test]
async fn a_next_page_at_a_foreign_address_is_refused() {
    let (_, client) = Org::start(|seen| {
        composite(seen, |_| {
            let body =
                json!({"done": false, "records": [], "nextRecordsUrl": "https://evil.example/q"});
            (200, body)
        })
    })
    .await;
    let ids = vec![(SalesforceObject::Contact, id(1))];
    let error = client.rows(mapping(), ids).await.unwrap_err();
    assert_eq!(error.failure.code, "next-page");
}

#[tokio::test]
async fn ten_thousand_updates_cost_ten_calls_and_are_never_reassigned() {
    let (_, client) = Org::start(|seen| {
        composite(seen, |sub| {
            assert_eq!(sub["method"], "PATCH");
            assert_eq!(sub["httpHeaders"]["sforce-auto-assign"], "FALSE");
            accepted(sub)
        })
    })
    .await;
    let rows: Vec<RowWrite> = (0..10_000).map(update).collect();
    let answered = client.write(mapping(), rows).await.unwrap();
    assert_eq!(answered.spent.calls, 10);
    for (n, outcome) in answered.value.iter().enumerate() {
        assert_eq!(outcome.link, LinkId(n as u64));
        let written = outcome.result.as_ref().unwrap();
        assert_eq!(
            written.id,
            RemoteId::Salesforce(SalesforceObject::Contact, id(n))
        );
    }
}

#[tokio::test]
async fn creations_run_assignment_rules_and_updates_in_the_same_call_do_not() {
    let (_, client) = Org::start(|seen| {
        composite(seen, |sub| {
            let is_new = sub["method"] == "POST";
            let expected = if is_new { "TRUE" } else { "FALSE" };
            assert_eq!(sub["httpHeaders"]["sforce-auto-assign"], expected);
            accepted(sub)
        })
    })
    .await;
    let creation = RowWrite {
        target: Target::NewSalesforce(SalesforceObject::Contact),
        ..update(2)
    };
    let answered = client
        .write(mapping(), vec![creation, update(1)])
        .await
        .unwrap();
    assert_eq!(answered.spent.calls, 1);
    let created: Vec<bool> = answered
        .value
        .iter()
        .map(|outcome| outcome.result.as_ref().unwrap().created)
        .collect();
    assert_eq!(created, [true, false]);
}

#[tokio::test]
async fn a_row_the_answer_lacks_is_unknown_and_a_refused_one_says_why() {
    let (_, client) = Org::start(|seen| {
        composite(seen, |sub| {
            let records = sub["body"]["records"].as_array().unwrap();
            if records.len() == 200 {
                // One result too few: none can be matched to a row.
                return (200, json!([{"success": true, "id": "003Q7000000ZZZZ"}]));
            }
            let error = json!([{"statusCode": "STRING_TOO_LONG", "fields": ["LastName"],
                "message": "Nom: data value too large"}]);
            (200, json!([{"success": false, "errors": error}]))
        })
    })
    .await;
    let rows: Vec<RowWrite> = (0..201).map(update).collect();
    let answered = client.write(mapping(), rows).await.unwrap();
    let kind = |n: usize| answered.value[n].result.as_ref().unwrap_err().kind.clone();
    assert!((0..200).all(|n| kind(n) == FailureKind::Unknown));
    let rejection = crate::domain::failure::Rejection::Values(vec![FieldId(2)]);
    assert_eq!(kind(200), FailureKind::Rejected(rejection));
}

#[tokio::test]
async fn one_poisonous_row_does_not_take_its_collection_with_it() {
    let (_, client) = Org::start(|seen| {
        composite(seen, |sub| {
            let is_poisonous = sub.to_string().contains("Name 7\"");
            let error =
                json!([{"errorCode": "JSON_PARSER_ERROR", "message": "Cannot deserialize"}]);
            match (sub["body"].get("records"), is_poisonous) {
                (_, true) => (400, error),
                (Some(_), false) => accepted(sub),
                (None, false) => (204, Json::Null),
            }
        })
    })
    .await;
    let rows: Vec<RowWrite> = (0..250).map(update).collect();
    let answered = client.write(mapping(), rows).await.unwrap();
    let refused: Vec<u64> = answered
        .value
        .iter()
        .filter(|outcome| outcome.result.is_err())
        .map(|outcome| outcome.link.0)
        .collect();
    assert_eq!(refused, [7]);
    assert_eq!(answered.spent.calls, 1 + 8);
}

#[tokio::test]
async fn after_a_request_that_fails_its_rows_are_unknown_and_the_rest_is_not_sent() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let (_, client) = Org::start(move |seen| {
        if counter.fetch_add(1, Ordering::SeqCst) == 1 {
            return (StatusCode::SERVICE_UNAVAILABLE, "<html>").into_response();
        }
        composite(seen, accepted)
    })
    .await;
    let rows: Vec<RowWrite> = (0..3_000).map(update).collect();
    let answered = client.write(mapping(), rows).await.unwrap();
    assert!(
        answered.value[..1_000]
            .iter()
            .all(|outcome| outcome.result.is_ok())
    );
    let failure = |n: usize| answered.value[n].result.as_ref().unwrap_err();
    assert_eq!(failure(1_000).kind, FailureKind::Unknown);
    assert_eq!(failure(1_999).kind, FailureKind::Unknown);
    assert_eq!(
        (&failure(2_000).kind, failure(2_999).code.as_str()),
        (&FailureKind::Transient, "not-sent")
    );
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_spent_day_fails_the_call_as_a_whole() {
    let (_, client) = Org::start(|_| {
        let error = json!([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]);
        (StatusCode::FORBIDDEN, AxumJson(error)).into_response()
    })
    .await;
    let error = client.write(mapping(), vec![update(1)]).await.unwrap_err();
    assert_eq!(error.failure.kind, FailureKind::LimitReached);
}

#[tokio::test]
async fn a_conditional_row_is_refused_if_the_record_changed() {
    let (_, client) = Org::start(|seen| {
        composite(seen, |sub| {
            assert_eq!(
                sub["httpHeaders"]["If-Unmodified-Since"],
                "Wed, 04 Mar 2026 09:15:02 GMT"
            );
            if sub["url"].as_str().unwrap().ends_with(&id(1).to_string()) {
                (
                    412,
                    json!([{"errorCode": "PRECONDITION_FAILED", "message": ""}]),
                )
            } else {
                (204, Json::Null)
            }
        })
    })
    .await;
    let conditional = |n| RowWrite {
        unless_modified_since: Some(Timestamp::from_seconds(1_772_615_702)),
        ..update(n)
    };
    let rows = vec![conditional(1), conditional(2)];
    let answered = client.write(mapping(), rows).await.unwrap();
    assert_eq!(
        answered.value[0].result.as_ref().unwrap_err().kind,
        FailureKind::Stale
    );
    assert!(answered.value[1].result.is_ok());
}

fn activity(n: usize) -> ActivityRow {
    ActivityRow {
        reference: format!("EmailRead{n}-{}", id(n)),
        at: Timestamp::from_seconds(1_772_615_702),
        name: "Email read - \"May\", news".into(),
        description: "line\nbreak".into(),
        url: String::new(),
        person: (SalesforceObject::Contact, id(n)),
        automation: AutomationId(n as u64),
    }
}

/// The timeline object of an organisation whose reference is, or is not, an upsert key.
fn timeline(is_key: bool) -> Response {
    let field = |name: &str| {
        json!({"name": name, "type": "string", "createable": true,
        "updateable": true, "idLookup": is_key && name == "ReferenceId__c"})
    };
    AxumJson(json!({"fields": [field("Name"), field("ReferenceId__c")]})).into_response()
}

#[tokio::test]
async fn ten_thousand_activities_go_as_one_bulk_job_matched_by_reference() {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let polls = AtomicUsize::new(0);
    let (_, client) = Org::start(move |seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/sobjects/mautic_timeline__c/describe") => timeline(true),
        ("POST", "/jobs/ingest") => {
            assert_eq!(seen.json()["externalIdFieldName"], "ReferenceId__c");
            AxumJson(json!({"id": "750Q70000000001", "state": "Open"})).into_response()
        }
        ("PUT", "/jobs/ingest/750Q70000000001IAA/batches") => {
            let records = csv::parse(&seen.body).unwrap();
            assert_eq!(records.len(), 10_001);
            *lines.lock().unwrap() = records.iter().skip(1).map(|cells| cells[0].clone()).collect();
            StatusCode::CREATED.into_response()
        }
        ("PATCH", "/jobs/ingest/750Q70000000001IAA") => AxumJson(json!({})).into_response(),
        ("GET", "/jobs/ingest/750Q70000000001IAA") => {
            let is_over = polls.fetch_add(1, Ordering::SeqCst) == 1;
            let state = if is_over { "JobComplete" } else { "InProgress" };
            AxumJson(json!({"state": state, "numberRecordsProcessed": 9_999, "numberRecordsFailed": 2}))
                .into_response()
        }
        ("GET", "/jobs/ingest/750Q70000000001IAA/failedResults") => {
            let lines = lines.lock().unwrap();
            let duplicate = "DUPLICATE_VALUE:duplicate value found: ReferenceId__c duplicates value on record with id: a0B:--";
            let locked = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--";
            format!(
                "\"sf__Id\",\"sf__Error\",\"ReferenceId__c\"\n\"\",\"{duplicate}\",\"{}\"\n\"\",\"{locked}\",\"{}\"\n",
                lines[0], lines[1]
            )
            .into_response()
        }
        ("GET", "/jobs/ingest/750Q70000000001IAA/successfulResults") => {
            // In no order, and one row was never processed.
            let mut text = "\"sf__Id\",\"sf__Created\",\"ReferenceId__c\"\n".to_owned();
            for (n, reference) in lines.lock().unwrap().iter().enumerate().skip(3).rev() {
                text += &csv::line(&["a0B", &(n != 3).to_string(), reference]);
            }
            text.into_response()
        }
        other => panic!("{other:?}"),
    })
    .await;
    let rows: Vec<ActivityRow> = (0..10_000).map(activity).collect();
    let answered = client.send_activities(String::new(), rows).await.unwrap();
    assert!(answered.spent.calls <= 12, "{}", answered.spent.calls);
    let result = |n: usize| &answered.value[n].result;
    assert_eq!(*result(0), Ok(ActivitySent::AlreadyThere));
    assert_eq!(result(1).as_ref().unwrap_err().kind, FailureKind::Transient);
    assert_eq!(result(2).as_ref().unwrap_err().code, "unprocessed");
    assert_eq!(*result(3), Ok(ActivitySent::AlreadyThere));
    assert!((4..10_000).all(|n| *result(n) == Ok(ActivitySent::Created)));
}

#[tokio::test]
async fn without_a_key_rows_are_inserted_and_duplicates_count_as_sent() {
    let (_, client) = Org::start(|seen| {
        if seen.path.ends_with("/describe") {
            return timeline(false);
        }
        composite(seen, |sub| {
            assert_eq!(sub["url"], "/services/data/v67.0/composite/sobjects");
            let there = json!([{"statusCode": "DUPLICATE_VALUE",
                "message": "duplicate value found: ReferenceId__c duplicates value on record with id: a0B"}]);
            (200, json!([{"success": true, "id": "a0BQ70000000001"}, {"success": false, "errors": there}]))
        })
    })
    .await;
    let rows = vec![activity(1), activity(2)];
    let answered = client
        .send_activities(String::new(), rows.clone())
        .await
        .unwrap();
    let results: Vec<_> = answered
        .value
        .into_iter()
        .map(|outcome| outcome.result)
        .collect();
    assert_eq!(
        results,
        [Ok(ActivitySent::Created), Ok(ActivitySent::AlreadyThere)]
    );
    assert_eq!(answered.spent.calls, 2);
    let again = client.send_activities(String::new(), rows).await.unwrap();
    assert_eq!(again.spent.calls, 1, "the description is remembered");
}

#[test]
fn an_instance_may_live_at_salesforce_at_home_or_on_loopback_only() {
    let url = |text: &str| text.parse::<Url>().unwrap();
    let login = url("https://login.salesforce.com/");
    for good in [
        "https://acme.my.salesforce.com",
        "https://acme.force.com",
        "https://acme.salesforce.mil",
        "https://login.salesforce.com",
    ] {
        assert!(may_move_to(&login, &url(good)), "{good}");
    }
    for bad in [
        "https://evil.example",
        "https://evilsalesforce.com",
        "https://acme.my.salesforce.com.evil.example",
        "http://acme.my.salesforce.com",
        "https://acme.my.salesforce.com:8443",
        "https://127.0.0.1",
    ] {
        assert!(!may_move_to(&login, &url(bad)), "{bad}");
    }
    let own = url("https://login.acme.example/");
    assert!(may_move_to(&own, &url("https://login.acme.example")));
    let loopback = url("http://127.0.0.1:8001/");
    assert!(may_move_to(&loopback, &url("http://localhost:8002")));
    assert!(!may_move_to(
        &loopback,
        &url("https://acme.my.salesforce.com")
    ));
}
