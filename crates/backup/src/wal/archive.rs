//! The archive of one cluster's log at the targets. Nothing in it is ever written over: a piece that
//! is there already must be the very same one, or somebody else archives here too.

use bytes::Bytes;
use larder_replication::{HistoryFile, SegmentName, SystemIdentifier, TimelineId};

use super::catalog::{Answer, Catalog};
use super::envelope::{self, Head, Origin};
use super::expire::StoredPiece;
use super::names::{WalItem, timeline_folder};
use crate::error::BackupError;
use crate::pipeline::{Identities, SealSettings};
use crate::target::{ObjectKey, SharedTarget, StoredObject, read_small};

/// A sealed segment of the largest size and its head.
const MOST_OBJECT_BYTES: usize = (1 << 30) + (1 << 20);

/// Where one cluster's log is kept.
#[derive(Clone)]
pub struct WalArchive {
    /// The cluster's name; it begins the names of all its objects.
    pub cluster: String,
    /// What `initdb` gave the cluster. Another cluster under the same name has another archive.
    pub system: SystemIdentifier,
    /// The targets, those that are quickest to read from first.
    pub targets: Vec<SharedTarget>,
}

impl WalArchive {
    /// The name of a piece at the targets.
    ///
    /// # Errors
    /// A cluster's name that is none.
    pub fn key(&self, item: &WalItem) -> Result<ObjectKey, BackupError> {
        let text = format!("{}/{}/{item}", self.prefix(), item.folder());
        text.parse().map_err(|error| BackupError::Refused(format!("the cluster's name: {error}")))
    }

    fn prefix(&self) -> String {
        format!("{}/wal/{}", self.cluster, self.system)
    }

    /// Stores a piece at one target. Storing the same piece twice is storing it once.
    ///
    /// # Errors
    /// [`BackupError::Refused`] when another piece has its name.
    pub async fn put(
        &self,
        target: &SharedTarget,
        item: &WalItem,
        origin: &Origin,
        content: Vec<u8>,
        seal: &SealSettings,
    ) -> Result<(), BackupError> {
        let (key, name) = (self.key(item)?, item.to_string());
        let hash = blake3::hash(&content).to_hex();
        let (origin, seal) = (*origin, seal.clone());
        let wrapped = tokio::task::spawn_blocking(move || envelope::wrap(&origin, &name, &content, &seal));
        let wrapped = wrapped.await.map_err(|error| BackupError::Internal(error.to_string()))?;
        let object = wrapped.map_err(|error| BackupError::Internal(format!("{item}: {error}")))?;
        match target.put(&key, Bytes::from(object)).await {
            Err(error) if error.is_exists() => {
                let head = self.read_head(target, item).await?;
                if head.content_blake3 == hash.as_str() {
                    return Ok(());
                }
                Err(BackupError::Refused(format!(
                    "{}: {key} holds another piece of the log than the server sent: two servers with the \
                     same system identifier {} write here, or one was set back; give one of them another \
                     name or target",
                    target.name(),
                    self.system
                )))
            }
            put => Ok(put?),
        }
    }

    async fn read_head(&self, target: &SharedTarget, item: &WalItem) -> Result<Head, BackupError> {
        let object = read_small(target.as_ref(), &self.key(item)?, MOST_OBJECT_BYTES).await?;
        let (head, _) = envelope::read_head(&object, &item.to_string())
            .map_err(|cause| self.damaged(target, item, cause))?;
        Ok(head)
    }

    fn damaged(&self, target: &SharedTarget, item: &WalItem, cause: String) -> BackupError {
        BackupError::Damaged { target: target.name().to_owned(), object: item.to_string(), cause }
    }

    /// Reads a piece from the first target that gives it whole; `None` when every target answered
    /// and none has it.
    ///
    /// # Errors
    /// The last refusal, when no target gave it and one at least could not say.
    pub async fn read(
        &self,
        item: &WalItem,
        keys: &Identities,
    ) -> Result<Option<(Head, Vec<u8>)>, BackupError> {
        let mut refusal = None;
        for target in &self.targets {
            match self.read_from(target, item, keys).await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(target.name = target.name(), object = %item, error.cause = %error, "a piece of the log cannot be read");
                    refusal = Some(error);
                }
            }
        }
        refusal.map_or(Ok(None), Err)
    }

    /// Reads a piece from one target.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] when it is not as it was written.
    pub async fn read_from(
        &self,
        target: &SharedTarget,
        item: &WalItem,
        keys: &Identities,
    ) -> Result<Option<(Head, Vec<u8>)>, BackupError> {
        let object = match read_small(target.as_ref(), &self.key(item)?, MOST_OBJECT_BYTES).await {
            Err(error) if error.is_not_found() => return Ok(None),
            read => read?,
        };
        let (name, system, keys) = (item.to_string(), self.system, keys.clone());
        let opened = tokio::task::spawn_blocking(move || envelope::unwrap(&object, &name, system, &keys));
        let opened = opened.await.map_err(|error| BackupError::Internal(error.to_string()))?;
        opened.map(Some).map_err(|cause| self.damaged(target, item, cause))
    }

    /// What all targets together hold: histories with what they say, gaps, and the pieces of the
    /// timelines that are asked for.
    ///
    /// # Errors
    /// When a target cannot be listed: what it holds might be what is missing.
    pub async fn catalog(&self, timelines: &[TimelineId], keys: &Identities) -> Result<Catalog, BackupError> {
        let mut catalog = Catalog::default();
        for target in &self.targets {
            self.list_into(&mut catalog, target, timelines).await?;
        }
        self.read_histories(&mut catalog, keys).await?;
        Ok(catalog)
    }

    /// What one target holds.
    ///
    /// # Errors
    /// As the target has it.
    pub async fn list_into(
        &self,
        catalog: &mut Catalog,
        target: &SharedTarget,
        timelines: &[TimelineId],
    ) -> Result<(), BackupError> {
        let own = ["histories".to_owned(), "gaps".to_owned()];
        for folder in own.into_iter().chain(timelines.iter().map(|timeline| timeline_folder(*timeline))) {
            for object in target.list(&format!("{}/{folder}/", self.prefix())).await? {
                if let Ok(item) = object.key.file_name().parse() {
                    catalog.add(item);
                }
            }
        }
        Ok(())
    }

    /// The timelines of which a target holds anything.
    ///
    /// # Errors
    /// As the target has it.
    pub async fn timelines(&self, target: &SharedTarget) -> Result<Vec<TimelineId>, BackupError> {
        let folders = target.list_folders(&format!("{}/", self.prefix())).await?;
        let number = |folder: &String| u32::from_str_radix(folder.trim_end_matches('/'), 16).ok();
        Ok(folders.iter().filter_map(number).filter_map(|number| TimelineId::new(number).ok()).collect())
    }

    /// Everything of this cluster's log at a target, with its size there.
    ///
    /// # Errors
    /// As the target has it.
    pub async fn pieces(&self, target: &SharedTarget) -> Result<Vec<StoredPiece>, BackupError> {
        let objects = target.list(&format!("{}/", self.prefix())).await?;
        let piece = |object: StoredObject| {
            let item = object.key.file_name().parse().ok()?;
            Some(StoredPiece { item, size_bytes: object.size_bytes })
        };
        Ok(objects.into_iter().filter_map(piece).collect())
    }

    /// Removes a piece from a target. Whether it may go is decided by whoever calls.
    ///
    /// # Errors
    /// As the target has it.
    pub async fn remove(&self, target: &SharedTarget, item: &WalItem) -> Result<(), BackupError> {
        Ok(target.remove(&self.key(item)?).await?)
    }

    pub(crate) async fn read_histories(
        &self,
        catalog: &mut Catalog,
        keys: &Identities,
    ) -> Result<(), BackupError> {
        let timelines: Vec<TimelineId> = catalog.named_histories().collect();
        for timeline in timelines {
            let found = self.read(&WalItem::History(timeline), keys).await?;
            if let Some((_, content)) = found {
                catalog.add_history(timeline, HistoryFile { timeline, content }.history()?);
            }
        }
        Ok(())
    }

    /// The answer to a server that asks for a segment, and its bytes when there are any: a beginning
    /// is filled up with zeros, as the server itself would have it.
    ///
    /// # Errors
    /// Anything that leaves open whether the segment is there: such a request must not be answered.
    pub async fn fetch(&self, segment: SegmentName, keys: &Identities) -> Result<Fetched, BackupError> {
        if let Some((head, content)) = self.read(&WalItem::Segment(segment), keys).await? {
            return self.checked(segment, &head, content);
        }
        let catalog = self.catalog(&[segment.timeline()], keys).await?;
        let Some(size) = self.segment_size(&catalog, segment, keys).await? else {
            return Err(BackupError::Refused(format!(
                "the archive of the cluster {} holds nothing of timeline {}",
                self.system,
                segment.timeline()
            )));
        };
        match catalog.answer(segment, size) {
            Answer::Beginning { parts } => self.assemble(segment, &parts, keys).await,
            Answer::EndOfArchive => Ok(Fetched::EndOfArchive),
            // It came while we were looking.
            Answer::Whole => match self.read(&WalItem::Segment(segment), keys).await? {
                Some((head, content)) => self.checked(segment, &head, content),
                None => Err(BackupError::Refused(format!("{segment} is listed and cannot be read"))),
            },
            Answer::Missing(reason) => Err(BackupError::Refused(format!(
                "{reason}: recovery cannot go on here; recover to a time before that, or take a backup from behind it"
            ))),
        }
    }

    /// Any piece of the timeline tells it, and a timeline without pieces has a history to tell it.
    async fn segment_size(
        &self,
        catalog: &Catalog,
        segment: SegmentName,
        keys: &Identities,
    ) -> Result<Option<larder_replication::SegmentSize>, BackupError> {
        let item = catalog
            .any_piece(segment.timeline())
            .or_else(|| catalog.named_histories().next().map(WalItem::History));
        let Some(item) = item else { return Ok(None) };
        let read = self.read(&item, keys).await?;
        Ok(read.map(|(head, _)| head.segment_bytes))
    }

    async fn assemble(
        &self,
        segment: SegmentName,
        parts: &[(u32, u32)],
        keys: &Identities,
    ) -> Result<Fetched, BackupError> {
        let mut content: Vec<u8> = Vec::new();
        let mut whole = None;
        for (from, to) in parts {
            let item = WalItem::Part { segment, from: *from, to: *to };
            let (head, part) = self
                .read(&item, keys)
                .await?
                .ok_or_else(|| BackupError::Refused(format!("{item} is listed and cannot be read")))?;
            let known = content.len().saturating_sub(*from as usize);
            content.extend_from_slice(part.get(known..).unwrap_or_default());
            whole = Some(head);
        }
        let head = whole.ok_or_else(|| BackupError::Internal(format!("{segment} has no parts")))?;
        content.resize(usize::try_from(head.segment_bytes.bytes()).unwrap_or(usize::MAX), 0);
        self.checked(segment, &head, content)
    }

    fn checked(&self, segment: SegmentName, head: &Head, content: Vec<u8>) -> Result<Fetched, BackupError> {
        let expected = super::page::Expected {
            system: self.system,
            segment,
            size: head.segment_bytes,
            major_version: head.major_version,
        };
        let damaged =
            |cause| BackupError::Damaged { target: self.cluster.clone(), object: segment.to_string(), cause };
        if content.len() as u64 != head.segment_bytes.bytes() {
            return Err(damaged(format!("it has {} bytes", content.len())));
        }
        super::page::check(&expected, 0, &content).map_err(damaged)?;
        Ok(Fetched::Content(content))
    }
}

/// What the archive has to say about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// Here it is.
    Content(Vec<u8>),
    /// There is none, and none can be missing.
    EndOfArchive,
}
