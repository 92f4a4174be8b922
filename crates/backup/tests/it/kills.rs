//! kill -9 while backups and dumps are taken and let go and the log is received: what is shown afterwards is whole,
//! what was told to be taken is there, and what was left half-way is shown by nobody and swept away.
//!
//! `LARDER_TEST_SEED` chooses the moments, `LARDER_TEST_KILLS` how many there are, `LARDER_TEST_MINUTES` how long
//! they may take; each kill and what it met is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use larder_backup::Progress;
use larder_backup::dump::{DumpPart, DumpRequest, create_dump, read_dump};
use larder_backup::pipeline::{Identities, SealSettings};
use larder_backup::vault::{Vault, create, verify};
use larder_backup::wal::{self, WalReceiver, WalSettings};
use larder_replication::{ConnectOptions, Lsn, ReplicationConnection};
use larder_testkit::{TestCluster, postgresql_versions};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cluster::{full, request_for, restored, vault_in};
use crate::wal::{CAPPED, now, wait_until_archived};

/// Told to the copy of this test program that works until it is killed.
const TAKE_VARIABLE: &str = "LARDER_TEST_TAKE_BACKUPS";
const SWEPT_AT: u64 = 4_000_000_000;
/// So many backups are there before the oldest goes.
const KEPT: usize = 3;

/// What a copy has done so far, one line each; a kill loses none that was written.
#[derive(Clone)]
struct Diary(Arc<Mutex<File>>);

impl Diary {
    fn note(&self, line: &str) {
        writeln!(self.0.lock().unwrap(), "{line}").unwrap();
    }

    /// A progress whose steps are written down.
    fn progress(&self) -> Progress {
        let (progress, mut steps) = Progress::new();
        let diary = self.clone();
        tokio::spawn(async move {
            let mut last = "";
            while steps.changed().await.is_ok() {
                let step = steps.borrow_and_update().name;
                if step != last {
                    diary.note(&format!("step {step}"));
                    last = step;
                }
            }
        });
        progress
    }
}

fn wal_settings(url: &SecretString, folder: &Path) -> WalSettings {
    WalSettings {
        cluster: "test".to_owned(),
        connect: ConnectOptions::from_url(url).unwrap(),
        slot: "larder_wal".parse().unwrap(),
        spool: folder.join("spool"),
        spool_limit_bytes: 1 << 30,
        flush_every: Duration::from_millis(100),
        allow_uncapped_slot: false,
        targets: vault_in(&folder.join("target")).targets,
        seal: SealSettings::plain(),
    }
}

/// Does nothing, but for the copy that is told where the server and the vault are.
#[tokio::test(flavor = "multi_thread")]
async fn takes_backups_when_told() {
    let Ok(told) = std::env::var(TAKE_VARIABLE) else { return };
    let told: Vec<&str> = told.split(' ').collect();
    let [url, folder, programs, first] = told[..] else { panic!("{told:?}") };
    let (url, folder) = (SecretString::from(url.to_owned()), PathBuf::from(folder));
    let diary = File::options().create(true).append(true).open(folder.join("diary")).unwrap();
    let diary = Diary(Arc::new(Mutex::new(diary)));
    let vault = vault_in(&folder.join("target"));
    let _receiver = WalReceiver::start(wal_settings(&url, &folder), now, CancellationToken::new()).unwrap();
    for second in first.parse::<i64>().unwrap().. {
        let request = request_for(&url, second);
        diary.note(&format!("backup {}", request.backup_id));
        let created = create(&vault, request, &diary.progress()).await.unwrap();
        diary.note(&format!("taken backup {}", created.manifest.backup_id));
        let request = DumpRequest {
            server: ConnectOptions::from_url(&url).unwrap(),
            database: "postgres".to_owned(),
            dump_id: request_for(&url, second).backup_id,
            bin_dir: Some(programs.into()),
            bytes_per_second: None,
            record_most_bytes: 1 << 30,
            now: larder_backup::system_clock,
        };
        diary.note(&format!("dump {}", request.dump_id));
        let dumped = create_dump(&vault, &request, &diary.progress()).await.unwrap();
        diary.note(&format!("taken dump {}", dumped.manifest.dump_id));
        let backups = vault.list(&vault.targets[0]).await.unwrap().backups;
        for old in backups.iter().skip(KEPT) {
            let id = &old.manifest.backup_id;
            diary.note(&format!("removal {id}"));
            diary.note("step removing");
            vault.remove(&vault.targets[0], id).await.unwrap();
        }
    }
}

fn taker(cluster: &TestCluster, folder: &Path, first: i64) -> Child {
    let (url, programs) = (cluster.url(), cluster.binaries().dir.display());
    let told = format!("{} {} {programs} {first}", url.expose_secret(), folder.display());
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::takes_backups_when_told"])
        .env(TAKE_VARIABLE, told)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What copies have written down.
#[derive(Default)]
struct Told {
    /// Backups and dumps that were told to be taken.
    taken: BTreeSet<(&'static str, String)>,
    /// Backups whose removal was begun.
    let_go: BTreeSet<String>,
    /// What was under way at the end.
    last: String,
}

impl Told {
    fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("diary")).unwrap_or_default();
        let (mut told, mut work) = (Self { last: "starting".to_owned(), ..Self::default() }, "");
        for line in text.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["taken", kind, id] => {
                    let kind = if kind == "dump" { "dump" } else { "backup" };
                    told.taken.insert((kind, id.to_owned()));
                    told.last = "between two".to_owned();
                }
                ["removal", id] => {
                    told.let_go.insert(id.to_owned());
                    work = "removal";
                }
                ["step", ..] => told.last = format!("{work}: {}", line.trim_start_matches("step ")),
                ["backup", _] => (work, told.last) = ("backup", "backup: beginning".to_owned()),
                ["dump", _] => (work, told.last) = ("dump", "dump: beginning".to_owned()),
                _ => {}
            }
        }
        told
    }
}

/// Everything that is shown is whole, and nothing that was told to be taken is missing.
struct Judge {
    vault: Vault,
    folder: PathBuf,
    verified: BTreeSet<String>,
    read: BTreeSet<String>,
}

impl Judge {
    async fn judge(&mut self) -> Told {
        let told = Told::read(&self.folder);
        let target = &self.vault.targets[0];
        let listing = self.vault.list(target).await.unwrap();
        assert!(listing.damaged.is_empty(), "{:?}", listing.damaged);
        let mut shown = BTreeSet::new();
        for backup in &listing.backups {
            let id = backup.manifest.backup_id.to_string();
            if self.verified.insert(id.clone()) {
                verify(&self.vault, target, &backup.manifest, &Progress::silent()).await.unwrap();
            }
            shown.insert(("backup", id));
        }
        let dumps = self.vault.list_dumps(target).await.unwrap();
        assert!(dumps.damaged.is_empty(), "{:?}", dumps.damaged);
        for dump in &dumps.dumps {
            let id = dump.manifest.dump_id.to_string();
            if self.read.insert(id.clone()) {
                let (keys, mut sink) = (Identities::default(), tokio::io::sink());
                let from = (target, dump.manifest.as_ref());
                let silent = Progress::silent();
                let bytes = read_dump(&self.vault, from, &keys, DumpPart::Archive, &mut sink, &silent).await;
                assert!(bytes.unwrap() > 0);
            }
            shown.insert(("dump", id));
        }
        let lost: Vec<_> = told
            .taken
            .iter()
            .filter(|(kind, id)| !(*kind == "backup" && told.let_go.contains(id)))
            .filter(|taken| !shown.contains(*taken))
            .collect();
        assert!(lost.is_empty(), "taken and not there: {lost:?}");
        told
    }
}

fn number(variable: &str, usual: u64) -> u64 {
    let text = std::env::var(variable);
    text.map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text:?}")))
}

async fn kill_again_and_again(kills: u64, limit: Duration) {
    let seed = number("LARDER_TEST_SEED", 1);
    let binaries = postgresql_versions().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let source = TestCluster::start(&binaries, &CAPPED).await;
    source.execute("CREATE TABLE jars AS SELECT n FROM generate_series(1, 30000) AS n").await;
    source.execute("CREATE TABLE lines (n int)").await;
    let vault = vault_in(&folder.path().join("target"));
    let mut judge = Judge {
        vault: vault.clone(),
        folder: folder.path().to_owned(),
        verified: BTreeSet::new(),
        read: BTreeSet::new(),
    };
    // What one takes on this machine, at its present pace; a killed process has to start besides.
    let begun = Instant::now();
    create(&vault, full(&source, 0), &Progress::silent()).await.unwrap();
    let spread = 3 * begun.elapsed() + Duration::from_millis(300);
    let begun = Instant::now();
    let mut met: BTreeMap<String, u32> = BTreeMap::new();
    // Steps of a Weyl sequence: spread over everything that is done, and the same for the same seed.
    let mut step = seed.wrapping_mul(0x9E37_79B9) % 0x1_0000_0000;
    for kill in 1..=kills {
        assert!(begun.elapsed() < limit, "{} of {kills} kills in {limit:?}", kill - 1);
        step = (step + 0x9E37_79B9) % 0x1_0000_0000;
        let lived = spread.mul_f64(0.05 + step as f64 / f64::from(u32::MAX));
        let mut child = taker(&source, folder.path(), i64::try_from(kill).unwrap() * 1_000);
        source.execute("INSERT INTO lines SELECT generate_series(1, 500)").await;
        tokio::time::sleep(lived).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let told = judge.judge().await;
        eprintln!("kill {kill} of {kills}, seed {seed}, after {lived:.1?}: {}", told.last);
        *met.entry(told.last).or_default() += 1;
    }
    let mut steps = String::new();
    met.iter().for_each(|(step, count)| write!(steps, "\n  {count:>4}  {step}").unwrap());
    eprintln!(
        "{kills} kills in {:.0?}, seed {seed}: {} backups and {} dumps read again, none lost, none falsely good; \
         killed at{steps}",
        begun.elapsed(),
        judge.verified.len(),
        judge.read.len()
    );
    assert!(judge.verified.len() as u64 > 1 + kills / 10, "{} backups", judge.verified.len());
    nothing_of_the_log_is_missing(&source, folder.path(), kills).await;

    let last = create(&vault, full(&source, 900_000_000), &Progress::silent()).await.unwrap();
    let copy = restored(&vault, &last.manifest, &binaries).await;
    assert_eq!(copy.value("SELECT count(*) FROM jars").await, "30000");
    assert_eq!(copy.value("SELECT count(*) FROM lines").await, (500 * kills).to_string());
    what_was_left_is_swept(&vault).await;
}

/// What the next process receives follows what the killed ones had.
async fn nothing_of_the_log_is_missing(source: &TestCluster, folder: &Path, kills: u64) {
    let settings = wal_settings(&source.url(), folder);
    let targets = settings.targets.clone();
    let receiver = WalReceiver::start(settings, now, CancellationToken::new()).unwrap();
    wait_until_archived(&receiver, source).await;
    receiver.stop().await;
    let options = ConnectOptions::from_url(&source.url()).unwrap();
    let system =
        ReplicationConnection::connect(&options).await.unwrap().identify_system().await.unwrap().system;
    let archive = wal::WalArchive { cluster: "test".to_owned(), system, targets };
    let checked = wal::verify(&archive, &archive.targets[0], &Identities::default(), Lsn(0)).await.unwrap();
    assert_eq!(checked.faults, Vec::<String>::new(), "after {kills} kills");
    assert_eq!(checked.ranges.len(), 1, "{checked:?}");
}

async fn what_was_left_is_swept(vault: &Vault) {
    let target = &vault.targets[0];
    let before = vault.list(target).await.unwrap();
    for id in before.uncommitted {
        vault.remove(target, &id).await.unwrap();
    }
    let later = SystemTime::UNIX_EPOCH + Duration::from_secs(SWEPT_AT);
    target.remove_unfinished(&vault.prefix(), later).await.unwrap();
    let kept = vault.list(target).await.unwrap();
    assert_eq!((kept.backups.len(), kept.uncommitted.len()), (before.backups.len(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_step_no_backup_is_falsely_good() {
    kill_again_and_again(8, Duration::from_secs(300)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn killed_a_hundred_times_no_backup_is_lost_or_falsely_good() {
    let minutes = number("LARDER_TEST_MINUTES", 25);
    kill_again_and_again(number("LARDER_TEST_KILLS", 100), Duration::from_secs(60 * minutes)).await;
}
