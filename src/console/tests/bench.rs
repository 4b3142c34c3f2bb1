//! A console without a terminal: keys are typed, questions are answered from a small world, the
//! screen is text.

mod people;
mod policy;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::console::keymap::Sequence;
use crate::console::query::{
    Brief, ConflictRow, Found, Held, Page, Person, QueuedWrite, Queues, Searched, UndoPreview,
};
use crate::console::tape::{Keys, Start};
use crate::console::theme::Theme;
use crate::console::{Answer, Effect, Ground, Instance, Model, Msg, Query, Ticket, Tongue, update};
use crate::domain::access::Access;
use crate::domain::activity::HeldActivity;
use crate::domain::command::Command;
use crate::domain::conflict::{Cause, Conflict, Subject};
use crate::domain::consent::{Consent, ConsentView, Evidence, Reason};
use crate::domain::exchange::Exchange;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{
    AutomationId, FieldId, Generation, Kind, LinkId, RemoteId, RunId, SalesforceObject, Side,
};
use crate::domain::link::{
    AutomationEnd, Base, Intent, Link, Mark, Pending, PendingState, SalesforceEnd,
};
use crate::domain::operator::{Role, SessionId};
use crate::domain::record::{Act, Counts, Happened, HistoryEntry, UndoStep};
use crate::domain::row::RowState;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::{Span, Timestamp};
use crate::domain::trace::Step;
use crate::domain::value::Value;
pub(super) use people::person;
use people::{claire, paul, sophie};
pub(super) use policy::policy;

pub(super) const EMAIL: FieldId = FieldId(1);
pub(super) const MOBILE: FieldId = FieldId(2);
pub(super) const FLAG: FieldId = FieldId(3);
const CONSENT: FieldId = FieldId(4);

/// 2026-03-04 09:15:02 UTC.
pub(super) const NOW: Timestamp = Timestamp(1_772_615_702_000);

pub(super) struct Bench {
    pub(super) model: Model,
    pub(super) world: World,
    /// Answers are kept instead of given.
    pub(super) holds_answers: bool,
    held: Vec<Msg>,
    /// Everything the console was told.
    pub(super) heard: Vec<Msg>,
    asked: Vec<(Ticket, Query)>,
    commands: Vec<(String, Command)>,
    copied: Vec<String>,
    /// What the others were told is open here.
    pub(super) shown: Vec<Option<LinkId>>,
    left: u32,
    now: Timestamp,
}

/// What the bench's console begins with.
pub(super) fn start() -> Start {
    Start {
        instance: Instance {
            name: "acme".to_owned(),
            operator: "claire".to_owned(),
            ground: Ground::Practice,
            session: SessionId(1),
            role: Role::Admin,
        },
        policy: Arc::new(policy()),
        tongue: Tongue::English,
        theme: Theme::PLAIN,
        keys: Keys::Default,
        now: NOW,
        size: (80, 24),
    }
}

/// What the store would hold.
#[derive(Default)]
pub(super) struct World {
    pub(super) links: BTreeMap<LinkId, Link>,
    pub(super) held: Vec<HeldActivity>,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) act: Option<Act>,
    /// Done after it, and not to be taken back.
    pub(super) newer: Vec<Act>,
    pub(super) flags: super::flags::Listed,
    pub(super) audit: super::audit::Kept,
    pub(super) plugin: super::plugin::Configured,
    pub(super) doctor: super::doctor::Known,
    pub(super) access: Vec<Access>,
}

impl Bench {
    /// Three contacts in conflict: by a field, by consent, by identity.
    pub(super) fn new() -> Self {
        let mut world = World::default();
        for link in [claire(), paul(), sophie()] {
            world.links.insert(link.id, link);
        }
        Self::with(world)
    }

    pub(super) fn empty() -> Self {
        Self::with(World::default())
    }

    fn with(world: World) -> Self {
        let model = Model::new(start().settings().unwrap());
        let mut bench = Self {
            model,
            world,
            holds_answers: false,
            held: Vec::new(),
            heard: Vec::new(),
            asked: Vec::new(),
            commands: Vec::new(),
            copied: Vec::new(),
            shown: Vec::new(),
            left: 0,
            now: NOW,
        };
        bench.sync_reports();
        bench
    }

    pub(super) fn send(&mut self, msg: Msg) -> &mut Self {
        let mut waiting = vec![msg];
        while let Some(msg) = waiting.pop() {
            let heard = self.model.overheard(&msg);
            self.heard.push(heard.unwrap_or_else(|| msg.clone()));
            for effect in update(&mut self.model, msg) {
                match effect {
                    Effect::Leave => self.left += 1,
                    Effect::Copy(text) => self.copied.push(text),
                    Effect::Look(link) => self.shown.push(link),
                    Effect::Command { reason, command } => self.commands.push((reason, command)),
                    // How it goes is told as it goes.
                    Effect::Ask(ticket, query @ Query::Admit(..)) => {
                        self.asked.push((ticket, query));
                    }
                    Effect::Ask(ticket, query) => {
                        let answer = Msg::Answered(ticket, self.world.answer(&query));
                        self.asked.push((ticket, query));
                        if self.holds_answers {
                            self.held.push(answer);
                        } else {
                            waiting.push(answer);
                        }
                    }
                }
            }
        }
        self
    }

    /// Keys with spaces between them, as key files write them.
    pub(super) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            let chord = Sequence::parse(key).unwrap().0[0];
            self.pass(Span(500));
            self.send(Msg::Key(KeyEvent::new(chord.code, chord.modifiers)));
        }
        self
    }

    pub(super) fn speak_french(&mut self) -> &mut Self {
        self.keys(":").type_text("lang fr").keys("enter")
    }

    pub(super) fn type_text(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            let key = crossterm::event::KeyCode::Char(letter);
            self.send(Msg::Key(key.into()));
        }
        self
    }

    pub(super) fn click(&mut self, column: u16, row: u16) -> &mut Self {
        self.pass(Span(500));
        self.send(Msg::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: crossterm::event::KeyModifiers::NONE,
        }))
    }

    pub(super) fn pass(&mut self, span: Span) {
        self.now = self.now + span;
        self.send(Msg::Now(self.now));
    }

    /// The sync publishes a state, and time passes.
    pub(super) fn sync_reports(&mut self) -> &mut Self {
        self.sync_reports_that(|_| {})
    }

    /// The same, with something under way.
    pub(super) fn sync_reports_that(&mut self, change: impl FnOnce(&mut Snapshot)) -> &mut Self {
        self.pass(Span(500));
        let mut snapshot = Snapshot {
            is_idle: true,
            published: true,
            ..Snapshot::default()
        };
        change(&mut snapshot);
        self.send(Msg::Snapshot(Arc::new(snapshot)))
    }

    pub(super) fn commands(&mut self) -> Vec<(String, Command)> {
        std::mem::take(&mut self.commands)
    }

    pub(super) fn copied(&mut self) -> Vec<String> {
        std::mem::take(&mut self.copied)
    }

    pub(super) fn held(&mut self) -> Vec<Msg> {
        std::mem::take(&mut self.held)
    }

    pub(super) fn asked(&mut self) -> Vec<(Ticket, Query)> {
        std::mem::take(&mut self.asked)
    }

    pub(super) fn has_left(&self) -> bool {
        self.left > 0
    }

    /// As it is painted, the hidden half of a wide sign too: a terminal is never told of that one.
    pub(super) fn buffer(&self) -> Buffer {
        let (width, height) = self.model.size();
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        crate::console::paint(&self.model, &mut buffer);
        buffer
    }

    /// The screen as text, line by line.
    pub(super) fn screen(&self) -> String {
        let buffer = self.buffer();
        let mut text = String::new();
        for y in 0..buffer.area.height {
            let mut skip = 0;
            let mut line = String::new();
            for x in 0..buffer.area.width {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                let symbol = buffer[(x, y)].symbol();
                skip = crate::console::Safe::new(symbol).width().saturating_sub(1);
                line.push_str(symbol);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        // Tests are written with the space that keyboards have.
        text.replace('\u{a0}', " ")
    }

    #[track_caller]
    pub(super) fn expect_screen(&self, part: &str) -> &Self {
        let screen = self.screen();
        assert!(screen.contains(part), "no “{part}” in:\n{screen}");
        self
    }

    #[track_caller]
    pub(super) fn lacks(&self, part: &str) -> &Self {
        let screen = self.screen();
        assert!(!screen.contains(part), "“{part}” in:\n{screen}");
        self
    }

    /// The line that the next key acts on.
    #[track_caller]
    pub(super) fn expect_selected(&self, part: &str) -> &Self {
        let buffer = self.buffer();
        let is_selected =
            |y: &u16| *y > 2 && buffer[(79, *y)].modifier.contains(Modifier::REVERSED);
        let line = (0..buffer.area.height).find(is_selected);
        let text: String = line.map_or_else(String::new, |y| {
            (0..80).map(|x| buffer[(x, y)].symbol()).collect()
        });
        assert!(text.contains(part), "“{text}” is selected");
        self
    }

    /// Compares the screen with a kept one; `PASSERELLE_BLESS=1` keeps it as it is now.
    #[track_caller]
    pub(super) fn matches(&self, name: &str) -> &Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens");
        let path = folder.join(format!("{name}.txt"));
        let screen = self.screen();
        if std::env::var_os("PASSERELLE_BLESS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &screen).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(screen, kept, "{name} differs; see tests/screens/{name}.txt");
        self
    }
}

impl World {
    pub(super) fn change(&mut self, id: LinkId, change: impl FnOnce(&mut Link)) {
        change(self.links.get_mut(&id).unwrap());
    }

    /// Both sides came to agree on Automation's value.
    pub(super) fn agree(&mut self, id: LinkId) {
        self.change(id, |link| {
            link.conflicts.clear();
            link.generation.0 += 1;
            let state = link.field_mut(MOBILE);
            state.salesforce.clone_from(&state.automation);
        });
    }

    pub(super) fn give_up(&mut self, id: LinkId, code: &str) {
        let failure = Failure::new(
            FailureKind::Transient,
            code,
            "unable to obtain exclusive access",
        );
        self.change(id, |link| {
            link.pending.push(Pending {
                side: Side::Salesforce,
                write: Intent::Update,
                values: vec![(MOBILE, Value::text("0602"))],
                consent: None,
                state: PendingState::Dead,
                attempts: 8,
                failure: Some(failure),
            });
        });
    }

    /// Somebody decided for 0601 where both sides had had 0600.
    pub(super) fn add_act(&mut self, id: LinkId) {
        let value = |text| Value::text(text);
        self.change(id, |link| {
            link.field_mut(MOBILE).automation = Some(value("0601"));
        });
        let mut before = self.links[&id].field(MOBILE).unwrap().clone();
        before.salesforce = Some(value("0600"));
        self.act = Some(Act {
            run: RunId(9),
            at: NOW,
            operator: "paul".to_owned(),
            from: String::new(),
            act: "resolve".to_owned(),
            object: id.to_string(),
            links: Vec::new(),
            reason: "by phone".to_owned(),
            undo: vec![UndoStep {
                link: id,
                before,
                after: Base {
                    salesforce: value("0601"),
                    automation: value("0601"),
                },
            }],
        });
    }

    fn answer(&self, query: &Query) -> Answer {
        let links = self.links.values();
        match query {
            Query::Standing => Answer::Standing(self.counts()),
            Query::Conflicts => Answer::Conflicts(Page {
                rows: links
                    .filter(|link| !link.conflicts.is_empty())
                    .map(|link| ConflictRow {
                        brief: brief(link),
                        conflicts: link.conflicts.clone(),
                        raised: NOW - Span::minutes(5),
                    })
                    .collect(),
                more: 0,
            }),
            Query::Queues => Answer::Queues(self.queues()),
            Query::Held => Answer::Held(Held {
                rows: Page {
                    rows: self.held.iter().map(|held| self.held_row(held)).collect(),
                    more: 0,
                },
            }),
            Query::Person(id) => Answer::Person(self.links.get(id).map(|link| {
                Box::new(Person {
                    link: link.clone(),
                    name: brief(link).name,
                    why: BTreeMap::from([(
                        MOBILE,
                        vec![
                            Step::Changed(Side::Salesforce),
                            Step::Changed(Side::Automation),
                            Step::BothWays,
                        ],
                    )]),
                    history: self.history(),
                    exchanges: self.exchanges.clone(),
                })
            })),
            Query::Search(wanted) => Answer::Found(Found {
                page: Page {
                    rows: links
                        .map(brief)
                        .filter(|brief| brief.name.contains(wanted))
                        .collect(),
                    more: 0,
                },
                searched: Searched::All,
            }),
            Query::Links(ids) => Answer::Links(
                ids.iter()
                    .filter_map(|id| self.links.get(id))
                    .map(|link| (link.clone(), brief(link).name))
                    .collect(),
            ),
            Query::LastAct => Answer::LastAct(self.last_act()),
            Query::Flags => super::flags::answer(self, &policy().mapping),
            Query::Plugin | Query::Example(..) | Query::Forecast(_) => {
                super::plugin::answer(self, query)
            }
            Query::Doctor | Query::Examine | Query::Preview(_) | Query::Mend(..) => {
                super::doctor::answer(self, query)
            }
            _ => super::access::answer(self, query),
        }
    }

    fn last_act(&self) -> Option<Box<UndoPreview>> {
        let act = self.act.clone()?;
        let link = self.links[&act.undo[0].link].clone();
        let links = vec![(link.clone(), brief(&link).name)];
        Some(Box::new(UndoPreview {
            act,
            links,
            newer: self.newer.clone(),
        }))
    }

    fn history(&self) -> Vec<HistoryEntry> {
        let linked = HistoryEntry {
            at: NOW,
            run: RunId(1),
            what: Happened::Linked,
        };
        self.flags.history.iter().cloned().chain([linked]).collect()
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts {
            links: self.links.len() as u64,
            ..Counts::default()
        };
        for mark in self.links.values().flat_map(Link::marks) {
            *counts.marks.entry(mark).or_default() += 1;
        }
        counts
    }

    fn queues(&self) -> Queues {
        let mut dead: BTreeMap<String, Vec<LinkId>> = BTreeMap::new();
        let mut rows = Vec::new();
        for link in self.links.values() {
            for pending in &link.pending {
                if let Some(failure) = pending.failure.as_ref().filter(|_| pending.is_dead()) {
                    dead.entry(failure.code.clone()).or_default().push(link.id);
                }
                rows.push(QueuedWrite {
                    brief: brief(link),
                    pending: pending.clone(),
                });
            }
        }
        assert_eq!(
            dead.is_empty(),
            !self.counts().marks.contains_key(&Mark::Dead)
        );
        Queues {
            writes: Page { rows, more: 0 },
            held: Page {
                rows: self.held.iter().map(|held| self.held_row(held)).collect(),
                more: 0,
            },
            dead,
        }
    }
}

pub(super) fn brief(link: &Link) -> Brief {
    let email = link.field(EMAIL).and_then(|state| state.salesforce.clone());
    let salesforce = link.salesforce.as_ref();
    let automation = link.automation.as_ref();
    let records = [
        salesforce.map(|end| RemoteId::Salesforce(end.object, end.id)),
        automation.map(|end| RemoteId::Automation(link.kind, end.id)),
    ];
    Brief {
        id: link.id,
        name: email.map(|value| value.to_string()).unwrap_or_default(),
        records: records.into_iter().flatten().collect(),
        conflicts: link.conflicts.len() as u32,
    }
}
