//! Watches the sources: one that gives no sign of life is lost, and so are alerts that are not sent again in
//! time. Lost is not resolved. How late a sign is counts by a clock that nobody can set, so a wall clock that
//! jumps makes nobody late.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use larder_oncall::alert::{Told, ToldAlert};
use larder_oncall::labels::Labels;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Clock;
use crate::changes::Changes;
use crate::clock::{JumpWatch, micros};
use crate::error::Error;
use crate::in_force::InForce;
use crate::ingest::{Delivery, Ingest};
use crate::jobs::foresee::FORESIGHT_SOURCE;
use crate::jobs::probe::PROBE_SOURCE;
use crate::metrics;
use crate::store::alerts;
use crate::store::heartbeats::{self, HeartbeatRow};
use crate::store::reading::{self, Wanted};
use crate::store::{channel_states, incident_alerts, incidents, notifications, tenants, timers};
use crate::timeline::Entry;

const LOOK: Duration = Duration::from_secs(1);
/// How often alerts that are hidden are looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// The alert about a source whose alerts were not sent again.
const SOURCE_LOST: &str = "SourceLost";
/// So many alerts of a tenant are looked through at the start.
const ALERTS_MOST: i64 = 100_000;
/// Who did not look for longer was asleep, and nobody could be heard: all have their time anew.
const ASLEEP_US: i64 = 30_000_000;
/// What ran out while nobody listened has so long to be sent again: a minute is Prometheus' interval.
const TIME_AT_START: Duration = Duration::from_secs(75);
/// Who tells of sources that are lost.
pub(crate) const OWN_SOURCE: &str = "larder";

/// The job.
pub(crate) struct Watcher {
    pub(crate) worker: PgPool,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) ingest: Ingest,
    pub(crate) arrived: Arc<Notify>,
    /// Wakes whoever sends.
    pub(crate) outbox: Arc<Notify>,
    pub(crate) clock: Clock,
    pub(crate) steady: Clock,
    pub(crate) home: TenantId,
    /// Whether other replicas share the work.
    pub(crate) has_others: bool,
}

/// When a sign of life was last seen to be new.
struct Seen {
    beat_at_us: Option<i64>,
    at: Instant,
}

type Name = (TenantId, String);

impl Watcher {
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut seen: HashMap<Name, Seen> = HashMap::new();
        // What was told before a restart is taken back when it is over; unknown until it was read.
        let mut silent: Option<HashSet<Name>> = None;
        let mut jumps = JumpWatch::new(self.clock, self.steady);
        let mut looked_again = Instant::now();
        let mut has_begun = false;
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let passed = jumps.look();
            if passed.steady_us > ASLEEP_US {
                tracing::warn!(
                    asleep_s = passed.steady_us / 1_000_000,
                    "the machine slept, or this process did"
                );
                has_begun = false;
                seen.clear();
            }
            let looked = async {
                if passed.jump_us != 0 {
                    self.shift_all(passed.jump_us).await?;
                }
                if !has_begun {
                    let mut connection = self.worker.acquire().await?;
                    let until_us = (self.clock)() + micros(TIME_AT_START);
                    alerts::give_time(&mut connection, (self.clock)(), until_us).await?;
                    has_begun = true;
                }
                if looked_again.elapsed() >= LOOK_AGAIN {
                    looked_again = Instant::now();
                    self.look_at_hidden().await?;
                }
                self.look_at_damped().await?;
                self.look_at_heartbeats(&mut seen).await?;
                let known = match silent.take() {
                    Some(known) => known,
                    None => self.told_before().await?,
                };
                silent = Some(self.look_at_alerts(known, passed.now_us).await?);
                Ok::<(), Error>(())
            };
            if let Err(error) = looked.await {
                metrics::job_failed("watch", &error);
            }
        }
    }

    /// Moves what waits for an instant along with the clock: nobody was late, and nothing is due. Where others share
    /// the work theirs may be the clock that is right, and nothing is moved.
    async fn shift_all(&self, jump_us: i64) -> Result<(), Error> {
        tracing::warn!(clock.jump_s = jump_us / 1_000_000, "the wall clock was set");
        if self.has_others {
            return Ok(());
        }
        let mut connection = self.worker.acquire().await?;
        alerts::shift_expiry(&mut connection, jump_us).await?;
        let tenants = tenants::all(&mut connection).await?;
        drop(connection);
        for name in tenants {
            let Ok(tenant) = TenantId::parse(&name) else { continue };
            let mut transaction = larder_database::begin_tenant(&self.worker, &tenant).await?;
            timers::shift(&mut transaction, &tenant, jump_us).await?;
            notifications::shift(&mut transaction, &tenant, jump_us).await?;
            channel_states::shift(&mut transaction, &tenant, jump_us).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// What hid an alert may be over: a silence that ran out, a maintenance that ended.
    async fn look_at_hidden(&self) -> Result<(), Error> {
        let mut connection = self.worker.acquire().await?;
        if alerts::look_again_everywhere(&mut connection).await? > 0 {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// What came and went may have calmed down, or is to be told again.
    async fn look_at_damped(&self) -> Result<(), Error> {
        let rules = self.in_force.rules();
        let mut connection = self.worker.acquire().await?;
        let looked_at = alerts::calm_down(&mut connection, &rules.settings.flapping, (self.clock)()).await?;
        drop(connection);
        if looked_at.is_empty() {
            return Ok(());
        }
        self.arrived.notify_one();
        for damped in looked_at.into_iter().filter(|damped| damped.is_reminded) {
            let Ok(tenant) = TenantId::parse(&damped.tenant_id) else { continue };
            self.remind(&tenant, damped.fingerprint).await?;
        }
        Ok(())
    }

    /// Everybody who was told of it hears that it still comes and goes.
    async fn remind(&self, tenant: &TenantId, fingerprint: i64) -> Result<(), Error> {
        let now_us = (self.clock)();
        let mut transaction = larder_database::begin_tenant(&self.worker, tenant).await?;
        let found = incident_alerts::firing_in(&mut transaction, tenant, &[fingerprint]).await?;
        let ids: Vec<_> = found.into_iter().map(|(incident_id, _)| incident_id).collect();
        let mut changes = Changes::default();
        for mut row in incidents::lock(&mut transaction, tenant, &ids).await? {
            row.revision += 1;
            changes
                .note(row.incident_id, Entry::own(now_us, "still flapping", "its alerts still come and go"));
            changes.retold.push(row.incident_id);
            changes.incidents.push(row);
        }
        changes.write(&mut transaction, tenant, now_us).await?;
        transaction.commit().await?;
        self.outbox.notify_one();
        Ok(())
    }

    async fn look_at_heartbeats(&self, seen: &mut HashMap<Name, Seen>) -> Result<(), Error> {
        self.expect_those_of_the_file().await?;
        let rows = {
            let mut connection = self.worker.acquire().await?;
            heartbeats::all(&mut connection).await?
        };
        let named: Vec<(Name, HeartbeatRow)> = rows
            .into_iter()
            .filter_map(|row| Some(((TenantId::parse(&row.tenant_id).ok()?, row.name.clone()), row)))
            .collect();
        self.in_force.expect_heartbeats(named.iter().map(|(name, _)| name.clone()).collect());
        seen.retain(|name, _| named.iter().any(|(known, _)| known == name));
        let now = Instant::now();
        for (name, row) in named {
            let entry = seen.entry(name.clone()).or_insert(Seen { beat_at_us: row.last_beat_at_us, at: now });
            let is_new = entry.beat_at_us != row.last_beat_at_us;
            if is_new {
                *entry = Seen { beat_at_us: row.last_beat_at_us, at: now };
            }
            let interval = Duration::from_secs(u64::try_from(row.interval_s).unwrap_or(60));
            let is_late = now - entry.at > interval + self.grace(&name, interval);
            if let (true, Some(beat_at_us)) = (is_new || row.last_beat_at_us.is_some(), row.last_beat_at_us) {
                self.release(&name, beat_at_us - micros(interval)).await?;
            }
            if is_late && !row.is_lost {
                self.lose(&name).await?;
            } else if is_new && row.is_lost {
                self.find_again(&name).await?;
            }
        }
        Ok(())
    }

    /// The heartbeats of the file are those of the home tenant.
    async fn expect_those_of_the_file(&self) -> Result<(), Error> {
        let rules = self.in_force.rules();
        if rules.settings.heartbeats.is_empty() {
            return Ok(());
        }
        let now_us = (self.clock)();
        let mut transaction = larder_database::begin_tenant(&self.worker, &self.home).await?;
        for heartbeat in rules.settings.heartbeats.values() {
            let interval_s = i32::try_from(heartbeat.every.as_secs()).unwrap_or(i32::MAX);
            heartbeats::expect(&mut transaction, &self.home, &heartbeat.name, interval_s, now_us).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// What the file says, or else as long again as the interval, five seconds at least.
    fn grace(&self, name: &Name, interval: Duration) -> Duration {
        let rules = self.in_force.rules();
        let told = rules.settings.heartbeats.get(&name.1).filter(|_| name.0 == self.home);
        told.map_or(interval.max(Duration::from_secs(5)), |heartbeat| heartbeat.grace)
    }

    /// Believes the resolves that came before `until_us`: an interval before the newest sign of life. The alert that
    /// is the sign may have been sent last a while after the one that looks as if it were over.
    async fn release(&self, name: &Name, until_us: i64) -> Result<(), Error> {
        let mut transaction = larder_database::begin_tenant(&self.worker, &name.0).await?;
        let released = alerts::release_held(&mut transaction, &name.0, &name.1, until_us).await?;
        transaction.commit().await?;
        if released > 0 {
            self.arrived.notify_one();
        }
        Ok(())
    }

    async fn lose(&self, name: &Name) -> Result<(), Error> {
        tracing::warn!(source.name = %name.1, "a source gives no sign of life");
        let mut transaction = larder_database::begin_tenant(&self.worker, &name.0).await?;
        let is_news = heartbeats::mark(&mut transaction, &name.0, &name.1, true).await?;
        alerts::lose_of_source(&mut transaction, &name.0, &name.1, (self.clock)()).await?;
        transaction.commit().await?;
        self.arrived.notify_one();
        metrics::source_lost(true);
        if is_news { self.tell(name, "HeartbeatLost", true).await } else { Ok(()) }
    }

    async fn find_again(&self, name: &Name) -> Result<(), Error> {
        let mut transaction = larder_database::begin_tenant(&self.worker, &name.0).await?;
        heartbeats::mark(&mut transaction, &name.0, &name.1, false).await?;
        transaction.commit().await?;
        metrics::source_lost(false);
        self.tell(name, "HeartbeatLost", false).await
    }

    /// An alert of our own about a source.
    async fn tell(&self, name: &Name, alert_name: &str, fires: bool) -> Result<(), Error> {
        let rules = self.in_force.rules();
        let extra = rules.settings.heartbeats.get(&name.1).filter(|_| name.0 == self.home);
        let mut labels: Vec<(String, String)> = vec![
            ("alertname".into(), alert_name.into()),
            ("source".into(), name.1.clone()),
            ("severity".into(), "critical".into()),
        ];
        labels.extend(extra.into_iter().flat_map(|heartbeat| {
            heartbeat.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned()))
        }));
        let text = format!("{} has fallen silent; what it told last may not be true any more", name.1);
        let now_us = (self.clock)();
        let alert = ToldAlert {
            labels: Labels::from_iter(labels),
            annotations: [("summary".to_owned(), text)].into(),
            generator_url: String::new(),
            starts_at_us: Some(now_us),
            told: if fires {
                Told::Firing { expires_at_us: None }
            } else {
                Told::Resolved { ends_at_us: now_us }
            },
        };
        let delivery = Delivery { tenant: name.0.clone(), source: OWN_SOURCE.into(), alerts: vec![alert] };
        self.ingest.deliver(delivery).await
    }

    /// The sources that were told to be silent and not yet to be back.
    async fn told_before(&self) -> Result<HashSet<Name>, Error> {
        let names = {
            let mut connection = self.worker.acquire().await?;
            tenants::all(&mut connection).await?
        };
        let mut told = HashSet::new();
        for name in names {
            let Ok(tenant) = TenantId::parse(&name) else { continue };
            let mut transaction = larder_database::begin_tenant(&self.worker, &tenant).await?;
            let rows = reading::list(&mut transaction, &tenant, Wanted::Firing, None, ALERTS_MOST).await?;
            transaction.commit().await?;
            let own =
                rows.iter().filter(|row| row.source == OWN_SOURCE && row.labels.alert_name() == SOURCE_LOST);
            told.extend(own.filter_map(|row| Some((tenant.clone(), row.labels.get("source")?.to_owned()))));
        }
        Ok(told)
    }

    /// Alerts that were to be sent again and were not; returns the sources that are silent now. The time is that at
    /// which the clock was found not to have jumped: it may have done so since.
    async fn look_at_alerts(&self, silent: HashSet<Name>, now_us: i64) -> Result<HashSet<Name>, Error> {
        let (lost, still) = {
            let mut connection = self.worker.acquire().await?;
            let lost = alerts::lose_expired(&mut connection, now_us).await?;
            (lost, alerts::silent_sources(&mut connection).await?)
        };
        if !lost.is_empty() {
            self.arrived.notify_one();
        }
        let now: HashSet<Name> = still
            .into_iter()
            .filter_map(|source| Some((TenantId::parse(&source.tenant_id).ok()?, source.source)))
            // What Larder says of itself it says again as soon as it can.
            .filter(|(_, source)| ![OWN_SOURCE, PROBE_SOURCE, FORESIGHT_SOURCE].contains(&source.as_str()))
            .collect();
        for name in now.difference(&silent) {
            self.tell(name, SOURCE_LOST, true).await?;
        }
        for name in silent.difference(&now) {
            self.tell(name, SOURCE_LOST, false).await?;
        }
        Ok(now)
    }
}
