//! Who is in the two systems, and in which situation.

use super::names;
use super::stage::Stage;
use crate::sim::automation::contact::ContactId;
use crate::sim::automation::draft::{ContactInput, DncInput};
use crate::sim::automation::user::UserId;
use crate::sim::clock::{DAY_MS, Timestamp};
use crate::sim::salesforce::coerce::Input;
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::Call;
use crate::sim::salesforce::people::ConvertInto;
use crate::sim::salesforce::schema::{CONTACT, LEAD};
use crate::sim::salesforce::value::{OwnedValue, Value};

/// What is special about a person. Everybody else is known on both sides and agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Situation {
    Agrees,
    PhoneDiffers,
    MobileDiffers,
    PhoneMissingInAutomation,
    OnlyLead,
    OnlyContact,
    OnlyAutomation,
    OptedOutInSalesforce,
    UnsubscribedInAutomation,
    BouncedInAutomation,
    OptedOutOnBothSides,
    OnlyLeadOptedOut,
    OnlyAutomationUnsubscribed,
    LeadAndContact,
    TwoContacts,
    TwoInAutomation,
    DeletedInSalesforce,
    WithoutEmail,
    Hostile,
    OwnerMissing,
    ConvertedLead,
    Merged,
    Semicolons,
    Markup,
    CapitalisedAddress,
    /// Automation knows nothing but the address: no name, no company.
    AddressOnly,
    /// Zero in Salesforce, which Automation takes and does not keep.
    ZeroLoyalty,
    /// Longer in Automation than Salesforce can hold.
    LongTitle,
    FirmUnknownInSalesforce,
    StoppedByUser,
    OutInSalesforceAndBounced,
    /// Out in Salesforce, and in again: the field history says when.
    BackInSalesforce,
    /// May not be called, and may be mailed.
    StoppedForTexts,
    OddPhone,
    /// A note from the corpus of hostile texts.
    HostileNote,
}

/// One place in fifty for each, so that a world of fifty people has all of them.
const SPECIAL: [Situation; 24] = [
    Situation::PhoneDiffers,
    Situation::MobileDiffers,
    Situation::PhoneMissingInAutomation,
    Situation::OnlyLead,
    Situation::OnlyContact,
    Situation::OnlyAutomation,
    Situation::OptedOutInSalesforce,
    Situation::UnsubscribedInAutomation,
    Situation::BouncedInAutomation,
    Situation::OptedOutOnBothSides,
    Situation::OnlyLeadOptedOut,
    Situation::OnlyAutomationUnsubscribed,
    Situation::LeadAndContact,
    Situation::TwoContacts,
    Situation::TwoInAutomation,
    Situation::DeletedInSalesforce,
    Situation::WithoutEmail,
    Situation::Hostile,
    Situation::OwnerMissing,
    Situation::ConvertedLead,
    Situation::Merged,
    Situation::Semicolons,
    Situation::Markup,
    Situation::CapitalisedAddress,
];

/// At even places among the ordinary people, in the rare rounds only.
const FURTHER: [Situation; 9] = [
    Situation::AddressOnly,
    Situation::ZeroLoyalty,
    Situation::LongTitle,
    Situation::FirmUnknownInSalesforce,
    Situation::StoppedByUser,
    Situation::OutInSalesforceAndBounced,
    Situation::BackInSalesforce,
    Situation::StoppedForTexts,
    Situation::OddPhone,
];

/// Beyond the first fifty, situations that wait for a person are rarer than in life's worst week.
const ROUND: usize = 50;
const RARE_ROUNDS: usize = 8;

struct Person {
    first: String,
    last: String,
    email: String,
    phone: String,
    mobile: String,
    city: String,
    title: String,
    firm: String,
    note: Option<String>,
    account: RecordId,
    since: Timestamp,
    owner: (RecordId, UserId),
}

pub(super) fn enter(stage: &mut Stage, people: u32) {
    for number in 0..people as usize {
        let situation = situation(number);
        let person = person(stage, number, situation);
        play(stage, &person, situation);
    }
}

fn situation(number: usize) -> Situation {
    let (round, place) = (number / ROUND, number % ROUND);
    // Odd places, so that ordinary people stand between them.
    let special = SPECIAL.get(place / 2).copied().filter(|_| place % 2 == 1);
    match special {
        Some(Situation::MobileDiffers | Situation::TwoContacts | Situation::TwoInAutomation)
            if round % RARE_ROUNDS != 0 =>
        {
            Situation::Agrees
        }
        Some(situation) => situation,
        None if round % RARE_ROUNDS == 0 => further(place / 2),
        None => Situation::Agrees,
    }
}

/// The first of the even places belongs to somebody ordinary, the last to the hostile notes.
fn further(place: usize) -> Situation {
    match place.checked_sub(1) {
        None => Situation::Agrees,
        Some(index) => FURTHER
            .get(index)
            .copied()
            .unwrap_or(Situation::HostileNote),
    }
}

fn person(stage: &mut Stage, number: usize, situation: Situation) -> Person {
    let random = &mut stage.random;
    let mut first = names::pick(random, &names::FIRST).to_owned();
    let mut last = names::pick(random, &names::LAST).to_owned();
    if situation == Situation::Hostile {
        names::pick(random, &names::HOSTILE[..6]).clone_into(&mut last);
    }
    let stem = format!("{}.{}", names::plain(&first), names::plain(&last));
    let mut phone = names::phone(random);
    if situation == Situation::OddPhone {
        names::ODD_PHONES[number % names::ODD_PHONES.len()].clone_into(&mut phone);
    }
    let mobile = names::phone(random);
    let city = names::pick(random, &names::CITIES).to_owned();
    let title = names::pick(random, &names::TITLES).to_owned();
    let (firm, account) = stage.some_firm();
    let domain = names::plain(&firm);
    let email = format!("{}{number}@{domain}.example", stem.trim_matches('.'));
    let note = match situation {
        Situation::HostileNote => Some(names::hostile_note(number)),
        Situation::Semicolons => Some(names::HOSTILE[6].to_owned()),
        Situation::Markup => Some(names::HOSTILE[7].to_owned()),
        _ => None,
    };
    if first.is_empty() {
        first.push('A');
    }
    let since = stage.some_time_ago();
    let owner = stage.some_staff();
    Person {
        first,
        last,
        email,
        phone,
        mobile,
        city,
        title,
        firm,
        note,
        account,
        since,
        owner,
    }
}

fn play(stage: &mut Stage, person: &Person, situation: Situation) {
    use Situation as S;
    match situation {
        S::OnlyLead | S::OnlyLeadOptedOut | S::WithoutEmail => {
            enter_salesforce(stage, person, situation, LEAD);
        }
        S::OnlyContact => {
            enter_salesforce(stage, person, situation, CONTACT);
        }
        S::OnlyAutomation | S::OnlyAutomationUnsubscribed | S::AddressOnly => {
            enter_automation(stage, person, situation);
        }
        S::LeadAndContact => {
            enter_salesforce(stage, person, situation, LEAD);
            enter_salesforce(stage, person, situation, CONTACT);
            enter_automation(stage, person, situation);
        }
        S::TwoContacts => {
            enter_salesforce(stage, person, situation, CONTACT);
            enter_salesforce(stage, person, situation, CONTACT);
            enter_automation(stage, person, situation);
        }
        S::TwoInAutomation => {
            enter_salesforce(stage, person, situation, CONTACT);
            let input = automation_input(stage, person, situation);
            stage
                .automation
                .duplicate(person.since, stage.caller, &input);
        }
        _ => {
            let object = if stage.random.below(2) == 0 {
                LEAD
            } else {
                CONTACT
            };
            let lives_as_lead = matches!(situation, S::ConvertedLead | S::DeletedInSalesforce);
            let object = match situation {
                _ if lives_as_lead => LEAD,
                S::FirmUnknownInSalesforce => CONTACT,
                _ => object,
            };
            let record = enter_salesforce(stage, person, situation, object);
            enter_automation(stage, person, situation);
            live_on(stage, person, situation, record);
        }
    }
}

/// What happened to a person after both systems knew them.
fn live_on(stage: &mut Stage, person: &Person, situation: Situation, record: RecordId) {
    let (user, _) = stage.some_staff();
    let call = Call::person(stage.now.plus_millis(-DAY_MS).whole_second(), user);
    let done = match situation {
        Situation::DeletedInSalesforce => stage.salesforce.delete(&call, record),
        Situation::ConvertedLead => {
            let into = ConvertInto {
                contact: None,
                account: Some(person.account),
            };
            stage.salesforce.convert_lead(&call, record, into).map(drop)
        }
        Situation::Merged => {
            let object = stage.salesforce.object_of(record).unwrap_or(LEAD);
            let twin = enter_salesforce_as(stage, person, situation, object);
            stage.salesforce.merge(&call, twin, &[record], &Vec::new())
        }
        Situation::BackInSalesforce => {
            let days_ago = |days: i64| stage.now.plus_millis(-days * DAY_MS).whole_second();
            let mut done = Ok(());
            for (days, is_out) in [(9, true), (3, false)] {
                let call = Call::person(days_ago(days), user);
                let fields = vec![("HasOptedOutOfEmail".to_owned(), Input::Bool(is_out))];
                done = done.and(stage.salesforce.update(&call, record, &fields));
            }
            done
        }
        Situation::OptedOutInSalesforce => {
            let fields = vec![("HasOptedOutOfEmail".to_owned(), Input::Bool(true))];
            stage.salesforce.update(&call, record, &fields)
        }
        _ => Ok(()),
    };
    debug_assert!(done.is_ok(), "{situation:?}: {done:?}");
}

fn enter_salesforce(
    stage: &mut Stage,
    person: &Person,
    situation: Situation,
    object: crate::sim::salesforce::schema::ObjectIndex,
) -> RecordId {
    enter_salesforce_as(stage, person, situation, object)
}

fn enter_salesforce_as(
    stage: &mut Stage,
    person: &Person,
    situation: Situation,
    object: crate::sim::salesforce::schema::ObjectIndex,
) -> RecordId {
    use Situation as S;
    let (owner, _) = person.owner;
    let text = |text: &str| Value::text(text.trim());
    let mut fields: Vec<(&str, OwnedValue)> = vec![
        ("FirstName", text(&person.first)),
        ("LastName", text(&person.last)),
        ("Phone", text(&person.phone)),
        ("MobilePhone", text(&person.mobile)),
        ("Title", text(&person.title)),
        ("OwnerId", Value::Id(owner)),
    ];
    if situation != S::WithoutEmail {
        fields.push(("Email", text(&person.email)));
    }
    if object == LEAD {
        fields.push(("Company", text(&person.firm)));
        fields.push(("City", text(&person.city)));
        fields.push(("Status", Value::text("Open - Not Contacted")));
    } else {
        if situation != S::FirmUnknownInSalesforce {
            fields.push(("AccountId", Value::Id(person.account)));
        }
        fields.push(("MailingCity", text(&person.city)));
    }
    if let Some(note) = &person.note {
        fields.push(("Description", text(note)));
    }
    match situation {
        S::ZeroLoyalty => fields.push(("Loyalty__c", Value::Number(0.0))),
        S::OptedOutOnBothSides | S::OnlyLeadOptedOut | S::OutInSalesforceAndBounced => {
            fields.push(("HasOptedOutOfEmail", Value::Bool(true)));
        }
        _ => {}
    }
    stage.salesforce.seed(object, &fields, owner, person.since)
}

fn enter_automation(stage: &mut Stage, person: &Person, situation: Situation) -> Option<ContactId> {
    let input = automation_input(stage, person, situation);
    stage
        .automation
        .seed(person.since, stage.caller, &[input])
        .first()
        .copied()
}

fn automation_input(stage: &mut Stage, person: &Person, situation: Situation) -> ContactInput {
    use Situation as S;
    let phone = if situation == S::PhoneDiffers {
        names::phone(&mut stage.random)
    } else {
        person.phone.clone()
    };
    let mobile = if situation == S::MobileDiffers {
        names::phone(&mut stage.random)
    } else {
        person.mobile.clone()
    };
    let email = if situation == S::CapitalisedAddress {
        person.email.to_uppercase()
    } else {
        person.email.clone()
    };
    if situation == S::AddressOnly {
        return ContactInput::default().with("email", email);
    }
    let title = match situation {
        // Automation holds 191 characters, Salesforce 128.
        S::LongTitle => format!("{} et ", person.title)
            .repeat(40)
            .chars()
            .take(150)
            .collect(),
        _ => person.title.clone(),
    };
    let firm = match situation {
        S::FirmUnknownInSalesforce => "Coopérative des Aravis",
        _ => person.firm.as_str(),
    };
    let mut input = ContactInput::default()
        .with("email", email)
        .with("firstname", person.first.as_str())
        .with("lastname", person.last.as_str())
        .with("mobile", mobile)
        .with("position", title)
        .with("city", person.city.as_str())
        .with("lead_company", firm)
        .with("company", firm);
    if situation == S::ZeroLoyalty {
        input = input.with("loyalty", 12.5);
    }
    if situation == S::HostileNote
        && let Some(note) = &person.note
    {
        input = input.with("crm_note", note.as_str());
    }
    if situation != S::PhoneMissingInAutomation {
        input = input.with("phone", phone);
    }
    if situation != S::OwnerMissing {
        let (_, owner) = person.owner;
        input.owner = Some(crate::sim::automation::value::Input::Number(f64::from(
            owner.0,
        )));
    }
    input.dnc.extend(kept_out(situation));
    input
}

/// Whom Automation does not write to, on which channel, and why.
fn kept_out(situation: Situation) -> Option<DncInput> {
    use Situation as S;
    let (channel, reason) = match situation {
        S::UnsubscribedInAutomation | S::OnlyAutomationUnsubscribed | S::OptedOutOnBothSides => {
            ("email", 1)
        }
        S::BouncedInAutomation | S::OutInSalesforceAndBounced => ("email", 2),
        S::StoppedByUser => ("email", 3),
        S::StoppedForTexts => ("sms", 3),
        _ => return None,
    };
    Some(DncInput {
        channel: channel.to_owned(),
        reason,
        ..DncInput::default()
    })
}
