//! Who we are on both sides, what we may do there, and with which version of their interfaces.

use super::{Facts, Seen, Severity, Told, none_or_names, part, seen, settled, text};
use crate::domain::evidence::{Area, ObjectRights, Part};
use crate::domain::ids::{SalesforceObject, Side};
use crate::domain::remedy::{Remedy, TIMELINE};

/// The oldest Automation whose interface the sync was measured on.
const AUTOMATION_MAJOR_MIN: u32 = 5;

/// Either lets a program call the interface at all.
const SCOPES: [&str; 2] = ["api", "full"];

pub(super) fn scopes(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let token = part(Some(&facts.salesforce()?.token))?;
        let user = ("user", text(&token.user_name));
        let Some(scopes) = &token.scopes else {
            return Ok(seen(Severity::Unknown, "seen-scopes-untold", vec![user]));
        };
        let names = ("scopes", Told::Names(scopes.clone()));
        let has_api = SCOPES
            .iter()
            .any(|wanted| scopes.iter().any(|s| s == wanted));
        let (severity, says) = if has_api {
            (Severity::Ok, "seen-scopes")
        } else {
            (Severity::Fault, "seen-scopes-missing")
        };
        Ok(seen(severity, says, vec![user, names]))
    };
    settled(judge())
}

/// The store holds what was agreed on with one organisation and one instance.
pub(super) fn identity(facts: &Facts<'_>) -> Seen {
    settled(judged_identity(facts))
}

fn judged_identity(facts: &Facts<'_>) -> Result<Seen, Seen> {
    let salesforce = facts.salesforce_described()?;
    let instance = facts.automation_instance()?;
    let Some(bound) = facts.bound else {
        return Err(seen(Severity::Unknown, "seen-unbound", Vec::new()));
    };
    let kind = |is_sandbox| {
        let kind = if is_sandbox {
            "seen-sandbox"
        } else {
            "seen-production"
        };
        Told::Message(kind.into())
    };
    let is_same = bound.organisation == salesforce.organisation
        && bound.is_sandbox == salesforce.is_sandbox
        && bound.automation == instance;
    let (severity, says) = if is_same {
        (Severity::Ok, "seen-identity")
    } else {
        (Severity::Fault, "seen-identity-other")
    };
    let gaps = vec![
        ("organisation", text(&salesforce.organisation)),
        ("kind", kind(salesforce.is_sandbox)),
        ("instance", text(instance)),
        ("bound", text(&bound.organisation)),
        ("bound-kind", kind(bound.is_sandbox)),
        ("bound-instance", text(&bound.automation)),
    ];
    Ok(seen(severity, says, gaps))
}

pub(super) fn versions(facts: &Facts<'_>) -> Seen {
    settled(judged_versions(facts))
}

fn judged_versions(facts: &Facts<'_>) -> Result<Seen, Seen> {
    let salesforce = facts.salesforce_described()?;
    let version = facts.automation_version()?;
    let gaps = vec![
        ("salesforce", text(&salesforce.api_version)),
        ("automation", text(version)),
    ];
    let major: Option<u32> = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    Ok(match major {
        None => seen(Severity::Unknown, "seen-version-untold", gaps),
        Some(major) if major < AUTOMATION_MAJOR_MIN => {
            seen(Severity::Warning, "seen-version-old", gaps)
        }
        Some(_) => seen(Severity::Ok, "seen-versions", gaps),
    })
}

pub(super) fn salesforce(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let evidence = facts.salesforce()?;
        let policy = facts.policy;
        let mut lacking = Vec::new();
        let mut need = |object: &str, creates: bool| {
            let rights = evidence.rights.get(object).copied().unwrap_or_default();
            let ObjectRights {
                reads,
                creates: may_create,
                updates,
                deletes: _,
            } = rights;
            let wanted = [
                ("read", reads),
                ("create", may_create || !creates),
                ("edit", updates),
            ];
            let lacks = wanted.into_iter().filter(|(_, may)| !may);
            lacking.extend(lacks.map(|(right, _)| format!("{object}: {right}")));
        };
        for object in &policy.objects {
            let creates = match object {
                SalesforceObject::Lead => true,
                SalesforceObject::Contact => false,
                SalesforceObject::Account => policy.create_accounts,
            };
            need(object.name(), creates);
        }
        let timeline = facts.prefixed(TIMELINE);
        // Hidden altogether, it is the timeline's own check that says so.
        let has_timeline = policy.activities && evidence.timeline.is_some();
        if has_timeline {
            need(&timeline, true);
        }
        let is_timeline = |name: &String| name.starts_with(&timeline);
        let is_mendable = !lacking.is_empty() && lacking.iter().all(is_timeline);
        let bad = (Severity::Fault, "seen-rights-missing");
        let judged = none_or_names(lacking, "seen-rights", bad);
        Ok(judged.mended_by(is_mendable.then_some(Remedy::Timeline)))
    };
    settled(judge())
}

/// What the role of Automation opens or closes. Users only matter for owners.
pub(super) fn automation(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let evidence = facts.automation()?;
        let mut lacking = Vec::new();
        for (area, part) in &evidence.areas {
            let is_wanted = *area != Area::Users || facts.policy.sync_owners;
            if let Part::Unread(why) = part
                && is_wanted
            {
                lacking.push(format!("{} ({why})", name(*area)));
            }
        }
        let user = match &evidence.user {
            Part::Read(user) => user.as_str(),
            Part::Unread(_) => "?",
        };
        let side = ("side", Told::Side(Side::Automation));
        if lacking.is_empty() {
            let user = ("user", text(user));
            return Ok(seen(Severity::Ok, "seen-role", vec![side, user]));
        }
        let names = ("names", Told::Names(lacking));
        let gaps = vec![side, ("user", text(user)), names];
        Ok(seen(Severity::Fault, "seen-role-lacks", gaps))
    };
    settled(judge())
}

/// As Automation's permissions name it.
const fn name(area: Area) -> &'static str {
    match area {
        Area::Contacts => "lead:leads",
        Area::Companies => "lead:leads (companies)",
        Area::Fields => "lead:fields",
        Area::Segments => "lead:lists",
        Area::Users => "user:users",
        Area::AuditLog => "audit_log",
    }
}
