//! The set-up of the recorded instance: its fields, users, credentials, and what was done before.

use passerelle::sim::automation::acts::{Cookie, Visit};
use passerelle::sim::automation::auth::{Client, GrantRequest, RateLimit};
use passerelle::sim::automation::contact::ContactId;
use passerelle::sim::automation::draft::ContactInput;
use passerelle::sim::automation::field::{Choice, Kind, NewField, Traits};
use passerelle::sim::automation::segment::SegmentFilter;
use passerelle::sim::automation::user::{NewUser, Right, UserId};
use passerelle::sim::automation::{Automation, Settings};
use passerelle::sim::clock::Timestamp;

/// 2026-11-22T21:27:00Z, when the recorded instance was set up.
pub(super) const BEGIN: Timestamp = Timestamp::from_seconds(1_795_382_820);
const SECRET: &str = "client-secret-placeholder";
const REDIRECT: &str = "http://127.0.0.1:9999/callback";
const KEYS: [&str; 3] = [
    "rigclientid0000000000000000000000000000000000000000",
    "riglimitedid000000000000000000000000000000000000000",
    "rigcodeonlyid00000000000000000000000000000000000000",
];

pub(super) fn world(name: &str) -> Automation {
    let mut brain = Automation::new(7);
    brain.settings = Settings {
        is_basic_enabled: true,
        ..Settings::default()
    };
    people(&mut brain);
    fields(&mut brain, name);
    let caller = brain.caller_for_client(1).unwrap();
    let added = passerelle::sim::automation::contact::Stamp {
        at: BEGIN,
        by: caller.by,
    };
    let filter = SegmentFilter {
        glue: "and".into(),
        object: "lead".into(),
        field: "city".into(),
        kind: "text".into(),
        operator: "=".into(),
        value: "Lyon".into(),
    };
    brain.add_segment_as("Lyon people", "lyon-people", vec![filter], added);
    brain.add_segment_as("Hand picked", "hand-picked", Vec::new(), added);
    brain.add_stage("Qualified");
    brain.add_email("Welcome note", "Welcome, {contactfield=firstname}");
    brain.add_form("Brochure request");
    brain.add_page("Spring fair", "http://127.0.0.1/spring-fair");
    match name {
        "contact-list" | "contact-paging-order" | "stats" | "contact-activity" => crowd(&mut brain),
        "contact-merged-away" => returning_visitors(&mut brain),
        "contact-concurrent-create" => race(&mut brain),
        "timezone" => {
            let paris = jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
            brain.settings.time_zone = paris;
        }
        _ => {}
    }
    brain
}

/// What happened between the recorded calls.
pub(super) fn before(name: &str, title: &str, brain: &mut Automation) {
    match (name, title) {
        ("limits-and-disabled", "request 1") => {
            // The limiter had counted one call already.
            let mut limit = RateLimit::hourly(3);
            limit.take(Timestamp::from_seconds(1_795_384_781));
            brain.settings.rate_limit = Some(limit);
        }
        ("limits-and-disabled", "API disabled: contacts") => {
            brain.settings.rate_limit = None;
            brain.settings.is_api_enabled = false;
        }
        ("limits-and-disabled", "basic auth disabled, good basic credentials") => {
            brain.settings.is_api_enabled = true;
            brain.settings.is_basic_enabled = false;
        }
        ("contact-concurrent-create", "GET 266 after the deduplicate command") => {
            let by = passerelle::sim::automation::author::AuthorId::SYSTEM;
            brain.merge(BEGIN, by, ContactId(266), ContactId(268));
            brain.merge(BEGIN, by, ContactId(267), ContactId(268));
        }
        _ => {}
    }
}

/// Uses up contact ids until the next contact gets this one.
pub(super) fn burn_ids(brain: &mut Automation, next: u32) {
    let caller = brain.caller_for_user(UserId(1)).unwrap();
    while brain.contacts().last_id().0 + 1 < next {
        let id = brain
            .create_contact(BEGIN, caller, &ContactInput::default())
            .unwrap()
            .id;
        brain.delete_contact(BEGIN, caller, id).unwrap();
    }
}

pub(super) fn credentials(client: usize) -> String {
    format!("{client}_{}:{SECRET}", KEYS[client - 1])
}

pub(super) fn token(brain: &mut Automation, now: Timestamp, client: u32) -> String {
    let key = format!("{client}_{}", KEYS[client as usize - 1]);
    brain
        .token(now, &key, SECRET, &GrantRequest::ClientCredentials)
        .unwrap()
        .access_token
}

/// The code of the recording: consented to once, spent by its first use.
pub(super) fn code(brain: &mut Automation, now: Timestamp) -> String {
    if brain.users().by_id(UserId(1)).unwrap().last_login.is_some() {
        return "spent".to_owned();
    }
    brain
        .consent(now, &format!("1_{}", KEYS[0]), REDIRECT, UserId(1))
        .unwrap()
}

fn people(brain: &mut Automation) {
    let role = passerelle::sim::automation::user::Users::ADMINISTRATOR;
    let view = brain.add_role(
        BEGIN,
        "Read-only contacts",
        "View only",
        vec![Right::ViewContacts],
    );
    let users = [
        ("bruno", "Bruno", "Keller", role),
        ("chloe", "Chloe", "Marin", role),
        ("deepak", "Deepak", "Varma", role),
        ("viewer", "Vera", "Onlyview", view),
    ];
    for (username, first_name, last_name, role) in users {
        let email = format!("{username}@rig.example");
        let user = NewUser {
            username,
            first_name,
            last_name,
            email: &email,
            password: "x",
            role,
        };
        brain.add_user(BEGIN, &user);
    }
    brain.set_user_email(UserId(1), "admin@rig.example");
    let first = brain.add_client("Sync rig", KEYS[0], SECRET, UserId(1));
    let first = Client {
        redirects: vec![REDIRECT.to_owned()],
        ..first
    };
    brain.replace_client(first.clone());
    let limited = Client {
        name: "Limited".into(),
        random: KEYS[1].into(),
        role: view,
        ..first
    };
    let limited = brain.add_client_as(&limited);
    let code_only = Client {
        random: KEYS[2].into(),
        acts_alone: false,
        ..limited
    };
    brain.add_client_as(&code_only);
}

fn fields(brain: &mut Automation, name: &str) {
    let list = |entries: &[(&str, &str)]| -> Vec<Choice> {
        entries
            .iter()
            .map(|(label, value)| Choice::new(*label, *value))
            .collect()
    };
    let tiers = list(&[("Gold", "gold"), ("Silver", "silver"), ("Bronze", "bronze")]);
    let interests = list(&[("Wine", "wine"), ("Tea", "tea"), ("Coffee beans", "coffee")]);
    let nicknames = vec!["Ace".to_owned(), "Bo".to_owned()];
    let mut time = NewField::contact("call_time", "Call time", Kind::Time);
    time.traits = time.traits.without(Traits::LISTABLE);
    let yes_no = Kind::Boolean {
        no: "No".into(),
        yes: "Yes".into(),
    };
    let new = [
        NewField::contact("sf_lead_id", "SF Lead ID", Kind::Text),
        NewField::contact("annual_budget", "Annual budget", Kind::Number(Some(2))),
        NewField::contact("newsletter", "Newsletter", yes_no),
        NewField::contact("birth_date", "Birth date", Kind::Date),
        NewField::contact("trial_ends_at", "Trial ends at", Kind::Datetime),
        NewField::contact("second_email", "Second email", Kind::Email),
        NewField::contact("blog", "Blog", Kind::Url),
        NewField::contact("tier", "Tier", Kind::Select(tiers)),
        NewField::contact("interests", "Interests", Kind::Multiselect(interests)),
        NewField::contact("branch_country", "Branch country", Kind::Country),
        NewField::contact("branch_region", "Branch region", Kind::Region),
        NewField::contact("nickname", "Nickname", Kind::Lookup(nicknames)),
        NewField::contact("long_notes", "Long notes", Kind::Textarea),
        NewField::contact("mobile_2", "Mobile 2", Kind::Tel),
        NewField::contact("pref_locale", "Preferred locale", Kind::Locale),
        NewField::contact("zone_tz", "Zone", Kind::Timezone),
        time,
        NewField::contact("external_key", "External key", Kind::Text).unique(),
        NewField::company("companysf_account_id", "SF Account ID", Kind::Text),
        NewField::company(
            "companytier",
            "Company tier",
            Kind::Select(list(&[("A", "a"), ("B", "b")])),
        ),
    ];
    for new in new {
        brain.add_field(BEGIN, new).unwrap();
    }
    if name != "fields" {
        brain
            .add_field(BEGIN, NewField::contact("id", "id", Kind::Text))
            .unwrap();
        let mut short = NewField::contact("short_code", "Short code", Kind::Text);
        short.length_limit = Some(10);
        brain.add_field(BEGIN, short).unwrap();
    }
}

/// A few of everything, for recordings of a large instance compared by shape.
fn crowd(brain: &mut Automation) {
    let admin = brain.caller_for_user(UserId(1)).unwrap();
    let cities = ["Lyon", "Paris", "Metz"];
    for n in 0..120_u32 {
        let now = BEGIN.plus_millis(i64::from(n) * 1_000);
        let mut input = ContactInput::default()
            .with("firstname", if n % 20 == 0 { "Amara" } else { "Bilal" })
            .with("email", format!("amara.abbot.{n:03}@rig.example"))
            .with("city", cities[n as usize % 3])
            .with("tier", "gold")
            .with("newsletter", n % 2 == 0)
            .with("sf_lead_id", format!("00Q0000000000{n:05}"))
            .with("external_key", format!("EXT-{n:04}"))
            .with("company", "Zephyr Cycles")
            .with("points", f64::from(n));
        input.tags = vec!["seed".into()];
        input.owner = (n % 3 == 0).then_some(2.0.into());
        brain.create_contact(now, admin, &input).unwrap();
    }
    brain
        .create_contact(BEGIN, admin, &ContactInput::default())
        .unwrap();
    let later = BEGIN.plus_millis(1_440_000);
    for id in 1..=12 {
        let input = ContactInput {
            last_active: (id == 1).then(|| "2020-01-01".into()),
            ..ContactInput::default()
        };
        let verb = passerelle::sim::automation::operate::Verb::Patch;
        brain
            .edit_contact(
                later,
                admin,
                verb,
                ContactId(id),
                &input.with("city", "Nice"),
            )
            .unwrap();
    }
    lively(brain, ContactId(4), later);
    burn_ids(brain, 228);
    let id = returning_visitor(brain, ContactId(16), later);
    lively(brain, id, later);
}

fn returning_visitors(brain: &mut Automation) {
    let admin = brain.caller_for_user(UserId(1)).unwrap();
    for n in 0..30 {
        let mut input = ContactInput::default()
            .with("email", format!("v{n}@rig.example"))
            .with("firstname", "V")
            .with("city", "Lille");
        input.owner = Some(4.0.into());
        input.tags = vec!["seed".into(), "batch0".into()];
        brain.create_contact(BEGIN, admin, &input).unwrap();
    }
    burn_ids(brain, 228);
    let mut first = None;
    for old in 15..=24 {
        let id = returning_visitor(brain, ContactId(old), BEGIN.plus_millis(60_000));
        first.get_or_insert(id);
    }
    lively(brain, first.unwrap(), BEGIN.plus_millis(60_000));
}

fn returning_visitor(brain: &mut Automation, old: ContactId, now: Timestamp) -> ContactId {
    let field = brain.fields().by_alias(
        passerelle::sim::automation::field::Subject::Contact,
        "email",
    );
    let position = field.unwrap().position;
    let email = brain
        .contact(old)
        .unwrap()
        .values
        .at(position)
        .to_text()
        .unwrap();
    let visit = Visit {
        url: "http://127.0.0.1/spring-fair?email=v%40rig.example",
        title: "Spring fair",
        referer: Some("https://rig.example/from"),
        page: Some(1),
        address: "203.0.113.10",
    };
    brain.submit(
        now,
        1,
        Cookie::Lost,
        &[("email", &email), ("question", "Price?")],
        &visit,
    )
}

/// One event of each recorded type.
fn lively(brain: &mut Automation, id: ContactId, now: Timestamp) {
    let caller = brain.caller_for_client(1).unwrap();
    let stage = passerelle::sim::automation::segment::StageId(1);
    brain.set_stage(now, caller, stage, id).unwrap();
    let utm = passerelle::sim::automation::log::Utm {
        campaign: Some("spring".into()),
        medium: Some("email".into()),
        source: Some("news".into()),
        ..Default::default()
    };
    brain.add_utm(now, caller, id, utm).unwrap();
    brain.earn(now, id, "Rig points", "Called in", 5);
    let mail = brain.send(now, 1, id).unwrap();
    brain.open(now.plus_millis(10_000), mail);
    brain.unsubscribe(now.plus_millis(10_000), mail);
    brain.rebuild_segment(
        now.plus_millis(13_000),
        passerelle::sim::automation::segment::SegmentId(1),
    );
}

/// Four creates at once with one address: two of them got through beside the first.
fn race(brain: &mut Automation) {
    burn_ids(brain, 266);
    let caller = brain.caller_for_client(1).unwrap();
    let input = ContactInput::default()
        .with("email", "race@rig.example")
        .with("firstname", "R");
    brain.duplicate(BEGIN, caller, &input);
    brain.duplicate(BEGIN, caller, &input);
    brain.user_deletes(BEGIN, UserId(1), ContactId(269));
}
