//! What else lives in the two systems: their sites and rules, queues, and others who write.

use super::{Facts, Seen, Severity, Told, none_or_names, part, seen, settled, text};
use crate::domain::evidence::{Rule, Site};
use crate::domain::ids::{SalesforceObject, Side};
use crate::domain::remedy::{Remedy, TIMELINE};

pub(super) fn remote_site(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let sites = part(Some(&facts.salesforce()?.remote_sites))?;
        Ok(site(facts, sites, Remedy::RemoteSite))
    };
    settled(judge())
}

pub(super) fn trusted_site(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let sites = part(Some(&facts.salesforce()?.trusted_sites))?;
        Ok(site(facts, sites, Remedy::TrustedSite))
    };
    settled(judge())
}

fn site(facts: &Facts<'_>, sites: &[Site], remedy: fn(String) -> Remedy) -> Seen {
    let url = facts.policy.automation_url.trim_end_matches('/');
    let is_it = |site: &&Site| origin(&site.url).eq_ignore_ascii_case(origin(url));
    let known = sites.iter().filter(is_it);
    let url_gap = ("url", text(url));
    let name = |site: &Site| ("site", text(&site.name));
    let mut asleep = None;
    for site in known {
        if site.is_active {
            return seen(Severity::Ok, "seen-site", vec![url_gap, name(site)]);
        }
        asleep = Some(site);
    }
    match asleep {
        // An entry that is there is an administrator's: making it anew would write over its settings.
        Some(site) => seen(
            Severity::Note,
            "seen-site-asleep",
            vec![url_gap, name(site)],
        ),
        None => seen(Severity::Note, "seen-site-missing", vec![url_gap])
            .mended_by(Some(remedy(url.to_owned()))),
    }
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?', '#']);
    end.map_or(url, |end| &url[..host + end])
}

/// Objects that the sync writes.
fn written(facts: &Facts<'_>) -> Vec<String> {
    let policy = facts.policy;
    let objects = policy.objects.iter();
    let mut names: Vec<String> = objects.map(|object| object.name().to_owned()).collect();
    if policy.activities {
        names.push(facts.prefixed(TIMELINE));
    }
    names
}

fn named(facts: &Facts<'_>, rules: &[Rule]) -> Vec<String> {
    let written = written(facts);
    let concerns = |rule: &&Rule| {
        let mut written = written.iter();
        written.any(|object| object.eq_ignore_ascii_case(&rule.object))
    };
    let name = |rule: &Rule| match rule.says.as_str() {
        "" => format!("{}.{}", rule.object, rule.name),
        says => format!("{}.{} (“{says}”)", rule.object, rule.name),
    };
    rules.iter().filter(concerns).map(name).collect()
}

/// A rule that refused nothing does no harm.
fn weighed(facts: &Facts<'_>, code: &str) -> Severity {
    let mut refusals = facts.refusals(Side::Salesforce);
    if refusals.any(|refused| refused.code == code) {
        Severity::Warning
    } else {
        Severity::Note
    }
}

pub(super) fn validation(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let rules = part(Some(&facts.salesforce()?.validation_rules))?;
        let severity = weighed(facts, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
        let bad = (severity, "seen-validation-rules");
        Ok(none_or_names(
            named(facts, rules),
            "seen-no-validation-rules",
            bad,
        ))
    };
    settled(judge())
}

pub(super) fn duplicates(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let rules = part(Some(&facts.salesforce()?.duplicate_rules))?;
        let bad = (
            weighed(facts, "DUPLICATES_DETECTED"),
            "seen-duplicate-rules",
        );
        Ok(none_or_names(
            named(facts, rules),
            "seen-no-duplicate-rules",
            bad,
        ))
    };
    settled(judge())
}

/// A queue has no counterpart among Automation's users.
pub(super) fn queue_owned(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let count = *part(Some(&facts.salesforce()?.queue_owned))?;
        let n = ("n", Told::Number(count));
        let policy = facts.policy;
        let follows = policy.sync_owners && policy.syncs(SalesforceObject::Lead);
        Ok(match (count, follows) {
            (0, _) => seen(Severity::Ok, "seen-no-queue-owned", Vec::new()),
            (_, true) => seen(Severity::Warning, "seen-queue-owned", vec![n]),
            (_, false) => seen(Severity::Note, "seen-queue-owned", vec![n]),
        })
    };
    settled(judge())
}

/// The plugin that we replace, or anything else that writes what we write.
pub(super) fn foreign_writer(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let salesforce = facts.salesforce().map(|evidence| &evidence.writers);
        let automation = facts.automation().map(|evidence| &evidence.writers);
        let (mut names, mut others) = (Vec::new(), Vec::new());
        let mut unknown = None;
        for (side, writers) in Side::BOTH.into_iter().zip([salesforce, automation]) {
            match writers.and_then(|writers| part(Some(writers))) {
                Ok(writers) => {
                    for writer in writers {
                        let name = format!("{} ({})", writer.name, writer.rows);
                        if side == Side::Salesforce || is_connector(&writer.name) {
                            names.push(name);
                        } else {
                            others.push(name);
                        }
                    }
                }
                Err(seen) => unknown = Some(seen),
            }
        }
        if !names.is_empty() {
            let bad = (Severity::Fault, "seen-foreign-writer");
            return Ok(none_or_names(names, "seen-no-foreign-writer", bad));
        }
        if let Some(unknown) = unknown {
            // Nobody was found where one could look, which proves nothing of the rest.
            return Err(unknown);
        }
        let bad = (Severity::Note, "seen-other-connectors");
        Ok(none_or_names(others, "seen-no-foreign-writer", bad))
    };
    settled(judge())
}

/// Automation's connector to Salesforce. Others bring people from elsewhere.
fn is_connector(name: &str) -> bool {
    name.to_lowercase().contains("salesforce")
}
