//! Looks after calls that may not come back: whoever is late is reported, second by second.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// One call at a time is looked after. Ends with its thread.
pub(super) struct Watch {
    post: Arc<Post>,
    thread: Option<JoinHandle<()>>,
}

/// A call under way; it came back when this is dropped.
pub(super) struct Watched<'a>(&'a Post);

#[derive(Default)]
struct Post {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How many calls began.
    calls: u64,
    is_under_way: bool,
    /// Nobody looks, and somebody must be woken first.
    is_resting: bool,
    is_over: bool,
}

impl Watch {
    /// `late` hears after each `beat` how many of them the same call has lasted. A machine that
    /// slept meanwhile counts as one beat, not as the time that it slept.
    pub(super) fn new(
        beat: Duration,
        late: impl Fn(u32) + Send + 'static,
    ) -> std::io::Result<Self> {
        let post = Arc::new(Post::default());
        let looking = Arc::clone(&post);
        let thread = std::thread::Builder::new()
            .name("store watch".into())
            .spawn(move || looking.look(beat, late))?;
        Ok(Self {
            post,
            thread: Some(thread),
        })
    }

    pub(super) fn begin(&self) -> Watched<'_> {
        let mut state = self.post.lock();
        state.calls += 1;
        state.is_under_way = true;
        if state.is_resting {
            self.post.changed.notify_one();
        }
        Watched(&self.post)
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        // Not announced: calls are many, and the next beat sees it.
        self.0.lock().is_under_way = false;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.post.lock().is_over = true;
        self.post.changed.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that looks after the store had panicked");
        }
    }
}

impl Post {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, beat: Duration, late: impl Fn(u32)) {
        let mut state = self.lock();
        let (mut call, mut beats) = (0, 0);
        while !state.is_over {
            if !state.is_under_way {
                state.is_resting = true;
                let waited = self.changed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
                state.is_resting = false;
                continue;
            }
            if state.calls != call {
                (call, beats) = (state.calls, 0);
            }
            let waited = self
                .changed
                .wait_timeout_while(state, beat, |state| !state.is_over);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.is_under_way && state.calls == call && !state.is_over {
                beats += 1;
                drop(state);
                late(beats);
                state = self.lock();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const BEAT: Duration = Duration::from_millis(1);

    #[test]
    fn a_call_that_does_not_come_back_is_reported_beat_by_beat() {
        let (tell, told) = mpsc::channel();
        let watch = Watch::new(BEAT, move |beats| {
            // Nobody listens any more once the test has seen enough.
            let _ = tell.send(beats);
        })
        .unwrap();
        let call = watch.begin();
        let heard: Vec<u32> = told.iter().take(3).collect();
        assert_eq!(heard, [1, 2, 3]);
        drop(call);
        let call = watch.begin();
        assert!(told.iter().any(|beats| beats == 1), "counted anew");
        drop(call);
    }

    #[test]
    fn calls_that_come_back_are_not_reported() {
        let watch = Watch::new(Duration::from_secs(3_600), |_| {
            unreachable!("nobody is late")
        });
        let watch = watch.unwrap();
        for _ in 0..1_000 {
            drop(watch.begin());
        }
    }
}
