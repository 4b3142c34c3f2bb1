//! Letting in from a console: the steps of [`crate::app::authorize`], told as they go. While a
//! person is waited for, it ends when its session ends; what was brought back by then is brought to its
//! end all the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::Desk;
use crate::adapters::PendingAuthorization;
use crate::app::authorize::{self, By, Callback, Came, Login, Waiting};
use crate::app::compose::Opened;
use crate::app::door::Door;
use crate::app::error::AppError;
use crate::app::house::House;
use crate::app::said;
use crate::console::query::Admit;
use crate::console::{Answer, Msg, Ticket};
use crate::domain::access::{Access, Admitted, Listens, Outcome, Progress, Why};
use crate::domain::ids::Side;
use crate::domain::operator::Role;

/// Addresses that wait to be looked at: a person pastes one at a time.
const ADDRESSES_MAX: usize = 4;

/// The house that lets in, and who asks.
#[derive(Clone)]
pub struct Reception {
    pub(in crate::app) house: Arc<House>,
    pub(in crate::app) door: Door,
}

/// The attempts of one session.
#[derive(Default)]
pub(super) struct Attempts(BTreeMap<Side, Attempt>);

struct Attempt {
    addresses: mpsc::Sender<SecretString>,
    stop: CancellationToken,
    /// Dropped with the session.
    _ends: DropGuard,
}

/// How an attempt tells how far it is. Whoever left is not told.
#[derive(Clone)]
struct Teller {
    ticket: Ticket,
    side: Side,
    answers: mpsc::Sender<Msg>,
}

impl Teller {
    async fn tell(&self, progress: Progress) {
        let admitted = Admitted {
            side: self.side,
            progress,
        };
        let answer = Answer::Admitted(Box::new(admitted));
        let told = self.answers.send(Msg::Answered(self.ticket, answer));
        drop(told.await);
    }
}

impl Desk {
    pub(super) async fn access(&self) -> Vec<Access> {
        let Some(reception) = &self.reception else {
            return Vec::new();
        };
        let mut known = Vec::new();
        for side in Side::BOTH {
            known.push(authorize::access(&reception.house, side).await);
        }
        known
    }

    /// Begins an attempt, or hands something on to the one under way. What cannot be is answered.
    pub(super) fn admit(
        &self,
        attempts: &mut Attempts,
        (ticket, side, admit): (Ticket, Side, Admit),
        answers: &mpsc::Sender<Msg>,
    ) -> Option<Msg> {
        let refused = |why: Why| Some(Msg::Unanswered(ticket, why));
        let needed = match admit {
            Admit::Check => Role::Operator,
            _ => Role::Admin,
        };
        if self.role < needed {
            return refused(said::needs(needed));
        }
        let Some(reception) = self.reception.clone() else {
            return refused(said::why(&AppError::NotServed));
        };
        match admit {
            Admit::Redirected(address) => {
                let address = address.secret().clone();
                let attempt = attempts.0.get(&side);
                let is_taken =
                    attempt.is_some_and(|attempt| attempt.addresses.try_send(address).is_ok());
                if is_taken {
                    return None;
                }
                refused(Why::said("why-no-login-waits", Vec::new()))
            }
            Admit::BreakOff => {
                if let Some(attempt) = attempts.0.get(&side) {
                    attempt.stop.cancel();
                }
                None
            }
            admit => {
                let (addresses, pasted) = mpsc::channel(ADDRESSES_MAX);
                let stop = CancellationToken::new();
                let attempt = Attempt {
                    addresses,
                    stop: stop.clone(),
                    _ends: stop.clone().drop_guard(),
                };
                attempts.0.insert(side, attempt);
                let teller = Teller {
                    ticket,
                    side,
                    answers: answers.clone(),
                };
                tokio::spawn(reception.attempt(teller, admit, (pasted, stop)));
                None
            }
        }
    }
}

/// What is pasted, and the end of waiting for it.
type Brought = (mpsc::Receiver<SecretString>, CancellationToken);

impl Reception {
    async fn attempt(self, teller: Teller, admit: Admit, brought: Brought) {
        let side = teller.side;
        let done = match admit {
            Admit::Check => self.check(&teller).await,
            Admit::LogIn { secret, reason } => {
                let secret = secret.map(|hidden| hidden.secret().clone());
                self.log_in(&teller, secret, reason, brought).await
            }
            Admit::Revoke { reason } => self.revoke(&teller, reason).await,
            // Handed on above.
            Admit::Redirected(_) | Admit::BreakOff => return,
        };
        let outcome = done.unwrap_or_else(|error| {
            let why = said::why(&error);
            // Not the systems' own words.
            tracing::info!(%side, why = %why.says, "not let in");
            Outcome::Refused(why)
        });
        teller.tell(Progress::Ended(outcome)).await;
    }

    async fn check(&self, teller: &Teller) -> Result<Outcome, AppError> {
        teller.tell(Progress::Checking).await;
        let identity = authorize::check_served(&self.house, teller.side).await?;
        Ok(Outcome::Checked(identity))
    }

    fn by(&self, reason: String) -> By {
        By {
            operator: self.door.visitor.operator.clone(),
            reason,
        }
    }

    async fn revoke(&self, teller: &Teller, reason: String) -> Result<Outcome, AppError> {
        teller.tell(Progress::Revoking).await;
        let opened = self.house.opened(&self.door).await?;
        let revoked = authorize::revoke(&opened, teller.side, self.by(reason)).await?;
        Ok(Outcome::Revoked {
            there: revoked.there,
            forgotten: revoked.forgotten as u64,
        })
    }

    async fn log_in(
        &self,
        teller: &Teller,
        secret: Option<SecretString>,
        reason: String,
        brought: Brought,
    ) -> Result<Outcome, AppError> {
        let side = teller.side;
        let opened = self.house.opened(&self.door).await?;
        let login = Login::begin(&opened, side).await?;
        if let Some(secret) = secret {
            login.take_secret(&secret).await?;
        }
        let mut answer = None;
        if authorize::needs_person(&opened.instance, side) {
            match self.at_browser(teller, &opened, &login, brought).await {
                Ok(Some(came)) => answer = Some(came),
                ended => {
                    login.leave().await?;
                    return ended.map(|_| Outcome::BrokenOff);
                }
            }
        }
        login.record(&self.by(reason)).await?;
        if let Some((pending, redirected)) = answer {
            teller.tell(Progress::Exchanging).await;
            login.exchange(pending, &redirected).await?;
        }
        teller.tell(Progress::Proving).await;
        Ok(Outcome::LetIn(login.prove().await?))
    }

    /// The browser of this machine or a pasted address, whichever is first; `None` if it was broken off.
    async fn at_browser(
        &self,
        teller: &Teller,
        opened: &Opened,
        login: &Login,
        (mut pasted, stop): Brought,
    ) -> Result<Option<(PendingAuthorization, Url)>, AppError> {
        let ports = &opened.instance.callback_ports;
        let (callback, listens) = self.listen(ports).await;
        let waiting = Waiting::begin(login, callback, ports[0])?;
        let shown = Progress::AtBrowser {
            redirect: waiting.pending.redirect().to_owned(),
            address: waiting.pending.url.to_string(),
            listens,
        };
        teller.tell(shown).await;
        let pasted = right_one(teller, &waiting, &mut pasted);
        let came = tokio::select! {
            came = waiting.answer(&*opened.clock, pasted) => came?,
            () = stop.cancelled() => return Ok(None),
        };
        let (Came::ByItself(redirected) | Came::Pasted(redirected)) = came;
        Ok(Some((waiting.pending, redirected)))
    }

    /// A browser on the operator's own machine does not come back to this one.
    async fn listen(&self, ports: &[u16]) -> (Option<Callback>, Listens) {
        if self.door.visitor.is_elsewhere() {
            return (None, Listens::Elsewhere);
        }
        match Callback::listen_at_one(ports).await {
            Ok(callback) if callback.port() == ports[0] => (Some(callback), Listens::Here),
            Ok(callback) => (Some(callback), Listens::AtAnother),
            Err(error) => {
                tracing::info!(kind = ?error.kind(), "nobody can listen for the browser");
                (None, Listens::Taken)
            }
        }
    }
}

/// The first pasted address that answers this login. What is none is said to be none; a refusal of the
/// browser's ends it.
async fn right_one(
    teller: &Teller,
    waiting: &Waiting,
    pasted: &mut mpsc::Receiver<SecretString>,
) -> Result<Url, AppError> {
    while let Some(text) = pasted.recv().await {
        match waiting.judge(text.expose_secret()) {
            None => {}
            Some(Ok(url)) => return Ok(url),
            Some(Err(denial)) if authorize::may_try_again(&denial) => {
                let why = authorize::denied(&denial);
                teller.tell(Progress::NotTheAnswer(why)).await;
            }
            Some(Err(denial)) => return Err(AppError::NotLetIn(denial)),
        }
    }
    // The session is over, which ends the waiting beside this.
    std::future::pending().await
}
