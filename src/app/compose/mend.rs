//! The two systems for whoever mends a set-up that does not work yet. One that answers is enough for what
//! is to be mended in it.

use std::sync::Arc;

use super::{Clients, Opened, ask, asked_about, binding, clients, seal_anew, wrong_box};
use crate::app::error::AppError;
use crate::app::examiner::Examiner;
use crate::domain::drift::Descriptions;
use crate::domain::ids::Side;
use crate::domain::mapping::Policy;
use crate::domain::record::Binding;
use crate::ports::Store as _;

/// An instance of which at least one system has answered.
pub struct Mendable {
    pub opened: Opened,
    pub examiner: Arc<Examiner>,
    pub policy: Arc<Policy>,
    /// The two systems, if both said which they are.
    binding: Option<Binding>,
}

impl Mendable {
    /// Where the store has no rules, those that the instance file asks for are taken to be possible, and
    /// not kept. An error, if neither system answers, or one of them is another one than the store's.
    pub async fn of(opened: Opened) -> Result<Self, AppError> {
        if let Some(served) = opened.served.clone() {
            let in_force = served.house.handle.setups.borrow().clone();
            return Ok(Self {
                opened,
                examiner: Arc::clone(&served.house.connected.examiner),
                policy: Arc::clone(&in_force.policy),
                binding: None,
            });
        }
        seal_anew(&opened).await;
        let Clients { outside, setup, .. } = clients(&opened)?;
        let about = asked_about(&opened);
        let salesforce = ask(Side::Salesforce, &*opened.clock, || {
            outside.salesforce.describe(Arc::clone(&about))
        });
        let salesforce = salesforce.await;
        let automation = ask(Side::Automation, &*opened.clock, || {
            outside.automation.describe(Arc::clone(&about))
        });
        let automation = automation.await;
        let mut known = opened.recovered.binding.clone();
        if let Ok(salesforce) = &salesforce {
            let (name, is_sandbox) = (&salesforce.organisation_name, salesforce.is_sandbox);
            if let Some(denial) = wrong_box(&opened.instance, name, is_sandbox) {
                return Err(AppError::NotLetIn(denial));
            }
        }
        if let Some(binding) = &mut known {
            if let Ok(salesforce) = &salesforce {
                binding.organisation.clone_from(&salesforce.organisation);
                binding.is_sandbox = salesforce.is_sandbox;
            }
            if let Ok(automation) = &automation {
                binding.automation.clone_from(&automation.instance);
            }
            // Refused, if one that answered is another one.
            opened.store.bind(binding.clone()).await?;
        }
        let described = match (salesforce, automation) {
            (Ok(salesforce), Ok(automation)) => Some(Descriptions {
                at: opened.clock.now(),
                salesforce,
                automation,
            }),
            (Err(why), Err(_)) => return Err(why),
            _ => None,
        };
        let policy = match &opened.recovered.policy {
            Some(known) => known.policy.clone(),
            None => opened.assumed(described.as_ref()),
        };
        Ok(Self {
            opened,
            examiner: Examiner::new(setup),
            policy: Arc::new(policy),
            binding: described.as_ref().map(binding),
        })
    }

    /// From the first act that is recorded in it the store belongs to these two systems, if both are known.
    pub async fn bind(&self) -> Result<(), AppError> {
        if let Some(binding) = &self.binding {
            self.opened.store.bind(binding.clone()).await?;
        }
        Ok(())
    }
}
