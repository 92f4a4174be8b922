//! What was backed up is what a server started on the restored folder answers.

use larder_backup::manifest::BackupKind;
use larder_backup::pipeline::{Identities, SealSettings};
use larder_backup::restore::restore;
use larder_backup::vault::{CreateRequest, create, verify};
use larder_backup::{BackupError, Progress};
use larder_testkit::{TestCluster, postgresql_versions};
use secrecy::SecretString;

use crate::cluster::{full, request, restored, up, vault_in};

const ROWS: &str = "CREATE TABLE jars AS SELECT n AS jar, repeat(md5(n::text), 8) AS label \
                    FROM generate_series(1, 40000) AS n";

async fn sum(cluster: &TestCluster) -> String {
    cluster.value("SELECT sum(hashtextextended(jar || label, 0)) FROM jars").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_backed_up_is_restored_with_its_tablespaces() {
    for binaries in postgresql_versions() {
        let folder = tempfile::tempdir().unwrap();
        let source = TestCluster::start(&binaries, &[]).await;
        let space = source.socket_dir().join("space");
        std::fs::create_dir(&space).unwrap();
        source.hand_over(&space);
        source.execute(ROWS).await;
        source.execute(&format!("CREATE TABLESPACE shelf LOCATION '{}'", space.display())).await;
        source.execute("CREATE TABLE elsewhere TABLESPACE shelf AS SELECT * FROM jars LIMIT 77").await;

        let vault = vault_in(folder.path());
        let created = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
        assert!(created.failures.is_empty(), "{:?}", created.failures);
        assert!(created.manifest.objects.len() > 3, "it was cut into several objects");
        let listing = vault.list(&vault.targets[0]).await.unwrap();
        assert_eq!(*listing.backups[0].manifest, created.manifest);
        let verified = verify(&vault, &vault.targets[0], &created.manifest, &Progress::silent()).await;
        assert_eq!(verified.unwrap().object_count as usize, created.manifest.objects.len());

        source.execute("DELETE FROM jars").await;
        let copy = restored(&vault, &created.manifest, &binaries).await;
        assert_eq!(copy.value("SELECT count(*) FROM jars").await, "40000");
        assert_eq!(copy.value("SELECT count(*) FROM elsewhere").await, "77");
        let link = std::fs::read_dir(copy.data_dir().join("pg_tblspc")).unwrap().next().unwrap().unwrap();
        let link = std::fs::read_link(link.path()).unwrap();
        assert!(link.starts_with(copy.socket_dir()), "{}", link.display());

        let again = request(&vault, &created.manifest, copy.data_dir());
        let again = restore(&vault, &again, &Progress::silent()).await.unwrap_err();
        assert!(again.to_string().contains("server may be running"), "{again}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_backup_is_read_with_its_key_alone() {
    let binaries = postgresql_versions().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let source = TestCluster::start(&binaries, &[]).await;
    source.execute(ROWS).await;
    let before = sum(&source).await;
    let (key, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
    let mut vault = vault_in(folder.path());
    vault.seal.recipients = SealSettings::read_recipients(&[key.to_public().to_string()]).unwrap();
    let created = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
    verify(&vault, &vault.targets[0], &created.manifest, &Progress::silent()).await.unwrap();

    let base = created.manifest.objects.iter().find(|object| object.name.starts_with("base")).unwrap();
    let stored =
        folder.path().join("test/backups").join(created.manifest.backup_id.as_str()).join(&base.name);
    assert!(std::fs::read(stored).unwrap().starts_with(b"age-encryption.org/v1\n"));

    let keys = |identity: &age::x25519::Identity| {
        use age::secrecy::ExposeSecret;
        let text = format!("# a key\n{}\n", identity.to_string().expose_secret());
        Identities::read(&SecretString::from(text)).unwrap()
    };
    let copy = TestCluster::empty(&binaries, &[]);
    let mut wanted = request(&vault, &created.manifest, copy.data_dir());
    let without = restore(&vault, &wanted, &Progress::silent()).await.unwrap_err().to_string();
    assert!(without.contains("give the secret key"), "{without}");
    wanted.identities = keys(&other);
    wanted.folder = folder.path().join("wrong");
    let wrong = restore(&vault, &wanted, &Progress::silent()).await.unwrap_err().to_string();
    assert!(wrong.contains("no key that was given opens"), "{wrong}");
    assert!(!wanted.folder.join("global/pg_control").exists());
    wanted.identities = keys(&key);
    wanted.folder = copy.data_dir().to_owned();
    restore(&vault, &wanted, &Progress::silent()).await.unwrap();
    assert_eq!(sum(&up(copy).await).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_changes_become_one_whole_cluster() {
    for binaries in postgresql_versions().into_iter().filter(|binaries| binaries.version >= 17) {
        let folder = tempfile::tempdir().unwrap();
        let source = TestCluster::start(&binaries, &[("summarize_wal", "on")]).await;
        source.execute(ROWS).await;
        source
            .execute("CREATE TABLE dropped AS SELECT * FROM jars; CREATE TABLE shrinks AS SELECT * FROM jars")
            .await;
        let vault = vault_in(folder.path());
        let whole = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
        let incremental = |second| CreateRequest { kind: BackupKind::Incremental, ..full(&source, second) };
        source.execute("UPDATE jars SET label = 'x' || label WHERE jar % 500 = 0; DROP TABLE dropped").await;
        source.execute("DELETE FROM shrinks WHERE jar > 100").await;
        source.execute("VACUUM shrinks").await;
        let first = create(&vault, incremental(2), &Progress::silent()).await.unwrap();
        source.execute("INSERT INTO jars SELECT n, 'new' FROM generate_series(40001, 45000) AS n").await;
        source.execute("INSERT INTO shrinks SELECT * FROM jars WHERE jar % 3 = 0").await;
        source.execute("CREATE TABLE fresh AS SELECT 7 AS n").await;
        let second = create(&vault, incremental(3), &Progress::silent()).await.unwrap();
        let before = sum(&source).await;
        assert_eq!(second.manifest.parent, Some(first.manifest.backup_id.clone()));
        assert!(first.manifest.stored_bytes() < whole.manifest.stored_bytes());

        let copy = restored(&vault, &second.manifest, &binaries).await;
        assert_eq!(sum(&copy).await, before);
        assert_eq!(copy.value("SELECT count(*) FROM shrinks").await, "15100");
        assert_eq!(copy.value("SELECT count(*) FROM fresh").await, "1");
        assert_eq!(copy.value("SELECT count(*) FROM pg_class WHERE relname = 'dropped'").await, "0");

        vault.remove(&vault.targets[0], &first.manifest.backup_id).await.unwrap();
        let broken = request(&vault, &second.manifest, &folder.path().join("x"));
        let broken = restore(&vault, &broken, &Progress::silent()).await.unwrap_err();
        let is_named =
            matches!(&broken, BackupError::Damaged { cause, .. } if cause.contains("which is not there"));
        assert!(is_named, "{broken}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_summaries_of_the_log_a_full_backup_is_asked_for_or_taken() {
    for binaries in postgresql_versions().into_iter().filter(|binaries| binaries.version >= 17) {
        let folder = tempfile::tempdir().unwrap();
        let source = TestCluster::start(&binaries, &[("summarize_wal", "on")]).await;
        source.execute(ROWS).await;
        let vault = vault_in(folder.path());
        let base = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
        // What follows is summarized in two pieces, and the first of them is thrown away.
        for _ in 0..2 {
            source.execute("CREATE TABLE IF NOT EXISTS later (n int); INSERT INTO later VALUES (1)").await;
            source.execute("CHECKPOINT").await;
            summarized(&source).await;
        }
        for entry in std::fs::read_dir(source.data_dir().join("pg_wal/summaries")).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let wanted = CreateRequest { kind: BackupKind::Incremental, ..full(&source, 2) };
        let refused = create(&vault, wanted.clone(), &Progress::silent()).await.unwrap_err().to_string();
        let parent = base.manifest.backup_id.as_str();
        for told in [parent, "summaries", "take a full backup"] {
            assert!(refused.contains(told), "{told}: {refused}");
        }
        let listing = vault.list(&vault.targets[0]).await.unwrap();
        assert_eq!((listing.backups.len(), listing.uncommitted.len()), (1, 0), "nothing of it is shown");

        let scheduled = CreateRequest { falls_back: true, ..wanted };
        let taken = create(&vault, scheduled, &Progress::silent()).await.unwrap();
        assert_eq!((taken.manifest.kind, taken.manifest.parent.as_ref()), (BackupKind::Full, None));
        let copy = restored(&vault, &taken.manifest, &binaries).await;
        assert_eq!(sum(&copy).await, sum(&source).await);
    }
}

/// Waits until everything before the last checkpoint is summarized.
async fn summarized(source: &TestCluster) {
    const SQL: &str = "SELECT coalesce(max(end_lsn), '0/0') >= (SELECT redo_lsn FROM pg_control_checkpoint()) \
                       FROM pg_available_wal_summaries()";
    for _ in 0..600 {
        if source.value(SQL).await == "true" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the log is not summarized: {}", source.log());
}
