//! What of the view outlives a session: language, colours, the screen in sight, and of each list its
//! filter, order, grouping, columns and chosen line.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::language::Tongue;
use super::model::{Model, Tab};
use super::theme::Shade;
use crate::domain::setup::Draft;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// `en` or `fr`.
    pub language: String,
    /// `dark`, `light` or `contrast`.
    pub theme: String,
    /// Digit of the screen.
    pub screen: u8,
    /// By digit of the screen.
    pub filters: BTreeMap<u8, String>,
    /// By digit of the screen.
    pub lists: BTreeMap<u8, KeptList>,
    /// A configuration that was being changed, and is not saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<Box<Draft>>,
}

/// How a list was left; a part that is empty is as the list begins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptList {
    /// The name of the column that sorts it.
    pub sorted_by: String,
    pub is_inverted: bool,
    /// What its lines have in common, where that can be chosen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub grouped_by: String,
    /// Names of columns.
    pub hidden: BTreeSet<String>,
    /// What the chosen line is about.
    pub chosen: String,
}

impl Model {
    pub fn kept(&self) -> Kept {
        let filters = Tab::ALL.into_iter().filter_map(|tab| {
            let filter = self.screen_of(tab).list()?.filter();
            (!filter.is_empty()).then(|| (tab.digit(), filter.typed().to_owned()))
        });
        let lists = Tab::ALL.into_iter().filter_map(|tab| {
            let list = self.screen_of(tab).list()?;
            let shape = list.shape();
            let kept = KeptList {
                sorted_by: shape.by.clone(),
                is_inverted: shape.is_inverted,
                grouped_by: list.grouped_by().to_owned(),
                hidden: shape.hidden.clone(),
                chosen: list.written(),
            };
            (kept != KeptList::default()).then(|| (tab.digit(), kept))
        });
        Kept {
            language: self.shell.language.tongue.name().to_owned(),
            theme: self.shell.theme.shade.name().to_owned(),
            screen: self.tab.digit(),
            filters: filters.collect(),
            lists: lists.collect(),
            draft: self.screens.plugin.unsaved().map(Box::new),
        }
    }

    /// The same, with the draft that another session of the operator left meanwhile, if this one had none.
    pub fn kept_beside(&self, other: Option<Kept>) -> Kept {
        let mut kept = self.kept();
        if !self.screens.plugin.own.has_drafted && kept.draft.is_none() {
            kept.draft = other.and_then(|other| other.draft);
        }
        kept
    }

    /// What is not known any more is passed over: a view is no decision.
    pub fn restore(&mut self, kept: &Kept) {
        if let Some(tongue) = Tongue::named(&kept.language) {
            self.shell.language.tongue = tongue;
        }
        if let Some(shade) = Shade::named(&kept.theme) {
            self.shell.theme.shade = shade;
        }
        self.screens.plugin.own.resumed = kept.draft.as_deref().cloned();
        for tab in Tab::ALL {
            if let Some(kept) = kept.lists.get(&tab.digit())
                && let Some(list) = self.stage(tab).1.list_mut()
            {
                list.restore(kept);
            }
            if let Some(typed) = kept.filters.get(&tab.digit()) {
                let (scene, screen) = self.stage(tab);
                screen.set_filter(scene, Filter::new(typed));
            }
            // Whom one looked for last is not kept, so the search would only ask again.
            if tab.digit() == kept.screen && tab != Tab::Contacts {
                self.tab = tab;
            }
        }
    }
}
