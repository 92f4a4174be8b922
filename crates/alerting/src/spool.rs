//! What came in while the database was away, on disk: one file a delivery, synced before the sender
//! hears of it, and removed once it is committed. The files are ordered by their names.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use larder_identity::TenantId;
use larder_oncall::alert::{Told, ToldAlert};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::ingest::Delivery;
use crate::metrics;

/// Files beyond this number are refused: the disk is for more than alerts.
const FILES_MOST: u64 = 200_000;

/// The folder of deliveries that wait.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    counter: AtomicU64,
    waiting: AtomicU64,
}

/// A delivery that waits, and the file it waits in.
#[derive(Debug)]
pub(crate) struct Spooled {
    pub(crate) path: PathBuf,
    pub(crate) delivery: Delivery,
    pub(crate) received_at_us: i64,
}

#[derive(Serialize, Deserialize)]
struct OnDisk {
    tenant: TenantId,
    source: String,
    received_at_us: i64,
    alerts: Vec<AlertOnDisk>,
}

#[derive(Serialize, Deserialize)]
struct AlertOnDisk {
    labels: larder_oncall::labels::Labels,
    annotations: std::collections::BTreeMap<String, String>,
    generator_url: String,
    starts_at_us: Option<i64>,
    resolved_at_us: Option<i64>,
    expires_at_us: Option<i64>,
}

impl Spool {
    /// Opens the folder, and makes it when it is not there.
    ///
    /// # Errors
    /// When it can neither be read nor made.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        remove_unfinished(folder)?;
        let waiting =
            fs::read_dir(folder)?.filter_map(Result::ok).filter(|entry| is_whole(&entry.path())).count();
        Ok(Self {
            folder: folder.to_owned(),
            counter: AtomicU64::new(0),
            waiting: AtomicU64::new(waiting as u64),
        })
    }

    /// Whether anything waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }

    /// How many deliveries wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Keeps a delivery. When this returns well it outlives a loss of power.
    pub(crate) fn keep(&self, delivery: &Delivery, received_at_us: i64) -> Result<(), Error> {
        if self.waiting() >= FILES_MOST {
            return Err(Error::Overloaded);
        }
        let bytes = serde_json::to_vec(&on_disk(delivery, received_at_us))
            .map_err(|error| Error::Internal(error.to_string()))?;
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let name = format!("{received_at_us:020}-{number:010}-{}", std::process::id());
        self.write(&name, &bytes).map_err(|error| {
            tracing::error!(error.cause = %error, "the spool cannot be written");
            Error::Unavailable(None)
        })?;
        self.waiting.fetch_add(1, Ordering::Relaxed);
        metrics::spooled(delivery.alerts.len());
        Ok(())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (unfinished, whole) =
            (self.folder.join(format!("{name}.part")), self.folder.join(format!("{name}.json")));
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        if let Err(error) = written.and_then(|()| fs::rename(&unfinished, &whole)) {
            // On a full disk every byte that is left counts.
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        // The name is part of the folder, which is a file of its own.
        File::open(&self.folder)?.sync_all()
    }

    /// The deliveries that wait, the oldest first. A file that is no delivery is put aside under another name.
    pub(crate) fn oldest(&self, most: usize) -> Vec<Spooled> {
        self.paths().into_iter().take(most).filter_map(|path| self.read(path)).collect()
    }

    /// The oldest of those that are not among these.
    pub(crate) fn others(&self, than: &HashSet<PathBuf>, most: usize) -> Vec<Spooled> {
        let others = self.paths().into_iter().filter(|path| !than.contains(path));
        others.take(most).filter_map(|path| self.read(path)).collect()
    }

    /// All files of deliveries, the oldest first.
    fn paths(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let mut paths: Vec<PathBuf> =
            entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| is_whole(path)).collect();
        paths.sort();
        self.waiting.store(paths.len() as u64, Ordering::Relaxed);
        paths
    }

    fn read(&self, path: PathBuf) -> Option<Spooled> {
        let read = fs::read(&path).ok()?;
        match serde_json::from_slice::<OnDisk>(&read) {
            Ok(on_disk) => {
                let received_at_us = on_disk.received_at_us;
                Some(Spooled { path, delivery: from_disk(on_disk), received_at_us })
            }
            Err(error) => {
                tracing::error!(error.cause = %error, "a spooled delivery cannot be read and is put aside");
                self.rename(&path);
                None
            }
        }
    }

    /// Puts a delivery aside that the database refuses for good, for a person to look at.
    pub(crate) fn put_aside(&self, spooled: &Spooled) {
        self.rename(&spooled.path);
    }

    fn rename(&self, path: &Path) {
        if fs::rename(path, path.with_extension("refused")).is_ok() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Forgets a delivery that is committed.
    pub(crate) fn done(&self, spooled: &Spooled) {
        if fs::remove_file(&spooled.path).is_ok() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// What a process that died was writing; nobody was told that it is kept.
fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "part") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn is_whole(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn on_disk(delivery: &Delivery, received_at_us: i64) -> OnDisk {
    let alerts = delivery.alerts.iter().map(|alert| {
        let (resolved_at_us, expires_at_us) = match alert.told {
            Told::Firing { expires_at_us } => (None, expires_at_us),
            Told::Resolved { ends_at_us } => (Some(ends_at_us), None),
        };
        AlertOnDisk {
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            generator_url: alert.generator_url.clone(),
            starts_at_us: alert.starts_at_us.or(Some(received_at_us)),
            resolved_at_us,
            expires_at_us,
        }
    });
    OnDisk {
        tenant: delivery.tenant.clone(),
        source: delivery.source.clone(),
        received_at_us,
        alerts: alerts.collect(),
    }
}

fn from_disk(on_disk: OnDisk) -> Delivery {
    let alerts = on_disk.alerts.into_iter().map(|alert| ToldAlert {
        labels: alert.labels,
        annotations: alert.annotations,
        generator_url: alert.generator_url,
        starts_at_us: alert.starts_at_us,
        told: match alert.resolved_at_us {
            Some(ends_at_us) => Told::Resolved { ends_at_us },
            None => Told::Firing { expires_at_us: alert.expires_at_us },
        },
    });
    Delivery { tenant: on_disk.tenant, source: on_disk.source, alerts: alerts.collect() }
}

#[cfg(test)]
mod tests {
    use larder_oncall::labels::Labels;

    use super::*;

    fn delivery(name: &str) -> Delivery {
        let alert = ToldAlert {
            labels: Labels::from_iter([("alertname", name)]),
            annotations: [("summary".to_owned(), "cold".to_owned())].into(),
            generator_url: "http://p/".into(),
            starts_at_us: Some(5),
            told: Told::Resolved { ends_at_us: 9 },
        };
        Delivery { tenant: TenantId::demo(), source: "prometheus".into(), alerts: vec![alert] }
    }

    #[test]
    fn what_is_kept_comes_back_in_order_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        for (name, at) in [("a", 100), ("b", 100), ("c", 90)] {
            spool.keep(&delivery(name), at).unwrap();
        }
        // A process that died while it wrote leaves a part, which nobody was told of.
        fs::write(folder.path().join("00000000000000000001-0-1.part"), b"{").unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        assert_eq!(spool.waiting(), 3);
        let kept = spool.oldest(10);
        let names: Vec<&str> = kept.iter().map(|kept| kept.delivery.alerts[0].labels.alert_name()).collect();
        assert_eq!(names, ["c", "a", "b"]);
        assert_eq!(kept[0].delivery.alerts, delivery("c").alerts);
        let others = spool.others(&HashSet::from([kept[0].path.clone()]), 1);
        assert_eq!(others[0].delivery.alerts[0].labels.alert_name(), "a");
        kept.iter().for_each(|kept| spool.done(kept));
        assert!(spool.is_empty() && spool.oldest(10).is_empty());
    }

    #[test]
    fn a_file_that_is_no_delivery_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        fs::write(folder.path().join("00000000000000000001-0-1.json"), b"{\"tenant\":").unwrap();
        spool.keep(&delivery("a"), 7).unwrap();
        assert_eq!(spool.oldest(10).len(), 1);
        assert_eq!(spool.oldest(10).len(), 1, "and it is not looked at again");
    }
}
