//! The client against recorded answers and an instance that misbehaves.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Request as HttpRequest, State as Shared};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::{Json as AxumJson, Router};
use serde_json::{Value as Json, json};

use super::*;
use crate::adapters::testing::{MemoryVault, StillClock, rule, serve};
use crate::domain::consent::{Consent, Dated, Proof, Reason};
use crate::domain::cursor::{Position, Stream};
use crate::domain::failure::{FailureKind, Rejection};
use crate::domain::ids::{FieldId, LinkId, SalesforceObject};
use crate::domain::mapping::{FieldRule, Role};
use crate::domain::request::AuditedChange::{Deleted, MergedInto};
use crate::domain::request::Target;
use crate::domain::row::RowState;
use crate::domain::time::Span;
use crate::domain::value::{Value, ValueType};

/// One request as the fake instance sees it.
struct Seen {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Json,
}

impl Seen {
    fn parameter(&self, name: &str) -> Option<&str> {
        let mut query = self.query.iter();
        query
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

type Handler = dyn Fn(&Seen) -> Response + Send + Sync;

#[derive(Clone)]
struct Fake {
    granted: Arc<AtomicUsize>,
    good: Arc<AtomicUsize>,
    handler: Arc<Handler>,
}

async fn start(
    handler: impl Fn(&Seen) -> Response + Send + Sync + 'static,
) -> (Fake, AutomationClient) {
    let fake = Fake {
        granted: Arc::default(),
        good: Arc::new(AtomicUsize::new(1)),
        handler: Arc::new(handler),
    };
    let app = Router::new()
        .fallback(answer_request)
        .with_state(fake.clone());
    let config = Config {
        base_url: serve(app).await,
        flow: Flow::ClientCredentials {
            client_id: "1_public".into(),
            client_secret: "secret".into(),
        },
        limits: Limits::default(),
    };
    let clock = Arc::new(StillClock::default());
    let client = AutomationClient::new(config, clock, Arc::new(MemoryVault::default()));
    (fake, client.unwrap())
}

async fn answer_request(Shared(fake): Shared<Fake>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    if parts.uri.path() == "/oauth/v2/token" {
        let turn = fake.granted.fetch_add(1, Ordering::SeqCst) + 1;
        // As recorded: the type in lower case, the scope null, no refresh token.
        let token = json!({"access_token": format!("at{turn}"), "expires_in": 3600,
            "token_type": "bearer", "scope": null});
        return AxumJson(token).into_response();
    }
    let good = format!("Bearer at{}", fake.good.load(Ordering::SeqCst));
    if parts.headers["authorization"] != good.as_str() {
        let expired = json!({"errors": [{"message": "The access token provided has expired.",
            "code": 401, "type": "invalid_grant"}]});
        return (StatusCode::UNAUTHORIZED, AxumJson(expired)).into_response();
    }
    let query = parts.uri.query().unwrap_or_default();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().strip_prefix("/api").unwrap().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        body: serde_json::from_slice(&body).unwrap_or(Json::Null),
    };
    (fake.handler)(&seen)
}

fn ok(body: Json) -> Response {
    AxumJson(body).into_response()
}

fn not_found() -> Response {
    let body = json!({"errors": [{"code": 404, "message": "Item was not found.", "details": []}]});
    (StatusCode::NOT_FOUND, AxumJson(body)).into_response()
}

fn contact(id: u64, email: &str) -> Json {
    json!({"id": id, "dateAdded": "2026-11-22T21:44:18+00:00", "dateModified": null,
        "owner": null, "doNotContact": [],
        "fields": {"all": {"id": id.to_string(), "email": email, "city": "Lyon", "budget": 7}}})
}

fn mapping() -> Arc<Mapping> {
    let objects = [SalesforceObject::Contact];
    Arc::new(Mapping {
        person: vec![
            rule(1, "Email", &objects, "email", Role::Email),
            rule(2, "MailingCity", &objects, "city", Role::Plain),
            FieldRule {
                value_type: ValueType::Number,
                ..rule(3, "Budget__c", &objects, "budget", Role::Plain)
            },
            rule(
                4,
                "HasOptedOutOfEmail",
                &objects,
                "@do_not_contact_email",
                Role::Consent,
            ),
        ],
        company: vec![rule(
            9,
            "Name",
            &[SalesforceObject::Account],
            "companyname",
            Role::CompanyName,
        )],
    })
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn edit(id: u64, values: Vec<(FieldId, Value)>) -> RowWrite {
    RowWrite {
        link: LinkId(id),
        target: Target::Existing(RemoteId::Automation(Kind::Person, AutomationId(id))),
        values,
        consent: None,
        unless_modified_since: None,
    }
}

fn create(link: u64, email: &str) -> RowWrite {
    RowWrite {
        target: Target::NewAutomation(Kind::Person),
        ..edit(link, vec![(FieldId(1), text(email))])
    }
}

fn window(after: Option<u64>) -> Window {
    Window {
        stream: Stream::AutomationContacts,
        from: Timestamp::from_seconds(1_772_615_702),
        until: Timestamp::from_seconds(1_772_615_762),
        after: after.map(|id| Position::Id(AutomationId(id))),
    }
}

#[tokio::test]
async fn changes_are_read_by_id_and_leave_visitors_out() {
    let (_, client) = start(|seen| {
        assert_eq!(seen.path, "/contacts");
        assert_eq!(seen.parameter("orderBy"), Some("id"));
        assert_eq!(seen.parameter("search"), Some("!is:anonymous"));
        assert_eq!(seen.parameter("where[0][expr]"), Some("orX"));
        let from = "where[0][val][0][val][0][val]";
        assert_eq!(seen.parameter(from), Some("2026-03-04 09:15:02"));
        assert_eq!(seen.parameter("where[1][val]"), Some("7"));
        // Keyed by id, and "9" before "10" in no order that PHP promises.
        ok(json!({"total": "2", "contacts": {"10": contact(10, "b@x.example"), "9": contact(9, "a@x.example")}}))
    })
    .await;
    let answered = client.changes(mapping(), window(Some(7))).await.unwrap();
    let ids: Vec<RemoteId> = answered.value.rows.iter().map(|row| row.id).collect();
    assert_eq!(
        ids,
        [9, 10].map(|id| RemoteId::Automation(Kind::Person, AutomationId(id)))
    );
    assert!(answered.value.is_last);
    assert_eq!(answered.value.rows[0].consent, Some(Consent::In));
    assert!(
        answered.value.rows[0].modified.is_some(),
        "the date added stands in"
    );
}

#[tokio::test]
async fn an_expired_token_is_renewed_once() {
    let (fake, client) = start(|_| ok(json!({"total": "0", "contacts": {}}))).await;
    client.changes(mapping(), window(None)).await.unwrap();
    fake.good.store(2, Ordering::SeqCst);
    let answered = client.changes(mapping(), window(None)).await.unwrap();
    assert_eq!(answered.spent.calls, 2);
    fake.good.store(99, Ordering::SeqCst);
    let error = client.changes(mapping(), window(None)).await.unwrap_err();
    assert_eq!(error.failure.kind, FailureKind::Unauthorised);
}

#[tokio::test]
async fn a_rate_limit_says_until_when() {
    let (_, client) = start(|_| {
        let body = json!({"errors": [{"code": 429, "message": "You exceeded the rate limit"}]});
        let headers = [
            ("X-RateLimit-Reset", "1795388381"),
            ("Date", "Sun, 22 Nov 2026 22:00:00 GMT"),
        ];
        (StatusCode::TOO_MANY_REQUESTS, headers, AxumJson(body)).into_response()
    })
    .await;
    let error = client.changes(mapping(), window(None)).await.unwrap_err();
    // By our own clock, which stands still.
    let until = Some(StillClock::default().now() + Span::seconds(3_581));
    assert_eq!(error.failure.kind, FailureKind::Throttled { until });
}

#[tokio::test]
async fn a_front_proxy_in_the_way_leaves_a_read_repeatable_and_a_write_unknown() {
    let (_, client) =
        start(|_| (StatusCode::BAD_GATEWAY, Html("<h1>Bad</h1>")).into_response()).await;
    let error = client.changes(mapping(), window(None)).await.unwrap_err();
    assert_eq!(error.failure.kind, FailureKind::Transient);
    let row = edit(1, vec![(FieldId(2), text("Metz"))]);
    let answered = client.write(mapping(), vec![row]).await.unwrap();
    assert_eq!(
        answered.value[0].result.as_ref().unwrap_err().kind,
        FailureKind::Unknown
    );
}

#[tokio::test]
async fn a_merged_contact_is_answered_under_the_id_asked_for() {
    let (_, client) = start(|seen| match seen.path.as_str() {
        "/contacts" => {
            assert_eq!(seen.parameter("where[0][val]"), Some("15,16,228"));
            ok(json!({"total": "1", "contacts": {"228": contact(228, "farid@x.example")}}))
        }
        "/contacts/15" => ok(json!({"contact": contact(228, "farid@x.example")})),
        _ => not_found(),
    })
    .await;
    let ids = [15, 16, 228].map(|id| (Kind::Person, AutomationId(id)));
    let answered = client.rows(mapping(), ids.to_vec()).await.unwrap();
    let states: Vec<_> = answered
        .value
        .iter()
        .map(|row| (row.id, row.state))
        .collect();
    let person = |id| RemoteId::Automation(Kind::Person, AutomationId(id));
    assert_eq!(
        states,
        [
            (person(228), RowState::Live),
            (person(15), RowState::MergedAutomation(AutomationId(228))),
        ]
    );
}

#[tokio::test]
async fn a_look_up_believes_no_prefix_and_no_neighbour() {
    let (_, client) = start(|seen| {
        if seen.path == "/companies" {
            return ok(json!({"total": "0", "companies": {}}));
        }
        assert_eq!(
            seen.parameter("where[0][val]"),
            Some("jane+a@x.example,zoe@x.example")
        );
        ok(json!({"total": "3", "contacts": {
            "1": contact(1, "Jane+A@X.example"),
            "2": contact(2, "jane+a@x.example.org"),
            "3": contact(3, "zoé@x.example")}}))
    })
    .await;
    let emails = vec!["Jane+a@x.example".into(), "zoe@x.example".into()];
    let answered = client.find(mapping(), emails, Vec::new()).await.unwrap();
    assert_eq!(answered.value.len(), 1);
    assert_eq!(
        answered.value[0].id,
        RemoteId::Automation(Kind::Person, AutomationId(1))
    );
}

#[tokio::test]
async fn each_row_of_a_recorded_batch_gets_its_own_outcome() {
    let (_, client) = start(|seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("PATCH", "/contacts/batch/edit") => {
            let ids: Vec<u64> = seen.body.as_array().unwrap().iter()
                .map(|row| row["id"].as_u64().unwrap()).collect();
            assert_eq!(ids, [10, 999_999, 11, 17]);
            // As recorded: keyed by place because rows failed, the invalid row with unsaved data.
            ok(json!({"contacts": {"0": contact(10, "amara@x.example"), "2": contact(11, "bilal@x.example")},
                "statusCodes": [200, 404, 400, 404],
                "errors": {"3": {"message": "Item was not found.", "code": 404, "type": "api"},
                    "1": {"message": "Item was not found.", "code": 404, "type": "api"},
                    "2": {"code": 400, "message": "city: This value is not valid.",
                          "details": {"city": ["This value is not valid."]}, "type": null}}}))
        }
        ("GET", "/contacts/17") => ok(json!({"contact": contact(230, "hugo@x.example")})),
        _ => not_found(),
    })
    .await;
    let city = |id| edit(id, vec![(FieldId(2), text("Lyon"))]);
    let rows = [10, 999_999, 11, 17].map(city).to_vec();
    let answered = client.write(mapping(), rows).await.unwrap();
    let written = answered.value[0].result.as_ref().unwrap();
    assert_eq!(written.stored, Some(vec![(FieldId(2), text("Lyon"))]));
    let failure = |n: usize| answered.value[n].result.as_ref().unwrap_err();
    assert_eq!(failure(1).kind, FailureKind::Gone);
    let values = Rejection::Values(vec![FieldId(2)]);
    assert_eq!(failure(2).kind, FailureKind::Rejected(values));
    assert_eq!(failure(3).kind, FailureKind::Moved);
    assert!(failure(3).message.contains("230"));
}

#[tokio::test]
async fn a_zero_that_was_dropped_shows_in_what_was_stored() {
    let (_, client) = start(|seen| {
        assert_eq!(seen.body[0], json!({"id": 10, "budget": 0}));
        ok(json!({"contacts": [contact(10, "amara@x.example")], "statusCodes": [200]}))
    })
    .await;
    let zero = Value::Number("0".parse().unwrap());
    let row = edit(10, vec![(FieldId(3), zero)]);
    let answered = client.write(mapping(), vec![row]).await.unwrap();
    let kept = Value::Number("7".parse().unwrap());
    let stored = answered.value[0].result.as_ref().unwrap().stored.clone();
    assert_eq!(stored, Some(vec![(FieldId(3), kept)]));
}

#[tokio::test]
async fn an_address_never_repeats_in_a_batch_of_creations() {
    let (_, client) = start(|seen| {
        let rows = seen.body.as_array().unwrap();
        let mut addresses: Vec<String> = rows
            .iter()
            .map(|row| row["email"].as_str().unwrap().to_lowercase())
            .collect();
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), rows.len());
        assert!(rows.len() <= 200);
        let contacts: Vec<Json> = (1..)
            .zip(&addresses)
            .map(|(id, email)| contact(id, email))
            .collect();
        // The server found the second batch's address: it edited instead of creating.
        let status = if rows.len() == 1 { 200 } else { 201 };
        ok(json!({"contacts": contacts, "statusCodes": vec![status; rows.len()]}))
    })
    .await;
    let mut rows: Vec<RowWrite> = (0..150)
        .map(|n| create(n, &format!("{n}@x.example")))
        .collect();
    rows.push(create(150, "7@X.example"));
    let answered = client.write(mapping(), rows).await.unwrap();
    assert_eq!(answered.spent.calls, 2);
    let created = |n: usize| answered.value[n].result.as_ref().unwrap().created;
    assert!((0..150).all(created) && !created(150));
}

#[tokio::test]
async fn an_id_never_repeats_in_a_batch_of_edits() {
    let (_, client) = start(|seen| {
        assert_eq!(seen.body.as_array().unwrap().len(), 1);
        ok(json!({"contacts": [contact(10, "a@x.example")], "statusCodes": [200]}))
    })
    .await;
    let row = edit(10, vec![(FieldId(2), text("Lyon"))]);
    let answered = client
        .write(mapping(), vec![row.clone(), row])
        .await
        .unwrap();
    assert_eq!(answered.spent.calls, 2);
}

#[tokio::test]
async fn an_opt_out_that_was_not_kept_is_no_success() {
    let (_, client) = start(|seen| {
        assert_eq!(
            seen.body[0]["doNotContact"],
            json!([{"channel": "email", "reason": 1}])
        );
        ok(json!({"contacts": [contact(10, "a@x.example")], "statusCodes": [200]}))
    })
    .await;
    let row = RowWrite {
        consent: Some(Consent::Out(Reason::Unsubscribed)),
        ..edit(10, Vec::new())
    };
    let answered = client.write(mapping(), vec![row]).await.unwrap();
    assert_eq!(
        answered.value[0].result.as_ref().unwrap_err().code,
        "consent-not-kept"
    );
}

#[tokio::test]
async fn consent_is_dated_by_the_newest_entries_however_long_the_log_is() {
    const NEWEST: u64 = 30_000;
    let entry = |id: u64| {
        let reason = match id {
            29_990 => 1,
            29_400 => 0,
            29_000 => 2,
            _ => return json!({"id": id, "object_id": "7", "details": "a:0:{}"}),
        };
        let details = format!(
            "a:1:{{s:18:\"dnc_channel_status\";a:1:{{s:5:\"email\";a:1:{{s:6:\"reason\";i:{reason};}}}}}}"
        );
        json!({"id": id, "object_id": "7", "details": details,
            "date_added": format!("2026-11-22 21:{:02}:00", (id - 29_000) / 20)})
    };
    let (_, client) = start(move |seen| {
        if seen.path == "/stats/lead_donotcontact" {
            return ok(json!({"total": "0", "stats": []}));
        }
        let newest_first = seen.parameter("order[0][dir]") == Some("DESC");
        let bound = |expr: &str| {
            let is_it = seen.parameter("where[0][expr]") == Some(expr);
            let bound = seen.parameter("where[0][val]").filter(|_| is_it);
            bound.map(|bound| bound.parse::<u64>().unwrap())
        };
        let ids = bound("gt").unwrap_or(0) + 1..bound("lt").unwrap_or(NEWEST + 1);
        let total = ids.clone().count();
        let rows: Vec<Json> = if newest_first {
            ids.rev().take(500).map(entry).collect()
        } else {
            ids.take(500).map(entry).collect()
        };
        ok(json!({"total": total.to_string(), "stats": rows}))
    })
    .await;
    let answered = client.evidence(vec![AutomationId(7)]).await.unwrap();
    let [(_, evidence)] = &answered.value[..] else {
        panic!("{:?}", answered.value);
    };
    let at = |text| {
        crate::adapters::values::moment(text).map(|at| Dated::exactly(at, Proof::DatedRecord))
    };
    assert_eq!(evidence.opted_out, at("2026-11-22T21:49:00Z"));
    assert_eq!(evidence.opted_in, at("2026-11-22T21:20:00Z"));
    assert_eq!(answered.spent.calls, 3, "nothing older is read");
}

#[tokio::test]
async fn a_record_without_any_value_is_never_created() {
    let (_, client) = start(|_| not_found()).await;
    let row = RowWrite {
        values: vec![(FieldId(1), Value::Blank)],
        ..create(1, "")
    };
    let answered = client.write(mapping(), vec![row]).await.unwrap();
    let required = Rejection::Required(Vec::new());
    assert_eq!(
        answered.value[0].result.as_ref().unwrap_err().kind,
        FailureKind::Rejected(required)
    );
    assert_eq!(answered.spent.calls, 0);
}

#[tokio::test]
async fn a_contact_edited_since_it_was_read_is_not_written() {
    let (_, client) = start(|seen| {
        assert_eq!(seen.path, "/contacts", "no write is sent");
        let mut edited = contact(10, "a@x.example");
        edited["dateModified"] = "2026-11-22T21:50:00+00:00".into();
        ok(json!({"total": "1", "contacts": {"10": edited}}))
    })
    .await;
    let row = RowWrite {
        unless_modified_since: Some(Timestamp::from_seconds(1_772_615_702)),
        ..edit(10, vec![(FieldId(2), text("Metz"))])
    };
    let answered = client.write(mapping(), vec![row]).await.unwrap();
    assert_eq!(
        answered.value[0].result.as_ref().unwrap_err().kind,
        FailureKind::Stale
    );
}

#[tokio::test]
async fn a_blank_company_name_is_recognised_as_required_in_any_language() {
    let (_, client) = start(|_| {
        ok(json!({"companies": [], "statusCodes": [400],
            "errors": [{"code": 400, "message": "companyname: Ce champ est requis.",
                        "details": {"companyname": ["Ce champ est requis."]}, "type": null}]}))
    })
    .await;
    let row = RowWrite {
        target: Target::Existing(RemoteId::Automation(Kind::Company, AutomationId(7))),
        ..edit(7, vec![(FieldId(9), Value::Blank)])
    };
    let answered = client.write(mapping(), vec![row]).await.unwrap();
    let required = Rejection::Required(vec![FieldId(9)]);
    assert_eq!(
        answered.value[0].result.as_ref().unwrap_err().kind,
        FailureKind::Rejected(required)
    );
}

#[tokio::test]
async fn activities_are_read_one_type_at_a_time_oldest_first() {
    let (_, client) = start(|seen| {
        assert_eq!(seen.path, "/contacts/activity");
        assert_eq!(
            seen.parameter("filters[includeEvents][0]"),
            Some("email.read")
        );
        assert_eq!(
            seen.parameter("filters[dateTo]"),
            Some("2026-03-04 09:16:01")
        );
        assert_eq!(
            (seen.parameter("order[1]"), seen.parameter("page")),
            (Some("ASC"), Some("2"))
        );
        let event = |kind: &str, at: &str| {
            json!({"event": kind, "eventId": "email.read1",
            "eventType": "Email read", "eventLabel": "May", "timestamp": at, "contactId": "5"})
        };
        ok(json!({"events": [
            event("email.read", "2026-03-04T10:15:02+01:00"),
            event("email.read", "2026-03-04T10:16:02+01:00"),
            event("page.hit", "2026-03-04T10:15:30+01:00"),
            event("email.read", "yesterday"),
            json!({"event": "email.read", "contactId": null, "timestamp": "yesterday"})]}))
    })
    .await;
    let Window { from, until, .. } = window(None);
    let answered = client
        .activities("email.read".into(), from, until, 2)
        .await
        .unwrap();
    assert_eq!(answered.value.activities.len(), 1);
    assert_eq!(answered.value.activities[0].at, from);
    assert_eq!(answered.value.unreadable, 1, "of somebody, at no time");
    assert!(answered.value.is_last);
}

#[tokio::test]
async fn the_audit_log_tells_merges_from_deletions() {
    let (_, client) = start(|seen| {
        assert_eq!(seen.path, "/stats/audit_log");
        assert_eq!(seen.parameter("order[0][col]"), Some("id"));
        let row = |id: &str, of: &str, action: &str, details: &str| {
            json!({"id": id, "bundle": "lead",
            "object": "lead", "object_id": of, "action": action, "details": details,
            "date_added": "2026-11-22 21:50:26"})
        };
        ok(json!({"total": "4", "stats": [
            row("602", "15", "merge", "a:1:{s:11:\"merged_into\";i:228;}"),
            row("603", "15", "delete", "a:1:{s:4:\"name\";s:11:\"Farid Abbot\";}"),
            row("604", "16", "delete", "a:0:{}"),
            row("605", "17", "identified", "a:0:{}")]}))
    })
    .await;
    let answered = client.audit(601).await.unwrap();
    let changes: Vec<_> = answered
        .value
        .entries
        .iter()
        .map(|e| (e.id.0, e.what))
        .collect();
    assert_eq!(
        changes,
        [(15, MergedInto(AutomationId(228))), (16, Deleted)]
    );
    assert_eq!((answered.value.after, answered.value.is_last), (605, true));
}

#[tokio::test]
async fn an_error_behind_status_200_is_an_error() {
    let (_, client) = start(|_| {
        ok(json!({"errors": [{"message": "SQLSTATE[42S22]: Column not found", "code": 1054}]}))
    })
    .await;
    let error = client.audit(0).await.unwrap_err();
    assert_eq!(error.failure.kind, FailureKind::Broken);
}

mod hostile;
