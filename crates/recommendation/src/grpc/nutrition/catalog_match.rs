//! `MatchCatalog`: every product without nutrients gets the closest generic food as an estimate, in
//! batches that are each written at once. A caller that hangs up does not stop the work.

use std::collections::BTreeMap;
use std::sync::Arc;

use larder_identity::TenantId;
use larder_proto::larder::nutrition::v1::{MatchCatalogRequest, MatchCatalogResponse};
use larder_proto::larder::operation::v1::{Operation, OperationProgress};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::error::Error;
use crate::metrics;
use crate::nutrition::catalogue::{self, Unmatched};
use crate::nutrition::food_match::{FoodMatch, MatchState};
use crate::operation::{Responses, begin, end};
use crate::state::State;
use crate::store::food_matches::{self, NewFoodMatch};
use crate::store::{interactions, tenants};
use crate::validate::Fields;

/// What `MatchCatalog` streams.
pub(super) type MatchStream = Responses<MatchCatalogResponse>;

const DEFAULT_CONFIDENCE: f64 = 0.3;
/// Products that are matched and written in one go: about half a second of work.
const BATCH: usize = 250;

/// How the products of a catalogue fared.
#[derive(Default)]
struct Counts {
    products: usize,
    /// Written now.
    estimated: usize,
    /// No food resembles them enough.
    unmatched: usize,
    /// Estimated the same before, or decided by somebody meanwhile.
    unchanged: usize,
}

/// Starts the work and streams its operation.
pub(super) fn start(
    state: &Arc<State>,
    tenant: TenantId,
    request: MatchCatalogRequest,
) -> Result<MatchStream, Error> {
    let mut fields = Fields::default();
    fields.text("category", &request.category, 0, 128);
    fields.number("min_confidence", request.min_confidence, 0.0, 1.0);
    fields.finish(())?;
    let (responses, stream) = mpsc::channel(16);
    let state = state.clone();
    tokio::spawn(async move {
        let mut operation = begin(&state, "match_catalog");
        let result = work(&state, &tenant, &request, (&mut operation, &responses)).await;
        end(&state, &mut operation, result.map(|counts| counts.result()));
        let _ = responses.send(Ok(MatchCatalogResponse { operation: Some(operation) })).await;
    });
    Ok(Box::pin(ReceiverStream::new(stream)))
}

async fn work(
    state: &Arc<State>,
    tenant: &TenantId,
    request: &MatchCatalogRequest,
    (operation, responses): (&mut Operation, &mpsc::Sender<Result<MatchCatalogResponse, Status>>),
) -> Result<Counts, Error> {
    let least = if request.min_confidence > 0.0 { request.min_confidence } else { DEFAULT_CONFIDENCE };
    let products = catalogue::unmatched(&state.served, tenant, &request.category)?;
    let total_count = i64::try_from(products.len()).unwrap_or(i64::MAX);
    let mut counts = Counts::default();
    for batch in products.chunks(BATCH) {
        let done_count = i64::try_from(counts.products).unwrap_or(i64::MAX);
        let step = "matching products".to_owned();
        operation.progress = Some(OperationProgress { step, done_count, total_count });
        let _ = responses.send(Ok(MatchCatalogResponse { operation: Some(operation.clone()) })).await;
        let found = estimate(state, batch.to_vec(), least).await?;
        let written = write(state, tenant, &found).await?;
        counts.products += batch.len();
        counts.unmatched += batch.len() - found.len();
        counts.estimated += written;
        counts.unchanged += found.len() - written;
    }
    metrics::foods_matched(counts.estimated, counts.unmatched);
    Ok(counts)
}

async fn estimate(state: &Arc<State>, batch: Vec<Unmatched>, least: f64) -> Result<Vec<NewFoodMatch>, Error> {
    let generic = state.generic_foods.clone();
    let matched = tokio::task::spawn_blocking(move || {
        batch.iter().filter_map(|product| catalogue::estimate(product, &generic, least)).collect()
    });
    matched.await.map_err(|error| Error::Internal(format!("matching products: {error}")))
}

/// Writes estimates and shows them to the next answers; returns how many were news.
async fn write(state: &State, tenant: &TenantId, found: &[NewFoodMatch]) -> Result<usize, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    tenants::remember(&mut transaction, tenant).await?;
    let placed = food_matches::estimate(&mut transaction, tenant, found).await?;
    interactions::wake_followers(&mut transaction).await?;
    transaction.commit().await?;
    let places: BTreeMap<_, _> = placed.into_iter().collect();
    let news = found.iter().filter_map(|one| {
        let place = *places.get(&one.product_id)?;
        let found = FoodMatch {
            state: MatchState::Estimated,
            food_id: one.food_id.clone(),
            confidence: one.confidence,
        };
        Some((one.product_id.clone(), place, found))
    });
    state.served.change_matches(tenant, news.collect::<Vec<_>>());
    Ok(places.len())
}

impl Counts {
    fn result(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("product_count".to_owned(), self.products.to_string()),
            ("estimated_count".to_owned(), self.estimated.to_string()),
            ("unmatched_count".to_owned(), self.unmatched.to_string()),
            ("unchanged_count".to_owned(), self.unchanged.to_string()),
        ])
    }
}
