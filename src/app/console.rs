//! The console over a running sync, in one process: starts the pool, hands the session its wires,
//! and stops in order when the operator leaves.

use std::io::IsTerminal as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::app::compose::{Connected, Environment, Mode};
use crate::app::desk::Desk;
use crate::app::error::{AppError, Status};
use crate::app::log::Log;
use crate::app::out::Out;
use crate::app::record::Recorder;
use crate::app::view_state;
use crate::console::keymap::{Keymap, Preset};
use crate::console::tape::{Keys, Start};
use crate::console::theme::Theme;
use crate::console::{Ground, Instance, Kept, Model, Msg, Tongue};
use crate::domain::command::{Command, Fact, Instruction, Scope};
use crate::domain::operator::{Operator, SessionId};
use crate::domain::time::{Span, Timestamp};
use crate::pool::Pool;
use crate::ports::Clock;
use crate::session::{self, Ended, Mouse, Panics, QUESTIONS_MAX, Sent, Time, Tty, TtyWires, Wires};

/// What is done before the operator sits down: activities are left for them to send.
const PRACTICE: Scope = Scope {
    activities: false,
    ..Scope::ALL
};

/// Whoever leaves does not wait longer for answers: what is under way is in doubt, as after a crash.
const LEAVING_MAX: Span = Span::seconds(10);

/// A practice that still writes after so many rounds is going in circles.
const ROUNDS_MAX: u32 = 10;

/// The only one of this process.
const SESSION: SessionId = SessionId(1);

/// Who sits at the terminal, and at what.
pub(super) struct Seat<'a> {
    pub(super) operator: String,
    pub(super) ground: Ground,
    /// Where to record what the console is told.
    pub(super) record: Option<&'a Path>,
    pub(super) env: &'a Environment,
    pub(super) log: &'a Log,
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

/// Runs the sync and the console over it until the operator leaves.
pub(super) async fn open(
    connected: &Connected,
    seat: Seat<'_>,
    out: &mut Out,
) -> Result<Status, AppError> {
    if connected.opened.recovered.is_restored {
        return Err(AppError::Usage(
            "this store was put back from a backup: run `passerelle sync --until-idle` once, which \
             compares and writes nothing, before anything else"
                .to_owned(),
        ));
    }
    let keys = keys(seat.env)?;
    // Refused before anything is started.
    keys.keymap()?;
    let clock = connected.outside.clock.clone();
    let mut engine = connected.engine(Mode::default());
    engine.start_schedule(clock.now());
    let pool = Pool::spawn(engine, connected.outside.clone());
    let practice = match seat.ground {
        Ground::Practice => Some(tokio::spawn(bring_to_agreement(&pool))),
        Ground::Real => None,
    };
    let ended = attend(connected, &pool, &seat, keys, out).await;
    if let Some(task) = practice {
        task.abort();
    }
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
    match ended? {
        Ended::Left | Ended::Terminated | Ended::HungUp => Ok(Status::Done),
        Ended::Failed(error) => Err(AppError::Output(error)),
    }
}

/// The session itself, with the terminal given back whatever happens in it.
async fn attend(
    connected: &Connected,
    pool: &Pool,
    seat: &Seat<'_>,
    keys: Keys,
    out: &mut Out,
) -> Result<Ended, AppError> {
    let start = begin(connected, seat, keys)?;
    let data = &connected.opened.instance.data;
    let mut model = Model::new(start.settings()?);
    let recorder = if let Some(path) = seat.record {
        Some(Recorder::new(path, start, out)?)
    } else {
        // A recording begins with a view that whoever replays it has too.
        match view_state::read(data, &seat.operator) {
            Ok(Some(kept)) => restore(&mut model, kept, seat.env),
            Ok(None) => {}
            Err(error) => model.warn(format!("view: {error}")),
        }
        None
    };
    let mouse = match seat.env.get("PASSERELLE_MOUSE").map(String::as_str) {
        Some("off") => Mouse::Terminals,
        _ => Mouse::Ours,
    };
    let panics = Panics::keep();
    seat.log.hold();
    let session = async {
        let mut tty = Tty::take(mouse)?;
        let (mut wires, desk) = wires(connected, pool, seat, (tty.wires()?, recorder.clone()));
        let ended = session::drive(&mut model, &mut wires, &mut tty).await;
        tty.give_back();
        desk.abort();
        Ok::<_, std::io::Error>(ended)
    };
    // Dropped by a panic, the terminal is given back all the same; the panic is told below.
    let ended = AssertUnwindSafe(session).catch_unwind().await;
    if let Err(error) = view_state::write(data, &seat.operator, &model.kept()) {
        out.note(&format!("the view could not be kept: {error}"))?;
    }
    tell_afterwards(seat.log, recorder, panics, out)?;
    match ended {
        Ok(ended) => Ok(ended?),
        Err(_) => Err(AppError::Console),
    }
}

/// What the session begins with.
fn begin(connected: &Connected, seat: &Seat<'_>, keys: Keys) -> Result<Start, AppError> {
    Ok(Start {
        instance: Instance {
            name: connected.opened.instance.name.clone(),
            operator: seat.operator.clone(),
            ground: seat.ground,
        },
        policy: Arc::clone(&connected.policy),
        tongue: tongue(seat.env),
        theme: Theme::of(|name| seat.env.get(name).cloned()),
        keys,
        now: connected.outside.clock.now(),
        size: Tty::size()?,
    })
}

/// What was kept back while the screen was the console's.
fn tell_afterwards(
    log: &Log,
    recorder: Option<Recorder>,
    panics: Panics,
    out: &mut Out,
) -> Result<(), AppError> {
    let kept = log.release();
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
    connected: &Connected,
    pool: &Pool,
    seat: &Seat<'_>,
    (tty, recorder): (TtyWires, Option<Recorder>),
) -> (Wires, JoinHandle<()>) {
    let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
    let (told, answers) = mpsc::channel(QUESTIONS_MAX);
    let desk = tokio::spawn(Desk::of(connected, pool).serve(asked, told.clone()));
    let commands = pool.commands.clone();
    let operator = seat.operator.clone();
    let send = move |reason, command| {
        let instruction = Instruction {
            session: SESSION,
            operator: Operator {
                name: operator.clone(),
                from: String::new(),
            },
            reason,
            command,
        };
        match commands.try_send(instruction) {
            Ok(()) => Sent::Yes,
            Err(mpsc::error::TrySendError::Full(_)) => Sent::Full,
            Err(mpsc::error::TrySendError::Closed(_)) => Sent::Closed,
        }
    };
    if let Some(recorder) = &recorder {
        // On the screen as well: it holds personal data. The channel is empty, and takes it.
        let _ = told.try_send(Msg::Recording(recorder.path()));
    }
    let clock = Arc::clone(&connected.outside.clock);
    let hear = move |msg: &Msg| {
        if let Some(recorder) = &recorder {
            recorder.hear(clock.now(), msg);
        }
    };
    let wires = Wires {
        inputs: tty.inputs,
        session: SESSION,
        snapshots: pool.snapshots.clone(),
        facts: pool.facts(),
        questions,
        answers,
        commands: Box::new(send),
        heard: Box::new(hear),
        frames: tty.frames,
        taken: tty.taken,
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
            loop {
                match facts.recv().await {
                    Ok(told) if told.fact == Fact::CycleEnded => break,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
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

fn keys(env: &Environment) -> Result<Keys, AppError> {
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
