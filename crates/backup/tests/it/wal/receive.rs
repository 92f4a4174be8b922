//! Receiving through everything that happens to servers, targets and this process.

use std::time::Duration;

use larder_backup::pipeline::Identities;
use larder_backup::wal::{WalState, verify};
use larder_replication::{Lsn, TimelineId};
use larder_testkit::{Stop, TestCluster, postgresql_versions};
use tokio::time::sleep;

use super::{CAPPED, Place, current_lsn, wait_for, wait_until_archived};

const FILL: &str = "CREATE TABLE IF NOT EXISTS lines (text text); \
                    INSERT INTO lines SELECT repeat(md5(n::text), 20) FROM generate_series(1, 30000) n";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_archived_is_whole_on_every_version() {
    for binaries in postgresql_versions() {
        let (cluster, place) = (TestCluster::start(&binaries, &CAPPED).await, Place::new());
        let receiver = place.receive(&cluster);
        wait_for(&receiver, "the stream", |status| status.state == WalState::Streaming).await;
        for _ in 0..2 {
            cluster.execute(FILL).await;
            cluster.execute("SELECT pg_switch_wal()").await;
        }
        cluster.execute("CREATE TABLE last AS SELECT 1").await;
        wait_until_archived(&receiver, &cluster).await;
        wait_for(&receiver, "an exposure of seconds", |status| {
            status.exposure(super::now()).is_some_and(|exposure| exposure < Duration::from_secs(30))
        })
        .await;

        let archive = place.archive(&cluster).await;
        for target in place.targets() {
            let checked = verify(&archive, &target, &Identities::default(), Lsn(0)).await.unwrap();
            assert_eq!(checked.faults, Vec::<String>::new(), "PostgreSQL {}", binaries.version);
            assert!(checked.segments >= 3);
            assert_eq!(checked.ranges.len(), 1);
            assert!(checked.ranges[0].2 >= current_lsn(&cluster).await);
        }
        receiver.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_the_spool_ended() {
    let cluster = TestCluster::start(&postgresql_versions()[0], &CAPPED).await;
    let place = Place::new();
    for round in 0..3 {
        let receiver = place.receive(&cluster);
        cluster.execute(FILL).await;
        wait_until_archived(&receiver, &cluster).await;
        receiver.stop().await;
        cluster
            .execute(&format!("CREATE TABLE while_away_{round} AS SELECT generate_series(1, 100000)"))
            .await;
    }
    let receiver = place.receive(&cluster);
    wait_until_archived(&receiver, &cluster).await;
    assert_eq!(receiver.status().borrow().gaps, []);
    let archive = place.archive(&cluster).await;
    let checked = verify(&archive, &place.targets()[0], &Identities::default(), Lsn(0)).await.unwrap();
    assert_eq!(checked.faults, Vec::<String>::new());
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_spool_goes_on_where_the_archive_ended() {
    let cluster = TestCluster::start(&postgresql_versions()[0], &CAPPED).await;
    let place = Place::new();
    let receiver = place.receive(&cluster);
    cluster.execute(FILL).await;
    wait_until_archived(&receiver, &cluster).await;
    receiver.stop().await;
    std::fs::remove_dir_all(place.folder.path().join("spool")).unwrap();
    let receiver = place.receive(&cluster);
    cluster.execute(FILL).await;
    wait_until_archived(&receiver, &cluster).await;
    let archive = place.archive(&cluster).await;
    let checked = verify(&archive, &place.targets()[0], &Identities::default(), Lsn(0)).await.unwrap();
    assert_eq!(checked.faults, Vec::<String>::new());
    assert_eq!(receiver.status().borrow().gaps, []);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_away_holds_up_no_other_and_catches_up() {
    let cluster = TestCluster::start(&postgresql_versions()[0], &CAPPED).await;
    let place = Place::new();
    let receiver = place.receive(&cluster);
    wait_until_archived(&receiver, &cluster).await;
    place.far.switch(true);
    cluster.execute(FILL).await;
    cluster.execute(FILL).await;
    let goal = current_lsn(&cluster).await;
    let status = wait_for(&receiver, "the log at the near target", |status| {
        status.targets[0].archived >= goal && status.targets[1].error.is_some()
    })
    .await;
    assert!(status.targets[1].archived < goal);
    assert!(status.spool_bytes > 0, "what one target lacks stays in the spool");
    place.far.switch(false);
    wait_until_archived(&receiver, &cluster).await;
    wait_for(&receiver, "an empty spool", |status| status.spool_bytes == 0).await;
    assert_eq!(place.segments("near").len(), place.segments("far").len());
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_can_always_shut_down_and_is_found_again() {
    let mut cluster = TestCluster::start(&postgresql_versions()[0], &CAPPED).await;
    let place = Place::new();
    let receiver = place.receive(&cluster);
    cluster.execute(FILL).await;
    wait_until_archived(&receiver, &cluster).await;
    let took = cluster.stop(Stop::Fast).await;
    assert!(took < Duration::from_secs(15), "the server waited {took:?}");
    wait_for(&receiver, "the loss", |status| status.state != WalState::Streaming).await;
    cluster.start_server().await;
    cluster.execute(FILL).await;
    wait_until_archived(&receiver, &cluster).await;
    cluster.stop(Stop::Kill).await;
    cluster.start_server().await;
    cluster.execute(FILL).await;
    wait_until_archived(&receiver, &cluster).await;
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_without_a_cap_is_refused_with_the_way_out() {
    let cluster = TestCluster::start(&postgresql_versions()[0], &[]).await;
    let place = Place::new();
    let receiver = place.receive(&cluster);
    let status =
        wait_for(&receiver, "the refusal", |status| matches!(status.state, WalState::Refused(_))).await;
    let WalState::Refused(reason) = status.state else { unreachable!() };
    assert!(reason.contains("ALTER SYSTEM SET max_slot_wal_keep_size"), "{reason}");
    assert_eq!(cluster.value("SELECT count(*) FROM pg_replication_slots").await, "0");
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_cap_the_slot_is_given_up_and_the_gap_is_told() {
    for binaries in postgresql_versions() {
        let small = [("max_slot_wal_keep_size", "32MB"), ("max_wal_size", "32MB"), ("wal_recycle", "off")];
        let (cluster, place) = (TestCluster::start(&binaries, &small).await, Place::new());
        let receiver = place.receive(&cluster);
        cluster.execute(FILL).await;
        wait_until_archived(&receiver, &cluster).await;
        receiver.stop().await;
        let lost_from = current_lsn(&cluster).await;
        for _ in 0..6 {
            cluster.execute(FILL).await;
            cluster.execute("SELECT pg_switch_wal()").await;
            cluster.execute("CHECKPOINT").await;
        }
        assert_eq!(cluster.value("SELECT wal_status FROM pg_replication_slots").await, "lost");

        let receiver = place.receive(&cluster);
        let status = wait_for(&receiver, "the gap", |status| !status.gaps.is_empty()).await;
        assert!(status.gaps[0].from <= lost_from && lost_from < status.gaps[0].to, "{:?}", status.gaps);
        cluster.execute(FILL).await;
        wait_until_archived(&receiver, &cluster).await;
        let archive = place.archive(&cluster).await;
        let checked = verify(&archive, &place.targets()[0], &Identities::default(), Lsn(0)).await.unwrap();
        assert!(checked.faults.iter().any(|fault| fault.contains("never received")), "{:?}", checked.faults);
        assert_eq!(receiver.status().borrow().gaps.len(), 1, "it is recorded once");
        receiver.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_cap_is_told_while_the_spool_is_full() {
    let cluster = TestCluster::start(&postgresql_versions()[0], &[("max_slot_wal_keep_size", "96MB")]).await;
    let place = Place::new();
    let mut settings = place.settings(&cluster);
    settings.spool_limit_bytes = 1 << 20;
    place.far.switch(true);
    let stop = tokio_util::sync::CancellationToken::new();
    let receiver = larder_backup::wal::WalReceiver::start(settings, super::now, stop).unwrap();
    for _ in 0..5 {
        cluster.execute(FILL).await;
    }
    wait_for(&receiver, "the alarm", |status| {
        matches!(status.state, WalState::Failing(_)) && status.slot_is_half_full()
    })
    .await;
    place.far.switch(false);
    wait_until_archived(&receiver, &cluster).await;
    wait_for(&receiver, "an empty slot", |status| !status.slot_is_half_full()).await;
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_cluster_under_the_same_name_is_refused() {
    let binaries = &postgresql_versions()[0];
    let (first, second) =
        (TestCluster::start(binaries, &CAPPED).await, TestCluster::start(binaries, &CAPPED).await);
    let place = Place::new();
    let receiver = place.receive(&first);
    first.execute(FILL).await;
    wait_until_archived(&receiver, &first).await;
    receiver.stop().await;
    let before = place.segments("near");
    let receiver = place.receive(&second);
    second.execute(FILL).await;
    let status =
        wait_for(&receiver, "the refusal", |status| matches!(status.state, WalState::Refused(_))).await;
    let WalState::Refused(reason) = status.state else { unreachable!() };
    assert!(reason.contains("another PostgreSQL under the same name"), "{reason}");
    assert_eq!(place.segments("near"), before);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_set_back_is_refused() {
    let mut cluster = TestCluster::start(&postgresql_versions()[0], &CAPPED).await;
    let place = Place::new();
    cluster.execute(FILL).await;
    cluster.stop(Stop::Fast).await;
    let old = cluster.socket_dir().join("old");
    copy_folder(cluster.data_dir(), &old);
    cluster.start_server().await;
    let receiver = place.receive(&cluster);
    for _ in 0..3 {
        cluster.execute(FILL).await;
    }
    wait_until_archived(&receiver, &cluster).await;
    receiver.stop().await;
    cluster.stop(Stop::Immediate).await;
    std::fs::remove_dir_all(cluster.data_dir()).unwrap();
    std::fs::rename(&old, cluster.data_dir()).unwrap();
    cluster.start_server().await;
    let receiver = place.receive(&cluster);
    let status =
        wait_for(&receiver, "the refusal", |status| matches!(status.state, WalState::Refused(_))).await;
    let WalState::Refused(reason) = status.state else { unreachable!() };
    assert!(reason.contains("set back"), "{reason}");
    receiver.stop().await;
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    larder_testkit::run(std::process::Command::new("cp").arg("-a").arg(from).arg(to));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_is_followed_onto_the_new_timeline() {
    for binaries in postgresql_versions() {
        let mut cluster = TestCluster::start(&binaries, &CAPPED).await;
        let place = Place::new();
        let receiver = place.receive(&cluster);
        cluster.execute(FILL).await;
        wait_until_archived(&receiver, &cluster).await;
        promote(&mut cluster).await;
        cluster.execute(FILL).await;
        wait_until_archived(&receiver, &cluster).await;
        let second = TimelineId::new(2).unwrap();
        wait_for(&receiver, "the timeline", |status| status.timeline == Some(second)).await;
        let archive = place.archive(&cluster).await;
        let checked = verify(&archive, &place.targets()[1], &Identities::default(), Lsn(0)).await.unwrap();
        assert_eq!(checked.faults, Vec::<String>::new(), "PostgreSQL {}", binaries.version);
        receiver.stop().await;
    }
}

/// Recovers from nothing and begins a new timeline, as a promoted standby does.
pub(super) async fn promote(cluster: &mut TestCluster) {
    cluster.stop(Stop::Fast).await;
    let signal = cluster.data_dir().join("recovery.signal");
    std::fs::write(&signal, "").unwrap();
    cluster.hand_over(&signal);
    cluster.set("restore_command", "/bin/false");
    cluster.start_server().await;
    while cluster.value("SELECT pg_is_in_recovery()").await == "true" {
        sleep(Duration::from_millis(20)).await;
    }
}
