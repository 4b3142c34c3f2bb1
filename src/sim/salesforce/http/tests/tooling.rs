//! What of the set-up can be seen and changed through the Tooling API.

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::Bench;
use crate::sim::salesforce::rules::{DuplicateAction, DuplicateRule, ValidationRule};
use crate::sim::salesforce::schema::LEAD;
use crate::sim::salesforce::soql::ast::{Expr, Literal, Op};

#[tokio::test]
async fn fields_are_made_changed_and_deleted_through_tooling_and_hidden_at_first() {
    let bench = Bench::new();
    let path = "/tooling/sobjects/CustomField";
    let field = |name: &str, metadata: Json| json!({ "FullName": name, "Metadata": metadata });
    let text = json!({ "label": "Note", "type": "Text", "length": 80 });
    let (status, made) = bench
        .send(Method::POST, path, &field("Lead.Note__c", text.clone()))
        .await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        (&made["success"], &made["infos"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(bench.has_field("Lead", "Note__c").await, None);
    let own = format!("{path}/{}", made["id"].as_str().unwrap());
    let unique = json!({ "Metadata": { "label": "Note", "type": "Text", "length": 80, "unique": true, "externalId": true } });
    assert_eq!(bench.send(Method::PATCH, &own, &unique).await.0, 204);
    let (_, read) = bench.get(&own).await;
    assert_eq!(
        (&read["FullName"], &read["Metadata"]["unique"]),
        (&json!("Lead.Note__c"), &json!(true))
    );
    let shorter = json!({ "Metadata": { "label": "Note", "type": "Text", "length": 40 } });
    assert_eq!(
        bench.send(Method::PATCH, &own, &shorter).await.1[0]["errorCode"],
        "FIELD_INTEGRITY_EXCEPTION"
    );
    assert_eq!(
        bench
            .ask(Method::DELETE, &own)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert_eq!(bench.get(&own).await.0, StatusCode::NOT_FOUND);
    let (status, _) = bench
        .send(Method::POST, "/tooling/sobjects/RemoteProxy", &json!({}))
        .await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn fields_that_are_none_are_refused() {
    let bench = Bench::new();
    let path = "/tooling/sobjects/CustomField";
    let field = |name: &str, metadata: Json| json!({ "FullName": name, "Metadata": metadata });
    let text = json!({ "label": "Note", "type": "Text", "length": 80 });
    let made = bench
        .send(Method::POST, path, &field("Lead.Note__c", text.clone()))
        .await;
    assert_eq!(made.0, 201, "{}", made.1);
    for (body, code) in [
        (
            field("Lead.Note__c", text.clone()),
            "DUPLICATE_DEVELOPER_NAME",
        ),
        (
            field("Nope__c.Note__c", text.clone()),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        ),
        (json!({ "FullName": "Lead.B__c" }), "REQUIRED_FIELD_MISSING"),
        (
            json!({ "FullName": "Lead.B__c", "Metadata": {}, "Colour": "red" }),
            "INVALID_FIELD",
        ),
        (field("Lead.B", text.clone()), "INVALID_FIELD"),
        (
            field("Lead.B__c", json!({ "type": "Text", "length": 80 })),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
        (
            field(
                "Lead.B__c",
                json!({ "label": "é".repeat(41), "type": "Text", "length": 80 }),
            ),
            "STRING_TOO_LONG",
        ),
        (
            field("Lead.B__c", json!({ "label": "B", "type": "Colour" })),
            "JSON_PARSER_ERROR",
        ),
        (
            field(
                "Lead.B__c",
                json!({ "label": "B", "type": "Text", "length": 256 }),
            ),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
        (
            field(
                "Lead.B__c",
                json!({ "label": "B", "type": "Lookup", "referenceTo": "Nope__c" }),
            ),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
    ] {
        let (_, answer) = bench.send(Method::POST, path, &body).await;
        assert_eq!(answer[0]["errorCode"], code, "{body}: {answer}");
    }
}

#[tokio::test]
async fn rules_are_listed_and_a_validation_rule_can_be_switched_off() {
    let bench = Bench::new();
    bench.site.with_brain(|brain| {
        brain.rules.validations.push(ValidationRule {
            name: "Telephone_requis".to_owned(),
            object: LEAD,
            is_active: true,
            formula: "ISBLANK(Phone)".to_owned(),
            refuses_when: Expr::compare("Phone", Op::Equal, Literal::Null),
            message: "Un téléphone !".to_owned(),
            field: Some("Phone".to_owned()),
        });
        brain.rules.duplicates.push(DuplicateRule {
            name: "Standard_Lead_Rule".to_owned(),
            object: LEAD,
            is_active: true,
            field: "Email".to_owned(),
            against: vec![(LEAD, "Email".to_owned())],
            action: DuplicateAction::Block,
            message: "Doublon".to_owned(),
        });
    });
    let (_, body) = bench.tooling("SELECT Id, ValidationName, Active, ErrorMessage, ErrorDisplayField, Metadata FROM ValidationRule WHERE EntityDefinition.QualifiedApiName = 'Lead'").await;
    let rule = body["records"][0].clone();
    assert_eq!(rule["Metadata"]["errorConditionFormula"], "ISBLANK(Phone)");
    let lead = json!({ "LastName": "Roy", "Company": "Vega" });
    assert_eq!(bench.post("Lead", &lead).await.0, StatusCode::BAD_REQUEST);
    let mut metadata = rule["Metadata"].clone();
    metadata["active"] = json!(false);
    let path = format!(
        "/tooling/sobjects/ValidationRule/{}",
        rule["Id"].as_str().unwrap()
    );
    assert_eq!(
        bench
            .send(Method::PATCH, &path, &json!({ "Metadata": metadata }))
            .await
            .0,
        204
    );
    assert_eq!(bench.post("Lead", &lead).await.0, StatusCode::CREATED);

    let (_, body) = bench
        .query("SELECT DeveloperName, SobjectType, IsActive FROM DuplicateRule")
        .await;
    assert_eq!(body["records"][0]["SobjectType"], "Lead");
}

#[tokio::test]
async fn layouts_are_read_one_at_a_time_and_take_known_related_lists() {
    let bench = Bench::new();
    // The data API knows nothing of layouts and sites.
    assert_eq!(
        bench.query("SELECT Id FROM Layout").await.1[0]["errorCode"],
        "INVALID_TYPE"
    );
    let (status, body) = bench.tooling("SELECT Id, Metadata FROM Layout").await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::BAD_REQUEST, &json!("MALFORMED_QUERY"))
    );
    let (_, body) = bench
        .tooling("SELECT Id, Name FROM Layout WHERE TableEnumOrId = 'Lead' ORDER BY Name")
        .await;
    let path = format!(
        "/tooling/sobjects/Layout/{}",
        body["records"][0]["Id"].as_str().unwrap()
    );
    let (_, layout) = bench.get(&path).await;
    let mut metadata = layout["Metadata"].clone();
    let list = &metadata["relatedLists"][2];
    assert_eq!(list["relatedList"], "mautic_timeline__c.WhoId__c");
    assert_eq!(list["fields"], json!(["NAME", "ActivityDate__c"]));
    metadata["relatedLists"][2]["relatedList"] = json!("mautic_timeline__c.contact_id__c");
    let (_, answer) = bench
        .send(Method::PATCH, &path, &json!({ "Metadata": metadata }))
        .await;
    assert_eq!(answer[0]["errorCode"], "FIELD_INTEGRITY_EXCEPTION");
    metadata["relatedLists"] = json!([]);
    assert_eq!(
        bench
            .send(Method::PATCH, &path, &json!({ "Metadata": metadata }))
            .await
            .0,
        204
    );
    assert_eq!(
        bench.get(&path).await.1["Metadata"]["relatedLists"],
        json!([])
    );
}
