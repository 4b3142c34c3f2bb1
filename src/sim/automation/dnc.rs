//! Do-not-contact rows: who may be contacted on which channel.

use crate::sim::clock::Timestamp;

use super::contact::{ContactId, Dnc, Reason};
use super::draft::DncInput;
use super::hook::{Payload, Trigger};
use super::instance::Automation;
use super::php::Php;

impl Automation {
    /// Adds, replaces or removes one do-not-contact row; the change, if there was one.
    ///
    /// 1. One row per channel. The same reason again changes nothing.
    /// 2. Another reason replaces the row and renews its date.
    /// 3. A person's own unsubscription is not replaced by another reason.
    /// 4. Reasons that do not exist are ignored.
    pub(super) fn put_dnc(
        &mut self,
        now: Timestamp,
        id: ContactId,
        input: &DncInput,
    ) -> Option<(String, Php)> {
        let old = self.contacts.by_id(id)?.dnc_on(&input.channel).cloned();
        let old_reason = old.as_ref().map(|row| row.reason);
        let status = match Reason::coded(input.reason) {
            None if input.reason == 0 => {
                let old = old?;
                self.edit(id, |contact| contact.dnc.retain(|row| row.id != old.id));
                Php::map([
                    ("reason", Php::Int(0)),
                    ("old_reason", Php::Int(old.reason.code())),
                    ("comments", Php::text(&*old.comments)),
                ])
            }
            None => return None,
            Some(reason) => {
                if old_reason == Some(reason) || old_reason == Some(Reason::Unsubscribed) {
                    return None;
                }
                self.store_dnc(now, id, input, reason);
                Php::map([
                    ("reason", Php::Int(reason.code())),
                    ("comments", Php::text(&*input.comments)),
                ])
            }
        };
        self.notify_channel(now, id, &input.channel, old_reason);
        Some((
            "dnc_channel_status".to_owned(),
            Php::Map(vec![(input.channel.clone(), status)]),
        ))
    }

    fn store_dnc(&mut self, now: Timestamp, id: ContactId, input: &DncInput, reason: Reason) {
        let fresh = self.last_dnc + 1;
        let is_fresh = self.edit(id, |contact| {
            let known = contact
                .dnc
                .iter()
                .find(|row| *row.channel == *input.channel);
            let row = Dnc {
                id: known.map_or(fresh, |row| row.id),
                channel: input.channel.as_str().into(),
                reason,
                comments: input.comments.as_str().into(),
                channel_id: input.channel_id,
                added: now.whole_second(),
            };
            let is_fresh = known.is_none();
            contact.dnc.retain(|held| held.id != row.id);
            contact.dnc.push(row);
            contact.dnc.sort_by_key(|row| row.id);
            is_fresh
        });
        if is_fresh == Some(true) {
            self.last_dnc = fresh;
        }
    }

    fn notify_channel(
        &mut self,
        now: Timestamp,
        id: ContactId,
        channel: &str,
        old: Option<Reason>,
    ) {
        self.notify(now, Trigger::ChannelChanged, |brain| {
            let contact = brain.contacts.by_id(id)?;
            let new = contact.dnc_on(channel).map(|row| row.reason);
            let contact = Box::new(contact.clone());
            let channel = channel.to_owned();
            Some(Payload::Channel {
                contact,
                channel,
                old: status(old),
                new: status(new),
            })
        });
    }
}

const fn status(reason: Option<Reason>) -> &'static str {
    match reason {
        None => "contactable",
        Some(Reason::Unsubscribed) => "unsubscribed",
        Some(Reason::Bounced) => "bounced",
        Some(Reason::Manual) => "manual",
    }
}
