//! The brain: one instance's whole state, and its setting up.
//!
//! Pure and deterministic. Every operation takes the time; nothing reads a clock, a socket or a die.

use jiff::tz::TimeZone;

use super::auth::{Auth, BadToken, Caller, Client, Grant, GrantRequest, RateLimit, TokenRefusal};
use super::author::{AuthorId, Authors};
use super::call::{Call, Calls};
use super::company::Companies;
use super::contact::{Contact, ContactId, Contacts, Stamp};
use super::field::{Field, Fields, NewField, Subject};
use super::hook::{Hooks, Notice, Payload, Trigger};
use super::log::Logs;
use super::refusal::Refusal;
use super::segment::{SegmentFilter, SegmentId, Segments, StageId, Stages, Tags};
use super::user::{NewUser, Right, RoleId, UserId, Users};
use crate::sim::clock::Timestamp;

/// What an administrator configures.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Sent in the `Mautic-Version` header.
    pub version: String,
    /// Front of absolute links in activities and of redirects.
    pub base_url: String,
    /// Activities are shown in it; record dates stay in UTC.
    pub time_zone: TimeZone,
    pub is_api_enabled: bool,
    pub is_basic_enabled: bool,
    /// Off by default; a hoster may switch it on.
    pub rate_limit: Option<RateLimit>,
    /// Longest batch accepted.
    pub batch_max: usize,
    /// Columns of new fields are made by a job: until it ran the field is not published.
    pub makes_columns_later: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: "5.1.1".to_owned(),
            base_url: "http://127.0.0.1".to_owned(),
            time_zone: TimeZone::UTC,
            is_api_enabled: true,
            is_basic_enabled: false,
            rate_limit: None,
            batch_max: 200,
            makes_columns_later: false,
        }
    }
}

/// An e-mail, form or landing page of the instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    pub name: String,
    /// An e-mail's subject, a form's alias, a page's address.
    pub detail: String,
}

#[derive(Clone, Debug)]
pub struct Automation {
    pub settings: Settings,
    pub(super) fields: Fields,
    pub(super) contacts: Contacts,
    pub(super) companies: Companies,
    pub(super) users: Users,
    pub(super) authors: Authors,
    pub(super) tags: Tags,
    pub(super) stages: Stages,
    pub(super) segments: Segments,
    pub(super) auth: Auth,
    pub(super) hooks: Hooks,
    pub(super) logs: Logs,
    pub(super) calls: Calls,
    pub(super) emails: Vec<Asset>,
    pub(super) forms: Vec<Asset>,
    pub(super) pages: Vec<Asset>,
    pub(super) last_dnc: u32,
}

impl Automation {
    /// A fresh instance: stock fields, the administrator (user 1, Ada Admin), nobody else.
    pub fn new(seed: u64) -> Self {
        let mut users = Users::default();
        users.add_role("Administrator", "Full system access", None, None);
        let administrator = NewUser {
            username: "admin",
            first_name: "Ada",
            last_name: "Admin",
            email: "admin@automation.example",
            password: "admin",
            role: Users::ADMINISTRATOR,
        };
        users.add(&administrator, None);
        Self {
            settings: Settings::default(),
            fields: Fields::default(),
            contacts: Contacts::default(),
            companies: Companies::default(),
            users,
            authors: Authors::default(),
            tags: Tags::default(),
            stages: Stages::default(),
            segments: Segments::default(),
            auth: Auth::new(seed),
            hooks: Hooks::default(),
            logs: Logs::default(),
            calls: Calls::default(),
            emails: Vec::new(),
            forms: Vec::new(),
            pages: Vec::new(),
            last_dnc: 0,
        }
    }

    // Setting up, as an administrator does in the user interface.

    /// Adds a field; `None` when its alias is taken.
    pub fn add_field(&mut self, now: Timestamp, new: NewField) -> Option<Field> {
        let by = self.administrator();
        let field = self.fields.add(new, (now.whole_second(), by))?.clone();
        if field.subject == Subject::Contact && field.is_unique() {
            self.contacts.reindex_unique(self.fields.unique());
        }
        Some(field)
    }

    pub fn add_role(
        &mut self,
        now: Timestamp,
        name: &str,
        description: &str,
        rights: Vec<Right>,
    ) -> RoleId {
        let added = Stamp {
            at: now.whole_second(),
            by: self.administrator(),
        };
        self.users
            .add_role(name, description, Some(rights), Some(added))
    }

    pub fn add_user(&mut self, now: Timestamp, new: &NewUser<'_>) -> UserId {
        let added = Stamp {
            at: now.whole_second(),
            by: self.administrator(),
        };
        self.users.add(new, Some(added))
    }

    /// Makes an API credential; the keys are in the answer. Made by an administrator it may act for
    /// itself (client_credentials), with that administrator's role.
    pub fn add_client(&mut self, name: &str, random: &str, secret: &str, maker: UserId) -> Client {
        let role = self
            .users
            .by_id(maker)
            .map_or(Users::ADMINISTRATOR, |user| user.role);
        let acts_alone = self
            .users
            .role(role)
            .is_some_and(super::user::Role::is_administrator);
        let number = self.auth.clients().len() as u32 + 1;
        let by = self.authors.named(None, &format!("{name} [{number}]"));
        let make = |number| Client {
            number,
            name: name.to_owned(),
            random: random.to_owned(),
            secret: secret.to_owned(),
            redirects: Vec::new(),
            acts_alone,
            role,
            by,
        };
        self.auth.add_client(make).clone()
    }

    /// Lists one more address that a credential's logins may come back to.
    pub fn add_redirect(&mut self, number: u32, redirect: &str) {
        let known = self.auth.clients().iter();
        let mut found = known.filter(|client| client.number == number).cloned();
        if let Some(mut client) = found.next() {
            client.redirects.push(redirect.to_owned());
            self.auth.replace_client(client);
        }
    }

    /// A credential with every part chosen by the caller, its number excepted.
    pub fn add_client_as(&mut self, client: &Client) -> Client {
        let number = self.auth.clients().len() as u32 + 1;
        let by = self
            .authors
            .named(None, &format!("{} [{number}]", client.name));
        self.auth
            .add_client(|number| Client {
                number,
                by,
                ..client.clone()
            })
            .clone()
    }

    pub fn add_stage(&mut self, name: &str) -> StageId {
        self.stages.add(name)
    }

    pub fn add_segment(
        &mut self,
        now: Timestamp,
        name: &str,
        alias: &str,
        filters: Vec<SegmentFilter>,
    ) -> SegmentId {
        let added = Stamp {
            at: now.whole_second(),
            by: self.administrator(),
        };
        self.segments.add(name, alias, filters, added)
    }

    pub fn add_email(&mut self, name: &str, subject: &str) -> u32 {
        push_asset(&mut self.emails, name, subject)
    }

    pub fn add_form(&mut self, name: &str) -> u32 {
        let alias: String = name
            .to_lowercase()
            .replace(' ', "_")
            .chars()
            .take(10)
            .collect();
        push_asset(&mut self.forms, name, &alias)
    }

    pub fn add_page(&mut self, title: &str, url: &str) -> u32 {
        push_asset(&mut self.pages, title, url)
    }

    // Who calls.

    pub fn token(
        &mut self,
        now: Timestamp,
        key: &str,
        secret: &str,
        request: &GrantRequest<'_>,
    ) -> Result<Grant, TokenRefusal> {
        self.calls.note(Call::Token);
        self.auth.grant(now, key, secret, request)
    }

    /// Whether a credential is known and lists the address.
    pub fn check_redirect(&self, key: &str, redirect: &str) -> Result<(), TokenRefusal> {
        self.auth.client_for(key, redirect).map(|_| ())
    }

    /// The code that the user's consent gives to the credential.
    pub fn consent(
        &mut self,
        now: Timestamp,
        key: &str,
        redirect: &str,
        user: UserId,
    ) -> Result<String, TokenRefusal> {
        let caller = self
            .caller_for_user(user)
            .ok_or(TokenRefusal::InvalidClient)?;
        self.users.note_login(user, now);
        self.auth.consent(now, key, redirect, caller)
    }

    pub fn bearer(&self, now: Timestamp, token: &str) -> Result<Caller, BadToken> {
        self.auth.bearer(now, token)
    }

    pub fn login(&mut self, username: &str, password: &str) -> Option<Caller> {
        let user = self
            .users
            .by_username(username)
            .filter(|user| user.password == password)?;
        let id = user.id;
        self.caller_for_user(id)
    }

    /// The caller an in-process skin acts as: the user, as if logged in.
    pub fn caller_for_user(&mut self, id: UserId) -> Option<Caller> {
        let user = self.users.by_id(id)?;
        let (name, role) = (user.full_name(), user.role);
        Some(Caller {
            by: self.authors.named(Some(id), &name),
            user: Some(id),
            role,
        })
    }

    /// The caller an in-process skin acts as: the credential, as with client_credentials.
    pub fn caller_for_client(&self, number: u32) -> Option<Caller> {
        let client = self
            .auth
            .clients()
            .iter()
            .find(|client| client.number == number)?;
        Some(Caller {
            by: client.by,
            user: None,
            role: client.role,
        })
    }

    pub fn may(&self, caller: Caller, right: Right) -> Result<(), Refusal> {
        let role = self.users.role(caller.role);
        if role.is_some_and(|role| role.allows(right)) {
            Ok(())
        } else {
            Err(Refusal::Forbidden)
        }
    }

    // Looking in, without being counted.

    pub fn contact(&self, id: ContactId) -> Option<&Contact> {
        self.contacts.by_id(id)
    }

    pub fn contacts(&self) -> &Contacts {
        &self.contacts
    }

    pub fn companies(&self) -> &Companies {
        &self.companies
    }

    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    pub fn users(&self) -> &Users {
        &self.users
    }

    pub fn authors(&self) -> &Authors {
        &self.authors
    }

    pub fn segments(&self) -> &Segments {
        &self.segments
    }

    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    pub fn stages(&self) -> &Stages {
        &self.stages
    }

    pub fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    pub fn hooks_mut(&mut self) -> &mut Hooks {
        &mut self.hooks
    }

    pub fn auth_mut(&mut self) -> &mut Auth {
        &mut self.auth
    }

    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    pub fn note_call(&mut self, call: Call) {
        self.calls.note(call);
    }

    pub fn email(&self, id: u32) -> Option<&Asset> {
        asset(&self.emails, id)
    }

    pub fn form(&self, id: u32) -> Option<&Asset> {
        asset(&self.forms, id)
    }

    pub fn page(&self, id: u32) -> Option<&Asset> {
        asset(&self.pages, id)
    }

    pub(super) fn administrator(&mut self) -> AuthorId {
        let name = self
            .users
            .by_id(UserId(1))
            .map(super::user::User::full_name)
            .unwrap_or_default();
        self.authors.named(Some(UserId(1)), &name)
    }

    /// Queues a notice for every published hook that wants it; makes the payload only then.
    pub(super) fn notify(
        &mut self,
        now: Timestamp,
        trigger: Trigger,
        payload: impl Fn(&Self) -> Option<Payload>,
    ) {
        for hook in self.hooks.wanting(trigger) {
            if let Some(payload) = payload(self) {
                self.hooks.queue(Notice {
                    hook,
                    trigger,
                    at: now.whole_second(),
                    payload,
                });
            }
        }
    }

    pub(super) fn notify_contact(&mut self, now: Timestamp, trigger: Trigger, id: ContactId) {
        self.notify(now, trigger, |brain| {
            let contact = brain.contacts.by_id(id)?;
            // Anonymous visitors are not sent.
            (!contact.is_anonymous()).then(|| Payload::Contact(Box::new(contact.clone())))
        });
    }
}

fn push_asset(assets: &mut Vec<Asset>, name: &str, detail: &str) -> u32 {
    assets.push(Asset {
        name: name.to_owned(),
        detail: detail.to_owned(),
    });
    assets.len() as u32
}

fn asset(assets: &[Asset], id: u32) -> Option<&Asset> {
    assets.get((id as usize).checked_sub(1)?)
}
