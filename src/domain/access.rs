//! Being let in at the two systems: how, as whom, or why not; and what is told while somebody logs in.
//! Never a secret, a code or a token.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::ids::Side;
use super::time::Timestamp;

/// The name of a message, or of a gap in one.
type Message = Cow<'static, str>;

/// What the audit calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessAct {
    Authorise,
    Revoke,
}

impl AccessAct {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorise => "authorise",
            Self::Revoke => "revoke",
        }
    }
}

/// How a side is logged in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flow {
    /// By a person at a browser.
    Person,
    ClientCredentials,
    /// By an assertion that a private key signs.
    Assertion,
    Password,
}

/// A secret by the name that its system gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretName {
    ConsumerSecret,
    SecretKey,
    Password,
}

/// A secret that the instance file does not mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretWanted {
    pub name: SecretName,
    /// There are applications without one.
    pub is_optional: bool,
    /// It was asked for before, and is kept sealed.
    pub is_kept: bool,
}

/// One side's door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    pub side: Side,
    pub flow: Flow,
    /// Where people log in.
    pub address: String,
    pub wanted: Option<SecretWanted>,
    /// Tokens and secrets that are kept sealed for it.
    pub kept: u64,
    pub standing: Standing,
}

impl Access {
    /// Whether anything of how we are let in is kept here, so that it can be ended from here. What the
    /// instance file gives is not.
    pub const fn is_kept_here(&self) -> bool {
        matches!(self.flow, Flow::Person) || self.wanted.is_some()
    }
}

/// Whether we are let in, as far as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    Unknown,
    In { at: Timestamp, who: Entrant },
    Out { at: Timestamp, why: Why },
}

impl Standing {
    /// When that was seen.
    pub const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Unknown => None,
            Self::In { at, .. } | Self::Out { at, .. } => Some(*at),
        }
    }
}

/// As whom we are let in, and where. What a side does not say is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Entrant {
    /// Login name.
    pub user: String,
    pub user_name: String,
    /// The organisation's id, or Automation's address.
    pub place: String,
    pub place_name: String,
    /// Of Salesforce only.
    pub is_sandbox: Option<bool>,
    pub scopes: Vec<String>,
    pub version: String,
}

/// Why something was not done, with what to do about it: a message and its gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    pub says: Message,
    pub gaps: Vec<(Message, String)>,
}

impl Why {
    pub fn said(says: &'static str, gaps: Vec<(&'static str, String)>) -> Self {
        let gaps = gaps.into_iter();
        Self {
            says: says.into(),
            gaps: gaps.map(|(name, text)| (name.into(), text)).collect(),
        }
    }

    /// What no message says, in the words that it came with.
    pub fn raw(text: impl Into<String>) -> Self {
        Self::said("denied-raw", vec![("raw", text.into())])
    }
}

/// How far an attempt is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    Checking,
    /// Waits for a person: the call-back address that the application must list, the address to open,
    /// and whether the browser of this machine comes back by itself.
    AtBrowser {
        redirect: String,
        address: String,
        listens: Listens,
    },
    /// What was pasted is not the answer, and another may be pasted.
    NotTheAnswer(Why),
    /// The code is being exchanged.
    Exchanging,
    Proving,
    Revoking,
    Ended(Outcome),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Listens {
    Here,
    /// The first port is taken; the call-back address with this one was entered too.
    AtAnother,
    /// The operator sits at another machine.
    Elsewhere,
    /// Something else has every port that a call-back address names.
    Taken,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was asked who we are, and nothing else.
    Checked(Entrant),
    /// What is new is kept sealed.
    LetIn(Entrant),
    Revoked {
        /// At the system itself: `None` where it has no such request, or nothing was kept; `false` if
        /// it did not know the login any more.
        there: Option<bool>,
        forgotten: u64,
    },
    Refused(Why),
    /// By whoever began it; nothing was kept.
    BrokenOff,
}

/// Told of an attempt, as it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    pub side: Side,
    pub progress: Progress,
}
