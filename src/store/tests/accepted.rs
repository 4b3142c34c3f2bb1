//! Findings that have an explanation: accepted by an admin they are told as that, and hide nothing.

use std::fs;

use crate::domain::audit::{ACCEPTED, Check, Entry, Finding, Noted, accepting};
use crate::domain::ids::RunId;
use crate::domain::record::{Act, Change};
use crate::ports::Store as _;
use crate::store::tests::chain::{Filled, verdict, work};
use crate::store::tests::{commit, generate, run};
use crate::store::{acts, chain, keys};

/// An admin's act that accepts whatever of this has an explanation.
fn acceptance(run: u64, findings: &[Finding]) -> Act {
    let tokens: Vec<String> = findings.iter().filter_map(Finding::token).collect();
    Act {
        act: ACCEPTED.to_owned(),
        object: accepting(&tokens),
        reason: "moved to another machine".to_owned(),
        ..generate::act(run)
    }
}

#[test]
fn what_was_accepted_is_told_as_that_and_hides_nothing_later() {
    let mut filled = Filled::new();
    for name in [chain::KEY, chain::ANCHOR] {
        fs::remove_file(filled.file(name)).unwrap();
    }
    filled.reopen();
    let found = filled.findings();
    assert_eq!(found.len(), 2, "{found:?}");
    let act = acceptance(100, &found);
    commit(filled.store(), vec![Change::AddAct(act)]).unwrap();
    let after = verdict(filled.store());
    assert!(after.is_whole(), "{after:?}");
    let told: Vec<_> = after.accepted.iter().map(|a| &a.finding).collect();
    assert_eq!(told, found.iter().collect::<Vec<_>>());
    assert_eq!(after.accepted[0].by, "anne");
    assert_eq!(after.accepted[0].why, "moved to another machine");

    // The same happens again.
    commit(filled.store(), work(60)).unwrap();
    filled.reopen();
    fs::remove_file(filled.file(chain::ANCHOR)).unwrap();
    filled.reopen();
    let again = verdict(filled.store());
    assert!(
        matches!(again.findings[..], [Finding::AnchorMissing { head: 6, .. }]),
        "{again:?}"
    );
    // And what nothing explains.
    filled.set(
        &keys::act(RunId(130)),
        Some(filled.get(&keys::act(RunId(100)))),
    );
    let tampered = verdict(filled.store());
    assert_eq!(tampered.findings.len(), 2, "{tampered:?}");
}

#[test]
fn nobody_accepts_anything_by_writing_into_the_files() {
    let mut filled = Filled::new();
    fs::remove_file(filled.file(chain::ANCHOR)).unwrap();
    filled.reopen();
    let found = filled.findings();
    // An entry that no seal knows, and one in the place of another.
    let forged = acts::encode(&acceptance(100, &found)).unwrap();
    filled.set(&keys::act(RunId(100)), Some(forged.clone()));
    let told = verdict(filled.store());
    assert!(
        told.accepted.is_empty() && told.findings.len() == 2,
        "{told:?}"
    );
    filled.set(&keys::act(RunId(100)), None);
    filled.set(&keys::act(RunId(5)), Some(forged));
    let told = verdict(filled.store());
    assert!(
        told.accepted.is_empty() && told.findings.len() >= 2,
        "{told:?}"
    );
}

#[test]
fn a_seal_that_was_accepted_under_a_key_that_is_gone_vouches_for_nothing() {
    let mut filled = Filled::new();
    fs::remove_file(filled.file(chain::ANCHOR)).unwrap();
    filled.reopen();
    let act = acceptance(100, &filled.findings());
    commit(filled.store(), vec![Change::AddAct(act)]).unwrap();
    assert!(verdict(filled.store()).is_whole());
    fs::remove_file(filled.file(chain::KEY)).unwrap();
    filled.reopen();
    let told = verdict(filled.store());
    assert!(told.accepted.is_empty(), "{told:?}");
}

#[test]
fn only_what_can_have_an_explanation_can_be_accepted() {
    for finding in [
        Finding::Edited(Entry::Act(RunId(1))),
        Finding::SealEdited(1),
        Finding::TailCut {
            head: 1,
            anchored: 2,
        },
        Finding::AnchorEdited(1),
        Finding::AnchorMissing {
            path: String::new(),
            head: 0,
        },
    ] {
        assert_eq!(finding.token(), None, "{finding:?}");
    }
}

#[test]
fn a_head_that_was_noted_elsewhere_is_found_where_it_stood_or_nowhere() {
    let filled = Filled::new();
    let before = verdict(filled.store()).head.unwrap();
    commit(filled.store(), work(40)).unwrap();
    let sought = |digits: &str| {
        let mut check = Check {
            sought: Some(digits.to_owned()),
            ..Check::default()
        };
        while !check.is_over() {
            check = run(filled.store().check_audit(check)).unwrap();
        }
        check.noted
    };
    let noted = Noted {
        sequence: 4,
        at: before.at,
    };
    assert_eq!(sought(&before.mac.short()), Some(noted));
    assert_eq!(sought(&before.mac.short()[..16]), Some(noted));
    assert_eq!(sought("0123456789abcdef"), None);
}
