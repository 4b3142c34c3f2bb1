//! Trees and graphs: records that are created together.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::Bench;

fn node(kind: &str, reference: &str, fields: Json) -> Json {
    let mut record = fields;
    record["attributes"] = json!({ "type": kind, "referenceId": reference });
    record
}

#[tokio::test]
async fn a_tree_grows_whole_or_not_at_all() {
    let bench = Bench::new();
    let tree = |last_name: Json| {
        let contact = node("Contact", "c", json!({ "LastName": last_name }));
        let children = json!({ "records": [contact] });
        json!({ "records": [node("Account", "a", json!({ "Name": "A", "Contacts": children }))] })
    };
    let path = "/composite/tree/Account";
    let (status, body) = bench.send(Method::POST, path, &tree(Json::Null)).await;
    assert_eq!(status, 400);
    assert_eq!(body["hasErrors"], true);
    assert_eq!(body["results"][0]["referenceId"], "c");
    let error = &body["results"][0]["errors"][0];
    assert_eq!(error["statusCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(
        bench.query("SELECT Id FROM Account").await.1["totalSize"],
        0
    );

    let (status, body) = bench.send(Method::POST, path, &tree(json!("Roy"))).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(body["hasErrors"], false);
    assert_eq!(body["results"][1]["referenceId"], "c");
    let (_, found) = bench.query("SELECT Account.Name FROM Contact").await;
    assert_eq!(found["records"][0]["Account"]["Name"], "A");
}

#[tokio::test]
async fn a_tree_of_more_than_200_records_is_refused() {
    let bench = Bench::new();
    let records: Vec<Json> = (0..201)
        .map(|n| node("Account", &format!("r{n}"), json!({ "Name": "A" })))
        .collect();
    let body = json!({ "records": records });
    let (status, _) = bench
        .send(Method::POST, "/composite/tree/Account", &body)
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        bench.query("SELECT Id FROM Account").await.1["totalSize"],
        0
    );
}

#[tokio::test]
async fn each_graph_stands_or_falls_alone() {
    let bench = Bench::new();
    let create = |reference: &str, object: &str, body: Json| {
        json!({ "method": "POST", "referenceId": reference, "body": body,
                "url": format!("/services/data/v62.0/sobjects/{object}") })
    };
    let graph = |id: &str, last_name: Json| {
        let contact = json!({ "LastName": last_name, "AccountId": "@{a.id}" });
        json!({ "graphId": id, "compositeRequest": [
            create("a", "Account", json!({ "Name": id })), create("c", "Contact", contact),
        ] })
    };
    let body = json!({ "graphs": [graph("1", json!("Roy")), graph("2", Json::Null)] });
    let (status, body) = bench.send(Method::POST, "/composite/graph", &body).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["graphs"][0]["isSuccessful"], true);
    assert_eq!(body["graphs"][1]["isSuccessful"], false);
    let responses = &body["graphs"][1]["graphResponse"]["compositeResponse"];
    assert_eq!(responses[0]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(
        responses[1]["body"][0]["errorCode"],
        "REQUIRED_FIELD_MISSING"
    );
    let (_, found) = bench.query("SELECT Name FROM Account").await;
    assert_eq!(
        (found["totalSize"].clone(), &found["records"][0]["Name"]),
        (json!(1), &json!("1"))
    );
}

#[tokio::test]
async fn graphs_hold_single_records_only_and_stop_after_fourteen_failures() {
    let bench = Bench::new();
    let graph = |id: usize, url: &str| {
        json!({ "graphId": id.to_string(), "compositeRequest": [
            { "method": "POST", "referenceId": "a", "url": url, "body": {} },
        ] })
    };
    let query = json!({ "graphs": [graph(0, "/services/data/v62.0/query?q=SELECT+Id+FROM+Lead")] });
    assert_eq!(
        bench.send(Method::POST, "/composite/graph", &query).await.0,
        400
    );
    let graphs = |count| {
        let graphs = (0..count).map(|id| graph(id, "/services/data/v62.0/sobjects/Lead"));
        json!({ "graphs": graphs.collect::<Vec<_>>() })
    };
    assert_eq!(
        bench
            .send(Method::POST, "/composite/graph", &graphs(76))
            .await
            .0,
        400
    );
    let (_, body) = bench
        .send(Method::POST, "/composite/graph", &graphs(15))
        .await;
    let code = |at: usize| {
        let response = &body["graphs"][at]["graphResponse"]["compositeResponse"][0];
        response["body"][0]["errorCode"].clone()
    };
    assert_eq!(code(13), "REQUIRED_FIELD_MISSING");
    assert_eq!(code(14), "PROCESSING_HALTED");
}
