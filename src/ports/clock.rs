//! Time, for everybody who must not ask the machine.

use futures_util::future::BoxFuture;

use crate::domain::time::{Span, Timestamp};

pub trait Clock: Send + Sync {
    /// The wall clock. For what is stored and shown; waits go by [`sleep`](Self::sleep).
    fn now(&self) -> Timestamp;

    /// Ends after so long, whatever happens to the wall clock.
    fn sleep(&self, span: Span) -> BoxFuture<'static, ()>;
}
