//! Follows the log of changes of every tenant, and swaps in models as they are promoted.
//! One task does both, one after the other, so that no event falls between two models.
//! While the database is away it keeps asking, and what is in memory goes on serving.

mod log;
mod models;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use larder_lifecycle::Shutdown;
use larder_ranking::Serving;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;

use self::log::replay;
use self::models::watermark_xid;
use crate::error::Error;
use crate::jobs::keep::FactsKeeper;
use crate::served::Served;
use crate::snapshots::SnapshotFolder;
use crate::store::{self, LogPosition, experiments, interactions, tenants};

/// Rows read in one go.
const ROWS: i64 = 5_000;
/// How long to wait before the database is asked again after it did not answer.
const AWAY: Duration = Duration::from_millis(500);

/// The task that keeps memory in step with the database.
pub(crate) struct Follower {
    worker: PgPool,
    served: Arc<Served>,
    snapshots: SnapshotFolder,
    interval: Duration,
    /// Wakes the follower from inside this process.
    nudge: Arc<Notify>,
    /// Every transaction below this one has been read; `None` before the first reading.
    read_until: Option<i64>,
    /// The checksum of the model that serves, by tenant.
    serving_checksums: HashMap<String, String>,
}

impl Follower {
    pub(crate) fn new(
        worker: PgPool,
        served: Arc<Served>,
        snapshots: SnapshotFolder,
        interval: Duration,
        nudge: Arc<Notify>,
    ) -> Self {
        Self {
            worker,
            served,
            snapshots,
            interval,
            nudge,
            read_until: None,
            serving_checksums: HashMap::new(),
        }
    }

    /// Follows until shutdown.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let mut listener = None;
        loop {
            let result = self.step().await;
            self.note(&result);
            let pause = if result.is_ok() { self.interval } else { AWAY };
            if result.is_err() {
                listener = None;
            } else if listener.is_none() {
                listener = self.listen().await;
                // Whatever was announced before the listener stood is read at once.
                if listener.is_some() {
                    continue;
                }
            }
            let woken = async {
                match listener.as_mut() {
                    Some(listener) => listener.recv().await.map(drop),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(pause) => {}
                () = self.nudge.notified() => {}
                heard = woken => if heard.is_err() { listener = None },
            }
        }
    }

    async fn listen(&self) -> Option<PgListener> {
        let mut listener = PgListener::connect_with(&self.worker).await.ok()?;
        listener.listen(interactions::CHANNEL).await.ok()?;
        Some(listener)
    }

    fn note(&self, result: &Result<(), Error>) {
        let is_news = self.served.set_database_reachable(result.is_ok());
        match result {
            Ok(()) if is_news => tracing::info!("database reached; following its log"),
            Err(error) if is_news => {
                tracing::warn!(error.cause = %error, error.kind = ?error.kind(), "database lost; serving from memory");
            }
            Err(error) => tracing::debug!(error.cause = %error, "database still away"),
            Ok(()) => {}
        }
    }

    /// Serves what lies on disk until the database can be asked which models are current.
    pub(crate) async fn serve_newest_files(&self, keeper: &Arc<FactsKeeper>, now_us: i64) {
        let (folder, keeper) = (self.snapshots.clone(), keeper.clone());
        let served = self.served.clone();
        let reading = tokio::task::spawn_blocking(move || {
            for tenant in folder.tenants() {
                let Some(snapshot) = folder.newest(&tenant) else { continue };
                let watermark = watermark_xid(&snapshot);
                let mut serving = Serving::new(Arc::new(snapshot));
                let tenant = served.open(&tenant);
                // Profiles hold what no answer may break: they are known before the model serves.
                keeper.restore(&tenant, &mut serving, now_us);
                tenant.swap(serving, watermark);
            }
        });
        if let Err(error) = reading.await {
            tracing::error!(error.cause = %error, "what lies on disk could not be read");
        }
    }

    /// Reads everything that is new.
    async fn step(&mut self) -> Result<(), Error> {
        let own_changes = self.served.experiments.own_changes();
        let mut transaction = self.worker.begin().await?;
        store::freeze(&mut transaction).await?;
        let horizon = interactions::horizon(&mut transaction).await?;
        let promoted = store::models::promoted(&mut transaction).await?;
        self.served.experiments.replace(own_changes, experiments::running(&mut transaction).await?);
        if self.read_until.is_none() {
            // Profiles hold what no answer may break: they are known before any model serves.
            self.follow_facts(&mut transaction, LogPosition::default()).await?;
            self.served.set_profiles_read();
            let known = tenants::all(&mut transaction).await?;
            let with_model = promoted.iter().map(|model| model.tenant_id.as_str()).collect::<Vec<_>>();
            for tenant in known.iter().filter(|tenant| !with_model.contains(&tenant.as_str())) {
                let empty = Serving::empty(tenant);
                let serving = replay(&mut transaction, empty, tenant, 0, horizon).await?;
                self.served.open(tenant).swap(serving, 0);
            }
        }
        for model in promoted {
            if self.serving_checksums.get(&model.tenant_id) != Some(&model.checksum_sha256) {
                self.take_model(&mut transaction, model, horizon).await?;
            }
        }
        if let Some(read_until) = self.read_until {
            self.overlay_changes(&mut transaction, read_until, horizon).await?;
        }
        self.keep_wanted(&mut transaction, horizon).await?;
        self.read_until = Some(horizon);
        self.served.set_loaded();
        Ok(())
    }
}
