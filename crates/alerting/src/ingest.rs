//! The way in: alerts of all sources are gathered, committed together, and only then acknowledged. While
//! the database is away they are written to a spool on disk, which is as durable, and paged from there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use larder_identity::TenantId;
use larder_lifecycle::{Shutdown, Tasks};
use larder_oncall::alert::{Told, ToldAlert, merge};
use larder_oncall::settings::Heartbeat;
use sqlx::PgPool;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::emergency::Sight;
use crate::error::Error;
use crate::in_force::InForce;
use crate::spool::Spool;
use crate::store::alerts::{self, AlertToWrite};
use crate::store::heartbeats;
use crate::{Clock, metrics};

/// So many deliveries may wait for a commit; each has been read into memory by then.
const WAITING_MOST: usize = 1_024;
/// One transaction carries at most about so many alerts.
const COMMIT_MOST: usize = 4_000;
/// Commits that run side by side: while one waits for the disk, the next is made ready.
const COMMITTERS: usize = 3;
/// How long a database that was away is left alone.
const AWAY_US: i64 = 1_000_000;
/// How often an alert is tried again that somebody else wrote at the same moment.
const COLLISIONS_MOST: usize = 20;

/// What a source delivers at once.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) tenant: TenantId,
    pub(crate) source: String,
    pub(crate) alerts: Vec<ToldAlert>,
}

struct Waiting {
    delivery: Delivery,
    done: oneshot::Sender<Result<(), Error>>,
}

/// Takes deliveries from every way in.
#[derive(Clone)]
pub(crate) struct Ingest {
    sender: mpsc::Sender<Waiting>,
}

/// What commits deliveries.
pub(crate) struct Committer {
    pub(crate) app: PgPool,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) spool: Arc<Spool>,
    /// Wakes whoever puts alerts into incidents.
    pub(crate) arrived: Arc<Notify>,
    pub(crate) clock: Clock,
    /// Until when the database is not asked again, since it was away a moment ago.
    pub(crate) away_until_us: AtomicI64,
    pub(crate) sight: Arc<Sight>,
}

impl Ingest {
    /// Starts the committers; they end with `shutdown`.
    pub(crate) fn start(committer: &Arc<Committer>, tasks: &mut Tasks, shutdown: &Shutdown) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MOST);
        let receiver = Arc::new(tokio::sync::Mutex::new(receiver));
        for _ in 0..COMMITTERS {
            tasks.spawn("ingest", committer.clone().run(receiver.clone(), shutdown.clone()));
        }
        Self { sender }
    }

    /// Returns once the delivery is durable.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too many wait; nothing is kept then, and the sender must come back.
    pub(crate) async fn deliver(&self, delivery: Delivery) -> Result<(), Error> {
        if delivery.alerts.is_empty() {
            return Ok(());
        }
        metrics::alerts_received(delivery.alerts.len());
        let (done, answer) = oneshot::channel();
        self.sender.try_send(Waiting { delivery, done }).map_err(|_| Error::Overloaded)?;
        answer.await.unwrap_or(Err(Error::Unavailable(None)))
    }
}

impl Committer {
    async fn run(
        self: Arc<Self>,
        receiver: Arc<tokio::sync::Mutex<mpsc::Receiver<Waiting>>>,
        shutdown: Shutdown,
    ) {
        loop {
            let batch = {
                let mut receiver = receiver.lock().await;
                let first = tokio::select! {
                    biased;
                    first = receiver.recv() => first,
                    () = shutdown.wait() => None,
                };
                let Some(first) = first else { return };
                gather(&mut receiver, first)
            };
            for (tenant, waiting) in by_tenant(batch) {
                self.commit(&tenant, waiting).await;
            }
        }
    }

    /// Commits what came of one tenant together and tells each sender.
    async fn commit(&self, tenant: &TenantId, waiting: Vec<Waiting>) {
        let (deliveries, senders): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|waiting| (waiting.delivery, waiting.done)).unzip();
        let written = self.write_unless_away(tenant, &deliveries).await;
        let answers: Vec<Result<(), Error>> = match written {
            Ok(()) => {
                self.arrived.notify_one();
                deliveries.iter().map(|_| Ok(())).collect()
            }
            Err(error) if error.is_passing() => {
                tracing::warn!(error.cause = %error, "alerts go to the spool");
                deliveries.iter().map(|delivery| self.spool.keep(delivery, (self.clock)())).collect()
            }
            // One poisonous delivery must not stop the others: each is tried alone.
            Err(_) if deliveries.len() > 1 => {
                let mut answers = Vec::new();
                for delivery in &deliveries {
                    answers.push(self.write(tenant, std::slice::from_ref(delivery)).await);
                }
                self.arrived.notify_one();
                answers
            }
            Err(error) => vec![Err(error)],
        };
        for (sender, answer) in senders.into_iter().zip(answers) {
            // A sender that went away does not need to know.
            let _ = sender.send(answer);
        }
    }

    /// No sender should wait for a connection that its forerunner has just waited for in vain.
    async fn write_unless_away(&self, tenant: &TenantId, deliveries: &[Delivery]) -> Result<(), Error> {
        if (self.clock)() < self.away_until_us.load(Ordering::Relaxed) {
            return Err(Error::Unavailable(None));
        }
        let written = self.write(tenant, deliveries).await;
        if matches!(written, Err(Error::Unavailable(_))) {
            self.away_until_us.store((self.clock)() + AWAY_US, Ordering::Relaxed);
        }
        written
    }

    /// Writes deliveries of one tenant in one transaction.
    pub(crate) async fn write(&self, tenant: &TenantId, deliveries: &[Delivery]) -> Result<(), Error> {
        let written = self.transact(tenant, deliveries).await;
        match &written {
            Ok(()) => self.sight.seen(true),
            Err(Error::Unavailable(_)) => self.sight.seen(false),
            Err(_) => {}
        }
        written
    }

    async fn transact(&self, tenant: &TenantId, deliveries: &[Delivery]) -> Result<(), Error> {
        let now_us = (self.clock)();
        let mut transaction = larder_database::begin_tenant(&self.app, tenant).await?;
        crate::store::tenants::remember(&mut transaction, tenant).await?;
        for name in self.beats(deliveries) {
            heartbeats::beat(&mut transaction, tenant, &name, now_us).await?;
        }
        for round in rounds(deliveries) {
            self.write_round(&mut transaction, tenant, round, now_us).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The heartbeats for which one of these alerts is the sign of life.
    fn beats(&self, deliveries: &[Delivery]) -> BTreeSet<String> {
        let rules = self.in_force.rules();
        let watched = rules.settings.heartbeats.values().filter(|heartbeat| heartbeat.alert_name.is_some());
        let heard = |heartbeat: &&Heartbeat| {
            deliveries.iter().flat_map(|delivery| &delivery.alerts).any(|alert| {
                matches!(alert.told, Told::Firing { .. })
                    && heartbeat.alert_name.as_deref() == Some(alert.labels.alert_name())
            })
        };
        watched.filter(heard).map(|heartbeat| heartbeat.name.clone()).collect()
    }

    async fn write_round(
        &self,
        db: &mut sqlx::PgConnection,
        tenant: &TenantId,
        mut told: BTreeMap<i64, (&str, &ToldAlert)>,
        now_us: i64,
    ) -> Result<(), Error> {
        let rules = self.in_force.rules();
        let limits = &rules.settings.flapping;
        for _ in 0..COLLISIONS_MOST {
            let fingerprints: Vec<i64> = told.keys().copied().collect();
            let known = alerts::known(db, tenant, &fingerprints).await?;
            let rows: Vec<AlertToWrite> = told
                .iter()
                .filter_map(|(fingerprint, (source, told))| {
                    let holds = self.in_force.holds_resolves(tenant, source);
                    let next = merge(known.get(fingerprint), told, holds, limits, now_us)?;
                    Some(self.in_force.row(*fingerprint, source, told, next))
                })
                .collect();
            if rows.is_empty() {
                return Ok(());
            }
            let written = alerts::write(db, tenant, &rows).await?;
            if written.len() == rows.len() {
                return Ok(());
            }
            let missed: Vec<i64> = rows.iter().map(|row| row.fingerprint).collect();
            told.retain(|fingerprint, _| missed.contains(fingerprint) && !written.contains(fingerprint));
        }
        Err(Error::Internal("an alert changed faster than it could be written".to_owned()))
    }
}

/// Takes what else has come meanwhile: the slower the disk, the more goes into one commit.
fn gather(receiver: &mut mpsc::Receiver<Waiting>, first: Waiting) -> Vec<Waiting> {
    let mut alerts = first.delivery.alerts.len();
    let mut batch = vec![first];
    while alerts < COMMIT_MOST {
        let Ok(next) = receiver.try_recv() else { break };
        alerts += next.delivery.alerts.len();
        batch.push(next);
    }
    batch
}

fn by_tenant(batch: Vec<Waiting>) -> HashMap<TenantId, Vec<Waiting>> {
    let mut tenants: HashMap<TenantId, Vec<Waiting>> = HashMap::new();
    for waiting in batch {
        tenants.entry(waiting.delivery.tenant.clone()).or_default().push(waiting);
    }
    tenants
}

/// Divides deliveries into rounds in which each alert stands once, in the order they came. Mere
/// repetitions are left out.
fn rounds(deliveries: &[Delivery]) -> Vec<BTreeMap<i64, (&str, &ToldAlert)>> {
    let mut rounds: Vec<BTreeMap<i64, (&str, &ToldAlert)>> = vec![BTreeMap::new()];
    let mut round_of: HashMap<i64, usize> = HashMap::new();
    let all = deliveries
        .iter()
        .flat_map(|delivery| delivery.alerts.iter().map(|alert| (delivery.source.as_str(), alert)));
    for (source, alert) in all {
        let fingerprint = alert.labels.fingerprint().0.cast_signed();
        let round = match round_of.get(&fingerprint) {
            None => 0,
            Some(&last) if says_the_same(rounds[last][&fingerprint].1, alert) => last,
            Some(&last) => last + 1,
        };
        if round == rounds.len() {
            rounds.push(BTreeMap::new());
        }
        rounds[round].insert(fingerprint, (source, alert));
        round_of.insert(fingerprint, round);
    }
    rounds
}

fn says_the_same(one: &ToldAlert, other: &ToldAlert) -> bool {
    matches!((one.told, other.told), (Told::Firing { .. }, Told::Firing { .. }))
        && one.starts_at_us == other.starts_at_us
}

#[cfg(test)]
mod tests {
    use larder_oncall::labels::Labels;

    use super::*;

    fn told(name: &str, told: Told) -> ToldAlert {
        ToldAlert {
            labels: Labels::from_iter([("alertname", name)]),
            annotations: BTreeMap::new(),
            generator_url: String::new(),
            starts_at_us: Some(7),
            told,
        }
    }

    #[test]
    fn an_alert_stands_once_in_a_round_and_keeps_its_order() {
        let firing = Told::Firing { expires_at_us: None };
        let alerts = vec![
            told("a", firing),
            told("b", firing),
            told("a", firing),
            told("a", Told::Resolved { ends_at_us: 9 }),
            told("a", firing),
        ];
        let delivery = Delivery { tenant: TenantId::demo(), source: "test".into(), alerts };
        let rounds = rounds(std::slice::from_ref(&delivery));
        let sizes: Vec<usize> = rounds.iter().map(BTreeMap::len).collect();
        assert_eq!(sizes, [2, 1, 1]);
        assert!(matches!(rounds[1].values().next().unwrap().1.told, Told::Resolved { .. }));
    }
}
