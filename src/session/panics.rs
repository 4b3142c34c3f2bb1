//! A panic of any thread, kept for after the session instead of painted over the screen.

use std::backtrace::Backtrace;
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};

/// More than this are one fault that repeats.
const KEPT_MAX: usize = 20;

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Sync + Send + 'static>;

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
