//! The command line of `plugin`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub struct Plugin {
    #[command(subcommand)]
    pub what: Option<PluginCommand>,
    /// Print one JSON object
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Change a setting: `published off`, `objects Lead,Account`, `schedule.pull 30m`
    Set {
        /// published, objects, activities, activity_types, latest_do_not_contact, update_blanks,
        /// sync_owners, create_accounts, namespace, schedule.enabled, schedule.pull, schedule.push,
        /// schedule.activities or schedule.overlap
        name: String,
        /// on or off; names with commas between them; a text; a time like “30m”
        value: String,
        #[command(flatten)]
        configuring: Configuring,
    },
    /// Map two more fields to each other
    Add(NewPair),
    /// Change a mapped pair's arrow, objects or options
    Change {
        #[command(flatten)]
        pair: PairNames,
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        configuring: Configuring,
    },
    /// Take a mapped pair out
    Remove {
        #[command(flatten)]
        pair: PairNames,
        #[command(flatten)]
        configuring: Configuring,
    },
    /// Pairs that could be added
    Suggest,
    /// What another configuration would change: that of a file, an older version, or the instance file
    Diff {
        /// A file as `export` writes it, or the number of a version [default: the instance file]
        other: Option<String>,
        /// The file's text, as this process read it for another one.
        #[arg(long, hide = true)]
        text: Option<String>,
    },
    /// Write the settings, the schedule and the mapping as the instance file has them
    Export {
        /// A new file [default: standard output]
        file: Option<PathBuf>,
        /// An older version
        #[arg(long, value_name = "N")]
        version: Option<u32>,
        /// In the place of a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Put a file's settings, schedule and mapping in the place of those in force
    Import {
        /// As `export` writes it
        file: PathBuf,
        /// The file's text, as this process read it for another one.
        #[arg(long, hide = true)]
        text: Option<String>,
        #[command(flatten)]
        configuring: Configuring,
    },
    /// What was in force, when and by whom
    Versions,
    /// Put an older version in force again, as a new one
    RollBack {
        /// Its number, as `versions` lists it
        version: u32,
        #[command(flatten)]
        configuring: Configuring,
    },
}

/// Two fields to be mapped to each other.
#[derive(Debug, Args)]
pub struct NewPair {
    #[arg(value_enum)]
    pub kind: MappedKind,
    /// API name of the Salesforce field
    pub salesforce: String,
    /// Who has priority: salesforce (→), automation (←) or both (↔)
    #[arg(value_enum, allow_hyphen_values = true)]
    pub arrow: Direction,
    /// Alias of the Automation field, or @timeline_link, @contact_id, @do_not_contact_email
    pub automation: String,
    /// Only on these Salesforce objects [default: all that have the field]
    #[arg(long, value_delimiter = ',', value_name = "OBJECTS")]
    pub objects: Vec<String>,
    /// Hold overwritten edits for a person
    #[arg(long)]
    pub review: bool,
    /// An emptied value empties the other side
    #[arg(long)]
    pub clear: bool,
    /// Of two edits at once the later one wins
    #[arg(long)]
    pub newest: bool,
    #[command(flatten)]
    pub configuring: Configuring,
}

/// What everything that changes the configuration has.
#[derive(Debug, Args)]
pub struct Configuring {
    /// Why; kept in the audit
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Say what would change and what that would do, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask before it is put in force
    #[arg(long)]
    pub yes: bool,
}

/// A pair that is mapped.
#[derive(Debug, Args)]
pub struct PairNames {
    #[arg(value_enum)]
    pub kind: MappedKind,
    /// API name of the Salesforce field
    pub salesforce: String,
    /// Alias of the Automation field
    pub automation: String,
    /// Of several pairs of these two fields the one that is for these Salesforce objects
    #[arg(long, value_delimiter = ',', value_name = "OBJECTS")]
    pub objects: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Options {
    /// Who has priority: salesforce (→), automation (←) or both (↔)
    #[arg(long, value_enum, allow_hyphen_values = true)]
    pub arrow: Option<Direction>,
    /// From now on only on these Salesforce objects
    #[arg(long, value_delimiter = ',', value_name = "OBJECTS")]
    pub set_objects: Vec<String>,
    /// Whether overwritten edits are held for a person
    #[arg(long, value_enum)]
    pub review: Option<Switch>,
    /// Whether an emptied value empties the other side
    #[arg(long, value_enum)]
    pub clear: Option<Switch>,
    /// Whether of two edits at once the later one wins
    #[arg(long, value_enum)]
    pub newest: Option<Switch>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MappedKind {
    People,
    Companies,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// Salesforce has priority
    #[value(alias = "→", alias = "->")]
    Salesforce,
    /// Automation has priority
    #[value(alias = "←", alias = "<-")]
    Automation,
    /// Both may change it
    #[value(alias = "↔", alias = "<->")]
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}
