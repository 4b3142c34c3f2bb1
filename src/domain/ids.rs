//! Identities. Each is its own type, so that no two can be swapped.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the two systems kept in agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Salesforce,
    Automation,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::Salesforce, Self::Automation];

    /// As commands and their answers write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Salesforce => "salesforce",
            Self::Automation => "automation",
        }
    }

    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Salesforce => Self::Automation,
            Self::Automation => Self::Salesforce,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Salesforce => "Salesforce",
            Self::Automation => "Automation",
        })
    }
}

/// What a link pairs: a Lead or Contact with an Automation contact, or an Account with a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Person,
    Company,
}

/// The Salesforce objects that the sync writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SalesforceObject {
    Lead,
    Contact,
    Account,
}

impl SalesforceObject {
    pub const ALL: [Self; 3] = [Self::Lead, Self::Contact, Self::Account];

    pub const fn kind(self) -> Kind {
        match self {
            Self::Lead | Self::Contact => Kind::Person,
            Self::Account => Kind::Company,
        }
    }

    /// The object's API name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lead => "Lead",
            Self::Contact => "Contact",
            Self::Account => "Account",
        }
    }
}

impl fmt::Display for SalesforceObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Salesforce record id. Held as its 15 case-sensitive characters; printed in the 18-character
/// form, whose last three letters encode the case of the first fifteen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SalesforceId([u8; 15]);

/// Why a text is no Salesforce id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SalesforceIdError {
    #[error("a Salesforce id has 15 or 18 letters and digits, not {0}")]
    Length(usize),
    #[error("a Salesforce id holds only letters and digits")]
    Character,
    #[error("the last three letters of this Salesforce id do not match the rest")]
    Checksum,
}

impl SalesforceId {
    pub const fn as_bytes(&self) -> &[u8; 15] {
        &self.0
    }

    /// From stored bytes, which were checked when they were stored.
    pub fn from_bytes(bytes: [u8; 15]) -> Result<Self, SalesforceIdError> {
        if bytes.iter().all(u8::is_ascii_alphanumeric) {
            Ok(Self(bytes))
        } else {
            Err(SalesforceIdError::Character)
        }
    }

    fn suffix(&self) -> [u8; 3] {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
        let mut suffix = [0; 3];
        for (group, letter) in self.0.chunks(5).zip(&mut suffix) {
            let bits = group.iter().enumerate().fold(0, |bits, (i, c)| {
                bits | (usize::from(c.is_ascii_uppercase()) << i)
            });
            *letter = LETTERS[bits];
        }
        suffix
    }
}

impl FromStr for SalesforceId {
    type Err = SalesforceIdError;

    /// Accepts 15 characters, or 18 whose suffix fits. An 18-character id is case-insensitive by
    /// design of the platform, but every API answer keeps the case, so a misfit is an error here.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        if bytes.len() != 15 && bytes.len() != 18 {
            return Err(SalesforceIdError::Length(text.chars().count()));
        }
        let mut id = [0; 15];
        id.copy_from_slice(&bytes[..15]);
        let id = Self::from_bytes(id)?;
        if bytes.len() == 18 && !bytes[15..].eq_ignore_ascii_case(&id.suffix()) {
            return Err(SalesforceIdError::Checksum);
        }
        Ok(id)
    }
}

impl fmt::Display for SalesforceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().chain(&self.suffix()) {
            write!(f, "{}", char::from(*byte))?;
        }
        Ok(())
    }
}

impl fmt::Debug for SalesforceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for SalesforceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for SalesforceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?
                .parse()
                .map_err(D::Error::custom)
        } else {
            Self::from_bytes(<[u8; 15]>::deserialize(deserializer)?).map_err(D::Error::custom)
        }
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number_id!(
    /// An Automation contact's or company's id. Not stable: a merge may move a person to another.
    AutomationId(u64)
);
number_id!(
    /// The lasting pairing of two records. Never reused.
    LinkId(u64)
);
number_id!(
    /// A mapped pair of fields. Stays with the pair when the mapping around it is edited.
    FieldId(u16)
);
number_id!(
    /// Counts the changes of a link's conflicts; a resolution names the one it was made on.
    Generation(u32)
);
number_id!(
    /// One request handed to a worker. Not kept across restarts.
    JobId(u64)
);
number_id!(
    /// One operator's act or one scheduled run; groups what it did for undo and audit.
    RunId(u64)
);

/// A record's identity on one side, whichever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RemoteId {
    Salesforce(SalesforceObject, SalesforceId),
    Automation(Kind, AutomationId),
}

impl RemoteId {
    pub const fn side(self) -> Side {
        match self {
            Self::Salesforce(..) => Side::Salesforce,
            Self::Automation(..) => Side::Automation,
        }
    }

    pub const fn kind(self) -> Kind {
        match self {
            Self::Salesforce(object, _) => object.kind(),
            Self::Automation(kind, _) => kind,
        }
    }
}

impl fmt::Display for RemoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Salesforce(object, id) => write!(f, "{object} {id}"),
            Self::Automation(Kind::Person, id) => write!(f, "contact {id}"),
            Self::Automation(Kind::Company, id) => write!(f, "company {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_of_an_id_encodes_its_capitals() {
        let id: SalesforceId = "003Q70000000A1b".parse().unwrap();
        assert_eq!(id.to_string(), "003Q70000000A1bIAE");
        assert_eq!("003Q70000000A1bIAE".parse(), Ok(id));
    }

    #[test]
    fn a_text_that_is_no_id_is_refused_with_the_reason() {
        assert_eq!(
            "003".parse::<SalesforceId>(),
            Err(SalesforceIdError::Length(3))
        );
        assert_eq!(
            "003Q7000000'A1b".parse::<SalesforceId>(),
            Err(SalesforceIdError::Character)
        );
        assert_eq!(
            "003Q70000000A1bAAA".parse::<SalesforceId>(),
            Err(SalesforceIdError::Checksum)
        );
    }
}
