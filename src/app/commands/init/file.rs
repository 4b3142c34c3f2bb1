//! The instance file that the answers make, with a comment for whoever changes it.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use super::super::plugin::file::{self, quoted};
use super::questions::{Answers, AutomationLogin, SalesforceLogin};
use crate::app::error::AppError;
use crate::domain::ids::Kind;
use crate::domain::mapping::FieldRule;

pub(super) fn text(answers: &Answers) -> String {
    let salesforce = match &answers.salesforce {
        SalesforceLogin::Browser => "flow = \"authorization_code\"\n".to_owned(),
        SalesforceLogin::Keys => "flow = \"client_credentials\"\n".to_owned(),
        SalesforceLogin::Key { username, file } => format!(
            "flow = \"jwt_bearer\"\nusername = {}\nprivate_key = {{ file = {} }}\n",
            quoted(username),
            quoted(file)
        ),
    };
    let automation = match &answers.automation {
        AutomationLogin::Keys { public } => {
            format!(
                "flow = \"client_credentials\"\nclient_id = {}\n",
                quoted(public)
            )
        }
        AutomationLogin::Browser { public } => {
            format!(
                "flow = \"authorization_code\"\nclient_id = {}\n",
                quoted(public)
            )
        }
        AutomationLogin::Basic { username } => {
            format!("flow = \"basic\"\nusername = {}\n", quoted(username))
        }
    };
    let objects: Vec<String> = answers.objects.iter().map(|name| quoted(name)).collect();
    format!(
        "# The instance file: who belongs together. Secrets are not in it: `passerelle authorize` asks \
         for\n# them and keeps them sealed.\n\n\
         [instance]\nname = {name}\n\n\
         [salesforce]\nlogin_url = {login_url}\n{salesforce}client_id = {consumer_key}\n\
         namespace = {prefix}            # prefix of the timeline object; empty for none\n\
         daily_share = 0.5          # of the organisation's daily API calls, the share that is ours\n\n\
         [automation]\nbase_url = {base_url}\n{automation}\n\
         # What follows is read at the first sync. Then the screen Plugin has it.\n\
         [plugin]\npublished = true\nobjects = [{objects}]\n\
         sync_owners = true         # owners of contacts, both ways, by e-mail address\n\
         update_blanks = false      # may a blank be filled against the arrow\n\
         latest_do_not_contact = true   # lets proven opt-ins travel; opt-outs always do\n\
         create_accounts = false    # may a company of Automation become an Account\n\n\
         [schedule]\nenabled = false            # the sync runs when it is told to; true: by itself\n\
         pull = \"1h\"\npush = \"1h\"\nactivities = \"1h\"\noverlap = \"20m\"\n",
        name = quoted(&answers.name),
        login_url = quoted(answers.login_url.as_str()),
        consumer_key = quoted(&answers.consumer_key),
        prefix = quoted(&answers.prefix),
        base_url = quoted(answers.base_url.as_str()),
        objects = objects.join(", "),
    )
}

/// The pairs as the file has them.
pub(in crate::app::commands) fn mapping(rules: &[(Kind, FieldRule)]) -> String {
    let mut text = String::from(
        "\n# Pairs of fields. arrow: \"salesforce\" and \"automation\" say who has priority, \"both\" \
         lets either\n# side change the field.\n",
    );
    text.extend(rules.iter().map(|(kind, rule)| file::rule(*kind, rule)));
    text
}

/// For its owner's eyes only, and never in the place of another.
pub(super) fn write(path: &Path, text: &str) -> Result<(), AppError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(file::put(path, text, false)?)
}

/// Adds to the end of the file.
pub(in crate::app::commands) fn add(path: &Path, text: &str) -> Result<(), AppError> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(())
}
