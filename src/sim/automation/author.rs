//! Who wrote a record: a user, an API credential, or the system itself.

use super::user::UserId;

/// A name in the instance's list of authors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorId(u16);

impl AuthorId {
    /// Background work and visitors of the site. Shown as one space where a record was modified.
    pub const SYSTEM: Self = Self(0);
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// A credential's token has no user behind it.
    pub user: Option<UserId>,
    pub name: String,
}

/// Everyone who wrote anything, once each.
#[derive(Clone, Debug)]
pub struct Authors(Vec<Author>);

impl Default for Authors {
    fn default() -> Self {
        Self(vec![Author {
            user: None,
            name: " ".to_owned(),
        }])
    }
}

impl Authors {
    pub fn named(&mut self, user: Option<UserId>, name: &str) -> AuthorId {
        let known = self
            .0
            .iter()
            .position(|author| author.user == user && author.name == name);
        let index = known.unwrap_or_else(|| {
            self.0.push(Author {
                user,
                name: name.to_owned(),
            });
            self.0.len() - 1
        });
        AuthorId(index as u16)
    }

    pub fn of(&self, id: AuthorId) -> &Author {
        &self.0[usize::from(id.0)]
    }

    /// The name as the logs show it.
    pub fn logged(&self, id: AuthorId) -> &str {
        if id == AuthorId::SYSTEM {
            "System"
        } else {
            &self.of(id).name
        }
    }
}
