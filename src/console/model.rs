//! Everything the console knows. Each screen owns what is its own; the shell is what all share.

mod asked;
mod overlay;
mod tab;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Effect;
use super::access;
use super::keymap::{Chord, Context, Keymap};
use super::language::Language;
use super::linear::Linear;
use super::query::{Diagnosis, Query, Ticket};
use super::screens::{
    Scene, Screen, activities, audit, conflicts, contacts, doctor, flags, overview, plugin, queues,
};
use super::slot::{Slot, Waiting};
use super::theme::Theme;
use super::words::Words;
use crate::domain::ids::LinkId;
use crate::domain::mapping::Policy;
use crate::domain::operator::{Present, Role, SessionId};
use crate::domain::record::Counts;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::{Span, Timestamp};

pub(super) use asked::{Asked, Bulk, Reach};
pub(super) use overlay::{Overlay, Prompt, Target, Targets};
pub(super) use tab::Tab;

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
    /// The terminal, who sits at it, and how they are spoken to.
    pub(super) shell: Shell,
    pub(super) known: Known,
    pub(super) screens: Screens,
    pub(super) tab: Tab,
    pub(super) overlay: Option<Overlay>,
    pub(super) access: access::Model,
    pub(super) asked: Asked,
    /// For whoever reads lines instead of screens.
    pub(super) linear: Option<Box<Linear>>,
    /// What a bundle says beside the screens; empty over a running sync.
    pub(super) papers: Vec<String>,
}

/// What is known of the sync, whichever screen is in sight.
#[derive(Default)]
pub(super) struct Known {
    pub(super) snapshot: Arc<Snapshot>,
    /// The newest state, while the view is paused.
    pub(super) held: Option<Arc<Snapshot>>,
    pub(super) standing: Slot<Counts>,
    /// What is wrong with the set-up: the doctor shows it, the overview counts it.
    pub(super) diagnosis: Slot<Diagnosis>,
}

/// What each screen has of its own.
#[derive(Default)]
pub(super) struct Screens {
    pub(super) overview: overview::Model,
    pub(super) queues: queues::Model,
    pub(super) conflicts: conflicts::Model,
    pub(super) contacts: contacts::Model,
    pub(super) flags: flags::Model,
    pub(super) activities: activities::Model,
    pub(super) plugin: plugin::Model,
    pub(super) doctor: doctor::Model,
    pub(super) audit: audit::Model,
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

    pub(super) const fn body_height(&self) -> u16 {
        super::view::body_height(self.size.1)
    }
}

/// What every screen may look at. Its parts are borrowed one by one, so that a screen beside them can
/// be changed meanwhile.
macro_rules! scene {
    ($model:expr) => {
        $crate::console::screens::Scene {
            words: $model.shell.words(),
            theme: $model.shell.theme,
            instance: &$model.shell.instance,
            width: $model.shell.size.0,
            snapshot: &$model.known.snapshot,
            standing: &$model.known.standing,
            diagnosis: &$model.known.diagnosis,
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
            known: Known::default(),
            screens: Screens::default(),
            tab: Tab::Overview,
            overlay: None,
            access: access::Model::default(),
            asked: Asked::default(),
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

    /// How the screens were left could not be read.
    pub fn warn_of_view(&mut self, error: &str) {
        let say = &self.shell.language;
        let text = say.with("view-unread", &[("error", error)]);
        self.warn(text);
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
            Tab::Overview => &self.screens.overview,
            Tab::Queues => &self.screens.queues,
            Tab::Conflicts => &self.screens.conflicts,
            Tab::Contacts => &self.screens.contacts,
            Tab::Flags => &self.screens.flags,
            Tab::Activities => &self.screens.activities,
            Tab::Plugin => &self.screens.plugin,
            Tab::Doctor => &self.screens.doctor,
            Tab::Audit => &self.screens.audit,
        }
    }

    /// A screen, with what it may look at.
    pub(super) fn stage(&mut self, tab: Tab) -> (Scene<'_>, &mut dyn Screen) {
        let scene = scene!(self);
        let screen: &mut dyn Screen = match tab {
            Tab::Overview => &mut self.screens.overview,
            Tab::Queues => &mut self.screens.queues,
            Tab::Conflicts => &mut self.screens.conflicts,
            Tab::Contacts => &mut self.screens.contacts,
            Tab::Flags => &mut self.screens.flags,
            Tab::Activities => &mut self.screens.activities,
            Tab::Plugin => &mut self.screens.plugin,
            Tab::Doctor => &mut self.screens.doctor,
            Tab::Audit => &mut self.screens.audit,
        };
        (scene, screen)
    }

    /// The contact or company that is open in sight.
    pub(super) fn looks_at(&self) -> Option<LinkId> {
        match self.tab {
            Tab::Conflicts => self.screens.conflicts.open.as_ref().map(|open| open.link),
            Tab::Contacts => self.screens.contacts.open.as_ref().map(|open| open.link),
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
            || self.known.standing.is_stale()
            || (self.tab == Tab::Overview && self.known.diagnosis.is_stale())
            || self.screen().slot(self.scene()).is_some_and(is_in_doubt)
            || (matches!(self.overlay, Some(Overlay::Access)) && self.access.slot.is_stale())
            || self.asked.is_stale()
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
        let mut tickets = self.asked.tickets;
        let mut asked = Vec::new();
        let mut ask = |slot: &mut dyn Waiting, query: Query| {
            let ticket = slot.question(&mut tickets, now);
            asked.extend(ticket.map(|ticket| Effect::Ask(ticket, query)));
        };
        ask(&mut self.known.standing, Query::Standing);
        let examined = self.known.diagnosis.as_of();
        let is_wanted = match self.tab {
            Tab::Doctor => true,
            Tab::Overview => examined.is_none_or(|at| now.since(at) >= COUNT_PACE),
            _ => false,
        };
        if is_wanted {
            ask(&mut self.known.diagnosis, Query::Doctor);
        }
        if matches!(self.overlay, Some(Overlay::Access)) {
            ask(&mut self.access.slot, Query::Access);
        }
        for (slot, query) in self.asked.questions() {
            ask(slot, query);
        }
        if let Some((slot, query)) = self.front().1.question() {
            ask(slot, query);
        }
        self.asked.tickets = tickets;
        asked
    }

    /// Every place on every screen where an answer may go.
    pub(super) fn each_slot(&mut self, mut act: impl FnMut(&mut dyn Waiting)) {
        act(&mut self.known.standing);
        act(&mut self.known.diagnosis);
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
        tickets.extend(self.asked.waiting());
        tickets
    }

    /// Data on every screen may be out of date.
    pub(super) fn doubt_all(&mut self) {
        self.each_slot(|slot| slot.doubt());
    }
}
