//! The wish to stop, as a value that is passed to everything that runs.
//!
//! A child follows its parent but not the other way round: one service of several can be stopped alone.

use std::future::Future;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit codes by custom are 128 plus the signal's number.
const SIGNAL_EXIT_BASE: i32 = 128;

/// Says when to stop. Clones are the same wish.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// A shutdown that nobody has asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A shutdown that SIGTERM or SIGINT asks for. A second signal ends the process at once.
    ///
    /// # Errors
    /// When the process may not listen to signals. Call it inside a runtime.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::new();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let asked = shutdown.clone();
        tokio::spawn(async move {
            let first = either(&mut terminate, &mut interrupt).await;
            tracing::info!(signal.number = first.as_raw_value(), "asked to stop");
            asked.trigger();
            let second = either(&mut terminate, &mut interrupt).await;
            tracing::warn!(signal.number = second.as_raw_value(), "asked twice to stop, leaving at once");
            std::process::exit(SIGNAL_EXIT_BASE + second.as_raw_value());
        });
        Ok(shutdown)
    }

    /// A shutdown that happens with this one, or alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { token: self.token.child_token() }
    }

    /// Asks everything that waits to stop.
    pub fn trigger(&self) {
        self.token.cancel();
    }

    /// Whether stopping was asked for.
    pub fn is_triggered(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until stopping is asked for.
    pub async fn wait(&self) {
        self.token.cancelled().await;
    }

    /// The same as a future of its own, for servers that take one.
    pub fn wait_owned(&self) -> impl Future<Output = ()> + Send + 'static {
        self.token.clone().cancelled_owned()
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> SignalKind {
    tokio::select! {
        _ = terminate.recv() => SignalKind::terminate(),
        _ = interrupt.recv() => SignalKind::interrupt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_who_waits_is_told() {
        let shutdown = Shutdown::new();
        let waiters: Vec<_> = (0..3).map(|_| tokio::spawn(shutdown.clone().wait_owned())).collect();
        assert!(!shutdown.is_triggered());
        shutdown.trigger();
        for waiter in waiters {
            waiter.await.unwrap();
        }
        shutdown.wait().await;
    }

    #[tokio::test]
    async fn a_child_stops_with_its_parent_and_alone() {
        let parent = Shutdown::new();
        let (alone, together) = (parent.child(), parent.child());
        alone.trigger();
        assert!(alone.is_triggered());
        assert!(!parent.is_triggered() && !together.is_triggered());
        parent.trigger();
        assert!(together.is_triggered());
    }
}
