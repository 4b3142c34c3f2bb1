//! Answers, and the two shapes an error has.

use serde_json::{Value, json};

use super::super::auth::{BadToken, TokenRefusal};
use super::super::refusal::Refusal;

/// What goes back, before HTTP.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// Controllers send the `Mautic-Version` header; the kernel, OAuth and the limiter do not.
    pub is_versioned: bool,
    pub location: Option<String>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub enum Body {
    Json(Value),
    Html(String),
}

impl Answer {
    pub fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            is_versioned: true,
            location: None,
            headers: Vec::new(),
            body: Body::Json(body),
        }
    }

    pub fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub fn success() -> Self {
        Self::ok(json!({ "success": 1 }))
    }

    /// 201 with the address of the new record.
    pub fn created(location: String, body: Value) -> Self {
        Self {
            location: Some(location),
            ..Self::json(201, body)
        }
    }

    /// 202: what was asked for is done later.
    pub fn accepted(body: Value) -> Self {
        Self::json(202, body)
    }

    /// The kernel's shape: message, code, type.
    pub fn kernel(status: u16, message: &str, kind: Option<&str>) -> Self {
        let error = json!({ "message": message, "code": status, "type": kind });
        Self {
            is_versioned: false,
            ..Self::json(status, json!({ "errors": [error] }))
        }
    }

    pub fn no_route(path: &str) -> Self {
        Self::kernel(404, &format!("Requested URL not found: {path}"), None)
    }

    pub fn unreadable() -> Self {
        let message = "Looks like I encountered an error (error #400). If I do it again, please \
                       report me to the system administrator!";
        Self::kernel(400, message, None)
    }

    pub fn broken() -> Self {
        Self::kernel(500, &Refusal::Broken.to_string(), None)
    }

    /// For a browser.
    pub fn page(html: String) -> Self {
        Self {
            status: 200,
            is_versioned: false,
            location: None,
            headers: Vec::new(),
            body: Body::Html(html),
        }
    }

    pub fn redirect(status: u16, location: String) -> Self {
        let html = format!(
            "<!DOCTYPE html>\n<html>\n    <head>\n        <meta charset=\"UTF-8\" />\n        \
             <meta http-equiv=\"refresh\" content=\"0;url='{location}'\" />\n\n        \
             <title>Redirecting to {location}</title>\n    </head>\n    <body>\n        \
             Redirecting to <a href=\"{location}\">{location}</a>.\n    </body>\n</html>"
        );
        Self {
            status,
            is_versioned: false,
            location: Some(location),
            headers: Vec::new(),
            body: Body::Html(html),
        }
    }

    /// The limiter's answer. There is no Retry-After.
    pub fn over_limit(limit: u32) -> Self {
        let message = format!("You exceeded the rate limit of {limit} API calls per hour.");
        let error = json!({ "code": 429, "message": message, "details": [] });
        Self {
            is_versioned: false,
            ..Self::json(429, json!({ "errors": [error] }))
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        if refusal == Refusal::Broken {
            return Self::broken();
        }
        Self::json(refusal.status(), json!({ "errors": [error(&refusal)] }))
    }
}

impl From<TokenRefusal> for Answer {
    fn from(refusal: TokenRefusal) -> Self {
        Self::kernel(400, refusal.message(), Some(refusal.kind()))
    }
}

impl From<BadToken> for Answer {
    fn from(bad: BadToken) -> Self {
        let message = match bad {
            BadToken::Unknown => "The access token provided is invalid.",
            BadToken::Expired => "The access token provided has expired.",
        };
        Self::kernel(401, message, Some("invalid_grant"))
    }
}

/// Why a handler has no answer of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    Refused(Refusal),
    /// 400 from the kernel: the body is not what its type says.
    Unreadable,
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<super::request::Unreadable> for Failed {
    fn from(_: super::request::Unreadable) -> Self {
        Self::Unreadable
    }
}

impl From<Failed> for Answer {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(refusal) => refusal.into(),
            Failed::Unreadable => Self::unreadable(),
        }
    }
}

/// The controllers' shape: code, message, details, where empty details are a list.
pub(super) fn error(refusal: &Refusal) -> Value {
    let details = refusal.details();
    let details = if *refusal == Refusal::BadReason {
        json!(["Reason code needs to be an integer and higher than 0."])
    } else if details.is_empty() {
        json!([])
    } else {
        let entries = details
            .into_iter()
            .map(|(field, message)| (field, json!([message])));
        Value::Object(entries.collect())
    };
    json!({ "code": refusal.status(), "message": refusal.to_string(), "details": details })
}

/// The same inside a batch, with a type.
pub(super) fn row_error(refusal: &Refusal) -> Value {
    let mut error = error(refusal);
    error["type"] = Value::Null;
    error
}

/// A batch row whose id is nobody's.
pub(super) fn row_missing() -> Value {
    json!({ "message": "Item was not found.", "code": 404, "type": "api" })
}
