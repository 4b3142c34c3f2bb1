//! The edits of a draft: switches, lists, texts, arrows, options, pairs that come and go.

use super::{acted_on, draft, put, save, say_drafted, settle, tell};
use crate::console::boxes::{Boxes, Choice, Ticked};
use crate::console::dialog::OnYes;
use crate::console::field::{Field, Lines};
use crate::console::model::{Model, Overlay, Prompt, Tone};
use crate::console::picker::{Pick, Picker};
use crate::console::screens::plugin::{Detail, Key, Mark};
use crate::console::words::{Time, Words};
use crate::domain::ids::{FieldId, Kind, SalesforceObject};
use crate::domain::mapping::{Arrow, BlankTravel, Concurrent, FieldRule, Overwritten, Role};
use crate::domain::setup::{Pair, Set, Setting, Timetable, is_namespace};
use crate::domain::time::Span;

/// The editor for the chosen line; a switch is turned at once.
pub(in crate::console) fn change(model: &mut Model) {
    let Some(key) = acted_on(model) else {
        return;
    };
    match key {
        Key::Setting(Setting::AutomationUrl) => tell(model, Tone::Muted, "set-where-connection"),
        Key::Setting(setting) => change_setting(model, setting),
        Key::Time(Time::Schedule) => {
            put(model, |draft| {
                draft.timetable.is_enabled = !draft.timetable.is_enabled;
            });
            say_drafted(model);
        }
        Key::Time(time) => ask_time(model, time),
        Key::Rule(kind, id) => open_options(model, kind, id),
        Key::Version(_) => tell(model, Tone::Muted, "version-rolls-back"),
        Key::Draft => tell(model, Tone::Muted, "draft-so-far"),
    }
}

fn change_setting(model: &mut Model, setting: Setting) {
    let Some(value) = model
        .screens
        .plugin
        .shown()
        .map(|shown| shown.value(setting))
    else {
        return;
    };
    match value {
        Set::Switch(_) if setting == Setting::Published => publish(model),
        Set::Switch(is_on) => {
            put(model, |draft| draft.set(setting, Set::Switch(!is_on)));
            say_drafted(model);
        }
        Set::Names(names) => open_names(model, setting, &names),
        Set::Text(text) => {
            let words = model.shell.words();
            let prompt = Prompt::new(
                words.setting(setting).to_owned(),
                words.about_setting(setting).to_owned(),
                Field::new(Lines::One, &text),
            );
            model.overlay = Some(Overlay::Setting(prompt, Key::Setting(setting)));
        }
    }
}

/// Said with what follows from it: it stops or starts something.
pub(super) fn publish(model: &mut Model) {
    let Some(shown) = model.screens.plugin.shown() else {
        return;
    };
    let is_on = !shown.policy().published;
    put(model, |draft| {
        draft.set(Setting::Published, Set::Switch(is_on));
    });
    let key = if is_on {
        "publish-means"
    } else {
        "unpublish-means"
    };
    let say = &model.shell.language;
    let told = format!("{} {}", say.text(key), say.text("draft-so-far"));
    model.shell.toast(Tone::Strong, told);
}

fn ask_time(model: &mut Model, time: Time) {
    let Some(shown) = model.screens.plugin.shown() else {
        return;
    };
    let say = &model.shell.language;
    let span = time.of(shown.timetable());
    let text = span.map_or_else(String::new, Span::typed);
    let prompt = Prompt::new(
        say.text(time.title()).to_owned(),
        say.text("time-hint").to_owned(),
        Field::new(Lines::One, &text),
    );
    model.overlay = Some(Overlay::Setting(prompt, Key::Time(time)));
}

/// Enter in a text: it is taken, or said to be none.
pub(in crate::console) fn take_setting(model: &mut Model) {
    let Some(Overlay::Setting(prompt, key)) = &mut model.overlay else {
        return;
    };
    let (text, key) = (prompt.field.text().trim().to_owned(), *key);
    let problem = match key {
        Key::Setting(Setting::Namespace) => (!is_namespace(&text)).then_some("not-a-namespace"),
        _ => Timetable::typed(&text).is_none().then_some("not-a-time"),
    };
    if let Some(problem) = problem {
        prompt.problem = Some(model.shell.language.text(problem).to_owned());
        return;
    }
    model.overlay = None;
    match (key, Timetable::typed(&text)) {
        (Key::Setting(setting), _) => put(model, |draft| draft.set(setting, Set::Text(text))),
        (Key::Time(time), Some(span)) => {
            put(model, |draft| time.set(&mut draft.timetable, span));
        }
        _ => {}
    }
    say_drafted(model);
}

fn open_names(model: &mut Model, setting: Setting, names: &[String]) {
    let Some(shown) = model.screens.plugin.shown() else {
        return;
    };
    let words = model.shell.words();
    let rows = match setting {
        Setting::Objects => objects(words, &SalesforceObject::ALL, |object| {
            names.iter().any(|name| name == object.name())
        }),
        _ => types(
            words,
            &shown.plugin.described.automation.activity_types,
            names,
        ),
    };
    let title = words.setting(setting).to_owned();
    let boxes = Boxes::new(title, Key::Setting(setting), rows);
    model.overlay = Some(Overlay::Boxes(Box::new(boxes)));
}

fn objects(
    words: Words<'_>,
    all: &[SalesforceObject],
    is_on: impl Fn(SalesforceObject) -> bool,
) -> Vec<Ticked> {
    let ticked = all.iter().map(|object| Ticked {
        what: Choice::Object(*object),
        name: words.object(*object).to_owned(),
        note: object.name().to_owned(),
        is_on: is_on(*object),
    });
    ticked.collect()
}

/// Those that the instance knows, and those that are chosen and it does not.
fn types(words: Words<'_>, known: &[String], chosen: &[String]) -> Vec<Ticked> {
    let unknown = chosen.iter().filter(|name| !known.contains(name));
    let note = |name: &String| {
        let key = if known.contains(name) {
            return String::new();
        } else {
            "type-not-known"
        };
        words.language.text(key).to_owned()
    };
    let all = known.iter().chain(unknown);
    let ticked = all.map(|name| Ticked {
        what: Choice::Type(name.clone()),
        name: name.clone(),
        note: note(name),
        is_on: chosen.contains(name),
    });
    ticked.collect()
}

/// What a pair does beyond its arrow, and the objects that it is for.
fn open_options(model: &mut Model, kind: Kind, id: FieldId) {
    let Some(rule) = kept_rule(model, kind, id) else {
        return;
    };
    let Some(shown) = model.screens.plugin.shown() else {
        return;
    };
    let words = model.shell.words();
    let text = |key| words.language.text(key).to_owned();
    let mut rows = Vec::new();
    let one_way = matches!(
        rule.role,
        Role::Consent | Role::Deleted | Role::TimelineLink | Role::ContactId
    );
    if !one_way {
        let options = [
            (
                Choice::Review,
                "option-review",
                "box-review",
                rule.overwritten == Overwritten::Review,
            ),
            (
                Choice::Clear,
                "option-clear",
                "box-clear",
                rule.blank == BlankTravel::Clears,
            ),
            (
                Choice::Newest,
                "option-newest",
                "box-newest",
                rule.concurrent == Concurrent::Newest,
            ),
        ];
        rows.extend(options.map(|(what, name, note, is_on)| Ticked {
            what,
            name: text(name),
            note: text(note),
            is_on,
        }));
    }
    let all: Vec<SalesforceObject> = SalesforceObject::ALL
        .into_iter()
        .filter(|object| object.kind() == kind)
        .filter(|object| {
            let field = shown.plugin.described.salesforce_field(*object, &rule);
            rule.objects.contains(object) || (shown.policy().syncs(*object) && field.is_some())
        })
        .collect();
    rows.extend(objects(words, &all, |object| {
        rule.objects.contains(&object)
    }));
    let boxes = Boxes::new(Words::pair(&rule), Key::Rule(kind, id), rows);
    model.overlay = Some(Overlay::Boxes(Box::new(boxes)));
}

/// The rule as the draft has it; said, if the draft takes it out, or if the option for owners made it.
fn kept_rule(model: &mut Model, kind: Kind, id: FieldId) -> Option<FieldRule> {
    let shown = model.screens.plugin.shown()?;
    let rule = shown.rule(kind, id)?;
    if rule.role == Role::Owner && shown.policy().sync_owners {
        tell(model, Tone::Person, "owners-by-option");
        return None;
    }
    if shown.mark(Key::Rule(kind, id)) == Mark::Removed {
        tell(model, Tone::Person, "removed-not-saved");
        return None;
    }
    shown.rule(kind, id).cloned()
}

pub(in crate::console) fn toggle_box(model: &mut Model) {
    if let Some(Overlay::Boxes(boxes)) = &mut model.overlay {
        boxes.toggle();
    }
}

/// Enter over boxes: they are taken as they are ticked.
pub(in crate::console) fn take_boxes(model: &mut Model) {
    let Some(Overlay::Boxes(boxes)) = model.overlay.take() else {
        return;
    };
    match boxes.about {
        Key::Setting(setting) => take_names(model, setting, &boxes),
        Key::Rule(kind, id) => {
            let Some(rule) = kept_rule(model, kind, id) else {
                return;
            };
            if !take_options(model, &boxes, kind, &rule) {
                model.overlay = Some(Overlay::Boxes(boxes));
                return;
            }
        }
        Key::Time(_) | Key::Version(_) | Key::Draft => return,
    }
    say_drafted(model);
}

/// What stays ticked stays in its place: another order would be a change that nobody made.
fn take_names(model: &mut Model, setting: Setting, boxes: &Boxes) {
    let ticked = boxes.ticked().filter_map(|choice| match choice {
        Choice::Object(object) => Some(object.name().to_owned()),
        Choice::Type(name) => Some(name.clone()),
        Choice::Review | Choice::Clear | Choice::Newest => None,
    });
    let ticked: Vec<String> = ticked.collect();
    let value = model
        .screens
        .plugin
        .shown()
        .map(|shown| shown.value(setting));
    let Some(Set::Names(before)) = value else {
        return;
    };
    let kept = before.iter().filter(|name| ticked.contains(name)).cloned();
    let mut names: Vec<String> = kept.collect();
    let new = ticked.into_iter().filter(|name| !before.contains(name));
    names.extend(new);
    if names != before {
        put(model, |draft| draft.set(setting, Set::Names(names)));
    }
}

/// `false` if the pair cannot be like that.
fn take_options(model: &mut Model, boxes: &Boxes, kind: Kind, rule: &FieldRule) -> bool {
    let objects = boxes.ticked().filter_map(|choice| match choice {
        Choice::Object(object) => Some(*object),
        _ => None,
    });
    let mut pair = Pair {
        objects: objects.collect(),
        ..Pair::of(rule)
    };
    if boxes.has(&Choice::Review) {
        pair.overwritten = if boxes.is_on(&Choice::Review) {
            Overwritten::Review
        } else {
            Overwritten::Keep
        };
        pair.blank = if boxes.is_on(&Choice::Clear) {
            BlankTravel::Clears
        } else {
            BlankTravel::Never
        };
        pair.concurrent = if boxes.is_on(&Choice::Newest) {
            Concurrent::Newest
        } else {
            Concurrent::Conflict
        };
    }
    let id = rule.id;
    let changed = draft(model, |draft, systems| {
        draft.change(kind, id, &pair, systems)
    });
    let Some(new) = changed else {
        return false;
    };
    // For other objects altogether it is another pair.
    if new != id {
        let key = Key::Rule(kind, new);
        if let Some(open) = &mut model.screens.plugin.open {
            *open = Detail::new(key);
        }
        point_at(model, key);
    }
    true
}

/// The arrow goes round: →, ←, ↔. One that the fields do not take is passed over and said.
pub(super) fn turn(model: &mut Model) {
    let Some(Key::Rule(kind, id)) = acted_on(model) else {
        tell(model, Tone::Muted, "only-for-pairs");
        return;
    };
    let Some(rule) = kept_rule(model, kind, id) else {
        return;
    };
    let round = [Arrow::Salesforce, Arrow::Automation, Arrow::Both];
    let at = round.iter().position(|arrow| *arrow == rule.arrow);
    let at = at.unwrap_or_default();
    let before = model.shell.toast.take();
    for arrow in [round[(at + 1) % 3], round[(at + 2) % 3]] {
        let pair = Pair {
            arrow,
            ..Pair::of(&rule)
        };
        if draft(model, |draft, systems| {
            draft.change(kind, id, &pair, systems)
        })
        .is_some()
        {
            // Why the first one was passed over stays in sight.
            if model.shell.toast.is_none() {
                say_drafted(model);
            }
            return;
        }
    }
    model.shell.toast = model.shell.toast.take().or(before);
}

pub(super) fn add(model: &mut Model) {
    if let Some(shown) = model.screens.plugin.shown() {
        let picker = Picker::begin(model.shell.words(), shown);
        model.overlay = Some(Overlay::Picker(Box::new(picker)));
    }
}

/// Enter on a field: the other one is asked for, or the pair is there.
pub(in crate::console) fn take_picked(model: &mut Model) {
    let Some(Overlay::Picker(picker)) = &mut model.overlay else {
        return;
    };
    match picker.pick() {
        None => {}
        Some(Pick::Unfit(why)) => picker.problem = Some(why),
        Some(Pick::Salesforce(kind, name, objects)) => {
            if let Some(shown) = model.screens.plugin.shown() {
                let wanted = (kind, name, objects);
                let second = Picker::second(model.shell.words(), shown, wanted);
                model.overlay = Some(Overlay::Picker(Box::new(second)));
            }
        }
        Some(Pick::Pair(kind, pair)) => {
            model.overlay = None;
            let added = draft(model, |draft, systems| draft.add(kind, &pair, systems));
            if let Some(id) = added {
                point_at(model, Key::Rule(kind, id));
                say_drafted(model);
            }
        }
    }
}

fn point_at(model: &mut Model, key: Key) {
    let mut list = std::mem::take(&mut model.screens.plugin);
    let keys = list.keys(model.scene());
    list.point_at(&keys, key);
    model.screens.plugin = list;
}

/// Takes the pair out of the draft, or puts it in again as it was.
pub(super) fn remove(model: &mut Model) {
    let Some(Key::Rule(kind, id)) = acted_on(model) else {
        tell(model, Tone::Muted, "only-for-pairs");
        return;
    };
    let key = Key::Rule(kind, id);
    let mark = model.screens.plugin.shown().map(|shown| shown.mark(key));
    if mark == Some(Mark::Removed) {
        put_back(model, kind, id);
        return;
    }
    if kept_rule(model, kind, id).is_none() {
        return;
    }
    put(model, |draft| draft.remove(kind, id));
    if mark == Some(Mark::Added) {
        model.screens.plugin.open = None;
        settle(model);
    }
    tell(model, Tone::Plain, "removed-not-saved");
}

fn put_back(model: &mut Model, kind: Kind, id: FieldId) {
    let rule = model
        .screens
        .plugin
        .shown()
        .and_then(|shown| shown.rule(kind, id));
    let Some(rule) = rule.cloned() else {
        return;
    };
    put(model, |draft| draft.put_back(kind, rule));
    say_drafted(model);
}

/// An older version is to become the draft. One that is there already is not replaced unasked.
pub(super) fn roll_back(model: &mut Model) {
    let Some(Key::Version(number)) = acted_on(model) else {
        tell(model, Tone::Muted, "only-for-versions");
        return;
    };
    if !save::ask_to_lose(model, "dialog-replace-draft", OnYes::ReplaceDraft(number)) {
        replace(model, number);
    }
}

/// An older version becomes the draft.
pub(in crate::console) fn replace(model: &mut Model, number: u32) {
    let found = model
        .screens
        .plugin
        .shown()
        .and_then(|shown| shown.version(number));
    let Some(version) = found.map(|(version, _)| version.clone()) else {
        return;
    };
    let versions = model
        .screens
        .plugin
        .shown()
        .map(|shown| &shown.plugin.versions);
    let in_force = versions.and_then(|versions| versions.first()).cloned();
    let has_no_times = version.timetable.is_none();
    let keeps_times = has_no_times && in_force.as_ref().is_some_and(|now| now.timetable.is_some());
    put(model, |draft| draft.go_back(version, in_force.as_ref()));
    model.screens.plugin.open = None;
    let is_drafted = model
        .screens
        .plugin
        .shown()
        .is_some_and(|s| s.drafted().is_some());
    let key = match (is_drafted, keeps_times) {
        (true, _) => "rolled-back",
        (false, true) => "doubt-no-times",
        (false, false) => "draft-as-before",
    };
    let told = model
        .shell
        .language
        .with(key, &[("n", &number.to_string())]);
    model.shell.toast(Tone::Strong, told);
}
