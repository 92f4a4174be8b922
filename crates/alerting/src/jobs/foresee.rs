//! Tells ahead of what will be missing: hours of the coming week in which nobody is on call, and silences that are
//! about to end. Both are alerts as any other, so they go where the file's routes lead.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use larder_oncall::alert::{Told, ToldAlert};
use larder_oncall::labels::Labels;
use larder_oncall::schedule::{Schedule, Shift};
use larder_oncall::silence::{Silence, SilenceState};
use sqlx::PgPool;

use crate::clock::{micros, timestamp};
use crate::error::Error;
use crate::escalate::{Overrides, load_overrides};
use crate::in_force::InForce;
use crate::ingest::{Delivery, Ingest};
use crate::silencing;
use crate::store::{reading, silences, tenants};
use crate::{Clock, metrics};

const LOOK: Duration = Duration::from_secs(5);
/// What was said is good for so long; it is said again at each look.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// How far ahead is looked for hours without anybody.
const AHEAD: Duration = Duration::from_secs(7 * 86_400);
/// So many silences of a tenant are looked at.
const SILENCES_MOST: i64 = 10_000;
/// Who tells of what lies ahead.
pub(crate) const FORESIGHT_SOURCE: &str = "larder-foresight";

/// The job.
pub(crate) struct Foresight {
    pub(crate) worker: PgPool,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) ingest: Ingest,
    pub(crate) clock: Clock,
    pub(crate) home: TenantId,
}

/// What is to be told, by the labels of its alert.
type Ahead = BTreeMap<Labels, String>;

impl Foresight {
    pub(crate) async fn run(self, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            if let Err(error) = self.look().await {
                metrics::job_failed("foresee", &error);
            }
        }
    }

    async fn look(&self) -> Result<(), Error> {
        let mut names = {
            let mut connection = self.worker.acquire().await?;
            tenants::all(&mut connection).await?
        };
        // The file and its schedules belong to the home tenant, also before it has any alert.
        names.push(self.home.to_string());
        names.sort_unstable();
        names.dedup();
        for name in names {
            let Ok(tenant) = TenantId::parse(&name) else { continue };
            self.look_at(&tenant).await?;
        }
        Ok(())
    }

    async fn look_at(&self, tenant: &TenantId) -> Result<(), Error> {
        let now_us = (self.clock)();
        let rules = self.in_force.rules();
        let mut transaction = larder_database::begin_tenant(&self.worker, tenant).await?;
        let rows = silences::list(&mut transaction, tenant, now_us, "", SILENCES_MOST).await?;
        let told = reading::firing_of_source(&mut transaction, tenant, FORESIGHT_SOURCE).await?;
        let overrides = match *tenant == self.home && !rules.settings.schedules.is_empty() {
            true => load_overrides(&mut transaction, tenant, now_us).await?,
            false => Overrides::new(),
        };
        transaction.commit().await?;
        let now = timestamp(now_us);
        let ending = rows.iter().filter_map(silencing::read).filter_map(|silence| ending(&silence, now));
        let mut ahead: Ahead = ending.collect();
        if *tenant == self.home {
            ahead.extend(rules.settings.schedules.values().filter_map(|schedule| {
                let overrides = overrides.get(&schedule.name).map_or(&[][..], Vec::as_slice);
                let until = timestamp(now_us + micros(AHEAD));
                gap(schedule, schedule.gaps(now, until, overrides), now)
            }));
        }
        self.tell(tenant, ahead, told, now_us).await
    }

    /// Tells what lies ahead, and takes back what does not any more.
    async fn tell(
        &self,
        tenant: &TenantId,
        ahead: Ahead,
        told: Vec<Labels>,
        now_us: i64,
    ) -> Result<(), Error> {
        let over = told.into_iter().filter(|labels| !ahead.contains_key(labels)).map(|labels| ToldAlert {
            labels,
            annotations: BTreeMap::new(),
            generator_url: String::new(),
            starts_at_us: None,
            told: Told::Resolved { ends_at_us: now_us },
        });
        let over: Vec<ToldAlert> = over.collect();
        let alerts = ahead.into_iter().map(|(labels, text)| ToldAlert {
            labels,
            annotations: [("summary".to_owned(), text)].into(),
            generator_url: String::new(),
            starts_at_us: None,
            told: Told::Firing { expires_at_us: Some(now_us + micros(GOOD_FOR)) },
        });
        let alerts: Vec<ToldAlert> = alerts.chain(over).collect();
        let source = FORESIGHT_SOURCE.to_owned();
        self.ingest.deliver(Delivery { tenant: tenant.clone(), source, alerts }).await
    }
}

/// The first of the hours in which nobody is on call.
fn gap(schedule: &Schedule, gaps: Vec<Shift>, now: Timestamp) -> Option<(Labels, String)> {
    let first = gaps.first()?;
    let time = |at: Timestamp| at.to_zoned(schedule.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
    let from =
        if first.starts_at <= now { "now".to_owned() } else { format!("from {}", time(first.starts_at)) };
    let more = match gaps.len() {
        1 => String::new(),
        gaps => format!(", and {} times more within a week", gaps - 1),
    };
    let name = schedule.name.as_str();
    let text = format!("nobody is on call in {name} {from} until {}{more}", time(first.ends_at));
    let labels = [("alertname", "ScheduleGap"), ("schedule", name), ("severity", "warning")];
    Some((labels.into_iter().collect(), text))
}

/// A silence that will end soon.
fn ending(silence: &Silence, now: Timestamp) -> Option<(Labels, String)> {
    let SilenceState::Active { ends_at } = silence.state_at(now) else { return None };
    silence.expiry_notice_at(now).filter(|notice_at| *notice_at <= now)?;
    let labels = [("alertname", "SilenceEnding"), ("silence_id", &silence.id), ("severity", "info")];
    let matchers: Vec<String> = silence.matchers.iter().map(ToString::to_string).collect();
    let (matchers, by) = (matchers.join(" or "), &silence.created_by);
    let text = format!("the silence of {matchers} by {by} ends at {ends_at}: {}", silence.comment);
    Some((labels.into_iter().collect(), text))
}
