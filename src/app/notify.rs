//! Tells the service manager that we are ready, alive, or about to end (`sd_notify(3)`), if there is one.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::app::compose::Environment;

/// Beats in the time after which the manager takes us for dead.
const BEATS: u32 = 3;

pub(super) struct Manager {
    line: Option<(UnixDatagram, SocketAddr)>,
    beat: Option<Duration>,
}

impl Manager {
    pub(super) fn of(env: &Environment) -> Self {
        let line = env
            .get("NOTIFY_SOCKET")
            .filter(|path| !path.is_empty())
            .and_then(|path| match connect(path) {
                Ok(line) => Some(line),
                Err(error) => {
                    tracing::warn!(%error, "the service manager cannot be reached");
                    None
                }
            });
        let micros: Option<u64> = env.get("WATCHDOG_USEC").and_then(|text| text.parse().ok());
        let beat = micros
            .filter(|micros| *micros > 0)
            .map(Duration::from_micros);
        Self {
            line,
            beat: beat.map(|span| span / BEATS),
        }
    }

    /// How often it wants to hear of us.
    pub(super) const fn beat(&self) -> Option<Duration> {
        self.beat
    }

    pub(super) fn ready(&self) {
        self.say("READY=1");
    }

    pub(super) fn alive(&self) {
        self.say("WATCHDOG=1");
    }

    pub(super) fn stopping(&self) {
        self.say("STOPPING=1");
    }

    fn say(&self, word: &str) {
        if let Some((socket, manager)) = &self.line
            && let Err(error) = socket.send_to_addr(word.as_bytes(), manager)
        {
            tracing::warn!(%error, "the service manager could not be told {word}");
        }
    }
}

/// A path, or a name outside the file system, which begins with “@”.
fn connect(path: &str) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    Ok((UnixDatagram::unbound()?, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_hears_ready_alive_and_stopping_and_is_beaten_three_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let env = Environment::from([
            ("NOTIFY_SOCKET".to_owned(), path.display().to_string()),
            ("WATCHDOG_USEC".to_owned(), "30000000".to_owned()),
        ]);
        let manager = Manager::of(&env);
        assert_eq!(manager.beat(), Some(Duration::from_secs(10)));
        manager.ready();
        manager.alive();
        manager.stopping();
        let mut heard = Vec::new();
        for _ in 0..3 {
            let mut bytes = [0; 64];
            let size = socket.recv(&mut bytes).unwrap();
            heard.push(String::from_utf8_lossy(&bytes[..size]).into_owned());
        }
        assert_eq!(heard, ["READY=1", "WATCHDOG=1", "STOPPING=1"]);
        let nobody = Manager::of(&Environment::new());
        nobody.ready();
        assert_eq!(nobody.beat(), None);
    }
}
