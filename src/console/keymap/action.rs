//! Everything an operator can ask for, and the one table about it. The key files, the help, the hints
//! and `passerelle keys` all read this table.

use crate::domain::operator::Role;

/// A closed list: what is not here cannot be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    Help,
    Palette,
    Back,
    BackOrLeave,
    Leave,
    GoOverview,
    GoQueues,
    GoConflicts,
    GoContacts,
    GoFlags,
    GoActivities,
    GoPlugin,
    GoDoctor,
    GoAudit,
    Refresh,
    PauseView,
    Here,
    Copy,
    Sort,
    Invert,
    Columns,
    Undo,
    Down,
    Up,
    First,
    Last,
    PageDown,
    PageUp,
    Open,
    OpenContact,
    Filter,
    Search,
    SyncNow,
    ReleaseBrake,
    PauseQueue,
    Retry,
    RetryCause,
    Discard,
    Backfill,
    Republish,
    StopPlan,
    HoldPlan,
    Regroup,
    Mark,
    MarkAll,
    AllSalesforce,
    AllAutomation,
    AllBase,
    AllKeepBoth,
    AllOptOut,
    AllAgain,
    TakeSalesforce,
    TakeAutomation,
    TakeBase,
    TypeValue,
    KeepBoth,
    OptOut,
    OptIn,
    TryAgain,
    ClearChoice,
    Write,
    ReadAgain,
    ReadShownAgain,
    SetAside,
    SetShownAside,
    TakeBack,
    Unlink,
    Earlier,
    Later,
    TakeShownBack,
    ExportCsv,
    ExportJson,
    IncidentBundle,
    Mend,
    ToggleColumn,
    ToggleBox,
    Change,
    TurnArrow,
    AddPair,
    RemovePair,
    Publish,
    RollBack,
    RedoDraft,
    DiscardDraft,
    SaveDraft,
    CheckAudit,
    Next,
    Previous,
    Press,
    Cancel,
    Accept,
    Authorize,
    CheckAccess,
    LogIn,
    Revoke,
    CopyCallback,
    Papers,
}

/// Where a key counts. The first one that knows a key decides; see [`resolve`](fn@super::resolve).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    Everywhere,
    List,
    Overview,
    Queues,
    Conflicts,
    /// One contact's conflicts.
    Decide,
    Contacts,
    /// One contact.
    Contact,
    Flags,
    /// One deletion or opt-out.
    Flag,
    Activities,
    Plugin,
    /// One rule, setting or version of the plugin.
    Rule,
    Doctor,
    /// One check.
    Check,
    Audit,
    /// One act of the audit.
    Act,
    Dialog,
    /// The columns of a list are chosen.
    Columns,
    /// Who lets us in.
    Access,
    /// Boxes are ticked.
    Boxes,
    /// Text is typed: every key that is not bound here is a letter.
    Text,
}

/// What an action can do to the two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// Changes what is seen, nothing else.
    None,
    /// Leads to a dialog that can write.
    Writes,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub action: Action,
    /// In key files and behind `:`. Its description is the message `do-<name>`.
    pub name: &'static str,
    pub description: &'static str,
    pub contexts: &'static [Context],
    pub danger: Danger,
}

macro_rules! actions {
    ($($action:ident $name:literal [$($context:ident)*] $danger:ident;)*) => {
        pub const ACTIONS: &[Entry] = &[$(Entry {
            action: Action::$action,
            name: $name,
            description: concat!("do-", $name),
            contexts: &[$(Context::$context),*],
            danger: Danger::$danger,
        }),*];
    };
}

actions! {
    Help "help" [Everywhere] None;
    Palette "palette" [Everywhere] None;
    Back "back" [Everywhere] None;
    BackOrLeave "back-or-leave" [Everywhere] None;
    Leave "leave" [Everywhere Dialog Text Columns Boxes Access] None;
    GoOverview "go-overview" [Everywhere] None;
    GoQueues "go-queues" [Everywhere] None;
    GoConflicts "go-conflicts" [Everywhere] None;
    GoContacts "go-contacts" [Everywhere] None;
    GoFlags "go-flags" [Everywhere] None;
    GoActivities "go-activities" [Everywhere] None;
    GoPlugin "go-plugin" [Everywhere] None;
    GoDoctor "go-doctor" [Everywhere] None;
    GoAudit "go-audit" [Everywhere] None;
    Refresh "refresh" [Everywhere] None;
    PauseView "pause-view" [Everywhere] None;
    Here "here" [Everywhere] None;
    Copy "copy" [List Access] None;
    Sort "sort" [Queues Conflicts Contacts Flags Activities Plugin Doctor Audit] None;
    Invert "invert" [Queues Conflicts Contacts Flags Activities Plugin Doctor Audit] None;
    Columns "columns" [Queues Conflicts Contacts Flags Activities Plugin Doctor Audit] None;
    Undo "undo" [Everywhere] Writes;
    Down "down" [List] None;
    Up "up" [List] None;
    First "first" [List] None;
    Last "last" [List] None;
    PageDown "page-down" [List Dialog Text] None;
    PageUp "page-up" [List Dialog Text] None;
    Open "open" [List Access] None;
    Filter "filter" [Queues Conflicts Flags Activities Plugin Doctor Audit] None;
    Search "search" [Contacts Contact] None;
    SyncNow "sync-now" [Overview Queues] Writes;
    ReleaseBrake "release-brake" [Overview] Writes;
    PauseQueue "pause-queue" [Queues Activities] Writes;
    Retry "retry" [Queues Activities] Writes;
    RetryCause "retry-cause" [Queues] Writes;
    Discard "discard" [Queues Activities] Writes;
    Backfill "backfill" [Activities] Writes;
    Republish "republish" [Activities] Writes;
    StopPlan "stop-plan" [Activities] Writes;
    HoldPlan "hold-plan" [Activities] Writes;
    Regroup "regroup" [Activities] None;
    Mark "mark" [Conflicts] None;
    MarkAll "mark-all" [Conflicts] None;
    AllSalesforce "all-salesforce" [Conflicts] Writes;
    AllAutomation "all-automation" [Conflicts] Writes;
    AllBase "all-base" [Conflicts] Writes;
    AllKeepBoth "all-keep-both" [Conflicts] Writes;
    AllOptOut "all-opt-out" [Conflicts] Writes;
    AllAgain "all-again" [Conflicts] Writes;
    TakeSalesforce "take-salesforce" [Decide] None;
    TakeAutomation "take-automation" [Decide] None;
    TakeBase "take-base" [Decide] None;
    TypeValue "type-value" [Decide] None;
    KeepBoth "keep-both" [Decide] None;
    OptOut "opt-out" [Decide] None;
    OptIn "opt-in" [Decide] None;
    TryAgain "try-again" [Decide] None;
    ClearChoice "clear-choice" [Decide] None;
    Write "write" [Decide] Writes;
    ReadAgain "read-again" [Flags Flag Contact] Writes;
    ReadShownAgain "read-shown-again" [Flags] Writes;
    SetAside "set-aside" [Conflicts Decide Flags Flag Contact] Writes;
    OpenContact "open-contact" [Conflicts Decide] None;
    SetShownAside "set-shown-aside" [Flags] Writes;
    TakeBack "take-back" [Flags Flag Contact] Writes;
    Unlink "unlink" [Contact] Writes;
    Earlier "earlier" [Contact] None;
    Later "later" [Contact] None;
    TakeShownBack "take-shown-back" [Flags] Writes;
    ExportCsv "export-csv" [Audit Act] None;
    ExportJson "export-json" [Audit Act] None;
    IncidentBundle "incident-bundle" [Doctor Check Contact] None;
    Mend "mend" [Doctor Check] Writes;
    ToggleColumn "toggle-column" [Columns] None;
    ToggleBox "toggle-box" [Boxes] None;
    Change "change" [Plugin Rule] None;
    TurnArrow "turn-arrow" [Plugin Rule] None;
    AddPair "add-pair" [Plugin] None;
    RemovePair "remove-pair" [Plugin Rule] None;
    Publish "publish" [Plugin Rule] None;
    RollBack "roll-back" [Plugin Rule] None;
    RedoDraft "redo-draft" [Plugin Rule] None;
    DiscardDraft "discard-draft" [Plugin Rule] None;
    SaveDraft "save-draft" [Plugin Rule] Writes;
    CheckAudit "check-audit" [Audit Act] None;
    Next "next" [Dialog Text Columns Boxes Access] None;
    Previous "previous" [Dialog Text Columns Boxes Access] None;
    Press "press" [Dialog] None;
    Cancel "cancel" [Dialog Text Columns Boxes Access] None;
    Accept "accept" [Text Boxes] None;
    Authorize "authorize" [Everywhere] None;
    CheckAccess "check-access" [Access] None;
    LogIn "log-in" [Access] Writes;
    Revoke "revoke" [Access] Writes;
    CopyCallback "copy-callback" [Access] None;
    Papers "papers" [Everywhere] None;
}

impl Action {
    /// The least role that may do it. What is sent in the end is judged again by whoever carries it out.
    pub fn needed(self) -> Role {
        match (self, self.entry().danger) {
            (
                Self::ReleaseBrake
                | Self::OptIn
                | Self::Mend
                | Self::Change
                | Self::TurnArrow
                | Self::AddPair
                | Self::RemovePair
                | Self::Publish
                | Self::RollBack
                | Self::RedoDraft
                | Self::DiscardDraft
                | Self::SaveDraft
                | Self::LogIn
                | Self::Revoke,
                _,
            ) => Role::Admin,
            (
                Self::ExportCsv
                | Self::ExportJson
                | Self::IncidentBundle
                | Self::CheckAccess
                | Self::TakeSalesforce
                | Self::TakeAutomation
                | Self::TakeBase
                | Self::TypeValue
                | Self::KeepBoth
                | Self::OptOut
                | Self::TryAgain,
                _,
            )
            | (_, Danger::Writes) => Role::Operator,
            (_, Danger::None) => Role::Viewer,
        }
    }

    pub fn entry(self) -> &'static Entry {
        ACTIONS
            .iter()
            .find(|entry| entry.action == self)
            .expect("the table has every action; a test holds that")
    }

    pub fn named(name: &str) -> Option<Self> {
        ACTIONS
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| entry.action)
    }
}

impl Context {
    pub const ALL: [Self; 22] = [
        Self::Everywhere,
        Self::List,
        Self::Overview,
        Self::Queues,
        Self::Conflicts,
        Self::Decide,
        Self::Contacts,
        Self::Contact,
        Self::Flags,
        Self::Flag,
        Self::Activities,
        Self::Plugin,
        Self::Rule,
        Self::Doctor,
        Self::Check,
        Self::Audit,
        Self::Act,
        Self::Dialog,
        Self::Columns,
        Self::Access,
        Self::Boxes,
        Self::Text,
    ];

    /// Whether it is of one screen, and so counts together with those of all screens.
    pub const fn is_of_a_screen(self) -> bool {
        !matches!(
            self,
            Self::Everywhere
                | Self::List
                | Self::Dialog
                | Self::Columns
                | Self::Access
                | Self::Boxes
                | Self::Text
        )
    }

    /// The section of a key file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::List => "list",
            Self::Overview => "overview",
            Self::Queues => "queues",
            Self::Conflicts => "conflicts",
            Self::Decide => "decide",
            Self::Contacts => "contacts",
            Self::Contact => "contact",
            Self::Flags => "flags",
            Self::Flag => "flag",
            Self::Activities => "activities",
            Self::Plugin => "plugin",
            Self::Rule => "rule",
            Self::Doctor => "doctor",
            Self::Check => "check",
            Self::Audit => "audit",
            Self::Act => "act",
            Self::Dialog => "dialog",
            Self::Columns => "columns",
            Self::Access => "access",
            Self::Boxes => "boxes",
            Self::Text => "text",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|context| context.name() == name)
    }
}
