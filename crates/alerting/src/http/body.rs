//! Reading bodies within a budget of memory: who does not fit waits outside, and is never refused for
//! good as long as the body is not larger than what is allowed at all.

use std::sync::Arc;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// The budget is counted in pieces of this size.
const PIECE_BYTES: usize = 64 * 1024;

/// How much of bodies may be in memory at once.
#[derive(Clone)]
pub(crate) struct BodyBudget {
    pieces: Arc<Semaphore>,
    body_limit_bytes: usize,
}

/// A body in memory, with its part of the budget.
pub(crate) struct WholeBody {
    pub(crate) bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

impl BodyBudget {
    pub(crate) fn new(memory_limit_bytes: usize, body_limit_bytes: usize) -> Self {
        let pieces = (memory_limit_bytes / PIECE_BYTES).max(body_limit_bytes.div_ceil(PIECE_BYTES));
        Self { pieces: Arc::new(Semaphore::new(pieces)), body_limit_bytes }
    }

    /// Takes the share of the budget that a body of this announced length needs, without waiting.
    pub(crate) fn share(&self, headers: &HeaderMap) -> Result<OwnedSemaphorePermit, Error> {
        let announced =
            headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        self.share_of(announced.unwrap_or(self.body_limit_bytes))
    }

    fn share_of(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
        if bytes > self.body_limit_bytes {
            return Err(self.too_large());
        }
        let pieces = u32::try_from(bytes.div_ceil(PIECE_BYTES).max(1)).unwrap_or(u32::MAX);
        self.pieces.clone().try_acquire_many_owned(pieces).map_err(|_| Error::Overloaded)
    }

    /// The refusal of a body that is larger than any that is read.
    pub(crate) fn too_large(&self) -> Error {
        Error::invalid("body", format!("must not be larger than {} bytes", self.body_limit_bytes))
    }

    /// Reads a body whole.
    pub(crate) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<WholeBody, Error> {
        let share = self.share(headers)?;
        let mut stream = body.into_data_stream();
        let mut bytes = BytesMut::new();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|_| Error::invalid("body", "ended before it was complete"))?;
            if bytes.len() + piece.len() > self.body_limit_bytes {
                return Err(self.too_large());
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(WholeBody { bytes: bytes.freeze(), _share: share })
    }
}
