//! How far each stream of changes was read, and which minutes of each side were covered.

use serde::{Deserialize, Serialize};

use super::ids::{AutomationId, SalesforceId, Side};
use super::time::Timestamp;

/// A stream of changes that is read on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Leads,
    Contacts,
    Accounts,
    AutomationContacts,
    AutomationCompanies,
    /// Deletions, merges and changes of do-not-contact.
    AutomationAudit,
    Activities,
}

impl Stream {
    pub const ALL: [Self; 7] = [
        Self::Leads,
        Self::Contacts,
        Self::Accounts,
        Self::AutomationContacts,
        Self::AutomationCompanies,
        Self::AutomationAudit,
        Self::Activities,
    ];

    pub const fn side(self) -> Side {
        match self {
            Self::Leads | Self::Contacts | Self::Accounts => Side::Salesforce,
            Self::AutomationContacts
            | Self::AutomationCompanies
            | Self::AutomationAudit
            | Self::Activities => Side::Automation,
        }
    }
}

/// Where reading stands. Everything before `from` is durable here. Inside an open window, rows
/// are read in a fixed order, and `after` is the last one that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// Start of the window, in the remote's time.
    pub from: Timestamp,
    /// End of the window, exclusive, in the remote's time; `None` while no window is open.
    pub until: Option<Timestamp>,
    /// The last row of the window that is durable.
    pub after: Option<Position>,
}

/// A place in the order in which a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// Salesforce: ordered by (`SystemModstamp`, `Id`).
    Stamp(Timestamp, SalesforceId),
    /// Automation contacts and companies: ordered by id inside the window.
    Id(AutomationId),
    /// The audit log, ordered by its row number.
    Audit(u64),
    /// Activities: the page of one event type. `kind` counts into the selected types.
    Page { kind: u16, page: u32 },
}

/// A stretch of a side's time, `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Covered {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// What was read of a side's time: stretches in order that neither touch nor overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage(pub Vec<Covered>);

impl Coverage {
    /// Gaps this old are no longer told apart; it bounds what is kept.
    pub const STRETCHES_MAX: usize = 1_500;

    pub fn add(&mut self, from: Timestamp, until: Timestamp) {
        if from >= until {
            return;
        }
        let mut new = Covered { from, until };
        self.0.retain(|old| {
            let apart = old.until < new.from || new.until < old.from;
            if !apart {
                new.from = new.from.min(old.from);
                new.until = new.until.max(old.until);
            }
            apart
        });
        let at = self.0.partition_point(|old| old.from < new.from);
        self.0.insert(at, new);
        if self.0.len() > Self::STRETCHES_MAX {
            self.0.remove(0);
        }
    }

    /// The end of the last stretch.
    pub fn until(&self) -> Option<Timestamp> {
        self.0.last().map(|stretch| stretch.until)
    }

    /// What was not read between two moments.
    pub fn gaps(&self, from: Timestamp, until: Timestamp) -> Vec<Covered> {
        let mut gaps = Vec::new();
        let mut reached = from;
        for stretch in &self.0 {
            if stretch.from >= until {
                break;
            }
            if stretch.from > reached {
                gaps.push(Covered {
                    from: reached,
                    until: stretch.from,
                });
            }
            reached = reached.max(stretch.until);
        }
        if reached < until {
            gaps.push(Covered {
                from: reached,
                until,
            });
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: i64) -> Timestamp {
        Timestamp::from_seconds(n)
    }

    #[test]
    fn stretches_that_touch_become_one_and_gaps_are_found() {
        let mut coverage = Coverage::default();
        coverage.add(at(0), at(10));
        coverage.add(at(20), at(30));
        coverage.add(at(10), at(15));
        assert_eq!(coverage.0.len(), 2);
        assert_eq!(
            coverage.gaps(at(0), at(40)),
            [
                Covered {
                    from: at(15),
                    until: at(20)
                },
                Covered {
                    from: at(30),
                    until: at(40)
                }
            ]
        );
        coverage.add(at(5), at(25));
        assert_eq!(
            coverage.0,
            [Covered {
                from: at(0),
                until: at(30)
            }]
        );
    }

    #[test]
    fn an_empty_stretch_covers_nothing() {
        let mut coverage = Coverage::default();
        coverage.add(at(7), at(7));
        assert_eq!(
            coverage.gaps(at(0), at(10)),
            [Covered {
                from: at(0),
                until: at(10)
            }]
        );
    }
}
