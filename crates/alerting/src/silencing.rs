//! Making silences, whichever way they are asked for: what is asked is checked, what it would hide can be
//! looked at before, and what it hid is looked at again when it ends.

use jiff::tz::TimeZone;
use larder_identity::TenantId;
use larder_oncall::matcher::Matchers;
use larder_oncall::recurrence::Recurrence;
use larder_oncall::silence::{Silence, SilenceTime};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::timestamp;
use crate::error::Error;
use crate::store::reading::{self, AlertRow, Wanted};
use crate::store::silences::{self, SilenceRow};
use crate::store::{alerts, tenants};

/// So many alerts are looked through.
const ALERTS_MOST: i64 = 100_000;
/// The end of what never ends: 9999-01-01.
const NEVER_US: i64 = 253_370_764_800_000_000;

/// A silence as somebody asks for it.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Empty for a new one.
    pub(crate) silence_id: String,
    pub(crate) matchers: Matchers,
    pub(crate) starts_at_us: i64,
    pub(crate) ends_at_us: i64,
    pub(crate) created_by: String,
    pub(crate) comment: String,
    pub(crate) recurrence_rule: String,
    pub(crate) time_zone: String,
    pub(crate) until_resolved: bool,
}

/// The silence that is meant, and the alerts that it would hide now.
pub(crate) async fn consider(
    db: &mut PgConnection,
    tenant: &TenantId,
    wish: &Wish,
    now_us: i64,
) -> Result<(Silence, Vec<AlertRow>), Error> {
    let rows = reading::list(db, tenant, Wanted::Unresolved, None, ALERTS_MOST).await?;
    let meant: Vec<AlertRow> = rows.into_iter().filter(|row| wish.matchers.matches(&row.labels)).collect();
    let silence_id =
        if wish.silence_id.is_empty() { Uuid::now_v7().to_string() } else { wish.silence_id.clone() };
    let silence = Silence {
        id: silence_id,
        matchers: vec![wish.matchers.clone()],
        when: when(wish, &meant, now_us)?,
        created_by: wish.created_by.clone(),
        comment: wish.comment.clone(),
    };
    silence.check().map_err(|refused| refusal(&refused))?;
    Ok((silence, meant))
}

/// Makes a silence, or replaces the one with its id.
pub(crate) async fn make(
    db: &mut PgConnection,
    tenant: &TenantId,
    wish: &Wish,
    now_us: i64,
) -> Result<Silence, Error> {
    tenants::remember(db, tenant).await?;
    let (silence, _) = consider(db, tenant, wish, now_us).await?;
    keep(db, tenant, &silence, now_us).await?;
    alerts::look_again(db, tenant).await?;
    Ok(silence)
}

/// Ends a silence now.
pub(crate) async fn expire(
    db: &mut PgConnection,
    tenant: &TenantId,
    silence_id: &str,
    now_us: i64,
) -> Result<(), Error> {
    let row = silences::get(db, tenant, silence_id).await?.ok_or(Error::NotFound { noun: "silence" })?;
    let ended = SilenceRow { ends_at_us: row.ends_at_us.min(now_us), ..row };
    silences::put(db, tenant, &ended, now_us).await?;
    alerts::look_again(db, tenant).await?;
    Ok(())
}

/// Keeps a silence as it is.
pub(crate) async fn keep(
    db: &mut PgConnection,
    tenant: &TenantId,
    silence: &Silence,
    now_us: i64,
) -> Result<(), Error> {
    let ends_at_us = match &silence.when {
        SilenceTime::Fixed { ends_at, .. } => ends_at.as_microsecond(),
        SilenceTime::UntilResolved { at_most_until, waiting_for, .. } if !waiting_for.is_empty() => {
            at_most_until.as_microsecond()
        }
        SilenceTime::UntilResolved { .. } => now_us,
        SilenceTime::Recurring { until, .. } => until.map_or(NEVER_US, jiff::Timestamp::as_microsecond),
    };
    let silence_json = serde_json::to_value(silence)
        .map_err(|error| Error::Internal(format!("a silence is no JSON: {error}")))?;
    let row = SilenceRow { silence_id: silence.id.clone(), silence: silence_json, ends_at_us };
    silences::put(db, tenant, &row, now_us).await?;
    Ok(())
}

/// A silence as it lies in the table.
pub(crate) fn read(row: &SilenceRow) -> Option<Silence> {
    serde_json::from_value(row.silence.clone()).ok()
}

fn when(wish: &Wish, meant: &[AlertRow], now_us: i64) -> Result<SilenceTime, Error> {
    let (starts_at, ends_at) = (timestamp(wish.starts_at_us), timestamp(wish.ends_at_us));
    if wish.ends_at_us <= now_us && wish.recurrence_rule.is_empty() {
        return Err(Error::invalid("ends_at", "must be in the future"));
    }
    if !wish.recurrence_rule.is_empty() {
        let zone = if wish.time_zone.is_empty() { "UTC" } else { &wish.time_zone };
        let zone_of_start = TimeZone::get(zone)
            .map_err(|_| Error::invalid("time_zone", "must be an IANA name such as \"Europe/Paris\""))?;
        let minutes = u32::try_from((wish.ends_at_us - wish.starts_at_us) / 60_000_000).unwrap_or(0);
        let local = starts_at.to_zoned(zone_of_start).datetime();
        let recurrence = Recurrence::new(local, zone, &wish.recurrence_rule, minutes)
            .map_err(|refused| Error::invalid("recurrence_rule", refused.to_string()))?;
        return Ok(SilenceTime::Recurring { recurrence, until: None });
    }
    if wish.until_resolved {
        let waiting_for = meant.iter().map(|row| row.labels.fingerprint()).collect::<Vec<_>>();
        if waiting_for.is_empty() {
            return Err(Error::invalid(
                "until_resolved",
                "must be false where no alert is there that it would hide",
            ));
        }
        return Ok(SilenceTime::UntilResolved { starts_at, at_most_until: ends_at, waiting_for });
    }
    Ok(SilenceTime::Fixed { starts_at, ends_at })
}

/// The refusal names its field in front of a colon.
fn refusal(refused: &larder_oncall::silence::InvalidSilence) -> Error {
    let text = refused.to_string();
    match text.split_once(": ") {
        Some((field, description)) => Error::invalid(field, description),
        None => Error::invalid("silence", text),
    }
}
