//! The webhook by which Automation tells us who did something: as it is registered there, and what is
//! wrong with that.

use serde::{Deserialize, Serialize};

/// What was found of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Where calls are to come to.
    pub address: String,
    /// Those that are posted there; if there are none, the one that bears our name.
    pub ours: Vec<Registration>,
}

/// One webhook of Automation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    pub id: u64,
    /// Another address than ours, to which it is posted.
    pub elsewhere: Option<String>,
    pub is_published: bool,
    /// Whether its calls are signed with our secret.
    pub is_signed: bool,
    /// Types of events that it should be called for, and is not.
    pub lacking: Vec<String>,
}

/// Why webhooks do not arrive, or not all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    Missing,
    /// It bears our name and is posted to another address.
    Elsewhere(u64, String),
    /// By somebody, or by Automation itself after a hundred calls that failed.
    Unpublished(u64),
    /// Calls come with a signature that is refused.
    OtherSecret(u64),
    /// Types of events that it is not called for.
    NotCalledFor(u64, Vec<String>),
    /// Each event is posted so many times.
    Several(Vec<u64>),
}

impl Registered {
    /// What keeps all calls away stands before what keeps some away.
    pub fn flaws(&self) -> Vec<Flaw> {
        let Some(first) = self.ours.first() else {
            return vec![Flaw::Missing];
        };
        let mut flaws = Vec::new();
        if let Some(address) = &first.elsewhere {
            flaws.push(Flaw::Elsewhere(first.id, address.clone()));
        }
        if !first.is_published {
            flaws.push(Flaw::Unpublished(first.id));
        }
        if !first.is_signed {
            flaws.push(Flaw::OtherSecret(first.id));
        }
        if !first.lacking.is_empty() {
            flaws.push(Flaw::NotCalledFor(first.id, first.lacking.clone()));
        }
        if self.ours.len() > 1 {
            let ids = self.ours.iter().map(|hook| hook.id);
            flaws.push(Flaw::Several(ids.collect()));
        }
        flaws
    }
}
