//! What an instance file says, once it is checked.

use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::domain::ids::SalesforceObject;
use crate::domain::setup::{Pair, Timetable};

#[derive(Debug, Clone)]
pub struct Instance {
    pub name: String,
    pub data: PathBuf,
    /// Where the browser of a login comes back to: of those that the call-back addresses name, the first
    /// that is free. Never empty.
    pub callback_ports: Vec<u16>,
    /// Where the audit's key and anchor are; `None`: beside the data folder.
    pub audit: Option<PathBuf>,
    pub keys: Keys,
    pub salesforce: Salesforce,
    pub automation: Automation,
    pub plugin: Plugin,
    pub timetable: Timetable,
    pub serve: Serve,
    pub operators: Operators,
    /// `None`: no webhooks are received.
    pub webhook: Option<Webhook>,
    /// Files that hold secrets, by the file's own words. Not those of the service manager.
    pub secret_files: Vec<PathBuf>,
}

/// Where Automation's webhooks are received.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub listen: SocketAddr,
    pub path: String,
    /// One that is not here is made at the first registering, and kept sealed.
    pub secret: Option<SecretString>,
    /// Under which Automation reaches it, by a proxy.
    pub public_url: Option<Url>,
}

/// What the kept secrets are sealed with.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The service manager's credential `passerelle.key`, if it handed one over: tried first.
    pub credential: Option<PathBuf>,
    pub own: OwnKey,
}

#[derive(Debug, Clone)]
pub enum OwnKey {
    /// A file of ours beside the data folder.
    Beside,
    File(PathBuf),
    Passphrase(SecretString),
    /// A passphrase that a person types.
    Asked,
}

/// Where the serving process listens, and who besides its owner may knock.
#[derive(Debug, Clone)]
pub struct Serve {
    pub socket: PathBuf,
    /// A group of this machine; `None`: only the owner (and root).
    pub group: Option<String>,
}

/// Who may do what: login names, and groups as `@name`.
#[derive(Debug, Clone, Default)]
pub struct Operators {
    pub viewer: Vec<String>,
    pub operator: Vec<String>,
    pub admin: Vec<String>,
    pub shared: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Salesforce {
    pub login_url: Url,
    /// `None` is "auto".
    pub api_version: Option<String>,
    pub flow: SalesforceFlow,
    pub client_id: String,
    pub daily_share: f64,
}

/// A secret that is not here was asked for once, and is kept sealed.
#[derive(Debug, Clone)]
pub enum SalesforceFlow {
    AuthorizationCode {
        client_secret: Option<SecretString>,
    },
    ClientCredentials {
        client_secret: Option<SecretString>,
    },
    JwtBearer {
        username: String,
        private_key: SecretString,
    },
}

#[derive(Debug, Clone)]
pub struct Automation {
    pub base_url: Url,
    pub flow: AutomationFlow,
}

/// A secret that is not here was asked for once, and is kept sealed.
#[derive(Debug, Clone)]
pub enum AutomationFlow {
    ClientCredentials {
        client_id: String,
        client_secret: Option<SecretString>,
    },
    AuthorizationCode {
        client_id: String,
        client_secret: Option<SecretString>,
    },
    Basic {
        username: String,
        password: Option<SecretString>,
    },
}

/// The plugin's settings as far as the file says; types come from the two systems.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the set-up guide's own independent check boxes"
)]
#[derive(Debug, Clone)]
pub struct Plugin {
    pub published: bool,
    pub objects: Vec<SalesforceObject>,
    pub activities: bool,
    pub sync_owners: bool,
    pub update_blanks: bool,
    pub latest_do_not_contact: bool,
    pub create_accounts: bool,
    pub activity_types: Vec<String>,
    pub namespace: String,
    pub person: Vec<Mapped>,
    pub company: Vec<Mapped>,
}

/// One mapped pair as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    pub pair: Pair,
    /// Line of the file, for whoever must say what is wrong with it later.
    pub line: usize,
}
