//! What this machine is storing at the targets right now, noted on its own disk. Parts that a killed process had
//! sent to a bucket lie where no list shows them, and are paid for. A note is locked for as long as its
//! process lives: whoever finds one that nobody holds knows that what it names will never be finished.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use crate::manifest::BackupId;

/// What is being stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Backup,
    Dump,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Dump => "dump",
        }
    }
}

/// The folder of the notes.
#[derive(Debug, Clone)]
pub(crate) struct UnderWay {
    folder: PathBuf,
}

/// A note that this process holds.
#[derive(Debug)]
pub(crate) struct Note {
    path: PathBuf,
    /// Its lock goes with the process.
    _file: File,
}

/// What a process had begun that is gone, or that could not clean up after itself.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) kind: Kind,
    pub(crate) id: BackupId,
    note: Note,
}

impl UnderWay {
    pub(crate) fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Notes that something is being stored. Where no note can be made, what a kill leaves is found by its age.
    pub(crate) fn begin(&self, kind: Kind, id: &BackupId) -> Option<Note> {
        match self.write(kind, id) {
            Ok(note) => Some(note),
            Err(error) => {
                tracing::warn!(folder = %self.folder.display(), error.cause = %error, "what is being stored cannot be noted");
                None
            }
        }
    }

    fn write(&self, kind: Kind, id: &BackupId) -> io::Result<Note> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.folder.join(format!("{}-{id}", kind.as_str()));
        let unlocked = self.folder.join(format!("new-{}-{id}", kind.as_str()));
        let file = File::create(&unlocked)?;
        file.try_lock()?;
        // It has its name only once it is locked.
        fs::rename(&unlocked, &path)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(Note { path, _file: file })
    }

    /// What nobody works at any more.
    pub(crate) fn left(&self) -> io::Result<Vec<Left>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut left = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Some((kind, id)) = read_name(&entry.file_name().to_string_lossy()) else { continue };
            let path = entry.path();
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_ok() {
                left.push(Left { kind, id, note: Note { path, _file: file } });
            }
        }
        Ok(left)
    }
}

fn read_name(name: &str) -> Option<(Kind, BackupId)> {
    let (kind, id) = name.split_once('-')?;
    let kind = [Kind::Backup, Kind::Dump].into_iter().find(|known| known.as_str() == kind)?;
    Some((kind, id.parse().ok()?))
}

impl Note {
    /// Nothing is left of it that somebody would have to take away.
    pub(crate) fn done(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), error.cause = %error, "a note is left");
        }
    }
}

impl Left {
    /// It is taken away.
    pub(crate) fn done(self) {
        self.note.done();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_any_more_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let notes = UnderWay::in_folder(folder.path().join("under-way"));
        assert!(notes.left().unwrap().is_empty(), "there is no folder yet");
        let ids: [BackupId; 3] =
            ["20261123T064000Z-7f3a9c01", "20261123T064001Z-7f3a9c01", "20261123T064002Z-7f3a9c01"]
                .map(|id| id.parse().unwrap());
        let held = notes.begin(Kind::Backup, &ids[0]).unwrap();
        notes.begin(Kind::Backup, &ids[1]).unwrap().done();
        // As a killed process leaves it.
        drop(notes.begin(Kind::Dump, &ids[2]).unwrap());
        fs::write(folder.path().join("under-way/somebody-elses"), "").unwrap();
        let mut left = notes.left().unwrap();
        assert_eq!(left.len(), 1);
        let dump = left.remove(0);
        assert_eq!((dump.kind, &dump.id), (Kind::Dump, &ids[2]));
        assert!(notes.left().unwrap().is_empty(), "one at a time takes it away");
        dump.done();
        drop(held);
        let left = notes.left().unwrap();
        assert_eq!((left.len(), left[0].kind), (1, Kind::Backup));
    }
}
