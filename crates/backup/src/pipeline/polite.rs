//! Threads that let everything else go first: a backup may take as long as it likes, the database
//! beside it may not.

use std::io;
use std::thread;

use tokio::sync::oneshot;

/// From 0 to 19: where both want a core, whoever is not polite gets nine tenths of it.
const NICENESS: i32 = 10;

/// Work on a polite thread.
pub(crate) struct Polite<T> {
    ended: oneshot::Receiver<io::Result<T>>,
}

impl<T: Send + 'static> Polite<T> {
    /// Begins the work on a thread of its own; threads that it makes are as polite.
    pub(crate) fn begin(name: &str, work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Self {
        let (end, ended) = oneshot::channel();
        let work = move || {
            // On Linux each thread has a priority of its own. Refused only where this one may not even be polite.
            let _ = rustix::process::nice(NICENESS);
            // Nobody waits for it any more.
            let _ = end.send(work());
        };
        if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(work) {
            let (end, ended) = oneshot::channel();
            let _ = end.send(Err(error));
            return Self { ended };
        }
        Self { ended }
    }

    /// Waits for its end.
    pub(crate) async fn ended(self) -> io::Result<T> {
        self.ended.await.unwrap_or_else(|_| Err(io::Error::other("a thread ended without a result")))
    }
}
