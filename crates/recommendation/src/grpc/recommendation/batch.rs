//! `BatchRecommend`: a stream of requests, a stream of answers in the same order. A request
//! that cannot be answered gets an error of its own and the others go on.

use std::num::NonZero;
use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use larder_identity::Caller;
use larder_proto::larder::recommendation::v1::*;
use tonic::{Request, Response, Status, Streaming};

use super::shown;
use crate::error::Error;
use crate::grpc::caller;
use crate::metrics;
use crate::state::State;

/// What `BatchRecommend` streams.
pub(super) type BatchStream = Pin<Box<dyn Stream<Item = Result<BatchRecommendResponse, Status>> + Send>>;

/// Answers a stream of requests; as many at a time as there are processors, so that a slow
/// reader or one large batch takes nothing from the others.
pub(super) async fn batch_recommend(
    state: &Arc<State>,
    request: Request<Streaming<BatchRecommendRequest>>,
) -> Result<Response<BatchStream>, Status> {
    let caller = caller(&request)?;
    let state = state.clone();
    let side_by_side = std::thread::available_parallelism().map_or(1, NonZero::get);
    let answers = request.into_inner().enumerate().map(move |(index, message)| {
        let (state, caller) = (state.clone(), caller.clone());
        async move {
            let request = message?.request.unwrap_or_default();
            let index = i64::try_from(index).unwrap_or(i64::MAX);
            let work = tokio::spawn(async move { answer(&state, &caller, index, request).await });
            work.await.map_err(|error| Error::Internal(format!("an answer of a batch: {error}")).into())
        }
    });
    Ok(Response::new(Box::pin(answers.buffered(side_by_side))))
}

async fn answer(
    state: &State,
    caller: &Caller,
    index: i64,
    request: RecommendRequest,
) -> BatchRecommendResponse {
    let (response, error) =
        match shown::recommend(state, &caller.tenant, request).await.map(|shown| shown.answer) {
            Ok(response) => (Some(response), None),
            Err(error) => {
                metrics::rows_refused("recommend", 1);
                let status = error.row_status();
                (None, Some(BatchRecommendError { code: status.code, message: status.message }))
            }
        };
    BatchRecommendResponse { index, response, error }
}
