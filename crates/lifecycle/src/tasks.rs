//! The named tasks of a service, so that a stop can say who did not follow it.

use std::collections::HashMap;
use std::future::Future;

use tokio::task::{Id, JoinError, JoinSet};

use crate::shutdown::Shutdown;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskEnd {
    /// The name it was started under.
    pub name: &'static str,
    /// Whether it panicked.
    pub panicked: bool,
}

/// Running tasks; dropping them aborts what still runs.
#[derive(Debug, Default)]
pub struct Tasks {
    running: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// No tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task on the current runtime.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits for the next task to end; none when there are no more. Dropping the wait loses nothing.
    pub async fn next_end(&mut self) -> Option<TaskEnd> {
        let joined = self.running.join_next_with_id().await?;
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let panicked = joined.is_err_and(|error| error.is_panic());
        let name = self.names.remove(&id).unwrap_or("unnamed");
        Some(TaskEnd { name, panicked })
    }

    /// Waits for `shutdown`; a task that ends before it is returned, for it should not have.
    pub async fn first_failure(&mut self, shutdown: &Shutdown) -> Option<TaskEnd> {
        tokio::select! {
            biased;
            () = shutdown.wait() => None,
            Some(end) = self.next_end() => {
                tracing::error!(task = end.name, panicked = end.panicked, "task ended though nobody asked it to");
                Some(end)
            }
        }
    }

    /// The names of the tasks that still run, in alphabetical order.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = self.names.values().copied().collect();
        names.sort_unstable();
        names
    }

    /// Asks every task to stop where it is.
    pub(crate) fn abort(&mut self) {
        self.running.abort_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ends_are_reported_by_name() {
        let mut tasks = Tasks::new();
        tasks.spawn("trainer", async { panic!("no flour") });
        assert_eq!(tasks.next_end().await, Some(TaskEnd { name: "trainer", panicked: true }));
        tasks.spawn("server", async {});
        assert_eq!(tasks.names(), ["server"]);
        assert_eq!(tasks.next_end().await, Some(TaskEnd { name: "server", panicked: false }));
        assert_eq!(tasks.next_end().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_ends_by_itself_is_a_failure() {
        let shutdown = Shutdown::new();
        let mut tasks = Tasks::new();
        tasks.spawn("job", shutdown.wait_owned());
        tasks.spawn("server", async {});
        let failure = tasks.first_failure(&shutdown).await;
        assert_eq!(failure, Some(TaskEnd { name: "server", panicked: false }));
    }

    #[tokio::test(start_paused = true)]
    async fn ending_because_of_the_shutdown_is_none() {
        let shutdown = Shutdown::new();
        let mut tasks = Tasks::new();
        tasks.spawn("server", shutdown.wait_owned());
        let asked = shutdown.clone();
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            asked.trigger();
        });
        assert_eq!(tasks.first_failure(&shutdown).await, None);
        assert_eq!(tasks.names(), ["server"], "the drain still knows the task");
    }

    #[tokio::test(start_paused = true)]
    async fn without_tasks_it_waits_for_the_shutdown() {
        let shutdown = Shutdown::new();
        let mut tasks = Tasks::new();
        let wait = tokio::time::timeout(std::time::Duration::from_secs(1), tasks.first_failure(&shutdown));
        assert!(wait.await.is_err());
    }
}
