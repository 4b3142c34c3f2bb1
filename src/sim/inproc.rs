//! A brain behind a port, in process: what both systems' second skins share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::request::{Answer, Spent};
use crate::ports::{Answered, PortError};
use crate::sim::http::pause;

/// A brain shared by whoever works against it and whoever acts in it.
pub(in crate::sim) struct Desk<B> {
    brain: Arc<Mutex<B>>,
    latency: Duration,
}

impl<B> Clone for Desk<B> {
    fn clone(&self) -> Self {
        Self {
            brain: Arc::clone(&self.brain),
            latency: self.latency,
        }
    }
}

impl<B> Desk<B> {
    pub(in crate::sim) const fn new(brain: Arc<Mutex<B>>) -> Self {
        Self {
            brain,
            latency: Duration::ZERO,
        }
    }

    pub(in crate::sim) const fn set_latency(&mut self, latency: Duration) {
        self.latency = latency;
    }

    /// Puts a request to the brain and picks the answer apart.
    pub(in crate::sim) async fn ask<T>(
        &self,
        operation: &'static str,
        request: impl FnOnce(&mut B) -> Result<(Answer, Spent), (Failure, Spent)>,
        pick: fn(Answer) -> Option<T>,
    ) -> Result<Answered<T>, PortError> {
        pause(self.latency).await;
        // Every operation of the brain is whole, so what a panicking holder left is sound.
        let mut brain = self.brain.lock().unwrap_or_else(PoisonError::into_inner);
        let answered = request(&mut brain);
        drop(brain);
        let failed = |failure: Failure, spent: Spent| PortError {
            operation,
            failure,
            spent,
            source: None,
        };
        let (answer, spent) = answered.map_err(|(failure, spent)| failed(failure, spent))?;
        let value = pick(answer).ok_or_else(|| {
            let message = "the answer is of another kind";
            failed(Failure::new(FailureKind::Broken, "answer", message), spent)
        })?;
        Ok(Answered { value, spent })
    }
}
