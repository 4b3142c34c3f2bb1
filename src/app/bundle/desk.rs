//! Answers what screens ask from a bundle alone: the desk of a running sync over what the bundle would
//! put into a store, and a sentence for whatever it would need the two systems or a disk for.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;
use tokio::sync::{mpsc, watch};

use super::Screens;
use crate::adapters::SystemClock;
use crate::app::desk::{Desk, Doctor};
use crate::console::query::Diagnosis;
use crate::console::{Answer, Msg, Query, Ticket};
use crate::domain::access::Why;
use crate::domain::doctor::Finding;
use crate::domain::operator::Role;
use crate::domain::record::Counts;
use crate::domain::setup::InForce;
use crate::domain::snapshot::Snapshot;
use crate::pool::Journal;
use crate::store::memory::MemoryStore;

pub(in crate::app) struct Exhibit {
    desk: Desk,
    counts: Counts,
    diagnosis: Diagnosis,
}

impl Exhibit {
    pub(in crate::app) fn new(
        screens: &Screens,
        setups: watch::Receiver<Arc<InForce>>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> Self {
        let journal = Journal::default();
        screens
            .exchanges()
            .for_each(|exchange| journal.note(exchange));
        Self {
            desk: Desk {
                store: Arc::new(MemoryStore::new(screens.kept())),
                setups,
                journal: Arc::new(journal),
                data: PathBuf::new(),
                settings: Json::Null,
                doctor: Doctor::default(),
                snapshots,
                clock: Arc::new(SystemClock),
                role: Role::Viewer,
                reception: None,
                outside: None,
            },
            counts: screens.counts.clone(),
            diagnosis: Diagnosis {
                findings: screens
                    .findings()
                    .into_iter()
                    .map(Finding::out_of_reach)
                    .collect(),
                described: screens.described(),
                examined: screens.examined,
            },
        }
    }

    /// Answers until nobody asks any more.
    pub(in crate::app) async fn serve(
        self,
        mut questions: mpsc::Receiver<(Ticket, Query)>,
        answers: mpsc::Sender<Msg>,
    ) {
        while let Some((ticket, query)) = questions.recv().await {
            let msg = self.answered(ticket, query).await;
            if answers.send(msg).await.is_err() {
                return;
            }
        }
    }

    pub(in crate::app) async fn answered(&self, ticket: Ticket, query: Query) -> Msg {
        match query {
            Query::Standing => Msg::Answered(ticket, Answer::Standing(self.counts.clone())),
            Query::Doctor => Msg::Answered(ticket, Answer::Doctor(self.diagnosis.clone())),
            Query::Conflicts
            | Query::Queues
            | Query::Held
            | Query::Person(_)
            | Query::Search(_)
            | Query::Links(_)
            | Query::LastAct
            | Query::Flags
            | Query::Acts
            | Query::Act(_)
            | Query::Plugin
            | Query::Example(..) => self.desk.answered(ticket, query).await,
            // They read a system or a disk, or write to one.
            Query::ExportActs(..)
            | Query::Bundle(..)
            | Query::CheckAudit
            | Query::Forecast(_)
            | Query::Examine
            | Query::Preview(_)
            | Query::Mend(..)
            | Query::Access
            | Query::Admit(..) => Msg::Unanswered(ticket, Why::said("bundle-without", Vec::new())),
        }
    }
}
