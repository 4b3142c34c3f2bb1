//! What an administrator sees in the setup menu beside objects and fields: sites, page layouts,
//! and knobs that take parts of the set-up away.

use super::ids::{KeyPrefix, RecordId};
use super::org::Salesforce;
use super::schema::{FieldAccess, FieldDef, ObjectDef, ObjectIndex, ObjectRights, Source, Trait};
use super::value::FieldIndex;
use crate::sim::clock::Timestamp;

/// What the Tooling API shows of it.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    pub remote_sites: Vec<ListedSite>,
    pub trusted_sites: Vec<ListedSite>,
    pub layouts: Vec<Layout>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSite {
    pub name: String,
    pub url: String,
    pub is_active: bool,
}

/// A page layout, as far as related lists go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// `Lead Layout`
    pub name: String,
    pub object: ObjectIndex,
    pub related_lists: Vec<RelatedList>,
}

/// One related list: a standard one by its own name, or `mautic_timeline__c.WhoId__c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelatedList {
    pub list: String,
    /// `NAME` or a field's API name.
    pub fields: Vec<String>,
}

impl RelatedList {
    pub fn new(list: &str, fields: &[&str]) -> Self {
        Self {
            list: list.to_owned(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        }
    }
}

impl Salesforce {
    /// One layout for each object that people open, the timeline's related list on those of
    /// people as the set-up guide has it.
    pub(super) fn found_layouts(&mut self, timeline: Option<&ObjectDef>) {
        use super::schema::{ACCOUNT, CONTACT, LEAD};
        for (object, name) in [(ACCOUNT, "Account"), (CONTACT, "Contact"), (LEAD, "Lead")] {
            let mut related_lists = vec![
                RelatedList::new("RelatedActivityList", &[]),
                RelatedList::new("RelatedNoteList", &[]),
            ];
            let children = timeline.map(|timeline| (timeline, timeline.fields()));
            if let Some((timeline, mut fields)) = children
                && let Some((_, lookup)) = fields.find(|(_, field)| {
                    field.is(Trait::Custom) && field.reference_to.iter().any(|to| to == name)
                })
            {
                let date = timeline.fields().find_map(|(_, field)| {
                    field
                        .name
                        .ends_with("ActivityDate__c")
                        .then_some(field.name.as_str())
                });
                let list = format!("{}.{}", timeline.name, lookup.name);
                related_lists.push(RelatedList::new(&list, &["NAME", date.unwrap_or("NAME")]));
            }
            self.setup.layouts.push(Layout {
                name: format!("{name} Layout"),
                object,
                related_lists,
            });
        }
    }

    /// The id a row of a setup list is known by: its place under the list's key prefix.
    pub(crate) fn setup_id(prefix: &str, place: usize) -> RecordId {
        let prefix = KeyPrefix::parse(prefix);
        prefix.map_or(RecordId::from_u64(0), |prefix| prefix.id(place as u64 + 1))
    }

    /// An object that the Metadata API made: nobody's profile knows it.
    pub(crate) fn add_made_object(&mut self, mut object: ObjectDef, now: Timestamp) -> ObjectIndex {
        object.profile_rights = ObjectRights::NONE;
        let index = self.push_object(object, now);
        self.refresh_access();
        index
    }

    /// A field that the API made: visible to nobody until a permission set says so, unless it is
    /// one that takes no permissions.
    pub(crate) fn add_made_field(
        &mut self,
        object: ObjectIndex,
        mut field: FieldDef,
        now: Timestamp,
    ) -> FieldIndex {
        if field.is(Trait::Permissionable) {
            field.profile_access = FieldAccess::Hidden;
        }
        let index = self.add_field(object, field, now);
        self.refresh_access();
        index
    }

    /// An administrator deletes a custom field. False if there is no such field.
    pub fn remove_field(&mut self, object: ObjectIndex, field: &str, now: Timestamp) -> bool {
        let is_custom = self.schema.object(object).find(field).is_some_and(|index| {
            let field = self.schema.object(object).field(index);
            field.is(Trait::Custom) && field.source == Source::Cell
        });
        if is_custom {
            self.schema.object_mut(object).remove(field);
            let name = self.schema.object(object).name.clone();
            let gone = format!("{name}.{field}");
            for layout in &mut self.setup.layouts {
                layout
                    .related_lists
                    .retain(|one| !one.list.eq_ignore_ascii_case(&gone));
            }
            self.schema_changed = now;
        }
        is_custom
    }

    /// The timeline object as the set-up guide has it, made at a screen: its maker sees all of it.
    pub fn add_timeline(
        &mut self,
        reference: super::schema::ReferenceKey,
        now: Timestamp,
    ) -> ObjectIndex {
        let prefix = self.custom_object("x__c", "x").prefix;
        let namespace = self.config.namespace.as_deref();
        let object = super::schema::timeline(namespace, prefix, reference);
        let index = self.push_object(object, now);
        self.refresh_access();
        index
    }

    /// An administrator deletes a custom object with its records, and it leaves every layout.
    pub fn remove_object(&mut self, object: ObjectIndex, now: Timestamp) -> bool {
        let definition = self.schema.object(object);
        if !definition.is_custom {
            return false;
        }
        let lists = format!("{}.", definition.name);
        self.schema.remove(object);
        for layout in &mut self.setup.layouts {
            layout
                .related_lists
                .retain(|one| !one.list.starts_with(&lists));
        }
        self.schema_changed = now;
        true
    }
}
