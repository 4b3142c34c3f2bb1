//! One mapped field of one link: what to do about it, and why.
//!
//! A pure function over three values. It is total: every input ends as agreement, write,
//! divergence or conflict, and every answer carries the steps that led to it.

use crate::domain::conflict::Cause;
use crate::domain::ids::Side;
use crate::domain::link::{Edited, FieldState};
use crate::domain::mapping::{Arrow, BlankTravel, Concurrent, FieldRule, Overwritten};
use crate::domain::time::Span;
pub use crate::domain::trace::Step;
use crate::domain::value::Value;

/// Two edits this close together are not told apart: clocks of both systems may be off by so much.
pub const CLOCK_MARGIN: Span = Span::minutes(10);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub outcome: Outcome,
    pub trace: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to do: both show what was agreed on, or a side does not show the field.
    Settled,
    /// Both show the same: remember it as the base.
    Agree,
    /// Write the value to that side. `lost` is an edit there that this overwrites.
    Write {
        to: Side,
        value: Value,
        lost: Option<Value>,
    },
    /// The sides differ and stay so; the last step says why.
    Diverge,
    Conflict(Cause),
}

/// The rules, for a field that both sides show:
///
/// 1. Equal values agree. Values that are those last agreed on are settled.
/// 2. A blank never clears: a change to blank counts as no change, unless the rule clears.
/// 3. First sight: a blank is filled if the arrow or *update blank values* allows; two different
///    values follow the arrow; both ways they are a conflict.
/// 4. One side changed: with priority (or both ways) it is written to the other; without, it is
///    kept as a divergence, or held for review, or fills a blank by *update blank values*.
/// 5. Both changed: the side with priority is written and the other edit kept in the history (or
///    held for review); both ways the later wins if the rule says so and both are dated; else it
///    is a conflict.
pub fn decide(rule: &FieldRule, state: &FieldState, update_blanks: bool) -> Decision {
    let mut trace = Vec::with_capacity(4);
    let outcome = Case {
        rule,
        state,
        update_blanks,
        trace: &mut trace,
    }
    .outcome();
    Decision { outcome, trace }
}

struct Case<'a> {
    rule: &'a FieldRule,
    state: &'a FieldState,
    update_blanks: bool,
    trace: &'a mut Vec<Step>,
}

impl Case<'_> {
    fn outcome(&mut self) -> Outcome {
        let state = self.state;
        let (Some(salesforce), Some(automation)) = (&state.salesforce, &state.automation) else {
            let hidden = if state.salesforce.is_none() {
                Side::Salesforce
            } else {
                Side::Automation
            };
            self.trace.push(Step::NotShown(hidden));
            return Outcome::Settled;
        };
        if let Some(base) = &state.base
            && base.salesforce == *salesforce
            && base.automation == *automation
        {
            self.trace.push(Step::AsAgreed);
            return Outcome::Settled;
        }
        if salesforce == automation {
            self.trace.push(Step::Equal);
            return Outcome::Agree;
        }
        if state.base.is_none() {
            self.trace.push(Step::FirstSight);
            return self.first_sight();
        }
        match (
            self.counts_as_changed(Side::Salesforce),
            self.counts_as_changed(Side::Automation),
        ) {
            (true, true) => self.both_changed(),
            (true, false) => self.one_changed(Side::Salesforce),
            (false, true) => self.one_changed(Side::Automation),
            (false, false) => self.only_blanked(),
        }
    }

    fn first_sight(&mut self) -> Outcome {
        for blank in Side::BOTH {
            if self.on(blank).is_blank() {
                return match self.priority() {
                    Some(side) if side == blank => self.fill_against_arrow(blank),
                    _ => self.write(blank.other(), None),
                };
            }
        }
        if let Some(side) = self.priority() {
            let lost = Some(self.lose(side.other()));
            return self.write(side, lost);
        }
        self.trace.push(Step::BothWays);
        Outcome::Conflict(Cause::BothSet {
            salesforce: self.on(Side::Salesforce).clone(),
            automation: self.on(Side::Automation).clone(),
        })
    }

    fn one_changed(&mut self, changed: Side) -> Outcome {
        match self.priority() {
            Some(side) if side != changed => {
                self.trace.push(Step::AgainstArrow(changed));
                if self.on(side).is_blank() && !self.rule_clears() {
                    return self.fill_against_arrow(side);
                }
                if self.rule.overwritten == Overwritten::Review {
                    self.trace.push(Step::HeldForReview);
                    let value = self.on(changed).clone();
                    return Outcome::Conflict(Cause::AgainstArrow {
                        edited: changed,
                        value,
                    });
                }
                Outcome::Diverge
            }
            _ => {
                // The other side did not change, or only to a blank that does not count.
                let other = changed.other();
                let lost = if self.differs_from_base(other) {
                    Some(self.lose(other))
                } else {
                    None
                };
                self.write(changed, lost)
            }
        }
    }

    fn both_changed(&mut self) -> Outcome {
        if let Some(side) = self.priority() {
            let other = side.other();
            if self.rule.overwritten == Overwritten::Review {
                self.trace.push(Step::AgainstArrow(other));
                self.trace.push(Step::HeldForReview);
                let value = self.on(other).clone();
                return Outcome::Conflict(Cause::AgainstArrow {
                    edited: other,
                    value,
                });
            }
            let lost = Some(self.lose(other));
            return self.write(side, lost);
        }
        if self.rule.concurrent == Concurrent::Newest {
            match later(self.state.salesforce_edited, self.state.automation_edited) {
                Some(side) => {
                    self.trace.push(Step::Later(side));
                    let lost = Some(self.lose(side.other()));
                    return self.write(side, lost);
                }
                None => self.trace.push(Step::NotDated),
            }
        }
        self.trace.push(Step::BothWays);
        Outcome::Conflict(Cause::BothChanged {
            salesforce: self.on(Side::Salesforce).clone(),
            automation: self.on(Side::Automation).clone(),
        })
    }

    /// The only change is a blank that does not count.
    fn only_blanked(&mut self) -> Outcome {
        let blank = if self.on(Side::Salesforce).is_blank() {
            Side::Salesforce
        } else {
            Side::Automation
        };
        match self.priority() {
            // Without priority, a blank is filled by the arrow itself.
            Some(side) if side != blank => self.write(side, None),
            _ => self.fill_against_arrow(blank),
        }
    }

    fn fill_against_arrow(&mut self, blank: Side) -> Outcome {
        if self.update_blanks {
            self.trace.push(Step::FillsBlank(blank));
            let value = self.on(blank.other()).clone();
            Outcome::Write {
                to: blank,
                value,
                lost: None,
            }
        } else {
            self.trace.push(Step::BlankStays(blank));
            Outcome::Diverge
        }
    }

    fn write(&mut self, from: Side, lost: Option<Value>) -> Outcome {
        self.trace.push(Step::Priority(from));
        Outcome::Write {
            to: from.other(),
            value: self.on(from).clone(),
            lost,
        }
    }

    fn lose(&mut self, side: Side) -> Value {
        self.trace.push(Step::EditLost(side));
        self.on(side).clone()
    }

    /// Rule 2. A change is announced once, with what it counts for.
    fn counts_as_changed(&mut self, side: Side) -> bool {
        if !self.differs_from_base(side) {
            return false;
        }
        if self.on(side).is_blank() {
            let clears = self.rule_clears();
            self.trace.push(if clears {
                Step::BlankClears(side)
            } else {
                Step::BlankNeverClears(side)
            });
            return clears;
        }
        self.trace.push(Step::Changed(side));
        true
    }

    fn differs_from_base(&self, side: Side) -> bool {
        self.state.base_on(side) != Some(self.on(side))
    }

    fn rule_clears(&self) -> bool {
        self.rule.blank == BlankTravel::Clears
    }

    /// Only called once both sides are known to show the field.
    fn on(&self, side: Side) -> &Value {
        self.state.on(side).unwrap_or(&Value::Blank)
    }

    const fn priority(&self) -> Option<Side> {
        match self.rule.arrow {
            Arrow::Salesforce => Some(Side::Salesforce),
            Arrow::Automation => Some(Side::Automation),
            Arrow::Both => None,
        }
    }
}

/// Which of two edits is later beyond doubt: one must have begun after the other was over, by more
/// than the clocks may be off.
fn later(salesforce: Option<Edited>, automation: Option<Edited>) -> Option<Side> {
    let (salesforce, automation) = (salesforce?, automation?);
    if salesforce.after > automation.by + CLOCK_MARGIN {
        Some(Side::Salesforce)
    } else if automation.after > salesforce.by + CLOCK_MARGIN {
        Some(Side::Automation)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
