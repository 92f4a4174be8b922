//! Models that begin to serve, and those that requests wait for: read from their files, with what
//! came after them laid over. A file that is refused leaves what serves in place.

use std::sync::Arc;

use larder_ranking::{Serving, Snapshot};
use sqlx::PgConnection;

use super::Follower;
use super::log::replay;
use crate::error::Error;
use crate::metrics;
use crate::snapshots::SnapshotFileError;
use crate::store::models::{self, PromotedModel};

impl Follower {
    /// Loads a promoted model, replays what came after it and swaps it in. A file that is
    /// refused leaves the model before it serving.
    pub(super) async fn take_model(
        &mut self,
        db: &mut PgConnection,
        model: PromotedModel,
        horizon: i64,
    ) -> Result<(), Error> {
        let folder = self.snapshots.clone();
        let (tenant, version) = (model.tenant_id.clone(), model.model_version.clone());
        let registered = model.checksum_sha256.clone();
        let read = tokio::task::spawn_blocking(move || folder.read(&tenant, &version, &registered)).await;
        match read.map_err(|error| Error::Internal(format!("reading a snapshot: {error}")))? {
            Ok(snapshot) => {
                let watermark = watermark_xid(&snapshot);
                let serving = Serving::new(Arc::new(snapshot));
                self.served.refuse_snapshot(&model.tenant_id, None);
                let serving = replay(db, serving, &model.tenant_id, watermark, horizon).await?;
                self.served.open(&model.tenant_id).swap(serving, watermark);
                tracing::info!(
                    tenant.id = model.tenant_id,
                    model.version = model.model_version,
                    "model swapped in"
                );
                metrics::model_swapped();
                self.served.note_damage(&model.tenant_id, None);
                self.note_serving(&model).await;
                self.serving_checksums.insert(model.tenant_id, model.checksum_sha256);
            }
            Err(error) => self.refuse(db, &model, &error, horizon).await?,
        }
        Ok(())
    }

    /// Leaves a note for a start without the database.
    async fn note_serving(&self, model: &PromotedModel) {
        let folder = self.snapshots.clone();
        let (tenant, version) = (model.tenant_id.clone(), model.model_version.clone());
        let noted = tokio::task::spawn_blocking(move || folder.note_serving(&tenant, &version)).await;
        if !matches!(noted, Ok(Ok(()))) {
            tracing::warn!(
                tenant.id = model.tenant_id,
                "which model serves could not be noted in its folder"
            );
        }
    }

    async fn refuse(
        &mut self,
        db: &mut PgConnection,
        model: &PromotedModel,
        error: &SnapshotFileError,
        horizon: i64,
    ) -> Result<(), Error> {
        if self.served.refusal(&model.tenant_id).is_none() {
            tracing::error!(tenant.id = model.tenant_id, model.version = model.model_version, error.cause = %error,
                "snapshot refused; the model before it goes on serving");
            metrics::snapshot_refused();
        }
        self.served.refuse_snapshot(&model.tenant_id, Some(format!("{}: {error}", model.model_version)));
        let is_unserved = self.read_until.is_none();
        if is_unserved {
            // At the start an older snapshot may still be whole; the log goes on from there.
            let folder = self.snapshots.clone();
            let tenant = model.tenant_id.clone();
            let older = tokio::task::spawn_blocking(move || folder.newest(&tenant)).await.ok().flatten();
            let watermark = older.as_ref().map_or(0, watermark_xid);
            let serving = match older {
                Some(snapshot) => Serving::new(Arc::new(snapshot)),
                None => Serving::empty(&model.tenant_id),
            };
            let serving = replay(db, serving, &model.tenant_id, watermark, horizon).await?;
            self.served.open(&model.tenant_id).swap(serving, watermark);
        }
        Ok(())
    }

    /// Loads the models that requests wait for, each with what came after it. One that is not
    /// registered, or whose file is refused, is not kept: whoever waits sees that.
    pub(super) async fn keep_wanted(&self, db: &mut PgConnection, horizon: i64) -> Result<(), Error> {
        for name in self.served.wanted.all() {
            let (tenant, version) = name.clone();
            if let Some(registered) = models::checksum(db, &tenant, &version).await? {
                let folder = self.snapshots.clone();
                let read =
                    tokio::task::spawn_blocking(move || folder.read(&tenant, &version, &registered)).await;
                match read.map_err(|error| Error::Internal(format!("reading a snapshot: {error}")))? {
                    Ok(snapshot) => {
                        let watermark = watermark_xid(&snapshot);
                        let serving = Serving::new(Arc::new(snapshot));
                        let serving = replay(db, serving, &name.0, watermark, horizon).await?;
                        self.served.open(&name.0).keep(&name.1, serving, watermark);
                    }
                    Err(error) => {
                        tracing::warn!(tenant.id = name.0, model.version = name.1, error.cause = %error,
                            "model that was asked for is refused");
                        metrics::snapshot_refused();
                    }
                }
            }
            self.served.wanted.deal_with(&name);
        }
        Ok(())
    }
}

/// The model knows every transaction below this one.
pub(super) fn watermark_xid(snapshot: &Snapshot) -> i64 {
    i64::try_from(snapshot.watermark().transaction_id).unwrap_or(i64::MAX)
}
