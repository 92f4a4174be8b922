//! `cargo xtask test-stack`: the services beside the programs that watch them, with the settings that are shipped.
//! It breaks PostgreSQL and prints when the alert fired, when the mail came and when all was well again.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::packages;
use crate::servers::Servers;
use crate::workspace::Workspace;

/// Where the test finds each exporter, and the names under which distributions have it.
const EXPORTERS: [(&str, [&str; 2]); 4] = [
    ("LARDER_TEST_NODE_EXPORTER", ["prometheus-node-exporter", "node_exporter"]),
    ("LARDER_TEST_POSTGRES_EXPORTER", ["prometheus-postgres-exporter", "postgres_exporter"]),
    ("LARDER_TEST_REDIS_EXPORTER", ["prometheus-redis-exporter", "redis_exporter"]),
    ("LARDER_TEST_BLACKBOX_EXPORTER", ["prometheus-blackbox-exporter", "blackbox_exporter"]),
];

/// Runs the test of the whole stack.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, arguments: Arguments) -> Result<ExitCode> {
    arguments.end()?;
    let exporters = exporters(interrupt)?;
    let servers = Servers::start(interrupt)?;
    let mut command = workspace.cargo();
    command.args(["test", "-p", "larder", "--test", "stack", "--", "--ignored", "--nocapture"]);
    servers.describe_to(&mut command);
    command.envs(exporters);
    let status = interrupt.run(&mut command)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn exporters(interrupt: &Interrupt) -> Result<Vec<(&'static str, PathBuf)>> {
    if found().is_none() {
        packages::install(interrupt, &EXPORTERS.map(|(_, [package, _])| package))?;
    }
    match found() {
        Some(found) => Ok(found),
        None => bail!("the exporters were installed, but are not on PATH"),
    }
}

/// All of them, or `None` when one is missing.
fn found() -> Option<Vec<(&'static str, PathBuf)>> {
    let find = |(variable, names): (_, [&str; 2])| {
        Some((variable, names.into_iter().find_map(packages::find_program)?))
    };
    EXPORTERS.into_iter().map(find).collect()
}
