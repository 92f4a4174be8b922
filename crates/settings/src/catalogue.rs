//! Every setting there is, in the order in which they are shown, looked up by name.

use std::sync::LazyLock;

use toml::{Table, Value};

use crate::sections::{Section, Setting};
use crate::{
    AlertingSettings, BackupSettings, CacheSettings, ConnectorSettings, DatabaseSettings, FlagSettings,
    GatewaySettings, IdentitySettings, LifecycleSettings, LimitsSettings, PrivacySettings, QuotaSettings,
    RecommendationSettings, RedisSettings, ResilienceSettings, Settings, TelemetrySettings, TlsSettings,
};

/// The sections with their names, in order.
pub(crate) const SECTIONS: [(&str, Section); 17] = [
    ("gateway", GatewaySettings::SECTION),
    ("recommendation", RecommendationSettings::SECTION),
    ("backup", BackupSettings::SECTION),
    ("alerting", AlertingSettings::SECTION),
    ("connectors", ConnectorSettings::SECTION),
    ("database", DatabaseSettings::SECTION),
    ("redis", RedisSettings::SECTION),
    ("telemetry", TelemetrySettings::SECTION),
    ("identity", IdentitySettings::SECTION),
    ("limits", LimitsSettings::SECTION),
    ("cache", CacheSettings::SECTION),
    ("quotas", QuotaSettings::SECTION),
    ("privacy", PrivacySettings::SECTION),
    ("flags", FlagSettings::SECTION),
    ("tls", TlsSettings::SECTION),
    ("lifecycle", LifecycleSettings::SECTION),
    ("resilience", ResilienceSettings::SECTION),
];

static DEFAULTS: LazyLock<Table> = LazyLock::new(|| as_table(&Settings::default()));

/// Every setting, those outside any section first.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    Settings::SETTINGS.iter().chain(SECTIONS.iter().flat_map(|(_, section)| section.settings))
}

/// The setting with this name, as in `gateway.listen_address`.
pub(crate) fn find(key: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.key == key)
}

/// Tells whether `name` is a section.
pub(crate) fn is_section(name: &str) -> bool {
    SECTIONS.iter().any(|(section, _)| *section == name)
}

/// The default of a setting; `None` when it is not set by default.
pub(crate) fn default_of(key: &str) -> Option<&'static Value> {
    value_at(&DEFAULTS, key)
}

/// The environment variable of a setting: `LARDER_GATEWAY__LISTEN_ADDRESS`.
pub(crate) fn variable_of(key: &str) -> String {
    format!("LARDER_{}", key.replace('.', "__").to_ascii_uppercase())
}

/// The settings as a table, secrets hidden.
pub(crate) fn as_table(settings: &Settings) -> Table {
    Table::try_from(settings).expect("settings are made of texts, numbers and lists, which TOML has")
}

/// The value at a dotted key of a table.
pub(crate) fn value_at<'table>(table: &'table Table, key: &str) -> Option<&'table Value> {
    match key.split_once('.') {
        Some((section, field)) => table.get(section)?.get(field),
        None => table.get(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_accepted_by_its_own_setting() {
        for setting in all() {
            if let Some(default) = default_of(setting.key) {
                assert_eq!(
                    setting.kind.read_value(default.clone()).as_ref(),
                    Some(default),
                    "{}",
                    setting.key
                );
            }
        }
    }

    #[test]
    fn the_catalogue_and_the_structs_name_the_same_settings() {
        for (name, value) in DEFAULTS.iter() {
            let Some(section) = value.as_table() else {
                assert!(find(name).is_some(), "{name}");
                continue;
            };
            assert!(is_section(name), "{name}");
            for field in section.keys() {
                assert!(find(&format!("{name}.{field}")).is_some(), "{name}.{field}");
            }
        }
    }
}
