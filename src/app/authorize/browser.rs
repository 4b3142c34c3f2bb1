//! A login of a person waits for its answer.

use url::Url;

use super::{Callback, Login};
use crate::adapters::{Denial, PendingAuthorization};
use crate::app::error::AppError;
use crate::domain::time::Span;
use crate::ports::Clock;

/// As long as Salesforce's codes live.
const PATIENCE: Span = Span::minutes(15);

/// One login, from the page that is to be opened to the address at which the browser ends.
pub(in crate::app) struct Waiting {
    pub(in crate::app) pending: PendingAuthorization,
    callback: Option<Callback>,
    redirect: Url,
}

/// How the answer came.
pub(in crate::app) enum Came {
    /// By the browser of this machine.
    ByItself(Url),
    Pasted(Url),
}

impl Waiting {
    /// `port`: of the call-back address, where nobody listens.
    pub(in crate::app) fn begin(
        login: &Login,
        callback: Option<Callback>,
        port: u16,
    ) -> Result<Self, AppError> {
        let redirect = super::redirect(callback.as_ref().map_or(port, Callback::port))?;
        Ok(Self {
            pending: login.pending(redirect.clone())?,
            callback,
            redirect,
        })
    }

    pub(in crate::app) const fn is_listening(&self) -> bool {
        self.callback.is_some()
    }

    /// The browser of this machine, or an address that somebody pastes: whichever is first.
    pub(in crate::app) async fn answer(
        &self,
        clock: &dyn Clock,
        pasted: impl Future<Output = Result<Url, AppError>>,
    ) -> Result<Came, AppError> {
        let pending = &self.pending;
        let heard = async {
            match &self.callback {
                Some(callback) => {
                    let is_answer = |url: &Url| pending.is_answer(url);
                    callback.hear(&self.redirect, is_answer).await
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            heard = heard => Ok(Came::ByItself(heard.map_err(AppError::Unanswered)?)),
            pasted = pasted => Ok(Came::Pasted(pasted?)),
            () = clock.sleep(PATIENCE) => Err(AppError::NotLetIn(Denial::NobodyCame {
                minutes: PATIENCE.0 / Span::minutes(1).0,
            })),
        }
    }

    /// Whether what somebody pasted is the answer. Nothing for nothing but blanks. A refusal of the
    /// browser's ends the login; of what is only no answer another may be pasted.
    pub(in crate::app) fn judge(&self, text: &str) -> Option<Result<Url, Denial>> {
        if text.trim().is_empty() {
            return None;
        }
        let url = super::pasted(text).ok_or(Denial::NoCode);
        Some(url.and_then(|url| match self.pending.denial(&url) {
            None => Ok(url),
            Some(denial) => Err(denial),
        }))
    }
}

/// Whether another address may be pasted after this one.
pub(in crate::app) const fn may_try_again(denial: &Denial) -> bool {
    matches!(denial, Denial::NoCode | Denial::WrongState)
}
