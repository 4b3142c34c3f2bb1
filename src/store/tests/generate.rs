//! Arbitrary stored things, from small pools so that values meet.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::domain::activity::{Activity, HeldActivity};
use crate::domain::conflict::{Cause, Conflict, Subject};
use crate::domain::consent::{Consent, ConsentState, ConsentView, Dated, Evidence, Proof, Reason};
use crate::domain::cursor::{Coverage, Cursor, Position, Stream};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{
    AutomationId, FieldId, Generation, Kind, LinkId, RunId, SalesforceObject, Side,
};
use crate::domain::link::{
    AutomationEnd, Base, Decided, Edited, FieldState, Intent, Link, MatchKey, Parked, Pending,
    PendingState, SalesforceEnd,
};
use crate::domain::record::{Act, Change, Happened, HistoryEntry, Suppression, Tally};
use crate::domain::row::RowState;
use crate::domain::time::{Day, Timestamp};
use crate::domain::value::{Decimal, Value};
use crate::store::tests::salesforce_id;

pub(super) fn value() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(Value::Blank),
        "[a-cé]{1,3}".prop_map(Value::Text),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Number(Decimal::from(number))),
        any::<i32>().prop_map(|day| Value::Date(Day(day))),
        any::<i64>().prop_map(|moment| Value::Moment(Timestamp(moment))),
        Just(Value::many(["b", "a"])),
        Just(Value::Text("x".repeat(5_000))),
    ]
    .boxed()
}

fn few_values() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(Value::Blank),
        Just(Value::Text("a".into())),
        Just(Value::Text("b".into())),
        value(),
    ]
    .boxed()
}

fn moment() -> BoxedStrategy<Timestamp> {
    prop_oneof![Just(Timestamp::ZERO), any::<i64>().prop_map(Timestamp)].boxed()
}

fn edited() -> BoxedStrategy<Option<Edited>> {
    option::of((moment(), moment()).prop_map(|(after, by)| Edited { after, by })).boxed()
}

pub(super) fn base() -> BoxedStrategy<Base> {
    (few_values(), few_values())
        .prop_map(|(salesforce, automation)| Base {
            salesforce,
            automation,
        })
        .boxed()
}

fn field_state(field: u16) -> BoxedStrategy<FieldState> {
    (
        option::of(base()),
        option::of(few_values()),
        option::of(few_values()),
        edited(),
        edited(),
    )
        .prop_map(
            move |(base, salesforce, automation, salesforce_edited, automation_edited)| {
                FieldState {
                    field: FieldId(field),
                    base,
                    salesforce,
                    automation,
                    salesforce_edited,
                    automation_edited,
                }
            },
        )
        .boxed()
}

fn consent() -> BoxedStrategy<Consent> {
    prop_oneof![
        Just(Consent::In),
        Just(Consent::Out(Reason::Unstated)),
        Just(Consent::Out(Reason::Unsubscribed)),
        Just(Consent::Bounced),
    ]
    .boxed()
}

fn dated() -> BoxedStrategy<Dated> {
    (moment(), moment())
        .prop_map(|(earliest, latest)| Dated {
            earliest,
            latest,
            proof: Proof::FieldHistory,
        })
        .boxed()
}

fn consent_view() -> BoxedStrategy<ConsentView> {
    (consent(), moment(), option::of(dated()))
        .prop_map(|(value, since, opted_out)| ConsentView {
            value,
            since,
            seen: since,
            evidence: Evidence {
                opted_out,
                opted_in: None,
            },
        })
        .boxed()
}

fn consent_state() -> BoxedStrategy<ConsentState> {
    (
        option::of(consent()),
        option::of(dated()),
        option::of(consent_view()),
        option::of(consent_view()),
    )
        .prop_map(|(agreed, opted_out, salesforce, automation)| ConsentState {
            agreed,
            opted_out,
            salesforce,
            automation,
        })
        .boxed()
}

fn row_state() -> BoxedStrategy<RowState> {
    prop_oneof![
        4 => Just(RowState::Live),
        1 => Just(RowState::Deleted),
        1 => (0..5_u8).prop_map(|n| RowState::MergedSalesforce(salesforce_id(n))),
        1 => (0..5_u64).prop_map(|n| RowState::MergedAutomation(AutomationId(n))),
    ]
    .boxed()
}

fn salesforce_end() -> BoxedStrategy<SalesforceEnd> {
    (
        0..5_u8,
        0..5_u8,
        row_state(),
        moment(),
        option::of("[a-z]{3}"),
        any::<bool>(),
    )
        .prop_map(
            |(id, first, state, modified, edited_by, written_since)| SalesforceEnd {
                object: SalesforceObject::Lead,
                id: salesforce_id(id),
                first_id: salesforce_id(first),
                state,
                modified,
                edited_by,
                account: None,
                written_since,
            },
        )
        .boxed()
}

fn automation_end() -> BoxedStrategy<AutomationEnd> {
    (
        0..5_u64,
        row_state(),
        moment(),
        option::of("[a-z]{3}"),
        any::<bool>(),
    )
        .prop_map(
            |(id, state, modified, edited_by, written_since)| AutomationEnd {
                id: AutomationId(id),
                state,
                modified,
                edited_by,
                written_since,
            },
        )
        .boxed()
}

pub(super) fn failure() -> Failure {
    Failure::new(FailureKind::Transient, "UNABLE_TO_LOCK_ROW", "locked")
}

fn pending() -> BoxedStrategy<Pending> {
    let state = prop_oneof![
        Just(PendingState::Planned),
        Just(PendingState::Issued),
        moment().prop_map(PendingState::Waiting),
        Just(PendingState::Dead),
        Just(PendingState::Asking),
    ];
    (
        state,
        vec(value(), 0..3),
        option::of(consent()),
        any::<u8>(),
    )
        .prop_map(|(state, values, consent, attempts)| Pending {
            side: Side::Automation,
            write: Intent::Update,
            values: (0..).map(FieldId).zip(values).collect(),
            consent,
            state,
            attempts,
            failure: Some(failure()),
        })
        .boxed()
}

fn conflicts() -> BoxedStrategy<Vec<Conflict>> {
    vec(
        base().prop_map(|base| Conflict {
            subject: Subject::Field(FieldId(1)),
            cause: Cause::BothChanged {
                salesforce: base.salesforce,
                automation: base.automation,
            },
            raised: Timestamp(7),
        }),
        0..2,
    )
    .boxed()
}

fn decided() -> BoxedStrategy<Vec<Decided>> {
    vec(
        (base(), base(), option::of(base())).prop_map(|(target, saw, agreed)| Decided {
            field: FieldId(1),
            target,
            saw,
            agreed,
        }),
        0..2,
    )
    .boxed()
}

fn parked() -> BoxedStrategy<Option<Parked>> {
    prop_oneof![
        3 => Just(None),
        1 => Just(Some(Parked::NoEmail)),
        1 => (0..5_u64).prop_map(|n| Some(Parked::ShadowedByContact(LinkId(n)))),
        1 => moment().prop_map(|until| Some(Parked::Quarantined { until: Some(until) })),
    ]
    .boxed()
}

/// Few ids, records and addresses, so that links take each other's.
pub(super) fn link() -> BoxedStrategy<Link> {
    let ends = (
        0..6_u64,
        prop_oneof![Just(Kind::Person), Just(Kind::Company)],
        option::of(salesforce_end()),
        option::of(automation_end()),
        [field_state(0), field_state(1), field_state(9)],
    );
    let rest = (
        consent_state(),
        conflicts(),
        decided(),
        vec(pending(), 0..2),
        parked(),
        0..2_u8,
        vec((0..4_u64).prop_map(MatchKey), 0..3),
    );
    (ends, rest)
        .prop_map(
            |(
                (id, kind, salesforce, automation, fields),
                (consent, conflicts, decided, pending, parked, diverged, match_keys),
            )| Link {
                salesforce,
                automation,
                fields: fields.into(),
                consent,
                generation: Generation(3),
                conflicts,
                decided,
                decided_consent: consent.agreed,
                pending,
                parked,
                diverged,
                match_keys,
                ..Link::new(LinkId(id), kind)
            },
        )
        .boxed()
}

pub(super) fn held(reference: &str, attempts: u8) -> HeldActivity {
    HeldActivity {
        link: LinkId(1),
        activity: Activity {
            reference: reference.into(),
            contact: AutomationId(7),
            kind: "email.read".into(),
            at: Timestamp(5),
            name: "Email read".into(),
            description: String::new(),
        },
        failure: failure(),
        attempts,
    }
}

/// Numbers that the store requires to grow or to be used once are filled in by `number`.
pub(super) fn change() -> BoxedStrategy<Change> {
    prop_oneof![
        8 => link().prop_map(|link| Change::PutLink(Box::new(link))),
        2 => (0..6_u64).prop_map(|id| Change::RemoveLink(LinkId(id))),
        2 => (0..4_u64, consent(), dated()).prop_map(|(address, consent, opted_out)| {
            Change::PutSuppression(Suppression {
                address: MatchKey(address),
                consent,
                opted_out,
            })
        }),
        2 => ("[ab]{1,2}", any::<u8>())
            .prop_map(|(reference, attempts)| Change::PutHeldActivity(held(&reference, attempts))),
        1 => "[ab]{1,2}".prop_map(Change::RemoveHeldActivity),
        2 => (0..6_u64, vec(0..9_u64, 0..4))
            .prop_map(|(link, hashes)| Change::AddSent(LinkId(link), hashes)),
        2 => (0..6_u64, value()).prop_map(|(link, value)| {
            Change::AddHistory(LinkId(link), HistoryEntry {
                at: Timestamp(1),
                run: RunId(1),
                what: Happened::Written {
                    side: Side::Salesforce,
                    field: FieldId(1),
                    before: Value::Blank,
                    after: value,
                },
            })
        }),
        1 => Just(Change::AddAct(act(0))),
        1 => (0..7_usize, moment(), any::<u64>()).prop_map(|(stream, from, row)| {
            Change::PutCursor(Stream::ALL[stream], Cursor {
                from,
                until: None,
                after: Some(Position::Audit(row)),
            })
        }),
        1 => (0..9_i64, 0..9_i64).prop_map(|(from, until)| {
            let mut coverage = Coverage::default();
            coverage.add(Timestamp(from), Timestamp(until));
            Change::PutCoverage(Side::Salesforce, coverage)
        }),
        1 => any::<u64>().prop_map(|next_link| {
            Change::PutTally(Tally { next_link, ..Tally::default() })
        }),
        1 => Just(Change::ConfirmRestored),
        1 => (0..4_u64).prop_map(|address| Change::AddUnpaired(MatchKey(address))),
        1 => (0..4_u64).prop_map(|address| Change::RemoveUnpaired(MatchKey(address))),
    ]
    .boxed()
}

pub(super) fn act(run: u64) -> Act {
    Act {
        run: RunId(run),
        at: Timestamp(9),
        operator: "anne".into(),
        from: String::new(),
        act: "resolve".into(),
        object: "link 4".into(),
        links: Vec::new(),
        reason: "ticket 12".into(),
        undo: Vec::new(),
    }
}

/// Every act has a run of its own.
pub(super) fn number(batches: &mut [Vec<Change>]) {
    let changes = batches.iter_mut().flatten();
    for (run, change) in (1..).zip(changes) {
        if let Change::AddAct(act) = change {
            act.run = RunId(run);
        }
    }
}
