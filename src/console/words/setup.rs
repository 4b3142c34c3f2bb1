//! What speaks against a configuration, put into words.

use super::Words;
use crate::console::language::Language;
use crate::domain::mapping::Policy;
use crate::domain::setup::Objection;
use crate::domain::time::Timestamp;

/// An objection as one sentence, for whoever has no screen.
pub fn objected(language: &Language, objection: &Objection) -> String {
    let words = Words {
        language,
        policy: &Policy::default(),
        now: Timestamp::ZERO,
    };
    words.objection(objection)
}

impl Words<'_> {
    pub(in crate::console) fn objection(&self, objection: &Objection) -> String {
        self.filled(&objection.says, &objection.gaps)
    }
}
