//! The fields every new instance has: 28 of contacts, 15 of companies.

use super::field::{Choice, Group, Kind, NewField, Subject, Traits};

/// Ids 1 to 28 are contact fields, 29 to 43 company fields.
pub const CONTACT_FIELDS: u32 = 28;

/// Column order of the contacts table: lists show stock fields so, then own fields by age.
pub const COLUMN_ORDER: [&str; 28] = [
    "points",
    "last_active",
    "title",
    "firstname",
    "lastname",
    "company",
    "position",
    "email",
    "phone",
    "mobile",
    "address1",
    "address2",
    "city",
    "state",
    "zipcode",
    "timezone",
    "country",
    "fax",
    "preferred_locale",
    "attribution_date",
    "attribution",
    "website",
    "facebook",
    "foursquare",
    "instagram",
    "linkedin",
    "skype",
    "twitter",
];

/// Its definition promises two decimals, yet 150000.5 is kept as 150000.
pub const ALWAYS_WHOLE: &str = "companyannual_revenue";

/// Stock definitions in order of id.
pub fn fields() -> Vec<NewField> {
    let mut all = contact_fields();
    all.extend(company_fields());
    all
}

fn contact_fields() -> Vec<NewField> {
    let titles = ["Mr", "Mrs", "Miss"].map(String::from).to_vec();
    let fixed = Traits::FIXED
        .with(Traits::LISTABLE)
        .with(Traits::VISIBLE)
        .with(Traits::PUBLISHED);
    let short = fixed.with(Traits::SHORT);
    let loose = fixed.without(Traits::FIXED);
    let mut rows = vec![
        row("title", "Title", Kind::Lookup(titles), fixed),
        row("firstname", "First Name", Kind::Text, short),
        row("lastname", "Last Name", Kind::Text, short),
        row("company", "Primary company", Kind::Text, fixed),
        row("position", "Position", Kind::Text, fixed),
        row("email", "Email", Kind::Email, short.with(Traits::UNIQUE)),
        row("mobile", "Mobile", Kind::Tel, fixed),
        row("phone", "Phone", Kind::Tel, fixed),
        NewField {
            default: Some("0".into()),
            ..row("points", "Points", Kind::Number(None), fixed)
        },
        row("fax", "Fax", Kind::Tel, loose),
        row("address1", "Address Line 1", Kind::Text, fixed),
        row("address2", "Address Line 2", Kind::Text, fixed),
        row("city", "City", Kind::Text, fixed),
        row("state", "State", Kind::Region, fixed),
        row("zipcode", "Zip Code", Kind::Text, fixed),
        row("country", "Country", Kind::Country, fixed),
        row("preferred_locale", "Preferred Locale", Kind::Locale, fixed),
        row("timezone", "Preferred Timezone", Kind::Timezone, fixed),
        row("last_active", "Date Last Active", Kind::Datetime, fixed),
        row(
            "attribution_date",
            "Attribution Date",
            Kind::Datetime,
            fixed,
        ),
        row("attribution", "Attribution", Kind::Number(Some(2)), fixed),
        row("website", "Website", Kind::Url, loose),
    ];
    let social = [
        ("facebook", "Facebook"),
        ("foursquare", "Foursquare"),
        ("instagram", "Instagram"),
        // The product ships this label untranslated.
        ("linkedin", "mautic.lead.field.linkedin"),
        ("skype", "Skype"),
        ("twitter", "Twitter"),
    ];
    rows.extend(social.map(|(alias, label)| NewField {
        group: Group::Social,
        ..row(alias, label, Kind::Text, loose)
    }));
    rows
}

fn company_fields() -> Vec<NewField> {
    let loose = Traits::LISTABLE
        .with(Traits::VISIBLE)
        .with(Traits::PUBLISHED);
    let fixed = loose.with(Traits::FIXED);
    let name = fixed.with(Traits::REQUIRED).with(Traits::UNIQUE);
    let core = [
        row("companyaddress1", "Address 1", Kind::Text, fixed),
        row("companyaddress2", "Address 2", Kind::Text, fixed),
        row("companyemail", "Company Email", Kind::Email, fixed),
        row("companyphone", "Phone", Kind::Tel, fixed),
        row("companycity", "City", Kind::Text, fixed),
        row("companystate", "State", Kind::Region, fixed),
        row("companyzipcode", "Zip Code", Kind::Text, fixed),
        row("companycountry", "Country", Kind::Country, fixed),
        row("companyname", "Company Name", Kind::Text, name),
        row("companywebsite", "Website", Kind::Url, fixed),
    ];
    let (whole, money) = (Kind::Number(Some(0)), Kind::Number(Some(2)));
    let professional = [
        row(
            "companynumber_of_employees",
            "Number of Employees",
            whole,
            loose,
        ),
        row("companyfax", "Fax", Kind::Tel, loose),
        row(ALWAYS_WHOLE, "Annual Revenue", money, loose),
        row(
            "companyindustry",
            "Industry",
            Kind::Select(industries()),
            fixed,
        ),
        row("companydescription", "Description", Kind::Text, fixed),
    ];
    let professional = professional.map(|field| NewField {
        group: Group::Professional,
        ..field
    });
    let all = core.into_iter().chain(professional);
    all.map(|field| NewField {
        subject: Subject::Company,
        ..field
    })
    .collect()
}

fn row(alias: &str, label: &str, kind: Kind, traits: Traits) -> NewField {
    NewField {
        traits,
        ..NewField::contact(alias, label, kind)
    }
}

fn industries() -> Vec<Choice> {
    [
        "Aerospace & Defense",
        "Agriculture",
        "Apparel",
        "Automotive & Assembly",
        "Banking",
        "Biotechnology",
        "Chemicals",
        "Communications",
        "Construction",
        "Consulting",
        "Education",
        "Electronics",
        "Energy",
        "Engineering",
        "Entertainment",
        "Finance",
        "Food & Beverage",
        "Government",
        "Healthcare",
        "Hospitality",
        "Insurance",
        "Machinery",
        "Manufacturing",
        "Media",
        "Not for Profit",
        "Other",
        "Recreation",
        "Retail",
        "Shipping",
        "Technology",
        "Telecommunications",
        "Transportation",
        "Utilities",
    ]
    .map(|name| Choice::new(name, name))
    .to_vec()
}
