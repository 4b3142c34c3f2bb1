//! The layout of keys: one letter for the kind, then fixed-width big-endian parts, so that bytes
//! order as the things they stand for. One function for each kind of key.

use crate::domain::ids::{AutomationId, Kind, LinkId, RunId, SalesforceId};
use crate::domain::link::{Mark, MatchKey};
use crate::store::packed::pack_id;

pub(super) const LINK: &[u8] = b"l";
pub(super) const HELD: &[u8] = b"v";
pub(super) const SENT: &[u8] = b"e";
pub(super) const HISTORY: &[u8] = b"h";
pub(super) const ACT: &[u8] = b"x";
pub(super) const SEAL: &[u8] = b"w";
pub(super) const POLICY: &[u8] = b"p";
/// Of the index of words.
pub(super) const WORD: &[u8] = b"n";
pub(super) const PLAN: &[u8] = b"j";
/// An address that waits for its links to be looked at together.
pub(super) const UNPAIRED: &[u8] = b"q";
pub(super) const CURSOR: &[u8] = b"c/cursor/";
pub(super) const COVERAGE: &[u8] = b"c/coverage/";
pub(super) const TALLY: &[u8] = b"c/tally";
pub(super) const COUNTS: &[u8] = b"c/counts";
pub(super) const SUSPENDED: &[u8] = b"c/suspended";
pub(super) const REVIEW: &[u8] = b"c/review";
/// How far the index of words is.
pub(super) const WORDS: &[u8] = b"c/words";
pub(super) const BINDING: &[u8] = b"c/binding";
pub(super) const EPOCH: &[u8] = b"c/epoch";
/// There since a restore until the next seal tells of it.
pub(super) const RESTORED: &[u8] = b"c/restored";
/// The founding pair: in every store, before anything else.
pub(super) const FORMAT: &[u8] = b"c/format";

pub(super) fn link(id: LinkId) -> Vec<u8> {
    [LINK, &id.0.to_be_bytes()].concat()
}

/// A record belongs to one link; that two hold it for a moment must not lose either.
pub(super) fn salesforce(id: SalesforceId) -> Vec<u8> {
    [b"s", &pack_id(id)[..]].concat()
}

pub(super) fn salesforce_link(id: SalesforceId, link: LinkId) -> Vec<u8> {
    [&salesforce(id)[..], &short(link)].concat()
}

pub(super) fn automation(kind: Kind, id: AutomationId) -> Vec<u8> {
    [b"a", &[kind as u8][..], &id.0.to_be_bytes()].concat()
}

pub(super) fn automation_link(kind: Kind, id: AutomationId, link: LinkId) -> Vec<u8> {
    [&automation(kind, id)[..], &short(link)].concat()
}

pub(super) fn matches(address: MatchKey) -> Vec<u8> {
    [b"k", &address.0.to_be_bytes()[..]].concat()
}

pub(super) fn match_link(address: MatchKey, id: LinkId) -> Vec<u8> {
    [&matches(address)[..], &short(id)].concat()
}

pub(super) fn mark(mark: Mark) -> Vec<u8> {
    vec![b'm', mark as u8]
}

pub(super) fn mark_link(bears: Mark, id: LinkId) -> Vec<u8> {
    [&mark(bears)[..], &id.0.to_be_bytes()].concat()
}

/// The entries of all words that begin so.
pub(super) fn words(beginning: &str) -> Vec<u8> {
    [WORD, beginning.as_bytes()].concat()
}

/// The entries of one word are in the order of their links. How long the id is ends the word: no letter
/// or digit is so small a byte.
pub(super) fn word_link(word: &str, id: LinkId) -> Vec<u8> {
    let id = short(id);
    [&words(word)[..], &[id.len() as u8], &id].concat()
}

/// Behind all entries of one word.
pub(super) fn word_end(word: &str) -> Vec<u8> {
    [&words(word)[..], &[ID_LENGTH_MAX + 1]].concat()
}

/// Word and link of an entry of the index of words.
pub(super) fn word_parts(key: &[u8]) -> Option<(&str, LinkId)> {
    let word = key.strip_prefix(WORD)?;
    let end = word.iter().position(|byte| *byte <= ID_LENGTH_MAX)?;
    let id = trailing_link(word, end + 1)?;
    Some((std::str::from_utf8(&word[..end]).ok()?, id))
}

pub(super) fn suppression(address: MatchKey) -> Vec<u8> {
    [b"u", &address.0.to_be_bytes()[..]].concat()
}

pub(super) fn unpaired(address: MatchKey) -> Vec<u8> {
    [UNPAIRED, &address.0.to_be_bytes()].concat()
}

pub(super) fn held(reference: &str) -> Vec<u8> {
    [HELD, reference.as_bytes()].concat()
}

pub(super) fn sent(link: LinkId) -> Vec<u8> {
    [SENT, &link.0.to_be_bytes()].concat()
}

pub(super) fn history(link: LinkId) -> Vec<u8> {
    [HISTORY, &link.0.to_be_bytes()].concat()
}

/// Entries of one link in the order in which they were committed.
pub(super) fn history_entry(link: LinkId, commit: u64, index: u32) -> Vec<u8> {
    [
        &history(link)[..],
        &commit.to_be_bytes(),
        &index.to_be_bytes(),
    ]
    .concat()
}

/// The commit in which a history entry was added.
pub(super) fn history_commit(key: &[u8]) -> Option<u64> {
    let commit = key.get(9..17)?;
    Some(u64::from_be_bytes(commit.try_into().ok()?))
}

/// Link, commit and index of a history entry.
pub(super) fn history_parts(key: &[u8]) -> Option<(LinkId, u64, u32)> {
    let link = u64::from_be_bytes(key.get(1..9)?.try_into().ok()?);
    let index = u32::from_be_bytes(key.get(17..21)?.try_into().ok()?);
    Some((LinkId(link), history_commit(key)?, index))
}

pub(super) fn seal(sequence: u64) -> Vec<u8> {
    [SEAL, &sequence.to_be_bytes()].concat()
}

/// The number behind a letter: of a seal, of an act.
pub(super) fn trailing_number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(1..9)?.try_into().ok()?))
}

pub(super) fn act(run: RunId) -> Vec<u8> {
    [ACT, &run.0.to_be_bytes()].concat()
}

pub(super) fn policy(version: u32) -> Vec<u8> {
    [POLICY, &version.to_be_bytes()].concat()
}

pub(super) fn plan(run: RunId) -> Vec<u8> {
    [PLAN, &run.0.to_be_bytes()].concat()
}

pub(super) fn cursor(stream: u8) -> Vec<u8> {
    [CURSOR, &[stream]].concat()
}

pub(super) fn coverage(side: u8) -> Vec<u8> {
    [COVERAGE, &[side]].concat()
}

pub(super) fn vault(name: &str) -> Vec<u8> {
    [b"c/vault/", name.as_bytes()].concat()
}

/// Whether the key is an entry of an index: it never has a value.
pub(super) fn is_entry(key: &[u8]) -> bool {
    matches!(key.first(), Some(b's' | b'a' | b'k' | b'm' | b'n'))
}

/// Bytes of a link's id.
const ID_LENGTH_MAX: u8 = 8;

/// A link's id without its leading zeros: where keys need not order by it. The parts before it are
/// of fixed width, so nothing is lost.
fn short(link: LinkId) -> Vec<u8> {
    let bytes = link.0.to_be_bytes();
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}

/// The link id at the end of an index key, behind a part that is so long.
pub(super) fn trailing_link(key: &[u8], prefix: usize) -> Option<LinkId> {
    let tail = key.get(prefix..).filter(|tail| tail.len() <= 8)?;
    let id = tail
        .iter()
        .fold(0, |id: u64, byte| id << 8 | u64::from(*byte));
    Some(LinkId(id))
}
