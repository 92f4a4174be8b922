//! How far long work has come: the newest step alone, so that a slow listener holds up nobody.

use tokio::sync::watch;

/// One step of long work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Step {
    /// What is being done, such as "receiving the database".
    pub name: &'static str,
    /// Units done.
    pub done: u64,
    /// Units in all; 0 while unknown.
    pub total: u64,
}

/// Where work tells how far it has come.
#[derive(Debug, Clone)]
pub struct Progress(watch::Sender<Step>);

impl Progress {
    /// A progress and who listens to it.
    #[must_use]
    pub fn new() -> (Self, watch::Receiver<Step>) {
        let (sender, receiver) = watch::channel(Step::default());
        (Self(sender), receiver)
    }

    /// A progress that nobody listens to.
    #[must_use]
    pub fn silent() -> Self {
        Self::new().0
    }

    /// Begins a step.
    pub fn begin(&self, name: &'static str, total: u64) {
        self.0.send_replace(Step { name, done: 0, total });
    }

    /// Sets how much of the step is done.
    pub fn set(&self, done: u64) {
        self.0.send_modify(|step| step.done = done);
    }

    /// Adds to what is done.
    pub fn add(&self, more: u64) {
        self.0.send_modify(|step| step.done += more);
    }
}
