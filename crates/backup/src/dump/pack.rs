//! Cuts a stream of bytes into objects, each compressed and sealed by itself, and sends them to all
//! targets. It blocks, so it belongs on a thread that may.

use std::io::{self, Write};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::manifest::DumpObject;
use crate::error::BackupError;
use crate::pipeline::{FanOut, ObjectWriter, Polite, SealSettings, Sealer};
use crate::target::ObjectKey;

/// Pieces of 64 KiB between a program and the packer.
const QUEUED_PIECES: usize = 32;

/// Where a stream goes, and how.
pub(super) struct Packing {
    pub(super) fan_out: FanOut,
    pub(super) seal: SealSettings,
    pub(super) folder: ObjectKey,
    /// What the objects' names begin with.
    pub(super) stem: &'static str,
    /// After so many bytes of the stream a new object is begun.
    pub(super) object_bytes: u64,
}

/// A packer at work. Only [`RunningPacker::finish`] ends a stream; one that is dropped is thrown away.
pub(super) struct RunningPacker {
    pieces: mpsc::Sender<Option<Bytes>>,
    packer: Polite<Vec<DumpObject>>,
}

impl RunningPacker {
    pub(super) fn start(packing: Packing) -> Self {
        let (pieces, queue) = mpsc::channel(QUEUED_PIECES);
        Self { pieces, packer: Polite::begin("pack", move || pack(&packing, queue)) }
    }

    /// Whether the piece was taken; the end of the packer tells why it was not.
    pub(super) async fn take(&self, piece: Bytes) -> bool {
        self.pieces.send(Some(piece)).await.is_ok()
    }

    /// Ends the stream.
    pub(super) async fn finish(self) -> Result<Vec<DumpObject>, BackupError> {
        // A packer that has ended tells why below.
        let _ = self.pieces.send(None).await;
        self.give_up().await
    }

    /// Waits for the end of a stream that nobody ended, or that was refused.
    pub(super) async fn give_up(self) -> Result<Vec<DumpObject>, BackupError> {
        drop(self.pieces);
        self.packer.ended().await.map_err(|error| BackupError::NoTargetLeft(error.to_string()))
    }
}

fn pack(packing: &Packing, mut pieces: mpsc::Receiver<Option<Bytes>>) -> io::Result<Vec<DumpObject>> {
    let mut done = Vec::new();
    let mut open = Open::begin(packing, 1)?;
    while let Some(piece) = pieces.blocking_recv() {
        let Some(piece) = piece else {
            done.push(open.finish()?);
            return Ok(done);
        };
        if open.sealer.raw_bytes() >= packing.object_bytes {
            done.push(open.finish()?);
            open = Open::begin(packing, done.len() + 1)?;
        }
        open.sealer.write_all(&piece)?;
    }
    Err(io::Error::other("the dump was broken off"))
}

struct Open {
    name: String,
    sealer: Sealer<ObjectWriter>,
}

impl Open {
    fn begin(packing: &Packing, number: usize) -> io::Result<Self> {
        let name = format!("{}-{number:06}{}", packing.stem, packing.seal.suffix());
        let key = packing.folder.join(&name).map_err(io::Error::other)?;
        Ok(Self { name, sealer: Sealer::new(&packing.seal, packing.fan_out.begin(&key))? })
    }

    fn finish(self) -> io::Result<DumpObject> {
        let raw_bytes = self.sealer.raw_bytes();
        let facts = self.sealer.finish()?.finish()?;
        let (stored_bytes, parts_blake3) = (facts.stored_bytes, facts.parts);
        Ok(DumpObject { name: self.name, raw_bytes, stored_bytes, parts_blake3 })
    }
}
