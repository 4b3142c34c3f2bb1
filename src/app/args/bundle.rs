//! What the incident bundle can be asked.

use std::path::PathBuf;

use clap::Args;

use super::Why;

#[derive(Debug, Args)]
pub struct Bundle {
    /// Also how one contact stands and what happened to it: e-mail address, either id, or `link:N`
    #[arg(long, value_name = "WHO")]
    pub contact: Option<String>,
    /// A file that does not exist yet [default: bundle-TIME.json.gz]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Do not ask before it is written
    #[arg(long)]
    pub yes: bool,
    /// List what would be in it, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub why: Why,
}

#[derive(Debug, Args)]
pub struct Open {
    /// What `bundle` wrote
    pub bundle: PathBuf,
    /// Print only this part
    #[arg(long, value_name = "NAME")]
    pub part: Option<String>,
    /// Print its parts, at a terminal too
    #[arg(long)]
    pub print: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
