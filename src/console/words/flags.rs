//! Deletions and opt-outs, said to a person: what it is, how far it has got, why, and what to do.

use super::{Words, moment};
use crate::console::language::Language;
use crate::console::query::FlagRow;
use crate::domain::consent::{Consent, ConsentView, Dated, Proof, Reason};
use crate::domain::flag::{Flag, Matter, Standing};
use crate::domain::ids::{Kind, Side};
use crate::domain::link::Parked;
use crate::domain::mapping::Policy;
use crate::domain::row::RowState;
use crate::domain::time::Timestamp;

/// An entry of the flags as text, for whoever has no screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpokenFlag {
    pub matter: String,
    pub standing: String,
    pub next: String,
}

/// Says an entry in a language.
pub fn spoken_flag(
    language: &Language,
    policy: &Policy,
    now: Timestamp,
    row: &FlagRow,
) -> SpokenFlag {
    let words = Words {
        language,
        policy,
        now,
    };
    SpokenFlag {
        matter: words.matter(row.flag.matter),
        standing: words.standing(&row.flag.standing).to_owned(),
        next: words.next(&row.flag.standing).to_owned(),
    }
}

impl Words<'_> {
    pub(in crate::console) fn matter(&self, matter: Matter) -> String {
        match matter {
            Matter::OptOut => self.language.text("flag-opt-out").to_owned(),
            Matter::Deleted(side) => self.sided("flag-deleted", side),
        }
    }

    /// How far it has got, in two words.
    pub(in crate::console) fn standing(&self, standing: &Standing) -> &str {
        self.language.text(match standing {
            Standing::Held(_) => "flag-held",
            Standing::GivenUp(_) => "pending-dead",
            Standing::Parked(_) => "flag-parked",
            Standing::NotShown(_) => "flag-unseen",
            Standing::Due(_) => "flag-due",
            Standing::Waiting(..) => "flag-waiting",
            Standing::Asking => "pending-asking",
            Standing::OnItsWay(_) => "flag-on-its-way",
            Standing::OptInOnItsWay(_) => "flag-opt-in",
            Standing::NotMapped => "flag-not-mapped",
            Standing::LivesOn => "flag-lives-on",
            Standing::Kept => "flag-kept",
            Standing::Alone(_) => "flag-alone",
            Standing::Bounced => "consent-bounced",
            Standing::Agreed => "flag-agreed",
        })
    }

    /// The same as a sentence.
    pub(in crate::console) fn why(&self, kind: Kind, flag: &Flag) -> String {
        let say = self.language;
        let what = say.text(match flag.matter {
            Matter::OptOut => "what-opt-out",
            Matter::Deleted(_) => "what-deletion",
        });
        let to = |key, side: Side| say.with(key, &[("what", what), ("side", &side.to_string())]);
        match &flag.standing {
            Standing::Held(subject) => {
                let subject = self.subject(kind, *subject);
                say.with("why-held", &[("subject", &subject)])
            }
            Standing::GivenUp(side) => to("why-given-up", *side),
            Standing::Parked(parked) => {
                let parked = self.parked(parked);
                say.with("why-parked", &[("what", what), ("parked", &parked)])
            }
            Standing::NotShown(side) => to("why-not-shown", *side),
            Standing::Due(side) => to("why-due", *side),
            Standing::Waiting(side, until) => {
                let when = self.relative(*until);
                let gaps = [("what", what), ("side", &side.to_string()), ("when", &when)];
                say.with("why-waiting", &gaps)
            }
            Standing::Asking => say.text("why-asking").to_owned(),
            Standing::OnItsWay(side) => to("why-on-its-way", *side),
            Standing::OptInOnItsWay(side) => to("why-opt-in", *side),
            Standing::NotMapped => say.text("why-not-mapped").to_owned(),
            Standing::LivesOn => say.text("why-lives-on").to_owned(),
            Standing::Kept => say.text("why-kept").to_owned(),
            Standing::Alone(side) => to("why-alone", *side),
            Standing::Bounced => say.text("why-bounced").to_owned(),
            Standing::Agreed => say
                .text(match flag.matter {
                    Matter::OptOut => "why-agreed-opt-out",
                    Matter::Deleted(_) => "why-agreed-deletion",
                })
                .to_owned(),
        }
    }

    /// What an operator can do about it.
    pub(in crate::console) fn next(&self, standing: &Standing) -> &str {
        self.language.text(match standing {
            Standing::Held(_) => "next-held",
            Standing::GivenUp(_) => "next-given-up",
            Standing::Parked(Parked::Quarantined { .. } | Parked::Unlinked) => "next-aside",
            Standing::Parked(_) => "next-parked",
            Standing::NotShown(_) => "next-not-shown",
            Standing::Due(_)
            | Standing::Waiting(..)
            | Standing::Asking
            | Standing::OnItsWay(_)
            | Standing::OptInOnItsWay(_) => "next-wait",
            Standing::NotMapped => "next-not-mapped",
            Standing::LivesOn
            | Standing::Kept
            | Standing::Alone(_)
            | Standing::Bounced
            | Standing::Agreed => "next-nothing",
        })
    }

    /// What one side says of it, in a word or two.
    pub(in crate::console) fn side_says(&self, row: &FlagRow, side: Side) -> String {
        let say = self.language;
        let Some(state) = row.states[side as usize] else {
            return say.text("no-record").to_owned();
        };
        match row.flag.matter {
            Matter::OptOut if state == RowState::Live => {
                let view = row.consent.on(side);
                self.said(view.map(|view| view.value)).to_owned()
            }
            Matter::Deleted(Side::Salesforce)
                if side == Side::Automation && state == RowState::Live =>
            {
                let key = match row.is_flagged {
                    Some(true) => "flag-set",
                    Some(false) => "flag-missing",
                    None => "not-shown",
                };
                say.text(key).to_owned()
            }
            _ => self.row_state(state),
        }
    }

    /// What a side says about mailing a person, in a word.
    pub(in crate::console) fn said(&self, consent: Option<Consent>) -> &str {
        self.language.text(match consent {
            None => "consent-unknown",
            Some(Consent::In) => "said-in",
            Some(Consent::Out(Reason::Unstated)) => "consent-out",
            Some(Consent::Out(Reason::Manual)) => "out-by-hand",
            Some(Consent::Out(Reason::Unsubscribed)) => "out-by-person",
            Some(Consent::Bounced) => "consent-bounced",
        })
    }

    /// Why somebody must not be mailed, as that side tells it.
    pub(in crate::console) fn reason(&self, view: Option<ConsentView>) -> &str {
        self.language.text(match view.map(|view| view.value) {
            None | Some(Consent::In) => return "",
            Some(Consent::Out(Reason::Unstated)) => "reason-unstated",
            Some(Consent::Out(Reason::Manual)) => "reason-manual",
            Some(Consent::Out(Reason::Unsubscribed)) => "reason-unsubscribed",
            Some(Consent::Bounced) => "reason-bounced",
        })
    }

    pub(in crate::console) fn proof(&self, proof: Proof) -> &str {
        self.language.text(match proof {
            Proof::FieldHistory => "proof-field-history",
            Proof::DatedRecord => "proof-dated-record",
            Proof::Observation => "proof-observation",
            Proof::Operator => "proof-operator",
        })
    }

    /// A moment, or the two between which it was.
    pub(in crate::console) fn dated(&self, dated: Dated) -> String {
        let by = moment(dated.latest);
        if dated.earliest == dated.latest {
            by
        } else if dated.earliest == Timestamp::ZERO {
            self.language.with("dated-by", &[("by", &by)])
        } else {
            let after = moment(dated.earliest);
            let gaps = [("after", after.as_str()), ("by", by.as_str())];
            self.language.with("dated-between", &gaps)
        }
    }
}
