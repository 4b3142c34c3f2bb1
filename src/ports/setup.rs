//! The set-up of both systems: looking at it, and adding what is missing.

use std::sync::Arc;

use super::Call;
use crate::domain::evidence::{AutomationEvidence, SalesforceEvidence};
use crate::domain::mapping::Policy;
use crate::domain::remedy::{Mended, Preview, Remedy};

pub trait SalesforceSetup: Send + Sync {
    /// Reads what the set-up guide asks for. Fails only if the organisation does not describe
    /// itself; what else cannot be read is said in its place.
    fn examine(&self, policy: Arc<Policy>) -> Call<'_, SalesforceEvidence>;

    /// What [`mend`](Self::mend) would send, tried without changing anything where the platform
    /// offers that.
    fn preview(&self, policy: Arc<Policy>, remedy: Remedy) -> Call<'_, Preview>;

    /// Makes what is missing and nothing else; repeated, it finds nothing to do. A refusal of the
    /// platform is a failure with its own words.
    fn mend(&self, policy: Arc<Policy>, remedy: Remedy) -> Call<'_, Mended>;
}

/// As [`SalesforceSetup`]. There is no trial run.
pub trait AutomationSetup: Send + Sync {
    fn examine(&self, policy: Arc<Policy>) -> Call<'_, AutomationEvidence>;

    fn preview(&self, policy: Arc<Policy>, remedy: Remedy) -> Call<'_, Preview>;

    fn mend(&self, policy: Arc<Policy>, remedy: Remedy) -> Call<'_, Mended>;
}
