//! `demo` and `sim`: the practice company.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::adapters::SystemClock;
use crate::app::args::{Demo, SetUp, Sim};
use crate::app::commands::{Place, sync};
use crate::app::compose::{Connected, Environment, Mode};
use crate::app::console::{self, Seat};
use crate::app::error::{AppError, Status};
use crate::app::log::Log;
use crate::app::out::Out;
use crate::app::practice::{Practice, Serving};
use crate::app::run::Goal;
use crate::console::Ground;
use crate::domain::time::Timestamp;
use crate::ports::Clock;
use crate::sim::world::{AUTOMATION_KEY, AUTOMATION_SECRET, SALESFORCE_KEY, SALESFORCE_SECRET};

/// Serves both simulators until a signal, and prints how to reach them.
pub(super) async fn sim(arguments: &Sim, out: &mut Out) -> Result<Status, AppError> {
    let practice = Practice {
        seed: arguments.seed,
        people: arguments.people,
        salesforce: arguments.salesforce,
        automation: arguments.automation,
        latency: Duration::from_millis(arguments.latency_ms),
        faults: arguments.faults,
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut serving = practice.serve(Arc::new(SystemClock))?;
    serving.spoil(&arguments.setup.0);
    serving.live_on(arguments.traffic, arguments.seed, Arc::new(SystemClock));
    let folder = scratch()?;
    let file = serving.write_instance(&folder)?;
    out.note("PRACTICE: an invented company on two simulated systems")?;
    out.note(&format!(
        "serving until stopped; its instance file is {}",
        file.display()
    ))?;
    out.note(&format!(
        "bring it to agreement with: passerelle sync --config {} --until-idle",
        file.display()
    ))?;
    out.note(
        "rehearse a login: flow = \"authorization_code\" for both sides in a copy of it, then",
    )?;
    out.note("passerelle authorize --config COPY; the browser's page asks to allow it")?;
    out.note("rehearse a first set-up: passerelle --config NEW init, with these answers:")?;
    let [salesforce, automation] = serving.addresses();
    out.note(&format!(
        "  Salesforce {salesforce}, 2 its own keys: {SALESFORCE_KEY}, secret {SALESFORCE_SECRET}"
    ))?;
    out.note(&format!(
        "  Automation {automation}, 1 API keys: {AUTOMATION_KEY}, secret {AUTOMATION_SECRET}"
    ))?;
    for line in std::fs::read_to_string(&file)?.lines() {
        out.line(line)?;
    }
    out.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    drop(serving);
    std::fs::remove_dir_all(&folder)?;
    Ok(Status::Done)
}

/// The whole program against the simulators, in one process.
pub(super) async fn demo(
    here: &Place,
    arguments: &Demo,
    log: &Log,
    out: &mut Out,
) -> Result<Status, AppError> {
    if !arguments.headless {
        here.check_terminal()?;
    }
    let mut serving = company(arguments)?.serve(Arc::new(SystemClock))?;
    let is_kept = arguments.data.is_some();
    let folder = match &arguments.data {
        Some(folder) => folder.clone(),
        None => scratch()?,
    };
    let file = serving.write_instance(&folder)?;
    if !arguments.headless {
        serving.add_webhook(&file, &folder)?;
        serving.live_on(arguments.traffic, arguments.seed, Arc::new(SystemClock));
    }
    out.note("PRACTICE: an invented company on two simulated systems")?;
    let place = Place {
        file: Some(file.clone()),
        socket: None,
        record: None,
        claims: here.claims.clone(),
        folder: std::path::PathBuf::new(),
        served: None,
        purpose: here.purpose,
        log: log.clone(),
        asker: here.asker.clone(),
        env: detail(&here.env),
        is_linear: here.is_linear,
    };
    let connected = begun(&place, &serving, &arguments.setup).await?;
    let status = if arguments.headless {
        let report = sync::measured(&connected, Mode::default(), Goal::UntilIdle, out).await?;
        drop(connected);
        report.print(out)?;
        report.status()
    } else {
        let seat = Seat {
            claims: here.claims.clone(),
            ground: Ground::Practice,
            file: &file,
            record: here.record.as_deref(),
            env: &here.env,
            look: here.look(),
            log,
        };
        console::open(connected, seat, out).await?.status
    };
    if is_kept {
        out.note(&format!(
            "the practice store is kept in {}",
            folder.display()
        ))?;
    } else {
        log.close();
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(status)
}

/// A sync that worked once. If its set-up is to be wrong, that went wrong since: the first run looks at
/// both systems again.
async fn begun(place: &Place, serving: &Serving, setup: &SetUp) -> Result<Connected, AppError> {
    let mut connected = place.connect().await?;
    if !setup.0.is_empty() {
        serving.spoil(&setup.0);
        Arc::make_mut(&mut connected.described).at = Timestamp::ZERO;
    }
    Ok(connected)
}

fn company(arguments: &Demo) -> Result<Practice, AppError> {
    let any = "127.0.0.1:0"
        .parse()
        .map_err(|_| AppError::Usage("no loopback".to_owned()))?;
    Ok(Practice {
        seed: arguments.seed,
        people: arguments.people,
        salesforce: any,
        automation: any,
        latency: Duration::from_millis(arguments.latency_ms),
        faults: arguments.faults,
    })
}

/// Nothing else of the environment is for an invented company.
fn detail(env: &Environment) -> Environment {
    let detail = env.get_key_value("PASSERELLE_LOG_LEVEL");
    let detail = detail.map(|(name, level)| (name.clone(), level.clone()));
    detail.into_iter().collect()
}

/// A folder of our own that nobody else can have made before us.
pub(super) fn scratch() -> Result<std::path::PathBuf, AppError> {
    let stamp = SystemClock.now().0;
    let name = format!("passerelle-practice-{}-{stamp}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir(&folder)?;
    Ok(folder)
}
