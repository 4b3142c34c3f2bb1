//! The set-up of an organisation: what it shows of it, and what can be added from here.

mod deploy;
mod examine;
mod grants;
mod mend;
mod package;
mod zip;

use std::sync::Arc;

use super::super::failures::answer;
use super::{SalesforceClient, prefixed};
use crate::domain::evidence::SalesforceEvidence;
use crate::domain::mapping::Policy;
use crate::domain::remedy::{Mended, Preview, Remedy};
use crate::domain::request::Spent;
use crate::ports::{Call, SalesforceSetup};

impl SalesforceSetup for SalesforceClient {
    fn examine(&self, policy: Arc<Policy>) -> Call<'_, SalesforceEvidence> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = examine::examine(self, &mut spent, &policy).await;
            answer("looking at the set-up of Salesforce", spent, result)
        })
    }

    fn preview(&self, policy: Arc<Policy>, remedy: Remedy) -> Call<'_, Preview> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = mend::preview(self, &mut spent, &policy, &remedy).await;
            answer("trying a change of Salesforce's set-up", spent, result)
        })
    }

    fn mend(&self, policy: Arc<Policy>, remedy: Remedy) -> Call<'_, Mended> {
        Box::pin(async move {
            let mut spent = Spent::default();
            let result = mend::mend(self, &mut spent, &policy, &remedy).await;
            // Fields may have come; the next activities look again.
            self.timelines().clear();
            answer("changing the set-up of Salesforce", spent, result)
        })
    }
}
