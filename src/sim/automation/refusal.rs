//! The ways the API says no.

use std::fmt;

/// Why an operation was refused, in the product's own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 404 for the record the path names.
    NotFound,
    /// 404 for the contact of a membership route.
    ContactNotFound,
    /// 403: the role lacks the right.
    Forbidden,
    /// 400 with the messages by field.
    Invalid(Vec<(String, String)>),
    /// 422: another record holds the value of these fields.
    NotUnique(Vec<String>),
    /// 400: a do-not-contact reason has to be a number above 0.
    BadReason,
    /// 500: the batch is longer than the instance accepts.
    TooMany(usize),
    /// 500: an exception inside the product.
    Broken,
}

impl Refusal {
    pub fn invalid(field: &str, message: &str) -> Self {
        Self::Invalid(vec![(field.to_owned(), message.to_owned())])
    }

    pub const fn status(&self) -> u16 {
        match self {
            Self::NotFound | Self::ContactNotFound => 404,
            Self::Forbidden => 403,
            Self::Invalid(_) | Self::BadReason => 400,
            Self::NotUnique(_) => 422,
            Self::TooMany(_) | Self::Broken => 500,
        }
    }

    /// Messages by field, for the two validation answers.
    pub fn details(&self) -> Vec<(String, String)> {
        match self {
            Self::Invalid(problems) => problems.clone(),
            Self::NotUnique(fields) => {
                let message = "This field must be unique.".to_owned();
                fields
                    .iter()
                    .map(|field| (field.clone(), message.clone()))
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => out.write_str("Item was not found."),
            Self::ContactNotFound => out.write_str("Contact not found."),
            Self::Forbidden => {
                out.write_str("You do not have access to the requested area/action.")
            }
            Self::BadReason => out.write_str("Invalid reason code given"),
            Self::TooMany(max) => {
                write!(out, "A max of {max} entities are supported at a time.")
            }
            Self::Broken => out.write_str(
                "Looks like I encountered an error (error #500). If I do it again, please report \
                 me to the system administrator!",
            ),
            Self::Invalid(_) | Self::NotUnique(_) => {
                let details = self.details();
                let parts = details
                    .iter()
                    .map(|(field, message)| format!("{field}: {message}"));
                out.write_str(&parts.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl std::error::Error for Refusal {}
