//! The machine that the sync runs on: who can get at its files, and whether it comes back after a
//! restart.

use super::{Facts, Seen, Severity, Told, not_examined, part, seen, settled, unreadable};
use crate::domain::evidence::Part;

pub(super) fn files(facts: &Facts<'_>) -> Seen {
    let judge = || {
        let files = part(facts.machine.map(|machine| &machine.files))?;
        if let (true, Some(path)) = (files.open.is_empty(), &files.key_inside) {
            let path = ("path", Told::Text(path.clone()));
            return Ok(seen(Severity::Warning, "seen-key-inside", vec![path]));
        }
        if files.open.is_empty() {
            let n = ("n", Told::Number(files.checked));
            return Ok(seen(Severity::Ok, "seen-files", vec![n]));
        }
        let names = ("names", Told::Names(files.open.clone()));
        Ok(seen(Severity::Fault, "seen-files-open", vec![names]))
    };
    settled(judge())
}

pub(super) fn service(facts: &Facts<'_>) -> Seen {
    let Some(machine) = facts.machine else {
        return not_examined();
    };
    match (&machine.unit, machine.is_served) {
        (Part::Read(true), true) => seen(Severity::Ok, "seen-service", Vec::new()),
        (Part::Read(true), false) => seen(Severity::Warning, "seen-service-stopped", Vec::new()),
        (Part::Read(false), true) => seen(Severity::Note, "seen-service-by-hand", Vec::new()),
        (Part::Read(false), false) => seen(Severity::Warning, "seen-no-service", Vec::new()),
        (Part::Unread(why), _) => unreadable(why),
    }
}
