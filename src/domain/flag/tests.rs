//! How far a deletion or an opt-out has got, one case after the other.

use super::*;
use crate::domain::conflict::{Cause, Conflict};
use crate::domain::consent::ConsentView;
use crate::domain::consent::{Dated, Evidence, Proof, Reason};
use crate::domain::ids::{AutomationId, Kind, LinkId, SalesforceObject};
use crate::domain::link::{AutomationEnd, Intent, SalesforceEnd};
use crate::domain::mapping::{Arrow, BlankTravel, Concurrent, Overwritten};
use crate::domain::value::ValueType;

const AT: Timestamp = Timestamp(1_772_615_702_000);
const FLAG: FieldId = FieldId(7);
const OUT: Consent = Consent::Out(Reason::Unsubscribed);

fn rule(id: u16, role: Role) -> FieldRule {
    FieldRule {
        id: FieldId(id),
        salesforce: "x".to_owned(),
        objects: vec![SalesforceObject::Lead],
        automation: "y".to_owned(),
        value_type: ValueType::Bool,
        role,
        arrow: Arrow::Salesforce,
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Never,
        concurrent: Concurrent::Conflict,
    }
}

fn mapping() -> Mapping {
    Mapping {
        person: vec![rule(6, Role::Consent), rule(7, Role::Deleted)],
        company: Vec::new(),
    }
}

fn view(value: Consent) -> ConsentView {
    ConsentView {
        value,
        since: AT,
        seen: AT,
        evidence: Evidence::default(),
    }
}

fn pair(salesforce: Consent, automation: Consent) -> Link {
    let mut link = Link::new(LinkId(1), Kind::Person);
    let id = "00Q000000000001".parse().unwrap();
    link.salesforce = Some(SalesforceEnd {
        object: SalesforceObject::Lead,
        id,
        first_id: id,
        state: RowState::Live,
        modified: AT,
        edited_by: None,
        account: None,
        written_since: false,
    });
    link.automation = Some(AutomationEnd {
        id: AutomationId(1),
        state: RowState::Live,
        modified: AT,
        edited_by: None,
        written_since: false,
    });
    link.consent.salesforce = Some(view(salesforce));
    link.consent.automation = Some(view(automation));
    link.field_mut(FLAG).automation = Some(Value::Bool(false));
    link
}

fn deleted(side: Side, state: RowState) -> Link {
    let mut link = pair(Consent::In, Consent::In);
    if let (Side::Salesforce, Some(end)) = (side, &mut link.salesforce) {
        end.state = state;
    }
    if let (Side::Automation, Some(end)) = (side, &mut link.automation) {
        end.state = state;
    }
    link
}

fn pending(side: Side, state: PendingState) -> Pending {
    Pending {
        side,
        write: Intent::Update,
        values: Vec::new(),
        consent: None,
        state,
        attempts: 0,
        failure: None,
    }
}

fn hold(link: &mut Link, subject: Subject) {
    link.conflicts.push(Conflict {
        subject,
        cause: Cause::Restored,
        raised: AT,
    });
}

#[track_caller]
fn check(link: &Link, expected: &[(Matter, Standing)]) {
    let found: Vec<(Matter, Standing)> = flags(link, &mapping())
        .into_iter()
        .map(|flag| (flag.matter, flag.standing))
        .collect();
    assert_eq!(found, expected);
}

#[track_caller]
fn check_opt_out(change: impl FnOnce(&mut Link), expected: Standing) {
    let mut link = pair(Consent::In, OUT);
    change(&mut link);
    check(&link, &[(Matter::OptOut, expected)]);
}

#[test]
fn nothing_is_said_of_who_may_be_mailed_and_lives() {
    check(&pair(Consent::In, Consent::In), &[]);
    check(&pair(Consent::In, Consent::Bounced), &[]);
}

#[test]
fn an_opt_out_is_agreed_or_says_what_keeps_it() {
    let to = Side::Salesforce;
    check(&pair(OUT, OUT), &[(Matter::OptOut, Standing::Agreed)]);
    check(
        &pair(OUT, Consent::Bounced),
        &[(Matter::OptOut, Standing::Bounced)],
    );
    check_opt_out(|_| {}, Standing::Due(to));
    check_opt_out(
        |link| link.consent.salesforce = None,
        Standing::NotShown(to),
    );
    check_opt_out(|link| link.salesforce = None, Standing::Alone(to));
    check_opt_out(
        |link| hold(link, Subject::Consent),
        Standing::Held(Subject::Consent),
    );
    check_opt_out(
        |link| hold(link, Subject::Write(to)),
        Standing::Held(Subject::Write(to)),
    );
    check_opt_out(
        |link| link.parked = Some(Parked::Unlinked),
        Standing::Parked(Parked::Unlinked),
    );
    check_opt_out(
        |link| link.pending.push(pending(to, PendingState::Dead)),
        Standing::GivenUp(to),
    );
    check_opt_out(
        |link| link.pending.push(pending(to, PendingState::Asking)),
        Standing::Asking,
    );
    let carrying = |state| Pending {
        consent: Some(OUT),
        ..pending(to, state)
    };
    check_opt_out(
        |link| link.pending.push(carrying(PendingState::Issued)),
        Standing::OnItsWay(to),
    );
    check_opt_out(
        |link| link.pending.push(carrying(PendingState::Waiting(AT))),
        Standing::Waiting(to, AT),
    );
    check_opt_out(
        |link| {
            link.pending.push(Pending {
                consent: Some(Consent::In),
                ..pending(Side::Automation, PendingState::Planned)
            });
        },
        Standing::OptInOnItsWay(Side::Automation),
    );
    check_opt_out(
        |link| link.pending.push(pending(to, PendingState::Planned)),
        Standing::Due(to),
    );
}

#[test]
fn a_deletion_in_salesforce_is_agreed_once_the_flag_is_there() {
    let gone = || deleted(Side::Salesforce, RowState::Deleted);
    let matter = Matter::Deleted(Side::Salesforce);
    let to = Side::Automation;
    check(&gone(), &[(matter, Standing::Due(to))]);
    let mut link = gone();
    link.field_mut(FLAG).automation = Some(Value::Bool(true));
    check(&link, &[(matter, Standing::Agreed)]);
    let mut link = gone();
    link.pending.push(Pending {
        values: vec![(FLAG, Value::Bool(true))],
        ..pending(to, PendingState::Issued)
    });
    check(&link, &[(matter, Standing::OnItsWay(to))]);
    let mut link = gone();
    hold(&mut link, Subject::Field(FLAG));
    check(&link, &[(matter, Standing::Held(Subject::Field(FLAG)))]);
    let mut link = gone();
    hold(&mut link, Subject::Deletion);
    check(&link, &[(matter, Standing::Held(Subject::Deletion))]);
    let mut link = gone();
    link.automation = None;
    check(&link, &[(matter, Standing::Alone(to))]);
    let mut link = gone();
    link.fields.clear();
    check(&link, &[(matter, Standing::NotShown(to))]);
    let nothing = flags(&gone(), &Mapping::default());
    assert_eq!(nothing[0].standing, Standing::NotMapped);
}

#[test]
fn what_lives_on_or_was_deleted_in_automation_needs_no_flag() {
    let merged = RowState::MergedSalesforce("00Q000000000002".parse().unwrap());
    check(
        &deleted(Side::Salesforce, merged),
        &[(Matter::Deleted(Side::Salesforce), Standing::LivesOn)],
    );
    check(
        &deleted(Side::Automation, RowState::Deleted),
        &[(Matter::Deleted(Side::Automation), Standing::Kept)],
    );
}

#[test]
fn a_record_back_from_the_bin_is_listed_while_its_flag_waits_for_a_person() {
    let mut link = pair(Consent::In, Consent::In);
    hold(&mut link, Subject::Deletion);
    let held = Standing::Held(Subject::Deletion);
    check(&link, &[(Matter::Deleted(Side::Salesforce), held)]);
}

#[test]
fn a_person_can_be_deleted_and_opted_out_and_the_date_is_the_best_known() {
    let mut link = deleted(Side::Salesforce, RowState::Deleted);
    link.consent.automation = Some(view(OUT));
    let before = Timestamp(AT.0 - 5_000);
    link.consent.opted_out = Some(Dated::exactly(before, Proof::FieldHistory));
    let found = flags(&link, &mapping());
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].standing, Standing::Alone(Side::Salesforce));
    assert_eq!((found[0].at, found[1].at), (Some(AT), Some(before)));
}
