//! One deletion or opt-out: both sides with dates, reasons and proofs, what happened, why it is as it
//! is, and what to do next.

use crate::console::canvas::Canvas;
use crate::console::keymap::Action;
use crate::console::linear::Reading;
use crate::console::list::Step;
use crate::console::model::Tone;
use crate::console::query::{Answer, FlagKey, FlagRow, HISTORY_MAX, Page, Person, Query};
use crate::console::safe::Safe;
use crate::console::screens::contacts::record;
use crate::console::screens::lines::{Line, Scroll, columns, line, paint_nobody, spoken, wrapped};
use crate::console::screens::listing::Opened;
use crate::console::screens::{Notice, Scene};
use crate::console::slot::{Slot, Waiting};
use crate::console::view::tone;
use crate::console::words::{Words, moment};
use crate::domain::conflict::Subject;
use crate::domain::consent::{ConsentView, Dated};
use crate::domain::flag::{Flag, Matter, Standing, Urgency, flags, is_flagged};
use crate::domain::ids::Side;
use crate::domain::link::Link;
use crate::domain::mapping::Role;
use crate::domain::record::{Happened, HistoryEntry};
use crate::domain::time::Timestamp;

/// The least that stays in sight above the foot.
const LINES_MIN: u16 = 5;

#[derive(Debug)]
pub(in crate::console) struct Entry {
    pub(in crate::console) key: FlagKey,
    pub(in crate::console) slot: Slot<Option<Box<Person>>>,
    scroll: Scroll,
}

impl Entry {
    pub(in crate::console) fn new(key: FlagKey) -> Self {
        Self {
            key,
            slot: Slot::default(),
            scroll: Scroll::default(),
        }
    }

    pub(in crate::console) fn person(&self) -> Option<&Person> {
        self.slot.data.as_ref()?.as_deref()
    }

    /// As the link is now; `None` if nothing is left of it.
    fn flag(&self, words: Words<'_>, person: &Person) -> Option<Flag> {
        flags(&person.link, &words.policy.mapping)
            .into_iter()
            .find(|flag| flag.matter == self.key.1)
    }

    fn titled(&self, words: Words<'_>) -> String {
        let Some(person) = self.person() else {
            return String::new();
        };
        words.titled(&person.name, person.link.id)
    }

    fn offered(&self) -> Vec<(Action, &'static str)> {
        let Some(person) = self.person() else {
            return Vec::new();
        };
        let open = if person.link.conflicts.is_empty() {
            "hint-contact"
        } else {
            "hint-decide"
        };
        let aside = if person.link.is_set_aside() {
            (Action::TakeBack, "hint-take-back")
        } else {
            (Action::SetAside, "hint-set-aside")
        };
        vec![
            (Action::Open, open),
            (Action::ReadAgain, "hint-read-again"),
            aside,
            (Action::Down, "hint-scroll"),
        ]
    }

    fn scroll(&mut self, scene: Scene<'_>, step: Step, body: u16) {
        let Some(person) = self.person() else {
            return;
        };
        let lines = wrapped(self.lines(scene.words, person), scene.width).len();
        let foot = foot_lines(&self.foot(scene.words, person), scene.width, body);
        self.scroll
            .step(lines, step, usize::from(body.saturating_sub(foot)));
    }

    fn paint_whole(&self, words: Words<'_>, canvas: &mut Canvas<'_>) {
        let theme = canvas.theme;
        let Some(person) = self.person() else {
            return paint_nobody(words, self.slot.data.is_some(), canvas);
        };
        let (width, height) = (canvas.width(), canvas.height());
        let told = self.foot(words, person);
        let top = height.saturating_sub(foot_lines(&told, width, height));
        let lines = wrapped(self.lines(words, person), width);
        self.scroll
            .paint(&lines, &mut canvas.part(0, 0, width, top));
        canvas.rule(top);
        let mut y = top + 1;
        for (style, text) in &told {
            let room = height.saturating_sub(y);
            y += canvas.paragraph(1, y, room, text, tone(theme, *style));
        }
    }

    /// Why it is as it is, and what to do next.
    fn foot(&self, words: Words<'_>, person: &Person) -> Vec<(Tone, String)> {
        let Some(flag) = self.flag(words, person) else {
            return vec![(Tone::Strong, words.language.text("flag-over").to_owned())];
        };
        let style = match flag.standing.urgency() {
            Urgency::Person => Tone::Person,
            Urgency::Mismatch | Urgency::Settled => Tone::Strong,
        };
        let next = words.next(&flag.standing).to_owned();
        vec![
            (style, why(words, &person.link, &flag)),
            (Tone::Plain, next),
        ]
    }

    fn lines(&self, words: Words<'_>, person: &Person) -> Vec<Line> {
        let link = &person.link;
        let say = words.language;
        let row = |tone, key: &str, of: &dyn Fn(Side) -> String| {
            let [salesforce, automation] = Side::BOTH.map(of);
            columns(tone, say.text(key), salesforce, automation)
        };
        let mut lines = vec![
            columns(
                Tone::Strong,
                words.matter(self.key.1),
                Side::Salesforce.to_string(),
                Side::Automation.to_string(),
            ),
            row(Tone::Plain, "row-record", &|side| record(words, link, side)),
            row(Tone::Plain, "row-state", &|side| {
                let state = link.state(side);
                state.map_or_else(String::new, |state| words.row_state(state))
            }),
        ];
        match self.key.1 {
            Matter::OptOut => lines.extend(consent_lines(words, person, &row)),
            Matter::Deleted(_) => lines.extend(deletion_lines(words, link, &row)),
        }
        if let Some(parked) = link.parked.as_ref().filter(|_| link.is_set_aside()) {
            lines.push(line(Tone::Strong, words.parked(parked)));
        }
        lines.push(line(Tone::Plain, ""));
        lines.extend(self.history(words, person));
        lines
    }

    /// What has to do with consent and deletion, newest first.
    fn history(&self, words: Words<'_>, person: &Person) -> Vec<Line> {
        let say = words.language;
        let flag = words
            .policy
            .mapping
            .with_role(person.link.kind, Role::Deleted)
            .map(|rule| rule.id);
        let is_told = |entry: &&HistoryEntry| match &entry.what {
            Happened::ConsentChanged { .. } => self.key.1 == Matter::OptOut,
            Happened::Written { field, .. } => Some(*field) == flag,
            Happened::ConflictRaised(subject) | Happened::ConflictResolved { subject, .. } => {
                is_about(*subject)
            }
            Happened::Deleted(_) | Happened::Restored(_) | Happened::Operator { .. } => true,
            _ => false,
        };
        let mut lines = vec![line(Tone::Muted, say.text("history-flag"))];
        for entry in person.history.iter().filter(is_told) {
            lines.extend(happened(words, person, entry));
        }
        if lines.len() == 1 {
            lines.push(line(Tone::Muted, say.text("history-flag-empty")));
        }
        if person.history.len() >= HISTORY_MAX {
            lines.push(line(Tone::Muted, say.text("history-cut")));
        }
        lines
    }
}

impl Opened<Page<FlagRow>> for Entry {
    fn slot(&self) -> Option<&dyn Waiting> {
        Some(&self.slot)
    }

    fn slot_mut(&mut self) -> Option<&mut dyn Waiting> {
        Some(&mut self.slot)
    }

    fn query(&self) -> Option<Query> {
        Some(Query::Person(self.key.0))
    }

    fn take(&mut self, scene: Scene<'_>, answer: Answer) -> Result<Notice, Answer> {
        let Answer::Person(answer) = answer else {
            return Err(answer);
        };
        self.slot.answer(answer, scene.words.now);
        Ok(Notice::None)
    }

    fn title(&self, scene: Scene<'_>, _: Option<&Page<FlagRow>>) -> String {
        self.titled(scene.words)
    }

    fn hints(&self, _scene: Scene<'_>) -> Vec<(Action, &'static str)> {
        self.offered()
    }

    fn paint(&self, scene: Scene<'_>, _: Option<&Page<FlagRow>>, canvas: &mut Canvas<'_>) {
        self.paint_whole(scene.words, canvas);
    }

    fn read(&self, scene: Scene<'_>, _: Option<&Page<FlagRow>>) -> Reading {
        let words = scene.words;
        let Some(person) = self.person() else {
            return Reading::without(words, self.slot.data.is_some());
        };
        let mut told = spoken(words, &self.lines(words, person));
        match self.flag(words, person) {
            Some(flag) => {
                told.push(why(words, &person.link, &flag));
                told.push(words.next(&flag.standing).to_owned());
            }
            None => told.push(words.language.text("flag-over").to_owned()),
        }
        Reading::of(told)
    }

    fn step(&mut self, scene: Scene<'_>, _: Option<&Page<FlagRow>>, step: Step, body: u16) {
        self.scroll(scene, step, body);
    }
}

/// Lines at the foot of a screen: a rule, and what stands below it.
fn foot_lines(told: &[(Tone, String)], width: u16, height: u16) -> u16 {
    let room = usize::from(width.saturating_sub(2));
    let lines = told
        .iter()
        .map(|(_, text)| Safe::new(text).wrapped(room).len());
    let wanted = 1 + lines.sum::<usize>() as u16;
    wanted.min(height.saturating_sub(LINES_MIN))
}

/// What is held says what its conflict says.
fn why(words: Words<'_>, link: &Link, flag: &Flag) -> String {
    let held = match flag.standing {
        Standing::Held(subject) => link.conflicts.iter().find(|c| c.subject == subject),
        _ => None,
    };
    match held {
        Some(conflict) => {
            let held = words.language.text("held-because");
            format!("{held} {}", words.cause(conflict))
        }
        None => words.why(link.kind, flag),
    }
}

const fn is_about(subject: Subject) -> bool {
    matches!(
        subject,
        Subject::Consent | Subject::Deletion | Subject::Identity
    )
}

/// A change of consent says where it came from too, on a line of its own: a system, or us on behalf of
/// the other one; and what dates it.
fn happened(words: Words<'_>, person: &Person, entry: &HistoryEntry) -> Vec<Line> {
    let say = words.language;
    let at = moment(entry.at);
    let Happened::ConsentChanged {
        side,
        before,
        after,
        proof,
        by_us,
    } = &entry.what
    else {
        let what = words.happened(person.link.kind, &entry.what);
        return vec![line(Tone::Plain, format!("{at}  {what}"))];
    };
    let gaps = [
        ("side", &*side.to_string()),
        ("before", words.said(*before)),
        ("after", words.said(Some(*after))),
    ];
    let what = say.with("consent-moved", &gaps);
    let by = say.text(if *by_us {
        "written-by-us"
    } else {
        "seen-by-us"
    });
    let proof = proof.map(|dated| format!(" · {}", words.proof(dated.proof)));
    let source = format!("{by}{}", proof.unwrap_or_default());
    let indent = " ".repeat(at.len() + 2);
    vec![
        line(Tone::Plain, format!("{at}  {what}")),
        line(Tone::Muted, format!("{indent}{source}")),
    ]
}

type Row<'a> = dyn Fn(Tone, &str, &dyn Fn(Side) -> String) -> Line + 'a;

fn consent_lines(words: Words<'_>, person: &Person, row: &Row<'_>) -> Vec<Line> {
    let link = &person.link;
    let view = |side| link.consent.on(side);
    let seen = |of: fn(ConsentView) -> Option<Dated>| move |side| view(side).and_then(of);
    let mut lines = vec![
        row(Tone::Strong, "row-consent", &|side| {
            words.said(view(side).map(|view| view.value)).to_owned()
        }),
        row(Tone::Plain, "row-reason", &|side| {
            words.reason(view(side)).to_owned()
        }),
        row(Tone::Plain, "row-origin", &|side| {
            let is_out = view(side).is_some_and(|view| view.value.is_out());
            if is_out {
                origin(words, &person.history, side)
            } else {
                String::new()
            }
        }),
        row(Tone::Plain, "row-since", &|side| {
            view(side).map_or_else(String::new, |view| moment(view.since))
        }),
    ];
    let out = seen(|view| view.evidence.opted_out);
    let opted_in = seen(|view| view.evidence.opted_in);
    lines.extend(dated_lines(words, row, "row-opted-out", &out));
    lines.extend(dated_lines(words, row, "row-opted-in", &opted_in));
    if let Some(dated) = link.consent.opted_out {
        let gaps = [
            ("at", words.dated(dated)),
            ("proof", words.proof(dated.proof).to_owned()),
        ];
        let gaps = gaps.each_ref().map(|(name, text)| (*name, text.as_str()));
        lines.push(line(
            Tone::Plain,
            words.language.with("counts-since", &gaps),
        ));
    }
    lines
}

/// Where that side's opt-out came from: made there, or written by us for the other system.
fn origin(words: Words<'_>, history: &[HistoryEntry], side: Side) -> String {
    let made = history.iter().find_map(|entry| match &entry.what {
        Happened::ConsentChanged {
            side: of,
            after,
            by_us,
            ..
        } if *of == side && after.is_out() => Some(*by_us),
        _ => None,
    });
    let (this, other) = (side.to_string(), side.other().to_string());
    let gaps = [("side", this.as_str()), ("other", other.as_str())];
    match made {
        Some(true) => words.language.with("origin-other", &gaps[1..]),
        Some(false) => words.language.with("origin-own", &gaps[..1]),
        None => words.language.text("origin-first").to_owned(),
    }
}

/// When, not before when, and what dates it; nothing that no side has.
fn dated_lines(
    words: Words<'_>,
    row: &Row<'_>,
    title: &'static str,
    of: &dyn Fn(Side) -> Option<Dated>,
) -> Vec<Line> {
    let dates: Vec<Dated> = Side::BOTH.into_iter().filter_map(of).collect();
    let mut lines = Vec::new();
    if dates.is_empty() {
        return lines;
    }
    let text = |side, say: &dyn Fn(Dated) -> String| of(side).map_or_else(String::new, say);
    lines.push(row(Tone::Plain, title, &|side| {
        text(side, &|dated| moment(dated.latest))
    }));
    let is_span = |dated: Dated| dated.earliest > Timestamp::ZERO && dated.earliest < dated.latest;
    if dates.iter().any(|dated| is_span(*dated)) {
        lines.push(row(Tone::Plain, "row-not-before", &|side| {
            text(side, &|dated| {
                if is_span(dated) {
                    moment(dated.earliest)
                } else {
                    String::new()
                }
            })
        }));
    }
    lines.push(row(Tone::Plain, "row-proof", &|side| {
        text(side, &|dated| words.proof(dated.proof).to_owned())
    }));
    lines
}

fn deletion_lines(words: Words<'_>, link: &Link, row: &Row<'_>) -> Vec<Line> {
    let say = words.language;
    let mapping = &words.policy.mapping;
    let rule = mapping.with_role(link.kind, Role::Deleted);
    let edited = |side| match side {
        Side::Salesforce => link
            .salesforce
            .as_ref()
            .map(|end| (end.modified, end.edited_by.clone())),
        Side::Automation => link
            .automation
            .as_ref()
            .map(|end| (end.modified, end.edited_by.clone())),
    };
    let mut lines = vec![
        row(Tone::Plain, "row-edited", &|side| match edited(side) {
            Some((at, _)) if at > Timestamp::ZERO => moment(at),
            _ => String::new(),
        }),
        row(Tone::Plain, "row-edited-by", &|side| {
            edited(side).and_then(|(_, by)| by).unwrap_or_default()
        }),
    ];
    let flag = match (rule, is_flagged(link, mapping)) {
        (None, _) => say.text("flag-not-mapped"),
        (Some(_), Some(true)) => say.text("flag-set"),
        (Some(_), Some(false)) => say.text("flag-missing"),
        (Some(_), None) => say.text("not-shown"),
    };
    lines.push(row(Tone::Strong, "row-flag", &|side| match side {
        Side::Salesforce => rule.map_or_else(String::new, |rule| rule.salesforce.clone()),
        Side::Automation => rule.map_or_else(
            || flag.to_owned(),
            |rule| say.labelled(&rule.automation, flag),
        ),
    }));
    lines
}
