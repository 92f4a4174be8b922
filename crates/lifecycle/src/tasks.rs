//! The named tasks of a service, so that a stop can say who did not follow it.

use std::collections::HashMap;
use std::future::Future;

use tokio::task::{Id, JoinError, JoinSet};

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
    ///
    /// A server that ends while nobody asked it to has failed: select on this beside the shutdown.
    pub async fn next_end(&mut self) -> Option<TaskEnd> {
        let joined = self.running.join_next_with_id().await?;
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let panicked = joined.is_err_and(|error| error.is_panic());
        let name = self.names.remove(&id).unwrap_or("unnamed");
        Some(TaskEnd { name, panicked })
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
}
