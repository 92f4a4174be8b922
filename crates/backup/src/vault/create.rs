//! Takes a copy of the cluster over the replication protocol: the server's bytes go through the
//! pipeline to all targets at once, and the manifest after them. Whatever fails before that leaves
//! nothing that is shown as a backup.

use std::collections::BTreeMap;

use jiff::Timestamp;
use larder_replication::{
    BackupEvent, BackupPosition, BaseBackup, BaseBackupOptions, CheckpointSpeed, ConnectOptions,
    ManifestChecksums, ReplicationConnection, ReplicationError, SystemIdentity,
};
use tokio::sync::mpsc;

use super::pack::{Packing, Piece, pack};
use super::{Vault, put_once};
use crate::contents::{self, Contents};
use crate::error::BackupError;
use crate::manifest::{
    BackupId, BackupKind, Content, FORMAT, MANIFEST_NAME, Manifest, ManifestObject, PhysicalFacts,
    ServerFacts,
};
use crate::pipeline::{FanOut, Polite, Throttle};
use crate::progress::Progress;
use crate::target::{PART_BYTES, TargetError};

/// `object_not_in_prerequisite_state`.
const WRONG_STATE: &str = "55000";
/// Pieces of 32 KiB between the network and the packer.
const QUEUED_PIECES: usize = 64;

/// A standby that replays this WAL pauses when it has less of any of these than the primary had.
const REPLAY_SETTINGS: [&str; 5] = [
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
];

/// What to back up, and how.
#[derive(Clone)]
pub struct CreateRequest {
    /// The server, with a login that may replicate.
    pub server: ConnectOptions,
    /// The new backup's name.
    pub backup_id: BackupId,
    /// Full or incremental.
    pub kind: BackupKind,
    /// What an incremental one builds on; `None` for the newest that can be built on.
    pub parent: Option<BackupId>,
    /// Whether a full one is taken when the server cannot tell what has changed.
    pub falls_back: bool,
    /// The most bytes a second that are taken from the server.
    pub bytes_per_second: Option<u64>,
    /// Of how many bytes of tables the rows are counted and summed up; 0 for none.
    pub record_most_bytes: u64,
    /// How eagerly the server makes the first checkpoint.
    pub checkpoint: CheckpointSpeed,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// A backup that was taken.
#[derive(Debug)]
pub struct CreatedBackup {
    /// Its manifest.
    pub manifest: Manifest,
    /// The targets that hold it.
    pub targets: Vec<String>,
    /// Targets that do not, and why.
    pub failures: Vec<TargetError>,
}

/// Takes a backup.
///
/// # Errors
/// What the server or the targets refuse. The backup counts when one target has taken it.
pub async fn create(
    vault: &Vault,
    request: CreateRequest,
    progress: &Progress,
) -> Result<CreatedBackup, BackupError> {
    let falls_back = request.falls_back;
    match create_as_asked(vault, request.clone(), progress).await {
        Err(error @ BackupError::CannotBuildOn { .. }) if falls_back => {
            tracing::warn!(backup.id = %request.backup_id, error.cause = %error, "a full backup is taken instead");
            let full = CreateRequest { kind: BackupKind::Full, parent: None, ..request };
            create_as_asked(vault, full, progress).await
        }
        created => created,
    }
}

async fn create_as_asked(
    vault: &Vault,
    request: CreateRequest,
    progress: &Progress,
) -> Result<CreatedBackup, BackupError> {
    let fan_out = FanOut::new(vault.targets.clone());
    let written = write(vault, &request, &fan_out, progress).await;
    let manifest = match written {
        Ok(manifest) => manifest,
        Err(error) => {
            vault.discard(&request.backup_id).await;
            return Err(error);
        }
    };
    progress.begin("writing the manifest", 0);
    let (targets, mut failures) = commit(vault, &manifest, &fan_out).await?;
    failures.extend(fan_out.failures());
    if targets.is_empty() {
        vault.discard(&request.backup_id).await;
        return Err(no_target_left(&failures));
    }
    Ok(CreatedBackup { manifest, targets, failures })
}

async fn write(
    vault: &Vault,
    request: &CreateRequest,
    fan_out: &FanOut,
    progress: &Progress,
) -> Result<Manifest, BackupError> {
    progress.begin("connecting", 0);
    let started_at = (request.now)();
    let mut connection = ReplicationConnection::connect(&request.server).await?;
    let identity = connection.identify_system().await?;
    let mut facts = server_facts(&mut connection, &identity).await?;
    let parent = match request.kind {
        BackupKind::Incremental => Some(upload_parent(vault, request, &mut connection, &identity).await?),
        BackupKind::Full => None,
    };
    progress.begin("waiting for a checkpoint", 0);
    let begun = connection.start_base_backup(&options(request)).await;
    let mut backup = begun.map_err(|error| refusal(error, parent.as_ref()))?;
    facts.start = Some(backup.start());
    facts.tablespaces =
        backup.tablespaces().iter().filter_map(|space| Some((space.oid?, space.path.clone()?))).collect();
    progress.begin("receiving the database", backup.estimated_bytes().unwrap_or(0));
    let packing = Packing {
        fan_out: fan_out.clone(),
        seal: vault.seal.clone(),
        folder: vault.folder(&request.backup_id)?,
        object_bytes: vault.object_bytes,
    };
    let (objects, stop) = receive(&mut backup, packing, request.bytes_per_second, progress).await?;
    let stopped_at = (request.now)();
    let contents = recorded(request, progress).await;
    Ok(Manifest {
        format: FORMAT,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        backup_id: request.backup_id.clone(),
        kind: request.kind,
        cluster: vault.cluster.clone(),
        started_at,
        stopped_at,
        parent,
        server: facts.server.clone(),
        physical: facts.physical(stop)?,
        contents,
        compression_level: vault.seal.level,
        recipients: vault.seal.key_ids(),
        part_bytes: PART_BYTES as u64,
        objects,
    })
}

/// Why a backup did not begin. Only of an incremental one the state of the server can be such a reason.
fn refusal(error: ReplicationError, parent: Option<&BackupId>) -> BackupError {
    match parent {
        Some(parent) if error.sql_state() == Some(WRONG_STATE) => {
            BackupError::CannotBuildOn { parent: parent.to_string(), cause: error.to_string() }
        }
        _ => error.into(),
    }
}

/// A backup without a record is one all the same: a drill then compares less.
async fn recorded(request: &CreateRequest, progress: &Progress) -> Option<Contents> {
    if request.record_most_bytes == 0 {
        return None;
    }
    progress.begin("counting rows", 0);
    match contents::record(&request.server, request.record_most_bytes, request.now).await {
        Ok(contents) => Some(contents),
        Err(error) => {
            tracing::warn!(backup.id = %request.backup_id, error.cause = %error, "the rows of the databases are not recorded");
            None
        }
    }
}

fn options(request: &CreateRequest) -> BaseBackupOptions {
    BaseBackupOptions {
        checkpoint: request.checkpoint,
        // The stored parts have a strong checksum of their own; this one is for the way from the
        // server's disk to here and back, and SHA-256 would cost the server half its speed.
        manifest_checksums: ManifestChecksums::Crc32c,
        incremental: request.kind == BackupKind::Incremental,
        include_wal: true,
        ..BaseBackupOptions::new(&format!("larder {}", request.backup_id))
    }
}

struct Facts {
    server: ServerFacts,
    wal_segment_bytes: u64,
    replay_settings: BTreeMap<String, String>,
    tablespaces: BTreeMap<u32, String>,
    start: Option<BackupPosition>,
}

impl Facts {
    fn physical(self, stop: BackupPosition) -> Result<PhysicalFacts, BackupError> {
        let start = self.start.ok_or_else(|| BackupError::Internal("a backup without a start".to_owned()))?;
        Ok(PhysicalFacts {
            start_timeline: start.timeline,
            start_lsn: start.lsn,
            stop_timeline: stop.timeline,
            stop_lsn: stop.lsn,
            wal_segment_bytes: self.wal_segment_bytes,
            includes_wal: true,
            tablespaces: self.tablespaces,
            replay_settings: self.replay_settings,
        })
    }
}

async fn server_facts(
    connection: &mut ReplicationConnection,
    identity: &SystemIdentity,
) -> Result<Facts, BackupError> {
    let mut replay_settings = BTreeMap::new();
    for setting in REPLAY_SETTINGS {
        replay_settings.insert(setting.to_owned(), connection.show(setting).await?);
    }
    let version = connection.version().clone();
    Ok(Facts {
        server: ServerFacts {
            system_identifier: identity.system,
            major_version: version.major,
            version: version.text,
        },
        wal_segment_bytes: connection.segment_size().await?.bytes(),
        replay_settings,
        tablespaces: BTreeMap::new(),
        start: None,
    })
}

/// Finds the parent and gives the server its manifest.
async fn upload_parent(
    vault: &Vault,
    request: &CreateRequest,
    connection: &mut ReplicationConnection,
    identity: &SystemIdentity,
) -> Result<BackupId, BackupError> {
    let fits = |manifest: &Manifest| manifest.server.system_identifier == identity.system;
    let found = match &request.parent {
        Some(id) => Some(vault.find(id, None).await?),
        None => vault.newest(None, fits).await?,
    };
    let (target, parent) = found.ok_or_else(|| {
        BackupError::Refused("there is no backup to build on: take a full one first".to_owned())
    })?;
    if !fits(&parent) {
        return Err(BackupError::Refused(format!(
            "{} is no copy of this cluster, whose system identifier is {}: take a full one",
            parent.backup_id, identity.system
        )));
    }
    let server_manifest = vault.read_server_manifest(&target, &parent).await?;
    connection.upload_manifest(server_manifest.as_slice()).await?;
    Ok(parent.backup_id)
}

async fn receive(
    backup: &mut BaseBackup,
    packing: Packing,
    bytes_per_second: Option<u64>,
    progress: &Progress,
) -> Result<(Vec<ManifestObject>, BackupPosition), BackupError> {
    let (pieces, queue) = mpsc::channel(QUEUED_PIECES);
    let packer = Polite::begin("pack", move || pack(packing, queue));
    let stop = match pass_on(backup, &pieces, bytes_per_second, progress).await {
        Ok(stop) => stop,
        Err(error) => {
            drop(pieces);
            // Why the packer ended tells more than that nobody takes its pieces any more.
            let packed = packed(packer).await;
            return Err(match (error, packed) {
                (None, Err(cause)) => cause,
                (None, Ok(_)) => BackupError::Internal("the packer ended early".to_owned()),
                (Some(error), _) => error,
            });
        }
    };
    drop(pieces);
    Ok((packed(packer).await?, stop))
}

async fn packed(packer: Polite<Vec<ManifestObject>>) -> Result<Vec<ManifestObject>, BackupError> {
    packer.ended().await.map_err(|error| BackupError::NoTargetLeft(error.to_string()))
}

/// Gives the server's bytes to the packer. The error is `None` when the packer takes no more.
async fn pass_on(
    backup: &mut BaseBackup,
    pieces: &mpsc::Sender<Piece>,
    bytes_per_second: Option<u64>,
    progress: &Progress,
) -> Result<BackupPosition, Option<BackupError>> {
    let mut throttle = Throttle::new(bytes_per_second);
    let mut received = 0;
    loop {
        let event = match backup.next().await {
            Ok(Some(event)) => event,
            Ok(None) => return Err(Some(BackupError::Internal("a backup without an end".to_owned()))),
            Err(error) => return Err(Some(with_warnings(backup, error.into()))),
        };
        let piece = match event {
            BackupEvent::ArchiveStarted { name, .. } => Piece::Archive(content_of(&name).map_err(Some)?),
            BackupEvent::ManifestStarted => Piece::ServerManifest,
            BackupEvent::Data(bytes) => {
                throttle.pass(bytes.len()).await;
                received += bytes.len() as u64;
                progress.set(received);
                Piece::Data(bytes)
            }
            BackupEvent::Progress { .. } => continue,
            BackupEvent::Finished(stop) => {
                pieces.send(Piece::End).await.map_err(|_| None)?;
                return Ok(stop);
            }
        };
        pieces.send(piece).await.map_err(|_| None)?;
    }
}

/// A damaged page ends a backup with an error that names nothing; the warnings before it do.
fn with_warnings(backup: &mut BaseBackup, error: BackupError) -> BackupError {
    let warnings: Vec<_> = backup.take_warnings().into_iter().map(|warning| warning.text).collect();
    if warnings.is_empty() {
        return error;
    }
    BackupError::Refused(format!("{error}; before that the server warned: {}", warnings.join("; ")))
}

fn content_of(archive: &str) -> Result<Content, BackupError> {
    if archive == "base.tar" {
        return Ok(Content::Base);
    }
    let oid = archive.strip_suffix(".tar").and_then(|oid| oid.parse().ok());
    oid.map(Content::Tablespace)
        .ok_or_else(|| BackupError::Refused(format!("the server sends an archive named {archive:?}")))
}

/// Writes the manifest to every target that has taken all objects.
async fn commit(
    vault: &Vault,
    manifest: &Manifest,
    fan_out: &FanOut,
) -> Result<(Vec<String>, Vec<TargetError>), BackupError> {
    let key = vault.key(&manifest.backup_id, MANIFEST_NAME)?;
    let (mut targets, mut failures) = (Vec::new(), Vec::new());
    for target in fan_out.healthy() {
        match put_once(&target, &key, manifest.write()).await {
            Ok(()) => targets.push(target.name().to_owned()),
            Err(error) => failures.push(error),
        }
    }
    Ok((targets, failures))
}

fn no_target_left(failures: &[TargetError]) -> BackupError {
    let told: Vec<_> = failures.iter().map(ToString::to_string).collect();
    BackupError::NoTargetLeft(told.join("; "))
}
