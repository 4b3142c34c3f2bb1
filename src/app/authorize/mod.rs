//! Letting passerelle into the two systems, and out again: the steps and what can come of each, without a
//! terminal. Whatever is new is sealed before it is used, and replaces what works once it is proven. What
//! is done is on record before, and goes to its end whoever is gone meanwhile.

mod browser;
mod callback;
mod denied;
mod logins;
mod record;
mod seen;
mod trial;

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::adapters::automation::{self, AutomationClient};
use crate::adapters::salesforce::{self, SalesforceClient};
use crate::adapters::{Attempt, Denial, Held, PendingAuthorization};
use crate::app::compose::{self, Opened};
use crate::app::config::{AutomationFlow, Instance, SalesforceFlow};
use crate::app::error::AppError;
use crate::domain::access::{AccessAct, Entrant};
use crate::domain::ids::Side;
use crate::ports::Vault;

pub(super) use browser::{Came, Waiting, may_try_again};
pub(super) use callback::Callback;
pub(super) use denied::denied;
pub(super) use logins::Logins;
use logins::Turn;
pub(super) use record::By;
pub(super) use seen::{access, check_served};
use trial::Trial;

const PATH: &str = "OauthRedirect";

/// A secret that the instance file does not mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As the system that gave it calls it.
    pub(super) what: &'static str,
    /// There are applications without one.
    pub(super) is_optional: bool,
}

/// One side's attempt.
pub(super) struct Login {
    opened: Opened,
    side: Side,
    trial: Arc<Trial>,
    _turn: Turn,
}

/// What `revoke` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Revoked {
    /// At the system itself: `None` where it has no such request, or nothing was kept; `false` if it
    /// did not know the login any more.
    pub(super) there: Option<bool>,
    /// Tokens and secrets that were kept here.
    pub(super) forgotten: usize,
}

/// The address that the application must list.
pub(super) fn redirect(port: u16) -> Result<Url, AppError> {
    let text = format!("http://localhost:{port}/{PATH}");
    let url = text.parse();
    url.map_err(|_| AppError::Usage(format!("{text} is no address")))
}

/// Whether somebody has to log in at a browser.
pub(super) const fn needs_person(instance: &Instance, side: Side) -> bool {
    match side {
        Side::Salesforce => matches!(
            instance.salesforce.flow,
            SalesforceFlow::AuthorizationCode { .. }
        ),
        Side::Automation => matches!(
            instance.automation.flow,
            AutomationFlow::AuthorizationCode { .. }
        ),
    }
}

/// The secret that has to be asked for, if the flow takes one and the file says nothing of it.
pub(super) const fn wanted(instance: &Instance, side: Side) -> Option<Wanted> {
    let (what, is_optional) = match side {
        Side::Salesforce => match &instance.salesforce.flow {
            SalesforceFlow::AuthorizationCode {
                client_secret: None,
            } => ("consumer secret", true),
            SalesforceFlow::ClientCredentials {
                client_secret: None,
            } => ("consumer secret", false),
            _ => return None,
        },
        Side::Automation => match &instance.automation.flow {
            AutomationFlow::AuthorizationCode {
                client_secret: None,
                ..
            }
            | AutomationFlow::ClientCredentials {
                client_secret: None,
                ..
            } => ("secret key", false),
            AutomationFlow::Basic { password: None, .. } => ("password", false),
            _ => return None,
        },
    };
    Some(Wanted { what, is_optional })
}

/// Whether anything of how a side lets us in is kept here, so that it can be ended from here. What the
/// instance file gives is not.
pub(super) const fn is_kept_here(instance: &Instance, side: Side) -> bool {
    needs_person(instance, side) || wanted(instance, side).is_some()
}

/// Brings something to its end, whoever waits for it or is gone.
pub(super) async fn lasting<T: Send + 'static>(
    work: impl Future<Output = Result<T, AppError>> + Send + 'static,
) -> Result<T, AppError> {
    let done = tokio::spawn(work).await;
    done.unwrap_or(Err(AppError::Console))
}

/// An address as it was pasted: a terminal's marks, blanks and line ends are not part of it.
pub(super) fn pasted(text: &str) -> Option<Url> {
    let text = text.replace("\u{1b}[200~", "").replace("\u{1b}[201~", "");
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    Url::parse(text.trim_matches(['"', '\'', '<', '>'])).ok()
}

impl Login {
    pub(super) async fn begin(opened: &Opened, side: Side) -> Result<Self, AppError> {
        let turn = turn(opened, side)?;
        let trial = Trial::begin(opened.vault.clone(), side).await?;
        Ok(Self {
            opened: opened.clone(),
            side,
            trial: Arc::new(trial),
            _turn: turn,
        })
    }

    /// A secret that somebody typed. Blanks around it are none of it.
    pub(super) async fn take_secret(&self, secret: &SecretString) -> Result<(), AppError> {
        let name = match self.side {
            Side::Salesforce => salesforce::SECRET_KEY,
            Side::Automation => automation::SECRET_KEY,
        };
        let bytes = secret.expose_secret().trim().as_bytes().to_vec();
        Ok(self.trial.write(name, bytes).await?)
    }

    /// The login of a person, where the flow [needs one](needs_person).
    pub(super) fn pending(&self, redirect: Url) -> Result<PendingAuthorization, AppError> {
        let instance = &self.opened.instance;
        let side = self.side;
        let pending = match side {
            Side::Salesforce => {
                SalesforceClient::authorize(&compose::salesforce_config(instance), redirect)
            }
            Side::Automation => {
                AutomationClient::authorize(&compose::automation_config(instance), redirect)
            }
        };
        pending.map_err(|failure| AppError::Client { side, failure })
    }

    /// From the record of it to its end, whoever is gone meanwhile. `answer`: what the browser brought
    /// back, where a person was needed.
    pub(super) async fn finish(
        self,
        answer: Option<(PendingAuthorization, Url)>,
        by: By,
    ) -> Result<Entrant, AppError> {
        lasting(async move {
            self.record(&by).await?;
            if let Some((pending, redirected)) = answer {
                self.exchange(pending, &redirected).await?;
            }
            self.prove().await
        })
        .await
    }

    /// Puts on record that somebody lets us in, before it is done.
    pub(super) async fn record(&self, by: &By) -> Result<(), AppError> {
        record::record(&self.opened, (self.side, AccessAct::Authorise), by).await
    }

    /// Exchanges what the browser brought back. A login to another organisation than the store's is
    /// given back and not kept.
    pub(super) async fn exchange(
        &self,
        pending: PendingAuthorization,
        redirected: &Url,
    ) -> Result<(), AppError> {
        let binding = self.opened.recovered.binding.as_ref();
        let bound = binding
            .filter(|_| self.side == Side::Salesforce)
            .map(|binding| binding.organisation.as_str());
        match pending.finish(redirected, &*self.trial, bound).await {
            Ok(_) => Ok(()),
            Err(denial) => {
                self.leave().await?;
                Err(AppError::NotLetIn(denial))
            }
        }
    }

    /// Asks for a token with what is on trial, and who that is; then it is kept, and used from now on.
    /// What is not proven, or is replaced, is given back.
    pub(super) async fn prove(&self) -> Result<Entrant, AppError> {
        match self.identity().await {
            Ok(identity) => {
                let held = hold(&self.opened, self.side).await;
                let replaced = self.trial.keep(self.side).await;
                drop(held);
                seen::remember(&self.opened, self.side, Ok(&identity));
                if let Some(replaced) = replaced? {
                    self.give_back(&replaced).await;
                }
                Ok(identity)
            }
            Err(error) => {
                self.leave().await?;
                Err(error)
            }
        }
    }

    async fn identity(&self) -> Result<Entrant, AppError> {
        let vault: Arc<dyn Vault> = self.trial.clone();
        let identity = match identity(&self.opened, self.side, vault).await {
            // It was good a moment ago, when the browser brought it.
            Err(AppError::NotLetIn(Denial::LoginEnded { .. })) if self.is_fresh().await => {
                return Err(AppError::NotLetIn(Denial::RefreshExpiresAtOnce));
            }
            identity => identity?,
        };
        check_place(&self.opened, self.side, &identity)?;
        Ok(identity)
    }

    async fn is_fresh(&self) -> bool {
        matches!(self.trial.read(salesforce::VAULT_KEY).await, Ok(Some(_)))
            && self.side == Side::Salesforce
    }

    /// As if nothing had been tried. A login that is not wanted ends at Salesforce too.
    pub(super) async fn leave(&self) -> Result<(), AppError> {
        if self.side == Side::Salesforce {
            let config = compose::salesforce_config(&self.opened.instance);
            if let Err(denial) = SalesforceClient::revoke(&config, &*self.trial).await {
                left_alive(&denial);
            }
        }
        Ok(self.trial.drop_all(self.side).await?)
    }

    /// Automation has no request for it.
    async fn give_back(&self, token: &SecretString) {
        if self.side == Side::Salesforce {
            let config = compose::salesforce_config(&self.opened.instance);
            if let Err(denial) = SalesforceClient::give_back(&config, token).await {
                left_alive(&denial);
            }
        }
    }
}

/// It lies unused until it ends there by itself.
fn left_alive(denial: &Denial) {
    let why = denied(denial).says;
    tracing::warn!(%why, "a login that nobody uses could not be ended at Salesforce");
}

/// Keeps the running sync from renewing its tokens while it is held, and from using them afterwards.
async fn hold(opened: &Opened, side: Side) -> Option<Held> {
    let clients = &opened.served.as_ref()?.house.connected.identities;
    match side {
        Side::Salesforce => Some(clients.salesforce.hold().await),
        Side::Automation => clients.automation.hold().await,
    }
}

/// With what is kept. A side that gives a new refresh token at each use has it kept as ever.
pub(super) async fn check(opened: &Opened, side: Side) -> Result<Entrant, AppError> {
    let identity = identity(opened, side, opened.vault.clone()).await?;
    check_place(opened, side, &identity)?;
    Ok(identity)
}

/// Whether anything is kept for a side.
pub(super) async fn kept(opened: &Opened, side: Side) -> usize {
    trial::count(&*opened.vault, side).await
}

/// Whether the secret that the file does not mention is kept.
pub(super) async fn kept_secret(opened: &Opened, side: Side) -> bool {
    let name = match side {
        Side::Salesforce => salesforce::SECRET_KEY,
        Side::Automation => automation::SECRET_KEY,
    };
    matches!(opened.vault.read(name).await, Ok(Some(_)))
}

/// Ends the login at Salesforce, forgets everything that was kept for the side, and the tokens in use.
/// What cannot be ended there stays kept, unless it cannot be opened any more: then only forgetting is
/// left. Goes to its end whoever is gone meanwhile.
pub(super) async fn revoke(opened: &Opened, side: Side, by: By) -> Result<Revoked, AppError> {
    let turn = turn(opened, side)?;
    let opened = opened.clone();
    lasting(async move {
        record::record(&opened, (side, AccessAct::Revoke), &by).await?;
        let held = hold(&opened, side).await;
        let there = match side {
            Side::Automation => None,
            Side::Salesforce => end_at_salesforce(&opened).await?,
        };
        let forgotten = trial::forget(&*opened.vault, side).await?;
        drop(held);
        if is_kept_here(&opened.instance, side) {
            let denial = AppError::NotLetIn(Denial::NotYet(side));
            seen::remember(&opened, side, Err(&denial));
        }
        drop(turn);
        Ok(Revoked { there, forgotten })
    })
    .await
}

async fn end_at_salesforce(opened: &Opened) -> Result<Option<bool>, AppError> {
    let config = compose::salesforce_config(&opened.instance);
    match SalesforceClient::revoke(&config, &*opened.vault).await {
        Ok(there) => Ok(there),
        Err(Denial::Key(why)) => {
            let what = "the kept login cannot be opened, so it is only forgotten";
            tracing::warn!(why, "{what}");
            Ok(None)
        }
        Err(denial) => Err(AppError::NotLetIn(denial)),
    }
}

fn turn(opened: &Opened, side: Side) -> Result<Turn, AppError> {
    let turn = opened.logins.take(side);
    turn.ok_or(AppError::LoginUnderWay(side))
}

/// What tells two meanings of one refusal apart.
fn attempt(instance: &Instance, side: Side) -> Attempt<'_> {
    let user = match &instance.salesforce.flow {
        SalesforceFlow::JwtBearer { username, .. } => Some(username.as_str()),
        _ => None,
    };
    Attempt {
        user,
        ..Attempt::of(side)
    }
}

async fn identity(opened: &Opened, side: Side, vault: Arc<dyn Vault>) -> Result<Entrant, AppError> {
    let attempt = attempt(&opened.instance, side);
    let identity = match side {
        Side::Salesforce => compose::salesforce_client(opened, vault)?.identity().await,
        Side::Automation => compose::automation_client(opened, vault)?.identity().await,
    };
    identity.map_err(|failure| AppError::NotLetIn(attempt.denial(&failure)))
}

/// Sandbox or production as the login's address says; the organisation or instance that the store
/// belongs to.
pub(super) fn check_place(opened: &Opened, side: Side, identity: &Entrant) -> Result<(), AppError> {
    if let Some(is_sandbox) = identity.is_sandbox
        && let Some(denial) = compose::wrong_box(&opened.instance, &identity.place_name, is_sandbox)
    {
        return Err(AppError::NotLetIn(denial));
    }
    let Some(binding) = &opened.recovered.binding else {
        return Ok(());
    };
    let bound = match side {
        Side::Salesforce => &binding.organisation,
        Side::Automation => &binding.automation,
    };
    same_place(bound, identity)
}

fn same_place(bound: &str, identity: &Entrant) -> Result<(), AppError> {
    if bound == identity.place {
        return Ok(());
    }
    let found = if identity.place_name == identity.place {
        identity.place.clone()
    } else {
        format!("{} ({})", identity.place, identity.place_name)
    };
    Err(AppError::NotLetIn(Denial::OtherOrganisation {
        bound: bound.to_owned(),
        found,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_understood_however_a_terminal_hands_it_on() {
        let whole = "http://localhost:1717/OauthRedirect?code=a%3D%3D&state=s";
        for text in [
            whole.to_owned(),
            format!("  {whole}\r\n"),
            format!("\u{1b}[200~{whole}\u{1b}[201~\n"),
            format!("\"{whole}\""),
            whole.replace('&', "\n&"),
        ] {
            assert_eq!(pasted(&text).unwrap().as_str(), whole, "{text:?}");
        }
        assert_eq!(pasted("code=a&state=s"), None);
    }

    #[tokio::test]
    async fn what_is_begun_comes_to_its_end_after_whoever_waited_is_gone() {
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let (told, heard) = tokio::sync::oneshot::channel();
        let mut waiting = Box::pin(lasting(async move {
            let went = gone.await.is_ok();
            let _ = told.send(went);
            Ok(())
        }));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(waiting);
        go.send(()).unwrap();
        assert_eq!(heard.await, Ok(true));
    }
}
