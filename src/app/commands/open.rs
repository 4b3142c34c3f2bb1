//! `open`: a bundle in the console, to be looked at only. No store, no network, nothing that writes.

use std::io::{self, IsTerminal as _};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use super::{Place, bundle as printed};
use crate::adapters::SystemClock;
use crate::app::args::Open;
use crate::app::bundle::{self, Bundle, Exhibit, Screens};
use crate::app::console::{Look, keys, mouse, tell_afterwards, tongue};
use crate::app::error::{AppError, Status};
use crate::app::lines;
use crate::app::out::Out;
use crate::console::tape::Start;
use crate::console::theme::Theme;
use crate::console::{Ground, Instance, Language, Model, introduced};
use crate::domain::command::Told;
use crate::domain::operator::{Present, Role, SessionId};
use crate::domain::setup::InForce;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::{Span, Timestamp};
use crate::ports::Clock as _;
use crate::session::{self, Ended, Panics, QUESTIONS_MAX, Sent, Time, Tty, TtyWires, Wires};

/// Lines of what stands beside the screens: a hostile bundle must not fill the memory with them.
const PAPERS_MAX: usize = 50_000;

/// The only one there is.
const SESSION: SessionId = SessionId(1);

/// Shown as screens, so not among the papers.
const SCREENS: &str = "screens";

pub(super) async fn perform(
    place: &Place,
    asked: &Open,
    out: &mut Out,
) -> Result<Status, AppError> {
    let path = asked.bundle.display().to_string();
    let unfit = |error: String| AppError::Usage(format!("{path} cannot be shown: {error}"));
    let bundle = bundle::read(&asked.bundle).map_err(unfit)?;
    let prints = asked.json || asked.print || asked.part.is_some();
    if prints && place.is_linear {
        return Err(AppError::Usage(
            "--linear shows the console, and --print, --part and --json print the bundle; say one of them"
                .to_owned(),
        ));
    }
    if prints || !(place.is_linear || is_at_screen(place)) {
        return printed::show(bundle, asked, out);
    }
    let screens = bundle.screens().map_err(unfit)?;
    let made = bundle.made();
    let made = made.ok_or_else(|| unfit("it does not say when it was made".to_owned()))?;
    let papers = papers(&bundle)?;
    look(place, (bundle, screens, made), papers, out).await
}

fn is_at_screen(place: &Place) -> bool {
    let term = place.env.get("TERM").map_or("", String::as_str);
    let is_dumb = matches!(term, "" | "dumb");
    !is_dumb && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The parts that no screen shows, as `--print` prints them.
fn papers(bundle: &Bundle) -> Result<Vec<String>, AppError> {
    let page = printed::Page::default();
    let mut out = Out::new(Box::new(page.clone()), Box::new(io::sink()), false);
    let parts = bundle.0.iter().filter(|(name, _)| *name != SCREENS);
    for (name, part) in parts {
        out.line(&format!("== {name} =="))?;
        printed::paint(name, part, 0, &mut out)?;
        out.line("")?;
    }
    out.flush()?;
    let text = page.text();
    Ok(text.lines().take(PAPERS_MAX).map(str::to_owned).collect())
}

async fn look(
    place: &Place,
    (bundle, screens, made): (Bundle, Screens, Timestamp),
    papers: Vec<String>,
    out: &mut Out,
) -> Result<Status, AppError> {
    let language = Language::new(tongue(&place.env));
    let look = place.look();
    let width = session::width();
    let size = match look {
        Look::Screens => Tty::size()?,
        // Nothing is painted.
        Look::Lines => (width.unwrap_or(80), 24),
    };
    let start = begin(place, (&bundle, &screens, made), size)?;
    let mut model = Model::new(start.settings()?);
    model.exhibit(papers);
    model.warn(greeting(&language, (&bundle, &screens, made)));
    let stage = Stage::over(&screens);
    let panics = Panics::keep();
    place.log.hold();
    let session = async {
        match look {
            Look::Screens => {
                let mut tty = Tty::take(mouse(&place.env))?;
                let (mut wires, desk) = stage.wires(tty.wires()?, (&screens, made));
                let ended = session::drive(&mut model, &mut wires, &mut tty).await;
                tty.end().await;
                desk.abort();
                Ok(ended)
            }
            Look::Lines => {
                let stopped = lines::stopped()?;
                let (mut wires, desk) = stage.wires(session::stdio()?, (&screens, made));
                let ended = tokio::select! {
                    ended = session::drive_lines(&mut model, &mut wires, width) => ended,
                    () = stopped => Ended::Terminated,
                };
                desk.abort();
                Ok(ended)
            }
        }
    };
    let ended = AssertUnwindSafe(session).catch_unwind().await;
    tell_afterwards(&place.log, None, panics, out);
    match ended.unwrap_or(Err(AppError::Console))? {
        Ended::Left | Ended::Terminated | Ended::HungUp => Ok(Status::Done),
        Ended::Lines(outcome) => Ok(lines::status(outcome)),
        Ended::Failed(error) => Err(AppError::Output(error)),
    }
}

fn begin(
    place: &Place,
    (bundle, screens, made): (&Bundle, &Screens, Timestamp),
    size: (u16, u16),
) -> Result<Start, AppError> {
    Ok(Start {
        instance: Instance {
            name: bundle.text("settings", "instance").to_owned(),
            operator: String::new(),
            ground: Ground::Bundle(made),
            session: SESSION,
            role: Role::Viewer,
        },
        policy: screens.in_force().policy,
        tongue: tongue(&place.env),
        theme: Theme::of(|name| place.env.get(name).cloned()),
        keys: keys(&place.env)?,
        now: made,
        size,
    })
}

/// What a running sync would publish, and nobody does: as long as this lives it has not ended.
struct Stage {
    setups: watch::Sender<Arc<InForce>>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    facts: broadcast::Sender<Told>,
    present: watch::Sender<Arc<Vec<Present>>>,
}

impl Stage {
    fn over(screens: &Screens) -> Self {
        Self {
            setups: watch::channel(Arc::new(screens.in_force())).0,
            snapshots: watch::channel(Arc::new(screens.snapshot.clone())).0,
            facts: broadcast::channel(1).0,
            present: watch::channel(Arc::default()).0,
        }
    }

    fn wires(
        &self,
        ends: TtyWires,
        (screens, made): (&Screens, Timestamp),
    ) -> (Wires, JoinHandle<()>) {
        let (setups, snapshots) = (self.setups.subscribe(), self.snapshots.subscribe());
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let (told, answers) = mpsc::channel(QUESTIONS_MAX);
        let exhibit = Exhibit::new(screens, setups.clone(), snapshots.clone());
        let desk = tokio::spawn(exhibit.serve(asked, told));
        let wires = Wires {
            inputs: ends.inputs,
            snapshots,
            setups,
            session: SESSION,
            facts: self.facts.subscribe(),
            present: self.present.subscribe(),
            questions,
            answers,
            commands: Box::new(|_, _| Sent::Denied(Role::Operator)),
            looks: Box::new(|_| {}),
            heard: Box::new(|_| {}),
            frames: ends.frames,
            taken: ends.taken,
            time: Arc::new(Since::new(made)),
        };
        (wires, desk)
    }
}

/// What it is, when and by what it was made, and how much of the instance is in it.
fn greeting(
    language: &Language,
    (bundle, screens, made): (&Bundle, &Screens, Timestamp),
) -> String {
    let by = (
        bundle.text("settings", "instance"),
        bundle.text("versions", "passerelle"),
    );
    let has_screens = bundle.0.contains_key(SCREENS);
    let contacts = has_screens.then_some((screens.len(), screens.counts.links));
    introduced(language, by, made, contacts)
}

/// The time of a bundle: it begins when the bundle was made, so that what is shown is as old as it was.
struct Since {
    made: Timestamp,
    opened: Timestamp,
}

impl Since {
    fn new(made: Timestamp) -> Self {
        let opened = SystemClock.now();
        Self { made, opened }
    }
}

impl Time for Since {
    fn now(&self) -> Timestamp {
        self.made + SystemClock.now().since(self.opened)
    }

    fn sleep(&self, span: Span) -> BoxFuture<'static, ()> {
        SystemClock.sleep(span)
    }
}
