//! The alerting service is killed at any moment under load, and its database too: no alert that was acknowledged is
//! lost, and nobody who takes each message once is told anything twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use larder_settings::DatabaseSettings;
use larder_testkit::{Stop, TestCluster, postgresql_versions};
use tokio::task::JoinHandle;

use crate::process::{Deployment, Place, Receivers, Replica, alert};

const SENDERS: usize = 3;
const ALERTS_A_BATCH: usize = 3;
/// Between two batches of a sender.
const BREATH: Duration = Duration::from_millis(100);
/// What was under way when it was killed is sent again when its lease is over.
const SETTLED_LIMIT: Duration = Duration::from_secs(150);

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_no_alert_and_doubles_no_effect() {
    survive(10).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "two hundred kills take some minutes"]
async fn two_hundred_kills_lose_no_alert_and_double_no_effect() {
    survive(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_database_loses_no_alert_either() {
    let receivers = Arc::new(Receivers::start().await);
    let binaries = postgresql_versions();
    let mut database = TestCluster::start(binaries.last().unwrap(), &[("max_connections", "100")]).await;
    let settings = DatabaseSettings { url: Some(database.url()), ..DatabaseSettings::default() };
    let deployment = Deployment::on(settings, &receivers.on_call());
    let place = deployment.place("data");
    let replica = deployment.serve(&place).await;
    let load = Load::start(&place, &receivers);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(900)).await;
        database.stop(Stop::Kill).await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        database.start_server().await;
    }
    tokio::time::sleep(Duration::from_millis(900)).await;
    let told = load.stop_and_settle(&receivers).await;
    kill(replica).await;
    judge("3 kills of PostgreSQL", &receivers, &told);
}

async fn survive(kills: usize) {
    let receivers = Arc::new(Receivers::start().await);
    let deployment = Deployment::new(&receivers.on_call()).await;
    let place = deployment.place("data");
    let load = Load::start(&place, &receivers);
    let mut chance = 7_u64;
    for _ in 0..kills {
        let replica = deployment.serve(&place).await;
        chance = next(chance);
        tokio::time::sleep(Duration::from_millis(20 + chance % 600)).await;
        kill(replica).await;
    }
    let last = deployment.serve(&place).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let told = load.stop_and_settle(&receivers).await;
    kill(last).await;
    assert!(told.fired.len() > 5 * kills && !told.ended.is_empty(), "hardly a load: {}", told.fired.len());
    judge(&format!("{kills} kills"), &receivers, &told);
}

/// What was acknowledged to senders.
#[derive(Default)]
struct Told {
    fired: BTreeSet<String>,
    ended: BTreeSet<String>,
}

/// Several senders at work.
struct Load {
    stopped: Arc<AtomicBool>,
    senders: Vec<JoinHandle<Told>>,
}

impl Load {
    fn start(place: &Place, receivers: &Arc<Receivers>) -> Self {
        let (stopped, counter) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let sender = |_| {
            let sender =
                Sender { place: place.clone(), receivers: receivers.clone(), counter: counter.clone() };
            tokio::spawn(sender.run(stopped.clone()))
        };
        Self { senders: (0..SENDERS).map(sender).collect(), stopped }
    }

    /// Waits until everything that was acknowledged was told; whoever judges says what is missing after that.
    async fn stop_and_settle(self, receivers: &Receivers) -> Told {
        self.stopped.store(true, Ordering::SeqCst);
        let mut all = Told::default();
        for sender in self.senders {
            let told = sender.await.unwrap();
            all.fired.extend(told.fired);
            all.ended.extend(told.ended);
        }
        let is_settled = || {
            let taken = receivers.taken();
            all.fired.is_subset(&taken.told("open"))
                && all.ended.is_subset(&taken.told("resolved"))
                && all.fired.iter().all(|title| taken.pages.contains_key(title))
        };
        let settling = async {
            while !is_settled() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        drop(tokio::time::timeout(SETTLED_LIMIT, settling).await);
        all
    }
}

/// SIGKILL, and waits until the ports are free again.
async fn kill(mut replica: Replica) {
    replica.child.kill().await.unwrap();
}

fn judge(what: &str, receivers: &Receivers, told: &Told) {
    let (taken, Told { fired, ended }) = (receivers.taken(), told);
    let (open, over) = (taken.told("open"), taken.told("resolved"));
    let lost: Vec<&String> = fired.difference(&open).chain(ended.difference(&over)).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), fired.len());
    let unpaged: Vec<&String> = fired.iter().filter(|title| !taken.pages.contains_key(*title)).collect();
    assert!(unpaged.is_empty(), "PagerDuty never heard of {unpaged:?}");
    let incidents: Vec<_> = taken.titles.iter().filter(|(_, names)| names.len() > 1).collect();
    assert!(incidents.is_empty(), "more than one incident of an alert: {incidents:?}");
    let messages: Vec<_> = taken.messages.iter().filter(|(_, names)| names.len() > 1).collect();
    assert!(messages.is_empty(), "told twice under different names: {messages:?}");
    let pages: Vec<_> = taken.pages.iter().filter(|(_, names)| names.len() > 1).collect();
    assert!(pages.is_empty(), "paged twice under different keys: {pages:?}");
    let repeated = taken.deliveries.values().filter(|times| **times > 1).count();
    eprintln!(
        "{what}, {} alerts, {} ends, {} messages: none lost, none doubled; {repeated} were sent again under \
         the same name",
        fired.len(),
        ended.len(),
        taken.deliveries.len(),
    );
}

/// Who sends alerts, and sends them again until they were taken.
struct Sender {
    place: Place,
    receivers: Arc<Receivers>,
    counter: Arc<AtomicUsize>,
}

impl Sender {
    /// Every other batch is over again, once both receivers were told that it fires. Returns what was taken.
    async fn run(self, stopped: Arc<AtomicBool>) -> Told {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
        let (mut all, mut to_end) = (Told::default(), Vec::new());
        while !stopped.load(Ordering::SeqCst) {
            let number = self.counter.fetch_add(1, Ordering::SeqCst);
            let names: Vec<String> = (0..ALERTS_A_BATCH).map(|part| format!("Oven{number}x{part}")).collect();
            self.insist(&client, &names, false).await;
            all.fired.extend(names.clone());
            if number.is_multiple_of(2) {
                to_end.push(names);
            }
            let told = self.receivers.taken().told_and_paged();
            let (now, later): (Vec<_>, Vec<_>) =
                to_end.into_iter().partition(|names| names.iter().all(|name| told.contains(name)));
            to_end = later;
            for names in now {
                self.insist(&client, &names, true).await;
                all.ended.extend(names);
            }
            tokio::time::sleep(BREATH).await;
        }
        all
    }

    async fn insist(&self, client: &reqwest::Client, names: &[String], is_over: bool) {
        let alerts: Vec<_> = names.iter().map(|name| alert(name, is_over)).collect();
        while !self.place.post(client, &alerts).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Chance that is the same every time (Knuth's MMIX generator, its upper bits).
fn next(state: u64) -> u64 {
    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 16
}
