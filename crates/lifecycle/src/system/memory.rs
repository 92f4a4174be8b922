//! Memory in use, as a share of the tightest limit: the machine's, or that of a control group around the process.
//!
//! Page cache is not counted, since the kernel gives it back before it kills. Control groups of both versions are
//! read from the process's own up to the root, because a limit anywhere above it holds too.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Threshold, gibibytes, outcome, percent};
use crate::check::CheckOutcome;

/// Memory in use against a limit, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usage {
    used: u64,
    limit: u64,
}

impl Usage {
    fn share(self) -> f64 {
        self.used as f64 / self.limit as f64
    }
}

/// Looks at memory; `root` is `/` but for tests.
pub(super) fn check(root: &Path, threshold: Threshold) -> CheckOutcome {
    let machine = machine_usage(root);
    let groups = group_usages(root, machine.map_or(u64::MAX, |usage| usage.limit));
    let tightest = groups.into_iter().chain(machine).max_by(|a, b| a.share().total_cmp(&b.share()));
    let Some(usage) = tightest else { return CheckOutcome::healthy() };
    outcome(threshold.level(usage.share()), || {
        format!("{} of {} memory in use", percent(usage.share()), gibibytes(usage.limit))
    })
}

fn machine_usage(root: &Path) -> Option<Usage> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let bytes = |name| field(&text, name).map(|kibibytes| kibibytes.saturating_mul(1024));
    let limit = bytes("MemTotal:")?;
    let used = limit.saturating_sub(bytes("MemAvailable:")?);
    (limit > 0).then_some(Usage { used, limit })
}

/// One usage for each control group with a limit that is below the machine's memory.
fn group_usages(root: &Path, machine_limit: u64) -> Vec<Usage> {
    let own = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mut usages = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let files = match controllers {
            "" => &VERSION_2,
            controllers if controllers.split(',').any(|name| name == "memory") => &VERSION_1,
            _ => continue,
        };
        let mount = root.join(files.mount);
        let usage = |folder: PathBuf| files.usage(&folder).filter(|usage| usage.limit < machine_limit);
        usages.extend(ancestors(&mount, path).filter_map(usage));
    }
    usages
}

/// The group's folder and those above it, the mount last. A container often sees its own group as the mount.
fn ancestors<'a>(mount: &'a Path, path: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    Path::new(path.trim_start_matches('/')).ancestors().map(|path| mount.join(path))
}

/// Where one version of control groups keeps its numbers.
struct GroupFiles {
    mount: &'static str,
    limit: &'static str,
    used: &'static str,
    caches: [&'static str; 2],
}

const VERSION_1: GroupFiles = GroupFiles {
    mount: "sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    caches: ["total_inactive_file", "total_active_file"],
};

const VERSION_2: GroupFiles = GroupFiles {
    mount: "sys/fs/cgroup",
    limit: "memory.max",
    used: "memory.current",
    caches: ["inactive_file", "active_file"],
};

impl GroupFiles {
    /// None where there is no limit (`max`) or nothing to read.
    fn usage(&self, folder: &Path) -> Option<Usage> {
        let number = |file| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok();
        let limit = number(self.limit).filter(|limit| *limit > 0)?;
        let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
        let cache: u64 = self.caches.iter().filter_map(|name| field(&stat, name)).sum();
        Some(Usage { used: number(self.used)?.saturating_sub(cache), limit })
    }
}

/// The number after a line's first word.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        if words.next() == Some(name) { words.next()?.parse().ok() } else { None }
    })
}
