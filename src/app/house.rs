//! A running sync and everybody who has a console on it. Whoever owns the store keeps house: the serving
//! process, or a console that nobody served.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::commands;
use crate::app::compose::{Connected, Environment, Mode, Opened};
use crate::app::console::{self, Look, Visit};
use crate::app::door::{self, Door, Visitor};
use crate::app::error::{AppError, Status};
use crate::app::lines;
use crate::app::log::Chronicle;
use crate::console::Ground;
use crate::console::tape::Keys;
use crate::domain::ids::LinkId;
use crate::domain::operator::{Present, SessionId};
use crate::domain::time::Span;
use crate::pool::{Handle, Pool};
use crate::ports::Store as _;
use crate::session::wire::{Farewell, Wish};
use crate::session::{Ended, Guest, Host, Listener};

/// Consoles at once. Each costs a few megabytes and, when much happens, a hundredth of a core.
const SESSIONS_MAX: usize = 32;

/// After a connection that could not be taken.
const RETRY: Span = Span(100);

/// Until everybody was told that the house closes.
const FAREWELL: Span = Span::seconds(3);

/// Connections that have not said yet what they want, and commands under way.
const GUESTS_MAX: usize = 64;

pub(super) struct House {
    pub(super) connected: Connected,
    pub(super) handle: Handle,
    pub(super) ground: Ground,
    file: PathBuf,
    roster: watch::Sender<Arc<Vec<Present>>>,
    sessions: AtomicU64,
    /// Cancelled when everybody has to go.
    pub(super) closing: CancellationToken,
}

/// A command that the house carries out for somebody.
pub struct Served {
    pub(super) house: Arc<House>,
    pub(super) door: Door,
}

/// Somebody's place on the list of those present. Dropped, they are gone.
pub(super) struct Place {
    house: Arc<House>,
    session: SessionId,
}

impl House {
    /// Starts the sync of an instance, with whoever writes down what it tells.
    pub(super) fn open(
        connected: Connected,
        ground: Ground,
        file: PathBuf,
    ) -> (Arc<Self>, Pool, Chronicle) {
        let mut engine = connected.engine(Mode::default(), connected.opened.recovered.clone());
        engine.start_schedule(connected.outside.clock.now());
        let pool = Pool::spawn(engine, connected.outside.clone());
        let store = connected.outside.store.clone();
        let house = Self::new(connected, pool.handle(), ground, file);
        let clock = Arc::clone(&house.connected.outside.clock);
        let chronicle = Chronicle::begin(&house.handle, (store, clock), house.present());
        (house, pool, chronicle)
    }

    fn new(connected: Connected, handle: Handle, ground: Ground, file: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            connected,
            handle,
            ground,
            file,
            roster: watch::Sender::new(Arc::default()),
            sessions: AtomicU64::new(SessionId::OURSELVES.0),
            closing: CancellationToken::new(),
        })
    }

    /// The instance file.
    pub(super) const fn file(&self) -> &PathBuf {
        &self.file
    }

    /// A way to the sync for one more session.
    pub(super) fn door(&self, visitor: Visitor) -> Door {
        let session = SessionId(self.sessions.fetch_add(1, Ordering::Relaxed) + 1);
        Door::new(session, visitor, self.handle.commands.clone())
    }

    /// Whether something goes on that does not need this process's own terminal: a cycle, a plan, a
    /// schedule, webhooks, or somebody else's console.
    pub(super) fn is_at_work(&self) -> bool {
        let snapshot = self.handle.snapshots.borrow();
        !snapshot.is_idle
            || !snapshot.plans.is_empty()
            || snapshot.next_cycle.is_some()
            || snapshot.hearing.is_some()
            || !self.roster.borrow().is_empty()
    }

    pub(super) fn present(&self) -> watch::Receiver<Arc<Vec<Present>>> {
        self.roster.subscribe()
    }

    pub(super) fn enter(self: &Arc<Self>, door: &Door) -> Place {
        let present = Present {
            session: door.session,
            operator: door.visitor.operator.clone(),
            role: door.visitor.role,
            since: self.connected.outside.clock.now(),
            looks_at: None,
        };
        self.roster
            .send_modify(|list| Arc::make_mut(list).push(present));
        Place {
            house: Arc::clone(self),
            session: door.session,
        }
    }

    /// The instance as this process has it, with its counts as they are now.
    pub(super) async fn opened(self: &Arc<Self>, door: &Door) -> Result<Opened, AppError> {
        let ours = &self.connected.opened;
        Ok(Opened {
            instance: ours.instance.clone(),
            store: Arc::clone(&ours.store),
            vault: Arc::clone(&ours.vault),
            clock: Arc::clone(&ours.clock),
            recovered: ours.store.recover().await?,
            file: ours.file.clone(),
            log: ours.log.clone(),
            logins: Arc::clone(&ours.logins),
            served: Some(Arc::new(Served {
                house: Arc::clone(self),
                door: door.clone(),
            })),
        })
    }

    /// Lets people in until the house closes; then everybody is told.
    pub(super) async fn receive(self: Arc<Self>, listener: Listener) {
        let mut guests = JoinSet::new();
        loop {
            tokio::select! {
                () = self.closing.cancelled() => break,
                Some(_) = guests.join_next(), if !guests.is_empty() => {}
                accepted = listener.accept(), if guests.len() < GUESTS_MAX + SESSIONS_MAX => {
                    let (stream, peer) = match accepted {
                        Ok(accepted) => accepted,
                        Err(error) => {
                            // Gone before it was taken, or no descriptor is left: the next try may do.
                            tracing::warn!(kind = ?error.kind(), "nobody was let in");
                            self.connected.outside.clock.sleep(RETRY).await;
                            continue;
                        }
                    };
                    let group = self.connected.opened.instance.serve.group.as_deref();
                    if !door::may_knock(peer, group) {
                        tracing::warn!(uid = peer.uid.as_raw(), "refused at the socket");
                        continue;
                    }
                    let house = Arc::clone(&self);
                    guests.spawn(async move {
                        if let Ok(guest) = Guest::hear(stream, peer).await {
                            Box::pin(house.welcome(guest)).await;
                        }
                    });
                }
            }
        }
        drop(listener);
        let told = async { while guests.join_next().await.is_some() {} };
        tokio::select! {
            () = told => {}
            // Whoever takes nothing is not waited for.
            () = self.connected.outside.clock.sleep(FAREWELL) => {}
        }
    }

    /// What becomes of a guest whose line breaks is nobody's business any more.
    async fn welcome(self: Arc<Self>, guest: Guest) {
        let operators = &self.connected.opened.instance.operators;
        let visitor = door::recognise(guest.peer, &guest.hello.claims, operators);
        let ended = match guest.hello.wish.clone() {
            Wish::Console {
                size,
                variables,
                keys,
            } => {
                let keys = keys.map_or(Keys::Default, |(name, text)| Keys::File { name, text });
                let asked = (Look::Screens, Some(size), variables, keys);
                self.seat(guest, visitor, asked).await
            }
            Wish::Linear {
                width,
                variables,
                keys,
            } => {
                let keys = keys.map_or(Keys::Default, |(name, text)| Keys::File { name, text });
                let size = width.map(|width| (width, 24));
                let asked = (Look::Lines, size, variables, keys);
                self.seat(guest, visitor, asked).await
            }
            Wish::Command { arguments, folder } => {
                let door = self.door(visitor);
                let serving =
                    commands::serve(guest, Arc::clone(&self), door, (arguments, folder.into()));
                Box::pin(serving).await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a guest's line broke");
        }
    }

    async fn seat(
        self: &Arc<Self>,
        guest: Guest,
        visitor: Visitor,
        (look, size, variables, keys): (Look, Option<(u16, u16)>, Environment, Keys),
    ) -> std::io::Result<()> {
        if self.roster.borrow().len() >= SESSIONS_MAX {
            let why = format!(
                "{SESSIONS_MAX} consoles are open on this instance, which is as many as there may be; \
                 close one, or use the commands"
            );
            return guest.refuse(why).await;
        }
        // Refused before the terminal is taken.
        if let Err(error) = keys.keymap() {
            return guest.refuse(error.to_string()).await;
        }
        let (ends, line) = match look {
            Look::Screens => guest.seat().await?,
            Look::Lines => guest.seat_lines().await?,
        };
        let visit = Visit {
            door: self.door(visitor),
            variables,
            keys,
            size: size.unwrap_or((80, 24)),
            look,
            width: size.map(|(width, _)| width),
            recorder: None,
        };
        let mut away = Away;
        let sitting = console::sit(self, visit, ends, &mut away);
        // A fault in one console is that console's end and nobody else's.
        let ended = AssertUnwindSafe(sitting).catch_unwind().await;
        line.end(self.farewell(ended.ok())).await
    }

    fn farewell(&self, ended: Option<Result<Ended, AppError>>) -> Farewell {
        let (status, word) = match ended {
            _ if self.closing.is_cancelled() => (
                Status::Done,
                "the process that serves this instance was stopped; what was under way is safe, and \
                 the next start goes on"
                    .to_owned(),
            ),
            Some(Ok(Ended::Left | Ended::Terminated | Ended::HungUp)) => {
                (Status::Done, String::new())
            }
            Some(Ok(Ended::Lines(outcome))) => (lines::status(outcome), String::new()),
            Some(Ok(Ended::Failed(error))) => (Status::Failed, error.to_string()),
            Some(Err(error)) => (error.status(), error.to_string()),
            None => (Status::Failed, AppError::Console.to_string()),
        };
        let status = status as u8;
        Farewell { status, word }
    }
}

impl Place {
    /// What they have open now.
    pub(super) fn look(&self, link: Option<LinkId>) {
        self.house.roster.send_modify(|list| {
            let mut list = Arc::make_mut(list).iter_mut();
            if let Some(present) = list.find(|present| present.session == self.session) {
                present.looks_at = link;
            }
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.house.roster.send_modify(|list| {
            Arc::make_mut(list).retain(|present| present.session != self.session);
        });
    }
}

/// A terminal that its own client suspends.
pub(super) struct Away;

impl Host for Away {
    fn suspend(&mut self) -> std::io::Result<(u16, u16)> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}
