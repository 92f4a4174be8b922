//! On what a benchmark ran, as far as Linux tells: figures without it mean little.

use serde_json::{Value, json};

/// Processor, memory, system and how busy it was.
pub(super) fn describe() -> Value {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    json!({
        "processor": field("/proc/cpuinfo", "model name"),
        "cores": cores,
        "memory_bytes": memory_bytes(),
        "system": read("/proc/version").and_then(|text| text.split(" (").next().map(str::to_owned)),
        "load_average": read("/proc/loadavg").and_then(|text| text.split(' ').next().map(str::to_owned)),
    })
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = read(path)?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_bytes() -> Option<u64> {
    let kib: u64 = field("/proc/meminfo", "MemTotal")?.trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024)
}
