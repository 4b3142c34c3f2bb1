//! Why something was not done, as messages with gaps, so that the screens say it in the operator's
//! language. The English ones are the errors' own sentences, letter by letter: a test holds that.

use crate::app::authorize::denied;
use crate::app::error::AppError;
use crate::domain::access::Why;
use crate::domain::operator::Role;
use crate::ports::StoreError;

/// What stopped something that was asked for; what no message says is shown as it is.
pub(in crate::app) fn why(error: &AppError) -> Why {
    match error {
        AppError::NotLetIn(denial) => denied(denial),
        AppError::LoginUnderWay(side) => {
            Why::said("denied-under-way", vec![("system", side.to_string())])
        }
        AppError::Unrecorded(_) => Why::said("why-unrecorded", Vec::new()),
        AppError::Denied { needed, .. } => needs(*needed),
        AppError::NotServed => Why::said("why-not-served", Vec::new()),
        AppError::Silent => Why::said("why-silent", Vec::new()),
        AppError::Store(error) => unread(error),
        error => Why::raw(error.to_string()),
    }
}

/// Whoever asked may not.
pub(in crate::app) fn needs(role: Role) -> Why {
    let says = match role {
        Role::Viewer => "why-needs-viewer",
        Role::Operator => "why-needs-operator",
        Role::Admin => "why-needs-admin",
    };
    Why::said(says, Vec::new())
}

/// What the store could not do.
pub(in crate::app) fn unread(error: &StoreError) -> Why {
    match error {
        StoreError::Held { path, holder } => Why::said(
            "store-held",
            vec![("path", path.clone()), ("holder", holder.clone())],
        ),
        StoreError::Open { path, .. } => Why::said("store-open", vec![("path", path.clone())]),
        StoreError::Foreign { path, owner, asked } => Why::said(
            "store-foreign",
            vec![
                ("path", path.clone()),
                ("owner", owner.clone()),
                ("asked", asked.clone()),
            ],
        ),
        StoreError::Newer { found, known } => Why::said(
            "store-newer",
            vec![("found", found.to_string()), ("known", known.to_string())],
        ),
        StoreError::Damaged { what, key } => Why::said(
            "store-damaged",
            vec![("what", (*what).to_owned()), ("key", key.clone())],
        ),
        StoreError::Commit { .. } => Why::said("store-commit", Vec::new()),
        StoreError::Poisoned => Why::said("store-poisoned", Vec::new()),
        StoreError::Secret(words) => Why::said("denied-key", vec![("raw", words.clone())]),
        StoreError::Read { .. } => Why::said("store-read", Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{Language, Tongue};
    use crate::domain::ids::Side;

    fn source() -> Box<dyn std::error::Error + Send + Sync> {
        "disk on fire".into()
    }

    #[track_caller]
    fn told(why: &Why, english: Option<&str>) {
        let gaps: Vec<(&str, &str)> = why
            .gaps
            .iter()
            .map(|(name, text)| (&**name, text.as_str()))
            .collect();
        let [said, french] = [Tongue::English, Tongue::French]
            .map(|tongue| Language::new(tongue).with(&why.says, &gaps));
        if let Some(english) = english {
            assert_eq!(said, english);
        }
        assert_ne!(said, french);
        assert!(!french.contains(['{', '}']), "{french}");
    }

    #[test]
    fn every_error_of_the_store_is_said_in_both_languages() {
        let text = |text: &str| text.to_owned();
        for error in [
            StoreError::Held {
                path: text("/data"),
                holder: text("process 7"),
            },
            StoreError::Open {
                path: text("/data"),
                source: source(),
            },
            StoreError::Foreign {
                path: text("/data"),
                owner: text("00D1"),
                asked: text("00D2"),
            },
            StoreError::Newer { found: 3, known: 2 },
            StoreError::Damaged {
                what: "link",
                key: text("l/7"),
            },
            StoreError::Commit { source: source() },
            StoreError::Poisoned,
            StoreError::Secret(text("data.key is another one")),
            StoreError::Read { source: source() },
        ] {
            told(&unread(&error), Some(&error.to_string()));
            let said = error.to_string();
            told(&why(&AppError::Store(error)), Some(&said));
        }
    }

    #[test]
    fn who_may_not_and_what_cannot_be_is_said_in_both_languages() {
        for role in [Role::Operator, Role::Admin] {
            told(&needs(role), None);
        }
        for error in [
            AppError::NotServed,
            AppError::Silent,
            AppError::LoginUnderWay(Side::Salesforce),
        ] {
            told(&why(&error), Some(&error.to_string()));
        }
        told(&why(&AppError::Unrecorded("authorise")), None);
        let denied = AppError::Denied {
            role: Role::Viewer,
            needed: Role::Admin,
        };
        told(&why(&denied), None);
    }
}
