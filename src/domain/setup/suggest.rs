//! Pairs that most instances map, and pairs whose names say that they belong together.

use std::collections::BTreeSet;

use super::rule::{CONTACT_ID, DO_NOT_CONTACT, Pair, Systems, TIMELINE_LINK, rule};
use crate::domain::ids::{FieldId, Kind, SalesforceObject};
use crate::domain::mapping::{Arrow, BlankTravel, Concurrent, Overwritten, Policy};

/// Salesforce's standard fields of people and Automation's core fields.
const PEOPLE: &[(&str, &str, Arrow)] = &[
    ("Email", "email", Arrow::Salesforce),
    ("FirstName", "firstname", Arrow::Salesforce),
    ("LastName", "lastname", Arrow::Salesforce),
    ("Salutation", "title", Arrow::Salesforce),
    ("Title", "position", Arrow::Salesforce),
    ("Phone", "phone", Arrow::Salesforce),
    ("MobilePhone", "mobile", Arrow::Salesforce),
    ("Fax", "fax", Arrow::Salesforce),
    ("Website", "website", Arrow::Salesforce),
    ("Street", "address1", Arrow::Salesforce),
    ("MailingStreet", "address1", Arrow::Salesforce),
    ("City", "city", Arrow::Salesforce),
    ("MailingCity", "city", Arrow::Salesforce),
    ("PostalCode", "zipcode", Arrow::Salesforce),
    ("MailingPostalCode", "zipcode", Arrow::Salesforce),
    ("Country", "country", Arrow::Salesforce),
    ("MailingCountry", "country", Arrow::Salesforce),
    ("AccountId", "company", Arrow::Salesforce),
    ("HasOptedOutOfEmail", DO_NOT_CONTACT, Arrow::Both),
];

/// Salesforce's mark of what was deleted.
const DELETED: &str = "IsDeleted";

const COMPANIES: &[(&str, &str, Arrow)] = &[
    ("Name", "companyname", Arrow::Salesforce),
    ("Phone", "companyphone", Arrow::Salesforce),
    ("Website", "companywebsite", Arrow::Salesforce),
    ("Industry", "companyindustry", Arrow::Salesforce),
    ("BillingStreet", "companyaddress1", Arrow::Salesforce),
    ("BillingCity", "companycity", Arrow::Salesforce),
    ("BillingPostalCode", "companyzipcode", Arrow::Salesforce),
    ("BillingCountry", "companycountry", Arrow::Salesforce),
    ("Description", "companydescription", Arrow::Salesforce),
];

/// Pairs that could be added: their fields are there, fit each other, and are not mapped yet. The usual
/// ones first.
pub fn suggestions(policy: &Policy, systems: Systems<'_>) -> Vec<(Kind, Pair)> {
    let mut found = Vec::new();
    for (kind, usual) in [(Kind::Person, PEOPLE), (Kind::Company, COMPANIES)] {
        let usual = usual.iter().map(|(salesforce, automation, arrow)| {
            ((*salesforce).to_owned(), (*automation).to_owned(), *arrow)
        });
        let all = usual.chain(namesakes(kind, systems));
        for (salesforce, automation, arrow) in all {
            let objects = if automation == DO_NOT_CONTACT {
                // Half of the opt-outs would be worse than none: nobody would miss the rest.
                people(policy)
            } else {
                objects_with(kind, policy, systems, &salesforce)
            };
            let pair = Pair {
                salesforce,
                objects,
                automation,
                arrow,
                overwritten: Overwritten::Keep,
                blank: BlankTravel::Never,
                concurrent: Concurrent::Conflict,
            };
            let is_known = |(of, known): &(Kind, Pair)| {
                *of == kind && overlaps(&pair, &known.salesforce, &known.automation, &known.objects)
            };
            let mut rules = policy.mapping.rules(kind).iter();
            let is_mapped =
                rules.any(|old| overlaps(&pair, &old.salesforce, &old.automation, &old.objects));
            let fits = rule(FieldId(0), kind, &pair, &policy.objects, systems).is_ok();
            if fits && !is_mapped && !found.iter().any(is_known) {
                found.push((kind, pair));
            }
        }
    }
    found
}

/// The opt-outs of everybody who is synced.
pub fn consent(policy: &Policy) -> Pair {
    Pair {
        salesforce: "HasOptedOutOfEmail".to_owned(),
        objects: people(policy),
        automation: DO_NOT_CONTACT.to_owned(),
        arrow: Arrow::Both,
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Never,
        concurrent: Concurrent::Conflict,
    }
}

/// What was deleted in Salesforce, to a boolean field of Automation.
pub fn deleted(policy: &Policy, kind: Kind, field: &str) -> Pair {
    let selected = policy.objects.iter().copied();
    Pair {
        salesforce: DELETED.to_owned(),
        objects: selected.filter(|object| object.kind() == kind).collect(),
        automation: field.to_owned(),
        arrow: Arrow::Salesforce,
        ..consent(policy)
    }
}

fn people(policy: &Policy) -> Vec<SalesforceObject> {
    let selected = policy.objects.iter().copied();
    selected
        .filter(|object| object.kind() == Kind::Person)
        .collect()
}

/// Either field is taken for one of the pair's objects.
fn overlaps(pair: &Pair, salesforce: &str, automation: &str, objects: &[SalesforceObject]) -> bool {
    let shares = pair.objects.iter().any(|object| objects.contains(object));
    shares && (pair.salesforce.eq_ignore_ascii_case(salesforce) || pair.automation == automation)
}

fn objects_with(
    kind: Kind,
    policy: &Policy,
    systems: Systems<'_>,
    field: &str,
) -> Vec<SalesforceObject> {
    let selected = policy.objects.iter().copied();
    selected
        .filter(|object| {
            let fields = systems.salesforce.objects.get(object.name());
            object.kind() == kind
                && fields.is_some_and(|fields| fields.iter().any(|f| f.name == field))
        })
        .collect()
}

/// Custom fields whose names are one but for spelling, and the special fields by what they are called.
fn namesakes(kind: Kind, systems: Systems<'_>) -> Vec<(String, String, Arrow)> {
    let ours: BTreeSet<&str> = SalesforceObject::ALL
        .iter()
        .filter(|object| object.kind() == kind)
        .filter_map(|object| systems.salesforce.objects.get(object.name()))
        .flatten()
        .filter(|field| field.name.ends_with("__c"))
        .map(|field| field.name.as_str())
        .collect();
    let theirs = match kind {
        Kind::Person => &systems.automation.contact_fields,
        Kind::Company => &systems.automation.company_fields,
    };
    let mut pairs = Vec::new();
    for name in ours {
        let plain = plain(name.trim_end_matches("__c"));
        let special = match plain.as_str() {
            "idwebmecanik" | "webmecanikid" if kind == Kind::Person => Some(CONTACT_ID),
            "timelinelink" | "timelineurl" if kind == Kind::Person => Some(TIMELINE_LINK),
            _ => None,
        };
        if let Some(special) = special {
            pairs.push((name.to_owned(), special.to_owned(), Arrow::Automation));
        }
        let same = theirs
            .iter()
            .find(|field| self::plain(&field.name) == plain);
        if let Some(field) = same {
            pairs.push((name.to_owned(), field.name.clone(), Arrow::Salesforce));
        }
    }
    // A Lead's company is a text of its own: on the core field it would turn into an Account.
    let company = theirs.iter().find(|field| {
        let name = self::plain(&field.name);
        let says = ["company", "societe", "employer", "entreprise"];
        name != "company" && says.iter().any(|part| name.contains(part))
    });
    if kind == Kind::Person
        && let Some(field) = company
    {
        let pair = ("Company".to_owned(), field.name.clone(), Arrow::Salesforce);
        pairs.push(pair);
    }
    // Deletions have a boolean of their own; what it is called differs from instance to instance.
    let deleted = theirs.iter().find(|field| {
        let name = self::plain(&field.name);
        name.contains("deleted") || name.contains("supprime")
    });
    if let Some(field) = deleted {
        let pair = (DELETED.to_owned(), field.name.clone(), Arrow::Salesforce);
        pairs.push(pair);
    }
    pairs
}

/// Letters and digits alone, in lower case.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}
