//! The audit by commands: what was done, by whom and why, and that nobody changed the record of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{Company, json, printed, refused, said};

fn synced(company: &Company) {
    let output = company
        .command(&["sync", "--until-idle", "--json"])
        .output()
        .unwrap();
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}",
        said(&output)
    );
}

#[test]
fn what_was_done_is_listed_verified_and_exported() {
    let company = Company::new(1, 40);
    synced(&company);
    let reason = "=as Claire asked";
    let republished = company.command(&["republish", "--reason", reason]);
    let output = { republished }.output().unwrap();
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}",
        said(&output)
    );

    let verify = |status: i32| {
        let output = company
            .command(&["audit", "verify", "--json"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(status), "{}", said(&output));
        json(&output)
    };
    let verdict = verify(0);
    assert_eq!(verdict["is_whole"], true, "{verdict}");
    assert!(verdict["entries"].as_u64().unwrap() > 40, "{verdict}");
    let anchor = verdict["anchor"].as_str().unwrap().to_owned();
    assert!(anchor.ends_with("/data.audit/anchor"), "{anchor}");

    let list = |more: &[&str]| {
        let arguments = [&["audit", "list", "--json"], more].concat();
        let output = company.command(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let listed = json(&output);
        listed["acts"].as_array().unwrap().clone()
    };
    let acts = list(&[]);
    assert_eq!(acts[0]["act"], "republish", "{acts:?}");
    assert_eq!(
        (&acts[0]["reason"], &acts[0]["from"]),
        (&reason.into(), &"this machine".into())
    );
    assert_eq!(
        list(&["--operator", "nobody"]),
        [] as [serde_json::Value; 0]
    );
    assert_eq!(list(&["--since", "1h"]).len(), acts.len());
    let since = &["audit", "list", "--since", "yesterday"];
    refused(&company.file, since, 2, &["is no time"]);

    let file = company.folder.path().join("acts.csv");
    let name = file.display().to_string();
    let export = &["audit", "export", &name, "--format", "csv"];
    let output = company.command(export).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(printed(&output).contains("acts written to"));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(",'=as Claire asked,"), "{text}");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    refused(&company.file, export, 1, &["could not be written"]);

    fs::remove_file(&anchor).unwrap();
    let verdict = verify(1);
    assert_eq!(
        verdict["findings"][0]["code"], "anchor-missing",
        "{verdict}"
    );
    let output = company.command(&["audit", "verify"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        printed(&output).contains("CHANGED: 1 found"),
        "{}",
        printed(&output)
    );
}
