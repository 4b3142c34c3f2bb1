//! Remedies as requests: a deployment of what is missing, then rows of our permission set. Each looks
//! at what is there first, so that repeating one finds nothing to do.

use std::collections::BTreeSet;

use url::Url;

use super::super::super::failures::Fault;
use super::super::org::Sub;
use super::super::soql::{Condition, Literal, Name, Select};
use super::super::{SalesforceClient, describe};
use super::deploy::{self, Run};
use super::examine;
use super::grants::{self, Wanted};
use super::package::{Package, timeline_fields};
use super::prefixed;
use crate::domain::evidence::Site;
use crate::domain::failure::{FailureKind, Rejection};
use crate::domain::ids::SalesforceId;
use crate::domain::mapping::Policy;
use crate::domain::remedy::{ID_FIELD, Mended, OPT_OUT_FIELD, Preview, Remedy, Step, TIMELINE};
use crate::domain::request::Spent;

/// The name of a new site's entry.
const SITE: &str = "Webmecanik_Automation";

/// Everything that a remedy lacks.
struct Plan {
    package: Package,
    wanted: Wanted,
    user: SalesforceId,
    is_sandbox: bool,
}

pub(super) async fn preview(
    client: &SalesforceClient,
    spent: &mut Spent,
    policy: &Policy,
    remedy: &Remedy,
) -> Result<Preview, Fault> {
    let org = &client.org;
    let plan = plan(client, spent, policy, remedy).await?;
    let version = org.version().await?.to_owned();
    let root = format!("/services/data/v{version}");
    let mut preview = Preview::default();
    if !plan.package.is_empty() {
        let files = plan.package.files(&version);
        let trial = (files.as_slice(), Run::Trial, plan.is_sandbox);
        preview.refusals = deploy::deploy(org, &*client.clock, spent, trial).await?;
        preview.is_tried = true;
        preview.steps = files
            .into_iter()
            .map(|(file, content)| Step {
                request: format!("POST {root}{}", deploy::PATH),
                file,
                content,
            })
            .collect();
    }
    let steps = if plan.wanted == Wanted::default() {
        Vec::new()
    } else {
        grants::missing_steps(org, spent, plan.user, &plan.wanted).await?
    };
    preview
        .steps
        .extend(steps.iter().map(|step| shown(&root, &step.request)));
    Ok(preview)
}

fn shown(root: &str, step: &Sub) -> Step {
    Step {
        request: format!("{} {root}{}", step.method, step.path),
        file: String::new(),
        content: step
            .body
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

pub(super) async fn mend(
    client: &SalesforceClient,
    spent: &mut Spent,
    policy: &Policy,
    remedy: &Remedy,
) -> Result<Mended, Fault> {
    let org = &client.org;
    let plan = plan(client, spent, policy, remedy).await?;
    let mut made = Vec::new();
    if !plan.package.is_empty() {
        let files = plan.package.files(org.version().await?);
        let real = (files.as_slice(), Run::Real, plan.is_sandbox);
        let refusals = deploy::deploy(org, &*client.clock, spent, real).await?;
        if !refusals.is_empty() {
            return Err(deploy::refused(&refusals));
        }
        made = plan.package.names();
    }
    let mut refused = Vec::new();
    if plan.wanted != Wanted::default() {
        let granted = grants::grant(org, spent, plan.user, &plan.wanted).await;
        match granted {
            Ok(granted) => {
                made.extend(granted.made);
                refused = granted.refused;
            }
            // What was deployed is there, whatever became of the rights to it.
            Err(fault) if !made.is_empty() => {
                refused.push(format!("rights: {}", fault.failure));
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(Mended { made, refused })
}

/// What is missing of a remedy: two or three calls.
async fn plan(
    client: &SalesforceClient,
    spent: &mut Spent,
    policy: &Policy,
    remedy: &Remedy,
) -> Result<Plan, Fault> {
    let mut package = Package::default();
    let mut wanted = Wanted::default();
    let ground = describe::ground(&client.org, spent).await?;
    match remedy {
        Remedy::Timeline | Remedy::TimelineFields(_) => {
            let asked = (policy, remedy, ground.namespace.as_str());
            timeline(client, spent, asked, (&mut package, &mut wanted)).await?;
        }
        Remedy::RemoteSite(url) => {
            let known = examine::sites(&client.org, spent, "RemoteProxy", "SiteName").await?;
            if let Some(name) = site(&known, url)? {
                package.remote_site(&name, url);
            }
        }
        Remedy::TrustedSite(url) => {
            let known =
                examine::sites(&client.org, spent, "CspTrustedSite", "DeveloperName").await?;
            if let Some(name) = site(&known, url)? {
                package.trusted_site(&name, url);
            }
        }
        Remedy::GrantFields(fields) => wanted.fields.extend(named(fields)?),
        Remedy::ShowFields(fields) => wanted.shown.extend(named(fields)?),
        Remedy::TrackHistory(objects) => {
            for object in objects {
                let defined = defined(client, spent, object.name(), &[OPT_OUT_FIELD]).await?;
                if defined.iter().all(|field| !field.is_tracked) {
                    package.history(*object);
                }
            }
        }
        Remedy::IdField(objects) => {
            // Made in this organisation, so under its own prefix.
            let name = prefixed(&ground.namespace, ID_FIELD);
            for object in objects {
                if defined(client, spent, object.name(), &[&name])
                    .await?
                    .is_empty()
                {
                    package.id_field(*object, &name);
                }
                wanted
                    .fields
                    .insert((object.name().to_owned(), name.clone()));
            }
        }
        Remedy::DeletedField(..) | Remedy::DeletedSegment(_) | Remedy::Webhook(_) => {
            return Err(Fault::broken("remedy", "this is made in Automation"));
        }
    }
    let user = examine::our_user(&client.org, spent).await?;
    Ok(Plan {
        package,
        wanted,
        user,
        is_sandbox: ground.is_sandbox,
    })
}

/// Objects and fields whose names can be sent.
fn named(fields: &[(String, String)]) -> Result<impl Iterator<Item = (String, String)>, Fault> {
    for (object, field) in fields {
        Name::new(object)?;
        Name::new(field)?;
    }
    Ok(fields.iter().cloned())
}

async fn defined(
    client: &SalesforceClient,
    spent: &mut Spent,
    object: &str,
    fields: &[&str],
) -> Result<Vec<crate::domain::evidence::DefinedField>, Fault> {
    let fields: BTreeSet<String> = fields.iter().map(|field| (*field).to_owned()).collect();
    examine::defined_fields(&client.org, spent, &[object.to_owned()], &fields).await
}

async fn timeline(
    client: &SalesforceClient,
    spent: &mut Spent,
    (policy, remedy, prefix): (&Policy, &Remedy, &str),
    (package, wanted): (&mut Package, &mut Wanted),
) -> Result<(), Fault> {
    let own = |name: &str| prefixed(&policy.namespace, name);
    let object = own(TIMELINE);
    let entity = Select {
        fields: vec![Name::known("QualifiedApiName")],
        from: Name::known("EntityDefinition"),
        condition: Some(Condition::Equal(
            Name::known("QualifiedApiName"),
            Literal::Text(object.clone()),
        )),
        order: Vec::new(),
        limit: None,
    };
    let is_there = !examine::tooling(&client.org, spent, &entity)
        .await?
        .is_empty();
    if is_there {
        let names: Vec<String> = timeline_fields().map(own).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let known = defined(client, spent, &object, &names).await?;
        let is_known = |name: &str| {
            let mut known = known.iter();
            known.any(|field| field.name.eq_ignore_ascii_case(&own(name)))
        };
        let is_wanted = |name: &&str| match remedy {
            Remedy::TimelineFields(only) => only.iter().any(|one| one == name),
            _ => true,
        };
        let missing: Vec<&'static str> = timeline_fields()
            .filter(is_wanted)
            .filter(|name| !is_known(name))
            .collect();
        if !missing.is_empty() {
            package.timeline_fields(&object, &missing, own);
        }
    } else {
        let known = examine::timelines(&client.org, spent).await?;
        may_be_made(&known, &policy.namespace, prefix)?;
        package.timeline_object(&object, own);
    }
    wanted.objects.insert(object.clone());
    wanted
        .fields
        .extend(timeline_fields().map(|name| (object.clone(), own(name))));
    Ok(())
}

/// One of another prefix would be a second object beside it, and what is made takes the organisation's
/// own prefix whatever it is called.
fn may_be_made(known: &[String], wanted: &str, prefix: &str) -> Result<(), Fault> {
    let message = if let Some(known) = known.first() {
        format!("{known} is there: set its namespace prefix in the plugin's settings")
    } else if wanted == prefix {
        return Ok(());
    } else {
        format!(
            "what is made in this organisation takes the namespace prefix “{prefix}”, and the plugin's \
             settings say “{wanted}”: set that one first"
        )
    };
    let kind = FailureKind::Rejected(Rejection::Values(Vec::new()));
    Err(Fault::new(kind, "namespace", message))
}

/// The name under which a site is to be listed; `None` if it is, and is active. An entry that is there
/// is an administrator's, with settings that a deployment would write over.
fn site(known: &[Site], url: &str) -> Result<Option<String>, Fault> {
    let wanted: Url = url
        .parse()
        .map_err(|error| Fault::broken("address", "the site's address is no URL").because(error))?;
    let is_it = |site: &&Site| {
        let listed = site.url.parse::<Url>();
        listed.is_ok_and(|listed| listed.origin() == wanted.origin())
    };
    if known.iter().filter(is_it).any(|site| site.is_active) {
        return Ok(None);
    }
    if let Some(site) = known.iter().find(is_it) {
        let message = format!(
            "{url} is listed as {} and not active; make it active there, nothing else is changed",
            site.name
        );
        let kind = FailureKind::Rejected(Rejection::Values(Vec::new()));
        return Err(Fault::new(kind, "site", message));
    }
    let is_free = |name: &String| {
        let mut known = known.iter();
        !known.any(|site| site.name.eq_ignore_ascii_case(name))
    };
    let names = (1..=known.len() + 1).map(|n| match n {
        1 => SITE.to_owned(),
        n => format!("{SITE}_{n}"),
    });
    Ok(names.into_iter().find(is_free))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, url: &str, is_active: bool) -> Site {
        Site {
            name: name.to_owned(),
            url: url.to_owned(),
            is_active,
        }
    }

    #[test]
    fn a_site_is_listed_once_and_never_in_another_s_place() {
        let url = "https://acme.automation.example";
        let named = |known: &[Site]| site(known, url).unwrap();
        assert_eq!(named(&[]).as_deref(), Some(SITE));
        let taken = listed(SITE, "https://other.example", true);
        assert_eq!(named(&[taken]).as_deref(), Some("Webmecanik_Automation_2"));
        let asleep = listed("Support", "https://acme.automation.example/", false);
        let refused = site(&[asleep], url).unwrap_err().failure;
        assert!(refused.message.contains("Support"), "{refused}");
        let there = listed("Support", "https://acme.automation.example/", true);
        assert_eq!(named(&[there]), None);
    }

    #[test]
    fn the_timeline_is_made_once_and_under_the_prefix_it_will_have() {
        let refused = |known: &[&str], wanted: &str, prefix: &str| {
            let known: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
            let refused = may_be_made(&known, wanted, prefix).err()?;
            Some(refused.failure.message)
        };
        assert_eq!(refused(&[], "", ""), None);
        assert_eq!(refused(&[], "acme", "acme"), None);
        let twice = refused(&["acme__mautic_timeline__c"], "", "");
        assert!(twice.is_some_and(|message| message.contains("acme__mautic_timeline__c")));
        let elsewhere = refused(&[], "", "acme");
        assert!(elsewhere.is_some_and(|message| message.contains("“acme”")));
    }
}
