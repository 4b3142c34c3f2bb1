//! The instance file: as typed, and what it means. Parsed once; nothing after this asks again.

mod instance;
mod secrets;
mod typed;
mod webhook;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use url::Url;

use crate::adapters::is_loopback;
use crate::domain::ids::SalesforceObject;
use crate::domain::mapping::{Arrow, BlankTravel, Overwritten};
use crate::domain::setup::{Pair, Timetable};
use crate::domain::time::Span;

pub use instance::{
    Automation, AutomationFlow, Instance, Keys, Mapped, Operators, OwnKey, Plugin, Salesforce,
    SalesforceFlow, Serve, Webhook,
};
use typed::Spanned;

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
        "the file {path} holds a secret and may be read by others on this machine; run: chmod go-rwx \
         {path}"
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

/// Where the official command-line tool of Salesforce listens: applications made for that one fit.
const CALLBACK_PORT: u16 = 1717;

/// The serving process listens there, in the data folder, unless the file says otherwise.
const SOCKET: &str = "console.sock";

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
    let (shown, text) = text_of(path)?;
    let file = parsed(&shown, &text)?;
    Reader::new(&shown, &text, env).instance(file)
}

fn text_of(path: &Path) -> Result<(String, String), ConfigError> {
    let shown = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => Ok((shown, text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(ConfigError::Missing { path: shown })
        }
        Err(source) => Err(ConfigError::Read {
            path: shown,
            source,
        }),
    }
}

fn parsed(shown: &str, text: &str) -> Result<typed::File, ConfigError> {
    typed::parse(text).map_err(|error| at(shown, text, &error))
}

fn at(path: &str, text: &str, error: &toml::de::Error) -> ConfigError {
    ConfigError::At {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| line_of(text, &span)),
        problem: typed::explain(error),
    }
}

/// Where the process that serves the instance listens. Needs none of the file's secrets: whoever
/// attaches may not have them.
pub fn socket(path: &Path, env: &BTreeMap<String, String>) -> Result<PathBuf, ConfigError> {
    let (shown, text) = text_of(path)?;
    let file = parsed(&shown, &text)?;
    let reader = Reader::new(&shown, &text, env);
    let data = reader.data(&file.instance)?;
    Ok(reader.serve(file.serve, &data)?.socket)
}

/// The settings, schedule and mapping of a file; a part that it does not have is `None`.
#[derive(Debug)]
pub struct Setup {
    pub plugin: Option<Plugin>,
    /// People, then companies.
    pub mapping: Option<[Vec<Mapped>; 2]>,
    pub timetable: Option<Timetable>,
    /// Sections that were in the file and are none of these.
    pub left_out: Vec<String>,
}

/// Reads the parts of an instance file that can be changed later. `name` is what the file is called
/// in errors.
pub fn setup(name: &str, text: &str) -> Result<Setup, ConfigError> {
    let (typed, left_out) = typed::parse_setup(text).map_err(|error| at(name, text, &error))?;
    let env = BTreeMap::new();
    let reader = Reader::new(name, text, &env);
    let timetable = typed.schedule.map(|typed| reader.timetable(&typed));
    let has_plugin = typed.plugin.is_some();
    let has_mapping = typed.mapping.is_some();
    let plugin = typed.plugin.unwrap_or_default();
    let mapping = typed.mapping.unwrap_or_default();
    let mut plugin = reader.plugin(plugin, mapping, String::new())?;
    let person = std::mem::take(&mut plugin.person);
    let company = std::mem::take(&mut plugin.company);
    Ok(Setup {
        plugin: has_plugin.then_some(plugin),
        mapping: has_mapping.then_some([person, company]),
        timetable: timetable.transpose()?,
        left_out,
    })
}

struct Reader<'a> {
    path: &'a str,
    text: &'a str,
    env: &'a BTreeMap<String, String>,
    /// Those that were read.
    secret_files: RefCell<Vec<PathBuf>>,
}

impl<'a> Reader<'a> {
    fn new(path: &'a str, text: &'a str, env: &'a BTreeMap<String, String>) -> Self {
        Self {
            path,
            text,
            env,
            secret_files: RefCell::default(),
        }
    }
}

impl Reader<'_> {
    fn instance(&self, file: typed::File) -> Result<Instance, ConfigError> {
        let name = file.instance.name.get_ref().clone();
        let data = self.data(&file.instance)?;
        let audit = file.instance.audit.as_deref();
        let audit = audit.map(|folder| self.beside_us(folder));
        let mut instance = Instance {
            keys: self.keys(&file.instance)?,
            callback_ports: self.callback_ports(&file.instance)?,
            serve: self.serve(file.serve, &data)?,
            operators: Operators {
                viewer: file.operators.viewer,
                operator: file.operators.operator,
                admin: file.operators.admin,
                shared: file.operators.shared,
            },
            data,
            audit,
            plugin: self.plugin(file.plugin, file.mapping, file.salesforce.namespace.clone())?,
            salesforce: self.salesforce(file.salesforce)?,
            automation: self.automation(file.automation)?,
            timetable: self.timetable(&file.schedule)?,
            webhook: file.webhook.map(|typed| self.webhook(typed)).transpose()?,
            secret_files: Vec::new(),
            name,
        };
        // Every one of them was read by now.
        instance.secret_files = self.secret_files.take();
        Ok(instance)
    }

    /// Both systems compare call-back addresses letter by letter: only ports that were entered there.
    fn callback_ports(&self, instance: &typed::Instance) -> Result<Vec<u16>, ConfigError> {
        let Some(ports) = &instance.callback_ports else {
            return Ok(vec![CALLBACK_PORT]);
        };
        let known = ports.get_ref();
        if known.is_empty() || known.contains(&0) {
            return Err(self.at(
                ports,
                "callback_ports are ports of this machine that call-back addresses name, like [1717]",
            ));
        }
        Ok(known.clone())
    }

    /// The instance's own folder.
    fn data(&self, instance: &typed::Instance) -> Result<PathBuf, ConfigError> {
        let name = instance.name.get_ref();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
            return Err(self.at(
                &instance.name,
                "name may hold letters, digits, “-”, “_” and “.”, and is part of a folder's name",
            ));
        }
        match &instance.data {
            Some(data) => Ok(self.beside_us(data)),
            None => self.default_data(name),
        }
    }

    /// A group cannot reach into the data folder, which is its owner's alone.
    fn serve(&self, typed: typed::Serve, data: &Path) -> Result<Serve, ConfigError> {
        if let (Some(group), None) = (&typed.group, &typed.socket) {
            return Err(self.at(
                group,
                "group needs [serve] socket too, in a folder that the group may enter, like \
                 \"/run/passerelle/NAME.sock\"",
            ));
        }
        let socket = typed.socket;
        let socket = socket.map(|socket| self.beside_us(socket.get_ref()));
        Ok(Serve {
            socket: socket.unwrap_or_else(|| data.join(SOCKET)),
            group: typed.group.map(Spanned::into_inner),
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
                client_secret: self.optional(typed.client_secret.as_ref())?,
            },
            typed::SalesforceFlow::ClientCredentials => SalesforceFlow::ClientCredentials {
                client_secret: self.optional(typed.client_secret.as_ref())?,
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
                client_secret: self.optional(typed.client_secret.as_ref())?,
            },
            typed::AutomationFlow::AuthorizationCode => AutomationFlow::AuthorizationCode {
                client_id: needed(typed.client_id, "client_id (the public key)")?,
                client_secret: self.optional(typed.client_secret.as_ref())?,
            },
            typed::AutomationFlow::Basic => AutomationFlow::Basic {
                username: needed(typed.username, "username")?,
                password: self.optional(typed.password.as_ref())?,
            },
        };
        Ok(Automation { base_url, flow })
    }

    /// https, or plain http on this machine.
    fn url(&self, typed: &Spanned<Url>) -> Result<Url, ConfigError> {
        let url = typed.get_ref();
        match url.scheme() {
            "https" if url.host().is_some() => {}
            "http" if is_loopback(url) => {}
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
            // Two may read one field of Automation; only one may write it.
            let writes = |arrow| arrow != Arrow::Automation;
            let twice = rules.iter().find(|old| {
                old.pair.automation == inner.automation
                    && writes(old.pair.arrow)
                    && writes(inner.arrow)
                    && old
                        .pair
                        .objects
                        .iter()
                        .any(|object| objects.contains(object))
            });
            if let Some(old) = twice {
                let problem = format!(
                    "two fields onto “{}”: the other one is in line {}",
                    inner.automation, old.line
                );
                return Err(self.at(&rule, &problem));
            }
            let pair = Pair {
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
            };
            rules.push(Mapped { pair, line });
        }
        Ok(rules)
    }

    fn timetable(&self, typed: &typed::Schedule) -> Result<Timetable, ConfigError> {
        Ok(Timetable {
            is_enabled: typed.enabled,
            pull: Some(self.span(&typed.pull)?),
            push: Some(self.span(&typed.push)?),
            activities: Some(self.span(&typed.activities)?),
            overlap: self.span(&typed.overlap)?,
        })
    }

    /// `20m`, `1h`, `30s`, `2d`.
    fn span(&self, typed: &Spanned<String>) -> Result<Span, ConfigError> {
        Timetable::typed(typed.get_ref())
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

#[cfg(test)]
mod tests;
