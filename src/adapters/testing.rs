//! What the tests of this room share: a server on loopback, a vault in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use futures_util::future::BoxFuture;
use url::Url;

use crate::domain::ids::{FieldId, SalesforceObject};
use crate::domain::mapping::{Arrow, BlankTravel, Concurrent, FieldRule, Overwritten, Role};
use crate::domain::time::{Span, Timestamp};
use crate::domain::value::ValueType;
use crate::ports::{Clock, StoreError, Vault};

/// Serves until the test's runtime ends.
pub(super) async fn serve(app: Router) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url.parse().unwrap()
}

/// Remembers secrets, and in which order things happened if the test shares `journal`.
#[derive(Debug, Default)]
pub(super) struct MemoryVault {
    pub(super) secrets: Mutex<BTreeMap<&'static str, Vec<u8>>>,
    pub(super) journal: Arc<Mutex<Vec<String>>>,
    pub(super) is_failing: std::sync::atomic::AtomicBool,
}

impl MemoryVault {
    pub(super) fn with(name: &'static str, secret: &str) -> Self {
        let vault = Self::default();
        vault
            .secrets
            .lock()
            .unwrap()
            .insert(name, secret.as_bytes().to_vec());
        vault
    }
}

impl Vault for MemoryVault {
    fn read(&self, name: &'static str) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let secret = self.secrets.lock().unwrap().get(name).cloned();
        Box::pin(async move { Ok(secret) })
    }

    fn write(&self, name: &'static str, secret: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if self.is_failing.load(std::sync::atomic::Ordering::SeqCst) {
                return Err(StoreError::Poisoned);
            }
            let text = String::from_utf8_lossy(&secret).into_owned();
            self.journal.lock().unwrap().push(format!("kept {text}"));
            self.secrets.lock().unwrap().insert(name, secret);
            Ok(())
        })
    }

    fn remove(&self, name: &'static str) -> BoxFuture<'_, Result<(), StoreError>> {
        self.secrets.lock().unwrap().remove(name);
        Box::pin(async move { Ok(()) })
    }
}

/// Stands still, and passes every wait at once.
#[derive(Debug, Default)]
pub(super) struct StillClock {
    pub(super) slept: Mutex<Vec<Span>>,
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_772_615_702)
    }

    fn sleep(&self, span: Span) -> BoxFuture<'static, ()> {
        self.slept.lock().unwrap().push(span);
        Box::pin(std::future::ready(()))
    }
}

/// A text rule; tests change what they need.
pub(super) fn rule(
    id: u16,
    salesforce: &str,
    objects: &[SalesforceObject],
    automation: &str,
    role: Role,
) -> FieldRule {
    FieldRule {
        id: FieldId(id),
        salesforce: salesforce.to_owned(),
        objects: objects.to_vec(),
        automation: automation.to_owned(),
        value_type: match role {
            Role::Email => ValueType::Email,
            Role::Consent | Role::Deleted => ValueType::Bool,
            _ => ValueType::Text,
        },
        role,
        arrow: Arrow::Both,
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Clears,
        concurrent: Concurrent::Conflict,
    }
}
