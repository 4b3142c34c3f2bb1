//! Acts at Salesforce's screens.

use super::super::{names, plugin};
use super::{Act, Clerk, Deed, Outcome, one_of, texts};
use crate::sim::clock::Timestamp;
use crate::sim::random::Random;
use crate::sim::salesforce::Salesforce;
use crate::sim::salesforce::coerce::{Fields, Input};
use crate::sim::salesforce::error::ApiError;
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::org::Call;
use crate::sim::salesforce::people::ConvertInto;
use crate::sim::salesforce::schema::{ACCOUNT, CONTACT, LEAD, ObjectIndex, USER};
use crate::sim::salesforce::value::Value;

const OPT_OUT: &str = "HasOptedOutOfEmail";

/// Does one act at Salesforce, now. An act at Automation concerns nobody here.
pub(super) fn at_salesforce(org: &mut Salesforce, now: Timestamp, act: &Act) -> Outcome {
    let Deed::Salesforce(deed) = act.deed else {
        return Outcome::Nobody;
    };
    let mut random = Random::seeded(act.seed);
    let Some(user) = one_of(&mut random, &staff(org)) else {
        return Outcome::Nobody;
    };
    let mut desk = Desk {
        call: Call::person(org.own_time(now), user),
        org,
        random,
        number: act.number,
    };
    match desk.does(deed) {
        None => Outcome::Nobody,
        Some(Ok(())) => Outcome::Done,
        Some(Err(error)) => Outcome::Refused(format!("{error:?}")),
    }
}

/// People who work here: the users of integrations are not among them.
pub(in crate::sim::world) fn staff(org: &Salesforce) -> Vec<RecordId> {
    let users = org.records(USER).map(|(id, _)| id);
    let plugin = plugin::user(org);
    let is_machine = |id: &RecordId| *id == org.integration_user() || Some(*id) == plugin;
    users.filter(|id| !is_machine(id)).collect()
}

/// Leads and contacts that a person can open and change.
pub(super) fn people(org: &Salesforce) -> Vec<RecordId> {
    [LEAD, CONTACT]
        .into_iter()
        .flat_map(|object| open(org, object))
        .collect()
}

fn open(org: &Salesforce, object: ObjectIndex) -> Vec<RecordId> {
    let is_open = |id: &RecordId| org.value(*id, "IsConverted") != Value::Bool(true);
    let live = org.records(object).filter(|(_, record)| !record.is_deleted);
    live.map(|(id, _)| id).filter(is_open).collect()
}

struct Desk<'a> {
    org: &'a mut Salesforce,
    call: Call,
    random: Random,
    number: u64,
}

type Done = Option<Result<(), ApiError>>;

impl Desk<'_> {
    fn does(&mut self, deed: Clerk) -> Done {
        match deed {
            Clerk::Edits => self.edits(),
            Clerk::EditsAccount => self.edits_account(),
            Clerk::TicksOptOut => self.opts(true),
            Clerk::UnticksOptOut => self.opts(false),
            Clerk::EntersLead => Some(self.enters_lead()),
            Clerk::EntersTwice => self.enters_twice(),
            Clerk::Converts => self.converts(),
            Clerk::Merges => self.merges(),
            Clerk::Deletes => {
                let id = self.somebody()?;
                Some(self.org.delete(&self.call, id))
            }
            Clerk::Restores => self.restores(),
            Clerk::Reassigns => self.reassigns(),
            Clerk::TakesAddress => self.takes_address(),
        }
    }

    fn somebody(&mut self) -> Option<RecordId> {
        let people = people(self.org);
        one_of(&mut self.random, &people)
    }

    fn text(&self, id: RecordId, field: &str) -> String {
        self.org.value(id, field).as_text().unwrap_or("").to_owned()
    }

    fn update(&mut self, id: RecordId, field: &str, input: Input) -> Result<(), ApiError> {
        let fields: Fields = vec![(field.to_owned(), input)];
        self.org.update(&self.call, id, &fields)
    }

    fn edits(&mut self) -> Done {
        let id = self.somebody()?;
        let (lead, contact, alias) = one_of(&mut self.random, &texts::FIELDS)?;
        let is_lead = self.org.object_of(id) == Some(LEAD);
        let field = if is_lead { lead } else { contact };
        let is_cleared = alias != "lastname" && self.random.below(15) == 0;
        let input = if is_cleared {
            Input::Null
        } else {
            Input::text(&texts::value(&mut self.random, alias))
        };
        Some(self.update(id, field, input))
    }

    fn edits_account(&mut self) -> Done {
        let live = self
            .org
            .records(ACCOUNT)
            .filter(|(_, record)| !record.is_deleted);
        let accounts: Vec<RecordId> = live.map(|(id, _)| id).collect();
        let id = one_of(&mut self.random, &accounts)?;
        if self.random.below(2) == 0 {
            let phone = names::phone(&mut self.random);
            return Some(self.update(id, "Phone", Input::text(&phone)));
        }
        let city = names::pick(&mut self.random, &names::CITIES);
        Some(self.update(id, "BillingCity", Input::text(city)))
    }

    fn opts(&mut self, out: bool) -> Done {
        let people = people(self.org);
        let shows = |id: &RecordId| self.org.value(*id, OPT_OUT) == Value::Bool(!out);
        let people: Vec<RecordId> = people.into_iter().filter(shows).collect();
        let id = one_of(&mut self.random, &people)?;
        Some(self.update(id, OPT_OUT, Input::Bool(out)))
    }

    fn enters_lead(&mut self) -> Result<(), ApiError> {
        let first = names::pick(&mut self.random, &names::FIRST);
        let last = texts::last_name(&mut self.random);
        let email = texts::address(first, &last, self.number);
        let is_out = self.random.below(8) == 0;
        self.enter(first, &last, &email, is_out)
    }

    /// A colleague did not look first.
    fn enters_twice(&mut self) -> Done {
        let people = open(self.org, LEAD);
        let known = |id: &RecordId| !self.text(*id, "Email").is_empty();
        let people: Vec<RecordId> = people.into_iter().filter(known).collect();
        let id = one_of(&mut self.random, &people)?;
        let first = self.text(id, "FirstName");
        let (last, email) = (self.text(id, "LastName"), self.text(id, "Email"));
        Some(self.enter(&first, &last, &email, false))
    }

    fn enter(&mut self, first: &str, last: &str, email: &str, out: bool) -> Result<(), ApiError> {
        let company = names::company(self.random.below(400) as usize);
        let title = names::pick(&mut self.random, &names::TITLES);
        let phone = names::phone(&mut self.random);
        let text = |field: &str, text: &str| (field.to_owned(), Input::text(text));
        let fields = vec![
            text("FirstName", first),
            text("LastName", last),
            text("Email", email),
            text("Company", &company),
            text("Title", title),
            text("Phone", &phone),
            (OPT_OUT.to_owned(), Input::Bool(out)),
        ];
        self.org.insert(&self.call, LEAD, &fields).map(drop)
    }

    fn converts(&mut self) -> Done {
        let leads = open(self.org, LEAD);
        let id = one_of(&mut self.random, &leads)?;
        let into = ConvertInto::default();
        Some(self.org.convert_lead(&self.call, id, into).map(drop))
    }

    /// Two leads of one address become one, if there are two.
    fn merges(&mut self) -> Done {
        let mut leads: Vec<(String, RecordId)> = open(self.org, LEAD)
            .into_iter()
            .map(|id| (self.text(id, "Email").to_lowercase(), id))
            .filter(|(email, _)| !email.is_empty())
            .collect();
        leads.sort();
        let pairs: Vec<(RecordId, RecordId)> = leads
            .windows(2)
            .filter(|pair| pair[0].0 == pair[1].0)
            .map(|pair| (pair[0].1, pair[1].1))
            .collect();
        let (older, newer) = one_of(&mut self.random, &pairs)?;
        Some(self.org.merge(&self.call, older, &[newer], &Vec::new()))
    }

    fn restores(&mut self) -> Done {
        let mut binned = Vec::new();
        for object in [LEAD, CONTACT] {
            for (id, record) in self.org.records(object) {
                // The loser of a merge stays where it is.
                let is_loser = !self.org.value(id, "MasterRecordId").is_null();
                if record.is_deleted && !is_loser {
                    binned.push(id);
                }
            }
        }
        let id = one_of(&mut self.random, &binned)?;
        Some(self.org.undelete(&self.call, id))
    }

    fn takes_address(&mut self) -> Done {
        let (id, other) = (self.somebody()?, self.somebody()?);
        let email = self.text(other, "Email");
        if id == other || email.is_empty() {
            return None;
        }
        Some(self.update(id, "Email", Input::text(&email)))
    }

    fn reassigns(&mut self) -> Done {
        let id = self.somebody()?;
        let owner = one_of(&mut self.random, &staff(self.org))?;
        Some(self.update(id, "OwnerId", Input::text(&owner.to_string())))
    }
}
