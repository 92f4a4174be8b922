//! An order carried out: measure, then train on everything and write the snapshot beside its
//! final name. Reads the database and writes one file; what becomes of the model is not decided
//! here.

use std::collections::BTreeMap;

use larder_ranking::{Snapshot, SnapshotHeader, Trainer, Watermark};
use sqlx::PgPool;
use tokio::time::Instant;

use super::evaluate::{Evaluated, blocking, evaluate};
use super::read::{LogReader, Progress};
use super::{ModelCard, TrainingOrder, TrainingOutcome, Verdict, WrittenModel, count};
use crate::error::Error;
use crate::snapshots::SnapshotFolder;

/// Carries out an order.
pub(crate) async fn work(
    order: &TrainingOrder,
    pool: &PgPool,
    progress: &Progress,
) -> Result<TrainingOutcome, Error> {
    let started = Instant::now();
    let folder = SnapshotFolder::new(order.snapshot_dir.clone());
    let reader = LogReader { pool, tenant: &order.tenant, progress };
    let evaluated = match &order.evaluation {
        Some(parameters) => evaluate(order, parameters, &reader, &folder).await?,
        None => Evaluated { card: None, verdict: Verdict::good("not measured before it was promoted") },
    };
    let mut parts = order.parameters.in_words();
    let model = match &order.model_version {
        Some(version) => Some(train(order, version, &reader, folder, &mut parts).await?),
        None => None,
    };
    // What a model was made of is told even when there was nothing to measure.
    let mut card = evaluated.card.or_else(|| model.is_some().then(ModelCard::default));
    if let Some(card) = &mut card {
        card.model_version = order.model_version.clone().unwrap_or_default();
        card.training_seconds = started.elapsed().as_secs_f64();
        card.parts.append(&mut parts);
    }
    Ok(TrainingOutcome { model, card, verdict: evaluated.verdict })
}

/// Trains on everything and writes the snapshot.
async fn train(
    order: &TrainingOrder,
    version: &str,
    reader: &LogReader<'_>,
    folder: SnapshotFolder,
    parts: &mut BTreeMap<String, String>,
) -> Result<WrittenModel, Error> {
    let trainer = Trainer::new(order.parameters.settings(), order.now_us);
    let mut pass = reader.feed("reading interactions", trainer, |_| true).await?;
    if let Some(day) = pass.trainer.shorten_log() {
        let since = jiff::civil::Date::constant(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
        let said = format!("{since}; older ones did not fit training.log_limit_bytes");
        parts.insert("days_logged_since".to_owned(), said);
    }
    reader.progress.tell("computing the model", 0).await;
    let horizon = pass.horizon;
    let header = SnapshotHeader {
        tenant: order.tenant.clone(),
        version: version.to_owned(),
        watermark: Watermark { transaction_id: u64::try_from(horizon).unwrap_or(0), sequence: 0 },
    };
    let computed = blocking("training", move || {
        let snapshot = pass.trainer.finish(header);
        folder.write_trained(&snapshot).map(|written| (snapshot, written))
    });
    let (snapshot, written) =
        computed.await?.map_err(|error| Error::Internal(format!("snapshot not written: {error}")))?;
    parts.extend(sizes(&snapshot));
    Ok(WrittenModel {
        product_count: count(snapshot.product_count() as u64),
        customer_count: count(snapshot.customer_count() as u64),
        interaction_count: count(snapshot.interaction_count()),
        size_bytes: written.size_bytes,
        checksum_sha256: written.checksum_sha256,
        watermark_xid: horizon,
    })
}

fn sizes(snapshot: &Snapshot) -> [(String, String); 3] {
    [
        ("products".to_owned(), snapshot.product_count().to_string()),
        ("customers".to_owned(), snapshot.customer_count().to_string()),
        ("interactions".to_owned(), snapshot.interaction_count().to_string()),
    ]
}
