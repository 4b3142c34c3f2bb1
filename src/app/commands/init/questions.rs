//! The few questions. Each is asked until the answer can be used; nothing typed takes what stands in
//! brackets.

use url::Url;

use super::super::Place;
use crate::app::error::AppError;
use crate::app::out::Out;
use crate::domain::setup::is_namespace;

/// How passerelle logs in at Salesforce.
pub(super) enum SalesforceLogin {
    Browser,
    Keys,
    Key { username: String, file: String },
}

/// How passerelle logs in at Automation.
pub(super) enum AutomationLogin {
    Keys { public: String },
    Browser { public: String },
    Basic { username: String },
}

pub(super) struct Answers {
    pub(super) name: String,
    pub(super) login_url: Url,
    pub(super) salesforce: SalesforceLogin,
    pub(super) consumer_key: String,
    pub(super) base_url: Url,
    pub(super) automation: AutomationLogin,
    pub(super) objects: Vec<&'static str>,
    pub(super) prefix: String,
}

pub(super) async fn ask(place: &Place, out: &mut Out) -> Result<Answers, AppError> {
    let mut asking = Asking { place, out };
    let name = asking
        .until(
            "Name of this instance, shown on every screen [salesforce]: ",
            |answer| {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
                let name = or(answer, "salesforce");
                let fits = name.chars().all(is_plain);
                fits.then(|| name.to_owned())
                    .ok_or("letters, digits, “-” and “_” only: it is part of a folder's name")
            },
        )
        .await?;
    let login_url = asking
        .until(
            "Salesforce is\n  1 production\n  2 a sandbox\n  or type the address of its My Domain\n[1]: ",
            |answer| match or(answer, "1") {
                "1" => address("https://login.salesforce.com"),
                "2" => address("https://test.salesforce.com"),
                other => address(other),
            },
        )
        .await?;
    let (salesforce, consumer_key) = asking.salesforce().await?;
    let base_url = asking
        .until(
            "Automation's address (https://acme.automation.example): ",
            address,
        )
        .await?;
    let automation = asking.automation().await?;
    let (objects, prefix) = asking.objects().await?;
    Ok(Answers {
        name,
        login_url,
        salesforce,
        consumer_key,
        base_url,
        automation,
        objects,
        prefix,
    })
}

struct Asking<'a> {
    place: &'a Place,
    out: &'a mut Out,
}

impl Asking<'_> {
    async fn salesforce(&mut self) -> Result<(SalesforceLogin, String), AppError> {
        let flow = self
            .until(
                "Log in there by\n  1 a person's browser, once\n  2 the application's own keys (client \
                 credentials; My Domain only)\n  3 a key file (JWT)\n[1]: ",
                |answer| one_of(or(answer, "1"), 3),
            )
            .await?;
        let consumer_key = self
            .needed("Consumer key of the application there: ")
            .await?;
        let login = match flow {
            1 => SalesforceLogin::Browser,
            2 => SalesforceLogin::Keys,
            _ => SalesforceLogin::Key {
                username: self.needed("User name of the integration's user: ").await?,
                file: self.needed("File with its private key (PEM): ").await?,
            },
        };
        Ok((login, consumer_key))
    }

    async fn automation(&mut self) -> Result<AutomationLogin, AppError> {
        let flow = self
            .until(
                "Log in there by\n  1 API keys (public and secret)\n  2 a person's browser, once\n  3 user name and password\n[1]: ",
                |answer| one_of(or(answer, "1"), 3),
            )
            .await?;
        Ok(match flow {
            1 => AutomationLogin::Keys {
                public: self.needed("Public key: ").await?,
            },
            2 => AutomationLogin::Browser {
                public: self.needed("Public key: ").await?,
            },
            _ => AutomationLogin::Basic {
                username: self.needed("User name: ").await?,
            },
        })
    }

    /// What is synced, and the prefix of the timeline object.
    async fn objects(&mut self) -> Result<(Vec<&'static str>, String), AppError> {
        let people = self
            .until(
                "People to sync\n  1 Leads and Contacts\n  2 Leads\n  3 Contacts\n[1]: ",
                |answer| one_of(or(answer, "1"), 3),
            )
            .await?;
        let mut objects = match people {
            1 => vec!["Lead", "Contact"],
            2 => vec!["Lead"],
            _ => vec!["Contact"],
        };
        objects.push("Account");
        let activities = self
            .until(
                "Send activities to Salesforce's timeline? y or n [y]: ",
                |answer| match or(answer, "y") {
                    "y" | "yes" | "o" | "oui" => Ok(true),
                    "n" | "no" | "non" => Ok(false),
                    _ => Err("y or n"),
                },
            )
            .await?;
        if !activities {
            return Ok((objects, String::new()));
        }
        objects.push("Activity");
        let prefix = self
            .until(
                "Namespace prefix of the timeline object [none]: ",
                |answer| {
                    is_namespace(answer)
                        .then(|| answer.to_owned())
                        .ok_or("a letter first, then letters, digits and single “_”, 15 at most")
                },
            )
            .await?;
        Ok((objects, prefix))
    }

    async fn until<T>(
        &mut self,
        text: &str,
        read: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Result<T, AppError> {
        loop {
            let answer = line(self.place, text).await?;
            match read(answer.trim()) {
                Ok(answer) => return Ok(answer),
                Err(why) => self.out.note(why)?,
            }
        }
    }

    async fn needed(&mut self, text: &str) -> Result<String, AppError> {
        self.until(text, |answer| {
            let is_there = !answer.is_empty() && !answer.contains(char::is_control);
            is_there.then(|| answer.to_owned()).ok_or("this is needed")
        })
        .await
    }
}

/// One answer. That nobody answers any more ends the command.
pub(super) async fn line(place: &Place, text: &str) -> Result<String, AppError> {
    let line = place.asker.line(text).await.map_err(AppError::Unanswered)?;
    line.ok_or_else(|| AppError::Unanswered(std::io::ErrorKind::UnexpectedEof.into()))
}

fn or<'a>(answer: &'a str, nothing: &'a str) -> &'a str {
    if answer.is_empty() { nothing } else { answer }
}

fn one_of(answer: &str, count: u8) -> Result<u8, &'static str> {
    let number = answer.parse().ok();
    let number = number.filter(|number| (1..=count).contains(number));
    number.ok_or("one of the numbers, please")
}

/// As the instance file takes addresses: https, or plain http on this machine.
fn address(answer: &str) -> Result<Url, &'static str> {
    let written = if answer.contains("://") {
        answer.to_owned()
    } else {
        format!("https://{answer}")
    };
    let url: Url = written.parse().map_err(|_| "that is no address")?;
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let is_bare = url.username().is_empty() && url.password().is_none();
    match (url.scheme(), url.host_str()) {
        ("https", Some(host)) if is_bare && host.contains('.') => Ok(url),
        ("http", _) if is_here && is_bare => Ok(url),
        _ => Err("an address like https://acme.example, without a user name in it"),
    }
}
