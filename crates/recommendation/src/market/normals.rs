//! What is usual in the weather of places, out of an archive: asked for when a place is first planned
//! for, without letting the plan wait, and kept for a month.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use larder_connectors::weather::ClimateNormals;
use larder_connectors::{Asking, ConnectorError, Connectors, Place};

use crate::days::{DAY_US, date_of, local};

/// What is usual does not change sooner.
const KEPT_FOR_US: i64 = 30 * DAY_US;
/// An archive that did not answer is not asked again sooner.
const PAUSE_US: i64 = 3_600_000_000;
const PATIENCE: Duration = Duration::from_secs(30);
/// Ten years tell what is usual.
const YEARS: i64 = 10;
/// The archive ends some days before today.
const ARCHIVE_ENDS_DAYS: i32 = 7;
/// Places that are remembered; beyond that the archive is asked again.
const MOST_PLACES: usize = 4_096;

/// What is usual where.
#[derive(Default)]
pub(crate) struct Normals {
    of: Mutex<HashMap<String, Asked>>,
}

/// What became of asking for one place.
struct Asked {
    at_us: i64,
    /// None while it is asked, and after it failed.
    normals: Option<Arc<ClimateNormals>>,
}

/// Where and when.
pub(crate) struct Where<'a> {
    pub(crate) place: Place,
    pub(crate) zone: &'a TimeZone,
    pub(crate) now_us: i64,
}

impl Normals {
    /// What is usual at a place, where that is known already; asks for it otherwise.
    pub(crate) fn of(
        self: &Arc<Self>,
        connectors: &Arc<Connectors>,
        at: &Where<'_>,
    ) -> Option<Arc<ClimateNormals>> {
        let key = format!("{:.2},{:.2}", at.place.latitude(), at.place.longitude());
        let mut of = self.lock();
        let known = of.get(&key);
        let is_due = known.is_none_or(|asked| {
            let age_us = at.now_us.saturating_sub(asked.at_us);
            age_us > if asked.normals.is_some() { KEPT_FOR_US } else { PAUSE_US }
        });
        let found = known.and_then(|asked| asked.normals.clone());
        if is_due {
            if of.len() >= MOST_PLACES {
                of.clear();
            }
            of.insert(key.clone(), Asked { at_us: at.now_us, normals: found.clone() });
            drop(of);
            self.ask(connectors.clone(), key, at);
        }
        found
    }

    fn ask(self: &Arc<Self>, connectors: Arc<Connectors>, key: String, at: &Where<'_>) {
        let (this, place, zone, now_us) = (self.clone(), at.place, at.zone.clone(), at.now_us);
        tokio::spawn(async move {
            let last = date_of(local(now_us, &zone).0 - ARCHIVE_ENDS_DAYS);
            let first = last.saturating_sub(YEARS.years());
            let asking = Asking::at(Timestamp::from_microsecond(now_us).unwrap_or_default(), PATIENCE);
            match connectors.weather.history(place, (first, last), &zone, &asking).await {
                Ok(days) => {
                    let normals = Some(Arc::new(ClimateNormals::from_history(&days)));
                    this.lock().insert(key, Asked { at_us: now_us, normals });
                }
                Err(ConnectorError::NotConfigured) => {}
                Err(error) => {
                    tracing::warn!(
                        error.kind = error.kind(),
                        "what is usual in the weather is not known: {error}"
                    );
                }
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Asked>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
