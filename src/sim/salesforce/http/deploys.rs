//! `/metadata/deployRequest`: an archive goes in, a result comes out later.

use serde_json::{Map, Value as Json, json};

use super::multipart::{boundary, part};
use super::routes::{Resource, method_not_allowed};
use super::wire::Answer;
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::deploy::{
    Component, DeployOptions, DeployStatus, Deployment, Made, TestLevel,
};
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::Salesforce;

pub(super) fn answer(
    org: &mut Salesforce,
    resource: &Resource<'_>,
    rest: &[&str],
) -> Outcome<Answer> {
    let method = resource.asked.method.as_str();
    match (method, rest) {
        ("GET", []) => {
            let url = resource.url("metadata/deployRequest");
            Ok(Answer::json(200, json!({ "deployRequest": url })))
        }
        ("POST", ["deployrequest"]) => create(org, resource),
        (_, ["deployrequest", _]) => {
            let text = resource.path.get(2).copied().unwrap_or_default();
            let id = RecordId::parse(text).ok_or_else(ApiError::resource_missing)?;
            match method {
                "GET" => Ok(Answer::json(200, result(org, resource, id)?)),
                "PATCH" => cancel(org, resource, id),
                other => Err(method_not_allowed(other)),
            }
        }
        (other, ["deployrequest"]) => Err(method_not_allowed(other)),
        _ => Err(ApiError::resource_missing()),
    }
}

fn create(org: &mut Salesforce, resource: &Resource<'_>) -> Outcome<Answer> {
    let asked = resource.asked;
    let content_type = asked.header("content-type").unwrap_or_default();
    let Some(boundary) = boundary(content_type) else {
        let message = format!(
            "Content-Type header specified in HTTP request is not supported: {content_type}"
        );
        return Err(ApiError::new(ErrorCode::UNSUPPORTED_MEDIA_TYPE, message));
    };
    let missing = |name: &str| {
        let message = format!("Multipart message must include the part '{name}'");
        ApiError::new(ErrorCode::INVALID_INPUT, message)
    };
    let asked_for = part(&asked.body, boundary, "json").ok_or_else(|| missing("json"))?;
    let archive = part(&asked.body, boundary, "file").ok_or_else(|| missing("file"))?;
    let asked_for: Json = serde_json::from_slice(asked_for)
        .map_err(|error| ApiError::new(ErrorCode::JSON_PARSER_ERROR, error.to_string()))?;
    let id = org.deploy(&asked.call(), options(&asked_for)?, archive)?;
    Ok(Answer::json(201, result(org, resource, id)?))
}

/// Members of `deployOptions` that a client may send; others are the parser's error.
const KNOWN: [&str; 10] = [
    "allowMissingFiles",
    "autoUpdatePackage",
    "checkOnly",
    "ignoreWarnings",
    "performRetrieve",
    "purgeOnDelete",
    "rollbackOnError",
    "runTests",
    "singlePackage",
    "testLevel",
];

fn options(body: &Json) -> Outcome<DeployOptions> {
    let refused = |message: String| ApiError::new(ErrorCode::JSON_PARSER_ERROR, message);
    let Some(options) = body.get("deployOptions").and_then(Json::as_object) else {
        return Err(refused("deployOptions must be specified".to_owned()));
    };
    if let Some(name) = options.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(refused(format!("Unrecognized field \"{name}\"")));
    }
    let flag = |name: &str, default: bool| match options.get(name) {
        None | Some(Json::Null) => Ok(default),
        Some(Json::Bool(value)) => Ok(*value),
        Some(other) => Err(refused(format!(
            "Cannot deserialize instance of boolean from {other} for {name}"
        ))),
    };
    // `allowMissingFiles` and `purgeOnDelete` ask for what is not played here.
    for name in ["allowMissingFiles", "purgeOnDelete"] {
        if flag(name, false)? {
            return Err(refused(format!(
                "{name} is not supported by this organisation"
            )));
        }
    }
    if !flag("singlePackage", true)? {
        return Err(refused("only single packages are supported".to_owned()));
    }
    let test_level = match options.get("testLevel").and_then(Json::as_str) {
        None => TestLevel::Unsaid,
        Some("NoTestRun") => TestLevel::NoTestRun,
        Some(other) => TestLevel::Other(other.to_owned()),
    };
    Ok(DeployOptions {
        check_only: flag("checkOnly", false)?,
        rollback_on_error: flag("rollbackOnError", true)?,
        ignore_warnings: flag("ignoreWarnings", false)?,
        test_level,
    })
}

fn cancel(org: &mut Salesforce, resource: &Resource<'_>, id: RecordId) -> Outcome<Answer> {
    let body = resource.asked.json()?;
    if body["deployResult"]["status"] != "Canceling" {
        let message = "The only status a deployment can be given is Canceling";
        return Err(ApiError::new(ErrorCode::INVALID_INPUT, message));
    }
    org.cancel_deployment(id, resource.asked.now)?;
    Ok(Answer::json(202, result(org, resource, id)?))
}

fn result(org: &Salesforce, resource: &Resource<'_>, id: RecordId) -> Outcome<Json> {
    let deployment = org.deployment(id)?;
    let wants_details = resource
        .asked
        .parameter("includeDetails")
        .is_some_and(|wants| wants.eq_ignore_ascii_case("true"));
    let own = resource.url(&format!("metadata/deployRequest/{id}"));
    Ok(json!({
        "validatedDeployRequestId": null,
        "id": id.to_string(),
        "url": format!("{}{own}", resource.asked.base_url()),
        "deployResult": deploy_result(org, deployment, wants_details),
        "deployOptions": {
            "checkOnly": deployment.options.check_only,
            "ignoreWarnings": deployment.options.ignore_warnings,
            "rollbackOnError": deployment.options.rollback_on_error,
            "singlePackage": true,
        },
    }))
}

fn deploy_result(org: &Salesforce, deployment: &Deployment, wants_details: bool) -> Json {
    let at = |at: Option<Timestamp>| at.map(Timestamp::to_salesforce);
    let broken = deployment.broken.as_ref();
    let mut body = json!({
        "id": deployment.id.to_string(),
        "status": deployment.status.name(),
        "done": deployment.status.is_over(),
        "success": deployment.status == DeployStatus::Succeeded,
        "checkOnly": deployment.options.check_only,
        "ignoreWarnings": deployment.options.ignore_warnings,
        "rollbackOnError": deployment.options.rollback_on_error,
        "createdBy": deployment.user.to_string(),
        "createdByName": org.value(deployment.user, "Name").as_text(),
        "createdDate": at(Some(deployment.created)),
        "startDate": at(Some(deployment.created)),
        "completedDate": at(deployment.completed),
        "lastModifiedDate": at(deployment.completed.or(Some(deployment.created))),
        "numberComponentErrors": deployment.errors(),
        "numberComponentsDeployed": deployment.deployed(),
        "numberComponentsTotal": deployment.components.len(),
        "numberTestErrors": 0,
        "numberTestsCompleted": 0,
        "numberTestsTotal": 0,
        "runTestsEnabled": false,
        "errorStatusCode": broken.map(|_| "INVALID_ZIP_FILE"),
        "errorMessage": broken,
        "stateDetail": null,
        "canceledBy": null,
        "canceledByName": null,
    });
    if wants_details {
        let (failures, successes): (Vec<_>, Vec<_>) =
            deployment.components.iter().partition(|one| one.is_error());
        let shown = |list: Vec<&Component>| -> Vec<Json> {
            list.into_iter()
                .map(|one| component(deployment, one))
                .collect()
        };
        body["details"] = json!({
            "componentFailures": shown(failures),
            "componentSuccesses": shown(successes),
            "retrieveResult": null,
            "runTestResult": { "numFailures": 0, "numTestsRun": 0, "totalTime": 0.0 },
        });
    }
    body
}

fn component(deployment: &Deployment, one: &Component) -> Json {
    let mut body = Map::new();
    let mut put = |name: &str, value: Json| body.insert(name.to_owned(), value);
    put("componentType", json!(one.kind));
    put("fileName", json!(one.file));
    put("fullName", json!(one.full_name));
    put("success", json!(!one.is_error()));
    put("created", json!(one.made == Some(Made::Created)));
    put("changed", json!(one.made.is_some()));
    put("deleted", json!(false));
    put("warning", json!(false));
    put("problem", json!(one.problem));
    put("problemType", json!(one.problem.as_ref().map(|_| "Error")));
    let at = deployment.completed.unwrap_or(deployment.created);
    put("createdDate", json!(at.to_salesforce()));
    Json::Object(body)
}
