//! Transport and protocol faults, as a client suffers them.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Bench, taken};
use crate::sim::faults::{CallMatcher, FaultKind, FaultPlan, Pauses};
use crate::sim::salesforce::org::OrgConfig;
use crate::sim::salesforce::schema::LEAD;

const BRIEF: Pauses = Pauses {
    stall: Duration::from_millis(1),
    between_slow_bytes: Duration::from_micros(1),
    huge_body_bytes: 1 << 20,
};

fn struck_by(kind: FaultKind) -> Bench {
    let mut plan = FaultPlan::calm(1);
    plan.script(
        CallMatcher::path("/sobjects/Lead").with_method("POST"),
        kind,
    );
    Bench::with(OrgConfig::default(), |site| site.with_faults(plan, BRIEF))
}

/// Posts one lead; says what came back, if anything did, and how many leads exist.
async fn outcome(bench: &Bench) -> (Option<(StatusCode, String)>, usize) {
    let body = json!({ "LastName": "Roy", "Company": "Vega" });
    let sent = bench
        .ask(Method::POST, "/sobjects/Lead")
        .json(&body)
        .send()
        .await;
    let answer = match sent {
        Ok(response) => {
            let status = response.status();
            // As bytes: reading text would quietly drop a byte order mark.
            let bytes = response.bytes().await.ok();
            bytes.map(|bytes| (status, String::from_utf8_lossy(&bytes).into_owned()))
        }
        Err(_) => None,
    };
    (answer, bench.site.with_brain(|brain| brain.count(LEAD)))
}

#[tokio::test]
async fn a_reset_looks_the_same_before_and_after_the_commit() {
    for (kind, written) in [
        (FaultKind::ResetBefore, 0),
        (FaultKind::StallBefore, 0),
        (FaultKind::ResetAfter, 1),
        (FaultKind::StallAfter, 1),
    ] {
        let bench = struck_by(kind);
        assert_eq!(outcome(&bench).await, (None, written), "{kind:?}");
        let (answer, count) = outcome(&bench).await;
        assert_eq!(
            (answer.unwrap().0, count),
            (StatusCode::CREATED, written + 1),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn spoiled_bodies_arrive_broken_although_the_work_is_done() {
    for kind in [FaultKind::TruncatedBody, FaultKind::WrongContentLength] {
        assert_eq!(outcome(&struck_by(kind)).await, (None, 1), "{kind:?}");
    }
    for (kind, beginning) in [
        (FaultKind::EmptyBody, ""),
        (FaultKind::MalformedJson, "{\"records\":["),
        (FaultKind::ByteOrderMark, "\u{feff}{\"id\":"),
        (FaultKind::ProxyPage, "<html>"),
        (FaultKind::SlowBody, "{\"id\":\"00Q"),
        (
            FaultKind::InternalErrorAfter,
            "[{\"message\":\"An unexpected error",
        ),
        (FaultKind::UnavailableAfter, "<html>"),
    ] {
        let (answer, count) = outcome(&struck_by(kind)).await;
        let (_, text) = answer.unwrap();
        assert!(text.starts_with(beginning), "{kind:?}: {text}");
        assert_eq!(count, 1, "{kind:?}");
    }
}

#[tokio::test]
async fn refusals_before_the_work_carry_the_vendors_words() {
    for (kind, status, part) in [
        (FaultKind::SessionExpired, 401, "INVALID_SESSION_ID"),
        (FaultKind::QuotaSpent, 403, "TotalRequests Limit exceeded."),
        (FaultKind::TooManyRequests, 429, "ConcurrentRequests"),
        (FaultKind::UnavailableBefore, 503, "<html>"),
        (FaultKind::InternalErrorBefore, 500, "UNKNOWN_EXCEPTION"),
        (FaultKind::RedirectElsewhere, 301, ""),
        (FaultKind::HugeBody, 200, "{\"padding\":\"xxx"),
        (FaultKind::GzipBomb, 200, ""),
    ] {
        let (answer, count) = outcome(&struck_by(kind)).await;
        let (found, text) = answer.unwrap();
        assert_eq!((found.as_u16(), count), (status, 0), "{kind:?}");
        assert!(
            text.contains(part),
            "{kind:?}: {}",
            &text[..text.len().min(200)]
        );
    }
}

#[tokio::test]
async fn data_faults_reach_the_brain() {
    let (answer, count) = outcome(&struck_by(FaultKind::RowLocked)).await;
    let (status, text) = answer.unwrap();
    assert_eq!((status, count), (StatusCode::BAD_REQUEST, 0));
    assert!(text.contains("UNABLE_TO_LOCK_ROW"), "{text}");
}

#[tokio::test]
async fn bodies_are_packed_both_ways() {
    let bench = Bench::new();
    let body = json!({ "LastName": "Roy", "Company": "Vega" }).to_string();
    let packed = crate::sim::http::gzip(body.as_bytes()).unwrap();
    let request = bench
        .ask(Method::POST, "/sobjects/Lead")
        .header("content-encoding", "gzip");
    let (status, _) = taken(request.body(packed).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::CREATED);
    let describe = bench
        .ask(Method::GET, "/sobjects/Lead/describe")
        .send()
        .await
        .unwrap();
    // The client unpacks, and takes the header away as it does.
    assert!(!describe.headers().contains_key("content-length"));
    assert_eq!(taken(describe).await.1["name"], "Lead");
}
