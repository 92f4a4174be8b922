//! The shelf of experiments: how customers are divided, and since and until when.

use larder_identity::TenantId;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Error;
use crate::experiments::{Arm, RunningExperiment};

/// A checked experiment on its way in.
#[derive(Clone, Debug)]
pub(crate) struct NewExperiment {
    pub(crate) experiment_id: String,
    pub(crate) name: String,
    pub(crate) placement: String,
    pub(crate) arms: Vec<Arm>,
    pub(crate) started_at_us: i64,
}

/// An experiment as it lies in the table.
pub(crate) struct ExperimentRow {
    pub(crate) experiment_id: String,
    pub(crate) name: String,
    pub(crate) placement: String,
    pub(crate) arms: Json<Vec<Arm>>,
    pub(crate) started_at_us: i64,
    pub(crate) stopped_at_us: Option<i64>,
    pub(crate) created_sequence: i64,
}

/// Writes an experiment down; it runs from then on.
pub(crate) async fn insert(
    db: &mut PgConnection,
    tenant: &TenantId,
    experiment: &NewExperiment,
) -> Result<(), Error> {
    let written = sqlx::query!(
        "insert into recommendation.experiments
             (tenant_id, experiment_id, name, placement, arms, started_at)
         values ($1, $2, $3, $4, $5, recommendation.from_micros($6))",
        tenant.as_str(),
        experiment.experiment_id,
        experiment.name,
        experiment.placement,
        Json(&experiment.arms) as _,
        experiment.started_at_us
    )
    .execute(db)
    .await;
    written.map(drop).map_err(named)
}

fn named(error: sqlx::Error) -> Error {
    let constraint = error.as_database_error().and_then(|error| error.constraint());
    match constraint {
        Some("experiments_pkey") => Error::ExperimentExists,
        Some("experiments_one_running") => Error::PlacementTaken,
        _ => error.into(),
    }
}

/// One experiment.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    experiment_id: &str,
) -> Result<ExperimentRow, Error> {
    let row = sqlx::query_as!(
        ExperimentRow,
        r#"select experiment_id, name, placement, arms as "arms: Json<Vec<Arm>>",
                  recommendation.to_micros(started_at) as "started_at_us!",
                  recommendation.to_micros(stopped_at) as "stopped_at_us?", created_sequence
           from recommendation.experiments
           where tenant_id = $1 and experiment_id = $2"#,
        tenant.as_str(),
        experiment_id
    )
    .fetch_optional(db)
    .await?;
    row.ok_or(Error::NotFound { noun: "experiment" })
}

/// A page of experiments, the newest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    before: Option<i64>,
    size: i64,
) -> sqlx::Result<Vec<ExperimentRow>> {
    sqlx::query_as!(
        ExperimentRow,
        r#"select experiment_id, name, placement, arms as "arms: Json<Vec<Arm>>",
                  recommendation.to_micros(started_at) as "started_at_us!",
                  recommendation.to_micros(stopped_at) as "stopped_at_us?", created_sequence
           from recommendation.experiments
           where tenant_id = $1 and ($2::bigint is null or created_sequence < $2)
           order by created_sequence desc
           limit $3"#,
        tenant.as_str(),
        before,
        size
    )
    .fetch_all(db)
    .await
}

/// Ends an experiment; one that has ended stays as it is.
pub(crate) async fn stop(
    db: &mut PgConnection,
    tenant: &TenantId,
    experiment_id: &str,
    stopped_at_us: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.experiments
         set stopped_at = greatest(started_at, recommendation.from_micros($3))
         where tenant_id = $1 and experiment_id = $2 and stopped_at is null",
        tenant.as_str(),
        experiment_id,
        stopped_at_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The experiments of every tenant that run; for the worker role alone.
pub(crate) async fn running(db: &mut PgConnection) -> sqlx::Result<Vec<RunningExperiment>> {
    let rows = sqlx::query!(
        r#"select tenant_id, experiment_id, placement, arms as "arms: Json<Vec<Arm>>"
           from recommendation.experiments
           where stopped_at is null"#
    )
    .fetch_all(db)
    .await?;
    let running = rows.into_iter().map(|row| RunningExperiment {
        tenant_id: row.tenant_id,
        placement: row.placement,
        experiment_id: row.experiment_id,
        arms: row.arms.0,
    });
    Ok(running.collect())
}
