//! Collections and composites: one call each, whatever they carry.

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::Bench;
use crate::sim::salesforce::meter::CallKind;
use crate::sim::salesforce::rules::{DuplicateAction, DuplicateRule};
use crate::sim::salesforce::schema::{CONTACT, LEAD};

fn v(path: &str) -> String {
    format!("/services/data/v62.0/{path}")
}

fn sub(method: &str, reference: &str, path: &str, body: Json) -> Json {
    json!({ "method": method, "referenceId": reference, "url": v(path), "body": body })
}

#[tokio::test]
async fn collection_rows_call_the_code_status_code() {
    let bench = Bench::new();
    let body = json!({ "allOrNone": false, "records": [
        { "attributes": { "type": "Contact" }, "LastName": "Roy" },
        { "attributes": { "type": "Contact" }, "FirstName": "Léa" },
    ] });
    let (status, rows) = bench.send(Method::POST, "/composite/sobjects", &body).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(rows[0]["success"], true);
    assert_eq!(
        rows[1],
        json!({ "success": false, "errors": [{
        "message": "Required fields are missing: [LastName]",
        "statusCode": "REQUIRED_FIELD_MISSING",
        "fields": ["LastName"],
    }] })
    );
    let id = rows[0]["id"].as_str().unwrap();
    let body =
        json!({ "records": [{ "attributes": { "type": "Contact" }, "id": id, "Phone": "1" }] });
    let (_, rows) = bench
        .send(Method::PATCH, "/composite/sobjects", &body)
        .await;
    assert_eq!(rows, json!([{ "id": id, "success": true, "errors": [] }]));
    let ids = json!({ "ids": [id, "003Q7000000zzzzAAA"], "fields": ["Phone"] });
    let (_, rows) = bench
        .send(Method::POST, "/composite/sobjects/Contact", &ids)
        .await;
    assert_eq!((&rows[0]["Phone"], &rows[1]), (&json!("1"), &Json::Null));
    let (_, rows) = bench
        .get(&format!(
            "/composite/sobjects/Contact?ids={id}&fields=Id,Phone"
        ))
        .await;
    assert_eq!(rows[0]["Id"], id);
    let path = format!("/composite/sobjects?ids={id}&allOrNone=false");
    let (_, rows) = bench.send(Method::DELETE, &path, &Json::Null).await;
    assert_eq!(rows[0]["success"], true);
}

#[tokio::test]
async fn collection_upserts_say_whether_they_created() {
    let bench = Bench::new();
    let row = json!({ "attributes": { "type": "Contact" }, "LastName": "Roy", "Email": "roy@vega.example" });
    let body = json!({ "records": [row] });
    let path = "/composite/sobjects/Contact/Email";
    for created in [true, false] {
        let (status, rows) = bench.send(Method::PATCH, path, &body).await;
        assert_eq!(
            (status, &rows[0]["created"]),
            (StatusCode::OK, &json!(created)),
            "{rows}"
        );
    }
    let (status, body) = bench
        .send(Method::PATCH, "/composite/sobjects/Contact/Phone", &body)
        .await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::NOT_FOUND, &json!("NOT_FOUND"))
    );
}

#[tokio::test]
async fn duplicates_are_told_in_the_vendors_spelling_and_the_header_insists() {
    let bench = Bench::new();
    bench.site.with_brain(|brain| {
        brain.rules.duplicates.push(DuplicateRule {
            name: "Standard_Contact_Duplicate_Rule".to_owned(),
            object: CONTACT,
            is_active: true,
            field: "Email".to_owned(),
            against: vec![(CONTACT, "Email".to_owned())],
            action: DuplicateAction::Alert,
            message: "Use one of these records?".to_owned(),
        });
    });
    let body = json!({ "LastName": "Roy", "Email": "roy@vega.example" });
    bench.send(Method::POST, "/sobjects/Contact", &body).await;
    let (status, error) = bench.send(Method::POST, "/sobjects/Contact", &body).await;
    assert_eq!(
        (status, &error[0]["errorCode"]),
        (StatusCode::BAD_REQUEST, &json!("DUPLICATES_DETECTED"))
    );
    let found = &error[0]["duplicateResut"];
    assert_eq!(
        (&found["allowSave"], &found["matchResults"][0]["size"]),
        (&json!(true), &json!(1))
    );
    let insisting = bench
        .ask(Method::POST, "/sobjects/Contact")
        .header("Sforce-Duplicate-Rule-Header", "allowSave=true");
    assert_eq!(
        insisting.json(&body).send().await.unwrap().status(),
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn a_composite_is_one_call_and_its_steps_may_refer_to_each_other() {
    let bench = Bench::new();
    let body = json!({ "collateSubrequests": false, "compositeRequest": [
        sub("POST", "acc", "sobjects/Account", json!({ "Name": "Vega" })),
        sub("POST", "con", "sobjects/Contact", json!({ "LastName": "Roy", "AccountId": "@{acc.id}" })),
        sub("GET", "q", "query?q=SELECT+Id,Account.Name+FROM+Contact+WHERE+Id='@{con.id}'", Json::Null),
        sub("PATCH", "con2", "sobjects/Contact/@{q.records[0].Id}", json!({ "Phone": "1" })),
        sub("GET", "bad", "sobjects/Contact/@{nope.id}", Json::Null),
    ] });
    let (status, answer) = bench.send(Method::POST, "/composite", &body).await;
    assert_eq!(status, StatusCode::OK);
    let steps = answer["compositeResponse"].as_array().unwrap();
    let codes: Vec<_> = steps
        .iter()
        .map(|step| step["httpStatusCode"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [201, 201, 200, 204, 400], "{answer}");
    assert!(
        steps[0]["httpHeaders"]["Location"]
            .as_str()
            .unwrap()
            .starts_with("/services/data/v62.0/sobjects/Account/001")
    );
    assert_eq!(steps[2]["body"]["records"][0]["Account"]["Name"], "Vega");
    assert_eq!(
        (&steps[3]["body"], &steps[3]["referenceId"]),
        (&Json::Null, &json!("con2"))
    );
    assert_eq!(steps[4]["body"][0]["errorCode"], "PROCESSING_HALTED");
    let calls = bench.site.with_brain(|brain| brain.calls().clone());
    assert_eq!(
        calls.into_iter().collect::<Vec<_>>(),
        [(CallKind::Composite, 1)]
    );
}

#[tokio::test]
async fn all_or_none_halts_and_undoes_every_step() {
    let bench = Bench::new();
    let body = json!({ "allOrNone": true, "compositeRequest": [
        sub("POST", "a", "sobjects/Lead", json!({ "LastName": "Roy", "Company": "Vega" })),
        sub("POST", "b", "sobjects/Lead", json!({ "LastName": "Roy" })),
        sub("POST", "c", "sobjects/Lead", json!({ "LastName": "Blanc", "Company": "Vega" })),
    ] });
    let (_, answer) = bench.send(Method::POST, "/composite", &body).await;
    let code = |at: usize| answer["compositeResponse"][at]["body"][0]["errorCode"].clone();
    assert_eq!(
        [code(0), code(1), code(2)],
        [
            json!("PROCESSING_HALTED"),
            json!("REQUIRED_FIELD_MISSING"),
            json!("PROCESSING_HALTED")
        ]
    );
    assert_eq!(bench.site.with_brain(|brain| brain.count(LEAD)), 0);
}

#[tokio::test]
async fn subrequests_carry_their_own_conditions() {
    let bench = Bench::new();
    let id = bench
        .lead(&json!({ "LastName": "Roy", "Company": "Vega" }))
        .await;
    let mut patch = sub(
        "PATCH",
        "p",
        &format!("sobjects/Lead/{id}"),
        json!({ "Fax": "1" }),
    );
    patch["httpHeaders"] = json!({ "If-Unmodified-Since": "Wed, 04 Mar 2026 09:00:00 GMT" });
    let (_, answer) = bench
        .send(
            Method::POST,
            "/composite",
            &json!({ "compositeRequest": [patch] }),
        )
        .await;
    assert_eq!(answer["compositeResponse"][0]["httpStatusCode"], 412);
}

#[tokio::test]
async fn composites_are_bounded_and_reference_ids_are_words() {
    let bench = Bench::new();
    let query = |n: usize| {
        sub(
            "GET",
            &format!("q{n}"),
            "query?q=SELECT+Id+FROM+Lead",
            Json::Null,
        )
    };
    let many =
        |count: usize| json!({ "compositeRequest": (0..count).map(query).collect::<Vec<_>>() });
    assert_eq!(
        bench.send(Method::POST, "/composite", &many(5)).await.0,
        StatusCode::OK
    );
    let (status, body) = bench.send(Method::POST, "/composite", &many(6)).await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::BAD_REQUEST, &json!("LIMIT_EXCEEDED"))
    );
    let dashed = json!({ "compositeRequest": [sub("GET", "a-b", "limits", Json::Null)] });
    assert_eq!(
        bench.send(Method::POST, "/composite", &dashed).await.0,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_batch_counts_every_step() {
    let bench = Bench::new();
    let body = json!({ "batchRequests": [
        { "method": "GET", "url": "v62.0/limits" },
        { "method": "GET", "url": "v62.0/sobjects/Lead/00QQ7000000zzzz" },
    ] });
    let (_, answer) = bench.send(Method::POST, "/composite/batch", &body).await;
    assert_eq!(
        (&answer["hasErrors"], &answer["results"][1]["statusCode"]),
        (&json!(true), &json!(404))
    );
    let used = bench
        .site
        .with_brain(|brain| brain.calls()[&CallKind::Batch]);
    assert_eq!(used, 2);
}
