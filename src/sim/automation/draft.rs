//! What a write would make of a contact, decided before anything is touched.

use std::collections::BTreeMap;

use super::accept::{Verdict, is_dropped_as_zero, judge};
use super::contact::Contact;
use super::field::{Field, Fields, Position, Subject};
use super::time::read_input;
use super::value::{Input, Value, Values};
use crate::sim::clock::Timestamp;

/// How fields that are not sent, or sent blank, are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// POST that matches nobody.
    Create,
    /// POST that matches a known contact.
    Match,
    Patch,
    /// Blanks every field not in the body.
    Put,
}

/// One do-not-contact member of a contact's body. Reason 0 removes.
#[derive(Clone, Debug, PartialEq)]
pub struct DncInput {
    pub channel: String,
    pub reason: i64,
    pub comments: String,
    pub channel_id: Option<u32>,
}

impl Default for DncInput {
    fn default() -> Self {
        Self {
            channel: "email".into(),
            reason: 3,
            comments: String::new(),
            channel_id: None,
        }
    }
}

/// A contact's body: field values by alias, and the special members.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContactInput {
    pub values: Vec<(String, Input)>,
    pub owner: Option<Input>,
    pub stage: Option<Input>,
    /// `-name` removes; any other is added.
    pub tags: Vec<String>,
    pub dnc: Vec<DncInput>,
    pub last_active: Option<String>,
    pub address: Option<String>,
    pub overwrite_with_blank: bool,
}

impl ContactInput {
    #[must_use]
    pub fn with(mut self, alias: &str, value: impl Into<Input>) -> Self {
        self.values.push((alias.to_owned(), value.into()));
        self
    }

    #[must_use]
    pub fn with_null(mut self, alias: &str) -> Self {
        self.values.push((alias.to_owned(), Input::Null));
        self
    }
}

/// How the answer of a write shows a field differently from what was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// A boolean that changed, or that was not sent: `true` or `false` instead of 1 or 0.
    Truth(bool),
    /// A cleared number: 0 instead of null.
    Zero,
    /// A blank that PUT wrote over a blank: empty text instead of null.
    Empty,
    /// A last-active date that was set: the field beside it still shows the one before.
    Before(Option<Timestamp>),
}

/// The decisions about every field.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub changes: Vec<(Position, Value)>,
    pub points: Option<i64>,
    pub last_active: Option<Option<Timestamp>>,
    pub echo: Vec<(Position, Echo)>,
    pub problems: Vec<(String, String)>,
    pub names_points: bool,
}

/// Everything the decision about one body needs.
pub struct Drafting<'a> {
    pub fields: &'a Fields,
    pub current: Option<&'a Contact>,
    pub mode: Mode,
    /// A matched POST with overwriteWithBlank blanks what it does not name; in a batch it does not.
    pub blanks_omitted: bool,
    pub now: Timestamp,
}

impl Drafting<'_> {
    pub fn draft(&self, input: &ContactInput) -> Draft {
        let mut sent: BTreeMap<Position, &Input> = BTreeMap::new();
        for (alias, value) in &input.values {
            // An unknown or unpublished alias is ignored without a word.
            if let Some(field) = self.fields.by_alias(Subject::Contact, alias)
                && field.is_published()
            {
                sent.insert(field.position, value);
            }
        }
        let mut draft = Draft::default();
        let empty = Values::default();
        let values = self.current.map_or(&empty, |contact| &contact.values);
        for field in self
            .fields
            .of(Subject::Contact)
            .filter(|field| field.is_published())
        {
            let sent = sent.get(&field.position).copied();
            match field.alias.as_str() {
                "points" => self.draft_points(field, sent, input.overwrite_with_blank, &mut draft),
                "last_active" => self.draft_last_active(sent, &mut draft),
                _ => {
                    let old = values.at(field.position);
                    self.draft_field(field, sent, old, input.overwrite_with_blank, &mut draft);
                }
            }
        }
        draft
    }

    fn draft_field(
        &self,
        field: &Field,
        sent: Option<&Input>,
        old: &Value,
        overwrite: bool,
        draft: &mut Draft,
    ) {
        let settled = match self.settle(field, sent, overwrite) {
            Ok(settled) => settled,
            Err(message) => return draft.problems.push((field.alias.clone(), message)),
        };
        let settled = settled.or_else(|| self.default_for(field, old));
        if let Some(echo) = echo(field, self.mode, sent.is_some(), settled.as_ref(), old) {
            draft.echo.push((field.position, echo));
        }
        if let Some(value) = settled.filter(|value| value != old) {
            draft.changes.push((field.position, value));
        }
    }

    /// What one field becomes; `None` keeps the old value.
    ///
    /// 1. Not sent: kept, except that PUT (and a matched POST that overwrites) blanks it.
    /// 2. Blank: ignored, unless PUT or overwriteWithBlank. Then null clears every type; empty text
    ///    clears all but date, datetime and time.
    /// 3. A number below one, or text that reads as one: dropped, except by PUT.
    /// 4. Else the field's type decides.
    fn settle(
        &self,
        field: &Field,
        sent: Option<&Input>,
        overwrite: bool,
    ) -> Result<Option<Value>, String> {
        let Some(input) = sent else {
            let blanks = self.mode == Mode::Put || (overwrite && self.blanks_omitted);
            return Ok(blanks.then_some(Value::Null));
        };
        if input.is_blank() {
            let clears = match self.mode {
                Mode::Put => true,
                _ => overwrite && (*input == Input::Null || !field.kind.is_temporal()),
            };
            return Ok(clears.then_some(Value::Null));
        }
        if self.mode != Mode::Put && is_dropped_as_zero(field, input) {
            return Ok(None);
        }
        match judge(field, input, self.now) {
            Verdict::Store(Value::Text(text)) if text.is_empty() => Ok(None),
            Verdict::Store(value) => Ok(Some(value)),
            Verdict::Ignore => Ok(None),
            Verdict::Refuse(message) => Err(message),
        }
    }

    /// A null field with a configured default receives it, at creation and at every PATCH.
    fn default_for(&self, field: &Field, old: &Value) -> Option<Value> {
        let default = field.default.as_ref().filter(|text| !text.is_empty())?;
        if !old.is_null() || !matches!(self.mode, Mode::Create | Mode::Patch) {
            return None;
        }
        match judge(field, &Input::Text(default.clone()), self.now) {
            Verdict::Store(value) => Some(value),
            Verdict::Ignore | Verdict::Refuse(_) => None,
        }
    }

    fn draft_points(
        &self,
        field: &Field,
        sent: Option<&Input>,
        overwrite: bool,
        draft: &mut Draft,
    ) {
        draft.names_points = sent.is_some();
        match self.settle(field, sent, overwrite) {
            Err(message) => draft.problems.push((field.alias.clone(), message)),
            Ok(None) => {}
            Ok(Some(value)) => {
                let points = value.as_number().unwrap_or(0.0) as i64;
                let old = self.current.map_or(0, |contact| contact.points);
                draft.points = (points != old).then_some(points);
            }
        }
    }

    fn draft_last_active(&self, sent: Option<&Input>, draft: &mut Draft) {
        if let Some(Input::Text(text)) = sent
            && let Some(moment) = read_input(text)
        {
            draft.last_active = Some(Some(moment.whole_second()));
        }
    }
}

fn echo(
    field: &Field,
    mode: Mode,
    is_sent: bool,
    settled: Option<&Value>,
    old: &Value,
) -> Option<Echo> {
    let is_boolean = matches!(field.kind, super::field::Kind::Boolean { .. });
    let is_number = matches!(field.kind, super::field::Kind::Number(_));
    match settled {
        Some(Value::Bool(new)) => (old != &Value::Bool(*new)).then_some(Echo::Truth(*new)),
        Some(Value::Null) if is_number => Some(Echo::Zero),
        Some(Value::Null) if mode == Mode::Put && old.is_null() => Some(Echo::Empty),
        None if is_boolean && !is_sent && mode == Mode::Patch => match old {
            Value::Bool(old) => Some(Echo::Truth(*old)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the values make a person of a visitor: a name, a company, an address or a profile.
pub fn is_identifying(fields: &Fields, values: &Values) -> bool {
    const TELLING: [&str; 10] = [
        "firstname",
        "lastname",
        "company",
        "email",
        "facebook",
        "foursquare",
        "instagram",
        "linkedin",
        "skype",
        "twitter",
    ];
    TELLING.iter().any(|alias| {
        let field = fields.by_alias(Subject::Contact, alias);
        field.is_some_and(|field| !values.at(field.position).is_null())
    })
}
