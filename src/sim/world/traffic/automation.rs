//! Acts at Automation: its users, the visitors of the company's pages, the recipients of its mails.

use super::super::names;
use super::{Act, Deed, Outcome, Visitor, one_of, texts};
use crate::sim::automation::Automation;
use crate::sim::automation::acts::{Cookie, Visit};
use crate::sim::automation::contact::{Contact, ContactId};
use crate::sim::automation::draft::{ContactInput, DncInput};
use crate::sim::automation::field::Subject;
use crate::sim::automation::refusal::Refusal;
use crate::sim::automation::user::UserId;
use crate::sim::automation::value::Input;
use crate::sim::clock::Timestamp;
use crate::sim::random::Random;

/// The e-mail, the form and the page that the company's history made first.
const ASSET: u32 = 1;
/// Mails older than these many others are not opened any more.
const MAILBOX: usize = 200;
/// Where a second address of somebody known is.
const AT_HOME: &str = "@perso.example";

const PAGES: [(&str, &str); 4] = [
    ("https://orion.example/tarifs", "Tarifs"),
    ("https://orion.example/a-propos", "À propos"),
    ("https://orion.example/blog/été", "Nos conseils d’été"),
    ("https://orion.example/contact?de=salon&ref=é", "Contact"),
];

/// Does one act at Automation, now. An act at Salesforce concerns nobody here.
pub(super) fn at_automation(brain: &mut Automation, now: Timestamp, act: &Act) -> Outcome {
    let Deed::Automation(deed) = act.deed else {
        return Outcome::Nobody;
    };
    let mut random = Random::seeded(act.seed);
    let users: Vec<UserId> = brain.users().all().iter().map(|user| user.id).collect();
    let Some(user) = one_of(&mut random, &users) else {
        return Outcome::Nobody;
    };
    let mut place = Place {
        brain,
        now,
        user,
        random,
        number: act.number,
    };
    match place.does(deed) {
        None => Outcome::Nobody,
        Some(Ok(())) => Outcome::Done,
        Some(Err(refusal)) => Outcome::Refused(refusal.to_string()),
    }
}

struct Place<'a> {
    brain: &'a mut Automation,
    now: Timestamp,
    user: UserId,
    random: Random,
    number: u64,
}

type Done = Option<Result<(), Refusal>>;

const DONE: Done = Some(Ok(()));

impl Place<'_> {
    fn does(&mut self, deed: Visitor) -> Done {
        match deed {
            Visitor::Hits => self.hits(),
            Visitor::IsMailed => self.mail().map(|_| Ok(())),
            Visitor::OpensMail => {
                let mail = self.recent_mail()?;
                self.brain.open(self.now, mail);
                DONE
            }
            Visitor::SubmitsForm => {
                let id = self.somebody()?;
                self.submits(id, true)
            }
            Visitor::SubmitsElsewhere => {
                let id = self.somebody()?;
                self.submits(id, false)
            }
            Visitor::ReturnsElsewhere => {
                let left = self.known(|contact| contact.dnc_on("email").is_some());
                let id = one_of(&mut self.random, &left)?;
                self.submits(id, false)
            }
            Visitor::Introduces => self.introduces(),
            Visitor::Earns => {
                let id = self.somebody()?;
                let points = 1 + self.random.below(20) as i64;
                let event = "Visite des tarifs";
                self.brain.earn(self.now, id, event, "page.hit", points);
                DONE
            }
            Visitor::Unsubscribes => {
                let mail = self.mail()?;
                self.brain.unsubscribe(self.now, mail);
                DONE
            }
            Visitor::Resubscribes => self.resubscribes(),
            Visitor::Bounces => {
                let mail = self.mail()?;
                self.brain.bounce(self.now, mail, "Boîte pleine");
                DONE
            }
            Visitor::UserEdits => self.edits(),
            Visitor::UserStopsMail => self.stops_mail(),
            Visitor::UserEnters => Some(self.enters()),
            Visitor::UserEntersTwice => self.enters_twice(),
            Visitor::UserMerges => self.merges(),
            Visitor::UserDeletes => {
                let id = self.somebody()?;
                self.brain
                    .user_deletes(self.now, self.user, id)
                    .map(|_| Ok(()))
            }
            Visitor::UserReassigns => self.reassigns(),
        }
    }

    fn text(&self, contact: &Contact, alias: &str) -> String {
        let field = self.brain.fields().by_alias(Subject::Contact, alias);
        let text = field.and_then(|field| contact.values.at(field.position).to_text());
        text.unwrap_or_default()
    }

    /// Contacts with an address that is theirs alone: the others cannot be saved until somebody
    /// merges them.
    fn known(&self, wanted: impl Fn(&Contact) -> bool) -> Vec<ContactId> {
        let mut known: Vec<(String, ContactId)> = Vec::new();
        for contact in self.brain.contacts().all() {
            let email = self.text(contact, "email").to_lowercase();
            if !email.is_empty() {
                known.push((email, contact.id));
            }
        }
        known.sort();
        let alone = known.chunk_by(|one, other| one.0 == other.0);
        let alone = alone.filter(|holders| holders.len() == 1);
        let mut ids: Vec<ContactId> = alone.map(|holders| holders[0].1).collect();
        ids.retain(|id| self.brain.contact(*id).is_some_and(&wanted));
        ids.sort();
        ids
    }

    fn somebody(&mut self) -> Option<ContactId> {
        let known = self.known(|_| true);
        one_of(&mut self.random, &known)
    }

    fn visit(&mut self) -> Visit<'static> {
        let (url, title) = PAGES[self.random.below(PAGES.len() as u64) as usize];
        Visit {
            url,
            title,
            referer: None,
            page: Some(ASSET),
            address: "198.51.100.23",
        }
    }

    fn hits(&mut self) -> Done {
        let visit = self.visit();
        if self.random.below(6) == 0 {
            self.brain.visitor(self.now, &visit);
            return DONE;
        }
        let id = self.somebody()?;
        self.brain.hit(self.now, id, &visit);
        DONE
    }

    /// The newsletter goes to somebody who may be mailed.
    fn mail(&mut self) -> Option<u32> {
        let known = self.known(|contact| contact.dnc_on("email").is_none());
        let id = one_of(&mut self.random, &known)?;
        self.brain.send(self.now, ASSET, id)
    }

    fn recent_mail(&mut self) -> Option<u32> {
        let mails = self.brain.logs().mails.rows();
        let recent = &mails[mails.len().saturating_sub(MAILBOX)..];
        let there = recent.iter().filter(|mail| mail.contact.is_some());
        let there: Vec<u32> = there.map(|mail| mail.id).collect();
        one_of(&mut self.random, &there)
    }

    fn submits(&mut self, id: ContactId, keeps_cookie: bool) -> Done {
        let email = self.text(self.brain.contact(id)?, "email");
        let phone = names::phone(&mut self.random);
        let visit = self.visit();
        let cookie = if keeps_cookie {
            Cookie::Kept(id)
        } else {
            Cookie::Lost
        };
        let values = [("email", email.as_str()), ("phone", phone.as_str())];
        self.brain.submit(self.now, ASSET, cookie, &values, &visit);
        DONE
    }

    fn introduces(&mut self) -> Done {
        let first = names::pick(&mut self.random, &names::FIRST);
        let last = texts::last_name(&mut self.random);
        let email = texts::address(first, &last, self.number);
        let visit = self.visit();
        let values = [
            ("email", email.as_str()),
            ("firstname", first),
            ("lastname", last.as_str()),
        ];
        self.brain
            .submit(self.now, ASSET, Cookie::Lost, &values, &visit);
        DONE
    }

    /// Somebody who left by the link of a mail comes back by the link of the page it led to.
    fn resubscribes(&mut self) -> Done {
        let mails = self.brain.logs().mails.rows();
        let left = mails.iter().filter(|mail| {
            let contact = mail.contact.and_then(|id| self.brain.contact(id));
            let row = contact.and_then(|contact| contact.dnc_on("email"));
            row.is_some_and(|row| row.reason.code() == 1 && row.channel_id == Some(mail.what.email))
        });
        let left: Vec<u32> = left.map(|mail| mail.id).collect();
        let mail = one_of(&mut self.random, &left)?;
        self.brain.resubscribe(self.now, mail);
        DONE
    }

    fn edits(&mut self) -> Done {
        let id = self.somebody()?;
        let (_, _, alias) = one_of(&mut self.random, &texts::FIELDS)?;
        let is_cleared = alias != "lastname" && self.random.below(15) == 0;
        let text = if is_cleared {
            String::new()
        } else {
            texts::value(&mut self.random, alias)
        };
        Some(self.edit(id, &ContactInput::default().with(alias, text)))
    }

    fn edit(&mut self, id: ContactId, input: &ContactInput) -> Result<(), Refusal> {
        let written = self.brain.user_edits(self.now, self.user, id, input);
        written.map(drop)
    }

    fn stops_mail(&mut self) -> Done {
        let known = self.known(|contact| contact.dnc_on("email").is_none());
        let id = one_of(&mut self.random, &known)?;
        let input = DncInput {
            comments: "Demande par téléphone".to_owned(),
            ..DncInput::default()
        };
        let is_new = self.brain.user_sets_dnc(self.now, self.user, id, &input);
        is_new.then_some(Ok(()))
    }

    fn enters(&mut self) -> Result<(), Refusal> {
        let first = names::pick(&mut self.random, &names::FIRST);
        let last = texts::last_name(&mut self.random);
        let email = texts::address(first, &last, self.number);
        let firm = names::company(self.random.below(400) as usize);
        self.enter(first, &last, &email, &firm)
    }

    fn enter(&mut self, first: &str, last: &str, email: &str, firm: &str) -> Result<(), Refusal> {
        let input = ContactInput::default()
            .with("email", email)
            .with("firstname", first)
            .with("lastname", last)
            .with("lead_company", firm);
        let made = self.brain.user_creates(self.now, self.user, &input);
        made.map(drop)
    }

    /// Somebody known gives another address at a fair, and is entered again.
    fn enters_twice(&mut self) -> Done {
        let id = self.somebody()?;
        let contact = self.brain.contact(id)?;
        let (first, last) = (
            self.text(contact, "firstname"),
            self.text(contact, "lastname"),
        );
        let stem = names::plain(&format!("{first}{last}"));
        let email = format!("{stem}{}{AT_HOME}", self.number);
        Some(self.enter(&first, &last, &email, ""))
    }

    /// The second entry goes into the first.
    fn merges(&mut self) -> Done {
        let name = |contact: &Contact| {
            let (first, last) = (
                self.text(contact, "firstname"),
                self.text(contact, "lastname"),
            );
            (first, last)
        };
        let known = self.known(|_| true);
        let twice = |id: &ContactId| Some(self.brain.contact(*id)?.clone());
        let known: Vec<Contact> = known.iter().filter_map(twice).collect();
        let mut pairs = Vec::new();
        for again in known
            .iter()
            .filter(|contact| self.text(contact, "email").ends_with(AT_HOME))
        {
            let first = known
                .iter()
                .find(|first| first.id < again.id && name(first) == name(again));
            pairs.extend(first.map(|first| (again.id, first.id)));
        }
        let (again, first) = one_of(&mut self.random, &pairs)?;
        let by = self.brain.caller_for_user(self.user)?.by;
        self.brain.merge(self.now, by, again, first);
        DONE
    }

    fn reassigns(&mut self) -> Done {
        let id = self.somebody()?;
        let input = ContactInput {
            owner: Some(Input::Number(f64::from(self.user.0))),
            ..ContactInput::default()
        };
        Some(self.edit(id, &input))
    }
}
