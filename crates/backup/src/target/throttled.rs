//! A target with a bound on the bytes a second that go to it and come from it, over everything that uses
//! it at once: a line that others need too, or a disk that the database shares.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::Mutex;

use super::{Download, ObjectKey, SharedTarget, StoredObject, Target, TargetError, Upload};
use crate::pipeline::Throttle;

/// The most bytes a second; 0 for no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// That go to the target.
    pub write: u64,
    /// That come from it.
    pub read: u64,
}

/// A bound that several share. Whoever comes later waits for those before.
#[derive(Clone)]
struct Gate(Arc<Mutex<Throttle>>);

impl Gate {
    fn new(bytes_per_second: u64) -> Self {
        let rate = (bytes_per_second > 0).then_some(bytes_per_second);
        Self(Arc::new(Mutex::new(Throttle::new(rate))))
    }

    async fn pass(&self, bytes: usize) {
        self.0.lock().await.pass(bytes).await;
    }
}

/// A target behind its bounds.
struct Throttled {
    inner: SharedTarget,
    writing: Gate,
    reading: Gate,
}

/// Puts a target behind its bounds; without any it is returned as it is.
#[must_use]
pub fn throttled(inner: SharedTarget, rates: Rates) -> SharedTarget {
    if rates == Rates::default() {
        return inner;
    }
    Arc::new(Throttled { inner, writing: Gate::new(rates.write), reading: Gate::new(rates.read) })
}

#[tonic::async_trait]
impl Target for Throttled {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn put(&self, key: &ObjectKey, content: Bytes) -> Result<(), TargetError> {
        self.writing.pass(content.len()).await;
        self.inner.put(key, content).await
    }

    async fn begin(&self, key: &ObjectKey) -> Result<Box<dyn Upload>, TargetError> {
        let (inner, gate) = (self.inner.begin(key).await?, self.writing.clone());
        Ok(Box::new(ThrottledUpload { inner, gate }))
    }

    async fn open(&self, key: &ObjectKey) -> Result<Box<dyn Download>, TargetError> {
        let (inner, gate) = (self.inner.open(key).await?, self.reading.clone());
        Ok(Box::new(ThrottledDownload { inner, gate }))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<StoredObject>, TargetError> {
        self.inner.list(prefix).await
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, TargetError> {
        self.inner.list_folders(prefix).await
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), TargetError> {
        self.inner.remove(key).await
    }

    async fn change_storage_class(&self, key: &ObjectKey, storage_class: &str) -> Result<(), TargetError> {
        self.inner.change_storage_class(key, storage_class).await
    }

    async fn remove_unfinished(&self, prefix: &str, begun_before: SystemTime) -> Result<usize, TargetError> {
        self.inner.remove_unfinished(prefix, begun_before).await
    }
}

struct ThrottledUpload {
    inner: Box<dyn Upload>,
    gate: Gate,
}

#[tonic::async_trait]
impl Upload for ThrottledUpload {
    async fn write(&mut self, part: Bytes) -> Result<(), TargetError> {
        self.gate.pass(part.len()).await;
        self.inner.write(part).await
    }

    async fn finish(self: Box<Self>) -> Result<(), TargetError> {
        self.inner.finish().await
    }

    async fn abort(self: Box<Self>) {
        self.inner.abort().await;
    }
}

struct ThrottledDownload {
    inner: Box<dyn Download>,
    gate: Gate,
}

#[tonic::async_trait]
impl Download for ThrottledDownload {
    async fn next(&mut self) -> Result<Option<Bytes>, TargetError> {
        let bytes = self.inner.next().await?;
        self.gate.pass(bytes.as_ref().map_or(0, Bytes::len)).await;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::target::folder::FolderTarget;
    use crate::target::read_small;

    #[tokio::test]
    async fn all_that_use_a_target_share_its_rate_in_each_direction() {
        let folder = tempfile::tempdir().unwrap();
        let inner: SharedTarget = Arc::new(FolderTarget::open("folder", folder.path()).unwrap());
        let target = throttled(inner.clone(), Rates { write: 1_000_000, read: 2_000_000 });
        let begun = Instant::now();
        let put = async |name: &str| {
            let mut upload = target.begin(&name.parse().unwrap()).await.unwrap();
            for _ in 0..4 {
                upload.write(Bytes::from(vec![1; 50_000])).await.unwrap();
            }
            upload.finish().await.unwrap();
        };
        tokio::join!(put("a/one"), put("a/other"));
        // 400 kB at 1 MB/s, of which a tenth of a second was saved up.
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(290), "{took:?}");
        let begun = Instant::now();
        for name in ["a/one", "a/other"] {
            let content = read_small(target.as_ref(), &name.parse().unwrap(), usize::MAX).await.unwrap();
            assert_eq!(content.len(), 200_000);
        }
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(90), "{took:?}");
        assert_eq!(target.list("a/").await.unwrap().len(), 2);
        let same = throttled(inner.clone(), Rates::default());
        assert!(Arc::ptr_eq(&same, &inner), "no bound is no detour");
    }
}
