//! Free space, free inodes and writability of the file system that holds the data folder.
//!
//! A large disk may be fuller than a small one: enough free bytes are enough whatever their share.

use std::path::Path;

use rustix::fs::{StatVfs, StatVfsMountFlags, statvfs};

use super::{SystemThresholds, gibibytes, outcome, percent};
use crate::check::CheckOutcome;
use crate::level::Level;

/// Looks at the file system of `data_dir`, or of the nearest folder above it that exists.
pub(super) fn check(data_dir: &Path, thresholds: &SystemThresholds) -> CheckOutcome {
    let absolute = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    let found = absolute.ancestors().find_map(|folder| statvfs(folder).ok());
    match found {
        Some(figures) => judge(&FileSystem::from(&figures), thresholds),
        None => CheckOutcome::degraded("the file system of the data folder cannot be read"),
    }
}

/// What the decision is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileSystem {
    pub(super) read_only: bool,
    pub(super) bytes_available: u64,
    pub(super) bytes_used_share: f64,
    pub(super) inodes_used_share: f64,
}

impl From<&StatVfs> for FileSystem {
    fn from(figures: &StatVfs) -> Self {
        // What is reserved for root counts as neither used nor available, as in `df`.
        let used = figures.f_blocks.saturating_sub(figures.f_bfree);
        Self {
            read_only: figures.f_flag.contains(StatVfsMountFlags::RDONLY),
            bytes_available: figures.f_bavail.saturating_mul(figures.f_frsize),
            bytes_used_share: share(used, figures.f_bavail),
            // Some file systems make inodes as they need them and report none.
            inodes_used_share: share(figures.f_files.saturating_sub(figures.f_ffree), figures.f_favail),
        }
    }
}

fn share(used: u64, available: u64) -> f64 {
    let total = used.saturating_add(available);
    if total == 0 { 0.0 } else { used as f64 / total as f64 }
}

/// The worst of the three looks.
pub(super) fn judge(found: &FileSystem, thresholds: &SystemThresholds) -> CheckOutcome {
    if found.read_only {
        return CheckOutcome::unhealthy("the data folder is on a read-only file system");
    }
    let space = if found.bytes_available >= thresholds.disk_enough_bytes {
        Level::Healthy
    } else {
        thresholds.disk_used.level(found.bytes_used_share)
    };
    let inodes = thresholds.disk_used.level(found.inodes_used_share);
    outcome(space.worst(inodes), || {
        let (space, inodes) = (percent(found.bytes_used_share), percent(found.inodes_used_share));
        format!("disk {space} full with {} left, inodes {inodes} used", gibibytes(found.bytes_available))
    })
}
