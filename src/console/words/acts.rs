//! Operators' acts, said to a person. An act of a name that is not known here is shown as it is.

use super::Words;
use crate::domain::command::Refusal;
use crate::domain::ids::{LinkId, RunId};
use crate::domain::record::Act;

impl Words<'_> {
    /// What was done.
    pub(in crate::console) fn act<'a>(&'a self, name: &'a str) -> &'a str {
        self.language.text(match name {
            "resolve" => "act-resolve",
            "undo" => "act-undo",
            "retry" => "act-retry",
            "discard" => "act-discard",
            "read again" => "act-read-again",
            "set aside" => "act-set-aside",
            "unlink" => "act-unlink",
            "take back" => "act-take-back",
            "retry activities" => "act-retry-activities",
            "discard activities" => "act-discard-activities",
            "pause" => "act-pause",
            "resume" => "act-resume",
            "release brake" => "act-release-brake",
            "backfill" => "act-backfill",
            "republish" => "act-republish",
            "pause plan" => "act-pause-plan",
            "resume plan" => "act-resume-plan",
            "stop plan" => "act-stop-plan",
            "authorise" => "act-authorise",
            "revoke" => "act-revoke",
            "configure" => "act-configure",
            "suspend mapping" => "act-suspend-mapping",
            "restore mapping" => "act-restore-mapping",
            "push contact" => "act-push-contact",
            "export backup" => "act-export-backup",
            "export audit" => "act-export-audit",
            "make bundle" => "act-make-bundle",
            "log level" => "act-log-level",
            "register webhook" => "act-register-webhook",
            "unregister webhook" => "act-unregister-webhook",
            unknown => return unknown,
        })
    }

    /// What was taken in, and why the first of the rest was not.
    pub(in crate::console) fn taken_in_part(
        &self,
        run: RunId,
        refused: &[(LinkId, Refusal)],
    ) -> String {
        let count = self.language.number(refused.len() as u64);
        let why = refused.first().map(|(_, why)| self.refusal(why));
        let (run, why) = (run.to_string(), why.unwrap_or_default());
        let parts = [("run", &*run), ("n", &count), ("why", &why)];
        self.language.with("told-accepted-in-part", &parts)
    }

    /// What it was done to.
    pub(in crate::console) fn acted_on(&self, act: &Act) -> String {
        let say = self.language;
        let object = act.object.as_str();
        let counted = |key, number: &str| {
            let count: Option<u64> = number.parse().ok();
            count.map(|count| say.count(key, count))
        };
        let said = match act.act.as_str() {
            _ if act.link().is_some() => Some(say.with("object-link", &[("link", object)])),
            _ if act.is_about_links() => object
                .strip_suffix(" links")
                .and_then(|number| counted("object-contacts", number)),
            "undo" | "pause plan" | "resume plan" | "stop plan" => {
                Some(say.with("object-run", &[("run", object)]))
            }
            "retry activities" | "discard activities" => counted("object-activities", object),
            "pause" | "resume" if object == "activities" => {
                Some(say.text("object-queue-activities").to_owned())
            }
            _ => None,
        };
        said.unwrap_or_else(|| object.to_owned())
    }
}
