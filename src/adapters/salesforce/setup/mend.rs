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
use crate::domain::ids::SalesforceId;
use crate::domain::mapping::Policy;
use crate::domain::remedy::{ID_FIELD, Mended, OPT_OUT_FIELD, Preview, Remedy, Step, TIMELINE};
use crate::domain::request::Spent;

/// The name of a site's entry, unless it has one already.
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
        .extend(steps.iter().map(|step| shown(&root, step)));
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
    if plan.wanted != Wanted::default() {
        made.extend(grants::grant(org, spent, plan.user, &plan.wanted).await?);
    }
    Ok(Mended { made })
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
    match remedy {
        Remedy::Timeline | Remedy::TimelineFields(_) => {
            timeline(client, spent, policy, remedy, (&mut package, &mut wanted)).await?;
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
        Remedy::GrantFields(fields) => {
            for (object, field) in fields {
                Name::new(object)?;
                Name::new(field)?;
            }
            wanted.fields.extend(fields.iter().cloned());
        }
        Remedy::TrackHistory(objects) => {
            for object in objects {
                let defined = defined(client, spent, object.name(), &[OPT_OUT_FIELD]).await?;
                if defined.iter().all(|field| !field.is_tracked) {
                    package.history(*object);
                }
            }
        }
        Remedy::IdField(objects) => {
            for object in objects {
                if defined(client, spent, object.name(), &[ID_FIELD])
                    .await?
                    .is_empty()
                {
                    package.id_field(*object);
                }
                let field = (object.name().to_owned(), ID_FIELD.to_owned());
                wanted.fields.insert(field);
            }
        }
        Remedy::DeletedField(..) | Remedy::DeletedSegment(_) | Remedy::Webhook(_) => {
            return Err(Fault::broken("remedy", "this is made in Automation"));
        }
    }
    let user = examine::our_user(&client.org, spent).await?;
    let is_sandbox = describe::is_sandbox(&client.org, spent).await?;
    Ok(Plan {
        package,
        wanted,
        user,
        is_sandbox,
    })
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
    policy: &Policy,
    remedy: &Remedy,
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
        package.timeline_object(&object, own);
    }
    wanted.objects.insert(object.clone());
    wanted
        .fields
        .extend(timeline_fields().map(|name| (object.clone(), own(name))));
    Ok(())
}

/// The name under which a site is to be listed; `None` if it is, and is active. An entry of that
/// address is made active again, another site's entry is never touched.
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
        return Ok(Some(site.name.clone()));
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
        assert_eq!(named(&[asleep]).as_deref(), Some("Support"));
        let there = listed("Support", "https://acme.automation.example/", true);
        assert_eq!(named(&[there]), None);
    }
}
