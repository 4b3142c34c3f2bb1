//! Users of the instance, their roles, and what a role may do.

use super::contact::Stamp;
use crate::sim::clock::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleId(pub u32);

/// One thing a role may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    ViewContacts,
    EditContacts,
    CreateContacts,
    DeleteContacts,
    /// Looking at field definitions, without the right to change them.
    ViewFields,
    Fields,
    Users,
    Segments,
    Webhooks,
}

#[derive(Clone, Debug)]
pub struct Role {
    pub id: RoleId,
    pub name: String,
    pub description: String,
    /// An administrator may do everything and has no list.
    pub rights: Option<Vec<Right>>,
    pub added: Option<Stamp>,
}

impl Role {
    pub fn is_administrator(&self) -> bool {
        self.rights.is_none()
    }

    pub fn allows(&self, right: Right) -> bool {
        let Some(rights) = &self.rights else {
            return true;
        };
        // Whoever may change definitions may look at them.
        rights.contains(&right) || right == Right::ViewFields && rights.contains(&Right::Fields)
    }

    /// The permissions as the product names them.
    pub fn raw_permissions(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let Some(rights) = &self.rights else {
            return Vec::new();
        };
        let mut contacts = Vec::new();
        let mut rest = Vec::new();
        for right in rights {
            match right {
                Right::ViewContacts => contacts.extend(["viewown", "viewother"]),
                Right::EditContacts => contacts.extend(["editown", "editother"]),
                Right::CreateContacts => contacts.push("create"),
                Right::DeleteContacts => contacts.extend(["deleteown", "deleteother"]),
                Right::ViewFields => rest.push(("lead:fields", vec!["view"])),
                Right::Fields => rest.push(("lead:fields", vec!["full"])),
                Right::Users => rest.push(("user:users", vec!["view"])),
                Right::Segments => rest.push(("lead:lists", vec!["full"])),
                Right::Webhooks => rest.push(("webhook:webhooks", vec!["full"])),
            }
        }
        let mut all = vec![("lead:leads", contacts)];
        all.append(&mut rest);
        all.push(("api:access", vec!["full"]));
        all
    }
}

#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub username: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub password: String,
    pub role: RoleId,
    /// The first user, made by the installer, has no creation date.
    pub added: Option<Stamp>,
    pub last_login: Option<Timestamp>,
}

impl User {
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

/// What to make a user from.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    pub username: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub email: &'a str,
    pub password: &'a str,
    pub role: RoleId,
}

#[derive(Clone, Debug, Default)]
pub struct Users {
    users: Vec<User>,
    roles: Vec<Role>,
}

impl Users {
    pub const ADMINISTRATOR: RoleId = RoleId(1);

    pub fn add_role(
        &mut self,
        name: &str,
        description: &str,
        rights: Option<Vec<Right>>,
        added: Option<Stamp>,
    ) -> RoleId {
        let id = RoleId(self.roles.len() as u32 + 1);
        let (name, description) = (name.to_owned(), description.to_owned());
        self.roles.push(Role {
            id,
            name,
            description,
            rights,
            added,
        });
        id
    }

    pub fn add(&mut self, new: &NewUser<'_>, added: Option<Stamp>) -> UserId {
        let id = UserId(self.users.len() as u32 + 1);
        self.users.push(User {
            id,
            username: new.username.to_owned(),
            first_name: new.first_name.to_owned(),
            last_name: new.last_name.to_owned(),
            email: new.email.to_owned(),
            password: new.password.to_owned(),
            role: new.role,
            added,
            last_login: None,
        });
        id
    }

    pub fn by_id(&self, id: UserId) -> Option<&User> {
        self.users.get((id.0 as usize).checked_sub(1)?)
    }

    pub fn by_username(&self, username: &str) -> Option<&User> {
        self.users.iter().find(|user| user.username == username)
    }

    pub fn role(&self, id: RoleId) -> Option<&Role> {
        self.roles.get((id.0 as usize).checked_sub(1)?)
    }

    pub fn all(&self) -> &[User] {
        &self.users
    }

    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    pub(super) fn set_email(&mut self, id: UserId, email: &str) {
        if let Some(user) = self.users.iter_mut().find(|user| user.id == id) {
            email.clone_into(&mut user.email);
        }
    }

    pub(super) fn note_login(&mut self, id: UserId, now: Timestamp) {
        if let Some(user) = self.users.iter_mut().find(|user| user.id == id) {
            user.last_login = Some(now.whole_second());
        }
    }
}
