//! What the archived log gives by the command: `larder backup wal-get` to servers in recovery, and `larder backup
//! rescue` to whoever lacks a table. Both get what is whole; the end of the log is told only where it is certain, and
//! anything else is a death by signal that no server takes for the end, or an error that leaves no file behind.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use larder_testkit::TestCluster;

use super::backups::{JARS, NOW, Psql, archived_beyond, backup, first_backup, restored_for_a_server};
use super::larder::{DataDir, Up, larder, on_folder};

const ABORTED: i32 = 6;
const SEGMENT_BYTES: u64 = 16 << 20;

/// A folder with a backup and the archived log of several segments behind it; nothing runs any more.
struct Archive {
    data: DataDir,
    settings: PathBuf,
    psql: Psql,
    backup_id: String,
    system: String,
    /// What the table held when everything was stopped.
    jars: String,
    /// Whole segments at the target, in order.
    segments: Vec<PathBuf>,
}

impl Archive {
    async fn make() -> Self {
        let data = DataDir::new();
        let settings = data.beside("larder.toml");
        // No run of the schedule may come in between, but for the first.
        let text = format!("data_dir = \"{}\"\n[backup]\nschedule = \"0 0 1 1 *\"\n", data.path().display());
        fs::write(&settings, text).unwrap();
        let up = Up::start(&data.path(), &["--config", settings.to_str().unwrap()]).await;
        let first = first_backup(&data.path()).await;
        let psql = Psql::of_private_cluster(&data);
        psql.ask("larder", "CREATE TABLE public.lines (n int)");
        psql.ask("larder", "CREATE TABLE public.jars AS SELECT generate_series(1, 1000) AS jar");
        for _ in 0..4 {
            psql.ask("larder", "INSERT INTO public.jars SELECT generate_series(1, 100)");
            psql.ask("larder", "SELECT pg_switch_wal()");
        }
        psql.ask("larder", "INSERT INTO public.jars VALUES (-1)");
        let jars = psql.ask("larder", JARS);
        let now: jiff::Timestamp = psql.ask("larder", NOW).parse().unwrap();
        archived_beyond(&data.path(), &psql, now).await;
        assert_eq!(up.stop().await, Some(0));
        let text = |name: &str| first[name].as_str().unwrap().to_owned();
        let (backup_id, system) = (text("backupId"), text("systemIdentifier"));
        let mut segments = files_below(&data.path().join("backups/larder/wal").join(&system));
        segments.retain(|path| path.extension().is_some_and(|extension| extension == "segment"));
        segments.sort();
        assert!(segments.len() >= 4, "{segments:?}");
        Self { data, settings, psql, backup_id, system, jars, segments }
    }

    /// Runs `larder backup wal-get` as a server in recovery does.
    async fn get(&self, arguments: &[&str], file: &str, into: &Path) -> Output {
        let mut command = larder(&["backup", "wal-get"]);
        on_folder(&mut command, &self.data.path());
        command.args(arguments).arg(file).arg(into).output().await.unwrap()
    }

    async fn get_own(&self, file: &str, into: &Path) -> Output {
        self.get(&["--system", &self.system], file, into).await
    }

    /// The name of a segment so many behind the last whole one.
    fn behind_the_last(&self, count: u64) -> String {
        let last = name_of(self.segments.last().unwrap());
        let number = |range| u64::from_str_radix(&last[range], 16).unwrap();
        let place = number(8..16) * 256 + number(16..24) + count;
        format!("{}{:08X}{:08X}", &last[..8], place / 256, place % 256)
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

/// A segment as PostgreSQL names it.
fn name_of(segment: &Path) -> String {
    segment.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// It died by a signal, said why, and left nothing that could be taken for a piece of the log.
fn assert_died(output: &Output, into: &Path, said: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(ABORTED), "{}: {told}", output.status);
    assert!(told.contains("larder backup wal-get: ") && told.contains(said), "{said}: {told}");
    assert!(!into.exists(), "{said}");
}

async fn only_the_end_of_the_archive_is_an_ordinary_failure(archive: &Archive, into: &Path) {
    for segment in &archive.segments {
        let output = archive.get_own(&name_of(segment), into).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(fs::metadata(into).unwrap().len(), SEGMENT_BYTES);
        fs::remove_file(into).unwrap();
    }
    // The one that was open is given as far as it was received, filled up with zeros.
    let output = archive.get_own(&archive.behind_the_last(1), into).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(fs::metadata(into).unwrap().len(), SEGMENT_BYTES);
    fs::remove_file(into).unwrap();
    for beyond in [archive.behind_the_last(2), "00000002.history".to_owned()] {
        let output = archive.get_own(&beyond, into).await;
        assert_eq!(output.status.code(), Some(1), "{beyond}: {output:?}");
        assert!(!into.exists());
    }
    let help = archive.get(&["--help"], "x", into).await;
    assert_eq!(help.status.code(), Some(0), "{help:?}");

    let segment = name_of(&archive.segments[0]);
    assert_died(&archive.get_own("../../etc/passwd", into).await, into, "neither a segment");
    assert_died(&archive.get(&["--system", "1"], &segment, into).await, into, "holds nothing of timeline");
    assert_died(&archive.get(&["--no-such-argument"], &segment, into).await, into, "no-such-argument");
    assert_died(&archive.get(&[], &segment, into).await, into, "--system");
    let keys = ["--system", &archive.system, "--identity-file", "/nowhere/keys"];
    assert_died(&archive.get(&keys, &segment, into).await, into, "/nowhere/keys");
    let door = ["--socket", "/nowhere/door"];
    assert_died(&archive.get(&door, &segment, into).await, into, "cannot be had");
    let nowhere = Path::new("/nowhere/at/all");
    assert_died(&archive.get_own(&segment, nowhere).await, nowhere, "/nowhere/at/all");
}

/// Harms the segment in the middle, asks for it, and mends it again.
async fn what_is_harmed_in_the_middle_is_never_an_end(archive: &Archive, into: &Path) {
    let middle = &archive.segments[archive.segments.len() - 2];
    let (name, whole) = (name_of(middle), fs::read(middle).unwrap());
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for harmed in [changed.as_slice(), &whole[..whole.len() / 3], b""] {
        fs::write(middle, harmed).unwrap();
        assert_died(&archive.get_own(&name, into).await, into, "is damaged");
    }
    fs::remove_file(middle).unwrap();
    assert_died(&archive.get_own(&name, into).await, into, &name);
    fs::write(middle, &whole).unwrap();
    let targets = archive.data.path().join("backups");
    let away = archive.data.path().join("away");
    fs::rename(&targets, &away).unwrap();
    assert_died(&archive.get_own(&name, into).await, into, "holds nothing of timeline");
    fs::remove_dir(&targets).unwrap();
    fs::rename(&away, &targets).unwrap();
    let output = archive.get_own(&name, into).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    fs::remove_file(into).unwrap();
}

async fn a_rescue_writes_a_whole_table_or_no_file(archive: &Archive) {
    let file = archive.data.beside("jars.dump");
    let into = file.to_str().unwrap();
    let data = archive.data.path();
    let rescue = |more: &[&'static str]| {
        let mut words = vec!["rescue", &archive.backup_id, "--database", "larder", "--into", into];
        words.extend(more);
        words.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let run = async |words: Vec<String>| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        backup(&data, &words).await
    };
    let wrong: [(&[&str], &str); 3] = [
        (&["--latest", "--table", "public.never"], "public.never"),
        (&["--time", "2099-01-01T00:00:00Z", "--table", "public.jars"], "ends before"),
        (&["--latest", "--time", "2099-01-01T00:00:00Z"], "cannot be used with"),
    ];
    for (words, told) in wrong {
        let refused = run(rescue(words)).await;
        assert!(refused.code.is_some_and(|code| code != 0) && refused.stderr.contains(told), "{refused:?}");
        assert!(!file.exists(), "{told}: nothing half-written is left");
    }

    let rescued = run(rescue(&["--latest", "--table", "public.jars"])).await.expect_code(0).json();
    let written = fs::metadata(&file).unwrap();
    assert_eq!(rescued["bytes"].as_u64(), Some(written.len()), "{rescued}");
    assert_eq!(rescued["backupId"].as_str(), Some(archive.backup_id.as_str()));
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&written) & 0o777, 0o600, "it is nobody else's to read");
    let server = TestCluster::start(&archive.psql.programs, &[]).await;
    let mut load = server.program("pg_restore");
    load.args(["--exit-on-error", "--dbname", "postgres"]).stdin(File::open(&file).unwrap());
    larder_testkit::run(&mut load);
    assert_eq!(server.value(JARS).await, archive.jars, "to the last row that was archived");
    let again = run(rescue(&["--latest", "--table", "public.jars"])).await;
    assert!(again.code != Some(0) && again.stderr.contains("jars.dump"), "{again:?}");
    assert_eq!(fs::metadata(&file).unwrap().len(), written.len(), "and what was there is as it was");
    fs::remove_file(&file).unwrap();
}

async fn behind_a_hole_nothing_is_rescued_and_no_server_is_promoted(archive: &Archive) {
    let middle = &archive.segments[archive.segments.len() - 2];
    let whole = fs::read(middle).unwrap();
    fs::remove_file(middle).unwrap();
    let file = archive.data.beside("holed.dump");
    let words = ["rescue", &archive.backup_id, "--latest", "--database", "larder", "--into"];
    let refused = backup(&archive.data.path(), &[&words[..], &[file.to_str().unwrap()]].concat()).await;
    assert!(refused.code.is_some_and(|code| code != 0) && !file.exists(), "{refused:?}");

    let wanted = [archive.backup_id.as_str(), "--latest"];
    let programs = &archive.psql.programs;
    let mut copy = restored_for_a_server(programs, &archive.data, &archive.settings, &wanted).await;
    copy.spawn();
    for _ in 0..1200 {
        if !copy.is_running() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!copy.is_running(), "the server has stopped: {}", copy.log());
    let log = copy.log();
    let died = ["terminated by signal 6", "exited with exit code 134"].iter().any(|end| log.contains(end));
    assert!(died && log.contains(&name_of(middle)), "{log}");
    assert!(!copy.data_dir().join("pg_wal/00000002.history").exists(), "no new timeline was begun");

    // With the piece back the same server goes on to the end.
    fs::write(middle, whole).unwrap();
    if copy.account().is_some() {
        fs::set_permissions(middle, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    }
    copy.start_server().await;
    for _ in 0..1200 {
        if copy.value("SELECT pg_is_in_recovery()").await == "false" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let host = copy.socket_dir().display().to_string();
    let restored = Psql { host, programs: archive.psql.programs.clone() };
    assert_eq!(restored.ask("larder", JARS), archive.jars, "{}", copy.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archived_log_is_given_whole_and_its_end_only_where_it_is_certain() {
    let archive = Archive::make().await;
    let into = archive.data.beside("piece");
    only_the_end_of_the_archive_is_an_ordinary_failure(&archive, &into).await;
    what_is_harmed_in_the_middle_is_never_an_end(&archive, &into).await;
    a_rescue_writes_a_whole_table_or_no_file(&archive).await;
    behind_a_hole_nothing_is_rescued_and_no_server_is_promoted(&archive).await;
}
