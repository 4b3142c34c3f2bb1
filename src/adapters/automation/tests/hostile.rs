//! The client against servers, and proxies before servers, that nobody here wrote.

use super::*;
use crate::ports::{HookChange, HookDraft, HookId, Hooks as _};

const FROM: Timestamp = Timestamp::from_seconds(1_772_615_702);

fn policy() -> Arc<Policy> {
    Arc::new(Policy {
        mapping: mapping().as_ref().clone(),
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
    })
}

fn html(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, Html("<h1>Nothing here</h1>")).into_response()
}

/// What the product's front door says of an address that it does not know.
fn no_route() -> Response {
    let body = json!({"errors": [{"message": "Requested URL not found: /api/x", "code": 404,
        "type": null}]});
    (StatusCode::NOT_FOUND, AxumJson(body)).into_response()
}

fn list(seen: &Seen, records: Vec<Json>) -> Response {
    let plural = seen.path.rsplit('/').next().unwrap();
    ok(json!({"total": records.len().to_string(), plural: records}))
}

fn crowd(ids: std::ops::Range<u64>) -> Vec<Json> {
    ids.map(|id| contact(id, &format!("p{id}@x.example")))
        .collect()
}

/// The ids that a keyset filter leaves, given what is there.
fn after(seen: &Seen, place: usize) -> u64 {
    let value = seen.parameter(&format!("where[{place}][val]"));
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn a_404_that_is_not_about_a_record_never_says_that_records_are_gone() {
    for refuse in [|| html(404), no_route, not_found] {
        let (_, client) = start(move |_| refuse()).await;
        let ids = vec![(Kind::Person, AutomationId(1))];
        let kinds = [
            client.changes(mapping(), window(None)).await.map(drop),
            client.rows(mapping(), ids).await.map(drop),
            client.audit(0).await.map(drop),
            client.evidence(vec![AutomationId(1)]).await.map(drop),
            client
                .find(mapping(), vec!["a@x.example".into()], vec![])
                .await
                .map(drop),
            client
                .activities("email.read".into(), FROM, FROM + Span::hours(1), 1)
                .await
                .map(drop),
        ]
        .map(|result| result.unwrap_err().failure.kind);
        for kind in kinds {
            assert!(
                matches!(kind, FailureKind::Transient | FailureKind::Broken),
                "{kind:?}"
            );
        }
        for row in [
            edit(1, vec![(FieldId(2), text("Metz"))]),
            create(1, "a@x.example"),
        ] {
            let kind = match client.write(mapping(), vec![row]).await {
                Ok(answered) => answered.value[0].result.clone().unwrap_err().kind,
                Err(error) => error.failure.kind,
            };
            assert!(
                matches!(kind, FailureKind::Unknown | FailureKind::Broken),
                "{kind:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_record_missing_from_a_list_is_gone_only_if_the_server_says_so_of_that_record() {
    let ids = || {
        vec![
            (Kind::Person, AutomationId(1)),
            (Kind::Company, AutomationId(2)),
        ]
    };
    for refuse in [|| html(404), no_route, || html(403), || html(502)] {
        let (_, client) = start(move |seen| match seen.path.as_str() {
            "/contacts" | "/companies" => list(seen, Vec::new()),
            _ => refuse(),
        })
        .await;
        assert!(client.rows(mapping(), ids()).await.is_err());
    }
    let (_, client) = start(|seen| match seen.path.as_str() {
        "/contacts" | "/companies" => list(seen, Vec::new()),
        _ => not_found(),
    })
    .await;
    assert_eq!(client.rows(mapping(), ids()).await.unwrap().value, []);
}

#[tokio::test]
async fn a_company_answered_under_another_id_is_nobody_we_asked_for() {
    let (_, client) = start(|seen| match seen.path.as_str() {
        "/companies" => list(seen, Vec::new()),
        _ => ok(json!({"company": {"id": 9, "fields": {"all": {}}}})),
    })
    .await;
    let ids = vec![(Kind::Company, AutomationId(2))];
    let error = client.rows(mapping(), ids).await.unwrap_err();
    assert_eq!(error.failure.kind, FailureKind::Broken);
}

#[tokio::test]
async fn a_proxys_refusal_is_no_word_about_rights() {
    let (_, client) = start(|seen| match seen.path.as_str() {
        "/contacts/activity" => ok(json!({"types": {}, "events": []})),
        "/users" => html(403),
        _ => ok(json!({"total": 0, "fields": []})),
    })
    .await;
    let error = client.describe(policy()).await.unwrap_err();
    assert_eq!(
        error.failure.kind,
        FailureKind::Transient,
        "owners are not simply unknown"
    );
}

#[tokio::test]
async fn a_server_that_caps_pages_hides_nothing() {
    let (_, client) = start(|seen| match seen.path.as_str() {
        "/contacts" => {
            let last = after(seen, 1);
            let left = crowd(last + 1..251);
            let total = left.len().to_string();
            let page: Vec<Json> = left.into_iter().take(100).collect();
            ok(json!({"total": total, "contacts": page}))
        }
        "/contacts/activity" => {
            let event = json!({"event": "email.read", "eventId": "email.read1", "eventType": "x",
                "eventLabel": "x", "timestamp": FROM.to_string(), "contactId": "7"});
            ok(json!({"events": [event], "total": 3, "maxPages": 3.0, "types": {"email.read": "x"}}))
        }
        "/users" => ok(json!({"total": 0, "users": []})),
        path => {
            assert!(path.starts_with("/fields/"), "{path}");
            let start: u64 = seen.parameter("start").unwrap().parse().unwrap();
            let field = |n: u64| json!({"alias": format!("f{n}"), "type": "text", "label": "F"});
            let fields: Vec<Json> = (start..45.min(start + 30)).map(field).collect();
            ok(json!({"total": 45, "fields": fields}))
        }
    })
    .await;
    let page = client.changes(mapping(), window(None)).await.unwrap().value;
    assert_eq!((page.rows.len(), page.is_last), (100, false));
    let page = client
        .changes(mapping(), window(Some(200)))
        .await
        .unwrap()
        .value;
    assert_eq!((page.rows.len(), page.is_last), (50, true));
    let ids: Vec<(Kind, AutomationId)> = (1..=200)
        .map(|id| (Kind::Person, AutomationId(id)))
        .collect();
    let answered = client.rows(mapping(), ids).await.unwrap();
    assert_eq!(answered.value.len(), 200);
    assert_eq!(answered.spent.calls, 3, "no record is asked for alone");
    let described = client.describe(policy()).await.unwrap().value;
    assert_eq!(described.contact_fields.len(), 45);
    let until = FROM + Span::hours(1);
    for (page, is_last) in [(1, false), (2, false), (3, true)] {
        let kind = "email.read".to_owned();
        let answered = client.activities(kind, FROM, until, page).await.unwrap();
        assert_eq!(answered.value.is_last, is_last, "page {page}");
    }
}

#[tokio::test]
async fn a_total_that_shrinks_to_nothing_ends_with_an_empty_page() {
    let (_, client) = start(|_| ok(json!({"total": "999", "contacts": {}}))).await;
    let answered = client.changes(mapping(), window(None)).await.unwrap();
    assert!(answered.value.is_last);
    assert_eq!(answered.spent.calls, 2, "it is asked again, once");
}

#[tokio::test]
async fn what_is_no_list_is_not_taken_for_an_empty_one() {
    for body in [
        json!({"total": "0", "contacts": null}),
        json!({"total": "0", "contacts": "none"}),
        json!({"total": "0"}),
        json!([]),
    ] {
        let (_, client) = start(move |_| ok(body.clone())).await;
        let error = client.changes(mapping(), window(None)).await.unwrap_err();
        assert_eq!(error.failure.kind, FailureKind::Transient);
        let ids = vec![(Kind::Person, AutomationId(1))];
        assert!(client.rows(mapping(), ids).await.is_err());
        assert!(client.describe(policy()).await.is_err());
    }
}

#[tokio::test]
async fn a_server_that_ignores_our_filter_does_not_make_us_go_in_circles() {
    let (_, client) = start(|seen| list(seen, crowd(1..201))).await;
    let error = client
        .changes(mapping(), window(Some(150)))
        .await
        .unwrap_err();
    assert_eq!(error.failure.kind, FailureKind::Broken);
    let ids = vec![
        (Kind::Person, AutomationId(7)),
        (Kind::Person, AutomationId(9)),
    ];
    let rows = client.rows(mapping(), ids).await.unwrap().value;
    assert_eq!(rows.len(), 2, "only what was asked for");
}

#[tokio::test]
async fn a_table_out_of_order_is_not_read_past() {
    let row = |id: u64| {
        json!({"id": id.to_string(), "object": "lead", "object_id": "1",
        "action": "delete", "date_added": "2026-11-22 21:00:00"})
    };
    let (_, client) = start(move |seen| {
        let rows: Vec<Json> = match after(seen, 0) {
            0 => [3, 1, 2].map(row).to_vec(),
            5 => vec![row(4)],
            _ => (10..510).rev().map(row).collect(),
        };
        ok(json!({"total": rows.len().to_string(), "stats": rows}))
    })
    .await;
    let short = client.audit(0).await.unwrap().value;
    assert_eq!((short.after, short.is_last), (3, true), "all of it is here");
    for after in [5, 6] {
        let error = client.audit(after).await.unwrap_err();
        assert_eq!(error.failure.kind, FailureKind::Broken);
    }
}

#[tokio::test]
async fn a_merge_in_unknown_words_is_asked_about_and_never_lost() {
    let (_, client) = start(|seen| match seen.path.as_str() {
        "/contacts/15" => ok(json!({"contact": contact(228, "zoe@x.example")})),
        "/contacts/16" => not_found(),
        _ => {
            let row = |id: u64, action: &str, of: u64| {
                json!({"id": id, "object": "lead",
                "object_id": of, "action": action, "details": "{\"merged_into\":228}",
                "date_added": "2026-11-22 21:00:00"})
            };
            let rows = [
                row(1, "merge", 15),
                row(2, "delete", 15),
                row(3, "merge", 16),
                row(4, "delete", 16),
            ];
            ok(json!({"total": "4", "stats": rows}))
        }
    })
    .await;
    let page = client.audit(0).await.unwrap().value;
    let what: Vec<_> = page
        .entries
        .iter()
        .map(|entry| (entry.id, entry.what))
        .collect();
    let winner = MergedInto(AutomationId(228));
    assert_eq!(
        what,
        [(AutomationId(15), winner), (AutomationId(16), Deleted)]
    );
}

#[tokio::test]
async fn a_wait_is_kept_in_both_forms_and_never_for_long() {
    let now = StillClock::default().now();
    for (header, wait) in [
        ("120", Some(Span::minutes(2))),
        ("Sun, 22 Nov 2026 22:05:00 GMT", Some(Span::minutes(5))),
        ("99999999999", Some(Span::minutes(60))),
        ("Sun, 22 Nov 2099 22:05:00 GMT", Some(Span::minutes(60))),
        ("Sun, 22 Nov 2020 22:05:00 GMT", None),
        ("soon", None),
        ("-5", None),
    ] {
        for status in [429, 503] {
            let (_, client) = start(move |_| {
                let headers = [
                    ("Retry-After", header),
                    ("Date", "Sun, 22 Nov 2026 22:00:00 GMT"),
                ];
                let status = StatusCode::from_u16(status).unwrap();
                (status, headers, Html("<h1>Busy</h1>")).into_response()
            })
            .await;
            let error = client.changes(mapping(), window(None)).await.unwrap_err();
            let expected = match (status, wait) {
                (503, None) => FailureKind::Transient,
                _ => FailureKind::Throttled {
                    until: wait.map(|wait| now + wait),
                },
            };
            assert_eq!(error.failure.kind, expected, "{status} {header}");
            if status == 503 {
                let row = edit(1, vec![(FieldId(2), text("Metz"))]);
                let answered = client.write(mapping(), vec![row]).await.unwrap().value;
                let kind = &answered[0].result.as_ref().unwrap_err().kind;
                assert_eq!(*kind, FailureKind::Unknown, "a write is looked at first");
            }
        }
    }
}

#[tokio::test]
async fn a_reset_far_away_is_seconds_taken_for_milliseconds() {
    let (_, client) = start(|_| {
        let headers = [
            ("X-RateLimit-Reset", "1795388381000"),
            ("Date", "Sun, 22 Nov 2026 22:00:00 GMT"),
        ];
        (StatusCode::TOO_MANY_REQUESTS, headers, "").into_response()
    })
    .await;
    let error = client.changes(mapping(), window(None)).await.unwrap_err();
    let until = Some(StillClock::default().now() + Span::minutes(60));
    assert_eq!(error.failure.kind, FailureKind::Throttled { until });
}

#[tokio::test]
async fn batch_answers_in_odd_shapes_give_each_row_its_own_outcome() {
    let three = || {
        vec![
            create(1, "a@x.example"),
            create(2, "b@x.example"),
            create(3, "c@x.example"),
        ]
    };
    let a = || contact(11, "a@x.example");
    let (b, c) = (|| contact(12, "b@x.example"), || contact(13, "c@x.example"));
    let outcomes = |body: Json| async move {
        let (_, client) = start(move |_| ok(body.clone())).await;
        let answered = client.write(mapping(), three()).await.unwrap().value;
        let short = |outcome: RowOutcome| match outcome.result {
            Ok(row) => Ok(row.id),
            Err(failure) => Err(failure.kind),
        };
        answered.into_iter().map(short).collect::<Vec<_>>()
    };
    let id = |id| Ok(RemoteId::Automation(Kind::Person, AutomationId(id)));
    let doubt = || Err(FailureKind::Unknown);
    let texts = json!({"contacts": [a(), b(), c()], "statusCodes": ["201", "201", "201"]});
    assert_eq!(outcomes(texts).await, [id(11), id(12), id(13)]);
    let shuffled = json!({"contacts": [c(), a(), b()], "statusCodes": [201, 201, 201]});
    assert_eq!(outcomes(shuffled).await, [id(11), id(12), id(13)]);
    let missing = json!({"contacts": [a(), b()], "statusCodes": [201, 201]});
    assert_eq!(outcomes(missing).await, [id(11), id(12), doubt()]);
    let by_id =
        json!({"contacts": {"11": a(), "12": b(), "13": c()}, "statusCodes": [201, 201, 201]});
    assert_eq!(outcomes(by_id).await, [id(11), id(12), id(13)]);
    let strangers = json!({"contacts": [contact(9, "z@x.example"), b(), c()],
        "statusCodes": [201, 201, 201]});
    assert_eq!(outcomes(strangers).await, [doubt(), id(12), id(13)]);
    let nothing = json!({"errors": [{"code": 500, "message": "x"}]});
    assert_eq!(outcomes(nothing).await, [doubt(), doubt(), doubt()]);
}

#[tokio::test]
async fn a_creation_whose_address_was_altered_is_told_with_what_was_stored() {
    let outcomes = |sent: [&'static str; 2], shown: [&'static str; 2], statuses: [u16; 2]| async move {
        let (_, client) = start(move |_| {
            let contacts = [contact(11, shown[0]), contact(12, shown[1])];
            ok(json!({"contacts": contacts, "statusCodes": statuses}))
        })
        .await;
        let rows = vec![create(1, sent[0]), create(2, sent[1])];
        let answered = client.write(mapping(), rows).await.unwrap().value;
        let short = |outcome: RowOutcome| match outcome.result {
            Ok(row) => Ok((row.id, row.created, row.stored.unwrap()[0].1.clone())),
            Err(failure) => Err(failure.kind),
        };
        answered.into_iter().map(short).collect::<Vec<_>>()
    };
    let made = |id, created, email| {
        let id = RemoteId::Automation(Kind::Person, AutomationId(id));
        Ok((id, created, text(email)))
    };
    let sent = ["h\u{e9}l\u{e8}ne@x.example", "a@x.example"];
    let altered = outcomes(sent, ["hlne@x.example", "a@x.example"], [201, 201]).await;
    assert_eq!(
        altered,
        [
            made(11, true, "hlne@x.example"),
            made(12, true, "a@x.example")
        ]
    );
    let met = outcomes(sent, ["hlne@x.example", "a@x.example"], [200, 201]).await;
    assert_eq!(met[0], made(11, false, "hlne@x.example"));
    // What is left of the one is the other: whose record it is cannot be told.
    let both = ["\u{e9}a@x.example", "a@x.example"];
    let swapped = outcomes(both, ["a@x.example", "a@x.example"], [201, 200]).await;
    assert_eq!(swapped[0], Err(FailureKind::Unknown));
}

#[tokio::test]
async fn an_edit_answered_under_another_id_is_not_taken_for_ours() {
    let (_, client) =
        start(|_| ok(json!({"contacts": [contact(228, "zoe@x.example")], "statusCodes": [200]})))
            .await;
    let row = edit(15, vec![(FieldId(2), text("Metz"))]);
    let answered = client.write(mapping(), vec![row]).await.unwrap().value;
    assert_eq!(
        answered[0].result.as_ref().unwrap_err().kind,
        FailureKind::Unknown
    );
}

#[test]
fn consent_is_never_read_out_of_what_is_no_list() {
    use super::super::wire::consent;
    let read = |channels: Json| consent(&json!({"doNotContact": channels}));
    for odd in [json!(null), json!(false), json!("none"), json!(0)] {
        assert_eq!(read(odd), None);
    }
    assert_eq!(consent(&json!({})), None);
    assert_eq!(read(json!([])), Some(Consent::In));
    assert_eq!(read(json!({})), Some(Consent::In));
    let out = Some(Consent::Out(Reason::Unsubscribed));
    let entry = |channel: &str, reason: Json| json!({"channel": channel, "reason": reason});
    assert_eq!(read(json!({"7": entry("Email", json!("1"))})), out);
    let both = json!([entry("email", json!(2)), entry("email", json!(1))]);
    assert_eq!(read(both), out, "the stricter of two");
    let manual = Some(Consent::Out(Reason::Manual));
    assert_eq!(read(json!([entry("email", json!("unreadable"))])), manual);
    assert_eq!(
        read(json!([{"reason": 3}])),
        manual,
        "no channel means e-mail"
    );
}

#[tokio::test]
async fn types_of_events_that_a_webhook_was_not_saved_for_are_named() {
    let saved = |kept: &'static [&'static str]| async move {
        let (_, client) = start(move |seen| {
            let mut hook = seen.body.clone();
            hook["id"] = json!(3);
            hook["triggers"] = json!(kept);
            ok(json!({ "hook": hook }))
        })
        .await;
        let triggers = ["mautic.lead_post_delete", "mautic.lead_list_change"];
        let draft = HookDraft {
            name: "passerelle acme".to_owned(),
            url: "https://hooks.acme.example/automation".to_owned(),
            secret: "a secret of our own".to_owned().into(),
            triggers: triggers.map(str::to_owned).into(),
        };
        client.change(HookChange::Edit(HookId(3), draft)).await
    };
    let more = &[
        "mautic.lead_list_change",
        "mautic.lead_post_delete",
        "mautic.page_on_hit",
    ];
    assert!(saved(more).await.is_ok());
    let refused = saved(&["mautic.lead_post_delete"]).await.unwrap_err();
    assert_eq!(refused.failure.code, "hook-triggers");
    assert!(
        refused.failure.message.contains("mautic.lead_list_change"),
        "{}",
        refused.failure
    );
}
