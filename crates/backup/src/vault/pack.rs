//! The thread that a backup passes through on its way to the targets: archives are cut, compressed
//! and sealed, the server's manifest is stored beside them.

use std::io::{self, Write};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::manifest::{Content, ManifestObject};
use crate::pipeline::{FanOut, SealSettings, Sealer, StoredFacts, TarCutter};
use crate::target::ObjectKey;

/// The server's manifest names files and sums and nothing else; it is never sealed, so that a host
/// without a key can ask for an incremental backup with it.
pub(super) const SERVER_MANIFEST: &str = "backup_manifest.zst";

/// What the packer is given.
pub(super) enum Piece {
    /// The data that follows is a tar archive.
    Archive(Content),
    /// The data that follows is the server's manifest.
    ServerManifest,
    /// Bytes of what was begun last.
    Data(Bytes),
    /// Everything was given. A queue that just ends throws everything away.
    End,
}

/// How and where to.
pub(super) struct Packing {
    pub(super) fan_out: FanOut,
    pub(super) seal: SealSettings,
    pub(super) folder: ObjectKey,
    pub(super) object_bytes: u64,
}

/// Packs until the end and returns what was stored. It blocks.
pub(super) fn pack(packing: Packing, mut pieces: mpsc::Receiver<Piece>) -> io::Result<Vec<ManifestObject>> {
    let mut packer = Packer { packing, open: Open::Nothing, objects: Vec::new() };
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Archive(content) => packer.begin_archive(content)?,
            Piece::ServerManifest => packer.begin_server_manifest()?,
            Piece::Data(bytes) => packer.write(&bytes)?,
            Piece::End => {
                packer.close()?;
                return Ok(packer.objects);
            }
        }
    }
    Err(io::Error::other("the backup was broken off"))
}

struct Packer {
    packing: Packing,
    open: Open,
    objects: Vec<ManifestObject>,
}

enum Open {
    Nothing,
    Archive(Content, Box<TarCutter>),
    ServerManifest(Box<Sealer<crate::pipeline::ObjectWriter>>),
}

impl Packer {
    fn begin_archive(&mut self, content: Content) -> io::Result<()> {
        self.close()?;
        let stem = match content {
            Content::Tablespace(oid) => format!("tablespace-{oid}"),
            _ => "base".to_owned(),
        };
        let Packing { fan_out, seal, folder, object_bytes } = &self.packing;
        let cutter = TarCutter::new(fan_out.clone(), seal.clone(), folder.clone(), &stem, *object_bytes);
        self.open = Open::Archive(content, Box::new(cutter));
        Ok(())
    }

    fn begin_server_manifest(&mut self) -> io::Result<()> {
        self.close()?;
        let key = self.packing.folder.join(SERVER_MANIFEST).map_err(io::Error::other)?;
        let settings = SealSettings { recipients: Vec::new(), ..self.packing.seal.clone() };
        let sealer = Sealer::new(&settings, self.packing.fan_out.begin(&key))?;
        self.open = Open::ServerManifest(Box::new(sealer));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.open {
            Open::Nothing => Err(io::Error::other("bytes of nothing")),
            Open::Archive(_, cutter) => cutter.write(bytes),
            Open::ServerManifest(sealer) => sealer.write_all(bytes),
        }
    }

    fn close(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => {}
            Open::Archive(content, cutter) => {
                for object in cutter.finish()? {
                    self.push(object.name, content.clone(), object.raw_bytes, object.facts);
                }
            }
            Open::ServerManifest(sealer) => {
                let raw_bytes = sealer.raw_bytes();
                let facts = sealer.finish()?.finish()?;
                self.push(SERVER_MANIFEST.to_owned(), Content::ServerManifest, raw_bytes, facts);
            }
        }
        Ok(())
    }

    fn push(&mut self, name: String, content: Content, raw_bytes: u64, facts: StoredFacts) {
        tracing::debug!(object.name = name, raw_bytes, facts.stored_bytes, "object stored");
        let StoredFacts { stored_bytes, parts } = facts;
        let object = ManifestObject { name, content, raw_bytes, stored_bytes, parts_blake3: parts };
        self.objects.push(object);
    }
}
