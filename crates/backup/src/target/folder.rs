//! A local folder as a target. An object is written under a name that nothing reads, made durable,
//! and then linked to its own name, which fails when there is one already.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;

use super::{Download, ObjectKey, PART_BYTES, StoredObject, Target, TargetError, Upload};

/// What unfinished objects begin with; no object's name can.
const UNFINISHED: &str = ".unfinished-";
const READ_BYTES: usize = 1024 * 1024;

/// A folder of this machine.
#[derive(Debug, Clone)]
pub struct FolderTarget {
    name: String,
    root: PathBuf,
}

impl FolderTarget {
    /// Opens the folder and makes it when it is not there, for its owner alone.
    ///
    /// # Errors
    /// [`TargetError::Refused`] when it cannot be made.
    pub fn open(name: &str, root: &Path) -> Result<Self, TargetError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(root);
        let root = made.and_then(|()| fs::canonicalize(root)).map_err(|error| TargetError::Refused {
            target: name.to_owned(),
            action: "make the folder",
            key: root.display().to_string(),
            cause: error.to_string(),
        })?;
        Ok(Self { name: name.to_owned(), root })
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, key: &ObjectKey) -> PathBuf {
        self.root.join(key.as_str())
    }

    fn error(&self, action: &'static str, key: &str, error: &io::Error) -> TargetError {
        let (target, key) = (self.name.clone(), key.to_owned());
        match error.kind() {
            ErrorKind::NotFound => TargetError::NotFound { target, key },
            ErrorKind::AlreadyExists => TargetError::Exists { target, key },
            ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::ResourceBusy => {
                TargetError::Unavailable { target, action, key, cause: error.to_string() }
            }
            _ => TargetError::Refused { target, action, key, cause: error.to_string() },
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        action: &'static str,
        key: &str,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, TargetError> {
        let done = tokio::task::spawn_blocking(work).await;
        let done = done.unwrap_or_else(|ended| Err(io::Error::other(ended)));
        done.map_err(|error| self.error(action, key, &error))
    }
}

#[tonic::async_trait]
impl Target for FolderTarget {
    fn name(&self) -> &str {
        &self.name
    }

    async fn put(&self, key: &ObjectKey, content: Bytes) -> Result<(), TargetError> {
        let mut upload = self.begin(key).await?;
        upload.write(content).await?;
        upload.finish().await
    }

    async fn begin(&self, key: &ObjectKey) -> Result<Box<dyn Upload>, TargetError> {
        let path = self.path(key);
        let file = self.run("write", key.as_str(), move || Unfinished::create(path)).await?;
        Ok(Box::new(FolderUpload { target: self.clone(), key: key.clone(), file: Some(file) }))
    }

    async fn open(&self, key: &ObjectKey) -> Result<Box<dyn Download>, TargetError> {
        let path = self.path(key);
        let file = self.run("read", key.as_str(), move || fs::File::open(path)).await?;
        Ok(Box::new(FolderDownload { target: self.clone(), key: key.clone(), file: Some(file) }))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<StoredObject>, TargetError> {
        let (root, wanted) = (self.root.clone(), prefix.to_owned());
        self.run("list", prefix, move || objects_below(&root, &wanted)).await
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, TargetError> {
        let folder = self.root.join(prefix);
        self.run("list", prefix, move || folders_in(&folder)).await
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), TargetError> {
        let (path, root) = (self.path(key), self.root.clone());
        self.run("remove", key.as_str(), move || remove(&path, &root)).await
    }

    async fn remove_unfinished(&self, prefix: &str, begun_before: SystemTime) -> Result<usize, TargetError> {
        let (root, folder) = (self.root.clone(), self.root.join(prefix));
        let remove = move || remove_unfinished(&folder, &root, begun_before);
        self.run("remove what is unfinished in", prefix, remove).await
    }
}

/// A file that has no name yet that anybody would read.
#[derive(Debug)]
struct Unfinished {
    file: fs::File,
    unfinished: PathBuf,
    finished: PathBuf,
}

impl Unfinished {
    fn create(finished: PathBuf) -> io::Result<Self> {
        let folder = finished.parent().ok_or_else(|| io::Error::other("an object without a folder"))?;
        create_durable_folder(folder)?;
        let name = format!("{UNFINISHED}{}", uuid::Uuid::new_v4());
        let unfinished = folder.join(name);
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        Ok(Self { file, unfinished, finished })
    }

    /// A link fails when its name is taken, which a rename would not.
    fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::hard_link(&self.unfinished, &self.finished)?;
        fs::remove_file(&self.unfinished)?;
        sync_folder(self.finished.parent().unwrap_or(Path::new("/")))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After `finish` it is gone already.
        let _ = fs::remove_file(&self.unfinished);
    }
}

struct FolderUpload {
    target: FolderTarget,
    key: ObjectKey,
    /// Away only while a part is being written.
    file: Option<Unfinished>,
}

impl FolderUpload {
    fn take(&mut self) -> Result<Unfinished, TargetError> {
        self.file.take().ok_or_else(|| TargetError::Refused {
            target: self.target.name.clone(),
            action: "write",
            key: self.key.to_string(),
            cause: "an earlier part was not written".to_owned(),
        })
    }
}

#[tonic::async_trait]
impl Upload for FolderUpload {
    async fn write(&mut self, part: Bytes) -> Result<(), TargetError> {
        let mut file = self.take()?;
        // Part by part, while the next one is being packed: what waits for the disk only at the end of an
        // object would hold up the whole backup, and everybody else's syncs with it.
        let write = move || -> io::Result<Unfinished> {
            file.file.write_all(&part)?;
            file.file.sync_data()?;
            Ok(file)
        };
        self.file = Some(self.target.run("write", self.key.as_str(), write).await?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<(), TargetError> {
        let file = self.take()?;
        self.target.run("write", self.key.as_str(), move || file.finish()).await
    }

    async fn abort(self: Box<Self>) {
        drop(self);
    }
}

struct FolderDownload {
    target: FolderTarget,
    key: ObjectKey,
    file: Option<fs::File>,
}

#[tonic::async_trait]
impl Download for FolderDownload {
    async fn next(&mut self) -> Result<Option<Bytes>, TargetError> {
        let Some(mut file) = self.file.take() else { return Ok(None) };
        let read = move || {
            let mut buffer = Vec::with_capacity(READ_BYTES);
            let count = (&mut file).take(READ_BYTES as u64).read_to_end(&mut buffer)?;
            Ok((file, (count > 0).then(|| Bytes::from(buffer))))
        };
        let (file, bytes) = self.target.run("read", self.key.as_str(), read).await?;
        self.file = Some(file);
        Ok(bytes)
    }
}

/// Makes a folder and each one above it that is missing, and makes their names durable.
fn create_durable_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(Path::new("/"));
    create_durable_folder(parent)?;
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(parent),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

fn objects_below(root: &Path, prefix: &str) -> io::Result<Vec<StoredObject>> {
    let folder = match prefix.rsplit_once('/') {
        Some((folder, _)) => root.join(folder),
        None => root.to_owned(),
    };
    let (mut open, mut found) = (vec![folder], Vec::new());
    while let Some(folder) = open.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            // Unfinished objects, and files that somebody else put here, have no name of an object.
            if let Ok(key) = name.parse()
                && name.starts_with(prefix)
            {
                found.push(StoredObject { key, size_bytes: entry.metadata()?.len(), storage_class: None });
            }
        }
    }
    found.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(found)
}

fn remove_unfinished(folder: &Path, root: &Path, begun_before: SystemTime) -> io::Result<usize> {
    let (mut open, mut count) = (vec![folder.to_owned()], 0);
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
                continue;
            }
            let is_unfinished = entry.file_name().to_string_lossy().starts_with(UNFINISHED);
            if is_unfinished && entry.metadata()?.modified()? < begun_before {
                fs::remove_file(entry.path())?;
                remove_empty_folders(&entry.path(), root);
                count += 1;
            }
        }
    }
    Ok(count)
}

fn folders_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Ok(name) = entry.file_name().into_string()
            && name.parse::<ObjectKey>().is_ok()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn remove(path: &Path, root: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    remove_empty_folders(path, root);
    Ok(())
}

/// Folders that are empty now say nothing; one that is not stays.
fn remove_empty_folders(path: &Path, root: &Path) {
    let mut folder = path.parent();
    while let Some(empty) = folder.filter(|folder| *folder != root) {
        if fs::remove_dir(empty).is_err() {
            break;
        }
        folder = empty.parent();
    }
}

const _: () = assert!(READ_BYTES <= PART_BYTES);

#[cfg(test)]
mod tests;
