//! Automation's webhooks and what this instance would have of them: looked at and put right the same way
//! by the command `webhook`, the doctor and the receiver.

use std::sync::Arc;

use super::registered::{Found, Wanted, ordered};
use super::secret::{HookSecret, Whereabouts};
use crate::adapters::automation::hook::HookKey;
use crate::app::config::{Instance, Webhook};
use crate::app::error::AppError;
use crate::domain::ids::Side;
use crate::domain::remedy::{Mended, Preview};
use crate::ports::{Call, HookChange, Hooks, Vault};

/// Of an instance that receives webhooks.
pub(in crate::app) struct Registrar {
    pub(super) webhook: Webhook,
    instance: Instance,
    hooks: Arc<dyn Hooks>,
    secret: HookSecret,
}

impl Registrar {
    /// `None` for an instance that receives none.
    pub(in crate::app) fn of(
        instance: &Instance,
        hooks: Arc<dyn Hooks>,
        vault: Arc<dyn Vault>,
    ) -> Option<Arc<Self>> {
        let webhook = instance.webhook.clone()?;
        Some(Arc::new(Self {
            secret: HookSecret::new(webhook.secret.clone(), vault),
            webhook,
            instance: instance.clone(),
            hooks,
        }))
    }

    pub(in crate::app) async fn look(&self) -> Result<Found, AppError> {
        let secret = self.secret.known().await?;
        let wanted = Wanted::of(&self.instance, &self.webhook, secret)?;
        Ok(wanted.among(asked(self.hooks.hooks()).await?))
    }

    /// One after the other. A secret that is sent is kept first.
    pub(in crate::app) async fn carry_out(&self, changes: Vec<HookChange>) -> Result<(), AppError> {
        for change in changes {
            if let HookChange::Create(draft) | HookChange::Edit(_, draft) = &change {
                self.secret.keep(&draft.secret).await?;
            }
            asked(self.hooks.change(change)).await?;
        }
        Ok(())
    }

    /// What the remedy of the doctor would send.
    pub(in crate::app) async fn preview(&self) -> Result<Preview, AppError> {
        let changes = self.look().await?.to_register()?;
        Ok(Preview {
            steps: changes
                .iter()
                .map(|change| self.hooks.shown(change))
                .collect(),
            ..Preview::default()
        })
    }

    pub(in crate::app) async fn mend(&self) -> Result<Mended, AppError> {
        let changes = self.look().await?.to_register()?;
        let made = changes.iter().map(ordered).collect();
        self.carry_out(changes).await?;
        Ok(Mended {
            made,
            ..Mended::default()
        })
    }

    /// Where the secret is.
    pub(in crate::app) async fn whereabouts(&self) -> Result<Whereabouts, AppError> {
        self.secret.whereabouts().await
    }

    /// A secret of our own goes with the webhook that it signed for.
    pub(in crate::app) async fn forget(&self) -> Result<(), AppError> {
        self.secret.forget().await
    }

    /// What a call must be signed with, as it stands now.
    pub(super) fn key(&self) -> Option<Arc<HookKey>> {
        self.secret.key()
    }
}

async fn asked<T>(call: Call<'_, T>) -> Result<T, AppError> {
    let answered = call.await.map_err(|error| AppError::Connect {
        side: Side::Automation,
        error: Box::new(error),
    })?;
    Ok(answered.value)
}
