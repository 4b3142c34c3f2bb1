//! What the run notes while it goes on, for the checks at its end: who lives on in whom, what was
//! looked at, what no client could have kept.

use std::collections::BTreeSet;

use crate::app::simulation::run::Run;
use crate::app::simulation::world::{Key, Said};
use crate::domain::activity::Activity;
use crate::domain::consent::Consent;
use crate::domain::failure::Failure;
use crate::domain::ids::{Kind, RemoteId, Side};
use crate::domain::link::Link;
use crate::domain::request::{Answer, RowWrite, Spent, Target};
use crate::domain::row::RowState;
use crate::domain::time::Span;

impl Run {
    /// A merged or converted record's opt-out must live on if the engine had seen it.
    pub(super) fn note_heir(&mut self, heir: (Key, Key)) {
        let holds = |link: &Link, key: Key| {
            let ends = Side::BOTH.map(|side| link.remote(side).and_then(Key::of));
            ends.contains(&Some(key))
        };
        let links = self.kept.links.values();
        let loser = links.clone().find(|link| holds(link, heir.0));
        let was_seen_out = loser.is_some_and(|link| {
            let views = [link.consent.salesforce, link.consent.automation];
            let mut views = views.into_iter().flatten();
            link.consent.is_suppressed() || views.any(|view| view.value.is_out())
        });
        // What was said of the pair was said of the loser.
        let ends = loser.map(|link| Side::BOTH.map(|side| link.remote(side).and_then(Key::of)));
        let ends: Vec<Key> = ends.into_iter().flatten().flatten().collect();
        // The merge chose among what both pairs had: a person did.
        let winner = links.clone().find(|link| holds(link, heir.1));
        let winner = winner.map(|link| Side::BOTH.map(|side| link.remote(side).and_then(Key::of)));
        let chosen: Vec<Key> = winner.into_iter().flatten().flatten().collect();
        for edit in &mut self.world.journal.edits {
            edit.is_excused |= ends.contains(&edit.key) || chosen.contains(&edit.key);
        }
        let partner = ends.iter().copied().find(|key| *key != heir.0);
        for key in ends.into_iter().chain([heir.0]) {
            let at = self.now;
            self.world
                .note_heir(at, (key, heir.1), was_seen_out, partner);
        }
    }

    pub(super) fn note_left_out(&mut self, activities: &[Activity]) {
        for activity in activities {
            let person = RemoteId::Automation(Kind::Person, activity.contact);
            let mut links = self.kept.links.values();
            let link = links.find(|link| link.remote(Side::Automation) == Some(person));
            let is_gone =
                |link: &Link| !matches!(link.state(Side::Salesforce), None | Some(RowState::Live));
            if link.is_some_and(is_gone) {
                self.left_out.insert(activity.reference.clone());
            }
        }
    }

    pub(super) fn note_look(
        &mut self,
        is_look: bool,
        answer: &Result<(Answer, Spent), (Failure, Spent)>,
    ) {
        if let (true, Ok((Answer::Rows(rows), _))) = (is_look, answer) {
            for key in rows.iter().filter_map(|row| Key::of(row.id)) {
                self.looked.insert(key, self.now);
            }
        }
    }

    /// What no client can prevent is excused: what a person typed after the last look and before the
    /// write, or so shortly before the look that it did not show yet. An opt-in is not: it has to be guarded.
    pub(super) fn before_write(&mut self, side: Side, rows: &[RowWrite]) {
        self.writes += 1;
        let patience = Span(self.knobs.latency.0 * 3 + 5_000);
        let lag = self.lag(side);
        for row in rows {
            let Target::Existing(id) = row.target else {
                continue;
            };
            let Some(key) = Key::of(id) else { continue };
            let looked = self.looked.get(&key).copied().unwrap_or_default();
            if looked + patience >= self.now {
                let fields: BTreeSet<_> = row.values.iter().map(|(field, _)| *field).collect();
                for edit in &mut self.world.journal.edits {
                    let is_late = edit.key == key && edit.at + lag >= looked;
                    edit.is_excused |= is_late && fields.contains(&edit.field);
                }
            }
            if row.consent == Some(Consent::In) {
                self.check_opt_in(side, row, id);
            }
        }
    }

    /// Sync opts nobody in who did not say so after their last opt-out.
    fn check_opt_in(&mut self, side: Side, row: &RowWrite, id: RemoteId) {
        let ends = self
            .kept
            .links
            .get(&row.link)
            .map(|link| Side::BOTH.map(|side| link.remote(side).and_then(Key::of)));
        let ends: Vec<Key> = ends.into_iter().flatten().flatten().collect();
        let (out, back) = self.world.journal.last_words(&ends);
        let Some(out) = out else { return };
        let back = back.map(|back| back.at);
        let is_seen = self.could_be_seen(out, side);
        if is_seen && back < Some(out.at) && self.is_stale_guard(row, id) != Some(true) {
            let (link, out) = (row.link, out.at);
            self.fail(format!(
                "I-7: link {link} is opted in on {side}, last out {out:?}, last in {back:?}"
            ));
        }
    }

    /// A word on the side that is written to is guarded. One on the other side may be too new to have
    /// shown at the last look.
    fn could_be_seen(&self, out: Said, written: Side) -> bool {
        let patience = Span(self.knobs.latency.0 * 5 + 5_000);
        let side = match out.key {
            Key::Salesforce(_) => Side::Salesforce,
            Key::Automation(_) => Side::Automation,
        };
        side == written || out.at + self.lag(side) + patience < self.now
    }

    /// How long what a person does may take to show.
    fn lag(&self, side: Side) -> Span {
        match side {
            Side::Salesforce => self.knobs.lag,
            Side::Automation => Span::ZERO,
        }
    }

    /// Whether the guard of the write will refuse it.
    fn is_stale_guard(&self, row: &RowWrite, id: RemoteId) -> Option<bool> {
        let since = row.unless_modified_since?;
        let modified = match Key::of(id)? {
            Key::Salesforce(id) => self.world.salesforce.record(id)?.modified,
            Key::Automation(id) => {
                let contact = self.world.automation.contact(id)?;
                contact.modified.at.unwrap_or(contact.added.at)
            }
        };
        Some(modified.as_millis() > since.floor_second().0)
    }

    pub(super) fn after_write(&mut self, rows: &[RowWrite], answer: &Answer) {
        let Answer::Written(outcomes) = answer else {
            return;
        };
        for (row, outcome) in rows.iter().zip(outcomes) {
            let Ok(written) = &outcome.result else {
                continue;
            };
            if matches!(row.target, Target::Existing(_)) {
                continue;
            }
            let Some(key) = Key::of(written.id) else {
                continue;
            };
            if !written.created {
                // A creation that met somebody: whatever was typed there just now is lost to it.
                for edit in &mut self.world.journal.edits {
                    edit.is_excused |= edit.key == key;
                }
                continue;
            }
            let rule = crate::app::simulation::knobs::EMAIL;
            let email = row.values.iter().find(|(field, _)| *field == rule);
            let email = email.and_then(|(_, value)| value.as_text());
            let email = email.unwrap_or_default().to_lowercase();
            self.note_created(row.target.side(), email, key);
        }
    }

    fn note_created(&mut self, side: Side, email: String, key: Key) {
        let journal = &self.world.journal;
        let twin = self.created.iter().find(|(of, address, twin)| {
            *of == side
                && *address == email
                && self.world.is_live(*twin)
                && self.world.address_of(*twin) == email
                && !journal.readdressed.contains(twin)
        });
        if let Some((_, _, twin)) = twin {
            self.fail(format!(
                "I-13: {email} was made twice: {twin:?} and {key:?}"
            ));
        }
        self.created.push((side, email, key));
    }
}
