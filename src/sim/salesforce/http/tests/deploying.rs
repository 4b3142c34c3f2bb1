//! Deployments: what they make, what they refuse, and what is left when they fail.

use reqwest::StatusCode;
use serde_json::{Value as Json, json};

use super::Bench;
use super::archive::{archive, file, manifest};
use crate::sim::salesforce::org::OrgConfig;
use crate::sim::salesforce::schema::{LEAD, UserRight};

const OBJECT: &str = "objects/mautic_timeline__c.object";
const SET: &str = "permissionsets/Sync.permissionset";

fn bare() -> Bench {
    let config = OrgConfig {
        timeline: None,
        ..OrgConfig::default()
    };
    Bench::with(config, |site| site)
}

fn timeline(fields: &str) -> String {
    let head = "<label>Timeline</label><pluralLabel>Timelines</pluralLabel><nameField><label>Timeline \
                Name</label><type>Text</type></nameField><deploymentStatus>Deployed</deploymentStatus>\
                <sharingModel>ReadWrite</sharingModel>";
    file("CustomObject", &format!("{head}{fields}"))
}

const KEY: &str = "<fields><fullName>ReferenceId__c</fullName><label>ReferenceId</label><type>Text</type>\
    <length>255</length><unique>true</unique><caseSensitive>false</caseSensitive></fields>";
const PERSON: &str = "<fields><fullName>contact_id__c</fullName><label>contact_id</label><type>Lookup\
    </type><referenceTo>Contact</referenceTo><relationshipName>Timelines</relationshipName>\
    <deleteConstraint>SetNull</deleteConstraint></fields>";

fn set(rows: &str) -> String {
    file("PermissionSet", &format!("<label>Sync</label>{rows}"))
}

fn field_row(field: &str) -> String {
    format!(
        "<fieldPermissions><editable>true</editable><field>{field}</field><readable>true</readable></fieldPermissions>"
    )
}

fn problem<'a>(result: &'a Json, full_name: &str) -> &'a str {
    let failures = result["details"]["componentFailures"].as_array().unwrap();
    let found = failures.iter().find(|one| one["fullName"] == full_name);
    let found = found.unwrap_or_else(|| panic!("no failure of {full_name} in {result}"));
    assert_eq!(found["problemType"], "Error");
    found["problem"].as_str().unwrap()
}

#[tokio::test]
async fn a_deployed_object_is_there_and_its_fields_are_hidden_until_a_set_is_assigned() {
    let bench = bare();
    let package = manifest(&[
        ("CustomObject", &["mautic_timeline__c"]),
        ("PermissionSet", &["Sync"]),
    ]);
    let rows = field_row("mautic_timeline__c.ReferenceId__c")
        + &field_row("mautic_timeline__c.contact_id__c");
    let files = [
        ("package.xml", package.as_str()),
        (OBJECT, &timeline(&format!("{KEY}{PERSON}"))),
        (SET, &set(&rows)),
    ];
    let result = bench.deploy(&json!({}), &files).await;
    assert_eq!(result["status"], "Succeeded", "{result}");
    assert_eq!(result["numberComponentsDeployed"], 4);

    let describe = "/sobjects/mautic_timeline__c/describe";
    let names = |body: &Json| -> Vec<String> {
        let fields = body["fields"].as_array().unwrap().iter();
        fields
            .map(|field| field["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let (status, body) = bench.get(describe).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(
        !names(&body).contains(&"ReferenceId__c".to_owned()),
        "{body}"
    );
    let (_, body) = bench
        .tooling("SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = 'mautic_timeline__c' AND QualifiedApiName = 'ReferenceId__c'")
        .await;
    assert_eq!(body["totalSize"], 1);

    let (_, sets) = bench
        .query("SELECT Id FROM PermissionSet WHERE Name = 'Sync'")
        .await;
    let user = bench
        .site
        .with_brain(|brain| brain.integration_user().to_string());
    let assignment = json!({ "AssigneeId": user, "PermissionSetId": sets["records"][0]["Id"] });
    let path = "/sobjects/PermissionSetAssignment";
    let (status, _) = bench.send(reqwest::Method::POST, path, &assignment).await;
    assert_eq!(status, StatusCode::CREATED);
    let (_, body) = bench.get(describe).await;
    assert!(names(&body).contains(&"ReferenceId__c".to_owned()));
    let row = json!({ "Name": "x", "ReferenceId__c": "r-1" });
    let path = "/sobjects/mautic_timeline__c";
    assert_eq!(bench.send(reqwest::Method::POST, path, &row).await.0, 201);
    let (_, twice) = bench.send(reqwest::Method::POST, path, &row).await;
    assert_eq!(twice[0]["errorCode"], "DUPLICATE_VALUE");
}

#[tokio::test]
async fn a_check_and_a_failure_leave_nothing_behind() {
    let bench = bare();
    let package = manifest(&[("CustomObject", &["mautic_timeline__c"])]);
    let good = timeline(KEY);
    let files = [("package.xml", package.as_str()), (OBJECT, good.as_str())];
    let result = bench.deploy(&json!({ "checkOnly": true }), &files).await;
    assert_eq!(result["status"], "Succeeded");
    let bad = timeline(&format!(
        "{KEY}<fields><fullName>Size__c</fullName><label>Size</label><type>Text</type></fields>"
    ));
    let files = [("package.xml", package.as_str()), (OBJECT, bad.as_str())];
    let result = bench
        .deploy(&json!({ "rollbackOnError": true }), &files)
        .await;
    assert_eq!(
        (&result["status"], &result["success"]),
        (&json!("Failed"), &json!(false))
    );
    assert_eq!(result["numberComponentErrors"], 1);
    assert_eq!(
        problem(&result, "mautic_timeline__c.Size__c"),
        "Must specify 'length' for a CustomField of type Text"
    );
    let (status, _) = bench.get("/sobjects/mautic_timeline__c/describe").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // What was taken back can be made afterwards, with its index.
    let files = [("package.xml", package.as_str()), (OBJECT, good.as_str())];
    assert_eq!(
        bench.deploy(&json!({}), &files).await["status"],
        "Succeeded"
    );
}

#[tokio::test]
async fn a_sandbox_may_keep_what_did_not_fail() {
    let config = OrgConfig {
        timeline: None,
        is_sandbox: true,
        ..OrgConfig::default()
    };
    let bench = Bench::with(config, |site| site);
    let package = manifest(&[("CustomObject", &["mautic_timeline__c", "Other__c"])]);
    let good = timeline(KEY);
    let files = [("package.xml", package.as_str()), (OBJECT, good.as_str())];
    let options = json!({ "rollbackOnError": false, "testLevel": "NoTestRun" });
    let result = bench.deploy(&options, &files).await;
    assert_eq!(result["status"], "SucceededPartial");
    assert_eq!(
        problem(&result, "Other__c"),
        "An object 'Other__c' of type CustomObject was named in package.xml, but was not found in \
         zipped directory"
    );
    assert_eq!(
        bench.get("/sobjects/mautic_timeline__c/describe").await.0,
        200
    );
}

#[tokio::test]
async fn production_keeps_its_rules_and_rights_are_asked_for() {
    let bench = bare();
    let zip = archive(&[("package.xml", &manifest(&[]))]);
    for (options, code) in [
        (json!({ "testLevel": "NoTestRun" }), "INVALID_OPERATION"),
        (json!({ "rollbackOnError": false }), "INVALID_OPERATION"),
        (json!({ "testLevel": "Maybe" }), "JSON_PARSER_ERROR"),
        (json!({ "checkonly": true }), "JSON_PARSER_ERROR"),
    ] {
        let (status, body) = bench.post_archive(&options, &zip).await;
        assert_eq!(
            (status, &body[0]["errorCode"]),
            (StatusCode::BAD_REQUEST, &json!(code))
        );
    }
    bench.site.with_brain(|brain| {
        let now = brain.config().created;
        brain.set_user_right(UserRight::ModifyMetadata, false, now);
    });
    assert_eq!(
        bench.post_archive(&json!({}), &zip).await.0,
        StatusCode::CREATED
    );
    bench.site.with_brain(|brain| {
        let now = brain.config().created;
        brain.set_user_right(UserRight::ModifyAllData, false, now);
    });
    let (status, body) = bench.post_archive(&json!({}), &zip).await;
    assert_eq!(
        (status, &body[0]["errorCode"]),
        (StatusCode::FORBIDDEN, &json!("INSUFFICIENT_ACCESS"))
    );
}

#[tokio::test]
async fn archives_and_manifests_that_are_none_fail_with_the_reason() {
    let bench = bare();
    let (_, taken) = bench.post_archive(&json!({}), b"PK not a zip").await;
    bench.pass(10);
    let path = format!("/metadata/deployRequest/{}", taken["id"].as_str().unwrap());
    let (_, done) = bench.get(&path).await;
    assert_eq!(done["deployResult"]["status"], "Failed");
    assert_eq!(
        done["deployResult"]["errorMessage"],
        "the file is not a zip archive"
    );
    let site = file(
        "RemoteSiteSetting",
        "<isActive>true</isActive><url>https://a.example</url>",
    );
    let cases = [
        (
            vec![("remoteSiteSettings/A.remoteSite", site.clone())],
            "package.xml",
            "No package.xml found",
        ),
        (
            vec![("package.xml", manifest(&[("ApexKlass", &["X"])]))],
            "package.xml",
            "Unknown type name 'ApexKlass' specified in package.xml",
        ),
        (
            vec![
                ("package.xml", manifest(&[])),
                ("remoteSiteSettings/A.remoteSite", site),
            ],
            "A",
            "Not in package.xml",
        ),
        (
            vec![("package.xml", manifest(&[])), ("notes.txt", String::new())],
            "notes.txt",
            "Not in package.xml",
        ),
    ];
    for (files, name, sentence) in cases {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        let result = bench.deploy(&json!({}), &files).await;
        assert_eq!(problem(&result, name), sentence);
    }
}

#[tokio::test]
async fn permission_sets_refuse_what_they_cannot_grant() {
    let bench = Bench::new();
    let package = manifest(&[("PermissionSet", &["Sync"])]);
    for (rows, sentence) in [
        (field_row("Lead.LastName"), "You cannot deploy to a required field: Lead.LastName"),
        (field_row("Lead.Nope__c"), "In field: field - no CustomField named Lead.Nope__c found"),
        (
            "<objectPermissions><allowRead>true</allowRead><object>Nope__c</object></objectPermissions>".to_owned(),
            "In field: field - no CustomObject named Nope__c found",
        ),
        (
            "<objectPermissions><allowCreate>true</allowCreate><object>Lead</object></objectPermissions>".to_owned(),
            "Permission Create Leads depends on permission(s): Read Leads",
        ),
        (
            "<colour>red</colour>".to_owned(),
            "Error parsing file: Element {http://soap.sforce.com/2006/04/metadata}colour invalid at this location in type PermissionSet",
        ),
    ] {
        let text = set(&rows);
        let files = [("package.xml", package.as_str()), (SET, text.as_str())];
        let result = bench.deploy(&json!({}), &files).await;
        assert_eq!(problem(&result, "Sync"), sentence);
    }
    let (_, sets) = bench
        .query("SELECT COUNT() FROM PermissionSet WHERE Name = 'Sync'")
        .await;
    assert_eq!(sets["totalSize"], 0);
}

#[tokio::test]
async fn history_sites_and_fields_of_standard_objects() {
    let bench = Bench::new();
    let tracked = |enable: &str| {
        file(
            "CustomObject",
            &format!(
                "{enable}<fields><fullName>HasOptedOutOfEmail</fullName><trackHistory>true</trackHistory></fields>"
            ),
        )
    };
    let package = manifest(&[("CustomField", &["Lead.HasOptedOutOfEmail"])]);
    let text = tracked("");
    let files = [
        ("package.xml", package.as_str()),
        ("objects/Lead.object", text.as_str()),
    ];
    let result = bench.deploy(&json!({}), &files).await;
    assert_eq!(
        problem(&result, "Lead.HasOptedOutOfEmail"),
        "Field history tracking is not enabled for Lead"
    );
    let package = manifest(&[
        ("CustomObject", &["Lead"]),
        ("RemoteSiteSetting", &["Acme"]),
        ("CspTrustedSite", &["Acme"]),
    ]);
    let text = tracked("<enableHistory>true</enableHistory>");
    let remote = file(
        "RemoteSiteSetting",
        "<disableProtocolSecurity>false</disableProtocolSecurity><isActive>true</isActive><url>https://acme.automation.example</url>",
    );
    let trusted = |directive: &str| {
        file(
            "CspTrustedSite",
            &format!(
                "<context>All</context><endpointUrl>https://acme.automation.example</endpointUrl><isActive>true</isActive>{directive}"
            ),
        )
    };
    let without = trusted("");
    let files = |csp: &'static str| {
        [
            ("package.xml", package.as_str()),
            ("objects/Lead.object", text.as_str()),
            ("remoteSiteSettings/Acme.remoteSite", remote.as_str()),
            ("cspTrustedSites/Acme.cspTrustedSite", csp),
        ]
    };
    let result = bench.deploy(&json!({}), &files(without.leak())).await;
    assert_eq!(
        problem(&result, "Acme"),
        "At least one CSP directive must be selected"
    );
    let with = trusted("<isApplicableToConnectSrc>true</isApplicableToConnectSrc>");
    let result = bench.deploy(&json!({}), &files(with.leak())).await;
    assert_eq!(result["status"], "Succeeded", "{result}");
    for soql in [
        "SELECT SiteName FROM RemoteProxy WHERE IsActive = true",
        "SELECT DeveloperName FROM CspTrustedSite WHERE IsActive = true",
    ] {
        assert_eq!(bench.tooling(soql).await.1["totalSize"], 1, "{soql}");
    }
    bench.site.with_brain(|brain| {
        assert!(brain.schema().object(LEAD).is_history_enabled);
    });
}
