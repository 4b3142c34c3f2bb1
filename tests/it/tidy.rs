//! The architecture, executable: who may import whom, what a room never mentions, how long things
//! may get. Reads the sources as text; each rule is tried on a bad snippet below.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Room, what it may import, words it never mentions.
const ROOMS: [(&str, &[&str], &[&str]); 11] = [
    (
        "domain",
        &[],
        &[
            "tokio",
            "sled",
            "async fn",
            ".await",
            "std::fs",
            "SystemTime",
            "Instant",
        ],
    ),
    (
        "engine",
        &["domain"],
        &[
            "tokio",
            "sled",
            "async fn",
            ".await",
            "std::fs",
            "std::net",
            "SystemTime",
            "Instant",
            "rand",
        ],
    ),
    ("ports", &["domain"], &["reqwest", "sled", "axum"]),
    ("adapters", &["domain", "ports"], &["sled", "crate::sim"]),
    ("store", &["domain", "ports"], &["reqwest", "axum"]),
    ("sim", &["domain", "ports"], &["sled", "crate::adapters"]),
    (
        "pool",
        &["domain", "engine", "ports"],
        &["sled", "reqwest", "axum"],
    ),
    (
        "console",
        &["domain"],
        &[
            "tokio",
            "sled",
            "async fn",
            ".await",
            "std::fs",
            "std::net",
            "SystemTime",
            "Instant",
            // Text reaches the screen through the canvas, which makes it safe.
            "set_symbol",
            "set_char",
        ],
    ),
    (
        "session",
        &["domain", "console"],
        &["sled", "reqwest", "axum"],
    ),
    (
        "app",
        &[
            "domain", "engine", "ports", "adapters", "store", "sim", "pool", "console", "session",
        ],
        &[],
    ),
    ("main", &["app"], &[]),
];

/// The only file that may name the embedded database as code.
const SLED_FILE: &str = "src/store/durable.rs";

/// Lines of a file without its tests, and of one function.
const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// Files and functions over budget, each for a reason. The list must match exactly, so that mending
/// one takes its line out.
const OVER_BUDGET: [(&str, &str); 0] = [];

/// Words that have no place in a finished source.
const UNFINISHED: [&str; 3] = ["FIXME", "XXX", "unimplemented!"];

#[test]
fn every_room_keeps_to_its_imports() {
    report(&rust_files("src"), imports);
}

#[test]
fn no_room_mentions_what_is_not_its_business() {
    report(&rust_files("src"), forbidden_words);
}

#[test]
fn every_file_says_what_it_is_for() {
    report(&all_files(), |path, text| {
        let is_blank = text.trim().is_empty();
        if text.starts_with("//!") || is_blank {
            Vec::new()
        } else {
            vec![format!("{path}:1: begins without //!")]
        }
    });
}

#[test]
fn nothing_is_left_unfinished_and_no_state_is_global() {
    report(&all_files(), unfinished);
}

#[test]
fn files_and_functions_keep_to_their_budget() {
    let over: BTreeSet<(String, String)> = rust_files("src")
        .iter()
        .filter(|(path, _)| !path.ends_with("tests.rs"))
        .flat_map(|(path, text)| over_budget(path, text))
        .map(|(path, what, _)| (path, what))
        .collect();
    let known: BTreeSet<(String, String)> = OVER_BUDGET
        .iter()
        .map(|(path, what)| ((*path).into(), (*what).into()))
        .collect();
    let new: Vec<_> = over.difference(&known).collect();
    let mended: Vec<_> = known.difference(&over).collect();
    assert!(new.is_empty(), "over budget: {new:#?}");
    assert!(
        mended.is_empty(),
        "no longer over budget, take them off the list: {mended:#?}"
    );
}

#[test]
fn the_checks_find_what_they_are_for() {
    let bad = "//! x\nuse crate::ports::Clock;\n";
    assert_eq!(
        imports("src/engine/mod.rs", bad),
        ["src/engine/mod.rs:2: engine may not import ports"]
    );
    let nested = "//! x\nuse crate::{domain::ids, store};\n";
    assert_eq!(
        imports("src/pool/x.rs", nested),
        ["src/pool/x.rs:2: pool may not import store"]
    );
    let inline = "//! x\nfn f() { crate::app::main(); }\n";
    assert_eq!(
        imports("src/sim/x.rs", inline),
        ["src/sim/x.rs:2: sim may not import app"]
    );
    assert!(
        imports("src/engine/mod.rs", "//! crate::ports\n").is_empty(),
        "comments are free"
    );
    let clock = "//! x\nlet now = SystemTime::now();\n";
    assert_eq!(forbidden_words("src/domain/x.rs", clock).len(), 1);
    assert_eq!(unfinished("src/x.rs", "//! x\nthread_local! {}\n").len(), 1);
    let long = format!(
        "//! x\nfn long() {{\n{}}}\n",
        "    x();\n".repeat(FUNCTION_LINES_MAX)
    );
    assert_eq!(over_budget("src/x.rs", &long)[0].1, "long");
    assert!(over_budget("src/x.rs", &long.replacen("    x();\n", "", 3)).is_empty());
    let big = format!("//! x\n{}", "const X: u8 = 1;\n".repeat(FILE_LINES_MAX));
    assert_eq!(over_budget("src/x.rs", &big)[0].1, "file");
}

fn report(files: &[(String, String)], check: impl Fn(&str, &str) -> Vec<String>) {
    assert!(!files.is_empty(), "no sources were found");
    let found: Vec<String> = files
        .iter()
        .flat_map(|(path, text)| check(path, text))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn imports(path: &str, text: &str) -> Vec<String> {
    let Some((room, allowed, _)) = room(path) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (number, line) in code_lines(text) {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(group) => group.split(',').map(first_word).collect(),
                None => vec![first_word(rest)],
            };
            for name in names.into_iter().filter(|name| is_room(name)) {
                if name != room && !allowed.contains(&name) {
                    found.push(format!("{path}:{number}: {room} may not import {name}"));
                }
            }
        }
    }
    found
}

fn forbidden_words(path: &str, text: &str) -> Vec<String> {
    let Some((room, _, words)) = room(path) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    // Tests may read the sources and the kept screens; nothing else of a room's is let off.
    let tests_from = if path.contains("/tests/") {
        0
    } else {
        let lines = text.lines().position(|line| line == "#[cfg(test)]");
        lines.unwrap_or(usize::MAX)
    };
    for (number, line) in code_lines(text) {
        for word in words {
            let is_tests_read = *word == "std::fs" && number > tests_from;
            if path != SLED_FILE && !is_tests_read && mentions(line, word) {
                found.push(format!("{path}:{number}: {room} never mentions “{word}”"));
            }
        }
    }
    found
}

fn unfinished(path: &str, text: &str) -> Vec<String> {
    if path.ends_with("tidy.rs") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in
            UNFINISHED
                .iter()
                .chain(&["thread_local!", "OnceLock", "LazyLock", "static mut"])
        {
            if line.contains(word) {
                found.push(format!("{path}:{}: “{word}”", number + 1));
            }
        }
    }
    found
}

/// What is too long: the path, the function (or `file`), its lines.
fn over_budget(path: &str, text: &str) -> Vec<(String, String, usize)> {
    let net = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text);
    let mut found = Vec::new();
    let lines: Vec<&str> = net.lines().collect();
    if lines.len() > FILE_LINES_MAX {
        found.push((path.to_owned(), "file".to_owned(), lines.len()));
    }
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indent));
        let end = lines[start..].iter().position(|line| **line == closing);
        let length = end.map_or(1, |end| end + 1);
        if length > FUNCTION_LINES_MAX {
            found.push((path.to_owned(), name.to_owned(), length));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let at = line.find("fn ").filter(|at| {
        let before = &line[..*at];
        before.split_whitespace().all(|word| {
            matches!(word, "async" | "const" | "unsafe" | "pub") || word.starts_with("pub(")
        })
    })?;
    Some(first_word(&line[at + 3..]))
}

/// Lines with their numbers, comments left out.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or(line)))
        .filter(|(_, line)| !line.trim().is_empty())
}

fn room(
    path: &str,
) -> Option<(
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
)> {
    let name = path
        .strip_prefix("src/")?
        .split('/')
        .next()?
        .trim_end_matches(".rs");
    ROOMS.into_iter().find(|(room, ..)| *room == name)
}

fn is_room(name: &str) -> bool {
    ROOMS.iter().any(|(room, ..)| *room == name)
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// As a word of its own: `rand` is not `operand`.
fn mentions(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let starts = word.starts_with(|c: char| c.is_alphanumeric());
        let ends = word.ends_with(|c: char| c.is_alphanumeric());
        !(starts && is_name(before) || ends && is_name(after))
    })
}

fn all_files() -> Vec<(String, String)> {
    [
        rust_files("src"),
        rust_files("tests"),
        rust_files("benches"),
    ]
    .concat()
}

/// Every Rust file below a folder of the crate, in order.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join(folder), &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source can be read");
            let name = path
                .strip_prefix(root)
                .expect("below the root")
                .display()
                .to_string();
            (name, text)
        })
        .collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}
