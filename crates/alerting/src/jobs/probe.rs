//! Looks at what the file's probes name, and tells what does not answer: an alert as any other, which fires as long
//! as looks fail and is over when one succeeds. Nobody looking any more makes it lost, never over. Replicas share the
//! looks; while the database is away each looks by itself, since that may be what is to be told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use larder_oncall::alert::{Told, ToldAlert};
use larder_oncall::labels::Labels;
use larder_oncall::settings::{Probe, Settings};
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::channels::Reach;
use crate::clock::{micros, timestamp};
use crate::error::Error;
use crate::in_force::{InForce, Rules};
use crate::ingest::{Delivery, Ingest};
use crate::store::probes::{self, Looked, WantedProbe};
use crate::store::tenants;
use crate::{Clock, metrics, probes as looking};

const LOOK: Duration = Duration::from_millis(500);
/// Who tells of what does not answer.
pub(crate) const PROBE_SOURCE: &str = "larder-probes";
/// An alert is lost when so many looks were not taken.
const LOOKS_MISSED: u32 = 4;

/// The job.
pub(crate) struct Prober {
    pub(crate) worker: PgPool,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) ingest: Ingest,
    pub(crate) reach: Reach,
    pub(crate) clock: Clock,
    pub(crate) home: TenantId,
    /// What is known of each probe while the database is away.
    pub(crate) alone: Mutex<HashMap<String, Alone>>,
    /// Probes that are looked at now.
    pub(crate) busy: Mutex<HashSet<String>>,
}

/// A probe as this process alone knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alone {
    looked_at: Instant,
    failures: i32,
    is_told: bool,
}

impl Prober {
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let this = Arc::new(self);
        let mut looks = JoinSet::new();
        let mut wanted_by: Option<Arc<Rules>> = None;
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            while looks.try_join_next().is_some() {}
            let rules = this.in_force.rules();
            let is_new = wanted_by.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &rules));
            if rules.settings.probes.is_empty() && !is_new {
                continue;
            }
            match this.due(&rules, is_new).await {
                Ok(due) => {
                    wanted_by = Some(rules.clone());
                    this.start(&rules, due, &mut looks);
                }
                Err(error) if error.is_passing() => {
                    let due = this.due_alone(&rules.settings);
                    this.start(&rules, due, &mut looks);
                }
                Err(error) => metrics::job_failed("probe", &error),
            }
        }
    }

    /// The looks that this replica takes now, each with what is known.
    async fn due(&self, rules: &Rules, is_new: bool) -> Result<BTreeMap<String, (i32, bool)>, Error> {
        let wanted: Vec<WantedProbe> = rules.settings.probes.values().map(wanted).collect();
        if is_new {
            self.end_others(&wanted).await?;
        }
        let now_us = (self.clock)();
        let mut transaction = larder_database::begin_tenant(&self.worker, &self.home).await?;
        if is_new {
            tenants::remember(&mut transaction, &self.home).await?;
            probes::want(&mut transaction, &self.home, &wanted, now_us).await?;
        }
        let due = probes::take_due(&mut transaction, &self.home, &wanted, now_us).await?;
        transaction.commit().await?;
        Ok(due)
    }

    /// Takes back what was told of probes that the file names no more, or otherwise: nobody will look again.
    async fn end_others(&self, wanted: &[WantedProbe]) -> Result<(), Error> {
        let mut transaction = larder_database::begin_tenant(&self.worker, &self.home).await?;
        let rows = probes::list(&mut transaction, &self.home).await?;
        transaction.commit().await?;
        let is_wanted = |name: &str, labels: &Labels| {
            wanted.iter().any(|probe| probe.name == name && probe.labels == *labels)
        };
        for row in rows.into_iter().filter(|row| row.is_told && !is_wanted(&row.name, &row.labels)) {
            self.tell(&row.name, row.labels.0, Told::Resolved { ends_at_us: (self.clock)() }).await?;
        }
        Ok(())
    }

    fn due_alone(&self, settings: &Settings) -> BTreeMap<String, (i32, bool)> {
        let alone = lock(&self.alone);
        let state = |probe: &Probe| match alone.get(&probe.name) {
            None => Some((0, false)),
            Some(known) if known.looked_at.elapsed() >= probe.every => Some((known.failures, known.is_told)),
            Some(_) => None,
        };
        settings.probes.values().filter_map(|probe| Some((probe.name.clone(), state(probe)?))).collect()
    }

    fn start(self: &Arc<Self>, rules: &Rules, due: BTreeMap<String, (i32, bool)>, looks: &mut JoinSet<()>) {
        for (name, before) in due {
            let Some(probe) = rules.settings.probes.get(&name).cloned() else { continue };
            if !lock(&self.busy).insert(name.clone()) {
                continue;
            }
            let this = self.clone();
            looks.spawn(async move {
                if let Err(error) = this.look(&probe, before).await {
                    metrics::job_failed("probe", &error);
                }
                lock(&this.busy).remove(&probe.name);
            });
        }
    }

    async fn look(&self, probe: &Probe, (failures, was_told): (i32, bool)) -> Result<(), Error> {
        let came = looking::look(probe, self.reach, timestamp((self.clock)())).await;
        metrics::probed(&probe.name, came.is_ok());
        let looked = match came {
            Ok(()) => {
                if was_told {
                    let over = Told::Resolved { ends_at_us: (self.clock)() };
                    self.tell(&probe.name, labels(probe), over).await?;
                }
                Looked { failures: 0, is_told: false, last_error: String::new() }
            }
            Err(why) => {
                let failures = failures.saturating_add(1);
                let is_enough = failures.unsigned_abs() >= probe.failures;
                if is_enough {
                    let good_for = probe.every * LOOKS_MISSED + probe.timeout;
                    let expires_at_us = Some((self.clock)() + micros(good_for));
                    self.tell(&probe.name, labels(probe), Told::Firing { expires_at_us }).await?;
                }
                tracing::debug!(probe.name = %probe.name, error.cause = %why, "a look failed");
                Looked { failures, is_told: is_enough, last_error: why }
            }
        };
        self.keep(probe, &looked).await
    }

    async fn keep(&self, probe: &Probe, looked: &Looked) -> Result<(), Error> {
        let alone = Alone { looked_at: Instant::now(), failures: looked.failures, is_told: looked.is_told };
        lock(&self.alone).insert(probe.name.clone(), alone);
        let mut transaction = larder_database::begin_tenant(&self.worker, &self.home).await?;
        probes::record(&mut transaction, &self.home, &probe.name, looked, (self.clock)()).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn tell(&self, name: &str, labels: Labels, told: Told) -> Result<(), Error> {
        let text = format!("{name} does not answer as it should");
        let alert = ToldAlert {
            labels,
            annotations: [("summary".to_owned(), text)].into(),
            generator_url: String::new(),
            starts_at_us: None,
            told,
        };
        let source = PROBE_SOURCE.to_owned();
        self.ingest.deliver(Delivery { tenant: self.home.clone(), source, alerts: vec![alert] }).await
    }
}

fn wanted(probe: &Probe) -> WantedProbe {
    WantedProbe { name: probe.name.clone(), labels: labels(probe), every_us: micros(probe.every) }
}

/// The labels of the alert; those of the file go before the usual ones.
fn labels(probe: &Probe) -> Labels {
    let usual = [
        ("alertname", "ProbeFailed"),
        ("probe", probe.name.as_str()),
        ("kind", probe.kind.word()),
        ("severity", "critical"),
    ];
    let usual = usual.into_iter().filter(|(name, _)| probe.labels.get(name).is_none());
    usual.chain(probe.labels.iter()).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
