//! Cuts the tar archive of a tablespace, as the server streams it, into several that each hold whole
//! files, so that they can be compressed, checked and restored independently of each other.

use std::io::{self, Write};
use std::thread::{self, JoinHandle};

use super::{FanOut, SealSettings, Sealer, StoredFacts};
use crate::pipeline::fan_out::ObjectWriter;
use crate::target::ObjectKey;

const BLOCK: usize = 512;
/// Where a header holds the size of its file, and in how many bytes.
const SIZE_FIELD: std::ops::Range<usize> = 124..136;

/// One object that was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutObject {
    /// Its name within the backup.
    pub name: String,
    /// Bytes of tar in it.
    pub raw_bytes: u64,
    /// What is stored.
    pub facts: StoredFacts,
}

/// Cuts one archive.
pub struct TarCutter {
    fan_out: FanOut,
    settings: SealSettings,
    folder: ObjectKey,
    /// What names begin with, such as `base` or `16385`.
    stem: String,
    /// After so many bytes of tar the next file begins a new object.
    object_bytes: u64,
    open: Option<(String, Sealer<ObjectWriter>)>,
    /// The object before, while it is brought to its end.
    closing: Option<Closing>,
    done: Vec<CutObject>,
    header: Vec<u8>,
    /// Bytes of the current file that are still to come, its padding included.
    body_left: u64,
}

impl TarCutter {
    /// Cuts the archive `stem` into objects below `folder`.
    #[must_use]
    pub fn new(
        fan_out: FanOut,
        settings: SealSettings,
        folder: ObjectKey,
        stem: &str,
        object_bytes: u64,
    ) -> Self {
        Self {
            fan_out,
            settings,
            folder,
            stem: stem.to_owned(),
            object_bytes,
            open: None,
            closing: None,
            done: Vec::new(),
            header: Vec::with_capacity(BLOCK),
            body_left: 0,
        }
    }

    /// Takes the next bytes of the archive.
    ///
    /// # Errors
    /// Bytes that are no tar archive, and no target that is left.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.body_left > 0 {
                let count = usize::try_from(self.body_left).unwrap_or(usize::MAX).min(bytes.len());
                self.sealer()?.write_all(&bytes[..count])?;
                self.body_left -= count as u64;
                bytes = &bytes[count..];
                continue;
            }
            let count = (BLOCK - self.header.len()).min(bytes.len());
            self.header.extend_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            if self.header.len() == BLOCK {
                self.take_header()?;
            }
        }
        Ok(())
    }

    /// Ends the last object and returns all of them.
    ///
    /// # Errors
    /// An archive that ends in the middle of a file, and no target that is left.
    pub fn finish(mut self) -> io::Result<Vec<CutObject>> {
        if self.body_left > 0 || !self.header.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the archive {} ends in the middle of a file", self.stem),
            ));
        }
        self.close()?;
        self.wait_for_closing()?;
        Ok(self.done)
    }

    fn take_header(&mut self) -> io::Result<()> {
        let header = std::mem::replace(&mut self.header, Vec::with_capacity(BLOCK));
        // Two empty blocks end an archive; each object gets its own.
        if header.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let size = file_size(&header)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a tar header without a size"))?;
        let is_full = self.open.as_ref().is_some_and(|(_, sealer)| sealer.raw_bytes() >= self.object_bytes);
        if is_full {
            self.close()?;
        }
        self.sealer()?.write_all(&header)?;
        self.body_left = size.next_multiple_of(BLOCK as u64);
        Ok(())
    }

    fn sealer(&mut self) -> io::Result<&mut Sealer<ObjectWriter>> {
        if self.open.is_none() {
            let number = self.done.len() + usize::from(self.closing.is_some()) + 1;
            let name = format!("{}-{number:06}.tar{}", self.stem, self.settings.suffix());
            let key = self.folder.join(&name).map_err(io::Error::other)?;
            let sealer = Sealer::new(&self.settings, self.fan_out.begin(&key))?;
            self.open = Some((name, sealer));
        }
        self.open.as_mut().map(|(_, sealer)| sealer).ok_or_else(|| io::Error::other("no object is open"))
    }

    /// The last bytes of an object are compressed and made durable while the next one begins.
    fn close(&mut self) -> io::Result<()> {
        let Some((name, mut sealer)) = self.open.take() else { return Ok(()) };
        sealer.write_all(&[0; 2 * BLOCK])?;
        self.wait_for_closing()?;
        let raw_bytes = sealer.raw_bytes();
        let thread = thread::Builder::new().name("close".to_owned());
        let thread = thread.spawn(move || sealer.finish()?.finish())?;
        self.closing = Some(Closing { name, raw_bytes, thread: Some(thread) });
        Ok(())
    }

    fn wait_for_closing(&mut self) -> io::Result<()> {
        if let Some(closing) = self.closing.take() {
            self.done.push(closing.wait()?);
        }
        Ok(())
    }
}

/// An object on its way to the disk, on a thread of its own.
struct Closing {
    name: String,
    raw_bytes: u64,
    thread: Option<JoinHandle<io::Result<StoredFacts>>>,
}

impl Closing {
    fn wait(mut self) -> io::Result<CutObject> {
        let stored = self.thread.take().map(JoinHandle::join);
        let Some(Ok(facts)) = stored else {
            return Err(io::Error::other(format!("the thread that ends {} has failed", self.name)));
        };
        Ok(CutObject { name: std::mem::take(&mut self.name), raw_bytes: self.raw_bytes, facts: facts? })
    }
}

/// Whoever throws a backup away removes what is there, so nothing may still be written behind it.
impl Drop for Closing {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The size in a header: octal digits, or, for files over 8 GiB, a big-endian number whose first
/// bit is set.
pub(crate) fn file_size(header: &[u8]) -> Option<u64> {
    let field = header.get(SIZE_FIELD)?;
    if field[0] & 0x80 != 0 {
        return Some(field[4..].iter().fold(0u64, |size, byte| size << 8 | u64::from(*byte)));
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches(|c| c == ' ' || c == '\0');
    u64::from_str_radix(text, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_forms() {
        let mut header = vec![0; BLOCK];
        header[SIZE_FIELD].copy_from_slice(b"00000001750\0");
        assert_eq!(file_size(&header), Some(1_000));
        header[SIZE_FIELD].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1]);
        assert_eq!(file_size(&header), Some((4 << 32) + 1));
        header[SIZE_FIELD].copy_from_slice(b"not a number");
        assert_eq!(file_size(&header), None);
    }
}
