//! What the calls have in common: names and paths are read once, and a refusal names the field.

use std::path::PathBuf;

use crate::error::BackupError;
use crate::manifest::BackupId;

const DEFAULT_PAGE: usize = 50;
const MOST_OF_A_PAGE: usize = 1_000;

fn invalid(field: &'static str, description: impl Into<String>) -> BackupError {
    BackupError::Invalid { field, description: description.into() }
}

/// A backup's name.
pub(super) fn backup_id(text: &str) -> Result<BackupId, BackupError> {
    text.parse().map_err(|error: crate::manifest::RefusedId| invalid("backup_id", error.to_string()))
}

/// A backup's name, or nothing.
pub(super) fn optional_id(field: &'static str, text: &str) -> Result<Option<BackupId>, BackupError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: crate::manifest::RefusedId| invalid(field, error.to_string()))
}

/// A text, or nothing.
pub(super) fn optional(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// An absolute path.
pub(super) fn folder(text: &str) -> Result<PathBuf, BackupError> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err(invalid("folder", "must be an absolute path")) }
}

/// The size of a page.
pub(super) fn page_size(asked: i32) -> Result<usize, BackupError> {
    match usize::try_from(asked) {
        Ok(0) => Ok(DEFAULT_PAGE),
        Ok(size) if size <= MOST_OF_A_PAGE => Ok(size),
        _ => Err(invalid("page_size", format!("must be 1 to {MOST_OF_A_PAGE}, or 0 for {DEFAULT_PAGE}"))),
    }
}

/// Where the next page begins: behind this backup at this target. It is no secret and grants nothing.
pub(super) fn page_begin(token: &str) -> Result<Option<(BackupId, String)>, BackupError> {
    if token.is_empty() {
        return Ok(None);
    }
    let refused = || invalid("page_token", "must be the next_page_token of an earlier answer");
    let (id, target) = token.split_once('@').ok_or_else(refused)?;
    Ok(Some((id.parse().map_err(|_| refused())?, target.to_owned())))
}
