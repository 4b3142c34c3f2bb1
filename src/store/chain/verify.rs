//! The check of the whole chain, in steps of a few milliseconds: the anchor, the numbers of all acts,
//! every seal with what it covers, then all history for what no seal knows.

use std::io;
use std::path::Path;

use super::anchor::{self, Known, What};
use super::key::{Key, Keyring, Tag};
use super::seal::{self, Body, Note};
use crate::domain::audit::{ACCEPTED, Check, Entry, Finding, Head, Mac, Noted, Stage};
use crate::domain::ids::RunId;
use crate::domain::record::HistoryEntry;
use crate::ports::StoreError;
use crate::store::durable::Durable;
use crate::store::{acts, codec, keys, reader};

/// Entries looked at in one step.
const ENTRIES_MAX: usize = 500;

/// Keys and short values passed by in one step.
const PASSED_MAX: usize = 2_000;

/// Acts that accept findings: more than anybody ever makes.
const ACCEPTANCES_MAX: usize = 1_000;

/// Entries that do not fit, of one seal, for which is looked whether they fit another's place.
const SWAPPED_MAX: usize = 16;

/// Takes the check one step on.
pub(in crate::store) fn step(
    durable: &Durable,
    folder: &Path,
    mut check: Check,
) -> Result<Check, StoreError> {
    if check.is_over() {
        return Ok(check);
    }
    let keyring = Keyring::read(folder).map_err(not_read)?;
    match check.stage.clone() {
        Stage::Anchor => {
            check.ended = reader::counts(durable)?.commits;
            look_at_anchor(folder, &keyring, &mut check)?;
        }
        Stage::Acts(after) => note_acts(durable, after, &mut check)?,
        Stage::Seals => look_at_seals(durable, folder, &keyring, &mut check)?,
        Stage::History(after) => look_at_history(durable, &after, &mut check)?,
        Stage::Over => {}
    }
    if check.is_over() {
        check.settle();
    }
    check.verdict.head = check.last;
    check.verdict.is_over = check.is_over();
    Ok(check)
}

fn not_read(source: io::Error) -> StoreError {
    StoreError::Read {
        source: source.into(),
    }
}

fn look_at_anchor(folder: &Path, keyring: &Keyring, check: &mut Check) -> Result<(), StoreError> {
    let path = folder.join(anchor::FILE).display().to_string();
    check.verdict.anchor.clone_from(&path);
    check.stage = Stage::Acts(None);
    let Some(reading) = anchor::read(folder, keyring).map_err(not_read)? else {
        check.found(Finding::AnchorMissing { path, head: 0 });
        return Ok(());
    };
    for line in reading.told {
        match line {
            Err(number) => check.found(Finding::AnchorEdited(number)),
            Ok((_, sequence, Known::No)) => {
                not_known(check, sequence);
            }
            Ok((What::Begun, 0, _)) => {}
            Ok((What::Begun, head, _)) => {
                let path = path.clone();
                check.found(Finding::AnchorMissing { path, head });
            }
            Ok((What::Head, sequence, Known::Mac(mac))) => {
                check.highest = check.highest.max(sequence);
                // The first word holds: a chain that goes on after a cut comes by there again.
                check.anchored.entry(sequence).or_insert(mac);
            }
            Ok((What::Restored, sequence, Known::Mac(mac))) => {
                check.anchored.split_off(&(sequence + 1));
                if sequence > 0 {
                    check.anchored.insert(sequence, mac);
                }
            }
        }
    }
    Ok(())
}

/// There is no such key.
fn not_known(check: &mut Check, sequence: u64) {
    let (first, last) = check.unknown.unwrap_or((sequence, sequence));
    check.unknown = Some((first.min(sequence), last.max(sequence)));
}

/// Before the seals: what is committed after this has its seal when they are looked at.
fn note_acts(durable: &Durable, after: Option<RunId>, check: &mut Check) -> Result<(), StoreError> {
    let after = after.map(keys::act);
    let mut last = None;
    let mut passed = 0;
    durable.scan(keys::ACT, after.as_deref(), |key, _| {
        last = keys::trailing_number(key).map(RunId);
        check.acts.extend(last);
        passed += 1;
        passed < PASSED_MAX
    })?;
    check.stage = if passed < PASSED_MAX {
        Stage::Seals
    } else {
        Stage::Acts(last)
    };
    Ok(())
}

fn look_at_seals(
    durable: &Durable,
    folder: &Path,
    keyring: &Keyring,
    check: &mut Check,
) -> Result<(), StoreError> {
    let before = check.last.map(|head| keys::seal(head.sequence));
    let mut entries = 0;
    let mut failed = None;
    let mut is_last = true;
    durable.scan(keys::SEAL, before.as_deref(), |key, value| {
        if entries >= ENTRIES_MAX {
            is_last = false;
            return false;
        }
        let sequence = keys::trailing_number(key).unwrap_or_default();
        match look_at_seal(durable, keyring, check, (sequence, value)) {
            Ok(count) => entries += count + 1,
            Err(error) => failed = Some(error),
        }
        failed.is_none()
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if is_last {
        end_of_seals(durable, folder, check)?;
    }
    Ok(())
}

/// One seal, and what it covers; answers how many entries that are.
fn look_at_seal(
    durable: &Durable,
    keyring: &Keyring,
    check: &mut Check,
    (sequence, value): (u64, &[u8]),
) -> Result<usize, StoreError> {
    check.verdict.seals += 1;
    let former = check.last.map_or(0, |head| head.sequence);
    let is_next = sequence == former + 1;
    if !is_next {
        check.found(Finding::SealsMissing(former + 1, sequence - 1));
    }
    let before = check.last.map_or(Mac::ZERO, |head| head.mac);
    let Some((body, seal)) = seal::read(value) else {
        check.found(Finding::SealEdited(sequence));
        let at = check.last.map(|head| head.at).unwrap_or_default();
        let mac = Mac::ZERO;
        check.last = Some(Head { sequence, at, mac });
        return Ok(0);
    };
    if let Some(anchored) = check.anchored.remove(&sequence)
        && anchored != seal.mac.short()
    {
        check.found(Finding::AnchorDiffers(sequence));
    }
    let mut is_swapped = false;
    if body.sequence != sequence {
        is_swapped = true;
        check.found(Finding::SealSwapped(sequence));
    }
    let at = body.at;
    let mac = seal.mac;
    if check
        .sought
        .as_ref()
        .is_some_and(|sought| mac.short().starts_with(sought))
    {
        check.noted = Some(Noted { sequence, at });
    }
    let Some(key) = keyring.of(body.key) else {
        not_known(check, sequence);
        check.last = Some(Head { sequence, at, mac });
        note_covered(check, &body);
        return Ok(body.tags.len());
    };
    // Of the one after a gap it cannot be known: what it follows is gone.
    let is_whole = !is_next || key.seal(before, sequence, &seal.body) == mac;
    if !is_whole && !is_swapped {
        check.found(Finding::SealEdited(sequence));
    }
    note_notes(check, &body);
    check.last = Some(Head { sequence, at, mac });
    let holds = is_whole && is_next && !is_swapped;
    look_at_entries(durable, (key, holds), check, &body)?;
    look_at_sent(durable, check, &body)?;
    Ok(body.tags.len() + body.sent.len())
}

fn look_at_entries(
    durable: &Durable,
    (key, holds): (&Key, bool),
    check: &mut Check,
    body: &Body,
) -> Result<(), StoreError> {
    let places: Vec<Vec<u8>> = body.keys().collect();
    let tags: Vec<(&[u8], Tag)> = places
        .iter()
        .map(Vec::as_slice)
        .zip(body.tags.iter().copied())
        .collect();
    let mut others = Vec::new();
    for (place, tag) in &tags {
        check.verdict.entries += 1;
        let Some(value) = durable.get(place)? else {
            check.found(Finding::Missing(entry(place)));
            note(check, place, false);
            continue;
        };
        note(check, place, true);
        if key.tag(place, &value) != *tag {
            others.push((*place, value));
        } else if holds {
            note_acceptance(check, place, &value);
        }
    }
    for (index, (place, value)) in others.into_iter().enumerate() {
        let fits = |(other, tag): &(&[u8], Tag)| key.tag(other, &value) == *tag;
        let is_elsewhere = index < SWAPPED_MAX && tags.iter().any(fits);
        let found = if is_elsewhere || is_another_act(place, &value) {
            Finding::Swapped(entry(place))
        } else {
            Finding::Edited(entry(place))
        };
        check.found(found);
    }
    Ok(())
}

fn look_at_sent(durable: &Durable, check: &mut Check, body: &Body) -> Result<(), StoreError> {
    for (link, sent) in &body.sent {
        check.verdict.entries += sent.len() as u64;
        let value = durable.get(&keys::sent(*link))?;
        let known: Vec<u64> = value
            .and_then(|value| codec::decode(&value).ok())
            .unwrap_or_default();
        let is_known = |hash: &[u8; 8]| known.binary_search(&u64::from_le_bytes(*hash)).is_ok();
        if !sent.iter().all(is_known) {
            check.found(Finding::Missing(Entry::Sent(*link)));
        }
    }
    Ok(())
}

fn note_notes(check: &mut Check, body: &Body) {
    if body.sequence == 1 {
        check.began = Some(body.commit);
    }
    check.ended = check.ended.max(body.commit + 1);
    for note in &body.notes {
        match note {
            Note::Begun(last) => check.unsealed = *last,
            Note::Restored(anchored) => {
                let last = check.last;
                check.found(Finding::Restored {
                    head: last.map_or(0, |head| head.sequence),
                    until: last.map(|head| head.at).unwrap_or_default(),
                    anchored: *anchored,
                });
            }
        }
    }
}

/// What a seal covers is known, whether or not it can be checked.
fn note_covered(check: &mut Check, body: &Body) {
    note_notes(check, body);
    for place in body.keys() {
        check.verdict.entries += 1;
        note(check, &place, true);
    }
}

fn note(check: &mut Check, place: &[u8], is_there: bool) {
    match entry(place) {
        Entry::Act(run) => {
            check.acts.remove(&run);
        }
        Entry::History(_, commit, _) if is_there => {
            *check.lines.entry(commit).or_default() += 1;
        }
        Entry::History(..) | Entry::Sent(_) => {}
    }
}

/// What a seal that holds vouches for; anybody may have written any other.
fn note_acceptance(check: &mut Check, place: &[u8], value: &[u8]) {
    if !matches!(entry(place), Entry::Act(_)) || check.acceptances.len() >= ACCEPTANCES_MAX {
        return;
    }
    if let Ok(act) = acts::decode(value)
        && act.act == ACCEPTED
    {
        check.acceptances.push(act);
    }
}

fn is_another_act(place: &[u8], value: &[u8]) -> bool {
    let Entry::Act(run) = entry(place) else {
        return false;
    };
    acts::decode(value).is_ok_and(|act| act.run != run)
}

fn entry(place: &[u8]) -> Entry {
    match keys::history_parts(place) {
        Some((link, commit, index)) => Entry::History(link, commit, index),
        None => Entry::Act(RunId(keys::trailing_number(place).unwrap_or_default())),
    }
}

fn end_of_seals(durable: &Durable, folder: &Path, check: &mut Check) -> Result<(), StoreError> {
    if let Some((first, last)) = check.unknown.take() {
        let path = folder.join(super::key::FILE).display().to_string();
        check.found(Finding::KeyMissing { path, first, last });
    }
    let head = check.last.map_or(0, |head| head.sequence);
    let anchored = check.anchored.last_key_value().map_or(0, |(last, _)| *last);
    if durable.get(keys::RESTORED)?.is_some() {
        // Said by the next seal from then on.
        check.found(Finding::Restored {
            head,
            until: check.last.map(|head| head.at).unwrap_or_default(),
            anchored: check.highest.max(head),
        });
    } else if anchored > head {
        check.found(Finding::TailCut { head, anchored });
    }
    for run in std::mem::take(&mut check.acts) {
        if head == 0 || Some(run) <= check.unsealed {
            check.verdict.unsealed += 1;
        } else {
            check.found(Finding::Added(Entry::Act(run)));
        }
    }
    check.stage = Stage::History(Vec::new());
    Ok(())
}

fn look_at_history(durable: &Durable, after: &[u8], check: &mut Check) -> Result<(), StoreError> {
    let after = (!after.is_empty()).then_some(after);
    let mut last = Vec::new();
    let mut passed = 0;
    durable.scan(keys::HISTORY, after, |key, value| {
        passed += 1;
        last = key.to_vec();
        // What cannot be read was found with its seal, if it has one.
        if let Ok(line) = codec::decode::<HistoryEntry>(value)
            && line.what.is_sealed()
        {
            look_at_line(check, key);
        }
        passed < PASSED_MAX
    })?;
    check.stage = if passed < PASSED_MAX {
        Stage::Over
    } else {
        Stage::History(last)
    };
    Ok(())
}

fn look_at_line(check: &mut Check, key: &[u8]) {
    let Some((_, commit, _)) = keys::history_parts(key) else {
        return;
    };
    if check.began.is_none_or(|began| commit < began) {
        check.verdict.unsealed += 1;
    } else if commit < check.ended {
        match check.lines.get_mut(&commit).filter(|count| **count > 0) {
            Some(count) => *count -= 1,
            None => check.found(Finding::Added(entry(key))),
        }
    }
}
