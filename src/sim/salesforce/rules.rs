//! What administrators built: validation rules, duplicate rules, assignment, triggers. All of it
//! is data, so that a scenario can say it and a failing seed can print it.

use super::coerce::{Changes, Fields, Writing};
use super::error::{ApiError, DuplicatesFound, ErrorCode, Outcome};
use super::ids::RecordId;
use super::org::{AutoAssign, Call, Origin, Salesforce};
use super::schema::ObjectIndex;
use super::soql::ast::Expr;
use super::soql::bind::{Scope, bind_condition};
use super::soql::eval::Subject;
use super::table::Record;
use super::value::Value;

#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub validations: Vec<ValidationRule>,
    pub duplicates: Vec<DuplicateRule>,
    pub assignments: Vec<AssignmentRule>,
    pub triggers: Vec<Trigger>,
    /// Records somebody holds: any write that touches them or their children fails.
    pub locked: Vec<RecordId>,
    /// No more records can be created.
    pub storage_is_full: bool,
}

/// Refuses a record for which the condition holds, in the administrator's words.
#[derive(Clone, Debug)]
pub struct ValidationRule {
    pub name: String,
    pub object: ObjectIndex,
    pub is_active: bool,
    /// What the setup menu shows; `refuses_when` is what it means.
    pub formula: String,
    pub refuses_when: Expr,
    pub message: String,
    /// The field the message is shown at; none shows it at the top of the page.
    pub field: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateAction {
    /// Passes if the caller insists.
    Alert,
    Block,
}

/// Finds records whose field equals the new record's, in the same object or another.
#[derive(Clone, Debug)]
pub struct DuplicateRule {
    pub name: String,
    pub object: ObjectIndex,
    pub is_active: bool,
    pub field: String,
    /// Where to look, and in which field.
    pub against: Vec<(ObjectIndex, String)>,
    pub action: DuplicateAction,
    pub message: String,
}

/// Gives records a new owner whenever assignment runs.
#[derive(Clone, Debug)]
pub struct AssignmentRule {
    pub object: ObjectIndex,
    pub when: Option<Expr>,
    pub owner: RecordId,
}

/// Runs after each save of an object.
#[derive(Clone, Debug)]
pub struct Trigger {
    pub object: ObjectIndex,
    pub when: Option<Expr>,
    pub action: TriggerAction,
}

#[derive(Clone, Debug)]
pub enum TriggerAction {
    /// The echo trap: the record that comes back is not the record that was sent.
    Set(Fields),
    UpperCase(String),
    Fail(String),
    Lock,
}

impl Salesforce {
    pub(crate) fn condition_holds(
        &self,
        call: &Call,
        subject: Subject<'_>,
        condition: Option<&Expr>,
    ) -> Outcome<bool> {
        let Some(condition) = condition else {
            return Ok(true);
        };
        let scope = Scope {
            schema: &self.schema,
            namespace: None,
            now: call.now,
        };
        let test = bind_condition(scope, subject.object, condition)?;
        Ok(self.holds(subject, &test))
    }

    /// The platform's own rules about permission rows, then the administrators' rules.
    pub(crate) fn check_validations(&self, call: &Call, subject: Subject<'_>) -> Outcome<()> {
        self.check_security_row(subject)?;
        for rule in self
            .rules
            .validations
            .iter()
            .filter(|rule| rule.is_active && rule.object == subject.object)
        {
            if self.condition_holds(call, subject, Some(&rule.refuses_when))? {
                let code = ErrorCode::FIELD_CUSTOM_VALIDATION_EXCEPTION;
                let mut error = ApiError::new(code, rule.message.as_str());
                error.fields.extend(rule.field.clone());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Alert rules let a caller through who says so; block rules let nobody through.
    pub(crate) fn check_duplicates(&self, call: &Call, subject: Subject<'_>) -> Outcome<()> {
        if call.origin == Origin::Person {
            return Ok(());
        }
        for rule in self
            .rules
            .duplicates
            .iter()
            .filter(|rule| rule.is_active && rule.object == subject.object)
        {
            if rule.action == DuplicateAction::Alert && call.options.allows_duplicates {
                continue;
            }
            let value = self.named_value(subject, &rule.field).into_owned();
            if value.is_null() {
                continue;
            }
            let mut matches = Vec::new();
            for (object, field) in &rule.against {
                let Some(field) = self.schema.object(*object).find(field) else {
                    continue;
                };
                let mut found = self.table(*object).holders(field, &value, false);
                found.retain(|id| *id != subject.id);
                if !found.is_empty() {
                    matches.push((self.schema.object(*object).name.clone(), found));
                }
            }
            if !matches.is_empty() {
                let mut error =
                    ApiError::new(ErrorCode::DUPLICATES_DETECTED, rule.message.as_str());
                error.duplicates = Some(Box::new(DuplicatesFound {
                    rule: rule.name.clone(),
                    object: self.schema.object(rule.object).name.clone(),
                    can_be_overridden: rule.action == DuplicateAction::Alert,
                    matches,
                }));
                return Err(error);
            }
        }
        Ok(())
    }

    /// The owner that assignment gives, if it runs and a rule applies.
    pub(crate) fn assigned_owner(
        &self,
        call: &Call,
        subject: Subject<'_>,
    ) -> Outcome<Option<RecordId>> {
        if call.origin == Origin::Person || call.options.auto_assign == AutoAssign::Off {
            return Ok(None);
        }
        for rule in self
            .rules
            .assignments
            .iter()
            .filter(|rule| rule.object == subject.object)
        {
            if self.condition_holds(call, subject, rule.when.as_ref())? {
                return Ok(Some(rule.owner));
            }
        }
        Ok(None)
    }

    /// What triggers change in a record that was just saved.
    pub(crate) fn triggered_changes(&self, call: &Call, subject: Subject<'_>) -> Outcome<Changes> {
        let mut changes = Vec::new();
        // A trigger is not held by the caller's field-level security.
        let system = Call {
            origin: Origin::Person,
            ..call.clone()
        };
        for trigger in self
            .rules
            .triggers
            .iter()
            .filter(|one| one.object == subject.object)
        {
            if !self.condition_holds(call, subject, trigger.when.as_ref())? {
                continue;
            }
            match &trigger.action {
                TriggerAction::Set(fields) => {
                    changes.extend(self.changes(
                        &system,
                        subject.object,
                        fields,
                        Writing::Update,
                    )?);
                }
                TriggerAction::UpperCase(field) => {
                    let value = self.named_value(subject, field);
                    let found = self.schema.object(subject.object).find(field);
                    if let (Some(field), Some(text)) = (found, value.as_text()) {
                        changes.push((field, Value::text(text.to_uppercase())));
                    }
                }
                TriggerAction::Fail(message) => {
                    let code = ErrorCode::CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY;
                    return Err(ApiError::new(code, message.as_str()));
                }
                TriggerAction::Lock => return Err(ApiError::unable_to_lock(subject.id)),
            }
        }
        Ok(changes)
    }

    /// Saving a record takes a lock on its parents too.
    pub(crate) fn check_locks(&self, id: RecordId, record: &Record) -> Outcome<()> {
        let held = |held: RecordId| self.rules.locked.contains(&held);
        if self.rules.locked.is_empty() {
            return Ok(());
        }
        let parents = record.cells.iter().filter_map(|(_, value)| value.as_id());
        match std::iter::once(id).chain(parents).find(|id| held(*id)) {
            Some(id) => Err(ApiError::unable_to_lock(id)),
            None => Ok(()),
        }
    }
}
