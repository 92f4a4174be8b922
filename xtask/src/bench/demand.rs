//! `cargo xtask bench demand`: forecasts of market days and of all days beside other forecasters, the
//! correction of sell-outs, speed, and what market days cost in the service. The peers come from the configured Python package index into an
//! environment of their own in the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::{Row, example, measure, ranking};
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;

const PACKAGES: [&str; 4] = ["lightgbm==4.7.0", "numpy==2.4.6", "pandas==2.3.3", "statsforecast==2.1.1"];
const SCRIPT: &str = "crates/demand/examples/demand/peers/main.py";
const PROTOCOLS: [&str; 4] = ["market-days", "daily", "sell-outs", "speed"];
/// Protocols that need no data.
const MADE_UP: &str = "sell-outs";

/// Plans, feedback and sums over gRPC; it needs no data and no peers, but servers.
const SERVICE: &str = "service";

/// Runs one protocol after the other and collects the rows of all.
pub(super) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    asked: &ranking::Ranking,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let only = asked.protocol.as_deref();
    if only.is_none_or(|only| only == SERVICE) {
        rows.extend(service(workspace, interrupt)?);
    }
    if only != Some(SERVICE) {
        rows.extend(forecasts(workspace, interrupt, asked)?);
    }
    if rows.is_empty() {
        bail!("nothing was measured; --protocol is one of {} or {SERVICE}", PROTOCOLS.join(", "));
    }
    Ok(rows)
}

/// The released program with a stand of its own.
fn service(workspace: &Workspace, interrupt: &Interrupt) -> Result<Vec<Row>> {
    let program = super::build(workspace, interrupt, &super::SERVING)?;
    super::with_servers(workspace, interrupt, Command::new(program).arg("--stand"))
}

fn forecasts(workspace: &Workspace, interrupt: &Interrupt, asked: &ranking::Ranking) -> Result<Vec<Row>> {
    let program = example(workspace, interrupt, "larder-demand", "demand")?;
    let folder = workspace.target.join("bench-demand");
    let python = match asked.without_peers {
        true => None,
        false => Some(ranking::environment(interrupt, &folder, &PACKAGES)?),
    };
    let mut rows = Vec::new();
    for protocol in PROTOCOLS {
        if asked.protocol.as_deref().is_some_and(|only| only != protocol) {
            continue;
        }
        let Some(data) = data(&workspace.root, asked, protocol) else {
            println!("{protocol} is left out: there is no data for it; name a folder with --data");
            continue;
        };
        let mut command = Command::new(&program);
        command.args(["--protocol", protocol, "--data"]).arg(&data).args(&asked.passed_on);
        command.arg("--folder").arg(folder.join("work"));
        if let Some(python) = python.as_ref().filter(|_| protocol != MADE_UP) {
            command.arg("--python").arg(python).arg("--peers").arg(workspace.root.join(SCRIPT));
        }
        rows.extend(measure(workspace, interrupt, &mut command)?);
    }
    Ok(rows)
}

/// Forecasts are judged on bakeries, speed on the five hundred series, where somebody has them.
fn data(root: &Path, asked: &ranking::Ranking, protocol: &str) -> Option<PathBuf> {
    if let Some(data) = &asked.data {
        return Some(data.clone());
    }
    let beside = root.join("../shared/data");
    match protocol {
        MADE_UP => Some(PathBuf::from(MADE_UP)),
        "speed" => Some(beside.join("store-item")).filter(|folder| folder.is_dir()),
        _ => Some(beside.join("bakery")).filter(|folder| folder.is_dir()),
    }
}
