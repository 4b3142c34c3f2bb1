//! The incident bundle at a terminal: by a key of the console, and asked about by the command.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::stage::AtTerminal;
use crate::cli::Company;

#[test]
fn a_key_of_the_console_writes_it_and_says_where_it_is() {
    let mut console = AtTerminal::demo(20);
    console.sees("Backlog").type_keys("8");
    console.sees("Doctor:").type_keys("x");
    console.sees("what the doctor found").sees("[> Cancel <]");
    console.type_keys("not well\r");
    console.sees("[> Confirm <]").type_keys("\r");
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
    let mut shown = AtTerminal::runs(&["open", out, "--print"]);
    shown.sees("== log ==");
    assert_eq!(shown.ends().code(), Some(0));
}

/// Somebody else's machine: there is no instance file.
fn opens(path: &str) -> AtTerminal {
    AtTerminal::runs(&["open", path, "--config", "/nowhere/instance.toml"])
}

#[test]
fn a_bundle_opens_as_a_console_that_only_looks() {
    let company = Company::new(1, 50);
    let synced = company
        .command(&["sync", "--until-idle", "--json"])
        .output();
    assert_eq!(synced.unwrap().status.code(), Some(3));
    let path = company.file.with_file_name("shown.json.gz");
    let out = path.to_str().unwrap();
    let made = company.command(&["bundle", "--yes", "--out", out]).output();
    assert_eq!(made.unwrap().status.code(), Some(0));

    let mut console = opens(out);
    console.sees("BUNDLE").sees("READ ONLY").sees("bundle of ");
    console.sees("passerelle 0.");
    console.type_keys("3");
    console.sees("Conflicts:").sees("@masked.example");
    console.type_keys("\r");
    console.sees("person-").type_keys("s");
    console.sees("this is a bundle");
    for (key, title) in [
        ("2", "2 Queues"),
        ("5", "5 Flags"),
        ("6", "6 Activities"),
        ("7", "7 Plugin"),
        ("8", "8 Doctor"),
        ("9", "9 Audit"),
    ] {
        console.type_keys(key);
        console.sees(title);
    }
    // Nobody is found by an address, which nobody has; by a token they are.
    console.type_keys("4");
    console.sees("Find").type_keys("masked.example\r");
    console.loses("Find").sees("person-");
    // It would read the two systems, or write a file.
    console.type_keys("8");
    console.sees("Doctor:").type_keys("x");
    console.sees("nothing is sent");
    console.type_keys("\x1bOQ");
    console.sees("== about ==").type_keys("\x1b[6~");
    console.sees("== settings ==");
    console.type_keys("\r");
    console.loses("== settings ==");
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn a_bundle_of_the_first_form_opens_with_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.json.gz");
    let text = include_str!("../../recorded/bundle-1.json");
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(text.as_bytes()).unwrap();
    fs::write(&path, packed.finish().unwrap()).unwrap();
    let mut console = opens(path.to_str().unwrap());
    console.sees("an older one");
    console.type_keys("9");
    console.sees("user-0a1b2c3d4e");
    console.type_keys("8");
    console.sees("Doctor: 1");
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}
