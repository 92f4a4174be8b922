//! The embedded default is backed up without being told to: what `larder up` keeps is backed up by
//! itself, verified, and restored into an empty folder when nothing runs any more.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use larder_database::Binaries;
use larder_testkit::{TestCluster, postgresql_versions};
use serde_json::Value;

use super::larder::{DataDir, Finished, Up, finish, larder, on_folder};

pub(crate) async fn backup(data: &Path, arguments: &[&str]) -> Finished {
    let mut command = larder(&["backup"]);
    command.args(arguments).arg("--json");
    on_folder(&mut command, data);
    finish(&mut command).await
}

/// The backup that the schedule takes when there was none yet.
pub(crate) async fn first_backup(data: &Path) -> Value {
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
    assert_eq!(kept["verdicts"][0]["reason"], "it is held: an audit");
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

/// A server as its owner's own tools see it.
pub(crate) struct Psql {
    pub(crate) programs: Binaries,
    pub(crate) host: String,
}

impl Psql {
    /// The private cluster of a data folder: its server notes where its socket is.
    pub(crate) fn of_private_cluster(data: &DataDir) -> Self {
        let note = std::fs::read_to_string(data.cluster().join("postmaster.pid")).unwrap();
        let host = note.lines().nth(4).unwrap().to_owned();
        let version = std::fs::read_to_string(data.cluster().join("PG_VERSION")).unwrap();
        let mut programs = postgresql_versions().into_iter();
        let programs = programs.find(|binaries| binaries.version.to_string() == version.trim()).unwrap();
        Self { programs, host }
    }

    pub(crate) fn ask(&self, database: &str, query: &str) -> String {
        let mut psql = std::process::Command::new(self.programs.program("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        psql.args(["--host", &self.host, "--username", "postgres", "--dbname", database]);
        let output = larder_testkit::run(psql.args(["--command", query]));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

pub(crate) const JARS: &str = "SELECT count(*) || ' ' || sum(jar) FROM public.jars";
pub(crate) const NOW: &str =
    "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";

/// Waits until the archived log leads beyond an instant, writing a little meanwhile.
pub(crate) async fn archived_beyond(data: &Path, psql: &Psql, instant: jiff::Timestamp) {
    for _ in 0..300 {
        psql.ask("larder", "INSERT INTO public.lines VALUES (1)");
        let status = backup(data, &["status"]).await.expect_code(0).json();
        let windows = status["windows"].as_array().cloned().unwrap_or_default();
        let end = windows.last().and_then(|window| window["endAt"].as_str()?.parse::<jiff::Timestamp>().ok());
        if end.is_some_and(|end| end > instant) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the log is not archived beyond {instant}");
}

/// A program that another account may run: the target folder of a build may be in root's home.
fn program_for_everybody(folder: &Path) -> PathBuf {
    let program = folder.join("larder");
    let own = env!("CARGO_BIN_EXE_larder");
    if std::fs::hard_link(own, &program).is_err() {
        std::fs::copy(own, &program).unwrap();
    }
    program
}

/// Lets every account read what a server in recovery asks for.
fn open_to_everybody(path: &Path) {
    let is_folder = path.is_dir();
    let mode = if is_folder { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    if is_folder {
        for entry in std::fs::read_dir(path).unwrap() {
            open_to_everybody(&entry.unwrap().path());
        }
    }
}

/// Lets every account come as far as these folders.
fn let_pass(folders: &[&Path]) {
    for folder in folders {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// A backup restored by the command, for a server that fetches its log by the command as well.
pub(crate) async fn restored_for_a_server(
    programs: &Binaries,
    data: &DataDir,
    settings: &Path,
    wanted: &[&str],
) -> TestCluster {
    let high = [("max_connections", "500"), ("max_worker_processes", "64"), ("max_wal_senders", "64")];
    let copy = TestCluster::empty(programs, &high);
    let mut command = tokio::process::Command::new(program_for_everybody(copy.socket_dir()));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LARDER_")) {
        command.env_remove(name);
    }
    command.arg("--config").arg(settings).args(["backup", "restore"]).args(wanted).arg("--to");
    command.arg(copy.data_dir());
    if let Some((uid, gid)) = copy.account() {
        command.args(["--owner", &format!("{uid}:{gid}")]);
        let_pass(&[data.path().parent().unwrap(), &data.path()]);
        open_to_everybody(settings);
        open_to_everybody(&data.path().join("backups"));
    }
    finish(&mut command).await.expect_code(0);
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_dropped_comes_back_as_it_was_a_second_before() {
    let data = DataDir::new();
    let settings = data.beside("larder.toml");
    // No run of the schedule may come in between, but for the first.
    let text = format!("data_dir = \"{}\"\n[backup]\nschedule = \"0 0 1 1 *\"\n", data.path().display());
    std::fs::write(&settings, text).unwrap();
    let up = Up::start(&data.path(), &["--config", settings.to_str().unwrap()]).await;
    first_backup(&data.path()).await;
    let psql = Psql::of_private_cluster(&data);
    psql.ask("larder", "CREATE TABLE public.lines (n int)");
    psql.ask("larder", "CREATE TABLE public.jars AS SELECT generate_series(1, 1000) AS jar");
    let created = backup(&data.path(), &["create"]).await.expect_code(0).json();
    let id = created["backup_id"].as_str().unwrap().to_owned();
    backup(&data.path(), &["verify", &id]).await.expect_code(0);
    let listed = backup(&data.path(), &["list"]).await.expect_code(0).json();
    assert_eq!(listed["backups"][0]["backupId"].as_str(), Some(id.as_str()), "the newest first");

    psql.ask("larder", "INSERT INTO public.jars SELECT generate_series(1001, 1500)");
    let was = psql.ask("larder", JARS);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let dropped_at: jiff::Timestamp = psql.ask("larder", NOW).parse().unwrap();
    psql.ask("larder", "DROP TABLE public.jars");
    let before = (dropped_at - jiff::SignedDuration::from_secs(1)).to_string();
    archived_beyond(&data.path(), &psql, dropped_at + jiff::SignedDuration::from_secs(1)).await;

    let drilled = backup(&data.path(), &["drill", &id]).await.expect_code(0).json();
    assert_eq!(drilled["passed"], true, "{drilled}");
    let status = backup(&data.path(), &["status"]).await.expect_code(0).json();
    assert_eq!(
        (&status["proven"], &status["rtoMeasured"]),
        (&Value::Bool(true), &Value::Bool(true)),
        "{status}"
    );

    // Into the running server, beside what is there.
    let table = ["--database", "larder", "--table", "public.jars", "--time", &before];
    let into = [&["rescue-into", &id, "--into", "jars_back"], &table[..]].concat();
    backup(&data.path(), &into).await.expect_code(0);
    assert_eq!(psql.ask("jars_back", JARS), was);
    let again = backup(&data.path(), &into).await;
    assert!(again.code != Some(0) && again.stderr.contains("jars_back already"), "{again:?}");

    let dumped = backup(&data.path(), &["dump", "larder"]).await.expect_code(0).json();
    let dump_id = dumped["dump_ids"].as_str().unwrap();
    let dumps = backup(&data.path(), &["dumps"]).await.expect_code(0).json();
    assert_eq!(
        (&dumps["dumps"][0]["dumpId"], &dumps["dumps"][0]["database"]),
        (&dump_id.into(), &"larder".into())
    );
    let held = ["hold", dump_id, "--reason", "an audit"];
    let held = backup(&data.path(), &held).await.expect_code(0).json();
    assert_eq!(held["dumps"][0]["held"], true, "{held}");
    let kept = backup(&data.path(), &["retention"]).await.expect_code(0).json();
    assert_eq!(kept["dumps"][0]["reason"], "it is held: an audit");
    let released = backup(&data.path(), &["release", dump_id]).await.expect_code(0).json();
    assert_eq!(released["dumps"][0]["held"], false, "{released}");
    let loaded =
        backup(&data.path(), &["load", dump_id, "--into", "larder_copy"]).await.expect_code(0).json();
    assert!(loaded["compared_tables"].as_str().unwrap().parse::<u32>().unwrap() > 20, "{loaded}");
    assert_eq!(psql.ask("larder_copy", "SELECT count(*) > 0 FROM public.lines"), "t");
    assert_eq!(up.stop().await, Some(0));

    // And now nothing runs any more.
    let file = data.beside("larder.dump");
    backup(&data.path(), &["fetch", dump_id, "--to", file.to_str().unwrap()]).await.expect_code(0);
    assert!(std::fs::read(&file).unwrap().starts_with(b"PGDMP"));
    let mut copy = restored_for_a_server(&psql.programs, &data, &settings, &[&id, "--time", &before]).await;
    copy.start_server().await;
    for _ in 0..1200 {
        if copy.value("SELECT pg_is_in_recovery()").await == "false" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let restored = Psql { host: copy.socket_dir().display().to_string(), programs: psql.programs };
    assert_eq!(restored.ask("larder", JARS), was, "{}", copy.log());
    assert_eq!(
        restored.ask("larder", "SELECT count(*) FROM public.lines"),
        "0",
        "and nothing that came later"
    );
}
