//! Everything about a run that chance decides, drawn from the seed before it begins: a bug that
//! shows only with pages of one row is found by a run that has them.

use crate::domain::ids::{FieldId, SalesforceObject};
use crate::domain::mapping::{
    Arrow, BlankTravel, Concurrent, FieldRule, Mapping, Overwritten, Policy, Role,
};
use crate::domain::time::Span;
use crate::domain::value::ValueType;
use crate::sim::random::Random;

#[derive(Debug, Clone)]
pub(super) struct Knobs {
    pub(super) people: u64,
    pub(super) acts: u64,
    /// Length of the time in which people act and things go wrong.
    pub(super) chaos: Span,
    pub(super) between_cycles: Span,
    /// Of Salesforce and of Automation.
    pub(super) page_rows: [usize; 2],
    pub(super) chunk_size: usize,
    pub(super) overlap: Span,
    /// Longest way of a request, and of its answer.
    pub(super) latency: Span,
    /// Each side's clock minus the true time.
    pub(super) skew: [Span; 2],
    /// How long a person's edit in Salesforce may take to become visible.
    pub(super) lag: Span,
    pub(super) faults: Faults,
    pub(super) tracks_history: bool,
    /// People act in the very moments in which the engine reads and writes.
    pub(super) acts_meet_cycles: bool,
    /// While an opt-in is on its way to a record, its person opts in and out again there, now and then:
    /// nothing but the guard of the write can know.
    pub(super) acts_meet_opt_ins: bool,
    /// Hints that come without an act; with any, one follows each act too.
    pub(super) hints: u64,
    pub(super) focus: Focus,
    pub(super) policy: Policy,
}

/// What people are busy with: a rare mix of acts is common in some runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    Everything,
    /// Opting in and out, on both sides.
    Consent,
    /// Edits of the same few fields on both sides.
    Edits,
    /// Records become others: merges, conversions, forms, new addresses.
    Identity,
}

/// Out of a thousand requests, or of a thousand outputs for crashes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    pub(super) lost_request: u64,
    pub(super) lost_answer: u64,
    /// A creation is given up by whoever waits for it, and made minutes later.
    pub(super) late: u64,
    pub(super) throttled: u64,
    pub(super) row_locked: u64,
    pub(super) row_missing: u64,
    pub(super) crash: u64,
}

impl Knobs {
    pub(super) fn draw(random: &mut Random) -> Self {
        let overlap = Span::minutes(pick(random, &[2, 5, 20]));
        let skew = |random: &mut Random| match random.below(3) {
            0 => Span::ZERO,
            _ => Span::seconds(random.below(600) as i64 - 300),
        };
        let lag = match random.below(2) {
            0 => Span::ZERO,
            _ => Span(random.below(overlap.0 as u64 * 3 / 4) as i64),
        };
        let calm = random.below(4) == 0;
        let rate = |random: &mut Random, worst: u64| {
            let is_off = calm || random.below(2) == 0;
            if is_off { 0 } else { random.below(worst) }
        };
        let faults = Faults {
            lost_request: rate(random, 100),
            lost_answer: rate(random, 150),
            late: 0,
            throttled: rate(random, 60),
            row_locked: rate(random, 300),
            row_missing: rate(random, 100),
            crash: rate(random, 12),
        };
        // Drawn beside the others, which stay what they are in every life that has none of these.
        let faults = Faults {
            late: rate(&mut random.clone(), 400),
            ..faults
        };
        Self {
            people: 2 + random.below(7),
            acts: 2 + random.below(28),
            chaos: Span::minutes(60 + random.below(300) as i64),
            between_cycles: Span::minutes(pick(random, &[2, 8, 20, 60])),
            page_rows: [pick(random, &[1, 2, 3, 50]), pick(random, &[1, 2, 3, 50])],
            chunk_size: pick(random, &[1, 2, 50]),
            overlap,
            latency: Span(pick(random, &[5, 1_000, 30_000])),
            skew: [skew(random), skew(random)],
            lag,
            faults,
            tracks_history: random.below(4) > 0,
            acts_meet_cycles: random.below(3) == 0,
            acts_meet_opt_ins: false,
            hints: pick(random, &[0, 0, 4, 40]),
            focus: pick(
                random,
                &[
                    Focus::Everything,
                    Focus::Everything,
                    Focus::Consent,
                    Focus::Edits,
                    Focus::Identity,
                ],
            ),
            policy: policy(random),
        }
    }
}

impl Knobs {
    /// Two people who do nothing but opt in and out, on slow lines, while the engine reads and writes:
    /// what goes wrong only between a look and the write that follows it.
    pub(super) fn narrowed_to_consent(mut self) -> Self {
        self.people = 2;
        self.acts = 60;
        self.between_cycles = Span::minutes(8);
        self.latency = Span::seconds(30);
        self.lag = Span::ZERO;
        self.faults = Faults::default();
        self.tracks_history = true;
        self.acts_meet_cycles = true;
        self.acts_meet_opt_ins = true;
        self.focus = Focus::Consent;
        self.policy.latest_do_not_contact = true;
        self
    }
}

pub(super) fn pick<T: Copy>(random: &mut Random, from: &[T]) -> T {
    from[random.below(from.len() as u64) as usize]
}

pub(super) const EMAIL: FieldId = FieldId(1);
pub(super) const CONSENT: FieldId = FieldId(7);
/// Fields that people edit: number, Salesforce's name, Automation's alias.
pub(super) const PLAIN: [(FieldId, &str, &str); 5] = [
    (FieldId(2), "FirstName", "firstname"),
    (FieldId(3), "LastName", "lastname"),
    (FieldId(4), "Phone", "phone"),
    (FieldId(5), "Title", "position"),
    (FieldId(6), "MobilePhone", "mobile"),
];

const PEOPLE: [SalesforceObject; 2] = [SalesforceObject::Lead, SalesforceObject::Contact];

fn rule(
    id: FieldId,
    (salesforce, automation): (&str, &str),
    role: Role,
    arrow: Arrow,
    random: &mut Random,
) -> FieldRule {
    let value_type = match role {
        Role::Email => ValueType::Email,
        Role::Consent | Role::Deleted => ValueType::Bool,
        Role::ContactId => ValueType::Number,
        _ => ValueType::Text,
    };
    FieldRule {
        id,
        salesforce: salesforce.to_owned(),
        objects: PEOPLE.to_vec(),
        automation: automation.to_owned(),
        value_type,
        role,
        arrow,
        overwritten: pick(
            random,
            &[Overwritten::Keep, Overwritten::Keep, Overwritten::Review],
        ),
        blank: pick(
            random,
            &[BlankTravel::Never, BlankTravel::Never, BlankTravel::Clears],
        ),
        concurrent: pick(random, &[Concurrent::Conflict, Concurrent::Newest]),
    }
}

fn policy(random: &mut Random) -> Policy {
    let arrows = [
        Arrow::Salesforce,
        Arrow::Automation,
        Arrow::Both,
        Arrow::Both,
    ];
    let arrow = |random: &mut Random| pick(random, &arrows);
    let email = arrow(random);
    let mut person = vec![rule(EMAIL, ("Email", "email"), Role::Email, email, random)];
    for (id, salesforce, automation) in PLAIN {
        let way = arrow(random);
        person.push(rule(id, (salesforce, automation), Role::Plain, way, random));
    }
    let special = [
        (
            CONSENT,
            ("HasOptedOutOfEmail", "@do_not_contact_email"),
            Role::Consent,
        ),
        (FieldId(8), ("IsDeleted", "crm_deleted"), Role::Deleted),
        (
            FieldId(9),
            ("ID_Webmecanik__c", "@contact_id"),
            Role::ContactId,
        ),
    ];
    for (id, names, role) in special {
        let way = match role {
            Role::ContactId => Arrow::Automation,
            _ => Arrow::Salesforce,
        };
        person.push(rule(id, names, role, way, random));
    }
    let mut company = rule(
        FieldId(10),
        ("Company", "lead_company"),
        Role::Plain,
        arrow(random),
        random,
    );
    company.objects = vec![SalesforceObject::Lead];
    person.push(company);
    Policy {
        mapping: Mapping {
            person,
            company: Vec::new(),
        },
        published: true,
        objects: PEOPLE.to_vec(),
        activities: true,
        update_blanks: random.below(2) == 0,
        latest_do_not_contact: random.below(3) > 0,
        sync_owners: false,
        create_accounts: false,
        activity_types: [
            "page.hit",
            "email.sent",
            "email.read",
            "form.submitted",
            "point.gained",
        ]
        .map(str::to_owned)
        .to_vec(),
        namespace: String::new(),
        automation_url: "http://127.0.0.1".to_owned(),
    }
}
