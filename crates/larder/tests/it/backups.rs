//! The embedded default is backed up without being told to: what `larder up` keeps is backed up by
//! itself, verified, and restored into an empty folder when nothing runs any more.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::larder::{DataDir, Finished, Up, finish, larder, on_folder};

async fn backup(data: &Path, arguments: &[&str]) -> Finished {
    let mut command = larder(&["backup"]);
    command.args(arguments).arg("--json");
    on_folder(&mut command, data);
    finish(&mut command).await
}

/// The backup that the schedule takes when there was none yet.
async fn first_backup(data: &Path) -> Value {
    for _ in 0..600 {
        let listed = backup(data, &["list"]).await.expect_code(0).json();
        if let Some(first) = listed["backups"].as_array().and_then(|all| all.first()) {
            return first.clone();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("no backup was taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_private_cluster_is_backed_up_by_itself_and_restored_without_it() {
    let data = DataDir::new();
    let up = Up::start(&data.path(), &[]).await;
    let first = first_backup(&data.path()).await;
    let id = first["backupId"].as_str().unwrap().to_owned();
    assert_eq!(first["kind"], "BACKUP_KIND_FULL");
    assert!(data.path().join("backups/larder/backups").join(&id).join("manifest.json").exists());

    backup(&data.path(), &["verify", &id]).await.expect_code(0);
    let status = backup(&data.path(), &["status"]).await.expect_code(0).json();
    assert_eq!(status["proven"], false);
    assert!(status["rpoMs"].as_i64().unwrap() < 600_000, "{status}");
    let held = backup(&data.path(), &["hold", &id, "--reason", "an audit"]).await.expect_code(0).json();
    assert_eq!(held["backups"][0]["held"], true);
    let kept = backup(&data.path(), &["retention"]).await.expect_code(0).json();
    assert_eq!(kept["verdicts"][0]["reason"], "it is held");
    let (code, answer) = up.request("GET", "/v1/backups", None).await.unwrap();
    assert_eq!((code, answer["backups"][0]["backupId"].as_str()), (200, Some(id.as_str())));
    assert_eq!(up.stop().await, Some(0));

    let folder = data.beside("restored");
    let into = folder.to_str().unwrap();
    let restored = backup(&data.path(), &["restore", &id, "--to", into]).await.expect_code(0).json();
    assert!(restored["fileCount"].as_i64().unwrap() > 500, "{restored}");
    assert!(folder.join("global/pg_control").exists());
    let again = backup(&data.path(), &["restore", &id, "--to", into]).await.expect_code(1);
    assert!(again.stderr.contains("never writes over anything"), "{again:?}");
}
