//! Dumps of live databases, loaded whole, by the table, into newer versions, and not over anything.

use std::path::Path;

use larder_backup::dump::{
    DumpManifest, DumpPart, DumpRequest, LoadPlace, LoadRequest, Loaded, create_dump, load_dump, read_dump,
};
use larder_backup::manifest::BackupId;
use larder_backup::pipeline::{Identities, SealSettings};
use larder_backup::vault::Vault;
use larder_backup::{BackupError, Progress};
use larder_database::Binaries;
use larder_replication::ConnectOptions;
use larder_testkit::{TestCluster, postgresql_versions};
use secrecy::SecretString;

use crate::cluster::vault_in;

const SHOP: &str = "CREATE SCHEMA shop;
    CREATE TABLE shop.lids (lid int PRIMARY KEY);
    INSERT INTO shop.lids SELECT generate_series(1, 10);
    CREATE TABLE shop.jars (
        jar serial PRIMARY KEY, size numeric DEFAULT 0.5 CHECK (size > 0), label text, made timestamptz,
        lid int REFERENCES shop.lids
    );
    INSERT INTO shop.jars (label, made, lid)
        SELECT 'jar ' || n, '2026-11-23T08:00:00Z'::timestamptz + n * interval '1 s', 1 + n % 10
        FROM generate_series(1, 3000) AS n;
    CREATE INDEX jars_by_label ON shop.jars (label);
    COMMENT ON TABLE shop.jars IS 'what stands on the shelf';
    CREATE TABLE \"odd name;--\" AS SELECT 1 AS \"a\"\"b\"";

fn at(second: i64) -> BackupId {
    BackupId::new(jiff::Timestamp::from_second(1_795_000_000 + second).unwrap(), 1)
}

pub(crate) fn dump_request(source: &TestCluster, second: i64) -> DumpRequest {
    DumpRequest {
        server: ConnectOptions::from_url(&source.url()).unwrap(),
        database: "postgres".to_owned(),
        dump_id: at(second),
        bin_dir: Some(source.binaries().dir.clone()),
        bytes_per_second: None,
        record_most_bytes: 1 << 30,
        now: larder_backup::system_clock,
    }
}

fn into(server: &TestCluster, programs: &Binaries, database: &str) -> LoadPlace {
    LoadPlace {
        server: ConnectOptions::from_url(&server.url()).unwrap(),
        database: database.to_owned(),
        bin_dir: Some(programs.dir.clone()),
        skip_owners: false,
    }
}

async fn load(
    vault: &Vault,
    manifest: &DumpManifest,
    tables: &[&str],
    place: LoadPlace,
) -> Result<Loaded, BackupError> {
    let request = LoadRequest {
        target: vault.targets[0].clone(),
        manifest: manifest.clone(),
        identities: Identities::default(),
        tables: tables.iter().map(|table| table.parse().unwrap()).collect(),
        place,
    };
    load_dump(vault, &request, &Progress::silent()).await
}

/// Asks another database of a cluster than `postgres`.
async fn value_of(cluster: &TestCluster, database: &str, query: &str) -> String {
    let mut psql = cluster.program("psql");
    psql.args([
        "--no-psqlrc",
        "--quiet",
        "--tuples-only",
        "--no-align",
        "--dbname",
        database,
        "--command",
        query,
    ]);
    String::from_utf8(larder_testkit::run(&mut psql).stdout).unwrap().trim().to_owned()
}

async fn unfinished_databases(cluster: &TestCluster) -> String {
    cluster.value("SELECT count(*) FROM pg_database WHERE datname LIKE 'larder\\_loading\\_%'").await
}

async fn shop(binaries: &Binaries) -> TestCluster {
    let source = TestCluster::start(binaries, &[]).await;
    source.execute(SHOP).await;
    source
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_comes_back_whole_and_by_the_table_and_never_over_anything() {
    for binaries in postgresql_versions() {
        let folder = tempfile::tempdir().unwrap();
        let source = shop(&binaries).await;
        // Several objects of the archive, which follow each other.
        let vault = Vault { object_bytes: 100_000, ..vault_in(folder.path()) };
        let created = create_dump(&vault, &dump_request(&source, 1), &Progress::silent()).await.unwrap();
        let manifest = created.manifest;
        assert_eq!(created.targets, ["local"]);
        assert!(manifest.archive.len() > 1, "{:?}", manifest.archive);
        assert!(manifest.program.contains(&binaries.version.to_string()), "{}", manifest.program);
        source.execute("DROP TABLE shop.jars").await;
        let listed = vault.list_dumps(&vault.targets[0]).await.unwrap();
        assert_eq!(listed.dumps[0].manifest.as_ref(), &manifest, "it is read as it was written");

        let loaded = load(&vault, &manifest, &[], into(&source, &binaries, "whole")).await.unwrap();
        assert_eq!((loaded.compared, loaded.rows, loaded.keeps_locale), (3, 3011, true), "{loaded:?}");
        let ask = async |query: &str| value_of(&source, "whole", query).await;
        assert_eq!(ask("SELECT count(*) || ' ' || max(label) FROM shop.jars").await, "3000 jar 999");
        assert_eq!(ask("SELECT count(*) FROM pg_constraint WHERE contype = 'f'").await, "1");
        assert_eq!(ask("SELECT \"a\"\"b\" FROM \"odd name;--\"").await, "1");

        let place = into(&source, &binaries, "one");
        let loaded = load(&vault, &manifest, &["shop.jars"], place).await.unwrap();
        assert_eq!((loaded.compared, loaded.rows), (1, 3000));
        let ask = async |query: &str| value_of(&source, "one", query).await;
        assert_eq!(ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'shop'").await, "1");
        assert_eq!(ask("INSERT INTO shop.jars (label) VALUES ('new') RETURNING jar").await, "3001");
        assert_eq!(ask("SELECT size FROM shop.jars WHERE label = 'new'").await, "0.5");
        let indexes =
            "SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'shop'";
        assert_eq!(ask(indexes).await, "jars_by_label jars_pkey");
        let comment = "SELECT obj_description('shop.jars'::regclass)";
        assert_eq!(ask(comment).await, "what stands on the shelf");

        let again = load(&vault, &manifest, &[], into(&source, &binaries, "one")).await.unwrap_err();
        assert!(again.to_string().contains("there is a database one already"), "{again}");
        let unknown =
            load(&vault, &manifest, &["shop.never"], into(&source, &binaries, "x")).await.unwrap_err();
        assert!(
            unknown.to_string().contains("holds no table shop.never; it holds public.odd name"),
            "{unknown}"
        );
        let named = load(&vault, &manifest, &[], into(&source, &binaries, "a b")).await.unwrap_err();
        assert!(named.to_string().contains("must be the name of a new database"), "{named}");
        assert_eq!(unfinished_databases(&source).await, "0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_moves_to_newer_versions_and_not_to_older_ones() {
    let versions = postgresql_versions();
    let (Some(oldest), Some(newest)) = (versions.first(), versions.last()) else { return };
    if oldest.version == newest.version {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (shop(oldest).await, shop(newest).await);
    let vault = vault_in(folder.path());
    let of_old = create_dump(&vault, &dump_request(&old, 1), &Progress::silent()).await.unwrap().manifest;
    let loaded = load(&vault, &of_old, &[], into(&new, newest, "moved")).await.unwrap();
    assert_eq!((loaded.compared, loaded.rows), (3, 3011));
    assert_eq!(value_of(&new, "moved", "SELECT count(*) FROM shop.jars").await, "3000");

    let of_new = create_dump(&vault, &dump_request(&new, 2), &Progress::silent()).await.unwrap().manifest;
    let back = load(&vault, &of_new, &[], into(&old, newest, "back")).await.unwrap_err().to_string();
    let told = format!("cannot be loaded into {}", oldest.version);
    assert!(back.contains(&told) && back.contains("or newer"), "{back}");

    // The very disaster: an older program dumps a newer server.
    let wrong = DumpRequest { bin_dir: Some(oldest.dir.clone()), ..dump_request(&new, 3) };
    let refused = create_dump(&vault, &wrong, &Progress::silent()).await.unwrap_err().to_string();
    let told = format!("of {} or newer", newest.version);
    assert!(refused.contains(&told) && refused.contains("pg_dump"), "{refused}");
    let listed = vault.list_dumps(&vault.targets[0]).await.unwrap();
    assert_eq!((listed.dumps.len(), listed.uncommitted.len()), (2, 0), "nothing is left of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_dump_needs_its_key_and_a_damaged_one_fills_no_database() {
    let binaries = postgresql_versions().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let source = shop(&binaries).await;
    let key = age::x25519::Identity::generate();
    let mut vault = vault_in(folder.path());
    vault.seal = SealSettings { recipients: vec![key.to_public()], ..vault.seal };
    let manifest =
        create_dump(&vault, &dump_request(&source, 1), &Progress::silent()).await.unwrap().manifest;
    let refused = load(&vault, &manifest, &[], into(&source, &binaries, "sealed")).await.unwrap_err();
    assert!(refused.to_string().contains("is sealed for age1"), "{refused}");
    let text = SecretString::from(secrecy::ExposeSecret::expose_secret(&key.to_string()).to_owned());
    let identities = Identities::read(&text).unwrap();
    let mut globals = Vec::new();
    let found = (&vault.targets[0], &manifest);
    let silent = Progress::silent();
    let read = read_dump(&vault, found, &identities, DumpPart::Globals, &mut globals, &silent).await;
    assert_eq!(read.unwrap(), globals.len() as u64);
    let globals = String::from_utf8(globals).unwrap();
    assert!(globals.contains("CREATE ROLE postgres") && !globals.contains("PASSWORD"), "{globals}");
    let request = LoadRequest {
        target: vault.targets[0].clone(),
        manifest: manifest.clone(),
        identities,
        tables: Vec::new(),
        place: into(&source, &binaries, "opened"),
    };
    load_dump(&vault, &request, &Progress::silent()).await.unwrap();

    flip_a_byte(
        &folder.path().join(format!("test/dumps/{}", manifest.dump_id)).join(&manifest.archive[0].name),
    );
    let request = LoadRequest { place: into(&source, &binaries, "damaged"), ..request };
    let refused = load_dump(&vault, &request, &Progress::silent()).await.unwrap_err().to_string();
    assert!(refused.contains(&manifest.archive[0].name) && refused.contains("is damaged"), "{refused}");
    assert_eq!(source.value("SELECT count(*) FROM pg_database WHERE datname = 'damaged'").await, "0");
    assert_eq!(unfinished_databases(&source).await, "0");
}

fn flip_a_byte(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_fails_half_way_leaves_nothing_and_the_good_one_stays() {
    let binaries = postgresql_versions().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let source = shop(&binaries).await;
    let vault = vault_in(folder.path());
    let good = create_dump(&vault, &dump_request(&source, 1), &Progress::silent()).await.unwrap();
    source.execute("CREATE ROLE blind LOGIN; GRANT pg_read_all_data TO blind").await;
    source
        .execute(
            "CREATE TABLE shop.hidden AS SELECT 1 AS n; ALTER TABLE shop.hidden ENABLE ROW LEVEL SECURITY",
        )
        .await;
    let mut wrong = dump_request(&source, 2);
    wrong.server.user = "blind".to_owned();
    // The program refuses to leave out what a policy hides.
    let refused = create_dump(&vault, &wrong, &Progress::silent()).await.unwrap_err().to_string();
    assert!(refused.contains("pg_dump failed") && refused.contains("hidden"), "{refused}");
    wrong.server.user = "nobody_here".to_owned();
    let refused = create_dump(&vault, &wrong, &Progress::silent()).await.unwrap_err().to_string();
    assert!(refused.contains("nobody_here"), "{refused}");
    let listed = vault.list_dumps(&vault.targets[0]).await.unwrap();
    let ids: Vec<_> = listed.dumps.iter().map(|dump| &dump.manifest.dump_id).collect();
    assert_eq!((ids, listed.uncommitted.len()), (vec![&good.manifest.dump_id], 0));
}
