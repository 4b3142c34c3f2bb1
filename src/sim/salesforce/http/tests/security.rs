//! Permission rows, what they do to describe, queries and writes, and what of the set-up can be
//! changed through the Tooling API.

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::Bench;
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::org::ListedSite;
use crate::sim::salesforce::rules::{DuplicateAction, DuplicateRule, ValidationRule};
use crate::sim::salesforce::schema::{
    CONTACT, FieldAccess, LEAD, ObjectRight, ObjectRights, UserRight,
};
use crate::sim::salesforce::soql::ast::{Expr, Literal, Op};

const NOW: Timestamp = Timestamp::from_millis(super::START_MS);

impl Bench {
    async fn post(&self, object: &str, body: &Json) -> (StatusCode, Json) {
        self.send(Method::POST, &format!("/sobjects/{object}"), body)
            .await
    }

    async fn set(&self) -> String {
        let body = json!({ "Name": "Sync", "Label": "Sync" });
        let (status, made) = self.post("PermissionSet", &body).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    fn user(&self) -> String {
        self.site
            .with_brain(|brain| brain.integration_user().to_string())
    }

    async fn has_field(&self, object: &str, name: &str) -> Option<Json> {
        let (_, body) = self.get(&format!("/sobjects/{object}/describe")).await;
        let fields = body["fields"].as_array()?;
        fields.iter().find(|field| field["name"] == name).cloned()
    }
}

#[tokio::test]
async fn a_hidden_field_comes_back_with_an_assigned_set_and_goes_with_it() {
    let bench = Bench::new();
    bench.site.with_brain(|brain| {
        assert!(brain.grant(CONTACT, "HasOptedOutOfEmail", FieldAccess::Hidden, NOW));
    });
    let set = bench.set().await;
    let row = json!({ "ParentId": set, "SobjectType": "Contact", "Field": "Contact.HasOptedOutOfEmail", "PermissionsRead": true, "PermissionsEdit": false });
    assert_eq!(bench.post("FieldPermissions", &row).await.0, 201);
    assert_eq!(bench.has_field("Contact", "HasOptedOutOfEmail").await, None);
    let assignment = json!({ "AssigneeId": bench.user(), "PermissionSetId": set });
    let (status, made) = bench.post("PermissionSetAssignment", &assignment).await;
    assert_eq!(status, 201, "{made}");
    let field = bench
        .has_field("Contact", "HasOptedOutOfEmail")
        .await
        .unwrap();
    assert_eq!(field["updateable"], false);
    let soql = "SELECT Id, PermissionSet.Name, Assignee.Username FROM PermissionSetAssignment WHERE PermissionSet.Name = 'Sync'";
    let (_, body) = bench.query(soql).await;
    assert_eq!(
        body["records"][0]["Assignee"]["Username"],
        "integration@orion.example"
    );
    let path = format!(
        "/sobjects/PermissionSetAssignment/{}",
        made["id"].as_str().unwrap()
    );
    assert_eq!(
        bench
            .ask(Method::DELETE, &path)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert_eq!(bench.has_field("Contact", "HasOptedOutOfEmail").await, None);
}

#[tokio::test]
async fn permission_rows_are_refused_twice_and_when_they_mean_nothing() {
    let bench = Bench::new();
    let set = bench.set().await;
    let assignment = json!({ "AssigneeId": bench.user(), "PermissionSetId": set });
    let field = json!({ "ParentId": set, "SobjectType": "Lead", "Field": "Lead.Phone", "PermissionsRead": true });
    let object = json!({ "ParentId": set, "SobjectType": "Lead", "PermissionsRead": true });
    for (kind, body) in [
        ("PermissionSetAssignment", &assignment),
        ("FieldPermissions", &field),
        ("ObjectPermissions", &object),
        (
            "PermissionSet",
            &json!({ "Name": "Sync", "Label": "Again" }),
        ),
    ] {
        let _ = bench.post(kind, body).await;
        let (status, body) = bench.post(kind, body).await;
        assert_eq!(
            (status, &body[0]["errorCode"]),
            (StatusCode::BAD_REQUEST, &json!("DUPLICATE_VALUE")),
            "{kind}"
        );
    }
    let restricted = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST";
    for (kind, body, code) in [
        (
            "FieldPermissions",
            json!({ "ParentId": set, "SobjectType": "Lead", "Field": "Lead.LastName", "PermissionsRead": true }),
            restricted,
        ),
        (
            "FieldPermissions",
            json!({ "ParentId": set, "SobjectType": "Lead", "Field": "Lead.Nope__c", "PermissionsRead": true }),
            restricted,
        ),
        (
            "FieldPermissions",
            json!({ "ParentId": set, "SobjectType": "Contact", "Field": "Lead.Fax", "PermissionsRead": true }),
            restricted,
        ),
        (
            "FieldPermissions",
            json!({ "ParentId": set, "SobjectType": "Lead", "Field": "Lead.Fax", "PermissionsEdit": true }),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
        (
            "ObjectPermissions",
            json!({ "ParentId": set, "SobjectType": "Nope__c", "PermissionsRead": true }),
            restricted,
        ),
        (
            "ObjectPermissions",
            json!({ "ParentId": set, "SobjectType": "Contact", "PermissionsDelete": true, "PermissionsRead": true }),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
        (
            "ObjectPermissions",
            json!({ "SobjectType": "Contact", "PermissionsRead": true }),
            "REQUIRED_FIELD_MISSING",
        ),
    ] {
        let (_, answer) = bench.post(kind, &body).await;
        assert_eq!(answer[0]["errorCode"], code, "{body}: {answer}");
    }
    bench.site.with_brain(|brain| {
        brain.set_user_right(UserRight::AssignPermissionSets, false, NOW);
    });
    let (status, answer) = bench.post("PermissionSetAssignment", &assignment).await;
    assert_eq!(
        (status, &answer[0]["errorCode"]),
        (
            StatusCode::FORBIDDEN,
            &json!("INSUFFICIENT_ACCESS_OR_READONLY")
        )
    );
}

#[tokio::test]
async fn an_object_without_rights_is_not_there_and_less_than_all_is_refused_by_verb() {
    let bench = Bench::new();
    let lead = bench
        .lead(&json!({ "LastName": "Roy", "Company": "Vega" }))
        .await;
    let path = format!("/sobjects/Lead/{lead}");
    let read = ObjectRights::NONE.with(ObjectRight::Read);
    bench
        .site
        .with_brain(|brain| brain.grant_object(LEAD, read, NOW));
    let (_, body) = bench.get("/sobjects/Lead/describe").await;
    assert_eq!(
        (&body["createable"], &body["updateable"], &body["deletable"]),
        (&json!(false), &json!(false), &json!(false))
    );
    let (status, answer) = bench
        .post("Lead", &json!({ "LastName": "B", "Company": "B" }))
        .await;
    assert_eq!(
        (status, &answer[0]["errorCode"]),
        (
            StatusCode::BAD_REQUEST,
            &json!("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
        )
    );
    assert_eq!(answer[0]["message"], "entity type cannot be inserted: Lead");
    let (_, answer) = bench
        .send(Method::PATCH, &path, &json!({ "Phone": "1" }))
        .await;
    assert_eq!(answer[0]["errorCode"], "INSUFFICIENT_ACCESS_OR_READONLY");
    assert_eq!(
        bench
            .ask(Method::DELETE, &path)
            .send()
            .await
            .unwrap()
            .status(),
        403
    );
    let (_, rows) = bench.send(Method::POST, "/composite/sobjects", &json!({ "records": [{ "attributes": { "type": "Lead" }, "LastName": "B", "Company": "B" }] })).await;
    assert_eq!(
        rows[0]["errors"][0]["statusCode"],
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    );

    bench
        .site
        .with_brain(|brain| brain.grant_object(LEAD, ObjectRights::NONE, NOW));
    let (_, all) = bench.get("/sobjects").await;
    assert!(
        all["sobjects"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["name"] != "Lead")
    );
    assert_eq!(
        bench.get("/sobjects/Lead/describe").await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(bench.get(&path).await.0, StatusCode::NOT_FOUND);
    let (_, answer) = bench.query("SELECT Id FROM Lead").await;
    assert_eq!(answer[0]["errorCode"], "INVALID_TYPE");

    let set = bench.set().await;
    let row = json!({ "ParentId": set, "SobjectType": "Lead", "PermissionsRead": true, "PermissionsEdit": true });
    assert_eq!(bench.post("ObjectPermissions", &row).await.0, 201);
    let assignment = json!({ "AssigneeId": bench.user(), "PermissionSetId": set });
    assert_eq!(
        bench.post("PermissionSetAssignment", &assignment).await.0,
        201
    );
    assert_eq!(
        bench
            .send(Method::PATCH, &path, &json!({ "Phone": "1" }))
            .await
            .0,
        204
    );
}

#[tokio::test]
async fn the_running_user_can_ask_for_its_own_rights() {
    let bench = Bench::new();
    bench
        .site
        .with_brain(|brain| brain.set_user_right(UserRight::ModifyMetadata, false, NOW));
    let soql =
        "SELECT PermissionsModifyMetadata, PermissionsModifyAllData FROM UserPermissionAccess";
    let (_, body) = bench.query(soql).await;
    let row = &body["records"][0];
    assert_eq!(
        (
            &row["PermissionsModifyMetadata"],
            &row["PermissionsModifyAllData"]
        ),
        (&json!(false), &json!(true))
    );
    let (_, body) = bench
        .query(&format!(
            "SELECT Profile.Name FROM User WHERE Id = '{}'",
            bench.user()
        ))
        .await;
    assert_eq!(body["records"][0]["Profile"]["Name"], "Intégration");
}

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
async fn rules_and_layouts_are_listed_and_their_metadata_one_at_a_time() {
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
        brain.setup.remote_sites.push(ListedSite {
            name: "A".to_owned(),
            url: "https://a.example".to_owned(),
            is_active: false,
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

#[tokio::test]
async fn the_date_header_tells_the_organisations_own_clock() {
    let bench = Bench::new();
    let date = async |bench: &Bench| {
        let answer = bench.ask(Method::GET, "/limits").send().await.unwrap();
        answer.headers()["date"].to_str().unwrap().to_owned()
    };
    assert_eq!(date(&bench).await, "Wed, 04 Mar 2026 09:15:02 GMT");
    bench.site.with_brain(|brain| brain.clock_skew_ms = 180_000);
    assert_eq!(date(&bench).await, "Wed, 04 Mar 2026 09:18:02 GMT");
}
