//! The way back: the parts of an object are received and each is checked against the manifest
//! before anything looks at it; then the seal is opened and the content unpacked.

use std::io::{self, Read};
use std::str::FromStr;
use std::sync::Arc;

use age::x25519::Identity;
use age::{Decryptor, stream::StreamReader};
use bytes::{Buf, Bytes, BytesMut};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;

use crate::error::BackupError;
use crate::target::{Download, ObjectKey, PART_BYTES, SharedTarget};

/// Secret keys of age; only whoever restores holds any.
#[derive(Clone, Default)]
pub struct Identities(Arc<Vec<Identity>>);

impl Identities {
    /// Reads the lines of a file of keys; empty lines and those that begin with `#` say nothing.
    ///
    /// # Errors
    /// The number of the line that is no key, and never the line.
    pub fn read(text: &SecretString) -> Result<Self, String> {
        let lines = text.expose_secret().lines().map(str::trim).enumerate();
        let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let keys = keys.map(|(number, line)| {
            Identity::from_str(line).map_err(|_| {
                format!(
                    "line {} of the keys is no secret key of age; one begins with AGE-SECRET-KEY-1",
                    number + 1
                )
            })
        });
        Ok(Self(Arc::new(keys.collect::<Result<_, _>>()?)))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What the manifest says about the bytes of an object.
#[derive(Debug, Clone)]
pub struct PartChecks {
    /// The target, for errors.
    pub target: String,
    /// The object's name.
    pub key: ObjectKey,
    /// Its size.
    pub stored_bytes: u64,
    /// BLAKE3 of each part.
    pub parts: Vec<String>,
}

impl PartChecks {
    fn damaged(&self, cause: String) -> BackupError {
        BackupError::Damaged { target: self.target.clone(), object: self.key.to_string(), cause }
    }
}

/// The parts of an object on their way back, each checked before anybody sees it.
pub struct CheckedParts {
    checks: PartChecks,
    download: Box<dyn Download>,
    buffer: BytesMut,
    received: u64,
    number: usize,
    is_at_end: bool,
}

impl CheckedParts {
    /// Opens an object.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] when it is missing.
    pub async fn open(target: &SharedTarget, checks: PartChecks) -> Result<Self, BackupError> {
        let download = match target.open(&checks.key).await {
            Err(error) if error.is_not_found() => return Err(checks.damaged("it is missing".to_owned())),
            opened => opened?,
        };
        Ok(Self { checks, download, buffer: BytesMut::new(), received: 0, number: 0, is_at_end: false })
    }

    /// Returns the next part, or `None` behind the last one.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] for a byte that differs, one too few or one too many.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BackupError> {
        while self.buffer.len() < PART_BYTES && !self.is_at_end {
            match self.download.next().await? {
                None => self.is_at_end = true,
                Some(bytes) => {
                    self.received += bytes.len() as u64;
                    self.buffer.extend_from_slice(&bytes);
                }
            }
            self.refuse_wrong_size()?;
        }
        if self.buffer.is_empty() {
            return if self.number == self.checks.parts.len() {
                Ok(None)
            } else {
                Err(self.checks.damaged(format!("it has {} parts", self.number)))
            };
        }
        let part = self.buffer.split_to(self.buffer.len().min(PART_BYTES)).freeze();
        let sum = self.checks.parts.get(self.number);
        if sum.is_none_or(|sum| *sum != blake3::hash(&part).to_hex().as_str()) {
            let offset = self.number as u64 * PART_BYTES as u64;
            return Err(self.checks.damaged(format!(
                "the {} bytes from byte {offset} on are not those that were written",
                part.len()
            )));
        }
        self.number += 1;
        Ok(Some(part))
    }

    fn refuse_wrong_size(&self) -> Result<(), BackupError> {
        let (received, wanted) = (self.received, self.checks.stored_bytes);
        if received > wanted {
            return Err(self.checks.damaged(format!("it has more than {wanted} bytes")));
        }
        if self.is_at_end && received < wanted {
            return Err(self.checks.damaged(format!("it has {received} bytes of {wanted}")));
        }
        Ok(())
    }
}

/// The content of an object, as it was before it was compressed and sealed. It blocks.
pub struct OpenedObject {
    inner: zstd::Decoder<'static, io::BufReader<Layer>>,
}

enum Layer {
    Plain(PartReader),
    Sealed(Box<StreamReader<PartReader>>),
}

impl OpenedObject {
    /// Opens what comes out of `parts`.
    ///
    /// # Errors
    /// A seal that none of the keys opens.
    pub fn new(parts: mpsc::Receiver<Bytes>, is_sealed: bool, keys: &Identities) -> io::Result<Self> {
        let parts = PartReader { parts, current: Bytes::new() };
        let layer =
            if is_sealed { Layer::Sealed(Box::new(unseal(parts, keys)?)) } else { Layer::Plain(parts) };
        Ok(Self { inner: zstd::Decoder::new(layer)? })
    }
}

fn unseal<R: Read>(sealed: R, keys: &Identities) -> io::Result<StreamReader<R>> {
    let keys = keys.0.iter().map(|key| key as &dyn age::Identity);
    let opened = Decryptor::new(sealed).map_err(io::Error::other)?.decrypt(keys);
    opened.map_err(|error| io::Error::new(io::ErrorKind::PermissionDenied, error.to_string()))
}

impl Read for OpenedObject {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl Read for Layer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(parts) => parts.read(buffer),
            Self::Sealed(stream) => stream.read(buffer),
        }
    }
}

struct PartReader {
    parts: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Read for PartReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.parts.blocking_recv() {
                Some(part) => self.current = part,
                None => return Ok(0),
            }
        }
        let count = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

/// Opens what [`super::seal_bytes`] has sealed, up to `most_bytes` of content.
///
/// # Errors
/// A seal that none of the keys opens, bytes that were changed, and content that is too large.
pub fn open_bytes(sealed: &[u8], is_sealed: bool, keys: &Identities, most_bytes: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let count = if is_sealed {
        zstd::Decoder::new(unseal(sealed, keys)?)?.take(most_bytes + 1).read_to_end(&mut content)?
    } else {
        zstd::Decoder::new(sealed)?.take(most_bytes + 1).read_to_end(&mut content)?
    };
    if count as u64 > most_bytes {
        return Err(io::Error::other(format!("the content has more than {most_bytes} bytes")));
    }
    Ok(content)
}
