//! What `cargo xtask bench backup` runs: a pgbench database of two gigabytes is backed up and restored
//! by Larder, pgBackRest and pg_basebackup on the same disk in the same run, its log is received under
//! load, and what all of that costs the database and this process is measured.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

mod larder;
mod load;
mod log;
mod peers;

use std::path::Path;
use std::time::Duration;

use larder_testkit::{Row, TestCluster, postgresql_versions, run};

use crate::larder::{Larder, median};

/// Scale 1 of pgbench is about 15 MB.
const DEFAULT_SCALE: u32 = 135;
const ROUNDS: usize = 3;
const SETTINGS: [(&str, &str); 9] = [
    ("fsync", "on"),
    ("shared_buffers", "256MB"),
    ("max_wal_size", "4GB"),
    ("max_connections", "50"),
    ("autovacuum", "on"),
    ("archive_mode", "on"),
    ("archive_command", "/bin/true"),
    ("max_slot_wal_keep_size", "4GB"),
    ("checkpoint_timeout", "30min"),
];

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let scale = std::env::args().skip_while(|word| word != "--scale").nth(1);
    let scale: u32 = scale.and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_SCALE);
    let binaries = postgresql_versions().remove(0);
    let cluster = TestCluster::start(&binaries, &SETTINGS).await;
    // Beside the cluster: on the same disk, and where the account of PostgreSQL's programs may go.
    let folder = cluster.socket_dir().join("bench");
    std::fs::create_dir(&folder).unwrap();
    cluster.hand_over(&folder);
    eprintln!("making a pgbench database of scale {scale}");
    run(cluster.program("pgbench").args(["-i", "-q", "-s"]).arg(scale.to_string()).arg("postgres"));
    cluster.execute("VACUUM ANALYZE").await;
    cluster.execute("CHECKPOINT").await;
    let size: u64 =
        cluster.value("SELECT sum(pg_database_size(oid))::bigint FROM pg_database").await.parse().unwrap();
    Row::new("size of the database", size as f64 / 1e6, "MB").print();
    speed(&cluster, &folder, size).await;
    load::slow_down(&cluster, &folder).await;
    log::keeping_up(cluster, &folder).await;
}

/// Backups and restores by turns, the middle of three rounds each.
async fn speed(cluster: &TestCluster, folder: &Path, size: u64) {
    let per_second = |duration: Duration| size as f64 / 1e6 / duration.as_secs_f64();
    let pgbackrest = peers::PgBackRest::prepare(cluster, folder);
    let (mut plain, mut sealed, mut rest, mut base) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut restored, mut rest_restored) = (Vec::new(), Vec::new());
    let mut most_memory = 0;
    for round in 0..ROUNDS {
        eprintln!("round {} of {ROUNDS}", round + 1);
        let without_key = Larder::at(&folder.join("plain"), false);
        let taken = without_key.back_up(cluster).await;
        most_memory = most_memory.max(taken.peak_bytes);
        plain.push(taken.duration);
        rest.push(pgbackrest.back_up());
        base.push(peers::base_backup(cluster, &folder.join("base")));
        restored.push(without_key.restore(cluster, &taken.manifest).await);
        rest_restored.push(pgbackrest.restore());
        drop(without_key);
        let with_key = Larder::at(&folder.join("sealed"), true);
        sealed.push(with_key.back_up(cluster).await.duration);
    }
    let [plain, sealed, rest, base, restored, rest_restored] =
        [plain, sealed, rest, base, restored, rest_restored].map(|rounds| per_second(median(rounds)));
    Row::new("full backup over pgBackRest's", plain / rest, "times").target(">= 1.5").print();
    Row::new("full backup, zstd 1, two threads", plain, "MB/s").peer("pgBackRest", rest).print();
    Row::new("full backup beside pg_basebackup", plain / base, "times").target(">= 1").print();
    Row::new("pg_basebackup, client-zstd 1", base, "MB/s").print();
    Row::new("what sealing costs", (1.0 - sealed / plain) * 100.0, "%").target("< 15").print();
    Row::new("restore over pgBackRest's", restored / rest_restored, "times").target(">= 2").print();
    Row::new("restore, every file compared", restored, "MB/s").peer("pgBackRest", rest_restored).print();
    Row::new("most memory while backing up", most_memory as f64 / 1e6, "MB").target("< 150").print();
}
