//! Automation's webhooks: which addresses it calls, and when.

use std::collections::BTreeSet;

use secrecy::SecretString;

use super::Call;
use crate::domain::remedy::Step;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HookId(pub u64);

/// A webhook as Automation has it.
#[derive(Debug, Clone)]
pub struct Hook {
    pub id: HookId,
    pub name: String,
    /// Where it is posted to.
    pub url: String,
    /// What signs its calls; Automation tells it to whoever may see webhooks.
    pub secret: SecretString,
    /// Types of events that it is called for.
    pub triggers: BTreeSet<String>,
    /// Automation itself unpublishes a webhook after about a hundred calls that failed.
    pub is_published: bool,
}

/// A webhook as it should be. Published.
#[derive(Debug, Clone)]
pub struct HookDraft {
    pub name: String,
    pub url: String,
    pub secret: SecretString,
    pub triggers: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub enum HookChange {
    Create(HookDraft),
    /// Only what the draft says; a description or a category stays.
    Edit(HookId, HookDraft),
    Remove(HookId),
}

pub trait Hooks: Send + Sync {
    /// All of them, of others too.
    fn hooks(&self) -> Call<'_, Vec<Hook>>;

    /// What [`change`](Self::change) would send, without the secret.
    fn shown(&self, change: &HookChange) -> Step;

    fn change(&self, change: HookChange) -> Call<'_, ()>;
}
