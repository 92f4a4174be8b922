//! Metrics of the process itself, read from `/proc` when somebody asks. Where there is no `/proc` there are none.
//! Names are those of Prometheus's own client libraries.

use std::fmt::Write;
use std::fs;

/// Clock ticks a second in `/proc/*/stat`: fixed by Linux's interface to programs on every architecture we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Appends the process's metrics in Prometheus's text format.
pub(crate) fn render(out: &mut String) {
    let sample = Sample::read();
    gauge(out, "process_resident_memory_bytes", "Resident memory size in bytes.", sample.resident_bytes);
    gauge(out, "process_virtual_memory_bytes", "Virtual memory size in bytes.", sample.virtual_bytes);
    gauge(out, "process_open_fds", "Number of open file descriptors.", sample.open_files);
    gauge(out, "process_max_fds", "Maximum number of open file descriptors.", sample.open_files_max);
    gauge(out, "process_threads", "Number of threads.", sample.threads);
    gauge(out, "process_start_time_seconds", "Start time since the Unix epoch in seconds.", sample.started_s);
    metric(out, "process_cpu_seconds_total", "counter", "User and system CPU time in seconds.", sample.cpu_s);
}

#[derive(Debug, Default)]
struct Sample {
    resident_bytes: Option<f64>,
    virtual_bytes: Option<f64>,
    open_files: Option<f64>,
    open_files_max: Option<f64>,
    threads: Option<f64>,
    started_s: Option<f64>,
    cpu_s: Option<f64>,
}

impl Sample {
    fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/stat").unwrap_or_default();
        Self {
            resident_bytes: word_after(&status, "VmRSS:", 0).map(|kib| kib * 1024.0),
            virtual_bytes: word_after(&status, "VmSize:", 0).map(|kib| kib * 1024.0),
            open_files: fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64),
            open_files_max: word_after(&limits, "Max open files", 0),
            threads: word_after(&status, "Threads:", 0),
            started_s: started_s(&stat, &kernel),
            cpu_s: cpu_s(&stat),
        }
    }
}

/// The number that is `nth` after a line's `label`.
fn word_after(text: &str, label: &str, nth: usize) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split_whitespace().nth(nth)?.parse().ok()
}

/// Field `number` of `stat`, counted from 1 as the manual does. The name in field 2 may contain anything.
fn stat_field(stat: &str, number: usize) -> Option<f64> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.split_whitespace().nth(number - 3)?.parse().ok()
}

fn cpu_s(stat: &str) -> Option<f64> {
    Some((stat_field(stat, 14)? + stat_field(stat, 15)?) / TICKS_PER_SECOND)
}

fn started_s(stat: &str, kernel: &str) -> Option<f64> {
    Some(word_after(kernel, "btime", 0)? + stat_field(stat, 22)? / TICKS_PER_SECOND)
}

fn gauge(out: &mut String, name: &str, help: &str, value: Option<f64>) {
    metric(out, name, "gauge", help, value);
}

fn metric(out: &mut String, name: &str, kind: &str, help: &str, value: Option<f64>) {
    if let Some(value) = value {
        // Writing into a string cannot fail.
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_have_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 3 0 1000 1 1";
        assert_eq!(cpu_s(stat), Some(3.0));
        assert_eq!(started_s(stat, "cpu 1\nbtime 5000\n"), Some(5010.0));
    }

    #[test]
    fn this_process_has_memory_and_files() {
        let sample = Sample::read();
        assert!(sample.resident_bytes.unwrap() > 1e5, "{sample:?}");
        assert!(sample.open_files.unwrap() >= 3.0, "{sample:?}");
        assert!(sample.open_files_max.unwrap() >= 3.0, "{sample:?}");
    }
}
