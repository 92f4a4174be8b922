//! Archives that try to leave their folder, and files whose names are no text.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStringExt;

use super::*;
use crate::manifest::server::ServerManifest;

/// A tar entry as PostgreSQL writes one.
fn entry(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0; BLOCK];
    header[..name.len()].copy_from_slice(name);
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[156] = kind;
    header.extend_from_slice(content);
    header.resize(header.len().next_multiple_of(BLOCK), 0);
    header
}

fn unpack_into(folder: &Path, mut archive: Vec<u8>) -> Result<(), String> {
    archive.extend_from_slice(&[0; 2 * BLOCK]);
    let place = Place::prepare(&folder.join("data"), BTreeMap::new()).unwrap();
    let manifest = ServerManifest::read(
        br#"{"Files": [{"Path": "base/1", "Size": 3}, {"Encoded-Path": "61ff62", "Size": 1}]}"#,
    )
    .unwrap();
    let expected = ExpectedFiles::new(manifest, "b".to_owned(), false);
    let told = Progress::silent();
    unpack(archive.as_slice(), &Content::Base, &place, &expected, &told)
        .map_err(|refusal| refusal.of("local", "base-000001.tar.zst").to_string())
}

#[test]
fn files_and_folders_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let archive = [entry(b"base", b'5', b""), entry(b"base/1", b'0', b"abc"), entry(b"a\xffb", b'0', b"x")];
    unpack_into(folder.path(), archive.concat()).unwrap();
    assert_eq!(fs::read(folder.path().join("data/base/1")).unwrap(), b"abc");
    let odd = std::ffi::OsString::from_vec(b"a\xffb".to_vec());
    assert_eq!(fs::read(folder.path().join("data").join(odd)).unwrap(), b"x");
}

#[test]
fn nothing_leaves_the_folder() {
    for (name, kind) in [
        (b"../escaped".as_slice(), b'0'),
        (b"/tmp/escaped", b'0'),
        (b"base/../../escaped", b'0'),
        (b"link", b'2'),
        (b"link", b'1'),
        (b"device", b'3'),
        (b"../escaped", b'5'),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let refusal = unpack_into(folder.path(), entry(name, kind, b"")).unwrap_err();
        assert!(refusal.contains("base-000001.tar.zst"), "{refusal}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{refusal}");
        assert_eq!(fs::read_dir(folder.path().join("data")).unwrap().count(), 0, "{refusal}");
    }
}

#[test]
fn an_archive_that_ends_early_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = entry(b"base/1", b'0', b"abc");
    archive.truncate(BLOCK + 1);
    let place = Place::prepare(&folder.path().join("data"), BTreeMap::new()).unwrap();
    let manifest = ServerManifest::read(br#"{"Files": [{"Path": "base/1", "Size": 3}]}"#).unwrap();
    let expected = ExpectedFiles::new(manifest, "b".to_owned(), false);
    assert!(unpack(archive.as_slice(), &Content::Base, &place, &expected, &Progress::silent()).is_err());
}
