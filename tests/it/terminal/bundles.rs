//! The incident bundle at a terminal: by a key of the console, and asked about by the command.

use super::stage::AtTerminal;
use crate::cli::Company;

#[test]
fn a_key_of_the_console_writes_it_and_says_where_it_is() {
    let mut console = AtTerminal::demo(20);
    console.sees("Backlog").type_keys("8");
    console.sees("Doctor:").type_keys("x");
    console.sees("The bundle, without names, is in");
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn the_command_lists_what_is_in_it_and_asks_before_it_writes() {
    let company = Company::new(1, 3);
    let path = company.file.with_file_name("asked.json.gz");
    let file = company.file.to_str().unwrap();
    let out = path.to_str().unwrap();
    for (answer, is_written) in [("n\r", false), ("y\r", true)] {
        let mut asked = AtTerminal::runs(&["bundle", "--config", file, "--out", out]);
        asked.sees("settings").sees("write it to");
        assert!(!path.exists());
        asked.type_keys(answer);
        assert_eq!(asked.ends().code(), Some(0));
        assert_eq!(path.exists(), is_written);
    }
    let mut shown = AtTerminal::runs(&["open", out]);
    shown.sees("== about ==").sees("the next part");
    assert!(!shown.screen().contains("== versions =="));
    shown.type_keys("\r");
    shown.sees("== versions ==");
    shown.type_keys("q\r");
    assert_eq!(shown.ends().code(), Some(0));
}
