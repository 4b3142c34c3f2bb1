//! Every kind of request to Salesforce, struck by every fault. Each cell asserts what the failure is
//! taken for, that no outcome lies, and that after another try nothing is lost and nothing doubled.

mod stage;

use std::fmt;
use std::time::Duration;

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
                    .map(|wrong| format!("{name} x {fault:?}: {wrong}"))
            });
        }
    }
    let cells = futures_util::stream::iter(cells).buffer_unordered(64);
    let wrong: Vec<String> = cells.filter_map(std::future::ready).collect().await;
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// What a cell may be found guilty of.
enum Wrong {
    /// An outcome that is not true, or a row lost or doubled.
    Lie(String),
    NotStruck,
    TakenFor(Option<FailureKind>),
    FailsAgain(FailureKind),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lie(what) => f.write_str(what),
            Self::NotStruck => f.write_str("not struck"),
            Self::TakenFor(None) => f.write_str("taken for a success"),
            Self::TakenFor(Some(kind)) => write!(f, "taken for {kind:?}"),
            Self::FailsAgain(kind) => write!(f, "the next try fails too: {kind:?}"),
        }
    }
}

/// A fault that has to time out may be overtaken by another call that the busy machine made wait; then
/// the cell is played again with more time.
async fn cell(
    task: Task,
    call: CallMatcher,
    fault: FaultKind,
    expected: Option<FailureKind>,
) -> Result<(), Wrong> {
    for haste in [1, 5] {
        let stage = Stage::new(task, fault, Duration::from_secs(haste));
        match play(&stage, call.clone(), fault, expected.clone()).await {
            Err(Wrong::NotStruck | Wrong::TakenFor(_)) if stage.times_out() => {}
            verdict => return verdict,
        }
    }
    let stage = Stage::new(task, fault, Duration::from_secs(30));
    play(&stage, call, fault, expected).await
}

/// 1. The struck try is taken for what it is, and what it reports is true.
/// 2. Two more tries bring everything home, once.
async fn play(
    stage: &Stage,
    call: CallMatcher,
    fault: FaultKind,
    expected: Option<FailureKind>,
) -> Result<(), Wrong> {
    stage.login();
    stage.strike(call, fault);
    let first = stage.attempt(&stage.hasty).await.map_err(Wrong::Lie)?;
    if !stage.was_struck(fault) {
        return Err(Wrong::NotStruck);
    }
    if first != expected {
        return Err(Wrong::TakenFor(first));
    }
    for _ in 0..2 {
        let next = stage.attempt(stage.patient()).await;
        if let Some(kind) = next.map_err(Wrong::Lie)? {
            return Err(Wrong::FailsAgain(kind));
        }
    }
    stage.check_end().map_err(Wrong::Lie)
}
