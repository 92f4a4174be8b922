//! What a folder promises: nothing half-written has a name, and nothing is written over.

use super::*;
use crate::target::read_small;

fn key(name: &str) -> ObjectKey {
    name.parse().unwrap()
}

#[tokio::test]
async fn an_object_appears_whole_and_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let target = FolderTarget::open("local", folder.path()).unwrap();
    let mut upload = target.begin(&key("c/backups/1/base")).await.unwrap();
    upload.write(Bytes::from_static(b"first ")).await.unwrap();
    assert_eq!(target.list("c/").await.unwrap(), []);
    assert!(target.open(&key("c/backups/1/base")).await.is_err_and(|error| error.is_not_found()));
    upload.write(Bytes::from_static(b"second")).await.unwrap();
    upload.finish().await.unwrap();
    let read = read_small(&target, &key("c/backups/1/base"), 100).await.unwrap();
    assert_eq!(read, b"first second");
    assert!(read_small(&target, &key("c/backups/1/base"), 5).await.is_err());
    assert_eq!(target.list("c/backups/").await.unwrap().len(), 1);
    assert_eq!(target.list_folders("c/backups/").await.unwrap(), ["1"]);
}

#[tokio::test]
async fn nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let target = FolderTarget::open("local", folder.path()).unwrap();
    let (mut one, mut other) =
        (target.begin(&key("c/m")).await.unwrap(), target.begin(&key("c/m")).await.unwrap());
    one.write(Bytes::from_static(b"one")).await.unwrap();
    other.write(Bytes::from_static(b"other")).await.unwrap();
    one.finish().await.unwrap();
    let refused = other.finish().await.unwrap_err();
    assert!(refused.is_exists(), "{refused}");
    assert_eq!(read_small(&target, &key("c/m"), 100).await.unwrap(), b"one");
    let names: Vec<_> = fs::read_dir(folder.path().join("c")).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing unfinished is left: {names:?}");
}

#[tokio::test]
async fn what_is_dropped_half_way_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let target = FolderTarget::open("local", folder.path()).unwrap();
    let mut upload = target.begin(&key("c/m")).await.unwrap();
    upload.write(Bytes::from_static(b"half")).await.unwrap();
    upload.abort().await;
    assert_eq!(fs::read_dir(folder.path().join("c")).unwrap().count(), 0);
    target.remove(&key("c/m")).await.unwrap();
}

#[tokio::test]
async fn removing_leaves_no_empty_folders_and_no_neighbour_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let target = FolderTarget::open("local", folder.path()).unwrap();
    for name in ["c/backups/1/m", "c/backups/2/m"] {
        target.put(&key(name), Bytes::from_static(b"x")).await.unwrap();
    }
    target.remove(&key("c/backups/1/m")).await.unwrap();
    assert_eq!(target.list_folders("c/backups/").await.unwrap(), ["2"]);
    assert!(folder.path().join("c/backups/2/m").exists());
}
