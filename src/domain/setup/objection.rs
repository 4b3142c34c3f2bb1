//! What speaks against a configuration: refused, or warned of. As a message and the values in it,
//! so that whoever shows it says it in the operator's language.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::doctor::{Message, Told};
use crate::domain::ids::{FieldId, Kind};

/// One thing that speaks against a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Objection {
    /// The rule that it is about; none if it is about the settings.
    pub about: Option<(Kind, FieldId)>,
    pub weight: Weight,
    pub says: Message,
    pub gaps: Vec<(Message, Told)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Weight {
    /// It cannot be saved like this.
    Refused,
    /// It can be saved by somebody who knows what it means.
    Warned,
}

/// Why a pair of fields can be no rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Unfit {
    pub says: &'static str,
    pub gaps: Vec<(&'static str, Told)>,
}

impl Unfit {
    pub(super) const fn new(says: &'static str, gaps: Vec<(&'static str, Told)>) -> Self {
        Self { says, gaps }
    }

    pub fn about(self, about: Option<(Kind, FieldId)>, weight: Weight) -> Objection {
        let gaps = self.gaps.into_iter();
        Objection {
            about,
            weight,
            says: Cow::Borrowed(self.says),
            gaps: gaps
                .map(|(name, told)| (Cow::Borrowed(name), told))
                .collect(),
        }
    }
}

impl Objection {
    pub fn is_refusal(&self) -> bool {
        self.weight == Weight::Refused
    }
}
