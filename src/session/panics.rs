//! A panic of any thread, kept for after the session instead of painted over the screen.

use std::backtrace::Backtrace;
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};

/// Events about panics: which thread and where, and the words where they are the program's own.
pub const PANICKED: &str = "passerelle::panicked";

/// More than this are one fault that repeats.
const KEPT_MAX: usize = 20;

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Sync + Send + 'static>;

/// From now on every panic is logged, and then told as before.
pub fn log_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        log(info);
        before(info);
    }));
}

/// A text that was made at run time may hold a person's value, and is left out.
fn log(info: &panic::PanicHookInfo<'_>) {
    let says = info.payload().downcast_ref::<&'static str>();
    let says = says.copied().unwrap_or("(words left out)");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let current = std::thread::current();
    let thread = current.name().unwrap_or_default();
    tracing::error!(target: PANICKED, thread, place, says, "a thread panicked");
}

/// While this lives, panics are kept; then the hook from before is back.
pub struct Panics {
    kept: Arc<Mutex<Vec<String>>>,
    before: Option<Hook>,
}

impl Panics {
    pub fn keep() -> Self {
        let before = panic::take_hook();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&kept);
        panic::set_hook(Box::new(move |info| {
            log(info);
            let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
            if list.len() < KEPT_MAX {
                let trace = Backtrace::capture();
                list.push(format!("{info}\n{trace}"));
            }
        }));
        Self {
            kept,
            before: Some(before),
        }
    }

    /// What was kept, in order.
    pub fn end(mut self) -> Vec<String> {
        self.restore();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut kept)
    }

    fn restore(&mut self) {
        if let Some(before) = self.before.take() {
            panic::set_hook(before);
        }
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        // Setting a hook while unwinding would abort.
        if !std::thread::panicking() {
            self.restore();
        }
    }
}
