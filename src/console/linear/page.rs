//! What is in sight, as it was said last: rows are addressed by it, and changes are told from it.

use super::{Linear, Reading, Show};
use crate::console::model::{Model, Tab};
use crate::console::view;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) struct Page {
    /// Another place is said whole.
    place: String,
    title: String,
    age: String,
    reading: Reading,
    /// From which row to before which one they were said with their numbers.
    heard: (usize, usize),
}

impl Page {
    pub(super) fn of(model: &Model) -> Self {
        let scene = model.scene();
        let screen = model.screen();
        let title = screen.title(scene);
        let context = screen.context();
        let open = model.looks_at();
        Self {
            place: format!("{:?} {context:?} {open:?}", model.tab),
            title,
            age: view::age(model),
            reading: screen.read(scene),
            heard: (0, 0),
        }
    }

    /// The identity of a row by the number that it was said with.
    pub(in crate::console) fn key(&self, number: usize) -> Option<&str> {
        let (from, until) = self.heard;
        let index = number.checked_sub(1)?;
        if !(from..until).contains(&index) {
            return None;
        }
        self.reading.rows.get(index).map(|row| row.key.as_str())
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.reading.rows.iter().map(|row| row.key.as_str())
    }
}

/// Says what is in sight, as much of it as is wanted; answers whether anything was said.
pub(super) fn say(model: &mut Model, show: Show) -> bool {
    let mut page = Page::of(model);
    let Some(linear) = &model.linear else {
        return false;
    };
    let rows_max = linear.page_rows(model);
    let before = linear.page.as_ref();
    let (top, end) = on_page(&page, rows_max);
    page.heard = match before {
        // The numbers of the same rows go on counting.
        Some(before) if is_same(&page, before) => {
            (before.heard.0.min(top), before.heard.1.max(end))
        }
        _ => (top, end),
    };
    let lines = match (show, before) {
        (Show::Nothing, _) => Vec::new(),
        (Show::Chosen, Some(before)) if before.place == page.place => {
            chosen(model, &page, before, rows_max)
        }
        (Show::Changes, Some(before)) if is_same(&page, before) => changes(model, &page, before),
        _ => whole(model, &page, rows_max),
    };
    for line in &lines {
        model.say(line);
    }
    if show != Show::Nothing
        && let Some(linear) = &mut model.linear
    {
        linear.page = Some(page);
    }
    !lines.is_empty()
}

/// Whether the same rows are there in the same order.
fn is_same(page: &Page, before: &Page) -> bool {
    page.place == before.place && page.keys().eq(before.keys())
}

fn whole(model: &Model, page: &Page, rows_max: usize) -> Vec<String> {
    let say = &model.shell.language;
    let words = model.shell.words();
    let tab = say.text(model.tab.title());
    let mut title = page.title.clone();
    if title.is_empty() {
        tab.clone_into(&mut title);
    } else if !title.starts_with(tab) {
        title = words.labelled(tab, &title);
    }
    if !page.age.is_empty() {
        title = format!("{title} · {}", page.age);
    }
    let mut lines = vec![title];
    // The count of conflicts stays in sight everywhere.
    let waiting = model.scene().count(crate::domain::link::Mark::Conflict);
    if waiting > 0 && !matches!(model.tab, Tab::Overview | Tab::Conflicts) {
        let number = say.number(waiting);
        lines.push(format!(
            "! {}",
            words.labelled(say.text("tab-conflicts"), &number)
        ));
    }
    lines.extend(page.reading.head.iter().cloned());
    if !page.reading.titles.is_empty() {
        let titles = page.reading.titles.join(say.text("separator"));
        lines.push(words.labelled(say.text("linear-columns"), &titles));
    }
    lines.extend(rows(model, page, rows_max));
    // The row was just said.
    let number = page.reading.chosen.map(|index| (index + 1).to_string());
    let chosen = number.map(|n| words.labelled(say.text("linear-chosen"), &n));
    lines.extend(chosen);
    lines.extend(page.reading.foot.iter().cloned());
    lines.extend(
        model
            .company()
            .map(|other| noted(model, &words.company(other))),
    );
    lines
}

fn noted(model: &Model, text: &str) -> String {
    model
        .shell
        .language
        .with("linear-attention", &[("text", text)])
}

/// The page of rows on which the chosen one is.
fn rows(model: &Model, page: &Page, rows_max: usize) -> Vec<String> {
    let say = &model.shell.language;
    let rows = &page.reading.rows;
    let (top, _) = on_page(page, rows_max);
    let shown = rows.iter().enumerate().skip(top).take(rows_max);
    let mut lines: Vec<String> = shown
        .map(|(index, row)| format!("{}. {}", index + 1, row.text))
        .collect();
    if lines.len() < rows.len() {
        let number = |n: usize| say.number(n as u64);
        let gaps = [
            ("from", number(top + 1)),
            ("to", number(top + lines.len())),
            ("of", number(rows.len())),
        ];
        let gaps = gaps.each_ref().map(|(name, text)| (*name, text.as_str()));
        lines.push(say.with("linear-page", &gaps));
    }
    lines
}

/// The chosen row, and what there is to know about it.
fn foot(model: &Model, page: &Page) -> Vec<String> {
    let reading = &page.reading;
    let words = model.shell.words();
    let chosen = reading.chosen.and_then(|index| {
        let text = format!("{}. {}", index + 1, reading.rows.get(index)?.text);
        Some(words.labelled(words.language.text("linear-chosen"), &text))
    });
    chosen
        .into_iter()
        .chain(reading.foot.iter().cloned())
        .collect()
}

/// After a step: the chosen row, or the page that it is on now.
fn chosen(model: &Model, page: &Page, before: &Page, rows_max: usize) -> Vec<String> {
    let top = |page: &Page| on_page(page, rows_max).0;
    if !is_same(page, before) || top(page) != top(before) {
        return whole(model, page, rows_max);
    }
    about(model, page, before)
}

/// All about another row, or what is new about the same one.
fn about(model: &Model, page: &Page, before: &Page) -> Vec<String> {
    let lines = foot(model, page);
    if page.reading.chosen == before.reading.chosen {
        new(lines, &foot(model, before))
    } else {
        lines
    }
}

/// The rows that are said at once: from which one, to before which one.
fn on_page(page: &Page, rows_max: usize) -> (usize, usize) {
    let count = page.reading.rows.len();
    if count <= rows_max {
        return (0, count);
    }
    let top = crate::console::list::page_top(page.reading.chosen.unwrap_or(0), rows_max);
    (top, count.min(top + rows_max))
}

/// Texts that were not said before. Times that passed are no change.
fn changes(model: &Model, page: &Page, before: &Page) -> Vec<String> {
    let mut lines = Vec::new();
    if page.title != before.title {
        lines.push(page.title.clone());
    }
    lines.extend(new(page.reading.head.clone(), &before.reading.head));
    let rows = page.reading.rows.iter().zip(&before.reading.rows);
    let changed = rows
        .enumerate()
        .filter(|(_, (now, then))| now.text != then.text);
    lines.extend(changed.map(|(index, (row, _))| format!("{}. {}", index + 1, row.text)));
    let chosen_again = lines.iter().any(|line| {
        let row = page
            .reading
            .chosen
            .and_then(|index| page.reading.rows.get(index));
        row.is_some_and(|row| line.ends_with(&row.text))
    });
    let foot = about(model, page, before).into_iter();
    let is_repeated = page.reading.chosen == before.reading.chosen && chosen_again;
    lines.extend(foot.skip(usize::from(is_repeated)));
    lines
}

fn new(lines: Vec<String>, before: &[String]) -> Vec<String> {
    lines
        .into_iter()
        .filter(|line| !before.contains(line))
        .collect()
}

impl Linear {
    pub(in crate::console) fn said_key(&self, number: usize) -> Option<String> {
        self.page.as_ref()?.key(number).map(ToOwned::to_owned)
    }
}
