//! The way back: the content of a dump, piece by piece. Each part is compared with the manifest before
//! anything looks at it.

use std::collections::VecDeque;
use std::io::Read;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use super::manifest::{DumpManifest, DumpObject};
use crate::error::BackupError;
use crate::pipeline::{Identities, PartChecks};
use crate::progress::Progress;
use crate::restore::{open_object, pass_on};
use crate::target::SharedTarget;
use crate::vault::Vault;

const PIECE_BYTES: usize = 256 * 1024;
const QUEUED_PIECES: usize = 4;

/// What of a dump is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpPart {
    /// The database, as `pg_restore` takes it.
    Archive,
    /// Roles and tablespaces, as SQL.
    Globals,
}

/// The content of a dump on its way back.
pub(crate) struct DumpContent {
    target: SharedTarget,
    objects: VecDeque<PartChecks>,
    is_sealed: bool,
    identities: Identities,
    current: Option<mpsc::Receiver<Result<Bytes, BackupError>>>,
}

impl DumpContent {
    /// Opens a part of a dump.
    ///
    /// # Errors
    /// A dump that is sealed, and no key.
    pub(crate) fn open(
        vault: &Vault,
        target: &SharedTarget,
        manifest: &DumpManifest,
        identities: &Identities,
        part: DumpPart,
    ) -> Result<Self, BackupError> {
        if manifest.is_sealed() && identities.is_empty() {
            return Err(BackupError::Refused(format!(
                "{} is sealed for {}: give the secret key that belongs to it",
                manifest.dump_id,
                manifest.recipients.join(", ")
            )));
        }
        let objects: &[DumpObject] = match part {
            DumpPart::Archive => &manifest.archive,
            DumpPart::Globals => std::slice::from_ref(&manifest.globals),
        };
        let objects = objects.iter().map(|object| vault.dump_checks(target, manifest, object));
        Ok(Self {
            target: target.clone(),
            objects: objects.collect::<Result<_, _>>()?,
            is_sealed: manifest.is_sealed(),
            identities: identities.clone(),
            current: None,
        })
    }

    /// The next bytes, or `None` behind the last one.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] names the object.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, BackupError> {
        loop {
            if let Some(current) = &mut self.current {
                match current.recv().await {
                    Some(piece) => return piece.map(Some),
                    None => self.current = None,
                }
            }
            let Some(checks) = self.objects.pop_front() else { return Ok(None) };
            self.current = Some(self.begin(checks));
        }
    }

    fn begin(&self, checks: PartChecks) -> mpsc::Receiver<Result<Bytes, BackupError>> {
        let (pieces, content) = mpsc::channel(QUEUED_PIECES);
        let (target, is_sealed, identities) = (self.target.clone(), self.is_sealed, self.identities.clone());
        tokio::spawn(async move {
            let (parts, queue) = mpsc::channel(1);
            let (name, object) = (target.name().to_owned(), checks.key.to_string());
            let given = pieces.clone();
            let unpacking = tokio::task::spawn_blocking(move || {
                let opened = open_object(queue, is_sealed, &identities, &name, &object)?;
                let damaged = |cause: std::io::Error| BackupError::Damaged {
                    target: name.clone(),
                    object: object.clone(),
                    cause: cause.to_string(),
                };
                give(opened, &given).map_err(damaged)
            });
            let passed_on = pass_on(&target, checks, parts).await;
            let unpacked = unpacking.await.map_err(|ended| BackupError::Internal(ended.to_string()));
            // Damage that was seen on the way is the cause of whatever the unpacking met.
            if let Err(error) = passed_on.and(unpacked.and_then(|unpacked| unpacked)) {
                // Nobody reads on when this cannot be told.
                let _ = pieces.send(Err(error)).await;
            }
        });
        content
    }
}

fn give(mut content: impl Read, pieces: &mpsc::Sender<Result<Bytes, BackupError>>) -> std::io::Result<()> {
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let count = (&mut content).take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
        if count == 0 || pieces.blocking_send(Ok(Bytes::from(piece))).is_err() {
            return Ok(());
        }
    }
}

impl Vault {
    fn dump_checks(
        &self,
        target: &SharedTarget,
        manifest: &DumpManifest,
        object: &DumpObject,
    ) -> Result<PartChecks, BackupError> {
        Ok(PartChecks {
            target: target.name().to_owned(),
            key: self.dump_key(&manifest.dump_id, &object.name)?,
            stored_bytes: object.stored_bytes,
            parts: object.parts_blake3.clone(),
        })
    }
}

/// Writes a part of a dump to `output` and tells how many bytes that were.
///
/// # Errors
/// A dump that is sealed, and no key; [`BackupError::Damaged`]; an output that takes no more.
pub async fn read_dump(
    vault: &Vault,
    (target, manifest): (&SharedTarget, &DumpManifest),
    identities: &Identities,
    part: DumpPart,
    output: &mut (impl AsyncWrite + Unpin),
    progress: &Progress,
) -> Result<u64, BackupError> {
    let mut content = DumpContent::open(vault, target, manifest, identities, part)?;
    progress.begin("reading the dump", manifest.raw_bytes());
    let mut bytes = 0;
    while let Some(piece) = content.next().await? {
        let written = output.write_all(&piece).await;
        written.map_err(|error| BackupError::Refused(format!("the dump cannot be written: {error}")))?;
        bytes += piece.len() as u64;
        progress.set(bytes);
    }
    let flushed = output.flush().await;
    flushed.map_err(|error| BackupError::Refused(format!("the dump cannot be written: {error}")))?;
    Ok(bytes)
}
