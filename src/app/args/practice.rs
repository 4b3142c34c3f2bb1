//! What can be said of the practice company.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::sim::world::wrong::Fault;

#[derive(Debug, Args)]
pub struct Demo {
    /// Without the console: sync, then print a report
    #[arg(long)]
    pub headless: bool,
    /// The world to practise on; the same number is the same world
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// People in each system
    #[arg(long, default_value_t = 500)]
    pub people: u32,
    /// How long each simulated answer takes
    #[arg(long, default_value_t = 0)]
    pub latency_ms: u64,
    /// What goes wrong on the way
    #[arg(long, value_enum, default_value_t = Faults::None)]
    pub faults: Faults,
    /// People who go on working in both systems while the console is open: about five acts a minute
    /// (calm) or sixty (busy). What they do at Automation arrives by webhook
    #[arg(long, value_enum, default_value_t = Traffic::None, conflicts_with = "headless")]
    pub traffic: Traffic,
    /// right, wrong (everything that a set-up can get wrong), or faults by name, separated by commas
    #[arg(long, default_value = "right", value_name = "WHAT")]
    pub setup: SetUp,
    /// Where to keep the practice store [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Faults {
    None,
    Some,
    Storm,
}

#[derive(Debug, Args)]
pub struct Sim {
    /// The world to serve; the same number is the same world
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// People in each system
    #[arg(long, default_value_t = 500)]
    pub people: u32,
    /// Address of the simulated Salesforce
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    pub salesforce: std::net::SocketAddr,
    /// Address of the simulated Automation
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    pub automation: std::net::SocketAddr,
    /// How long each answer takes
    #[arg(long, default_value_t = 0)]
    pub latency_ms: u64,
    /// What goes wrong on the way
    #[arg(long, value_enum, default_value_t = Faults::None)]
    pub faults: Faults,
    /// People who go on working while it serves: about five acts a minute (calm) or sixty (busy).
    /// With none, a second sync finds nothing to write
    #[arg(long, value_enum, default_value_t = Traffic::None)]
    pub traffic: Traffic,
    /// right, wrong (everything that a set-up can get wrong), or faults by name, separated by commas
    #[arg(long, default_value = "right", value_name = "WHAT")]
    pub setup: SetUp,
}

/// What is wrong with the set-up of the practice company.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetUp(pub Vec<Fault>);

impl FromStr for SetUp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "right" => return Ok(Self::default()),
            "wrong" => {
                let all = Fault::ALL.into_iter();
                return Ok(Self(all.filter(|one| one.goes_with_others()).collect()));
            }
            _ => {}
        }
        let known = |name: &str| Fault::ALL.into_iter().find(|fault| fault.name() == name);
        let faults = text.split(',').map(|name| {
            known(name).ok_or_else(|| {
                let names = Fault::ALL.map(Fault::name).join(", ");
                format!("there is no fault “{name}”; right, wrong, or of these: {names}")
            })
        });
        faults.collect::<Result<_, _>>().map(Self)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Traffic {
    None,
    Calm,
    Busy,
}
