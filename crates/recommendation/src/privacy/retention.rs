//! Periods: how long each kind of rows is kept by the settings, what is past its period now, and how it goes. What is counted for a
//! preview and what is removed is told by the same condition.

use larder_identity::TenantId;
use larder_settings::PrivacySettings;

use super::inventory::{Period, PersonalTable, TABLES};
use crate::days::DAY_US;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::{personal_data, retention_runs};

/// Rows that one transaction removes: few enough that nobody waits for it.
const BATCH_ROWS: i64 = 5_000;

/// A kind of rows with its period.
pub(crate) struct Kept {
    pub(crate) table: &'static PersonalTable,
    pub(crate) period: Period,
    /// 0 keeps for ever.
    pub(crate) days: u32,
    /// What is older goes; `None` keeps for ever.
    pub(crate) before_us: Option<i64>,
    pub(crate) row_count: i64,
    pub(crate) held_count: i64,
}

/// Every kind that has a period, by the settings in force.
pub(crate) fn periods(settings: &PrivacySettings, now_us: i64) -> Vec<Kept> {
    let with_period = TABLES.iter().filter_map(|table| Some((table, table.period?)));
    let kept = with_period.map(|(table, period)| {
        let days = days_of(settings, period.setting);
        let before_us = (days > 0).then(|| now_us.saturating_sub(i64::from(days) * DAY_US));
        Kept { table, period, days, before_us, row_count: 0, held_count: 0 }
    });
    kept.collect()
}

/// What a setting of the inventory says.
fn days_of(settings: &PrivacySettings, setting: &str) -> u32 {
    match setting {
        "interactions_days" => settings.interactions_days,
        "exposures_days" => settings.exposures_days,
        "body_measurements_days" => settings.body_measurements_days,
        "intakes_days" => settings.intakes_days,
        "budgets_days" => settings.budgets_days,
        "deleted_customers_days" => settings.deleted_customers_days,
        _ => 0,
    }
}

/// What is past its period now, and when it was let go last by itself.
pub(crate) async fn preview(state: &State, tenant: &TenantId) -> Result<(Vec<Kept>, Option<i64>), Error> {
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let mut all = periods(&state.privacy.settings, (state.clock)());
    for kept in &mut all {
        let Some(before_us) = kept.before_us else { continue };
        let what = (kept.table, &kept.period);
        (kept.row_count, kept.held_count) =
            personal_data::count_past(&mut transaction, tenant, what, before_us).await?;
    }
    let applied_at_us = retention_runs::applied_at(&mut transaction, tenant).await?;
    Ok((all, applied_at_us))
}

/// Lets go what is past its period, batch by batch; what was removed before an error stays removed, and the rest goes the next time.
pub(crate) async fn apply(state: &State, tenant: &TenantId) -> Result<Vec<Kept>, Error> {
    let mut all = periods(&state.privacy.settings, (state.clock)());
    for kept in &mut all {
        let Some(before_us) = kept.before_us else { continue };
        loop {
            let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
            let what = (kept.table, &kept.period);
            let removed =
                personal_data::remove_past(&mut transaction, tenant, what, before_us, BATCH_ROWS).await?;
            transaction.commit().await?;
            let removed = i64::try_from(removed).unwrap_or(i64::MAX);
            kept.row_count += removed;
            if removed < BATCH_ROWS {
                break;
            }
        }
        metrics::rows_expired(kept.table.name, u64::try_from(kept.row_count).unwrap_or(0));
        let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
        let what = (kept.table, &kept.period);
        (_, kept.held_count) = personal_data::count_past(&mut transaction, tenant, what, before_us).await?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_period_of_the_inventory_has_a_setting() {
        let settings = PrivacySettings {
            interactions_days: 1,
            exposures_days: 2,
            body_measurements_days: 3,
            intakes_days: 4,
            budgets_days: 5,
            deleted_customers_days: 6,
            ..PrivacySettings::default()
        };
        let mut days: Vec<_> = periods(&settings, 0).into_iter().map(|kept| kept.days).collect();
        days.sort_unstable();
        assert_eq!(days, [1, 2, 3, 4, 5, 6]);
        let kept = periods(&PrivacySettings::default(), 200 * DAY_US);
        let kept: Vec<_> = kept.iter().filter_map(|kept| Some((kept.table.name, kept.before_us?))).collect();
        assert_eq!(kept, [("exposures", 20 * DAY_US)], "nothing else goes unless somebody says so");
    }
}
