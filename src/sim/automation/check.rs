//! What a write has to pass before anything is touched: matching, references, uniqueness.

use crate::sim::clock::Timestamp;

use super::contact::{Contact, ContactId};
use super::draft::{Assigned, ContactInput, Draft, Drafting, Echo, Mode};
use super::field::Subject;
use super::instance::Automation;
use super::refusal::Refusal;
use super::segment::StageId;
use super::time::read_input;
use super::user::UserId;
use super::value::{Input, Value};
use super::write::Door;

/// A write that passed every check.
pub(super) struct Checked {
    pub draft: Draft,
    pub owner: Assigned<UserId>,
    pub stage: Assigned<StageId>,
}

const NOT_VALID: &str = "This value is not valid.";

impl Automation {
    /// The contact a body matches: any unique field will do; of several, the youngest.
    pub(super) fn matching(&self, input: &ContactInput) -> Option<ContactId> {
        let mut found = Vec::new();
        for (alias, value) in &input.values {
            if let Some(field) = self.fields.by_alias(Subject::Contact, alias)
                && field.is_unique()
                && let Some(text) = value.to_text()
                && !text.trim().is_empty()
            {
                found.extend(self.contacts.unique_equal(field.position, text.trim()));
            }
        }
        let age = |id: &ContactId| self.contacts.by_id(*id).map(|c| (c.added.at, c.id));
        found.into_iter().max_by_key(age)
    }

    pub(super) fn check(
        &self,
        now: Timestamp,
        id: Option<ContactId>,
        input: &ContactInput,
        mode: Mode,
        door: Door,
    ) -> Result<Checked, Refusal> {
        let current = id.and_then(|id| self.contacts.by_id(id));
        let blanks_omitted = mode == Mode::Match && door == Door::Single;
        let drafting = Drafting {
            fields: &self.fields,
            current,
            mode,
            blanks_omitted,
            keeps_zeros: door == Door::Inside,
            now,
        };
        let mut draft = drafting.draft(input);
        let mut problems = std::mem::take(&mut draft.problems);
        let user = |id: u32| self.users.by_id(UserId(id)).map(|user| user.id);
        let stage = |id: u32| self.stages.name(StageId(id)).map(|_| StageId(id));
        let owner = reference("owner", input.owner.as_ref(), user, &mut problems);
        let stage = reference("stage", input.stage.as_ref(), stage, &mut problems);
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems));
        }
        self.check_unique(current, &draft)?;
        if let Some(text) = &input.last_active
            && let Some(moment) = read_input(text)
        {
            draft.last_active = Assigned::Set(Some(moment.whole_second()));
            if let Some(field) = self.fields.by_alias(Subject::Contact, "last_active") {
                let before = current.and_then(|contact| contact.last_active);
                draft.echo.push((field.position, Echo::Before(before)));
            }
        }
        Ok(Checked {
            draft,
            owner,
            stage,
        })
    }

    /// Every unique field has to be unique after the write, whether or not the write touches it: a
    /// contact that shares its address with another cannot be edited at all.
    fn check_unique(&self, current: Option<&Contact>, draft: &Draft) -> Result<(), Refusal> {
        let mut taken = Vec::new();
        for position in self.fields.unique() {
            let drafted = draft
                .changes
                .iter()
                .find(|(changed, _)| changed == position);
            let value = match (drafted, current) {
                (Some((_, value)), _) => value,
                (None, Some(contact)) => contact.values.at(*position),
                (None, None) => &Value::Null,
            };
            let Some(text) = value.to_text() else {
                continue;
            };
            let own = current.map(|contact| contact.id);
            let others = self.contacts.unique_equal(*position, &text);
            if others.iter().any(|other| Some(*other) != own)
                && let Some(field) = self.fields.at(Subject::Contact, *position)
            {
                taken.push(field.alias.clone());
            }
        }
        if taken.is_empty() {
            Ok(())
        } else {
            Err(Refusal::NotUnique(taken))
        }
    }
}

/// An id sent for owner or stage: null and blank remove, an unknown one is refused.
fn reference<T>(
    name: &str,
    input: Option<&Input>,
    find: impl Fn(u32) -> Option<T>,
    problems: &mut Vec<(String, String)>,
) -> Assigned<T> {
    let Some(input) = input else {
        return Assigned::Kept;
    };
    if input.is_blank() {
        return Assigned::Set(None);
    }
    let id = input
        .to_number()
        .filter(|number| *number > 0.0 && number.fract() == 0.0);
    let found = id.and_then(|id| find(id as u32));
    if found.is_none() {
        problems.push((name.to_owned(), NOT_VALID.to_owned()));
    }
    Assigned::Set(found)
}
