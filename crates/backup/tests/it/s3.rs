//! A bucket as a target: a real S3 server, and a way to it that answers 500, falls silent or is cut
//! half-way. What is refused or lost there is told by the object's name, and is never a backup.

mod faults;
mod killed;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use bytes::Bytes;
use larder_backup::target::folder::FolderTarget;
use larder_backup::target::s3::{RetentionLock, S3Settings, S3Target};
use larder_backup::target::{ObjectKey, PART_BYTES, SharedTarget, Target, read_small};
use larder_backup::vault::{Vault, create, verify};
use larder_backup::{App, AppSettings, Progress};
use larder_proto::larder::backup::v1::backup_service_client::BackupServiceClient;
use larder_proto::larder::backup::v1::*;
use larder_proto::larder::operation::v1::OperationState;
use larder_testkit::{OBJECT_STORE_KEY, OBJECT_STORE_SECRET, ObjectStore, TestCluster, postgresql_versions};
use tokio::time::Instant;

use self::faults::{Fault, FaultyWay};
use crate::cluster::{full, restored, vault_in};
use crate::service::{House, app_settings, create as create_by_call};

const BUCKET: &str = "larder-test";

fn settings(endpoint: &str) -> S3Settings {
    S3Settings {
        prefix: "some/where/".to_owned(),
        endpoint: Some(endpoint.to_owned()),
        credentials: Some((OBJECT_STORE_KEY.to_owned(), OBJECT_STORE_SECRET.into())),
        attempt_limit: Duration::from_secs(3),
        ..S3Settings::new("bucket", BUCKET)
    }
}

/// The bucket as its owner's own tools see it.
fn plain_client(store: &ObjectStore) -> aws_sdk_s3::Client {
    let key = Credentials::new(OBJECT_STORE_KEY, OBJECT_STORE_SECRET, None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(store.endpoint())
        .force_path_style(true)
        .credentials_provider(key);
    aws_sdk_s3::Client::from_conf(config.build())
}

async fn store() -> Option<ObjectStore> {
    let store = ObjectStore::start().await?;
    let made = plain_client(&store).create_bucket().bucket(BUCKET).object_lock_enabled_for_bucket(true);
    made.send().await.unwrap();
    Some(store)
}

async fn target(settings: S3Settings) -> SharedTarget {
    Arc::new(S3Target::connect(settings, larder_backup::system_clock).await)
}

fn key(name: &str) -> ObjectKey {
    name.parse().unwrap()
}

fn bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

async fn upload(target: &SharedTarget, name: &str, content: &[u8]) -> Result<(), String> {
    let mut upload = target.begin(&key(name)).await.map_err(|error| error.to_string())?;
    for part in content.chunks(PART_BYTES) {
        if let Err(error) = upload.write(Bytes::copy_from_slice(part)).await {
            upload.abort().await;
            return Err(error.to_string());
        }
    }
    upload.finish().await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_any_size_come_back_are_listed_and_never_written_over() {
    let Some(store) = store().await else { return };
    let target = target(settings(&store.endpoint())).await;
    for (name, count) in [("a/empty", 0), ("a/small", 1_000), ("a/b/large", 2 * PART_BYTES + 77)] {
        let content = bytes(count, count as u64);
        upload(&target, name, &content).await.unwrap();
        assert_eq!(read_small(target.as_ref(), &key(name), usize::MAX).await.unwrap(), content, "{name}");
        let other = upload(&target, name, &bytes(count + 1, 5)).await.unwrap_err();
        assert!(other.contains("exists already") && other.contains(name), "{other}");
        assert_eq!(read_small(target.as_ref(), &key(name), usize::MAX).await.unwrap(), content);
    }
    let listed = target.list("a/").await.unwrap();
    let sizes: Vec<_> = listed.iter().map(|object| (object.key.as_str(), object.size_bytes)).collect();
    assert_eq!(sizes, [("a/b/large", 2 * PART_BYTES as u64 + 77), ("a/empty", 0), ("a/small", 1_000)]);
    assert_eq!(target.list_folders("a/").await.unwrap(), ["b"]);
    target.remove(&key("a/small")).await.unwrap();
    target.remove(&key("a/small")).await.unwrap();
    assert!(target.open(&key("a/small")).await.err().unwrap().is_not_found());
    let nowhere = target.open(&key("never/was")).await.err().unwrap();
    assert!(nowhere.to_string().contains("never/was"), "{nowhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_never_finished_is_no_object_and_is_swept() {
    let Some(store) = store().await else { return };
    let target = target(settings(&store.endpoint())).await;
    let part = Bytes::from(bytes(PART_BYTES, 1));
    let mut begun = target.begin(&key("x/object")).await.unwrap();
    begun.write(part.clone()).await.unwrap();
    begun.write(part.clone()).await.unwrap();
    begun.write(part).await.unwrap();
    // As a killed process leaves it.
    std::mem::forget(begun);
    assert!(target.list("x/").await.unwrap().is_empty());
    let early = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    assert_eq!(target.remove_unfinished("x/", early).await.unwrap(), 0);
    let late = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    assert_eq!(target.remove_unfinished("x/", late).await.unwrap(), 1);
    assert_eq!(target.remove_unfinished("x/", late).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_object_of_a_class_stays_whoever_removes_it() {
    let Some(store) = store().await else { return };
    let lock = RetentionLock { is_compliance: true, period: Duration::from_secs(86_400) };
    let wanted = S3Settings {
        lock: Some(lock),
        storage_class: Some("STANDARD_IA".to_owned()),
        ..settings(&store.endpoint())
    };
    let target = target(wanted).await;
    upload(&target, "locked/small", b"kept").await.unwrap();
    upload(&target, "locked/large", &bytes(PART_BYTES + 1, 3)).await.unwrap();
    let client = plain_client(&store);
    for name in ["small", "large"] {
        let name = format!("some/where/locked/{name}");
        let head = client.head_object().bucket(BUCKET).key(&name).send().await.unwrap();
        assert_eq!(head.storage_class().map(|class| class.as_str()), Some("STANDARD_IA"), "{name}");
        let version = head.version_id().unwrap().to_owned();
        let removed = client.delete_object().bucket(BUCKET).key(&name).version_id(version).send().await;
        assert!(removed.is_err(), "{name} is locked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_moves_to_another_class_and_stays_what_it_was() {
    let Some(store) = store().await else { return };
    let lock = RetentionLock { is_compliance: false, period: Duration::from_secs(86_400) };
    let target = target(S3Settings { lock: Some(lock), ..settings(&store.endpoint()) }).await;
    let large = bytes(2 * PART_BYTES + 1, 5);
    upload(&target, "moved/large", &large).await.unwrap();
    upload(&target, "moved/small", b"small").await.unwrap();
    for name in ["moved/large", "moved/small"] {
        target.change_storage_class(&key(name), "GLACIER_IR").await.unwrap();
    }
    let listed = target.list("moved/").await.unwrap();
    let classes: Vec<_> = listed.iter().map(|object| object.storage_class.as_deref()).collect();
    assert_eq!(classes, [Some("GLACIER_IR"), Some("GLACIER_IR")], "{listed:?}");
    let again = read_small(target.as_ref(), &key("moved/large"), usize::MAX).await.unwrap();
    assert!(again == large, "the bytes are those that were written");
    let client = plain_client(&store);
    let head = client.head_object().bucket(BUCKET).key("some/where/moved/large").send().await.unwrap();
    assert_eq!(head.object_lock_mode().map(|mode| mode.as_str()), Some("GOVERNANCE"), "it stays locked");
    let missing = target.change_storage_class(&key("moved/never"), "GLACIER_IR").await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
    let folder = tempfile::tempdir().unwrap();
    let folder = FolderTarget::open("folder", folder.path()).unwrap();
    let refused = folder.change_storage_class(&key("a"), "GLACIER_IR").await.unwrap_err().to_string();
    assert!(refused.contains("no storage classes"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_and_a_bucket_that_is_not_there_are_told() {
    let Some(store) = store().await else { return };
    let mut wrong = settings(&store.endpoint());
    wrong.credentials = Some((OBJECT_STORE_KEY.to_owned(), "not-the-secret".into()));
    let refused = target(wrong).await.put(&key("x"), Bytes::from_static(b"x")).await.unwrap_err().to_string();
    assert!(refused.contains("bucket: cannot write x"), "{refused}");
    assert!(!refused.contains("not-the-secret"), "{refused}");
    let mut nowhere = settings(&store.endpoint());
    nowhere.bucket = "not-there".to_owned();
    let refused = target(nowhere).await.list("x/").await.unwrap_err().to_string();
    assert!(refused.contains("NoSuchBucket"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_to_a_folder_and_a_bucket_at_once_and_comes_back_from_either() {
    let Some(mut store) = store().await else { return };
    let binaries = postgresql_versions().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let source = TestCluster::start(&binaries, &[]).await;
    source.execute("CREATE TABLE jars AS SELECT n FROM generate_series(1, 30000) AS n").await;
    let mut vault = vault_in(folder.path());
    vault.targets.push(target(settings(&store.endpoint())).await);
    let created = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
    assert_eq!(created.targets, ["local", "bucket"]);
    store.kill_and_start_again().await;
    let from_bucket = Vault { targets: vec![vault.targets[1].clone()], ..vault.clone() };
    // The server opens its door before it knows again where everything lies.
    let started = Instant::now();
    while let Err(error) =
        verify(&from_bucket, &from_bucket.targets[0], &created.manifest, &Progress::silent()).await
    {
        assert!(started.elapsed() < Duration::from_secs(60), "{error}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let copy = restored(&from_bucket, &created.manifest, &binaries).await;
    assert_eq!(copy.value("SELECT count(*) FROM jars").await, "30000");

    let damaged = from_bucket.targets[0].list("test/backups/").await.unwrap();
    let base = damaged.iter().find(|object| object.key.file_name().starts_with("base-")).unwrap();
    let mut content = read_small(from_bucket.targets[0].as_ref(), &base.key, usize::MAX).await.unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    let name = format!("some/where/{}", base.key);
    plain_client(&store).put_object().bucket(BUCKET).key(name).body(content.into()).send().await.unwrap();
    let found = verify(&from_bucket, &from_bucket.targets[0], &created.manifest, &Progress::silent()).await;
    assert!(found.unwrap_err().to_string().contains(base.key.file_name()));
    verify(&vault, &vault.targets[0], &created.manifest, &Progress::silent()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_fails_is_left_out_and_the_folder_has_the_backup() {
    let Some(store) = store().await else { return };
    let binaries = postgresql_versions().remove(0);
    let source = TestCluster::start(&binaries, &[]).await;
    for (second, fault) in
        [Fault::Answer500, Fault::Silence, Fault::CutRequestsBehind(100_000)].into_iter().enumerate()
    {
        let folder = tempfile::tempdir().unwrap();
        let way = FaultyWay::to(store.port()).await;
        let mut vault = vault_in(folder.path());
        vault.targets.push(target(settings(&way.endpoint())).await);
        way.set(fault);
        let created = create(&vault, full(&source, second as i64), &Progress::silent()).await.unwrap();
        assert_eq!(created.targets, ["local"], "{fault:?}");
        let told = created.failures[0].to_string();
        assert!(told.starts_with("bucket: cannot") && told.contains("base-000001"), "{fault:?}: {told}");
        way.set(Fault::None);
        let listing = vault.list(&vault.targets[1]).await.unwrap();
        assert!(listing.backups.is_empty(), "{fault:?}: half a backup is none");
        let alone = Vault { targets: vec![vault.targets[1].clone()], ..vault.clone() };
        way.set(fault);
        let refused =
            create(&alone, full(&source, second as i64 + 100), &Progress::silent()).await.unwrap_err();
        assert!(refused.to_string().contains("no target took the backup"), "{fault:?}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_is_waited_out() {
    let Some(store) = store().await else { return };
    let way = FaultyWay::to(store.port()).await;
    let target = target(settings(&way.endpoint())).await;
    let content = bytes(3 * PART_BYTES, 9);
    way.set(Fault::Answer500);
    let heal = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        way.set(Fault::None);
    };
    let (uploaded, ()) = tokio::join!(upload(&target, "late/object", &content), heal);
    uploaded.unwrap();
    // Each answer is cut behind five million bytes: the object is read on from there.
    way.set(Fault::CutAnswersBehind(5_000_000));
    let back = read_small(target.as_ref(), &key("late/object"), usize::MAX).await.unwrap();
    assert_eq!(back.len(), content.len());
    assert!(back == content, "it is the same object");
    way.set(Fault::CutAnswersBehind(10_000));
    let refused = read_small(target.as_ref(), &key("late/object"), usize::MAX).await.unwrap_err();
    assert!(refused.to_string().contains("late/object"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checksums_are_headers_and_never_trailers_that_endpoints_refuse() {
    let Some(store) = store().await else { return };
    let way = FaultyWay::to(store.port()).await;
    let target = target(settings(&way.endpoint())).await;
    upload(&target, "x/small", b"small").await.unwrap();
    upload(&target, "x/large", &vec![b'.'; PART_BYTES + 1]).await.unwrap();
    read_small(target.as_ref(), &key("x/large"), usize::MAX).await.unwrap();
    let requests = way.requests();
    assert!(requests.matches("x-amz-checksum-sha256: ").count() >= 3, "every body has a sum");
    assert!(!requests.contains("x-amz-trailer") && !requests.contains("aws-chunked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_is_a_target_of_the_same_kind() {
    let folder = tempfile::tempdir().unwrap();
    let target: SharedTarget = Arc::new(FolderTarget::open("folder", folder.path()).unwrap());
    let content = bytes(PART_BYTES + 5, 2);
    upload(&target, "a/object", &content).await.unwrap();
    assert_eq!(read_small(target.as_ref(), &key("a/object"), usize::MAX).await.unwrap(), content);
    assert!(upload(&target, "a/object", &content).await.unwrap_err().contains("exists already"));
}

/// The key of the bucket's owner in a file that nobody else may read.
fn key_file(folder: &Path) -> PathBuf {
    let file = folder.join("key");
    let secret =
        format!("access_key_id = \"{OBJECT_STORE_KEY}\"\nsecret_access_key = \"{OBJECT_STORE_SECRET}\"\n");
    std::fs::write(&file, secret).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn several_buckets_and_folders_take_a_backup_at_once_and_each_keeps_what_it_is_told() {
    let Some(store) = store().await else { return };
    let made = plain_client(&store).create_bucket().bucket("larder-offsite");
    made.send().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = key_file(folder.path());
    let bucket = |name: &str, bucket: &str, keep: &str| {
        format!(
            "[[bucket]]\nname = \"{name}\"\nbucket = \"{bucket}\"\nendpoint = \"{}\"\ncredentials_file = \"{}\"\n\
             keep = {keep}\n",
            store.endpoint(),
            key.display()
        )
    };
    let file = folder.path().join("targets.toml");
    let text = [
        bucket("near", BUCKET, "{ count = 1, days = 0, monthly = 0 }"),
        bucket("offsite", "larder-offsite", "{ count = 2, days = 0, monthly = 0 }"),
        format!("[[folder]]\nname = \"nas\"\npath = \"{}\"\n", folder.path().join("nas").display()),
    ];
    std::fs::write(&file, text.concat()).unwrap();
    let house = House::open(|settings| {
        settings.backup.archive_wal = false;
        settings.backup.folder_enabled = false;
        settings.backup.targets_file = Some(file);
    })
    .await;
    let mut client = house.client().await;
    for _ in 0..3 {
        let created = create_by_call(&mut client).await;
        assert_eq!(created.state(), OperationState::Succeeded, "{:?}", created.error);
        // In the order in which they are named, the quickest to read from first.
        assert_eq!(created.result["targets"], "nas, near, offsite");
        // Names tell the second.
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    let previewed = client.preview_retention(PreviewRetentionRequest::default()).await.unwrap().into_inner();
    let kept = |target: &str| {
        let at = |verdict: &&RetentionVerdict| {
            verdict.keep && verdict.backup.as_ref().is_some_and(|it| it.target == target)
        };
        previewed.verdicts.iter().filter(at).count()
    };
    assert_eq!((kept("near"), kept("offsite"), kept("nas")), (1, 2, 3));
    house.app.stop().await;
}

/// What the clock of the service shows once forty days have gone by.
fn forty_days_later() -> jiff::Timestamp {
    larder_backup::system_clock() + jiff::SignedDuration::from_hours(40 * 24)
}

#[tokio::test(flavor = "multi_thread")]
async fn old_backups_move_to_the_class_of_their_age_and_are_verified_there() {
    let Some(store) = store().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, secret) = (folder.path().join("targets.toml"), key_file(folder.path()));
    let text = format!(
        "[[bucket]]\nname = \"aging\"\nbucket = \"{BUCKET}\"\nprefix = \"aging/\"\nendpoint = \"{}\"\n\
         credentials_file = \"{}\"\nkeep = {{ days = 365 }}\n\
         tiers = [{{ after_days = 30, storage_class = \"GLACIER_IR\" }}, {{ after_days = 90, storage_class = \"DEEP_ARCHIVE\" }}]\n",
        store.endpoint(),
        secret.display(),
    );
    std::fs::write(&file, text).unwrap();
    let house = House::open(|settings| {
        settings.backup.archive_wal = false;
        settings.backup.folder_enabled = false;
        settings.backup.targets_file = Some(file);
    })
    .await;
    let created = create_by_call(&mut house.client().await).await;
    assert_eq!(created.state(), OperationState::Succeeded, "{:?}", created.error);
    let old = created.result["backup_id"].clone();
    house.app.stop().await;

    // A yearly run that was missed is caught up with, and retention comes after it.
    let mut later = house.settings.clone();
    later.backup.schedule = "0 0 1 1 *".to_owned();
    let settings = AppSettings { clock: forty_days_later, ..app_settings(&later, &house.cluster) };
    let app = App::build(settings).await.unwrap().start().await.unwrap();
    let client = plain_client(&store);
    let classes = async |part: &str| -> Vec<(String, String)> {
        let listed = client.list_objects_v2().bucket(BUCKET).prefix("aging/").send().await.unwrap();
        let of_part = listed.contents().iter().filter(|object| object.key().unwrap().contains(part));
        of_part
            .map(|object| {
                let name = object.key().unwrap().rsplit('/').next().unwrap().to_owned();
                (name, object.storage_class().unwrap().as_str().to_owned())
            })
            .collect()
    };
    let is_moved = |objects: &[(String, String)]| {
        let is_part = |name: &str| name.contains(".tar") || name.starts_with("backup_manifest");
        objects.iter().all(|(name, class)| (class == "GLACIER_IR") == is_part(name))
    };
    let mut seen = Vec::new();
    for _ in 0..300 {
        seen = classes(&old).await;
        if is_moved(&seen) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(is_moved(&seen) && seen.len() >= 3, "its objects are moved and its manifest is not: {seen:?}");
    let near = classes("").await.into_iter().filter(|(_, class)| class == "GLACIER_IR").count();
    assert_eq!(
        near,
        seen.iter().filter(|(_, class)| class == "GLACIER_IR").count(),
        "the new one stays near"
    );
    let mut client = BackupServiceClient::connect(format!("http://{}", app.api_address())).await.unwrap();
    let preview = client.preview_retention(PreviewRetentionRequest::default()).await.unwrap().into_inner();
    let told =
        preview.verdicts.iter().find(|verdict| verdict.backup.as_ref().unwrap().backup_id == old).unwrap();
    assert!(told.keep && told.reason.ends_with("by its age it lies in GLACIER_IR"), "{}", told.reason);
    let request = VerifyBackupRequest { backup_id: old, target: String::new() };
    let mut verifying = client.verify_backup(request).await.unwrap().into_inner();
    let mut last = OperationState::Unspecified;
    while let Some(answer) = verifying.message().await.unwrap() {
        last = answer.operation.unwrap().state();
    }
    assert_eq!(last, OperationState::Succeeded);
    app.stop().await;
}
