//! Refusals as messages with gaps, so that the screens say them in the operator's language. The English
//! ones are [`Denial`]'s own sentences, letter by letter: a test holds that.

use crate::adapters::Denial;
use crate::domain::access::Why;
use crate::domain::ids::Side;

/// Why we are not let in.
pub(in crate::app) fn denied(denial: &Denial) -> Why {
    Why::said(says(denial), gaps(denial))
}

/// The message.
fn says(denial: &Denial) -> &'static str {
    match denial {
        Denial::WrongState => "denied-wrong-state",
        Denial::NoCode => "denied-no-code",
        Denial::DeniedByPerson => "denied-by-person",
        Denial::RedirectMismatch { .. } => "denied-redirect",
        Denial::CodeSpent => "denied-code-spent",
        Denial::CodeExpired => "denied-code-expired",
        Denial::NobodyCame { .. } => "denied-nobody-came",
        Denial::NoRefreshToken => "denied-no-refresh-token",
        Denial::RefreshExpiresAtOnce => "denied-refresh-expires",
        Denial::UnknownApp => "denied-unknown-app",
        Denial::WrongSecret => "denied-wrong-secret",
        Denial::ScopeNotAllowed => "denied-scope",
        Denial::AppBlocked(_) => "denied-app-blocked",
        Denial::FlowOff(_) => "denied-flow-off",
        Denial::NotPreAuthorised { .. } => "denied-not-pre-authorised",
        Denial::InactiveUser => "denied-inactive-user",
        Denial::InactiveOrganisation(_) => "denied-inactive-organisation",
        Denial::IpRestricted => "denied-ip",
        Denial::NotAuthenticated(_) => "denied-authentication",
        Denial::GenericHost => "denied-generic-host",
        Denial::NoRunAsUser => "denied-no-run-as",
        Denial::WrongAudience => "denied-audience",
        Denial::WrongCertificate => "denied-certificate",
        Denial::WrongBox {
            found: "a sandbox", ..
        } => "denied-is-sandbox",
        Denial::WrongBox { .. } => "denied-is-production",
        Denial::OtherOrganisation { .. } => "denied-other-organisation",
        Denial::HostileInstance(_) => "denied-hostile",
        Denial::NotYet(_) => "denied-not-yet",
        Denial::LoginEnded { .. } => "denied-login-ended",
        Denial::WrongKeys => "denied-wrong-keys",
        Denial::MadeByNoAdministrator => "denied-no-administrator",
        Denial::ApiDisabled => "denied-api-off",
        Denial::BasicDisabled => "denied-basic-off",
        Denial::WrongPassword => "denied-password",
        Denial::NotHeard(_) => "denied-not-heard",
        Denial::WrongAddress {
            side: Side::Salesforce,
        } => "denied-address-salesforce",
        Denial::WrongAddress {
            side: Side::Automation,
        } => "denied-address-automation",
        Denial::Unreachable {
            side: Side::Salesforce,
            ..
        } => "denied-unreachable-salesforce",
        Denial::Unreachable {
            side: Side::Automation,
            ..
        } => "denied-unreachable-automation",
        Denial::TooMany(_) => "denied-too-many",
        Denial::Busy(..) => "denied-busy",
        Denial::Other { .. } => "denied-other",
        // The words of the store name file and remedy.
        Denial::Key(_) => "denied-key",
        Denial::Keep(_) => "denied-keep",
    }
}

/// What it has gaps for.
fn gaps(denial: &Denial) -> Vec<(&'static str, String)> {
    match denial {
        Denial::RedirectMismatch { redirect } => vec![("redirect", redirect.clone())],
        Denial::NobodyCame { minutes } => vec![("minutes", minutes.to_string())],
        Denial::AppBlocked(code) | Denial::FlowOff(code) | Denial::InactiveOrganisation(code) => {
            vec![("code", code.clone())]
        }
        Denial::NotPreAuthorised { user } => vec![("user", user.clone())],
        Denial::NotAuthenticated(said) | Denial::HostileInstance(said) | Denial::NotHeard(said) => {
            vec![("said", said.clone())]
        }
        Denial::WrongBox {
            organisation,
            remedy,
            ..
        } => vec![
            ("organisation", organisation.clone()),
            ("remedy", (*remedy).to_owned()),
        ],
        Denial::OtherOrganisation { bound, found } => {
            vec![("bound", bound.clone()), ("found", found.clone())]
        }
        Denial::NotYet(side) => vec![("side", side.word().to_owned())],
        Denial::LoginEnded { side } => vec![
            ("system", side.to_string()),
            ("side", side.word().to_owned()),
        ],
        Denial::Unreachable { why, .. } => vec![("why", why.clone())],
        Denial::TooMany(side) => vec![("system", side.to_string())],
        Denial::Busy(side, said) => vec![("system", side.to_string()), ("said", said.clone())],
        Denial::Other {
            side,
            code,
            message,
        } => vec![("system", side.to_string()), ("said", said(code, message))],
        Denial::Key(words) => vec![("raw", words.clone())],
        Denial::Keep(_)
        | Denial::WrongState
        | Denial::NoCode
        | Denial::DeniedByPerson
        | Denial::CodeSpent
        | Denial::CodeExpired
        | Denial::NoRefreshToken
        | Denial::RefreshExpiresAtOnce
        | Denial::UnknownApp
        | Denial::WrongSecret
        | Denial::ScopeNotAllowed
        | Denial::InactiveUser
        | Denial::IpRestricted
        | Denial::GenericHost
        | Denial::NoRunAsUser
        | Denial::WrongAudience
        | Denial::WrongCertificate
        | Denial::WrongKeys
        | Denial::MadeByNoAdministrator
        | Denial::ApiDisabled
        | Denial::BasicDisabled
        | Denial::WrongPassword
        | Denial::WrongAddress { .. } => Vec::new(),
    }
}

fn said(code: &str, message: &str) -> String {
    match message {
        "" => code.to_owned(),
        message => format!("{code} ({message})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{Language, Tongue};
    use crate::ports::StoreError;

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
            Denial::NobodyCame { minutes: 15 },
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
            Denial::Keep(StoreError::Poisoned),
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
            assert_ne!(said, denial.to_string());
        }
    }
}
