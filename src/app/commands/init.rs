//! `init`: from nothing to a first sync. Asks the few questions, writes an instance file with comments,
//! lets us in, proposes the pairs of fields that fit, examines the set-up, counts what a first sync would
//! do, and writes to the two systems only when the word for it is typed.
//!
//! Whatever step it ends at, it goes on there the next time: the file is there, the logins are kept.

pub(super) mod file;
mod questions;

use std::collections::BTreeMap;
use std::path::Path;

use super::{Place, authorize, doctor, sync};
use crate::app::args::{Authorize, Doctor, Init};
use crate::app::authorize as access;
use crate::app::compose::{self, Mode};
use crate::app::config::{self, Instance};
use crate::app::error::{AppError, Status};
use crate::app::lines;
use crate::app::out::Out;
use crate::app::policy;
use crate::app::run::Goal;
use crate::app::words;
use crate::domain::command::Scope;
use crate::domain::ids::{FieldId, Kind, Side};
use crate::domain::link::Mark;
use crate::domain::mapping::FieldRule;
use crate::domain::record::{LinkPage, Listing};
use crate::domain::request::AutomationDescription;
use crate::domain::setup::{DO_NOT_CONTACT, Pair, Systems, assume, consent, suggestions};
use crate::engine::Writes;
use crate::ports::Store;

/// Typed before anything is written to the two systems.
const WORD: &str = "begin";

/// Conflicts looked through at once.
const PAGE: usize = 500;

pub(super) async fn perform(
    place: &Place,
    asked: &Init,
    out: &mut Out,
) -> Result<Status, AppError> {
    let path = place.file()?.clone();
    let shown = path.display();
    if path.exists() {
        out.note(&format!("{shown} is there already: going on with it"))?;
    } else {
        step(out, 1, "what belongs together")?;
        let answers = questions::ask(place, out).await?;
        file::write(&path, &file::text(&answers))?;
        out.note(&format!(
            "written: {shown}. Everything in it can be changed there"
        ))?;
    }
    let instance = config::load(&path, &place.env)?;
    step(out, 2, "let passerelle in")?;
    Box::pin(let_in(place, asked, out)).await?;
    step(out, 3, "which fields belong to each other")?;
    if !map(place, &path, &instance, out).await? {
        return Ok(Status::WorkRemains);
    }
    step(out, 4, "examine the set-up")?;
    let examined = doctor::before_first_sync(place, &examination(false), out).await?;
    if examined != Status::Done {
        let text = "show what can be mended from here, and ask for each? (y, or enter to go on) ";
        if matches!(
            questions::line(place, text).await?.trim(),
            "y" | "yes" | "o" | "oui"
        ) {
            doctor::perform(place, &examination(true), out).await?;
        }
    }
    step(out, 5, "what a first sync would do; nothing is written")?;
    if !rehearse(place, out).await? {
        return Ok(Status::WorkRemains);
    }
    step(out, 6, "the first sync")?;
    begin(place, out).await
}

fn examination(fix: bool) -> Doctor {
    Doctor {
        checks: Vec::new(),
        brief: true,
        fix,
        yes: false,
        dry_run: false,
        reason: "first set-up".to_owned(),
        json: false,
        is_first: true,
    }
}

fn step(out: &mut Out, number: u8, what: &str) -> Result<(), AppError> {
    out.note("")?;
    out.note(&format!("{number}/6 {what}"))?;
    Ok(())
}

/// What is kept and still good is not asked for again.
async fn let_in(place: &Place, asked: &Init, out: &mut Out) -> Result<(), AppError> {
    for side in Side::BOTH {
        let opened = place.open().await?;
        match access::check(&opened, side).await {
            Ok(identity) => {
                out.note(&format!("{side}: in already, at {}", identity.place_name))?;
                continue;
            }
            Err(AppError::NotLetIn(_)) => {}
            Err(error) => return Err(error),
        }
        drop(opened);
        let login = Authorize {
            side: Some(side.into()),
            paste: asked.paste,
            port: asked.port,
            check: false,
            reason: "first set-up".to_owned(),
            json: false,
        };
        Box::pin(authorize::perform(place, &login, out)).await?;
    }
    Ok(())
}

/// Proposes pairs until the file has some. Answers whether there is a mapping to go on with.
async fn map(
    place: &Place,
    path: &Path,
    instance: &Instance,
    out: &mut Out,
) -> Result<bool, AppError> {
    if !instance.plugin.person.is_empty() {
        out.note("the instance file has its mapping")?;
        return Ok(true);
    }
    let opened = place.open().await?;
    let described = opened.describe().await?;
    let url = instance.automation.base_url.as_str();
    let bare = policy::bare(&instance.plugin, url);
    let systems = Systems {
        salesforce: &described.salesforce,
        automation: &described.automation,
    };
    let mut pairs = suggestions(&bare, systems);
    let has_consent = |(_, pair): &(Kind, Pair)| pair.automation == DO_NOT_CONTACT;
    let sees_opt_outs = pairs.iter().any(has_consent);
    if !sees_opt_outs {
        // Nobody is synced without it: the examination says what hides the field.
        pairs.push((Kind::Person, consent(&bare)));
    }
    let has_email = pairs.iter().any(|(_, pair)| pair.automation == "email");
    if !has_email {
        out.note(
            "Salesforce's Email and Automation's email cannot be mapped to each other: this user may not \
             see one of them. Mend that, then give the command again",
        )?;
        return Ok(false);
    }
    propose(&pairs, &described.automation, out)?;
    if !sees_opt_outs {
        out.note(
            "HasOptedOutOfEmail is not visible to this user on all of them: mend that before the first \
             sync. Step 4 says how",
        )?;
    }
    let left_out = loop {
        let answer = questions::line(
            place,
            "take all of them (enter), or all but these numbers (like 3 7): ",
        )
        .await?;
        match without(&answer, pairs.len()) {
            Some(left_out) => break left_out,
            None => out.note("numbers of the list, with spaces between them")?,
        }
    };
    let chosen = pairs.iter().enumerate();
    let chosen: Vec<(Kind, FieldRule)> = chosen
        .filter(|(index, (_, pair))| is_needed(pair) || !left_out.contains(index))
        .filter_map(|(_, (kind, pair))| {
            let rule = assume(FieldId(0), *kind, pair, &bare.objects)?;
            Some((*kind, rule))
        })
        .collect();
    file::add(path, &file::mapping(&chosen))?;
    out.note(&format!(
        "{} pairs written into the instance file",
        chosen.len()
    ))?;
    Ok(true)
}

/// Numbered, with what stands in the way of their values.
fn propose(
    pairs: &[(Kind, Pair)],
    automation: &AutomationDescription,
    out: &mut Out,
) -> Result<(), AppError> {
    out.note("These pairs fit each other; → gives Salesforce priority:")?;
    for (number, (kind, pair)) in pairs.iter().enumerate() {
        let mut fields = automation.fields(*kind).iter();
        let is_closed = fields.any(|field| field.name == pair.automation && field.hides_choices());
        out.note(&format!(
            "{:>3}  {}",
            number + 1,
            said(*kind, pair, is_closed)
        ))?;
    }
    Ok(())
}

/// People are paired by the one, and kept from being mailed by the other.
fn is_needed(pair: &Pair) -> bool {
    pair.automation == "email" || pair.automation == DO_NOT_CONTACT
}

fn said(kind: Kind, pair: &Pair, is_closed: bool) -> String {
    let of = match kind {
        Kind::Person => pair.objects.iter().map(|object| object.name()).collect(),
        Kind::Company => vec!["Account"],
    };
    let arrow = words::arrow(pair.arrow);
    let closed = if is_closed {
        "   (a closed list of Automation, by its own names, like France; another value is refused)"
    } else {
        ""
    };
    format!(
        "{} {} {arrow} {}{closed}",
        of.join("/"),
        pair.salesforce,
        pair.automation
    )
}

/// The places in the list that are left out; `None` if that was no list of numbers of it.
fn without(answer: &str, count: usize) -> Option<Vec<usize>> {
    let numbers = answer.split([' ', ',']).filter(|part| !part.is_empty());
    numbers
        .map(|part| {
            let number: usize = part.parse().ok()?;
            (1..=count).contains(&number).then(|| number - 1)
        })
        .collect()
}

/// Reads everything, writes nothing, and says what would be written, what waits for a person, and what
/// it costs.
async fn rehearse(place: &Place, out: &mut Out) -> Result<bool, AppError> {
    let mut opened = place.open().await?;
    if compose::take_file_again(&mut opened, place.file()?).await? {
        out.note("the instance file changed since the last rehearsal: it is taken as it is now")?;
    }
    let connected = place.connected(opened).await?;
    let mode = Mode {
        writes: Writes::Count,
        ..Mode::default()
    };
    let report = sync::measured(&connected, mode, Goal::Once(Scope::ALL), out).await?;
    report.print(out)?;
    if !report.stopped.is_empty() || report.is_interrupted {
        return Ok(false);
    }
    let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = LinkPage {
            listing: Listing::Marked(Mark::Conflict),
            after,
            size_max: PAGE,
        };
        let links = connected.opened.store.links(page).await?;
        for conflict in links.iter().flat_map(|link| &link.conflicts) {
            *causes
                .entry(words::cause_of_many(&conflict.cause))
                .or_default() += 1;
        }
        after = links.last().map(|link| link.id);
        if links.len() < PAGE {
            break;
        }
    }
    if !causes.is_empty() {
        out.line("Would wait for a person:")?;
        for (cause, count) in causes {
            out.line(&format!("  {count:>6}  {cause}"))?;
        }
    }
    Ok(true)
}

async fn begin(place: &Place, out: &mut Out) -> Result<Status, AppError> {
    let text = format!(
        "type “{WORD}” to write this to both systems, anything else to leave it for later: "
    );
    // The rehearsal listened for signals, which end nothing by themselves from then on.
    let stopped = lines::stopped()?;
    let answer = tokio::select! {
        answer = questions::line(place, &text) => answer?,
        () = stopped => {
            out.note("")?;
            String::new()
        }
    };
    if answer.trim() != WORD {
        out.note("nothing was written to either system. The same command goes on from here")?;
        return Ok(Status::WorkRemains);
    }
    let connected = place.connect().await?;
    let report = sync::measured(&connected, Mode::default(), Goal::UntilIdle, out).await?;
    report.print(out)?;
    out.note("")?;
    out.note("What is next:")?;
    for line in [
        "  passerelle                      the console: conflicts, queues, the doctor",
        "  passerelle doctor --fix         mend what can be mended from here",
        "  passerelle unit                 the service that keeps the sync running",
        "  [schedule] enabled = true       in the instance file, or on the screen Plugin: hourly runs",
    ] {
        out.note(line)?;
    }
    Ok(report.status())
}
