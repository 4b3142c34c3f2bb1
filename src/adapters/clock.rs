//! The machine's clock: the only place that reads it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;

use crate::domain::time::{Span, Timestamp};
use crate::ports::Clock;

/// The wall clock for what is stored, the runtime's monotonic timer for waits.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where time enters")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        // A clock before 1970 is a broken clock; zero makes every token and window look old.
        Timestamp(since_epoch.map_or(0, |span| {
            i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
        }))
    }

    #[expect(clippy::disallowed_methods, reason = "this is where waiting happens")]
    fn sleep(&self, span: Span) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(
            u64::try_from(span.0).unwrap_or(0),
        )))
    }
}
