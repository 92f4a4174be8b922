//! Makes a cluster with `initdb` and keeps its configuration. A new cluster is made under another
//! name and renamed when it is whole, so that a killed `initdb` leaves no half one behind.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use tokio::process::Command;

use super::binaries::Binaries;
use super::place::{Place, SUPERUSER, on};
use super::postmaster::prepare_command;
use crate::error::DatabaseError;

/// Written anew at every start. Whoever wants it otherwise changes `postgresql.conf` below the
/// line that includes it.
const CONFIGURATION: &str = include_str!("larder.conf");
const CONFIGURATION_FILE: &str = "larder.conf";

/// The socket's folder decides who may come in, and only its owner may enter it.
const ACCESS: &str = "# written by larder\nlocal all all trust\nlocal replication all trust\n";

const OUTPUT_LINES_SHOWN: usize = 12;

/// The major version that made the cluster, or `None` when there is none yet.
pub(crate) fn version(place: &Place) -> Result<Option<u32>, DatabaseError> {
    let path = place.cluster.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => on(Err(error), "read", &path),
    }
}

/// Makes the cluster when there is none, and writes its configuration.
pub(crate) async fn ensure(place: &Place, binaries: &Binaries) -> Result<(), DatabaseError> {
    if version(place)?.is_none() {
        initialise(place, binaries).await?;
    }
    write_for_server(place, &place.cluster.join(CONFIGURATION_FILE), CONFIGURATION)
}

async fn initialise(place: &Place, binaries: &Binaries) -> Result<(), DatabaseError> {
    refuse_other_content(&place.cluster)?;
    let unfinished = place.home.join("postgres.unfinished");
    if unfinished.exists() {
        on(fs::remove_dir_all(&unfinished), "remove", &unfinished)?;
    }
    tracing::info!(folder = %place.cluster.display(), version = binaries.version, "making a private database");
    run_initdb(place, binaries, &unfinished).await?;
    write_for_server(place, &unfinished.join("pg_hba.conf"), ACCESS)?;
    let main = unfinished.join("postgresql.conf");
    let include = format!("\ninclude '{CONFIGURATION_FILE}'\n# your own settings go below\n");
    let appended =
        File::options().append(true).open(&main).and_then(|mut file| file.write_all(include.as_bytes()));
    on(appended, "write", &main)?;

    on(fs::rename(&unfinished, &place.cluster), "create", &place.cluster)?;
    on(File::open(&place.home).and_then(|folder| folder.sync_all()), "write", &place.home)
}

async fn run_initdb(place: &Place, binaries: &Binaries, folder: &Path) -> Result<(), DatabaseError> {
    let program = binaries.program("initdb");
    let mut command = Command::new(&program);
    prepare_command(&mut command, place);
    command.arg("-D").arg(folder).args(["--username", SUPERUSER, "--auth=trust"]);
    command.args(["--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-instructions"]);
    let output = on(command.output().await, "run", &program)?;
    if output.status.success() {
        return Ok(());
    }
    let _ = fs::remove_dir_all(folder);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(DatabaseError::Initialise { folder: place.cluster.clone(), output: last_lines(&text) })
}

fn refuse_other_content(cluster: &Path) -> Result<(), DatabaseError> {
    let Ok(mut entries) = fs::read_dir(cluster) else { return Ok(()) };
    if entries.next().is_none() {
        return Ok(());
    }
    Err(DatabaseError::FolderOwner {
        folder: cluster.to_owned(),
        reason: "is neither empty nor a database cluster: move it away".to_owned(),
    })
}

fn write_for_server(place: &Place, path: &Path, text: &str) -> Result<(), DatabaseError> {
    on(fs::write(path, text), "write", path)?;
    place.hand_over(path)
}

/// The end of a program's output or log, where the reason is.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(OUTPUT_LINES_SHOWN)..].join("\n")
}
