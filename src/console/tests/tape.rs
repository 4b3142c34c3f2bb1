//! Recordings: the same messages are the same screens; a file that is none says so.

use crossterm::event::{KeyCode, KeyEvent};
use proptest::prelude::*;

use super::bench::{self, Bench};
use crate::console::Msg;
use crate::console::tape::{Entry, Head, Player, Tape, Turned};
use crate::domain::command::{Fact, Refusal};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::ids::{LinkId, RunId, Side};
use crate::domain::snapshot::Budget;

/// What may happen to a console, keys as key files write them.
const HAPPENINGS: [&str; 34] = [
    "1", "2", "3", "4", "5", "6", "9", "enter", "esc", "down", "up", "j", "G", "space", "a", "s",
    "b", "w", "tab", "u", "t", "T", "r", "?", ":", "/", "e", "[", "x", "@text", "@fact", "@report",
    "@size", "@paste",
];

fn happen(bench: &mut Bench, what: &str) {
    match what {
        "@text" => drop(bench.type_text("né").keys("enter")),
        "@fact" => {
            let refused = Fact::Refused(Refusal::NoSuchLink(LinkId(7)));
            bench.send(Msg::Told(refused));
            bench.send(Msg::Told(Fact::Accepted(RunId(3))));
        }
        "@report" => {
            bench.sync_reports_that(|snapshot| {
                let failure = Failure::new(FailureKind::Throttled { until: None }, "503", "later");
                snapshot.stopped.insert(Side::Automation, failure);
                snapshot.limit = Some((12, 15_000));
                snapshot.budget = Some(Budget {
                    spent: 12,
                    allowed: 7_500,
                    reserved: 375,
                    lately: 2,
                    eases: None,
                });
            });
        }
        "@size" => drop(bench.send(Msg::Resized(120, 40))),
        "@paste" => drop(bench.send(Msg::Pasted("a\nb \u{202e}漢".to_owned()))),
        keys => drop(bench.keys(keys)),
    }
}

pub(super) fn recorded(heard: &[Msg]) -> String {
    let mut text = serde_json::to_string(&Head::new(bench::start())).unwrap() + "\n";
    for msg in heard {
        let entry = Entry {
            at: bench::NOW,
            msg: msg.clone(),
        };
        text += &(serde_json::to_string(&entry).unwrap() + "\n");
    }
    text
}

pub(super) fn player(text: &str) -> Player {
    Player::new(Tape::read("a.rec", text).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn replayed_a_session_shows_the_screens_that_it_showed(
        happenings in prop::collection::vec(0..HAPPENINGS.len(), 1..40),
        back in any::<prop::sample::Index>(),
    ) {
        let mut bench = Bench::new();
        bench.world.add_act(LinkId(1));
        bench.world.give_up(LinkId(2), "STRING_TOO_LONG");
        let mut shown = Vec::new();
        for happening in happenings {
            happen(&mut bench, HAPPENINGS[happening]);
            shown.push((bench.heard.len(), bench.buffer()));
        }
        let mut player = player(&recorded(&bench.heard));
        prop_assert_eq!(player.len(), bench.heard.len());
        for (number, screen) in &shown {
            player.go_to(*number);
            prop_assert_eq!(&player.screen(), screen);
        }
        let (number, screen) = back.get(&shown);
        player.go_to(*number);
        prop_assert_eq!(&player.screen(), screen);
    }
}

fn seen(player: &Player, size: (u16, u16)) -> String {
    let area = ratatui::layout::Rect::new(0, 0, size.0, size.1);
    let mut buffer = ratatui::buffer::Buffer::empty(area);
    player.paint(&mut buffer);
    let lines = buffer.content().chunks(usize::from(size.0));
    let line = |cells: &[ratatui::buffer::Cell]| {
        let text: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.trim_end().to_owned() + "\n"
    };
    lines.map(line).collect()
}

#[test]
fn the_player_goes_forward_back_and_to_a_number_and_says_where_it_is() {
    let mut bench = Bench::new();
    bench.keys("3 enter");
    let of = bench.heard.len();
    let mut player = player(&recorded(&bench.heard));
    let press = |player: &mut Player, code: KeyCode| player.press(KeyEvent::from(code));
    assert!(seen(&player, (80, 26)).contains(&format!("0 of {of}")));
    press(&mut player, KeyCode::End);
    let last = seen(&player, (80, 26));
    assert!(last.contains("Cause: both systems changed it"), "{last}");
    assert!(
        last.contains(&format!("{of} of {of} · 09:15:02 UTC · {{\"answered\":")),
        "{last}"
    );
    press(&mut player, KeyCode::Char(' '));
    assert_eq!(
        seen(&player, (80, 26)),
        last,
        "there is nothing after the last"
    );
    press(&mut player, KeyCode::Left);
    press(&mut player, KeyCode::Left);
    press(&mut player, KeyCode::Right);
    let key = seen(&player, (80, 26));
    assert!(
        key.contains(&format!("{} of {of} · 09:15:02 UTC · key enter", of - 1)),
        "{key}"
    );
    for c in "g1".chars() {
        press(&mut player, KeyCode::Char(c));
    }
    assert!(seen(&player, (80, 26)).contains("Go to message: 1"));
    press(&mut player, KeyCode::Enter);
    assert!(seen(&player, (80, 24)).contains(&format!("1 of {of}")));
    assert!(seen(&player, (80, 24)).contains("the screen was 80×24, cut here"));
    assert_eq!(press(&mut player, KeyCode::Char('q')), Turned::Left);
}

#[test]
fn a_file_that_is_no_recording_or_damaged_is_named_with_its_line_and_a_remedy() {
    let mut bench = Bench::new();
    bench.keys("3");
    let whole = recorded(&bench.heard);
    let refused = |text: &str| Tape::read("a.rec", text).unwrap_err().to_string();
    for foreign in [
        "",
        "\n",
        "[instance]\n",
        "{\"a\":1}\n",
        "{\"at\":0,\"msg\":\"busy\"}\n",
    ] {
        let said = refused(foreign);
        assert!(
            said.starts_with("a.rec, line 1: this is not a recording"),
            "{said}"
        );
        assert!(said.contains("--record"), "{said}");
    }
    let other = whole.replacen("recording\":1", "recording\":9", 1);
    assert!(
        refused(&other).contains("version 9, not 1"),
        "{}",
        refused(&other)
    );
    let mut lines: Vec<&str> = whole.lines().collect();
    lines[2] = "{\"at\":1,\"msg\":{\"flown\":2}}";
    let said = refused(&(lines.join("\n") + "\n"));
    assert!(
        said.starts_with("a.rec, line 3: damaged (unknown variant `flown`"),
        "{said}"
    );
    assert!(said.ends_with("head -n 2 FILE > ANOTHER"), "{said}");
    let tape = Tape::read("a.rec", &whole[..whole.len() - 9]).unwrap();
    assert_eq!(
        Player::new(tape).unwrap().len(),
        bench.heard.len() - 1,
        "cut off: left out"
    );
}
