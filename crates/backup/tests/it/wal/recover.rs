//! PostgreSQL itself replays what was archived: to the last commit, to a second before a mistake, over
//! a promotion; and never, whatever is missing or damaged, does it end up with less and say nothing.

use std::fs;

use larder_backup::BackupError;
use larder_backup::drill::RecoveryTarget;
use larder_testkit::{Stop, TestCluster, postgresql_versions};

use super::{CAPPED, Place, base_backup, now, recover, value, wait_until_archived};

const FILL: &str = "INSERT INTO orders SELECT n, repeat(md5(n::text), 20) FROM generate_series(1, 30000) n";

#[tokio::test(flavor = "multi_thread")]
async fn every_archived_commit_survives_the_death_of_the_server() {
    for binaries in postgresql_versions() {
        let (mut cluster, place) = (TestCluster::start(&binaries, &CAPPED).await, Place::new());
        cluster.execute("CREATE TABLE orders (n int, text text)").await;
        let receiver = place.receive(&cluster);
        let copy = base_backup(&cluster).await;
        for _ in 0..3 {
            cluster.execute(FILL).await;
        }
        cluster.execute("INSERT INTO orders VALUES (-1, 'the last one')").await;
        wait_until_archived(&receiver, &cluster).await;
        let archive = place.archive(&cluster).await;
        cluster.stop(Stop::Kill).await;
        receiver.stop().await;
        let restored = recover(&copy, archive, &RecoveryTarget::Latest).await.unwrap();
        // A server that answered before the end of its recovery would show fewer.
        assert_eq!(value(&restored, "SELECT count(*) FROM orders").await, "90001");
        assert_eq!(value(&restored, "SELECT text FROM orders WHERE n = -1").await, "the last one");
        restored.cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_table_is_back_as_it_was_a_moment_before() {
    for binaries in postgresql_versions() {
        let (cluster, place) = (TestCluster::start(&binaries, &CAPPED).await, Place::new());
        cluster.execute("CREATE TABLE orders (n int, text text)").await;
        let receiver = place.receive(&cluster);
        let copy = base_backup(&cluster).await;
        cluster.execute(FILL).await;
        let before = cluster.value("SELECT clock_timestamp()").await;
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        cluster.execute("DROP TABLE orders").await;
        cluster.execute("CREATE TABLE later AS SELECT 1").await;
        wait_until_archived(&receiver, &cluster).await;
        let at = before.replace(' ', "T").replace("+00", "Z").parse().unwrap();
        let restored =
            recover(&copy, place.archive(&cluster).await, &RecoveryTarget::Time(at)).await.unwrap();
        assert_eq!(value(&restored, "SELECT count(*) FROM orders").await, "30000");
        receiver.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn places_and_named_points_are_reached_and_no_further() {
    let binaries = postgresql_versions().pop().unwrap();
    let (cluster, place) = (TestCluster::start(&binaries, &CAPPED).await, Place::new());
    cluster.execute("CREATE TABLE orders (n int, text text)").await;
    let receiver = place.receive(&cluster);
    let (first, second) = (base_backup(&cluster).await, base_backup(&cluster).await);
    cluster.execute("INSERT INTO orders VALUES (1, 'one')").await;
    let lsn = super::current_lsn(&cluster).await;
    cluster.execute("INSERT INTO orders VALUES (2, 'two')").await;
    cluster.execute("SELECT pg_create_restore_point('it''s good')").await;
    cluster.execute("INSERT INTO orders VALUES (3, 'three')").await;
    wait_until_archived(&receiver, &cluster).await;
    let archive = place.archive(&cluster).await;
    let restored = recover(&first, archive.clone(), &RecoveryTarget::Lsn(lsn)).await.unwrap();
    assert_eq!(value(&restored, "SELECT max(n) FROM orders").await, "1");
    let named = RecoveryTarget::Name("it's good".to_owned());
    let restored = recover(&second, archive, &named).await.unwrap();
    assert_eq!(value(&restored, "SELECT max(n) FROM orders").await, "2");
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_leads_over_a_promotion() {
    let binaries = postgresql_versions().pop().unwrap();
    let (mut cluster, place) = (TestCluster::start(&binaries, &CAPPED).await, Place::new());
    cluster.execute("CREATE TABLE orders (n int, text text)").await;
    let receiver = place.receive(&cluster);
    let copy = base_backup(&cluster).await;
    cluster.execute(FILL).await;
    wait_until_archived(&receiver, &cluster).await;
    super::receive::promote(&mut cluster).await;
    cluster.execute("INSERT INTO orders VALUES (-1, 'after the promotion')").await;
    wait_until_archived(&receiver, &cluster).await;
    let restored = recover(&copy, place.archive(&cluster).await, &RecoveryTarget::Latest).await.unwrap();
    assert_eq!(value(&restored, "SELECT count(*) FROM orders").await, "30001");
    receiver.stop().await;
}

/// Raised after the backup, so that only the log tells of it: a standby that queries were allowed on
/// would stop in the middle and wait for ever.
#[tokio::test(flavor = "multi_thread")]
async fn settings_that_were_raised_after_the_backup_do_not_stop_recovery() {
    let binaries = postgresql_versions().remove(0);
    let (mut cluster, place) = (TestCluster::start(&binaries, &CAPPED).await, Place::new());
    cluster.execute("CREATE TABLE orders (n int, text text)").await;
    let receiver = place.receive(&cluster);
    let copy = base_backup(&cluster).await;
    cluster.stop(Stop::Fast).await;
    cluster.set("max_connections", "150");
    cluster.start_server().await;
    cluster.execute("INSERT INTO orders VALUES (7, 'behind the change')").await;
    wait_until_archived(&receiver, &cluster).await;
    let restored = recover(&copy, place.archive(&cluster).await, &RecoveryTarget::Latest).await.unwrap();
    assert_eq!(value(&restored, "SELECT n FROM orders").await, "7");
    receiver.stop().await;
}

/// What is wrong with an archive, and how it came to be.
type Harm = (&'static str, fn(&Place));

const HARMS: [Harm; 4] = [
    ("a missing segment", |place| {
        for target in ["near", "far"] {
            fs::remove_file(&place.segments(target)[1]).unwrap();
        }
    }),
    ("a changed byte at every target", |place| {
        for target in ["near", "far"] {
            let path = &place.segments(target)[1];
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes).unwrap();
        }
    }),
    ("a segment cut short", |place| {
        for target in ["near", "far"] {
            let path = &place.segments(target)[1];
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 3]).unwrap();
        }
    }),
    ("targets that are away", |place| {
        place.near.switch(true);
        place.far.switch(true);
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_harm_to_the_archive_ever_ends_in_a_promotion() {
    for binaries in postgresql_versions() {
        for (name, harm) in HARMS {
            let (cluster, place) = (TestCluster::start(&binaries, &CAPPED).await, Place::new());
            cluster.execute("CREATE TABLE orders (n int, text text)").await;
            let receiver = place.receive(&cluster);
            let copy = base_backup(&cluster).await;
            for _ in 0..3 {
                cluster.execute(FILL).await;
            }
            wait_until_archived(&receiver, &cluster).await;
            let archive = place.archive(&cluster).await;
            receiver.stop().await;
            harm(&place);
            match recover(&copy, archive, &RecoveryTarget::Latest).await {
                Err(BackupError::Program { output, .. }) => {
                    let died = ["terminated by signal 6", "exited with exit code 134"]
                        .iter()
                        .any(|end| output.contains(end));
                    assert!(died, "{name}: {output}");
                }
                Err(other) => panic!("{name}: {other}"),
                Ok(_) => panic!("{name} ended in a promotion on PostgreSQL {}", binaries.version),
            }
            let second_timeline = copy.data_dir().join("pg_wal/00000002.history");
            assert!(!second_timeline.exists(), "{name} began a new timeline");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_target_has_damaged_comes_from_the_other() {
    let binaries = postgresql_versions().remove(0);
    let (cluster, place) = (TestCluster::start(&binaries, &CAPPED).await, Place::new());
    cluster.execute("CREATE TABLE orders (n int, text text)").await;
    let receiver = place.receive(&cluster);
    let copy = base_backup(&cluster).await;
    for _ in 0..3 {
        cluster.execute(FILL).await;
    }
    wait_until_archived(&receiver, &cluster).await;
    fs::write(&place.segments("near")[1], b"nothing of the kind").unwrap();
    fs::remove_file(&place.segments("far")[0]).unwrap();
    let restored = recover(&copy, place.archive(&cluster).await, &RecoveryTarget::Latest).await.unwrap();
    assert_eq!(value(&restored, "SELECT count(*) FROM orders").await, "90000");
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_was_never_reached_is_no_recovery() {
    let binaries = postgresql_versions().remove(0);
    let (cluster, place) = (TestCluster::start(&binaries, &CAPPED).await, Place::new());
    let receiver = place.receive(&cluster);
    let copy = base_backup(&cluster).await;
    cluster.execute("CREATE TABLE orders (n int, text text)").await;
    wait_until_archived(&receiver, &cluster).await;
    let future = RecoveryTarget::Time(now() + jiff::SignedDuration::from_hours(1));
    let error = recover(&copy, place.archive(&cluster).await, &future).await.unwrap_err();
    assert!(error.to_string().contains("before configured recovery target"), "{error}");
    receiver.stop().await;
}
