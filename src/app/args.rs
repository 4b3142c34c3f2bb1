//! The command line. `passerelle --help` prints what stands here.

mod access;
mod bundle;
mod plugin;
mod practice;
mod webhook;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use access::{Authorize, Init, Revoke, System};
pub use bundle::{Bundle, Open};
pub use plugin::{
    Configuring, Direction, MappedKind, NewPair, Options, PairNames, Plugin, PluginCommand, Switch,
};
pub use practice::{Demo, Faults, SetUp, Sim, Traffic};
pub use webhook::{Webhook, WebhookCommand, WebhookWriting};

/// Keeps Salesforce and Webmecanik Automation in agreement, and lets support staff see and steer it.
///
/// Without a command: the console over the running sync of the instance.
#[derive(Debug, Parser)]
#[command(
    name = "passerelle",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Arguments {
    /// The instance file [default: $PASSERELLE_CONFIG, else $XDG_CONFIG_HOME/passerelle/instance.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Record what the console is shown into a new file, for replay [default: $PASSERELLE_RECORD]
    #[arg(long, global = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// The socket of the process that serves the instance [default: $PASSERELLE_SOCKET, else as the
    /// instance file says]
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// The console as plain lines, for screen readers and scripts: words in, words out
    #[arg(long, global = true)]
    pub linear: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Leave the terminal that it was started from
    #[arg(long)]
    pub detach: bool,
}

#[derive(Debug, Args)]
pub struct Attach {
    /// Look only, whatever your role allows
    #[arg(long)]
    pub read_only: bool,
}

#[derive(Debug, Args)]
pub struct Unit {
    /// The account that it runs under
    #[arg(long, default_value = "passerelle", value_name = "NAME")]
    pub user: String,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Practice: the whole program against simulated systems, seeded with an invented company
    Demo(Demo),
    /// Serve only the two simulators until stopped; prints an instance file that reaches them
    Sim(Sim),
    /// Own the store and do the sync without a terminal, for consoles and commands to attach to
    Serve(Serve),
    /// The console of the process that serves the instance
    Attach(Attach),
    /// Print a systemd unit that runs `serve`
    Unit(Unit),
    /// From nothing to a first sync: asks, writes the instance file, lets us in, examines, rehearses
    Init(Init),
    /// Let passerelle into Salesforce and Automation: log in, or prove the keys
    Authorize(Authorize),
    /// End what `authorize` began, and forget what it kept
    Revoke(Revoke),
    /// Bring both systems to agreement, without a terminal
    Sync(Sync),
    /// How the instance stands: coverage, conflicts, what waits, what failed
    Status(Json),
    /// What is wrong with the set-up, and where to mend it
    Doctor(Doctor),
    /// What is on its way, waiting or given up, grouped by cause
    Queues(Json),
    /// What waits for a person
    Conflicts(Conflicts),
    /// Everything about one person or company, or `contact push`: have one pushed now
    Contact(Contact),
    /// Decide one contact's conflicts
    Resolve(Resolve),
    /// Examine a stretch of time for activities that are not in Salesforce yet
    Backfill(Backfill),
    /// Examine the last 7 days, as unpublishing and republishing the plugin did
    Republish(Republish),
    /// Send again what was given up
    Retry(Retry),
    /// Give up for good what was given up: what differs stays and is agreed on
    Discard(Discard),
    /// Take an operator's act back, where both sides still show it
    Undo(Undo),
    /// Read these contacts' records again, now
    Check(Links),
    /// Leave these contacts alone, until a day or until they are taken back
    Aside(Aside),
    /// Take the pairs of records apart
    Unlink(Links),
    /// End what `aside` and `unlink` began
    TakeBack(Links),
    /// Hold a queue, or let it go on; opt-outs pass
    Queue(SteerQueue),
    /// Hold, let go on or end a backfill
    Plan(SteerPlan),
    /// Who is deleted or must not be mailed, and how far the other system knows
    Flags(Json),
    /// Activities that are not in Salesforce, and why
    Activities(Json),
    /// What is configured, and changing it
    Plugin(Plugin),
    /// What Automation posts as soon as somebody does something there
    Webhook(Webhook),
    /// What operators did, and whether anybody changed the record of it
    Audit(Audit),
    /// What every key of the console does
    Keys(Keys),
    /// Step through a recording of the console, message by message
    Replay(Replay),
    /// Draw pictures of the console over the practice company, as SVG
    Screenshots(Screenshots),
    /// What happened lately, by the log; and how much of it is logged
    Log(LogArgs),
    /// Write what somebody else needs to see what is wrong, without anybody's name in it
    Bundle(Bundle),
    /// Open a bundle in the console, to be looked at only; without a terminal, print it
    Open(Open),
    /// Print what makes a shell complete the commands
    Completions {
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands
    Man(Man),
    /// Copy everything that is stored into one file, or put such a copy back
    Backup(Backup),
}

#[derive(Debug, Args)]
pub struct Json {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Sync {
    /// Go on until nothing is left to do
    #[arg(long, conflicts_with = "once")]
    pub until_idle: bool,
    /// One round of one direction, or of all
    #[arg(long, value_enum, value_name = "WHAT")]
    pub once: Option<Once>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Do everything but the writes, and say what they would be
    #[arg(long)]
    pub dry_run: bool,
    /// Go on although very many records would be overwritten
    #[arg(long)]
    pub release_brake: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Once {
    /// Salesforce's changes to Automation
    Pull,
    /// Automation's changes to Salesforce
    Push,
    /// Automation's activities to Salesforce
    Activities,
    All,
}

#[derive(Debug, Args)]
pub struct Conflicts {
    #[command(subcommand)]
    pub show: Option<ConflictsCommand>,
    /// Print one JSON object
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum ConflictsCommand {
    /// One contact's conflicts, field by field, with the reasons
    Show {
        /// Number of the link, as the list shows it
        link: u64,
    },
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Contact {
    #[command(subcommand)]
    pub what: Option<ContactCommand>,
    /// E-mail address, Salesforce id, Automation id (a number), or `link:N`
    #[arg(required = true)]
    pub who: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum ContactCommand {
    /// Read one person or company again, now, write what the rules say, wait until it has arrived, and
    /// tell what was written where
    ///
    /// Also of somebody in Automation whom no reading has found yet: they are looked for in Salesforce,
    /// and become a Lead if nobody has their address. `check` is for many at once, by the numbers of their
    /// links, and tells only that it was done.
    Push(ContactPush),
}

#[derive(Debug, Args)]
pub struct ContactPush {
    /// E-mail address, name, Salesforce id, Automation id (a number), or `link:N`
    pub who: String,
    #[command(flatten)]
    pub writing: Writing,
}

/// What every command that writes has.
#[derive(Debug, Args)]
pub struct Writing {
    /// Why; kept in the audit
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Say what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What every command that takes something away has.
#[derive(Debug, Args)]
pub struct Why {
    /// Why; kept in the audit
    #[arg(long, default_value = "")]
    pub reason: String,
}

#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the command line's own independent switches"
)]
pub struct Doctor {
    /// Only these checks, as `doctor --json` names them
    #[arg(value_name = "CHECK")]
    pub checks: Vec<String>,
    /// Leave out what is well, and what nothing can be done about
    #[arg(long)]
    pub brief: bool,
    /// Make what is missing and can be made from here, each shown and asked for first
    #[arg(long)]
    pub fix: bool,
    /// Make it without asking
    #[arg(long, requires = "fix")]
    pub yes: bool,
    /// Show what would be made, and make nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    /// Why; kept in the audit
    #[arg(long, default_value = "", requires = "fix")]
    pub reason: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Nothing was synced yet: the instance file is the truth, and what is mapped is mapped there
    #[arg(skip)]
    pub is_first: bool,
}

#[derive(Debug, Args)]
pub struct Resolve {
    /// Number of the link, as `conflicts` lists it
    pub link: u64,
    /// The generation that you looked at; refused if the contact changed since
    #[arg(long, value_name = "N")]
    pub generation: Option<u32>,
    /// A choice: FIELD=salesforce, FIELD=automation, FIELD=base, FIELD=keep, FIELD=retry,
    /// FIELD:VALUE, consent=out, consent=in, identity=RECORD, deletion=keep; may be repeated
    #[arg(long = "choose", value_name = "CHOICE", required = true)]
    pub choices: Vec<String>,
    /// An opt-in is irreversible for the person: type the word `opt-in` here
    #[arg(long, value_name = "WORD")]
    pub confirm: Option<String>,
    #[command(flatten)]
    pub writing: Writing,
}

#[derive(Debug, Args)]
pub struct Backfill {
    /// How far back
    #[arg(long, default_value = "7d", value_name = "TIME")]
    pub last: String,
    #[command(flatten)]
    pub writing: Writing,
}

#[derive(Debug, Args)]
pub struct Republish {
    #[command(flatten)]
    pub writing: Writing,
}

#[derive(Debug, Args)]
pub struct Retry {
    /// Only writes that failed with this code, as `queues` shows it
    #[arg(long, value_name = "CODE")]
    pub cause: Option<String>,
    /// Only this link
    #[arg(long, value_name = "N")]
    pub link: Option<u64>,
    #[command(flatten)]
    pub writing: Writing,
}

#[derive(Debug, Args)]
pub struct Discard {
    #[command(flatten)]
    pub what: Retry,
    /// It cannot be taken back
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Links {
    /// Numbers of the links, as `conflicts` and `contact` show them
    #[arg(required = true, value_name = "LINK")]
    pub links: Vec<u64>,
    #[command(flatten)]
    pub writing: Writing,
}

#[derive(Debug, Args)]
pub struct Aside {
    #[command(flatten)]
    pub links: Links,
    /// A day like 2026-12-24, or how long like “10d”; without it, until they are taken back
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

#[derive(Debug, Args)]
pub struct SteerQueue {
    #[arg(value_enum)]
    pub what: Steer,
    #[arg(value_enum)]
    pub queue: Queue,
    #[command(flatten)]
    pub writing: Writing,
}

#[derive(Debug, Args)]
pub struct SteerPlan {
    #[arg(value_enum)]
    pub what: Steer,
    /// Number of the plan, as `status` shows it
    pub run: u64,
    #[command(flatten)]
    pub writing: Writing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Steer {
    Pause,
    Resume,
    /// Ends a plan; what was sent stays sent
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Queue {
    /// Writes to Salesforce, activities left out
    Salesforce,
    /// Writes to Automation
    Automation,
    /// Activities to Salesforce
    Activities,
}

#[derive(Debug, Args)]
pub struct Undo {
    /// Number of the act; the last one that can be undone if left out
    pub run: Option<u64>,
    #[command(flatten)]
    pub writing: Writing,
}

#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    pub what: AuditCommand,
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// The acts, newest first
    List(AuditList),
    /// Whether any of it was edited, dropped, added, reordered or cut off; ends with 1 if so
    Verify(AuditVerify),
    /// Accept what has an explanation, with a reason: a backup that was put back, a key that was lost, an
    /// anchor that did not move along
    Accept(AuditAccept),
    /// Write all acts into a new file
    Export(AuditExport),
}

#[derive(Debug, Args)]
pub struct AuditList {
    /// Only this operator's
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
    /// Only those about this link
    #[arg(long, value_name = "N")]
    pub link: Option<u64>,
    /// Only since then: a day (2026-03-04), a moment (2026-03-04T09:15:00Z), or how long ago (7d)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub max: usize,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AuditVerify {
    /// A head that was noted elsewhere, such as in the system log: where it stands in the chain
    #[arg(long, value_name = "HEX")]
    pub head: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AuditAccept {
    /// Only findings of these kinds: restored, key-missing, anchor-missing [default: all of them]
    #[arg(value_name = "KIND")]
    pub kinds: Vec<String>,
    #[command(flatten)]
    pub writing: Writing,
}

#[derive(Debug, Args)]
pub struct AuditExport {
    /// A file that does not exist yet
    pub file: PathBuf,
    /// JSON lines, or CSV that no spreadsheet takes for formulas
    #[arg(long, value_enum)]
    pub format: AuditFormat,
    #[command(flatten)]
    pub why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    Jsonl,
    Csv,
}

#[derive(Debug, Args)]
pub struct Keys {
    /// A preset instead of your own file: default, vim, emacs
    #[arg(long, value_name = "NAME")]
    pub keymap: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Replay {
    /// What --record wrote
    pub file: PathBuf,
    /// Begin after so many messages
    #[arg(long, value_name = "N")]
    pub until: Option<usize>,
    /// Print the screen as text, the last one without --until
    #[arg(long)]
    pub print: bool,
}

#[derive(Debug, Args)]
pub struct Screenshots {
    /// Folder to put them into
    #[arg(long, default_value = "screenshots", value_name = "DIR")]
    pub out: PathBuf,
    /// What the console speaks
    #[arg(long, value_enum, default_value_t = Spoken::En)]
    pub lang: Spoken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Spoken {
    En,
    Fr,
}

#[derive(Debug, Args)]
pub struct Backup {
    #[command(subcommand)]
    pub what: BackupCommand,
}

#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Write a copy of everything but the tokens
    Export {
        file: PathBuf,
        #[command(flatten)]
        why: Why,
    },
    /// Put a copy into an empty data folder
    Restore { file: PathBuf },
}

#[derive(Debug, Args)]
pub struct LogArgs {
    #[command(subcommand)]
    pub what: LogCommand,
    /// Print one JSON object
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// The latest lines
    Show {
        /// How many
        #[arg(long, default_value_t = 50, value_name = "N")]
        lines: usize,
    },
    /// How much the serving process logs; changes it at once, until that process ends. At its start it
    /// is $PASSERELLE_LOG_LEVEL, else info
    Level {
        /// error, warn, info, debug or trace
        level: Option<String>,
        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Args)]
pub struct Man {
    /// Folder for one page of each command
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
