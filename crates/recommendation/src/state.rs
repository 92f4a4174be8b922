//! What every call has at hand.

use std::sync::Arc;
use std::time::Duration;

use larder_connectors::Connectors;
use larder_flags::Flags;
use larder_identity::page::PageTokens;
use larder_ranking::ExpressionCache;
use larder_settings::RecommendationSettings;
use sqlx::PgPool;
use tokio::sync::{Notify, Semaphore};

use crate::Clock;
use crate::exposures::ExposureLog;
use crate::jobs::keep::FactsKeeper;
use crate::jobs::sync_shops::ShopsCensus;
use crate::jobs::train::{ModelTrainer, PendingEvents};
use crate::market::models::DemandModels;
use crate::market::normals::Normals;
use crate::model_settings::ModelSettings;
use crate::nutrition::generic_foods::GenericFoods;
use crate::privacy::PrivacyRules;
use crate::recommend::Recommender;
use crate::served::Served;
use crate::snapshots::SnapshotFolder;

/// Shared by the calls of one process.
pub(crate) struct State {
    /// Connections that see one tenant at a time.
    pub(crate) app: PgPool,
    /// Connections that see every tenant, for what is whose turn and whose message.
    pub(crate) worker: PgPool,
    pub(crate) served: Arc<Served>,
    pub(crate) recommender: Recommender,
    pub(crate) trainer: ModelTrainer,
    pub(crate) pending: PendingEvents,
    pub(crate) snapshots: SnapshotFolder,
    /// Keeps profiles on disk for a start without the database.
    pub(crate) keeper: Arc<FactsKeeper>,
    pub(crate) pages: PageTokens,
    pub(crate) exposures: ExposureLog,
    /// Exports that may run at once: each holds a connection and a thread while it is read.
    pub(crate) exports: Arc<Semaphore>,
    /// Imports that may run at once.
    pub(crate) imports: Arc<Semaphore>,
    /// Uploads that may be read for a look at the same time.
    pub(crate) import_reads: Arc<Semaphore>,
    /// Filters and boosts that came lately, whoever wrote them.
    pub(crate) expressions: ExpressionCache,
    pub(crate) settings: RecommendationSettings,
    pub(crate) model_settings: Arc<ModelSettings>,
    /// What is switched on for whom.
    pub(crate) flags: Arc<Flags>,
    /// What stands in for products whose nutrients nobody told.
    pub(crate) generic_foods: Arc<GenericFoods>,
    pub(crate) demand_models: DemandModels,
    /// Wakes whoever looks whether they still fit.
    pub(crate) demand_nudge: Notify,
    /// The outside world.
    pub(crate) connectors: Arc<Connectors>,
    /// How the tenants' shops do, and what wakes whoever fetches from them.
    pub(crate) shops: Arc<ShopsCensus>,
    pub(crate) shop_nudge: Notify,
    pub(crate) sync_interval: Duration,
    /// What is usual in the weather.
    pub(crate) normals: Arc<Normals>,
    /// For how long personal data is kept, and who answers for it.
    pub(crate) privacy: PrivacyRules,
    pub(crate) clock: Clock,
    /// Wakes the follower.
    pub(crate) nudge: Arc<Notify>,
}
