//! The shelf of exposures: what was shown, with which chances, and what came of it.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::exposures::Exposure;

/// An exposure as the statement takes it in.
#[derive(Serialize)]
struct NewExposure<'a> {
    recommendation_id: &'a str,
    subject: &'a str,
    placement: &'a str,
    experiment_id: Option<&'a str>,
    arm: Option<&'a str>,
    model_version: &'a str,
    shown_at_us: i64,
    exploration: f64,
    fixed_places: &'a [usize],
    shown_positions: Vec<usize>,
    propensities: Vec<f64>,
    product_ids: Vec<&'a str>,
    pool_product_ids: Vec<&'a str>,
    pool_scores: Vec<f64>,
    pool_relevances: Vec<f64>,
    pool_repeats: Vec<bool>,
}

impl<'a> From<&'a Exposure> for NewExposure<'a> {
    fn from(exposure: &'a Exposure) -> Self {
        let (pool, shown) = (&exposure.pool, &exposure.shown);
        let product = |position: usize| pool.get(position).map(|product| product.product_id.as_str());
        Self {
            recommendation_id: &exposure.recommendation_id,
            subject: &exposure.subject,
            placement: &exposure.placement,
            experiment_id: exposure.experiment.as_ref().map(|(experiment, _)| experiment.as_str()),
            arm: exposure.experiment.as_ref().map(|(_, arm)| arm.as_str()),
            model_version: &exposure.model_version,
            shown_at_us: exposure.shown_at_us,
            exploration: exposure.exploration,
            fixed_places: &exposure.fixed_places,
            shown_positions: shown.iter().map(|place| place.pool_position).collect(),
            propensities: shown.iter().map(|place| place.propensity).collect(),
            product_ids: shown.iter().filter_map(|place| product(place.pool_position)).collect(),
            pool_product_ids: pool.iter().map(|product| product.product_id.as_str()).collect(),
            pool_scores: pool.iter().map(|product| finite(product.score)).collect(),
            pool_relevances: pool.iter().map(|product| finite(product.relevance)).collect(),
            pool_repeats: pool.iter().map(|product| product.repeat).collect(),
        }
    }
}

/// JSON knows no other numbers.
fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

/// What one arm of an experiment brought.
pub(crate) struct ArmSums {
    pub(crate) arm: String,
    pub(crate) customer_count: i64,
    pub(crate) exposure_count: i64,
    pub(crate) outcome_count: i64,
    /// Customers with an outcome.
    pub(crate) converted_count: i64,
    /// The sum over customers of the squares of their outcomes.
    pub(crate) squared_outcomes: f64,
}

/// An answer that explored, and the products it showed that had an outcome: as often as they
/// had one.
pub(crate) struct ExploredRow {
    pub(crate) recommendation_id: String,
    pub(crate) subject: String,
    pub(crate) shown_at_us: i64,
    pub(crate) exploration: f64,
    pub(crate) fixed_places: Vec<i32>,
    pub(crate) shown_positions: Vec<i32>,
    pub(crate) pool_product_ids: Vec<String>,
    pub(crate) pool_relevances: Vec<f64>,
    pub(crate) pool_repeats: Vec<bool>,
    pub(crate) outcome_product_ids: Vec<String>,
}

/// Which interactions count as outcomes of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutcomeOf {
    pub(crate) kind: i16,
    pub(crate) window_hours: i32,
}

/// Which answers that explored are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExploredAnswers<'a> {
    pub(crate) placement: &'a str,
    /// Shown after this instant, in microseconds since 1970.
    pub(crate) after_us: i64,
    /// Shown before this one.
    pub(crate) before_us: i64,
    /// The newest, at most so many.
    pub(crate) most: i64,
}

/// Appends exposures, each once however often it is sent.
pub(crate) async fn append(
    db: &mut PgConnection,
    tenant: &TenantId,
    exposures: &[Exposure],
) -> sqlx::Result<()> {
    let rows: Vec<_> = exposures.iter().map(NewExposure::from).collect();
    sqlx::query_file!("src/store/sql/append_exposures.sql", tenant.as_str(), Json(rows) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// What the arms of an experiment brought; an arm that was never shown is left out.
pub(crate) async fn sum_arms(
    db: &mut PgConnection,
    tenant: &TenantId,
    experiment_id: &str,
    outcome: OutcomeOf,
) -> sqlx::Result<Vec<ArmSums>> {
    sqlx::query_file_as!(
        ArmSums,
        "src/store/sql/sum_arms.sql",
        tenant.as_str(),
        experiment_id,
        outcome.kind,
        f64::from(outcome.window_hours)
    )
    .fetch_all(db)
    .await
}

/// Answers of a placement that explored, with their outcomes, the newest first.
pub(crate) async fn explored(
    db: &mut PgConnection,
    tenant: &TenantId,
    answers: ExploredAnswers<'_>,
    outcome: OutcomeOf,
) -> sqlx::Result<Vec<ExploredRow>> {
    sqlx::query_file_as!(
        ExploredRow,
        "src/store/sql/list_explored_exposures.sql",
        tenant.as_str(),
        answers.placement,
        outcome.kind,
        f64::from(outcome.window_hours),
        answers.after_us,
        answers.before_us,
        answers.most
    )
    .fetch_all(db)
    .await
}

/// Removes what was shown half a year ago or earlier, but for what a legal hold keeps; for the worker role alone.
pub(crate) async fn remove_old(db: &mut PgConnection) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "delete from recommendation.exposures as shown
         where shown.shown_at <= now() - interval '180 days'
             and not exists (
                 select from recommendation.legal_holds as hold
                 where hold.tenant_id = shown.tenant_id and hold.customer_id = shown.subject
                     and hold.released_at is null
             )"
    )
    .execute(db)
    .await?;
    Ok(removed.rows_affected())
}
