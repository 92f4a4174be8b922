//! The machine's figures, read from folders made up for the test.

use super::*;
use std::path::Path;

const MEMORY: Threshold = Threshold { degraded: 0.90, unhealthy: 0.97 };

/// A pretended root with the given files.
fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

fn meminfo(total: u64, available: u64) -> String {
    format!("MemTotal:       {total} kB\nMemFree:  1 kB\nMemAvailable:   {available} kB\n")
}

fn memory_level(files: &[(&str, &str)]) -> (Level, Option<String>) {
    let outcome = memory::check(root(files).path(), MEMORY);
    (outcome.level, outcome.cause)
}

#[test]
fn memory_of_the_machine_counts_without_control_groups() {
    assert_eq!(memory_level(&[("proc/meminfo", &meminfo(1_000_000, 200_000))]).0, Level::Healthy);
    let (level, cause) = memory_level(&[("proc/meminfo", &meminfo(2 << 20, 200_000))]);
    assert_eq!((level, cause.as_deref()), (Level::Degraded, Some("90 % of 2.0 GiB memory in use")));
    assert_eq!(memory_level(&[("proc/meminfo", &meminfo(1_000_000, 10_000))]).0, Level::Unhealthy);
}

#[test]
fn a_control_group_of_version_2_is_tighter_than_the_machine() {
    let roomy = meminfo(100_000_000, 90_000_000);
    let group = "sys/fs/cgroup/kitchen/oven";
    let (current, limit, stat) =
        (format!("{group}/memory.current"), format!("{group}/memory.max"), format!("{group}/memory.stat"));
    let files = [
        ("proc/meminfo", roomy.as_str()),
        ("proc/self/cgroup", "0::/kitchen/oven\n"),
        (&current, "980\n"),
        (&limit, "1000\n"),
    ];
    assert_eq!(memory_level(&files).0, Level::Unhealthy);
    let with_cache: Vec<_> =
        files.into_iter().chain([(stat.as_str(), "inactive_file 500\nactive_file 100\n")]).collect();
    assert_eq!(memory_level(&with_cache).0, Level::Healthy, "the page cache is given back in need");
}

#[test]
fn a_limit_above_the_own_group_holds_too() {
    let files = [
        ("proc/self/cgroup", "0::/kitchen/oven\n"),
        ("sys/fs/cgroup/kitchen/memory.max", "1000"),
        ("sys/fs/cgroup/kitchen/memory.current", "950"),
        ("sys/fs/cgroup/kitchen/oven/memory.max", "max"),
        ("sys/fs/cgroup/kitchen/oven/memory.current", "10"),
    ];
    assert_eq!(memory_level(&files).0, Level::Degraded);
}

#[test]
fn a_control_group_of_version_1_is_read() {
    let files = [
        ("proc/self/cgroup", "9:name=systemd:/\n4:memory:/not/visible/in/the/container\n0::/\n"),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000"),
        ("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000"),
        ("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 50\ntotal_active_file 20\n"),
    ];
    assert_eq!(memory_level(&files).0, Level::Degraded);
}

#[test]
fn a_limit_beyond_the_machines_memory_is_none() {
    let files = [
        ("proc/meminfo", meminfo(1_000_000, 800_000)),
        ("proc/self/cgroup", "4:memory:/\n".to_owned()),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712".to_owned()),
        ("sys/fs/cgroup/memory/memory.usage_in_bytes", "9223372036854771712".to_owned()),
    ];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    assert_eq!(memory_level(&files).0, Level::Healthy);
}

fn cpu_level(load: &str, pressure: Option<&str>) -> Level {
    let mut files = vec![("proc/loadavg", load), ("proc/stat", "cpu  1 2 3\ncpu0 1 2\ncpu1 1 2\nintr 5\n")];
    files.extend(pressure.map(|text| ("proc/pressure/cpu", text)));
    cpu::check(root(&files).path(), &SystemThresholds::default()).level
}

#[test]
fn a_long_queue_that_waits_for_processors_counts() {
    let waiting =
        "some avg10=99.00 avg60=97.20 avg300=80.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
    let idle = "some avg10=1.00 avg60=12.00 avg300=1.00 total=1\n";
    assert_eq!(cpu_level("1.00 2.00 3.00 1/102 18087", Some(waiting)), Level::Healthy);
    assert_eq!(cpu_level("1.00 27.00 3.00 1/102 18087", Some(waiting)), Level::Degraded);
    assert_eq!(cpu_level("1.00 130.00 3.00 1/102 18087", Some(waiting)), Level::Unhealthy);
    assert_eq!(cpu_level("1.00 130.00 3.00 1/102 18087", Some(idle)), Level::Healthy, "they wait for a disk");
    assert_eq!(cpu_level("1.00 27.00 3.00 1/102 18087", None), Level::Degraded);
}

#[test]
fn a_machine_that_shows_nothing_is_healthy() {
    let empty = root(&[]);
    assert_eq!(memory::check(empty.path(), MEMORY), CheckOutcome::healthy());
    assert_eq!(cpu::check(empty.path(), &SystemThresholds::default()), CheckOutcome::healthy());
}

#[test]
fn garbage_in_the_kernels_files_is_harmless() {
    let files = [
        ("proc/meminfo", "MemTotal: lots kB\n\u{0}\n"),
        ("proc/self/cgroup", "::\n\n4:memory\nmemory:/:/\n0::\n"),
        ("proc/loadavg", ""),
        ("proc/stat", "cpu"),
    ];
    let root = root(&files);
    assert_eq!(memory::check(root.path(), MEMORY), CheckOutcome::healthy());
    assert_eq!(cpu::check(root.path(), &SystemThresholds::default()), CheckOutcome::healthy());
}

fn disk_level(available: u64, used: f64, inodes: f64, read_only: bool) -> Level {
    let found = disk::FileSystem {
        read_only,
        bytes_available: available,
        bytes_used_share: used,
        inodes_used_share: inodes,
    };
    disk::judge(&found, &SystemThresholds::default()).level
}

#[test]
fn a_full_disk_is_reported_before_it_is_full() {
    assert_eq!(disk_level(5 << 30, 0.50, 0.1, false), Level::Healthy);
    assert_eq!(disk_level(5 << 30, 0.92, 0.1, false), Level::Degraded);
    assert_eq!(disk_level(1 << 20, 0.99, 0.1, false), Level::Unhealthy);
    assert_eq!(disk_level(500 << 30, 0.95, 0.1, false), Level::Healthy, "plenty is left on a large disk");
    assert_eq!(disk_level(500 << 30, 0.10, 0.95, false), Level::Degraded, "inodes run out too");
    assert_eq!(disk_level(500 << 30, 0.10, 0.1, true), Level::Unhealthy);
}

#[test]
fn a_folder_that_does_not_exist_yet_is_on_its_parents_disk() {
    let root = root(&[]);
    let thresholds = SystemThresholds { disk_enough_bytes: 0, ..SystemThresholds::default() };
    let missing = disk::check(&root.path().join("not/yet"), &thresholds);
    assert_eq!(missing.level, Level::Healthy);
    assert_eq!(disk::check(Path::new("relative"), &thresholds).level, Level::Healthy);
}

#[tokio::test]
async fn a_stuck_look_is_not_repeated() {
    let (release, stuck) = std::sync::mpsc::channel::<()>();
    let stuck = std::sync::Mutex::new(stuck);
    let check = blocking("disk", move || {
        let _ = stuck.lock().map(|stuck| stuck.recv());
        CheckOutcome::healthy()
    });
    let first = tokio::spawn((check.run)());
    tokio::task::yield_now().await;
    assert_eq!((check.run)().await, CheckOutcome::degraded("an earlier look is still stuck"));
    drop(release);
    assert_eq!(first.await.unwrap(), CheckOutcome::healthy());
    assert_eq!((check.run)().await, CheckOutcome::healthy());
}
