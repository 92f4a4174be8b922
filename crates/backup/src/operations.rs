//! Long work as operations: begun by a call or a schedule, followed by anybody who knows the id, and
//! never stopped by a caller that hangs up. What ended is remembered for a while.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures::Stream;
use larder_proto::larder::operation::v1::{Operation, OperationProgress, OperationState};
use tokio::sync::watch;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;
use tonic::Status;
use uuid::Uuid;

use crate::clock::Clock;
use crate::convert::timestamp;
use crate::error::BackupError;
use crate::metrics;
use crate::progress::Progress;

/// How many operations are remembered.
const REMEMBERED: usize = 256;

/// What an operation brought, by name.
pub(crate) type Results = BTreeMap<String, String>;

/// A stream of answers.
pub(crate) type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Operations by their ids, the oldest first.
type Known = VecDeque<(String, watch::Receiver<Operation>)>;

/// What failed last and has not gone well since, by kind.
type Failures = Arc<Mutex<BTreeMap<&'static str, String>>>;

/// The operations of this process.
#[derive(Clone)]
pub(crate) struct Operations {
    known: Arc<Mutex<Known>>,
    failures: Failures,
    clock: Clock,
}

impl Operations {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { known: Arc::default(), failures: Arc::default(), clock }
    }

    /// Begins work and returns what follows it. The work goes on when nobody follows.
    pub(crate) fn start<F>(
        &self,
        kind: &'static str,
        work: impl FnOnce(Progress) -> F,
    ) -> watch::Receiver<Operation>
    where
        F: Future<Output = Result<Results, BackupError>> + Send + 'static,
    {
        let operation = Operation {
            operation_id: Uuid::now_v7().to_string(),
            kind: kind.to_owned(),
            state: OperationState::Running.into(),
            started_at: Some(timestamp((self.clock)())),
            ..Operation::default()
        };
        let id = operation.operation_id.clone();
        let (told, followed) = watch::channel(operation);
        self.remember(id, followed.clone());
        let (progress, steps) = Progress::new();
        let work = tokio::spawn(work(progress));
        let (failures, clock) = (self.failures.clone(), self.clock);
        tokio::spawn(async move {
            let result = follow(kind, work, steps, told, clock).await;
            let mut failures = failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            match result {
                Ok(_) => failures.remove(kind),
                Err(error) => failures.insert(kind, error.to_string()),
            };
        });
        followed
    }

    /// Why each kind of work failed that has not gone well since.
    pub(crate) fn failures(&self) -> BTreeMap<&'static str, String> {
        self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn remember(&self, id: String, followed: watch::Receiver<Operation>) {
        let mut known = self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        known.push_back((id, followed));
        while known.len() > REMEMBERED {
            known.pop_front();
        }
    }

    /// An operation by its id.
    pub(crate) fn find(&self, id: &str) -> Option<watch::Receiver<Operation>> {
        let known = self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        known.iter().find(|(other, _)| other == id).map(|(_, followed)| followed.clone())
    }
}

async fn follow(
    kind: &'static str,
    mut work: tokio::task::JoinHandle<Result<Results, BackupError>>,
    mut steps: watch::Receiver<crate::progress::Step>,
    told: watch::Sender<Operation>,
    clock: Clock,
) -> Result<Results, BackupError> {
    let begun = tokio::time::Instant::now();
    let result = loop {
        tokio::select! {
            ended = &mut work => {
                break ended.unwrap_or_else(|panic| Err(BackupError::Internal(panic.to_string())));
            }
            changed = steps.changed() => {
                if changed.is_err() {
                    break (&mut work).await.unwrap_or_else(|panic| Err(BackupError::Internal(panic.to_string())));
                }
                let step = *steps.borrow_and_update();
                told.send_modify(|operation| operation.progress = Some(progress(&step)));
            }
        }
    };
    metrics::took(kind, begun.elapsed());
    told.send_modify(|operation| {
        operation.finished_at = Some(timestamp(clock()));
        match &result {
            Ok(results) => {
                operation.state = OperationState::Succeeded.into();
                operation.result = results.clone();
            }
            Err(error) => {
                operation.state = OperationState::Failed.into();
                operation.error = Some(error.row_status());
            }
        }
    });
    if let Err(error) = &result {
        metrics::failed(kind, error.stage());
        tracing::error!(operation.kind = kind, error.cause = %error, "operation failed");
    }
    result
}

fn progress(step: &crate::progress::Step) -> OperationProgress {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    OperationProgress {
        step: step.name.to_owned(),
        done_count: count(step.done),
        total_count: count(step.total),
    }
}

/// Streams an operation until it ends; the last answer tells how.
pub(crate) fn stream<R: Send + 'static>(
    followed: watch::Receiver<Operation>,
    respond: fn(Operation) -> R,
) -> Responses<R> {
    Box::pin(WatchStream::new(followed).map(move |operation| Ok(respond(operation))))
}

/// Waits for the end of an operation.
pub(crate) async fn wait(mut followed: watch::Receiver<Operation>) -> Operation {
    loop {
        let operation = followed.borrow_and_update().clone();
        if operation.state() != OperationState::Running || followed.changed().await.is_err() {
            return followed.borrow().clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_stream_of_an_operation_ends_with_its_end() {
        let operations = Operations::new(crate::clock::system_clock);
        let followed = operations.start("test", |progress| async move {
            progress.begin("counting", 3);
            progress.set(2);
            Ok(Results::from([("sum".to_owned(), "3".to_owned())]))
        });
        let id = followed.borrow().operation_id.clone();
        assert!(operations.find(&id).is_some());
        let all: Vec<_> = stream(followed, |operation| operation).collect().await;
        let last = all.last().unwrap().as_ref().unwrap();
        assert_eq!(last.state(), OperationState::Succeeded);
        assert_eq!(last.result["sum"], "3");
    }

    #[tokio::test]
    async fn what_panics_has_failed() {
        let operations = Operations::new(crate::clock::system_clock);
        let followed = operations.start("test", |_| async move {
            Err(BackupError::Internal(Option::<String>::default().unwrap()))
        });
        assert_eq!(wait(followed).await.state(), OperationState::Failed);
    }
}
