//! Any list: what the chooser of columns, the kept view and whoever reads lines need of it.

use super::{List, Topic, written};
use crate::console::filter::Filter;
use crate::console::kept::KeptList;
use crate::console::list::{Shape, Table};
use crate::console::screens::Scene;

/// A list without regard to what it is about.
pub(in crate::console) trait Listing {
    fn table(&self) -> &'static Table;
    /// Cells that it has on a screen of that width.
    fn width(&self, width: u16) -> u16;
    /// Lines of it on one page.
    fn page(&self, scene: Scene<'_>, body: u16) -> usize;
    fn filter(&self) -> &Filter;
    fn shape(&self) -> &Shape;
    fn shape_mut(&mut self) -> &mut Shape;
    /// What its lines have in common, as the kept view writes it.
    fn grouped_by(&self) -> &'static str;
    /// The chosen row as the kept view writes it; nothing if it is only the one that is offered.
    fn written(&self) -> String;
    /// As it was left.
    fn restore(&mut self, kept: &KeptList);
}

impl<T: Topic> Listing for List<T> {
    fn table(&self) -> &'static Table {
        T::table(self)
    }

    fn width(&self, width: u16) -> u16 {
        T::width(width)
    }

    fn page(&self, scene: Scene<'_>, body: u16) -> usize {
        T::page(self, scene, body)
    }

    fn filter(&self) -> &Filter {
        &self.filter
    }

    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn shape_mut(&mut self) -> &mut Shape {
        &mut self.shape
    }

    fn grouped_by(&self) -> &'static str {
        T::grouped_by(self)
    }

    fn written(&self) -> String {
        match self.key() {
            Some(key) if self.selection.index() > 0 => written(key),
            Some(_) => String::new(),
            None => self.resumed.clone(),
        }
    }

    /// Names that the list does not have are passed over where they are looked for.
    fn restore(&mut self, kept: &KeptList) {
        self.shape = Shape {
            by: kept.sorted_by.clone(),
            is_inverted: kept.is_inverted,
            hidden: kept.hidden.clone(),
        };
        self.resumed.clone_from(&kept.chosen);
        T::group_by(self, &kept.grouped_by);
    }
}
