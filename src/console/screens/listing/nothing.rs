//! What is open over a list of which nothing opens.

use super::Opened;
use crate::console::canvas::Canvas;
use crate::console::keymap::Action;
use crate::console::linear::Reading;
use crate::console::list::Step;
use crate::console::screens::Scene;

#[derive(Debug)]
pub(in crate::console) enum Nothing {}

impl<D> Opened<D> for Nothing {
    fn title(&self, _: Scene<'_>, _: Option<&D>) -> String {
        match *self {}
    }

    fn hints(&self, _: Scene<'_>) -> Vec<(Action, &'static str)> {
        match *self {}
    }

    fn paint(&self, _: Scene<'_>, _: Option<&D>, _: &mut Canvas<'_>) {
        match *self {}
    }

    fn read(&self, _: Scene<'_>, _: Option<&D>) -> Reading {
        match *self {}
    }

    fn step(&mut self, _: Scene<'_>, _: Option<&D>, _: Step, _: u16) {
        match *self {}
    }
}
