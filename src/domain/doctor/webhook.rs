//! Whether Automation posts to us what it should, where this instance receives webhooks.

use super::{Facts, Seen, Severity, Told, not_examined, part, seen, settled, text};
use crate::domain::remedy::Remedy;
use crate::domain::webhook::Flaw;

/// Nothing is lost without them, it only comes later: no flaw is worse than a warning.
pub(super) fn registered(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let evidence = facts.evidence.ok_or_else(not_examined)?;
        let Some(webhook) = &evidence.webhook else {
            return Ok(seen(Severity::Ok, "seen-webhook-none", Vec::new()));
        };
        let registered = part(Some(webhook))?;
        let address = ("address", text(&registered.address));
        let flaws = registered.flaws();
        let Some(worst) = flaws.first() else {
            return Ok(seen(Severity::Ok, "seen-webhook", vec![address]));
        };
        let (says, gaps) = told(worst);
        let gaps = [vec![address], gaps].concat();
        let remedy = Remedy::Webhook(registered.address.clone());
        Ok(seen(Severity::Warning, says, gaps).mended_by(Some(remedy)))
    };
    settled(judge())
}

fn told(flaw: &Flaw) -> (&'static str, Vec<(&'static str, Told)>) {
    let numbered = |id: &u64| ("id", Told::Number(*id));
    match flaw {
        Flaw::Missing => ("seen-webhook-missing", Vec::new()),
        Flaw::Elsewhere(id, to) => (
            "seen-webhook-elsewhere",
            vec![numbered(id), ("to", text(to))],
        ),
        Flaw::Unpublished(id) => ("seen-webhook-unpublished", vec![numbered(id)]),
        Flaw::OtherSecret(id) => ("seen-webhook-secret", vec![numbered(id)]),
        Flaw::NotCalledFor(id, lacking) => {
            let names = ("names", Told::Names(lacking.clone()));
            let count = ("n", Told::Number(lacking.len() as u64));
            ("seen-webhook-lacks", vec![numbered(id), count, names])
        }
        Flaw::Several(ids) => {
            let ids = ids.iter().map(u64::to_string).collect();
            ("seen-webhook-several", vec![("names", Told::Names(ids))])
        }
    }
}
