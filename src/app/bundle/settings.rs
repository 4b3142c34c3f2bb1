//! The instance's settings as others may see them: no secret, no key, no user, no folder.

use serde_json::{Value as Json, json};
use url::Url;

use crate::app::config::{AutomationFlow, Instance, SalesforceFlow};
use crate::domain::ids::Kind;
use crate::domain::mapping::{FieldRule, Mapping, Policy};
use crate::domain::time::Span;

pub(in crate::app) fn settings(instance: &Instance) -> Json {
    let salesforce = match instance.salesforce.flow {
        SalesforceFlow::AuthorizationCode { .. } => "authorization_code",
        SalesforceFlow::ClientCredentials { .. } => "client_credentials",
        SalesforceFlow::JwtBearer { .. } => "jwt_bearer",
    };
    let automation = match instance.automation.flow {
        AutomationFlow::ClientCredentials { .. } => "client_credentials",
        AutomationFlow::AuthorizationCode { .. } => "authorization_code",
        AutomationFlow::Basic { .. } => "basic",
    };
    let minutes = |span: Span| span.0 / 60_000;
    let every = |span: Option<Span>| span.map(minutes);
    let timetable = &instance.timetable;
    let operators = &instance.operators;
    json!({
        "instance": instance.name,
        "salesforce": {
            "login_url": place(&instance.salesforce.login_url),
            "flow": salesforce,
            "api_version": instance.salesforce.api_version.as_deref().unwrap_or("auto"),
            "daily_share": instance.salesforce.daily_share.to_string(),
        },
        "automation": {
            "base_url": place(&instance.automation.base_url),
            "flow": automation,
        },
        "schedule": {
            "enabled": timetable.is_enabled,
            "pull_minutes": every(timetable.pull),
            "push_minutes": every(timetable.push),
            "activities_minutes": every(timetable.activities),
            "overlap_minutes": minutes(timetable.overlap),
        },
        "webhook": instance.webhook.as_ref().map(|webhook| json!({
            "is_local": webhook.listen.ip().is_loopback(),
            "port": webhook.listen.port(),
            "public_url": webhook.public_url.as_ref().map(place),
        })),
        "serve": { "group": instance.serve.group.is_some() },
        "operators": {
            "viewer": operators.viewer.len(),
            "operator": operators.operator.len(),
            "admin": operators.admin.len(),
            "shared": operators.shared.len(),
        },
    })
}

/// Without a user or password that somebody may have put into it.
pub(super) fn place(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The rules in force.
pub(super) fn policy(policy: &Policy) -> Json {
    let Mapping { person, company } = &policy.mapping;
    let rules = |kind, rules: &[FieldRule]| -> Vec<Json> {
        let all = rules.iter().map(|rule| {
            json!({
                "kind": match kind { Kind::Person => "person", Kind::Company => "company" },
                "salesforce": rule.salesforce,
                "automation": rule.automation,
                "type": rule.value_type.to_string(),
                "arrow": rule.arrow,
                "role": rule.role,
                "overwritten": rule.overwritten,
                "blank": rule.blank,
                "concurrent": rule.concurrent,
            })
        });
        all.collect()
    };
    let all = [rules(Kind::Person, person), rules(Kind::Company, company)].concat();
    json!({
        "published": policy.published,
        "objects": policy.objects,
        "activities": policy.activities,
        "update_blanks": policy.update_blanks,
        "latest_do_not_contact": policy.latest_do_not_contact,
        "sync_owners": policy.sync_owners,
        "create_accounts": policy.create_accounts,
        "activity_types": policy.activity_types,
        "namespace": policy.namespace,
        "rules": all,
    })
}
