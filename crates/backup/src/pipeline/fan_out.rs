//! One object on its way to several targets. Each target has a queue of two parts; the slowest
//! sets the pace, one that fails is left behind and the others go on.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::target::{ObjectKey, PART_BYTES, SharedTarget, TargetError};

const QUEUED_PARTS: usize = 2;

/// What is known of an object once it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredFacts {
    /// Its size.
    pub stored_bytes: u64,
    /// BLAKE3 of each part of [`PART_BYTES`] bytes, the last one as long as it is.
    pub parts: Vec<String>,
}

enum Piece {
    Part(Bytes),
    /// Only this finishes an object; a queue that just ends throws it away.
    End,
}

struct Lane {
    target: usize,
    queue: mpsc::Sender<Piece>,
    upload: JoinHandle<Result<(), TargetError>>,
}

/// The targets that are still with us, and why the others are not.
#[derive(Clone)]
pub struct FanOut {
    targets: Arc<Vec<SharedTarget>>,
    failures: Arc<Mutex<Vec<Option<TargetError>>>>,
    runtime: Handle,
}

impl FanOut {
    /// Writes to `targets`. Called inside a runtime; the writers run on threads of their own.
    #[must_use]
    pub fn new(targets: Vec<SharedTarget>) -> Self {
        let failures = vec![None; targets.len()];
        Self {
            targets: Arc::new(targets),
            failures: Arc::new(Mutex::new(failures)),
            runtime: Handle::current(),
        }
    }

    /// The targets that have taken everything so far.
    #[must_use]
    pub fn healthy(&self) -> Vec<SharedTarget> {
        let failures = self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let pairs = self.targets.iter().zip(failures.iter());
        pairs.filter(|(_, failure)| failure.is_none()).map(|(target, _)| target.clone()).collect()
    }

    /// Why targets were left behind.
    #[must_use]
    pub fn failures(&self) -> Vec<TargetError> {
        let failures = self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        failures.iter().flatten().cloned().collect()
    }

    fn fail(&self, target: usize, error: TargetError) {
        tracing::error!(error.cause = %error, "a target is left out of this backup");
        let mut failures = self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        failures[target].get_or_insert(error);
    }

    /// Begins an object at every healthy target.
    #[must_use]
    pub fn begin(&self, key: &ObjectKey) -> ObjectWriter {
        let failures = self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let healthy = (0..self.targets.len()).filter(|target| failures[*target].is_none());
        let lanes = healthy.map(|target| self.lane(target, key)).collect();
        drop(failures);
        ObjectWriter {
            fan_out: self.clone(),
            lanes,
            buffer: BytesMut::with_capacity(PART_BYTES),
            facts: StoredFacts::default(),
        }
    }

    fn lane(&self, index: usize, key: &ObjectKey) -> Lane {
        let (queue, pieces) = mpsc::channel(QUEUED_PARTS);
        let (target, key) = (self.targets[index].clone(), key.clone());
        let upload = self.runtime.spawn(upload(target, key, pieces));
        Lane { target: index, queue, upload }
    }
}

async fn upload(
    target: SharedTarget,
    key: ObjectKey,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<(), TargetError> {
    let mut upload = target.begin(&key).await?;
    while let Some(piece) = pieces.recv().await {
        match piece {
            Piece::Part(part) => {
                if let Err(error) = upload.write(part).await {
                    upload.abort().await;
                    return Err(error);
                }
            }
            Piece::End => return upload.finish().await,
        }
    }
    upload.abort().await;
    Ok(())
}

/// Cuts what is written into parts, and sends each to every target. It blocks, so it belongs on a
/// thread that may.
pub struct ObjectWriter {
    fan_out: FanOut,
    lanes: Vec<Lane>,
    buffer: BytesMut,
    facts: StoredFacts,
}

impl ObjectWriter {
    /// Sends what is left and waits until the object is durable at every healthy target.
    ///
    /// # Errors
    /// When no target is left.
    pub fn finish(mut self) -> io::Result<StoredFacts> {
        if !self.buffer.is_empty() {
            self.send_part()?;
        }
        for lane in std::mem::take(&mut self.lanes) {
            // A lane that is gone tells why when it is waited for.
            let _ = lane.queue.blocking_send(Piece::End);
            self.wait_for(lane);
        }
        self.refuse_if_alone()?;
        Ok(std::mem::take(&mut self.facts))
    }

    fn wait_for(&self, lane: Lane) {
        drop(lane.queue);
        match self.fan_out.runtime.block_on(lane.upload) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.fan_out.fail(lane.target, error),
            Err(ended) => {
                let error = TargetError::Unavailable {
                    target: self.fan_out.targets[lane.target].name().to_owned(),
                    action: "write",
                    key: "an object".to_owned(),
                    cause: ended.to_string(),
                };
                self.fan_out.fail(lane.target, error);
            }
        }
    }

    fn send_part(&mut self) -> io::Result<()> {
        let part = std::mem::replace(&mut self.buffer, BytesMut::with_capacity(PART_BYTES)).freeze();
        self.facts.stored_bytes += part.len() as u64;
        self.facts.parts.push(blake3::hash(&part).to_hex().to_string());
        for lane in std::mem::take(&mut self.lanes) {
            match lane.queue.blocking_send(Piece::Part(part.clone())) {
                Ok(()) => self.lanes.push(lane),
                Err(_) => self.wait_for(lane),
            }
        }
        self.refuse_if_alone()
    }

    fn refuse_if_alone(&self) -> io::Result<()> {
        if !self.fan_out.healthy().is_empty() {
            return Ok(());
        }
        let told: Vec<_> = self.fan_out.failures().iter().map(ToString::to_string).collect();
        Err(io::Error::other(told.join("; ")))
    }
}

/// Whoever throws a backup away removes what is there, so nothing may still be written behind it.
impl Drop for ObjectWriter {
    fn drop(&mut self) {
        for lane in std::mem::take(&mut self.lanes) {
            drop(lane.queue);
            // It is thrown away, however it ended.
            let _ = self.fan_out.runtime.block_on(lane.upload);
        }
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(PART_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        if self.buffer.len() == PART_BYTES {
            self.send_part()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
