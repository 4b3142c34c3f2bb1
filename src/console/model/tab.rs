//! The nine screens, in the order of their tabs.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::console) enum Tab {
    Overview,
    Queues,
    Conflicts,
    Contacts,
    Flags,
    Activities,
    Plugin,
    Doctor,
    Audit,
}

impl Tab {
    pub(in crate::console) const ALL: [Self; 9] = [
        Self::Overview,
        Self::Queues,
        Self::Conflicts,
        Self::Contacts,
        Self::Flags,
        Self::Activities,
        Self::Plugin,
        Self::Doctor,
        Self::Audit,
    ];

    /// The key that leads there, by default.
    pub(in crate::console) const fn digit(self) -> u8 {
        match self {
            Self::Overview => 1,
            Self::Queues => 2,
            Self::Conflicts => 3,
            Self::Contacts => 4,
            Self::Flags => 5,
            Self::Activities => 6,
            Self::Plugin => 7,
            Self::Doctor => 8,
            Self::Audit => 9,
        }
    }

    /// The message that names it.
    pub(in crate::console) const fn title(self) -> &'static str {
        match self {
            Self::Overview => "tab-overview",
            Self::Queues => "tab-queues",
            Self::Conflicts => "tab-conflicts",
            Self::Contacts => "tab-contacts",
            Self::Flags => "tab-flags",
            Self::Activities => "tab-activities",
            Self::Plugin => "tab-plugin",
            Self::Doctor => "tab-doctor",
            Self::Audit => "tab-audit",
        }
    }

    /// The same where there is little room.
    pub(in crate::console) const fn short_title(self) -> &'static str {
        match self {
            Self::Overview => "tab-short-overview",
            Self::Queues => "tab-short-queues",
            Self::Conflicts => "tab-short-conflicts",
            Self::Contacts => "tab-short-contacts",
            Self::Flags => "tab-short-flags",
            Self::Activities => "tab-short-activities",
            Self::Plugin => "tab-short-plugin",
            Self::Doctor => "tab-short-doctor",
            Self::Audit => "tab-short-audit",
        }
    }
}
