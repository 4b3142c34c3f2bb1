//! One serving process, consoles and commands that attach to it over its socket, and whatever may
//! happen at either end.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value as Json, json};

use crate::terminal::stage::AtTerminal;

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The simulated systems and the process that serves an instance over them.
pub(crate) struct House {
    _folder: tempfile::TempDir,
    pub(crate) file: PathBuf,
    sim: Child,
    server: Child,
    /// What the server says.
    notes: BufReader<ChildStderr>,
}

impl House {
    /// Two systems in agreement but for their conflicts, among so many people.
    pub(crate) fn of(people: u32) -> Self {
        Self::with(people, "")
    }

    /// The same with more in the instance file.
    fn with(people: u32, more: &str) -> Self {
        let mut sim = passerelle()
            .args(["sim", "--people", &people.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(sim.stderr.take().unwrap());
        let line = line_with(&mut said, "its instance file is ");
        let made = Path::new(line.split("file is ").nth(1).unwrap().trim());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("instance.toml");
        let text = fs::read_to_string(made).unwrap();
        let data = made.parent().unwrap().join("data").display().to_string();
        assert!(text.contains(&data), "{text}");
        let own = folder.path().join("data").display().to_string();
        fs::write(&file, text.replace(&data, &own) + more).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let (server, notes) = serve(&file);
        Self {
            _folder: folder,
            file,
            sim,
            server,
            notes,
        }
    }

    pub(crate) fn in_agreement(self) -> Self {
        let done = self.run(&["sync", "--until-idle", "--json"]);
        assert_eq!(done.status.code(), Some(3), "{}", said(&done));
        self
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = passerelle();
        command.args(arguments).arg("--config").arg(&self.file);
        command.output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Json {
        let output = self.run(arguments);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
    }

    fn attach(&self, more: &[&str]) -> AtTerminal {
        let file = self.file.display().to_string();
        AtTerminal::runs(&[&["attach", "--config", &file], more].concat())
    }

    fn socket(&self) -> PathBuf {
        self.file.parent().unwrap().join("data/console.sock")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.server.id() as i32), signal).unwrap();
    }

    fn serve_again(&mut self) {
        self.server.wait().unwrap();
        (self.server, self.notes) = serve(&self.file);
    }

    /// The first contact with a conflict over one field, and that field.
    pub(crate) fn conflict(&self) -> (u64, u64, String) {
        let listed = self.json(&["conflicts", "--json"]);
        let links = listed["conflicts"].as_array().unwrap();
        let field_of = |link: &Json| {
            let subject = link["conflicts"][0]["subject"].as_str()?;
            let field = subject
                .split(" ↔ ")
                .next()
                .filter(|_| subject.contains(" ↔ "))?;
            Some((
                link["link"].as_u64()?,
                link["generation"].as_u64()?,
                field.to_owned(),
            ))
        };
        links.iter().find_map(field_of).unwrap()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self.sim] {
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM);
            let _ = child.wait();
        }
    }
}

fn passerelle() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
    command
        .env_remove("PASSERELLE_SOCKET")
        .env_remove("PASSERELLE_CONFIG");
    command
}

fn serve(file: &Path) -> (Child, BufReader<ChildStderr>) {
    let mut server = passerelle()
        .args(["serve", "--config"])
        .arg(file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut notes = BufReader::new(server.stderr.take().unwrap());
    line_with(&mut notes, "serving ");
    (server, notes)
}

#[track_caller]
fn line_with(from: &mut impl std::io::BufRead, text: &str) -> String {
    let mut all = String::new();
    for line in from.lines() {
        let line = line.unwrap();
        if line.contains(text) {
            return line;
        }
        all.push_str(&line);
    }
    panic!("no “{text}” in {all}");
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What was printed, but for the room that the store takes: it grows when it is opened.
fn without_size(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = text.lines().filter(|line| !line.contains("store_bytes"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn commands_are_carried_out_by_the_serving_process_and_say_the_same_as_at_home() {
    let mut house = House::of(40).in_agreement();
    let asked: [&[&str]; 5] = [
        &["status", "--json"],
        &["conflicts", "--json"],
        &["queues", "--json"],
        &["contact", "link:1", "--json"],
        &["conflicts"],
    ];
    let again = house.json(&["sync", "--until-idle", "--json"]);
    assert_eq!(
        again["written"],
        json!({"salesforce": {}, "automation": {}})
    );
    let served: Vec<Output> = asked.iter().map(|asked| house.run(asked)).collect();
    house.signal(Signal::SIGTERM);
    assert_eq!(house.server.wait().unwrap().code(), Some(0));
    assert!(!house.socket().exists());
    for (asked, served) in asked.iter().zip(served) {
        let at_home = house.run(asked);
        assert_eq!(served.status.code(), at_home.status.code(), "{asked:?}");
        assert_eq!(without_size(&served), without_size(&at_home), "{asked:?}");
        assert!(!served.stdout.is_empty(), "{asked:?}");
    }
}

#[test]
fn a_decision_goes_through_the_serving_process_and_the_second_one_hears_who_was_first() {
    let house = House::of(40).in_agreement();
    let (link, generation, field) = house.conflict();
    let (link, generation) = (link.to_string(), generation.to_string());
    let choice = format!("{field}=keep");
    let resolve = || {
        house.run(&[
            "resolve",
            &link,
            "--generation",
            &generation,
            "--choose",
            &choice,
            "--reason",
            "asked by phone",
        ])
    };
    let first = resolve();
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let second = resolve();
    assert_eq!(second.status.code(), Some(1), "{}", said(&second));
    assert!(
        said(&second).contains("changed since you looked"),
        "{}",
        said(&second)
    );
}

#[test]
fn two_operators_see_each_other_and_one_who_only_looks_changes_nothing() {
    let house = House::of(40).in_agreement();
    let mut first = house.attach(&[]);
    first.sees("practice").sees("need a person");
    let mut second = house.attach(&["--read-only"]);
    second.sees("READ ONLY").sees("2 here");
    first.sees("2 here");
    for console in [&mut first, &mut second] {
        console.type_keys("3");
        // A row is there, not only its count.
        console.sees("@");
        console.type_keys("\r");
        console.sees("Last agreed");
    }
    first.sees("has this contact open too");
    second.sees("has this contact open too");
    second.type_keys("w");
    second.sees("only the role operator may do this, and yours is viewer");
    second.type_keys("\x03");
    assert_eq!(second.ends().code(), Some(0));
    first.loses("2 here");
    first.type_keys("\x03");
    assert_eq!(first.ends().code(), Some(0));
}

#[test]
fn the_end_of_the_serving_process_gives_every_terminal_back_with_a_sentence() {
    let mut house = House::of(20);
    for (signal, status, word) in [
        (Signal::SIGTERM, Some(0), "was stopped"),
        (Signal::SIGKILL, Some(1), "is gone"),
    ] {
        let mut console = house.attach(&[]);
        console.sees("practice").sees("as of");
        assert!(console.is_raw());
        house.signal(signal);
        console.hears(word);
        assert_eq!(console.ends().code(), status, "{signal}");
        // What a dead process left behind is in nobody's way.
        house.serve_again();
    }
    assert_eq!(house.run(&["status"]).status.code(), Some(0));
}

#[test]
fn a_client_that_dies_or_loses_its_line_is_gone_and_the_work_goes_on() {
    let house = House::of(20);
    let mut stays = house.attach(&[]);
    stays.sees("practice").sees("as of");
    for signal in [Signal::SIGKILL, Signal::SIGHUP, Signal::SIGTERM] {
        let mut console = house.attach(&[]);
        console.sees("2 here");
        stays.sees("2 here");
        console.signal(signal);
        let status = console.child.wait().unwrap();
        assert_eq!(status.code(), (signal != Signal::SIGKILL).then_some(0));
        stays.loses("2 here");
    }
    assert_eq!(house.run(&["status"]).status.code(), Some(0));
    stays.type_keys("\x03");
    assert_eq!(stays.ends().code(), Some(0));
}

#[test]
fn a_republish_goes_on_when_the_line_drops_and_is_there_for_whoever_attaches_next() {
    let house = House::of(60);
    let done = house.run(&["sync", "--once", "pull", "--json"]);
    assert!(done.status.code().is_some(), "{}", said(&done));
    let mut console = house.attach(&[]);
    console.sees("as of").type_keys("6");
    console.sees("R republish").type_keys("R");
    console.sees("are sent to Salesforce");
    console.type_keys("asked by phone\r");
    console.sees("[> Confirm <]");
    console.type_keys("\r");
    console.loses("Confirm");
    console.hang_up();
    console.signal(Signal::SIGHUP);
    console.child.wait().unwrap();
    let rest = house.run(&["sync", "--once", "activities", "--json"]);
    assert_ne!(rest.status.code(), Some(1), "{}", said(&rest));
    let status = house.json(&["status", "--json"]);
    assert_eq!(status["plans"], json!([]), "{status}");
    assert!(status["sent_activities"].as_u64() > Some(0), "{status}");
    let mut console = house.attach(&[]);
    console.sees("as of").type_keys("9");
    console.sees("asked by phone");
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}

/// A hand-made client: a frame is a letter, four bytes of length, and a body.
fn knock(house: &House) -> UnixStream {
    let stream = UnixStream::connect(house.socket()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn send(stream: &mut UnixStream, kind: u8, body: &[u8]) {
    let mut frame = vec![kind];
    frame.extend((body.len() as u32).to_be_bytes());
    frame.extend(body);
    stream.write_all(&frame).unwrap();
}

fn receive(stream: &mut UnixStream) -> (u8, Vec<u8>) {
    let mut head = [0; 5];
    stream.read_exact(&mut head).unwrap();
    let size = u32::from_be_bytes(head[1..].try_into().unwrap());
    let mut body = vec![0; size as usize];
    stream.read_exact(&mut body).unwrap();
    (head[0], body)
}

fn hello(version: u16) -> Json {
    json!({
        "version": version,
        "program": "7.0.0",
        "claims": {"sudo_user": null, "ssh_connection": null, "ssh_key": null, "is_read_only": false},
        "wish": {"console": {"size": [80, 24], "variables": {"TERM": "xterm"}, "keys": null}},
    })
}

#[test]
fn a_reader_that_takes_nothing_costs_one_screen_and_delays_nobody() {
    let house = House::of(20);
    let mut stuck: Vec<UnixStream> = (0..4)
        .map(|_| {
            let mut stream = knock(&house);
            send(&mut stream, b'H', hello(2).to_string().as_bytes());
            assert_eq!(receive(&mut stream).0, b'W');
            // One screen comes, and none after it, since this one is never taken.
            assert_eq!(receive(&mut stream).0, b'S');
            stream
        })
        .collect();
    let mut console = house.attach(&[]);
    console.sees("5 here");
    let done = house.run(&["sync", "--until-idle", "--json"]);
    assert_eq!(done.status.code(), Some(3), "{}", said(&done));
    console.type_keys("3");
    console.sees("Conflicts:");
    for stream in &mut stuck {
        stream.set_nonblocking(true).unwrap();
        let more = stream.read(&mut [0; 1]);
        assert_eq!(more.unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn what_is_no_client_is_told_or_dropped_and_harms_nobody() {
    let house = House::of(20);
    let mut other = knock(&house);
    send(&mut other, b'H', hello(9).to_string().as_bytes());
    let (kind, why) = receive(&mut other);
    let why = String::from_utf8(why).unwrap();
    assert_eq!(kind, b'R');
    assert!(
        why.contains("7.0.0") && why.contains("same version"),
        "{why}"
    );
    for bytes in [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".as_slice(),
        &[b'H', 255, 255, 255, 255],
        &[b'T', 0, 0, 0, 0],
        &[b'H', 0, 0, 0, 2, b'{', b'}'],
    ] {
        let mut stream = knock(&house);
        stream.write_all(bytes).unwrap();
        // A sentence or nothing, and then the end: what was not read makes it a reset.
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest).map_err(|error| error.kind());
        assert!(
            matches!(end, Ok(_) | Err(ErrorKind::ConnectionReset)),
            "{end:?}"
        );
        assert!(rest.is_empty() || rest[0] == b'R', "{rest:?}");
    }
    // A size that would take a process's memory for one screen; and one that is only cut.
    let mut large = hello(2);
    large["wish"]["console"]["size"] = json!([65_535, 65_535]);
    let mut stream = knock(&house);
    send(&mut stream, b'H', large.to_string().as_bytes());
    let (kind, why) = receive(&mut stream);
    let why = String::from_utf8(why).unwrap();
    assert_eq!(kind, b'R');
    assert!(why.contains("65535×65535") && why.contains("stty"), "{why}");
    large["wish"]["console"]["size"] = json!([9_999, 0]);
    let mut stream = knock(&house);
    send(&mut stream, b'H', large.to_string().as_bytes());
    assert_eq!(receive(&mut stream).0, b'W');
    assert_eq!(receive(&mut stream).0, b'S');
    let mut wish = hello(2);
    wish["wish"] = json!({"command": {"arguments": ["sim"], "folder": "/"}});
    let mut stream = knock(&house);
    send(&mut stream, b'H', wish.to_string().as_bytes());
    assert_eq!(
        receive(&mut stream).0,
        b'R',
        "no command that is carried out for others"
    );
    assert_eq!(house.run(&["status"]).status.code(), Some(0));
}

#[test]
fn more_consoles_than_there_may_be_are_refused_with_a_sentence() {
    let house = House::of(10);
    let open = |house: &House| {
        let mut stream = knock(house);
        send(&mut stream, b'H', hello(2).to_string().as_bytes());
        let (kind, body) = receive(&mut stream);
        if kind == b'W' {
            receive(&mut stream);
        }
        (stream, kind, body)
    };
    let seated: Vec<_> = (0..32).map(|_| open(&house)).collect();
    assert!(seated.iter().all(|(_, kind, _)| *kind == b'W'));
    let (_, kind, why) = open(&house);
    assert_eq!(kind, b'R');
    assert!(String::from_utf8(why).unwrap().contains("32 consoles"));
}

#[test]
fn the_instance_file_says_who_may_do_what() {
    let name = nix::unistd::User::from_uid(nix::unistd::getuid())
        .unwrap()
        .unwrap()
        .name;
    let house = House::with(20, &format!("\n[operators]\nviewer = [\"{name}\"]\n"));
    assert_eq!(house.run(&["status"]).status.code(), Some(0));
    for refused in [
        &["sync", "--until-idle"][..],
        &["republish"],
        &["backup", "export", "copy.bin"],
    ] {
        let output = house.run(refused);
        assert_eq!(
            output.status.code(),
            Some(4),
            "{refused:?}: {}",
            said(&output)
        );
        assert!(
            said(&output).contains("yours is viewer"),
            "{}",
            said(&output)
        );
    }
    let mut console = house.attach(&[]);
    console.sees("READ ONLY");
    console.type_keys("S");
    console.sees("only the role operator may do this");
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn another_user_of_the_machine_cannot_even_knock() {
    if !nix::unistd::getuid().is_root() {
        // Only root can become somebody else; the modes are checked all the same.
        println!("left out: this test needs root for a second user");
    }
    let house = House::of(10);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&house.socket()), 0o600);
    assert_eq!(mode(house.socket().parent().unwrap()), 0o700);
    if nix::unistd::getuid().is_root() {
        let output = passerelle()
            .args(["status", "--socket"])
            .arg(house.socket())
            .uid(65_534)
            .output();
        // The program itself may be out of their reach, which is as good.
        if let Ok(output) = output {
            assert_eq!(output.status.code(), Some(1), "{}", said(&output));
            assert!(
                said(&output).contains("Permission denied"),
                "{}",
                said(&output)
            );
        }
    }
}

#[test]
fn a_member_of_the_sockets_group_looks_and_a_stranger_is_kept_out_by_the_file() {
    const GROUP: &str = "daemon";
    let group = nix::unistd::Group::from_name(GROUP).unwrap();
    let (true, Some(group)) = (nix::unistd::getuid().is_root(), group) else {
        println!("left out: this test needs root and the group {GROUP} for a second user");
        return;
    };
    let open = fs::Permissions::from_mode(0o755);
    let folder = tempfile::Builder::new().permissions(open).tempdir();
    let folder = folder.unwrap();
    let socket = folder.path().join("acme.sock");
    let served = format!(
        "\n[serve]\nsocket = \"{}\"\ngroup = \"{GROUP}\"\n",
        socket.display()
    );
    let house = House::with(10, &served).in_agreement();
    let mode = fs::metadata(&socket).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o660);
    let asked = |arguments: &[&str], gid: u32| {
        let mut command = passerelle();
        command.args(arguments).arg("--socket").arg(&socket);
        command.uid(65_534).gid(gid).output()
    };
    let gid = group.gid.as_raw();
    let Ok(looks) = asked(&["status", "--json"], gid) else {
        println!("left out: the program is out of another user's reach here");
        return;
    };
    let status: Json = serde_json::from_slice(&looks.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(&looks)));
    assert!(status.is_object(), "{status}");
    // A viewer by default: everything else is refused, by the role and not by the file.
    let steers = asked(&["queue", "pause", "salesforce", "--reason", "x"], gid).unwrap();
    assert_eq!(steers.status.code(), Some(4), "{}", said(&steers));
    assert!(said(&steers).contains("viewer"), "{}", said(&steers));
    let stranger = asked(&["status"], 65_534).unwrap();
    assert_eq!(stranger.status.code(), Some(1), "{}", said(&stranger));
    assert!(
        said(&stranger).contains("Permission denied"),
        "{}",
        said(&stranger)
    );
    drop(house);
}

#[test]
fn a_console_of_the_serving_process_is_not_recorded_from_here_and_no_file_is_made() {
    let house = House::of(10);
    let path = house.file.with_file_name("console.rec");
    let mut console = house.attach(&["--record", path.to_str().unwrap()]);
    console.hears("--record works where no process serves the instance");
    assert_eq!(console.child.wait().unwrap().code(), Some(2));
    assert!(!path.exists());
}

#[test]
fn without_a_serving_process_attach_says_how_to_start_one() {
    let mut house = House::of(10);
    house.signal(Signal::SIGTERM);
    house.server.wait().unwrap();
    let mut console = house.attach(&[]);
    console.hears("passerelle serve");
    assert_eq!(console.child.wait().unwrap().code(), Some(1));
    // A second one is refused by name while the first one has the store.
    house.serve_again();
    let second = house.run(&["serve"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        said(&second).contains("in use by process"),
        "{}",
        said(&second)
    );
}

#[test]
fn the_unit_names_this_program_and_this_instance_and_takes_everything_else_away() {
    let house = House::of(10);
    let output = house.run(&["unit", "--user", "sync"]);
    let unit = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for line in [
        "Type=notify",
        "User=sync",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "UMask=0077",
        "LimitCORE=0",
    ] {
        assert!(unit.lines().any(|l| l == line), "{line}: {unit}");
    }
    let start = format!(" serve --config {}", house.file.display());
    assert!(unit.contains(&start), "{unit}");
}

#[test]
fn what_the_console_steers_can_be_commanded_served_or_not_and_is_audited() {
    let mut house = House::of(20).in_agreement();
    let why = ["--reason", "asked by phone"];
    let deeds: [&[&str]; 8] = [
        &["queue", "pause", "salesforce"],
        &["queue", "resume", "salesforce"],
        &["check", "1"],
        &["aside", "1", "--until", "10d"],
        &["take-back", "1"],
        &["unlink", "1"],
        &["take-back", "1"],
        &["discard", "--yes"],
    ];
    let acts = |house: &House| {
        let listed = house.json(&["audit", "list", "--json"]);
        let rows = listed["acts"].as_array().unwrap().clone();
        let acts = rows
            .iter()
            .map(|row| row["act"].as_str().unwrap().to_owned());
        acts.collect::<Vec<_>>()
    };
    for is_served in [true, false] {
        for deed in deeds {
            let output = house.run(&[deed, &why].concat());
            let code = output.status.code();
            assert!(matches!(code, Some(0 | 3)), "{deed:?}: {}", said(&output));
        }
        for list in [
            ["flags", "--json"],
            ["activities", "--json"],
            ["plugin", "--json"],
        ] {
            assert!(house.json(&list).is_object(), "{list:?}");
            assert!(!house.run(&list[..1]).stdout.is_empty(), "{list:?}");
        }
        if is_served {
            house.signal(Signal::SIGTERM);
            house.server.wait().unwrap();
        }
    }
    let acts = acts(&house);
    let done = |act: &str| acts.iter().filter(|done| *done == act).count();
    for (act, times) in [
        ("pause", 2),
        ("resume", 2),
        ("read again", 2),
        ("set aside", 2),
        ("take back", 4),
        ("unlink", 2),
    ] {
        assert_eq!(done(act), times, "{act}: {acts:?}");
    }
    let unsure = house.run(&["discard"]);
    assert_eq!(unsure.status.code(), Some(2), "{}", said(&unsure));
    let nobody = house.run(&["check", "9999"]);
    assert_eq!(nobody.status.code(), Some(1), "{}", said(&nobody));
}

#[test]
fn a_console_that_is_left_with_work_to_do_offers_to_leave_it_running() {
    let mut house = House::with(10, "\n[schedule]\nenabled = true\n");
    house.signal(Signal::SIGTERM);
    house.server.wait().unwrap();
    let file = house.file.display().to_string();
    let open = || AtTerminal::runs(&["--config", &file]);
    for answer in ["\r", "y\r"] {
        let mut console = open();
        console.sees("practice").sees("as of");
        console.type_keys("\x03");
        console.hears("Leave it running in the background?");
        console.type_keys(answer);
        if answer == "\r" {
            console.hears("stopped; the next start goes on");
            assert_eq!(console.ends().code(), Some(0));
            assert!(!house.socket().exists());
            continue;
        }
        console.hears("stop it with: kill ");
        assert_eq!(console.ends().code(), Some(0));
    }
    let held = house.run(&["serve"]);
    let held = said(&held);
    let process = held
        .split("process ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let process = process.unwrap().parse().unwrap();
    // It serves, and is not of the terminal that is gone.
    assert_eq!(house.run(&["status"]).status.code(), Some(0));
    let mut console = open();
    console.sees("1 Over").sees("as of");
    console.type_keys("\x03");
    assert_eq!(console.ends().code(), Some(0));
    assert_eq!(house.run(&["status"]).status.code(), Some(0));
    kill(Pid::from_raw(process), Signal::SIGTERM).unwrap();
    while house.socket().exists() {
        std::thread::yield_now();
    }
}

#[test]
fn whoever_is_asked_to_end_while_it_asks_ends_and_leaves_nothing_running() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let mut house = House::with(10, "\n[schedule]\nenabled = true\n");
        house.signal(Signal::SIGTERM);
        house.server.wait().unwrap();
        let file = house.file.display().to_string();
        let mut console = AtTerminal::runs(&["--config", &file]);
        console.sees("practice").sees("as of");
        console.type_keys("\x03");
        console.hears("Leave it running in the background?");
        console.signal(signal);
        console.hears("stopped; the next start goes on");
        assert_eq!(console.ends().code(), Some(0), "{signal}");
        assert!(!house.socket().exists());
    }
}

#[test]
fn no_secret_is_where_somebody_else_may_look() {
    let house = House::of(20).in_agreement();
    let text = fs::read_to_string(&house.file).unwrap();
    let quoted = text.split('"').filter(|part| part.ends_with(".secret"));
    let secrets: Vec<String> = quoted
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    assert_eq!(secrets.len(), 2, "{text}");
    let mut console = house.attach(&[]);
    console.sees("as of");
    for screen in ["2", "3", "5", "6", "7", "8", "9", "W"] {
        console.type_keys(screen);
    }
    console.sees("Consoles open on this instance");
    let proc = |process: u32, name: &str| {
        let path = Path::new("/proc").join(process.to_string()).join(name);
        String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
    };
    let server = house.server.id();
    let limits = proc(server, "limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    assert_eq!(
        core.unwrap().split_whitespace().nth(4),
        Some("0"),
        "{limits}"
    );
    let commands = ["status", "doctor", "queues", "plugin"].map(|name| {
        let output = house.run(&[name]);
        String::from_utf8_lossy(&output.stdout).into_owned() + &said(&output)
    });
    let mut places = vec![
        proc(server, "cmdline"),
        proc(server, "environ"),
        proc(console.child.id(), "cmdline"),
        proc(console.child.id(), "environ"),
        console.said(),
    ];
    places.extend(commands);
    for place in &places {
        for secret in &secrets {
            assert!(!place.contains(secret.trim()), "{place}");
        }
    }
    // What is left in the terminal's scroll-back is nothing: all was on the other screen.
    let before = console.said();
    let before = before.split("\u{1b}[?1049h").next().unwrap();
    assert_eq!(before, "");
    console.type_keys("\x03\x03");
    console.child.wait().unwrap();
}

#[test]
fn a_line_that_drops_before_the_last_key_does_nothing_and_after_it_everything() {
    let house = House::of(40).in_agreement();
    let acts = |house: &House, act: &str| {
        let listed = house.json(&["audit", "list", "--json"]);
        let rows = listed["acts"].as_array().unwrap().clone();
        rows.iter().filter(|row| row["act"] == act).count()
    };
    let drops = |mut console: AtTerminal| {
        console.hang_up();
        console.signal(Signal::SIGHUP);
        console.child.wait().unwrap();
    };
    // Waits until the sync rests, whatever the last key began.
    let settled = |house: &House| drop(house.run(&["sync", "--once", "all", "--json"]));
    for (times, is_confirmed) in [(0, false), (1, true)] {
        let mut console = house.attach(&[]);
        console.sees("as of").type_keys("3");
        console.sees("@").type_keys("\r");
        console.sees("not decided yet").type_keys("x");
        console.sees("w see writes").type_keys("w");
        console.sees("Cancel").type_keys("asked by phone\r");
        console.sees("[> Confirm <]");
        if is_confirmed {
            console.type_keys("\r");
            console.loses("Confirm");
        }
        drops(console);
        settled(&house);
        assert_eq!(acts(&house, "resolve"), times);
        let mut console = house.attach(&[]);
        console.sees("as of").type_keys("6");
        console.sees("B backfill").type_keys("B");
        console.sees("7d").type_keys("\r");
        console
            .sees("Nothing is missing")
            .type_keys("asked by phone\r");
        console.sees("[> Confirm <]");
        if is_confirmed {
            console.type_keys("\r");
            console.loses("Confirm");
        }
        drops(console);
        settled(&house);
        assert_eq!(acts(&house, "backfill"), times);
    }
}
