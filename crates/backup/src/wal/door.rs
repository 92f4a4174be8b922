//! How a server in recovery asks for its log. The one who restores listens on a socket in a private
//! folder and holds the keys and the ways to the targets; what the server runs as its
//! `restore_command` only asks there, and needs no secret.
//!
//! PostgreSQL takes every ordinary failure of that command for the end of the log, ends recovery and
//! begins a new timeline: after a lost connection it would be promoted to old data. Only death by a
//! signal stops it. So the command ends with 1 where the archive says for certain that there is no
//! more, and dies by a signal on anything else.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use larder_replication::{HistoryFile, SegmentName, TimelineId};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::archive::{Fetched, WalArchive};
use super::names::WalItem;
use crate::error::BackupError;
use crate::pipeline::Identities;

/// How long a piece may take from the slowest target; PostgreSQL itself waits for ever.
const ANSWER_LIMIT: Duration = Duration::from_secs(300);
const MOST_NAME_BYTES: u64 = 64;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The file is where it was asked for.
    Stored,
    /// There is none, and none can be missing.
    EndOfArchive,
}

/// Gives pieces of one archive to a server in recovery.
#[derive(Clone)]
pub struct WalGiver {
    archive: WalArchive,
    keys: Identities,
    served: Arc<std::sync::atomic::AtomicU64>,
}

impl WalGiver {
    /// Gives from `archive`, opening what is sealed with `keys`.
    #[must_use]
    pub fn new(archive: WalArchive, keys: Identities) -> Self {
        Self { archive, keys, served: Arc::default() }
    }

    /// How many segments were given so far.
    #[must_use]
    pub fn segments_given(&self) -> u64 {
        self.served.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The file of this name as PostgreSQL names it; `None` when there is none for certain.
    ///
    /// # Errors
    /// Anything that leaves open whether it is there.
    pub async fn give(&self, name: &str) -> Result<Option<Vec<u8>>, BackupError> {
        if let Some(timeline) = HistoryFile::timeline_of(name) {
            return self.history(timeline).await;
        }
        let segment: SegmentName = name.parse().map_err(|_| {
            BackupError::Refused(format!("{name:?} is neither a segment of the log nor a timeline's history"))
        })?;
        match self.archive.fetch(segment, &self.keys).await? {
            Fetched::Content(content) => {
                self.served.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Ok(Some(content))
            }
            Fetched::EndOfArchive => Ok(None),
        }
    }

    async fn history(&self, timeline: TimelineId) -> Result<Option<Vec<u8>>, BackupError> {
        if let Some((_, content)) = self.archive.read(&WalItem::History(timeline), &self.keys).await? {
            return Ok(Some(content));
        }
        let catalog = self.archive.catalog(&[timeline], &self.keys).await?;
        if catalog.may_lack_history(timeline) {
            return Ok(None);
        }
        Err(BackupError::Refused(format!(
            "the archive holds the log of timeline {timeline} and not its history: without it nobody knows \
             where it came from"
        )))
    }
}

/// A socket at which [`WalGiver`] is asked. Dropped, it is closed and removed.
pub struct Door {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Door {
    /// Opens a socket at `path`, in a folder that only those may enter who may have the log.
    ///
    /// # Errors
    /// When there is no socket to be had there.
    pub fn open(path: &Path, giver: WalGiver) -> Result<Self, BackupError> {
        let listener = UnixListener::bind(path).map_err(BackupError::file("listen at", path))?;
        let task = tokio::spawn(async move {
            // A server asks for one file after the other.
            while let Ok((stream, _)) = listener.accept().await {
                if let Err(error) = answer(stream, &giver).await {
                    tracing::warn!(error.cause = %error, "a request for the log was broken off");
                }
            }
        });
        Ok(Self { path: path.to_owned(), task })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
        // It may be gone with its folder.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn answer(stream: UnixStream, giver: &WalGiver) -> io::Result<()> {
    let mut stream = tokio::io::BufReader::new(stream);
    let mut line = String::new();
    let mut limited = tokio::io::AsyncReadExt::take(&mut stream, MOST_NAME_BYTES);
    tokio::time::timeout(ANSWER_LIMIT, limited.read_line(&mut line)).await??;
    let name = line.trim_end();
    let (head, content) = match tokio::time::timeout(ANSWER_LIMIT, giver.give(name)).await {
        Ok(Ok(Some(content))) => (format!("ok {}\n", content.len()), content),
        Ok(Ok(None)) => ("end\n".to_owned(), Vec::new()),
        Ok(Err(error)) => {
            tracing::error!(object = name, error.cause = %error, "recovery is stopped: the log cannot be given");
            (format!("error {}\n", error.to_string().replace('\n', " ")), Vec::new())
        }
        Err(_) => ("error the targets were too slow\n".to_owned(), Vec::new()),
    };
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&content).await?;
    stream.shutdown().await
}

/// Asks at a door for the file `name` and writes it to `into`. Blocks; this is what the
/// `restore_command` does.
///
/// # Errors
/// Everything but a certain answer: the process must then die by a signal.
pub fn ask(door: &Path, name: &str, into: &Path) -> Result<Outcome, String> {
    let asked = || -> io::Result<Outcome> {
        let mut stream = BlockingStream::connect(door)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.write_all(format!("{name}\n").as_bytes())?;
        let mut answer = BufReader::new(stream);
        let mut head = String::new();
        answer.read_line(&mut head)?;
        if head == "end\n" {
            return Ok(Outcome::EndOfArchive);
        }
        let length = head.strip_prefix("ok ").and_then(|length| length.trim_end().parse::<u64>().ok());
        let Some(length) = length else {
            let reason = head.strip_prefix("error ").unwrap_or("no answer").trim_end();
            return Err(io::Error::other(reason.to_owned()));
        };
        write_whole(&mut answer, length, into)?;
        Ok(Outcome::Stored)
    };
    asked().map_err(|error| format!("{name} cannot be had: {error}"))
}

fn write_whole(answer: &mut impl Read, length: u64, into: &Path) -> io::Result<()> {
    let mut file = std::fs::File::create(into)?;
    let copied = io::copy(&mut answer.take(length), &mut file)?;
    if copied != length {
        return Err(io::Error::other(format!("{copied} bytes of {length} came")));
    }
    file.sync_all()
}

/// The `restore_command` with which a server asks at `door`, by running `program`.
#[must_use]
pub fn restore_command(program: &Path, door: &Path) -> String {
    let quoted =
        |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "'\\''").replace('%', "%%"));
    format!("{} backup wal-get --socket {} %f %p", quoted(program), quoted(door))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_break_out_of_the_command() {
        let command = restore_command(Path::new("/opt/la'rder"), Path::new("/tmp/50%/door"));
        assert_eq!(command, "'/opt/la'\\''rder' backup wal-get --socket '/tmp/50%%/door' %f %p");
    }

    #[test]
    fn without_a_door_there_is_no_certain_answer() {
        let folder = tempfile::tempdir().unwrap();
        let error = ask(&folder.path().join("door"), "000000010000000000000001", &folder.path().join("x"));
        assert!(error.unwrap_err().contains("000000010000000000000001"));
    }

    #[test]
    fn an_answer_cut_short_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("x");
        assert!(write_whole(&mut &b"half"[..], 8, &into).is_err());
        write_whole(&mut &b"whole and more"[..], 5, &into).unwrap();
        assert_eq!(std::fs::read(&into).unwrap(), b"whole");
    }
}
