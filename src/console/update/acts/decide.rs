//! Choosing for a conflict, and offering what the choices write.

use super::tell;
use crate::console::dialog::{Dialog, Frozen};
use crate::console::field::{Field, Lines};
use crate::console::model::{Model, Overlay, Prompt, Tab, Tone};
use crate::console::preview;
use crate::console::screens::decide::Decide;
use crate::domain::command::Command;
use crate::domain::conflict::{Choice, Resolution, Subject};
use crate::domain::ids::{LinkId, Side};
use crate::domain::value::{NotAValue, ValueType};

/// What an operator types to let a person be mailed again.
const OPT_IN_WORD: &str = "opt-in";

pub(in crate::console) fn choose(model: &mut Model, choice: Choice) {
    if let Some(told) = in_vain(model, &choice) {
        model.shell.toast(Tone::Person, told);
        return;
    }
    let Some(open) = &mut model.screens.conflicts.open else {
        return;
    };
    if open.conflict().is_some() && !open.choose(choice) {
        tell(model, Tone::Person, "choice-does-not-fit");
    }
}

/// Why the choice would only fail again, if it would.
fn in_vain(model: &Model, choice: &Choice) -> Option<String> {
    let open = model.screens.conflicts.open.as_ref()?;
    let (person, conflict) = open.person().zip(open.conflict())?;
    let again = preview::in_vain(&person.link, conflict, choice)?;
    Some(again.told(model.shell.words()))
}

pub(in crate::console) fn clear_choice(model: &mut Model) {
    let open = model.screens.conflicts.open.as_mut();
    if !open.is_some_and(Decide::clear) {
        tell(model, Tone::Muted, "no-choice-here");
    }
}

/// Opens the editor: for a value, or for the number of a record.
pub(in crate::console) fn ask_value(model: &mut Model) {
    let words = model.shell.words();
    let say = words.language;
    let open = model.screens.conflicts.open.as_ref();
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
pub(in crate::console) fn take_typed(model: &mut Model) {
    let Some(Overlay::Editor(prompt)) = &mut model.overlay else {
        return;
    };
    let text = prompt.field.text();
    let open = model.screens.conflicts.open.as_ref();
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
    let said = |key| model.shell.language.text(key).to_owned();
    let read = read.map_err(said).and_then(|choice| {
        match preview::in_vain(&person.link, conflict, &choice) {
            Some(again) => Err(again.told(model.shell.words())),
            None => Ok(choice),
        }
    });
    match read {
        Ok(choice) => {
            model.overlay = None;
            choose(model, choice);
        }
        Err(problem) => prompt.problem = Some(problem),
    }
}

/// Leaving a contact forgets nothing that was chosen for it.
pub(in crate::console) fn say_kept(model: &mut Model, left: Option<LinkId>) {
    let kept = left.map_or(0, |link| model.screens.conflicts.kept(link));
    if model.tab == Tab::Conflicts && kept > 0 {
        let text = model.shell.language.count("choices-kept", kept);
        model.shell.toast(Tone::Plain, text);
    }
}

/// The dialog that shows every write of the choices made so far.
pub(in crate::console) fn offer_resolution(model: &mut Model) {
    let words = model.shell.words();
    let say = words.language;
    let Some(open) = &model.screens.conflicts.open else {
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
    if model.asked.sent.decides(link.id) {
        tell(model, Tone::Plain, "sent");
        return;
    }
    let mut lines = vec![(Tone::Strong, words.titled(&person.name, link.id))];
    if let Some(other) = model.company() {
        lines.push((Tone::Person, words.company(other)));
        lines.push((Tone::Person, say.text("company-warning").to_owned()));
    }
    let choices = open.choices.iter();
    let sides: Vec<Side> = choices
        .clone()
        .flat_map(|(subject, choice)| preview::written_sides(link, *subject, choice))
        .collect();
    let cost = if sides.contains(&Side::Salesforce) {
        "cost-salesforce"
    } else {
        "cost-none"
    };
    let opts_in = open.choices.values().any(|choice| *choice == Choice::OptIn);
    let is_undoable = open.choices.iter().all(|(subject, choice)| {
        matches!(subject, Subject::Field(_)) && !matches!(choice, Choice::KeepBoth | Choice::Retry)
    });
    let undo = if is_undoable {
        (Tone::Muted, "can-be-undone")
    } else {
        (Tone::Person, "cannot-be-undone")
    };
    // What follows comes before the writes: it must not be what a small screen leaves out.
    for (tone, key) in [(Tone::Muted, cost), undo] {
        lines.push((tone, say.text(key).to_owned()));
    }
    let undecided = link.conflicts.len() - open.choices.len();
    if undecided > 0 {
        lines.push((Tone::Muted, say.count("stay-undecided", undecided as u64)));
    }
    for (subject, choice) in choices {
        let subject_named = words.subject(link.kind, *subject);
        let title = words.labelled(&subject_named, &words.choice(choice));
        lines.push((Tone::Plain, title));
        for line in preview::lines(words, link, *subject, choice) {
            lines.push((Tone::Strong, format!("→ {line}")));
        }
    }
    let frozen = Frozen {
        command: Command::Resolve(vec![Resolution {
            link: link.id,
            generation: link.generation,
            choices: open.choices.clone().into_iter().collect(),
        }]),
        looked_at: Some((link.id, link.generation)),
    };
    let mut dialog = Dialog::new(say.text("dialog-resolve").to_owned(), lines, frozen);
    if opts_in {
        dialog = dialog.with_word(OPT_IN_WORD, "dialog-word");
    }
    model.overlay = Some(Overlay::Dialog(Box::new(dialog)));
}
