//! Looks at the set-up of both systems for whoever asks: one look at a time, which all who ask for the
//! same meanwhile share, and kept until the next one. What is begun goes to its end, whoever is gone.

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

/// A look that goes on whether anybody waits for it or not.
struct Look {
    number: u64,
    /// By what rules.
    policy: Arc<Policy>,
    evidence: Shared<BoxFuture<'static, Arc<Evidence>>>,
}

pub struct Examiner {
    setup: Setup,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    latest: Option<Arc<Evidence>>,
    /// Under way.
    look: Option<Look>,
    begun: u64,
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

    /// Looks again, or joins the look under way by the same rules.
    pub async fn examine(self: &Arc<Self>, policy: Arc<Policy>) -> Arc<Evidence> {
        let evidence = {
            let mut state = self.state();
            match &state.look {
                Some(look) if look.policy == policy => look.evidence.clone(),
                _ => self.begin(&mut state, policy),
            }
        };
        evidence.await
    }

    fn begin(
        self: &Arc<Self>,
        state: &mut State,
        policy: Arc<Policy>,
    ) -> Shared<BoxFuture<'static, Arc<Evidence>>> {
        state.begun += 1;
        let number = state.begun;
        let (examiner, by) = (Arc::clone(self), Arc::clone(&policy));
        let task = tokio::spawn(async move {
            let evidence = examined(examiner.setup.clone(), by).await;
            let mut state = examiner.state();
            // One that began after a remedy, or by other rules, is not ended by one from before it.
            if state
                .look
                .as_ref()
                .is_some_and(|look| look.number == number)
            {
                state.look = None;
                state.latest = Some(Arc::clone(&evidence));
            }
            evidence
        });
        let setup = self.setup.clone();
        let evidence = async move {
            let evidence = task.await;
            evidence.unwrap_or_else(|_| Arc::new(interrupted(&setup)))
        };
        let evidence = evidence.boxed().shared();
        state.look = Some(Look {
            number,
            policy,
            evidence: evidence.clone(),
        });
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
    pub async fn mend(
        self: &Arc<Self>,
        policy: Arc<Policy>,
        remedy: Remedy,
    ) -> Result<Mended, PortError> {
        let examiner = Arc::clone(self);
        let mended = tokio::spawn(async move { examiner.made(policy, remedy).await });
        mended.await.unwrap_or_else(|_| {
            let message = "it was interrupted, and part of it may be made; look again";
            Err(PortError {
                operation: "mending the set-up",
                failure: Failure::new(FailureKind::Unknown, "interrupted", message),
                spent: Spent::default(),
                source: None,
            })
        })
    }

    async fn made(&self, policy: Arc<Policy>, remedy: Remedy) -> Result<Mended, PortError> {
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
        let mut state = self.state();
        state.latest = None;
        state.look = None;
        drop(state);
        match &mended {
            Ok(mended) => tracing::info!(remedy = name, made = mended.made.len(), "mended"),
            Err(PortError { failure, .. }) => {
                let (kind, code) = (failure.kind.name(), failure.plain_code());
                tracing::warn!(remedy = name, kind, code, "not mended");
            }
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

/// A fault of ours, which asking again may pass.
fn interrupted(setup: &Setup) -> Evidence {
    let message = "the look was interrupted; look again";
    let failure = Failure::new(FailureKind::Broken, "examine", message);
    Evidence {
        at: setup.clock.now(),
        salesforce: Err(failure.clone()),
        automation: Err(failure),
        webhook: setup
            .registrar
            .as_ref()
            .map(|_| Part::Unread(message.to_owned())),
    }
}

fn failure(error: AppError) -> Failure {
    match error {
        AppError::Connect { error, .. } => error.failure,
        other => Failure::new(FailureKind::Broken, "examine", other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;
    use crate::adapters::SystemClock;
    use crate::domain::evidence::{AutomationEvidence, SalesforceEvidence};
    use crate::domain::remedy::Remedy;
    use crate::ports::Call;

    /// Two systems that answer when they are let, and refuse everything.
    struct Slow {
        asked: AtomicUsize,
        may_answer: Semaphore,
        answered: AtomicUsize,
    }

    impl Slow {
        fn examiner() -> (Arc<Self>, Arc<Examiner>) {
            let slow = Arc::new(Self {
                asked: AtomicUsize::new(0),
                may_answer: Semaphore::new(0),
                answered: AtomicUsize::new(0),
            });
            let setup = Setup {
                salesforce: slow.clone(),
                automation: slow.clone(),
                clock: Arc::new(SystemClock),
                registrar: None,
            };
            (slow, Examiner::new(setup))
        }

        fn refuse<T: Send>(&self) -> Call<'_, T> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            async move {
                let permit = self.may_answer.acquire().await.unwrap();
                permit.forget();
                self.answered.fetch_add(1, Ordering::SeqCst);
                Err(PortError {
                    operation: "looking",
                    failure: Failure::new(FailureKind::Forbidden, "no", "not for you"),
                    spent: Spent::default(),
                    source: None,
                })
            }
            .boxed()
        }

        /// Until so many answers were given in all.
        async fn ends(&self, answers: usize) {
            let given = self.answered.load(Ordering::SeqCst);
            self.may_answer.add_permits(answers - given);
            while self.answered.load(Ordering::SeqCst) < answers {
                tokio::task::yield_now().await;
            }
            // Whoever took the last answer does what follows.
            tokio::task::yield_now().await;
        }
    }

    impl SalesforceSetup for Slow {
        fn examine(&self, _: Arc<Policy>) -> Call<'_, SalesforceEvidence> {
            self.refuse()
        }

        fn preview(&self, _: Arc<Policy>, _: Remedy) -> Call<'_, Preview> {
            self.refuse()
        }

        fn mend(&self, _: Arc<Policy>, _: Remedy) -> Call<'_, Mended> {
            self.refuse()
        }
    }

    impl AutomationSetup for Slow {
        fn examine(&self, _: Arc<Policy>) -> Call<'_, AutomationEvidence> {
            self.refuse()
        }

        fn preview(&self, _: Arc<Policy>, _: Remedy) -> Call<'_, Preview> {
            self.refuse()
        }

        fn mend(&self, _: Arc<Policy>, _: Remedy) -> Call<'_, Mended> {
            self.refuse()
        }
    }

    #[tokio::test]
    async fn a_look_goes_to_its_end_after_whoever_asked_is_gone() {
        let (slow, examiner) = Slow::examiner();
        let policy = Arc::new(Policy::default());
        let mut asking = Box::pin(examiner.examine(policy.clone()));
        assert!(futures_util::poll!(&mut asking).is_pending());
        drop(asking);
        slow.ends(2).await;
        let latest = examiner.latest().unwrap();
        assert!(latest.salesforce.is_err() && latest.automation.is_err());
    }

    #[tokio::test]
    async fn a_look_is_shared_by_whoever_asks_by_the_same_rules_and_by_nobody_else() {
        let (slow, examiner) = Slow::examiner();
        let one = Arc::new(Policy::default());
        let other = Arc::new(Policy {
            sync_owners: !one.sync_owners,
            ..Policy::default()
        });
        slow.may_answer.add_permits(4);
        let (first, second, third) = tokio::join!(
            examiner.examine(one.clone()),
            examiner.examine(Arc::new((*one).clone())),
            examiner.examine(other.clone()),
        );
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &third));
        assert!(
            Arc::ptr_eq(&third, &examiner.latest().unwrap()),
            "by the rules asked for last"
        );
        assert_eq!(slow.asked.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_remedy_goes_to_its_end_after_its_console_is_gone() {
        let (slow, examiner) = Slow::examiner();
        slow.may_answer.add_permits(2);
        examiner.examine(Arc::new(Policy::default())).await;
        assert!(examiner.latest().is_some());
        let policy = Arc::new(Policy::default());
        let mut asking = Box::pin(examiner.mend(policy, Remedy::Timeline));
        assert!(futures_util::poll!(&mut asking).is_pending());
        drop(asking);
        slow.ends(3).await;
        assert!(examiner.latest().is_none(), "it is void");
    }
}
