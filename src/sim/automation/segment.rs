//! Segments with their members, stages, and tags.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::contact::{ContactId, Stamp, TagId};
use super::field::{Choice, Kind};
use crate::sim::clock::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageId(pub u32);

/// One condition of a dynamic segment; all conditions of a segment must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFilter {
    pub glue: String,
    pub object: String,
    pub field: String,
    pub kind: String,
    pub operator: String,
    pub value: String,
}

impl SegmentFilter {
    /// Operators offered for a kind of field: a boolean is something or is not.
    pub fn operators(kind: &Kind) -> &'static [&'static str] {
        const TEXT: [&str; 8] = [
            "=",
            "!=",
            "empty",
            "!empty",
            "startsWith",
            "endsWith",
            "contains",
            "!contains",
        ];
        const ORDERED: [&str; 8] = ["=", "!=", "empty", "!empty", "gt", "gte", "lt", "lte"];
        match kind {
            Kind::Boolean { .. } => &ORDERED[..2],
            Kind::Number(_) | Kind::Date | Kind::Datetime | Kind::Time => &ORDERED,
            Kind::Select(_) | Kind::Country | Kind::Region | Kind::Timezone | Kind::Locale => {
                &ORDERED[..4]
            }
            Kind::Multiselect(_) => &["in", "!in", "empty", "!empty"],
            _ => &TEXT,
        }
    }

    /// Whether a value may be asked for: a boolean knows two, a list those it lists.
    pub fn offers(kind: &Kind, operator: &str, value: &str) -> bool {
        let listed = |choices: &[Choice]| {
            let mut parts = value.split('|');
            parts.all(|part| choices.iter().any(|choice| choice.value == part))
        };
        match kind {
            _ if operator.ends_with("empty") => true,
            Kind::Boolean { .. } => matches!(value, "0" | "1"),
            Kind::Select(choices) | Kind::Multiselect(choices) => listed(choices),
            _ => !value.is_empty(),
        }
    }

    /// Whether a contact's value meets the condition; without regard to case.
    pub fn holds(&self, held: Option<&str>) -> bool {
        let wanted = self.value.to_lowercase();
        let held = held.map(str::to_lowercase).filter(|held| !held.is_empty());
        let text = held.as_deref().unwrap_or_default();
        let order = || match (text.parse::<f64>(), wanted.parse::<f64>()) {
            (Ok(held), Ok(wanted)) => held.partial_cmp(&wanted),
            _ => Some(text.cmp(wanted.as_str())),
        };
        let has_any = || {
            text.split('|')
                .any(|one| wanted.split('|').any(|part| part == one))
        };
        match self.operator.as_str() {
            "!=" => text != wanted,
            "empty" => held.is_none(),
            "!empty" => held.is_some(),
            "startsWith" => text.starts_with(&wanted),
            "endsWith" => text.ends_with(&wanted),
            "contains" => text.contains(&wanted),
            "!contains" => !text.contains(&wanted),
            "in" => has_any(),
            "!in" => !has_any(),
            "gt" => held.is_some() && order().is_some_and(Ordering::is_gt),
            "gte" => held.is_some() && order().is_some_and(Ordering::is_ge),
            "lt" => held.is_some() && order().is_some_and(Ordering::is_lt),
            "lte" => held.is_some() && order().is_some_and(Ordering::is_le),
            _ => held.is_some() && text == wanted,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Segment {
    pub id: SegmentId,
    pub name: String,
    pub alias: String,
    pub description: Option<String>,
    pub filters: Vec<SegmentFilter>,
    pub is_published: bool,
    pub added: Stamp,
    pub modified: Option<Stamp>,
    members: BTreeMap<ContactId, Member>,
}

/// How a contact came into a segment, or was taken out of it by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// By the filters, at the last rebuild.
    Matched,
    AddedByHand,
    /// Sticky: the filters will not bring the contact back.
    RemovedByHand,
}

#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub membership: Membership,
    pub since: Timestamp,
}

impl Segment {
    pub fn has(&self, contact: ContactId) -> bool {
        self.member(contact)
            .is_some_and(|member| member.membership != Membership::RemovedByHand)
    }

    pub fn member(&self, contact: ContactId) -> Option<&Member> {
        self.members.get(&contact)
    }

    pub fn members(&self) -> impl Iterator<Item = (ContactId, &Member)> {
        self.members.iter().map(|(id, member)| (*id, member))
    }

    pub(super) fn put(&mut self, contact: ContactId, membership: Membership, now: Timestamp) {
        self.members.insert(
            contact,
            Member {
                membership,
                since: now.whole_second(),
            },
        );
    }
}

#[derive(Clone, Debug, Default)]
pub struct Segments {
    segments: BTreeMap<SegmentId, Segment>,
    last_id: u32,
}

impl Segments {
    pub fn add(
        &mut self,
        name: &str,
        alias: &str,
        filters: Vec<SegmentFilter>,
        added: Stamp,
    ) -> SegmentId {
        self.last_id += 1;
        let id = SegmentId(self.last_id);
        let alias = normal_alias(if alias.is_empty() { name } else { alias });
        let segment = Segment {
            id,
            name: name.to_owned(),
            alias,
            description: None,
            filters,
            is_published: true,
            added,
            modified: None,
            members: BTreeMap::new(),
        };
        self.segments.insert(id, segment);
        id
    }

    pub fn by_id(&self, id: SegmentId) -> Option<&Segment> {
        self.segments.get(&id)
    }

    pub fn by_id_mut(&mut self, id: SegmentId) -> Option<&mut Segment> {
        self.segments.get_mut(&id)
    }

    pub fn by_alias(&self, alias: &str) -> Option<&Segment> {
        self.segments
            .values()
            .find(|segment| segment.alias == alias)
    }

    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        self.segments.values()
    }

    pub(super) fn remove(&mut self, id: SegmentId) -> Option<Segment> {
        self.segments.remove(&id)
    }

    /// Members follow a merge, and go with a deletion.
    pub(super) fn hand_over(&mut self, loser: ContactId, winner: Option<ContactId>) {
        for segment in self.segments.values_mut() {
            if let (Some(member), Some(winner)) = (segment.members.remove(&loser), winner) {
                segment.members.entry(winner).or_insert(member);
            }
        }
    }
}

/// Lower case, other characters to `-`.
fn normal_alias(text: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    text.trim().chars().map(plain).collect()
}

/// Tag names, each once; letter case as first written.
#[derive(Clone, Debug, Default)]
pub struct Tags(Vec<String>);

impl Tags {
    /// The tag of that name, made if it is new.
    pub fn named(&mut self, name: &str) -> TagId {
        self.find(name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            TagId(self.0.len() as u32)
        })
    }

    pub fn find(&self, name: &str) -> Option<TagId> {
        let index = self
            .0
            .iter()
            .position(|known| known.to_lowercase() == name.to_lowercase())?;
        Some(TagId(index as u32 + 1))
    }

    pub fn all(&self) -> impl Iterator<Item = (TagId, &str)> {
        let numbered = self.0.iter().enumerate();
        numbered.map(|(index, name)| (TagId(index as u32 + 1), name.as_str()))
    }

    pub fn name(&self, id: TagId) -> &str {
        (id.0 as usize)
            .checked_sub(1)
            .and_then(|at| self.0.get(at))
            .map_or("", String::as_str)
    }
}

/// Stage names; ids count from 1.
#[derive(Clone, Debug, Default)]
pub struct Stages(Vec<String>);

impl Stages {
    pub fn add(&mut self, name: &str) -> StageId {
        self.0.push(name.to_owned());
        StageId(self.0.len() as u32)
    }

    pub fn name(&self, id: StageId) -> Option<&str> {
        self.0
            .get((id.0 as usize).checked_sub(1)?)
            .map(String::as_str)
    }
}
