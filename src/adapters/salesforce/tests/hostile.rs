//! Legal answers that nobody expects, and illegal ones that proxies and mistakes produce.

use std::collections::BTreeSet;

use super::*;
use crate::domain::consent::Evidence;
use crate::domain::time::Span;

/// `StillClock` stands there.
const NOW: Timestamp = Timestamp::from_seconds(1_772_615_702);

fn contacts(numbers: impl IntoIterator<Item = usize>) -> Vec<(SalesforceObject, SalesforceId)> {
    let numbers = numbers.into_iter();
    numbers
        .map(|n| (SalesforceObject::Contact, id(n)))
        .collect()
}

fn record(n: usize) -> Json {
    json!({"Id": id(n), "IsDeleted": false, "SystemModstamp": "2026-03-04T09:15:02.000+0000"})
}

fn creation(n: usize) -> RowWrite {
    RowWrite {
        target: Target::NewSalesforce(SalesforceObject::Contact),
        ..update(n)
    }
}

fn conditional(n: usize) -> RowWrite {
    RowWrite {
        unless_modified_since: Some(NOW),
        ..update(n)
    }
}

/// Success for a subrequest of any kind.
fn done(sub: &Json) -> (u16, Json) {
    if sub["body"].get("records").is_some() {
        accepted(sub)
    } else {
        (204, Json::Null)
    }
}

#[tokio::test]
async fn a_proxy_that_finds_nothing_deletes_nobody() {
    for words in [
        "<h1>Not Found</h1>",
        r#"[{"errorCode":"NOT_FOUND","message":"x"}]"#,
    ] {
        let calls = AtomicUsize::new(0);
        let (_, client) = Org::start(move |seen| {
            if calls.fetch_add(1, Ordering::SeqCst) == 0 {
                return composite(seen, accepted);
            }
            (StatusCode::NOT_FOUND, words).into_response()
        })
        .await;
        let rows: Vec<RowWrite> = (0..1_001).map(update).collect();
        let answered = client.write(mapping(), rows).await.unwrap();
        let failure = answered.value[1_000].result.as_ref().unwrap_err();
        assert_eq!(failure.kind, FailureKind::Broken, "{words}");
        let error = client.rows(mapping(), contacts([1])).await.unwrap_err();
        assert_eq!(error.failure.kind, FailureKind::Broken, "{words}");
    }
}

#[tokio::test]
async fn a_wait_is_taken_in_both_its_forms_and_never_for_longer_than_an_hour() {
    let until = |seconds| Some(NOW + Span::seconds(seconds));
    let date = "Wed, 04 Mar 2026 09:00:00 GMT";
    for (status, asked, expected) in [
        (429, "30", until(30)),
        // Two minutes after what the server's clock says.
        (429, "Wed, 04 Mar 2026 09:02:00 GMT", until(120)),
        (429, "99999999999999", until(3_600)),
        (429, "Wed, 04 Mar 2093 09:02:00 GMT", until(3_600)),
        (429, "soon", None),
        (429, "Wed, 04 Mar 2020 09:02:00 GMT", None),
        (503, "30", until(30)),
    ] {
        let (_, client) = Org::start(move |_| {
            let headers = [("retry-after", asked), ("date", date)];
            let status = StatusCode::from_u16(status).unwrap();
            (status, headers, "<h1>Busy</h1>").into_response()
        })
        .await;
        let error = client.rows(mapping(), contacts([1])).await.unwrap_err();
        let kind = FailureKind::Throttled { until: expected };
        assert_eq!(error.failure.kind, kind, "{status} {asked}");
    }
}

#[tokio::test]
async fn a_write_is_unknown_whatever_wait_the_server_asks_for() {
    let (_, client) = Org::start(|_| {
        (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "30")], "").into_response()
    })
    .await;
    let answered = client.write(mapping(), vec![update(1)]).await.unwrap();
    let failure = answered.value[0].result.as_ref().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unknown);
}

#[tokio::test]
async fn a_refused_session_without_a_word_is_renewed_once() {
    let calls = AtomicUsize::new(0);
    let (org, client) = Org::start(move |seen| {
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        nothing(seen)
    })
    .await;
    let error = client.rows(mapping(), contacts([1])).await.unwrap_err();
    // The second token is refused by the fake, in words; there is no third.
    assert_eq!(error.failure.kind, FailureKind::Unauthorised);
    assert_eq!(org.granted.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_answer_with_fewer_records_than_it_counts_is_asked_for_again() {
    let (_, client) = Org::start(|seen| {
        composite(seen, |_| {
            let body = json!({"totalSize": 2, "done": true, "records": [record(1)]});
            (200, body)
        })
    })
    .await;
    let error = client.rows(mapping(), contacts([1, 2])).await.unwrap_err();
    assert_eq!(error.failure.kind, FailureKind::Transient);
    assert_eq!(error.failure.code, "short-answer");
    let error = client.changes(mapping(), windows()).await.unwrap_err();
    assert_eq!(error.failure.code, "short-answer");
}

#[tokio::test]
async fn an_empty_page_that_is_not_the_last_is_followed() {
    let (_, client) = Org::start(|seen| match seen.path.as_str() {
        "/query/01g-0" => {
            AxumJson(json!({"totalSize": 1, "done": true, "records": [record(1)]})).into_response()
        }
        _ => composite(seen, |_| {
            let next = "/services/data/v67.0/query/01g-0";
            let body =
                json!({"totalSize": 1, "done": false, "records": [], "nextRecordsUrl": next});
            (200, body)
        }),
    })
    .await;
    let answered = client
        .changes(mapping(), vec![window(Stream::Contacts)])
        .await
        .unwrap();
    assert_eq!(answered.value[0].rows.len(), 1);
    assert!(answered.value[0].is_last);
    let rows = client.rows(mapping(), contacts([1])).await.unwrap();
    assert_eq!(rows.value.len(), 1);
}

#[tokio::test]
async fn a_page_that_names_itself_as_the_next_is_not_followed_for_ever() {
    let next = "/services/data/v67.0/query/01g-0";
    let body =
        json!({"totalSize": 9, "done": false, "records": [record(1)], "nextRecordsUrl": next});
    let (_, client) = Org::start(move |seen| match seen.path.as_str() {
        "/query/01g-0" => AxumJson(body.clone()).into_response(),
        _ => composite(seen, |_| (200, body.clone())),
    })
    .await;
    let error = client.rows(mapping(), contacts([1])).await.unwrap_err();
    assert_eq!(error.failure.code, "next-page");
    assert_eq!(error.spent.calls, 2);
}

#[tokio::test]
async fn changes_in_another_order_than_asked_for_move_no_cursor() {
    let (_, client) = Org::start(|seen| {
        composite(seen, |_| {
            let mut later = record(1);
            later["SystemModstamp"] = "2026-03-04T09:15:03.000+0000".into();
            page(&[later, record(2)])
        })
    })
    .await;
    let error = client.changes(mapping(), windows()).await.unwrap_err();
    assert_eq!(error.failure.code, "order");
}

#[tokio::test]
async fn names_of_any_case_and_short_ids_are_read() {
    let (_, client) = Org::start(|seen| {
        composite(seen, |_| {
            page(&[
                json!({"id": "003Q70000000001", "ISDELETED": true, "LASTNAME": "Roy",
                "masterrecordid": "003Q70000000002", "extra": {"deep": []}}),
            ])
        })
    })
    .await;
    let rows = client.rows(mapping(), contacts([1])).await.unwrap().value;
    assert_eq!(
        rows[0].id,
        RemoteId::Salesforce(SalesforceObject::Contact, id(1))
    );
    assert_eq!(
        rows[0].state,
        crate::domain::row::RowState::MergedSalesforce(id(2))
    );
    assert_eq!(rows[0].value(FieldId(2)), Some(&Value::Text("Roy".into())));
}

#[tokio::test]
async fn refusals_of_a_mixed_up_answer_are_nobodys() {
    let (_, client) = Org::start(|seen| {
        composite(seen, |sub| {
            let (status, mut body) = accepted(sub);
            let refused = json!([{"statusCode": "STRING_TOO_LONG", "message": "x"}]);
            body[2] = json!({"success": false, "errors": refused});
            // The refusal of the last row comes first.
            body.as_array_mut().unwrap().reverse();
            (status, body)
        })
    })
    .await;
    let rows: Vec<RowWrite> = (0..3).map(update).collect();
    let answered = client.write(mapping(), rows).await.unwrap();
    for outcome in answered.value {
        assert_eq!(outcome.result.unwrap_err().kind, FailureKind::Unknown);
    }
}

#[tokio::test]
async fn a_handful_of_rows_of_all_kinds_is_one_call() {
    let (_, client) = Org::start(|seen| composite(seen, done)).await;
    let rows = vec![creation(1), update(2), conditional(3)];
    let answered = client.write(mapping(), rows).await.unwrap();
    assert_eq!(answered.spent.calls, 1);
    assert!(answered.value.iter().all(|outcome| outcome.result.is_ok()));
}

#[tokio::test]
async fn ten_thousand_rows_of_two_kinds_are_ten_calls() {
    let sizes: Arc<Mutex<Vec<usize>>> = Arc::default();
    let noted = Arc::clone(&sizes);
    let (_, client) = Org::start(move |seen| {
        let body = seen.json();
        let subs = body["compositeRequest"].as_array().unwrap();
        let heavy = subs
            .iter()
            .filter(|sub| sub["body"].get("records").is_some());
        assert!(subs.len() <= 25 && heavy.count() <= 5);
        noted.lock().unwrap().push(subs.len());
        composite(seen, done)
    })
    .await;
    let mut rows: Vec<RowWrite> = (0..5_100).map(update).collect();
    rows.extend((5_100..5_120).map(conditional));
    rows.extend((5_120..10_000).map(creation));
    let answered = client.write(mapping(), rows).await.unwrap();
    // 26 collections of updates, 20 single rows and 25 collections of creations: 51 collections.
    assert_eq!(answered.spent.calls, 11, "{:?}", sizes.lock().unwrap());
    let rows: Vec<RowWrite> = (0..5_200)
        .map(update)
        .chain((5_200..10_000).map(creation))
        .collect();
    let answered = client.write(mapping(), rows).await.unwrap();
    assert_eq!(answered.spent.calls, 10);
    assert!(answered.value.iter().all(|outcome| outcome.result.is_ok()));
}

#[tokio::test]
async fn ten_thousand_ids_are_one_call_and_ten_thousand_addresses_two() {
    let (_, client) = Org::start(nothing).await;
    let answered = client.rows(mapping(), contacts(0..10_000)).await.unwrap();
    assert_eq!(answered.spent.calls, 1);
    let emails = (0..10_000)
        .map(|n| format!("camille.lefevre.{n}@orion.example"))
        .collect();
    let objects = vec![SalesforceObject::Lead, SalesforceObject::Contact];
    let answered = client
        .find(mapping(), objects, emails, Vec::new())
        .await
        .unwrap();
    assert_eq!(answered.spent.calls, 2);
    let answered = client.evidence(contacts(0..10_000)).await.unwrap();
    assert_eq!(answered.spent.calls, 1);
}

#[tokio::test]
async fn a_query_that_is_too_much_is_asked_in_parts_and_no_key_is_lost() {
    for refusal in [
        (414, Json::Null),
        (
            400,
            json!([{"errorCode": "OPERATION_TOO_LARGE", "message": "x"}]),
        ),
        (500, json!([{"errorCode": "QUERY_TIMEOUT", "message": "x"}])),
    ] {
        let asked: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let noted = Arc::clone(&asked);
        let (_, client) = Org::start(move |seen| {
            composite(seen, |sub| {
                let url = sub["url"].as_str().unwrap();
                let keys: Vec<&str> = url
                    .split("%27")
                    .filter(|key| key.starts_with("003"))
                    .collect();
                if keys.len() > 600 {
                    return refusal.clone();
                }
                let mut asked = noted.lock().unwrap();
                asked.extend(keys.into_iter().map(str::to_owned));
                page(&[])
            })
        })
        .await;
        client.rows(mapping(), contacts(0..3_000)).await.unwrap();
        assert_eq!(asked.lock().unwrap().len(), 3_000);
        let again = client.rows(mapping(), contacts(0..2_000)).await.unwrap();
        assert_eq!(again.spent.calls, 1, "the lesson is remembered");
        client.evidence(contacts(0..3_000)).await.unwrap();
    }
}

#[tokio::test]
async fn the_users_of_a_page_cut_short_are_not_the_last() {
    let (_, client) = Org::start(|seen| {
        composite(seen, |sub| {
            let url = sub["url"].as_str().unwrap();
            if !url.contains("+FROM+User") {
                let organisation = json!({"Id": "00DQ70000000001", "Name": "Orion"});
                return if url.contains("/query") {
                    page(&[organisation])
                } else {
                    (200, json!({"fields": []}))
                };
            }
            let user = |n: usize| json!({"Id": format!("005Q7{n:010}"), "Email": "a@x.example"});
            if url.contains("Id+%3E") {
                return page(&[user(2)]);
            }
            let next = "/services/data/v67.0/query/01g-1";
            let body = json!({"totalSize": 2, "done": false, "records": [user(1)],
                "nextRecordsUrl": next});
            (200, body)
        })
    })
    .await;
    let policy = Policy {
        mapping: (*mapping()).clone(),
        published: true,
        objects: SalesforceObject::ALL.to_vec(),
        activities: true,
        update_blanks: false,
        latest_do_not_contact: true,
        sync_owners: true,
        create_accounts: true,
        activity_types: Vec::new(),
        namespace: String::new(),
        automation_url: String::new(),
    };
    let described = client.describe(Arc::new(policy)).await.unwrap();
    assert_eq!(described.value.users.len(), 2);
}

#[tokio::test]
async fn the_newest_change_counts_wherever_the_history_lists_it() {
    let (_, client) = Org::start(|seen| {
        composite(seen, |_| {
            let change = |n: usize, second: usize| {
                json!({"Id": format!("017Q7{n:010}"), "ContactId": id(1), "NewValue": true,
                    "CreatedDate": format!("2026-03-04T09:15:0{second}.000+0000")})
            };
            page(&[change(1, 1), change(2, 3), change(3, 2)])
        })
    })
    .await;
    let found = client.evidence(contacts([1])).await.unwrap().value;
    let newest = |evidence: &Evidence| evidence.opted_out.unwrap().latest;
    assert_eq!(newest(&found[0].1), NOW + Span::seconds(1));
}

#[tokio::test]
async fn calls_follow_the_instance_that_a_new_token_names() {
    let visited: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&visited);
    let new_home = Router::new().fallback(move |request: HttpRequest| async move {
        noted.lock().unwrap().push(request.uri().to_string());
        AxumJson(
            json!({"compositeResponse": [{"referenceId": "r0", "httpStatusCode": 200,
            "body": {"totalSize": 0, "done": true, "records": []}}]}),
        )
    });
    let new_home = serve(new_home).await;
    let grants = Arc::new(AtomicUsize::new(0));
    let login = Router::new().fallback(move |request: HttpRequest| {
        let (grants, new_home) = (Arc::clone(&grants), new_home.clone());
        async move {
            if request.uri().path().ends_with("/token") {
                let mut token = json!({"access_token": "a", "token_type": "Bearer"});
                if grants.fetch_add(1, Ordering::SeqCst) > 0 {
                    token["instance_url"] = new_home.as_str().into();
                }
                return AxumJson(token).into_response();
            }
            let expired = json!([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]);
            (StatusCode::UNAUTHORIZED, AxumJson(expired)).into_response()
        }
    });
    let config = Config {
        login_url: serve(login).await,
        client_id: "app".into(),
        flow: Flow::ClientCredentials {
            client_secret: "s".into(),
        },
        api_version: ApiVersion::Pinned("67.0".into()),
        limits: Limits::default(),
    };
    let (clock, vault) = (Arc::default(), Arc::new(MemoryVault::default()));
    let clock: Arc<StillClock> = clock;
    let client = SalesforceClient::new(config, clock, vault).unwrap();
    client.rows(mapping(), contacts([1])).await.unwrap();
    assert_eq!(*visited.lock().unwrap(), ["/services/data/v67.0/composite"]);
}

#[tokio::test]
async fn a_busy_organisation_is_not_one_without_versions() {
    for (status, expected) in [
        (StatusCode::SERVICE_UNAVAILABLE, FailureKind::Transient),
        (
            StatusCode::TOO_MANY_REQUESTS,
            FailureKind::Throttled { until: None },
        ),
    ] {
        let app = Router::new().fallback(move |request: HttpRequest| async move {
            if request.uri().path().ends_with("/token") {
                let token = json!({"access_token": "a", "token_type": "Bearer"});
                return AxumJson(token).into_response();
            }
            (
                status,
                AxumJson(json!([{"errorCode": "SERVER_UNAVAILABLE", "message": "x"}])),
            )
                .into_response()
        });
        let config = Config {
            login_url: serve(app).await,
            client_id: "app".into(),
            flow: Flow::ClientCredentials {
                client_secret: "s".into(),
            },
            api_version: ApiVersion::Auto,
            limits: Limits::default(),
        };
        let clock = Arc::new(StillClock::default());
        let vault = Arc::new(MemoryVault::default());
        let client = SalesforceClient::new(config, clock, vault).unwrap();
        let error = client.rows(mapping(), contacts([1])).await.unwrap_err();
        assert_eq!(error.failure.kind, expected);
    }
}

#[tokio::test]
async fn a_timeline_that_a_proxy_does_not_find_needs_no_person() {
    for (words, expected) in [
        ("<h1>Not Found</h1>", FailureKind::Broken),
        (
            r#"[{"errorCode":"NOT_FOUND","message":"x"}]"#,
            FailureKind::Forbidden,
        ),
    ] {
        let (_, client) = Org::start(move |_| (StatusCode::NOT_FOUND, words).into_response()).await;
        let sent = client
            .send_activities(String::new(), vec![activity(1)])
            .await;
        assert_eq!(sent.unwrap_err().failure.kind, expected, "{words}");
    }
}
