//! Personal data of customers: all of it handed out, erased with proof, held for a court, let go with time, and described. What
//! counts as such says the inventory alone; wire types stay outside.

mod backups;
pub(crate) mod documents;
pub(crate) mod export;
pub(crate) mod holds;
pub(crate) mod inventory;
pub(crate) mod reports;
pub(crate) mod retention;

use larder_settings::{PrivacySettings, Settings};

pub(crate) use self::backups::BackupPeriod;

/// What the settings say that concerns personal data.
pub(crate) struct PrivacyRules {
    pub(crate) settings: PrivacySettings,
    /// For how long backups hold what was erased.
    pub(crate) backups: Vec<BackupPeriod>,
}

impl PrivacyRules {
    /// Takes what it needs of the settings in force.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { settings: settings.privacy.clone(), backups: backups::periods(&settings.backup) }
    }
}
