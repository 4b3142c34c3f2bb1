//! The console over a running sync: its wires, wherever its terminal is; and the process that has both
//! the sync and a terminal, from its start to its end in order.

use std::io::IsTerminal as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::app::compose::{Connected, Environment};
use crate::app::desk::{Desk, Recorded};
use crate::app::door::{self, Door};
use crate::app::error::{AppError, Status};
use crate::app::hooks;
use crate::app::house::{House, Place};
use crate::app::lines;
use crate::app::log::Log;
use crate::app::out::Out;
use crate::app::record::Recorder;
use crate::app::view_state;
use crate::console::keymap::{Keymap, Preset};
use crate::console::tape::{Keys, Start};
use crate::console::theme::Theme;
use crate::console::{Ground, Instance, Kept, Model, Msg, Tongue};
use crate::domain::command::{Command, Fact, Instruction, Scope};
use crate::domain::operator::Present;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::{Span, Timestamp};
use crate::pool::Pool;
use crate::ports::Clock;
use crate::session::wire::Claims;
use crate::session::{
    self, Ended, Host, Listener, Mouse, Panics, QUESTIONS_MAX, Time, Tty, TtyWires, Wires,
};

/// What is done before the operator sits down: activities are left for them to send.
const PRACTICE: Scope = Scope {
    activities: false,
    ..Scope::ALL
};

/// Whoever leaves does not wait longer for answers: what is under way is in doubt, as after a crash.
const LEAVING_MAX: Span = Span::seconds(10);

/// A practice that still writes after so many rounds is going in circles.
const ROUNDS_MAX: u32 = 10;

/// Who sits at the terminal, and at what.
pub(super) struct Seat<'a> {
    pub(super) claims: Claims,
    pub(super) ground: Ground,
    /// The instance file.
    pub(super) file: &'a Path,
    /// Where to record what the console is told.
    pub(super) record: Option<&'a Path>,
    pub(super) env: &'a Environment,
    pub(super) look: Look,
    pub(super) log: &'a Log,
}

/// How a console is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Screens,
    /// Line by line.
    Lines,
}

/// One console: who it is for, and what their terminal is like, wherever it is.
pub(super) struct Visit {
    pub(super) door: Door,
    /// Those of the terminal and the language.
    pub(super) variables: Environment,
    pub(super) keys: Keys,
    pub(super) size: (u16, u16),
    pub(super) look: Look,
    /// Of a terminal that is read by lines.
    pub(super) width: Option<u16>,
    pub(super) recorder: Option<Recorder>,
}

/// Refused before anything is started: a screen needs a terminal.
pub(super) fn check_terminal(env: &Environment) -> Result<(), AppError> {
    let is_dumb = env
        .get("TERM")
        .is_none_or(|term| term == "dumb" || term.is_empty());
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if is_terminal && !is_dumb {
        return Ok(());
    }
    Err(AppError::Usage(
        "the console needs a terminal; without one, use the commands: passerelle --help".to_owned(),
    ))
}

/// How a console with a sync of its own ended.
pub(super) struct Closed {
    pub(super) status: Status,
    /// The operator left, and something would have gone on.
    pub(super) leaves_work: bool,
}

/// Runs the sync and the console over it until the operator leaves. Others may join meanwhile.
pub(super) async fn open(
    connected: Connected,
    seat: Seat<'_>,
    out: &mut Out,
) -> Result<Closed, AppError> {
    check_compared(&connected)?;
    let keys = keys(seat.env)?;
    // Refused before anything is started.
    keys.keymap()?;
    connected.opened.vault.ask_ahead().await?;
    let clock = connected.outside.clock.clone();
    let file = seat.file.to_owned();
    let (house, pool, chronicle) = House::open(connected, seat.ground, file);
    #[cfg(debug_assertions)]
    if let Some(what) = seat.env.get(crate::pool::breaking::BREAKS) {
        house.handle.journal.breaks.ask(what);
    }
    let mut practice = match seat.ground {
        Ground::Practice => Some(tokio::spawn(bring_to_agreement(&pool))),
        Ground::Real | Ground::Bundle(_) => None,
    };
    let reception = receive(&house, out)?;
    let receiver = match hooks::begin(&house).await {
        Ok(receiver) => receiver,
        Err(error) => {
            // What people do is found by reading, later.
            out.note(&error.to_string())?;
            None
        }
    };
    let ended = match seat.look {
        Look::Screens => attend(&house, &seat, keys, out).await,
        Look::Lines => lines::attend(&house, &seat, keys, (practice.as_mut(), out)).await,
    };
    if let Some(task) = practice {
        task.abort();
    }
    if matches!(ended, Ok(Ended::HungUp)) {
        linger(&house).await;
    }
    let leaves_work = matches!(ended, Ok(Ended::Left)) && house.is_at_work();
    house.closing.cancel();
    for task in reception.into_iter().chain(receiver) {
        // Whoever is still there is told; a fault there changes nothing here.
        let _ = task.await;
    }
    let stopped = stop(pool, &*clock, out).await;
    chronicle.end().await;
    stopped?;
    match ended? {
        Ended::Left | Ended::Terminated | Ended::HungUp => Ok(Closed {
            status: Status::Done,
            leaves_work,
        }),
        Ended::Lines(outcome) => Ok(Closed {
            status: lines::status(outcome),
            leaves_work: false,
        }),
        Ended::Failed(error) => Err(AppError::Output(error)),
    }
}

/// What a backup brought back is compared before anything is written.
pub(super) fn check_compared(connected: &Connected) -> Result<(), AppError> {
    if connected.opened.recovered.is_restored {
        return Err(AppError::Usage(
            "this store was put back from a backup: run `passerelle sync --until-idle` once, which \
             compares and writes nothing, before anything else"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Opens the socket for others. Without one this console works all the same, and says so.
fn receive(house: &Arc<House>, out: &mut Out) -> Result<Option<JoinHandle<()>>, AppError> {
    let serve = &house.connected.opened.instance.serve;
    match Listener::bind(&serve.socket, serve.group.as_deref()) {
        Ok(listener) => Ok(Some(tokio::spawn(Arc::clone(house).receive(listener)))),
        Err(error) => {
            out.note(&format!(
                "nobody else can attach to this console: {}: {error}",
                serve.socket.display()
            ))?;
            Ok(None)
        }
    }
}

/// The line dropped, and nobody asked the work to stop: what is under way ends first, and whoever
/// attached meanwhile stays until they leave.
async fn linger(house: &House) {
    let is_over = at_rest(house.handle.snapshots.clone(), house.present());
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::error!(%error, "no signal could be listened for");
            return;
        }
    };
    tokio::select! {
        () = is_over => {}
        _ = terminate.recv() => {}
    }
}

/// Until nothing is under way and nobody is there, both at once.
async fn at_rest(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    mut present: watch::Receiver<Arc<Vec<Present>>>,
) {
    loop {
        // What is waited for is let go at once: the pool cannot publish while it is held. A pool that
        // ended has nothing under way.
        let has_ended = snapshots.wait_for(|now| now.is_idle).await.is_err();
        let has_closed = present.wait_for(|now| now.is_empty()).await.is_err();
        if has_ended || has_closed {
            return;
        }
        let is_idle = snapshots.borrow().is_idle;
        if is_idle && present.borrow().is_empty() {
            return;
        }
    }
}

/// Stops the pool in order.
pub(super) async fn stop(pool: Pool, clock: &dyn Clock, out: &mut Out) -> Result<(), AppError> {
    // A dead line cannot be told, and must not keep the sync from stopping in order.
    let _ = out.note("stopping: what is under way ends first");
    pool.stop();
    tokio::select! {
        ended = pool.ended() => {
            ended?;
        }
        () = clock.sleep(LEAVING_MAX) => {
            let _ = out.note(
                "requests under way did not end in time; the next start looks at what became of them",
            );
        }
    }
    Ok(())
}

/// The session at this process's own terminal, which is given back whatever happens in it.
async fn attend(
    house: &Arc<House>,
    seat: &Seat<'_>,
    keys: Keys,
    out: &mut Out,
) -> Result<Ended, AppError> {
    let operators = &house.connected.opened.instance.operators;
    let visitor = door::ourselves(&seat.claims, operators);
    let mut visit = Visit {
        door: house.door(visitor),
        variables: seat.env.clone(),
        keys,
        size: Tty::size()?,
        look: Look::Screens,
        width: None,
        recorder: None,
    };
    if let Some(path) = seat.record {
        visit.recorder = Some(Recorder::new(path, begin(house, &visit), out)?);
    }
    let recorder = visit.recorder.clone();
    let mouse = mouse(seat.env);
    let panics = Panics::keep();
    seat.log.hold();
    let session = async {
        let mut tty = Tty::take(mouse)?;
        let ends = tty.wires()?;
        let ended = sit(house, visit, ends, &mut tty).await;
        tty.end().await;
        ended
    };
    // Dropped by a panic, the terminal is given back all the same; the panic is told below.
    let ended = AssertUnwindSafe(session).catch_unwind().await;
    tell_afterwards(seat.log, recorder, panics, out);
    ended.unwrap_or(Err(AppError::Console))
}

pub(super) fn mouse(env: &Environment) -> Mouse {
    match env.get("PASSERELLE_MOUSE").map(String::as_str) {
        Some("off") => Mouse::Terminals,
        _ => Mouse::Ours,
    }
}

/// One console from its first screen to its last, wherever its terminal is.
pub(super) async fn sit(
    house: &Arc<House>,
    visit: Visit,
    ends: TtyWires,
    host: &mut dyn Host,
) -> Result<Ended, AppError> {
    let data = &house.connected.opened.instance.data;
    let operator = visit.door.visitor.operator.name.clone();
    let mut model = Model::new(begin(house, &visit).settings()?);
    // A script begins at the same place every time.
    let is_kept = visit.look == Look::Screens || visit.width.is_some();
    // A recording begins with a view that whoever replays it has too.
    if visit.recorder.is_none() && is_kept {
        match view_state::read(data, &operator) {
            Ok(Some(kept)) => restore(&mut model, kept, &visit.variables),
            Ok(None) => {}
            Err(error) => model.warn_of_view(&error),
        }
    }
    let place = house.enter(&visit.door);
    let (look, width) = (visit.look, visit.width);
    let (mut wires, desk) = wires(house, visit, ends, place);
    let session = async {
        match look {
            Look::Screens => session::drive(&mut model, &mut wires, host).await,
            Look::Lines => session::drive_lines(&mut model, &mut wires, width).await,
        }
    };
    let ended = tokio::select! {
        ended = session => ended,
        () = house.closing.cancelled() => Ended::Terminated,
    };
    desk.abort();
    if is_kept {
        // What cannot be read was told when the session began.
        let other = view_state::read(data, &operator).ok().flatten();
        if let Err(error) = view_state::write(data, &operator, &model.kept_beside(other)) {
            tracing::warn!(%error, "the view could not be kept");
        }
    }
    Ok(ended)
}

/// What the session begins with.
pub(super) fn begin(house: &House, visit: &Visit) -> Start {
    let variables = &visit.variables;
    Start {
        instance: Instance {
            name: house.connected.opened.instance.name.clone(),
            operator: visit.door.visitor.operator.name.clone(),
            ground: house.ground,
            session: visit.door.session,
            role: visit.door.visitor.role,
        },
        policy: Arc::clone(&house.handle.setups.borrow().policy),
        tongue: tongue(variables),
        theme: Theme::of(|name| variables.get(name).cloned()),
        keys: visit.keys.clone(),
        now: house.connected.outside.clock.now(),
        size: visit.size,
    }
}

/// What was kept back while the screen was the console's, as far as anybody is there to hear it: a line
/// that dropped changes nothing of what comes after.
pub(super) fn tell_afterwards(
    log: &Log,
    recorder: Option<Recorder>,
    panics: Panics,
    out: &mut Out,
) {
    out.be_brief();
    let _ = tell_kept(log.release(), recorder, panics, out);
}

fn tell_kept(
    kept: crate::app::log::Kept,
    recorder: Option<Recorder>,
    panics: Panics,
    out: &mut Out,
) -> std::io::Result<()> {
    if kept.dropped > 0 {
        out.note(&format!("{} older log lines not kept", kept.dropped))?;
    }
    for line in kept.lines {
        out.note(&line)?;
    }
    if let Some(recorder) = recorder {
        recorder.tell(out)?;
    }
    for panic in panics.end() {
        for line in panic.lines() {
            out.note(line)?;
        }
    }
    Ok(())
}

/// As it was left; what the environment says for this session goes before.
fn restore(model: &mut Model, mut kept: Kept, env: &Environment) {
    let is_set = |name: &str| env.get(name).is_some_and(|value| !value.is_empty());
    if is_set("PASSERELLE_LANG") {
        kept.language.clear();
    }
    if is_set("PASSERELLE_THEME") {
        kept.theme.clear();
    }
    model.restore(&kept);
}

fn wires(
    house: &Arc<House>,
    visit: Visit,
    ends: TtyWires,
    place: Place,
) -> (Wires, JoinHandle<()>) {
    let (connected, handle) = (&house.connected, &house.handle);
    let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
    let (told, answers) = mpsc::channel(QUESTIONS_MAX);
    let role = visit.door.visitor.role;
    let recorded = Recorded {
        door: visit.door.clone(),
        pool: handle.clone(),
    };
    let desk = Desk::of(connected, handle)
        .for_role(role)
        .recording(recorded)
        .at_door(Arc::clone(house), visit.door.clone());
    let desk = tokio::spawn(desk.serve(asked, told.clone()));
    let (door, recorder) = (visit.door, visit.recorder);
    let session = door.session;
    if let Some(recorder) = &recorder {
        // On the screen as well: it holds personal data. The channel is empty, and takes it.
        let _ = told.try_send(Msg::Recording(recorder.path()));
    }
    let clock = Arc::clone(&connected.outside.clock);
    #[cfg(debug_assertions)]
    let journal = Arc::clone(&handle.journal);
    let hear = move |msg: &Msg| {
        #[cfg(debug_assertions)]
        if matches!(msg, Msg::Key(_)) {
            journal.breaks.pressed();
        }
        if let Some(recorder) = &recorder {
            recorder.hear(clock.now(), msg);
        }
    };
    let wires = Wires {
        inputs: ends.inputs,
        session,
        snapshots: handle.snapshots.clone(),
        setups: handle.setups.clone(),
        facts: handle.facts(),
        present: house.present(),
        questions,
        answers,
        commands: Box::new(move |reason, command| door.send(&reason, command)),
        looks: Box::new(move |link| place.look(link)),
        heard: Box::new(hear),
        frames: ends.frames,
        taken: ends.taken,
        time: Arc::new(ClockTime(connected.outside.clock.clone())),
    };
    (wires, desk)
}

struct ClockTime(Arc<dyn Clock>);

impl Time for ClockTime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, span: Span) -> BoxFuture<'static, ()> {
        self.0.sleep(span)
    }
}

/// Practice begins with two systems that never met: cycle after cycle, until one writes nothing.
pub(super) fn bring_to_agreement(pool: &Pool) -> impl Future<Output = ()> + Send + use<> {
    let commands = pool.commands.clone();
    let mut facts = pool.facts();
    let snapshots = pool.snapshots.clone();
    async move {
        let cycle = || Instruction::ourselves(Command::RunCycle(PRACTICE));
        let mut written = None;
        for _ in 0..ROUNDS_MAX {
            if commands.send(cycle()).await.is_err() {
                return;
            }
            // Another one may be under way, because of a hint: ours begins after it.
            let mut has_begun = false;
            loop {
                match facts.recv().await {
                    Ok(told) if told.fact == Fact::CycleStarted => has_begun = true,
                    Ok(told) if told.fact == Fact::CycleEnded && has_begun => break,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => has_begun = true,
                    Err(RecvError::Closed) => return,
                }
            }
            let now = snapshots.borrow().totals.written.clone();
            if written.as_ref() == Some(&now) {
                return;
            }
            written = Some(now);
        }
    }
}

/// The operator's keys: a preset if one is named, else their own file, else the default.
pub(super) fn keymap(env: &Environment, preset: Option<&str>) -> Result<Keymap, AppError> {
    if let Some(name) = preset {
        let preset = Preset::named(name).ok_or_else(|| {
            AppError::Usage(format!(
                "there is no keymap “{name}”: default, vim or emacs"
            ))
        })?;
        return Ok(Keymap::preset(preset)?);
    }
    Ok(keys(env)?.keymap()?)
}

pub(super) fn keys(env: &Environment) -> Result<Keys, AppError> {
    let Some(path) = keys_file(env).filter(|path| path.exists()) else {
        return Ok(Keys::Default);
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| AppError::Usage(format!("{} cannot be read: {error}", path.display())))?;
    let name = path.display().to_string();
    Ok(Keys::File { name, text })
}

fn keys_file(env: &Environment) -> Option<PathBuf> {
    let set = |name| env.get(name).filter(|value| !value.is_empty());
    let folder = set("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".config")))?;
    Some(folder.join("passerelle").join("keys.toml"))
}

pub(super) fn tongue(env: &Environment) -> Tongue {
    let set = |name: &&str| env.get(*name).filter(|value| !value.is_empty());
    ["PASSERELLE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(set)
        .map_or(Tongue::English, |locale| Tongue::of_locale(locale))
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::*;
    use crate::domain::operator::{Operator, Role, SessionId};

    fn idle(is_idle: bool) -> Arc<Snapshot> {
        Arc::new(Snapshot {
            is_idle,
            ..Snapshot::default()
        })
    }

    #[test]
    fn whoever_waits_for_the_others_to_leave_holds_up_nobody() {
        let somebody = Present {
            session: SessionId(2),
            operator: Operator::default(),
            role: Role::Viewer,
            since: Timestamp::ZERO,
            looks_at: None,
        };
        let (publish, snapshots) = watch::channel(idle(true));
        let (roster, present) = watch::channel(Arc::new(vec![somebody]));
        let mut waiting = Box::pin(at_rest(snapshots, present));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(waiting.as_mut().poll(&mut context), Poll::Pending);
        // The pool goes on meanwhile.
        let (done, published) = std::sync::mpsc::sync_channel(1);
        let pool = std::thread::spawn(move || {
            publish.send_replace(idle(false));
            publish.send_replace(idle(true));
            done.send(()).unwrap();
            publish
        });
        published.recv_timeout(Duration::from_secs(30)).unwrap();
        roster.send_replace(Arc::default());
        assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready(()));
        drop(pool.join());
    }
}
