//! Reading what is stored. A value that cannot be read is named, never guessed.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use crate::domain::activity::HeldActivity;
use crate::domain::consent::{Consent, Dated, Proof, Reason};
use crate::domain::cursor::{Coverage, Cursor, Stream};
use crate::domain::ids::{LinkId, Side};
use crate::domain::link::{Link, Mark, MatchKey};
use crate::domain::record::{
    Counts, LinkKey, LinkPage, Listing, Loaded, Plan, Recovered, Suppression,
};
use crate::domain::time::Timestamp;
use crate::ports::StoreError;
use crate::store::cache::{Cache, Entries};
use crate::store::codec::{CodecError, decode, encode};
use crate::store::durable::Durable;
use crate::store::packed::PackedLink;
use crate::store::{FORMAT, keys, policies};

pub(super) fn stored<T: DeserializeOwned>(
    bytes: &[u8],
    what: &'static str,
    key: &[u8],
) -> Result<T, StoreError> {
    read(decode(bytes), what, key)
}

/// What was decoded, or which stored thing cannot be.
pub(super) fn read<T>(
    decoded: Result<T, CodecError>,
    what: &'static str,
    key: &[u8],
) -> Result<T, StoreError> {
    decoded.map_err(|error| match error {
        CodecError::Version(found) => StoreError::Newer {
            found: u32::from(found),
            known: FORMAT,
        },
        _ => StoreError::Damaged {
            what,
            key: String::from_utf8_lossy(key).escape_debug().to_string(),
        },
    })
}

pub(super) fn meta<T: DeserializeOwned>(
    durable: &Durable,
    key: &[u8],
    what: &'static str,
) -> Result<Option<T>, StoreError> {
    durable
        .get(key)?
        .map(|bytes| stored(&bytes, what, key))
        .transpose()
}

/// The value, or `None` if it is damaged: one lost value must not stop the rest. It is logged and
/// counted, and comes back with the next read of its system.
pub(super) fn unless_damaged<T: DeserializeOwned>(
    durable: &Durable,
    bytes: &[u8],
    what: &'static str,
    key: &[u8],
) -> Result<Option<T>, StoreError> {
    passed_over(durable, stored(bytes, what, key))
}

pub(super) fn passed_over<T>(
    durable: &Durable,
    read: Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error @ StoreError::Damaged { .. }) => {
            let damaged = durable.note_damaged();
            tracing::warn!(%error, damaged, "a stored value was passed over");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The first thing in every store: its format.
pub(super) fn founding() -> Result<Vec<u8>, StoreError> {
    encode(&FORMAT).map_err(|source| StoreError::Commit {
        source: source.into(),
    })
}

pub(super) fn check_format(bytes: &[u8]) -> Result<(), StoreError> {
    let found: u32 = stored(bytes, "format", keys::FORMAT)?;
    if found > FORMAT {
        return Err(StoreError::Newer {
            found,
            known: FORMAT,
        });
    }
    Ok(())
}

/// The counts, counted anew if they are damaged.
pub(super) fn counts(durable: &Durable) -> Result<Counts, StoreError> {
    let Some(bytes) = durable.get(keys::COUNTS)? else {
        return Ok(Counts::default());
    };
    match unless_damaged(durable, &bytes, "count", keys::COUNTS)? {
        Some(counts) => Ok(counts),
        None => recount(durable),
    }
}

fn recount(durable: &Durable) -> Result<Counts, StoreError> {
    let mut counts = Counts {
        links: count(durable, keys::LINK)?,
        held_activities: count(durable, keys::HELD)?,
        ..Counts::default()
    };
    for mark in Mark::ALL {
        let number = count(durable, &keys::mark(mark))?;
        if number > 0 {
            counts.marks.insert(mark, number);
        }
    }
    durable.scan(keys::SENT, None, |_, value| {
        let sent = decode::<Vec<u64>>(value).unwrap_or_default();
        counts.sent_activities += sent.len() as u64;
        true
    })?;
    // New history must come after all that is there.
    durable.scan(keys::HISTORY, None, |key, _| {
        let next = keys::history_commit(key).unwrap_or(0) + 1;
        counts.commits = counts.commits.max(next);
        true
    })?;
    Ok(counts)
}

fn count(durable: &Durable, prefix: &[u8]) -> Result<u64, StoreError> {
    let mut number = 0;
    durable.scan(prefix, None, |_, _| {
        number += 1;
        true
    })?;
    Ok(number)
}

pub(super) fn recover(durable: &Durable) -> Result<Recovered, StoreError> {
    let mut recovered = Recovered {
        tally: meta(durable, keys::TALLY, "tally")?.unwrap_or_default(),
        binding: meta(durable, keys::BINDING, "binding")?,
        counts: counts(durable)?,
        is_restored: durable.get(keys::EPOCH)?.is_some(),
        ..Recovered::default()
    };
    for (stream, cursor) in all::<(Stream, Cursor)>(durable, keys::CURSOR, "cursor")? {
        recovered.cursors.insert(stream, cursor);
    }
    for (side, coverage) in all::<(Side, Coverage)>(durable, keys::COVERAGE, "coverage")? {
        recovered.coverage.insert(side, coverage);
    }
    recovered.plans = all::<Plan>(durable, keys::PLAN, "plan")?;
    recovered.policy = policies::last(durable)?;
    recovered.suspended = meta(durable, keys::SUSPENDED, "suspended")?.unwrap_or_default();
    recovered.unpaired = all::<MatchKey>(durable, keys::UNPAIRED, "unpaired")?;
    recovered.review = meta(durable, keys::REVIEW, "review")?;
    Ok(recovered)
}

pub(super) fn load(
    durable: &Durable,
    cache: &Cache,
    wanted: &[LinkKey],
    with_sent: bool,
) -> Result<Loaded, StoreError> {
    let reading = cache.begin_read();
    let mut found = BTreeSet::new();
    let mut loaded = Loaded::default();
    let mut read = Vec::new();
    let naming = cache.words().naming;
    for key in wanted {
        match *key {
            LinkKey::Id(id) => {
                found.insert(id);
            }
            LinkKey::Salesforce(id) => index(durable, &keys::salesforce(id), &mut found)?,
            LinkKey::Automation(kind, id) => {
                index(durable, &keys::automation(kind, id), &mut found)?;
            }
            LinkKey::Match(address) => {
                index(durable, &keys::matches(address), &mut found)?;
                loaded.suppressions.extend(suppression(durable, address)?);
            }
        }
    }
    for id in found {
        let mut link = cache.take(id).map(|link| *link);
        if link.is_none() {
            link = stored_link(durable, id)?;
            read.extend(link.as_ref().map(|link| (id, Entries::of(link, &naming))));
        }
        // The entries of a damaged link outlive it: what they name must answer to the key.
        let is_asked_for = link.as_ref().is_none_or(|link| answers(link, wanted));
        if !is_asked_for {
            continue;
        }
        loaded.links.extend(link);
        let key = keys::sent(id);
        if with_sent && let Some(bytes) = durable.get(&key)? {
            let sent = unless_damaged(durable, &bytes, "list of sent events", &key)?;
            loaded.sent.extend(sent.map(|sent| (id, sent)));
        }
    }
    reading.note(read);
    Ok(loaded)
}

pub(super) fn links(durable: &Durable, page: LinkPage) -> Result<Vec<Link>, StoreError> {
    let mut links = Vec::with_capacity(page.size_max.min(1_000));
    let (prefix, after) = match page.listing {
        Listing::All => (keys::LINK.to_vec(), page.after.map(keys::link)),
        Listing::Marked(mark) => (
            keys::mark(mark),
            page.after.map(|id| keys::mark_link(mark, id)),
        ),
    };
    let mut read = Ok(());
    durable.scan(&prefix, after.as_deref(), |key, value| {
        if links.len() >= page.size_max {
            return false;
        }
        let found = match page.listing {
            Listing::All => unless_damaged::<PackedLink>(durable, value, "link", key)
                .map(|packed| packed.map(Link::from)),
            Listing::Marked(_) => match keys::trailing_link(key, prefix.len()) {
                Some(id) => stored_link(durable, id),
                None => Ok(None),
            },
        };
        read = found.map(|link| links.extend(link));
        read.is_ok()
    })?;
    read.map(|()| links)
}

pub(super) fn held(
    durable: &Durable,
    after: Option<&str>,
    max: usize,
) -> Result<Vec<HeldActivity>, StoreError> {
    let after = after.map(keys::held);
    let mut page = Vec::new();
    let mut read = Ok(());
    durable.scan(keys::HELD, after.as_deref(), |key, value| {
        if page.len() >= max {
            return false;
        }
        let held = unless_damaged(durable, value, "held event", key);
        read = held.map(|held| page.extend(held));
        read.is_ok()
    })?;
    read.map(|()| page)
}

/// The last values with the prefix, last first; damaged ones are passed over.
pub(super) fn newest<T: DeserializeOwned>(
    durable: &Durable,
    prefix: &[u8],
    max: usize,
    what: &'static str,
) -> Result<Vec<T>, StoreError> {
    backwards(durable, prefix, max, |key, value| {
        unless_damaged(durable, value, what, key)
    })
}

/// The same where a damaged value must not make way for an older one.
fn last<T: DeserializeOwned>(
    durable: &Durable,
    prefix: &[u8],
    max: usize,
    what: &'static str,
) -> Result<Vec<T>, StoreError> {
    backwards(durable, prefix, max, |key, value| {
        stored(value, what, key).map(Some)
    })
}

pub(super) fn backwards<T>(
    durable: &Durable,
    prefix: &[u8],
    max: usize,
    mut decode: impl FnMut(&[u8], &[u8]) -> Result<Option<T>, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut page = Vec::new();
    let mut read = Ok(());
    durable.scan_back(prefix, None, |key, value| {
        if page.len() >= max {
            return false;
        }
        read = decode(key, value).map(|value| page.extend(value));
        read.is_ok()
    })?;
    read.map(|()| page)
}

fn all<T: DeserializeOwned>(
    durable: &Durable,
    prefix: &[u8],
    what: &'static str,
) -> Result<Vec<T>, StoreError> {
    let mut values = last(durable, prefix, usize::MAX, what)?;
    values.reverse();
    Ok(values)
}

fn index(durable: &Durable, key: &[u8], found: &mut BTreeSet<LinkId>) -> Result<(), StoreError> {
    durable.scan(key, None, |entry, _| {
        found.extend(keys::trailing_link(entry, key.len()));
        true
    })
}

fn answers(link: &Link, wanted: &[LinkKey]) -> bool {
    wanted.iter().any(|key| match *key {
        LinkKey::Id(id) => link.id == id,
        LinkKey::Salesforce(id) => link.salesforce.as_ref().is_some_and(|end| end.id == id),
        LinkKey::Automation(kind, id) => {
            link.kind == kind && link.automation.as_ref().is_some_and(|end| end.id == id)
        }
        LinkKey::Match(address) => link.match_keys.contains(&address),
    })
}

/// That the address must not be mailed is known from the key alone: if the rest is damaged, it
/// happened at any time.
fn suppression(durable: &Durable, address: MatchKey) -> Result<Option<Suppression>, StoreError> {
    let key = keys::suppression(address);
    let Some(bytes) = durable.get(&key)? else {
        return Ok(None);
    };
    let known = unless_damaged(durable, &bytes, "suppression", &key)?;
    Ok(Some(known.unwrap_or(Suppression {
        address,
        consent: Consent::Out(Reason::Unstated),
        opted_out: Dated {
            earliest: Timestamp::ZERO,
            latest: Timestamp::MAX,
            proof: Proof::Observation,
        },
    })))
}

pub(super) fn stored_link(durable: &Durable, id: LinkId) -> Result<Option<Link>, StoreError> {
    let key = keys::link(id);
    let Some(bytes) = durable.get(&key)? else {
        return Ok(None);
    };
    let packed = unless_damaged::<PackedLink>(durable, &bytes, "link", &key)?;
    Ok(packed.map(Link::from))
}
