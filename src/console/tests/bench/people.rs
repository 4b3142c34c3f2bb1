//! Who is in the small world.

use super::*;

pub(in crate::console::tests) fn person(number: u64, email: &str) -> Link {
    let mut link = Link::new(LinkId(number), Kind::Person);
    let id = format!("00Q{number:012}").parse().unwrap();
    link.generation = Generation(4);
    link.salesforce = Some(SalesforceEnd {
        object: SalesforceObject::Lead,
        id,
        first_id: id,
        state: RowState::Live,
        modified: NOW - Span::hours(2),
        edited_by: Some("Malik Benhamou".to_owned()),
        account: None,
        written_since: false,
    });
    link.automation = Some(AutomationEnd {
        id: AutomationId(number),
        state: RowState::Live,
        modified: NOW - Span::hours(1),
        edited_by: None,
        written_since: false,
    });
    let state = link.field_mut(EMAIL);
    state.salesforce = Some(Value::text(email));
    state.automation = Some(Value::text(email));
    link
}

fn raise(link: &mut Link, subject: Subject, cause: Cause) {
    link.conflicts.push(Conflict {
        subject,
        cause,
        raised: NOW - Span::minutes(5),
    });
}

pub(super) fn claire() -> Link {
    let mut link = person(1, "claire@orion.example");
    let base = Value::text("0600");
    let (salesforce, automation) = (Value::text("0601"), Value::text("0602"));
    let state = link.field_mut(MOBILE);
    state.base = Some(Base {
        salesforce: base.clone(),
        automation: base,
    });
    state.salesforce = Some(salesforce.clone());
    state.automation = Some(automation.clone());
    let cause = Cause::BothChanged {
        salesforce,
        automation,
    };
    raise(&mut link, Subject::Field(MOBILE), cause);
    link
}

pub(super) fn paul() -> Link {
    let mut link = person(2, "paul@orion.example");
    let view = |value| {
        Some(ConsentView {
            value,
            since: NOW - Span::days(1),
            seen: NOW,
            evidence: Evidence::default(),
        })
    };
    link.consent.salesforce = view(Consent::In);
    link.consent.automation = view(Consent::Out(Reason::Unsubscribed));
    let opted_in = Side::Salesforce;
    raise(
        &mut link,
        Subject::Consent,
        Cause::ConsentWithoutProof { opted_in },
    );
    link
}

pub(super) fn sophie() -> Link {
    let mut link = person(3, "sophie@orion.example");
    link.automation = None;
    let contact = |id| RemoteId::Automation(Kind::Person, AutomationId(id));
    let matches = vec![contact(7), contact(8)];
    raise(
        &mut link,
        Subject::Identity,
        Cause::SeveralMatch { matches },
    );
    link
}
