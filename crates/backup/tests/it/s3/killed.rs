//! kill -9 of the service in the middle of uploads: no list shows their parts, and the next start takes them away.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use larder_backup::App;
use larder_proto::larder::backup::v1::backup_service_client::BackupServiceClient;
use larder_proto::larder::operation::v1::OperationState;
use larder_settings::Settings;
use larder_testkit::{OBJECT_STORE_KEY, OBJECT_STORE_SECRET};
use secrecy::ExposeSecret;

use super::{BUCKET, plain_client, store};
use crate::service::{House, app_settings_at, create as create_by_call, start, usual_settings};

/// Told to the copy of this test program that serves until it is killed.
const SERVE_VARIABLE: &str = "LARDER_TEST_SERVE_BACKUPS";

/// A service whose only target is the bucket, slow enough to be met half-way.
fn of_the_bucket(settings: &mut Settings, endpoint: &str) {
    let backup = &mut settings.backup;
    backup.archive_wal = false;
    backup.folder_enabled = false;
    backup.s3_bucket = Some(BUCKET.to_owned());
    backup.s3_endpoint = Some(endpoint.parse().unwrap());
    backup.s3_access_key_id = Some(OBJECT_STORE_KEY.to_owned());
    backup.s3_secret_access_key = Some(OBJECT_STORE_SECRET.into());
    backup.record_most_bytes = 0;
    backup.throttle_bytes_per_second = 8 << 20;
}

/// Does nothing, but for the copy that is told where everything is.
#[tokio::test(flavor = "multi_thread")]
async fn serves_when_told() {
    let Ok(told) = std::env::var(SERVE_VARIABLE) else { return };
    let told: Vec<&str> = told.split(' ').collect();
    let [database, endpoint, data_dir] = told[..] else { panic!("{told:?}") };
    let mut settings = usual_settings(Path::new(data_dir));
    of_the_bucket(&mut settings, endpoint);
    let server = larder_database::Server::from_url(&database.to_owned().into()).unwrap();
    let settings = app_settings_at(&settings, server, std::env::current_exe().unwrap());
    let app = App::build(settings).await.unwrap().start().await.unwrap();
    let mut client = BackupServiceClient::connect(format!("http://{}", app.api_address())).await.unwrap();
    create_by_call(&mut client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_service_had_begun_to_upload_is_taken_away_at_the_next_start() {
    let Some(store) = store().await else { return };
    let endpoint = store.endpoint();
    let house = House::open(|settings| of_the_bucket(settings, &endpoint)).await;
    let House { folder, settings, cluster, app } = house;
    app.stop().await;
    // No compressor makes this smaller: 48 MB in two or three uploads of several parts.
    let noise = "CREATE TABLE noise AS SELECT n, (SELECT string_agg(uuid_send(gen_random_uuid()), ''::bytea) \
                 FROM generate_series(1, 60) AS m WHERE m + n > 0) AS bytes FROM generate_series(1, 50000) AS n";
    cluster.execute(noise).await;
    let client = plain_client(&store);
    let uploads = async || {
        let listed = client.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
        listed.uploads().iter().filter_map(|upload| upload.key().map(str::to_owned)).collect::<Vec<_>>()
    };
    let told = format!("{} {endpoint} {}", cluster.url().expose_secret(), folder.path().display());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "s3::killed::serves_when_told"])
        .env(SERVE_VARIABLE, told)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..600 {
        if !uploads().await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let left = uploads().await;
    assert!(!left.is_empty() && left.iter().all(|name| name.starts_with("larder/backups/")), "{left:?}");

    let app = start(&settings, &cluster).await;
    let notes = folder.path().join("under-way/larder");
    for _ in 0..600 {
        if uploads().await.is_empty() && fs::read_dir(&notes).unwrap().next().is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(uploads().await, Vec::<String>::new());
    let objects = client.list_objects_v2().bucket(BUCKET).prefix("larder/backups/").send().await.unwrap();
    assert!(objects.contents().is_empty(), "nor is anything else left of it: {:?}", objects.contents());
    assert!(fs::read_dir(&notes).unwrap().next().is_none(), "and it is not looked for again");
    let mut service = BackupServiceClient::connect(format!("http://{}", app.api_address())).await.unwrap();
    let created = create_by_call(&mut service).await;
    assert_eq!(created.state(), OperationState::Succeeded, "{:?}", created.error);
    assert!(fs::read_dir(&notes).unwrap().next().is_none(), "what went well leaves no note");
    app.stop().await;
}
