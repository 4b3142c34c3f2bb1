//! Reading what is stored. A value that cannot be read is named, never guessed.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use crate::domain::activity::HeldActivity;
use crate::domain::cursor::{Coverage, Cursor, Stream};
use crate::domain::ids::{LinkId, Side};
use crate::domain::link::Link;
use crate::domain::record::{LinkKey, LinkPage, Listing, Loaded, Plan, PolicyVersion, Recovered};
use crate::ports::StoreError;
use crate::store::codec::{CodecError, decode};
use crate::store::durable::Durable;
use crate::store::packed::PackedLink;
use crate::store::{FORMAT, keys};

pub(super) fn stored<T: DeserializeOwned>(
    bytes: &[u8],
    what: &'static str,
    key: &[u8],
) -> Result<T, StoreError> {
    decode(bytes).map_err(|error| match error {
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

/// Every value names its version; the counts are in every store that ever committed.
pub(super) fn check_format(durable: &Durable) -> Result<(), StoreError> {
    meta::<crate::domain::record::Counts>(durable, keys::COUNTS, "count").map(drop)
}

pub(super) fn recover(durable: &Durable) -> Result<Recovered, StoreError> {
    let mut recovered = Recovered {
        tally: meta(durable, keys::TALLY, "tally")?.unwrap_or_default(),
        binding: meta(durable, keys::BINDING, "binding")?,
        counts: meta(durable, keys::COUNTS, "count")?.unwrap_or_default(),
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
    recovered.policy = newest::<PolicyVersion>(durable, keys::POLICY, 1, "policy")?.pop();
    Ok(recovered)
}

pub(super) fn load(
    durable: &Durable,
    wanted: &[LinkKey],
    with_sent: bool,
) -> Result<Loaded, StoreError> {
    let mut found = BTreeSet::new();
    let mut loaded = Loaded::default();
    for key in wanted {
        match *key {
            LinkKey::Id(id) => {
                found.insert(id);
            }
            LinkKey::Salesforce(id) => found.extend(index(durable, &keys::salesforce(id))?),
            LinkKey::Automation(kind, id) => {
                found.extend(index(durable, &keys::automation(kind, id))?);
            }
            LinkKey::Match(address) => {
                durable.scan(&keys::matches(address), None, |key, _| {
                    found.extend(keys::trailing_link(key));
                    true
                })?;
                let key = keys::suppression(address);
                if let Some(bytes) = durable.get(&key)? {
                    loaded
                        .suppressions
                        .push(stored(&bytes, "suppression", &key)?);
                }
            }
        }
    }
    for id in found {
        loaded.links.extend(link(durable, id)?);
        let key = keys::sent(id);
        if with_sent && let Some(bytes) = durable.get(&key)? {
            loaded
                .sent
                .insert(id, stored(&bytes, "list of sent events", &key)?);
        }
    }
    Ok(loaded)
}

pub(super) fn links(durable: &Durable, page: LinkPage) -> Result<Vec<Link>, StoreError> {
    let mut ids = Vec::with_capacity(page.size_max.min(1_000));
    let (prefix, after) = match page.listing {
        Listing::All => (keys::LINK.to_vec(), page.after.map(keys::link)),
        Listing::Marked(mark) => (
            keys::mark(mark),
            page.after.map(|id| keys::mark_link(mark, id)),
        ),
    };
    durable.scan(&prefix, after.as_deref(), |key, _| {
        ids.extend(keys::trailing_link(key));
        ids.len() < page.size_max
    })?;
    ids.into_iter()
        .filter_map(|id| link(durable, id).transpose())
        .collect()
}

pub(super) fn held(
    durable: &Durable,
    after: Option<&str>,
    max: usize,
) -> Result<Vec<HeldActivity>, StoreError> {
    let after = after.map(keys::held);
    let mut page = Vec::new();
    let mut failed = None;
    durable.scan(keys::HELD, after.as_deref(), |key, value| {
        match stored(value, "held event", key) {
            Ok(held) => page.push(held),
            Err(error) => failed = Some(error),
        }
        page.len() < max && failed.is_none()
    })?;
    failed.map_or(Ok(page), Err)
}

/// The last values with the prefix, last first.
pub(super) fn newest<T: DeserializeOwned>(
    durable: &Durable,
    prefix: &[u8],
    max: usize,
    what: &'static str,
) -> Result<Vec<T>, StoreError> {
    let mut page = Vec::new();
    let mut failed = None;
    durable.scan_back(prefix, |key, value| {
        if page.len() == max {
            return false;
        }
        match stored(value, what, key) {
            Ok(value) => page.push(value),
            Err(error) => failed = Some(error),
        }
        failed.is_none()
    })?;
    failed.map_or(Ok(page), Err)
}

fn all<T: DeserializeOwned>(
    durable: &Durable,
    prefix: &[u8],
    what: &'static str,
) -> Result<Vec<T>, StoreError> {
    let mut values = newest(durable, prefix, usize::MAX, what)?;
    values.reverse();
    Ok(values)
}

fn index(durable: &Durable, key: &[u8]) -> Result<Option<LinkId>, StoreError> {
    let value = durable.get(key)?;
    Ok(value.and_then(|bytes| Some(LinkId(u64::from_be_bytes(bytes.try_into().ok()?)))))
}

fn link(durable: &Durable, id: LinkId) -> Result<Option<Link>, StoreError> {
    let key = keys::link(id);
    let Some(bytes) = durable.get(&key)? else {
        return Ok(None);
    };
    Ok(Some(Link::from(stored::<PackedLink>(
        &bytes, "link", &key,
    )?)))
}
