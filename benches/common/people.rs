//! Typical people, as many as wanted, the same ones each time.

use passerelle::domain::consent::{
    Consent, ConsentState, ConsentView, Dated, Evidence, Proof, Reason,
};
use passerelle::domain::ids::{AutomationId, FieldId, Kind, LinkId, SalesforceObject};
use passerelle::domain::link::{AutomationEnd, Base, Edited, Link, MatchKey, SalesforceEnd};
use passerelle::domain::row::RowState;
use passerelle::domain::time::Timestamp;
use passerelle::domain::value::{Decimal, Value};

/// A typical person: both ends, consent, 15 mapped fields. One in 20 has an edit on its way, one in
/// 25 has opted out.
pub(crate) fn person(id: u64) -> Link {
    let moment = Timestamp(1_772_615_702_000 + id.cast_signed() * 1_000);
    let salesforce = format!("003Q7{:010}", scattered(id) % 10_000_000)
        .parse()
        .expect("an id");
    let account = format!("001Q7{:010}", scattered(id) % 40_000);
    let mut link = Link::new(LinkId(id), Kind::Person);
    link.salesforce = Some(SalesforceEnd {
        object: SalesforceObject::Contact,
        id: salesforce,
        first_id: salesforce,
        state: RowState::Live,
        modified: moment,
        edited_by: Some("Sophie Lefebvre".into()),
        account: Some(account.parse().expect("an id")),
        written_since: false,
    });
    link.automation = Some(AutomationEnd {
        id: AutomationId(id),
        state: RowState::Live,
        modified: Timestamp(moment.0 + 61_000),
        edited_by: Some("Anne Martin".into()),
        written_since: id.is_multiple_of(50),
    });
    link.consent = consent(id, moment);
    let email = format!(
        "{}.{}{id}@{}.fr",
        pick(&FIRST_NAMES, id).to_lowercase(),
        pick(&LAST_NAMES, id / 7).to_lowercase(),
        pick(&COMPANIES, id / 3).to_lowercase().replace(' ', "-")
    );
    for (field, value) in (1..).map(FieldId).zip(values(id, &email)) {
        let state = link.field_mut(field);
        state.base = Some(Base {
            salesforce: value.clone(),
            automation: value.clone(),
        });
        state.salesforce = Some(value.clone());
        state.automation = Some(value);
    }
    owner(&mut link, id);
    if id.is_multiple_of(20) {
        let title = link.field_mut(FieldId(4));
        title.automation = Some(Value::text("Directeur des achats"));
        title.automation_edited = Some(Edited {
            after: moment,
            by: Timestamp(moment.0 + 3_600_000),
        });
        link.diverged = 1;
    }
    link.match_keys = vec![MatchKey::new(Kind::Person, &email)];
    link
}

fn consent(id: u64, moment: Timestamp) -> ConsentState {
    let is_out = id.is_multiple_of(25);
    let value = if is_out {
        Consent::Out(Reason::Unsubscribed)
    } else {
        Consent::In
    };
    let opted_out = is_out.then(|| Dated::exactly(moment, Proof::DatedRecord));
    let seen_after = |milliseconds: i64| {
        let since = Timestamp(moment.0 + milliseconds);
        Some(ConsentView {
            value,
            since,
            seen: Timestamp(since.0 + 86_400_000),
            evidence: Evidence {
                opted_out,
                opted_in: None,
            },
        })
    };
    ConsentState {
        agreed: Some(value),
        opted_out,
        salesforce: seen_after(7_200_000),
        automation: seen_after(7_260_000),
    }
}

/// The owner is another id on either side.
fn owner(link: &mut Link, id: u64) {
    let salesforce = Value::Text(format!("005Q7000000000{}AAA", id % 7));
    let automation = Value::Text((id % 7 + 2).to_string());
    let state = link.field_mut(FieldId(16));
    state.base = Some(Base {
        salesforce: salesforce.clone(),
        automation: automation.clone(),
    });
    state.salesforce = Some(salesforce);
    state.automation = Some(automation);
}

const FIRST_NAMES: [&str; 7] = [
    "Anne",
    "Jean-Pierre",
    "Sophie",
    "Mohamed",
    "Claire",
    "Luc",
    "Marguerite",
];
const LAST_NAMES: [&str; 7] = [
    "Martin",
    "Lefebvre",
    "Nguyen",
    "Roux",
    "Deschamps",
    "Garcia",
    "Villeneuve",
];
const COMPANIES: [&str; 5] = [
    "Ateliers du Forez",
    "Volcano",
    "Duval Conseil",
    "Transports Meyer",
    "Institut Lumen",
];
const CITIES: [&str; 5] = [
    "Clermont-Ferrand",
    "Lyon",
    "Paris",
    "Saint-Étienne",
    "Annecy",
];
const TITLES: [&str; 5] = [
    "Responsable marketing",
    "Gérante",
    "Acheteur",
    "Head of purchasing",
    "Ingénieure qualité",
];

fn pick(from: &[&'static str], by: u64) -> &'static str {
    from[(by % from.len() as u64) as usize]
}

fn values(id: u64, email: &str) -> [Value; 15] {
    let phone = |start: &str, is_known: bool| {
        if is_known {
            Value::text(&format!(
                "{start} {:02} {:02} {:02} 78",
                id % 97,
                id / 100 % 100,
                id / 7 % 100
            ))
        } else {
            Value::Blank
        }
    };
    let website = pick(&COMPANIES, id / 3).to_lowercase().replace(' ', "-");
    [
        Value::text(email),
        Value::text(pick(&FIRST_NAMES, id)),
        Value::text(&format!("{} {}", pick(&LAST_NAMES, id / 7), id % 977)),
        Value::text(pick(&TITLES, id)),
        phone("+33 4", true),
        phone("+33 6", id.is_multiple_of(2)),
        Value::text(pick(&COMPANIES, id / 3)),
        Value::text(&format!("{} rue de la République", id % 211)),
        Value::text(pick(&CITIES, id)),
        Value::text(&format!("{:05}", 1_000 + id % 94_000)),
        Value::text("France"),
        Value::text(&format!("https://www.{website}.fr")),
        Value::Number(Decimal::from((id % 500).cast_signed())),
        Value::many(["Newsletter", "Salons"]),
        Value::Bool(id.is_multiple_of(3)),
    ]
}

/// The number in a place where its neighbours are not.
fn scattered(id: u64) -> u64 {
    id.wrapping_mul(7_368_787) % 10_000_019
}
