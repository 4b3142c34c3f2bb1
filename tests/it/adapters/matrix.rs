//! Every kind of request to Salesforce, struck by every fault. Each cell asserts what the failure is
//! taken for, that no outcome lies, and that after another try nothing is lost and nothing doubled.

mod stage;

use futures_util::StreamExt;
use passerelle::domain::failure::FailureKind;
use passerelle::sim::faults::{CallMatcher, FaultKind};

use stage::{Stage, Task};

/// How a request's failures are to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    /// Asked of the login server.
    Token,
    /// Asked without a token.
    Versions,
    /// Holds queries too.
    Description,
    Read,
    /// Asked again in parts if the answer is too large.
    Query,
    /// A page after the first.
    Page,
    /// A collection of rows.
    Write,
    /// One row.
    Row,
    /// Opens a job: nothing runs yet.
    Job,
    Upload,
    Close,
    /// A job runs while it is looked at.
    Look,
    Results,
}

/// What the request is called, what is done to cause it, which call is struck.
fn requests() -> Vec<(&'static str, Task, CallMatcher, Nature)> {
    let at = CallMatcher::path;
    let job = |method| at("/jobs/ingest").with_method(method);
    vec![
        (
            "a first token",
            Task::Rows,
            at("/oauth2/token"),
            Nature::Token,
        ),
        (
            "a renewed token",
            Task::RowsAfterLogin,
            at("/oauth2/token"),
            Nature::Token,
        ),
        (
            "the versions",
            Task::Rows,
            at("/services/data"),
            Nature::Versions,
        ),
        (
            "a description",
            Task::Describe,
            at("/composite"),
            Nature::Description,
        ),
        ("changes", Task::Changes, at("/composite"), Nature::Query),
        ("rows by id", Task::Rows, at("/composite"), Nature::Query),
        (
            "rows by address",
            Task::Find,
            at("/composite"),
            Nature::Query,
        ),
        (
            "a next page",
            Task::FindInPages,
            at("/query/"),
            Nature::Page,
        ),
        ("evidence", Task::Evidence, at("/composite"), Nature::Query),
        ("creations", Task::Create, at("/composite"), Nature::Write),
        ("updates", Task::Update, at("/composite"), Nature::Write),
        (
            "an update on a condition",
            Task::UpdateIf,
            at("/composite"),
            Nature::Row,
        ),
        (
            "the timeline's description",
            Task::Insert,
            at("/describe"),
            Nature::Read,
        ),
        (
            "inserted activities",
            Task::Insert,
            at("/composite"),
            Nature::Write,
        ),
        (
            "upserted activities",
            Task::Upsert,
            at("/composite"),
            Nature::Write,
        ),
        ("a new job", Task::Bulk, job("POST"), Nature::Job),
        ("an upload", Task::Bulk, job("PUT"), Nature::Upload),
        (
            "the end of an upload",
            Task::Bulk,
            job("PATCH"),
            Nature::Close,
        ),
        ("a look at a job", Task::Bulk, job("GET"), Nature::Look),
        (
            "failed rows",
            Task::BulkWithRefusal,
            at("/failedResults"),
            Nature::Results,
        ),
        (
            "written rows",
            Task::Bulk,
            at("/successfulResults"),
            Nature::Results,
        ),
    ]
}

/// What the first try is to come to; `None` is success.
fn expected(nature: Nature, fault: FaultKind) -> Option<FailureKind> {
    use FaultKind as F;
    // The job runs on, whatever becomes of the call.
    let is_after = matches!(nature, Nature::Look | Nature::Results);
    let writes = matches!(nature, Nature::Write | Nature::Row | Nature::Close);
    // Says clearly that nothing was done.
    let clear = |kind| Some(if is_after { FailureKind::Unknown } else { kind });
    let lost = Some(if writes || is_after {
        FailureKind::Unknown
    } else {
        FailureKind::Transient
    });
    match fault {
        F::ByteOrderMark | F::RowsReordered => None,
        F::SessionExpired => match nature {
            Nature::Token => Some(FailureKind::Unauthorised),
            Nature::Versions => lost,
            _ => None,
        },
        F::HugeBody | F::GzipBomb => match nature {
            Nature::Query | Nature::Page => None,
            _ if writes => lost,
            _ => clear(FailureKind::Broken),
        },
        F::TooManyRequests if nature == Nature::Look => None,
        F::TooManyRequests => clear(FailureKind::Throttled { until: None }),
        F::QuotaSpent => clear(FailureKind::LimitReached),
        F::RedirectElsewhere => clear(FailureKind::Broken),
        F::LocatorExpired => (nature == Nature::Page).then_some(FailureKind::Transient),
        F::RowLocked => {
            matches!(nature, Nature::Write | Nature::Row).then_some(FailureKind::Transient)
        }
        F::RowMissing => match nature {
            Nature::Write | Nature::Description | Nature::Query | Nature::Page => lost,
            _ => None,
        },
        // Their answers hold nothing that is needed; the upload's is empty to begin with.
        F::ProxyPage | F::EmptyBody | F::MalformedJson
            if matches!(nature, Nature::Upload | Nature::Close) =>
        {
            None
        }
        F::SlowBody if nature == Nature::Upload => None,
        // A job is looked at again.
        _ if nature == Nature::Look => None,
        _ => lost,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_at_any_request_loses_or_doubles_anything() {
    let mut cells = Vec::new();
    for (name, task, call, nature) in requests() {
        for fault in FaultKind::ALL {
            let call = call.clone();
            cells.push(async move {
                let verdict = cell(task, call, fault, expected(nature, fault)).await;
                verdict
                    .err()
                    .map(|why| format!("{name} x {fault:?}: {why}"))
            });
        }
    }
    let cells = futures_util::stream::iter(cells).buffer_unordered(64);
    let wrong: Vec<String> = cells.filter_map(std::future::ready).collect().await;
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// 1. The struck try is taken for what it is, and what it reports is true.
/// 2. Two more tries bring everything home, once.
async fn cell(
    task: Task,
    call: CallMatcher,
    fault: FaultKind,
    expected: Option<FailureKind>,
) -> Result<(), String> {
    let stage = Stage::new(task, fault);
    stage.login();
    stage.strike(call, fault);
    let first = stage.attempt(&stage.hasty).await?;
    if !stage.was_struck(fault) {
        return Err("not struck".to_owned());
    }
    if first != expected {
        return Err(format!("taken for {first:?}, not {expected:?}"));
    }
    for _ in 0..2 {
        if let Some(kind) = stage.attempt(stage.patient()).await? {
            return Err(format!("the next try fails too: {kind:?}"));
        }
    }
    stage.check_end()
}
