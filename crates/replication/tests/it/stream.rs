//! The stream of the log, compared with what PostgreSQL's own `pg_receivewal` writes, and what
//! happens to it when servers stop, are promoted or have thrown the log away.

use std::collections::BTreeMap;
use std::fs;
use std::process::Child;
use std::time::{Duration, SystemTime};

use larder_replication::{
    BackupPosition, FlushedUpTo, Lsn, ReplicationConnection, SegmentName, SegmentSize, SlotName, StreamEvent,
    TimelineId, WalStream,
};
use larder_testkit::{Stop, TestCluster, postgresql_versions};
use tokio::time::sleep;

use crate::connect;

const SIZE: SegmentSize = SegmentSize::DEFAULT;

fn slot() -> SlotName {
    "larder_test".parse().unwrap()
}

/// Streams until `until` is reached and acknowledges everything at the end.
async fn stream_to(stream: &mut WalStream, until: Lsn, into: &mut BTreeMap<Lsn, Vec<u8>>) -> Lsn {
    let mut end = Lsn::default();
    while end < until {
        match stream.next().await.unwrap().expect("the stream goes on") {
            StreamEvent::Wal { start, data, .. } => {
                end = start.plus(data.len() as u64);
                into.entry(SIZE.start_of(start)).or_default().extend_from_slice(&data);
            }
            StreamEvent::Keepalive { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    let flushed = FlushedUpTo { written: end, flushed: end };
    stream.acknowledge(flushed, false, SystemTime::UNIX_EPOCH).await.unwrap();
    end
}

async fn current_lsn(cluster: &TestCluster) -> Lsn {
    cluster.value("SELECT pg_current_wal_flush_lsn()").await.parse().unwrap()
}

async fn start(cluster: &TestCluster) -> (WalStream, Lsn) {
    let mut connection = connect(cluster).await;
    connection.create_slot(&slot()).await.unwrap();
    let position = connection.read_slot(&slot()).await.unwrap().unwrap();
    let from = SIZE.start_of(position.restart_lsn.unwrap());
    let stream = connection.start_wal_stream(Some(&slot()), from, TimelineId::FIRST).await.unwrap();
    (stream, from)
}

#[tokio::test]
async fn segments_are_byte_for_byte_those_of_pg_receivewal() {
    for binaries in postgresql_versions() {
        let cluster = TestCluster::start(&binaries, &[]).await;
        let folder = cluster.socket_dir().join("received");
        fs::create_dir(&folder).unwrap();
        cluster.hand_over(&folder);
        let (mut stream, _) = start(&cluster).await;
        let mut receiver = spawn_receiver(&cluster, &folder);
        cluster
            .execute("CREATE TABLE lines AS SELECT repeat(md5(n::text), 20) FROM generate_series(1, 60000) n")
            .await;
        cluster.execute("SELECT pg_switch_wal()").await;
        cluster.execute("CREATE TABLE more AS SELECT 1").await;
        let mut received = BTreeMap::new();
        let end = stream_to(&mut stream, current_lsn(&cluster).await, &mut received).await;
        assert!(end > Lsn(3 * SIZE.bytes()), "at least two segments were filled");

        let whole: Vec<_> = received.iter().filter(|(_, bytes)| bytes.len() as u64 == SIZE.bytes()).collect();
        assert!(whole.len() >= 2);
        for (segment_start, bytes) in whole {
            let name = SegmentName::containing(TimelineId::FIRST, *segment_start, SIZE).to_string();
            let theirs = wait_for_file(&folder.join(&name)).await;
            assert!(theirs == *bytes, "{name} differs on PostgreSQL {}", binaries.version);
        }
        receiver.kill().unwrap();
        receiver.wait().unwrap();
        let connection = stream.finish(Duration::from_secs(10)).await.unwrap();
        connection.close().await;
    }
}

fn spawn_receiver(cluster: &TestCluster, folder: &std::path::Path) -> Child {
    let mut program = cluster.program("pg_receivewal");
    program.arg("-D").arg(folder).args([
        "--no-loop",
        "--slot",
        "larder_other",
        "--create-slot",
        "--if-not-exists",
    ]);
    larder_testkit::run(&mut program);
    let mut program = cluster.program("pg_receivewal");
    program.arg("-D").arg(folder).args(["--no-loop", "--slot", "larder_other"]);
    program.spawn().unwrap()
}

async fn wait_for_file(path: &std::path::Path) -> Vec<u8> {
    for _ in 0..1000 {
        if let Ok(bytes) = fs::read(path) {
            return bytes;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("pg_receivewal never wrote {}", path.display());
}

#[tokio::test]
async fn a_stopping_server_is_let_go_once_it_has_its_acknowledgement() {
    for binaries in postgresql_versions() {
        let mut cluster = TestCluster::start(&binaries, &[]).await;
        let (mut stream, _) = start(&cluster).await;
        cluster.execute("CREATE TABLE lines AS SELECT 1").await;
        let reading = async {
            let mut flushed = Lsn::default();
            while let Some(event) = stream.next().await.unwrap() {
                match event {
                    StreamEvent::Wal { start, data, .. } => flushed = start.plus(data.len() as u64),
                    StreamEvent::Keepalive { wants_reply: false, .. } => {}
                    StreamEvent::Keepalive { wants_reply: true, .. } => {
                        let position = FlushedUpTo { written: flushed, flushed };
                        stream.acknowledge(position, false, SystemTime::UNIX_EPOCH).await.unwrap();
                    }
                    StreamEvent::Stopped => return,
                    other => panic!("{other:?}"),
                }
            }
        };
        let ((), took) = tokio::join!(reading, cluster.stop(Stop::Fast));
        assert!(took < Duration::from_secs(20), "the server waited {took:?} for us");
    }
}

#[tokio::test]
async fn the_end_of_a_timeline_names_the_next_one() {
    for binaries in postgresql_versions() {
        let mut cluster = TestCluster::start(&binaries, &[]).await;
        let (stream, from) = start(&cluster).await;
        drop(stream);
        cluster.execute("CREATE TABLE before AS SELECT 1").await;
        promote(&mut cluster).await;

        let mut connection = connect(&cluster).await;
        let identity = connection.identify_system().await.unwrap();
        let second = TimelineId::new(2).unwrap();
        assert_eq!(identity.timeline, second);
        let history = connection.timeline_history(second).await.unwrap();
        assert_eq!(history.name(), "00000002.history");
        let left_at = history.history().unwrap().end_of(TimelineId::FIRST).unwrap();

        let mut stream = connection.start_wal_stream(Some(&slot()), from, TimelineId::FIRST).await.unwrap();
        let mut end = from;
        let next = loop {
            match stream.next().await.unwrap().unwrap() {
                StreamEvent::Wal { start, data, .. } => end = start.plus(data.len() as u64),
                StreamEvent::TimelineEnded(next) => break next,
                StreamEvent::Keepalive { .. } => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(next, BackupPosition { lsn: left_at, timeline: second });
        assert_eq!(end, left_at);
        assert_eq!(stream.next().await.unwrap(), None);
        let connection = stream.finish(Duration::from_secs(5)).await.unwrap();

        // Asked for the very end of it, the server copies nothing at all.
        let mut stream = connection.start_wal_stream(None, left_at, TimelineId::FIRST).await.unwrap();
        assert_eq!(stream.next().await.unwrap(), Some(StreamEvent::TimelineEnded(next)));
        let mut connection = stream.finish(Duration::from_secs(5)).await.unwrap();
        connection.identify_system().await.unwrap();
    }
}

/// Recovers from nothing and begins a new timeline, as a promoted standby does.
async fn promote(cluster: &mut TestCluster) {
    cluster.stop(Stop::Fast).await;
    let signal = cluster.data_dir().join("recovery.signal");
    fs::write(&signal, "").unwrap();
    cluster.hand_over(&signal);
    cluster.set("restore_command", "/bin/false");
    cluster.start_server().await;
    for _ in 0..1000 {
        if cluster.value("SELECT pg_is_in_recovery()").await == "false" {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("recovery does not end:\n{}", cluster.log());
}

#[tokio::test]
async fn slots_are_made_once_read_and_given_up() {
    let binaries = postgresql_versions().remove(0);
    let cluster = TestCluster::start(&binaries, &[]).await;
    let mut connection = connect(&cluster).await;
    assert_eq!(connection.read_slot(&slot()).await.unwrap(), None);
    connection.create_slot(&slot()).await.unwrap();
    let exists = connection.create_slot(&slot()).await.unwrap_err();
    assert_eq!(exists.sql_state(), Some("42710"), "{exists}");
    let position = connection.read_slot(&slot()).await.unwrap().unwrap();
    assert_eq!(position.restart_timeline, Some(TimelineId::FIRST));

    let from = SIZE.start_of(position.restart_lsn.unwrap());
    let stream = connection.start_wal_stream(Some(&slot()), from, TimelineId::FIRST).await.unwrap();
    let mut second = connect(&cluster).await;
    let in_use = second.start_wal_stream(Some(&slot()), from, TimelineId::FIRST).await.unwrap_err();
    assert_eq!(in_use.sql_state(), Some("55006"), "{in_use}");
    assert!(in_use.is_unavailable(), "its holder may go away");
    stream.finish(Duration::from_secs(5)).await.unwrap();
    second = connect(&cluster).await;
    second.drop_slot(&slot()).await.unwrap();
    assert_eq!(second.read_slot(&slot()).await.unwrap(), None);
}

#[tokio::test]
async fn a_log_that_was_thrown_away_is_refused() {
    let binaries = postgresql_versions().remove(0);
    let cluster = TestCluster::start(&binaries, &[("wal_recycle", "off"), ("max_wal_size", "32MB")]).await;
    let from = SIZE.start_of(current_lsn(&cluster).await);
    for _ in 0..4 {
        cluster.execute("CREATE TABLE x AS SELECT 1; DROP TABLE x; SELECT pg_switch_wal(); CHECKPOINT").await;
    }
    let mut connection = connect(&cluster).await;
    connection.identify_system().await.unwrap();
    let mut stream = match connection.start_wal_stream(None, from, TimelineId::FIRST).await {
        Ok(stream) => stream,
        Err(refused) => {
            assert_eq!(refused.sql_state(), Some("58P01"), "{refused}");
            return;
        }
    };
    let refused = stream.next().await.unwrap_err();
    assert_eq!(refused.sql_state(), Some("58P01"), "{refused}");
}

#[tokio::test]
async fn a_cancelled_wait_loses_nothing() {
    let binaries = postgresql_versions().remove(0);
    let cluster = TestCluster::start(&binaries, &[]).await;
    let (mut stream, from) = start(&cluster).await;
    let mut end = from;
    for round in 0..30 {
        cluster.execute(&format!("CREATE TABLE round_{round} AS SELECT generate_series(1, 3000)")).await;
        let goal = current_lsn(&cluster).await;
        while end < goal {
            let Ok(event) = tokio::time::timeout(Duration::from_micros(50), stream.next()).await else {
                continue;
            };
            if let StreamEvent::Wal { start, data, .. } = event.unwrap().unwrap() {
                assert_eq!(start, end, "the log is without a hole");
                end = start.plus(data.len() as u64);
            }
        }
    }
    let _: ReplicationConnection = stream.finish(Duration::from_secs(5)).await.unwrap();
}
