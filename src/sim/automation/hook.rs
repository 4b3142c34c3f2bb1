//! Webhooks: who wants to hear of what, and the notices waiting to be posted.

use std::collections::{BTreeMap, VecDeque};

use super::author::AuthorId;
use super::company::{Company, CompanyId};
use super::contact::{Contact, ContactId, Stamp};
use super::segment::SegmentId;
use crate::sim::clock::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HookId(pub u32);

/// What a webhook may want to hear of, in the order the product lists them: by label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    CompanySaved,
    CompanyDeleted,
    ChannelChanged,
    CompanyLinkChanged,
    ContactDeleted,
    ContactIdentified,
    PointsChanged,
    SegmentChanged,
    ContactUpdated,
    EmailOpened,
    EmailSent,
    FormSubmitted,
    PageHit,
    TextSent,
}

impl Trigger {
    pub const ALL: [Self; 14] = [
        Self::CompanySaved,
        Self::CompanyDeleted,
        Self::ChannelChanged,
        Self::CompanyLinkChanged,
        Self::ContactDeleted,
        Self::ContactIdentified,
        Self::PointsChanged,
        Self::SegmentChanged,
        Self::ContactUpdated,
        Self::EmailOpened,
        Self::EmailSent,
        Self::FormSubmitted,
        Self::PageHit,
        Self::TextSent,
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trigger| trigger.name() == name)
    }

    pub const fn name(self) -> &'static str {
        TEXTS[self as usize].0
    }

    pub const fn label(self) -> &'static str {
        TEXTS[self as usize].1
    }

    /// Some descriptions ship untranslated.
    pub const fn description(self) -> &'static str {
        TEXTS[self as usize].2
    }
}

/// Name, label and description of each trigger, in their order.
const TEXTS: [(&str, &str, &str); 14] = [
    (
        "mautic.company_post_save",
        "Company Create/Update Event",
        "Triggered when a company is created/updated",
    ),
    (
        "mautic.company_post_delete",
        "Company Deleted Event",
        "Triggered when a company is deleted",
    ),
    (
        "mautic.lead_channel_subscription_changed",
        "Contact Channel Subscription Change Event",
        "Triggered when a contact's channel subscription status changes.",
    ),
    (
        "mautic.lead_company_change",
        "Contact Company Subscription Change Event",
        "Triggered when a commpany is added or removed to/from contact",
    ),
    (
        "mautic.lead_post_delete",
        "Contact Deleted Event",
        "Triggered when a contact is deleted.",
    ),
    (
        "mautic.lead_post_save_new",
        "Contact Identified Event",
        "Triggered when a contact is identified.",
    ),
    (
        "mautic.lead_points_change",
        "Contact Points Changed Event",
        "Triggered when a contact's points are modified.",
    ),
    (
        "mautic.lead_list_change",
        "Contact Segment Membership Change Event",
        "Triggered when a contact segment membership is changed",
    ),
    (
        "mautic.lead_post_save_update",
        "Contact Updated Event",
        "Triggered when a contact is updated.",
    ),
    (
        "mautic.email_on_open",
        "Email Open Event",
        "mautic.email.webhook.event.open_desc",
    ),
    (
        "mautic.email_on_send",
        "Email Send Event",
        "mautic.email.webhook.event.send_desc",
    ),
    (
        "mautic.form_on_submit",
        "Form Submit Event",
        "mautic.form.webhook.event.form.submit_desc",
    ),
    (
        "mautic.page_on_hit",
        "Page Hit Event",
        "mautic.page.webhook.event.hit_desc",
    ),
    (
        "mautic.sms_on_send",
        "Text Send Event",
        "mautic.sms.webhook.event.send_desc",
    ),
];

#[derive(Clone, Debug)]
pub struct Hook {
    pub id: HookId,
    pub name: String,
    pub description: Option<String>,
    pub url: String,
    pub secret: String,
    pub order: String,
    pub triggers: Vec<Trigger>,
    pub is_published: bool,
    pub added: Stamp,
    pub modified: Option<Stamp>,
    /// Shown as the modifier from the second save on, which happens within the creation.
    pub touched_by: Option<AuthorId>,
    pub failures: u32,
}

/// What happened, with the record as it was then.
#[derive(Clone, Debug)]
pub enum Payload {
    Contact(Box<Contact>),
    ContactDeleted(ContactId, Box<Contact>),
    Points {
        contact: Box<Contact>,
        old: i64,
        new: i64,
    },
    Channel {
        contact: Box<Contact>,
        channel: String,
        old: &'static str,
        new: &'static str,
    },
    CompanyLink {
        contact: Box<Contact>,
        company: CompanyId,
        is_added: bool,
    },
    Segment {
        contact: Box<Contact>,
        segment: SegmentId,
        is_added: bool,
    },
    Company(Box<Company>),
    CompanyDeleted(CompanyId, Box<Company>),
    Hit(Box<Contact>, u32),
    Submission(Box<Contact>, u32),
    Mail(Box<Contact>, u32),
}

/// One call to be posted to one hook. In immediate mode each event is its own call, tried once.
#[derive(Clone, Debug)]
pub struct Notice {
    pub hook: HookId,
    pub trigger: Trigger,
    pub at: Timestamp,
    pub payload: Payload,
}

/// Notices kept when nobody posts them; the oldest go first, as a lost call would.
const NOTICES_MAX: usize = 10_000;
/// Failed calls after which a hook unpublishes itself.
const FAILURES_MAX: u32 = 100;
/// An endpoint answering this wants no more calls.
const GONE: u16 = 410;

#[derive(Clone, Debug, Default)]
pub struct Hooks {
    hooks: BTreeMap<HookId, Hook>,
    notices: VecDeque<Notice>,
    last_id: u32,
}

impl Hooks {
    pub fn add(&mut self, make: impl FnOnce(HookId) -> Hook) -> HookId {
        self.last_id += 1;
        let id = HookId(self.last_id);
        self.hooks.insert(id, make(id));
        id
    }

    pub fn by_id(&self, id: HookId) -> Option<&Hook> {
        self.hooks.get(&id)
    }

    pub fn by_id_mut(&mut self, id: HookId) -> Option<&mut Hook> {
        self.hooks.get_mut(&id)
    }

    pub fn all(&self) -> impl Iterator<Item = &Hook> {
        self.hooks.values()
    }

    pub fn remove(&mut self, id: HookId) -> Option<Hook> {
        self.hooks.remove(&id)
    }

    /// Published hooks that want the trigger.
    pub fn wanting(&self, trigger: Trigger) -> Vec<HookId> {
        let wants = |hook: &&Hook| hook.is_published && hook.triggers.contains(&trigger);
        self.hooks
            .values()
            .filter(wants)
            .map(|hook| hook.id)
            .collect()
    }

    pub fn queue(&mut self, notice: Notice) {
        if self.notices.len() == NOTICES_MAX {
            self.notices.pop_front();
        }
        self.notices.push_back(notice);
    }

    pub fn next_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    pub fn waiting(&self) -> usize {
        self.notices.len()
    }

    /// What came of a posted notice: `None` when no answer came. There is no second try.
    pub fn note_outcome(&mut self, id: HookId, status: Option<u16>) {
        let Some(hook) = self.hooks.get_mut(&id) else {
            return;
        };
        match status {
            Some(200..=299) => hook.failures = 0,
            Some(GONE) => hook.is_published = false,
            _ => {
                hook.failures += 1;
                hook.is_published &= hook.failures < FAILURES_MAX;
            }
        }
    }
}
