//! The console as plain lines: typed words in, texts out; the same model as on the screens.

use std::fs;
use std::path::Path;

use super::bench::{Bench, NOW, person, start};
use crate::console::keymap::ACTIONS;
use crate::console::model::Overlay;
use crate::console::{Model, Msg, Outcome};
use crate::domain::command::{Command, Fact, Refusal};
use crate::domain::ids::{LinkId, RunId};
use crate::domain::operator::{Operator, Present, Role, SessionId};
use crate::domain::time::Span;

const CLAIRE: LinkId = LinkId(1);

impl Bench {
    pub(super) fn lines() -> Self {
        let mut bench = Self::new();
        bench.begin_lines(None);
        bench
    }

    pub(super) fn begin_lines(&mut self, width: Option<u16>) {
        self.model.speak_lines(width);
        self.sync_reports();
        assert!(self.model.takes_line());
    }

    /// Types lines one after the other; answers what is said.
    #[track_caller]
    pub(super) fn types(&mut self, lines: &[&str]) -> String {
        let mut said = self.said();
        for line in lines {
            self.pass(Span(500));
            self.send(Msg::Typed((*line).to_owned()));
            for command in self.commands() {
                let Command::RunCycle(_) = command.1 else {
                    self.send(Msg::Told(Fact::Accepted(RunId(9))));
                    continue;
                };
                self.send(Msg::Told(Fact::CycleStarted));
            }
            assert!(self.model.takes_line(), "{line} is not answered");
            said += &self.said();
        }
        said
    }

    pub(super) fn said(&mut self) -> String {
        let lines = self.model.take_lines();
        let mut said = String::new();
        for line in lines {
            assert!(!line.chars().any(char::is_control), "{line:?}");
            let is_painted = |c| matches!(c, '─'..='╿' | '█' | '▒' | '░');
            assert!(!line.contains(is_painted), "{line}");
            said += &line;
            said.push('\n');
        }
        said
    }

    /// Compares what was said with what is kept.
    #[track_caller]
    fn keeps(&self, said: &str, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens");
        let path = folder.join(format!("linear-{name}.txt"));
        if std::env::var_os("PASSERELLE_BLESS").is_some() {
            fs::write(&path, said).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(said, kept, "{name} differs; see {}", path.display());
        assert!(self.model.takes_line());
    }
}

const SCREENS: [(&str, &[&str]); 13] = [
    ("overview", &["overview"]),
    ("queues", &["queues"]),
    ("conflicts", &["conflicts"]),
    ("decide", &["conflicts", "open 1"]),
    ("contact", &["contacts", "claire", "open 1"]),
    ("flags", &["flags"]),
    ("activities", &["activities"]),
    ("plugin", &["plugin"]),
    ("rule", &["plugin", "open 2"]),
    ("doctor", &["doctor"]),
    ("check", &["doctor", "open 1"]),
    ("audit", &["audit"]),
    ("help", &["conflicts", "help"]),
];

#[test]
fn every_screen_is_said_in_both_languages() {
    for (name, lines) in SCREENS {
        for tongue in ["en", "fr"] {
            let mut bench = super::doctor::bench();
            bench.world.give_up(LinkId(1), "UNABLE_TO_LOCK_ROW");
            bench.begin_lines(None);
            bench.types(&["overview", &format!("lang {tongue}")]);
            let said = bench.types(lines);
            bench.keeps(&said, &format!("{name}-{tongue}"));
        }
    }
}

#[test]
fn the_configuration_is_changed_and_saved_by_lines() {
    let mut bench = super::configure::bench();
    bench.begin_lines(None);
    bench.types(&["plugin", "/salesforce:mobile"]);
    let mut said = bench.types(&["turn-arrow 1", "change 1"]);
    said += &bench.types(&["1", "9", "accept"]);
    said += &bench.types(&["add-pair fax", "1"]);
    said += &bench.types(&["save-draft", "save-draft", "priority agreed", "yes"]);
    bench.keeps(&said, "task-configure");
    assert!(said.contains("draft: 2 changes, not saved"), "{said}");
    let said = bench.types(&["plugin", "discard-draft", "cancel", "discard-draft", "yes"]);
    assert!(said.contains("The draft is forgotten"), "{said}");
}

#[test]
fn a_conflict_is_decided_by_lines_and_taken_back() {
    let mut bench = Bench::lines();
    let mut said = bench.types(&["conflicts", "open 1", "take-automation", "write"]);
    assert!(matches!(bench.model.overlay, Some(Overlay::Dialog(_))));
    bench.pass(Span(500));
    for line in ["asked by phone", "yes"] {
        bench.send(Msg::Typed(line.to_owned()));
        said += &bench.said();
    }
    let sent = bench.commands();
    assert!(
        matches!(&sent[..], [(reason, Command::Resolve(_))] if reason == "asked by phone"),
        "{sent:?}"
    );
    assert!(!bench.model.takes_line(), "what became of it is awaited");
    bench.world.agree(CLAIRE);
    bench.send(Msg::Told(Fact::Accepted(RunId(9))));
    said += &bench.said();
    assert!(bench.model.takes_line());
    bench.keeps(&said, "task-resolve");
}

/// Up to the yes that sends it.
fn decides(bench: &mut Bench) {
    bench.types(&["conflicts", "open 1", "take-automation", "write"]);
    for line in ["asked by phone", "yes"] {
        bench.send(Msg::Typed(line.to_owned()));
    }
    assert_eq!(bench.commands().len(), 1);
}

#[test]
fn a_cycle_that_begins_by_itself_answers_no_act_and_a_refusal_is_the_end_of_it() {
    let mut bench = Bench::lines();
    decides(&mut bench);
    bench.send(Msg::Told(Fact::CycleStarted));
    assert!(!bench.model.takes_line(), "what became of it is awaited");
    bench.send(Msg::Told(Fact::Refused(Refusal::NoSuchConflict(CLAIRE))));
    assert_eq!(bench.model.outcome(), Outcome::Failed);
    let mut bench = Bench::lines();
    decides(&mut bench);
    let run = RunId(9);
    let refused = vec![(CLAIRE, Refusal::NoSuchConflict(CLAIRE))];
    bench.send(Msg::Told(Fact::AcceptedInPart { run, refused }));
    assert!(bench.said().contains("all but 1"));
    assert_eq!(bench.model.outcome(), Outcome::Failed);
    let mut bench = Bench::lines();
    decides(&mut bench);
    bench.send(Msg::Told(Fact::Accepted(run)));
    assert_eq!(bench.model.outcome(), Outcome::Done);
}

#[test]
fn nothing_is_written_without_a_reason_and_a_yes() {
    let ask = ["conflicts", "open 1", "take-automation", "write"];
    for answers in [
        &[""][..],
        &["cancel"],
        &["because", ""],
        &["because", "no"],
        &["because", "YES"],
        &["because", "write"],
        &["because", "?", "maybe"],
    ] {
        let mut bench = Bench::lines();
        bench.types(&ask);
        let said = bench.types(answers);
        assert!(bench.model.overlay.is_none(), "{answers:?}");
        assert!(
            said.contains("note: Cancelled; nothing was written"),
            "{said}"
        );
    }
    let mut bench = Bench::lines();
    bench.types(&ask);
    assert_eq!(
        bench.model.outcome(),
        Outcome::Failed,
        "asked and not answered"
    );
    bench.types(&["because", "oui"]);
    assert_eq!(
        bench.model.outcome(),
        Outcome::Failed,
        "not this language's word"
    );
    bench.types(&["lang fr", "write", "parce que", "oui"]);
    assert_eq!(bench.model.outcome(), Outcome::Done);
}

#[test]
fn a_number_means_the_row_that_was_said_with_it() {
    let mut bench = Bench::lines();
    bench.types(&["conflicts"]);
    // The first one is decided meanwhile, and the others move up.
    bench.world.agree(CLAIRE);
    bench.sync_reports();
    assert_eq!(
        bench.said().lines().count(),
        1,
        "only that the chosen one is gone"
    );
    let said = bench.types(&["open 1"]);
    assert!(said.contains("row 1 is not there any more"), "{said}");
    assert_eq!(bench.model.outcome(), Outcome::Failed);
    assert!(bench.model.screens.conflicts.open.is_none());
    let said = bench.types(&["open 2"]);
    assert!(said.contains("paul"), "{said}");
    assert_eq!(
        bench.model.outcome(),
        Outcome::Failed,
        "until an act is done"
    );
    for (line, part) in [
        ("back", "Conflicts"),
        ("open 99", "no row was said with the number “99”"),
        ("open x", "no row was said with the number “x”"),
        ("choose 2", "Chosen: 2."),
        ("down", "nothing changed here"),
        ("take-salesforce 7", "not for this place"),
    ] {
        let said = bench.types(&[line]);
        assert!(said.contains(part), "{line}: {said}");
    }
}

#[test]
fn what_is_not_understood_says_what_is_meant() {
    let mut bench = Bench::lines();
    for (line, part) in [
        ("conflcts", "did you mean “conflicts”?"),
        ("xyzzy", "there is no word “xyzzy”"),
        ("take-base", "not for this place, but for: Conflicts"),
        ("press", "can only answer a question"),
        ("lang de", "lang is followed by one of: fr, en"),
        ("go-queues now", "takes nothing after it"),
        ("filter a", "not for this place"),
    ] {
        let said = bench.types(&[line]);
        assert!(
            said.starts_with("attention: ") || said.contains("\nattention: "),
            "{said}"
        );
        assert!(said.contains(part), "{line}: {said}");
        assert_eq!(bench.model.outcome(), Outcome::Misused);
    }
    assert_eq!(bench.types(&["", "# a remark"]), "");
    let long = "x".repeat(5_000);
    assert!(bench.types(&[&long]).contains("too long"));
}

#[test]
fn every_action_is_done_or_says_why_not() {
    let places: [&[&str]; 8] = [
        &["overview"],
        &["queues"],
        &["conflicts"],
        &["conflicts", "open 1"],
        &["contacts", "claire", "open 1"],
        &["activities"],
        &["plugin"],
        &["audit"],
    ];
    for place in places {
        for entry in ACTIONS {
            let mut bench = Bench::lines();
            bench.world.give_up(LinkId(1), "UNABLE_TO_LOCK_ROW");
            bench.types(place);
            bench.pass(Span(500));
            bench.send(Msg::Typed(entry.name.to_owned()));
            let said = bench.said();
            let is_counting = !bench.commands().is_empty() || !bench.model.takes_line();
            let has_left = bench.has_left();
            assert!(
                !said.is_empty() || is_counting || has_left,
                "{} at {place:?}",
                entry.name
            );
        }
    }
}

#[test]
fn a_viewer_is_told_at_the_start_and_when_they_try() {
    let mut bench = Bench::new();
    let mut start = start();
    start.instance.role = Role::Viewer;
    bench.model = Model::new(start.settings().unwrap());
    bench.begin_lines(None);
    let said = bench.types(&["conflicts", "open 1", "take-base"]);
    assert!(said.starts_with("PRACTICE\nattention: READ ONLY"), "{said}");
    assert!(said.contains("viewer"), "{said}");
    assert_eq!(bench.model.outcome(), Outcome::Denied);
}

#[test]
fn what_changed_under_a_dialog_is_not_written_and_not_done() {
    let mut bench = Bench::lines();
    bench.types(&["conflicts", "open 1", "take-automation", "write", "because"]);
    bench.world.change(CLAIRE, |link| link.generation.0 += 1);
    bench.sync_reports();
    let said = bench.types(&["yes"]);
    assert!(said.contains("attention: "), "{said}");
    assert!(bench.commands().is_empty());
    assert_eq!(bench.model.outcome(), Outcome::Failed);
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_for_ever() {
    let mut bench = Bench::lines();
    bench.types(&["conflicts", "open 1", "take-automation", "write", "because"]);
    bench.send(Msg::Typed("yes".to_owned()));
    assert!(!bench.model.takes_line() && bench.model.wants_time());
    bench.pass(Span::seconds(9));
    assert!(!bench.model.takes_line());
    bench.pass(Span::seconds(2));
    bench.pass(Span::seconds(1));
    assert!(bench.said().contains("attention: not answered yet"));
    assert!(bench.model.takes_line());
    assert_eq!(bench.model.outcome(), Outcome::Failed);
    bench.send(Msg::Told(Fact::Accepted(RunId(9))));
    assert!(
        bench.said().contains("note: Accepted as act 9"),
        "said when it comes"
    );
}

#[test]
fn who_comes_and_goes_is_said_and_nothing_is_said_again() {
    let mut bench = Bench::lines();
    bench.types(&["conflicts", "open 1"]);
    let one = |number, name: &str, looks_at| Present {
        session: SessionId(number),
        operator: Operator {
            name: name.to_owned(),
            from: String::new(),
        },
        role: Role::Operator,
        since: NOW,
        looks_at,
    };
    let here = |bench: &mut Bench, others: Vec<Present>| {
        let mut list = vec![one(1, "claire", None)];
        list.extend(others);
        bench.send(Msg::Present(std::sync::Arc::new(list)));
        bench.said()
    };
    assert_eq!(here(&mut bench, Vec::new()), "");
    assert_eq!(
        here(&mut bench, vec![one(2, "paul", None)]),
        "note: paul came\n"
    );
    let said = here(&mut bench, vec![one(2, "paul", Some(CLAIRE))]);
    assert!(said.contains("paul") && said.lines().count() == 1, "{said}");
    assert_eq!(here(&mut bench, Vec::new()), "note: paul left\n");
    bench.sync_reports();
    bench.sync_reports();
    assert_eq!(
        bench.said(),
        "",
        "what happens by itself is no reason to say a screen"
    );
}

#[test]
fn texts_are_asked_for_and_may_follow_their_word() {
    let mut bench = Bench::lines();
    let said = bench.types(&["conflicts", "filter", "email:paul"]);
    assert!(said.contains("Text? (blank means empty;"), "{said}");
    assert!(said.contains("1. ") && !said.rsplit("Text?").next().unwrap().contains("claire"));
    let said = bench.types(&["/sophie"]);
    assert!(said.contains("sophie") && !said.contains("paul"), "{said}");
    bench.types(&["filter", ""]);
    let said = bench.types(&["conflicts", "filter"]);
    assert!(said.contains("Now: sophie"), "it stands: {said}");
    let said = bench.types(&["blank"]);
    assert!(said.contains("paul") && said.contains("claire"), "{said}");
    let said = bench.types(&["contacts", "", "search claire"]);
    assert!(said.contains("1. ! claire"), "{said}");
    let said = bench.types(&["columns", "1", "2", ""]);
    assert!(said.contains("Columns: Whom"), "{said}");
}

#[test]
fn an_empty_answer_has_a_word_where_it_means_something() {
    let mut bench = Bench::lines();
    let said = bench.types(&["conflicts", "open 1", "type-value"]);
    assert!(said.contains("Text? (blank means empty;"), "{said}");
    let said = bench.types(&["blank", "write"]);
    assert!(
        said.contains("MobilePhone from “0601” to “(blank)”"),
        "{said}"
    );
    let mut bench = Bench::lines();
    let said = bench.types(&["conflicts", "set-aside 1 blank"]);
    assert!(said.contains("until somebody takes it back"), "{said}");
    // Where it is no answer it is a word like any other.
    let mut bench = Bench::lines();
    let said = bench.types(&["contacts", "blank"]);
    assert!(said.contains("“blank”"), "{said}");
}

#[test]
fn a_long_list_is_said_page_by_page_on_a_terminal_and_only_said_numbers_count() {
    let mut bench = Bench::empty();
    for number in 1..=45 {
        let link = person(number, &format!("p{number}@orion.example"));
        bench.world.links.insert(link.id, link);
    }
    bench.begin_lines(Some(80));
    let said = bench.types(&["contacts", "orion"]);
    assert!(
        said.contains("\n20. ") && !said.contains("\n21. "),
        "{said}"
    );
    assert!(
        said.contains("1 to 20 of 45; page-down and page-up say the others"),
        "{said}"
    );
    assert!(bench.types(&["open 21"]).contains("no row was said"));
    let said = bench.types(&["page-down"]);
    assert!(said.contains("\n21. ") && said.contains("\n40. "), "{said}");
    assert!(
        bench.types(&["open 3"]).contains("p3@orion.example"),
        "said before"
    );
    let said = bench.types(&["pause-view"]);
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn lines_keep_to_the_width_of_a_terminal() {
    let mut bench = Bench::new();
    bench.begin_lines(Some(40));
    let said = bench.types(&["plugin", "open 2", "doctor", "conflicts", "open 1", "help"]);
    for line in said.lines() {
        assert!(crate::console::Safe::new(line).width() <= 40, "{line}");
    }
    assert_eq!(bench.types(&["xyzzy"]).lines().count(), 2);
    assert_eq!(
        bench.model.outcome(),
        Outcome::Done,
        "whoever reads it needs no status"
    );
}
