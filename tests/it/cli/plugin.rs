//! The configuration by commands: changed by hand, by a file and back to an older version; refused with
//! a sentence and the status of the contract.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value as Json;

use super::{Company, json, printed, refused, said};

fn synced() -> Company {
    let company = Company::new(1, 40);
    ends(&company, &["sync", "--until-idle", "--json"]);
    company
}

/// Done, or done but for what needs a person.
#[track_caller]
fn ends(company: &Company, arguments: &[&str]) -> String {
    let output = company.command(arguments).output().unwrap();
    let status = output.status.code();
    assert!(
        matches!(status, Some(0 | 3)),
        "{status:?} {}",
        said(&output)
    );
    printed(&output)
}

fn asked(company: &Company, arguments: &[&str]) -> Json {
    let output = company.command(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    json(&output)
}

fn versions(company: &Company) -> Vec<Json> {
    let listed = asked(company, &["plugin", "versions", "--json"]);
    listed["versions"].as_array().unwrap().clone()
}

#[test]
fn a_pair_is_suggested_added_changed_taken_out_and_brought_back() {
    let company = synced();
    let suggested = ends(&company, &["plugin", "suggest"]);
    assert!(
        suggested.contains("passerelle plugin add people Fax salesforce fax"),
        "{suggested}"
    );
    let add = ["plugin", "add", "people", "Fax", "->", "fax"];
    let told = ends(&company, &[&add[..], &["--dry-run"]].concat());
    assert!(told.contains("Contact, added: Fax → fax"), "{told}");
    assert!(told.contains("New pairs: of "), "{told}");
    assert_eq!(versions(&company).len(), 1, "a dry run changes nothing");

    ends(
        &company,
        &[&add[..], &["--yes", "--reason", "asked for"]].concat(),
    );
    let change = [
        "plugin", "change", "people", "fax", "fax", "--arrow", "both",
    ];
    let change = [&change[..], &["--review", "on", "--yes", "--json"]].concat();
    ends(&company, &change);
    let now = asked(&company, &["plugin", "--json"]);
    assert_eq!(now["version"], 3);
    let person = now["policy"]["mapping"]["person"].as_array().unwrap();
    let fax = person
        .iter()
        .find(|rule| rule["salesforce"] == "Fax")
        .unwrap();
    assert_eq!(
        (&fax["arrow"], &fax["overwritten"]),
        (&"both".into(), &"review".into())
    );

    let acts = asked(&company, &["audit", "list", "--json"]);
    assert_eq!(acts["acts"][1]["reason"], "asked for", "{acts}");
    assert_eq!(versions(&company)[0]["author"], acts["acts"][0]["operator"]);

    ends(
        &company,
        &["plugin", "remove", "people", "Fax", "fax", "--yes"],
    );
    let back = asked(&company, &["plugin", "diff", "3", "--json"]);
    assert_eq!(back["changes"][0], "Contact, added: Fax ↔ fax", "{back}");
    ends(&company, &["plugin", "roll-back", "3", "--yes"]);
    let told = ends(&company, &["plugin", "diff", "3"]);
    assert_eq!(told, "Nothing would change.\n");
    assert_eq!(versions(&company).len(), 5);
}

#[test]
fn what_is_exported_is_imported_elsewhere_and_changes_nothing_here() {
    let company = synced();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plugin.toml");
    let path = file.to_str().unwrap();
    ends(&company, &["plugin", "export", path]);
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    refused(&company.file, &["plugin", "export", path], 2, &["--force"]);
    assert_eq!(
        ends(&company, &["plugin", "import", path]),
        "Nothing would change.\n"
    );
    let text = ends(&company, &["plugin", "export"]);
    assert_eq!(text, fs::read_to_string(&file).unwrap());

    let changed = text.replace("enabled = false", "enabled = true\n");
    let changed = changed.replace("update_blanks = false", "update_blanks = true");
    fs::write(&file, format!("{changed}\n[instance]\nname = \"other\"\n")).unwrap();
    let import = [
        "plugin",
        "import",
        path,
        "--yes",
        "--reason",
        "from the test system",
    ];
    let output = company.command(&import).output().unwrap();
    let notes = said(&output);
    assert!(notes.contains("[instance] is left out"), "{notes}");
    let told = printed(&output);
    assert!(told.contains("Update blank values: off → on"), "{told}");
    assert!(told.contains("Schedule: off → on"), "{told}");
    let now = asked(&company, &["plugin", "--json"]);
    assert_eq!(now["timetable"]["is_enabled"], true);

    // The instance file is what the first version was made from.
    let told = ends(&company, &["plugin", "diff"]);
    assert!(told.contains("Update blank values: on → off"), "{told}");

    fs::write(
        &file,
        "[plugin]\n\n[[mapping.person]]\nsalesforce = \"Emial\"\n",
    )
    .unwrap();
    let line = format!("{path}, line 3");
    refused(
        &company.file,
        &["plugin", "import", path, "--yes"],
        2,
        &[&line],
    );
    let text =
        "[[mapping.person]]\nsalesforce = \"Emial\"\nautomation = \"email\"\narrow = \"both\"\n";
    fs::write(&file, text).unwrap();
    let words = ["line 1: ", "did you mean “Email”"];
    refused(&company.file, &["plugin", "diff", path], 2, &words);
}

#[test]
fn what_cannot_be_is_refused_with_a_sentence_and_its_status() {
    let company = synced();
    for (arguments, words) in [
        (
            &["set", "objects", "Lead", "--yes"][..],
            "Account must be synced",
        ),
        (&["set", "published", "maybe"], "on or off"),
        (&["set", "colour", "blue"], "known are: published"),
        (&["set", "schedule.pull", "1s"], "10 s at least"),
        (&["set", "update_blanks", "on"], "--yes, or --dry-run"),
        (
            &["add", "people", "Fax", "automation", "id"],
            "Noyau - ID du contact",
        ),
        (
            &["add", "people", "Fax", "both", "@timeline_link"],
            "one way only",
        ),
        (
            &["add", "people", "Fax", "salesforce", "phone", "--yes"],
            "two pairs would write",
        ),
        (
            &["add", "people", "Fx", "salesforce", "fax"],
            "did you mean “Fax”",
        ),
        (
            &["change", "people", "Fax", "fax", "--arrow", "both"],
            "not mapped to each other",
        ),
        (&["remove", "people", "OwnerId", "owner"], "sync_owners off"),
        (&["roll-back", "99", "--yes"], "no version 99"),
        (&["diff", "/nowhere.toml"], "cannot be read"),
    ] {
        let arguments = [&["plugin"], arguments].concat();
        let output = company.command(&arguments).output().unwrap();
        let told = said(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {told}");
        assert!(told.contains(words), "“{words}” is not in: {told}");
    }
    assert_eq!(versions(&company).len(), 1);
    let ourselves = nix::unistd::User::from_uid(nix::unistd::getuid());
    let name = ourselves.unwrap().unwrap().name;
    let operators = format!("[operators]\nviewer = [\"{name}\"]\n\n[plugin]");
    let looker = company.with("[plugin]", &operators);
    let set = [
        "plugin",
        "set",
        "update_blanks",
        "on",
        "--yes",
        "--reason",
        "x",
    ];
    refused(&looker, &set, 4, &["admin"]);
    assert!(ends_for(&looker, &["plugin", "versions"]).contains("version 1"));
}

/// Whoever only looks sees all of it.
#[track_caller]
fn ends_for(file: &std::path::Path, arguments: &[&str]) -> String {
    let output = super::command(file, arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    printed(&output)
}

/// The lines of the listing that are about these two fields.
fn listed(company: &Company, pair: &str) -> Vec<String> {
    let told = ends(company, &["plugin"]);
    let lines = told.lines().map(str::trim);
    let of_it = lines.filter(|line| line.contains(pair));
    of_it.map(ToOwned::to_owned).collect()
}

#[test]
fn of_two_pairs_of_the_same_fields_the_one_is_changed_that_was_named() {
    let company = synced();
    let does = |arguments: &[&str]| ends(&company, &[arguments, &["--yes"]].concat());
    let change = ["plugin", "change", "people", "MobilePhone", "mobile"];
    assert_eq!(
        listed(&company, "MobilePhone ↔ mobile"),
        ["MobilePhone ↔ mobile · Lead, Contact"]
    );
    does(&[&change[..], &["--set-objects", "Lead", "--review", "on"]].concat());
    let add = ["plugin", "add", "people", "MobilePhone", "both", "mobile"];
    does(&[&add[..], &["--objects", "Contact"]].concat());
    let both = [
        "MobilePhone ↔ mobile · Lead · review",
        "MobilePhone ↔ mobile · Contact",
    ];
    assert_eq!(listed(&company, "MobilePhone ↔ mobile"), both);

    let ambiguous = ["2 pairs", "--objects Lead or --objects Contact"];
    let remove = ["plugin", "remove", "people", "mobilephone", "mobile"];
    refused(&company.file, &remove, 2, &ambiguous);
    let turn = [&change[..], &["--arrow", "automation"]].concat();
    refused(&company.file, &turn, 2, &ambiguous);
    let neither = [&remove[..], &["--objects", "Lead,Contact"]].concat();
    refused(
        &company.file,
        &neither,
        2,
        &["no pair", "for exactly Lead,Contact", "--set-objects"],
    );
    assert_eq!(listed(&company, "MobilePhone ↔ mobile"), both);

    does(&[&turn[..], &["--objects", "contact"]].concat());
    assert_eq!(
        listed(&company, "MobilePhone"),
        [both[0], "MobilePhone ← mobile · Contact"]
    );
    does(&[&remove[..], &["--objects", "Lead"]].concat());
    assert_eq!(
        listed(&company, "MobilePhone"),
        ["MobilePhone ← mobile · Contact"]
    );
    // Of one alone nothing more has to be said.
    does(&remove);
    assert_eq!(listed(&company, "MobilePhone"), [""; 0]);
}

#[test]
fn going_back_to_a_version_without_a_schedule_says_that_the_schedule_stays() {
    let company = synced();
    let stays = "the schedule stays as it is now";
    let set = |name: &str, value: &str| {
        ends(&company, &["plugin", "set", name, value, "--yes"]);
    };
    let back = ["plugin", "roll-back", "1", "--dry-run"];
    set("update_blanks", "on");
    let told = ends(&company, &back);
    assert!(!told.contains(stays), "there was one schedule only: {told}");
    set("schedule.pull", "2h");
    let told = ends(&company, &back);
    assert!(
        told.contains("warning: version 1 ") && told.contains(stays),
        "{told}"
    );
    let told = asked(&company, &[&back[..], &["--json"]].concat());
    assert_eq!(told["objections"][0]["code"], "doubt-no-times", "{told}");
    set("update_blanks", "off");
    let told = ends(&company, &back);
    assert!(
        told.starts_with("Nothing would change.\n") && told.contains(stays),
        "{told}"
    );
    // One that has its own brings it along.
    set("schedule.pull", "3h");
    let told = ends(&company, &["plugin", "roll-back", "3", "--dry-run"]);
    assert!(
        told.contains("3 h → 2 h") && !told.contains(stays),
        "{told}"
    );
}
