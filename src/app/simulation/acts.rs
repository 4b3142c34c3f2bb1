//! What people do on both sides while the engine works: edits, opt-outs, merges, forms, deletions.

use crate::app::simulation::knobs::{EMAIL, Focus, Knobs, PLAIN, pick};
use crate::app::simulation::world::{Heir, Key, Word, World};
use crate::domain::ids::{FieldId, Side};
use crate::domain::time::{Span, Timestamp};
use crate::sim::automation::acts::{Cookie, Visit};
use crate::sim::automation::contact::ContactId;
use crate::sim::automation::draft::{ContactInput, DncInput};
use crate::sim::automation::value::Input as AutomationInput;
use crate::sim::clock;
use crate::sim::salesforce::Call;
use crate::sim::salesforce::coerce::Input;
use crate::sim::salesforce::ids::RecordId;
use crate::sim::salesforce::people::ConvertInto;
use crate::sim::salesforce::schema::LEAD;
use crate::sim::salesforce::value::Value;

/// What was done, in words, and who lives on in whom.
pub(super) struct Act {
    pub(super) words: String,
    pub(super) heir: Option<(Key, Key)>,
}

fn act(words: String) -> Act {
    Act { words, heir: None }
}

impl World {
    /// One act of somebody, somewhere. `None` if there was nobody to act on.
    pub(super) fn act(&mut self, knobs: &Knobs, now: Timestamp) -> Option<Act> {
        let salesforce = Self::clock(knobs, Side::Salesforce, now);
        let automation = Self::clock(knobs, Side::Automation, now);
        self.salesforce.advance(salesforce);
        match self.draw_act(knobs.focus) {
            0..30 => self.edit_in_salesforce(now, salesforce),
            30..38 => self.opt_in_salesforce(now, salesforce),
            38..42 => self.delete_in_salesforce(salesforce),
            42..44 => self.undelete(salesforce),
            44..47 => self.convert(salesforce),
            47..49 => self.merge_in_salesforce(salesforce),
            49..51 => self.readdress_in_salesforce(now, salesforce),
            51..53 => self.add_in_salesforce(now, salesforce),
            53..75 => self.edit_in_automation(now, automation),
            75..83 => self.consent_in_automation(now, automation),
            83..85 => self.delete_in_automation(automation),
            85..87 => self.merge_in_automation(automation),
            87..90 => self.submit(now, automation),
            90..92 => self.readdress_in_automation(now, automation),
            92..94 => self.add_in_automation(now, automation),
            _ => self.be_active(automation),
        }
    }

    /// A number of the table above; three times out of four one of the run's focus.
    fn draw_act(&mut self, focus: Focus) -> u64 {
        let any = self.random.below(100);
        let common: &[std::ops::Range<u64>] = match focus {
            Focus::Everything => return any,
            Focus::Consent => &[30..38, 75..83],
            Focus::Edits => &[0..30, 53..75],
            Focus::Identity => &[42..51, 85..92],
        };
        if self.random.below(4) == 0 {
            return any;
        }
        let range = &common[self.random.below(common.len() as u64) as usize];
        range.start + self.random.below(range.end - range.start)
    }

    fn somebody(&mut self) -> Option<RecordId> {
        let people = self.people();
        (!people.is_empty()).then(|| pick(&mut self.random, &people))
    }

    fn some_contact(&mut self) -> Option<ContactId> {
        let contacts = self.contacts();
        (!contacts.is_empty()).then(|| pick(&mut self.random, &contacts))
    }

    fn edit_in_salesforce(&mut self, now: Timestamp, at: clock::Timestamp) -> Option<Act> {
        let id = self.somebody()?;
        let (field, name, _) = pick(&mut self.random, &PLAIN);
        let is_blank = name != "LastName" && self.random.below(8) == 0;
        let value = if is_blank {
            String::new()
        } else {
            self.fresh(name)
        };
        let input = if is_blank {
            Input::Null
        } else {
            Input::text(&value)
        };
        let call = Call::person(at, self.user);
        self.salesforce
            .update(&call, id, &vec![(name.to_owned(), input)])
            .ok()?;
        self.note_edits(Key::Salesforce(id), now, vec![(field, value.clone())]);
        Some(act(format!("Salesforce {id}: {name} = {value:?}")))
    }

    fn opt_in_salesforce(&mut self, now: Timestamp, at: clock::Timestamp) -> Option<Act> {
        let id = self.somebody()?;
        let was_out = self.salesforce.value(id, "HasOptedOutOfEmail") == Value::Bool(true);
        let call = Call::person(at, self.user);
        let fields = vec![("HasOptedOutOfEmail".to_owned(), Input::Bool(!was_out))];
        self.salesforce.update(&call, id, &fields).ok()?;
        let word = if was_out { Word::In } else { Word::Out };
        self.say(Key::Salesforce(id), now, word);
        if was_out && self.random.below(3) == 0 {
            return self.opt_out_again(id, now, at);
        }
        Some(act(format!("Salesforce {id}: opted {word:?}")))
    }

    /// Somebody unticks the box and ticks it again at once: it shows what it showed before.
    fn opt_out_again(&mut self, id: RecordId, now: Timestamp, at: clock::Timestamp) -> Option<Act> {
        let call = Call::person(at.plus_millis(1), self.user);
        let fields = vec![("HasOptedOutOfEmail".to_owned(), Input::Bool(true))];
        self.salesforce.update(&call, id, &fields).ok()?;
        self.say(Key::Salesforce(id), now + Span(1), Word::Out);
        Some(act(format!("Salesforce {id}: opted in, and out again")))
    }

    /// Somebody who is opted out opts in on that record, and out again at once.
    pub(super) fn change_mind(&mut self, knobs: &Knobs, now: Timestamp, key: Key) -> Option<Act> {
        match key {
            Key::Salesforce(id) => {
                let at = Self::clock(knobs, Side::Salesforce, now);
                self.salesforce.advance(at);
                if self.salesforce.value(id, "HasOptedOutOfEmail") != Value::Bool(true) {
                    return None;
                }
                let call = Call::person(at, self.user);
                let fields = vec![("HasOptedOutOfEmail".to_owned(), Input::Bool(false))];
                self.salesforce.update(&call, id, &fields).ok()?;
                self.say(key, now, Word::In);
                self.opt_out_again(id, now, at)
            }
            Key::Automation(id) => {
                let at = Self::clock(knobs, Side::Automation, now);
                self.automation.contact(id)?.dnc_on("email")?;
                for (after, reason, word) in [(0, 0, Word::In), (1, 3, Word::Out)] {
                    let input = DncInput {
                        reason,
                        ..DncInput::default()
                    };
                    let at = at.plus_millis(after);
                    self.automation.user_sets_dnc(at, self.admin, id, &input);
                    self.say(key, now + Span(after), word);
                }
                Some(act(format!("Automation {id}: opted in, and out again")))
            }
        }
    }

    fn delete_in_salesforce(&mut self, at: clock::Timestamp) -> Option<Act> {
        let id = self.somebody()?;
        let call = Call::person(at, self.user);
        let address = self
            .salesforce
            .value(id, "Email")
            .as_text()
            .map(str::to_owned);
        self.salesforce.delete(&call, id).ok()?;
        self.journal.gone.extend(address);
        Some(act(format!("Salesforce {id}: deleted")))
    }

    fn undelete(&mut self, at: clock::Timestamp) -> Option<Act> {
        let binned = self.salesforce.records(LEAD).filter(|(id, record)| {
            record.is_deleted && self.salesforce.value(*id, "MasterRecordId").is_null()
        });
        let binned: Vec<RecordId> = binned.map(|(id, _)| id).collect();
        if binned.is_empty() {
            return None;
        }
        let id = pick(&mut self.random, &binned);
        let call = Call::person(at, self.user);
        self.salesforce.undelete(&call, id).ok()?;
        Some(act(format!("Salesforce {id}: restored")))
    }

    fn convert(&mut self, at: clock::Timestamp) -> Option<Act> {
        let lead = self.somebody()?;
        if self.salesforce.object_of(lead) != Some(LEAD) {
            return None;
        }
        let call = Call::person(at, self.user);
        let into = ConvertInto::default();
        let done = self.salesforce.convert_lead(&call, lead, into).ok()?;
        let heir = (Key::Salesforce(lead), Key::Salesforce(done.contact));
        self.inherit(heir.0, heir.1);
        Some(Act {
            words: format!("Salesforce {lead}: converted to {}", done.contact),
            heir: Some(heir),
        })
    }

    fn merge_in_salesforce(&mut self, at: clock::Timestamp) -> Option<Act> {
        let (loser, winner) = (self.somebody()?, self.somebody()?);
        if loser == winner {
            return None;
        }
        let call = Call::person(at, self.user);
        self.salesforce
            .merge(&call, winner, &[loser], &Vec::new())
            .ok()?;
        let heir = (Key::Salesforce(loser), Key::Salesforce(winner));
        self.inherit(heir.0, heir.1);
        Some(Act {
            words: format!("Salesforce {loser}: merged into {winner}"),
            heir: Some(heir),
        })
    }

    fn readdress_in_salesforce(&mut self, now: Timestamp, at: clock::Timestamp) -> Option<Act> {
        let id = self.somebody()?;
        let email = self.address();
        let call = Call::person(at, self.user);
        let fields = vec![("Email".to_owned(), Input::text(&email))];
        self.salesforce.update(&call, id, &fields).ok()?;
        self.journal.readdressed.insert(Key::Salesforce(id));
        self.note_edits(Key::Salesforce(id), now, vec![(EMAIL, email.clone())]);
        Some(act(format!("Salesforce {id}: address {email}")))
    }

    fn add_in_salesforce(&mut self, now: Timestamp, at: clock::Timestamp) -> Option<Act> {
        let (email, is_back) = self.known_or_new_address();
        let (name, company) = (self.fresh("LastName"), self.fresh("Firm"));
        let is_out = self.random.below(4) == 0;
        let fields = vec![
            ("Email".to_owned(), Input::text(&email)),
            ("LastName".to_owned(), Input::text(&name)),
            ("Company".to_owned(), Input::text(&company)),
            ("HasOptedOutOfEmail".to_owned(), Input::Bool(is_out)),
        ];
        let call = Call::person(at, self.user);
        let id = self.salesforce.insert(&call, LEAD, &fields).ok()?;
        if is_back {
            self.journal.returned.insert(Key::Salesforce(id));
        }
        self.note_edits(Key::Salesforce(id), now, vec![(FieldId(3), name)]);
        if is_out {
            self.say(Key::Salesforce(id), now, Word::Out);
        }
        Some(act(format!(
            "Salesforce {id}: new lead {email}, out: {is_out}"
        )))
    }

    fn known_or_new_address(&mut self) -> (String, bool) {
        let known = self.random.below(8);
        if known > 0 {
            return self.new_address();
        }
        let contact = self.some_contact();
        let known = contact.and_then(|id| self.text_of(id, "email"));
        (known.unwrap_or_else(|| self.address()), false)
    }

    pub(super) fn text_of(&self, id: ContactId, alias: &str) -> Option<String> {
        let subject = crate::sim::automation::field::Subject::Contact;
        let field = self.automation.fields().by_alias(subject, alias)?;
        let contact = self.automation.contact(id)?;
        contact.values.at(field.position).to_text()
    }

    fn edit_in_automation(&mut self, now: Timestamp, at: clock::Timestamp) -> Option<Act> {
        let id = self.some_contact()?;
        let (field, _, alias) = pick(&mut self.random, &PLAIN);
        let is_blank = alias != "lastname" && self.random.below(8) == 0;
        let value = if is_blank {
            String::new()
        } else {
            self.fresh(alias)
        };
        let input = if is_blank {
            AutomationInput::Null
        } else {
            AutomationInput::Text(value.clone())
        };
        let input = ContactInput::default().with_input(alias, input);
        self.automation
            .user_edits(at, self.admin, id, &input)
            .ok()?;
        self.note_edits(Key::Automation(id), now, vec![(field, value.clone())]);
        Some(act(format!("Automation {id}: {alias} = {value:?}")))
    }

    fn consent_in_automation(&mut self, now: Timestamp, at: clock::Timestamp) -> Option<Act> {
        let id = self.some_contact()?;
        let key = Key::Automation(id);
        let dnc = self.automation.contact(id)?.dnc_on("email");
        let is_out = dnc.is_some();
        let is_bounced = dnc.is_some_and(|dnc| dnc.reason.code() == 2);
        let reason = if is_out { 0 } else { 3 };
        if !is_out && self.random.below(2) == 0 {
            let mail = self.automation.send(at, self.email, id)?;
            if self.random.below(3) == 0 {
                self.automation.bounce(at, mail, "mailbox full");
                self.say(key, now, Word::Bounced);
                return Some(act(format!("Automation {id}: bounced")));
            }
            self.automation.unsubscribe(at, mail);
            self.say(key, now, Word::Out);
            return Some(act(format!("Automation {id}: unsubscribed")));
        }
        let input = DncInput {
            reason,
            ..DncInput::default()
        };
        if !self.automation.user_sets_dnc(at, self.admin, id, &input) {
            return None;
        }
        if is_bounced {
            // The address works again; nobody said anything of being mailed.
            return Some(act(format!("Automation {id}: bounce cleared")));
        }
        let word = if is_out { Word::In } else { Word::Out };
        self.say(key, now, word);
        Some(act(format!("Automation {id}: opted {word:?}")))
    }

    fn delete_in_automation(&mut self, at: clock::Timestamp) -> Option<Act> {
        let id = self.some_contact()?;
        self.journal.gone.extend(self.text_of(id, "email"));
        self.automation.user_deletes(at, self.admin, id)?;
        Some(act(format!("Automation {id}: deleted")))
    }

    fn merge_in_automation(&mut self, at: clock::Timestamp) -> Option<Act> {
        let (loser, winner) = (self.some_contact()?, self.some_contact()?);
        if loser == winner {
            return None;
        }
        let by = self.automation.caller_for_user(self.admin)?.by;
        self.automation.merge(at, by, loser, winner);
        let heir = (Key::Automation(loser), Key::Automation(winner));
        self.inherit(heir.0, heir.1);
        Some(Act {
            words: format!("Automation {loser}: merged into {winner}"),
            heir: Some(heir),
        })
    }

    /// A visitor without the cookie fills in a form: the known contact gets a new id.
    fn submit(&mut self, now: Timestamp, at: clock::Timestamp) -> Option<Act> {
        let known = self.some_contact()?;
        let email = self.text_of(known, "email")?;
        let name = self.fresh("firstname");
        let values = [("email", email.as_str()), ("firstname", name.as_str())];
        let visit = Visit {
            url: "https://www.acme.example/contact",
            title: "Contact",
            address: "203.0.113.7",
            ..Visit::default()
        };
        let id = self
            .automation
            .submit(at, self.form, Cookie::Lost, &values, &visit);
        let heir = (Key::Automation(known), Key::Automation(id));
        self.inherit(heir.0, heir.1);
        self.note_edits(Key::Automation(id), now, vec![(FieldId(2), name)]);
        Some(Act {
            words: format!("Automation {known}: form submitted, lives on as {id}"),
            heir: Some(heir),
        })
    }

    fn readdress_in_automation(&mut self, now: Timestamp, at: clock::Timestamp) -> Option<Act> {
        let id = self.some_contact()?;
        let email = self.address();
        let input = ContactInput::default().with("email", email.as_str());
        self.automation
            .user_edits(at, self.admin, id, &input)
            .ok()?;
        self.journal.readdressed.insert(Key::Automation(id));
        self.note_edits(Key::Automation(id), now, vec![(EMAIL, email.clone())]);
        Some(act(format!("Automation {id}: address {email}")))
    }

    /// Now and then that of somebody who was deleted: they are back.
    fn new_address(&mut self) -> (String, bool) {
        if !self.journal.gone.is_empty() && self.random.below(2) == 0 {
            let at = self.random.below(self.journal.gone.len() as u64) as usize;
            return (self.journal.gone.swap_remove(at), true);
        }
        (self.address(), false)
    }

    fn add_in_automation(&mut self, now: Timestamp, at: clock::Timestamp) -> Option<Act> {
        let (email, is_back) = self.new_address();
        let (name, company) = (self.fresh("lastname"), self.fresh("Firm"));
        let mut input = ContactInput::default()
            .with("email", email.as_str())
            .with("lastname", name.as_str())
            .with("lead_company", company);
        let is_out = self.random.below(4) == 0;
        if is_out {
            input.dnc.push(DncInput::default());
        }
        let id = self
            .automation
            .user_creates(at, self.admin, &input)
            .ok()?
            .id;
        if is_back {
            self.journal.returned.insert(Key::Automation(id));
        }
        self.note_edits(Key::Automation(id), now, vec![(FieldId(3), name)]);
        if is_out {
            self.say(Key::Automation(id), now, Word::Out);
        }
        Some(act(format!(
            "Automation {id}: new contact {email}, out: {is_out}"
        )))
    }

    fn be_active(&mut self, at: clock::Timestamp) -> Option<Act> {
        let id = self.some_contact()?;
        if self.random.below(2) == 0 {
            self.automation.earn(at, id, "Visit", "Page visit", 5);
            return Some(act(format!("Automation {id}: earned points")));
        }
        let mail = self.automation.send(at, self.email, id)?;
        self.automation.open(at, mail);
        Some(act(format!("Automation {id}: read a mail")))
    }

    /// A merge decides between values by rules of its own: what was typed before is settled by it.
    fn inherit(&mut self, loser: Key, winner: Key) {
        for edit in &mut self.journal.edits {
            edit.is_excused |= edit.key == loser || edit.key == winner;
        }
        self.journal.readdressed.extend([loser, winner]);
    }

    pub(super) fn note_heir(
        &mut self,
        at: Timestamp,
        (loser, winner): (Key, Key),
        was_seen_out: bool,
        partner: Option<Key>,
    ) {
        self.journal.heirs.push(Heir {
            at,
            loser,
            winner,
            was_seen_out,
            partner,
        });
    }
}

impl ContactInput {
    fn with_input(mut self, alias: &str, value: AutomationInput) -> Self {
        self.values.push((alias.to_owned(), value));
        self
    }
}
