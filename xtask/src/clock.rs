//! The one place where xtask reads the clock or waits. It has no async runtime whose time
//! a test could pause.

use std::time::{Duration, Instant, SystemTime};

/// The current instant.
#[expect(clippy::disallowed_methods, reason = "this is the one clock function of a program without tokio")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The time of day, as files carry it.
#[expect(clippy::disallowed_methods, reason = "this is the one clock function of a program without tokio")]
pub(crate) fn wall_time() -> SystemTime {
    SystemTime::now()
}

/// Does nothing for a while.
#[expect(clippy::disallowed_methods, reason = "a program without tokio has no other way to wait")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Asks every 20 ms until the answer is something or the time is up.
pub(crate) fn wait_for<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let started = now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if started.elapsed() >= limit {
            return None;
        }
        pause(Duration::from_millis(20));
    }
}
