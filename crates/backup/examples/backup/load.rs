//! What a backup costs the database: transactions a second with and without one.

use std::path::Path;
use std::process::{Child, Stdio};

use larder_backup::{contents, system_clock};
use larder_replication::ConnectOptions;
use larder_testkit::{Row, TestCluster};

use crate::larder::Larder;

/// About half as long as a backup at the default bound takes.
const SECONDS: u32 = 35;
/// The load alone and beside a backup, by turns.
const PAIRS: usize = 3;
/// The default of `backup.throttle_bytes_per_second` in MiB a second.
const DEFAULT_BOUND: u64 = 32;
/// What another bound would cost, each measured once.
const OTHER_BOUNDS: [u64; 2] = [64, 128];

/// The default of `backup.record_most_bytes`.
const COUNTED_BYTES: u64 = 1 << 30;

/// pgbench's own mix of reads and writes from four sessions.
pub(crate) fn pgbench(cluster: &TestCluster, seconds: u32) -> Child {
    let mut command = cluster.program("pgbench");
    command.args(["-n", "-c", "4", "-j", "1", "-T"]).arg(seconds.to_string()).arg("postgres");
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn transactions_per_second(load: Child) -> f64 {
    let output = load.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = told.lines().find(|line| line.starts_with("tps = ")).unwrap();
    line.split_whitespace().nth(2).unwrap().parse().unwrap()
}

pub(crate) async fn slow_down(cluster: &TestCluster, folder: &Path) {
    let (mut alone, mut shares) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        eprintln!("load, pair {} of {PAIRS}", pair + 1);
        // By turns who is first: what a round leaves behind on the disk meets both.
        let (before, after) = if pair.is_multiple_of(2) {
            let by_itself = by_itself(cluster).await;
            (by_itself, beside_a_backup(cluster, folder, Some(DEFAULT_BOUND << 20)).await)
        } else {
            let beside = beside_a_backup(cluster, folder, Some(DEFAULT_BOUND << 20)).await;
            (by_itself(cluster).await, beside)
        };
        alone.push(before);
        shares.push(after / before);
    }
    let alone = middle(&mut alone);
    Row::new("pgbench alone", alone, "transactions/s").print();
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    let most = shares.iter().copied().fold(0.0, f64::max);
    let slower = |share: f64| (1.0 - share) * 100.0;
    let default = format!("slow-down by a backup of {DEFAULT_BOUND} MiB/s, the default");
    Row::new(&default, slower(middle(&mut shares)), "%").target("< 10").print();
    Row::new("the least and the most of these pairs: least", slower(most), "%").print();
    Row::new("the least and the most of these pairs: most", slower(least), "%").print();
    for bound in OTHER_BOUNDS {
        let beside = beside_a_backup(cluster, folder, Some(bound << 20)).await;
        Row::new(&format!("slow-down by a backup of {bound} MiB/s"), slower(beside / alone), "%").print();
    }
    let full = beside_a_backup(cluster, folder, None).await;
    Row::new("slow-down by a backup that is not throttled", slower(full / alone), "%").print();
    let counting = beside_counting(cluster).await;
    Row::new("slow-down while rows are counted for drills", slower(counting / alone), "%").print();
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) { (values[half - 1] + values[half]) / 2.0 } else { values[half] }
}

async fn by_itself(cluster: &TestCluster) -> f64 {
    cluster.execute("CHECKPOINT").await;
    transactions_per_second(pgbench(cluster, SECONDS))
}

/// Rows of up to a gigabyte of tables are counted again and again, as they are behind each backup.
async fn beside_counting(cluster: &TestCluster) -> f64 {
    cluster.execute("CHECKPOINT").await;
    let server = ConnectOptions::from_url(&cluster.url()).unwrap();
    let load = tokio::task::spawn_blocking({
        let load = pgbench(cluster, SECONDS);
        move || transactions_per_second(load)
    });
    tokio::pin!(load);
    loop {
        tokio::select! {
            told = &mut load => return told.unwrap(),
            counted = contents::record(&server, COUNTED_BYTES, system_clock) => drop(counted.unwrap()),
        }
    }
}

/// Backups one after the other for as long as the load lasts.
async fn beside_a_backup(cluster: &TestCluster, folder: &Path, throttle: Option<u64>) -> f64 {
    // Every load begins behind a checkpoint, as this one would: whole pages go to the log for a while.
    cluster.execute("CHECKPOINT").await;
    let vault = Larder::at(&folder.join("beside"), false);
    let load = tokio::task::spawn_blocking({
        let load = pgbench(cluster, SECONDS);
        move || transactions_per_second(load)
    });
    tokio::pin!(load);
    loop {
        tokio::select! {
            told = &mut load => return told.unwrap(),
            _ = vault.back_up_at(cluster, throttle) => {}
        }
    }
}
