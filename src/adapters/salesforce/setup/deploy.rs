//! Deployments through the Metadata API over REST: one request that begins it, then looks at how it
//! goes, further and further apart.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::super::super::failures::{Effect, Fault};
use super::super::super::http::Body;
use super::super::org::{Org, Request};
use super::zip;
use crate::domain::failure::{FailureKind, Rejection};
use crate::domain::request::Spent;
use crate::domain::time::Span;
use crate::ports::Clock;

/// Between the first two looks; each further wait is half as long again, up to the last.
const WAIT_FIRST: Span = Span(400);
const WAIT_LAST: Span = Span::seconds(10);

/// Looks before it is given up as unknown: about ten minutes.
const LOOKS_MAX: u32 = 70;

/// Failures told of one deployment.
const FAILURES_MAX: usize = 20;

/// Parts of the request. The manifest and the files are text of ours, in which this never occurs.
const BOUNDARY: &str = "passerelle-d5f0c1a98b7e4362";
const CONTENT_TYPE: &str = "multipart/form-data; boundary=passerelle-d5f0c1a98b7e4362";

/// Where a deployment is asked for, below the version's root.
pub(super) const PATH: &str = "/metadata/deployRequest";

/// Whether it is to be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// Everything is validated and nothing is kept.
    Trial,
    Real,
}

/// Deploys all or nothing. The answer holds what the platform refused, in its own words; empty if it
/// took everything.
pub(super) async fn deploy(
    org: &Org,
    clock: &dyn Clock,
    spent: &mut Spent,
    (files, run, is_sandbox): (&[(String, String)], Run, bool),
) -> Result<Vec<String>, Fault> {
    let request = Request {
        method: Method::POST,
        path: PATH.to_owned(),
        headers: Vec::new(),
        body: Body::Bytes(CONTENT_TYPE, body(files, run, is_sandbox)?),
        effect: match run {
            Run::Trial => Effect::Reads,
            Run::Real => Effect::Writes,
        },
    };
    let begun = org.send(spent, request).await?.json()?;
    let id = begun["id"].as_str().unwrap_or_default();
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(unknown("the answer names no deployment"));
    }
    let path = format!("{PATH}/{id}?includeDetails=true");
    let mut wait = WAIT_FIRST;
    let mut last = String::from("it goes on");
    for _ in 0..LOOKS_MAX {
        match org.get(spent, path.clone()).await {
            Ok(answer) => {
                let result = &answer["deployResult"];
                if result["done"].as_bool() == Some(true) {
                    return Ok(judged(result));
                }
            }
            // Not looking says nothing of the deployment.
            Err(fault) => {
                let is_passing = is_passing(&fault.failure.kind);
                last = fault.failure.to_string();
                if !is_passing {
                    break;
                }
            }
        }
        clock.sleep(wait).await;
        wait = Span(wait.0 * 3 / 2).min(WAIT_LAST);
    }
    let message = format!("what became of {id} is unknown ({last}); look at Deployment Status");
    Err(unknown(message))
}

const fn is_passing(kind: &FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::Transient | FailureKind::Throttled { .. } | FailureKind::Unknown
    )
}

fn unknown(message: impl Into<String>) -> Fault {
    Fault::new(FailureKind::Unknown, "deploy", message)
}

/// What the platform refused, as a failure.
pub(super) fn refused(refusals: &[String]) -> Fault {
    let kind = FailureKind::Rejected(Rejection::Values(Vec::new()));
    Fault::new(kind, "deploy", refusals.join("; "))
}

fn judged(result: &Json) -> Vec<String> {
    let status = result["status"].as_str().unwrap_or_default();
    let failures = &result["details"]["componentFailures"];
    // One failure may come as an object, several as an array.
    let failures = match failures {
        Json::Array(failures) => failures.iter().collect(),
        Json::Object(_) => vec![failures],
        _ => Vec::new(),
    };
    let told = failures.iter().map(|failure| {
        let text = |name: &str| failure[name].as_str().unwrap_or_default();
        let name = [text("fullName"), text("fileName")];
        let name = name.into_iter().find(|name| !name.is_empty());
        format!("{}: {}", name.unwrap_or("package"), text("problem"))
    });
    let mut told: Vec<String> = told.take(FAILURES_MAX).collect();
    if status == "Succeeded" && told.is_empty() {
        return told;
    }
    if told.is_empty() {
        let message = result["errorMessage"].as_str().unwrap_or("no reason given");
        told.push(format!("{status}: {message}"));
    }
    told
}

fn body(files: &[(String, String)], run: Run, is_sandbox: bool) -> Result<Vec<u8>, Fault> {
    let mut options = json!({
        "checkOnly": run == Run::Trial,
        "rollbackOnError": true,
        "singlePackage": true,
        "ignoreWarnings": true,
    });
    // Refused in production, where a package without code runs no tests anyway.
    if is_sandbox {
        options["testLevel"] = json!("NoTestRun");
    }
    let options = json!({ "deployOptions": options });
    if files.iter().any(|(_, text)| text.contains(BOUNDARY)) {
        return Err(Fault::broken(
            "deploy",
            "a file holds the request's boundary",
        ));
    }
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"json\"\r\n\
         Content-Type: application/json\r\n\r\n{options}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"deploy.zip\"\r\n\
         Content-Type: application/zip\r\n\r\n"
    )
    .into_bytes();
    body.extend(zip::archive(files)?);
    body.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_as_they_are_and_success_needs_the_platform_s_word() {
        let ok = json!({"status": "Succeeded", "details": {"componentFailures": []}});
        assert_eq!(judged(&ok), Vec::<String>::new());
        let failed = json!({"status": "Failed", "details": {"componentFailures":
            {"fullName": "Lead.X__c", "problem": "no such field", "problemType": "Error"}}});
        assert_eq!(judged(&failed), ["Lead.X__c: no such field"]);
        let canceled = json!({"status": "Canceled", "details": {}});
        assert_eq!(judged(&canceled), ["Canceled: no reason given"]);
    }

    #[test]
    fn tests_are_left_out_where_the_platform_lets_them_be() {
        let files = [("package.xml".to_owned(), "<x/>".to_owned())];
        let text = |is_sandbox| {
            let bytes = body(&files, Run::Trial, is_sandbox).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        assert!(text(true).contains("NoTestRun"));
        assert!(!text(false).contains("NoTestRun"));
        assert!(text(false).contains("\"checkOnly\":true"));
    }
}
