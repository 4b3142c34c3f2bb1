//! Profiles, permission sets and their rows, as standard objects of the data API.
//!
//! Object Reference: `PermissionSet`, `PermissionSetAssignment`, `ObjectPermissions`,
//! `FieldPermissions`; key prefixes 0PS, 0Pa, 110, 01k.

use super::rights::ObjectRight;
use super::standard::{add_all, audit_fields, object};
use super::{Ability, FieldDef, FieldType, ObjectDef, Trait};
use crate::sim::salesforce::value::OwnedValue;

/// A user permission: a column `Permissions…` of a permission set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UserRight {
    ApiEnabled,
    ViewSetup,
    ManageProfilesPermissionsets,
    AssignPermissionSets,
    CustomizeApplication,
    ModifyMetadata,
    ViewAllData,
    ModifyAllData,
}

impl UserRight {
    pub const EVERY: [Self; 8] = [
        Self::ApiEnabled,
        Self::ViewSetup,
        Self::ManageProfilesPermissionsets,
        Self::AssignPermissionSets,
        Self::CustomizeApplication,
        Self::ModifyMetadata,
        Self::ViewAllData,
        Self::ModifyAllData,
    ];

    pub const fn column(self) -> &'static str {
        match self {
            Self::ApiEnabled => "PermissionsApiEnabled",
            Self::ViewSetup => "PermissionsViewSetup",
            Self::ManageProfilesPermissionsets => "PermissionsManageProfilesPermissionsets",
            Self::AssignPermissionSets => "PermissionsAssignPermissionSets",
            Self::CustomizeApplication => "PermissionsCustomizeApplication",
            Self::ModifyMetadata => "PermissionsModifyMetadata",
            Self::ViewAllData => "PermissionsViewAllData",
            Self::ModifyAllData => "PermissionsModifyAllData",
        }
    }
}

/// In the order of their places in the schema.
pub(super) fn objects() -> Vec<ObjectDef> {
    vec![
        profile(),
        permission_set(),
        assignment(),
        object_permissions(),
        field_permissions(),
    ]
}

/// Setup rows are removed for good, so there is no such column as `IsDeleted`.
fn dated(object: &mut ObjectDef) {
    let kept = audit_fields()
        .into_iter()
        .filter(|field| field.name != "IsDeleted");
    add_all(object, kept);
}

fn stamped(object: &mut ObjectDef) {
    let kept = audit_fields()
        .into_iter()
        .filter(|field| field.name == "SystemModstamp");
    add_all(object, kept);
}

fn flag(column: &str) -> FieldDef {
    let label = column.trim_start_matches("Permissions");
    FieldDef::new(column, label, FieldType::Boolean)
}

fn fixed(field: FieldDef) -> FieldDef {
    field.without(&[Trait::Updateable])
}

fn profile() -> ObjectDef {
    let mut profile = object("Profile", "00e", Ability::ReadOnly);
    let name = FieldDef::text("Name", "Name", 255).required();
    add_all(&mut profile, [name.with(&[Trait::NameField])]);
    add_all(
        &mut profile,
        [FieldDef::text("Description", "Description", 255)],
    );
    dated(&mut profile);
    profile
}

fn permission_set() -> ObjectDef {
    let mut set = object("PermissionSet", "0PS", Ability::Full);
    let name = FieldDef::text("Name", "Permission Set Name", 80);
    add_all(
        &mut set,
        [
            name.required().unique().with(&[Trait::NameField]),
            FieldDef::text("Label", "Permission Set Label", 80).required(),
            FieldDef::text("Description", "Description", 255),
            FieldDef::new(
                "IsOwnedByProfile",
                "Is Owned By Profile",
                FieldType::Boolean,
            )
            .read_only(),
            FieldDef::reference("ProfileId", "Profile ID", "Profile", &["Profile"]).read_only(),
            FieldDef::new("IsCustom", "Is Custom", FieldType::Boolean)
                .defaulted(OwnedValue::Bool(true))
                .read_only(),
            FieldDef::text("NamespacePrefix", "Namespace Prefix", 15).read_only(),
        ],
    );
    add_all(&mut set, UserRight::EVERY.map(|right| flag(right.column())));
    dated(&mut set);
    set
}

fn assignment() -> ObjectDef {
    let mut assignment = object("PermissionSetAssignment", "0Pa", Ability::Full);
    let set = FieldDef::reference(
        "PermissionSetId",
        "PermissionSet ID",
        "PermissionSet",
        &["PermissionSet"],
    );
    let assignee = FieldDef::reference("AssigneeId", "Assignee ID", "Assignee", &["User"]);
    let active = FieldDef::new("IsActive", "Is Active", FieldType::Boolean);
    add_all(
        &mut assignment,
        [
            fixed(set.required()),
            fixed(assignee.required()),
            active.defaulted(OwnedValue::Bool(true)).read_only(),
        ],
    );
    stamped(&mut assignment);
    assignment
}

fn parent() -> FieldDef {
    fixed(FieldDef::reference("ParentId", "Parent ID", "Parent", &["PermissionSet"]).required())
}

fn object_permissions() -> ObjectDef {
    let mut permissions = object("ObjectPermissions", "110", Ability::Full);
    let object = FieldDef::text("SobjectType", "SObject Type Name", 40);
    add_all(&mut permissions, [parent(), fixed(object.required())]);
    let columns = ObjectRight::EVERY.map(|right| flag(right.column()));
    add_all(&mut permissions, columns);
    dated(&mut permissions);
    permissions
}

fn field_permissions() -> ObjectDef {
    let mut permissions = object("FieldPermissions", "01k", Ability::Full);
    let object = FieldDef::text("SobjectType", "SObject Type Name", 40);
    let field = FieldDef::text("Field", "Field Name", 255);
    add_all(
        &mut permissions,
        [
            parent(),
            fixed(object.required()),
            fixed(field.required()),
            flag("PermissionsEdit"),
            flag("PermissionsRead"),
        ],
    );
    stamped(&mut permissions);
    permissions
}
