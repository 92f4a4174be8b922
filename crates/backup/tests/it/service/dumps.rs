//! Dumps by calls: taken, listed, loaded, let go of; and a database rescued out of a backup.

use std::time::Duration;

use larder_backup::BackupError;
use larder_proto::larder::backup::v1::backup_service_client::BackupServiceClient;
use larder_proto::larder::backup::v1::*;
use larder_proto::larder::operation::v1::{Operation, OperationState};
use tonic::Code;

use super::{House, create, start};

/// The last message of a stream of operations.
macro_rules! ended {
    ($stream:expr) => {{
        let mut stream = $stream.await.unwrap().into_inner();
        let mut last = Operation::default();
        while let Some(answer) = stream.message().await.unwrap() {
            last = answer.operation.unwrap();
        }
        last
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_dumped_listed_and_loaded_by_calls() {
    let house = House::open(|settings| settings.backup.archive_wal = false).await;
    house.cluster.execute("CREATE TABLE jars AS SELECT generate_series(1, 500) AS jar").await;
    let mut client = house.client().await;
    let dumped = ended!(client.create_dump(CreateDumpRequest::default()));
    assert_eq!(dumped.state(), OperationState::Succeeded, "{:?}", dumped.error);
    assert_eq!(dumped.result["databases"], "larder, postgres", "every one that takes connections");
    let request = ListDumpsRequest { page_size: 1, ..ListDumpsRequest::default() };
    let first = client.list_dumps(request).await.unwrap().into_inner();
    let request = ListDumpsRequest { page_token: first.next_page_token, ..ListDumpsRequest::default() };
    let rest = client.list_dumps(request).await.unwrap().into_inner();
    assert_eq!((first.dumps.len(), rest.dumps.len()), (1, 1));
    let all: Vec<_> = first.dumps.into_iter().chain(rest.dumps).collect();
    let dump = all.iter().find(|dump| dump.database == "postgres").unwrap();
    assert_eq!((dump.table_count, dump.counted_row_count, dump.encrypted), (1, 500, false));
    let kept = client.preview_retention(PreviewRetentionRequest::default()).await.unwrap().into_inner();
    assert_eq!(kept.dumps.len(), 2);
    assert!(kept.dumps.iter().all(|verdict| verdict.keep), "{:?}", kept.dumps);

    let mut request = LoadDumpRequest {
        dump_id: dump.dump_id.clone(),
        database: "copy".to_owned(),
        tables: vec!["public.jars".to_owned()],
        ..LoadDumpRequest::default()
    };
    let loaded = ended!(client.load_dump(request.clone()));
    assert_eq!(loaded.state(), OperationState::Succeeded, "{:?}", loaded.error);
    assert_eq!(
        (loaded.result["compared_rows"].as_str(), loaded.result["database"].as_str()),
        ("500", "copy")
    );
    let again = ended!(client.load_dump(request.clone()));
    assert!(again.error.unwrap().message.contains("there is a database copy already"));
    request.tables = vec!["jars".to_owned()];
    let refused = client.load_dump(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("tables") && refused.message().contains("public.orders"), "{refused}");
    let missing = LoadDumpRequest {
        dump_id: "20261123T064000Z-7f3a9c01".to_owned(),
        database: "other".to_owned(),
        ..LoadDumpRequest::default()
    };
    let missing = ended!(client.load_dump(missing));
    assert_eq!(
        missing.error.unwrap().message,
        BackupError::NoSuchDump("20261123T064000Z-7f3a9c01".to_owned()).to_string()
    );
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_dump_stays_until_it_is_released_and_retention_says_why() {
    let house = House::open(|settings| {
        settings.backup.archive_wal = false;
        settings.backup.dump_databases = Some("postgres".to_owned());
        settings.backup.dump_keep_count = 1;
        settings.backup.dump_keep_days = 0;
    })
    .await;
    let mut client = house.client().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let dumped = ended!(client.create_dump(CreateDumpRequest::default()));
        assert_eq!(dumped.state(), OperationState::Succeeded, "{:?}", dumped.error);
        ids.push(dumped.result["dump_ids"].clone());
        // Names tell the second.
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    let hold = HoldBackupRequest { backup_id: ids[0].clone(), release: false, reason: "an audit".to_owned() };
    for _ in 0..2 {
        let held = client.hold_backup(hold.clone()).await.unwrap().into_inner();
        assert_eq!((held.backups.len(), held.dumps.len()), (0, 1), "holding twice is holding once");
        assert!(held.dumps[0].held && held.dumps[0].dump_id == ids[0], "{held:?}");
    }
    let nowhere = HoldBackupRequest { backup_id: "20261123T064000Z-7f3a9c01".to_owned(), ..hold.clone() };
    let refused = client.hold_backup(nowhere).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert!(refused.message().contains("no backup and no dump"), "{refused}");
    let House { folder: _folder, settings, cluster, app } = house;
    app.stop().await;

    // A third dump is due, and retention comes after it.
    let mut scheduled = settings.clone();
    scheduled.backup.dump_schedule = "0 0 1 1 *".to_owned();
    let app = start(&scheduled, &cluster).await;
    let mut client = BackupServiceClient::connect(format!("http://{}", app.api_address())).await.unwrap();
    let mut left = Vec::new();
    for _ in 0..600 {
        let listed = client.list_dumps(ListDumpsRequest::default()).await.unwrap().into_inner();
        left = listed.dumps.into_iter().map(|dump| (dump.dump_id, dump.held)).collect();
        if left.len() == 2 && left.iter().all(|(id, _)| *id != ids[1]) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(left[1], (ids[0].clone(), true), "the one between went, the held one did not: {left:?}");
    let preview = client.preview_retention(PreviewRetentionRequest::default()).await.unwrap().into_inner();
    let told: Vec<_> = preview.dumps.iter().map(|dump| (dump.keep, dump.reason.as_str())).collect();
    assert_eq!(told, [(true, "it is one of the newest"), (true, "it is held: an audit")]);
    let released =
        client.hold_backup(HoldBackupRequest { release: true, ..hold }).await.unwrap().into_inner();
    assert!(!released.dumps[0].held);
    let preview = client.preview_retention(PreviewRetentionRequest::default()).await.unwrap().into_inner();
    assert!(!preview.dumps[1].keep, "{:?}", preview.dumps);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_a_backup_is_rescued_into_a_running_server() {
    let house = House::open(|settings| settings.backup.archive_wal = false).await;
    house
        .cluster
        .execute("CREATE SCHEMA shop; CREATE TABLE shop.jars AS SELECT generate_series(1, 700) AS jar")
        .await;
    let mut client = house.client().await;
    let created = create(&mut client).await;
    assert_eq!(created.state(), OperationState::Succeeded, "{:?}", created.error);
    house.cluster.execute("DROP SCHEMA shop CASCADE").await;
    let request = RescueDatabaseRequest {
        source_database: "postgres".to_owned(),
        tables: vec!["shop.jars".to_owned()],
        database: "rescued".to_owned(),
        ..RescueDatabaseRequest::default()
    };
    let rescued = ended!(client.rescue_database(request.clone()));
    assert_eq!(rescued.state(), OperationState::Succeeded, "{:?}", rescued.error);
    let mut psql = house.cluster.program("psql");
    psql.args(["-At", "--dbname", "rescued", "--command", "SELECT count(*) FROM shop.jars"]);
    assert_eq!(String::from_utf8(larder_testkit::run(&mut psql).stdout).unwrap().trim(), "700");
    let again = ended!(client.rescue_database(request.clone()));
    assert!(again.error.unwrap().message.contains("there is a database rescued already"));
    let request = RescueDatabaseRequest {
        tables: vec!["shop.never".to_owned()],
        database: "other".to_owned(),
        ..request
    };
    let refused = ended!(client.rescue_database(request)).error.unwrap().message;
    assert!(refused.contains("never"), "{refused}");
    let left = house.cluster.value("SELECT count(*) FROM pg_database WHERE datname LIKE 'larder\\_loading%'");
    assert_eq!(left.await, "0");
    house.app.stop().await;
}
