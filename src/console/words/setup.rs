//! A configuration that is being changed, put into words: what differs, what speaks against it and what
//! it would do.

use super::Words;
use crate::console::language::Language;
use crate::console::model::Tone;
use crate::console::query::{Foreseen, Sample, Searched};
use crate::domain::ids::Side;
use crate::domain::mapping::Policy;
use crate::domain::setup::{Difference, Objection, Timetable, Weight};
use crate::domain::time::{Span, Timestamp};

/// A part of the timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Time {
    Schedule,
    Pull,
    Push,
    Activities,
    Overlap,
}

/// As whoever has no screen is told.
fn wordless<'a>(language: &'a Language, policy: &'a Policy) -> Words<'a> {
    Words {
        language,
        policy,
        now: Timestamp::ZERO,
    }
}

/// An objection as one sentence, for whoever has no screen.
pub fn objected(language: &Language, objection: &Objection) -> String {
    wordless(language, &Policy::default()).objection(objection)
}

/// What changes, a line each, for whoever has no screen.
pub fn spoken_changes(
    language: &Language,
    differences: &[Difference],
    retimed: Option<(Timetable, Timetable)>,
) -> Vec<String> {
    let policy = Policy::default();
    let words = wordless(language, &policy);
    let lines = differences.iter().flat_map(|found| words.difference(found));
    lines.chain(words.retimed(retimed)).collect()
}

/// What it would do, a line each, for whoever has no screen.
pub fn spoken_forecast(language: &Language, foreseen: &Foreseen) -> Vec<String> {
    let policy = Policy::default();
    let lines = wordless(language, &policy).foreseen(foreseen).into_iter();
    lines.map(|(_, line)| line).collect()
}

impl Time {
    pub const ALL: [Self; 5] = [
        Self::Schedule,
        Self::Pull,
        Self::Push,
        Self::Activities,
        Self::Overlap,
    ];

    pub(in crate::console) const fn title(self) -> &'static str {
        match self {
            Self::Schedule => "time-schedule",
            Self::Pull => "time-pull",
            Self::Push => "time-push",
            Self::Activities => "time-activities",
            Self::Overlap => "time-overlap",
        }
    }

    pub(in crate::console) const fn about(self) -> &'static str {
        match self {
            Self::Schedule => "about-schedule",
            Self::Pull => "about-pull",
            Self::Push => "about-push",
            Self::Activities => "about-activity-runs",
            Self::Overlap => "about-overlap",
        }
    }

    /// Its span, if it has one and that is set.
    pub const fn of(self, times: &Timetable) -> Option<Span> {
        match self {
            Self::Schedule => None,
            Self::Pull => times.pull,
            Self::Push => times.push,
            Self::Activities => times.activities,
            Self::Overlap => Some(times.overlap),
        }
    }

    /// Does nothing to the switch.
    pub const fn set(self, times: &mut Timetable, span: Span) {
        match self {
            Self::Schedule => {}
            Self::Pull => times.pull = Some(span),
            Self::Push => times.push = Some(span),
            Self::Activities => times.activities = Some(span),
            Self::Overlap => times.overlap = span,
        }
    }

    pub fn differs(self, before: &Timetable, after: &Timetable) -> bool {
        match self {
            Self::Schedule => before.is_enabled != after.is_enabled,
            _ => self.of(before) != self.of(after),
        }
    }
}

impl Words<'_> {
    pub(in crate::console) fn objection(&self, objection: &Objection) -> String {
        self.filled(&objection.says, &objection.gaps)
    }

    /// With its weight before it: `refused: …`.
    pub(in crate::console) fn weighed(&self, objection: &Objection) -> String {
        self.labelled(self.weight(objection.weight), &self.objection(objection))
    }

    pub(in crate::console) fn weight(&self, weight: Weight) -> &str {
        self.language.text(match weight {
            Weight::Refused => "weight-refused",
            Weight::Warned => "weight-warned",
        })
    }

    pub(in crate::console) fn time(&self, time: Time, times: &Timetable) -> String {
        match (time, time.of(times)) {
            (Time::Schedule, _) => self.switch(times.is_enabled).to_owned(),
            (_, Some(span)) => self.span(span),
            (_, None) => self.language.text("set-none").to_owned(),
        }
    }

    /// A line for each time that changes.
    pub(in crate::console) fn retimed(
        &self,
        retimed: Option<(Timetable, Timetable)>,
    ) -> Vec<String> {
        let Some((before, after)) = retimed else {
            return Vec::new();
        };
        let changed = Time::ALL.into_iter();
        let changed = changed.filter(|time| time.differs(&before, &after));
        let lines = changed.map(|time| {
            let (before, after) = (self.time(time, &before), self.time(time, &after));
            let name = self.language.text(time.title());
            let gaps = [("name", name), ("before", &before), ("after", &after)];
            self.language.with("changed-setting", &gaps)
        });
        lines.collect()
    }

    pub(in crate::console) fn foreseen(&self, seen: &Foreseen) -> Vec<(Tone, String)> {
        let say = self.language;
        let mut lines = vec![match seen.searched {
            Searched::All => (Tone::Muted, say.count("foreseen-looked-at", seen.looked_at)),
            Searched::SoFar(count) => (Tone::Strong, say.count("foreseen-so-far", count)),
        }];
        lines.push(if seen.changed == 0 {
            (Tone::Plain, say.text("foreseen-nobody").to_owned())
        } else {
            (Tone::Strong, say.count("foreseen-changed", seen.changed))
        });
        for (counts, key) in [
            (&seen.values, "foreseen-values"),
            (&seen.creations, "foreseen-creations"),
        ] {
            for (side, count) in counts.iter().filter(|(_, count)| **count > 0) {
                let gaps = [("side", &*side.to_string())];
                lines.push((Tone::Plain, say.count_with(key, *count, &gaps)));
            }
        }
        if seen.consents > 0 {
            lines.push((Tone::Person, say.count("foreseen-consents", seen.consents)));
        }
        let conflicts = seen.conflicts.unsigned_abs();
        match seen.conflicts {
            0 => {}
            1.. => lines.push((Tone::Person, say.count("foreseen-conflicts", conflicts))),
            _ => lines.push((Tone::Plain, say.count("foreseen-solved", conflicts))),
        }
        if let Some(sample) = &seen.sample {
            lines.push(self.sampled(sample, seen.searched));
        }
        if seen.searched == Searched::All {
            let [salesforce, automation] = Side::BOTH.map(|side| {
                let calls = seen.calls.get(&side).copied().unwrap_or_default();
                say.number(calls)
            });
            let gaps = [
                ("salesforce", salesforce.as_str()),
                ("automation", automation.as_str()),
            ];
            lines.push((Tone::Plain, say.with("foreseen-calls", &gaps)));
        }
        if !seen.samples.is_empty() {
            let names = seen.samples.join(", ");
            let text = say.with("survey-samples", &[("names", &names)]);
            lines.push((Tone::Muted, text));
        }
        lines
    }

    fn sampled(&self, sample: &Sample, searched: Searched) -> (Tone, String) {
        let say = self.language;
        match sample {
            _ if searched != Searched::All => (Tone::Muted, say.text("sample-later").to_owned()),
            Sample::Read { looked_at, changed } => {
                let looked_at = say.number(*looked_at);
                let gaps = [("of", looked_at.as_str())];
                (
                    Tone::Strong,
                    say.count_with("sample-changed", *changed, &gaps),
                )
            }
            Sample::Unread(why) => {
                let why = self.why_not(why);
                (Tone::Person, say.with("sample-unread", &[("error", &why)]))
            }
            Sample::NoCallsLeft => (Tone::Person, say.text("sample-no-calls").to_owned()),
        }
    }
}
