//! One answer as it is kept: the message, of which state of things it was made, and when. Also
//! the form in which gateways share it through Redis.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::HeaderValue;
use tokio::time::Instant;

use super::versions::Seen;

/// The first byte of the shared form; another one is of another release and is not read.
const FORM: u8 = 1;
const HEAD_BYTES: usize = 1 + 8 + 8 + 1 + 8;

/// An answer.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) message: Bytes,
    /// The state of what it was made of; without one it is only for when the service fails.
    pub(super) made_of: Option<Seen>,
    pub(super) at: Instant,
    /// The answer as JSON, once somebody asked for it, by the route that did.
    pub(crate) json: OnceLock<Written>,
}

/// An answer as one route writes it.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) route: Arc<str>,
    pub(crate) body: Bytes,
    pub(crate) etag: HeaderValue,
}

impl Kept {
    pub(super) fn new(message: Bytes, made_of: Option<Seen>, at: Instant) -> Self {
        Self { message, made_of, at, json: OnceLock::new() }
    }

    /// Whether nothing it was made of has changed since.
    pub(super) fn is_current(&self, seen: Option<Seen>) -> bool {
        let (Some(made_of), Some(seen)) = (self.made_of, seen) else { return false };
        made_of.epoch == seen.epoch && seen.changed_at <= made_of.changed_at
    }

    /// Whether what it speaks of was taken out of the world since.
    pub(super) fn is_forgotten(&self, seen: Option<Seen>) -> bool {
        let Some(seen) = seen else { return false };
        match self.made_of {
            Some(made_of) => made_of.epoch != seen.epoch || seen.forgotten_at > made_of.changed_at,
            // Nobody knows of what it was made: not to be given when anything was ever forgotten.
            None => seen.forgotten_at > 0,
        }
    }

    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.at)
    }

    /// What it takes of memory, roughly.
    pub(super) fn size(&self) -> usize {
        self.message.len() + self.json.get().map_or(0, |written| written.body.len()) + 256
    }

    /// The form for Redis. `now_us` is the time of day.
    pub(super) fn to_shared(&self, now: Instant, now_us: u64) -> Option<Vec<u8>> {
        let made_of = self.made_of?;
        let at_us = now_us.saturating_sub(u64::try_from(self.age(now).as_micros()).unwrap_or(u64::MAX));
        let mut shared = BytesMut::with_capacity(HEAD_BYTES + self.message.len());
        shared.put_u8(FORM);
        shared.put_u64(made_of.epoch);
        shared.put_u64(made_of.changed_at);
        shared.put_u8(u8::from(made_of.is_settled));
        shared.put_u64(at_us);
        shared.put_slice(&self.message);
        Some(shared.into())
    }

    /// Reads that form; none when it is another.
    pub(super) fn from_shared(mut shared: Bytes, now: Instant, now_us: u64) -> Option<Self> {
        if shared.len() < HEAD_BYTES || shared.get_u8() != FORM {
            return None;
        }
        let (epoch, changed_at, settled) = (shared.get_u64(), shared.get_u64(), shared.get_u8());
        let age = Duration::from_micros(now_us.saturating_sub(shared.get_u64()));
        let made_of = Seen { epoch, changed_at, forgotten_at: 0, is_settled: settled == 1 };
        Some(Self::new(shared, Some(made_of), now.checked_sub(age)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Seen = Seen { epoch: 7, changed_at: 40, forgotten_at: 0, is_settled: true };

    #[tokio::test]
    async fn what_is_shared_is_read_as_it_was_and_as_old_as_it_is() {
        let now = Instant::now() + Duration::from_secs(100);
        let kept = Kept::new("answer".into(), Some(SEEN), now - Duration::from_secs(2));
        let shared: Bytes = kept.to_shared(now, 50_000_000).unwrap().into();
        let read = Kept::from_shared(shared.clone(), now, 53_000_000).unwrap();
        assert_eq!((read.message.as_ref(), read.made_of), (&b"answer"[..], Some(SEEN)));
        assert_eq!(read.age(now), Duration::from_secs(5));
        assert!(Kept::from_shared(shared.slice(..10), now, 0).is_none());
        assert!(Kept::from_shared(Bytes::from_static(&[9; 64]), now, 0).is_none());
    }

    #[tokio::test]
    async fn a_change_makes_it_old_and_another_epoch_and_nobody_knowing() {
        let kept = Kept::new(Bytes::new(), Some(SEEN), Instant::now());
        assert!(kept.is_current(Some(SEEN)));
        assert!(!kept.is_current(Some(Seen { changed_at: 41, ..SEEN })));
        assert!(!kept.is_current(Some(Seen { epoch: 8, ..SEEN })));
        assert!(!kept.is_current(None));
        assert!(!kept.is_forgotten(Some(Seen { forgotten_at: 40, ..SEEN })));
        assert!(kept.is_forgotten(Some(Seen { forgotten_at: 41, ..SEEN })));
    }
}
