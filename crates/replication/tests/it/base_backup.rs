//! Base backups, judged by PostgreSQL's own `pg_verifybackup` and `pg_combinebackup`, and by a server
//! that starts from what was received.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;

use larder_replication::{
    BackupEvent, BaseBackupOptions, ManifestChecksums, ReplicationConnection, ReplicationError,
};
use larder_testkit::{TestCluster, postgresql_versions, run};

use crate::{connect, options, unpack};

const ROWS: &str = "CREATE TABLE orders AS SELECT n, md5(n::text) AS text FROM generate_series(1, 20000) n";

#[tokio::test]
async fn a_backup_passes_the_servers_own_verification_and_starts() {
    for binaries in postgresql_versions() {
        let cluster = TestCluster::start(&binaries, &[]).await;
        cluster.execute(ROWS).await;
        let space = cluster.socket_dir().join("space");
        fs::create_dir(&space).unwrap();
        cluster.hand_over(&space);
        cluster.execute(&format!("CREATE TABLESPACE fast LOCATION '{}'", space.display())).await;
        cluster.execute("CREATE TABLE stock TABLESPACE fast AS SELECT 7 AS count").await;

        let restored = TestCluster::empty(&binaries, &[]);
        fs::remove_dir(restored.data_dir()).unwrap();
        let options = BaseBackupOptions { include_wal: true, ..BaseBackupOptions::new("it's a test") };
        let mut backup = connect(&cluster).await.start_base_backup(&options).await.unwrap();
        assert_eq!(backup.tablespaces().len(), 2);
        assert!(backup.estimated_bytes().unwrap() > 1_000_000);
        let start = backup.start();
        let unpacked = unpack(&cluster, &mut backup, restored.data_dir()).await;
        assert!(unpacked.end.lsn > start.lsn);
        assert!(backup.next().await.unwrap().is_none());
        let mut connection = backup.into_connection().unwrap();
        connection.identify_system().await.unwrap();

        let map = link_tablespaces(&restored);
        run(cluster.program("pg_verifybackup").arg(&unpacked.folder));
        fs::write(unpacked.folder.join("tablespace_map"), map).unwrap();
        // PostgreSQL refuses folders that others may read.
        fs::set_permissions(restored.data_dir(), fs::Permissions::from_mode(0o700)).unwrap();
        let mut restored = restored;
        restored.start_server().await;
        assert_eq!(restored.value("SELECT count(*) FROM orders").await, "20000");
        assert_eq!(restored.value("SELECT count FROM stock").await, "7");
    }
}

/// Links the tablespaces, which lie beside the cluster's folder, and returns the map of where they
/// are now.
fn link_tablespaces(cluster: &TestCluster) -> String {
    let folder = cluster.data_dir();
    let mut moved = String::new();
    for line in fs::read_to_string(folder.join("tablespace_map")).unwrap().lines() {
        let (oid, _) = line.split_once(' ').unwrap();
        let space = folder.with_extension(oid);
        cluster.hand_over(&space);
        moved.push_str(&format!("{oid} {}\n", space.display()));
        let link = folder.join("pg_tblspc").join(oid);
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(&space, &link).unwrap();
    }
    assert!(!moved.is_empty());
    moved
}

#[tokio::test]
async fn an_incremental_backup_is_combined_by_the_servers_own_program() {
    for binaries in postgresql_versions() {
        let cluster = TestCluster::start(&binaries, &[]).await;
        let mut connection = connect(&cluster).await;
        if binaries.version < 17 {
            let refused = connection.upload_manifest(&b"{}"[..]).await.unwrap_err();
            assert!(matches!(refused, ReplicationError::NeedsNewer { needs: 17, .. }), "{refused}");
            continue;
        }
        drop(cluster);
        let cluster = TestCluster::start(&binaries, &[("summarize_wal", "on")]).await;
        cluster.execute(ROWS).await;
        let folder = cluster.socket_dir();
        let full = BaseBackupOptions { include_wal: true, ..BaseBackupOptions::new("full") };
        let mut backup = connect(&cluster).await.start_base_backup(&full).await.unwrap();
        let full_backup = unpack(&cluster, &mut backup, &folder.join("full")).await;
        cluster.execute("UPDATE orders SET text = 'changed' WHERE n = 7").await;

        let mut connection = connect(&cluster).await;
        let manifest = tokio::fs::File::open(full_backup.folder.join("backup_manifest")).await.unwrap();
        connection.upload_manifest(manifest).await.unwrap();
        let options = BaseBackupOptions {
            incremental: true,
            include_wal: true,
            ..BaseBackupOptions::new("incremental")
        };
        let mut backup = connection.start_base_backup(&options).await.unwrap();
        let incremental = unpack(&cluster, &mut backup, &folder.join("incremental")).await;

        let mut restored = TestCluster::empty(&binaries, &[]);
        fs::remove_dir(restored.data_dir()).unwrap();
        let mut combine = cluster.program("pg_combinebackup");
        run(combine.arg(&full_backup.folder).arg(&incremental.folder).arg("-o").arg(restored.data_dir()));
        run(cluster.program("pg_verifybackup").arg(restored.data_dir()));
        restored.start_server().await;
        assert_eq!(restored.value("SELECT text FROM orders WHERE n = 7").await, "changed");
        assert_eq!(restored.value("SELECT count(*) FROM orders").await, "20000");
    }
}

#[tokio::test]
async fn a_manifest_of_another_cluster_is_refused_and_the_connection_lives_on() {
    for binaries in postgresql_versions().into_iter().filter(|binaries| binaries.version >= 17) {
        let cluster = TestCluster::start(&binaries, &[("summarize_wal", "on")]).await;
        let mut connection = connect(&cluster).await;
        let refused = connection.upload_manifest(&b"{\"no\": \"manifest\"}"[..]).await.unwrap_err();
        assert!(refused.sql_state().is_some(), "{refused}");
        connection.identify_system().await.unwrap();
    }
}

#[tokio::test]
async fn a_damaged_page_ends_the_backup_and_is_named() {
    for binaries in postgresql_versions() {
        let mut cluster = TestCluster::start(&binaries, &[]).await;
        cluster.execute(ROWS).await;
        cluster.execute("CHECKPOINT").await;
        let path = cluster.value("SELECT pg_relation_filepath('orders')").await;
        cluster.stop(larder_testkit::Stop::Fast).await;
        flip_byte(&cluster.data_dir().join(&path), 3 * 8192 + 4000);
        cluster.start_server().await;

        let mut backup =
            connect(&cluster).await.start_base_backup(&BaseBackupOptions::new("x")).await.unwrap();
        let error = loop {
            match backup.next().await {
                Ok(Some(BackupEvent::Finished(_)) | None) => panic!("a damaged cluster was backed up"),
                Ok(Some(_)) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.sql_state(), Some("XX001"), "{error}");
        let warnings = backup.take_warnings();
        assert!(warnings.iter().any(|warning| warning.text.contains(&path)), "{warnings:?}");
        assert!(backup.into_connection().is_err(), "what was cut off is no backup");
    }
}

fn flip_byte(path: &std::path::Path, at: u64) {
    let mut file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
}

#[tokio::test]
async fn a_backup_that_is_dropped_is_forgotten_by_the_server() {
    let binaries = postgresql_versions().remove(0);
    let cluster = TestCluster::start(&binaries, &[]).await;
    cluster.execute(ROWS).await;
    let slow = BaseBackupOptions {
        max_rate_kib_per_second: Some(32),
        manifest_checksums: ManifestChecksums::Crc32c,
        ..BaseBackupOptions::new("slow")
    };
    let mut backup = connect(&cluster).await.start_base_backup(&slow).await.unwrap();
    backup.next().await.unwrap();
    let under_way = "SELECT count(*) FROM pg_stat_progress_basebackup";
    assert_eq!(cluster.value(under_way).await, "1");
    drop(backup);
    for _ in 0..500 {
        if cluster.value(under_way).await == "0" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the server still sends a backup to nobody");
}

#[tokio::test]
async fn settings_and_places_are_told() {
    let binaries = postgresql_versions().remove(0);
    let cluster = TestCluster::start(&binaries, &[]).await;
    let mut options = options(&cluster);
    options.database = Some("postgres".to_owned());
    let mut connection = ReplicationConnection::connect(&options).await.unwrap();
    assert_eq!(connection.version().major, binaries.version);
    assert_eq!(connection.segment_size().await.unwrap().bytes(), 16 << 20);
    assert_eq!(connection.show("data_checksums").await.unwrap(), "on");
    assert!(connection.show("port; DROP").await.is_err());
    let refused = connection.show("no_such_setting").await.unwrap_err();
    assert_eq!(refused.sql_state(), Some("42704"), "{refused}");
    let rows = connection.query("SELECT system_identifier FROM pg_control_system()").await.unwrap();
    let told = String::from_utf8(rows[0][0].as_ref().unwrap().to_vec()).unwrap();
    assert_eq!(connection.identify_system().await.unwrap().system.to_string(), told);
}
