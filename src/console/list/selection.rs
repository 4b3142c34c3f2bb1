//! A choice in a list, by identity: a refresh never moves it to another item.

/// Which item is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) struct Selection<K> {
    chosen: Chosen<K>,
    /// The item is only offered: no operator has chosen it.
    is_offered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen<K> {
    /// Nobody chose yet: the first item is offered.
    NotYet,
    Item(K, usize),
    /// The item is no longer in the list; nothing is chosen until the operator moves.
    Gone(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Step {
    Down,
    Up,
    First,
    Last,
    PageDown,
    PageUp,
}

impl<K: Copy + PartialEq> Default for Selection<K> {
    fn default() -> Self {
        Self {
            chosen: Chosen::NotYet,
            is_offered: true,
        }
    }
}

impl<K: Copy + PartialEq> Selection<K> {
    pub(in crate::console) fn key(&self) -> Option<K> {
        match self.chosen {
            Chosen::Item(key, _) => Some(key),
            Chosen::NotYet | Chosen::Gone(_) => None,
        }
    }

    /// Where in the list the choice is, or was.
    pub(in crate::console) fn index(&self) -> usize {
        match self.chosen {
            Chosen::NotYet => 0,
            Chosen::Item(_, index) | Chosen::Gone(index) => index,
        }
    }

    /// What was only offered gives way to what stands first from now on.
    pub(in crate::console) fn offer_anew(&mut self) {
        if self.is_offered {
            *self = Self::default();
        }
    }

    /// What was chosen in an earlier session is chosen again, if it is still there.
    pub(in crate::console) fn resume(&mut self, keys: &[K], is_it: impl Fn(&K) -> bool) {
        let found = keys.iter().position(is_it);
        if let Some(index) = found.filter(|_| self.chosen == Chosen::NotYet) {
            self.choose(keys, index);
        }
    }

    /// The list is another one now. Answers whether the chosen item is gone from it.
    pub(in crate::console) fn settle(&mut self, keys: &[K]) -> bool {
        if keys.is_empty() {
            // Whatever comes next is a new list.
            return std::mem::take(self).key().is_some();
        }
        match self.chosen {
            Chosen::NotYet => {
                if let Some(first) = keys.first() {
                    self.chosen = Chosen::Item(*first, 0);
                }
                false
            }
            Chosen::Item(key, index) => {
                let found = keys.iter().position(|known| *known == key);
                self.chosen = match found {
                    Some(index) => Chosen::Item(key, index),
                    None => Chosen::Gone(index.min(keys.len().saturating_sub(1))),
                };
                found.is_none()
            }
            Chosen::Gone(index) => {
                self.chosen = Chosen::Gone(index.min(keys.len().saturating_sub(1)));
                false
            }
        }
    }

    /// The operator let fewer items be shown, or more: what is chosen stays if it is among them, else
    /// the first one is offered.
    pub(in crate::console) fn narrow(&mut self, keys: &[K]) {
        if self.settle(keys) || self.key().is_none() {
            *self = Self::default();
            self.settle(keys);
        }
    }

    pub(in crate::console) fn choose(&mut self, keys: &[K], index: usize) {
        if let Some(key) = keys.get(index) {
            self.chosen = Chosen::Item(*key, index);
            self.is_offered = false;
        }
    }

    /// A click on a line of the page in sight.
    pub(in crate::console) fn click(&mut self, keys: &[K], line: usize, page: usize) {
        self.choose(keys, page_top(self.index(), page) + line);
    }

    pub(in crate::console) fn step(&mut self, keys: &[K], step: Step, page: usize) {
        let last = keys.len().saturating_sub(1);
        let index = self.index();
        let is_gone = matches!(self.chosen, Chosen::Gone(_));
        let index = match step {
            Step::Down if is_gone => index,
            Step::Down => index.saturating_add(1),
            Step::Up => index.saturating_sub(1),
            Step::First => 0,
            Step::Last => last,
            Step::PageDown => index.saturating_add(page),
            Step::PageUp => index.saturating_sub(page),
        };
        self.choose(keys, index.min(last));
    }
}

/// The first item of the page that shows an item. Whole pages: what is seen depends on the choice
/// and the height, and on nothing that was drawn before.
pub(in crate::console) const fn page_top(index: usize, height: usize) -> usize {
    if height == 0 {
        return index;
    }
    index / height * height
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_offered_gives_way_when_asked_and_what_was_chosen_stays() {
        let mut selection = Selection::default();
        selection.settle(&['b', 'c']);
        selection.settle(&['a', 'b', 'c']);
        assert_eq!(selection.key(), Some('b'));
        selection.offer_anew();
        selection.settle(&['a', 'b', 'c']);
        assert_eq!(selection.key(), Some('a'));
        selection.step(&['a', 'b', 'c'], Step::Up, 10);
        selection.offer_anew();
        selection.settle(&['x', 'a']);
        assert_eq!(selection.key(), Some('a'), "an operator's key was pressed");
    }

    #[test]
    fn a_refresh_never_moves_the_choice_to_another_item() {
        let mut selection = Selection::default();
        assert!(!selection.settle(&['a', 'b', 'c']));
        assert_eq!(selection.key(), Some('a'));
        selection.step(&['a', 'b', 'c'], Step::Down, 10);
        selection.settle(&['x', 'y', 'b']);
        assert_eq!((selection.key(), selection.index()), (Some('b'), 2));
        assert!(selection.settle(&['x', 'y']), "it is gone");
        assert_eq!(selection.key(), None);
        assert!(
            !selection.settle(&['b', 'x', 'y']),
            "and does not come back by itself"
        );
        assert_eq!(selection.key(), None);
        selection.step(&['b', 'x', 'y'], Step::Down, 10);
        assert_eq!(selection.key(), Some('x'));
    }

    #[test]
    fn a_filter_that_hides_the_choice_offers_the_first_that_it_shows() {
        let mut selection = Selection::default();
        selection.settle(&['a', 'b', 'c']);
        selection.choose(&['a', 'b', 'c'], 1);
        selection.narrow(&['b', 'c']);
        assert_eq!(selection.key(), Some('b'));
        selection.narrow(&['c']);
        assert_eq!(selection.key(), Some('c'));
        selection.narrow(&[]);
        selection.narrow(&['a', 'c']);
        assert_eq!(selection.key(), Some('a'));
    }

    #[test]
    fn steps_end_at_both_ends() {
        let keys: Vec<u32> = (0..25).collect();
        let mut selection = Selection::default();
        selection.settle(&keys);
        for (step, expected) in [
            (Step::Up, 0),
            (Step::PageDown, 10),
            (Step::Last, 24),
            (Step::Down, 24),
            (Step::PageUp, 14),
            (Step::First, 0),
        ] {
            selection.step(&keys, step, 10);
            assert_eq!(selection.key(), Some(expected));
        }
        assert_eq!(page_top(24, 10), 20);
    }
}
