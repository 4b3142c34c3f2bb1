//! Logging in again and ending it: what is replaced, what a serving process goes by, what is on record.

use super::{
    ACCEPT, ALLOW, AUTOMATION_SECRET, REFRESH_TOKEN, RefreshPolicy, Stage, at_the_page, is_denied,
    said,
};

impl Stage {
    /// Logins that are alive at Salesforce.
    fn grants(&self) -> usize {
        let site = &self.company.serving.site;
        site.with_brain(|brain| brain.grants())
    }

    fn audited(&self) -> String {
        String::from_utf8(self.run(&["audit", "list"]).stdout).unwrap()
    }

    fn synced(self) -> Self {
        let synced = self.run(&["sync", "--until-idle", "--json"]);
        assert_eq!(synced.status.code(), Some(3), "{}", said(&synced));
        self
    }
}

#[test]
fn one_login_is_alive_at_salesforce_however_often_somebody_logs_in() {
    let stage = Stage::new().authorised();
    assert_eq!(stage.grants(), 1);
    let stage = stage.authorised();
    assert_eq!(stage.grants(), 1, "the one that was replaced is given back");
    // One that is let in and not proven.
    stage.app(|app| app.refresh = RefreshPolicy::ExpiresImmediately);
    let (mut asking, end) = at_the_page(&stage, ALLOW);
    asking.types(&end.unwrap());
    is_denied(&asking.ends(), &["Immediately expire refresh token"]);
    stage.app(|app| app.refresh = RefreshPolicy::UntilRevoked);
    assert_eq!(stage.grants(), 1);
    let checked = stage.run(&["authorize", "--check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
}

#[test]
fn a_login_is_on_record_before_its_code_is_spent() {
    let stage = Stage::new();
    let mut asking = stage.asks(&["authorize", "salesforce", "--paste", "--reason", "new user"]);
    asking.types("not the secret");
    let address = asking.address();
    asking.types(&stage.browse(&address, ALLOW).unwrap());
    is_denied(&asking.ends(), &["consumer secret"]);
    let audited = stage.audited();
    assert!(
        audited.contains("authorise") && audited.contains("new user"),
        "{audited}"
    );
}

#[test]
fn a_serving_process_forgets_at_once_what_somebody_ended() {
    let stage = Stage::new().authorised().synced();
    let served = stage.served();
    for side in ["salesforce", "automation"] {
        let checked = stage.run(&["authorize", side, "--check"]);
        assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
        let revoked = stage.run(&["revoke", side, "--yes", "--reason", "the contract ended"]);
        assert_eq!(revoked.status.code(), Some(0), "{}", said(&revoked));
        // Its access token at Automation would be good for another hour.
        let checked = stage.run(&["authorize", side, "--check"]);
        let told = said(&checked);
        assert!(told.contains("not authorised yet"), "{side}: {told}");
    }
    assert_eq!(stage.grants(), 0);
    let mut asking = stage.asks(&["authorize", "automation", "--paste"]);
    // Blanks around what is pasted are none of it.
    asking.types(&format!("  {AUTOMATION_SECRET} "));
    let address = asking.address();
    assert!(asking.heard.contains("30 seconds"), "{}", asking.heard);
    for _ in 0..7 {
        asking.types("");
    }
    asking.types(&stage.browse(&address, ACCEPT).unwrap());
    let ended = asking.ends();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
    let checked = stage.run(&["authorize", "automation", "--check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    assert_eq!(stage.holds(REFRESH_TOKEN), None);
    drop(served);
    let verified = stage.run(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
}

#[test]
fn keys_that_the_instance_file_gives_are_not_ended_from_here_and_nothing_else_is_said() {
    let stage = Stage::new();
    let file = stage.company.file.display().to_string();
    let given = Stage {
        file: stage.company.file.clone(),
        ..stage
    }
    .synced();
    let served = given.served();
    let mut asking = given.asks(&["revoke"]);
    asking.types("no");
    let said_all = asking.ends().said;
    assert_eq!(
        said_all.matches("given in the instance file").count(),
        2,
        "{said_all}"
    );
    assert!(!said_all.contains("the sync stops"), "{said_all}");
    let revoked = given.run(&["revoke", "--yes", "--reason", "to see"]);
    let printed = String::from_utf8(revoked.stdout.clone()).unwrap();
    assert_eq!(revoked.status.code(), Some(0), "{file}: {}", said(&revoked));
    assert!(
        printed.contains("passerelle queue pause salesforce"),
        "{printed}"
    );
    let done = given.run(&["sync", "--once", "all", "--json"]);
    assert!(matches!(done.status.code(), Some(0 | 3)), "{}", said(&done));
    drop(served);
}
