//! How many links a core judges in a second: `cargo bench --bench rules`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use passerelle::domain::ids::{AutomationId, FieldId, Kind, LinkId, SalesforceObject, Side};
use passerelle::domain::link::{AutomationEnd, Base, Link, SalesforceEnd};
use passerelle::domain::mapping::{
    Arrow, BlankTravel, Concurrent, FieldRule, Mapping, Overwritten, Policy, Role,
};
use passerelle::domain::row::RowState;
use passerelle::domain::time::Timestamp;
use passerelle::domain::value::{Value, ValueType};
use passerelle::engine::accounts::Accounts;
use passerelle::engine::consent::Freshness;
use passerelle::engine::limits::FieldLimits;
use passerelle::engine::owners::Directory;
use passerelle::engine::reconcile::{Context, reconcile};

const FIELDS: u16 = 12;
const LASTS: Duration = Duration::from_secs(3);

/// Links judged between two looks at the clock; they are made and dropped outside of it.
const ROUND: usize = 1_000;

fn main() {
    let policy = policy();
    let context = Context {
        policy: &policy,
        directory: &Directory::default(),
        limits: &FieldLimits::default(),
        accounts: &Accounts::default(),
        freshness: Freshness::Stale,
        now: Timestamp::from_seconds(1_790_000_000),
    };
    let settled = link();
    let mut edited = link();
    for field in [0, 1] {
        edit(&mut edited, Side::Salesforce, field);
    }
    let mut contested = link();
    for side in Side::BOTH {
        edit(&mut contested, side, 2);
    }
    let judged = report("links with nothing to do", &settled, context);
    assert_eq!(judged, settled);
    let judged = report(
        "links with an edit that travels and one that may not",
        &edited,
        context,
    );
    assert!(judged.pending(Side::Automation).is_some() && judged.diverged == 1);
    let judged = report("links with a conflict", &contested, context);
    assert_eq!(judged.conflicts.len(), 1);
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// Answers the link as it was judged: the figure counts only if that is what it should be.
#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn report(what: &str, link: &Link, context: Context<'_>) -> Link {
    let begin = now();
    let mut spent = Duration::ZERO;
    let mut links = 0_u64;
    let mut last = link.clone();
    while begin.elapsed() < LASTS {
        let mut round = vec![link.clone(); ROUND];
        let start = now();
        for link in &mut round {
            black_box(reconcile(black_box(link), context));
        }
        spent += start.elapsed();
        links += ROUND as u64;
        last.clone_from(&round[0]);
    }
    let per_second = links as f64 / spent.as_secs_f64();
    let decisions = per_second * f64::from(FIELDS);
    println!("{what}: {per_second:.0} links/s, {decisions:.0} field decisions/s on one core");
    last
}

fn policy() -> Policy {
    let objects = vec![SalesforceObject::Lead, SalesforceObject::Contact];
    let rule = |id: u16| FieldRule {
        id: FieldId(id),
        salesforce: format!("Field{id}__c"),
        objects: objects.clone(),
        automation: format!("field{id}"),
        value_type: ValueType::Text,
        role: if id == 0 { Role::Email } else { Role::Plain },
        arrow: [Arrow::Salesforce, Arrow::Automation, Arrow::Both][usize::from(id % 3)],
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Never,
        concurrent: Concurrent::Conflict,
    };
    Policy {
        mapping: Mapping {
            person: (0..FIELDS).map(rule).collect(),
            company: Vec::new(),
        },
        published: true,
        objects: vec![
            SalesforceObject::Lead,
            SalesforceObject::Contact,
            SalesforceObject::Account,
        ],
        activities: true,
        update_blanks: false,
        latest_do_not_contact: true,
        sync_owners: false,
        create_accounts: false,
        activity_types: Vec::new(),
        namespace: String::new(),
        automation_url: "https://acme.automation.example".into(),
    }
}

/// A paired person in agreement.
fn link() -> Link {
    let mut link = Link::new(LinkId(1), Kind::Person);
    let id = "003Q70000000A1bIAE".parse().expect("an id");
    link.salesforce = Some(SalesforceEnd {
        object: SalesforceObject::Contact,
        id,
        first_id: id,
        state: RowState::Live,
        modified: Timestamp::ZERO,
        edited_by: None,
        account: None,
        written_since: false,
    });
    link.automation = Some(AutomationEnd {
        id: AutomationId(7),
        state: RowState::Live,
        modified: Timestamp::ZERO,
        edited_by: None,
        written_since: false,
    });
    for field in 0..FIELDS {
        let value = Value::Text(format!("a value of ordinary length {field}"));
        let state = link.field_mut(FieldId(field));
        state.base = Some(Base {
            salesforce: value.clone(),
            automation: value.clone(),
        });
        state.automation = Some(value.clone());
        state.salesforce = Some(value);
    }
    link
}

fn edit(link: &mut Link, side: Side, field: u16) {
    let edited = Some(Value::Text(format!("edited in {side}")));
    let state = link.field_mut(FieldId(field));
    match side {
        Side::Salesforce => state.salesforce = edited,
        Side::Automation => state.automation = edited,
    }
}
