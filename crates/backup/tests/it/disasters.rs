//! Disasters that befall the source and its surroundings: damaged pages, what other tools forget, and
//! secrets that show up where everybody can read them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use larder_backup::Progress;
use larder_backup::vault::{create, verify};
use larder_proto::larder::backup::v1::*;
use larder_proto::larder::operation::v1::OperationState;
use larder_testkit::{Stop, TestCluster, postgresql_versions};

use crate::cluster::{full, restored, vault_in};
use crate::service::{House, create as create_by_call};

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_of_the_source_ends_the_backup_and_the_good_one_stays() {
    for binaries in postgresql_versions() {
        let folder = tempfile::tempdir().unwrap();
        let mut source = TestCluster::start(&binaries, &[]).await;
        source.execute("CREATE TABLE jars AS SELECT n FROM generate_series(1, 20000) AS n").await;
        let vault = vault_in(folder.path());
        let good = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
        let path = source.value("SELECT pg_relation_filepath('jars')").await;
        let path = source.data_dir().join(path);
        source.stop(Stop::Fast).await;
        let mut pages = std::fs::read(&path).unwrap();
        pages[8192 + 4000] ^= 0xff;
        std::fs::write(&path, pages).unwrap();
        source.start_server().await;
        let refused = create(&vault, full(&source, 2), &Progress::silent()).await.unwrap_err().to_string();
        assert!(refused.contains("checksum"), "it is named: {refused}");
        let listing = vault.list(&vault.targets[0]).await.unwrap();
        let ids: Vec<_> = listing.backups.iter().map(|backup| &backup.manifest.backup_id).collect();
        assert_eq!(ids, [&good.manifest.backup_id], "no half of the other is shown");
        assert!(listing.uncommitted.is_empty());
        verify(&vault, &vault.targets[0], &good.manifest, &Progress::silent()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_sequences_large_objects_and_unlogged_tables_come_back() {
    for binaries in postgresql_versions() {
        let folder = tempfile::tempdir().unwrap();
        let source = TestCluster::start(&binaries, &[]).await;
        source.execute("CREATE DATABASE second").await;
        source
            .execute(
                "CREATE ROLE cook LOGIN; CREATE SEQUENCE numbers;
                 SELECT setval('numbers', 41);
                 SELECT lo_from_bytea(4711, decode(repeat('ab', 300000), 'hex'));
                 CREATE UNLOGGED TABLE scratch AS SELECT generate_series(1, 100) AS n;
                 CREATE TABLE \"odd name;--\" AS SELECT 1 AS \"a\"\"b\"",
            )
            .await;
        let vault = vault_in(folder.path());
        let created = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
        let tables: Vec<_> =
            created.manifest.contents.iter().flat_map(|contents| &contents.databases).collect();
        assert!(tables.iter().any(|database| database.name == "second"));
        let recorded: BTreeSet<_> =
            tables.iter().flat_map(|database| &database.tables).map(|table| table.table.as_str()).collect();
        assert!(recorded.contains("odd name;--") && !recorded.contains("scratch"), "{recorded:?}");
        let copy = restored(&vault, &created.manifest, &binaries).await;
        assert_eq!(copy.value("SELECT nextval('numbers')").await, "42");
        assert_eq!(copy.value("SELECT count(*) FROM pg_roles WHERE rolname = 'cook'").await, "1");
        assert_eq!(copy.value("SELECT length(lo_get(4711))").await, "300000");
        assert_eq!(copy.value("SELECT count(*) FROM scratch").await, "0", "as after any crash");
        assert_eq!(copy.value("SELECT count(*) FROM \"odd name;--\"").await, "1");
    }
}

const SECRET: &str = "kB7-never-to-be-seen-9Q";

/// Looks at the arguments and the environment of every process for as long as it is told, and returns
/// those that show the secret. This process itself has it in its memory alone.
async fn watch_processes(stop: Arc<AtomicBool>) -> (BTreeSet<String>, usize) {
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    while !stop.load(Ordering::SeqCst) {
        for entry in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            for file in ["cmdline", "environ"] {
                let Ok(content) = std::fs::read(entry.path().join(file)) else { continue };
                if content.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()) {
                    found.insert(format!("{pid}/{file}: {}", String::from_utf8_lossy(&content)));
                }
                seen.insert(pid);
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    (found, seen.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_process_and_no_object_ever_shows_a_secret() {
    let house = House::open(|settings| {
        settings.backup.archive_wal = false;
        settings.database.role_password = Some(SECRET.into());
    })
    .await;
    let stop = Arc::new(AtomicBool::new(false));
    let watching = tokio::spawn(watch_processes(stop.clone()));
    let mut client = house.client().await;
    let created = create_by_call(&mut client).await;
    assert_eq!(created.state(), OperationState::Succeeded, "{:?}", created.error);
    let mut drilling = client.run_drill(RunDrillRequest::default()).await.unwrap().into_inner();
    let mut last = None;
    while let Some(answer) = drilling.message().await.unwrap() {
        last = answer.operation;
    }
    let drilled = last.unwrap();
    assert_eq!(drilled.state(), OperationState::Succeeded, "{:?}", drilled.error);
    let request = CreateDumpRequest { database: "postgres".to_owned() };
    let mut dumping = client.create_dump(request).await.unwrap().into_inner();
    let mut last = None;
    while let Some(answer) = dumping.message().await.unwrap() {
        last = answer.operation;
    }
    let dumped = last.unwrap();
    assert_eq!(dumped.state(), OperationState::Succeeded, "{:?}", dumped.error);
    stop.store(true, Ordering::SeqCst);
    let (found, seen) = watching.await.unwrap();
    assert!(seen > 10, "it has looked at {seen} processes");
    assert!(found.is_empty(), "{found:?}");
    let folder = house.folder.path().join("backups/larder/backups").join(&created.result["backup_id"]);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            assert!(!std::fs::read_to_string(&path).unwrap().contains(SECRET), "{}", path.display());
        }
    }
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_without_the_password() {
    let house = House::open(|settings| {
        settings.backup.archive_wal = false;
        settings.backup.source_url = Some(format!("postgres://nobody_here:{SECRET}@127.0.0.1:1/x").into());
    })
    .await;
    let failed = create_by_call(&mut house.client().await).await;
    assert_eq!(failed.state(), OperationState::Failed);
    let told = failed.error.unwrap().message;
    assert!(told.contains("127.0.0.1:1") && !told.contains(SECRET), "{told}");
    house.app.stop().await;
}
