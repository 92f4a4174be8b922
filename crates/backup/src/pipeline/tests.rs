//! The law of the pipeline: what comes out is what went in, however it was cut, compressed, sealed
//! and however slowly a target took it; and a target that fails takes only itself away.

use std::io::{Read, Write};
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use proptest::prelude::*;
use secrecy::SecretString;
use tokio::sync::mpsc;

use super::*;
use crate::target::folder::FolderTarget;
use crate::target::throttled::{Rates, throttled};
use crate::target::{
    Download, ObjectKey, PART_BYTES, SharedTarget, StoredObject, Target, TargetError, Upload,
};

const BLOCK: usize = 512;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

/// A tar archive as PostgreSQL streams one, its end included.
fn archive(files: &[Vec<u8>]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (number, content) in files.iter().enumerate() {
        let mut header = vec![0; BLOCK];
        let name = format!("base/{number}");
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = b'0';
        archive.extend_from_slice(&header);
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    archive.resize(archive.len() + 2 * BLOCK, 0);
    archive
}

/// The entries of an archive without its end.
fn entries(archive: &[u8]) -> Vec<u8> {
    let mut at = 0;
    while archive[at..at + BLOCK].iter().any(|byte| *byte != 0) {
        let size = file_size(&archive[at..at + BLOCK]).unwrap() as usize;
        at += BLOCK + size.next_multiple_of(BLOCK);
    }
    archive[..at].to_vec()
}

struct Case {
    seal: SealSettings,
    keys: Identities,
    object_bytes: u64,
    slice: usize,
}

fn store(
    targets: Vec<SharedTarget>,
    case: &Case,
    archive: Vec<u8>,
) -> std::io::Result<(Vec<cut::CutObject>, FanOut)> {
    let folder: ObjectKey = "c/backups/b".parse().unwrap();
    let fan_out = FanOut::new(targets);
    let mut cutter = TarCutter::new(fan_out.clone(), case.seal.clone(), folder, "base", case.object_bytes);
    for slice in archive.chunks(case.slice) {
        cutter.write(slice)?;
    }
    Ok((cutter.finish()?, fan_out))
}

async fn read_back(target: &SharedTarget, case: &Case, object: &cut::CutObject) -> Vec<u8> {
    let checks = PartChecks {
        target: target.name().to_owned(),
        key: format!("c/backups/b/{}", object.name).parse().unwrap(),
        stored_bytes: object.facts.stored_bytes,
        parts: object.facts.parts.clone(),
    };
    let (parts, queue) = mpsc::channel(1);
    let (is_sealed, keys) = (!case.seal.recipients.is_empty(), case.keys.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let mut content = Vec::new();
        OpenedObject::new(queue, is_sealed, &keys).unwrap().read_to_end(&mut content).unwrap();
        content
    });
    let mut checked = CheckedParts::open(target, checks).await.unwrap();
    while let Some(part) = checked.next().await.unwrap() {
        parts.send(part).await.unwrap();
    }
    drop(parts);
    opened.await.unwrap()
}

fn case(is_sealed: bool, object_bytes: u64, slice: usize) -> Case {
    let mut seal = SealSettings { level: 1, workers: 0, recipients: Vec::new() };
    let mut keys = Identities::default();
    if is_sealed {
        use age::secrecy::ExposeSecret;
        let key = age::x25519::Identity::generate();
        seal.recipients.push(key.to_public());
        keys = Identities::read(&SecretString::from(key.to_string().expose_secret().to_owned())).unwrap();
    }
    Case { seal, keys, object_bytes, slice }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_comes_out_is_what_went_in(
        files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5_000), 0..12),
        is_sealed: bool, object_bytes in 1..20_000_u64, slice in 1..7_000_usize,
    ) {
        let case = Arc::new(case(is_sealed, object_bytes, slice));
        let folder = tempfile::tempdir().unwrap();
        let target: SharedTarget = Arc::new(FolderTarget::open("local", folder.path()).unwrap());
        let whole = archive(&files);
        let (runtime, expected) = (runtime(), entries(&whole));
        let read = runtime.block_on(async {
            let (targets, storing) = (vec![target.clone()], case.clone());
            let stored = tokio::task::spawn_blocking(move || store(targets, &storing, whole));
            let (objects, _) = stored.await.unwrap().unwrap();
            let mut read = Vec::new();
            for object in &objects {
                let content = read_back(&target, &case, object).await;
                assert_eq!(content.len() as u64, object.raw_bytes);
                read.extend(entries(&content));
            }
            read
        });
        prop_assert_eq!(read, expected);
    }
}

/// Takes so many parts and fails then.
struct Failing {
    parts: usize,
}

struct FailingUpload {
    left: usize,
}

fn full() -> TargetError {
    TargetError::Refused {
        target: "failing".to_owned(),
        action: "write",
        key: "x".to_owned(),
        cause: "no space left".to_owned(),
    }
}

#[tonic::async_trait]
impl Target for Failing {
    fn name(&self) -> &str {
        "failing"
    }
    async fn put(&self, _: &ObjectKey, _: Bytes) -> Result<(), TargetError> {
        Err(full())
    }
    async fn begin(&self, _: &ObjectKey) -> Result<Box<dyn Upload>, TargetError> {
        Ok(Box::new(FailingUpload { left: self.parts }))
    }
    async fn open(&self, _: &ObjectKey) -> Result<Box<dyn Download>, TargetError> {
        Err(full())
    }
    async fn list(&self, _: &str) -> Result<Vec<StoredObject>, TargetError> {
        Err(full())
    }
    async fn list_folders(&self, _: &str) -> Result<Vec<String>, TargetError> {
        Err(full())
    }
    async fn remove(&self, _: &ObjectKey) -> Result<(), TargetError> {
        Err(full())
    }
    async fn remove_unfinished(&self, _: &str, _: SystemTime) -> Result<usize, TargetError> {
        Err(full())
    }
}

#[tonic::async_trait]
impl Upload for FailingUpload {
    async fn write(&mut self, _: Bytes) -> Result<(), TargetError> {
        self.left = self.left.checked_sub(1).ok_or_else(full)?;
        Ok(())
    }
    async fn finish(self: Box<Self>) -> Result<(), TargetError> {
        if self.left == 0 { Err(full()) } else { Ok(()) }
    }
    async fn abort(self: Box<Self>) {}
}

#[test]
fn a_target_that_fails_takes_only_itself_away() {
    // Nothing compresses it, so that it comes in several parts.
    let mut state = 88_172_645_463_325_252_u64;
    let noise = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    });
    let noise: Vec<u8> = noise.take(30_000_000).collect();
    for parts in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let good: SharedTarget = Arc::new(FolderTarget::open("local", folder.path()).unwrap());
        let (targets, whole) =
            (vec![Arc::new(Failing { parts }) as SharedTarget, good], archive(std::slice::from_ref(&noise)));
        let runtime = runtime();
        let (objects, fan_out) = runtime
            .block_on(async {
                let case = case(false, u64::MAX, 32_768);
                tokio::task::spawn_blocking(move || store(targets, &case, whole)).await.unwrap()
            })
            .unwrap();
        assert_eq!(objects.len(), 1);
        assert_eq!(fan_out.healthy().len(), 1, "{parts} parts");
        assert!(fan_out.failures()[0].to_string().contains("no space left"));
    }
    let whole = archive(std::slice::from_ref(&noise));
    let alone = runtime().block_on(async {
        let case = case(false, u64::MAX, 32_768);
        tokio::task::spawn_blocking(move || store(vec![Arc::new(Failing { parts: 1 })], &case, whole))
            .await
            .unwrap()
    });
    assert!(alone.is_err_and(|error| error.to_string().contains("no space left")));
}

#[test]
fn what_is_thrown_away_is_not_written_any_more_when_that_is_told() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let inner: SharedTarget = Arc::new(FolderTarget::open("slow", folder.path()).unwrap());
    // The part is on its way for more than a second.
    let slow = throttled(inner, Rates { write: 6_000_000, read: 0 });
    let fan_out = runtime.block_on(async { FanOut::new(vec![slow]) });
    let mut writer = fan_out.begin(&"backup/object".parse().unwrap());
    writer.write_all(&vec![7; PART_BYTES]).unwrap();
    let place = folder.path().join("backup");
    while !std::fs::read_dir(&place).is_ok_and(|mut files| files.next().is_some()) {
        std::thread::yield_now();
    }
    drop(writer);
    assert_eq!(
        std::fs::read_dir(&place).unwrap().count(),
        0,
        "whoever removes the folder now removes it all"
    );
}

#[test]
fn small_things_are_sealed_and_opened_and_never_grow_past_a_bound() {
    for is_sealed in [false, true] {
        let case = case(is_sealed, 1, 1);
        let sealed = seal_bytes(&case.seal, &[7; 10_000]).unwrap();
        assert_eq!(open_bytes(&sealed, is_sealed, &case.keys, 10_000).unwrap(), [7; 10_000]);
        assert!(open_bytes(&sealed, is_sealed, &case.keys, 9_999).is_err());
        let mut changed = sealed.clone();
        let at = changed.len() - 3;
        changed[at] ^= 1;
        let is_told = open_bytes(&changed, is_sealed, &case.keys, 10_000);
        assert!(is_told.is_err() || !is_sealed, "age notices every change");
    }
    let refused = Identities::read(&SecretString::from("# key\nAGE-SECRET-KEY-1WRONG".to_owned()));
    let told = refused.err().unwrap();
    assert!(told.contains("line 2") && !told.contains("WRONG"), "{told}");
    assert!(age::x25519::Recipient::from_str("age1wrong").is_err());
}
