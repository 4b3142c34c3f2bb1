//! Every mistake in an instance file: what, where, what to do.

use super::*;
use crate::domain::mapping::Arrow;

pub(super) const GOOD: &str = r#"
[instance]
name = "acme"
data = "/tmp/acme"

[salesforce]
login_url = "https://acme.my.salesforce.com"
flow = "client_credentials"
client_id = "key"
client_secret = { env = "SF_SECRET" }

[automation]
base_url = "https://acme.automation.example"
flow = "client_credentials"
client_id = "public"
client_secret = { env = "AU_SECRET" }

[[mapping.person]]
salesforce = "Email"
automation = "email"
arrow = "salesforce"
"#;

fn env() -> BTreeMap<String, String> {
    [
        ("SF_SECRET", "s1"),
        ("AU_SECRET", "s2"),
        ("HOOK_SECRET", "a secret of webhooks"),
        ("HOME", "/home/lea"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

pub(super) fn load_text(text: &str) -> Result<Instance, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("instance.toml");
    fs::write(&path, text).unwrap();
    load(&path, &env())
}

/// The good file with one line replaced; the words must be in the error, with the line's number.
#[track_caller]
fn check(old: &str, new: &str, words: &[&str]) {
    assert!(GOOD.contains(old), "{old}");
    let text = GOOD.replace(old, new);
    let error = load_text(&text).expect_err("must be refused").to_string();
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

#[test]
fn a_login_comes_back_at_a_port_that_the_file_names() {
    assert_eq!(load_text(GOOD).unwrap().callback_ports, [1717]);
    let with = |ports: &str| format!("name = \"acme\"\ncallback_ports = {ports}");
    let text = GOOD.replace("name = \"acme\"", &with("[4000, 4001]"));
    assert_eq!(load_text(&text).unwrap().callback_ports, [4000, 4001]);
    for wrong in ["[]", "[1717, 0]"] {
        check("name = \"acme\"", &with(wrong), &["line 4", "like [1717]"]);
    }
}

#[test]
fn a_good_file_is_understood() {
    let instance = load_text(GOOD).unwrap();
    assert_eq!(instance.name, "acme");
    assert_eq!(instance.plugin.person.len(), 1);
    assert_eq!(instance.plugin.person[0].pair.arrow, Arrow::Salesforce);
    assert!(
        !instance.timetable.is_enabled,
        "support switches the schedule on"
    );
    assert_eq!(instance.timetable.overlap, Span::minutes(20));
    assert_eq!(instance.salesforce.api_version, None);
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_keys_there_are() {
    check(
        "name = \"acme\"",
        "nmae = \"acme\"",
        &["line 3", "nmae", "name", "data"],
    );
    check(
        "arrow = \"salesforce\"",
        "arow = \"salesforce\"",
        &["arow", "arrow"],
    );
    check(
        "[automation]",
        "[automatoin]",
        &["automatoin", "automation"],
    );
}

#[test]
fn a_wrong_type_or_value_is_named_with_its_line() {
    check("name = \"acme\"", "name = 7", &["line 3", "string"]);
    check("name = \"acme\"", "name = \"../x\"", &["line 3", "letters"]);
    check(
        "arrow = \"salesforce\"",
        "arrow = \"right\"",
        &["right", "salesforce", "both"],
    );
    check(
        "client_id = \"key\"",
        "client_id = \"key\"\ndaily_share = 2.0",
        &["daily_share"],
    );
    check(
        "client_id = \"key\"",
        "client_id = \"key\"\napi_version = \"x\"",
        &["62.0"],
    );
}

#[test]
fn a_missing_secret_is_named_with_the_remedy() {
    check(
        "flow = \"client_credentials\"\nclient_id = \"key\"",
        "flow = \"jwt_bearer\"\nusername = \"sync@acme.example\"\nclient_id = \"key\"",
        &["private_key", "env"],
    );
    check("SF_SECRET", "NOT_SET", &["line 10", "NOT_SET", "not set"]);
    check(
        "{ env = \"SF_SECRET\" }",
        "{ file = \"/nowhere/secret\" }",
        &["/nowhere/secret"],
    );
    check("{ env = \"SF_SECRET\" }", "{ }", &["env", "file"]);
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "s").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let text = GOOD.replace("env = \"SF_SECRET\"", &format!("file = {secret:?}"));
    let error = load_text(&text).expect_err("must be refused").to_string();
    assert!(error.contains("chmod go-rwx"), "{error}");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    load_text(&text).expect("now only its owner may read it");
}

#[test]
fn plain_http_is_for_this_machine_only() {
    let to = |address: &str| GOOD.replace("https://acme.automation.example", address);
    load_text(&to("http://127.0.0.1:8080")).expect("loopback");
    load_text(&to("http://[::1]:8080")).expect("loopback");
    let error = load_text(&to("http://acme.automation.example"))
        .expect_err("foreign")
        .to_string();
    assert!(
        error.contains("line 13") && error.contains("https://"),
        "{error}"
    );
    load_text(&to("http://127.0.0.1.evil.example")).expect_err("a foreign name");
    load_text(&to("ftp://127.0.0.1")).expect_err("another scheme");
    load_text(&to("https://user:pw@acme.example")).expect_err("a password in an address");
}

#[test]
fn account_and_a_person_object_are_required() {
    let with = |objects: &str| format!("{GOOD}\n[plugin]\nobjects = {objects}\n");
    load_text(&with(r#"["Account", "Lead"]"#)).expect("enough");
    for objects in [
        r#"["Lead", "Contact"]"#,
        r#"["Account"]"#,
        r#"["Account", "Activity"]"#,
    ] {
        let error = load_text(&with(objects)).expect_err("too few").to_string();
        assert!(
            error.contains("Account") && error.contains("line 24"),
            "{error}"
        );
    }
}

#[test]
fn two_fields_onto_one_are_refused_with_both_lines() {
    let text = format!(
        "{GOOD}\n[[mapping.person]]\nsalesforce = \"Email2__c\"\nautomation = \"email\"\narrow = \"both\"\n"
    );
    let error = load_text(&text).expect_err("must be refused").to_string();
    assert!(
        error.contains("email") && error.contains("line 18"),
        "{error}"
    );
}

#[test]
fn times_are_written_as_people_write_them() {
    assert_eq!(Span::parse("20m"), Some(Span::minutes(20)));
    assert_eq!(Span::parse("2d"), Some(Span::days(2)));
    for text in ["", "m", "1", "1 h", "-1h", "1w", "99999999999999d", "1é"] {
        assert_eq!(Span::parse(text), None, "{text}");
    }
}

#[test]
fn a_file_that_is_not_there_says_where_one_is_looked_for() {
    let error = load(Path::new("/nowhere/instance.toml"), &env()).expect_err("missing");
    assert!(error.to_string().contains("--config"), "{error}");
    let of = |names: &[(&str, &str)]| {
        names
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    let found = |names: &[(&str, &str)]| path(None, &of(names));
    assert_eq!(found(&[("PASSERELLE_CONFIG", "/a")]), Some("/a".into()));
    assert_eq!(
        found(&[("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")]),
        Some("/x/passerelle/instance.toml".into())
    );
    assert_eq!(
        found(&[("HOME", "/h")]),
        Some("/h/.config/passerelle/instance.toml".into())
    );
    assert_eq!(found(&[]), None);
}

#[test]
fn a_secret_that_was_typed_into_the_file_is_refused_and_not_repeated() {
    let text = GOOD.replace("{ env = \"SF_SECRET\" }", "\"hunter2\"");
    let error = load_text(&text).unwrap_err().to_string();
    assert!(
        error.contains("line 10") && error.contains("env"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_secret_that_is_not_mentioned_is_asked_for_once() {
    let text = GOOD
        .replace("client_secret = { env = \"SF_SECRET\" }\n", "")
        .replace("client_secret = { env = \"AU_SECRET\" }\n", "");
    let instance = load_text(&text).unwrap();
    assert!(matches!(
        instance.salesforce.flow,
        SalesforceFlow::ClientCredentials {
            client_secret: None
        }
    ));
    assert!(matches!(
        instance.automation.flow,
        AutomationFlow::ClientCredentials {
            client_secret: None,
            ..
        }
    ));
}

#[test]
fn the_key_of_kept_secrets_is_one_and_is_named_with_its_line() {
    let own = |line: &str| {
        let text = GOOD.replace("data = ", &format!("{line}\ndata = "));
        load_text(&text).map(|instance| instance.keys.own)
    };
    assert!(matches!(own("").unwrap(), OwnKey::Beside));
    let file = own("key_file = \"/etc/passerelle/acme.key\"").unwrap();
    assert!(matches!(file, OwnKey::File(path) if path == Path::new("/etc/passerelle/acme.key")));
    assert!(matches!(
        own("passphrase = { ask = true }").unwrap(),
        OwnKey::Asked
    ));
    assert!(matches!(
        own("passphrase = { env = \"SF_SECRET\" }").unwrap(),
        OwnKey::Passphrase(_)
    ));
    for (line, words) in [
        ("key_file = \"/k\"\npassphrase = { ask = true }", "two keys"),
        (
            "passphrase = { ask = true, env = \"SF_SECRET\" }",
            "not both",
        ),
        ("passphrase = { env = \"NOT_SET\" }", "NOT_SET"),
        ("passphrase = \"open sesame\"", "line 4"),
    ] {
        let error = own(line).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(!error.contains("sesame"), "{error}");
    }
}

#[test]
fn every_path_of_a_file_is_meant_from_where_the_file_is() {
    let text = GOOD
        .replace("data = \"/tmp/acme\"", "data = \"kept\"")
        .replace(
            "{ env = \"SF_SECRET\" }",
            "{ file = \"salesforce.secret\" }",
        );
    let text = format!("{text}\n[serve]\nsocket = \"run/console.sock\"\n");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("instance.toml");
    fs::write(&path, text).unwrap();
    write_secret(&folder.path().join("salesforce.secret"), "s1\n", 0o600);
    let instance = load(&path, &env()).unwrap();
    assert_eq!(instance.data, folder.path().join("kept"));
    let at = folder.path().join("run/console.sock");
    assert_eq!(instance.serve.socket, at);
    assert_eq!(socket(&path, &env()).unwrap(), at);
}

fn write_secret(path: &Path, text: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The good file with Salesforce's secret in a file of this text and mode.
fn with_secret_file(text: &str, mode: u32, is_credential: bool) -> Result<Instance, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("instance.toml");
    let secrets = folder.path().join("secrets");
    fs::create_dir(&secrets).unwrap();
    write_secret(&secrets.join("sf"), text, mode);
    let file = "{ file = \"secrets/sf\" }";
    fs::write(&path, GOOD.replace("{ env = \"SF_SECRET\" }", file)).unwrap();
    let mut env = env();
    if is_credential {
        let secrets = secrets.display().to_string();
        env.insert("CREDENTIALS_DIRECTORY".to_owned(), secrets);
    }
    load(&path, &env)
}

#[test]
fn a_secret_that_others_may_read_is_named_as_what_it_is() {
    let error = with_secret_file("s1\n", 0o640, false)
        .unwrap_err()
        .to_string();
    assert!(error.contains("secrets/sf holds a secret"), "{error}");
    assert!(error.contains("chmod go-rwx"), "{error}");
    assert!(!error.contains("instance file"), "{error}");
}

#[test]
fn a_service_managers_credential_is_taken_with_the_rights_that_it_comes_with() {
    assert!(with_secret_file("s1\n", 0o440, true).is_ok());
    assert!(with_secret_file("s1\n", 0o440, false).is_err());
}

#[test]
fn an_empty_file_is_no_secret() {
    for text in ["", "\n", " \r\n"] {
        let error = with_secret_file(text, 0o600, false)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("line 10") && error.contains("is empty"),
            "{error}"
        );
    }
}
