//! What every call has at hand.

use std::sync::Arc;

use arc_swap::ArcSwap;
use larder_identity::page::PageTokens;
use larder_settings::AlertingSettings;
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::Clock;
use crate::http::body::BodyBudget;
use crate::http::status_page::Board;
use crate::in_force::InForce;
use crate::ingest::Ingest;
use crate::signing::SigningKeys;
use crate::view::Views;

/// Shared by the calls of one process.
pub(crate) struct State {
    /// Connections that see one tenant at a time.
    pub(crate) app: PgPool,
    pub(crate) ingest: Ingest,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) views: Views,
    pub(crate) signing: SigningKeys,
    pub(crate) bodies: BodyBudget,
    pub(crate) pages: PageTokens,
    pub(crate) settings: AlertingSettings,
    /// Whether sources without a token are let in, as the tenant `demo`.
    pub(crate) anonymous_allowed: bool,
    /// How the services are, as everybody may know.
    pub(crate) board: Arc<ArcSwap<Board>>,
    /// Wakes whoever puts alerts into incidents.
    pub(crate) arrived: Arc<Notify>,
    /// Wakes whoever sends.
    pub(crate) outbox: Arc<Notify>,
    /// Wakes whoever looks after timers.
    pub(crate) timers: Arc<Notify>,
    pub(crate) clock: Clock,
    /// When this process began.
    pub(crate) started_at_us: i64,
}
