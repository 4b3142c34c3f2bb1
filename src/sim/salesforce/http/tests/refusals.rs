//! What a client nobody here wrote may get wrong, and how the platform words it.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{Bench, taken};
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::org::OrgConfig;
use crate::sim::salesforce::rules::{DuplicateAction, DuplicateRule};
use crate::sim::salesforce::schema::LEAD;

fn code(body: &Json) -> &str {
    body[0]["errorCode"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_resource_refuses_methods_that_it_does_not_know() {
    let bench = Bench::new();
    for (method, path) in [
        (Method::DELETE, "/limits/recordCount?sObjects=Lead"),
        (Method::POST, "/sobjects"),
        (Method::POST, "/sobjects/Lead/describe"),
        (Method::POST, "/sobjects/Lead/updated"),
        (Method::DELETE, "/sobjects/Lead/deleted"),
        (Method::DELETE, "/query/01gQ70000000Lc2IAE-2000"),
        (Method::GET, "/composite"),
        (Method::GET, "/composite/batch"),
        (Method::PUT, "/sobjects/Lead/00QQ70000000001"),
        (Method::POST, "/sobjects/Lead/Email/a@x.example"),
        (Method::PUT, "/sobjects/Lead/Email/a@x.example"),
    ] {
        let (status, body) = bench.send(method.clone(), path, &json!({})).await;
        assert_eq!(status, 405, "{method} {path} {body}");
        assert_eq!(code(&body), "METHOD_NOT_ALLOWED");
    }
}

#[tokio::test]
async fn every_resource_that_the_root_lists_is_there() {
    let bench = Bench::new();
    let (_, root) = bench.get("/").await;
    for (name, url) in root.as_object().unwrap() {
        let path = url.as_str().unwrap().replace(&bench.server.url(), "");
        let request = bench.bare(Method::GET, &path).bearer_auth(&bench.token);
        let status = request.send().await.unwrap().status();
        // Tooling is a folder without a page of its own.
        assert!(status != 404 || name == "tooling", "{name}");
    }
    let posted = bench.bare(Method::POST, "/services/data").send().await;
    assert_eq!(posted.unwrap().status(), 405);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused_by_its_type() {
    let bench = Bench::new();
    let lead = r#"{"LastName":"x","Company":"y"}"#;
    for (content_type, expected) in [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/json; charset=UTF-8", 201),
    ] {
        let request = bench.ask(Method::POST, "/sobjects/Lead");
        let request = request.header("content-type", content_type).body(lead);
        let (status, body) = taken(request.send().await.unwrap()).await;
        assert_eq!(status, expected, "{content_type} {body}");
    }
}

#[tokio::test]
async fn a_missing_body_and_a_body_of_another_shape_are_told_apart() {
    let bench = Bench::new();
    let empty = bench.ask(Method::POST, "/sobjects/Lead").send().await;
    let (status, body) = taken(empty.unwrap()).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "JSON_PARSER_ERROR"));
    assert!(
        body[0]["message"]
            .as_str()
            .unwrap()
            .contains("no entity body")
    );
    let (status, body) = bench
        .send(Method::POST, "/sobjects/Lead", &json!([1]))
        .await;
    assert_eq!((status.as_u16(), code(&body)), (400, "JSON_PARSER_ERROR"));
    assert!(
        !body[0]["message"]
            .as_str()
            .unwrap()
            .contains("no entity body")
    );
}

#[tokio::test]
async fn a_batch_survives_any_url_and_holds_no_composite() {
    let bench = Bench::new();
    let get = |url: &str| json!({ "method": "GET", "url": url });
    let composite = json!({ "method": "POST", "url": "v62.0/composite", "richInput": {} });
    let body = json!({ "batchRequests": [
        get("v62.0/limits"), get("/services/data/v62.0/limits"), get("é62.0/limits"),
        get(""), get("v20.0/limits"), composite,
    ] });
    let (status, body) = bench.send(Method::POST, "/composite/batch", &body).await;
    assert_eq!(status, 200, "{body}");
    let results = body["results"].as_array().unwrap();
    let statuses: Vec<_> = results
        .iter()
        .map(|one| one["statusCode"].clone())
        .collect();
    assert_eq!(statuses, [200, 200, 404, 404, 410, 404]);
}

#[tokio::test]
async fn resources_exist_from_the_version_that_brought_them() {
    let bench = Bench::new();
    let ask = async |version: u32, method: Method, path: &str| {
        let path = format!("/services/data/v{version}.0{path}");
        let request = bench.bare(method, &path).bearer_auth(&bench.token);
        taken(request.json(&json!({})).send().await.unwrap())
            .await
            .0
            .as_u16()
    };
    for (since, method, path) in [
        (41, Method::GET, "/jobs/ingest"),
        (42, Method::POST, "/composite/sobjects"),
        (46, Method::PATCH, "/composite/sobjects/Lead/Email"),
        (47, Method::GET, "/jobs/query"),
        (50, Method::POST, "/composite/graph"),
    ] {
        assert_eq!(ask(since - 1, method.clone(), path).await, 404, "{path}");
        assert_ne!(ask(since, method, path).await, 404, "{path}");
    }
}

#[tokio::test]
async fn insisting_on_a_duplicate_is_known_from_52_on() {
    let bench = Bench::new();
    bench.site.with_brain(|brain| {
        brain.rules.duplicates.push(DuplicateRule {
            name: "Same address".to_owned(),
            object: LEAD,
            is_active: true,
            field: "Email".to_owned(),
            against: vec![(LEAD, "Email".to_owned())],
            action: DuplicateAction::Alert,
            message: "Use one of these records?".to_owned(),
        });
    });
    let lead = json!({ "LastName": "x", "Company": "y", "Email": "a@x.example" });
    bench.lead(&lead).await;
    for (version, expected) in [(51, 400), (52, 201)] {
        let path = format!("/services/data/v{version}.0/sobjects/Lead");
        let request = bench.bare(Method::POST, &path).bearer_auth(&bench.token);
        let request = request.header("Sforce-Duplicate-Rule-Header", "allowSave=true");
        let (status, body) = taken(request.json(&lead).send().await.unwrap()).await;
        assert_eq!(status, expected, "{version} {body}");
    }
}

#[tokio::test]
async fn a_key_in_a_path_is_decoded_whatever_it_holds() {
    let bench = Bench::new();
    let lead = json!({ "LastName": "x", "Company": "y", "Email": "a+b=c@x.example" });
    let id = bench.lead(&lead).await;
    for key in [
        "a+b=c@x.example",
        "a%2Bb=c%40x.example",
        "a%2Bb%3Dc@x.example",
    ] {
        let (status, body) = bench
            .get(&format!("/sobjects/Lead/Email/{key}?fields=Id"))
            .await;
        assert_eq!(
            (status.as_u16(), body["Id"].as_str()),
            (200, Some(id.as_str())),
            "{key}"
        );
    }
}

#[tokio::test]
async fn a_date_that_is_none_is_refused_on_an_upsert_too() {
    let bench = Bench::new();
    bench
        .lead(&json!({ "LastName": "x", "Company": "y", "Email": "a@x.example" }))
        .await;
    let request = bench.ask(Method::PATCH, "/sobjects/Lead/Email/a@x.example");
    let request = request.header("If-Unmodified-Since", "yesterday");
    let (status, _) = taken(request.json(&json!({ "Phone": "1" })).send().await.unwrap()).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn accounts_alone_have_an_entity_tag() {
    let bench = Bench::new();
    let (_, made) = bench
        .send(Method::POST, "/sobjects/Account", &json!({ "Name": "A" }))
        .await;
    let account = format!("/sobjects/Account/{}", made["id"].as_str().unwrap());
    let read = bench.ask(Method::GET, &account).send().await.unwrap();
    let tag = read.headers()["etag"].to_str().unwrap().to_owned();
    let status = async |method, header: &str, tag: &str| {
        let request = bench.ask(method, &account).header(header, tag);
        let request = request.json(&json!({ "Phone": "1" }));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(Method::GET, "If-None-Match", &tag).await, 304);
    assert_eq!(status(Method::PATCH, "If-Match", "\"other\"").await, 412);
    bench.pass(1);
    assert_eq!(status(Method::PATCH, "If-Match", &tag).await, 204);
    assert_eq!(status(Method::PATCH, "If-Match", &tag).await, 412);
    let lead = bench
        .lead(&json!({ "LastName": "x", "Company": "y" }))
        .await;
    let read = bench.ask(Method::GET, &format!("/sobjects/Lead/{lead}"));
    assert!(!read.send().await.unwrap().headers().contains_key("etag"));
}

#[tokio::test]
async fn the_address_and_the_headers_share_one_limit() {
    let bench = Bench::new();
    let (status, _) = bench.get(&format!("/query?q={}", "x".repeat(17_000))).await;
    assert_eq!(status, 414);
    let request = bench.ask(Method::GET, "/limits");
    let request = request.header("x-long", "x".repeat(17_000));
    assert_eq!(request.send().await.unwrap().status(), 431);
}

#[tokio::test]
async fn a_union_of_subrequests_takes_a_collection_with_it() {
    let bench = Bench::new();
    let account = |name: Json| json!({ "attributes": { "type": "Account" }, "Name": name });
    let collection = json!({
        "method": "POST", "referenceId": "a", "url": "/services/data/v62.0/composite/sobjects",
        "body": { "allOrNone": false, "records": [account(json!("in")), account(Json::Null)] },
    });
    let row = json!({
        "method": "POST", "referenceId": "b", "url": "/services/data/v62.0/sobjects/Account",
        "body": { "Name": "out" },
    });
    let body = json!({ "allOrNone": true, "compositeRequest": [collection, row] });
    let (status, body) = bench.send(Method::POST, "/composite", &body).await;
    assert_eq!(status, 200);
    let codes = &body["compositeResponse"];
    assert_eq!(
        codes[0]["body"][0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
    assert_eq!(code(&codes[1]["body"]), "PROCESSING_HALTED");
    let (_, found) = bench.query("SELECT Id FROM Account").await;
    assert_eq!(found["totalSize"], 0);
}

#[tokio::test]
async fn a_query_job_ends_early_only_if_told_to() {
    let bench = Bench::new();
    let job = json!({ "operation": "query", "query": "SELECT Id FROM Lead" });
    let (_, made) = bench.send(Method::POST, "/jobs/query", &job).await;
    let path = format!("/jobs/query/{}", made["id"].as_str().unwrap());
    let (status, body) = bench
        .send(Method::PATCH, &path, &json!({ "state": "Odd" }))
        .await;
    assert_eq!((status.as_u16(), code(&body)), (400, "INVALIDJOBSTATE"));
    let (_, body) = bench
        .send(Method::PATCH, &path, &json!({ "state": "Aborted" }))
        .await;
    assert_eq!(body["state"], "Aborted");
}

#[tokio::test]
async fn the_days_jobs_count_against_their_own_limits() {
    let bench = Bench::new();
    let job = json!({ "object": "Lead", "operation": "insert" });
    let (_, made) = bench.send(Method::POST, "/jobs/ingest", &job).await;
    let path = format!("/jobs/ingest/{}", made["id"].as_str().unwrap());
    let upload = bench.ask(Method::PUT, &format!("{path}/batches"));
    let upload = upload
        .header("content-type", "text/csv")
        .body("LastName,Company\nx,y\n");
    assert_eq!(upload.send().await.unwrap().status(), 201);
    let closed = json!({ "state": "UploadComplete" });
    assert_eq!(bench.send(Method::PATCH, &path, &closed).await.0, 200);
    let query = json!({ "operation": "query", "query": "SELECT Id FROM Lead" });
    bench.send(Method::POST, "/jobs/query", &query).await;
    let (_, limits) = bench.get("/limits").await;
    assert_eq!(limits["DailyBulkApiBatches"]["Remaining"], 14_999);
    assert_eq!(limits["DailyBulkV2QueryJobs"]["Remaining"], 9_999);
}

#[tokio::test]
async fn updated_wants_more_than_a_minute_and_covers_whole_ones() {
    let bench = Bench::with(OrgConfig::default(), |site| site);
    let window = |start: &str, end: &str| {
        format!("/sobjects/Lead/updated/?start=2026-03-04T{start}Z&end=2026-03-04T{end}Z")
    };
    let (status, body) = bench.get(&window("09:10:00", "09:11:00")).await;
    assert_eq!(
        (status.as_u16(), code(&body)),
        (400, "INVALID_REPLICATION_DATE")
    );
    let early = "/sobjects/Lead/deleted/?start=2026-03-01T00:00:00Z&end=2026-03-04T00:00:00Z";
    let young = OrgConfig {
        created: Timestamp::parse_iso("2026-03-02T00:00:00Z").unwrap(),
        ..OrgConfig::default()
    };
    let young = Bench::with(young, |site| site);
    assert_eq!(
        code(&young.get(early).await.1),
        "INVALID_REPLICATION_DATE",
        "there was no organisation then"
    );
    assert_eq!(bench.get(early).await.0, 200);
    let (status, body) = bench.get(&window("09:10:00", "09:12:30")).await;
    assert_eq!(status, 200);
    assert_eq!(body["latestDateCovered"], "2026-03-04T09:12:00.000+0000");
}
