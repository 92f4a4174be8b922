//! Removes what nobody needs any more: resolved alerts, notifications that ended, links that were used.
//! Incidents and their timelines stay.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use larder_oncall::severity::Severity;
use sqlx::PgPool;

use crate::error::Error;
use crate::http::status_page::Board;
use crate::store::incidents::{IncidentRow, State};
use crate::store::{alerts, incidents, links, notifications, tenants};
use crate::{Clock, metrics};

const SWEEP: Duration = Duration::from_secs(600);
const MEASURE: Duration = Duration::from_secs(5);
/// So many incidents are looked through for the status page.
const SHOWN: i64 = 1_000;
const DAY_US: i64 = 86_400_000_000;

/// The job.
pub(crate) struct Sweeper {
    pub(crate) worker: PgPool,
    pub(crate) history_days: u32,
    /// What the status page shows, and of which tenant.
    pub(crate) board: Arc<ArcSwap<Board>>,
    pub(crate) home: TenantId,
    pub(crate) clock: Clock,
}

/// Sweeps and measures until shutdown.
pub(crate) async fn run(job: Sweeper, shutdown: Shutdown) {
    let Sweeper { worker, history_days, board, home, clock } = job;
    let mut sweeps = tokio::time::interval(SWEEP);
    let mut measures = tokio::time::interval(MEASURE);
    loop {
        let done = tokio::select! {
            biased;
            () = shutdown.wait() => return,
            _ = measures.tick() => measure(&worker, &home, &board, clock()).await,
            _ = sweeps.tick() => sweep(&worker, clock() - i64::from(history_days) * DAY_US).await,
        };
        if let Err(error) = done {
            metrics::job_failed("sweep", &error);
        }
    }
}

async fn measure(worker: &PgPool, home: &TenantId, board: &ArcSwap<Board>, now_us: i64) -> Result<(), Error> {
    let mut connection = worker.acquire().await?;
    let backlog = notifications::backlog(&mut connection).await?;
    metrics::backlog(backlog.waiting, backlog.oldest_at_us.map_or(0, |at_us| now_us - at_us));
    metrics::census(&incidents::census(&mut connection).await?);
    drop(connection);
    let mut transaction = larder_database::begin_tenant(worker, home).await?;
    let open = incidents::list(&mut transaction, home, None, None, SHOWN).await?;
    transaction.commit().await?;
    board.store(Arc::new(board_of(&open, now_us)));
    Ok(())
}

/// The worst of what is open, by service.
fn board_of(open: &[IncidentRow], as_of_us: i64) -> Board {
    let mut services: BTreeMap<String, String> = BTreeMap::new();
    for incident in open {
        let service = incident.common_labels.get("service").or_else(|| incident.common_labels.get("job"));
        let Some(service) = service else { continue };
        let worst = services.entry(service.clone()).or_insert_with(|| incident.severity.clone());
        if Severity::from_word(&incident.severity) < Severity::from_word(worst) {
            worst.clone_from(&incident.severity);
        }
    }
    let waiting =
        open.iter().filter(|incident| incident.state == State::Open && incident.snoozed_until_us.is_none());
    let unacknowledged = waiting
        .map(|incident| format!("#{} {} ({})", incident.incident_number, incident.title, incident.severity))
        .collect();
    Board { as_of_us, services, unacknowledged }
}

async fn sweep(worker: &PgPool, before_us: i64) -> Result<(), Error> {
    let mut connection = worker.acquire().await?;
    let removed = notifications::remove_old(&mut connection, before_us).await?
        + links::remove_old(&mut connection, before_us).await?;
    let names = tenants::all(&mut connection).await?;
    drop(connection);
    let mut alerts_removed = 0;
    for name in names {
        let Ok(tenant) = TenantId::parse(&name) else { continue };
        let mut transaction = larder_database::begin_tenant(worker, &tenant).await?;
        alerts_removed += alerts::remove_old(&mut transaction, &tenant, before_us).await?;
        transaction.commit().await?;
    }
    if removed + alerts_removed > 0 {
        tracing::info!(rows.removed = removed + alerts_removed, "old rows removed");
    }
    Ok(())
}
