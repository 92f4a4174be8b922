//! Writes a backup into an empty folder: every file is compared with the server's manifest while it
//! is written, and `pg_control`, without which no server starts, gets its name last. A chain of
//! incremental backups becomes one whole cluster.

mod files;
mod folder;
mod incremental;
mod place;
mod unpack;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::files::ExpectedFiles;
use self::place::Place;
use crate::error::BackupError;
use crate::manifest::server::ServerManifest;
use crate::manifest::{Content, Manifest, ManifestObject};
use crate::pipeline::{CheckedParts, Identities, OpenedObject, PartChecks};
use crate::progress::Progress;
use crate::target::SharedTarget;
use crate::vault::Vault;

pub use folder::refuse_unless_empty;

/// What to restore, and where to.
#[derive(Clone)]
pub struct RestoreRequest {
    /// The target to read from.
    pub target: SharedTarget,
    /// The backup.
    pub manifest: Manifest,
    /// The new data folder; it must not exist, or be empty.
    pub folder: PathBuf,
    /// Where tablespaces go, by number; those not named go beside the folder.
    pub tablespaces: BTreeMap<u32, PathBuf>,
    /// Who owns the files, when it is somebody else than this process: user and group.
    pub owner: Option<(u32, u32)>,
    /// Keys, for a backup that is sealed.
    pub identities: Identities,
    /// How many objects are read at once.
    pub at_once: usize,
}

/// What was restored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoredCluster {
    /// The backup.
    pub backup_id: String,
    /// The data folder.
    pub folder: PathBuf,
    /// Files written and compared.
    pub file_count: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// Restores a copy of a cluster. A server can be started on the folder when this returns, and not
/// before.
///
/// # Errors
/// A folder that is not empty, a key that is missing, [`BackupError::Damaged`] for bytes that are
/// not those that were backed up. The folder is left as it is then, without `pg_control`.
pub async fn restore(
    vault: &Vault,
    request: &RestoreRequest,
    progress: &Progress,
) -> Result<RestoredCluster, BackupError> {
    progress.begin("preparing", 0);
    let chain = vault.chain(&request.target, request.manifest.clone()).await?;
    if request.identities.is_empty() && chain.iter().any(Manifest::is_sealed) {
        return Err(BackupError::Refused(format!(
            "{} is sealed for {}: give the secret key that belongs to it",
            request.manifest.backup_id,
            request.manifest.recipients.join(", ")
        )));
    }
    let place = Arc::new(prepare(request).await?);
    let total = chain.iter().map(Manifest::source_bytes).sum();
    progress.begin("writing files", total);
    let mut restored = RestoredCluster {
        backup_id: request.manifest.backup_id.to_string(),
        folder: request.folder.clone(),
        ..RestoredCluster::default()
    };
    for (number, link) in chain.iter().enumerate() {
        let expected = unpack_link(vault, request, link, &place, progress, number > 0).await?;
        restored.file_count += expected.written_files();
        restored.bytes += expected.written_bytes();
    }
    progress.begin("making it durable", 0);
    let owner = request.owner;
    run_blocking(move || place.finish(owner)).await?;
    Ok(restored)
}

async fn prepare(request: &RestoreRequest) -> Result<Place, BackupError> {
    let folder = request.folder.clone();
    let mut tablespaces = BTreeMap::new();
    for oid in request.manifest.physical.tablespaces.keys() {
        let path = request.tablespaces.get(oid).cloned().unwrap_or_else(|| beside(&folder, *oid));
        tablespaces.insert(*oid, path);
    }
    run_blocking(move || Place::prepare(&folder, tablespaces)).await
}

/// `data-tablespace-16385` for a cluster in `data`.
fn beside(folder: &Path, oid: u32) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(format!("-tablespace-{oid}"));
    folder.with_file_name(name)
}

async fn unpack_link(
    vault: &Vault,
    request: &RestoreRequest,
    link: &Manifest,
    place: &Arc<Place>,
    progress: &Progress,
    is_update: bool,
) -> Result<Arc<ExpectedFiles>, BackupError> {
    let server_manifest = vault.read_server_manifest(&request.target, link).await?;
    let files = ServerManifest::read(&server_manifest).map_err(|cause| BackupError::Damaged {
        target: request.target.name().to_owned(),
        object: link.backup_id.to_string(),
        cause,
    })?;
    let expected = Arc::new(ExpectedFiles::new(files, link.backup_id.to_string(), is_update));
    let failed = CancellationToken::new();
    Link { vault, request, manifest: link, place, expected: &expected, progress, failed }.unpack().await?;
    expected.refuse_missing()?;
    if is_update {
        let (place, expected) = (place.clone(), expected.clone());
        run_blocking(move || place.remove_unknown(&expected)).await?;
    }
    Ok(expected)
}

/// A backup of a chain while its objects are unpacked.
struct Link<'a> {
    vault: &'a Vault,
    request: &'a RestoreRequest,
    manifest: &'a Manifest,
    place: &'a Arc<Place>,
    expected: &'a Arc<ExpectedFiles>,
    progress: &'a Progress,
    failed: CancellationToken,
}

impl Link<'_> {
    /// Unpacks several objects at once, to the end also after a failure: nobody writes to the folder
    /// any more when this returns. The first failure is returned.
    async fn unpack(&self) -> Result<(), BackupError> {
        let mut begun = Vec::new();
        for object in &self.manifest.objects {
            if object.content != Content::ServerManifest {
                begun.push(self.unpack_object(object).boxed());
            }
        }
        let mut unpacked = futures::stream::iter(begun).buffer_unordered(self.request.at_once.max(1));
        let mut outcome = Ok(());
        while let Some(ended) = unpacked.next().await {
            if ended.is_err() {
                self.failed.cancel();
            }
            outcome = outcome.and(ended);
        }
        outcome
    }

    async fn unpack_object(&self, object: &ManifestObject) -> Result<(), BackupError> {
        let checks = self.vault.checks(&self.request.target, self.manifest, object)?;
        let (parts, queue) = mpsc::channel(1);
        let (is_sealed, identities) = (self.manifest.is_sealed(), self.request.identities.clone());
        let (place, expected) = (self.place.clone(), self.expected.clone());
        let (told, content) = (self.progress.clone(), object.content.clone());
        let (target, name) = (checks.target.clone(), checks.key.to_string());
        let unpacked = tokio::task::spawn_blocking(move || {
            let opened = open_object(queue, is_sealed, &identities, &target, &name)?;
            unpack::unpack(opened, &content, &place, &expected, &told)
                .map_err(|refusal| refusal.of(&target, &name))
        });
        let passed_on = pass_on(&self.request.target, checks, parts);
        let passed_on = self.failed.run_until_cancelled(passed_on).await.unwrap_or(Ok(()));
        let unpacked = unpacked.await.map_err(|ended| BackupError::Internal(ended.to_string()))?;
        // Damage that was seen on the way is the cause of whatever the unpacking met.
        passed_on.and(unpacked)
    }
}

/// Opens the content of an object whose parts come from [`pass_on`]. It blocks.
///
/// # Errors
/// A key that does not fit, or content that is none; both name the object.
pub(crate) fn open_object(
    parts: mpsc::Receiver<Bytes>,
    is_sealed: bool,
    identities: &Identities,
    target: &str,
    name: &str,
) -> Result<OpenedObject, BackupError> {
    OpenedObject::new(parts, is_sealed, identities).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => BackupError::Refused(format!(
            "no key that was given opens {name}: give the secret key that belongs to the backup"
        )),
        _ => BackupError::Damaged {
            target: target.to_owned(),
            object: name.to_owned(),
            cause: error.to_string(),
        },
    })
}

/// Hands the parts of an object to the unpacking, until it takes no more: then it tells why.
pub(crate) async fn pass_on(
    target: &SharedTarget,
    checks: PartChecks,
    parts: mpsc::Sender<Bytes>,
) -> Result<(), BackupError> {
    let mut checked = CheckedParts::open(target, checks).await?;
    while let Some(part) = checked.next().await? {
        if parts.send(part).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    tokio::task::spawn_blocking(work).await.map_err(|ended| BackupError::Internal(ended.to_string()))?
}
