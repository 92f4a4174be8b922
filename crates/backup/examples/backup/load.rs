//! What a backup costs the database: transactions a second with and without one.

use std::path::Path;
use std::process::{Child, Stdio};

use larder_backup::{contents, system_clock};
use larder_replication::ConnectOptions;
use larder_testkit::TestCluster;

use crate::larder::Larder;
use crate::row::Row;

const SECONDS: u32 = 15;
const ROUNDS: usize = 2;
/// Bounds in MiB a second; the default of `backup.throttle_bytes_per_second` is one of them.
const BOUNDS: [u64; 3] = [32, 64, 128];
const DEFAULT_BOUND: u64 = 64;

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
    let (mut alone, mut bounded, mut full, mut counting) = (0.0, [0.0; BOUNDS.len()], 0.0, 0.0);
    for round in 0..ROUNDS {
        eprintln!("load, round {} of {ROUNDS}", round + 1);
        cluster.execute("CHECKPOINT").await;
        alone += transactions_per_second(pgbench(cluster, SECONDS));
        for (bound, sum) in BOUNDS.iter().zip(&mut bounded) {
            *sum += beside_a_backup(cluster, folder, Some(bound << 20)).await;
        }
        full += beside_a_backup(cluster, folder, None).await;
        counting += beside_counting(cluster).await;
    }
    Row::new("pgbench alone", alone / ROUNDS as f64, "transactions/s").print();
    let slower = |beside: f64| (1.0 - beside / alone) * 100.0;
    for (bound, sum) in BOUNDS.iter().zip(bounded) {
        let row = Row::new(&format!("slow-down by a backup of {bound} MiB/s"), slower(sum), "%");
        if *bound == DEFAULT_BOUND { row.target("< 10").print() } else { row.print() }
    }
    Row::new("slow-down by a backup that is not throttled", slower(full), "%").print();
    Row::new("slow-down while rows are counted for drills", slower(counting), "%").print();
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
