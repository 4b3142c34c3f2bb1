//! The instance file as typed: the names of the contract and nothing else.

use std::path::PathBuf;

use serde::Deserialize;
pub(super) use toml::Spanned;
use url::Url;

use crate::domain::ids::SalesforceObject;
use crate::domain::mapping::{Arrow, Concurrent};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) instance: Instance,
    pub(super) salesforce: Salesforce,
    pub(super) automation: Automation,
    #[serde(default)]
    pub(super) plugin: Plugin,
    #[serde(default)]
    pub(super) schedule: Schedule,
    #[serde(default)]
    pub(super) mapping: Mappings,
    #[serde(default)]
    pub(super) serve: Serve,
    #[serde(default)]
    pub(super) operators: Operators,
    pub(super) webhook: Option<Spanned<Webhook>>,
}

/// Where Automation's webhooks are received.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Webhook {
    pub(super) listen: Spanned<String>,
    #[serde(default = "webhook_path")]
    pub(super) path: Spanned<String>,
    pub(super) secret: Option<Spanned<Secret>>,
    pub(super) public_url: Option<Spanned<Url>>,
    #[serde(default)]
    pub(super) allow_remote: bool,
}

/// How other processes of this machine reach the one that serves the instance.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Serve {
    pub(super) socket: Option<Spanned<PathBuf>>,
    pub(super) group: Option<Spanned<String>>,
}

/// Login names, and groups as `@name`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Operators {
    pub(super) viewer: Vec<String>,
    pub(super) operator: Vec<String>,
    pub(super) admin: Vec<String>,
    /// Accounts that several people use: shown as such.
    pub(super) shared: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Instance {
    pub(super) name: Spanned<String>,
    pub(super) data: Option<PathBuf>,
    pub(super) audit: Option<PathBuf>,
    pub(super) key_file: Option<Spanned<PathBuf>>,
    pub(super) passphrase: Option<Spanned<Passphrase>>,
    pub(super) callback_ports: Option<Spanned<Vec<u16>>>,
}

/// Where the passphrase of the kept secrets is, or that a person is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Passphrase {
    pub(super) env: Option<String>,
    pub(super) file: Option<PathBuf>,
    #[serde(default)]
    pub(super) ask: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Salesforce {
    #[serde(default = "login_url")]
    pub(super) login_url: Spanned<Url>,
    #[serde(default = "api_version")]
    pub(super) api_version: Spanned<String>,
    pub(super) flow: SalesforceFlow,
    pub(super) client_id: Spanned<String>,
    pub(super) client_secret: Option<Spanned<Secret>>,
    pub(super) username: Option<String>,
    pub(super) private_key: Option<Spanned<Secret>>,
    /// Kept beside the connection in the contract; it is a setting of the plugin.
    #[serde(default)]
    pub(super) namespace: String,
    #[serde(default = "daily_share")]
    pub(super) daily_share: Spanned<f64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SalesforceFlow {
    AuthorizationCode,
    ClientCredentials,
    JwtBearer,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Automation {
    pub(super) base_url: Spanned<Url>,
    pub(super) flow: AutomationFlow,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<Spanned<Secret>>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Spanned<Secret>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AutomationFlow {
    ClientCredentials,
    AuthorizationCode,
    Basic,
}

/// Never the secret itself: where it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    pub(super) env: Option<String>,
    pub(super) file: Option<PathBuf>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "the set-up guide's own independent check boxes"
)]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Plugin {
    pub(super) published: bool,
    pub(super) objects: Spanned<Vec<Object>>,
    pub(super) sync_owners: bool,
    pub(super) update_blanks: bool,
    pub(super) latest_do_not_contact: bool,
    pub(super) create_accounts: bool,
    pub(super) activity_types: Vec<String>,
}

impl Default for Plugin {
    fn default() -> Self {
        Self {
            published: true,
            objects: Spanned::new(
                0..0,
                vec![
                    Object::Lead,
                    Object::Contact,
                    Object::Account,
                    Object::Activity,
                ],
            ),
            sync_owners: true,
            update_blanks: false,
            latest_do_not_contact: true,
            create_accounts: false,
            activity_types: ["point.gained", "form.submitted", "email.read"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Object {
    Lead,
    Contact,
    Account,
    Activity,
}

impl Object {
    pub(super) const fn synced(self) -> Option<SalesforceObject> {
        match self {
            Self::Lead => Some(SalesforceObject::Lead),
            Self::Contact => Some(SalesforceObject::Contact),
            Self::Account => Some(SalesforceObject::Account),
            Self::Activity => None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Schedule {
    pub(super) enabled: bool,
    pub(super) pull: Spanned<String>,
    pub(super) push: Spanned<String>,
    pub(super) activities: Spanned<String>,
    pub(super) overlap: Spanned<String>,
}

impl Default for Schedule {
    fn default() -> Self {
        let every = |text: &str| Spanned::new(0..0, text.to_owned());
        Self {
            enabled: false,
            pull: every("1h"),
            push: every("1h"),
            activities: every("1h"),
            overlap: every("20m"),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Mappings {
    pub(super) person: Vec<Spanned<Mapped>>,
    pub(super) company: Vec<Spanned<Mapped>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapped {
    pub(super) salesforce: String,
    pub(super) objects: Option<Vec<Object>>,
    pub(super) automation: String,
    pub(super) arrow: Arrow,
    #[serde(default)]
    pub(super) review: bool,
    #[serde(default)]
    pub(super) clear: bool,
    #[serde(default)]
    pub(super) concurrent: Concurrent,
}

/// The parts of an instance file that can be changed later; what else is in the file is left out.
#[derive(Debug, Deserialize)]
pub(super) struct Setup {
    pub(super) plugin: Option<Plugin>,
    pub(super) schedule: Option<Schedule>,
    pub(super) mapping: Option<Mappings>,
}

impl Setup {
    pub(super) const PARTS: [&'static str; 3] = ["plugin", "schedule", "mapping"];
}

pub(super) fn parse(text: &str) -> Result<File, toml::de::Error> {
    toml::from_str(text)
}

/// With the names of the sections that are left out.
pub(super) fn parse_setup(text: &str) -> Result<(Setup, Vec<String>), toml::de::Error> {
    let sections: toml::Table = toml::from_str(text)?;
    let names = sections.keys();
    let others = names.filter(|name| !Setup::PARTS.contains(&name.as_str()));
    Ok((toml::from_str(text)?, others.cloned().collect()))
}

/// One sentence: what is wrong, and what is known instead.
pub(super) fn explain(error: &toml::de::Error) -> String {
    // The library would quote what was typed there.
    if ["expected struct Secret", "expected struct Passphrase"]
        .iter()
        .any(|expected| error.message().ends_with(expected))
    {
        return "a secret never stands in this file; write where it is: { env = \"NAME\" } or \
                { file = \"…\" }"
            .to_owned();
    }
    let message = error.message().replace('`', "“");
    let mut open = true;
    // The library quotes names with backticks; people read quotation marks.
    message
        .chars()
        .map(|c| {
            if c != '“' {
                return c;
            }
            open = !open;
            if open { '”' } else { '“' }
        })
        .collect()
}

fn login_url() -> Spanned<Url> {
    // The address is a constant that parses; an instance file may name another.
    let url = Url::parse("https://login.salesforce.com").expect("a constant address");
    Spanned::new(0..0, url)
}

fn webhook_path() -> Spanned<String> {
    Spanned::new(0..0, "/automation".to_owned())
}

fn api_version() -> Spanned<String> {
    Spanned::new(0..0, "auto".to_owned())
}

fn daily_share() -> Spanned<f64> {
    Spanned::new(0..0, 0.5)
}
