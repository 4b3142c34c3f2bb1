//! The two fields of a new pair: first Salesforce's, then Automation's, each found by typing. Pairs that
//! most instances have come first and are taken at once.

use super::canvas::Canvas;
use super::field::{Field, Lines};
use super::language::Language;
use super::list::page_top;
use super::safe::Safe;
use super::screens::plugin::Shown;
use super::words::{Words, sign};
use crate::domain::folded::fold;
use crate::domain::ids::{FieldId, Kind, SalesforceObject, Side};
use crate::domain::mapping::{Arrow, BlankTravel, Concurrent, Overwritten};
use crate::domain::request::FieldDescription;
use crate::domain::setup::{
    CONTACT_ID, DO_NOT_CONTACT, Pair, TIMELINE_LINK, Unfit, Weight, next_field, objections, rule,
    suggestions,
};

/// Rows that are read aloud: more are narrowed by typing.
const READ_MAX: usize = 20;

/// Arrows in the order in which they are tried: the guide's default first.
const ARROWS: [Arrow; 3] = [Arrow::Salesforce, Arrow::Automation, Arrow::Both];

/// Cells of the first column.
const NAME: u16 = 30;

/// Lines under the list for what the chosen line has no room for.
const NOTE_LINES: u16 = 2;

pub(super) struct Picker {
    pub(super) field: Field,
    title: String,
    pub(super) problem: Option<String>,
    rows: Vec<Entry>,
    selected: usize,
}

/// One line, and what taking it means.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    name: String,
    note: String,
    style: Style,
    pick: Pick,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Suggested,
    Plain,
    /// It would be refused.
    Unfit,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pick {
    Pair(Kind, Pair),
    /// The field of Salesforce, on the objects that have it.
    Salesforce(Kind, String, Vec<SalesforceObject>),
    /// The two do not go together, and why.
    Unfit(String),
}

impl Picker {
    /// Suggestions, then Salesforce's fields.
    pub(super) fn begin(words: Words<'_>, shown: &Shown) -> Self {
        let policy = shown.policy();
        let mut rows: Vec<Entry> = suggestions(policy, shown.systems())
            .into_iter()
            .map(|(kind, pair)| suggested(words, shown, kind, pair))
            .collect();
        for kind in [Kind::Person, Kind::Company] {
            rows.extend(salesforce_fields(words, shown, kind));
        }
        Self::new(words.language.text("picker-salesforce").to_owned(), rows)
    }

    /// The fields of Automation for one of Salesforce's; those that fit it first.
    pub(super) fn second(
        words: Words<'_>,
        shown: &Shown,
        (kind, salesforce, objects): (Kind, String, Vec<SalesforceObject>),
    ) -> Self {
        let described = &shown.plugin.described.automation;
        let fields = match kind {
            Kind::Person => &described.contact_fields,
            Kind::Company => &described.company_fields,
        };
        let special: &[(&str, &str)] = match kind {
            Kind::Person => &[
                (TIMELINE_LINK, "role-timeline-link"),
                (CONTACT_ID, "role-contact-id"),
                (DO_NOT_CONTACT, "role-consent"),
            ],
            Kind::Company => &[],
        };
        let special = special
            .iter()
            .map(|(name, key)| ((*name).to_owned(), words.language.text(key).to_owned()));
        let fields = fields.iter().map(|field| {
            let told = told(words, field);
            (field.name.clone(), told)
        });
        let mut rows: Vec<Entry> = fields
            .chain(special)
            .map(|(automation, told)| {
                let pair = pair(&salesforce, &objects, &automation);
                fitting(words, shown, kind, pair, told)
            })
            .collect();
        rows.sort_by_key(|entry| entry.style == Style::Unfit);
        let gaps = [("field", salesforce.as_str())];
        let title = words.language.with("picker-automation", &gaps);
        Self::new(title, rows)
    }

    fn new(title: String, rows: Vec<Entry>) -> Self {
        Self {
            field: Field::new(Lines::One, ""),
            title,
            problem: None,
            rows,
            selected: 0,
        }
    }

    /// Lines that have every word that was typed.
    fn found(&self) -> Vec<&Entry> {
        let typed = fold(&self.field.text());
        let words: Vec<&str> = typed.split_whitespace().collect();
        let rows = self.rows.iter().filter(|entry| {
            let text = fold(&format!("{} {}", entry.name, entry.note));
            words.iter().all(|word| text.contains(word))
        });
        rows.collect()
    }

    pub(super) fn typed(&mut self) {
        self.selected = 0;
        self.problem = None;
    }

    pub(super) fn step(&mut self, down: bool) {
        let last = self.found().len().saturating_sub(1);
        self.problem = None;
        self.selected = if down {
            (self.selected + 1).min(last)
        } else {
            self.selected.saturating_sub(1)
        };
    }

    /// `false` if there is no such line.
    pub(super) fn choose(&mut self, index: usize) -> bool {
        let is_there = index < self.found().len();
        if is_there {
            self.selected = index;
        }
        is_there
    }

    pub(super) fn pick(&self) -> Option<Pick> {
        let found = self.found();
        found.get(self.selected).map(|entry| entry.pick.clone())
    }

    pub(super) fn read(&self, say: &Language) -> Vec<String> {
        let mut lines = vec![self.title.clone()];
        if let Some(problem) = &self.problem {
            lines.push(say.with("linear-attention", &[("text", problem)]));
        }
        let found = self.found();
        if found.is_empty() {
            lines.push(say.text("finder-nothing").to_owned());
        }
        let shown = found.iter().take(READ_MAX).enumerate();
        lines.extend(shown.map(|(index, entry)| {
            let mark = if entry.style == Style::Unfit {
                "! "
            } else {
                ""
            };
            let named = format!("{}. {mark}{}", index + 1, entry.name);
            say.labelled(&named, &entry.note)
        }));
        if found.len() > READ_MAX {
            let more = (found.len() - READ_MAX) as u64;
            lines.push(say.count("not-shown-lines", more));
        }
        lines.push(say.text("linear-ask-field").to_owned());
        lines
    }

    pub(super) fn paint(&self, canvas: &mut Canvas<'_>, say: &Language) {
        let theme = canvas.theme;
        let (width, height) = (canvas.width(), canvas.height());
        let mut part = canvas.part(0, 0, width, height);
        part.framed(&self.title);
        let end = part.text(2, 1, "/", theme.accent());
        let room = width.saturating_sub(end + 3);
        self.field.paint(&mut part.part(end + 1, 1, room, 1), true);
        let found = self.found();
        // Lines at the bottom: a reason can be long.
        let rows = usize::from(height.saturating_sub(5 + NOTE_LINES));
        let top = page_top(self.selected, rows);
        if found.is_empty() {
            part.text(2, 3, say.text("finder-nothing"), theme.muted());
        }
        for (y, (index, entry)) in found.iter().enumerate().skip(top).take(rows).enumerate() {
            let y = 3 + y as u16;
            let (mark, style, note) = match entry.style {
                Style::Suggested => (theme.sign("★", "+"), theme.strong(), theme.plain()),
                Style::Plain => ("", theme.plain(), theme.muted()),
                Style::Unfit => ("!", theme.muted(), theme.muted()),
            };
            part.text(2, y, mark, theme.accent());
            let end = part.within(4, y, width.saturating_sub(6), &entry.name, style);
            let x = end.max(4 + NAME) + 1;
            part.within(x, y, width.saturating_sub(x + 1), &entry.note, note);
            if index == self.selected {
                part.part(1, y, width.saturating_sub(2), 1)
                    .line_style(0, theme.selected());
            }
        }
        let bottom = part.height().saturating_sub(3);
        if let Some(problem) = &self.problem {
            let mut place = part.part(1, bottom, width.saturating_sub(2), 2);
            place.paragraph(1, 0, 2, problem, theme.person());
            return;
        }
        // What its own line has no room for.
        if let Some(entry) = found.get(self.selected)
            && is_cut(entry, width)
        {
            let lines = NOTE_LINES.min(bottom.saturating_sub(3));
            let mut place = part.part(1, bottom + 1 - lines, width.saturating_sub(2), lines);
            place.blank();
            place.paragraph(1, 0, lines, &entry.note, theme.plain());
        }
        let last = bottom + 1;
        part.within(2, last, width - 4, say.text("picker-keys"), theme.muted());
        let place = format!("{}/{} ", self.selected + 1, found.len().max(1));
        part.right(last, &place, theme.muted());
    }
}

/// Whether its line has no room for all that is told about it.
fn is_cut(entry: &Entry, width: u16) -> bool {
    let name = Safe::new(&entry.name).width() as u16;
    let x = (4 + name).max(4 + NAME) + 1;
    Safe::new(&entry.note).width() as u16 + x + 1 > width
}

fn suggested(words: Words<'_>, shown: &Shown, kind: Kind, pair: Pair) -> Entry {
    let name = format!(
        "{} {} {}",
        pair.salesforce,
        sign(pair.arrow),
        pair.automation
    );
    let kind_name = words.kind(kind);
    let usual = words
        .language
        .with("picker-suggested", &[("kind", kind_name)]);
    let mut note = vec![usual];
    note.extend(doubts(words, shown, kind, &pair));
    Entry {
        name,
        note: note.join(" · "),
        style: Style::Suggested,
        pick: Pick::Pair(kind, pair),
    }
}

/// What would keep some of its values from being taken, once it is in force: closed lists above all.
fn doubts(words: Words<'_>, shown: &Shown, kind: Kind, pair: &Pair) -> Vec<String> {
    let before = shown.policy();
    let described = &shown.plugin.described;
    let id = next_field(std::iter::once(before));
    let Ok(new) = rule(id, kind, pair, &before.objects, shown.systems()) else {
        return Vec::new();
    };
    let theirs = described.automation_field(kind, &new);
    let is_untold = theirs.is_some_and(FieldDescription::hides_choices);
    let untold = (is_untold && new.writes(Side::Automation))
        .then(|| words.language.text("picker-closed").to_owned());
    let mut after = before.clone();
    match kind {
        Kind::Person => after.mapping.person.push(new),
        Kind::Company => after.mapping.company.push(new),
    }
    let found = objections(Some(before), &after, described).into_iter();
    let about_it = found.filter(|objection| objection.about == Some((kind, id)));
    let told = about_it.map(|objection| words.objection(&objection));
    untold.into_iter().chain(told).collect()
}

/// Each once, with the objects that have it.
fn salesforce_fields(words: Words<'_>, shown: &Shown, kind: Kind) -> Vec<Entry> {
    let policy = shown.policy();
    let objects = policy.objects.iter().copied();
    let objects = objects.filter(|object| object.kind() == kind);
    let mut fields: Vec<(&FieldDescription, Vec<SalesforceObject>)> = Vec::new();
    for object in objects {
        let described = shown.plugin.described.salesforce.objects.get(object.name());
        for field in described.into_iter().flatten() {
            match fields
                .iter_mut()
                .find(|(known, _)| known.name == field.name)
            {
                Some((_, objects)) => objects.push(object),
                None => fields.push((field, vec![object])),
            }
        }
    }
    fields.sort_by_key(|(field, _)| fold(&field.name));
    let entries = fields.into_iter().map(|(field, objects)| {
        let mut note: Vec<String> = objects
            .iter()
            .map(|object| words.object(*object).to_owned())
            .collect();
        note = vec![note.join(", "), told(words, field)];
        let mut rules = policy.mapping.rules(kind).iter();
        if rules.any(|rule| rule.salesforce.eq_ignore_ascii_case(&field.name)) {
            note.push(words.language.text("picker-mapped").to_owned());
        }
        Entry {
            name: field.name.clone(),
            note: note.join(" · "),
            style: Style::Plain,
            pick: Pick::Salesforce(kind, field.name.clone(), objects),
        }
    });
    entries.collect()
}

/// `“Téléphone” · text ≤ 40; required`.
fn told(words: Words<'_>, field: &FieldDescription) -> String {
    let described = words.described(Some(field));
    if field.label == field.name {
        return described;
    }
    format!("{} · {described}", field.label)
}

fn pair(salesforce: &str, objects: &[SalesforceObject], automation: &str) -> Pair {
    Pair {
        salesforce: salesforce.to_owned(),
        objects: objects.to_vec(),
        automation: automation.to_owned(),
        arrow: Arrow::Salesforce,
        overwritten: Overwritten::Keep,
        blank: BlankTravel::Never,
        concurrent: Concurrent::Conflict,
    }
}

/// With the first arrow that it can have, or with what speaks against the pair.
fn fitting(words: Words<'_>, shown: &Shown, kind: Kind, pair: Pair, told: String) -> Entry {
    let name = pair.automation.clone();
    let objects = &shown.policy().objects;
    let tried = ARROWS.map(|arrow| {
        let pair = Pair {
            arrow,
            ..pair.clone()
        };
        rule(FieldId(0), kind, &pair, objects, shown.systems()).map(|_| pair)
    });
    let fits = tried.iter().find_map(|tried| tried.as_ref().ok()).cloned();
    if let Some(pair) = fits {
        return Entry {
            note: format!("{} {told}", sign(pair.arrow)),
            name,
            style: Style::Plain,
            pick: Pick::Pair(kind, pair),
        };
    }
    let [first, ..] = tried;
    let why = first
        .err()
        .map_or_else(String::new, |unfit| refused(words, unfit));
    Entry {
        note: told,
        name,
        style: Style::Unfit,
        pick: Pick::Unfit(why),
    }
}

/// Why a pair can be none.
pub(super) fn refused(words: Words<'_>, unfit: Unfit) -> String {
    words.weighed(&unfit.about(None, Weight::Refused))
}
