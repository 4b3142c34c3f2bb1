//! Being let in and out again: the built program, simulated systems with a page that asks, and a browser.

mod keys;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};

use base64::Engine as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use passerelle::sim::salesforce::oauth::{App, RefreshPolicy};
use passerelle::sim::world::{AUTOMATION_SECRET, SALESFORCE_KEY, SALESFORCE_SECRET};
use serde_json::Value as Json;

use crate::cli::Company;
use crate::terminal::stage::AtTerminal;
use crate::world::private;

mod again;

/// How every refresh token of the simulated Salesforce begins.
const REFRESH_TOKEN: &str = "5Aep861";

/// A company whose two sides are logged in to by a person, with secrets that are asked for.
struct Stage {
    company: Company,
    file: PathBuf,
}

/// The command at its questions: what it asks comes one line after the other.
struct Asking {
    child: Child,
    notes: BufReader<ChildStderr>,
    heard: String,
}

struct Ended {
    status: ExitStatus,
    printed: String,
    said: String,
}

impl Stage {
    fn new() -> Self {
        // For the browser; a second one is refused, and is not needed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let company = Company::new(1, 20);
        let text = fs::read_to_string(&company.file).unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("client_secret"));
        let text = lines.collect::<Vec<_>>().join("\n");
        let text = text.replace("\"client_credentials\"", "\"authorization_code\"");
        let file = company.file.with_file_name("person.toml");
        private(&file, &text);
        Self { company, file }
    }

    fn folder(&self) -> &Path {
        self.file.parent().unwrap()
    }

    fn app(&self, change: impl FnOnce(&mut App)) {
        let site = &self.company.serving.site;
        site.with_brain(|brain| change(brain.app_mut(SALESFORCE_KEY).unwrap()));
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
        command.env_clear().env("USER", "ada");
        command.args(arguments).arg("--config").arg(&self.file);
        command
    }

    fn asks(&self, arguments: &[&str]) -> Asking {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let notes = BufReader::new(child.stderr.take().unwrap());
        let heard = String::new();
        Asking {
            child,
            notes,
            heard,
        }
    }

    /// Opens the page, and chooses: where the browser is sent, or what the page says.
    fn browse(&self, address: &str, button: (&str, &str)) -> Result<String, String> {
        self.company.runtime.block_on(async {
            let browser = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .unwrap();
            let page = browser.get(address).send().await.unwrap();
            let origin = page.url().origin().ascii_serialization();
            let to = |answer: &reqwest::Response| {
                let location = answer.headers().get("location");
                location.map(|to| to.to_str().unwrap().to_owned())
            };
            if let Some(to) = to(&page) {
                return Ok(to);
            }
            let html = page.text().await.unwrap();
            let Some(action) = html.split("action=\"").nth(1) else {
                return Err(html);
            };
            let action = format!("{origin}{}", action.split('"').next().unwrap());
            let value_of = |input: &str, name: &str| {
                let after = input.split(&format!("{name}=\"")).nth(1).unwrap();
                after.split('"').next().unwrap().replace("&amp;", "&")
            };
            let hidden = html.split("<input ").skip(1);
            let mut form: Vec<(String, String)> = hidden
                .map(|input| (value_of(input, "name"), value_of(input, "value")))
                .collect();
            form.push((button.0.to_owned(), button.1.to_owned()));
            let answer = browser.post(action).form(&form).send().await.unwrap();
            to(&answer).ok_or_else(|| "no redirect".to_owned())
        })
    }

    fn get(&self, address: &str) -> (u16, String) {
        self.company.runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let answer = client.get(address).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }

    /// Both sides, by pasting.
    #[track_caller]
    fn authorised(self) -> Self {
        let mut asking = self.asks(&["authorize", "--paste"]);
        asking.types(SALESFORCE_SECRET);
        asking.types(AUTOMATION_SECRET);
        for button in [ALLOW, ACCEPT] {
            let address = asking.address();
            asking.types(&self.browse(&address, button).unwrap());
        }
        let ended = asking.ends();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
        self
    }

    /// All bytes of all files of the instance and its logs.
    fn holds(&self, needle: &str) -> Option<PathBuf> {
        found_below(&self.folder().join("data"), needle)
    }
}

const ALLOW: (&str, &str) = ("decision", "allow");
const DENY: (&str, &str) = ("decision", "deny");
const ACCEPT: (&str, &str) = ("accepted", "1");

impl Asking {
    fn types(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
    }

    #[track_caller]
    fn hears(&mut self, is_it: impl Fn(&str) -> bool) -> String {
        loop {
            let mut line = String::new();
            let count = self.notes.read_line(&mut line).unwrap();
            self.heard.push_str(&line);
            assert!(count > 0, "it ended: {}", self.heard);
            if is_it(line.trim()) {
                return line.trim().to_owned();
            }
        }
    }

    /// The next one that is to be opened in a browser.
    #[track_caller]
    fn address(&mut self) -> String {
        let line = self.hears(|line| line.contains("/authorize?"));
        let at = line.find("http").unwrap();
        self.hears(|line| line.contains("paste that page's address here"));
        line[at..].to_owned()
    }

    fn ends(mut self) -> Ended {
        drop(self.child.stdin.take());
        self.notes.read_to_string(&mut self.heard).unwrap();
        let mut printed = String::new();
        let stdout = self.child.stdout.as_mut().unwrap();
        stdout.read_to_string(&mut printed).unwrap();
        Ended {
            status: self.child.wait().unwrap(),
            printed,
            said: self.heard,
        }
    }
}

fn found_below(folder: &Path, needle: &str) -> Option<PathBuf> {
    fs::read_dir(folder).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return found_below(&path, needle);
        }
        let bytes = fs::read(&path).unwrap_or_default();
        let mut parts = bytes.windows(needle.len());
        parts.any(|part| part == needle.as_bytes()).then_some(path)
    })
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[track_caller]
fn is_denied(ended: &Ended, words: &[&str]) {
    assert_ne!(ended.status.code(), Some(0), "{}", ended.printed);
    for word in words {
        assert!(
            ended.said.contains(word),
            "“{word}” is not in: {}",
            ended.said
        );
    }
    assert!(!ended.said.contains(REFRESH_TOKEN), "{}", ended.said);
}

#[test]
fn a_person_lets_it_in_by_pasting_and_no_secret_is_anywhere_but_sealed() {
    let stage = Stage::new();
    let mut asking = stage.asks(&["authorize", "--paste"]);
    let process = PathBuf::from(format!("/proc/{}", asking.child.id()));
    asking.types(SALESFORCE_SECRET);
    asking.types(AUTOMATION_SECRET);
    let address = asking.address();
    let callback = "http://localhost:1717/OauthRedirect";
    assert!(asking.heard.contains(callback), "{}", asking.heard);
    for name in ["cmdline", "environ"] {
        let bytes = fs::read(process.join(name)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(SALESFORCE_SECRET) && !text.contains(AUTOMATION_SECRET));
    }
    // What is no answer costs nothing.
    asking.types("yes");
    asking.types(&format!("{callback}?code=abc&state=guess"));
    let redirected = stage.browse(&address, ALLOW).unwrap();
    asking.types(&redirected);
    let address = asking.address();
    asking.types(&stage.browse(&address, ACCEPT).unwrap());
    let ended = asking.ends();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
    for words in [
        "integration@",
        "production",
        "api refresh_token",
        "kept sealed",
    ] {
        assert!(ended.printed.contains(words), "{}", ended.printed);
    }
    for secret in [SALESFORCE_SECRET, AUTOMATION_SECRET, REFRESH_TOKEN] {
        assert_eq!(stage.holds(secret), None, "{secret}");
        assert!(!ended.printed.contains(secret) && !ended.said.contains(secret));
    }

    let synced = stage.run(&["sync", "--until-idle", "--json"]);
    assert_eq!(synced.status.code(), Some(3), "{}", said(&synced));
    let checked = stage.run(&["authorize", "--check", "--json"]);
    let checked: Json = serde_json::from_slice(&checked.stdout).unwrap();
    assert!(
        checked["salesforce"]["user"]
            .as_str()
            .unwrap()
            .contains('@')
    );
    assert!(
        checked["automation"]["place"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1")
    );
    let audited = stage.run(&["audit", "list"]);
    let audited = String::from_utf8(audited.stdout).unwrap();
    assert_eq!(audited.matches("authorise").count(), 2, "{audited}");
    let verified = stage.run(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
}

#[test]
fn the_browser_of_this_machine_comes_back_by_itself_and_strangers_are_turned_away() {
    let stage = Stage::new();
    let port = free_port();
    stage.app(|app| {
        app.callbacks
            .push(format!("http://localhost:{port}/OauthRedirect"));
    });
    let port = port.to_string();
    let mut asking = stage.asks(&["authorize", "salesforce", "--port", &port]);
    asking.types(SALESFORCE_SECRET);
    let address = asking.address();
    let redirected = stage.browse(&address, ALLOW).unwrap();
    let here = redirected.replace("localhost", "127.0.0.1");
    let (status, _) = stage.get(&format!("http://127.0.0.1:{port}/"));
    assert_eq!(status, 404);
    let (path, state) = here.split_once("&state=").unwrap();
    let guess = format!("{path}&state={}x", &state[..state.len() - 1]);
    assert_eq!(stage.get(&guess).0, 400);
    let (status, page) = stage.get(&here);
    assert_eq!(status, 200);
    assert!(
        page.contains("has the answer") && !page.contains("aPrx"),
        "{page}"
    );
    let ended = asking.ends();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
    assert!(ended.printed.contains("Salesforce: "), "{}", ended.printed);
}

/// Until its question, with the secret typed; answers the browser's end.
fn at_the_page(stage: &Stage, button: (&str, &str)) -> (Asking, Result<String, String>) {
    let mut asking = stage.asks(&["authorize", "salesforce", "--paste"]);
    asking.types(SALESFORCE_SECRET);
    let address = asking.address();
    let end = stage.browse(&address, button);
    (asking, end)
}

#[test]
fn what_the_browser_refuses_is_named_with_its_remedy() {
    let stage = Stage::new();
    let (mut asking, end) = at_the_page(&stage, DENY);
    asking.types(&end.unwrap());
    is_denied(&asking.ends(), &["access_denied", "Allow"]);

    // Salesforce shows these in the browser; whoever pastes that page's address is told what to do.
    stage.app(|app| app.callbacks = vec!["http://localhost:1718/OauthRedirect".to_owned()]);
    let (mut asking, end) = at_the_page(&stage, ALLOW);
    assert!(end.unwrap_err().contains("redirect_uri_mismatch"));
    let address = stage.company.serving.site_url();
    asking.types(&format!("{address}/x?error=redirect_uri_mismatch"));
    is_denied(
        &asking.ends(),
        &["http://localhost:1717/OauthRedirect", "Callback URL"],
    );
}

#[test]
fn what_the_application_lacks_is_named_with_its_remedy() {
    let stage = Stage::new();
    stage.app(|app| app.scope = "api".to_owned());
    let (mut asking, end) = at_the_page(&stage, ALLOW);
    asking.types(&end.unwrap());
    is_denied(&asking.ends(), &["refresh_token", "Selected OAuth Scopes"]);

    stage.app(|app| {
        app.scope = "refresh_token api".to_owned();
        app.refresh = RefreshPolicy::ExpiresImmediately;
    });
    let (mut asking, end) = at_the_page(&stage, ALLOW);
    asking.types(&end.unwrap());
    is_denied(&asking.ends(), &["Immediately expire refresh token"]);

    stage.app(|app| app.refresh = RefreshPolicy::UntilRevoked);
    let mut asking = stage.asks(&["authorize", "salesforce", "--paste"]);
    asking.types("not the secret");
    let address = asking.address();
    asking.types(&stage.browse(&address, ALLOW).unwrap());
    is_denied(&asking.ends(), &["consumer secret", "10 minutes"]);
    let checked = stage.run(&["authorize", "salesforce", "--check"]);
    assert!(
        said(&checked).contains("not authorised yet"),
        "{}",
        said(&checked)
    );

    // New to Salesforce's servers until the answer is there, and known after it.
    let (mut asking, end) = at_the_page(&stage, ALLOW);
    let end = end.unwrap();
    let later = stage.company.serving.site.now().plus_millis(600_000);
    stage.app(|app| app.known_from = Some(later));
    asking.types(&end);
    is_denied(&asking.ends(), &["10 minutes", "test.salesforce.com"]);
    stage.app(|app| app.known_from = None);
    stage.authorised();
}

#[test]
fn a_code_that_somebody_else_tried_first_is_spent_for_both() {
    let stage = Stage::new();
    let (mut asking, end) = at_the_page(&stage, ALLOW);
    let end: reqwest::Url = end.unwrap().parse().unwrap();
    let code = end
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1;
    let token = format!("{}/services/oauth2/token", stage.company.serving.site_url());
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", SALESFORCE_KEY),
        ("client_secret", SALESFORCE_SECRET),
        ("redirect_uri", "http://localhost:1717/OauthRedirect"),
        ("code", &code),
    ];
    let thief = stage.company.runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(token).form(&form).send().await.unwrap();
        answer.text().await.unwrap()
    });
    assert!(thief.contains("code verifier missing"), "{thief}");
    asking.types(end.as_str());
    is_denied(&asking.ends(), &["works once"]);
}

#[test]
fn a_login_to_another_place_than_the_stores_is_not_kept_and_what_works_stays() {
    let stage = Stage::new().authorised();
    let synced = stage.run(&["sync", "--until-idle", "--json"]);
    assert_eq!(synced.status.code(), Some(3), "{}", said(&synced));
    let other = Stage::new();
    let address = |stage: &Stage| {
        let text = fs::read_to_string(&stage.file).unwrap();
        let line = text.lines().find(|line| line.starts_with("base_url"));
        line.unwrap().to_owned()
    };
    let text = fs::read_to_string(&stage.file).unwrap();
    private(
        &stage.file,
        &text.replace(&address(&stage), &address(&other)),
    );
    let mut asking = stage.asks(&["authorize", "automation", "--paste"]);
    asking.types(AUTOMATION_SECRET);
    let page = asking.address();
    asking.types(&other.browse(&page, ACCEPT).unwrap());
    let ended = asking.ends();
    is_denied(&ended, &["belongs to", "Nothing was kept"]);
    assert_eq!(ended.status.code(), Some(2));
    private(&stage.file, &text);
    let checked = stage.run(&["authorize", "--check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
}

#[test]
fn a_wrong_key_is_told_before_anybody_logs_in_and_what_is_kept_stays() {
    let stage = Stage::new().authorised();
    let key = stage.folder().join("data.key");
    let right = fs::read_to_string(&key).unwrap();
    private(&key, &format!("{}\n", "7".repeat(64)));
    for arguments in [&["authorize"][..], &["authorize", "--check"]] {
        let told = said(&stage.run(arguments));
        for word in ["data.key", "another one", "passerelle revoke"] {
            assert!(told.contains(word), "“{word}” is not in: {told}");
        }
        assert!(!told.contains("/authorize?"), "{told}");
    }
    private(&key, &right);
    let checked = stage.run(&["authorize", "--check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
}

#[test]
fn what_is_revoked_is_dead_there_and_forgotten_here() {
    let stage = Stage::new().authorised();
    let dry = stage.run(&["revoke", "--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "{}", said(&dry));
    let mut asking = stage.asks(&["revoke", "salesforce"]);
    asking.types("no");
    assert!(asking.ends().said.contains("nothing was revoked"));
    let checked = stage.run(&["authorize", "--check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));

    let revoked = stage.run(&[
        "revoke",
        "--yes",
        "--json",
        "--reason",
        "the contract ended",
    ]);
    let revoked: Json = serde_json::from_slice(&revoked.stdout).unwrap();
    assert_eq!(revoked["salesforce"]["revoked"], true);
    assert_eq!(revoked["salesforce"]["forgotten"], 2);
    assert_eq!(revoked["automation"]["revoked"], Json::Null);
    let synced = stage.run(&["sync", "--until-idle"]);
    assert_eq!(synced.status.code(), Some(1));
    assert!(
        said(&synced).contains("passerelle authorize"),
        "{}",
        said(&synced)
    );
    let audited = stage.run(&["audit", "list"]);
    let audited = String::from_utf8(audited.stdout).unwrap();
    assert!(audited.contains("the contract ended"), "{audited}");
    stage.authorised();
}

#[test]
fn a_rotated_token_that_was_lost_with_the_process_is_named_with_the_command_that_helps() {
    let stage = Stage::new();
    stage.app(|app| app.refresh = RefreshPolicy::Rotating);
    let stage = stage.authorised();
    for _ in 0..3 {
        let checked = stage.run(&["authorize", "--check"]);
        assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    }
    // As when the process dies between Salesforce's answer and the store: the kept one is dead.
    let site = &stage.company.serving.site;
    site.with_brain(passerelle::sim::salesforce::org::Salesforce::revoke_all_grants);
    let synced = stage.run(&["sync", "--until-idle"]);
    assert_eq!(synced.status.code(), Some(1));
    let told = said(&synced);
    assert!(told.contains("passerelle authorize salesforce"), "{told}");
    stage.authorised();
}

#[test]
fn a_process_killed_at_any_moment_leaves_a_start_that_works_or_says_what_helps() {
    let stage = Stage::new();
    stage.app(|app| app.refresh = RefreshPolicy::Rotating);
    let mut stage = stage.authorised();
    for after_ms in [5_u64, 20, 40, 60, 80, 100, 130, 160] {
        let mut child = stage
            .command(&["authorize", "salesforce", "--check"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The other side of a race that has no other handle.
        let mut timer = Command::new("sleep")
            .arg(format!("{}", after_ms as f64 / 1_000.0))
            .spawn()
            .unwrap();
        timer.wait().unwrap();
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
        child.wait().unwrap();
        let checked = stage.run(&["authorize", "salesforce", "--check"]);
        if checked.status.code() != Some(0) {
            let told = said(&checked);
            assert!(told.contains("passerelle authorize salesforce"), "{told}");
            stage = stage.authorised();
        }
    }
}

#[test]
fn a_typed_secret_is_not_shown_and_ctrl_c_gives_the_terminal_back() {
    let stage = Stage::new();
    let file = stage.file.display().to_string();
    let arguments = ["authorize", "salesforce", "--paste", "--config", &file];
    let mut terminal = AtTerminal::owns(&arguments);
    terminal.sees("consumer secret");
    terminal.type_keys("hunter2\u{7f}2\r");
    terminal.sees("address:");
    assert!(!terminal.said().contains("hunter"), "{}", terminal.said());
    assert!(!terminal.is_raw());
    terminal.type_keys("\u{3}");
    terminal.ends_somehow();

    let mut terminal = AtTerminal::owns(&arguments);
    terminal.sees("consumer secret");
    terminal.type_keys("hunt\u{3}");
    terminal.sees("left as it was");
    assert!(!terminal.is_raw());
    terminal.ends_somehow();
}

#[test]
fn the_serving_process_itself_is_let_in_again_while_it_serves() {
    let stage = Stage::new().authorised();
    stage.app(|app| app.refresh = RefreshPolicy::Rotating);
    let synced = stage.run(&["sync", "--until-idle", "--json"]);
    assert_eq!(synced.status.code(), Some(3), "{}", said(&synced));
    let mut server = stage
        .command(&["serve"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut notes = BufReader::new(server.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("serving ") {
        line.clear();
        assert!(notes.read_line(&mut line).unwrap() > 0, "it did not start");
    }
    let checked = stage.run(&["authorize", "--check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    let site = &stage.company.serving.site;
    site.with_brain(passerelle::sim::salesforce::org::Salesforce::revoke_all_grants);
    let checked = stage.run(&["authorize", "--check"]);
    assert!(
        said(&checked).contains("Log in again"),
        "{}",
        said(&checked)
    );
    let stage = stage.authorised();
    for arguments in [
        &["authorize", "--check"][..],
        &["sync", "--once", "all", "--json"],
    ] {
        let done = stage.run(arguments);
        assert!(matches!(done.status.code(), Some(0 | 3)), "{}", said(&done));
    }
    assert_eq!(stage.holds(REFRESH_TOKEN), None);
    let audited = stage.run(&["audit", "list"]);
    let audited = String::from_utf8(audited.stdout).unwrap();
    assert_eq!(audited.matches("authorise").count(), 4, "{audited}");
    let verified = stage.run(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
    kill(Pid::from_raw(server.id() as i32), Signal::SIGTERM).unwrap();
    server.wait().unwrap();
}

impl Stage {
    /// A process that serves the instance, ready to be attached to.
    fn served(&self) -> Served {
        let mut child = self
            .command(&["serve"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut notes = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("serving ") {
            line.clear();
            assert!(notes.read_line(&mut line).unwrap() > 0, "it did not start");
        }
        Served {
            child,
            _notes: notes,
        }
    }

    /// A console of somebody who sits elsewhere, so that no browser comes back by itself.
    fn console(&self) -> AtTerminal {
        let file = self.file.display().to_string();
        let mut terminal = AtTerminal::attaches_from_afar(&["attach", "--config", &file]);
        terminal.sees("things need a person");
        terminal
    }

    /// The address that the running login shows: on the clipboard, whole.
    fn shown_address(terminal: &mut AtTerminal) -> String {
        terminal.sees("paste the address here");
        let before = terminal.said().len();
        terminal.type_keys("y");
        terminal.sees("Copied");
        let said = terminal.said()[before..].to_owned();
        let text = said.split("]52;c;").nth(1).unwrap();
        let text = text.split('\u{7}').next().unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text);
        String::from_utf8(bytes.unwrap()).unwrap()
    }
}

struct Served {
    child: Child,
    _notes: BufReader<ChildStderr>,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

/// Bracketed, as terminals hand on what is pasted.
fn paste(terminal: &mut AtTerminal, text: &str) {
    terminal.type_keys(&format!("\u{1b}[200~{text}\u{1b}[201~"));
}

fn begins_login(terminal: &mut AtTerminal, reason: &str) {
    terminal.type_keys("l");
    terminal.sees("Cancel <]");
    terminal.type_keys(&format!("\t{reason}\r"));
    terminal.sees("> Confirm <]");
    terminal.type_keys("\r");
    terminal.sees("consumer secret");
    terminal.type_keys(&format!("{SALESFORCE_SECRET}\r"));
}

#[test]
fn from_a_console_a_person_lets_it_in_again_and_refusals_are_sentences() {
    let stage = Stage::new().authorised();
    let synced = stage.run(&["sync", "--until-idle", "--json"]);
    assert_eq!(synced.status.code(), Some(3), "{}", said(&synced));
    let served = stage.served();
    let site = &stage.company.serving.site;
    site.with_brain(passerelle::sim::salesforce::org::Salesforce::revoke_all_grants);
    let mut terminal = stage.console();
    terminal.type_keys("It");
    terminal.sees("Log in again");
    terminal.type_keys("\u{1b}");
    terminal.sees("Who lets us in");

    begins_login(&mut terminal, "first");
    let address = Stage::shown_address(&mut terminal);
    let denied = stage.browse(&address, DENY).unwrap();
    paste(
        &mut terminal,
        &format!("{}x", denied.replace("state=", "state=x")),
    );
    terminal.type_keys("\r");
    terminal.sees("not the answer to this login");
    paste(&mut terminal, &denied);
    terminal.type_keys("\r");
    terminal.sees("did not allow it");
    terminal.type_keys("\u{1b}");
    terminal.sees("Who lets us in");

    begins_login(&mut terminal, "second");
    let address = Stage::shown_address(&mut terminal);
    let redirected = stage.browse(&address, ALLOW).unwrap();
    let code = redirected.split("code=").nth(1).unwrap();
    let code = code.split('&').next().unwrap().to_owned();
    paste(&mut terminal, &redirected);
    terminal.type_keys("\r");
    terminal.sees("kept encrypted");
    let said_all = terminal.said();
    for secret in [SALESFORCE_SECRET, REFRESH_TOKEN, code.as_str()] {
        assert!(!said_all.contains(secret), "{secret} was shown");
        assert_eq!(stage.holds(secret), None, "{secret}");
    }
    let done = stage.run(&["sync", "--once", "all", "--json"]);
    assert!(matches!(done.status.code(), Some(0 | 3)), "{}", said(&done));
    let audited = stage.run(&["audit", "list"]);
    let audited = String::from_utf8(audited.stdout).unwrap();
    assert!(
        audited.contains("second") && !audited.contains("first"),
        "{audited}"
    );

    // Answered after its quarter of an hour.
    begins_login(&mut terminal, "third");
    let address = Stage::shown_address(&mut terminal);
    let late = stage.browse(&address, ALLOW).unwrap();
    site.with_brain(|brain| brain.set_clock_skew(16 * 60_000));
    paste(&mut terminal, &late);
    terminal.type_keys("\r");
    terminal.sees("expired");
    site.with_brain(|brain| brain.set_clock_skew(0));
    terminal.type_keys("\u{1b}");
    terminal.sees("Who lets us in");

    terminal.type_keys("R");
    terminal.sees("Cancel <]");
    terminal.type_keys("\tthe contract ended\r");
    terminal.type_keys("revoke\r");
    terminal.sees("> Confirm <]");
    terminal.type_keys("\r");
    terminal.sees("kept secrets were forgotten");
    let checked = stage.run(&["authorize", "salesforce", "--check"]);
    let told = said(&checked);
    assert!(told.contains("not authorised yet"), "{told}");
    let audited = stage.run(&["audit", "list"]);
    let audited = String::from_utf8(audited.stdout).unwrap();
    assert!(audited.contains("the contract ended"), "{audited}");
    terminal.hang_up();
    drop(served);
}
