//! Being let in without anybody at a browser: by a signed assertion in Salesforce, by user name and
//! password in Automation. And whose login it is, and where a browser comes back to.

use base64::Engine as _;
use ring::signature::{KeyPair as _, RsaKeyPair};

use super::*;

/// Made for tests; opens nothing.
const PRIVATE_KEY: &str = include_str!("../../keys/jwt.pem");

/// A user of Automation's, as everybody of the practice company is one.
const USER: (&str, &str) = ("claire.vasseur", "practice");

impl Stage {
    /// Salesforce by assertions of the integration's user, which the application accepts.
    fn signing() -> Self {
        let stage = Self::new();
        let site = &stage.company.serving.site;
        let (user, name) = site.with_brain(|brain| {
            let user = brain.integration_user();
            let name = brain.value(user, "Username").as_text().unwrap().to_owned();
            (user, name)
        });
        stage.app(|app| {
            app.public_key = Some(public_key());
            app.approved.insert(user);
        });
        let key = stage.folder().join("private.pem");
        private(&key, PRIVATE_KEY);
        let flow = format!(
            "flow = \"jwt_bearer\"\nusername = \"{name}\"\nprivate_key = {{ file = {key:?} }}"
        );
        stage.changes("flow = \"authorization_code\"", &flow);
        stage
    }

    /// Automation by user name and password, which its administrator allows.
    fn by_password() -> Self {
        let stage = Self::new();
        let shared = &stage.company.serving.automation;
        shared.brain().settings.is_basic_enabled = true;
        let text = fs::read_to_string(&stage.file).unwrap();
        let (salesforce, automation) = text.split_once("[automation]").unwrap();
        let flow = format!("flow = \"basic\"\nusername = \"{}\"", USER.0);
        let automation = automation.replacen("flow = \"authorization_code\"", &flow, 1);
        private(
            &stage.file,
            &format!("{salesforce}[automation]{automation}"),
        );
        stage
    }

    /// The first of them in the instance file.
    fn changes(&self, from: &str, to: &str) {
        let text = fs::read_to_string(&self.file).unwrap();
        assert!(text.contains(from), "{text}");
        private(&self.file, &text.replacen(from, to, 1));
    }

    fn authorizes(&self, side: &str, typed: &[&str]) -> Ended {
        let mut asking = self.asks(&["authorize", side]);
        for line in typed {
            asking.types(line);
        }
        asking.ends()
    }
}

fn public_key() -> Vec<u8> {
    let lines = PRIVATE_KEY.lines();
    let text: String = lines.filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(text);
    let pair = RsaKeyPair::from_pkcs8(&der.unwrap()).unwrap();
    pair.public_key().as_ref().to_vec()
}

#[test]
fn a_signed_assertion_lets_it_in_and_nothing_is_asked_or_kept() {
    let stage = Stage::signing();
    let ended = stage.authorizes("salesforce", &[]);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
    assert!(ended.printed.contains("integration@"), "{}", ended.printed);
    assert!(!ended.said.contains("/authorize?"), "{}", ended.said);
    let checked = stage.run(&["authorize", "salesforce", "--check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    let line = PRIVATE_KEY.lines().nth(3).unwrap();
    assert_eq!(stage.holds(line), None, "the key stays in its file");
}

#[test]
fn an_assertion_that_is_not_accepted_is_named_with_its_remedy() {
    let stage = Stage::signing();
    stage.app(|app| app.public_key = Some(public_key().into_iter().rev().collect()));
    is_denied(&stage.authorizes("salesforce", &[]), &["certificate"]);
    stage.app(|app| app.public_key = Some(public_key()));

    let approved = {
        let mut approved = std::collections::BTreeSet::new();
        stage.app(|app| std::mem::swap(&mut approved, &mut app.approved));
        approved
    };
    is_denied(
        &stage.authorizes("salesforce", &[]),
        &[
            "has not been pre-authorised",
            "Manage Profiles",
            "production and sandbox",
        ],
    );
    stage.app(|app| app.approved = approved);

    let id = format!("client_id = \"{SALESFORCE_KEY}\"");
    stage.changes(&id, "client_id = \"another-key\"");
    is_denied(&stage.authorizes("salesforce", &[]), &["consumer key"]);
    stage.changes("client_id = \"another-key\"", &id);

    // The same organisation by a name that no assertion can be meant for.
    stage.changes(
        "login_url = \"http://127.0.0.1",
        "login_url = \"http://localhost",
    );
    is_denied(&stage.authorizes("salesforce", &[]), &["an assertion"]);
    let checked = stage.run(&["authorize", "salesforce", "--check"]);
    assert_ne!(checked.status.code(), Some(0));
    let told = String::from_utf8_lossy(&checked.stdout).into_owned() + &said(&checked);
    for part in [
        "login_url must be",
        "https://test.salesforce.com",
        "My Domain",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    stage.changes(
        "login_url = \"http://localhost",
        "login_url = \"http://127.0.0.1",
    );

    let key = stage.folder().join("private.pem");
    private(
        &key,
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    );
    is_denied(&stage.authorizes("salesforce", &[]), &["no usable RSA key"]);
    private(&key, PRIVATE_KEY);
    let ended = stage.authorizes("salesforce", &[]);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
}

#[test]
fn a_password_is_asked_for_unseen_kept_sealed_and_tried() {
    let stage = Stage::by_password();
    let ended = stage.authorizes("automation", &["not the password"]);
    is_denied(&ended, &["user name or the password"]);
    let checked = stage.run(&["authorize", "automation", "--check"]);
    assert_ne!(checked.status.code(), Some(0), "what was wrong is not kept");

    let ended = stage.authorizes("automation", &[USER.1]);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
    assert!(ended.printed.contains(USER.0), "{}", ended.printed);
    let checked = stage.run(&["authorize", "automation", "--check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    let kept = stage.authorizes("automation", &[""]);
    assert_eq!(kept.status.code(), Some(0), "{}", kept.said);

    let shared = &stage.company.serving.automation;
    shared.brain().settings.is_basic_enabled = false;
    let refused = stage.run(&["authorize", "automation", "--check"]);
    let told = said(&refused);
    assert!(told.contains("Enable HTTP basic auth"), "{told}");
}

#[test]
fn a_user_of_another_organisation_is_given_back_and_what_works_stays() {
    let stage = Stage::new().authorised();
    let synced = stage.run(&["sync", "--until-idle", "--json"]);
    assert_eq!(synced.status.code(), Some(3), "{}", said(&synced));
    let other = Stage::new();
    let site = &other.company.serving.site;
    site.with_brain(passerelle::sim::salesforce::org::Salesforce::become_another);
    let text = fs::read_to_string(&stage.file).unwrap();
    let (ours, theirs) = (
        stage.company.serving.site_url(),
        other.company.serving.site_url(),
    );
    private(&stage.file, &text.replace(&ours, &theirs));
    let mut asking = stage.asks(&["authorize", "salesforce", "--paste"]);
    asking.types(SALESFORCE_SECRET);
    let page = asking.address();
    asking.types(&other.browse(&page, ALLOW).unwrap());
    let ended = asking.ends();
    is_denied(
        &ended,
        &["belongs to", "another data folder", "Nothing was kept"],
    );
    assert_eq!(ended.status.code(), Some(2));
    private(&stage.file, &text);
    let checked = stage.run(&["authorize", "--check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
}

#[test]
fn a_port_that_is_taken_is_said_and_the_next_address_that_was_entered_is_used() {
    let stage = Stage::new();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let (taken, free) = (held.local_addr().unwrap().port(), free_port());
    stage.changes(
        "[instance]\n",
        &format!("[instance]\ncallback_ports = [{taken}, {free}]\n"),
    );
    let callback = format!("http://localhost:{free}/OauthRedirect");
    stage.app(|app| app.callbacks.push(callback.clone()));
    let mut asking = stage.asks(&["authorize", "salesforce"]);
    asking.types(SALESFORCE_SECRET);
    let address = asking.address();
    for words in [&format!("port {taken} is taken"), &callback] {
        assert!(asking.heard.contains(words), "{}", asking.heard);
    }
    let redirected = stage.browse(&address, ALLOW).unwrap();
    let (status, _) = stage.get(&redirected.replace("localhost", "127.0.0.1"));
    assert_eq!(status, 200);
    let ended = asking.ends();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);

    let other = TcpListener::bind(("127.0.0.1", free)).unwrap();
    let mut asking = stage.asks(&["authorize", "salesforce"]);
    asking.types(SALESFORCE_SECRET);
    asking.address();
    let both = format!("nobody can listen at port {taken} or {free}");
    assert!(asking.heard.contains(&both), "{}", asking.heard);
    drop((asking.ends(), other, held));
}
