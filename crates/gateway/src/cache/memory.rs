//! The answers in this process: so many bytes of them, those asked for lately.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::Key;
use super::kept::Kept;

/// Locks are taken by part, so that requests do not wait for each other.
const PARTS: usize = 16;

/// Answers by what was asked.
pub(super) struct Memory {
    parts: Vec<Mutex<Part>>,
    most_bytes: usize,
}

struct Part {
    answers: LruCache<Key, (Arc<Kept>, usize)>,
    bytes: usize,
}

impl Memory {
    /// Room for `most_bytes`.
    pub(super) fn new(most_bytes: usize) -> Self {
        let part = || Mutex::new(Part { answers: LruCache::unbounded(), bytes: 0 });
        Self { parts: (0..PARTS).map(|_| part()).collect(), most_bytes: most_bytes / PARTS }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Kept>> {
        self.part(key).answers.get(key).map(|(kept, _)| kept.clone())
    }

    /// Keeps an answer, and lets go of those that nobody asked for the longest.
    pub(super) fn put(&self, key: Key, kept: Arc<Kept>) {
        // What is written as JSON later takes about twice the room of the message.
        let size = kept.size() + 2 * kept.message.len();
        if size > self.most_bytes {
            return;
        }
        let mut part = self.part(&key);
        part.bytes += size;
        if let Some((_, before)) = part.answers.put(key, (kept, size)) {
            part.bytes -= before;
        }
        while part.bytes > self.most_bytes {
            let Some((_, (_, gone))) = part.answers.pop_lru() else { break };
            part.bytes -= gone;
        }
    }

    /// The bytes that are taken.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(|part| lock(part).bytes).sum()
    }

    fn part(&self, key: &Key) -> MutexGuard<'_, Part> {
        lock(&self.parts[usize::from(key.0[0]) % PARTS])
    }
}

fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    fn kept(bytes: usize) -> Arc<Kept> {
        Arc::new(Kept::new(vec![0; bytes].into(), None, Instant::now()))
    }

    #[test]
    fn it_holds_no_more_than_it_may_and_keeps_what_is_asked_for() {
        let memory = Memory::new(PARTS * 10_000);
        for number in 0..200_u8 {
            memory.put(Key([0, number].repeat(16).try_into().unwrap()), kept(500));
            assert!(memory.get(&Key([0, 0].repeat(16).try_into().unwrap())).is_some(), "{number}");
        }
        assert!(memory.bytes() <= 10_000, "{}", memory.bytes());
        memory.put(Key([1; 32]), kept(100_000));
        assert!(memory.get(&Key([1; 32])).is_none(), "one that is larger than all is not kept");
    }

    #[test]
    fn an_answer_that_is_replaced_is_counted_once() {
        let memory = Memory::new(1 << 20);
        for _ in 0..100 {
            memory.put(Key([3; 32]), kept(100));
        }
        assert_eq!(memory.bytes(), 556);
    }
}
