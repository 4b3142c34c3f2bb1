//! The whole way: somebody acts in Automation, which posts to the serving process, which writes to
//! Salesforce; no schedule is on. And whatever else may be sent to an open port.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use passerelle::adapters::SystemClock;
use passerelle::domain::time::Span;
use passerelle::ports::Clock as _;
use passerelle::sim::automation::acts::Cookie;
use passerelle::sim::automation::contact::ContactId;
use passerelle::sim::automation::draft::ContactInput;
use passerelle::sim::automation::http::{post_waiting, poster, signature};
use passerelle::sim::automation::user::UserId;
use passerelle::sim::salesforce::schema::{CONTACT, LEAD, ObjectIndex};
use passerelle::sim::salesforce::value::Value as Cell;
use serde_json::{Value as Json, json};

use super::VISIT;
use crate::cli::Company;
use crate::world::private;

const SECRET: &str = "a secret of this test";

/// Longer than anything takes on a busy machine, in milliseconds.
const PATIENCE: u32 = 60_000;

/// A company, and the process that serves its instance and receives webhooks.
struct Receiver {
    company: Company,
    address: SocketAddr,
    server: Child,
}

impl Receiver {
    /// Both systems in agreement, the hook registered.
    fn new(people: u32) -> Self {
        let company = Company::new(1, people);
        let secret = company.file.with_file_name("webhook.secret");
        private(&secret, SECRET);
        Self::with(company, &format!("secret = {{ file = {secret:?} }}"))
    }

    /// With a secret of our own.
    fn keeping(people: u32) -> Self {
        Self::with(Company::new(1, people), "")
    }

    fn with(company: Company, more: &str) -> Self {
        // A port that was free a moment ago.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let text = std::fs::read_to_string(&company.file).unwrap();
        let more = format!("\n[webhook]\nlisten = \"{address}\"\n{more}\n");
        private(&company.file, &format!("{text}{more}"));
        let status = company.command(&["sync", "--until-idle"]).output().unwrap();
        assert_eq!(status.status.code(), Some(3));
        let mut server = company.command(&["serve"]);
        let mut server = server.stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(server.stderr.take().unwrap());
        let line = said.lines().map_while(Result::ok);
        let mut line = line.skip_while(|line| !line.contains("serving"));
        assert!(line.next().is_some(), "it serves");
        Self {
            company,
            address,
            server,
        }
    }

    fn registered(self) -> Self {
        let asked = ["webhook", "register", "--yes", "--reason", "test"];
        let output = self.company.command(&asked).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        self
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, Json) {
        let output = self.company.command(arguments).output().unwrap();
        let json = serde_json::from_slice(&output.stdout);
        let said = || panic!("{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code(), json.unwrap_or_else(|_| said()))
    }

    fn webhooks(&self) -> Json {
        self.run(&["status", "--json"]).1["webhooks"].clone()
    }

    /// A form is submitted, and Automation posts what happened.
    fn submits(&self, email: &str, first_name: &str) {
        let shared = &self.company.serving.automation;
        {
            let now = shared.now();
            let values = [
                ("email", email),
                ("firstname", first_name),
                ("lastname", "Petit"),
                ("lead_company", "Orion SARL"),
            ];
            let mut brain = shared.brain();
            let form = brain.add_form("Contact");
            brain.submit(now, form, Cookie::Lost, &values, &VISIT);
        }
        let client = poster().unwrap();
        let posted = self.company.runtime.block_on(post_waiting(shared, &client));
        assert!(posted > 0, "nothing was posted, or nothing was taken");
    }

    /// Live records of an object with that address.
    fn records(&self, object: ObjectIndex, email: &str) -> usize {
        self.company.serving.site.with_brain(|brain| {
            let live = brain.records(object).filter(|(_, row)| !row.is_deleted);
            let ids: Vec<_> = live.map(|(id, _)| id).collect();
            let has = |id| brain.value(id, "Email").as_text() == Some(email);
            ids.into_iter().filter(|id| has(*id)).count()
        })
    }

    fn waits_until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..PATIENCE {
            if is_so(self) {
                return;
            }
            let moment = async { SystemClock.sleep(Span(1)).await };
            self.company.runtime.block_on(moment);
        }
        panic!("{what} did not happen; {}", self.webhooks());
    }

    /// Sends bytes; answers the status, or 0 if the line was closed without one.
    fn sends(&self, bytes: &[u8]) -> u16 {
        let mut stream = TcpStream::connect(self.address).unwrap();
        // The other end may have heard enough before we are done.
        let _ = stream.write_all(bytes);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        let status = answer.split_whitespace().nth(1);
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(self.server.id() as i32), Signal::SIGTERM);
        let _ = self.server.wait();
    }
}

fn call(method: &str, path: &str, signature: Option<&str>, body: &str) -> Vec<u8> {
    let signature = signature.map(|signature| format!("Webhook-Signature: {signature}\r\n"));
    format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{}\
         Content-Length: {}\r\n\r\n{body}",
        signature.unwrap_or_default(),
        body.len()
    )
    .into_bytes()
}

fn signed(body: &str) -> Vec<u8> {
    call(
        "POST",
        "/automation",
        Some(&signature(SECRET, body.as_bytes())),
        body,
    )
}

#[test]
fn a_form_submitted_in_automation_is_in_salesforce_without_any_scheduled_cycle() {
    let receiver = Receiver::new(10).registered();
    let new = "nadine.petit@clients.example";
    receiver.submits(new, "Nadine");
    receiver.waits_until("the Lead", |here| here.records(LEAD, new) == 1);

    let known = "zoe.petit@clients.example";
    let site = &receiver.company.serving.site;
    let now = site.now();
    let contact = site.with_brain(|brain| {
        let fields = [
            ("LastName", Cell::text("Petit")),
            ("Email", Cell::text(known)),
        ];
        let user = brain.integration_user();
        brain.seed(CONTACT, &fields, user, now)
    });
    receiver.submits(known, "Zoé");
    let is_paired = |here: &Receiver| {
        let (_, told) = here.run(&["contact", known, "--json"]);
        let salesforce = told["contacts"][0]["salesforce"]["id"].clone();
        salesforce.to_string().contains(&contact.to_string())
    };
    receiver.waits_until("the address", |here| {
        here.webhooks()["looked_at"].as_u64() > Some(1)
    });
    receiver.waits_until("the pair", is_paired);
    assert_eq!(receiver.records(LEAD, known), 0);
    assert_eq!(receiver.records(CONTACT, known), 1);
}

#[test]
fn whoever_is_not_vouched_for_is_told_nothing_and_changes_nothing() {
    let receiver = Receiver::new(3);
    let body = json!({"mautic.lead_post_save_update": [{"contact": {"id": 1}}]}).to_string();
    let right = signature(SECRET, body.as_bytes());
    let wrong = signature("another secret", body.as_bytes());
    let huge = "x".repeat((1 << 20) + 1);
    let long = "y".repeat(17 << 10);
    for (what, bytes, status) in [
        (
            "no signature",
            call("POST", "/automation", None, &body),
            401,
        ),
        (
            "no base64",
            call("POST", "/automation", Some("?"), &body),
            401,
        ),
        (
            "another secret",
            call("POST", "/automation", Some(&wrong), &body),
            401,
        ),
        (
            "another body",
            call("POST", "/automation", Some(&right), "{}"),
            401,
        ),
        (
            "another path",
            call("POST", "/other", Some(&right), &body),
            404,
        ),
        (
            "another method",
            call("GET", "/automation", Some(&right), &body),
            405,
        ),
        ("too large", signed(&huge), 413),
        (
            "too much said before",
            call("POST", "/automation", Some(&long), &body),
            431,
        ),
        (
            "signed, and no call",
            signed("{\"mautic.form_on_submit\": "),
            400,
        ),
        ("no HTTP", b"\x16\x03\x01\x02\x00".to_vec(), 400),
    ] {
        let got = receiver.sends(&bytes);
        // A line that is closed while we still send loses the answer.
        let is_lost = got == 0 && bytes.len() > (1 << 20);
        assert!(got == status || is_lost, "{what}: {got}");
    }
    let told = |name: &str| receiver.webhooks()[name].as_u64().unwrap();
    // Strangers who knock are no sign of another secret.
    receiver.waits_until("the count", |_| told("unreadable") == 1);
    assert_eq!(told("refused"), 4);
    assert_eq!((told("received"), told("unreadable")), (1, 1));
    assert_eq!(told("looked_at"), 0);

    for _ in 0..100 {
        assert_eq!(receiver.sends(&signed(&body)), 200);
    }
    receiver.waits_until("the look", |_| told("received") == 101);
    assert_eq!((told("looked_at"), told("repeated")), (1, 99));
}

#[test]
fn slow_senders_keep_nobody_out() {
    let receiver = Receiver::new(3);
    let body = json!({"mautic.lead_post_save_update": [{"contact": {"id": 1}}]}).to_string();
    // More than there may be at once; each says a little, and no more.
    let slow: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = TcpStream::connect(receiver.address).unwrap();
            stream
                .write_all(b"POST /automation HTTP/1.1\r\nHo")
                .unwrap();
            stream
        })
        .collect();
    assert_eq!(receiver.sends(&signed(&body)), 200);
    drop(slow);
}

#[test]
fn registering_makes_what_is_missing_and_puts_right_what_is_wrong() {
    let receiver = Receiver::new(3);
    let wrong = |json: &Json| json["wrong"].as_array().unwrap().len();
    let (status, told) = receiver.run(&["webhook", "status", "--json"]);
    assert_eq!((status, wrong(&told)), (Some(3), 1));
    let asked = ["webhook", "register", "--reason", "test", "--json"];
    let output = receiver.company.command(&asked).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "not without --yes");
    let dry = [&asked[..], &["--dry-run"]].concat();
    assert_eq!(receiver.run(&dry).1["steps"].as_array().unwrap().len(), 1);
    let yes = [&asked[..], &["--yes"]].concat();
    let (status, told) = receiver.run(&yes);
    assert_eq!((status, &told["done"]), (Some(0), &json!(true)));
    let (status, told) = receiver.run(&yes);
    assert_eq!((status, &told["done"]), (Some(0), &json!(false)), "once");

    let shared = &receiver.company.serving.automation;
    let id = shared.brain().hooks().all().next().unwrap().id;
    shared
        .brain()
        .hooks_mut()
        .by_id_mut(id)
        .unwrap()
        .is_published = false;
    let (status, told) = receiver.run(&["webhook", "status", "--json"]);
    assert_eq!((status, wrong(&told)), (Some(3), 1), "{told}");
    assert_eq!(receiver.run(&yes).0, Some(0));
    assert!(shared.brain().hooks().by_id(id).unwrap().is_published);
    assert_eq!(receiver.run(&["webhook", "status", "--json"]).0, Some(0));

    let gone = [
        "webhook",
        "unregister",
        "--yes",
        "--reason",
        "test",
        "--json",
    ];
    assert_eq!(receiver.run(&gone).0, Some(0));
    assert_eq!(shared.brain().hooks().all().count(), 0);
    let (_, acts) = receiver.run(&["audit", "list", "--json"]);
    let acts = acts.to_string();
    assert!(acts.contains("register webhook") && !acts.contains(SECRET));
}

/// Every file below a folder, as bytes.
fn files(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found
}

#[test]
fn a_secret_that_nobody_gave_is_made_kept_sealed_and_never_shown() {
    let receiver = Receiver::keeping(3);
    let shared = &receiver.company.serving.automation;
    let (_, told) = receiver.run(&["webhook", "status", "--json"]);
    assert_eq!(told["secret"], "not made yet");
    let body = json!({"mautic.lead_post_save_update": [{"contact": {"id": 1}}]}).to_string();
    let by_nothing = signature("", body.as_bytes());
    let call_signed = |signed: &str| call("POST", "/automation", Some(signed), &body);
    assert_eq!(receiver.sends(&call_signed(&by_nothing)), 401);

    let ask = |what: &str| {
        let asked = ["webhook", what, "--yes", "--reason", "test"];
        receiver.company.command(&asked).output().unwrap()
    };
    let output = ask("register");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let secret = || shared.brain().hooks().all().next().unwrap().secret.clone();
    let first = secret();
    assert!(first.len() >= 40, "{first}");
    let (_, told) = receiver.run(&["webhook", "status", "--json"]);
    assert_eq!(
        (&told["secret"], &told["wrong"]),
        (&json!("kept sealed"), &json!([]))
    );
    // The process that receives them knows it at once, and the whole way works.
    let right = signature(&first, body.as_bytes());
    assert_eq!(receiver.sends(&call_signed(&right)), 200);
    receiver.submits("nadine.petit@clients.example", "Nadine");
    receiver.waits_until("the Lead", |here| {
        here.records(LEAD, "nadine.petit@clients.example") == 1
    });

    let mut shown = Vec::new();
    for arguments in [
        &["webhook", "status"][..],
        &["webhook", "status", "--json"],
        &["audit", "list", "--json"],
        &["log", "show"],
        &["doctor", "webhook", "--json"],
        &["bundle", "--contact", "nadine.petit@clients.example"],
    ] {
        let output = receiver.company.command(arguments).output().unwrap();
        shown.push([output.stdout, output.stderr].concat());
    }
    shown.push([output.stdout, output.stderr].concat());
    let folder = receiver.company.file.parent().unwrap();
    let files = files(folder);
    assert!(files.len() > 5, "the store and the logs are there");
    let held = |bytes: &[u8]| {
        bytes
            .windows(first.len())
            .any(|part| part == first.as_bytes())
    };
    for (path, bytes) in &files {
        assert!(!held(bytes), "{}", path.display());
    }
    for bytes in &shown {
        assert!(!held(bytes), "{}", String::from_utf8_lossy(bytes));
    }

    let output = ask("unregister");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        receiver.sends(&call_signed(&right)),
        401,
        "its time is over"
    );
    assert_eq!(ask("register").status.code(), Some(0));
    assert_ne!(secret(), first);
}

/// Somebody new in Automation, whom no reading has found.
fn enters(company: &Company, email: &str) -> ContactId {
    let shared = &company.serving.automation;
    let now = shared.now();
    let input = ContactInput::default()
        .with("email", email)
        .with("lastname", "Neuve")
        .with("lead_company", "Orion SARL");
    let mut brain = shared.brain();
    brain.user_creates(now, UserId(1), &input).unwrap().id
}

fn text(json: &Json, name: &str) -> String {
    json[name].to_string()
}

/// The same at home and by the serving process.
#[track_caller]
fn pushes(company: &Company, run: impl Fn(&[&str]) -> (Option<i32>, Json)) {
    let shared = &company.serving.automation;
    let email = "nora.neuve@clients.example";
    let id = enters(company, email);
    let leads = || {
        company.serving.site.with_brain(|brain| {
            let live = brain.records(LEAD).filter(|(_, row)| !row.is_deleted);
            live.count()
        })
    };
    let before = leads();
    let (status, told) = run(&["contact", "push", email, "--dry-run", "--json"]);
    assert_eq!(status, Some(0));
    assert!(
        text(&told, "would").contains("would create a Lead"),
        "{told}"
    );
    assert_eq!(leads(), before);
    let (status, told) = run(&["contact", "push", email, "--reason", "test", "--json"]);
    assert_eq!(status, Some(0), "{told}");
    assert!(
        text(&told, "done").contains("created in Salesforce"),
        "{told}"
    );
    assert_eq!(leads(), before + 1);

    let now = shared.now();
    let input = ContactInput::default().with("mobile", "+33 6 11 22 33 44");
    shared
        .brain()
        .user_edits(now, UserId(1), id, &input)
        .unwrap();
    let number = id.0.to_string();
    let (_, told) = run(&["contact", "push", &number, "--dry-run", "--json"]);
    assert!(text(&told, "would").contains("MobilePhone"), "{told}");
    assert!(text(&told, "would").contains("+33 6 11 22 33 44"), "{told}");
    let (status, told) = run(&["contact", "push", "Neuve", "--reason", "test", "--json"]);
    assert_eq!(status, Some(0), "{told}");
    assert!(text(&told, "done").contains("+33 6 11 22 33 44"), "{told}");
    let (_, told) = run(&["contact", "push", email, "--reason", "again", "--json"]);
    assert_eq!(told["done"], json!([]), "{told}");

    let nobody = [
        "contact",
        "push",
        "nobody@clients.example",
        "--reason",
        "test",
    ];
    let output = company.command(&nobody).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let (_, acts) = run(&["audit", "list", "--json"]);
    assert!(acts.to_string().contains("push contact"), "{acts}");
    // The id is for the audit alone.
    let lines = crate::logs::lines(company);
    let pushes = lines.iter().filter(|line| line["act"] == "push contact");
    let pushes: Vec<&Json> = pushes.collect();
    assert!(!pushes.is_empty());
    let is_told = |line: &&Json| line.get("object").is_some();
    assert!(!pushes.iter().any(is_told), "{pushes:?}");
}

#[test]
fn one_contact_is_pushed_by_the_serving_process() {
    let receiver = Receiver::new(3);
    pushes(&receiver.company, |arguments| receiver.run(arguments));
}

#[test]
fn one_contact_is_pushed_where_nobody_serves() {
    let company = Company::new(1, 3);
    company.command(&["sync", "--until-idle"]).output().unwrap();
    pushes(&company, |arguments| {
        let output = company.command(arguments).output().unwrap();
        let json = serde_json::from_slice(&output.stdout);
        let said = || panic!("{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code(), json.unwrap_or_else(|_| said()))
    });
}
