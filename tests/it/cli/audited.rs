//! The audit by commands: findings that have an explanation, a head that was noted elsewhere, and a place
//! of its own for key and anchor.

use std::fs;
use std::process::Output;

use serde_json::Value as Json;

use super::{Company, SYNC, json, printed, said};
use crate::world::private;

const WHY: &str = "the folder moved to another machine";

fn asked(company: &Company, arguments: &[&str], status: i32) -> Output {
    let output = company.command(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    output
}

fn verified(company: &Company, status: i32) -> Json {
    let output = asked(company, &["audit", "verify", "--json"], status);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn an_admin_accepts_what_is_explained_and_the_next_check_tells_who_and_why() {
    let company = Company::new(1, 3);
    asked(&company, &["sync", "--until-idle", "--json"], 3);
    let head = verified(&company, 0)["head"]["mac"]
        .as_str()
        .unwrap()
        .to_owned();
    // Nothing is to be accepted, and never without a reason.
    asked(&company, &["audit", "accept", "--reason", WHY], 2);
    fs::remove_dir_all(company.file.with_file_name("data.audit")).unwrap();
    let found = verified(&company, 1);
    let codes = |verdict: &Json, name: &str| -> Vec<String> {
        let all = verdict[name].as_array().unwrap().iter();
        all.map(|one| one["code"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(codes(&found, "findings"), ["anchor-missing", "key-missing"]);
    asked(&company, &["audit", "accept"], 2);
    asked(&company, &["audit", "accept", "edited", "--reason", WHY], 2);
    asked(
        &company,
        &["audit", "accept", "--dry-run", "--reason", WHY],
        0,
    );
    assert_eq!(codes(&verified(&company, 1), "findings").len(), 2);

    asked(
        &company,
        &["audit", "accept", "key-missing", "--reason", WHY],
        0,
    );
    assert_eq!(
        codes(&verified(&company, 1), "findings"),
        ["anchor-missing"]
    );
    asked(&company, &["audit", "accept", "--reason", WHY], 0);
    let after = verified(&company, 0);
    assert_eq!(codes(&after, "accepted"), ["anchor-missing", "key-missing"]);
    assert_eq!(after["accepted"][0]["why"], WHY);
    let printed = asked(&company, &["audit", "verify"], 0);
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(
        printed.contains("Accepted by ") && printed.contains(WHY),
        "{printed}"
    );

    let noted = asked(&company, &["audit", "verify", "--head", &head], 0);
    let noted = String::from_utf8(noted.stdout).unwrap();
    assert!(
        noted.contains(&format!("the head {head} is that of seal ")),
        "{noted}"
    );
    let other = asked(
        &company,
        &["audit", "verify", "--head", "0123456789abcdef"],
        1,
    );
    let other = String::from_utf8(other.stdout).unwrap();
    assert!(other.contains("is not in the chain"), "{other}");
    asked(&company, &["audit", "verify", "--head", "xyz"], 2);
    // It happens again: what was accepted is not that.
    fs::remove_dir_all(company.file.with_file_name("data.audit")).unwrap();
    assert!(!codes(&verified(&company, 1), "findings").is_empty());
}

#[test]
fn who_is_no_admin_accepts_nothing() {
    let company = Company::new(1, 3);
    let name = nix::unistd::User::from_uid(nix::unistd::getuid());
    let name = name.unwrap().unwrap().name;
    let text = fs::read_to_string(&company.file).unwrap();
    let operators = format!("{text}\n[operators]\noperator = [\"{name}\"]\n");
    private(&company.file, &operators);
    asked(&company, &["audit", "accept", "--reason", WHY], 4);
}

#[test]
fn key_and_anchor_are_where_the_instance_file_says() {
    let company = Company::new(1, 3);
    let text = fs::read_to_string(&company.file).unwrap();
    let placed = text.replacen("[instance]\n", "[instance]\naudit = \"sealed\"\n", 1);
    assert_ne!(text, placed);
    private(&company.file, &placed);
    asked(&company, &["sync", "--until-idle", "--json"], 3);
    let verdict = verified(&company, 0);
    let folder = company.file.with_file_name("sealed");
    let anchor = folder.join("anchor").display().to_string();
    assert_eq!(verdict["anchor"], anchor);
    assert!(folder.join("key").exists());
    assert!(!company.file.with_file_name("data.audit").exists());
}

#[test]
fn each_of_two_acts_of_one_command_is_in_the_record() {
    let company = Company::new(1, 50);
    company.command(SYNC).output().unwrap();
    let count = |value: &Json| value.as_u64().unwrap();
    let dry = company.command(&["retry", "--dry-run", "--json"]).output();
    let dry = json(&dry.unwrap());
    assert!(
        count(&dry["writes"]) > 0 && count(&dry["activities"]) > 0,
        "{dry}"
    );
    let retry = ["retry", "--reason", "both are mended", "--json"];
    let output = company.command(&retry).output().unwrap();
    assert_ne!(output.status.code(), Some(1), "{}", said(&output));
    let listed = company.command(&["audit", "list", "--json"]).output();
    let listed = json(&listed.unwrap());
    let acts = listed["acts"].as_array().unwrap();
    assert_eq!(acts.len(), 2, "{listed}");
    assert!(
        acts.iter().all(|act| act["reason"] == "both are mended"),
        "{listed}"
    );
    assert_ne!(acts[0]["run"], acts[1]["run"]);
    let verified = company.command(&["audit", "verify"]).output().unwrap();
    assert_eq!(verified.status.code(), Some(0), "{}", printed(&verified));
}
