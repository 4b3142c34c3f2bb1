//! Every kind of request to Automation, struck by every fault. Each cell asserts what the failure is
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
    Token,
    /// A list or a table, in which a missing row shows.
    Read,
    /// A list whose rows the fault leaves alone.
    Whole,
    /// A read before a write, in the same call.
    Look,
    Write,
}

/// What the request is called, what is done to cause it, which call is struck.
fn requests() -> Vec<(&'static str, Task, CallMatcher, Nature)> {
    let at = CallMatcher::path;
    let token = || at("/oauth/v2/token");
    let contacts = || at("/api/contacts?");
    vec![
        ("a first token", Task::Rows, token(), Nature::Token),
        (
            "a renewed token",
            Task::RowsAfterLogin,
            token(),
            Nature::Token,
        ),
        (
            "the types of events",
            Task::Describe,
            at("/contacts/activity"),
            Nature::Whole,
        ),
        (
            "the fields of contacts",
            Task::Describe,
            at("/fields/contact"),
            Nature::Whole,
        ),
        (
            "the fields of companies",
            Task::Describe,
            at("/fields/company"),
            Nature::Whole,
        ),
        ("the users", Task::Describe, at("/api/users"), Nature::Whole),
        ("changed contacts", Task::Changes, contacts(), Nature::Read),
        (
            "changed companies",
            Task::CompanyChanges,
            at("/api/companies?"),
            Nature::Read,
        ),
        (
            "the audit log",
            Task::Audit,
            at("/stats/audit_log"),
            Nature::Read,
        ),
        ("contacts by id", Task::Rows, contacts(), Nature::Read),
        (
            "a merged contact",
            Task::Merged,
            at("/api/contacts/"),
            Nature::Whole,
        ),
        (
            "a deleted contact",
            Task::Deleted,
            at("/api/contacts/"),
            Nature::Whole,
        ),
        ("contacts by address", Task::Find, contacts(), Nature::Read),
        (
            "companies by name",
            Task::Find,
            at("/api/companies?"),
            Nature::Read,
        ),
        (
            "logged consents",
            Task::Evidence,
            at("/stats/audit_log"),
            Nature::Read,
        ),
        (
            "present consents",
            Task::Evidence,
            at("/stats/lead_donotcontact"),
            Nature::Read,
        ),
        (
            "activities",
            Task::Activities,
            at("/contacts/activity"),
            Nature::Read,
        ),
        (
            "creations",
            Task::Create,
            at("/contacts/batch/new"),
            Nature::Write,
        ),
        (
            "creations opted out",
            Task::CreateOut,
            at("/contacts/batch/new"),
            Nature::Write,
        ),
        (
            "updates",
            Task::Update,
            at("/contacts/batch/edit"),
            Nature::Write,
        ),
        (
            "a look before updates",
            Task::UpdateIf,
            contacts(),
            Nature::Look,
        ),
        (
            "updates on a condition",
            Task::UpdateIf,
            at("/contacts/batch/edit"),
            Nature::Write,
        ),
        (
            "opt-outs",
            Task::OptOut,
            at("/contacts/batch/edit"),
            Nature::Write,
        ),
        (
            "new companies",
            Task::CreateCompany,
            at("/companies/batch/new"),
            Nature::Write,
        ),
    ]
}

/// What the first try is to come to; `None` is success.
fn expected(nature: Nature, fault: FaultKind) -> Option<FailureKind> {
    use FaultKind as F;
    let lost = Some(match nature {
        Nature::Write => FailureKind::Unknown,
        _ => FailureKind::Transient,
    });
    match fault {
        // There are no cursors to lose.
        F::ByteOrderMark | F::RowsReordered | F::LocatorExpired => None,
        F::SessionExpired => (nature == Nature::Token).then_some(FailureKind::Unauthorised),
        F::HugeBody | F::GzipBomb if nature == Nature::Write => lost,
        F::HugeBody | F::GzipBomb | F::RedirectElsewhere => Some(FailureKind::Broken),
        F::TooManyRequests | F::QuotaSpent => Some(FailureKind::Throttled { until: None }),
        // Elsewhere the rest of the list brings the row, or it is asked for alone.
        F::RowMissing if nature != Nature::Write => None,
        _ => lost,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_at_any_request_to_automation_loses_or_doubles_anything() {
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
    if first.is_some() && stage.loses_its_login(fault) {
        // The old refresh token died with the answer that held the new one: a person logs in again.
        let next = stage.attempt(stage.patient()).await.map_err(Wrong::Lie)?;
        if next != Some(FailureKind::Unauthorised) {
            return Err(Wrong::TakenFor(next));
        }
        stage.login();
    }
    for _ in 0..2 {
        let next = stage.attempt(stage.patient()).await;
        if let Some(kind) = next.map_err(Wrong::Lie)? {
            return Err(Wrong::FailsAgain(kind));
        }
    }
    stage.check_end().map_err(Wrong::Lie)
}
