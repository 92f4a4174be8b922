//! The thread that writes the stream to disk. Whatever has come while the disk was busy is made
//! durable together, and only then does the server hear of it.

use std::thread::JoinHandle;

use bytes::Bytes;
use larder_replication::{BackupPosition, Lsn};
use tokio::sync::{mpsc, watch};

use super::spool::SpoolWriter;
use crate::error::BackupError;

/// 128 KiB each: 4 MiB on their way at most.
const QUEUED_PIECES: usize = 32;

/// What the thread is given.
pub(crate) enum Piece {
    Log { start: Lsn, bytes: Bytes },
    TimelineEnds(BackupPosition),
}

/// What is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OnDisk {
    pub(crate) position: BackupPosition,
    /// Counts completed segments, so that whoever waits for one notices.
    pub(crate) completed: u64,
}

/// The thread's other end.
pub(crate) struct WriterThread {
    pieces: mpsc::Sender<Piece>,
    thread: JoinHandle<Result<(), BackupError>>,
}

impl WriterThread {
    /// Starts the thread. `on_disk` is told after each time the disk has confirmed.
    pub(crate) fn start(
        writer: SpoolWriter,
        from: BackupPosition,
        on_disk: watch::Sender<OnDisk>,
    ) -> Result<Self, BackupError> {
        let (sender, receiver) = mpsc::channel(QUEUED_PIECES);
        let thread = std::thread::Builder::new().name("wal-writer".to_owned());
        let thread = thread.spawn(move || write_all(writer, from, receiver, &on_disk));
        let thread = thread.map_err(|error| BackupError::Internal(format!("no thread: {error}")))?;
        Ok(Self { pieces: sender, thread })
    }

    /// Hands a piece over; waits while the disk is behind. `false` when the thread has failed.
    pub(crate) async fn give(&self, piece: Piece) -> bool {
        self.pieces.send(piece).await.is_ok()
    }

    /// Waits until everything is on disk, or says why it is not.
    pub(crate) async fn finish(self) -> Result<(), BackupError> {
        drop(self.pieces);
        let ended = tokio::task::spawn_blocking(move || self.thread.join()).await;
        match ended {
            Ok(Ok(written)) => written,
            _ => Err(BackupError::Internal("the thread that writes the log panicked".to_owned())),
        }
    }
}

fn write_all(
    mut writer: SpoolWriter,
    from: BackupPosition,
    mut pieces: mpsc::Receiver<Piece>,
    on_disk: &watch::Sender<OnDisk>,
) -> Result<(), BackupError> {
    let mut timeline = from.timeline;
    let mut completed = on_disk.borrow().completed;
    while let Some(piece) = pieces.blocking_recv() {
        let mut next = Some(piece);
        while let Some(piece) = next {
            match piece {
                Piece::Log { start, bytes } => completed += u64::from(writer.append(start, &bytes)?),
                Piece::TimelineEnds(position) => {
                    writer.change_timeline(position)?;
                    timeline = position.timeline;
                    completed += 1;
                }
            }
            next = pieces.try_recv().ok();
        }
        writer.sync()?;
        let position = BackupPosition { lsn: writer.next(), timeline };
        on_disk.send_replace(OnDisk { position, completed });
    }
    Ok(())
}
