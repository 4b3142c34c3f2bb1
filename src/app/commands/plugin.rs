//! `plugin`: what is configured, and changing it: by hand, by a file, or back to an older version.
//! Everything is said before it is put in force.

mod edit;
pub(in crate::app) mod file;
mod proposed;
mod told;

use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::app::args::{Configuring, Plugin as Asked, PluginCommand};
use crate::app::commands::sync::Report;
use crate::app::commands::{Place, lists, sync};
use crate::app::compose::{Connected, Mode, Opened};
use crate::app::config::{self, ConfigError};
use crate::app::desk::Desk;
use crate::app::error::{AppError, Refused, Status};
use crate::app::out::Out;
use crate::app::policy::{self, MappingProblem};
use crate::app::run::Goal;
use crate::console::query::{Answer, Foreseen, Plugin, Query};
use crate::domain::command::{Command, Refusal};
use crate::domain::mapping::{FieldRule, Policy};
use crate::domain::operator::Role;
use crate::domain::record::PolicyVersion;
use crate::domain::setup::{Draft, Objection, Pair, Systems, suggestions};
use crate::ports::Store as _;
pub(in crate::app::commands) use proposed::Proposed;

/// A longer file is no configuration, and does not fit into one message to the serving process.
const FILE_BYTES_MAX: u64 = 200_000;

/// Versions that are listed.
const VERSIONS_MAX: usize = 10_000;

pub(super) async fn perform(
    place: &Place,
    asked: &Asked,
    out: &mut Out,
) -> Result<Status, AppError> {
    match &asked.what {
        None => show(place, out).await,
        Some(PluginCommand::Suggest) => suggest(place, out).await,
        Some(PluginCommand::Versions) => versions(place, out).await,
        Some(PluginCommand::Diff { other, text }) => {
            diff(place, (other.as_deref(), text.as_deref()), out).await
        }
        Some(PluginCommand::Export {
            file,
            version,
            force,
        }) => export(place, (file.as_deref(), *version, *force), out).await,
        Some(PluginCommand::Import {
            file,
            text,
            configuring,
        }) => import(place, (file, text.as_deref()), configuring, out).await,
        Some(PluginCommand::RollBack {
            version,
            configuring,
        }) => roll_back(place, *version, configuring, out).await,
        Some(change) => by_hand(place, change, out).await,
    }
}

/// Reads the file that the command names, here: the process that carries it out may be another
/// account's. Answers what has to be passed on for it.
pub(super) fn read(asked: &mut Asked) -> Result<Vec<String>, AppError> {
    let (file, text) = match &mut asked.what {
        Some(PluginCommand::Import { file, text, .. }) => (file.clone(), text),
        Some(PluginCommand::Diff {
            other: Some(other),
            text,
        }) if number(other).is_none() => (PathBuf::from(&*other), text),
        _ => return Ok(Vec::new()),
    };
    let found = text_of(&file)?;
    *text = Some(found.clone());
    Ok(vec![format!("--text={found}")])
}

fn text_of(path: &Path) -> Result<String, AppError> {
    let shown = path.display().to_string();
    let failed = |source| ConfigError::Read {
        path: shown.clone(),
        source,
    };
    let file = fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(AppError::Usage(format!(
            "{shown} is longer than any configuration"
        )));
    }
    Ok(text)
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// What a change is made from.
struct Ground {
    connected: Connected,
    plugin: Plugin,
}

impl Ground {
    async fn of(place: &Place) -> Result<Self, AppError> {
        let connected = place.connect().await?;
        let answer = Desk::over(&connected).answer(Query::Plugin).await?;
        let Answer::Plugin(plugin) = answer else {
            return Err(AppError::NothingYet);
        };
        Ok(Self {
            connected,
            plugin: *plugin,
        })
    }

    fn draft(&self) -> Draft {
        let Plugin {
            version,
            policy,
            timetable,
            next,
            ..
        } = &self.plugin;
        Draft::new(*version, policy, *timetable, *next)
    }

    fn systems(&self) -> Systems<'_> {
        Systems {
            salesforce: &self.plugin.described.salesforce,
            automation: &self.plugin.described.automation,
        }
    }

    async fn foresee(&self, draft: &Draft) -> Result<Foreseen, AppError> {
        let query = Query::Forecast(Box::new(draft.policy.clone()));
        match Desk::over(&self.connected).answer(query).await? {
            Answer::Forecast(seen) => Ok(*seen),
            _ => Ok(Foreseen::default()),
        }
    }

    /// A draft that goes back to an older version.
    async fn back_to(&self, number: u32) -> Result<Draft, AppError> {
        let version = version(&self.connected.opened, number).await?;
        let mut draft = self.draft();
        draft.go_back(version, self.plugin.versions.first());
        Ok(draft)
    }

    /// A draft of what a file says, with what it leaves as it is told.
    fn draft_of(&self, name: &str, text: &str, out: &mut Out) -> Result<Draft, AppError> {
        let setup = config::setup(name, text)?;
        for section in &setup.left_out {
            out.note(&format!(
                "{name}: [{section}] is left out; only [plugin], [schedule] and [[mapping.…]] are \
                 taken"
            ))?;
        }
        for (section, is_there) in [
            ("[plugin]", setup.plugin.is_some()),
            ("[schedule]", setup.timetable.is_some()),
            ("[[mapping.…]]", setup.mapping.is_some()),
        ] {
            if !is_there {
                out.note(&format!("{name}: no {section}, which stays as it is"))?;
            }
        }
        let policy = policy::on(&self.plugin.policy, &setup, &self.plugin.described);
        let policy = policy.map_err(|problems| AppError::Mapping {
            path: name.to_owned(),
            problems,
        })?;
        let mut draft = self.draft();
        draft.replace(policy);
        if let Some(timetable) = setup.timetable {
            draft.timetable = timetable;
        }
        let problems = lines_of(&setup, &draft, &draft.objections(&self.plugin.described));
        if problems.is_empty() {
            return Ok(draft);
        }
        let path = name.to_owned();
        Err(AppError::Mapping { path, problems })
    }
}

/// Refusals of rules that a file has, with the line.
fn lines_of(setup: &config::Setup, draft: &Draft, against: &[Objection]) -> Vec<MappingProblem> {
    let mapped = setup.mapping.iter().flatten().flatten();
    let mapped: Vec<_> = mapped.collect();
    let refused = against.iter().filter(|objection| objection.is_refusal());
    let found = refused.filter_map(|objection| {
        let (kind, id) = objection.about?;
        let rule = draft.policy.mapping.rule(kind, id)?;
        let mapped = mapped.iter().find(|one| one.pair == Pair::of(rule))?;
        Some(MappingProblem {
            line: mapped.line,
            problem: told::objection(objection),
        })
    });
    found.collect()
}

async fn version(opened: &Opened, number: u32) -> Result<PolicyVersion, AppError> {
    let mut versions = opened.store.policies(VERSIONS_MAX).await?.into_iter();
    let found = versions.find(|version| version.version == number);
    found.ok_or_else(|| {
        AppError::Usage(format!(
            "there is no version {number}; see: passerelle plugin versions"
        ))
    })
}

async fn show(place: &Place, out: &mut Out) -> Result<Status, AppError> {
    let (opened, policy) = lists::known(place).await?;
    let in_force = opened.in_force(policy);
    if out.is_json() {
        out.json(&json!({
            "version": in_force.version,
            "timetable": in_force.timetable,
            "policy": *in_force.policy,
            "suspended": in_force.suspended,
        }))?;
    } else {
        told::setup(&in_force, out)?;
    }
    Ok(Status::Done)
}

async fn suggest(place: &Place, out: &mut Out) -> Result<Status, AppError> {
    let ground = Ground::of(place).await?;
    let found = suggestions(&ground.plugin.policy, ground.systems());
    if out.is_json() {
        let found = found.iter().map(|(kind, pair)| {
            json!({
                "kind": file::kind(*kind),
                "salesforce": pair.salesforce,
                "objects": pair.objects,
                "automation": pair.automation,
                "arrow": pair.arrow,
            })
        });
        let found: Vec<_> = found.collect();
        out.json(&json!({ "suggestions": found }))?;
        return Ok(Status::Done);
    }
    if found.is_empty() {
        out.line("No usual pair is left to be added.")?;
    }
    for (kind, pair) in found {
        out.line(&format!(
            "passerelle plugin add {} {} {} {}",
            file::kind(kind),
            pair.salesforce,
            file::arrow(pair.arrow),
            pair.automation
        ))?;
    }
    Ok(Status::Done)
}

async fn versions(place: &Place, out: &mut Out) -> Result<Status, AppError> {
    let (opened, _) = lists::known(place).await?;
    let versions = opened.store.policies(VERSIONS_MAX).await?;
    let listed = told::versions(&versions);
    if out.is_json() {
        out.json(&json!({ "versions": listed }))?;
        return Ok(Status::Done);
    }
    for version in listed {
        version.print(out)?;
    }
    Ok(Status::Done)
}

async fn diff(
    place: &Place,
    (other, text): (Option<&str>, Option<&str>),
    out: &mut Out,
) -> Result<Status, AppError> {
    let ground = Ground::of(place).await?;
    let draft = match (other, text) {
        (Some(name), Some(text)) => ground.draft_of(name, text, out)?,
        (Some(version), None) => {
            let number = number(version).ok_or_else(|| {
                AppError::Usage(format!("{version} is neither a version nor was it read"))
            })?;
            ground.back_to(number).await?
        }
        (None, _) => {
            let file = place.file()?;
            let (name, text) = (file.display().to_string(), text_of(file)?);
            ground.draft_of(&name, &text, out)?
        }
    };
    let against = draft.objections(&ground.plugin.described);
    let seen = if draft.is_changed() {
        Some(ground.foresee(&draft).await?)
    } else {
        None
    };
    if out.is_json() {
        out.json(&told::json(&draft, &against, seen.as_ref()))?;
    } else {
        told::draft(&draft, &against, seen.as_ref(), &mut |line| out.line(line))?;
    }
    Ok(Status::Done)
}

async fn export(
    place: &Place,
    (to, number, force): (Option<&Path>, Option<u32>, bool),
    out: &mut Out,
) -> Result<Status, AppError> {
    let (opened, policy) = lists::known(place).await?;
    let in_force = opened.in_force(policy);
    let (policy, timetable) = match number {
        None => ((*in_force.policy).clone(), in_force.timetable),
        Some(number) => {
            let found = version(&opened, number).await?;
            let timetable = found.timetable.unwrap_or(in_force.timetable);
            (found.policy, timetable)
        }
    };
    let text = file::text(&policy, &timetable);
    let Some(to) = to else {
        for line in text.lines() {
            out.line(line)?;
        }
        return Ok(Status::Done);
    };
    let path = place.written(&opened, to)?;
    let shown = path.display().to_string();
    file::put(&path, &text, force).map_err(|error| {
        AppError::Usage(format!(
            "{shown} cannot be written ({error}); name a new file, or say --force to put it in the \
             place of one that is there"
        ))
    })?;
    out.line(&format!(
        "{} pairs written to {shown}",
        rules(&policy).count()
    ))?;
    Ok(Status::Done)
}

fn rules(policy: &Policy) -> impl Iterator<Item = &FieldRule> {
    policy.mapping.person.iter().chain(&policy.mapping.company)
}

async fn import(
    place: &Place,
    (file, text): (&Path, Option<&str>),
    configuring: &Configuring,
    out: &mut Out,
) -> Result<Status, AppError> {
    let ground = Ground::of(place).await?;
    let name = file.display().to_string();
    let text = text.unwrap_or_default();
    let draft = ground.draft_of(&name, text, out)?;
    save(place, ground, draft, configuring, out).await
}

async fn roll_back(
    place: &Place,
    number: u32,
    configuring: &Configuring,
    out: &mut Out,
) -> Result<Status, AppError> {
    let ground = Ground::of(place).await?;
    let draft = ground.back_to(number).await?;
    save(place, ground, draft, configuring, out).await
}

async fn by_hand(place: &Place, change: &PluginCommand, out: &mut Out) -> Result<Status, AppError> {
    let ground = Ground::of(place).await?;
    let mut draft = ground.draft();
    let configuring = edit::make(change, &mut draft, ground.systems())?;
    save(place, ground, draft, configuring, out).await
}

/// Says what would change and what that would do; then, if it is wanted, puts it in force.
async fn save(
    place: &Place,
    ground: Ground,
    draft: Draft,
    configuring: &Configuring,
    out: &mut Out,
) -> Result<Status, AppError> {
    let command = Command::Configure {
        based_on: draft.based_on,
        policy: Box::new(draft.policy.clone()),
        timetable: draft.timetable,
    };
    place.require(&ground.connected.opened, Role::needed(&command))?;
    let against = draft.objections(&ground.plugin.described);
    let refused: Vec<Objection> = against.iter().filter(|o| o.is_refusal()).cloned().collect();
    if !refused.is_empty() {
        let refused = Refused::from(Refusal::Objected(refused));
        return Err(AppError::Refused(refused));
    }
    if !draft.is_changed() {
        if out.is_json() {
            out.json(&told::json(&draft, &against, None))?;
        } else {
            told::draft(&draft, &against, None, &mut |line| out.line(line))?;
        }
        return Ok(Status::Done);
    }
    let seen = ground.foresee(&draft).await?;
    if out.is_json() && configuring.dry_run {
        out.json(&told::json(&draft, &against, Some(&seen)))?;
        return Ok(Status::Done);
    }
    let is_json = out.is_json();
    told::draft(&draft, &against, Some(&seen), &mut |line| {
        if is_json {
            out.note(line)
        } else {
            out.line(line)
        }
    })?;
    if configuring.dry_run {
        return Ok(Status::Done);
    }
    if !configuring.yes && !is_wanted(place, out)? {
        out.note("nothing was changed")?;
        return Ok(Status::Done);
    }
    let report = put(place, &ground.connected, &configuring.reason, command, out).await?;
    report.print(out)?;
    Ok(report.status())
}

async fn put(
    place: &Place,
    connected: &Connected,
    reason: &str,
    command: Command,
    out: &mut Out,
) -> Result<Report, AppError> {
    let instruction = place.instruction(&connected.opened, reason, command)?;
    let goal = Goal::Command(instruction);
    let report = sync::measured(connected, Mode::default(), goal, out).await?;
    out.note(if report.is_interrupted {
        "interrupted; whether it is in force, `passerelle plugin versions` says"
    } else {
        "it is in force; `passerelle plugin versions` lists it"
    })?;
    Ok(report)
}

fn is_wanted(place: &Place, out: &mut Out) -> Result<bool, AppError> {
    if place.served.is_some() || !io::stdin().is_terminal() {
        return Err(AppError::Usage(
            "nobody can be asked here whether to put it in force; say --yes, or --dry-run"
                .to_owned(),
        ));
    }
    out.flush()?;
    out.note("put it in force? (y, or anything else for no)")?;
    let mut answer = String::new();
    io::stdin().lock().take(64).read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "yes" | "o" | "oui"))
}

#[cfg(test)]
mod tests;
