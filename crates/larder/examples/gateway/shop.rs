//! The demo shop behind the gateway: JSON beside direct gRPC with real recommendations, and
//! customers who come as customers do, few of them often and most of them seldom.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use larder_testkit::Row;

use crate::process::{Bench, Kind, Process, free_address};

const HOUSEHOLDS: usize = 2_498;
const VISITS: usize = 50_000;

/// Starts the shop twice: once as it is, once keeping nothing.
pub(crate) fn measure(bench: &Bench) -> Result<(), Box<dyn Error>> {
    let visits = bench.folder.join("visits.txt");
    fs::write(&visits, zipf())?;
    let file = visits.to_str().ok_or("a folder whose name is no text")?;
    {
        let Shop { _process, gateway, service, .. } = start(bench, &[("LARDER_CACHE__ENABLED", "false")])?;
        let grpc = bench.load(Kind::Grpc, service, &["--customers", file], None)?.number("answered_per_s")?;
        let json = bench.load(Kind::Http, gateway, &["--customers", file], None)?.number("answered_per_s")?;
        Row::new("json-real-recommendations", json, "1/s").peer("direct gRPC", grpc).print();
        Row::new("json-real-recommendations-share", json / grpc, "of direct gRPC").target(">= 0.5").print();
    }
    let Shop { _process, gateway, ops, .. } = start(bench, &[])?;
    let (kept_before, asked_before) = kept_answers(ops)?;
    let visits = bench.load(Kind::Http, gateway, &["--customers", file], None)?;
    Row::new("zipf-rate", visits.number("answered_per_s")?, "1/s").print();
    Row::new("zipf-p99", visits.number("p99_ms")?, "ms").print();
    let (kept, asked) = kept_answers(ops)?;
    let share = (kept - kept_before) / (asked - asked_before).max(1.0) * 100.0;
    Row::new("zipf-hit-rate", share, "%").target(">= 80").print();
    Ok(())
}

/// A running shop and where it is.
struct Shop {
    _process: Process,
    gateway: SocketAddr,
    service: SocketAddr,
    ops: SocketAddr,
}

/// How many questions were answered out of the cache, and how many there were.
fn kept_answers(ops: SocketAddr) -> Result<(f64, f64), Box<dyn Error>> {
    let metrics = get(ops, "/metrics")?;
    let (mut kept, mut all) = (0.0, 0.0);
    for line in metrics.lines().filter(|line| line.starts_with("larder_gateway_cache_answers_total{")) {
        let count: f64 = line.rsplit(' ').next().unwrap_or_default().parse()?;
        all += count;
        if line.contains("\"fresh\"") || line.contains("\"stale\"") {
            kept += count;
        }
    }
    Ok((kept, all))
}

fn start(bench: &Bench, variables: &[(&str, &str)]) -> Result<Shop, Box<dyn Error>> {
    let [gateway, ops, service, service_ops] =
        [free_address()?, free_address()?, free_address()?, free_address()?];
    let mut command = Command::new(&bench.program);
    command
        .args(["up", "--demo"])
        .env("LARDER_DATA_DIR", bench.folder.join("shop"))
        .env("LARDER_GATEWAY__LISTEN_ADDRESS", gateway.to_string())
        .env("LARDER_GATEWAY__OPS_ADDRESS", ops.to_string())
        .env("LARDER_RECOMMENDATION__LISTEN_ADDRESS", service.to_string())
        .env("LARDER_RECOMMENDATION__OPS_ADDRESS", service_ops.to_string())
        .env("LARDER_BACKUP__ENABLED", "false")
        .env("LARDER_ALERTING__LISTEN_ADDRESS", "127.0.0.1:0")
        .env("LARDER_ALERTING__OPS_ADDRESS", "127.0.0.1:0")
        .envs(variables.iter().copied());
    let process = Process::start(command, gateway)?;
    while get(gateway, "/v1/customers/household-1501/recommendations")
        .map_or(true, |answer| !answer.contains("\"productId\"") || answer.contains("\"degraded\":true"))
    {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Ok(Shop { _process: process, gateway, service, ops })
}

/// Whether the gateway at this address says that its answers are less than they could be.
pub(crate) fn is_degraded(gateway: SocketAddr) -> Result<bool, Box<dyn Error>> {
    let answer = get(gateway, "/v1/customers/household-1/recommendations?limit=10")?;
    Ok(!answer.starts_with("HTTP/1.1 200") || answer.contains("\"degraded\":true"))
}

fn get(address: SocketAddr, path: &str) -> Result<String, Box<dyn Error>> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Who comes, one a line: the household of rank `r` with a chance proportional to `1/r` (Zipf's
/// law), drawn by a generator that draws the same every time.
fn zipf() -> String {
    let mut chances: Vec<f64> = (1..=HOUSEHOLDS).map(|rank| 1.0 / rank as f64).collect();
    let mut sum = 0.0;
    for chance in &mut chances {
        sum += *chance;
        *chance = sum;
    }
    let (mut state, mut text) = (0x9e37_79b9_7f4a_7c15_u64, String::new());
    for _ in 0..VISITS {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let drawn = (state >> 11) as f64 / (1_u64 << 53) as f64 * sum;
        let rank = chances.partition_point(|chance| *chance < drawn) + 1;
        let _ = writeln!(text, "household-{}", rank.min(HOUSEHOLDS));
    }
    text
}
