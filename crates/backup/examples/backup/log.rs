//! The log under load: how far the archive is behind, and what is lost when the server is killed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use larder_backup::pipeline::SealSettings;
use larder_backup::system_clock;
use larder_backup::target::folder::FolderTarget;
use larder_backup::wal::{WalReceiver, WalSettings};
use larder_replication::{ConnectOptions, Lsn};
use larder_testkit::{Row, Stop, TestCluster};
use tokio_util::sync::CancellationToken;

use crate::load::pgbench;

const LOAD_SECONDS: u32 = 20;
const LOOK: Duration = Duration::from_millis(50);

pub(crate) async fn keeping_up(mut cluster: TestCluster, folder: &Path) {
    let settings = WalSettings {
        cluster: "bench".to_owned(),
        connect: ConnectOptions::from_url(&cluster.url()).unwrap(),
        slot: "larder_bench".parse().unwrap(),
        spool: folder.join("spool"),
        spool_limit_bytes: 4 << 30,
        flush_every: Duration::from_millis(1_000),
        allow_uncapped_slot: false,
        targets: vec![Arc::new(FolderTarget::open("folder", &folder.join("log")).unwrap())],
        seal: SealSettings::plain(),
    };
    let receiver = WalReceiver::start(settings, system_clock, CancellationToken::new()).unwrap();
    let status = receiver.status();
    let mut caught_up = receiver.status();
    caught_up.wait_for(|status| status.exposure(system_clock()).is_some()).await.unwrap();
    let before: Lsn = cluster.value("SELECT pg_current_wal_lsn()").await.parse().unwrap();
    let mut load = pgbench(&cluster, LOAD_SECONDS);
    let (mut behind, mut in_spool) = (Vec::new(), Vec::new());
    while load.try_wait().unwrap().is_none() {
        tokio::time::sleep(LOOK).await;
        let now = system_clock();
        let status = status.borrow();
        behind.extend(status.exposure(now));
        in_spool.extend(status.spool_exposure(now));
    }
    let after: Lsn = cluster.value("SELECT pg_current_wal_lsn()").await.parse().unwrap();
    let written = after.bytes_since(before) as f64 / 1e6 / f64::from(LOAD_SECONDS);
    Row::new("log written under load", written, "MB/s").print();
    print("behind the server, targets", &mut behind, "< 5");
    print("behind the server, spool", &mut in_spool, "<= 1");
    at_the_kill(&mut cluster, &receiver).await;
    receiver.stop().await;
}

fn print(what: &str, seconds: &mut [Duration], target: &str) {
    seconds.sort();
    let at = |share: f64| seconds[((seconds.len() - 1) as f64 * share) as usize].as_secs_f64();
    Row::new(&format!("{what}, median"), at(0.5), "s").target("<= 1").print();
    Row::new(&format!("{what}, most"), at(1.0), "s").target(target).print();
}

/// Kills the server under load and tells how much of its log is nowhere else.
async fn at_the_kill(cluster: &mut TestCluster, receiver: &WalReceiver) {
    let mut load = pgbench(cluster, LOAD_SECONDS);
    tokio::time::sleep(Duration::from_secs(3)).await;
    cluster.stop(Stop::Kill).await;
    let killed_at = system_clock();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let status = receiver.status().borrow().clone();
    let since = status.targets.iter().map(|target| target.caught_up_at).min().flatten();
    let lost = since.map_or(f64::NAN, |since| killed_at.duration_since(since).as_secs_f64().max(0.0));
    Row::new("not archived when the server was killed", lost, "s").target("<= 1").print();
    load.kill().unwrap();
    load.wait().unwrap();
}
