//! Everything the console knows. Each screen owns what is its own; the shell is what all share.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Effect;
use super::access;
use super::boxes::Boxes;
use super::chooser::Chooser;
use super::dialog::Dialog;
use super::field::Field;
use super::filter::Filter;
use super::finder::Finder;
use super::keymap::{Chord, Context, Keymap};
use super::language::Language;
use super::linear::Linear;
use super::picker::Picker;
use super::query::{Diagnosis, Exported, Mending, Query, Queues, Ticket, UndoPreview};
use super::screens::{
    Scene, Screen, activities, audit, conflicts, contacts, doctor, flags, overview, plugin, queues,
};
use super::sent::Sent;
use super::slot::{Slot, Waiting};
use super::theme::Theme;
use super::words::Words;
use crate::domain::conflict::Choice;
use crate::domain::ids::LinkId;
use crate::domain::link::Link;
use crate::domain::mapping::Policy;
use crate::domain::operator::{Present, Role, SessionId};
use crate::domain::record::Counts;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::{Span, Timestamp};

/// The smallest screen on which everything can be read.
pub(super) const WIDTH_MIN: u16 = 60;
pub(super) const HEIGHT_MIN: u16 = 20;

/// The overview only counts faults: it has the set-up examined no oftener than this.
const COUNT_PACE: Span = Span::seconds(5);

/// Whether what is decided here counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ground {
    /// Simulated systems and invented people.
    Practice,
    /// An incident bundle that was made then: to be looked at, with nothing behind it.
    Bundle(Timestamp),
    Real,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    pub name: String,
    pub operator: String,
    pub ground: Ground,
    #[serde(default = "alone")]
    pub session: SessionId,
    #[serde(default = "owner")]
    pub role: Role,
}

/// In a recording from before there were several.
const fn alone() -> SessionId {
    SessionId(1)
}

const fn owner() -> Role {
    Role::Admin
}

/// What a console begins with.
pub struct Settings {
    pub instance: Instance,
    pub policy: Arc<Policy>,
    pub language: Language,
    pub theme: Theme,
    pub keymap: Keymap,
    pub now: Timestamp,
    pub size: (u16, u16),
}

pub struct Model {
    pub(super) shell: Shell,
    pub(super) snapshot: Arc<Snapshot>,
    /// The newest state, while the view is paused.
    pub(super) held: Option<Arc<Snapshot>>,
    pub(super) standing: Slot<Counts>,
    /// What is wrong with the set-up: the doctor shows it, the overview counts it.
    pub(super) diagnosis: Slot<Diagnosis>,
    pub(super) tab: Tab,
    pub(super) overview: overview::Model,
    pub(super) queues: queues::Model,
    pub(super) conflicts: conflicts::Model,
    pub(super) contacts: contacts::Model,
    pub(super) flags: flags::Model,
    pub(super) activities: activities::Model,
    pub(super) plugin: plugin::Model,
    pub(super) doctor: doctor::Model,
    pub(super) audit: audit::Model,
    pub(super) access: access::Model,
    pub(super) overlay: Option<Overlay>,
    /// Asked for by the undo key; its answer opens a dialog.
    pub(super) undo: Option<Slot<Option<Box<UndoPreview>>>>,
    /// Asked for by a key that decides for many; its answer opens a dialog.
    pub(super) bulk: Option<Bulk>,
    /// What waits behind the brake is asked for, to offer letting it go on.
    pub(super) release: Option<Slot<Queues>>,
    /// Asked for by a key; its answer says where the file is.
    pub(super) export: Option<(Slot<Exported>, Query)>,
    /// Both systems are read again; the answer goes where the diagnosis is.
    pub(super) look: Option<Slot<Diagnosis>>,
    /// When that was last begun.
    pub(super) looked: Option<Timestamp>,
    /// A remedy that is prepared, or being made.
    pub(super) mending: Option<(Slot<Mending>, Query)>,
    /// Commands that are not answered yet.
    pub(super) sent: Sent,
    pub(super) tickets: u64,
    /// For whoever reads lines instead of screens.
    pub(super) linear: Option<Box<Linear>>,
    /// What a bundle says beside the screens; empty over a running sync.
    pub(super) papers: Vec<String>,
}

/// One choice for many contacts.
pub(super) struct Bulk {
    pub(super) choice: Choice,
    pub(super) links: Vec<LinkId>,
    pub(super) reach: Reach,
    pub(super) slot: Slot<Vec<(Link, String)>>,
}

/// How the contacts of a bulk act were chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Marked {
        /// Of them, kept out of sight by the filter.
        hidden: u64,
    },
    /// Exactly what the filter shows.
    Shown {
        /// That wait too, and were not read.
        more: u64,
    },
}

pub(super) struct Shell {
    pub(super) instance: Instance,
    pub(super) policy: Arc<Policy>,
    pub(super) language: Language,
    pub(super) theme: Theme,
    pub(super) keymap: Keymap,
    pub(super) now: Timestamp,
    pub(super) size: (u16, u16),
    /// Keys of a sequence that is not complete yet.
    pub(super) pending: Vec<Chord>,
    pub(super) toast: Option<Toast>,
    pub(super) sync: SyncState,
    /// Who has a console open, this one among them.
    pub(super) present: Arc<Vec<Present>>,
    /// The contact that the others were told is open here.
    pub(super) shown: Option<LinkId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SyncState {
    Running,
    /// It ended by itself: nothing shown here will change any more.
    Ended,
}

/// One line for the operator, until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Toast {
    pub(super) text: String,
    pub(super) tone: Tone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Muted,
    Strong,
    /// Needs a person.
    Person,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tab {
    Overview,
    Queues,
    Conflicts,
    Contacts,
    Flags,
    Activities,
    Plugin,
    Doctor,
    Audit,
}

pub(super) enum Overlay {
    Finder(Finder),
    /// With what was kept before.
    Filter(Prompt, Filter),
    Search(Prompt),
    /// How far back a backfill reaches.
    Window(Prompt),
    Editor(Prompt),
    /// Which queue is paused, or let go on.
    Queue(Prompt),
    /// Until when these contacts are set aside.
    Until(Prompt, Targets),
    Dialog(Box<Dialog>),
    /// A text setting or a time of the plugin.
    Setting(Prompt, plugin::Key),
    /// Which of several are chosen.
    Boxes(Box<Boxes>),
    /// The two fields of a new pair.
    Picker(Box<Picker>),
    /// Which columns of the list in sight are shown.
    Columns(Chooser),
    /// Who is here, and what is being done.
    Here,
    /// Who lets us in, and letting in.
    Access,
    /// What a bundle says beside the screens, from that line on.
    Papers(usize),
}

/// The contacts that something is about to be done to, as they were when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Targets {
    pub(super) rows: Vec<Target>,
    /// Not in the list, and so left as they are.
    pub(super) more: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) link: LinkId,
    pub(super) name: String,
    pub(super) is_set_aside: bool,
    /// What one side says is not on the other one yet.
    pub(super) differs: bool,
}

/// A text asked for in the last lines of the screen.
pub(super) struct Prompt {
    pub(super) title: String,
    pub(super) hint: String,
    pub(super) field: Field,
    pub(super) problem: Option<String>,
}

impl Tab {
    pub(super) const ALL: [Self; 9] = [
        Self::Overview,
        Self::Queues,
        Self::Conflicts,
        Self::Contacts,
        Self::Flags,
        Self::Activities,
        Self::Plugin,
        Self::Doctor,
        Self::Audit,
    ];

    /// The key that leads there, by default.
    pub(super) const fn digit(self) -> u8 {
        match self {
            Self::Overview => 1,
            Self::Queues => 2,
            Self::Conflicts => 3,
            Self::Contacts => 4,
            Self::Flags => 5,
            Self::Activities => 6,
            Self::Plugin => 7,
            Self::Doctor => 8,
            Self::Audit => 9,
        }
    }

    /// The message that names it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Overview => "tab-overview",
            Self::Queues => "tab-queues",
            Self::Conflicts => "tab-conflicts",
            Self::Contacts => "tab-contacts",
            Self::Flags => "tab-flags",
            Self::Activities => "tab-activities",
            Self::Plugin => "tab-plugin",
            Self::Doctor => "tab-doctor",
            Self::Audit => "tab-audit",
        }
    }

    /// The same where there is little room.
    pub(super) const fn short_title(self) -> &'static str {
        match self {
            Self::Overview => "tab-short-overview",
            Self::Queues => "tab-short-queues",
            Self::Conflicts => "tab-short-conflicts",
            Self::Contacts => "tab-short-contacts",
            Self::Flags => "tab-short-flags",
            Self::Activities => "tab-short-activities",
            Self::Plugin => "tab-short-plugin",
            Self::Doctor => "tab-short-doctor",
            Self::Audit => "tab-short-audit",
        }
    }
}

impl Prompt {
    pub(super) fn new(title: String, hint: String, field: Field) -> Self {
        Self {
            title,
            hint,
            field,
            problem: None,
        }
    }
}

impl Shell {
    pub(super) fn words(&self) -> Words<'_> {
        Words {
            language: &self.language,
            policy: &self.policy,
            now: self.now,
        }
    }

    pub(super) fn toast(&mut self, tone: Tone, text: String) {
        self.toast = Some(Toast { text, tone });
    }

    /// Lines of a screen between its title and the last two lines.
    pub(super) const fn body_height(&self) -> u16 {
        self.size.1.saturating_sub(5)
    }
}

/// What every screen may look at. Its parts are borrowed one by one, so that a screen beside them can
/// be changed meanwhile.
macro_rules! scene {
    ($model:expr) => {
        $crate::console::screens::Scene {
            words: $model.shell.words(),
            instance: &$model.shell.instance,
            width: $model.shell.size.0,
            snapshot: &$model.snapshot,
            standing: &$model.standing,
            diagnosis: &$model.diagnosis,
            sync: $model.shell.sync,
        }
    };
}
pub(super) use scene;

impl Model {
    pub fn new(settings: Settings) -> Self {
        Self {
            shell: Shell {
                instance: settings.instance,
                policy: settings.policy,
                language: settings.language,
                theme: settings.theme,
                keymap: settings.keymap,
                now: settings.now,
                size: settings.size,
                pending: Vec::new(),
                toast: None,
                sync: SyncState::Running,
                present: Arc::default(),
                shown: None,
            },
            snapshot: Arc::default(),
            held: None,
            standing: Slot::default(),
            diagnosis: Slot::default(),
            tab: Tab::Overview,
            overview: overview::Model::default(),
            queues: queues::Model::default(),
            conflicts: conflicts::Model::default(),
            contacts: contacts::Model::default(),
            flags: flags::Model::default(),
            activities: activities::Model::default(),
            plugin: plugin::Model::default(),
            doctor: doctor::Model::default(),
            audit: audit::Model::default(),
            access: access::Model::default(),
            overlay: None,
            undo: None,
            bulk: None,
            release: None,
            export: None,
            look: None,
            looked: None,
            mending: None,
            sent: Sent::default(),
            tickets: 0,
            linear: None,
            papers: Vec::new(),
        }
    }

    /// What a bundle says beside the screens, line by line.
    pub fn exhibit(&mut self, papers: Vec<String>) {
        self.papers = papers;
    }

    /// One line that the operator is to see at the start.
    pub fn warn(&mut self, text: String) {
        self.shell.toast(Tone::Person, text);
    }

    pub const fn size(&self) -> (u16, u16) {
        self.shell.size
    }

    pub(super) fn scene(&self) -> Scene<'_> {
        scene!(self)
    }

    pub(super) fn screen(&self) -> &dyn Screen {
        self.screen_of(self.tab)
    }

    pub(super) fn screen_of(&self, tab: Tab) -> &dyn Screen {
        match tab {
            Tab::Overview => &self.overview,
            Tab::Queues => &self.queues,
            Tab::Conflicts => &self.conflicts,
            Tab::Contacts => &self.contacts,
            Tab::Flags => &self.flags,
            Tab::Activities => &self.activities,
            Tab::Plugin => &self.plugin,
            Tab::Doctor => &self.doctor,
            Tab::Audit => &self.audit,
        }
    }

    /// A screen, with what it may look at.
    pub(super) fn stage(&mut self, tab: Tab) -> (Scene<'_>, &mut dyn Screen) {
        let scene = scene!(self);
        let screen: &mut dyn Screen = match tab {
            Tab::Overview => &mut self.overview,
            Tab::Queues => &mut self.queues,
            Tab::Conflicts => &mut self.conflicts,
            Tab::Contacts => &mut self.contacts,
            Tab::Flags => &mut self.flags,
            Tab::Activities => &mut self.activities,
            Tab::Plugin => &mut self.plugin,
            Tab::Doctor => &mut self.doctor,
            Tab::Audit => &mut self.audit,
        };
        (scene, screen)
    }

    /// The contact or company that is open in sight.
    pub(super) fn looks_at(&self) -> Option<LinkId> {
        match self.tab {
            Tab::Conflicts => self.conflicts.open.as_ref().map(|open| open.link),
            Tab::Contacts => self.contacts.open.as_ref().map(|open| open.link),
            _ => None,
        }
    }

    /// Who else has the same contact open.
    pub(super) fn company(&self) -> Option<&Present> {
        let link = self.looks_at()?;
        let me = self.shell.instance.session;
        let mut others = self.shell.present.iter();
        others.find(|other| other.session != me && other.looks_at == Some(link))
    }

    /// The screen in sight.
    pub(super) fn front(&mut self) -> (Scene<'_>, &mut dyn Screen) {
        self.stage(self.tab)
    }

    /// Whether what is on the screen changes by itself as time passes.
    pub fn wants_time(&self) -> bool {
        let is_in_doubt = |slot: &dyn Waiting| slot.is_stale();
        if let Some(linear) = &self.linear {
            return linear.is_waiting();
        }
        self.screen().is_timed(self.scene())
            || self.standing.is_stale()
            || (self.tab == Tab::Overview && self.diagnosis.is_stale())
            || self.screen().slot(self.scene()).is_some_and(is_in_doubt)
            || (matches!(self.overlay, Some(Overlay::Access)) && self.access.slot.is_stale())
            || self.undo.as_ref().is_some_and(Waiting::is_stale)
            || self.bulk.as_ref().is_some_and(|bulk| bulk.slot.is_stale())
            || self.release.as_ref().is_some_and(Waiting::is_stale)
    }

    /// Where a key counts now, the narrowest place first.
    pub(super) fn contexts(&self) -> Vec<Context> {
        match &self.overlay {
            Some(Overlay::Dialog(dialog)) if dialog.is_on_text() => vec![Context::Text],
            Some(Overlay::Dialog(_) | Overlay::Here) => vec![Context::Dialog],
            Some(Overlay::Papers(_)) => vec![Context::List, Context::Dialog],
            Some(Overlay::Columns(_)) => vec![Context::Columns],
            Some(Overlay::Access) if !self.access.is_on_text() => vec![Context::Access],
            Some(Overlay::Boxes(_)) => vec![Context::Boxes],
            Some(_) => vec![Context::Text],
            None => self.screen_contexts(),
        }
    }

    /// The same without whatever lies over the screen.
    pub(super) fn screen_contexts(&self) -> Vec<Context> {
        vec![self.screen().context(), Context::List, Context::Everywhere]
    }

    /// What the screens in sight do not know well enough.
    pub(super) fn questions(&mut self) -> Vec<Effect> {
        let now = self.shell.now;
        let mut tickets = self.tickets;
        let mut asked = Vec::new();
        let mut ask = |slot: &mut dyn Waiting, query: Query| {
            let ticket = slot.question(&mut tickets, now);
            asked.extend(ticket.map(|ticket| Effect::Ask(ticket, query)));
        };
        ask(&mut self.standing, Query::Standing);
        let examined = self.diagnosis.as_of();
        let is_wanted = match self.tab {
            Tab::Doctor => true,
            Tab::Overview => examined.is_none_or(|at| now.since(at) >= COUNT_PACE),
            _ => false,
        };
        if is_wanted {
            ask(&mut self.diagnosis, Query::Doctor);
        }
        if matches!(self.overlay, Some(Overlay::Access)) {
            ask(&mut self.access.slot, Query::Access);
        }
        if let Some(undo) = &mut self.undo {
            ask(undo, Query::LastAct);
        }
        if let Some(bulk) = &mut self.bulk {
            ask(&mut bulk.slot, Query::Links(bulk.links.clone()));
        }
        if let Some(release) = &mut self.release {
            ask(release, Query::Queues);
        }
        if let Some((slot, query)) = &mut self.export {
            ask(slot, query.clone());
        }
        if let Some(look) = &mut self.look {
            ask(look, Query::Examine);
        }
        if let Some((slot, query)) = &mut self.mending {
            ask(slot, query.clone());
        }
        if let Some((slot, query)) = self.front().1.question() {
            ask(slot, query);
        }
        self.tickets = tickets;
        asked
    }

    /// Every place on every screen where an answer may go.
    pub(super) fn each_slot(&mut self, mut act: impl FnMut(&mut dyn Waiting)) {
        act(&mut self.standing);
        act(&mut self.diagnosis);
        act(&mut self.access.slot);
        for tab in Tab::ALL {
            for slot in self.stage(tab).1.slots() {
                act(slot);
            }
        }
    }

    /// The questions that are not answered yet.
    pub(super) fn awaited(&mut self) -> BTreeSet<Ticket> {
        let mut tickets = BTreeSet::new();
        self.each_slot(|slot| tickets.extend(slot.waiting()));
        tickets.extend(self.access.waiting());
        tickets.extend(self.undo.as_ref().and_then(Waiting::waiting));
        tickets.extend(self.bulk.as_ref().and_then(|bulk| bulk.slot.waiting()));
        tickets.extend(self.release.as_ref().and_then(Waiting::waiting));
        tickets.extend(self.export.as_ref().and_then(|(slot, _)| slot.waiting()));
        tickets.extend(self.look.as_ref().and_then(Waiting::waiting));
        tickets.extend(self.mending.as_ref().and_then(|(slot, _)| slot.waiting()));
        tickets
    }

    /// Data on every screen may be out of date.
    pub(super) fn doubt_all(&mut self) {
        self.each_slot(|slot| slot.doubt());
    }
}
