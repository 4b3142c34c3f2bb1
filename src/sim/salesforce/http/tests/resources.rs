//! Each resource once on its happy path, and every shape of error.

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::{Bench, taken};
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::org::{ListedSite, OrgConfig, Salesforce};
use crate::sim::salesforce::schema::{FieldAccess, FieldDef, LEAD};

#[tokio::test]
async fn versions_need_no_session_and_are_not_metered() {
    let bench = Bench::new();
    let response = bench
        .bare(Method::GET, "/services/data/")
        .send()
        .await
        .unwrap();
    assert!(!response.headers().contains_key("sforce-limit-info"));
    let (_, body) = taken(response).await;
    let last = body.as_array().unwrap().last().unwrap();
    assert_eq!(
        last,
        &json!({
            "label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"
        })
    );
}

#[tokio::test]
async fn every_answer_carries_the_meter_and_the_simulated_date() {
    let bench = Bench::new();
    for expected in ["api-usage=1/115000", "api-usage=2/115000"] {
        let response = bench.ask(Method::GET, "/limits").send().await.unwrap();
        assert_eq!(response.headers()["sforce-limit-info"], expected);
        assert_eq!(response.headers()["date"], "Wed, 04 Mar 2026 09:15:02 GMT");
    }
    let (_, limits) = bench.get("/limits/").await;
    assert_eq!(
        limits["DailyApiRequests"],
        json!({ "Max": 115_000, "Remaining": 114_997 })
    );
}

#[tokio::test]
async fn a_spent_allocation_refuses_with_403() {
    let bench = Bench::with(
        OrgConfig {
            daily_api_requests: 1,
            ..OrgConfig::default()
        },
        |s| s,
    );
    assert_eq!(bench.get("/sobjects").await.0, StatusCode::OK);
    let (status, body) = bench.get("/sobjects").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(
        body,
        json!([{
            "message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"
        }])
    );
}

#[tokio::test]
async fn sessions_and_versions_are_checked_before_anything_else() {
    let bench = Bench::new();
    let path = "/services/data/v62.0/limits";
    let dead = bench
        .bare(Method::GET, path)
        .bearer_auth("nope")
        .send()
        .await
        .unwrap();
    let (status, body) = taken(dead).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        body,
        json!([{
            "message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"
        }])
    );
    let header = bench
        .bare(Method::GET, path)
        .header("authorization", "Basic x")
        .send()
        .await;
    assert_eq!(
        taken(header.unwrap()).await.1[0]["errorCode"],
        "INVALID_AUTH_HEADER"
    );
    let old = bench
        .bare(Method::GET, "/services/data/v30.0/limits")
        .send()
        .await
        .unwrap();
    let (status, body) = taken(old).await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::GONE, &json!("GONE"))
    );
    bench.site.with_brain(Salesforce::expire_sessions);
    assert_eq!(bench.get("/limits").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_row_lives_from_post_to_delete() {
    let bench = Bench::new();
    let body = json!({ "LastName": " Roy ", "Company": "Vega", "AnnualRevenue": 1234,
                       "NumberOfEmployees": 12, "Title": "" });
    let id = bench.lead(&body).await;
    let (status, row) = bench
        .get(&format!(
            "/sobjects/lead/{id}?fields=LastName,AnnualRevenue,Title,NumberOfEmployees,CreatedDate"
        ))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        row["attributes"],
        json!({
            "type": "Lead", "url": format!("/services/data/v62.0/sobjects/Lead/{id}")
        })
    );
    assert_eq!(
        (&row["LastName"], &row["Title"]),
        (&json!("Roy"), &Json::Null)
    );
    assert_eq!(row["AnnualRevenue"].to_string(), "1234.0");
    assert_eq!(row["NumberOfEmployees"].to_string(), "12");
    assert_eq!(row["CreatedDate"], "2026-03-04T09:15:02.000+0000");
    let patch = json!({ "Phone": "0102030405" });
    let path = format!("/sobjects/Lead/{}", &id[..15]);
    assert_eq!(
        bench.send(Method::PATCH, &path, &patch).await,
        (StatusCode::NO_CONTENT, Json::Null)
    );
    let with_id = bench.send(Method::PATCH, &path, &json!({ "Id": id })).await;
    assert_eq!(with_id.1[0]["errorCode"], "INVALID_FIELD");
    let gone = bench.ask(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let (status, body) = bench.get(&path).await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::NOT_FOUND, &json!("ENTITY_IS_DELETED"))
    );
    let (status, body) = bench.get("/sobjects/Lead/00QQ7000000zzzz").await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::NOT_FOUND, &json!("NOT_FOUND"))
    );
}

#[tokio::test]
async fn top_level_errors_name_code_message_and_fields() {
    let bench = Bench::new();
    let (status, body) = bench
        .send(
            Method::POST,
            "/sobjects/Lead",
            &json!({ "Email": "a@b.example" }),
        )
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        body,
        json!([{
            "message": "Required fields are missing: [LastName, Company]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": ["LastName", "Company"],
        }])
    );
    let broken = bench
        .ask(Method::POST, "/sobjects/Lead")
        .body("{\"LastName\":")
        .send()
        .await;
    let (status, body) = taken(broken.unwrap()).await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::BAD_REQUEST, &json!("JSON_PARSER_ERROR"))
    );
    let (status, body) = bench.send(Method::PUT, "/sobjects/Lead", &json!({})).await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::METHOD_NOT_ALLOWED, &json!("METHOD_NOT_ALLOWED"))
    );
    let (status, _) = bench.get("/nothing/here").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let long = format!(
        "/query?q=SELECT+Id+FROM+Lead+WHERE+Id+IN+({})",
        "x".repeat(16_384)
    );
    assert_eq!(bench.get(&long).await.0, StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn conditional_requests_compare_the_last_modification_to_the_second() {
    let bench = Bench::new();
    let id = bench
        .lead(&json!({ "LastName": "Roy", "Company": "Vega" }))
        .await;
    let path = format!("/sobjects/Lead/{id}");
    let patch = |since: &'static str| {
        bench
            .ask(Method::PATCH, &path)
            .header("if-unmodified-since", since)
            .json(&json!({ "Fax": "1" }))
            .send()
    };
    let (status, body) = taken(patch("Wed, 04 Mar 2026 09:15:01 GMT").await.unwrap()).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(body[0]["errorCode"], "MATCH_PRECONDITION_FAILED");
    assert_eq!(
        patch("yesterday").await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
    let same = patch("Wed, 04 Mar 2026 09:15:02 GMT").await.unwrap();
    assert_eq!(same.status(), StatusCode::NO_CONTENT);
    let read = bench
        .ask(Method::GET, &path)
        .header("if-modified-since", "Wed, 04 Mar 2026 09:15:02 GMT");
    assert_eq!(
        read.send().await.unwrap().status(),
        StatusCode::NOT_MODIFIED
    );
}

#[tokio::test]
async fn upsert_by_key_answers_201_200_300_and_404() {
    let bench = Bench::new();
    let path = "/sobjects/Contact/Email/roy%40vega.example";
    let (status, body) = bench
        .send(
            Method::PATCH,
            &format!("{path}?updateOnly=true"),
            &json!({ "LastName": "Roy" }),
        )
        .await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::NOT_FOUND, &json!("NOT_FOUND"))
    );
    let (status, body) = bench
        .send(Method::PATCH, path, &json!({ "LastName": "Roy" }))
        .await;
    assert_eq!(
        (status, &body["created"]),
        (StatusCode::CREATED, &json!(true))
    );
    let (status, body) = bench
        .send(Method::PATCH, path, &json!({ "FirstName": "Léa" }))
        .await;
    assert_eq!((status, &body["created"]), (StatusCode::OK, &json!(false)));
    let repeated = bench
        .send(Method::PATCH, path, &json!({ "email": "x@y.example" }))
        .await;
    assert_eq!(repeated.1[0]["errorCode"], "INVALID_FIELD");
    let twin = json!({ "LastName": "Roi", "Email": "ROY@vega.example" });
    bench.send(Method::POST, "/sobjects/Contact", &twin).await;
    let (status, body) = bench
        .send(Method::PATCH, path, &json!({ "FirstName": "Léo" }))
        .await;
    assert_eq!(status, StatusCode::MULTIPLE_CHOICES);
    let urls = body.as_array().unwrap();
    assert!(
        urls.len() == 2
            && urls[0]
                .as_str()
                .unwrap()
                .starts_with("/services/data/v62.0/sobjects/Contact/003")
    );
}

#[tokio::test]
async fn queries_nest_parents_and_page_by_locator() {
    let bench = Bench::new();
    for number in 0..201 {
        let body = json!({ "LastName": format!("N{number}"), "Company": "Vega", "City": "Lyon" });
        bench.lead(&body).await;
    }
    let soql =
        "SELECT Id, Address, Owner.Type, Owner.Name, ConvertedAccount.Name FROM Lead ORDER BY Id";
    let request = bench.ask(Method::GET, "/query/").query(&[("q", soql)]);
    let request = request.header("Sforce-Query-Options", "batchSize=200");
    let (status, page) = taken(request.send().await.unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&page["totalSize"], &page["done"]),
        (&json!(201), &json!(false))
    );
    let first = &page["records"][0];
    assert_eq!(first["Owner"]["Type"], "User");
    assert!(
        first["Owner"]["attributes"]["url"]
            .as_str()
            .unwrap()
            .contains("/sobjects/User/005")
    );
    assert_eq!(first["ConvertedAccount"], Json::Null);
    assert_eq!(first["Address"]["city"], "Lyon");
    let next = page["nextRecordsUrl"]
        .as_str()
        .unwrap()
        .strip_prefix("/services/data/v62.0")
        .unwrap();
    let (_, last) = bench.get(next).await;
    assert_eq!(
        (
            last["done"].clone(),
            last["records"].as_array().unwrap().len()
        ),
        (json!(true), 1)
    );
    let (status, body) = bench.get("/query/01gQ70000000zzz-200").await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::BAD_REQUEST, &json!("INVALID_QUERY_LOCATOR"))
    );
    let (status, body) = bench.query("SELECT Nope FROM Lead").await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::BAD_REQUEST, &json!("INVALID_FIELD"))
    );
}

#[tokio::test]
async fn describe_hides_what_security_hides_and_says_when_nothing_changed() {
    let bench = Bench::new();
    let response = bench
        .ask(Method::GET, "/sobjects/mautic_timeline__c/describe")
        .send()
        .await
        .unwrap();
    let modified = response.headers()["last-modified"].clone();
    let (_, body) = taken(response).await;
    let field = |body: &Json, name: &str| {
        body["fields"]
            .as_array()
            .unwrap()
            .iter()
            .find(|field| field["name"] == name)
            .cloned()
    };
    let long = field(&body, "Description__c").unwrap();
    assert_eq!(
        (
            &long["length"],
            &long["byteLength"],
            &long["extraTypeInfo"],
            &long["filterable"]
        ),
        (
            &json!(131_072),
            &json!(393_216),
            &json!("plaintextarea"),
            &json!(false)
        )
    );
    let number = field(&body, "MauticLead__c").unwrap();
    assert_eq!(
        (
            &number["precision"],
            &number["externalId"],
            &number["unique"]
        ),
        (&json!(18), &json!(true), &json!(false))
    );
    let lookup = field(&body, "contact_id__c").unwrap();
    assert_eq!(
        (&lookup["referenceTo"], &lookup["relationshipName"]),
        (&json!(["Contact"]), &json!("contact_id__r"))
    );
    let again = bench
        .ask(Method::GET, "/sobjects/mautic_timeline__c/describe")
        .header("if-modified-since", modified);
    assert_eq!(
        again.send().await.unwrap().status(),
        StatusCode::NOT_MODIFIED
    );
    let now = Timestamp::from_millis(super::START_MS);
    bench
        .site
        .with_brain(|brain| brain.grant(LEAD, "Phone", FieldAccess::Hidden, now));
    bench
        .site
        .with_brain(|brain| brain.grant(LEAD, "Fax", FieldAccess::ReadOnly, now));
    let (_, lead) = bench.get("/sobjects/Lead/describe/").await;
    assert_eq!(field(&lead, "Phone"), None);
    assert_eq!(field(&lead, "Fax").unwrap()["updateable"], false);
    let (status, body) = bench.get("/sobjects/Nope/describe").await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::NOT_FOUND, &json!("NOT_FOUND"))
    );
}

#[tokio::test]
async fn setup_tables_tell_a_hidden_field_from_a_missing_one() {
    let bench = Bench::new();
    bench.site.with_brain(|brain| {
        let now = Timestamp::from_millis(super::START_MS);
        brain.grant(LEAD, "HasOptedOutOfEmail", FieldAccess::Hidden, now);
        brain.track_history(LEAD, "HasOptedOutOfEmail", true);
        let url = "https://acme.automation.example".to_owned();
        brain.setup.remote_sites.push(ListedSite {
            name: "Automation".to_owned(),
            url,
            is_active: true,
        });
    });
    let soql = "SELECT QualifiedApiName, IsFieldHistoryTracked FROM FieldDefinition WHERE \
                EntityDefinition.QualifiedApiName = 'Lead' AND QualifiedApiName = 'HasOptedOutOfEmail'";
    let tooling = |soql: &'static str| {
        bench
            .ask(Method::GET, "/tooling/query/")
            .query(&[("q", soql)])
            .send()
    };
    let (_, body) = taken(tooling(soql).await.unwrap()).await;
    assert_eq!(body["records"][0]["IsFieldHistoryTracked"], true);
    let (_, body) = taken(
        tooling("SELECT SiteName, EndpointUrl FROM RemoteProxy")
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        body["records"][0]["EndpointUrl"],
        "https://acme.automation.example"
    );
    // The definitions are narrower than other tables.
    for condition in [
        "QualifiedApiName LIKE '%Opted%'",
        "QualifiedApiName = 'Phone' OR QualifiedApiName = 'Fax'",
        "NOT QualifiedApiName = 'Phone'",
    ] {
        let soql = format!("SELECT QualifiedApiName FROM FieldDefinition WHERE {condition}");
        let asked = bench
            .ask(Method::GET, "/tooling/query/")
            .query(&[("q", soql)]);
        let (status, body) = taken(asked.send().await.unwrap()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{condition}: {body}");
    }
}

#[tokio::test]
async fn replication_lists_take_both_spellings_of_their_path() {
    let bench = Bench::new();
    let id = bench
        .lead(&json!({ "LastName": "Roy", "Company": "Vega" }))
        .await;
    bench.pass(120);
    let window = "start=2026-03-04T09%3A00%3A00%2B00%3A00&end=2026-03-04T09%3A17%3A00Z";
    for slash in ["", "/"] {
        let (status, body) = bench
            .get(&format!("/sobjects/Lead/updated{slash}?{window}"))
            .await;
        assert_eq!((status, &body["ids"]), (StatusCode::OK, &json!([id])));
        assert_eq!(body["latestDateCovered"], "2026-03-04T09:17:00.000+0000");
    }
    bench
        .ask(Method::DELETE, &format!("/sobjects/Lead/{id}"))
        .send()
        .await
        .unwrap();
    let later = window.replace("09%3A17", "09%3A20");
    let (_, body) = bench.get(&format!("/sobjects/Lead/deleted?{later}")).await;
    assert_eq!(
        body["deletedRecords"],
        json!([{ "id": id, "deletedDate": "2026-03-04T09:17:02.000+0000" }])
    );
}

#[tokio::test]
async fn a_bulk_job_goes_through_its_files() {
    let bench = Bench::new();
    let now = Timestamp::from_millis(super::START_MS);
    bench.site.with_brain(|brain| {
        brain.add_field(LEAD, FieldDef::text("Key__c", "Key", 20).external_id(), now)
    });
    let job = json!({ "object": "Lead", "operation": "upsert", "externalIdFieldName": "Key__c",
                      "contentType": "CSV", "lineEnding": "LF" });
    let (status, job) = bench.send(Method::POST, "/jobs/ingest", &job).await;
    assert_eq!(
        (status, &job["state"], job["apiVersion"].to_string()),
        (StatusCode::OK, &json!("Open"), "62.0".to_owned())
    );
    let url = job["contentUrl"].as_str().unwrap().to_owned();
    let put = bench
        .bare(Method::PUT, &format!("/{url}"))
        .bearer_auth(&bench.token);
    let csv = "Key__c,LastName,Company\nk1,Roy,Vega\nk2,,Vega\n";
    let put = put
        .header("content-type", "text/csv")
        .body(csv)
        .send()
        .await
        .unwrap();
    assert_eq!(put.status(), StatusCode::CREATED);
    let path = format!("/jobs/ingest/{}", job["id"].as_str().unwrap());
    bench
        .send(Method::PATCH, &path, &json!({ "state": "UploadComplete" }))
        .await;
    bench.pass(60);
    let (_, info) = bench.get(&path).await;
    assert_eq!(
        (&info["state"], &info["numberRecordsFailed"]),
        (&json!("JobComplete"), &json!(1))
    );
    let file = |name: &str| bench.ask(Method::GET, &format!("{path}/{name}")).send();
    let failed = file("failedResults").await.unwrap().text().await.unwrap();
    assert!(
        failed
            .contains("REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"),
        "{failed}"
    );
    assert!(
        file("successfulResults/")
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .contains("\"true\",\"k1\"")
    );
    assert_eq!(
        file("unprocessedrecords").await.unwrap().status(),
        StatusCode::OK
    );
    let other = path.replace("/jobs", "/services/data/v61.0/jobs");
    let other = bench
        .bare(Method::GET, &other)
        .bearer_auth(&bench.token)
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_small_bulk_job_fits_in_one_multipart_request() {
    let bench = Bench::new();
    let body = "--b\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n\
                {\"object\":\"Account\",\"operation\":\"insert\"}\r\n--b\r\nContent-Type: text/csv\r\n\
                Content-Disposition: form-data; name=\"content\"; filename=\"content\"\r\n\r\nName\nVega\n\r\n--b--\r\n";
    let request = bench
        .ask(Method::POST, "/jobs/ingest")
        .header("content-type", "multipart/form-data; boundary=b");
    let (status, job) = taken(request.body(body).send().await.unwrap()).await;
    assert_eq!(
        (status, &job["state"]),
        (StatusCode::OK, &json!("UploadComplete")),
        "{job}"
    );
    bench.pass(60);
    let (_, job) = bench
        .get(&format!("/jobs/ingest/{}", job["id"].as_str().unwrap()))
        .await;
    assert_eq!(
        (&job["state"], &job["numberRecordsProcessed"]),
        (&json!("JobComplete"), &json!(1))
    );
}

#[tokio::test]
async fn a_bulk_query_ends_with_the_word_null() {
    let bench = Bench::new();
    bench
        .lead(&json!({ "LastName": "Roy", "Company": "Vega" }))
        .await;
    let job = json!({ "operation": "query", "query": "SELECT Id, CreatedDate FROM Lead" });
    let (_, job) = bench.send(Method::POST, "/jobs/query", &job).await;
    bench.pass(60);
    let path = format!("/jobs/query/{}", job["id"].as_str().unwrap());
    let results = bench
        .ask(Method::GET, &format!("{path}/results?maxRecords=10"))
        .send()
        .await
        .unwrap();
    assert_eq!(results.headers()["sforce-locator"], "null");
    assert_eq!(results.headers()["sforce-numberofrecords"], "1");
    assert!(
        results
            .text()
            .await
            .unwrap()
            .contains("2026-03-04T09:15:02.000Z")
    );
    let (_, pages) = bench.get(&format!("{path}/resultPages")).await;
    assert_eq!(
        (
            pages["resultPages"].as_array().unwrap().len(),
            &pages["done"]
        ),
        (1, &json!(true))
    );
}
