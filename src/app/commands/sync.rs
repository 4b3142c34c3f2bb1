//! `sync`: bring both systems to agreement, then say what was done.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::args::{Once, Sync};
use crate::app::commands::Place;
use crate::app::compose::{Connected, Mode};
use crate::app::error::{AppError, Status};
use crate::app::out::Out;
use crate::app::run::{Ended, Goal, run};
use crate::domain::command::{BySide, Command, Scope};
use crate::domain::ids::Side;
use crate::domain::link::Mark;
use crate::domain::operator::Role;
use crate::domain::record::{Batch, Change};
use crate::engine::{Brake, Writes};
use crate::ports::Store;

/// What a sync did. The object that `--json` prints; its names are a contract.
#[derive(Debug, Clone, Serialize)]
pub(in crate::app) struct Report {
    pub read: BySide,
    pub written: BySide,
    pub calls: BySide,
    pub unchanged: u64,
    /// Contacts and companies with fields that differ on purpose.
    pub diverged: u64,
    /// Contacts and companies that wait for a person.
    pub conflicts: u64,
    /// Activities that wait for a person or for their contact.
    pub held: u64,
    /// Writes that were given up.
    pub dead: u64,
    pub ignored: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_write: Option<BySide>,
    pub seconds: f64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stopped: BTreeMap<String, String>,
    #[serde(skip)]
    pub is_braked: bool,
    #[serde(skip)]
    pub is_interrupted: bool,
    #[serde(skip)]
    pub is_circling: bool,
}

pub(super) async fn perform(
    place: &Place,
    arguments: &Sync,
    out: &mut Out,
) -> Result<Status, AppError> {
    let goal = match (arguments.until_idle, arguments.once) {
        (_, Some(once)) => Goal::Once(scope(once)),
        (true, None) => Goal::UntilIdle,
        (false, None) => {
            return Err(AppError::Usage(
                "say --until-idle, or --once with what to do".to_owned(),
            ));
        }
    };
    let mode = Mode {
        writes: if arguments.dry_run {
            Writes::Count
        } else {
            Writes::Send
        },
        brake: if arguments.release_brake {
            Brake::Released
        } else {
            Brake::DEFAULT
        },
    };
    let goal = if arguments.dry_run && arguments.until_idle {
        Goal::Once(Scope::ALL)
    } else {
        goal
    };
    let connected = place.connect().await?;
    place.require(
        &connected.opened,
        Role::needed(&Command::RunCycle(Scope::ALL)),
    )?;
    if arguments.release_brake {
        place.require(
            &connected.opened,
            Role::needed(&Command::ReleaseBrake { writes: 0 }),
        )?;
    }
    let report = measured(&connected, mode, goal, out).await?;
    report.print(out)?;
    Ok(report.status())
}

const fn scope(once: Once) -> Scope {
    let none = Scope::OUTBOX;
    match once {
        Once::Pull => Scope { pull: true, ..none },
        Once::Push => Scope { push: true, ..none },
        Once::Activities => Scope {
            activities: true,
            ..none
        },
        Once::All => Scope::ALL,
    }
}

/// Runs to the goal and reports.
pub(super) async fn measured(
    connected: &Connected,
    mode: Mode,
    goal: Goal,
    out: &mut Out,
) -> Result<Report, AppError> {
    if connected.opened.recovered.is_restored && mode.writes == Writes::Send {
        return compare_restored(connected, goal, out).await;
    }
    let began = connected.opened.clock.now();
    let ended = run(connected, mode, goal, out).await?;
    let counts = connected.opened.store.recover().await?.counts;
    let mark = |mark| counts.marks.get(&mark).copied().unwrap_or_default();
    let seconds = connected.opened.clock.now().since(began).0 as f64 / 1_000.0;
    Ok(report(ended, seconds, counts.held_activities, mark, mode))
}

/// Yesterday's agreement may be older than today's values: the first run on a restored store reads
/// and compares, writes nowhere, and says what the next one would write.
async fn compare_restored(
    connected: &Connected,
    goal: Goal,
    out: &mut Out,
) -> Result<Report, AppError> {
    if matches!(goal, Goal::Command(_) | Goal::Look(_)) {
        return Err(AppError::Usage(
            "this store was put back from a backup: run `passerelle sync --until-idle` once, which \
             compares and writes nothing, before anything else"
                .to_owned(),
        ));
    }
    let mode = Mode {
        writes: Writes::Count,
        ..Mode::default()
    };
    let goal = Goal::Once(Scope::ALL);
    let report = Box::pin(measured(connected, mode, goal, out)).await?;
    connected
        .opened
        .store
        .commit(Batch(vec![Change::ConfirmRestored]))
        .await?;
    out.note("this store was put back from a backup: nothing was written, only compared")?;
    out.note("look at what would be written; the next sync writes it")?;
    Ok(report)
}

fn report(ended: Ended, seconds: f64, held: u64, mark: impl Fn(Mark) -> u64, mode: Mode) -> Report {
    let Ended {
        snapshot,
        is_interrupted,
        is_circling,
    } = ended;
    let totals = snapshot.totals;
    let stopped = snapshot
        .stopped
        .into_iter()
        .map(|(side, failure)| (side.to_string().to_lowercase(), failure.to_string()))
        .collect();
    Report {
        read: totals.read,
        written: totals.written,
        calls: totals.calls,
        unchanged: totals.unchanged,
        diverged: mark(Mark::Diverged),
        conflicts: mark(Mark::Conflict),
        held,
        dead: mark(Mark::Dead),
        ignored: totals.ignored,
        would_write: (mode.writes == Writes::Count).then_some(totals.would_write),
        seconds,
        stopped,
        is_braked: snapshot.is_braked,
        is_interrupted,
        is_circling,
    }
}

impl Report {
    /// The status that scripts rely on.
    pub(in crate::app) fn status(&self) -> Status {
        if !self.stopped.is_empty() || self.is_interrupted || self.is_circling {
            Status::Failed
        } else if self.conflicts + self.held + self.dead > 0 || self.is_braked {
            Status::WorkRemains
        } else {
            Status::Done
        }
    }

    pub(in crate::app) fn print(&self, out: &mut Out) -> Result<(), AppError> {
        if out.is_json() {
            out.json(self)?;
            return Ok(());
        }
        for (title, by_side) in [
            ("Read", Some(&self.read)),
            ("Written", Some(&self.written)),
            ("Would be written", self.would_write.as_ref()),
            ("Calls", Some(&self.calls)),
        ] {
            if let Some(by_side) = by_side {
                for side in Side::BOTH {
                    print_side(out, title, side, by_side)?;
                }
            }
        }
        out.figure("Nothing new", &self.unchanged.to_string(), "")?;
        for (reason, count) in &self.ignored {
            let words = crate::app::words::ignored(reason);
            out.figure("Left out", &count.to_string(), words)?;
        }
        out.figure("Differ on purpose", &self.diverged.to_string(), "")?;
        self.print_remaining(out)?;
        out.figure("Time", &format!("{:.1} s", self.seconds), "")?;
        Ok(())
    }

    fn print_remaining(&self, out: &mut Out) -> Result<(), AppError> {
        let remaining = [
            (self.conflicts, "Conflicts", "see: passerelle conflicts"),
            (self.held, "Activities held", "see: passerelle queues"),
            (self.dead, "Writes given up", "see: passerelle queues"),
        ];
        for (count, title, remedy) in remaining {
            let remedy = if count > 0 { remedy } else { "" };
            out.figure(title, &count.to_string(), remedy)?;
        }
        for (side, failure) in &self.stopped {
            out.line(&format!("Stopped at {side}: {failure}"))?;
        }
        if self.is_braked {
            out.line("Stopped by the brake: very many records would have been overwritten")?;
        }
        if self.is_interrupted {
            out.line("Interrupted; what was under way is safe, and the next sync goes on")?;
        }
        if self.is_circling {
            out.line("Still writing after many rounds: something changes our values back")?;
        }
        Ok(())
    }
}

fn print_side(out: &mut Out, title: &str, side: Side, by_side: &BySide) -> std::io::Result<()> {
    let kinds = match side {
        Side::Salesforce => &by_side.salesforce,
        Side::Automation => &by_side.automation,
    };
    let detail: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    let total = by_side.sum(side).to_string();
    out.figure(&format!("{title}, {side}"), &total, &detail.join(", "))
}
