//! Counts of API calls by kind, for tests that hold a client to its budget.

use std::collections::BTreeMap;

/// What a call asks for. A batch is one call, whatever its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Token,
    ContactList,
    ContactRead,
    ContactCreate,
    ContactEdit,
    ContactDelete,
    ContactBatchCreate,
    ContactBatchEdit,
    ContactBatchDelete,
    ContactRelated,
    DoNotContact,
    Activity,
    Stats,
    FieldRead,
    FieldWrite,
    CompanyRead,
    CompanyWrite,
    CompanyLink,
    UserRead,
    Segment,
    Webhook,
    Other,
}

impl Call {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::ContactList => "contact list",
            Self::ContactRead => "contact read",
            Self::ContactCreate => "contact create",
            Self::ContactEdit => "contact edit",
            Self::ContactDelete => "contact delete",
            Self::ContactBatchCreate => "contact batch create",
            Self::ContactBatchEdit => "contact batch edit",
            Self::ContactBatchDelete => "contact batch delete",
            Self::ContactRelated => "contact related",
            Self::DoNotContact => "do not contact",
            Self::Activity => "activity",
            Self::Stats => "stats",
            Self::FieldRead => "field read",
            Self::FieldWrite => "field write",
            Self::CompanyRead => "company read",
            Self::CompanyWrite => "company write",
            Self::CompanyLink => "company link",
            Self::UserRead => "user read",
            Self::Segment => "segment",
            Self::Webhook => "webhook",
            Self::Other => "other",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls(BTreeMap<Call, u64>);

impl Calls {
    pub fn note(&mut self, call: Call) {
        *self.0.entry(call).or_default() += 1;
    }

    pub fn of(&self, call: Call) -> u64 {
        self.0.get(&call).copied().unwrap_or_default()
    }

    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    pub fn by_kind(&self) -> impl Iterator<Item = (Call, u64)> {
        self.0.iter().map(|(call, count)| (*call, *count))
    }
}
