//! What may be done with an object's records: the part of a permission set that `ObjectPermissions`
//! rows hold.

/// One column of `ObjectPermissions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectRight {
    Read,
    Create,
    Edit,
    Delete,
    ViewAll,
    ModifyAll,
}

impl ObjectRight {
    pub const EVERY: [Self; 6] = [
        Self::Read,
        Self::Create,
        Self::Edit,
        Self::Delete,
        Self::ViewAll,
        Self::ModifyAll,
    ];

    /// Its name in `ObjectPermissions`.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Read => "PermissionsRead",
            Self::Create => "PermissionsCreate",
            Self::Edit => "PermissionsEdit",
            Self::Delete => "PermissionsDelete",
            Self::ViewAll => "PermissionsViewAllRecords",
            Self::ModifyAll => "PermissionsModifyAllRecords",
        }
    }

    /// Its name in a permission set file.
    pub const fn element(self) -> &'static str {
        match self {
            Self::Read => "allowRead",
            Self::Create => "allowCreate",
            Self::Edit => "allowEdit",
            Self::Delete => "allowDelete",
            Self::ViewAll => "viewAllRecords",
            Self::ModifyAll => "modifyAllRecords",
        }
    }

    /// How refusals call it.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Create => "Create",
            Self::Edit => "Edit",
            Self::Delete => "Delete",
            Self::ViewAll => "View All",
            Self::ModifyAll => "Modify All",
        }
    }

    /// What else must be granted with it.
    pub const fn depends_on(self) -> &'static [Self] {
        match self {
            Self::Read => &[],
            Self::Create | Self::Edit | Self::ViewAll => &[Self::Read],
            Self::Delete => &[Self::Read, Self::Edit],
            Self::ModifyAll => &[Self::Read, Self::Edit, Self::Delete, Self::ViewAll],
        }
    }
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectRights(u8);

impl ObjectRights {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self(0b11_1111);

    pub const fn has(self, right: ObjectRight) -> bool {
        self.0 >> right as u8 & 1 == 1
    }

    #[must_use]
    pub const fn with(self, right: ObjectRight) -> Self {
        Self(self.0 | 1 << right as u8)
    }

    #[must_use]
    pub const fn without(self, right: ObjectRight) -> Self {
        Self(self.0 & !(1 << right as u8))
    }

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
