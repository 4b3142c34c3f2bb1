//! The command line of `webhook`.

use clap::{Args, Subcommand};

use super::{Json, Writing};

#[derive(Debug, Args)]
pub struct Webhook {
    #[command(subcommand)]
    pub what: WebhookCommand,
}

#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// Whether Automation posts to the address of the instance file, and what came in
    Status(Json),
    /// Have Automation post to it: creates the webhook, or puts right the one that is there
    Register(WebhookWriting),
    /// Have it post no more
    Unregister(WebhookWriting),
}

#[derive(Debug, Args)]
pub struct WebhookWriting {
    /// It changes what Automation does
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub writing: Writing,
}
