//! The folders a restore writes to. Paths come from an archive, so only plain names get through, and
//! no link is followed: there is none until everything is written.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;

use super::files::ExpectedFiles;
use super::folder::make_private;
use crate::error::BackupError;
use crate::manifest::Content;

const CONTROL: &str = "global/pg_control";
/// The name of `pg_control` until everything else is durable.
const UNFINISHED_CONTROL: &str = "global/pg_control.unfinished";
const LABEL: &str = "backup_label";
const TABLESPACE_MAP: &str = "tablespace_map";

/// A data folder and its tablespaces.
pub(super) struct Place {
    folder: PathBuf,
    tablespaces: BTreeMap<u32, PathBuf>,
}

impl Place {
    /// Makes the folders; all of them must be empty.
    pub(super) fn prepare(folder: &Path, tablespaces: BTreeMap<u32, PathBuf>) -> Result<Self, BackupError> {
        for path in std::iter::once(folder).chain(tablespaces.values().map(PathBuf::as_path)) {
            make_private(path)?;
        }
        Ok(Self { folder: folder.to_owned(), tablespaces })
    }

    /// The path of an entry below the cluster, as the server's manifest writes it.
    pub(super) fn path_of(content: &Content, name: &Path) -> Result<PathBuf, String> {
        let name = name.strip_prefix(".").unwrap_or(name);
        if name.components().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(format!("the archive names {}, which leads out of its folder", name.display()));
        }
        Ok(match content {
            Content::Tablespace(oid) => Path::new("pg_tblspc").join(oid.to_string()).join(name),
            _ => name.to_owned(),
        })
    }

    /// Where that path is on this machine.
    pub(super) fn locate(&self, path: &Path) -> PathBuf {
        if path == Path::new(CONTROL) {
            return self.folder.join(UNFINISHED_CONTROL);
        }
        if let Ok(below) = path.strip_prefix("pg_tblspc") {
            let mut parts = below.components();
            let oid = parts.next().and_then(|part| part.as_os_str().to_str()?.parse::<u32>().ok());
            if let Some(space) = oid.and_then(|oid| self.tablespaces.get(&oid)) {
                return space.join(parts.as_path());
            }
        }
        self.folder.join(path)
    }

    /// Makes a folder of the cluster and those above it.
    pub(super) fn make_folder(&self, path: &Path) -> std::io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(self.locate(path))
    }

    /// Opens a file to be written from its start. Only an update may find one of this name.
    pub(super) fn create(&self, path: &Path, is_update: bool) -> std::io::Result<File> {
        let located = self.locate(path);
        if let Some(parent) = located.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        if is_update {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        options.open(located)
    }

    /// Opens a file of an earlier backup to lay changes over it.
    pub(super) fn open_to_change(&self, path: &Path) -> std::io::Result<File> {
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        OpenOptions::new().write(true).read(true).custom_flags(flags).open(self.locate(path))
    }

    /// Removes files that the newer backup does not have any more.
    pub(super) fn remove_unknown(&self, expected: &ExpectedFiles) -> Result<(), BackupError> {
        self.remove_unknown_below(&self.folder, Path::new(""), expected)?;
        for (oid, folder) in &self.tablespaces {
            let path = Path::new("pg_tblspc").join(oid.to_string());
            self.remove_unknown_below(folder, &path, expected)?;
        }
        Ok(())
    }

    fn remove_unknown_below(
        &self,
        folder: &Path,
        path: &Path,
        expected: &ExpectedFiles,
    ) -> Result<(), BackupError> {
        for entry in fs::read_dir(folder).map_err(BackupError::file("list", folder))? {
            let entry = entry.map_err(BackupError::file("list", folder))?;
            let (located, path) = (entry.path(), path.join(entry.file_name()));
            let kind = entry.file_type().map_err(BackupError::file("read", &located))?;
            if kind.is_dir() {
                self.remove_unknown_below(&located, &path, expected)?;
            } else if path != Path::new(UNFINISHED_CONTROL)
                && !path.starts_with("pg_wal")
                && !expected.knows(&path)
            {
                fs::remove_file(&located).map_err(BackupError::file("remove", &located))?;
            }
        }
        Ok(())
    }

    /// Writes what says where tablespaces are now, makes everything durable, hands it over, and
    /// gives `pg_control` its name.
    pub(super) fn finish(&self, owner: Option<(u32, u32)>) -> Result<(), BackupError> {
        self.write_tablespace_map()?;
        self.strip_label()?;
        if let Some(owner) = owner {
            for folder in std::iter::once(&self.folder).chain(self.tablespaces.values()) {
                hand_over(folder, owner)?;
            }
        }
        self.sync()?;
        let (from, to) = (self.folder.join(UNFINISHED_CONTROL), self.folder.join(CONTROL));
        fs::rename(&from, &to).map_err(BackupError::file("rename", &from))?;
        let global = self.folder.join("global");
        File::open(&global).and_then(|folder| folder.sync_all()).map_err(BackupError::file("sync", &global))
    }

    /// The server makes the links itself when it starts, from this file.
    fn write_tablespace_map(&self) -> Result<(), BackupError> {
        let path = self.folder.join(TABLESPACE_MAP);
        if self.tablespaces.is_empty() {
            return Ok(());
        }
        let mut text = Vec::new();
        for (oid, folder) in &self.tablespaces {
            text.extend_from_slice(format!("{oid} ").as_bytes());
            for byte in std::os::unix::ffi::OsStrExt::as_bytes(folder.as_os_str()) {
                if matches!(byte, b'\n' | b'\r' | b'\\') {
                    text.push(b'\\');
                }
                text.push(*byte);
            }
            text.push(b'\n');
        }
        let file = File::create(&path).and_then(|mut file| file.write_all(&text));
        file.map_err(BackupError::file("write", &path))
    }

    /// A cluster put together from changes is no incremental backup any more.
    fn strip_label(&self) -> Result<(), BackupError> {
        let path = self.folder.join(LABEL);
        let text = fs::read_to_string(&path).map_err(BackupError::file("read", &path))?;
        if !text.contains("INCREMENTAL FROM") {
            return Ok(());
        }
        let kept = text.lines().filter(|line| !line.starts_with("INCREMENTAL FROM"));
        let kept: String = kept.flat_map(|line| [line, "\n"]).collect();
        fs::write(&path, kept).map_err(BackupError::file("write", &path))
    }

    /// One call for a whole file system is far quicker than one a file.
    fn sync(&self) -> Result<(), BackupError> {
        for folder in std::iter::once(&self.folder).chain(self.tablespaces.values()) {
            let synced = File::open(folder).and_then(|file| Ok(rustix::fs::syncfs(&file)?));
            synced.map_err(BackupError::file("sync", folder))?;
        }
        Ok(())
    }
}

fn hand_over(path: &Path, owner: (u32, u32)) -> Result<(), BackupError> {
    let given = std::os::unix::fs::lchown(path, Some(owner.0), Some(owner.1));
    given.map_err(BackupError::file("give to its owner", path))?;
    if !fs::symlink_metadata(path).map_err(BackupError::file("read", path))?.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(BackupError::file("list", path))? {
        hand_over(&entry.map_err(BackupError::file("list", path))?.path(), owner)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_leads_out_is_refused() {
        for name in ["../x", "/etc/passwd", "base/../../x", "./../x"] {
            assert!(Place::path_of(&Content::Base, Path::new(name)).is_err(), "{name}");
            assert!(Place::path_of(&Content::Tablespace(7), Path::new(name)).is_err(), "{name}");
        }
        assert_eq!(Place::path_of(&Content::Base, Path::new("./base/1")).unwrap(), Path::new("base/1"));
    }

    #[test]
    fn tablespaces_have_folders_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let (data, space) = (folder.path().join("data"), folder.path().join("space"));
        let place = Place::prepare(&data, BTreeMap::from([(7, space.clone())])).unwrap();
        let path = Place::path_of(&Content::Tablespace(7), Path::new("PG_17/5/1")).unwrap();
        assert_eq!(path, Path::new("pg_tblspc/7/PG_17/5/1"));
        assert_eq!(place.locate(&path), space.join("PG_17/5/1"));
        assert_eq!(place.locate(Path::new("base/1")), data.join("base/1"));
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let place = Place::prepare(&data, BTreeMap::new()).unwrap();
        let outside = folder.path().join("outside");
        fs::write(&outside, "mine").unwrap();
        std::os::unix::fs::symlink(&outside, data.join("file")).unwrap();
        assert!(place.create(Path::new("file"), false).is_err());
        assert!(place.create(Path::new("file"), true).is_err());
        assert!(place.open_to_change(Path::new("file")).is_err());
        assert_eq!(fs::read_to_string(outside).unwrap(), "mine");
    }
}
