//! The instance file: as typed, and what it means. Parsed once; nothing after this asks again.

mod typed;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::Url;

use crate::domain::ids::SalesforceObject;
use crate::domain::mapping::{Arrow, BlankTravel, Concurrent, Overwritten};
use crate::domain::time::Span;
use crate::engine::Schedule;

use typed::{Secret, Spanned};

/// What an instance file says, checked.
#[derive(Debug, Clone)]
pub struct Instance {
    pub name: String,
    pub data: PathBuf,
    pub salesforce: Salesforce,
    pub automation: Automation,
    pub plugin: Plugin,
    pub schedule: Scheduled,
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

#[derive(Debug, Clone)]
pub enum SalesforceFlow {
    AuthorizationCode {
        client_secret: Option<SecretString>,
    },
    ClientCredentials {
        client_secret: SecretString,
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

#[derive(Debug, Clone)]
pub enum AutomationFlow {
    ClientCredentials {
        client_id: String,
        client_secret: SecretString,
    },
    AuthorizationCode {
        client_id: String,
        client_secret: SecretString,
    },
    Basic {
        username: String,
        password: SecretString,
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
    pub salesforce: String,
    pub objects: Vec<SalesforceObject>,
    pub automation: String,
    pub arrow: Arrow,
    pub overwritten: Overwritten,
    pub blank: BlankTravel,
    pub concurrent: Concurrent,
    /// Line of the file, for whoever must say what is wrong with it later.
    pub line: usize,
}

#[derive(Debug, Clone, Copy)]
pub struct Scheduled {
    pub enabled: bool,
    pub schedule: Schedule,
    pub overlap: Span,
}

/// What is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "there is no instance file at {path}; name one with --config FILE, or write one there \
         (README, chapter “The instance file”)"
    )]
    Missing { path: String },
    #[error("the instance file {path} cannot be read")]
    Read {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "the instance file {path} may be read by others on this machine; run: chmod go-rwx {path}"
    )]
    Exposed { path: String },
    #[error("{path}, line {line}: {problem}")]
    At {
        path: String,
        line: usize,
        problem: String,
    },
    #[error("no folder for the data is known: set [instance] data, or the variable HOME")]
    NoHome,
}

/// Where the instance file is looked for: the option, the variable, the user's configuration.
pub fn path(option: Option<PathBuf>, env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let set = |name: &str| {
        env.get(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    option.or_else(|| set("PASSERELLE_CONFIG")).or_else(|| {
        let folder =
            set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
        Some(folder.join("passerelle").join("instance.toml"))
    })
}

/// Reads and checks an instance file. `env` holds the secrets that it names.
pub fn load(path: &Path, env: &BTreeMap<String, String>) -> Result<Instance, ConfigError> {
    let shown = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(ConfigError::Missing { path: shown });
        }
        Err(source) => {
            return Err(ConfigError::Read {
                path: shown,
                source,
            });
        }
    };
    let file = typed::parse(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(&text, &span));
        ConfigError::At {
            path: shown.clone(),
            line,
            problem: typed::explain(&error),
        }
    })?;
    Reader {
        path: &shown,
        text: &text,
        env,
    }
    .instance(file)
}

struct Reader<'a> {
    path: &'a str,
    text: &'a str,
    env: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    fn instance(&self, file: typed::File) -> Result<Instance, ConfigError> {
        let name = file.instance.name.get_ref().clone();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
            return Err(self.at(
                &file.instance.name,
                "name may hold letters, digits, “-”, “_” and “.”, and is part of a folder's name",
            ));
        }
        let data = match file.instance.data {
            Some(data) => data,
            None => self.default_data(&name)?,
        };
        Ok(Instance {
            data,
            plugin: self.plugin(file.plugin, file.mapping, file.salesforce.namespace.clone())?,
            salesforce: self.salesforce(file.salesforce)?,
            automation: self.automation(file.automation)?,
            schedule: self.schedule(&file.schedule)?,
            name,
        })
    }

    fn default_data(&self, name: &str) -> Result<PathBuf, ConfigError> {
        let set = |name: &str| self.env.get(name).filter(|value| !value.is_empty());
        let state = set("XDG_STATE_HOME")
            .map(PathBuf::from)
            .or_else(|| set("HOME").map(|home| Path::new(home).join(".local/state")))
            .ok_or(ConfigError::NoHome)?;
        Ok(state.join("passerelle").join(name))
    }

    fn salesforce(&self, typed: typed::Salesforce) -> Result<Salesforce, ConfigError> {
        let flow = match typed.flow {
            typed::SalesforceFlow::AuthorizationCode => SalesforceFlow::AuthorizationCode {
                client_secret: typed.client_secret.map(|s| self.secret(&s)).transpose()?,
            },
            typed::SalesforceFlow::ClientCredentials => SalesforceFlow::ClientCredentials {
                client_secret: self.required_secret(
                    typed.client_secret,
                    &typed.client_id,
                    "[salesforce] client_secret",
                )?,
            },
            typed::SalesforceFlow::JwtBearer => SalesforceFlow::JwtBearer {
                username: typed.username.ok_or_else(|| {
                    self.at(
                        &typed.client_id,
                        "flow “jwt_bearer” needs [salesforce] username",
                    )
                })?,
                private_key: self.required_secret(
                    typed.private_key,
                    &typed.client_id,
                    "[salesforce] private_key",
                )?,
            },
        };
        let share = *typed.daily_share.get_ref();
        if !(share > 0.0 && share <= 1.0) {
            return Err(self.at(
                &typed.daily_share,
                "daily_share is more than 0 and at most 1",
            ));
        }
        let version = typed.api_version.get_ref().clone();
        let is_number = version.split_once('.').is_some_and(|(a, b)| {
            b == "0" && !a.is_empty() && a.bytes().all(|c| c.is_ascii_digit())
        });
        if version != "auto" && !is_number {
            return Err(self.at(&typed.api_version, "api_version is “auto” or like “62.0”"));
        }
        Ok(Salesforce {
            login_url: self.url(&typed.login_url)?,
            api_version: (version != "auto").then_some(version),
            flow,
            client_id: typed.client_id.into_inner(),
            daily_share: share,
        })
    }

    fn automation(&self, typed: typed::Automation) -> Result<Automation, ConfigError> {
        let base_url = self.url(&typed.base_url)?;
        let needed = |value: Option<String>, what: &str| {
            value.ok_or_else(|| {
                self.at(
                    &typed.base_url,
                    &format!("[automation] {what} is missing for this flow"),
                )
            })
        };
        let flow = match typed.flow {
            typed::AutomationFlow::ClientCredentials => AutomationFlow::ClientCredentials {
                client_id: needed(typed.client_id, "client_id (the public key)")?,
                client_secret: self.required_secret(
                    typed.client_secret,
                    &typed.base_url,
                    "[automation] client_secret (the secret key)",
                )?,
            },
            typed::AutomationFlow::AuthorizationCode => AutomationFlow::AuthorizationCode {
                client_id: needed(typed.client_id, "client_id (the public key)")?,
                client_secret: self.required_secret(
                    typed.client_secret,
                    &typed.base_url,
                    "[automation] client_secret (the secret key)",
                )?,
            },
            typed::AutomationFlow::Basic => AutomationFlow::Basic {
                username: needed(typed.username, "username")?,
                password: self.required_secret(
                    typed.password,
                    &typed.base_url,
                    "[automation] password",
                )?,
            },
        };
        Ok(Automation { base_url, flow })
    }

    /// https, or plain http on this machine.
    fn url(&self, typed: &Spanned<Url>) -> Result<Url, ConfigError> {
        let url = typed.get_ref();
        let is_loopback = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        match url.scheme() {
            "https" if url.host().is_some() => {}
            "http" if is_loopback => {}
            "http" => {
                return Err(self.at(
                    typed,
                    &format!("{url} would send secrets unprotected; write https://"),
                ));
            }
            _ => return Err(self.at(typed, &format!("{url} is not an https address"))),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(self.at(typed, "no user name or password belongs into an address"));
        }
        Ok(url.clone())
    }

    fn required_secret<T>(
        &self,
        secret: Option<Spanned<Secret>>,
        near: &Spanned<T>,
        what: &str,
    ) -> Result<SecretString, ConfigError> {
        match secret {
            Some(secret) => self.secret(&secret),
            None => Err(self.at(
                near,
                &format!(
                    "{what} is missing; write it as {{ env = \"NAME\" }} or {{ file = \"…\" }}"
                ),
            )),
        }
    }

    fn secret(&self, typed: &Spanned<Secret>) -> Result<SecretString, ConfigError> {
        let text = match typed.get_ref() {
            Secret {
                env: Some(name),
                file: None,
            } => {
                let value = self.env.get(name).filter(|value| !value.is_empty());
                value.cloned().ok_or_else(|| {
                    self.at(
                        typed,
                        &format!("the variable {name} that holds this secret is not set"),
                    )
                })?
            }
            Secret {
                env: None,
                file: Some(path),
            } => {
                let shown = path.display();
                if is_exposed(path) {
                    return Err(ConfigError::Exposed {
                        path: shown.to_string(),
                    });
                }
                fs::read_to_string(path).map_err(|error| {
                    self.at(typed, &format!("the file {shown} of this secret: {error}"))
                })?
            }
            _ => {
                return Err(self.at(typed, "a secret is { env = \"NAME\" } or { file = \"…\" }"));
            }
        };
        Ok(SecretString::from(
            text.trim_end_matches(['\r', '\n']).to_owned(),
        ))
    }

    fn plugin(
        &self,
        typed: typed::Plugin,
        mapping: typed::Mappings,
        namespace: String,
    ) -> Result<Plugin, ConfigError> {
        let mut objects = Vec::new();
        let mut activities = false;
        for object in typed.objects.get_ref() {
            match object {
                typed::Object::Lead => objects.push(SalesforceObject::Lead),
                typed::Object::Contact => objects.push(SalesforceObject::Contact),
                typed::Object::Account => objects.push(SalesforceObject::Account),
                typed::Object::Activity => activities = true,
            }
        }
        let has = |object| objects.contains(&object);
        if !has(SalesforceObject::Account)
            || !(has(SalesforceObject::Lead) || has(SalesforceObject::Contact))
        {
            return Err(self.at(
                &typed.objects,
                "objects must hold \"Account\", and \"Contact\" or \"Lead\" at least",
            ));
        }
        let people = [SalesforceObject::Lead, SalesforceObject::Contact];
        Ok(Plugin {
            published: typed.published,
            objects,
            activities,
            sync_owners: typed.sync_owners,
            update_blanks: typed.update_blanks,
            latest_do_not_contact: typed.latest_do_not_contact,
            create_accounts: typed.create_accounts,
            activity_types: typed.activity_types,
            namespace,
            person: self.mapped(mapping.person, &people)?,
            company: self.mapped(mapping.company, &[SalesforceObject::Account])?,
        })
    }

    fn mapped(
        &self,
        typed: Vec<Spanned<typed::Mapped>>,
        all: &[SalesforceObject],
    ) -> Result<Vec<Mapped>, ConfigError> {
        let mut rules: Vec<Mapped> = Vec::with_capacity(typed.len());
        for rule in typed {
            let line = line_of(self.text, &rule.span());
            let inner = rule.get_ref();
            let objects: Vec<SalesforceObject> = match &inner.objects {
                None => all.to_vec(),
                Some(objects) => objects
                    .iter()
                    .filter_map(|object| object.synced())
                    .collect(),
            };
            if objects.is_empty() || objects.iter().any(|object| !all.contains(object)) {
                return Err(self.at(&rule, "objects do not fit: a person is a Lead or a Contact"));
            }
            let twice = rules.iter().find(|old| {
                old.automation == inner.automation
                    && old.objects.iter().any(|object| objects.contains(object))
            });
            if let Some(old) = twice {
                let problem = format!(
                    "two fields onto “{}”: the other one is in line {}",
                    inner.automation, old.line
                );
                return Err(self.at(&rule, &problem));
            }
            rules.push(Mapped {
                salesforce: inner.salesforce.clone(),
                objects,
                automation: inner.automation.clone(),
                arrow: inner.arrow,
                overwritten: if inner.review {
                    Overwritten::Review
                } else {
                    Overwritten::Keep
                },
                blank: if inner.clear {
                    BlankTravel::Clears
                } else {
                    BlankTravel::Never
                },
                concurrent: inner.concurrent,
                line,
            });
        }
        Ok(rules)
    }

    fn schedule(&self, typed: &typed::Schedule) -> Result<Scheduled, ConfigError> {
        let pull = self.span(&typed.pull)?;
        let push = self.span(&typed.push)?;
        let activities = self.span(&typed.activities)?;
        let schedule = Schedule {
            pull: Some(pull),
            push: Some(push),
            activities: Some(activities),
        };
        Ok(Scheduled {
            enabled: typed.enabled,
            schedule: if typed.enabled {
                schedule
            } else {
                Schedule::default()
            },
            overlap: self.span(&typed.overlap)?,
        })
    }

    /// `20m`, `1h`, `30s`, `2d`.
    fn span(&self, typed: &Spanned<String>) -> Result<Span, ConfigError> {
        Span::parse(typed.get_ref())
            .filter(|span| *span >= Span::seconds(10))
            .ok_or_else(|| self.at(typed, "a time is like “20m”, “1h” or “2d”, 10 s at least"))
    }

    fn at<T>(&self, near: &Spanned<T>, problem: &str) -> ConfigError {
        ConfigError::At {
            path: self.path.to_owned(),
            line: line_of(self.text, &near.span()),
            problem: problem.to_owned(),
        }
    }
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.get(..span.start)
        .map_or(1, |before| before.matches('\n').count() + 1)
}

/// Whether anybody but the owner may read a file.
fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o077 != 0)
}

#[cfg(test)]
mod tests;
