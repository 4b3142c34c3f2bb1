//! Being let in, put into words.

use super::Words;
use crate::domain::access::{Entrant, Flow, Outcome, Progress, SecretName, Why};
use crate::domain::ids::Side;

impl Words<'_> {
    pub(in crate::console) fn flow(&self, flow: Flow) -> &str {
        self.language.text(match flow {
            Flow::Person => "flow-person",
            Flow::ClientCredentials => "flow-client-credentials",
            Flow::Assertion => "flow-assertion",
            Flow::Password => "flow-password",
        })
    }

    pub(in crate::console) fn secret(&self, name: SecretName) -> &str {
        self.language.text(match name {
            SecretName::ConsumerSecret => "secret-consumer",
            SecretName::SecretKey => "secret-key",
            SecretName::Password => "secret-password",
        })
    }

    pub(in crate::console) fn why_not(&self, why: &Why) -> String {
        let gaps: Vec<(&str, &str)> = why
            .gaps
            .iter()
            .map(|(name, text)| (&**name, text.as_str()))
            .collect();
        self.language.with(&why.says, &gaps)
    }

    /// As whom and where, each with the message that names it; empty if it is not known.
    pub(in crate::console) fn entrant(&self, who: &Entrant) -> Vec<(&'static str, String)> {
        let mut place = match who.place_name.as_str() {
            "" => who.place.clone(),
            name if name == who.place => name.to_owned(),
            name => format!("{name} ({})", who.place),
        };
        let kind = match who.is_sandbox {
            Some(true) => Some("place-sandbox"),
            Some(false) => Some("place-production"),
            None => None,
        };
        if let Some(kind) = kind {
            place = format!("{place}, {}", self.language.text(kind));
        }
        let user = match who.user_name.as_str() {
            "" => who.user.clone(),
            name => format!("{} ({name})", who.user),
        };
        vec![
            ("access-place", place),
            ("access-user", user),
            ("access-scopes", who.scopes.join(" ")),
            ("access-version", who.version.clone()),
        ]
    }

    pub(in crate::console) fn progress(&self, progress: &Progress) -> String {
        let key = match progress {
            Progress::Checking => "login-checks",
            Progress::Exchanging => "login-exchanges",
            Progress::Revoking => "login-revokes",
            Progress::Proving => "login-proves",
            Progress::NotTheAnswer(why) => return self.why_not(why),
            // These have words of their own.
            Progress::AtBrowser { .. } | Progress::Ended(_) => return String::new(),
        };
        self.language.text(key).to_owned()
    }

    pub(in crate::console) fn outcome(&self, side: Side, outcome: &Outcome) -> String {
        let say = self.language;
        let system = side.to_string();
        match outcome {
            Outcome::Checked(_) => say.with("login-checked", &[("system", &system)]),
            Outcome::LetIn(_) => say.with("login-kept", &[("system", &system)]),
            Outcome::Refused(why) => self.why_not(why),
            Outcome::BrokenOff => say.text("login-broken-off").to_owned(),
            Outcome::Revoked { there, forgotten } => {
                let key = match (side, there) {
                    (Side::Salesforce, Some(true)) => "revoked-there",
                    (Side::Salesforce, Some(false)) => "revoked-before",
                    (Side::Salesforce, None) => "revoked-nothing",
                    (Side::Automation, _) => "revoked-by-hand",
                };
                let forgot = say.count("revoked-forgot", *forgotten);
                format!("{forgot} {}", say.text(key))
            }
        }
    }
}
