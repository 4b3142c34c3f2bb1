//! `remoteSiteSettings/X.remoteSite` and `cspTrustedSites/X.cspTrustedSite`.

use super::components::{Source, not_named};
use super::manifest::Manifest;
use super::xml::{Element, parse};
use super::{Component, Made};
use crate::sim::salesforce::org::{ListedSite, Salesforce};

const REMOTE: [&str; 5] = [
    "fullName",
    "description",
    "disableProtocolSecurity",
    "isActive",
    "url",
];
const TRUSTED: [&str; 15] = [
    "fullName",
    "description",
    "endpointUrl",
    "isActive",
    "context",
    "isApplicableToConnectSrc",
    "isApplicableToFontSrc",
    "isApplicableToFrameSrc",
    "isApplicableToImgSrc",
    "isApplicableToMediaSrc",
    "isApplicableToStyleSrc",
    "canAccessCamera",
    "canAccessMicrophone",
    "mayBeFramed",
    "label",
];
const CONTEXTS: [&str; 6] = [
    "All",
    "LEX",
    "Communities",
    "FieldServiceMobileExtension",
    "VisualForce",
    "CommerceStore",
];

pub(super) fn remote(
    org: &mut Salesforce,
    source: &Source<'_>,
    manifest: &Manifest,
) -> Vec<Component> {
    let site = parse(source.bytes, "RemoteSiteSetting").and_then(|from| {
        from.check("RemoteSiteSetting", &REMOTE)?;
        listed(source, &from, "url")
    });
    entered(&mut org.setup.remote_sites, source, manifest, site)
}

/// From version 59 at least one kind of source must be ticked.
pub(super) fn trusted(
    org: &mut Salesforce,
    source: &Source<'_>,
    manifest: &Manifest,
) -> Vec<Component> {
    let site = parse(source.bytes, "CspTrustedSite").and_then(|from| {
        from.check("CspTrustedSite", &TRUSTED)?;
        if let Some(context) = from.text_of("context")
            && !CONTEXTS.contains(&context)
        {
            return Err(format!(
                "'{context}' is not a valid value for the enum 'CspTrustedSiteContext'"
            ));
        }
        let directives = TRUSTED
            .iter()
            .filter(|name| name.starts_with("isApplicableTo"));
        let mut is_any = false;
        for name in directives {
            is_any |= from.flag(name)?;
        }
        if !is_any {
            return Err("At least one CSP directive must be selected".to_owned());
        }
        listed(source, &from, "endpointUrl")
    });
    entered(&mut org.setup.trusted_sites, source, manifest, site)
}

fn listed(source: &Source<'_>, from: &Element, url: &str) -> Result<ListedSite, String> {
    let address = from
        .text_of(url)
        .ok_or_else(|| format!("Required fields are missing: [{url}]"))?;
    let is_address = url::Url::parse(address).is_ok_and(|parsed| {
        matches!(parsed.scheme(), "https" | "http" | "wss") && parsed.has_host()
    });
    if !is_address {
        return Err(format!("{url}: invalid URL: {address}"));
    }
    if from.text_of("isActive").is_none() {
        return Err("Required fields are missing: [isActive]".to_owned());
    }
    Ok(ListedSite {
        name: source.name.to_owned(),
        url: address.to_owned(),
        is_active: from.flag("isActive")?,
    })
}

fn entered(
    list: &mut Vec<ListedSite>,
    source: &Source<'_>,
    manifest: &Manifest,
    site: Result<ListedSite, String>,
) -> Vec<Component> {
    if !manifest.names(source.kind, source.name) {
        return vec![not_named(source)];
    }
    let site = match site {
        Ok(site) => site,
        Err(problem) => {
            return vec![Component::failed(
                source.kind,
                source.name,
                source.path,
                problem,
            )];
        }
    };
    let known = list.iter_mut().find(|known| known.name == site.name);
    let made = if let Some(known) = known {
        *known = site;
        Made::Changed
    } else {
        list.push(site);
        Made::Created
    };
    vec![Component::done(source.kind, source.name, source.path, made)]
}
