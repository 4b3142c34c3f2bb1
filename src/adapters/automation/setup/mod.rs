//! The set-up of an instance: what it shows of it, and what can be added from here.

mod examine;
mod mend;

use std::sync::Arc;

use super::super::failures::answer;
use super::AutomationClient;
use crate::domain::evidence::AutomationEvidence;
use crate::domain::mapping::Policy;
use crate::domain::remedy::{Mended, Preview, Remedy};
use crate::domain::request::Spent;
use crate::ports::{AutomationSetup, Call};

impl AutomationSetup for AutomationClient {
    fn examine(&self, _: Arc<Policy>) -> Call<'_, AutomationEvidence> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = examine::examine(&self.api, &*self.clock, &mut spent).await;
            answer("looking at the set-up of Automation", spent, result)
        })
    }

    fn preview(&self, _: Arc<Policy>, remedy: Remedy) -> Call<'_, Preview> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = mend::preview(&self.api, &mut spent, &remedy).await;
            answer("preparing a change of Automation's set-up", spent, result)
        })
    }

    fn mend(&self, _: Arc<Policy>, remedy: Remedy) -> Call<'_, Mended> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = mend::mend(&self.api, &mut spent, &remedy).await;
            answer("changing the set-up of Automation", spent, result)
        })
    }
}
