//! Long work as an operation: a stream that tells how far it has come and ends when it is
//! done. A caller that hangs up does not stop the work.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use larder_identity::TenantId;
use larder_proto::larder::market::v1::SyncSalesResponse;
use larder_proto::larder::operation::v1::{Operation, OperationProgress, OperationState};
use larder_proto::larder::recommendation::v1::{EvaluateModelResponse, TrainModelResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use uuid::Uuid;

use crate::convert::{model, timestamp};
use crate::error::Error;
use crate::jobs::train::{EvaluationWishes, TrainedModel, Wishes};
use crate::operate;
use crate::shop::{self, sync::SyncReport};
use crate::state::State;
use crate::store::models;
use crate::training::read::Progress;
use crate::training::{TrainingOutcome, TrainingProgress};

pub(crate) type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Starts a training and streams its operation.
pub(crate) fn train(state: Arc<State>, tenant: TenantId, wishes: Wishes) -> Responses<TrainModelResponse> {
    let (responses, stream) = mpsc::channel(16);
    let respond = |operation: &Operation| TrainModelResponse { operation: Some(operation.clone()) };
    let mut operation = begin(&state, "train_model");
    tokio::spawn(async move {
        let work = async |progress| state.trainer.train(tenant.as_str(), wishes, &progress).await;
        let result = follow(&mut operation, &responses, respond, work).await;
        if let Ok(model) = &result
            && model.state == models::State::Promoted
        {
            operate::until_it_serves(&state, &tenant, &model.version).await;
        }
        end(&state, &mut operation, result.map(trained));
        let _ = responses.send(Ok(respond(&operation))).await;
    });
    Box::pin(ReceiverStream::new(stream))
}

/// Starts an evaluation and streams its operation; the card comes with the last message.
pub(crate) fn evaluate(
    state: Arc<State>,
    tenant: TenantId,
    wanted: EvaluationWishes,
) -> Responses<EvaluateModelResponse> {
    let (responses, stream) = mpsc::channel(16);
    let respond =
        |operation: &Operation| EvaluateModelResponse { operation: Some(operation.clone()), card: None };
    let mut operation = begin(&state, "evaluate_model");
    tokio::spawn(async move {
        let work = async |progress| state.trainer.evaluate(tenant.as_str(), wanted, &progress).await;
        let mut result = follow(&mut operation, &responses, respond, work).await;
        let card = result.as_mut().ok().and_then(|outcome| outcome.card.take()).map(model::card);
        end(&state, &mut operation, result.map(evaluated));
        let _ = responses.send(Ok(EvaluateModelResponse { operation: Some(operation), card })).await;
    });
    Box::pin(ReceiverStream::new(stream))
}

/// Starts to fetch the sales of a shop and streams its operation.
pub(crate) fn sync_sales(
    state: Arc<State>,
    tenant: TenantId,
    from: Option<jiff::Timestamp>,
) -> Responses<SyncSalesResponse> {
    let (responses, stream) = mpsc::channel(16);
    let respond = |operation: &Operation| SyncSalesResponse { operation: Some(operation.clone()) };
    let mut operation = begin(&state, "sync_sales");
    tokio::spawn(async move {
        let work = async |progress| shop::sync::run(&state, &tenant, from, &progress).await;
        let result = follow(&mut operation, &responses, respond, work).await;
        operation.result = result.as_ref().map(synced).unwrap_or_default();
        let counts = operation.result.clone();
        let result = result.and_then(|report| match report.cause {
            Some(cause) => Err(Error::Outside(cause)),
            None => Ok(counts),
        });
        end(&state, &mut operation, result);
        let _ = responses.send(Ok(respond(&operation))).await;
    });
    Box::pin(ReceiverStream::new(stream))
}

pub(crate) fn begin(state: &State, kind: &str) -> Operation {
    Operation {
        operation_id: Uuid::now_v7().to_string(),
        kind: kind.to_owned(),
        state: OperationState::Running.into(),
        started_at: Some(timestamp((state.clock)())),
        ..Operation::default()
    }
}

/// Does the work and tells of its progress meanwhile.
async fn follow<T, R>(
    operation: &mut Operation,
    responses: &mpsc::Sender<Result<R, Status>>,
    respond: impl Fn(&Operation) -> R,
    work: impl AsyncFnOnce(Progress) -> Result<T, Error>,
) -> Result<T, Error> {
    let (progress, mut steps) = mpsc::channel::<TrainingProgress>(16);
    let told = async {
        while let Some(step) = steps.recv().await {
            operation.progress =
                Some(OperationProgress { step: step.step, done_count: step.done_count, total_count: 0 });
            let _ = responses.send(Ok(respond(operation))).await;
        }
    };
    let (result, ()) = tokio::join!(work(Progress(Some(progress))), told);
    result
}

fn synced(report: &SyncReport) -> BTreeMap<String, String> {
    let known_until = report.known_until_us.and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
    BTreeMap::from([
        ("sale_count".to_owned(), report.sales.to_string()),
        ("returned_count".to_owned(), report.returned.to_string()),
        ("refused_count".to_owned(), report.refused.to_string()),
        ("refusal".to_owned(), report.refusal.clone()),
        ("new_product_count".to_owned(), report.new_products.to_string()),
        ("rung".to_owned(), report.rung.to_owned()),
        ("answered_until".to_owned(), known_until.map(|at| at.to_string()).unwrap_or_default()),
    ])
}

fn trained(model: TrainedModel) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("model_version".to_owned(), model.version),
        ("interaction_count".to_owned(), model.interaction_count.to_string()),
        ("state".to_owned(), model::state(model.state).as_str_name().to_owned()),
        ("state_reason".to_owned(), model.reason),
    ])
}

fn evaluated(outcome: TrainingOutcome) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("verdict".to_owned(), if outcome.verdict.is_good_enough { "promote" } else { "reject" }.to_owned()),
        ("reason".to_owned(), outcome.verdict.reason),
    ])
}

pub(crate) fn end(state: &State, operation: &mut Operation, result: Result<BTreeMap<String, String>, Error>) {
    operation.finished_at = Some(timestamp((state.clock)()));
    match result {
        Ok(result) => {
            operation.state = OperationState::Succeeded.into();
            operation.result = result;
        }
        Err(error) => {
            operation.state = OperationState::Failed.into();
            operation.error = Some(error.row_status());
            // Counts and logs it as any other failed call.
            drop(Status::from(error));
        }
    }
}
