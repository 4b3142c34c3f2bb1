//! What an operator at the far end of a socket waits for, while twenty are attached and the sync of the
//! practice company is under way: from a key that is written to the screen that shows it.
//!
//! `cargo bench --bench sessions` takes 20 consoles and 20,000 people; other numbers can be given:
//! `cargo bench --bench sessions -- 8 5000`.

#![expect(
    clippy::print_stdout,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and prints figures"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Keys of each console.
const KEYS: usize = 120;

/// A person who leafs through the screens.
const BETWEEN_KEYS: Duration = Duration::from_millis(400);

/// Screens without a dialog or a text, over and over.
const SCREENS: [&str; 7] = ["1", "2", "3", "5", "6", "8", "9"];

/// Longer than any screen takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok());
    let consoles: usize = numbers.next().unwrap_or(20);
    let people: usize = numbers.next().unwrap_or(20_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut sim, file) = simulators(people);
    let file = own(&file, folder.path());
    let mut server = served(&file);
    let socket = folder.path().join("data/console.sock");
    let mut sync = passerelle()
        .args(["sync", "--until-idle", "--json", "--config"])
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the sync begins");
    let seats: Vec<_> = (0..consoles)
        .map(|seat| {
            let socket = socket.clone();
            thread::spawn(move || leaf(&socket, seat))
        })
        .collect();
    let mut waits: Vec<Duration> = Vec::new();
    for seat in seats {
        waits.extend(seat.join().expect("a console"));
    }
    let is_at_work = sync.try_wait().expect("a child").is_none();
    waits.sort_unstable();
    let at =
        |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    println!(
        "{consoles} consoles, {people} people, the sync {}: {} keys",
        if is_at_work {
            "under way to the end"
        } else {
            "ended meanwhile"
        },
        waits.len()
    );
    println!(
        "key to screen: p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!(
        "memory of the serving process: {} MB at most",
        peak_megabytes(server.id())
    );
    for child in [&mut sync, &mut server, &mut sim] {
        // Ours, and at the end of its use.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn passerelle() -> Command {
    Command::new(env!("CARGO_BIN_EXE_passerelle"))
}

fn simulators(people: usize) -> (Child, PathBuf) {
    let mut sim = passerelle()
        .args(["sim", "--people", &people.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the simulators begin");
    let line = line_with(&mut sim, "its instance file is ");
    let file = line.split("file is ").nth(1).expect("a path").trim().into();
    (sim, file)
}

/// The instance in a folder of this measurement.
fn own(made: &Path, folder: &Path) -> PathBuf {
    let text = std::fs::read_to_string(made).expect("an instance file");
    let data = made
        .parent()
        .expect("a folder")
        .join("data")
        .display()
        .to_string();
    let text = text.replace(&data, &folder.join("data").display().to_string());
    let file = folder.join("instance.toml");
    std::fs::write(&file, text).expect("an instance file");
    file
}

fn served(file: &Path) -> Child {
    let mut server = passerelle()
        .args(["serve", "--config"])
        .arg(file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the serving process begins");
    line_with(&mut server, "serving ");
    server
}

fn line_with(child: &mut Child, text: &str) -> String {
    let said = BufReader::new(child.stderr.take().expect("a pipe"));
    for line in said.lines() {
        let line = line.expect("text");
        if line.contains(text) {
            return line;
        }
    }
    panic!("it never said “{text}”");
}

fn peak_megabytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1_000
}

/// One console: presses keys, takes every screen, and times the first one after each key.
fn leaf(socket: &Path, seat: usize) -> Vec<Duration> {
    let mut line = UnixStream::connect(socket).expect("a serving process");
    line.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let hello = r#"{"version":1,"program":"0.1.0","claims":{"sudo_user":null,"ssh_connection":null,"ssh_key":null,"is_read_only":false},"wish":{"console":{"size":[120,40],"variables":{"TERM":"xterm-256color"},"keys":null}}}"#;
    send(&mut line, b'H', hello.as_bytes());
    assert_eq!(receive(&mut line).0, b'W');
    let mut waits = Vec::with_capacity(KEYS);
    thread::sleep(BETWEEN_KEYS / 20 * seat as u32);
    let mut pressed: Option<Instant> = None;
    let mut due = Instant::now() + BETWEEN_KEYS;
    let mut sent = 0;
    while waits.len() < KEYS {
        let now = Instant::now();
        if sent < KEYS && pressed.is_none() && now >= due {
            let key = SCREENS[(sent + seat) % SCREENS.len()];
            let event = format!(
                r#"{{"Key":{{"code":{{"Char":"{key}"}},"modifiers":"","kind":"Press","state":""}}}}"#
            );
            pressed = Some(Instant::now());
            send(&mut line, b'E', event.as_bytes());
            sent += 1;
            due = now + BETWEEN_KEYS;
        }
        let wait = if pressed.is_some() {
            PATIENCE
        } else {
            due.saturating_duration_since(now)
        };
        line.set_read_timeout(Some(wait.max(Duration::from_millis(1))))
            .expect("a socket");
        let Some(kind) = try_receive(&mut line) else {
            continue;
        };
        assert_eq!(kind, b'S', "a screen");
        if let Some(pressed) = pressed.take() {
            waits.push(pressed.elapsed());
        }
        send(&mut line, b'T', &[]);
    }
    waits
}

fn send(line: &mut UnixStream, kind: u8, body: &[u8]) {
    let mut frame = vec![kind];
    frame.extend((body.len() as u32).to_be_bytes());
    frame.extend(body);
    line.write_all(&frame).expect("a serving process");
}

/// The kind of the next frame, if one begins in time.
fn try_receive(line: &mut UnixStream) -> Option<u8> {
    let mut kind = [0];
    match line.read(&mut kind) {
        Ok(1) => {}
        Ok(_) => panic!("the serving process is gone"),
        Err(_) => return None,
    }
    line.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut size = [0; 4];
    line.read_exact(&mut size).expect("a frame");
    let mut body = vec![0; u32::from_be_bytes(size) as usize];
    line.read_exact(&mut body).expect("a frame");
    Some(kind[0])
}

fn receive(line: &mut UnixStream) -> (u8, ()) {
    (try_receive(line).expect("a frame"), ())
}
