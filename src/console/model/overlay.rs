//! What can lie over a screen, and the texts that are asked for.

use crate::console::boxes::Boxes;
use crate::console::chooser::Chooser;
use crate::console::dialog::Dialog;
use crate::console::field::Field;
use crate::console::filter::Filter;
use crate::console::finder::Finder;
use crate::console::picker::Picker;
use crate::console::screens::plugin;
use crate::domain::ids::LinkId;

pub(in crate::console) enum Overlay {
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
pub(in crate::console) struct Targets {
    pub(in crate::console) rows: Vec<Target>,
    /// Not in the list, and so left as they are.
    pub(in crate::console) more: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) struct Target {
    pub(in crate::console) link: LinkId,
    pub(in crate::console) name: String,
    pub(in crate::console) is_set_aside: bool,
    /// What one side says is not on the other one yet.
    pub(in crate::console) differs: bool,
}

/// A text asked for in the last lines of the screen.
pub(in crate::console) struct Prompt {
    pub(in crate::console) title: String,
    pub(in crate::console) hint: String,
    pub(in crate::console) field: Field,
    pub(in crate::console) problem: Option<String>,
}

impl Prompt {
    pub(in crate::console) fn new(title: String, hint: String, field: Field) -> Self {
        Self {
            title,
            hint,
            field,
            problem: None,
        }
    }
}
