//! Refusals as messages with gaps, so that the screens say them in the operator's language. The English
//! ones are [`Denial`]'s own sentences, letter by letter: a test holds that.

use crate::adapters::Denial;
use crate::app::error::AppError;
use crate::domain::access::Why;
use crate::domain::ids::Side;

/// Why we are not let in.
pub(in crate::app) fn denied(denial: &Denial) -> Why {
    let raw = denial.to_string();
    let (says, gaps) = match denial {
        Denial::WrongState => ("denied-wrong-state", vec![]),
        Denial::NoCode => ("denied-no-code", vec![]),
        Denial::DeniedByPerson => ("denied-by-person", vec![]),
        Denial::RedirectMismatch { redirect } => {
            ("denied-redirect", vec![("redirect", redirect.clone())])
        }
        Denial::CodeSpent => ("denied-code-spent", vec![]),
        Denial::CodeExpired => ("denied-code-expired", vec![]),
        Denial::NoRefreshToken => ("denied-no-refresh-token", vec![]),
        Denial::RefreshExpiresAtOnce => ("denied-refresh-expires", vec![]),
        Denial::UnknownApp => ("denied-unknown-app", vec![]),
        Denial::WrongSecret => ("denied-wrong-secret", vec![]),
        Denial::ScopeNotAllowed => ("denied-scope", vec![]),
        Denial::AppBlocked(code) => ("denied-app-blocked", vec![("code", code.clone())]),
        Denial::FlowOff(code) => ("denied-flow-off", vec![("code", code.clone())]),
        Denial::NotPreAuthorised { user } => {
            ("denied-not-pre-authorised", vec![("user", user.clone())])
        }
        Denial::InactiveUser => ("denied-inactive-user", vec![]),
        Denial::InactiveOrganisation(code) => {
            ("denied-inactive-organisation", vec![("code", code.clone())])
        }
        Denial::IpRestricted => ("denied-ip", vec![]),
        Denial::NotAuthenticated(said) => ("denied-authentication", vec![("said", said.clone())]),
        Denial::GenericHost => ("denied-generic-host", vec![]),
        Denial::NoRunAsUser => ("denied-no-run-as", vec![]),
        Denial::WrongAudience => ("denied-audience", vec![]),
        Denial::WrongCertificate => ("denied-certificate", vec![]),
        _ => return of_place(denial, raw),
    };
    why(says, gaps)
}

/// Where, and with what was kept.
fn of_place(denial: &Denial, raw: String) -> Why {
    let (says, gaps) = match denial {
        Denial::WrongBox {
            organisation,
            found: "a sandbox",
            remedy,
            ..
        } => (
            "denied-is-sandbox",
            vec![
                ("organisation", organisation.clone()),
                ("remedy", (*remedy).to_owned()),
            ],
        ),
        Denial::WrongBox {
            organisation,
            remedy,
            ..
        } => (
            "denied-is-production",
            vec![
                ("organisation", organisation.clone()),
                ("remedy", (*remedy).to_owned()),
            ],
        ),
        Denial::OtherOrganisation { bound, found } => (
            "denied-other-organisation",
            vec![("bound", bound.clone()), ("found", found.clone())],
        ),
        Denial::HostileInstance(said) => ("denied-hostile", vec![("said", said.clone())]),
        Denial::NotYet(side) => ("denied-not-yet", vec![("side", lower(*side))]),
        Denial::LoginEnded { side } => (
            "denied-login-ended",
            vec![("system", side.to_string()), ("side", lower(*side))],
        ),
        Denial::WrongKeys => ("denied-wrong-keys", vec![]),
        Denial::MadeByNoAdministrator => ("denied-no-administrator", vec![]),
        Denial::ApiDisabled => ("denied-api-off", vec![]),
        Denial::BasicDisabled => ("denied-basic-off", vec![]),
        Denial::WrongPassword => ("denied-password", vec![]),
        Denial::NotHeard(said) => ("denied-not-heard", vec![("said", said.clone())]),
        _ => return of_line(denial, raw),
    };
    why(says, gaps)
}

/// Over which line, and whatever else there is.
fn of_line(denial: &Denial, raw: String) -> Why {
    let (says, gaps) = match denial {
        Denial::WrongAddress { side } => (
            match side {
                Side::Salesforce => "denied-address-salesforce",
                Side::Automation => "denied-address-automation",
            },
            vec![],
        ),
        Denial::Unreachable { side, why } => (
            match side {
                Side::Salesforce => "denied-unreachable-salesforce",
                Side::Automation => "denied-unreachable-automation",
            },
            vec![("why", why.clone())],
        ),
        Denial::TooMany(side) => ("denied-too-many", vec![("system", side.to_string())]),
        Denial::Busy(side, said) => (
            "denied-busy",
            vec![("system", side.to_string()), ("said", said.clone())],
        ),
        Denial::Other {
            side,
            code,
            message,
        } => (
            "denied-other",
            vec![("system", side.to_string()), ("said", said(code, message))],
        ),
        // In the words of the store, which name file and remedy.
        _ => ("denied-raw", vec![("raw", raw)]),
    };
    why(says, gaps)
}

fn said(code: &str, message: &str) -> String {
    match message {
        "" => code.to_owned(),
        message => format!("{code} ({message})"),
    }
}

/// Whatever else stopped an attempt; what no message says is shown as it is.
pub(in crate::app) fn stopped(error: &AppError) -> Why {
    match error {
        AppError::NotLetIn(denial) => denied(denial),
        AppError::LoginUnderWay(side) => {
            why("denied-under-way", vec![("system", side.to_string())])
        }
        error => why("denied-raw", vec![("raw", error.to_string())]),
    }
}

fn why(says: &'static str, gaps: Vec<(&'static str, String)>) -> Why {
    let gaps = gaps.into_iter();
    Why {
        says: says.into(),
        gaps: gaps.map(|(name, text)| (name.into(), text)).collect(),
    }
}

fn lower(side: Side) -> String {
    side.to_string().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{Language, Tongue};

    #[test]
    fn every_refusal_is_said_in_both_languages_and_in_english_as_the_commands_say_it() {
        let text = |text: &str| text.to_owned();
        let all = [
            Denial::WrongState,
            Denial::NoCode,
            Denial::DeniedByPerson,
            Denial::RedirectMismatch {
                redirect: text("http://localhost:1717/OauthRedirect"),
            },
            Denial::CodeSpent,
            Denial::CodeExpired,
            Denial::NoRefreshToken,
            Denial::RefreshExpiresAtOnce,
            Denial::UnknownApp,
            Denial::WrongSecret,
            Denial::ScopeNotAllowed,
            Denial::AppBlocked(text("OAUTH_APP_BLOCKED")),
            Denial::FlowOff(text("unsupported_grant_type")),
            Denial::NotPreAuthorised {
                user: text("ada@acme.example"),
            },
            Denial::InactiveUser,
            Denial::InactiveOrganisation(text("org_locked")),
            Denial::IpRestricted,
            Denial::NotAuthenticated(text("authentication failure")),
            Denial::GenericHost,
            Denial::NoRunAsUser,
            Denial::WrongAudience,
            Denial::WrongCertificate,
            Denial::WrongBox {
                said: "a production organisation",
                organisation: text("Acme"),
                found: "a sandbox",
                remedy: "https://test.salesforce.com",
            },
            Denial::WrongBox {
                said: "a sandbox",
                organisation: text("Acme"),
                found: "a production organisation",
                remedy: "https://login.salesforce.com",
            },
            Denial::OtherOrganisation {
                bound: text("00D1"),
                found: text("00D2 (Other)"),
            },
            Denial::HostileInstance(text("https://evil.example is not Salesforce's")),
            Denial::NotYet(Side::Salesforce),
            Denial::LoginEnded {
                side: Side::Automation,
            },
            Denial::Key(text("data.key is another one")),
            Denial::WrongKeys,
            Denial::MadeByNoAdministrator,
            Denial::ApiDisabled,
            Denial::BasicDisabled,
            Denial::WrongPassword,
            Denial::NotHeard(text("denied")),
            Denial::WrongAddress {
                side: Side::Salesforce,
            },
            Denial::WrongAddress {
                side: Side::Automation,
            },
            Denial::Unreachable {
                side: Side::Salesforce,
                why: text("connection refused"),
            },
            Denial::Unreachable {
                side: Side::Automation,
                why: text("timed out"),
            },
            Denial::TooMany(Side::Salesforce),
            Denial::Busy(Side::Automation, text("503")),
            Denial::Other {
                side: Side::Salesforce,
                code: text("odd"),
                message: text("nobody knows"),
            },
        ];
        let [english, french] = [Tongue::English, Tongue::French].map(Language::new);
        for denial in all {
            let why = denied(&denial);
            let gaps: Vec<(&str, &str)> = why
                .gaps
                .iter()
                .map(|(name, text)| (&**name, text.as_str()))
                .collect();
            assert_eq!(english.with(&why.says, &gaps), denial.to_string());
            let said = french.with(&why.says, &gaps);
            assert!(!said.contains(['{', '}']), "{said}");
            let is_raw = why.says == "denied-raw";
            assert_eq!(said == denial.to_string(), is_raw, "{said}");
        }
    }
}
