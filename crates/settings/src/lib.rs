//! Every setting of Larder: typed, loaded from `larder.toml` and `LARDER_<SECTION>__<FIELD>`,
//! checked, and shown with its secrets hidden. A setting is declared once, in `sections/`: its
//! field, default, accepted values and text all stand there. Nothing here opens a connection.

mod catalogue;
mod check;
mod consistency;
mod durations;
mod error;
mod file;
mod hint;
mod kind;
mod load;
mod network;
mod origin;
mod reference;
mod secret;
mod sections;
mod settings;
mod show;
mod variables;

pub use check::Process;
pub use error::{Problems, SettingsError};
pub use load::{Sources, load};
pub use origin::{Origin, Origins};
pub use reference::reference_markdown;
pub use secret::REDACTED;
pub use sections::alerting::AlertingSettings;
pub use sections::backup::{BackupSettings, LockMode};
pub use sections::cache::CacheSettings;
pub use sections::connectors::ConnectorSettings;
pub use sections::database::DatabaseSettings;
pub use sections::flags::FlagSettings;
pub use sections::gateway::GatewaySettings;
pub use sections::identity::{Authentication, IdentitySettings};
pub use sections::lifecycle::LifecycleSettings;
pub use sections::limits::{LimitsSettings, OnRedisFailure};
pub use sections::privacy::PrivacySettings;
pub use sections::quotas::QuotaSettings;
pub use sections::recommendation::{RecommendationSettings, UnknownReferences};
pub use sections::redis::RedisSettings;
pub use sections::resilience::ResilienceSettings;
pub use sections::telemetry::{LogFormat, TelemetrySettings};
pub use sections::tls::TlsSettings;
pub use settings::{Environment, Settings};
