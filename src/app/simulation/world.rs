//! The two systems, the people who work in them, and the journal of what those people did: the
//! checks rest on it, and on nothing that the engine says.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::simulation::knobs::{EMAIL, Knobs, PLAIN};
use crate::domain::ids::{FieldId, Kind, RemoteId, SalesforceObject, Side};
use crate::domain::time::Timestamp;
use crate::sim::automation::auth::Caller;
use crate::sim::automation::contact::ContactId;
use crate::sim::automation::draft::ContactInput;
use crate::sim::automation::field::{Kind as FieldKind, NewField};
use crate::sim::automation::instance::Automation;
use crate::sim::automation::user::UserId;
use crate::sim::clock;
use crate::sim::random::Random;
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::schema::{CONTACT, FieldDef, LEAD};
use crate::sim::salesforce::value::Value;
use crate::sim::salesforce::{OrgConfig, Salesforce};

/// A record of either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Salesforce(RecordId),
    Automation(ContactId),
}

impl Key {
    pub(super) fn of(id: RemoteId) -> Option<Self> {
        match id {
            RemoteId::Salesforce(_, id) => RecordId::parse(&id.to_string()).map(Self::Salesforce),
            RemoteId::Automation(Kind::Person, id) => {
                Some(Self::Automation(ContactId(u32::try_from(id.0).ok()?)))
            }
            RemoteId::Automation(Kind::Company, _) => None,
        }
    }
}

/// A value that a person typed.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    pub(super) at: Timestamp,
    pub(super) key: Key,
    pub(super) field: FieldId,
    pub(super) value: String,
    /// No client could have kept it: typed between the last look and the write.
    pub(super) is_excused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Out,
    In,
    Bounced,
}

/// A person, or their visitor, says whether they may be mailed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub(super) at: Timestamp,
    pub(super) key: Key,
    pub(super) word: Word,
}

/// One record lives on in another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heir {
    pub(super) at: Timestamp,
    pub(super) loser: Key,
    pub(super) winner: Key,
    /// The engine had seen the loser opted out.
    pub(super) was_seen_out: bool,
    /// The record on the other side that the loser was linked with.
    pub(super) partner: Option<Key>,
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) edits: Vec<Edit>,
    pub(super) said: Vec<Said>,
    pub(super) heirs: Vec<Heir>,
    /// Addresses of records that were deleted.
    pub(super) gone: Vec<String>,
    /// Records that were made with one of those.
    pub(super) returned: BTreeSet<Key>,
    /// Records whose address a person changed, or that were merged: pairing may be in doubt.
    pub(super) readdressed: BTreeSet<Key>,
}

impl Journal {
    /// The last two words of either kind about the person behind these records: when out, when in.
    /// An opt-out counts if the engine could know it; an opt-in counts also if it was said of a
    /// record that the other end of the link was paired with before a merge, or that was paired with
    /// nobody. Words on a record count
    /// until it was merged or lost its pair.
    pub(super) fn last_words(&self, ends: &[Key]) -> (Option<Said>, Option<Said>) {
        let mut out_family: Family = ends.iter().map(|key| (*key, Timestamp::MAX)).collect();
        self.grow(&mut out_family, |heir, _| heir.was_seen_out);
        let mut in_family = out_family.clone();
        self.grow(&mut in_family, |heir, family| {
            heir.partner.is_none_or(|key| family.contains_key(&key))
        });
        let last = |word: Word, family: &Family| {
            let counts =
                |said: &&Said| family.get(&said.key).is_some_and(|until| said.at <= *until);
            let mut said = self.said.iter().rev().filter(counts);
            said.find(|said| said.word == word).copied()
        };
        (last(Word::Out, &out_family), last(Word::In, &in_family))
    }

    /// Adds the records that live on in a family.
    fn grow(&self, family: &mut Family, counts: impl Fn(&Heir, &Family) -> bool) {
        loop {
            let before = family.clone();
            for heir in &self.heirs {
                if let Some(until) = family.get(&heir.winner).copied()
                    && counts(heir, family)
                {
                    let until = until.min(heir.at);
                    let known = family.entry(heir.loser).or_insert(until);
                    *known = until.max(*known);
                }
            }
            if *family == before {
                return;
            }
        }
    }
}

/// Records of one person, and until when their words count.
type Family = BTreeMap<Key, Timestamp>;

pub(super) struct World {
    pub(super) salesforce: Salesforce,
    pub(super) automation: Automation,
    pub(super) user: RecordId,
    pub(super) admin: UserId,
    pub(super) caller: Caller,
    pub(super) form: u32,
    pub(super) email: u32,
    pub(super) journal: Journal,
    pub(super) random: Random,
    serial: u32,
}

/// When every run begins: 2026-03-04T09:15:00Z.
pub(super) const START: Timestamp = Timestamp::from_seconds(1_772_615_700);

impl World {
    pub(super) fn new(seed: u64, knobs: &Knobs) -> Self {
        let long_ago = clock::Timestamp::from_seconds(START.seconds() - 400 * 86_400);
        let mut salesforce = Salesforce::new(OrgConfig {
            seed,
            created: long_ago,
            ..OrgConfig::default()
        });
        for object in [LEAD, CONTACT] {
            let field = FieldDef::number("ID_Webmecanik__c", "ID Webmecanik", 18, 0);
            salesforce.add_field(object, field, long_ago);
            if knobs.tracks_history {
                salesforce.track_history(object, "HasOptedOutOfEmail", true);
            }
        }
        salesforce.lag.people_ms_max = knobs.lag.0;
        let user = salesforce.add_user(("Ada", "Admin"), "ada@acme.example", long_ago);
        let mut automation = Automation::new(seed);
        let yes_no = FieldKind::Boolean {
            no: "Non".to_owned(),
            yes: "Oui".to_owned(),
        };
        for field in [
            NewField::contact("crm_deleted", "Supprimé", yes_no),
            NewField::contact("lead_company", "Société", FieldKind::Text),
        ] {
            automation.add_field(long_ago, field);
        }
        let admin = UserId(1);
        let client = automation.add_client("passerelle", "random", "secret", admin);
        let caller = automation.caller_for_client(client.number).unwrap();
        let form = automation.add_form("Contact");
        let email = automation.add_email("Lettre", "Bonjour");
        let mut world = Self {
            salesforce,
            automation,
            user,
            admin,
            caller,
            form,
            email,
            journal: Journal::default(),
            random: Random::seeded(seed ^ 0xAC75),
            serial: 0,
        };
        for _ in 0..knobs.people {
            world.add_somebody();
        }
        world
    }

    /// A text that nobody typed before.
    pub(super) fn fresh(&mut self, what: &str) -> String {
        self.serial += 1;
        format!("{what} {}", self.serial)
    }

    pub(super) fn address(&mut self) -> String {
        self.serial += 1;
        format!("p{}@people.example", self.serial)
    }

    /// Somebody whom both systems, or one of them, knew before the engine was ever started.
    fn add_somebody(&mut self) {
        // Whole lists are imported in one second: rows with the same stamp are common.
        let days = match self.random.below(2) {
            0 => 30,
            _ => 1 + self.random.below(300) as i64,
        };
        let at = clock::Timestamp::from_seconds(START.seconds() - days * 86_400);
        let email = self.address();
        let place = self.random.below(6);
        if place < 5 {
            self.seed_salesforce(&email, at, place == 4);
        }
        if place != 0 && place != 4 {
            self.seed_automation(&email, at);
        }
    }

    fn seed_salesforce(&mut self, email: &str, at: clock::Timestamp, is_lead: bool) {
        let object = if is_lead || self.random.below(2) == 0 {
            LEAD
        } else {
            CONTACT
        };
        let is_out = self.random.below(5) == 0;
        let mut fields = vec![
            ("Email", Value::text(email)),
            ("HasOptedOutOfEmail", Value::Bool(is_out)),
        ];
        if object == LEAD {
            fields.push(("Company", Value::text(self.fresh("Firm"))));
        }
        let mut typed = Vec::new();
        for (id, name, _) in PLAIN {
            if name == "LastName" || self.random.below(3) > 0 {
                let value = self.fresh(name);
                fields.push((name, Value::text(value.clone())));
                typed.push((id, value));
            }
        }
        let id = self.salesforce.seed(object, &fields, self.user, at);
        let at = Timestamp(at.as_millis());
        self.note_edits(Key::Salesforce(id), at, typed);
        if is_out {
            self.say(Key::Salesforce(id), at, Word::Out);
        }
    }

    fn seed_automation(&mut self, email: &str, at: clock::Timestamp) {
        let mut input = ContactInput::default().with("email", email);
        let company = self.fresh("Firm");
        input = input.with("lead_company", company);
        let mut typed = Vec::new();
        for (id, _, alias) in PLAIN {
            if alias == "lastname" || self.random.below(3) > 0 {
                let value = self.fresh(alias);
                input = input.with(alias, value.as_str());
                typed.push((id, value));
            }
        }
        let is_out = self.random.below(5) == 0;
        if is_out {
            input
                .dnc
                .push(crate::sim::automation::draft::DncInput::default());
        }
        let made = self.automation.user_creates(at, self.admin, &input);
        let Ok(made) = made else { return };
        let key = Key::Automation(made.id);
        let at = Timestamp(at.as_millis());
        self.note_edits(key, at, typed);
        if is_out {
            self.say(key, at, Word::Out);
        }
    }

    pub(super) fn note_edits(&mut self, key: Key, at: Timestamp, typed: Vec<(FieldId, String)>) {
        for (field, value) in typed {
            self.journal.edits.push(Edit {
                at,
                key,
                field,
                value,
                is_excused: field == EMAIL,
            });
        }
    }

    pub(super) fn say(&mut self, key: Key, at: Timestamp, word: Word) {
        self.journal.said.push(Said { at, key, word });
    }

    /// Live people of Salesforce, converted Leads left out.
    pub(super) fn people(&self) -> Vec<RecordId> {
        let leads = self.salesforce.records(LEAD);
        let all = leads.chain(self.salesforce.records(CONTACT));
        let live = all.filter(|(id, record)| {
            let is_converted = self.salesforce.value(*id, "IsConverted") == Value::Bool(true);
            !record.is_deleted && !is_converted
        });
        live.map(|(id, _)| id).collect()
    }

    pub(super) fn contacts(&self) -> Vec<ContactId> {
        let all = self.automation.contacts().all();
        all.filter(|contact| !contact.is_anonymous())
            .map(|contact| contact.id)
            .collect()
    }

    pub(super) fn is_live(&self, key: Key) -> bool {
        match key {
            Key::Salesforce(id) => self.salesforce.record(id).is_some_and(|record| {
                !record.is_deleted && self.salesforce.value(id, "IsConverted") != Value::Bool(true)
            }),
            Key::Automation(id) => self.automation.contact(id).is_some(),
        }
    }

    /// The e-mail address that a record shows, in lower case.
    pub(super) fn address_of(&self, key: Key) -> String {
        let text = match key {
            Key::Salesforce(id) => {
                let email = self.salesforce.value(id, "Email");
                email.as_text().map(str::to_owned)
            }
            Key::Automation(id) => self.text_of(id, "email"),
        };
        text.unwrap_or_default().to_lowercase()
    }

    /// Which record a key is to the engine.
    pub(super) fn remote(&self, key: Key) -> Option<RemoteId> {
        match key {
            Key::Salesforce(id) => {
                let object = match self.salesforce.object_of(id)? {
                    LEAD => SalesforceObject::Lead,
                    CONTACT => SalesforceObject::Contact,
                    _ => return None,
                };
                Some(RemoteId::Salesforce(object, id.to_string().parse().ok()?))
            }
            Key::Automation(id) => Some(RemoteId::Automation(
                Kind::Person,
                crate::domain::ids::AutomationId(u64::from(id.0)),
            )),
        }
    }

    /// The side's own clock.
    pub(super) fn clock(knobs: &Knobs, side: Side, now: Timestamp) -> clock::Timestamp {
        clock::Timestamp::from_millis((now + knobs.skew[side as usize]).0)
    }
}
