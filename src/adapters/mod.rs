//! The real outside: Salesforce, Automation and the clock, over HTTP and the machine's own time.
//!
//! An adapter carries a request over and maps each failure to a kind. It retries nothing except a
//! request that an expired session refused, once: backoff belongs to the engine, so that no failure
//! is retried at two layers.

mod batches;
mod clock;
mod failures;
mod http;
mod oauth;
mod values;

pub mod automation;
pub mod salesforce;

#[cfg(test)]
mod testing;

pub use clock::SystemClock;
pub use http::Limits;
pub use http::is_loopback;
pub use oauth::{Attempt, Denial, Held, LoggedIn, PendingAuthorization, Secret};
