//! What becomes of a model that was just trained: decided here, written down, and the oldest
//! models are forgotten. Runs under the training lock.

use sqlx::PgConnection;
use tokio::time::Instant;

use super::{ModelTrainer, Wishes};
use crate::error::Error;
use crate::store::models::{self, Cause, NewModel, ServingModel, State};
use crate::store::{LogPosition, erasures, interactions};
use crate::training::read::Progress;
use crate::training::{ModelCard, TrainingOrder, TrainingOutcome, Verdict, WrittenModel, count};

/// Why a tenant's first model serves.
const FIRST: &str = "the first model of this tenant";

/// What becomes of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) state: State,
    pub(super) cause: Cause,
    pub(super) reason: String,
}

/// Decides what becomes of a model beside the one that serves.
fn decide(verdict: &Verdict, wishes: Wishes, serving: Option<&ServingModel>) -> Decision {
    let decision = |state, cause, reason: String| Decision { state, cause, reason };
    let reason = &verdict.reason;
    if let Some(pinned) = serving.filter(|serving| serving.pinned) {
        let reason = format!("{}, which serves, is pinned; evaluation: {reason}", pinned.model_version);
        return decision(State::KeptBack, Cause::Trained, reason);
    }
    if wishes.keep_back {
        return decision(
            State::KeptBack,
            Cause::Requested,
            format!("kept back by request; evaluation: {reason}"),
        );
    }
    if wishes.force_promotion {
        return decision(
            State::Promoted,
            Cause::Forced,
            format!("promoted by request; evaluation: {reason}"),
        );
    }
    if serving.is_none() {
        return decision(State::Promoted, Cause::Trained, FIRST.to_owned());
    }
    if verdict.is_good_enough {
        return decision(State::Promoted, Cause::Trained, reason.clone());
    }
    decision(State::Rejected, Cause::Trained, reason.clone())
}

impl ModelTrainer {
    /// Writes down what becomes of a model, and tells that with the versions that were forgotten.
    pub(super) async fn register(
        &self,
        lock: &mut PgConnection,
        order: &TrainingOrder,
        outcome: &TrainingOutcome,
        wishes: Wishes,
    ) -> Result<(Decision, Vec<String>), Error> {
        let tenant = order.tenant.as_str();
        let (Some(version), Some(written)) = (&order.model_version, &outcome.model) else {
            return Err(Error::Internal("a training wrote no model".to_owned()));
        };
        models::lock(lock, tenant).await?;
        let written = self.without_erased(lock, tenant, version, written.clone()).await?;
        let serving = models::serving(lock, tenant).await?;
        let decision = decide(&outcome.verdict, wishes, serving.as_ref());
        let model = NewModel {
            tenant_id: tenant,
            model_version: version,
            trained_at_us: order.now_us,
            product_count: written.product_count,
            customer_count: written.customer_count,
            interaction_count: written.interaction_count,
            size_bytes: written.size_bytes,
            checksum_sha256: &written.checksum_sha256,
            watermark_xid: written.watermark_xid,
            state: decision.state,
            state_reason: &decision.reason,
            card: outcome.card.as_ref(),
            parameters: &order.parameters,
        };
        models::register(lock, &model, decision.cause).await?;
        let earlier = models::earlier(lock, tenant).await?;
        let before = earlier.first().map(|(version, _)| version.as_str());
        let kept = count(self.settings.snapshots_kept as u64);
        let forgotten = models::forget_old(lock, tenant, kept, before).await?;
        interactions::wake_followers(lock).await?;
        Ok((decision, forgotten))
    }

    /// Measures a first model once it serves: nobody waits for a comparison with nothing. When that
    /// fails, the model serves all the same.
    pub(super) async fn measure_first(
        &self,
        order: TrainingOrder,
        trained: Option<ModelCard>,
        started: Instant,
        progress: &Progress,
    ) -> Option<ModelCard> {
        let tenant = order.tenant.clone();
        match self.try_to_measure_first(order, trained, started, progress).await {
            Ok(card) => card,
            Err(error) => {
                tracing::warn!(tenant.id = tenant, error.cause = %error, "a first model serves and could not be measured");
                None
            }
        }
    }

    async fn try_to_measure_first(
        &self,
        order: TrainingOrder,
        trained: Option<ModelCard>,
        started: Instant,
        progress: &Progress,
    ) -> Result<Option<ModelCard>, Error> {
        let Some(version) = order.model_version else { return Ok(trained) };
        if order.evaluation.is_none() {
            return Ok(trained);
        }
        let order = TrainingOrder { model_version: None, ..order };
        let outcome = self.carry_out(&order, None, progress).await?;
        let reason = format!("{FIRST}; evaluation: {}", outcome.verdict.reason);
        let mut card = outcome.card.unwrap_or_default();
        card.model_version = version.clone();
        card.training_seconds = started.elapsed().as_secs_f64();
        card.parts.extend(trained.into_iter().flat_map(|trained| trained.parts));
        let card = Some(card);
        let mut connection = self.worker.acquire().await?;
        models::note_card(&mut connection, &order.tenant, &version, card.as_ref(), &reason).await?;
        Ok(card)
    }

    /// Takes customers out of a new snapshot who were erased while it was trained.
    async fn without_erased(
        &self,
        lock: &mut PgConnection,
        tenant: &str,
        version: &str,
        written: WrittenModel,
    ) -> Result<WrittenModel, Error> {
        let start = LogPosition { xid: written.watermark_xid - 1, sequence: i64::MAX };
        let erased = erasures::log(lock, Some(tenant), start, i64::MAX).await?;
        if erased.is_empty() {
            return Ok(written);
        }
        let (folder, tenant, version) = (self.snapshots.clone(), tenant.to_owned(), version.to_owned());
        let rewriting = tokio::task::spawn_blocking(move || {
            folder.erase_from_new(&tenant, &version, |customer_id| {
                let hash = erasures::hash(&tenant, customer_id);
                erased.iter().any(|erased| erased.customer_hash == hash)
            })
        });
        let rewritten = rewriting
            .await
            .map_err(|error| Error::Internal(format!("rewriting a snapshot: {error}")))?
            .map_err(|error| Error::Internal(format!("rewriting a snapshot: {error}")))?;
        Ok(WrittenModel {
            size_bytes: rewritten.size_bytes,
            checksum_sha256: rewritten.checksum_sha256,
            ..written
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serving(pinned: bool) -> ServingModel {
        ServingModel {
            model_version: "old".into(),
            checksum_sha256: String::new(),
            trained_at_us: 0,
            pinned,
            parameters: None,
        }
    }

    fn state(is_good_enough: bool, wishes: Wishes, serving: Option<&ServingModel>) -> State {
        decide(&Verdict { is_good_enough, reason: "measured".into() }, wishes, serving).state
    }

    #[test]
    fn a_pin_is_stronger_than_a_request_and_a_request_than_the_evaluation() {
        let (forced, kept) = (
            Wishes { force_promotion: true, ..Wishes::default() },
            Wishes { keep_back: true, ..Wishes::default() },
        );
        let none = Wishes::default();
        assert_eq!(state(true, none, Some(&serving(false))), State::Promoted);
        assert_eq!(state(false, none, Some(&serving(false))), State::Rejected);
        assert_eq!(state(false, none, None), State::Promoted, "the first one serves at once");
        assert_eq!(state(false, forced, Some(&serving(false))), State::Promoted);
        assert_eq!(state(true, forced, Some(&serving(true))), State::KeptBack);
        assert_eq!(state(true, kept, None), State::KeptBack);
        let reason = decide(&Verdict::good("measured"), none, Some(&serving(true))).reason;
        assert_eq!(reason, "old, which serves, is pinned; evaluation: measured");
    }
}
