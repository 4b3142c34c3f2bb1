//! Taking out of texts and values what is somebody's. A mask is made for one bundle: who has only the
//! bundle cannot tell whom a token stands for, since what it was made with is in no file.

use std::fmt::Write as _;

use ring::hmac;
use ring::rand::SystemRandom;

use crate::domain::ids::{AutomationId, LinkId, RemoteId, SalesforceId};
use crate::domain::operator::Operator;
use crate::domain::record::Act;
use crate::domain::value::Value;

/// Of a token: among a hundred thousand people, two share one once in a hundred bundles or less.
const TOKEN_BYTES: usize = 5;

pub(super) struct Mask(hmac::Key);

impl Mask {
    pub(super) fn new() -> Result<Self, std::io::Error> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        let key = key.map_err(|_| std::io::Error::other("the machine has no random numbers"))?;
        Ok(Self(key))
    }

    fn token(&self, of: &str, what: &str) -> String {
        let tag = hmac::sign(&self.0, format!("{of}\0{what}").as_bytes());
        let mut token = String::new();
        for byte in &tag.as_ref()[..TOKEN_BYTES] {
            let _ = write!(token, "{byte:02x}"); // Into a string: cannot fail.
        }
        token
    }

    /// Whoever a link stands for.
    pub(super) fn person(&self, link: LinkId) -> String {
        Self::token_of(self.link(link))
    }

    pub(super) fn record(&self, record: RemoteId) -> String {
        let shown = record.to_string();
        let object = shown.split(' ').next().unwrap_or_default();
        format!("{object}-{}", self.token("record", &shown))
    }

    /// The token of a link that has a bundle's number.
    pub(super) fn token_of(masked: LinkId) -> String {
        format!("person-{:010x}@masked.example", masked.0)
    }

    /// The number by which a bundle knows a link: its person's token, read as a number.
    pub(super) fn link(&self, link: LinkId) -> LinkId {
        LinkId(number(&self.token("link", &link.to_string())))
    }

    /// An id of the same kind that is nobody's, with the record's token in it.
    pub(super) fn id(&self, record: RemoteId) -> RemoteId {
        let token = self.token("record", &record.to_string());
        match record {
            RemoteId::Automation(kind, _) => {
                RemoteId::Automation(kind, AutomationId(number(&token)))
            }
            RemoteId::Salesforce(object, id) => {
                let prefix = id.as_bytes()[..3].iter().copied();
                let bytes = prefix.chain(*b"00").chain(token.bytes());
                RemoteId::Salesforce(object, salesforce(bytes))
            }
        }
    }

    /// A name that a system gave to one of its things: its letters, and a token for the rest.
    pub(super) fn reference(&self, name: &str) -> String {
        let is_letter = |c: &char| c.is_ascii_alphabetic() || *c == '_';
        let letters: String = name.chars().take_while(is_letter).collect();
        format!("{letters}{}", self.token("reference", name))
    }

    /// An operator, or a user of one of the two systems.
    pub(super) fn user(&self, name: &str) -> String {
        match name {
            "" | Operator::OURSELVES => name.to_owned(),
            _ => format!("user-{}", self.token("user", name)),
        }
    }

    pub(super) fn place(&self, place: &str) -> String {
        match place {
            "" | "this machine" => place.to_owned(),
            _ => format!("place-{}", self.token("place", place)),
        }
    }

    /// What an act was done to. How a link and a record are told there is for others to say.
    pub(super) fn object(
        &self,
        act: &Act,
        link: impl Fn(LinkId) -> String,
        record: impl Fn(RemoteId) -> String,
    ) -> String {
        match (act.link(), act.record()) {
            (Some(about), _) => link(about),
            (None, Some(about)) => record(about),
            (None, None) if act.is_naming() => self.text(&act.object),
            (None, None) => without_addresses(&act.object),
        }
    }

    /// What a value is like. Equal values have equal tokens.
    pub(super) fn value(&self, value: &Value) -> String {
        match value {
            Value::Blank => "blank".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Text(text) => self.text(text),
            Value::Number(_) => format!("number #{}", self.short(value)),
            Value::Date(_) => format!("date #{}", self.short(value)),
            Value::Moment(_) => format!("date and time #{}", self.short(value)),
            Value::Many(chosen) => format!("{} choices #{}", chosen.len(), self.short(value)),
        }
    }

    fn short(&self, value: &Value) -> String {
        self.token("value", &value.to_string())
    }

    /// What a text that somebody wrote is like.
    pub(super) fn text(&self, text: &str) -> String {
        if text.is_empty() {
            return "blank".to_owned();
        }
        let letters = text.chars().count();
        let token = self.token("value", text);
        format!("text of {letters}, {} #{token}", shape(text))
    }
}

/// A token is hexadecimal, and of fewer digits than a number holds.
fn number(token: &str) -> u64 {
    u64::from_str_radix(token, 16).unwrap_or_default()
}

/// An object's three letters, two zeros and a token: all of them letters and digits.
fn salesforce(letters: impl Iterator<Item = u8>) -> SalesforceId {
    let mut bytes = [b'0'; 15];
    for (byte, letter) in bytes.iter_mut().zip(letters) {
        *byte = letter;
    }
    SalesforceId::from_bytes(bytes).expect("letters and digits")
}

/// In which letters a text is written, and what it looks like.
fn shape(text: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let has = |is: fn(char) -> bool| text.chars().any(is);
    if has(is_latin) {
        parts.push("Latin");
    }
    if has(|c| matches!(c, '\u{0370}'..='\u{03FF}')) {
        parts.push("Greek");
    }
    if has(|c| matches!(c, '\u{0400}'..='\u{052F}')) {
        parts.push("Cyrillic");
    }
    if has(|c| matches!(c, '\u{0590}'..='\u{08FF}')) {
        parts.push("right to left");
    }
    if has(|c| matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}')) {
        parts.push("East Asian");
    }
    if has(|c| c.is_ascii_digit()) {
        parts.push("digits");
    }
    if text.contains('@') {
        parts.push("an @");
    }
    if text.contains('\n') {
        parts.push("several lines");
    }
    if crate::app::text::safe(text) != text {
        parts.push("hidden characters");
    }
    if parts.is_empty() {
        parts.push("signs");
    }
    parts.join(" and ")
}

const fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{00C0}'..='\u{024F}')
}

/// The text with every word that holds an `@` replaced.
pub(super) fn without_addresses(text: &str) -> String {
    if !text.contains('@') {
        return text.to_owned();
    }
    let words = text.split(' ').map(|word| {
        if word.contains('@') {
            "<address>"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Kind, RunId, SalesforceObject};
    use crate::domain::time::Timestamp;

    #[test]
    fn tokens_are_the_same_within_a_bundle_and_others_in_the_next() {
        let (mask, other) = (Mask::new().unwrap(), Mask::new().unwrap());
        let person = mask.person(LinkId(7));
        assert_eq!(person, mask.person(LinkId(7)));
        assert_ne!(person, mask.person(LinkId(8)));
        assert_ne!(person, other.person(LinkId(7)));
        assert!(person.starts_with("person-") && person.ends_with("@masked.example"));
        let number = format!("{:010x}", mask.link(LinkId(7)).0);
        assert_eq!(person, format!("person-{number}@masked.example"));
        assert_eq!(mask.user("passerelle"), "passerelle");
        assert_ne!(mask.user("claire"), other.user("claire"));
    }

    #[test]
    fn a_record_has_an_id_that_is_nobodys_and_the_same_in_every_part() {
        let mask = Mask::new().unwrap();
        let lead: SalesforceId = "00Q70000000A1bC".parse().unwrap();
        let lead = RemoteId::Salesforce(SalesforceObject::Lead, lead);
        let masked = mask.id(lead);
        assert_eq!(masked, mask.id(lead));
        assert_ne!(masked, lead);
        let token = mask.record(lead).replace("Lead-", "");
        assert!(
            masked
                .to_string()
                .starts_with(&format!("Lead 00Q00{token}")),
            "{masked}"
        );
        let contact = RemoteId::Automation(Kind::Person, AutomationId(42));
        let RemoteId::Automation(_, id) = mask.id(contact) else {
            panic!("still one of Automation's");
        };
        assert_eq!(mask.record(contact), format!("contact-{:010x}", id.0));
        assert_ne!(
            mask.reference("PointGained1531"),
            mask.reference("PointGained1532")
        );
        assert!(mask.reference("PointGained1531").starts_with("PointGained"));
    }

    #[test]
    fn of_a_value_only_its_shape_is_told_and_which_are_equal() {
        let mask = Mask::new().unwrap();
        let text = |text: &str| mask.value(&Value::text(text));
        assert_eq!(text("Hélène"), text("Hélène"));
        assert_ne!(text("Hélène"), text("Helene"));
        assert!(text("Hélène").starts_with("text of 6, Latin #"));
        assert!(text("a@b.fr").contains("an @"));
        assert!(text("山田 1").contains("East Asian and digits"));
        assert!(text("x\u{202e}").contains("hidden characters"));
        assert_eq!(mask.value(&Value::Blank), "blank");
        assert!(
            mask.value(&Value::Number(417.into()))
                .starts_with("number #")
        );
    }

    #[test]
    fn what_an_act_was_done_to_is_told_without_names() {
        let mask = Mask::new().unwrap();
        let told = |act: &str, object: &str| {
            let act = Act {
                run: RunId(1),
                at: Timestamp::ZERO,
                operator: String::new(),
                from: String::new(),
                act: act.to_owned(),
                object: object.to_owned(),
                links: Vec::new(),
                reason: String::new(),
                undo: Vec::new(),
            };
            mask.object(&act, |link| mask.person(link), |record| mask.record(record))
        };
        let contact = RemoteId::Automation(Kind::Person, AutomationId(4711));
        assert_eq!(told("push contact", "contact 4711"), mask.record(contact));
        assert!(!told("push contact", "something 4711").contains("4711"));
        assert!(!told("export backup", "/home/claire/copy").contains("claire"));
        assert_eq!(told("make bundle", "7"), mask.person(LinkId(7)));
        assert_eq!(told("pause", "Salesforce"), "Salesforce");
    }

    #[test]
    fn words_that_are_addresses_are_taken_out() {
        assert_eq!(without_addresses("to a@b.fr, now"), "to <address> now");
        assert_eq!(without_addresses("nobody"), "nobody");
    }
}
