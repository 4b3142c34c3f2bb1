//! Reading again, setting aside, taking apart and taking back: one contact, or those who are deleted or
//! opted out. Nobody is opted in from here.

use super::{SAMPLES_MAX, tell};
use crate::console::dialog::{Dialog, Frozen};
use crate::console::field::{Field, Lines};
use crate::console::keymap::Action;
use crate::console::model::{Model, Overlay, Prompt, Tab, Target, Targets, Tone};
use crate::console::query::{FlagRow, Person};
use crate::console::screens::contacts::Detail;
use crate::console::screens::flags::entry::Entry;
use crate::console::words::{Words, moment};
use crate::domain::command::Command;
use crate::domain::conflict::Subject;
use crate::domain::flag::{Urgency, flags};
use crate::domain::ids::LinkId;
use crate::domain::time::{Span, Timestamp};
use crate::domain::value::{Value, ValueType};

/// The longest that can be asked for in days; whoever means longer means until it is taken back.
const DAYS_MAX: i64 = 3_650;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    ReadAgain,
    /// `None`: until it is taken back.
    SetAside(Option<Timestamp>),
    /// Take the pair of records apart.
    Unlink,
    TakeBack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Chosen,
    /// Exactly what the filter shows.
    Shown,
}

/// What one of this screen's own actions does.
pub(in crate::console) fn run(model: &mut Model, action: Action) {
    let reach = match action {
        Action::ReadShownAgain | Action::SetShownAside | Action::TakeShownBack => Reach::Shown,
        _ => Reach::Chosen,
    };
    match action {
        Action::ReadAgain | Action::ReadShownAgain => offer(model, Deed::ReadAgain, reach),
        Action::TakeBack | Action::TakeShownBack => offer(model, Deed::TakeBack, reach),
        Action::Unlink => offer(model, Deed::Unlink, reach),
        _ => ask_until(model, reach),
    }
}

fn offer(model: &mut Model, deed: Deed, reach: Reach) {
    if let Some(targets) = some_targets(model, reach) {
        offer_for(model, deed, targets);
    }
}

/// Setting aside asks first until when; whom it is about stays what it was.
fn ask_until(model: &mut Model, reach: Reach) {
    let Some(targets) = some_targets(model, reach) else {
        return;
    };
    let say = &model.shell.language;
    let prompt = Prompt::new(
        say.text("until-title").to_owned(),
        say.text("until-hint").to_owned(),
        Field::new(Lines::One, ""),
    );
    model.overlay = Some(Overlay::Until(prompt, targets));
}

/// Enter in the date: the dialog, or why it is none.
pub(in crate::console) fn take_until(model: &mut Model) {
    let Some(Overlay::Until(prompt, targets)) = &mut model.overlay else {
        return;
    };
    match until(&prompt.field.text(), model.shell.now) {
        Ok(until) => {
            let targets = targets.clone();
            offer_for(model, Deed::SetAside(until), targets);
        }
        Err(key) => prompt.problem = Some(model.shell.language.text(key).to_owned()),
    }
}

/// Nothing, a number of days from now, or the beginning of a day in the future.
fn until(text: &str, now: Timestamp) -> Result<Option<Timestamp>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(days) = text.parse::<i64>() {
        let is_sane = (1..=DAYS_MAX).contains(&days);
        let until = is_sane.then(|| now + Span::days(days));
        return until.map(Some).ok_or("not-until");
    }
    match ValueType::Date.typed(text) {
        Ok(Value::Date(day)) => {
            let at = Timestamp::ZERO + Span::days(i64::from(day.0));
            (at > now).then_some(Some(at)).ok_or("until-past")
        }
        _ => Err("not-until"),
    }
}

/// Whom it is about, or a word that it is about nobody.
fn some_targets(model: &mut Model, reach: Reach) -> Option<Targets> {
    let targets = targets(model, reach);
    let nobody = match reach {
        Reach::Chosen => "choose-first",
        Reach::Shown => "nobody-shown",
    };
    if targets.rows.is_empty() {
        tell(model, Tone::Person, nobody);
        return None;
    }
    Some(targets)
}

/// Each contact once, though it may be deleted and opted out.
fn targets(model: &Model, reach: Reach) -> Targets {
    let words = model.shell.words();
    let screen = &model.screens.flags;
    let open = match model.tab {
        Tab::Contacts => model.screens.contacts.open.as_ref().map(Detail::person),
        Tab::Conflicts => match &model.screens.conflicts.open {
            Some(open) => Some(open.person()),
            None => return in_conflict(model),
        },
        _ => screen.open.as_ref().map(Entry::person),
    };
    if let Some(person) = open {
        let rows = person.map(|person| opened(words, person));
        return Targets {
            rows: rows.into_iter().collect(),
            more: 0,
        };
    }
    let (rows, more): (Vec<&FlagRow>, u64) = match reach {
        Reach::Chosen => (screen.chosen(model.scene()).into_iter().collect(), 0),
        Reach::Shown => {
            let more = screen.slot.data.as_ref().map_or(0, |page| page.more);
            (screen.rows(model.scene()), more)
        }
    };
    let mut targets: Vec<Target> = Vec::new();
    for row in rows {
        let differs = row.flag.standing.urgency() < Urgency::Settled;
        let known = targets.iter_mut().find(|t| t.link == row.brief.id);
        match known {
            Some(known) => known.differs |= differs,
            None => targets.push(Target {
                link: row.brief.id,
                name: row.brief.name.clone(),
                is_set_aside: row.is_set_aside(),
                differs,
            }),
        }
    }
    Targets {
        rows: targets,
        more,
    }
}

/// The chosen contact of those that wait for a person.
fn in_conflict(model: &Model) -> Targets {
    let line = model.screens.conflicts.chosen(model.scene());
    let rows = line.map(|line| line.row).map(|row| Target {
        link: row.brief.id,
        name: row.brief.name.clone(),
        is_set_aside: false,
        differs: row
            .conflicts
            .iter()
            .any(|conflict| matches!(conflict.subject, Subject::Consent | Subject::Deletion)),
    });
    Targets {
        rows: rows.into_iter().collect(),
        more: 0,
    }
}

fn opened(words: Words<'_>, person: &Person) -> Target {
    let flags = flags(&person.link, &words.policy.mapping);
    Target {
        link: person.link.id,
        name: person.name.clone(),
        is_set_aside: person.link.is_set_aside(),
        differs: flags
            .iter()
            .any(|flag| flag.standing.urgency() < Urgency::Settled),
    }
}

fn offer_for(model: &mut Model, deed: Deed, targets: Targets) {
    let Targets { rows, more } = targets;
    let shown = rows.len();
    let rows: Vec<Target> = match deed {
        Deed::TakeBack => rows.into_iter().filter(|row| row.is_set_aside).collect(),
        Deed::ReadAgain | Deed::SetAside(_) | Deed::Unlink => rows,
    };
    if rows.is_empty() {
        tell(model, Tone::Person, "nobody-set-aside");
        return;
    }
    let words = model.shell.words();
    let say = words.language;
    let mut lines = vec![(Tone::Strong, what(words, deed, rows.len()))];
    // What follows from it comes before the samples: it must not be what a small screen leaves out.
    lines.extend(consequences(words, deed, &rows));
    for (key, count) in [
        ("not-set-aside", (shown - rows.len()) as u64),
        ("not-in-list", more),
    ] {
        if count > 0 {
            lines.push((Tone::Muted, say.count(key, count)));
        }
    }
    let names = rows.iter().map(|row| words.titled(&row.name, row.link));
    lines.extend(names.take(SAMPLES_MAX).map(|name| (Tone::Plain, name)));
    if rows.len() > SAMPLES_MAX {
        let hidden = (rows.len() - SAMPLES_MAX) as u64;
        lines.push((Tone::Muted, say.count("not-shown-lines", hidden)));
    }
    let links = rows.iter().map(|row| row.link).collect();
    let (title, command) = command(deed, links);
    let frozen = Frozen {
        command,
        looked_at: None,
    };
    let dialog = Dialog::new(say.text(title).to_owned(), lines, frozen);
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

fn what(words: Words<'_>, deed: Deed, count: usize) -> String {
    let say = words.language;
    let count = count as u64;
    match deed {
        Deed::ReadAgain => say.count("read-again", count),
        Deed::TakeBack => say.count("take-back", count),
        Deed::Unlink => say.count("unlink", count),
        Deed::SetAside(None) => say.count("aside-open", count),
        Deed::SetAside(Some(until)) => {
            let until = format!("{} ({})", moment(until), words.relative(until));
            say.count_with("aside-until", count, &[("until", &until)])
        }
    }
}

/// What it costs, or keeps from happening meanwhile.
fn consequences(words: Words<'_>, deed: Deed, rows: &[Target]) -> Vec<(Tone, String)> {
    let say = words.language;
    if matches!(deed, Deed::ReadAgain | Deed::TakeBack) {
        return vec![(Tone::Muted, say.text("cost-read-again").to_owned())];
    }
    let mut lines = Vec::new();
    let differing = rows.iter().filter(|row| row.differs).count() as u64;
    if differing > 0 {
        lines.push((Tone::Person, say.count("aside-warning", differing)));
    }
    lines.push((Tone::Muted, say.text("can-be-taken-back").to_owned()));
    lines
}

fn command(deed: Deed, links: Vec<LinkId>) -> (&'static str, Command) {
    match deed {
        Deed::ReadAgain => ("dialog-read-again", Command::Check { links }),
        Deed::SetAside(until) => ("dialog-set-aside", Command::SetAside { links, until }),
        Deed::Unlink => ("dialog-unlink", Command::Unlink { links }),
        Deed::TakeBack => ("dialog-take-back", Command::TakeBack { links }),
    }
}
