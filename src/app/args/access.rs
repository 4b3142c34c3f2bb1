//! What `authorize` and `revoke` take. A secret is never among it.

use clap::{Args, ValueEnum};

use super::Writing;
use crate::domain::ids::Side;

#[derive(Debug, Args)]
pub struct Authorize {
    /// Only this one; both if left out
    #[arg(value_enum)]
    pub side: Option<System>,
    /// Listen for no browser: the address that it ends at is pasted here
    #[arg(long)]
    pub paste: bool,
    /// Where on this machine the browser comes back to, instead of the instance file's callback_ports; part
    /// of the call-back address
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Only ask for a token with what is kept, and say whose it is
    #[arg(long, conflicts_with_all = ["paste", "port"])]
    pub check: bool,
    /// Why; kept in the audit
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Init {
    /// Listen for no browser: the address that it ends at is pasted here
    #[arg(long)]
    pub paste: bool,
    /// Where on this machine the browser comes back to, instead of the instance file's callback_ports; part
    /// of the call-back address
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
}

#[derive(Debug, Args)]
pub struct Revoke {
    /// Only this one; both if left out
    #[arg(value_enum)]
    pub side: Option<System>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub writing: Writing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum System {
    Salesforce,
    Automation,
}

impl From<Side> for System {
    fn from(side: Side) -> Self {
        match side {
            Side::Salesforce => Self::Salesforce,
            Side::Automation => Self::Automation,
        }
    }
}
