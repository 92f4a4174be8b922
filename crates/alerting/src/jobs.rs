//! What runs by itself. Each job is one loop that looks, works, waits and ends with the shutdown; what it
//! is in the middle of lies in the database, so that another replica, or the next start, goes on with it.

pub(crate) mod alive;
pub(crate) mod deliver;
pub(crate) mod emergency;
pub(crate) mod foresee;
pub(crate) mod group;
pub(crate) mod probe;
pub(crate) mod reload;
pub(crate) mod sweep;
pub(crate) mod timers;
pub(crate) mod unspool;
pub(crate) mod watch;

use std::time::Duration;

use larder_lifecycle::Shutdown;
use tokio::sync::Notify;

/// After the clock was set what waits is moved along with it first, by the watcher, which looks every second.
const AFTER_JUMP: Duration = Duration::from_millis(2_500);

/// Waits until it is woken, or for `longest`; `false` when it is time to end.
async fn wait(woken: &Notify, longest: Duration, shutdown: &Shutdown) -> bool {
    tokio::select! {
        biased;
        () = shutdown.wait() => false,
        () = woken.notified() => true,
        () = tokio::time::sleep(longest) => true,
    }
}
