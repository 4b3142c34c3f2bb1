//! Looks at the set-up of both systems for whoever asks: one look at a time, which all who ask
//! meanwhile share, and kept until the next one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use crate::app::compose;
use crate::app::error::AppError;
use crate::domain::evidence::Evidence;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::Side;
use crate::domain::mapping::Policy;
use crate::domain::remedy::{Mended, Preview, Remedy};
use crate::ports::{AutomationSetup, Clock, PortError, SalesforceSetup};

/// The two systems' set-up.
#[derive(Clone)]
pub struct Setup {
    pub salesforce: Arc<dyn SalesforceSetup>,
    pub automation: Arc<dyn AutomationSetup>,
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
        let preview = match remedy.side() {
            Side::Salesforce => self.setup.salesforce.preview(policy, remedy).await,
            Side::Automation => self.setup.automation.preview(policy, remedy).await,
        };
        preview.map(|answered| answered.value)
    }

    /// Whatever was looked at before is void afterwards, whether it worked or not.
    pub async fn mend(&self, policy: Arc<Policy>, remedy: Remedy) -> Result<Mended, PortError> {
        let name = remedy.name();
        let mended = match remedy.side() {
            Side::Salesforce => self.setup.salesforce.mend(policy, remedy).await,
            Side::Automation => self.setup.automation.mend(policy, remedy).await,
        };
        *self.state() = State::default();
        match &mended {
            Ok(answered) => {
                tracing::info!(remedy = name, made = answered.value.made.len(), "mended");
            }
            Err(error) => tracing::warn!(remedy = name, %error, "not mended"),
        }
        mended.map(|answered| answered.value)
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
    Arc::new(Evidence {
        at: clock.now(),
        salesforce,
        automation,
    })
}

fn failure(error: AppError) -> Failure {
    match error {
        AppError::Connect { error, .. } => error.failure,
        other => Failure::new(FailureKind::Broken, "examine", other.to_string()),
    }
}
