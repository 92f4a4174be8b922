//! Reads the tar of one object and writes its files. Only what PostgreSQL puts into its archives is
//! taken: files and folders, no links of any kind.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::files::{ExpectedFiles, Written, changed_file};
use super::incremental;
use super::place::Place;
use crate::error::BackupError;
use crate::manifest::Content;
use crate::pipeline::file_size;
use crate::progress::Progress;

const BLOCK: usize = 512;
const BUFFER_BYTES: usize = 256 * 1024;

/// Why unpacking ended.
pub(super) enum Refusal {
    /// The object is not what it should be.
    Damaged(String),
    /// A file of this machine cannot be written.
    File(PathBuf, io::Error),
}

impl Refusal {
    /// Names the object.
    pub(super) fn of(self, target: &str, object: &str) -> BackupError {
        match self {
            Self::Damaged(cause) => {
                BackupError::Damaged { target: target.to_owned(), object: object.to_owned(), cause }
            }
            Self::File(path, source) => BackupError::File { action: "write", path, source },
        }
    }
}

/// Writes everything in an archive.
pub(super) fn unpack(
    archive: impl Read,
    content: &Content,
    place: &Place,
    expected: &ExpectedFiles,
    progress: &Progress,
) -> Result<(), Refusal> {
    let mut unpacker = Unpacker { archive, place, expected, progress, buffer: vec![0; BUFFER_BYTES] };
    while let Some(entry) = unpacker.next_entry(content)? {
        match entry {
            Entry::Folder(path) => {
                place.make_folder(&path).map_err(|error| Refusal::File(path, error))?;
            }
            Entry::File(path, size) => unpacker.write(&path, size)?,
        }
    }
    Ok(())
}

enum Entry {
    Folder(PathBuf),
    File(PathBuf, u64),
}

struct Unpacker<'a, R> {
    archive: R,
    place: &'a Place,
    expected: &'a ExpectedFiles,
    progress: &'a Progress,
    buffer: Vec<u8>,
}

impl<R: Read> Unpacker<'_, R> {
    fn next_entry(&mut self, content: &Content) -> Result<Option<Entry>, Refusal> {
        let mut header = [0; BLOCK];
        self.read_exact(&mut header)?;
        if header.iter().all(|byte| *byte == 0) {
            // Whatever follows is read too, so that a stream with an unread end is never taken for whole.
            let rest = io::copy(&mut self.archive, &mut io::sink());
            rest.map_err(|error| Refusal::Damaged(error.to_string()))?;
            return Ok(None);
        }
        let size =
            file_size(&header).ok_or_else(|| Refusal::Damaged("a tar header without a size".into()))?;
        let path = Place::path_of(content, &name_of(&header)).map_err(Refusal::Damaged)?;
        match header[156] {
            b'0' | 0 => Ok(Some(Entry::File(path, size))),
            b'5' => Ok(Some(Entry::Folder(path))),
            kind => Err(Refusal::Damaged(format!(
                "{} is of kind {:?}, and only files and folders are restored",
                path.display(),
                char::from(kind)
            ))),
        }
    }

    fn write(&mut self, path: &Path, size: u64) -> Result<(), Refusal> {
        let mut written = Written::new(&self.expected.sum_of(path));
        match changed_file(path) {
            Some(changed) if self.expected.is_update => {
                let located = self.place.open_to_change(&changed);
                let file = located.map_err(|error| Refusal::File(changed, error))?;
                let mut changes =
                    HashingReader { inner: (&mut self.archive).take(size), written: &mut written };
                incremental::apply(&mut changes, size, &file).map_err(|cause| {
                    Refusal::Damaged(format!("the changes in {} cannot be applied: {cause}", path.display()))
                })?;
            }
            _ => self.write_whole(path, size, &mut written)?,
        }
        self.expected.check_off(path, &written).map_err(Refusal::Damaged)?;
        let padding = size.next_multiple_of(BLOCK as u64) - size;
        let mut rest = [0; BLOCK];
        self.read_exact(&mut rest[..padding as usize])?;
        self.progress.add(BLOCK as u64 + size + padding);
        Ok(())
    }

    fn write_whole(&mut self, path: &Path, size: u64, written: &mut Written) -> Result<(), Refusal> {
        let failed = |error| Refusal::File(path.to_owned(), error);
        let mut file: File = self.place.create(path, self.expected.is_update).map_err(failed)?;
        let mut left = size;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(BUFFER_BYTES);
            let count = match self.archive.read(&mut self.buffer[..most]) {
                Ok(0) => return Err(Refusal::Damaged(format!("it ends within {}", path.display()))),
                Ok(count) => count,
                Err(error) => return Err(Refusal::Damaged(error.to_string())),
            };
            written.update(&self.buffer[..count]);
            file.write_all(&self.buffer[..count]).map_err(failed)?;
            left -= count as u64;
        }
        Ok(())
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), Refusal> {
        self.archive.read_exact(buffer).map_err(|error| Refusal::Damaged(error.to_string()))
    }
}

struct HashingReader<'a, R> {
    inner: R,
    written: &'a mut Written,
}

impl<R: Read> Read for HashingReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.written.update(&buffer[..count]);
        Ok(count)
    }
}

/// The name of an entry: bytes, not text.
fn name_of(header: &[u8; BLOCK]) -> PathBuf {
    let field = |range: std::ops::Range<usize>| {
        let bytes = &header[range];
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        Path::new(OsStr::from_bytes(&bytes[..end])).to_owned()
    };
    let (name, prefix) = (field(0..100), field(345..500));
    if prefix.as_os_str().is_empty() { name } else { prefix.join(name) }
}

#[cfg(test)]
mod tests;
