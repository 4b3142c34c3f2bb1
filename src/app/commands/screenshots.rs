//! `screenshots`: pictures of the console over the practice company, as SVG.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::adapters::SystemClock;
use crate::app::args::{Faults, Screenshots, Spoken};
use crate::app::commands::practice::scratch;
use crate::app::compose::{self, Connected, Environment, Mode};
use crate::app::console::bring_to_agreement;
use crate::app::error::{AppError, Status};
use crate::app::out::Out;
use crate::app::picture;
use crate::app::practice::Practice;
use crate::app::stage::Stage;
use crate::console::keymap::{Keymap, Preset};
use crate::console::theme::{Depth, Shade, Signs, Theme};
use crate::console::{Ground, Instance, Language, Model, Settings, Tongue};
use crate::domain::operator::{Role, SessionId};
use crate::domain::time::{Span, Timestamp};
use crate::pool::Pool;
use crate::ports::Clock;

/// 2026-03-04 09:15:00 UTC: when the pictures' world begins, so that all of them tell one time.
const BEGINNING: Timestamp = Timestamp(1_772_615_700_000);

/// When somebody looks at it, by the console's clock: later than anything the sync does, and far enough
/// from a full minute that what is shown in minutes is always the same.
const LOOKED_AT: Span = Span::seconds(150);

const SEED: u64 = 1;
const PEOPLE: u32 = 400;
const OPERATOR: &str = "claire";

/// Wide enough for the columns, narrow enough to be read beside a text.
const SIZE: (u16, u16) = (100, 30);

/// What leads from the screen before to this one.
struct Scene {
    name: &'static str,
    steps: &'static [Step],
}

enum Step {
    Keys(&'static str),
    Text(&'static str),
}

use Step::{Keys, Text};

const SCENES: [Scene; 6] = [
    Scene {
        name: "overview",
        steps: &[],
    },
    Scene {
        name: "decide",
        steps: &[Keys("3 enter")],
    },
    Scene {
        name: "write",
        steps: &[Keys("a w"), Text("asked by phone")],
    },
    Scene {
        name: "flags",
        steps: &[Keys("enter enter 5")],
    },
    Scene {
        name: "backfill",
        steps: &[Keys("6 B enter")],
    },
    Scene {
        name: "audit",
        steps: &[Keys("esc 9")],
    },
];

/// The machine's clock, as far from now as the pictures' world is.
struct Elsewhen(Span);

impl Clock for Elsewhen {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0
    }

    fn sleep(&self, span: Span) -> BoxFuture<'static, ()> {
        SystemClock.sleep(span)
    }
}

pub(super) async fn perform(arguments: &Screenshots, out: &mut Out) -> Result<Status, AppError> {
    let any = "127.0.0.1:0"
        .parse()
        .map_err(|_| AppError::Usage("no loopback".to_owned()))?;
    let practice = Practice {
        seed: SEED,
        people: PEOPLE,
        salesforce: any,
        automation: any,
        latency: Duration::ZERO,
        faults: Faults::None,
    };
    let clock: Arc<dyn Clock> = Arc::new(Elsewhen(BEGINNING.since(SystemClock.now())));
    let serving = practice.serve(Arc::clone(&clock))?;
    let folder = scratch()?;
    let file = serving.write_instance(&folder)?;
    let opened = compose::open_at(&file, &Environment::new(), clock).await?;
    let connected = compose::connect(opened, &file).await?;
    std::fs::create_dir_all(&arguments.out)?;
    let tongue = match arguments.lang {
        Spoken::En => Tongue::English,
        Spoken::Fr => Tongue::French,
    };
    let done = Box::pin(play(&connected, tongue, &arguments.out, out)).await;
    drop(connected);
    std::fs::remove_dir_all(&folder)?;
    done.map(|()| Status::Done)
}

async fn play(
    connected: &Connected,
    tongue: Tongue,
    folder: &Path,
    out: &mut Out,
) -> Result<(), AppError> {
    let mut engine = connected.engine(Mode::default(), connected.opened.recovered.clone());
    engine.start_schedule(connected.outside.clock.now());
    let pool = Pool::spawn(engine, connected.outside.clone());
    bring_to_agreement(&pool).await;
    let now = BEGINNING + LOOKED_AT;
    let model = Model::new(settings(connected, tongue, now)?);
    let mut stage = Box::pin(Stage::new(model, connected, &pool, (OPERATOR, now))).await?;
    for scene in SCENES {
        for step in scene.steps {
            match step {
                Keys(keys) => stage.keys(keys).await?,
                Text(text) => stage.type_text(text).await?,
            }
        }
        let path = folder.join(format!("{}.svg", scene.name));
        let title = format!("passerelle: {}", scene.name);
        std::fs::write(&path, picture::svg(&stage.screen(), &title))?;
        out.line(&path.display().to_string())?;
    }
    drop(stage);
    pool.stop();
    pool.ended().await?;
    Ok(())
}

fn settings(connected: &Connected, tongue: Tongue, now: Timestamp) -> Result<Settings, AppError> {
    Ok(Settings {
        instance: Instance {
            name: connected.opened.instance.name.clone(),
            operator: OPERATOR.to_owned(),
            ground: Ground::Practice,
            session: SessionId(1),
            role: Role::Admin,
        },
        policy: Arc::clone(&connected.policy),
        language: Language::new(tongue),
        theme: Theme {
            depth: Depth::True,
            shade: Shade::Dark,
            signs: Signs::Unicode,
        },
        keymap: Keymap::preset(Preset::Default)?,
        now,
        size: SIZE,
    })
}
