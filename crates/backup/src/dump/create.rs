//! Takes a dump. All its tables are of one snapshot, which is counted meanwhile; `pg_restore` reads what
//! `pg_dump` writes while it is stored, so that half an archive is never taken for a whole one.

use std::path::PathBuf;
use std::process::Stdio;

use bytes::BytesMut;
use jiff::Timestamp;
use larder_database::Binaries;
use larder_replication::ConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::facts::{SnapshotSession, plain_login};
use super::manifest::{DumpManifest, DumpObject, DumpServer, DumpedTable, FORMAT};
use super::pack::{Packing, RunningPacker};
use crate::error::BackupError;
use crate::manifest::{BackupId, MANIFEST_NAME};
use crate::pipeline::{FanOut, Throttle};
use crate::programs::{Login, RunningProgram, dump_programs};
use crate::progress::Progress;
use crate::target::{PART_BYTES, TargetError};
use crate::vault::{Vault, put_once};

const PIECE_BYTES: usize = 64 * 1024;
/// A table that somebody holds for longer ends the dump with its name.
const LOCK_LIMIT: &str = "--lock-wait-timeout=60s";

/// What to dump, and how.
#[derive(Clone)]
pub struct DumpRequest {
    /// The server, with a login that may read all of the database.
    pub server: ConnectOptions,
    /// The database.
    pub database: String,
    /// The new dump's name.
    pub dump_id: BackupId,
    /// Where PostgreSQL's programs are; `None` looks where they usually are.
    pub bin_dir: Option<PathBuf>,
    /// The most bytes a second that are taken from the server.
    pub bytes_per_second: Option<u64>,
    /// Of how many bytes of tables, the smallest first, the rows are counted and summed up.
    pub record_most_bytes: u64,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// A dump that was taken.
#[derive(Debug)]
pub struct CreatedDump {
    /// Its manifest.
    pub manifest: DumpManifest,
    /// The targets that hold it.
    pub targets: Vec<String>,
    /// Targets that do not, and why.
    pub failures: Vec<TargetError>,
}

/// Takes a dump.
///
/// # Errors
/// A program that is older than the server, with what would be accepted; what the server, the programs
/// or the targets refuse. The dump counts when one target has taken it; else nothing is left of it.
pub async fn create_dump(
    vault: &Vault,
    request: &DumpRequest,
    progress: &Progress,
) -> Result<CreatedDump, BackupError> {
    let fan_out = FanOut::new(vault.targets.clone());
    let manifest = match write(vault, request, &fan_out, progress).await {
        Ok(manifest) => manifest,
        Err(error) => {
            vault.discard_dump(&request.dump_id).await;
            return Err(error);
        }
    };
    progress.begin("writing the manifest", 0);
    let key = vault.dump_key(&request.dump_id, MANIFEST_NAME)?;
    let (mut targets, mut failures) = (Vec::new(), fan_out.failures());
    for target in fan_out.healthy() {
        match put_once(&target, &key, manifest.write()).await {
            Ok(()) => targets.push(target.name().to_owned()),
            Err(error) => failures.push(error),
        }
    }
    if targets.is_empty() {
        vault.discard_dump(&request.dump_id).await;
        let told: Vec<_> = failures.iter().map(ToString::to_string).collect();
        return Err(BackupError::NoTargetLeft(told.join("; ")));
    }
    Ok(CreatedDump { manifest, targets, failures })
}

async fn write(
    vault: &Vault,
    request: &DumpRequest,
    fan_out: &FanOut,
    progress: &Progress,
) -> Result<DumpManifest, BackupError> {
    progress.begin("connecting", 0);
    let started_at = (request.now)();
    let mut session = SnapshotSession::begin(&request.server, &request.database).await?;
    let snapshot_at = (request.now)();
    let server = session.server().await?;
    let work = Work::prepare(vault, request, fan_out, &server)?;
    let (locale, tables) = (session.locale().await?, session.tables().await?);
    let size = tables.iter().map(|(_, bytes)| bytes).sum();
    progress.begin("dumping the database", size);
    let snapshot = session.snapshot.clone();
    // The session must outlive the start of the dump, which takes over its snapshot.
    let counting = session.count(tables, request.record_most_bytes);
    let (archive, tables): (Vec<DumpObject>, Vec<DumpedTable>) =
        tokio::try_join!(work.archive(&snapshot, progress), async { Ok(counting.await?) })?;
    session.end().await?;
    progress.begin("dumping roles", 0);
    let globals = work.globals().await?;
    Ok(DumpManifest {
        format: FORMAT,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        dump_id: request.dump_id.clone(),
        cluster: vault.cluster.clone(),
        database: request.database.clone(),
        started_at,
        snapshot_at,
        stopped_at: (request.now)(),
        server,
        program: work.version().await?,
        program_major: work.binaries.version,
        locale,
        tables,
        compression_level: vault.seal.level,
        recipients: vault.seal.key_ids(),
        part_bytes: PART_BYTES as u64,
        archive,
        globals,
    })
}

/// How far a program's output came.
enum Pumped {
    Whole,
    /// The packer takes no more, and its end tells why.
    PackerEnded,
}

/// Everything that the programs need.
struct Work<'a> {
    vault: &'a Vault,
    request: &'a DumpRequest,
    fan_out: &'a FanOut,
    binaries: Binaries,
    login: Login,
}

impl<'a> Work<'a> {
    fn prepare(
        vault: &'a Vault,
        request: &'a DumpRequest,
        fan_out: &'a FanOut,
        server: &DumpServer,
    ) -> Result<Self, BackupError> {
        let binaries = dump_programs(request.bin_dir.as_deref(), server.major_version)?;
        let login = Login::new(&plain_login(&request.server, &request.database))?;
        Ok(Self { vault, request, fan_out, binaries, login })
    }

    fn packer(&self, stem: &'static str, object_bytes: u64) -> Result<RunningPacker, BackupError> {
        Ok(RunningPacker::start(Packing {
            fan_out: self.fan_out.clone(),
            seal: self.vault.seal.clone(),
            folder: self.vault.dump_folder(&self.request.dump_id)?,
            stem,
            object_bytes,
        }))
    }

    fn command(&self, program: &str) -> Command {
        self.login.command(&self.binaries, program, &self.request.database)
    }

    /// The database. Our own compression follows, so the program does none.
    async fn archive(&self, snapshot: &str, progress: &Progress) -> Result<Vec<DumpObject>, BackupError> {
        let mut dump = self.command("pg_dump");
        dump.args(["--format=custom", "--compress=0", "--no-password", LOCK_LIMIT]);
        dump.arg(format!("--snapshot={snapshot}")).stdout(Stdio::piped());
        let mut read_again = self.command("pg_restore");
        read_again.args(["--exit-on-error", "--file=/dev/null"]).stdin(Stdio::piped());
        let packer = self.packer("archive", self.vault.object_bytes)?;
        self.stream(dump, Some(read_again), packer, progress).await
    }

    /// Roles, memberships and tablespaces. Passwords stay where they are.
    async fn globals(&self) -> Result<DumpObject, BackupError> {
        let mut dump = self.command("pg_dumpall");
        dump.args(["--globals-only", "--no-role-passwords", "--no-password", LOCK_LIMIT]);
        dump.arg(format!("--database={}", self.request.database)).stdout(Stdio::piped());
        let packer = self.packer("globals", u64::MAX)?;
        let objects = self.stream(dump, None, packer, &Progress::silent()).await?;
        let only = objects.into_iter().next();
        only.ok_or_else(|| BackupError::Internal("globals without an object".to_owned()))
    }

    /// Gives what a program writes to the packer, and to whoever reads it again. Nobody writes to a target
    /// any more when this returns.
    async fn stream(
        &self,
        command: Command,
        reader: Option<Command>,
        packer: RunningPacker,
        progress: &Progress,
    ) -> Result<Vec<DumpObject>, BackupError> {
        match self.pump(command, reader, &packer, progress).await {
            Ok(Pumped::Whole) => packer.finish().await,
            Ok(Pumped::PackerEnded) => match packer.give_up().await {
                Ok(_) => Err(BackupError::Internal("the packer ended early".to_owned())),
                Err(error) => Err(error),
            },
            Err(error) => {
                let _ = packer.give_up().await;
                Err(error)
            }
        }
    }

    async fn pump(
        &self,
        mut command: Command,
        reader: Option<Command>,
        packer: &RunningPacker,
        progress: &Progress,
    ) -> Result<Pumped, BackupError> {
        let name = if reader.is_some() { "pg_dump" } else { "pg_dumpall" };
        let mut program = RunningProgram::start(name, &mut command)?;
        let reader = reader.map(|mut command| RunningProgram::start("pg_restore", &mut command));
        let mut reader = reader.transpose()?;
        let mut output = program.stdout()?;
        let mut input = reader.as_mut().map(RunningProgram::stdin).transpose()?;
        let mut throttle = Throttle::new(self.request.bytes_per_second);
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(PIECE_BYTES);
            let read = output.read_buf(&mut buffer).await;
            let count = read.map_err(|error| BackupError::Internal(format!("{name}: {error}")))?;
            if count == 0 {
                break;
            }
            let piece = buffer.split().freeze();
            throttle.pass(piece.len()).await;
            progress.add(piece.len() as u64);
            if let Some(open) = &mut input
                && open.write_all(&piece).await.is_err()
            {
                // It has ended, and tells why when it is waited for.
                input = None;
            }
            if !packer.take(piece).await {
                return Ok(Pumped::PackerEnded);
            }
        }
        drop(input);
        program.finish().await?;
        if let Some(reader) = reader {
            reader.finish().await?;
        }
        Ok(Pumped::Whole)
    }

    async fn version(&self) -> Result<String, BackupError> {
        let output = self.command("pg_dump").arg("--version").stdout(Stdio::piped()).output().await;
        let output = output.map_err(|error| BackupError::Internal(format!("pg_dump: {error}")))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
