//! `package.xml`: which components an archive is about.

use super::xml::{Element, parse};

/// The kinds this organisation knows how to deploy: name, folder, extension of files.
pub(super) const KINDS: [(&str, &str, &str); 5] = [
    ("CustomObject", "objects", "object"),
    ("RemoteSiteSetting", "remoteSiteSettings", "remoteSite"),
    ("CspTrustedSite", "cspTrustedSites", "cspTrustedSite"),
    ("CustomField", "objects", "object"),
    ("PermissionSet", "permissionsets", "permissionset"),
];

/// Members by kind, in the order of the file.
pub(super) struct Manifest {
    types: Vec<(String, Vec<String>)>,
}

impl Manifest {
    /// 1. Only `types` and `version` and what else a package may carry.
    /// 2. Every kind has a name that is known, and members.
    /// 3. The version is one that is spoken here.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let package = parse(bytes, "Package")?;
        let known = [
            "fullName",
            "types",
            "version",
            "apiAccessLevel",
            "description",
        ];
        package.check("Package", &known)?;
        let version = package.text_of("version").unwrap_or_default();
        let major = version.split_once('.').and_then(|(major, minor)| {
            let is_zero = minor == "0";
            major.parse::<u32>().ok().filter(|_| is_zero)
        });
        if !major.is_some_and(|major| (31..=67).contains(&major)) {
            return Err(format!("Invalid version specified: {version}"));
        }
        let mut types = Vec::new();
        for one in package.all("types") {
            types.push(members(one)?);
        }
        Ok(Self { types })
    }

    pub(super) fn types(&self) -> &[(String, Vec<String>)] {
        &self.types
    }

    pub(super) fn names(&self, kind: &str, member: &str) -> bool {
        let is_wild =
            !matches!(kind, "CustomField") && (kind != "CustomObject" || member.ends_with("__c"));
        self.types.iter().any(|(found, members)| {
            found == kind
                && members
                    .iter()
                    .any(|one| one == member || is_wild && one == "*")
        })
    }
}

fn members(types: &Element) -> Result<(String, Vec<String>), String> {
    types.check("PackageTypeMembers", &["members", "name"])?;
    let kind = types
        .text_of("name")
        .ok_or("A name must be specified for each type in package.xml")?;
    if !KINDS.iter().any(|(known, ..)| *known == kind) {
        return Err(format!(
            "Unknown type name '{kind}' specified in package.xml"
        ));
    }
    let members = types.all("members").map(|one| one.text.trim().to_owned());
    Ok((kind.to_owned(), members.collect()))
}
