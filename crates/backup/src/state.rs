//! What every call and every job has at hand.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use jiff::Timestamp;
use larder_replication::ConnectOptions;
use larder_settings::BackupSettings;
use tokio::sync::{Semaphore, watch};

use crate::clock::Clock;
use crate::manifest::BackupId;
use crate::operations::Operations;
use crate::page::PageTokens;
use crate::retention::{Policy, Tier};
use crate::under_way::UnderWay;
use crate::vault::Vault;
use crate::wal::WalStatus;

/// Shared by the calls of one process.
pub(crate) struct State {
    pub(crate) vault: Vault,
    /// The server that is protected.
    pub(crate) source: ConnectOptions,
    /// The server whose databases are dumped.
    pub(crate) dump_source: ConnectOptions,
    /// The server that dumps are loaded into.
    pub(crate) load_server: ConnectOptions,
    /// What each target keeps.
    pub(crate) policies: BTreeMap<String, Policy>,
    /// Whether databases are dumped by schedule.
    pub(crate) takes_dumps: bool,
    /// Where what they keep is moved to as it ages, of those that have several storage classes.
    pub(crate) tiers: BTreeMap<String, Vec<Tier>>,
    pub(crate) settings: BackupSettings,
    pub(crate) operations: Operations,
    pub(crate) clock: Clock,
    /// One backup at a time: two would only make each other slow.
    pub(crate) turn: Semaphore,
    /// One dump at a time, for the same reason.
    pub(crate) dump_turn: Semaphore,
    /// One drill at a time: each takes as much room as the database.
    pub(crate) drill_turn: Semaphore,
    /// Where drills take place.
    pub(crate) drill_folder: PathBuf,
    /// Where PostgreSQL's programs are; `None` looks where they usually are.
    pub(crate) bin_dir: Option<PathBuf>,
    /// The `larder` program, which servers in recovery ask for their log.
    pub(crate) program: PathBuf,
    /// The database with the canary, where the protected server is the one that holds it.
    pub(crate) canary_database: Option<String>,
    /// When the canary was last written.
    pub(crate) canary_at: watch::Sender<Option<Timestamp>>,
    /// For when the last test alarm was due.
    pub(crate) self_test_at: watch::Sender<Option<Timestamp>>,
    pub(crate) pages: PageTokens,
    pub(crate) reading: Reading,
    /// What is being stored, so that a later process finds what a kill has left of it.
    pub(crate) under_way: UnderWay,
    /// How the log is doing, once it is received.
    pub(crate) wal: OnceLock<watch::Receiver<WalStatus>>,
}

/// The backups that something reads, so that retention lets them be.
#[derive(Clone, Default)]
pub(crate) struct Reading(Arc<Mutex<HashMap<BackupId, usize>>>);

/// As long as this lives, the backups are not removed.
pub(crate) struct ReadGuard {
    reading: Reading,
    ids: Vec<BackupId>,
}

impl Reading {
    pub(crate) fn begin(&self, ids: Vec<BackupId>) -> ReadGuard {
        let mut counts = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for id in &ids {
            *counts.entry(id.clone()).or_default() += 1;
        }
        ReadGuard { reading: self.clone(), ids }
    }

    pub(crate) fn contains(&self, id: &BackupId) -> bool {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).contains_key(id)
    }
}

impl Drop for ReadGuard {
    fn drop(&mut self) {
        let mut counts = self.reading.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for id in &self.ids {
            if let Some(count) = counts.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_read_until_its_last_reader_is_done() {
        let reading = Reading::default();
        let id: BackupId = "20261123T064000Z-7f3a9c01".parse().unwrap();
        let (one, other) = (reading.begin(vec![id.clone()]), reading.begin(vec![id.clone()]));
        drop(one);
        assert!(reading.contains(&id));
        drop(other);
        assert!(!reading.contains(&id));
    }
}
