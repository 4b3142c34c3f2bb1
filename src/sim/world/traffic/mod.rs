//! People who go on working while the practice company is served.
//!
//! Which acts there are and when is drawn from the seed alone: it does not depend on who is in the
//! two systems, nor on how often somebody asks. Whom an act concerns is settled when it is done.

mod automation;
mod both;
mod salesforce;
mod texts;

use automation::at_automation;
use both::at_both;
pub(super) use both::pairs;
use salesforce::at_salesforce;
pub(super) use salesforce::staff;

use super::plugin;
use crate::sim::automation::Automation;
use crate::sim::clock::{SECOND_MS, Timestamp};
use crate::sim::random::Random;
use crate::sim::salesforce::Salesforce;

/// More acts than this at once would be a machine that slept, not people who worked: the rest of
/// that time nobody worked.
const DUE_MAX: usize = 600;

/// The old connector, where it was left running, has a run at every so many acts.
const PLUGIN_EVERY: u64 = 10;

/// How much goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// About five acts a minute.
    Calm,
    /// About one a second.
    Busy,
}

impl Pace {
    const fn mean_gap_ms(self) -> i64 {
        match self {
            Self::Calm => 12 * SECOND_MS,
            Self::Busy => SECOND_MS,
        }
    }
}

/// What somebody does at a Salesforce screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clerk {
    Edits,
    EditsAccount,
    TicksOptOut,
    UnticksOptOut,
    EntersLead,
    EntersTwice,
    Converts,
    Merges,
    Deletes,
    Restores,
    Reassigns,
    /// The address that somebody else already has.
    TakesAddress,
}

/// What somebody does at, or to, Automation: users, visitors, recipients of mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Visitor {
    Hits,
    IsMailed,
    OpensMail,
    SubmitsForm,
    /// From another browser: the contact lives on under another id.
    SubmitsElsewhere,
    /// The same, by somebody who left: the opt-out stays behind with the old id.
    ReturnsElsewhere,
    /// Nobody knew them before.
    Introduces,
    Earns,
    Unsubscribes,
    /// By the link on the page that says good-bye.
    Resubscribes,
    Bounces,
    UserEdits,
    UserStopsMail,
    UserEnters,
    UserEntersTwice,
    UserMerges,
    UserDeletes,
    UserReassigns,
}

/// What two people do at the same moment, one on each side, about one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clash {
    BothEdit,
    OneDeletesOneEdits,
    /// Of somebody whom both sides keep out: no date tells whether Salesforce knew of it.
    OneLetsInOneEdits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    Salesforce(Clerk),
    Automation(Visitor),
    Both(Clash),
}

/// Each deed, with how many of a thousand acts it is.
pub const DEEDS: [(Deed, u64); 33] = [
    (Deed::Salesforce(Clerk::Edits), 170),
    (Deed::Salesforce(Clerk::EditsAccount), 20),
    (Deed::Salesforce(Clerk::TicksOptOut), 20),
    (Deed::Salesforce(Clerk::UnticksOptOut), 10),
    (Deed::Salesforce(Clerk::EntersLead), 35),
    (Deed::Salesforce(Clerk::EntersTwice), 6),
    (Deed::Salesforce(Clerk::Converts), 20),
    (Deed::Salesforce(Clerk::Merges), 6),
    (Deed::Salesforce(Clerk::Deletes), 10),
    (Deed::Salesforce(Clerk::Restores), 5),
    (Deed::Salesforce(Clerk::Reassigns), 15),
    (Deed::Salesforce(Clerk::TakesAddress), 3),
    (Deed::Automation(Visitor::Hits), 190),
    (Deed::Automation(Visitor::IsMailed), 120),
    (Deed::Automation(Visitor::OpensMail), 90),
    (Deed::Automation(Visitor::SubmitsForm), 50),
    (Deed::Automation(Visitor::SubmitsElsewhere), 10),
    (Deed::Automation(Visitor::ReturnsElsewhere), 2),
    (Deed::Automation(Visitor::Introduces), 25),
    (Deed::Automation(Visitor::Earns), 40),
    (Deed::Automation(Visitor::Unsubscribes), 15),
    (Deed::Automation(Visitor::Resubscribes), 6),
    (Deed::Automation(Visitor::Bounces), 8),
    (Deed::Automation(Visitor::UserEdits), 90),
    (Deed::Automation(Visitor::UserStopsMail), 7),
    (Deed::Automation(Visitor::UserEnters), 10),
    (Deed::Automation(Visitor::UserEntersTwice), 4),
    (Deed::Automation(Visitor::UserMerges), 4),
    (Deed::Automation(Visitor::UserDeletes), 4),
    (Deed::Automation(Visitor::UserReassigns), 10),
    (Deed::Both(Clash::BothEdit), 8),
    (Deed::Both(Clash::OneDeletesOneEdits), 2),
    (Deed::Both(Clash::OneLetsInOneEdits), 2),
];

/// One thing that somebody does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When it falls due. It is done, and stamped, a little later: nothing is dated back behind a
    /// reader who has already been there.
    pub due: Timestamp,
    pub number: u64,
    pub deed: Deed,
    /// Everything else about it is drawn from this.
    pub seed: u64,
}

/// Does an act, now, wherever it belongs.
pub fn perform(org: &mut Salesforce, brain: &mut Automation, now: Timestamp, act: &Act) -> Outcome {
    if act.number.is_multiple_of(PLUGIN_EVERY) && plugin::is_running(org) {
        // What becomes of its run is no part of the act: it asks nobody, and tells nobody.
        let _ = plugin::run(org, brain, now, act.seed);
    }
    match act.deed {
        Deed::Salesforce(_) => at_salesforce(org, now, act),
        Deed::Automation(_) => at_automation(brain, now, act),
        Deed::Both(_) => at_both(org, brain, now, act),
    }
}

/// What became of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// There is nobody it could concern just now.
    Nobody,
    /// The system would not have it; says why.
    Refused(String),
}

/// The acts of a company, in order of time.
#[derive(Debug, Clone)]
pub struct Traffic {
    random: Random,
    pace: Pace,
    next: Timestamp,
    done: u64,
}

impl Traffic {
    /// Nothing is due yet at `start`.
    pub fn new(seed: u64, pace: Pace, start: Timestamp) -> Self {
        let mut traffic = Self {
            random: Random::seeded(seed ^ 0x7AFF_1C00_11FE),
            pace,
            next: start,
            done: 0,
        };
        traffic.next = traffic.after(start);
        traffic
    }

    /// Everything due up to now that was not handed out before.
    pub fn due(&mut self, now: Timestamp) -> Vec<Act> {
        let mut due = Vec::new();
        while self.next <= now {
            if due.len() == DUE_MAX {
                self.next = self.after(now);
                break;
            }
            due.push(self.draw());
            self.next = self.after(self.next);
        }
        due
    }

    fn draw(&mut self) -> Act {
        self.done += 1;
        let total = DEEDS.iter().map(|(_, weight)| weight).sum();
        let mut left = self.random.below(total);
        let mut chosen = DEEDS[0].0;
        for (deed, weight) in DEEDS {
            chosen = deed;
            if left < weight {
                break;
            }
            left -= weight;
        }
        Act {
            due: self.next,
            number: self.done,
            deed: chosen,
            seed: self.random.next_u64(),
        }
    }

    /// Half to one and a half times the mean later: people are not a metronome.
    fn after(&mut self, at: Timestamp) -> Timestamp {
        let mean = self.pace.mean_gap_ms();
        at.plus_millis(mean / 2 + self.random.below(mean as u64) as i64)
    }
}

/// One of them; `None` when there is nobody.
fn one_of<T: Copy>(random: &mut Random, from: &[T]) -> Option<T> {
    from.get(random.below(from.len() as u64) as usize).copied()
}

#[cfg(test)]
mod tests;
