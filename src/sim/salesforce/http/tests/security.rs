//! Permission rows, and what they do to describe, queries and writes.

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::Bench;
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::schema::{
    CONTACT, FieldAccess, LEAD, ObjectRight, ObjectRights, UserRight,
};

const NOW: Timestamp = Timestamp::from_millis(super::START_MS);

impl Bench {
    pub(super) async fn post(&self, object: &str, body: &Json) -> (StatusCode, Json) {
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

    pub(super) async fn has_field(&self, object: &str, name: &str) -> Option<Json> {
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
async fn less_than_all_rights_are_refused_by_verb() {
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
}

#[tokio::test]
async fn an_object_without_rights_is_not_there_until_a_set_grants_it() {
    let bench = Bench::new();
    let lead = bench
        .lead(&json!({ "LastName": "Roy", "Company": "Vega" }))
        .await;
    let path = format!("/sobjects/Lead/{lead}");
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
async fn the_date_header_tells_the_organisations_own_clock() {
    let bench = Bench::new();
    let date = async |bench: &Bench| {
        let answer = bench.ask(Method::GET, "/limits").send().await.unwrap();
        answer.headers()["date"].to_str().unwrap().to_owned()
    };
    assert_eq!(date(&bench).await, "Wed, 04 Mar 2026 09:15:02 GMT");
    bench.site.with_brain(|brain| brain.set_clock_skew(180_000));
    assert_eq!(date(&bench).await, "Wed, 04 Mar 2026 09:18:02 GMT");
}

#[tokio::test]
async fn without_the_users_permissions_there_are_no_limits_and_then_no_api() {
    let bench = Bench::new();
    let untick = |right: UserRight| {
        bench
            .site
            .with_brain(|brain| brain.set_user_right(right, false, NOW));
    };
    assert_eq!(bench.get("/limits").await.0, StatusCode::OK);
    untick(UserRight::ViewSetup);
    let (status, body) = bench.get("/limits").await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::FORBIDDEN, &json!("INSUFFICIENT_ACCESS"))
    );
    untick(UserRight::ApiEnabled);
    let (status, body) = bench.query("SELECT Id FROM Lead").await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::FORBIDDEN, &json!("API_DISABLED_FOR_ORG"))
    );
}

#[tokio::test]
async fn permission_rows_are_refused_twice_and_without_the_right() {
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
async fn permission_rows_that_mean_nothing_are_refused() {
    let bench = Bench::new();
    let set = bench.set().await;
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
}
