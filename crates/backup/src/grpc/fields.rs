//! What the calls have in common: names and paths are read once, and a refusal names the field.

use std::path::PathBuf;

use jiff::Timestamp;
use larder_proto::larder::backup::v1::run_drill_request::RecoverTo;

use crate::drill::RecoveryTarget;
use crate::dump::TableName;
use crate::error::BackupError;
use crate::manifest::BackupId;

const DEFAULT_PAGE: usize = 50;
const MOST_OF_A_PAGE: usize = 1_000;

fn invalid(field: &'static str, description: impl Into<String>) -> BackupError {
    BackupError::Invalid { field, description: description.into() }
}

/// A backup's name.
pub(super) fn backup_id(text: &str) -> Result<BackupId, BackupError> {
    id("backup_id", text)
}

/// The name of a backup or a dump.
pub(super) fn id(field: &'static str, text: &str) -> Result<BackupId, BackupError> {
    text.parse().map_err(|error: crate::manifest::RefusedId| invalid(field, error.to_string()))
}

/// Tables by their schemas and names.
pub(super) fn tables(texts: &[String]) -> Result<Vec<TableName>, BackupError> {
    let read = texts.iter().map(|text| text.parse::<TableName>());
    read.collect::<Result<_, _>>().map_err(|error| invalid("tables", error.to_string()))
}

/// A backup's name, or nothing.
pub(super) fn optional_id(field: &'static str, text: &str) -> Result<Option<BackupId>, BackupError> {
    if text.is_empty() {
        return Ok(None);
    }
    id(field, text).map(Some)
}

/// A text, or nothing.
pub(super) fn optional(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Where a drill recovers to, or nothing.
pub(super) fn recovery_target(asked: Option<RecoverTo>) -> Result<Option<RecoveryTarget>, BackupError> {
    let Some(asked) = asked else { return Ok(None) };
    let target = match asked {
        RecoverTo::Latest(true) => RecoveryTarget::Latest,
        RecoverTo::Latest(false) => return Ok(None),
        RecoverTo::At(at) => {
            let at = Timestamp::new(at.seconds, at.nanos);
            RecoveryTarget::Time(at.map_err(|error| invalid("at", error.to_string()))?)
        }
        RecoverTo::Lsn(lsn) => {
            let lsn = lsn.parse();
            RecoveryTarget::Lsn(
                lsn.map_err(|_| invalid("lsn", "must be a place in the log such as 16/B374D848"))?,
            )
        }
        RecoverTo::Point(name) if name.is_empty() => return Err(invalid("point", "must not be empty")),
        RecoverTo::Point(name) => RecoveryTarget::Name(name),
    };
    Ok(Some(target))
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

/// Where the next page begins: behind this backup at this target.
pub(super) fn page_begin(place: Option<String>) -> Result<Option<(BackupId, String)>, BackupError> {
    let Some(place) = place else { return Ok(None) };
    let refused = || invalid("page_token", "must be the next_page_token of an earlier answer");
    let (id, target) = place.split_once('@').ok_or_else(refused)?;
    Ok(Some((id.parse().map_err(|_| refused())?, target.to_owned())))
}
