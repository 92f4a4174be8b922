//! Ten thousand connections that say nothing and a thousand that are busy.

use std::error::Error;
use std::net::TcpStream;

use larder_testkit::Row;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::process::{Bench, Gateway, Kind};

const IDLE: usize = 10_000;
const BUSY: &str = "1000";

/// Lets this process, and those it starts, open as many files as the system lets it.
pub(crate) fn open_many_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be, fewer connections are opened, and the row says how many.
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).ok();
}

/// Opens them and tells what the gateway takes.
pub(crate) fn measure(bench: &Bench, gateway: &Gateway) -> Result<(), Box<dyn Error>> {
    let limit = getrlimit(Resource::Nofile);
    let room = limit.current.unwrap_or(u64::MAX).saturating_sub(1_000);
    // Each process has its own count of files; what it may open it got from this one.
    let idle = IDLE.min(usize::try_from(room).unwrap_or(usize::MAX).saturating_sub(2_000));
    let before = gateway.process.memory_mb()?;
    let mut connections = Vec::with_capacity(idle);
    for _ in 0..idle {
        connections.push(TcpStream::connect(gateway.process.address)?);
    }
    let address = gateway.process.address;
    let load = bench.load(Kind::Http, address, &["--callers", BUSY, "--rate", "0"], None)?;
    let memory = gateway.process.memory_mb()?;
    drop(connections);
    Row::new("idle-connections", idle as f64, "connections").target(">= 10000").print();
    Row::new("memory-before-connections", before, "MB").print();
    Row::new("memory-with-connections", memory, "MB").target("< 200").print();
    Row::new("busy-connections-failed", load.number("failed_count")?, "calls").target("<= 0").print();
    Ok(())
}
