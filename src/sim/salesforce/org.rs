//! The brain: one organisation, its records and its rules. Pure and synchronous: time is an
//! argument, chance is a seed, and nothing here has heard of HTTP or JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::bulk::Jobs;
use super::cursors::Cursors;
use super::deploy::Deployments;
use super::ids::{KeyPrefix, RecordId};
use super::meter::Meter;
use super::oauth::OAuth;
use super::rules::Rules;
use super::schema::{
    FieldDef, ORGANIZATION, ObjectDef, ObjectIndex, ReferenceKey, SECURITY_OBJECTS, Schema, Trait,
    USER, timeline,
};
pub use super::setup::{Layout, ListedSite, RelatedList, Setup};
use super::table::{Record, Table};
use super::value::{Cells, FieldIndex, Value};
use crate::sim::clock::Timestamp;
use crate::sim::faults::FaultKind;
use crate::sim::random::Random;

/// What an organisation is set up as, before anybody works in it.
#[derive(Clone, Debug)]
pub struct OrgConfig {
    pub seed: u64,
    pub created: Timestamp,
    pub name: String,
    pub edition: String,
    pub is_sandbox: bool,
    pub namespace: Option<String>,
    /// None leaves the timeline object out, as in an organisation not yet set up.
    pub timeline: Option<ReferenceKey>,
    pub daily_api_requests: u64,
    /// Answers query pages smaller than asked for, now and then.
    pub undercuts_pages: bool,
    /// Rows of a query page at most, as when rows are wide.
    pub page_rows_max: usize,
}

impl Default for OrgConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            created: Timestamp::from_seconds(1_577_836_800),
            name: "Orion SARL".to_owned(),
            edition: "Enterprise Edition".to_owned(),
            is_sandbox: false,
            namespace: None,
            timeline: Some(ReferenceKey::Unique),
            daily_api_requests: 115_000,
            undercuts_pages: false,
            page_rows_max: usize::MAX,
        }
    }
}

/// How long a written row stays invisible to readers although its stamp is already taken: a slow
/// transaction publishes rows older than rows already read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitLag {
    pub people_ms_max: i64,
    pub api_ms_max: i64,
}

/// Who calls, when, and with which headers' worth of wishes.
#[derive(Clone, Debug)]
pub struct Call {
    pub now: Timestamp,
    pub user: RecordId,
    pub options: CallOptions,
    /// A data fault drawn for this call.
    pub fault: Option<FaultKind>,
    pub origin: Origin,
}

/// Through which door a write comes. People at their screens are not held by the integration's
/// field-level security, and click through duplicate alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Api,
    Person,
}

impl Call {
    pub fn new(now: Timestamp, user: RecordId) -> Self {
        let options = CallOptions::default();
        Self {
            now,
            user,
            options,
            fault: None,
            origin: Origin::Api,
        }
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.options.default_namespace.as_deref()
    }
}

#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    pub default_namespace: Option<String>,
    pub auto_assign: AutoAssign,
    /// Lets alert rules pass; block rules still refuse.
    pub allows_duplicates: bool,
    pub batch_size: Option<usize>,
}

/// REST: without the header an active rule reassigns on every create and update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoAssign {
    #[default]
    On,
    Off,
}

/// One step that can be taken back.
#[derive(Debug)]
enum Undo {
    Record {
        object: ObjectIndex,
        id: RecordId,
        before: Option<Record>,
    },
    Deletion(ObjectIndex),
}

#[derive(Debug)]
pub struct Salesforce {
    pub(crate) config: OrgConfig,
    pub(crate) schema: Schema,
    pub(crate) schema_changed: Timestamp,
    tables: Vec<Table>,
    pub(crate) random: Random,
    pub rules: Rules,
    pub setup: Setup,
    pub lag: CommitLag,
    pub(crate) cursors: Cursors,
    pub(crate) jobs: Jobs,
    pub(crate) deployments: Deployments,
    pub(crate) oauth: OAuth,
    pub(crate) meter: Meter,
    undo: Vec<Undo>,
    depth: usize,
    /// Rows about permissions changed since access was last worked out.
    is_access_stale: bool,
    /// How far this organisation's clock is ahead of everybody else's.
    clock_skew_ms: Arc<AtomicI64>,
    organization: RecordId,
    integration_user: RecordId,
}

impl Salesforce {
    pub fn new(config: OrgConfig) -> Self {
        let mut schema = Schema::standard();
        if let Some(reference) = config.timeline {
            let namespace = config.namespace.as_deref();
            schema.add(timeline(
                namespace,
                custom_prefix(schema.places()),
                reference,
            ));
        }
        let tables = schema
            .objects()
            .map(|(_, object)| Table::new(object))
            .collect();
        let nobody = KeyPrefix::parse("005").map_or(RecordId::from_u64(0), |user| user.id(0));
        let listed = schema
            .objects()
            .find(|(_, object)| object.is_custom)
            .map(|(_, object)| object.clone());
        let mut org = Self {
            schema,
            schema_changed: config.created,
            tables,
            random: Random::seeded(config.seed),
            rules: Rules::default(),
            setup: Setup::default(),
            lag: CommitLag::default(),
            cursors: Cursors::default(),
            jobs: Jobs::default(),
            deployments: Deployments::default(),
            oauth: OAuth::default(),
            meter: Meter::new(config.daily_api_requests),
            undo: Vec::new(),
            depth: 0,
            is_access_stale: false,
            clock_skew_ms: Arc::default(),
            organization: nobody,
            integration_user: nobody,
            config,
        };
        org.found();
        org.found_layouts(listed.as_ref());
        org
    }

    /// The organisation's own record, and the user the integration runs as.
    fn found(&mut self) {
        let config = self.config.clone();
        let at = config.created;
        let text = |text: &str| Value::text(text);
        let profile = self.found_profile(at);
        let integration = [
            ("ProfileId", Value::Id(profile)),
            ("Username", text("integration@orion.example")),
            ("LastName", text("Integration")),
            ("Email", text("integration@orion.example")),
            ("Alias", text("integ")),
        ];
        self.integration_user = self.seed(USER, &integration, self.integration_user, at);
        let namespace = config.namespace.as_deref().map_or(Value::Null, Value::text);
        let organization = [
            ("Name", text(&config.name)),
            ("OrganizationType", text(&config.edition)),
            ("IsSandbox", Value::Bool(config.is_sandbox)),
            ("InstanceName", text("FRA7")),
            ("NamespacePrefix", namespace),
            ("LanguageLocaleKey", text("fr")),
            ("TimeZoneSidKey", text("Europe/Paris")),
        ];
        self.organization = self.seed(ORGANIZATION, &organization, self.integration_user, at);
        self.found_assignment(at);
        self.refresh_access();
    }

    /// Puts the organisation's clock ahead of everybody else's, or behind it.
    pub fn set_clock_skew(&self, skew_ms: i64) {
        self.clock_skew_ms.store(skew_ms, Ordering::Relaxed);
    }

    /// What the organisation's clock shows when everybody else's shows `now`.
    pub fn own_time(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(self.clock_skew_ms.load(Ordering::Relaxed))
    }

    /// The skew, for whoever asks the time while the organisation is at work.
    pub(crate) fn clock_skew(&self) -> Arc<AtomicI64> {
        Arc::clone(&self.clock_skew_ms)
    }

    pub const fn organization(&self) -> RecordId {
        self.organization
    }

    /// The user API clients act as unless a grant says otherwise.
    pub const fn integration_user(&self) -> RecordId {
        self.integration_user
    }

    pub const fn config(&self) -> &OrgConfig {
        &self.config
    }

    /// What the Organization record tells, and what deployments are held to.
    pub fn set_sandbox(&mut self, is_sandbox: bool) {
        self.config.is_sandbox = is_sandbox;
        let field = self.schema.object(ORGANIZATION).find("IsSandbox");
        let record = self.record(self.organization).cloned();
        if let (Some(field), Some(mut record)) = (field, record) {
            record.cells = record.cells.with(&[(field, Value::Bool(is_sandbox))]);
            self.tables[usize::from(ORGANIZATION.0)].put(self.organization, Some(record));
        }
    }

    /// What refreshing a sandbox does: all the same, and another organisation.
    pub fn become_another(&mut self) {
        let table = &mut self.tables[usize::from(ORGANIZATION.0)];
        let record = table.put(self.organization, None);
        self.organization = table.next_id();
        table.put(self.organization, record);
    }

    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Adds a custom object with the next free key prefix. Fields come with `add_field`.
    pub fn add_object(&mut self, name: &str, label: &str, now: Timestamp) -> ObjectIndex {
        let object = self.custom_object(name, label);
        self.push_object(object, now)
    }

    /// A custom object under the next free key prefix, with the columns each has.
    pub(crate) fn custom_object(&self, name: &str, label: &str) -> ObjectDef {
        let prefix = custom_prefix(self.tables.len());
        let mut object = ObjectDef::new(name, label, prefix, super::schema::Ability::Full);
        for field in super::schema::custom_columns(label) {
            object.add(field);
        }
        object
    }

    pub(crate) fn push_object(&mut self, object: ObjectDef, now: Timestamp) -> ObjectIndex {
        self.tables.push(Table::new(&object));
        self.schema_changed = now;
        self.schema.add(object)
    }

    /// Puts an earlier schema back, and forgets the tables and indexes that came after it.
    pub(crate) fn restore_schema(&mut self, schema: Schema, now: Timestamp) {
        self.tables.truncate(schema.places());
        for (place, table) in self.tables.iter_mut().enumerate() {
            table.forget_indexes(schema.object(ObjectIndex(place as u16)));
        }
        self.schema = schema;
        self.schema_changed = now;
        self.refresh_access();
    }

    /// Adds a field, or replaces the definition of the one so named; values are kept.
    pub fn add_field(
        &mut self,
        object: ObjectIndex,
        field: FieldDef,
        now: Timestamp,
    ) -> FieldIndex {
        let index = self.schema.object_mut(object).add(field);
        self.tables[usize::from(object.0)].index_fields(self.schema.object(object));
        self.schema_changed = now;
        index
    }

    /// Field history tracking, which also turns it on for the object.
    pub fn track_history(&mut self, object: ObjectIndex, field: &str, is_on: bool) -> bool {
        let definition = self.schema.object_mut(object);
        let found = definition.find(field);
        if let Some(index) = found {
            definition
                .field_mut(index)
                .traits
                .set(Trait::HistoryTracked, is_on);
            definition.is_history_enabled |= is_on;
        }
        found.is_some()
    }

    pub(crate) fn table(&self, object: ObjectIndex) -> &Table {
        &self.tables[usize::from(object.0)]
    }

    /// Which object an id belongs to, if this organisation has such an object.
    pub fn object_of(&self, id: RecordId) -> Option<ObjectIndex> {
        self.schema.find_prefix(id.prefix())
    }

    /// The newest version of a record, committed or not, in the Recycle Bin or not.
    pub fn record(&self, id: RecordId) -> Option<&Record> {
        self.table(self.object_of(id)?).get(id)
    }

    /// Records outside the Recycle Bin.
    pub fn count(&self, object: ObjectIndex) -> usize {
        self.table(object).live()
    }

    /// Every record of an object, the Recycle Bin included, by id.
    pub fn records(&self, object: ObjectIndex) -> impl Iterator<Item = (RecordId, &Record)> {
        self.table(object).records()
    }

    /// One field of the newest version of a record; null if there is no such record or field.
    pub fn value(&self, id: RecordId, field: &str) -> Value<'_> {
        let Some(object) = self.object_of(id) else {
            return Value::Null;
        };
        let Some(record) = self.table(object).get(id) else {
            return Value::Null;
        };
        self.named_value(super::soql::eval::Subject { object, id, record }, field)
    }

    /// A record as if it had always been there: no rule, no history, no trigger, no lag.
    pub fn seed(
        &mut self,
        object: ObjectIndex,
        fields: &[(&str, Value<'static>)],
        user: RecordId,
        at: Timestamp,
    ) -> RecordId {
        let definition = self.schema.object(object);
        let mut cells: Vec<_> = fields
            .iter()
            .filter_map(|(name, value)| Some((definition.find(name)?, value.clone())))
            .collect();
        for (field, definition) in definition.fields() {
            let is_given = cells.iter().any(|(given, _)| *given == field);
            if !is_given && !definition.default.is_null() {
                cells.push((field, definition.default.clone()));
            }
        }
        if let Some(owner) = definition.find("OwnerId")
            && !cells.iter().any(|(field, _)| *field == owner)
        {
            cells.push((owner, Value::Id(user)));
        }
        let at = at.whole_second();
        let record = Record {
            created: at,
            created_by: user,
            modified: at,
            modified_by: user,
            stamp: at,
            is_deleted: false,
            cells: Cells::default().with(&cells),
        };
        let table = &mut self.tables[usize::from(object.0)];
        let id = table.next_id();
        table.put(id, Some(record));
        id
    }

    /// Brings time-driven state up to date: commits that become visible, jobs that make progress.
    pub fn advance(&mut self, now: Timestamp) {
        self.tables.iter_mut().for_each(|table| table.settle(now));
        self.advance_jobs(now);
        self.advance_deployments(now);
    }

    /// Runs a piece of work that either happens as a whole or not at all.
    pub(crate) fn atomically<T, E>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let mark = self.undo.len();
        self.depth += 1;
        let done = work(self);
        self.depth -= 1;
        if done.is_err() {
            self.roll_back(mark);
        }
        if self.is_access_stale {
            self.is_access_stale = false;
            self.refresh_access();
        }
        if self.depth == 0 {
            self.undo.clear();
        }
        done
    }

    fn roll_back(&mut self, mark: usize) {
        while self.undo.len() > mark {
            match self.undo.pop() {
                Some(Undo::Record { object, id, before }) => {
                    self.is_access_stale |= SECURITY_OBJECTS.contains(&object);
                    self.tables[usize::from(object.0)].put(id, before);
                }
                Some(Undo::Deletion(object)) => {
                    self.tables[usize::from(object.0)].deletions.pop();
                }
                None => return,
            }
        }
    }

    pub(crate) fn next_id(&self, object: ObjectIndex) -> RecordId {
        self.table(object).next_id()
    }

    /// Stores a version, remembering the earlier one for a rollback and for readers.
    ///
    /// `hidden` is the window of a slow commit: when it took its stamp, when it becomes visible.
    pub(crate) fn put(
        &mut self,
        id: RecordId,
        record: Option<Record>,
        hidden: Option<(Timestamp, Timestamp)>,
    ) {
        let Some(object) = self.object_of(id) else {
            return;
        };
        self.is_access_stale |= SECURITY_OBJECTS.contains(&object);
        let table = &mut self.tables[usize::from(object.0)];
        let before = table.put(id, record);
        if let Some((since, until)) = hidden {
            table.shadow(id, before.clone(), since, until);
        }
        self.undo.push(Undo::Record { object, id, before });
    }

    pub(crate) fn log_deletion(&mut self, id: RecordId, at: Timestamp) {
        let Some(object) = self.object_of(id) else {
            return;
        };
        let deletion = super::table::Deletion { id, at };
        self.tables[usize::from(object.0)].deletions.push(deletion);
        self.undo.push(Undo::Deletion(object));
    }

    pub(crate) fn purge_delete_log(&mut self, object: ObjectIndex, before: Timestamp) {
        self.tables[usize::from(object.0)]
            .deletions
            .retain(|entry| entry.at >= before);
    }

    pub(crate) fn draw_lag(&mut self, ms_max: i64) -> i64 {
        if ms_max <= 0 {
            0
        } else {
            self.random.below(ms_max as u64 + 1) as i64
        }
    }
}

/// Custom objects are numbered `a00`, `a01`, … per organisation.
fn custom_prefix(place: usize) -> KeyPrefix {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let position = place - SECURITY_OBJECTS.len();
    let text = [b'a', DIGITS[position / 36 % 36], DIGITS[position % 36]];
    let text = std::str::from_utf8(&text).unwrap_or("a00");
    KeyPrefix::parse(text).expect("base 62 digits")
}
