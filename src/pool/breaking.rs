//! Faults on demand, for tests of the built program: it has to be seen what a panic does to somebody's
//! terminal. Only in builds with debug assertions, which nobody is given; asked for by an environment
//! variable, and set off by an operator's act.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// The variable: `view`, `overflow`, `abort`, `worker` or `owner`.
pub const BREAKS: &str = "PASSERELLE_BREAKS";

/// What is to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Break {
    /// The console, at the next key.
    View = 1,
    /// The console's stack, at the next key.
    Overflow,
    /// The process, at the next key.
    Abort,
    /// The request that follows an operator's act.
    Worker,
    /// The task that owns the engine, at an operator's act.
    Owner,
}

/// What is asked for, of one pool and the consoles over it.
#[derive(Debug, Default)]
pub struct Breaks {
    asked: AtomicU8,
    /// Whether an operator's act set it off.
    is_ready: AtomicBool,
}

impl Break {
    const ALL: [(&'static str, Self); 5] = [
        ("view", Self::View),
        ("overflow", Self::Overflow),
        ("abort", Self::Abort),
        ("worker", Self::Worker),
        ("owner", Self::Owner),
    ];
}

impl Breaks {
    /// As the variable says.
    pub fn ask(&self, name: &str) {
        let asked = Break::ALL.iter().find(|(known, _)| *known == name);
        let asked = asked.map_or(0, |(_, what)| *what as u8);
        self.asked.store(asked, Ordering::Relaxed);
    }

    fn is_asked(&self, what: Break) -> bool {
        self.asked.load(Ordering::Relaxed) == what as u8
    }

    /// A key was pressed.
    pub fn pressed(&self) {
        if self.is_asked(Break::Overflow) {
            black_box(deeper(black_box(u64::MAX)));
        }
        if self.is_asked(Break::Abort) {
            std::process::abort();
        }
        self.fault(Break::View);
    }

    /// An operator's act came in.
    pub(super) fn instructed(&self) {
        self.is_ready.store(true, Ordering::Relaxed);
        self.fault(Break::Owner);
    }

    /// A request is about to leave.
    pub(super) fn requesting(&self) {
        if self.is_ready.load(Ordering::Relaxed) {
            self.fault(Break::Worker);
        }
    }

    /// Once: what goes on afterwards is what is looked at.
    fn fault(&self, what: Break) {
        if self.is_asked(what) {
            self.asked.store(0, Ordering::Relaxed);
            let nobody: Option<u8> = black_box(None);
            nobody.expect("broken on demand");
        }
    }
}

/// Deeper than any stack.
fn deeper(depth: u64) -> u64 {
    let room = black_box([depth; 512]);
    if depth == 0 {
        return room[0];
    }
    black_box(deeper(depth - 1)) + room[1]
}
