//! Goes through an archive: what the manifest names against what the files hold, then every
//! component in the order in which they build on each other.

use std::collections::BTreeSet;

use super::manifest::{KINDS, Manifest};
use super::{Component, Files, objects, permissions, sites};
use crate::sim::salesforce::org::{Call, Salesforce};

const MANIFEST: &str = "package.xml";

/// One file that the archive is to deploy.
pub(super) struct Source<'a> {
    pub(super) kind: &'static str,
    pub(super) path: &'a str,
    /// The file's name without folder and extension.
    pub(super) name: &'a str,
    pub(super) bytes: &'a [u8],
}

pub(super) fn apply(org: &mut Salesforce, call: &Call, files: &Files) -> Vec<Component> {
    let Some(bytes) = files.get(MANIFEST) else {
        return vec![Component::failed(
            "",
            MANIFEST,
            MANIFEST,
            "No package.xml found",
        )];
    };
    let manifest = match Manifest::read(bytes) {
        Ok(manifest) => manifest,
        Err(problem) => return vec![Component::failed("", MANIFEST, MANIFEST, problem)],
    };
    let (sources, mut done) = sources(files);
    let mut present = BTreeSet::new();
    for source in &sources {
        let found = match source.kind {
            "CustomObject" => objects::apply(org, call, source, &manifest),
            "RemoteSiteSetting" => sites::remote(org, source, &manifest),
            "CspTrustedSite" => sites::trusted(org, source, &manifest),
            _ => permissions::apply(org, call, source, &manifest),
        };
        for one in found {
            present.insert((one.kind.clone(), one.full_name.clone()));
            done.push(one);
        }
    }
    done.extend(missing(&manifest, &present));
    done
}

/// The files in deployment order, and a complaint about each that belongs nowhere.
fn sources(files: &Files) -> (Vec<Source<'_>>, Vec<Component>) {
    let (mut sources, mut stray) = (Vec::new(), Vec::new());
    for (path, bytes) in files.iter().filter(|(path, _)| *path != MANIFEST) {
        let place = KINDS
            .iter()
            .enumerate()
            .find_map(|(place, (kind, folder, extension))| {
                let (found, file) = path.rsplit_once('/')?;
                let name = file.strip_suffix(extension)?.strip_suffix('.')?;
                (found == *folder && !name.is_empty()).then_some((place, *kind, name))
            });
        match place {
            Some((place, kind, name)) => {
                let source = Source {
                    kind,
                    path,
                    name,
                    bytes,
                };
                sources.push((place, source));
            }
            None => stray.push(Component::failed("", path, path, "Not in package.xml")),
        }
    }
    sources.sort_by_key(|(place, _)| *place);
    (
        sources.into_iter().map(|(_, source)| source).collect(),
        stray,
    )
}

pub(super) fn not_named(source: &Source<'_>) -> Component {
    Component::failed(source.kind, source.name, source.path, "Not in package.xml")
}

/// Members that no file holds.
fn missing(manifest: &Manifest, present: &BTreeSet<(String, String)>) -> Vec<Component> {
    let named = manifest
        .types()
        .iter()
        .flat_map(|(kind, members)| members.iter().map(move |member| (kind, member)));
    named
        .filter(|(_, member)| *member != "*")
        .filter(|(kind, member)| !present.contains(&((*kind).clone(), (*member).clone())))
        .map(|(kind, member)| {
            let problem = format!(
                "An object '{member}' of type {kind} was named in package.xml, but was not found \
                 in zipped directory"
            );
            Component::failed(kind, member, MANIFEST, problem)
        })
        .collect()
}
