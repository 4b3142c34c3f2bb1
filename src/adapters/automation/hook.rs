//! Webhook calls as Automation posts them: whether the secret vouches for one, and whom it is about.
//!
//! Nothing else of a call is read. What a record shows is asked of Automation itself, so a call that
//! was held back, repeated or put together by somebody with an old body does no harm.
//!
//! Measured on Mautic 5.1.1 (`tests/recorded/webhook-deliveries.json`, `webhook-signature.json`): the
//! body is one object, type of event → list of events; `Webhook-Signature` is the base64 of an
//! HMAC-SHA256 over the raw body.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::domain::ids::{AutomationId, Kind, RemoteId};

/// The header with the signature.
pub const SIGNATURE: &str = "webhook-signature";

/// Bytes of an HMAC-SHA256.
const SIGNATURE_BYTES: usize = 32;

/// Types of events whose contact or company is worth a look, and that are asked for. Page visits, mails
/// sent and segments change nothing that is mapped, and there are very many of them.
pub const TRIGGERS: [&str; 10] = [
    "mautic.company_post_delete",
    "mautic.company_post_save",
    "mautic.email_on_open",
    "mautic.form_on_submit",
    "mautic.lead_channel_subscription_changed",
    "mautic.lead_company_change",
    "mautic.lead_points_change",
    "mautic.lead_post_delete",
    "mautic.lead_post_save_new",
    "mautic.lead_post_save_update",
];

/// What signs the calls of one hook.
pub struct HookKey(hmac::Key);

impl HookKey {
    pub fn new(secret: &SecretString) -> Self {
        let secret = secret.expose_secret().as_bytes();
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Takes as long for every wrong signature of a body.
    pub fn vouches_for(&self, body: &[u8], signature: &Signature) -> bool {
        hmac::verify(&self.0, body, &signature.0).is_ok()
    }
}

/// What a header has in the form of a signature: known before the body is read.
pub struct Signature([u8; SIGNATURE_BYTES]);

impl Signature {
    pub fn parse(header: &[u8]) -> Option<Self> {
        let bytes = STANDARD.decode(header.trim_ascii()).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
}

/// Whom a call is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    pub records: BTreeSet<RemoteId>,
    /// Events of types that concern no record of ours.
    pub other: u64,
    /// Events without an id where one was expected.
    pub nameless: u64,
}

/// The body is no webhook call, though it was signed.
#[derive(Debug, thiserror::Error)]
#[error("a signed webhook call cannot be read")]
pub struct Unreadable(#[from] serde_json::Error);

pub fn read(body: &[u8]) -> Result<Heard, Unreadable> {
    let Calls(heard) = serde_json::from_slice(body)?;
    Ok(heard)
}

/// What an event of a type is about.
#[derive(Debug, Clone, Copy)]
enum About {
    Contact,
    /// Its contact has lost its id already, which stands beside it.
    GoneContact,
    Company,
    GoneCompany,
}

fn about(kind: &str) -> Option<About> {
    Some(match kind.strip_prefix("mautic.")? {
        "lead_post_save_new"
        | "lead_post_save_update"
        | "lead_points_change"
        | "lead_channel_subscription_changed"
        | "lead_company_change"
        | "form_on_submit"
        | "email_on_open"
        | "page_on_hit" => About::Contact,
        "lead_post_delete" => About::GoneContact,
        "company_post_save" => About::Company,
        "company_post_delete" => About::GoneCompany,
        _ => return None,
    })
}

/// The ids in one event, wherever its type has them; everything else is passed over unread.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    #[serde(deserialize_with = "id")]
    id: Option<u64>,
    contact: Option<Record>,
    lead: Option<Record>,
    company: Option<Record>,
    submission: Option<Deed>,
    hit: Option<Deed>,
    stat: Option<Deed>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    #[serde(deserialize_with = "id")]
    id: Option<u64>,
}

/// What somebody did.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Deed {
    lead: Option<Record>,
    contact: Option<Record>,
}

impl Event {
    fn record(&self, about: About) -> Option<RemoteId> {
        let of = |record: &Option<Record>| record.as_ref().and_then(|record| record.id);
        let deeds = [&self.submission, &self.hit, &self.stat];
        let mut deeds = deeds.into_iter().flatten();
        let (kind, id) = match about {
            About::Contact => {
                let own = of(&self.contact).or_else(|| of(&self.lead));
                let done = deeds.find_map(|deed| of(&deed.lead).or_else(|| of(&deed.contact)));
                (Kind::Person, own.or(done))
            }
            About::GoneContact => (Kind::Person, self.id),
            About::Company => (Kind::Company, of(&self.company)),
            About::GoneCompany => (Kind::Company, self.id),
        };
        let id = id.filter(|id| *id > 0)?;
        Some(RemoteId::Automation(kind, AutomationId(id)))
    }
}

/// A number, or a text of digits; anything else is none.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let json = serde_json::Value::deserialize(deserializer)?;
    Ok(match json {
        serde_json::Value::Number(number) => number.as_u64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// A whole body.
struct Calls(Heard);

impl<'de> Deserialize<'de> for Calls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Types;
        impl<'de> Visitor<'de> for Types {
            type Value = Calls;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of lists of events")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Calls, A::Error> {
                let mut heard = Heard::default();
                while let Some(kind) = map.next_key::<String>()? {
                    let Some(about) = about(&kind) else {
                        let Skipped(count) = map.next_value()?;
                        heard.other += count;
                        continue;
                    };
                    let Events(events) = map.next_value()?;
                    for event in events {
                        match event.record(about) {
                            Some(record) => {
                                heard.records.insert(record);
                            }
                            None => heard.nameless += 1,
                        }
                    }
                }
                Ok(Calls(heard))
            }
        }
        deserializer.deserialize_map(Types)
    }
}

/// PHP makes a list with gaps an object.
struct Events(Vec<Event>);

/// How many there are.
struct Skipped(u64);

/// Collects what a list holds, or an object whose names say nothing.
struct Items<T, I, F>(T, F, PhantomData<I>);

impl<'de, T, I, F> Visitor<'de> for Items<T, I, F>
where
    I: Deserialize<'de>,
    F: FnMut(&mut T, I),
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<T, A::Error> {
        while let Some(item) = list.next_element()? {
            (self.1)(&mut self.0, item);
        }
        Ok(self.0)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<T, A::Error> {
        while let Some((IgnoredAny, item)) = map.next_entry()? {
            (self.1)(&mut self.0, item);
        }
        Ok(self.0)
    }
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let push = |events: &mut Vec<Event>, event: Event| events.push(event);
        let items = Items(Vec::new(), push, PhantomData);
        deserializer.deserialize_any(items).map(Self)
    }
}

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Items(0, |count: &mut u64, _: IgnoredAny| *count += 1, PhantomData);
        deserializer.deserialize_any(items).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn recorded(name: &str) -> Json {
        let path = format!("{}/tests/recorded/{name}", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn heard(body: &Json) -> Heard {
        read(body.to_string().as_bytes()).unwrap()
    }

    fn contact(id: u64) -> RemoteId {
        RemoteId::Automation(Kind::Person, AutomationId(id))
    }

    #[test]
    fn the_recorded_call_is_vouched_for_and_no_other_one_is() {
        let call = recorded("webhook-signature.json");
        let text = |name: &str| call[name].as_str().unwrap().to_owned();
        let (body, header) = (text("body"), text("signature"));
        let key = HookKey::new(&text("secret").into());
        let signature = Signature::parse(header.as_bytes()).unwrap();
        assert!(key.vouches_for(body.as_bytes(), &signature));
        assert!(!key.vouches_for(format!("{body} ").as_bytes(), &signature));
        let other = HookKey::new(&"another secret".to_owned().into());
        assert!(!other.vouches_for(body.as_bytes(), &signature));
        let heard = read(body.as_bytes()).unwrap();
        assert_eq!(heard.records, BTreeSet::from([contact(269)]));
    }

    #[test]
    fn what_has_not_the_form_of_a_signature_is_none() {
        for header in [
            "",
            "x",
            "fNxtMsJjJ839L2DE4fC5S9TzYq/7Ll4AG/JW6M3K6I",
            "====",
            "AAAA",
        ] {
            assert!(Signature::parse(header.as_bytes()).is_none(), "{header}");
        }
    }

    #[test]
    fn every_recorded_call_tells_whom_it_is_about() {
        let recorded = recorded("webhook-deliveries.json");
        let deliveries = recorded["deliveries"].as_array().unwrap();
        assert!(!deliveries.is_empty());
        for delivery in deliveries {
            let heard = heard(&delivery["body"]);
            let is_of_segment = delivery["body"].get("mautic.lead_list_change").is_some();
            let expected = if is_of_segment { (0, 1, 0) } else { (1, 0, 0) };
            let told = (heard.records.len(), heard.other, heard.nameless);
            assert_eq!(told, expected, "{}", delivery["title"]);
        }
    }

    #[test]
    fn the_id_is_found_where_each_type_has_it() {
        let body = json!({
            "mautic.form_on_submit": [{"submission": {"id": 1, "lead": {"id": 11}}}],
            "mautic.email_on_open": [{"stat": {"lead": {"id": "12"}}}],
            "mautic.page_on_hit": {"3": {"hit": {"lead": {"id": 13}}}},
            "mautic.lead_post_delete": [{"id": 14, "contact": {"id": null}}],
            "mautic.company_post_save": [{"company": {"id": 15}}],
            "mautic.company_post_delete": [{"id": 16, "company": {"id": null}}],
            "mautic.lead_points_change": [{"contact": []}, {"contact": {"id": 0}}],
            "mautic.something_new": [{}, {}],
        });
        let heard = heard(&body);
        let company = |id| RemoteId::Automation(Kind::Company, AutomationId(id));
        let people = [11, 12, 13, 14].map(contact);
        let expected: BTreeSet<RemoteId> =
            people.into_iter().chain([15, 16].map(company)).collect();
        assert_eq!(heard.records, expected);
        assert_eq!((heard.other, heard.nameless), (2, 2));
    }

    #[test]
    fn what_is_no_call_is_refused_whole() {
        let deep = format!("{}1", "{\"mautic.form_on_submit\":[".repeat(10_000));
        for body in [
            "",
            "[]",
            "7",
            "{\"a\":",
            "{\"mautic.form_on_submit\": 7}",
            &deep,
        ] {
            assert!(
                read(body.as_bytes()).is_err(),
                "{}",
                &body[..body.len().min(40)]
            );
        }
        assert_eq!(read(b"{}").unwrap(), Heard::default());
    }

    #[test]
    fn every_trigger_that_is_asked_for_is_understood() {
        assert!(TRIGGERS.iter().all(|trigger| about(trigger).is_some()));
        assert!(TRIGGERS.is_sorted(), "they are compared as a sorted list");
    }
}
