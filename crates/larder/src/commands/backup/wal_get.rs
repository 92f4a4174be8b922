//! `larder backup wal-get`: what PostgreSQL runs as its `restore_command`. It ends with 1 only where
//! the archive says for certain that there is no more. Anything else, a wrong argument and a panic
//! included, ends in death by a signal: PostgreSQL takes every ordinary failure for the end of the log
//! and begins a new timeline there, with less than everything.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use larder_backup::pipeline::Identities;
use larder_backup::wal::{Outcome, WalArchive, WalGiver, door};
use larder_replication::SystemIdentifier;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::restore::read_identities;
use crate::cli::{Cli, Command};
use crate::commands::Context;
use crate::console;

/// What recovery asks for.
#[derive(Debug, clap::Args)]
pub(crate) struct WalGetArgs {
    /// Ask the restore that listens here, instead of the targets of the settings
    #[arg(long, value_name = "PATH", conflicts_with_all = ["system", "identity_file"])]
    socket: Option<PathBuf>,
    /// The cluster whose log it is: its system identifier
    #[arg(long, value_name = "NUMBER", required_unless_present = "socket")]
    system: Option<SystemIdentifier>,
    /// The file with the secret keys of age, for a log that is sealed
    #[arg(long, value_name = "FILE")]
    identity_file: Option<PathBuf>,
    /// What PostgreSQL asks for (%f)
    file: String,
    /// Where it is to be (%p)
    into: PathBuf,
}

/// Whether this process was started as a `restore_command`.
pub(crate) fn is_meant(words: impl Iterator<Item = OsString>) -> bool {
    let words: Vec<OsString> = words.take_while(|word| word != "--").collect();
    words.windows(2).any(|pair| pair[0] == "backup" && pair[1] == "wal-get")
}

/// Runs the command from its arguments on; it returns only with a certain answer.
pub(crate) fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| die(&panic.to_string())));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(help) if help.exit_code() == 0 => help.exit(),
        Err(error) => die(&error.to_string()),
    };
    let Command::Backup(args) = cli.command else { die("these are the arguments of another command") };
    let Some(args) = args.wal_get() else { die("these are the arguments of another command") };
    match answer(args, &Context::of(cli.config)) {
        Ok(Outcome::Stored) => ExitCode::SUCCESS,
        Ok(Outcome::EndOfArchive) => ExitCode::from(1),
        Err(reason) => die(&reason),
    }
}

fn die(reason: &str) -> ! {
    console::print_warning(&format!("larder backup wal-get: {reason}"));
    // Nobody wants the memory of this on disk.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    std::process::abort()
}

fn answer(args: &WalGetArgs, context: &Context) -> Result<Outcome, String> {
    if let Some(socket) = &args.socket {
        return door::ask(socket, &args.file, &args.into);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| format!("no threads to run on: {error}"))?;
    let given = runtime.block_on(ask_targets(args, context))?;
    let Some(content) = given else { return Ok(Outcome::EndOfArchive) };
    let written = write(&args.into, &content);
    written.map_err(|error| format!("cannot write {}: {error}", args.into.display()))?;
    Ok(Outcome::Stored)
}

async fn ask_targets(args: &WalGetArgs, context: &Context) -> Result<Option<Vec<u8>>, String> {
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return Err("another TLS provider was installed before the command began".to_owned());
    }
    let settings = context.settings().map_err(|error| error.to_string())?;
    let vault = larder_backup::open_vault(&settings).await.map_err(|error| error.to_string())?;
    let keys = match &args.identity_file {
        Some(path) => read_identities(path).map_err(|error| error.to_string())?,
        None => Identities::default(),
    };
    let system = args.system.ok_or("--system is missing")?;
    let archive = WalArchive { cluster: vault.cluster, system, targets: vault.targets };
    WalGiver::new(archive, keys).give(&args.file).await.map_err(|error| error.to_string())
}

fn write(into: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(into)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_command_is_known_by_its_words() {
        let meant = |text: &str| is_meant(text.split(' ').map(OsString::from));
        assert!(meant("larder backup wal-get --socket /x f p"));
        assert!(meant("larder --config /etc/larder.toml backup wal-get"));
        assert!(!meant("larder backup restore --to wal-get"));
        assert!(!meant("larder import -- backup wal-get"));
    }
}
