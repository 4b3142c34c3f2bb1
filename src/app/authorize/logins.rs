//! One login at a time per side, in whatever way it was begun; and what the last one, or the last check,
//! has shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::access::Standing;
use crate::domain::ids::Side;

/// Of one process.
#[derive(Debug, Default)]
pub(in crate::app) struct Logins(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    under_way: BTreeSet<Side>,
    known: BTreeMap<Side, Standing>,
}

/// Whoever has it may change what is kept for the side, until it is dropped.
#[derive(Debug)]
pub(in crate::app) struct Turn {
    logins: Arc<Logins>,
    side: Side,
}

impl Logins {
    /// `None` while somebody else has it.
    pub(in crate::app) fn take(self: &Arc<Self>, side: Side) -> Option<Turn> {
        let is_free = self.with(|state| state.under_way.insert(side));
        is_free.then(|| Turn {
            logins: Arc::clone(self),
            side,
        })
    }

    pub(in crate::app) fn remember(&self, side: Side, known: Standing) {
        self.with(|state| state.known.insert(side, known));
    }

    pub(in crate::app) fn known(&self, side: Side) -> Option<Standing> {
        self.with(|state| state.known.get(&side).cloned())
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.logins.with(|state| state.under_way.remove(&self.side));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_has_one_login_at_a_time_and_the_other_side_is_free() {
        let logins = Arc::new(Logins::default());
        let turn = logins.take(Side::Salesforce).unwrap();
        assert!(logins.take(Side::Salesforce).is_none());
        assert!(logins.take(Side::Automation).is_some());
        drop(turn);
        assert!(logins.take(Side::Salesforce).is_some());
    }
}
