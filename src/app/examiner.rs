//! Looks at the set-up of both systems for whoever asks: one look at a time, which all who ask
//! meanwhile share, and kept until the next one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use crate::app::compose;
use crate::app::error::AppError;
use crate::app::hooks::Registrar;
use crate::domain::evidence::{Evidence, Part};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::Side;
use crate::domain::mapping::Policy;
use crate::domain::remedy::{Mended, Preview, Remedy};
use crate::domain::request::Spent;
use crate::ports::{AutomationSetup, Clock, PortError, SalesforceSetup};

/// The two systems' set-up.
#[derive(Clone)]
pub struct Setup {
    pub salesforce: Arc<dyn SalesforceSetup>,
    pub automation: Arc<dyn AutomationSetup>,
    /// `None` where no webhooks are received.
    pub(super) registrar: Option<Arc<Registrar>>,
    pub clock: Arc<dyn Clock>,
}

type Look = Shared<BoxFuture<'static, Arc<Evidence>>>;

pub struct Examiner {
    setup: Setup,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    latest: Option<Arc<Evidence>>,
    /// Under way.
    look: Option<Look>,
}

impl Examiner {
    pub fn new(setup: Setup) -> Arc<Self> {
        Arc::new(Self {
            setup,
            state: Mutex::default(),
        })
    }

    /// What the last look found.
    pub fn latest(&self) -> Option<Arc<Evidence>> {
        self.state().latest.clone()
    }

    /// Looks again, or joins the look under way.
    pub async fn examine(&self, policy: Arc<Policy>) -> Arc<Evidence> {
        let look = {
            let mut state = self.state();
            let begin = || {
                let look = examined(self.setup.clone(), policy);
                look.boxed().shared()
            };
            state.look.get_or_insert_with(begin).clone()
        };
        let evidence = look.clone().await;
        let mut state = self.state();
        // One that began after a remedy is not ended by one from before it.
        if state.look.as_ref().is_some_and(|now| now.ptr_eq(&look)) {
            state.look = None;
            state.latest = Some(Arc::clone(&evidence));
        }
        evidence
    }

    pub async fn preview(&self, policy: Arc<Policy>, remedy: Remedy) -> Result<Preview, PortError> {
        if let Remedy::Webhook(_) = remedy {
            return self.registrar()?.preview().await.map_err(port_error);
        }
        let preview = match remedy.side() {
            Side::Salesforce => self.setup.salesforce.preview(policy, remedy).await,
            Side::Automation => self.setup.automation.preview(policy, remedy).await,
        };
        preview.map(|answered| answered.value)
    }

    /// Whatever was looked at before is void afterwards, whether it worked or not.
    pub async fn mend(&self, policy: Arc<Policy>, remedy: Remedy) -> Result<Mended, PortError> {
        let name = remedy.name();
        let mended = match (&remedy, remedy.side()) {
            (Remedy::Webhook(_), _) => self.mend_webhook().await,
            (_, Side::Salesforce) => {
                let mended = self.setup.salesforce.mend(policy, remedy).await;
                mended.map(|answered| answered.value)
            }
            (_, Side::Automation) => {
                let mended = self.setup.automation.mend(policy, remedy).await;
                mended.map(|answered| answered.value)
            }
        };
        *self.state() = State::default();
        match &mended {
            Ok(mended) => tracing::info!(remedy = name, made = mended.made.len(), "mended"),
            Err(error) => tracing::warn!(remedy = name, %error, "not mended"),
        }
        mended
    }

    async fn mend_webhook(&self) -> Result<Mended, PortError> {
        self.registrar()?.mend().await.map_err(port_error)
    }

    fn registrar(&self) -> Result<&Registrar, PortError> {
        let registrar = self.setup.registrar.as_deref();
        registrar.ok_or_else(|| port_error(AppError::Usage("no webhooks are received".to_owned())))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics while it holds the lock, and the state is valid at any point.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A system that does not answer is evidence too.
async fn examined(setup: Setup, policy: Arc<Policy>) -> Arc<Evidence> {
    let clock = &*setup.clock;
    let salesforce = compose::ask(Side::Salesforce, clock, || {
        setup.salesforce.examine(Arc::clone(&policy))
    });
    let salesforce = salesforce.await.map_err(failure);
    let automation = compose::ask(Side::Automation, clock, || {
        setup.automation.examine(Arc::clone(&policy))
    });
    let automation = automation.await.map_err(failure);
    let webhook = match &setup.registrar {
        Some(registrar) => Some(match registrar.look().await {
            Ok(found) => Part::Read(found.registered),
            Err(error) => Part::Unread(failure(error).to_string()),
        }),
        None => None,
    };
    Arc::new(Evidence {
        at: clock.now(),
        salesforce,
        automation,
        webhook,
    })
}

/// As the systems' own ports would say it.
fn port_error(error: AppError) -> PortError {
    match error {
        AppError::Connect { error, .. } => *error,
        other => PortError {
            operation: "putting the webhook right",
            failure: failure(other),
            spent: Spent::default(),
            source: None,
        },
    }
}

fn failure(error: AppError) -> Failure {
    match error {
        AppError::Connect { error, .. } => error.failure,
        other => Failure::new(FailureKind::Broken, "examine", other.to_string()),
    }
}
