//! The standard objects this product meets, with the lengths and rules the vendor documents.

use super::{Ability, FieldDef, FieldType, ObjectDef, Source, Trait};
use crate::sim::salesforce::ids::KeyPrefix;
use crate::sim::salesforce::value::{OwnedValue, Value};

pub(super) fn objects() -> Vec<ObjectDef> {
    let mut objects = vec![
        user(),
        group(),
        organization(),
        account(),
        contact(),
        lead(),
    ];
    objects.push(history("LeadHistory", "017", "LeadId", "Lead"));
    objects.push(history("ContactHistory", "03j", "ContactId", "Contact"));
    objects.extend(super::security::objects());
    objects
}

pub(super) fn object(name: &str, prefix: &str, ability: Ability) -> ObjectDef {
    // Every prefix in this file is three characters of base 62.
    let prefix = KeyPrefix::parse(prefix).unwrap_or(KeyPrefix::parse("000").expect("base 62"));
    ObjectDef::new(name, name, prefix, ability)
}

pub(super) fn add_all(object: &mut ObjectDef, fields: impl IntoIterator<Item = FieldDef>) {
    fields.into_iter().for_each(|field| {
        object.add(field);
    });
}

/// The columns every object keeps about its own records.
pub(super) fn audit_fields() -> Vec<FieldDef> {
    let stamp = |name: &str, label: &str, source| {
        FieldDef::computed(name, label, FieldType::DateTime, source)
            .required()
            .with(&[Trait::DefaultedOnCreate])
    };
    let by = |name: &str, label: &str, relationship: &str, source| {
        let mut field = FieldDef::reference(name, label, relationship, &["User"])
            .read_only()
            .required()
            .without(&[Trait::Indexed])
            .with(&[Trait::DefaultedOnCreate]);
        field.source = source;
        field
    };
    vec![
        FieldDef::computed(
            "IsDeleted",
            "Deleted",
            FieldType::Boolean,
            Source::IsDeleted,
        )
        .required(),
        stamp("CreatedDate", "Created Date", Source::CreatedDate),
        by(
            "CreatedById",
            "Created By ID",
            "CreatedBy",
            Source::CreatedById,
        ),
        stamp(
            "LastModifiedDate",
            "Last Modified Date",
            Source::LastModifiedDate,
        ),
        by(
            "LastModifiedById",
            "Last Modified By ID",
            "LastModifiedBy",
            Source::LastModifiedById,
        ),
        stamp("SystemModstamp", "System Modstamp", Source::SystemModstamp),
    ]
}

pub(super) fn owner(to: &[&str]) -> FieldDef {
    FieldDef::reference("OwnerId", "Owner ID", "Owner", to)
        .required()
        .without(&[Trait::Indexed])
        .with(&[Trait::DefaultedOnCreate])
}

fn person_name(label: &str) -> Vec<FieldDef> {
    let part = |name: &str, label: &str, length| {
        let mut field = FieldDef::text(name, label, length);
        field.compound = Some("Name");
        field
    };
    let mut salutation = FieldDef::picklist(
        "Salutation",
        "Salutation",
        &["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "M.", "Mme"],
    )
    .with_length(40);
    salutation.compound = Some("Name");
    vec![
        part("LastName", "Last Name", 80).required(),
        part("FirstName", "First Name", 40),
        salutation,
        FieldDef::computed("Name", label, FieldType::String, Source::FullName)
            .with_length(203)
            .required()
            .with(&[Trait::NameField]),
    ]
}

/// Street, city, state, postal code, country and the read-only whole.
fn address(prefix: &'static str, compound: &'static str) -> Vec<FieldDef> {
    let label = |part: &str| format!("{prefix} {part}").trim().to_owned();
    let part = |name: &str, shown: &str, kind, length| {
        let mut field = FieldDef::new(&format!("{prefix}{name}"), &label(shown), kind);
        field.compound = Some(compound);
        field.with_length(length)
    };
    vec![
        part("Street", "Street", FieldType::TextArea, 255),
        part("City", "City", FieldType::String, 40),
        part("State", "State/Province", FieldType::String, 80),
        part("PostalCode", "Zip/Postal Code", FieldType::String, 20),
        part("Country", "Country", FieldType::String, 80),
        FieldDef::computed(
            compound,
            &label("Address"),
            FieldType::Address,
            Source::Address(prefix),
        )
        .without(&[Trait::Sortable, Trait::Groupable]),
    ]
}

fn reachable() -> Vec<FieldDef> {
    let kind = FieldType::Email;
    vec![
        FieldDef::new("Phone", "Phone", FieldType::Phone),
        FieldDef::new("MobilePhone", "Mobile Phone", FieldType::Phone),
        FieldDef::new("Fax", "Fax", FieldType::Phone),
        FieldDef::new("Email", "Email", kind).with(&[Trait::IdLookup, Trait::Indexed]),
        FieldDef::new("HasOptedOutOfFax", "Fax Opt Out", FieldType::Boolean),
        FieldDef::new("DoNotCall", "Do Not Call", FieldType::Boolean),
        FieldDef::text("EmailBouncedReason", "Email Bounced Reason", 255),
        FieldDef::new(
            "EmailBouncedDate",
            "Email Bounced Date",
            FieldType::DateTime,
        ),
        FieldDef::text("IndividualId", "Individual ID", 18),
        FieldDef::new("LastActivityDate", "Last Activity", FieldType::Date).read_only(),
    ]
}

const LEAD_SOURCES: [&str; 7] = [
    "Web",
    "Phone Inquiry",
    "Partner Referral",
    "Purchased List",
    "Trade Show",
    "Webinar",
    "Other",
];
const INDUSTRIES: [&str; 6] = [
    "Agriculture",
    "Banking",
    "Consulting",
    "Education",
    "Manufacturing",
    "Retail",
];

fn master_record(to: &str) -> FieldDef {
    FieldDef::reference("MasterRecordId", "Master Record ID", "MasterRecord", &[to]).read_only()
}

fn lead() -> ObjectDef {
    let mut lead = object("Lead", "00Q", Ability::Mergeable);
    add_all(&mut lead, [master_record("Lead")]);
    add_all(&mut lead, person_name("Full Name"));
    add_all(
        &mut lead,
        [
            FieldDef::text("Title", "Title", 128),
            FieldDef::text("Company", "Company", 255).required(),
        ],
    );
    add_all(&mut lead, address("", "Address"));
    add_all(&mut lead, reachable());
    for name in ["EmailBouncedReason", "EmailBouncedDate"] {
        let index = lead.find(name).expect("added just above");
        // Lead: bounce fields can be updated but not created.
        lead.field_mut(index).traits.set(Trait::Createable, false);
    }
    let converted = |name: &str, label: &str, relationship: &str, to: &[&str]| {
        FieldDef::reference(name, label, relationship, to).read_only()
    };
    add_all(
        &mut lead,
        [
            // Lead: the opt-out filters but neither sorts nor groups.
            FieldDef::new("HasOptedOutOfEmail", "Email Opt Out", FieldType::Boolean)
                .without(&[Trait::Sortable, Trait::Groupable]),
            FieldDef::new("Website", "Website", FieldType::Url),
            FieldDef::long_text("Description", "Lead Description", 32_000),
            FieldDef::picklist("LeadSource", "Lead Source", &LEAD_SOURCES),
            FieldDef::picklist(
                "Status",
                "Lead Status",
                &[
                    "Open - Not Contacted",
                    "Working - Contacted",
                    "Closed - Converted",
                ],
            )
            .defaulted(Value::text("Open - Not Contacted")),
            FieldDef::picklist("Industry", "Industry", &INDUSTRIES),
            FieldDef::picklist("Rating", "Rating", &["Hot", "Warm", "Cold"]),
            FieldDef::new("AnnualRevenue", "Annual Revenue", FieldType::Currency),
            FieldDef::new("NumberOfEmployees", "Employees", FieldType::Int),
            owner(&["Group", "User"]),
            FieldDef::new("IsConverted", "Converted", FieldType::Boolean)
                .without(&[Trait::Updateable, Trait::Permissionable]),
            FieldDef::new("ConvertedDate", "Converted Date", FieldType::Date).read_only(),
            converted(
                "ConvertedAccountId",
                "Converted Account ID",
                "ConvertedAccount",
                &["Account"],
            ),
            converted(
                "ConvertedContactId",
                "Converted Contact ID",
                "ConvertedContact",
                &["Contact"],
            ),
            FieldDef::text("ConvertedOpportunityId", "Converted Opportunity ID", 18).read_only(),
            FieldDef::new("IsUnreadByOwner", "Unread By Owner", FieldType::Boolean),
        ],
    );
    add_all(&mut lead, audit_fields());
    lead
}

fn contact() -> ObjectDef {
    let mut contact = object("Contact", "003", Ability::Mergeable);
    add_all(
        &mut contact,
        [
            master_record("Contact"),
            FieldDef::reference("AccountId", "Account ID", "Account", &["Account"]),
        ],
    );
    add_all(&mut contact, person_name("Full Name"));
    add_all(&mut contact, address("Mailing", "MailingAddress"));
    add_all(&mut contact, address("Other", "OtherAddress"));
    add_all(&mut contact, reachable());
    add_all(
        &mut contact,
        [
            FieldDef::new("HomePhone", "Home Phone", FieldType::Phone),
            FieldDef::new("OtherPhone", "Other Phone", FieldType::Phone),
            FieldDef::new("AssistantPhone", "Asst. Phone", FieldType::Phone),
            FieldDef::text("AssistantName", "Assistant's Name", 40),
            FieldDef::reference("ReportsToId", "Reports To ID", "ReportsTo", &["Contact"]),
            FieldDef::text("Title", "Title", 128),
            FieldDef::text("Department", "Department", 80),
            FieldDef::picklist("LeadSource", "Lead Source", &LEAD_SOURCES),
            FieldDef::new("Birthdate", "Birthdate", FieldType::Date),
            FieldDef::long_text("Description", "Contact Description", 32_000),
            owner(&["User"]),
            FieldDef::new("HasOptedOutOfEmail", "Email Opt Out", FieldType::Boolean),
            FieldDef::computed(
                "IsEmailBounced",
                "Is Email Bounced",
                FieldType::Boolean,
                Source::IsSet("EmailBouncedReason"),
            ),
        ],
    );
    add_all(&mut contact, audit_fields());
    contact
}

fn account() -> ObjectDef {
    let mut account = object("Account", "001", Ability::Mergeable);
    add_all(
        &mut account,
        [
            master_record("Account"),
            FieldDef::text("Name", "Account Name", 255)
                .required()
                .with(&[Trait::NameField, Trait::Indexed]),
            FieldDef::picklist(
                "Type",
                "Account Type",
                &["Prospect", "Customer", "Partner", "Other"],
            ),
            FieldDef::reference("ParentId", "Parent Account ID", "Parent", &["Account"]),
        ],
    );
    add_all(&mut account, address("Billing", "BillingAddress"));
    add_all(&mut account, address("Shipping", "ShippingAddress"));
    add_all(
        &mut account,
        [
            FieldDef::new("Phone", "Account Phone", FieldType::Phone),
            FieldDef::new("Fax", "Account Fax", FieldType::Phone),
            FieldDef::text("AccountNumber", "Account Number", 40),
            FieldDef::new("Website", "Website", FieldType::Url),
            FieldDef::text("Sic", "SIC Code", 20),
            FieldDef::picklist("Industry", "Industry", &INDUSTRIES),
            FieldDef::new("AnnualRevenue", "Annual Revenue", FieldType::Currency),
            FieldDef::new("NumberOfEmployees", "Employees", FieldType::Int),
            FieldDef::long_text("Description", "Account Description", 32_000),
            FieldDef::picklist("Rating", "Account Rating", &["Hot", "Warm", "Cold"]),
            FieldDef::text("Site", "Account Site", 80),
            owner(&["User"]),
            FieldDef::new("LastActivityDate", "Last Activity", FieldType::Date).read_only(),
        ],
    );
    add_all(&mut account, audit_fields());
    account
}

fn user() -> ObjectDef {
    let mut user = object("User", "005", Ability::NoDelete);
    add_all(
        &mut user,
        [FieldDef::text("Username", "Username", 80)
            .required()
            .unique()
            .with(&[Trait::IdLookup])],
    );
    add_all(&mut user, person_name("Full Name"));
    add_all(
        &mut user,
        [
            FieldDef::new("Email", "Email", FieldType::Email)
                .required()
                .with(&[Trait::IdLookup, Trait::Indexed])
                .with_length(128),
            FieldDef::text("Alias", "Alias", 8).required(),
            FieldDef::new("IsActive", "Active", FieldType::Boolean)
                .defaulted(OwnedValue::Bool(true)),
            FieldDef::picklist(
                "UserType",
                "User Type",
                &[
                    "Standard",
                    "PowerPartner",
                    "CsnOnly",
                    "Guest",
                    "AutomatedProcess",
                ],
            )
            .defaulted(Value::text("Standard"))
            .read_only(),
            FieldDef::text("Title", "Title", 80),
            FieldDef::text("Department", "Department", 80),
            FieldDef::new("Phone", "Phone", FieldType::Phone),
            FieldDef::text("TimeZoneSidKey", "Time Zone", 40)
                .defaulted(Value::text("Europe/Paris")),
            FieldDef::text("LocaleSidKey", "Locale", 40).defaulted(Value::text("fr_FR")),
            FieldDef::text("LanguageLocaleKey", "Language", 40).defaulted(Value::text("fr")),
            FieldDef::text("EmailEncodingKey", "Email Encoding", 40)
                .defaulted(Value::text("UTF-8")),
            FieldDef::reference("ProfileId", "Profile ID", "Profile", &["Profile"]),
        ],
    );
    // Users are never deleted, so the object has no such column.
    add_all(
        &mut user,
        audit_fields()
            .into_iter()
            .filter(|field| field.name != "IsDeleted"),
    );
    user
}

fn group() -> ObjectDef {
    let mut group = object("Group", "00G", Ability::ReadOnly);
    add_all(
        &mut group,
        [
            FieldDef::text("Name", "Name", 40)
                .required()
                .with(&[Trait::NameField]),
            FieldDef::text("DeveloperName", "Developer Name", 80),
            FieldDef::picklist("Type", "Type", &["Queue", "Regular"])
                .defaulted(Value::text("Queue")),
            FieldDef::new("Email", "Email", FieldType::Email),
        ],
    );
    add_all(
        &mut group,
        audit_fields()
            .into_iter()
            .filter(|field| field.name != "IsDeleted"),
    );
    group
}

fn organization() -> ObjectDef {
    let mut organization = object("Organization", "00D", Ability::ReadOnly);
    add_all(
        &mut organization,
        [
            FieldDef::text("Name", "Name", 80)
                .required()
                .with(&[Trait::NameField]),
            FieldDef::picklist(
                "OrganizationType",
                "Edition",
                &[
                    "Enterprise Edition",
                    "Unlimited Edition",
                    "Developer Edition",
                    "Professional Edition",
                ],
            ),
            FieldDef::new("IsSandbox", "Is Sandbox", FieldType::Boolean),
            FieldDef::text("InstanceName", "Instance Name", 5),
            FieldDef::text("NamespacePrefix", "Namespace Prefix", 15),
            FieldDef::new(
                "TrialExpirationDate",
                "Trial Expiration Date",
                FieldType::DateTime,
            ),
            FieldDef::text("LanguageLocaleKey", "Language", 40),
            FieldDef::text("TimeZoneSidKey", "Time Zone", 40),
        ],
    );
    add_all(
        &mut organization,
        audit_fields()
            .into_iter()
            .filter(|field| field.name != "IsDeleted"),
    );
    organization
}

fn history(name: &str, prefix: &str, parent: &str, of: &str) -> ObjectDef {
    let mut history = object(name, prefix, Ability::ReadOnly);
    let value = |name: &str, label: &str| {
        // History: old and new values can be read but not filtered.
        FieldDef::new(name, label, FieldType::AnyType)
            .read_only()
            .with_length(255)
            .without(&[Trait::Filterable, Trait::Sortable, Trait::Groupable])
    };
    add_all(
        &mut history,
        [
            FieldDef::reference(parent, &format!("{of} ID"), of, &[of])
                .read_only()
                .required(),
            FieldDef::text("Field", "Changed Field", 255)
                .read_only()
                .required(),
            FieldDef::text("DataType", "Datatype", 40).read_only(),
            value("OldValue", "Old Value"),
            value("NewValue", "New Value"),
        ],
    );
    let kept = ["IsDeleted", "CreatedDate", "CreatedById"];
    add_all(
        &mut history,
        audit_fields()
            .into_iter()
            .filter(|field| kept.contains(&field.name.as_str())),
    );
    history
}
