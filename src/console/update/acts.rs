//! What actions do: open, choose, ask, and offer what can be written in a dialog.

use super::go;
use crate::console::dialog::{Dialog, Frozen};
use crate::console::field::{Field, Lines};
use crate::console::filter::Filter;
use crate::console::language::Language;
use crate::console::model::{Model, Overlay, Prompt, SyncState, Tab, Tone};
use crate::console::msg::Effect;
use crate::console::preview;
use crate::console::query::{Queues, UndoPreview};
use crate::console::screens::contacts::Detail;
use crate::console::screens::decide::Decide;
use crate::console::screens::overview::EVERYTHING;
use crate::console::screens::queues::Row;
use crate::console::slot::Slot;
use crate::console::words::moment;
use crate::domain::command::Command;
use crate::domain::conflict::{Choice, Resolution, Subject};
use crate::domain::ids::{LinkId, Side};
use crate::domain::value::{NotAValue, ValueType};

/// What an operator types to let a person be mailed again.
const OPT_IN_WORD: &str = "opt-in";

/// Samples shown of what a retry sends again.
const SAMPLES_MAX: usize = 10;

/// How much of what failed is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Chosen,
    /// Everything that failed with the same code.
    Cause,
}

fn tell(model: &mut Model, tone: Tone, key: &str) {
    let text = model.shell.language.text(key).to_owned();
    model.shell.toast(tone, text);
}

pub(super) fn refresh(model: &mut Model) {
    model.standing.renew();
    model.queues.slot.renew();
    model.conflicts.slot.renew();
    model.contacts.slot.renew();
    if let Some(open) = &mut model.conflicts.open {
        open.slot.renew();
    }
    if let Some(open) = &mut model.contacts.open {
        open.slot.renew();
    }
}

pub(super) fn open(model: &mut Model) {
    match model.tab {
        Tab::Overview => {
            let tab = model.overview.destination();
            go(model, tab);
        }
        Tab::Queues => {
            let link = model.queues.chosen(model.shell.words()).map(Row::link);
            if let Some(link) = link {
                model.contacts.open = Some(Detail::new(link));
                go(model, Tab::Contacts);
            }
        }
        Tab::Conflicts if model.conflicts.open.is_some() => offer_resolution(model),
        Tab::Conflicts => model.conflicts.open = model.conflicts.chosen().map(Decide::new),
        Tab::Contacts => match &model.contacts.open {
            None => model.contacts.open = model.contacts.chosen().map(Detail::new),
            Some(open) => {
                let link = open.link;
                if open.person().is_some_and(|p| !p.link.conflicts.is_empty()) {
                    model.conflicts.open = Some(Decide::new(link));
                    go(model, Tab::Conflicts);
                } else {
                    tell(model, Tone::Muted, "nothing-to-open");
                }
            }
        },
    }
}

pub(super) fn ask_filter(model: &mut Model) {
    let say = &model.shell.language;
    let typed = match model.tab {
        Tab::Queues => model.queues.filter.typed(),
        _ => model.conflicts.filter.typed(),
    };
    let hint = match model.tab {
        Tab::Queues => "filter-hint-queues",
        _ => "filter-hint-conflicts",
    };
    let field = Field::new(Lines::One, typed);
    let prompt = Prompt::new(
        say.text("filter-title").to_owned(),
        say.text(hint).to_owned(),
        field,
    );
    model.overlay = Some(Overlay::Filter(prompt));
}

/// Shows only what matches, while it is typed.
pub(super) fn filter(model: &mut Model, typed: &str) {
    let words = model.shell.words();
    match model.tab {
        Tab::Queues => {
            model.queues.filter = Filter::new(typed);
            model.queues.settle(words);
        }
        Tab::Conflicts => {
            model.conflicts.filter = Filter::new(typed);
            model.conflicts.settle(words);
        }
        Tab::Overview | Tab::Contacts => {}
    }
}

pub(super) fn ask_whom(model: &mut Model) {
    let say = &model.shell.language;
    let prompt = Prompt::new(
        say.text("search-title").to_owned(),
        say.text("search-hint").to_owned(),
        Field::new(Lines::One, ""),
    );
    model.overlay = Some(Overlay::Search(prompt));
}

pub(super) fn choose(model: &mut Model, choice: Choice) {
    let Some(open) = &mut model.conflicts.open else {
        return;
    };
    if open.conflict().is_some() && !open.choose(choice) {
        tell(model, Tone::Person, "choice-does-not-fit");
    }
}

pub(super) fn clear_choice(model: &mut Model) {
    let open = model.conflicts.open.as_mut();
    if !open.is_some_and(Decide::clear) {
        tell(model, Tone::Muted, "no-choice-here");
    }
}

/// Opens the editor: for a value, or for the number of a record.
pub(super) fn ask_value(model: &mut Model) {
    let words = model.shell.words();
    let say = words.language;
    let open = model.conflicts.open.as_ref();
    let Some((person, conflict)) = open.and_then(|open| open.person().zip(open.conflict())) else {
        return;
    };
    let link = &person.link;
    let (lines, hint, typed) = match conflict.subject {
        Subject::Field(field) => {
            let rule = words.policy.mapping.rule(link.kind, field);
            let hint = match rule.map(|rule| rule.value_type) {
                Some(ValueType::Bool) => "type-hint-bool",
                Some(ValueType::Number) => "type-hint-number",
                Some(ValueType::Date) => "type-hint-date",
                Some(ValueType::Choices) => "type-hint-choices",
                _ => "type-hint-text",
            };
            let shown = link.field(field).and_then(|state| state.salesforce.clone());
            let shown = shown.map_or_else(String::new, |value| value.to_string());
            (Lines::Several, hint, shown)
        }
        Subject::Identity if !preview::candidates(conflict).is_empty() => {
            (Lines::One, "type-hint-record", String::new())
        }
        _ => {
            tell(model, Tone::Person, "choice-does-not-fit");
            return;
        }
    };
    // A text that hides something is not put where it could be sent on unseen.
    let is_plain =
        crate::console::Safe::new(&typed.replace('\n', " ")).as_str() == typed.replace('\n', " ");
    let typed = if is_plain { typed } else { String::new() };
    let title = words.subject(link.kind, conflict.subject);
    let field = Field::new(lines, &typed);
    let prompt = Prompt::new(title, say.text(hint).to_owned(), field);
    model.overlay = Some(Overlay::Editor(prompt));
}

/// Enter in the editor: the value, or why it is none.
pub(super) fn take_typed(model: &mut Model) {
    let Some(Overlay::Editor(prompt)) = &mut model.overlay else {
        return;
    };
    let text = prompt.field.text();
    let open = model.conflicts.open.as_ref();
    let Some((person, conflict)) = open.and_then(|open| open.person().zip(open.conflict())) else {
        model.overlay = None;
        return;
    };
    let read = if let Subject::Field(field) = conflict.subject {
        let rule = model.shell.policy.mapping.rule(person.link.kind, field);
        let value_type = rule.map_or(ValueType::Text, |rule| rule.value_type);
        let typed = value_type.typed(&text).map(Choice::Typed);
        typed.map_err(|not| match not {
            NotAValue::Bool => "not-a-bool",
            NotAValue::Number => "not-a-number",
            NotAValue::Date => "not-a-date",
            NotAValue::Moment => "not-a-moment",
        })
    } else {
        let number: Option<usize> = text.trim().parse().ok();
        let record = number.and_then(|n| preview::candidates(conflict).get(n.checked_sub(1)?));
        record.copied().map(Choice::Pair).ok_or("not-a-record")
    };
    match read {
        Ok(choice) => {
            model.overlay = None;
            choose(model, choice);
        }
        Err(key) => prompt.problem = Some(model.shell.language.text(key).to_owned()),
    }
}

/// The dialog that shows every write of the choices made so far.
pub(super) fn offer_resolution(model: &mut Model) {
    let words = model.shell.words();
    let say = words.language;
    let Some(open) = &model.conflicts.open else {
        return;
    };
    let Some(person) = open.person() else {
        return;
    };
    if open.choices.is_empty() {
        tell(model, Tone::Person, "nothing-chosen");
        return;
    }
    let link = &person.link;
    let mut lines = vec![(Tone::Strong, titled(say, &person.name, link.id))];
    let mut sides: Vec<Side> = Vec::new();
    for (subject, choice) in &open.choices {
        let title = format!(
            "{}: {}",
            words.subject(link.kind, *subject),
            words.choice(choice)
        );
        lines.push((Tone::Plain, title));
        for line in preview::lines(words, link, *subject, choice) {
            lines.push((Tone::Strong, format!("→ {line}")));
        }
        sides.extend(preview::written_sides(link, *subject, choice));
    }
    let undecided = link.conflicts.len() - open.choices.len();
    if undecided > 0 {
        lines.push((Tone::Muted, say.count("stay-undecided", undecided as u64)));
    }
    let cost = if sides.contains(&Side::Salesforce) {
        "cost-salesforce"
    } else {
        "cost-none"
    };
    lines.push((Tone::Muted, say.text(cost).to_owned()));
    let opts_in = open.choices.values().any(|choice| *choice == Choice::OptIn);
    let is_undoable = open.choices.iter().all(|(subject, choice)| {
        matches!(subject, Subject::Field(_)) && !matches!(choice, Choice::KeepBoth | Choice::Retry)
    });
    let undo = if is_undoable {
        "can-be-undone"
    } else {
        "cannot-be-undone"
    };
    lines.push((Tone::Muted, say.text(undo).to_owned()));
    let frozen = Frozen {
        command: Command::Resolve(Resolution {
            link: link.id,
            generation: link.generation,
            choices: open.choices.clone().into_iter().collect(),
        }),
        looked_at: Some((link.id, link.generation)),
    };
    let mut dialog = Dialog::new(say.text("dialog-resolve").to_owned(), lines, frozen);
    if opts_in {
        dialog = dialog.with_word(OPT_IN_WORD);
    }
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

/// A contact's name and its link's number: the name alone may be that of two.
fn titled(say: &Language, name: &str, link: LinkId) -> String {
    let gaps = [("name", name), ("link", &link.to_string())];
    say.with("title-decide", &gaps)
}

fn name_of(queues: Option<&Queues>, link: LinkId) -> String {
    let rows = queues.map_or(&[][..], |queues| &queues.writes.rows);
    let row = rows.iter().find(|row| row.brief.id == link);
    row.map_or_else(String::new, |row| row.brief.name.clone())
}

pub(super) fn offer_sync(model: &mut Model) {
    let say = &model.shell.language;
    let lines = vec![(Tone::Plain, say.text("sync-explained").to_owned())];
    let frozen = Frozen {
        command: Command::RunCycle(EVERYTHING),
        looked_at: None,
    };
    let dialog = Dialog::new(say.text("dialog-sync").to_owned(), lines, frozen);
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

pub(super) fn offer_retry(model: &mut Model, reach: Reach) {
    let words = model.shell.words();
    let say = words.language;
    let chosen = model.queues.chosen(words).filter(|row| row.is_given_up());
    let Some(row) = chosen else {
        tell(model, Tone::Person, "nothing-to-retry");
        return;
    };
    let code = row.code().unwrap_or_default();
    let queues = model.queues.slot.data.as_ref();
    let same = |held: &&crate::domain::activity::HeldActivity| held.failure.code == code;
    let command = match (row, reach) {
        (Row::Write(write), Reach::Chosen) => Command::Retry {
            links: vec![write.brief.id],
        },
        (Row::Write(_), Reach::Cause) => Command::Retry {
            links: queues
                .and_then(|queues| queues.dead.get(&code).cloned())
                .unwrap_or_default(),
        },
        (Row::Held(held), Reach::Chosen) => Command::RetryActivities {
            held: vec![held.clone()],
        },
        (Row::Held(_), Reach::Cause) => Command::RetryActivities {
            held: queues.map_or_else(Vec::new, |queues| {
                queues.held.rows.iter().filter(same).cloned().collect()
            }),
        },
    };
    let (count, samples) = match &command {
        Command::Retry { links } => (
            links.len(),
            links
                .iter()
                .map(|link| titled(say, &name_of(queues, *link), *link))
                .collect::<Vec<_>>(),
        ),
        Command::RetryActivities { held } => (
            held.len(),
            held.iter().map(|held| held.activity.name.clone()).collect(),
        ),
        _ => (0, Vec::new()),
    };
    let kind = match row {
        Row::Write(_) => "retry-writes",
        Row::Held(_) => "retry-activities",
    };
    let mut lines = vec![
        (Tone::Strong, say.count(kind, count as u64)),
        (Tone::Plain, row.failure()),
    ];
    lines.extend(
        samples
            .into_iter()
            .take(SAMPLES_MAX)
            .map(|sample| (Tone::Muted, sample)),
    );
    if count > SAMPLES_MAX {
        let more = (count - SAMPLES_MAX) as u64;
        lines.push((Tone::Muted, say.count("not-shown-lines", more)));
    }
    let frozen = Frozen {
        command,
        looked_at: None,
    };
    let dialog = Dialog::new(say.text("dialog-retry").to_owned(), lines, frozen);
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}

pub(super) fn ask_undo(model: &mut Model) {
    model.undo = Some(Slot::default());
}

/// The last act came: a dialog that shows what taking it back writes.
pub(super) fn offer_undo(model: &mut Model, last: Option<UndoPreview>) {
    if model.overlay.is_some() {
        // Something else was opened meanwhile; it must not be replaced under the operator's hands.
        return;
    }
    let Some(UndoPreview { act, links }) = last else {
        tell(model, Tone::Person, "nothing-to-undo");
        return;
    };
    let words = model.shell.words();
    let say = words.language;
    let at = moment(act.at);
    let gaps = [
        ("act", act.act.as_str()),
        ("object", act.object.as_str()),
        ("by", act.operator.as_str()),
        ("at", at.as_str()),
    ];
    let mut lines = vec![
        (Tone::Strong, say.with("undo-what", &gaps)),
        (
            Tone::Muted,
            say.with("undo-reason", &[("reason", &act.reason)]),
        ),
    ];
    for step in &act.undo {
        let Some((link, name)) = links.iter().find(|(link, _)| link.id == step.link) else {
            continue;
        };
        lines.push((Tone::Plain, titled(say, name, link.id)));
        for line in preview::undo_lines(words, link, step) {
            lines.push((Tone::Strong, format!("→ {line}")));
        }
    }
    lines.push((Tone::Muted, say.text("undo-honest").to_owned()));
    let title = say.text("dialog-undo").to_owned();
    let frozen = Frozen {
        command: Command::Undo { act },
        looked_at: None,
    };
    model.overlay = Some(Overlay::Dialog(Box::new(Dialog::new(title, lines, frozen))));
}

/// The operator confirmed: what the dialog froze is checked once more, then sent as it was shown.
pub(super) fn confirm(model: &mut Model, reason: String) -> Vec<Effect> {
    let Some(Overlay::Dialog(dialog)) = model.overlay.take() else {
        return Vec::new();
    };
    if model.shell.sync == SyncState::Ended {
        tell(model, Tone::Person, "sync-ended");
        return Vec::new();
    }
    if let Some((link, generation)) = dialog.frozen.looked_at
        && let Some(open) = &model.conflicts.open
        && open.link == link
        && open
            .person()
            .is_none_or(|person| person.link.generation != generation)
    {
        tell(model, Tone::Person, "changed-meanwhile");
        return Vec::new();
    }
    if let (Command::Resolve(_), Some(open)) = (&dialog.frozen.command, &mut model.conflicts.open) {
        open.choices.clear();
    }
    tell(model, Tone::Plain, "sent");
    vec![Effect::Command {
        reason,
        command: dialog.frozen.command,
    }]
}
