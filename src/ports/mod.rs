//! What the outside must offer: one trait for each outside system, one method for each intention.
//!
//! Futures are boxed so that the traits stay object-safe: the network costs milliseconds, the box
//! nanoseconds, and generics would spread through every room. A port maps each failure to a
//! [`FailureKind`](crate::domain::failure::FailureKind) and decides nothing else.

mod automation;
mod clock;
mod error;
mod hooks;
mod salesforce;
mod setup;
mod store;

pub use automation::Automation;
pub use clock::Clock;
pub use error::PortError;
pub use hooks::{Hook, HookChange, HookDraft, HookId, Hooks};
pub use salesforce::Salesforce;
pub use setup::{AutomationSetup, SalesforceSetup};
pub use store::{Store, StoreError, Vault};

use futures_util::future::BoxFuture;

use crate::domain::request::Spent;

/// An answer and what it cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered<T> {
    pub value: T,
    pub spent: Spent,
}

/// What a method of a port returns.
pub type Call<'a, T> = BoxFuture<'a, Result<Answered<T>, PortError>>;

impl<T> Answered<T> {
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answered<U> {
        Answered {
            value: change(self.value),
            spent: self.spent,
        }
    }
}
