//! PostgreSQL's own manifest: every file of the cluster with its size and checksum. It is what a
//! restore compares each file with, and what an incremental backup is asked for with.

use std::collections::HashMap;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, PathBuf};

use serde::Deserialize;

/// How a file is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSum {
    /// CRC-32C, as the server writes its bytes.
    Crc32c(u32),
    /// SHA-256.
    Sha256([u8; 32]),
    /// Only its size is known.
    None,
}

/// What the manifest says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFile {
    /// Its size.
    pub size_bytes: u64,
    /// Its checksum.
    pub sum: FileSum,
}

/// Every file, by its path below the cluster's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerManifest {
    /// The files.
    pub files: HashMap<PathBuf, ServerFile>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "Files")]
    files: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "Path")]
    path: Option<String>,
    /// In hexadecimal, for a path that is not UTF-8.
    #[serde(rename = "Encoded-Path")]
    encoded_path: Option<String>,
    #[serde(rename = "Size")]
    size: u64,
    #[serde(rename = "Checksum-Algorithm")]
    algorithm: Option<String>,
    #[serde(rename = "Checksum")]
    checksum: Option<String>,
}

impl ServerManifest {
    /// Reads it.
    ///
    /// # Errors
    /// In words, what is wrong with it: no JSON, a path that leads out of the cluster, a checksum
    /// of an unknown kind.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| format!("the server's manifest: {error}"))?;
        let mut files = HashMap::with_capacity(document.files.len());
        for entry in document.files {
            let path = entry.path()?;
            let file = ServerFile { size_bytes: entry.size, sum: entry.sum(&path)? };
            files.insert(path, file);
        }
        Ok(Self { files })
    }
}

impl Entry {
    fn path(&self) -> Result<PathBuf, String> {
        let path = match (&self.path, &self.encoded_path) {
            (Some(path), _) => PathBuf::from(path),
            (None, Some(encoded)) => {
                let bytes =
                    from_hex(encoded).ok_or_else(|| format!("the path {encoded:?} is not hexadecimal"))?;
                PathBuf::from(std::ffi::OsString::from_vec(bytes))
            }
            (None, None) => return Err("a file without a path".to_owned()),
        };
        let stays = path.components().all(|part| matches!(part, Component::Normal(_)));
        if stays && path.components().next().is_some() {
            return Ok(path);
        }
        Err(format!("the path {} leads out of the cluster's folder", path.display()))
    }

    fn sum(&self, path: &std::path::Path) -> Result<FileSum, String> {
        let refused = || format!("the checksum of {} cannot be read", path.display());
        match (self.algorithm.as_deref(), &self.checksum) {
            (None | Some("NONE"), _) | (Some(_), None) => Ok(FileSum::None),
            (Some("CRC32C"), Some(sum)) => {
                let bytes: [u8; 4] = from_hex(sum).and_then(|b| b.try_into().ok()).ok_or_else(refused)?;
                Ok(FileSum::Crc32c(u32::from_le_bytes(bytes)))
            }
            (Some("SHA256"), Some(sum)) => {
                let bytes: [u8; 32] = from_hex(sum).and_then(|b| b.try_into().ok()).ok_or_else(refused)?;
                Ok(FileSum::Sha256(bytes))
            }
            (Some(_), Some(_)) => Err(refused()),
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &str) -> Result<ServerManifest, String> {
        ServerManifest::read(
            format!(r#"{{"PostgreSQL-Backup-Manifest-Version": 1, "Files": [{files}]}}"#).as_bytes(),
        )
    }

    #[test]
    fn files_are_read_with_both_kinds_of_paths_and_checksums() {
        let manifest = read(
            r#"{"Path": "base/1/2", "Size": 9, "Checksum-Algorithm": "CRC32C", "Checksum": "839206e3"},
               {"Encoded-Path": "61ff62", "Size": 0}"#,
        )
        .unwrap();
        // The check value of CRC-32C over "123456789" is 0xE3069283.
        assert_eq!(
            manifest.files[&PathBuf::from("base/1/2")].sum,
            FileSum::Crc32c(crc32c::crc32c(b"123456789"))
        );
        let odd = PathBuf::from(std::ffi::OsString::from_vec(vec![0x61, 0xff, 0x62]));
        assert_eq!(manifest.files[&odd].sum, FileSum::None);
    }

    #[test]
    fn a_path_that_leads_out_is_refused() {
        for path in ["../x", "/etc/passwd", "base/../../x", "", "./x"] {
            let refused = read(&format!(r#"{{"Path": "{path}", "Size": 1}}"#));
            assert!(refused.is_err(), "{path:?}");
        }
    }
}
