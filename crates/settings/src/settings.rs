//! `Settings`, the whole of what an operator can choose, and `Environment`, which decides some
//! defaults and how strict the checks are. The sections are declared in `sections/`.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::kind::Kind;
use crate::origin::Origins;
use crate::sections::Setting;
use crate::{
    AlertingSettings, Authentication, BackupSettings, CacheSettings, ConnectorSettings, DatabaseSettings,
    FlagSettings, GatewaySettings, IdentitySettings, LifecycleSettings, LimitsSettings, PrivacySettings,
    QuotaSettings, RecommendationSettings, RedisSettings, ResilienceSettings, TelemetrySettings, TlsSettings,
};

/// Every setting in force. `Settings::default()` is what a development machine starts with.
///
/// Serialising hides secrets, so what was serialised is for reading and never for loading.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where this process runs; decides defaults and how strict the checks are.
    pub environment: Environment,
    /// The folder for everything kept on disk.
    pub data_dir: PathBuf,
    /// The gateway.
    pub gateway: GatewaySettings,
    /// The recommendation service.
    pub recommendation: RecommendationSettings,
    /// Backups.
    pub backup: BackupSettings,
    /// The alerting service.
    pub alerting: AlertingSettings,
    /// The outside world of market days.
    pub connectors: ConnectorSettings,
    /// PostgreSQL.
    pub database: DatabaseSettings,
    /// Redis.
    pub redis: RedisSettings,
    /// Logs, traces, error reports.
    pub telemetry: TelemetrySettings,
    /// Who may call.
    pub identity: IdentitySettings,
    /// How much callers may ask.
    pub limits: LimitsSettings,
    /// Answers that are kept.
    pub cache: CacheSettings,
    /// How much tenants may use in a month.
    pub quotas: QuotaSettings,
    /// Personal data of customers.
    pub privacy: PrivacySettings,
    /// Feature flags.
    pub flags: FlagSettings,
    /// Certificates between services.
    pub tls: TlsSettings,
    /// Stopping in order.
    pub lifecycle: LifecycleSettings,
    /// How outgoing calls bear failures.
    pub resilience: ResilienceSettings,
    /// Where each setting that is not a default came from.
    #[serde(skip)]
    pub origins: Origins,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            environment: Environment::default(),
            data_dir: PathBuf::from(".larder"),
            gateway: GatewaySettings::default(),
            recommendation: RecommendationSettings::default(),
            backup: BackupSettings::default(),
            alerting: AlertingSettings::default(),
            connectors: ConnectorSettings::default(),
            database: DatabaseSettings::default(),
            redis: RedisSettings::default(),
            telemetry: TelemetrySettings::default(),
            identity: IdentitySettings::default(),
            limits: LimitsSettings::default(),
            cache: CacheSettings::default(),
            quotas: QuotaSettings::default(),
            privacy: PrivacySettings::default(),
            flags: FlagSettings::default(),
            tls: TlsSettings::default(),
            lifecycle: LifecycleSettings::default(),
            resilience: ResilienceSettings::default(),
            origins: Origins::default(),
        }
    }
}

impl Settings {
    /// The settings that stand outside any section.
    pub(crate) const SETTINGS: &'static [Setting] = &[
        Setting {
            key: "environment",
            about: "Where this process runs. It decides some defaults and how strict the checks are: \
                    `production` refuses to start with weak secrets or open doors.",
            kind: Kind::Choice(&["development", "testing", "staging", "production"]),
        },
        Setting {
            key: "data_dir",
            about: "The folder for everything kept on disk: the private database, snapshots, keys.",
            kind: Kind::Path,
        },
    ];

    /// Tells whether a caller without credentials is let in (as tenant `demo`): in development,
    /// unless authentication is required there too, and nowhere else.
    pub fn anonymous_allowed(&self) -> bool {
        self.environment == Environment::Development && self.authentication() == Authentication::Anonymous
    }

    /// The tenant whose callers may make, list and suspend tenants: as set, or else as the environment has it.
    pub fn operator_tenant(&self) -> &str {
        self.identity.operator_tenant.as_deref().unwrap_or(match self.environment {
            Environment::Development => "demo",
            Environment::Testing | Environment::Staging | Environment::Production => "platform",
        })
    }

    /// Whether callers must prove who they are: as set, or else as the environment has it.
    pub fn authentication(&self) -> Authentication {
        self.identity.authentication.unwrap_or(match self.environment {
            Environment::Development => Authentication::Anonymous,
            Environment::Testing | Environment::Staging | Environment::Production => Authentication::Required,
        })
    }

    /// The folder of backups: as set, or `backups` in the data folder.
    pub fn backup_dir(&self) -> PathBuf {
        self.backup.folder.clone().unwrap_or_else(|| self.data_dir.join("backups"))
    }

    /// The folder where alerts wait for the database: as set, or `alert-spool` in the data folder.
    pub fn alert_spool_dir(&self) -> PathBuf {
        self.alerting.spool_dir.clone().unwrap_or_else(|| self.data_dir.join("alert-spool"))
    }

    /// The folder of model snapshots: as set, or `snapshots` in the data folder.
    pub fn snapshot_dir(&self) -> PathBuf {
        self.recommendation.snapshot_dir.clone().unwrap_or_else(|| self.data_dir.join("snapshots"))
    }
}

/// Where a process runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// A developer's machine: anonymous callers, nothing to configure.
    #[default]
    Development,
    /// Automated tests.
    Testing,
    /// A rehearsal of production.
    Staging,
    /// Real customers: unsafe settings are refused.
    Production,
}

impl Environment {
    /// The name in settings, logs and health reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Testing => "testing",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_callers_are_let_in_only_in_development() {
        for environment in
            [Environment::Development, Environment::Testing, Environment::Staging, Environment::Production]
        {
            for authentication in [None, Some(Authentication::Anonymous), Some(Authentication::Required)] {
                let mut settings = Settings { environment, ..Settings::default() };
                settings.identity.authentication = authentication;
                let expected = environment == Environment::Development
                    && authentication != Some(Authentication::Required);
                assert_eq!(settings.anonymous_allowed(), expected, "{environment} {authentication:?}");
            }
        }
    }

    #[test]
    fn snapshots_are_kept_in_the_data_folder_unless_told_otherwise() {
        let mut settings = Settings { data_dir: PathBuf::from("/srv/larder"), ..Settings::default() };
        assert_eq!(settings.snapshot_dir(), PathBuf::from("/srv/larder/snapshots"));
        settings.recommendation.snapshot_dir = Some(PathBuf::from("/models"));
        assert_eq!(settings.snapshot_dir(), PathBuf::from("/models"));
    }
}
