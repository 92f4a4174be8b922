//! Long work as an operation: a stream that tells how far it has come and ends when it is
//! done. A caller that hangs up does not stop the work.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use larder_identity::TenantId;
use larder_proto::larder::operation::v1::{Operation, OperationProgress, OperationState};
use larder_proto::larder::recommendation::v1::TrainModelResponse;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use uuid::Uuid;

use crate::convert::timestamp;
use crate::error::Error;
use crate::jobs::train::{TrainedModel, TrainingProgress};
use crate::state::State;

/// How often, and how many times, it is looked whether a new model serves.
const SWAP_LOOK: Duration = Duration::from_millis(10);
const SWAP_LOOKS: u32 = 500;

type Responses = Pin<Box<dyn Stream<Item = Result<TrainModelResponse, Status>> + Send>>;

/// Starts a training and streams its operation.
pub(crate) fn train(state: Arc<State>, tenant: TenantId) -> Responses {
    let (responses, stream) = mpsc::channel(16);
    let mut operation = Operation {
        operation_id: Uuid::now_v7().to_string(),
        kind: "train_model".to_owned(),
        state: OperationState::Running.into(),
        started_at: Some(timestamp((state.clock)())),
        ..Operation::default()
    };
    tokio::spawn(async move {
        let (progress, mut steps) = mpsc::channel::<TrainingProgress>(16);
        let training = state.trainer.train(tenant.as_str(), Some(progress));
        let told = async {
            while let Some(step) = steps.recv().await {
                operation.progress = Some(OperationProgress {
                    step: step.step.to_owned(),
                    done_count: step.done_count,
                    total_count: 0,
                });
                let _ = responses.send(Ok(respond(&operation))).await;
            }
        };
        let (result, ()) = tokio::join!(training, told);
        if let Ok(model) = &result {
            until_it_serves(&state, &tenant, &model.version).await;
        }
        operation.finished_at = Some(timestamp((state.clock)()));
        match result {
            Ok(model) => succeed(&mut operation, model),
            Err(error) => fail(&mut operation, error),
        }
        let _ = responses.send(Ok(respond(&operation))).await;
    });
    Box::pin(ReceiverStream::new(stream))
}

/// Waits until the answers of this process come from the model, or for a while.
async fn until_it_serves(state: &State, tenant: &TenantId, version: &str) {
    for _ in 0..SWAP_LOOKS {
        let serves = state.served.find(tenant.as_str()).is_some_and(|served| {
            served.read().serving.snapshot().is_some_and(|snapshot| snapshot.version() >= version)
        });
        if serves {
            return;
        }
        tokio::time::sleep(SWAP_LOOK).await;
    }
}

fn respond(operation: &Operation) -> TrainModelResponse {
    TrainModelResponse { operation: Some(operation.clone()) }
}

fn succeed(operation: &mut Operation, model: TrainedModel) {
    operation.state = OperationState::Succeeded.into();
    operation.result = BTreeMap::from([
        ("model_version".to_owned(), model.version),
        ("interaction_count".to_owned(), model.interaction_count.to_string()),
    ]);
}

fn fail(operation: &mut Operation, error: Error) {
    operation.state = OperationState::Failed.into();
    operation.error = Some(error.row_status());
    // Counts and logs it as any other failed call.
    drop(Status::from(error));
}
