//! A wrong set-up of the practice company: each fault by itself or all that go together, each put
//! in and taken out as an administrator of the system concerned would.
//!
//! The right set-up is what a fresh world has. A fault changes nothing but what it is about, so
//! that a check that looks for it can be tried alone.

mod automation;
mod salesforce;

use crate::sim::automation::Automation;
use crate::sim::clock::Timestamp;
use crate::sim::salesforce::Salesforce;

/// One thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// `HasOptedOutOfEmail` of contacts is hidden by field-level security.
    OptOutHidden,
    /// Changes of `HasOptedOutOfEmail` of contacts leave no history.
    HistoryUntracked,
    /// There is no `mautic_timeline__c`.
    TimelineMissing,
    /// Of its seven fields `MauticLead__c` and `Mautic_url__c` are missing.
    TimelineFieldsMissing,
    /// `Description__c` is a text of 255 characters instead of a long one.
    TimelineFieldWrong,
    /// `ReferenceId__c` is neither unique nor an external id.
    ReferenceNotUnique,
    /// The integration may read timeline rows and not create them.
    TimelineNotCreateable,
    /// Automation's address is no remote site.
    RemoteSiteMissing,
    /// Automation's address is a trusted site that is not active.
    TrustedSiteInactive,
    /// A validation rule refuses leads without a phone number.
    ValidationRuleRefuses,
    /// A duplicate rule blocks leads whose address a contact has.
    DuplicateRuleBlocks,
    /// Two leads belong to a queue, which Automation has no counterpart for.
    QueueOwnsLeads,
    /// A user of Salesforce who owns two leads is unknown in Automation.
    OwnerUnknown,
    /// Automation's `crm_deleted` is not published.
    DeletedFieldUnpublished,
    /// Automation's `crm_deleted` is a text.
    DeletedFieldNotBoolean,
    /// Automation's `lead_company` takes 20 characters, `Company` holds 255.
    FieldTooShort,
    /// `Interests__c` lists a value that Automation's `interests` does not.
    ChoiceMissing,
    /// The role of the sync's credential may neither see users nor touch webhooks.
    RoleLacksRights,
    /// The role of the sync's credential may not see fields either.
    FieldsClosed,
    /// The timeline is on no layout of leads.
    RelatedListMissing,
    /// The old connector still runs by its schedule.
    OldPluginRuns,
    /// The organisation is a sandbox, and the instance file means production.
    IsSandbox,
    /// Salesforce's clock is three minutes ahead.
    ClockOff,
    /// The webhook to us is not published. This and the next two change nothing where there is none.
    WebhookUnpublished,
    /// The webhook to us is posted to an address that we had before.
    WebhookElsewhere,
    /// The webhook to us is not called when a form is submitted or a contact deleted.
    WebhookLacksEvents,
}

impl Fault {
    pub const ALL: [Self; 26] = [
        Self::OptOutHidden,
        Self::HistoryUntracked,
        Self::TimelineMissing,
        Self::TimelineFieldsMissing,
        Self::TimelineFieldWrong,
        Self::ReferenceNotUnique,
        Self::TimelineNotCreateable,
        Self::RemoteSiteMissing,
        Self::TrustedSiteInactive,
        Self::ValidationRuleRefuses,
        Self::DuplicateRuleBlocks,
        Self::QueueOwnsLeads,
        Self::OwnerUnknown,
        Self::DeletedFieldUnpublished,
        Self::DeletedFieldNotBoolean,
        Self::FieldTooShort,
        Self::ChoiceMissing,
        Self::RoleLacksRights,
        Self::FieldsClosed,
        Self::RelatedListMissing,
        Self::OldPluginRuns,
        Self::IsSandbox,
        Self::ClockOff,
        Self::WebhookUnpublished,
        Self::WebhookElsewhere,
        Self::WebhookLacksEvents,
    ];

    /// For command lines and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OptOutHidden => "opt-out-hidden",
            Self::HistoryUntracked => "history-untracked",
            Self::TimelineMissing => "timeline-missing",
            Self::TimelineFieldsMissing => "timeline-fields-missing",
            Self::TimelineFieldWrong => "timeline-field-wrong",
            Self::ReferenceNotUnique => "reference-not-unique",
            Self::TimelineNotCreateable => "timeline-not-createable",
            Self::RemoteSiteMissing => "remote-site-missing",
            Self::TrustedSiteInactive => "trusted-site-inactive",
            Self::ValidationRuleRefuses => "validation-rule-refuses",
            Self::DuplicateRuleBlocks => "duplicate-rule-blocks",
            Self::QueueOwnsLeads => "queue-owns-leads",
            Self::OwnerUnknown => "owner-unknown",
            Self::DeletedFieldUnpublished => "deleted-field-unpublished",
            Self::DeletedFieldNotBoolean => "deleted-field-not-boolean",
            Self::FieldTooShort => "field-too-short",
            Self::ChoiceMissing => "choice-missing",
            Self::RoleLacksRights => "role-lacks-rights",
            Self::FieldsClosed => "fields-closed",
            Self::RelatedListMissing => "related-list-missing",
            Self::OldPluginRuns => "old-plugin-runs",
            Self::IsSandbox => "is-sandbox",
            Self::ClockOff => "clock-off",
            Self::WebhookUnpublished => "webhook-unpublished",
            Self::WebhookElsewhere => "webhook-elsewhere",
            Self::WebhookLacksEvents => "webhook-lacks-events",
        }
    }

    /// False for those that leave nothing for another to be wrong with.
    pub const fn goes_with_others(self) -> bool {
        !matches!(
            self,
            Self::TimelineMissing
                | Self::DeletedFieldNotBoolean
                | Self::FieldsClosed
                | Self::WebhookElsewhere
                | Self::WebhookLacksEvents
        )
    }
}

/// The company with its set-up gone wrong.
pub struct WrongSetup;

impl WrongSetup {
    /// Every fault that goes with the others: twenty, and one more where there is a webhook.
    pub fn all(org: &mut Salesforce, brain: &mut Automation, now: Timestamp) {
        for fault in Fault::ALL.into_iter().filter(|one| one.goes_with_others()) {
            Self::one(fault, org, brain, now);
        }
    }

    /// One fault, in a set-up that is right otherwise. Doing it twice is doing it once.
    pub fn one(fault: Fault, org: &mut Salesforce, brain: &mut Automation, now: Timestamp) {
        salesforce::wrong(fault, org, now);
        automation::wrong(fault, brain, now);
    }

    /// What somebody does who follows the set-up guide: the fault is gone, or was not there.
    pub fn mend(fault: Fault, org: &mut Salesforce, brain: &mut Automation, now: Timestamp) {
        salesforce::mend(fault, org, now);
        automation::mend(fault, org, brain, now);
    }
}

#[cfg(test)]
mod tests;
