//! A window that is dragged about, and a world that moves under the operator's hands.

use super::stage::AtTerminal;

/// Whether every line of a screen of that size is where it belongs.
fn is_drawn(console: &AtTerminal, columns: usize, rows: usize) -> bool {
    let lines = console.lines();
    let rules = lines.iter().filter(|line| **line == "─".repeat(columns));
    lines.len() == rows
        && lines[0].starts_with(" PRACTICE")
        && lines[2] == "─".repeat(columns)
        && rules.count() >= 2
        && lines[rows - 1].contains("? help")
}

#[test]
fn a_storm_of_sizes_ends_with_the_screen_that_belongs_to_the_last_one() {
    let mut console = AtTerminal::owns(&["demo", "--people", "20"]);
    console.sees("idle;");
    console.type_keys("3");
    console.sees(" ago");
    let mut state = 11_u32;
    for round in 0..40 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let columns = 60 + (state >> 8) % 181;
        let rows = 20 + (state >> 20) % 41;
        console.resize(columns as u16, rows as u16);
        if round % 8 == 0 {
            console.type_keys("jk");
        }
    }
    for (columns, rows) in [(60, 20), (240, 60), (97, 31)] {
        console.resize(columns, rows);
        let (columns, rows) = (usize::from(columns), usize::from(rows));
        console.shows("drawn for its size", |console| {
            is_drawn(console, columns, rows)
        });
    }
    console.resize(40, 10);
    console.sees("at least 60×20");
    console.resize(80, 24);
    console.shows("drawn for its size", |console| is_drawn(console, 80, 24));
    console.type_keys("?");
    console.sees("What can be done here");
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}

/// The name before the sign of the address: a list may cut what follows.
fn whom(line: &str) -> String {
    let name = line.trim_start_matches([' ', '●']);
    name.split('@').next().unwrap_or_default().to_owned()
}

/// How many conflicts the tab counts, whatever lies over the screen.
fn count(console: &AtTerminal) -> Option<usize> {
    let line = console.lines().into_iter().next()?;
    let (_, rest) = line.split_once('!')?;
    rest.split(' ').next()?.parse().ok()
}

#[test]
fn what_is_confirmed_is_what_was_chosen_whatever_moves_meanwhile() {
    let mut console = AtTerminal::owns(&["demo", "--people", "400", "--latency-ms", "40"]);
    console.sees("idle;");
    console.type_keys("3");
    console.sees(" ago");
    console.type_keys("/");
    console.sees("Show only");
    console.type_keys("↔\r");
    console.sees("/ ↔").sees("space mark");
    let first = whom(&console.chosen().expect("a line"));
    console.type_keys(" ");
    console.sees("1 marked");
    console.shows("on the next", |console| {
        console.chosen().is_some_and(|line| whom(&line) != first)
    });
    let second = whom(&console.chosen().expect("a line"));
    console.shows("the count", |console| count(console).is_some());
    let before = count(&console).expect("conflicts");

    // The line above the chosen one goes.
    console.type_keys("A");
    console.sees("for the marked contact").sees(&first);
    console.type_keys("asked by phone\r");
    console.sees("[> Confirm <]");
    console.type_keys("\r");
    console.shows("one less", |console| {
        count(console) == Some(before - 1) && !console.screen().contains(&first)
    });
    assert_eq!(whom(&console.chosen().expect("a line")), second);

    // It comes back while a dialog about the other one is open.
    console.type_keys("u");
    console.sees("Undo a decision").sees("asked by phone");
    console.type_keys("a mistake\r");
    console.sees("[> Confirm <]");
    console.type_keys("\r");
    console.shows("the list", |console| !console.screen().contains("Confirm"));
    console.type_keys("\r");
    console.sees("Cause:").sees(&second).sees("s Salesforce");
    console.type_keys("s");
    console.sees("w see writes");
    console.type_keys("w");
    console.sees("What will be written").sees("[> Cancel <]");
    console.shows("as many as before", |console| {
        count(console) == Some(before)
    });
    console.sees("What will be written").sees(&second);
    console.type_keys("she said so\r");
    console.sees("[> Confirm <]");
    console.type_keys("\r");
    console.sees("both systems agree").sees(&second);
    console.type_keys("\x1b");
    console.shows("only the first one", |console| {
        let screen = console.screen();
        screen.contains(&first) && !screen.contains(&second)
    });
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}
