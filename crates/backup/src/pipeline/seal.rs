//! zstd, and age around it. Who writes holds only public keys: a host that takes backups can read
//! none of them.

use std::io::{self, Write};
use std::str::FromStr;

use age::x25519::Recipient;
use age::{Encryptor, stream::StreamWriter};

/// How bytes are compressed and for whom they are sealed.
#[derive(Clone)]
pub struct SealSettings {
    /// zstd's level, 1 to 19.
    pub level: i32,
    /// Threads that compress beside the one that writes; 0 for none.
    pub workers: u32,
    /// Public keys of age (`age1…`); empty leaves backups readable by whoever reads the target.
    pub recipients: Vec<Recipient>,
}

impl SealSettings {
    /// Level 1 on two threads, sealed for nobody.
    #[must_use]
    pub fn plain() -> Self {
        Self { level: 1, workers: 2, recipients: Vec::new() }
    }

    /// Reads public keys of age.
    ///
    /// # Errors
    /// The key that is none.
    pub fn read_recipients(keys: &[String]) -> Result<Vec<Recipient>, String> {
        keys.iter()
            .map(|key| {
                Recipient::from_str(key.trim()).map_err(|cause| {
                    format!("{key:?} is no public key of age ({cause}); it begins with age1")
                })
            })
            .collect()
    }

    /// The public keys as text, which is how manifests name them.
    #[must_use]
    pub fn key_ids(&self) -> Vec<String> {
        self.recipients.iter().map(ToString::to_string).collect()
    }

    /// What the names of objects end with.
    #[must_use]
    pub fn suffix(&self) -> &'static str {
        if self.recipients.is_empty() { ".zst" } else { ".zst.age" }
    }
}

/// Compresses and seals what is written to it.
pub struct Sealer<W: Write> {
    inner: Inner<W>,
    raw_bytes: u64,
}

enum Inner<W: Write> {
    Plain(zstd::Encoder<'static, W>),
    Sealed(zstd::Encoder<'static, StreamWriter<W>>),
}

impl<W: Write> Sealer<W> {
    /// Begins a new stream on `output`.
    ///
    /// # Errors
    /// When the output refuses what stands at the head of a sealed stream.
    pub fn new(settings: &SealSettings, output: W) -> io::Result<Self> {
        let inner = if settings.recipients.is_empty() {
            Inner::Plain(encoder(settings, output)?)
        } else {
            let recipients = settings.recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
            let encryptor = Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
            Inner::Sealed(encoder(settings, encryptor.wrap_output(output)?)?)
        };
        Ok(Self { inner, raw_bytes: 0 })
    }

    /// How many bytes were written to it.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }

    /// Ends the stream and gives the output back.
    ///
    /// # Errors
    /// As the output has it.
    pub fn finish(self) -> io::Result<W> {
        match self.inner {
            Inner::Plain(encoder) => encoder.finish(),
            Inner::Sealed(encoder) => encoder.finish()?.finish(),
        }
    }
}

fn encoder<W: Write>(settings: &SealSettings, output: W) -> io::Result<zstd::Encoder<'static, W>> {
    let mut encoder = zstd::Encoder::new(output, settings.level)?;
    if settings.workers > 0 {
        encoder.multithread(settings.workers)?;
    }
    Ok(encoder)
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = match &mut self.inner {
            Inner::Plain(encoder) => encoder.write(bytes)?,
            Inner::Sealed(encoder) => encoder.write(bytes)?,
        };
        self.raw_bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.inner {
            Inner::Plain(encoder) => encoder.flush(),
            Inner::Sealed(encoder) => encoder.flush(),
        }
    }
}

/// Compresses and seals what is small enough for memory: a WAL segment, a manifest.
///
/// # Errors
/// When the compressor refuses its settings.
pub fn seal_bytes(settings: &SealSettings, content: &[u8]) -> io::Result<Vec<u8>> {
    let settings = SealSettings { workers: 0, ..settings.clone() };
    let mut sealer = Sealer::new(&settings, Vec::with_capacity(content.len() / 2))?;
    sealer.write_all(content)?;
    sealer.finish()
}
