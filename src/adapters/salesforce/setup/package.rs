//! Deployments as files: a manifest and what it names. Names and addresses from outside are escaped.
//!
//! An object file changes only what it contains (Metadata API), so nothing here lists more than what
//! is added.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::domain::ids::SalesforceObject;
use crate::domain::remedy::OPT_OUT_FIELD;

const NAMESPACE: &str = "xmlns=\"http://soap.sforce.com/2006/04/metadata\"";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The timeline object's own fields as the set-up guide has them created, each with its definition.
/// `MauticLead` names the person and is not unique; `ReferenceId` names the activity and is.
const TIMELINE_FIELDS: [(&str, &str); 7] = [
    (
        "ActivityDate__c",
        "<label>ActivityDate</label><type>DateTime</type>",
    ),
    (
        "contact_id__c",
        "<label>contact_id</label><type>Lookup</type><referenceTo>Contact</referenceTo>\
         <relationshipLabel>Timelines</relationshipLabel>\
         <relationshipName>Timelines</relationshipName>\
         <deleteConstraint>SetNull</deleteConstraint>",
    ),
    (
        "Description__c",
        "<label>Description</label><type>LongTextArea</type><length>131072</length>\
         <visibleLines>5</visibleLines>",
    ),
    (
        "WhoId__c",
        "<label>WhoId</label><type>Lookup</type><referenceTo>Lead</referenceTo>\
         <relationshipLabel>Timelines</relationshipLabel>\
         <relationshipName>Timelines</relationshipName>\
         <deleteConstraint>SetNull</deleteConstraint>",
    ),
    (
        "MauticLead__c",
        "<label>MauticLead</label><type>Number</type><precision>18</precision><scale>0</scale>\
         <externalId>true</externalId>",
    ),
    ("Mautic_url__c", "<label>Mautic_url</label><type>Url</type>"),
    (
        "ReferenceId__c",
        "<label>ReferenceId</label><type>Text</type><length>255</length><unique>true</unique>\
         <caseSensitive>false</caseSensitive>",
    ),
];

/// What is to be deployed together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Package {
    members: BTreeMap<&'static str, Vec<String>>,
    files: Vec<(String, String)>,
}

/// The names of the timeline object's fields, without a prefix.
pub(super) fn timeline_fields() -> impl Iterator<Item = &'static str> {
    TIMELINE_FIELDS.iter().map(|(name, _)| *name)
}

impl Package {
    /// Every file, the manifest first.
    pub(super) fn files(&self, version: &str) -> Vec<(String, String)> {
        let mut manifest = format!("{HEAD}<Package {NAMESPACE}>");
        for (kind, members) in &self.members {
            manifest.push_str("<types>");
            for member in members {
                // Writing to a String cannot fail, here and below.
                let _ = write!(manifest, "<members>{}</members>", escaped(member));
            }
            let _ = write!(manifest, "<name>{kind}</name></types>");
        }
        let version = escaped(version);
        let _ = writeln!(manifest, "<version>{version}</version></Package>");
        let mut files = vec![("package.xml".to_owned(), manifest)];
        files.extend(self.files.iter().cloned());
        files
    }

    /// What it makes, by the names of its manifest.
    pub(super) fn names(&self) -> Vec<String> {
        self.members.values().flatten().cloned().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    fn add(&mut self, kind: &'static str, members: Vec<String>, path: String, body: &str) {
        self.members.entry(kind).or_default().extend(members);
        self.files.push((path, format!("{HEAD}{body}\n")));
    }

    /// The whole object, with all of its fields.
    pub(super) fn timeline_object(&mut self, object: &str, prefixed: impl Fn(&str) -> String) {
        let fields = fields(timeline_fields(), &prefixed);
        let body = format!(
            "<CustomObject {NAMESPACE}><label>Timeline</label><pluralLabel>Timelines</pluralLabel>\
             <nameField><label>Timeline Name</label><type>Text</type></nameField>\
             <deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel>\
             {fields}</CustomObject>"
        );
        let path = format!("objects/{object}.object");
        self.add("CustomObject", vec![object.to_owned()], path, &body);
    }

    /// Some of its fields.
    pub(super) fn timeline_fields(
        &mut self,
        object: &str,
        names: &[&'static str],
        prefixed: impl Fn(&str) -> String,
    ) {
        let fields = fields(names.iter().copied(), &prefixed);
        let members = names
            .iter()
            .map(|name| format!("{object}.{}", prefixed(name)));
        let body = format!("<CustomObject {NAMESPACE}>{fields}</CustomObject>");
        let path = format!("objects/{object}.object");
        self.add("CustomField", members.collect(), path, &body);
    }

    pub(super) fn id_field(&mut self, object: SalesforceObject, name: &str) {
        let body = format!(
            "<CustomObject {NAMESPACE}><fields><fullName>{name}</fullName>\
             <label>ID Webmecanik</label><type>Number</type><precision>18</precision>\
             <scale>0</scale><externalId>true</externalId></fields></CustomObject>"
        );
        let member = format!("{object}.{name}");
        let path = format!("objects/{object}.object");
        self.add("CustomField", vec![member], path, &body);
    }

    pub(super) fn history(&mut self, object: SalesforceObject) {
        let body = format!(
            "<CustomObject {NAMESPACE}><enableHistory>true</enableHistory>\
             <fields><fullName>{OPT_OUT_FIELD}</fullName><trackHistory>true</trackHistory></fields>\
             </CustomObject>"
        );
        let path = format!("objects/{object}.object");
        self.add("CustomObject", vec![object.to_string()], path, &body);
    }

    pub(super) fn remote_site(&mut self, name: &str, url: &str) {
        let body = format!(
            "<RemoteSiteSetting {NAMESPACE}><disableProtocolSecurity>false</disableProtocolSecurity>\
             <isActive>true</isActive><url>{}</url></RemoteSiteSetting>",
            escaped(url)
        );
        let path = format!("remoteSiteSettings/{name}.remoteSite");
        self.add("RemoteSiteSetting", vec![name.to_owned()], path, &body);
    }

    pub(super) fn trusted_site(&mut self, name: &str, url: &str) {
        let body = format!(
            "<CspTrustedSite {NAMESPACE}><context>All</context><endpointUrl>{}</endpointUrl>\
             <isActive>true</isActive>\
             <isApplicableToConnectSrc>true</isApplicableToConnectSrc>\
             <isApplicableToFrameSrc>true</isApplicableToFrameSrc>\
             <isApplicableToImgSrc>true</isApplicableToImgSrc></CspTrustedSite>",
            escaped(url)
        );
        let path = format!("cspTrustedSites/{name}.cspTrustedSite");
        self.add("CspTrustedSite", vec![name.to_owned()], path, &body);
    }
}

fn fields(names: impl Iterator<Item = &'static str>, prefixed: &impl Fn(&str) -> String) -> String {
    let definition = |name: &str| {
        let mut known = TIMELINE_FIELDS.iter();
        known
            .find(|(known, _)| *known == name)
            .map(|(_, definition)| *definition)
    };
    let mut fields = String::new();
    for name in names {
        if let Some(definition) = definition(name) {
            let name = prefixed(name);
            let _ = write!(
                fields,
                "<fields><fullName>{name}</fullName>{definition}</fields>"
            );
        }
    }
    fields
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_names_exactly_what_the_files_hold() {
        let mut package = Package::default();
        package.timeline_object("ns__mautic_timeline__c", |name| format!("ns__{name}"));
        package.remote_site("Webmecanik_Automation", "https://a.example/?x=1&y=2");
        let files = package.files("62.0");
        assert_eq!(files[0].0, "package.xml");
        let manifest = &files[0].1;
        assert!(manifest.contains(
            "<types><members>ns__mautic_timeline__c</members><name>CustomObject</name></types>"
        ));
        assert!(manifest.ends_with("<version>62.0</version></Package>\n"));
        assert_eq!(files[1].0, "objects/ns__mautic_timeline__c.object");
        assert_eq!(files[1].1.matches("<fullName>ns__").count(), 7);
        assert_eq!(files[1].1.matches("<unique>true").count(), 1);
        assert!(
            files[2]
                .1
                .contains("<url>https://a.example/?x=1&amp;y=2</url>")
        );
    }

    #[test]
    fn a_repair_lists_nothing_but_the_missing_fields() {
        let mut package = Package::default();
        package.timeline_fields("mautic_timeline__c", &["WhoId__c"], str::to_owned);
        assert_eq!(package.names(), ["mautic_timeline__c.WhoId__c"]);
        let body = &package.files("62.0")[1].1;
        assert_eq!(body.matches("<fullName>").count(), 1);
        for weaker in ["sharingModel", "nameField", "deploymentStatus"] {
            assert!(!body.contains(weaker), "{weaker}");
        }
    }
}
