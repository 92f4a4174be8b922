//! What the gateway costs and what it bears, beside nginx's `grpc_pass` in the same run: native
//! gRPC, JSON, kept answers, protections and telemetry on and off, many connections, and a service
//! that is killed or slowed. Prints one JSON object a row; `cargo xtask bench gateway` builds it,
//! judges the rows and prints the table. `-- --seconds 1` makes every load that short.
//!
//! The gateway is the released `larder serve gateway` in a process of its own; the service behind it
//! is this very program, called with `--service`, whose answer is always the same. CPU time is
//! what Linux counted for the processes, divided by the answers.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod connections;
mod faults;
mod nginx;
mod process;
mod service;
mod shop;

use std::error::Error;
use std::net::SocketAddr;

use larder_testkit::Row;

use process::{Bench, Figures, Gateway, Kind};

/// Rounds of each comparison; the middle one counts.
const ROUNDS: usize = 3;
/// What a deployment has on: limits by address, caller, tenant and RPC, credentials, a cache.
const PROTECTIONS: [(&str, &str); 4] = [
    ("LARDER_LIMITS__ADDRESS_PER_S", "1000000"),
    ("LARDER_LIMITS__CALLER_PER_S", "1000000"),
    ("LARDER_LIMITS__TENANT_PER_S", "1000000"),
    ("LARDER_LIMITS__RPC_PER_S", "1000000"),
];
const QUIET: [(&str, &str); 2] =
    [("LARDER_TELEMETRY__LOG_FILTER", "warn"), ("LARDER_TELEMETRY__TRACE_SAMPLE_RATIO", "0")];
const NOTHING_KEPT: (&str, &str) = ("LARDER_CACHE__ENABLED", "false");

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if let (Some("--service"), Some(address)) = (first.as_deref(), arguments.next()) {
        return service::serve(address.parse()?);
    }
    connections::open_many_files();
    let bench = Bench::from_environment()?;
    let service = bench.service()?;
    let bare = bench.gateway(service.address, &[&QUIET[..], &[NOTHING_KEPT]].concat())?;
    let protected = bench.gateway(service.address, &[&QUIET[..], &PROTECTIONS, &[NOTHING_KEPT]].concat())?;
    let nginx = nginx::start(&bench, service.address)?;
    native(&bench, service.address, &nginx, &bare, &protected)?;
    json(&bench, &service, &bare, &protected)?;
    drop(nginx);
    telemetry(&bench, service.address, &bare)?;
    connections::measure(&bench, &bare)?;
    drop((bare, protected));
    kept(&bench, service.address)?;
    faults::measure(&bench)?;
    drop(service);
    shop::measure(&bench)
}

/// Native gRPC through everything by turns, so that a slow moment of the machine meets all.
fn native(
    bench: &Bench,
    service: SocketAddr,
    nginx: &process::Process,
    bare: &Gateway,
    protected: &Gateway,
) -> Result<(), Box<dyn Error>> {
    let token = bench.token()?;
    let (mut direct, mut through_nginx, mut plain, mut guarded) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        direct.push(bench.load(Kind::Grpc, service, &[], None)?);
        through_nginx.push(nginx.costing(|| bench.load(Kind::Grpc, nginx.address, &[], None))?);
        plain.push(bare.process.costing(|| bench.load(Kind::Grpc, bare.process.address, &[], None))?);
        let address = protected.process.address;
        guarded.push(protected.process.costing(|| bench.load(Kind::Grpc, address, &[], Some(&token)))?);
    }
    let (direct, through_nginx) = (middle_rate(direct)?, middle_cost(through_nginx)?);
    let (plain, guarded) = (middle_cost(plain)?, middle_cost(guarded)?);
    Row::new("grpc-direct-rate", direct, "1/s").print();
    Row::new("grpc-bare-cpu", plain.cpu_us, "µs/request").peer("nginx", through_nginx.cpu_us).print();
    Row::new("grpc-bare-cpu-share", plain.cpu_us / through_nginx.cpu_us, "of nginx").target("<= 1.0").print();
    Row::new("grpc-protected-cpu-share", guarded.cpu_us / through_nginx.cpu_us, "of nginx")
        .target("<= 1.5")
        .print();
    Row::new("grpc-bare-rate", plain.rate, "1/s").peer("nginx", through_nginx.rate).print();
    Row::new("grpc-protected-rate", guarded.rate, "1/s").print();
    Row::new("protections-cost", (1.0 - guarded.rate / plain.rate) * 100.0, "% of bare throughput")
        .target("<= 24")
        .print();
    // What the gateway adds at half of what it can.
    let half = format!("{:.0}", (guarded.rate / 2.0).max(1.0));
    let alone = bench.load(Kind::Grpc, service, &["--rate", &half], None)?;
    let address = protected.process.address;
    let through = bench.load(Kind::Grpc, address, &["--rate", &half], Some(&token))?;
    for (name, target) in [("p50_ms", "< 0.15"), ("p99_ms", "< 1")] {
        let added = through.number(name)? - alone.number(name)?;
        Row::new(&format!("grpc-added-{}", &name[..3]), added, "ms").target(target).print();
    }
    Ok(())
}

/// JSON with everything on, and what both processes take for one request.
fn json(
    bench: &Bench,
    service: &process::Process,
    bare: &Gateway,
    protected: &Gateway,
) -> Result<(), Box<dyn Error>> {
    let token = bench.token()?;
    let (mut plain, mut guarded, mut behind) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        plain.push(bare.process.costing(|| bench.load(Kind::Http, bare.process.address, &[], None))?);
        let before = service.cpu_us()?;
        let address = protected.process.address;
        let cost = protected.process.costing(|| bench.load(Kind::Http, address, &[], Some(&token)))?;
        behind.push((service.cpu_us()? - before) / cost.answered);
        guarded.push(cost);
    }
    let (plain, guarded) = (middle_cost(plain)?, middle_cost(guarded)?);
    Row::new("json-bare-cpu", plain.cpu_us, "µs/request").print();
    Row::new("json-protected-cpu", guarded.cpu_us, "µs/request").print();
    let total = guarded.cpu_us + middle(behind)?;
    Row::new("json-protected-total-cpu", total, "µs/request").target("<= 40").print();
    Row::new("json-protected-rate", guarded.rate, "1/s").print();
    Ok(())
}

/// What a log line, metrics and spans take, of 1 % of the requests and of all.
fn telemetry(bench: &Bench, service: SocketAddr, quiet: &Gateway) -> Result<(), Box<dyn Error>> {
    // A collector that takes nothing: the exporter's own work is measured all the same.
    let collector = ("LARDER_TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:9");
    let told = |ratio| {
        [("LARDER_TELEMETRY__LOG_FILTER", "info"), ("LARDER_TELEMETRY__TRACE_SAMPLE_RATIO", ratio), collector]
    };
    for (name, ratio, target) in [("1-percent", "0.01", "<= 5"), ("all", "1", "<= 18")] {
        let telling = bench.gateway(service, &[&told(ratio)[..], &[NOTHING_KEPT]].concat())?;
        let (mut with, mut without) = (vec![], vec![]);
        for _ in 0..ROUNDS {
            let (one, other) = (&telling.process, &quiet.process);
            with.push(one.costing(|| bench.load(Kind::Http, one.address, &[], None))?);
            without.push(other.costing(|| bench.load(Kind::Http, other.address, &[], None))?);
        }
        let added = middle_cost(with)?.cpu_us - middle_cost(without)?.cpu_us;
        Row::new(&format!("telemetry-cost-{name}"), added, "µs/request").target(target).print();
    }
    Ok(())
}

/// Kept answers, over JSON.
fn kept(bench: &Bench, service: SocketAddr) -> Result<(), Box<dyn Error>> {
    let gateway = bench.gateway(service, &[&QUIET[..], &PROTECTIONS].concat())?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let process = &gateway.process;
        rounds.push(process.costing(|| bench.load(Kind::Http, process.address, &[], None))?);
    }
    let cost = middle_cost(rounds)?;
    Row::new("kept-rate", cost.rate, "1/s").target(">= 20000").print();
    Row::new("kept-p99", cost.p99_ms, "ms").target("< 2").print();
    Row::new("kept-cpu", cost.cpu_us, "µs/request").print();
    Ok(())
}

fn middle_rate(rounds: Vec<Figures>) -> Result<f64, Box<dyn Error>> {
    middle(rounds.iter().map(|round| round.number("answered_per_s")).collect::<Result<_, _>>()?)
}

fn middle_cost(mut rounds: Vec<process::Cost>) -> Result<process::Cost, Box<dyn Error>> {
    rounds.sort_by(|one, other| one.cpu_us.total_cmp(&other.cpu_us));
    let middle = rounds.len() / 2;
    if rounds.is_empty() { Err("nothing was measured".into()) } else { Ok(rounds.swap_remove(middle)) }
}

fn middle(mut values: Vec<f64>) -> Result<f64, Box<dyn Error>> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().ok_or_else(|| "nothing was measured".into())
}
