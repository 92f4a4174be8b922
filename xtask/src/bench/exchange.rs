//! `cargo xtask bench exchange`: what writing and reading files costs, beside XlsxWriter and openpyxl, which
//! come from the configured Python package index into an environment of their own in the target folder, and
//! what an import costs in the service.

use std::process::Command;

use anyhow::Result;

use super::{Row, example, measure, ranking};
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;

const PEERS: [&str; 2] = ["XlsxWriter==3.2.5", "openpyxl==3.1.5"];

/// Runs the program and collects its rows; what stands behind `--` is for it.
pub(super) fn run(workspace: &Workspace, interrupt: &Interrupt, passed_on: Vec<String>) -> Result<Vec<Row>> {
    let program = example(workspace, interrupt, "larder-exchange", "exchange")?;
    let python = ranking::environment(interrupt, &workspace.target.join("bench-exchange"), &PEERS)?;
    let mut measuring = Command::new(program);
    measuring.arg("--python").arg(python).args(&passed_on);
    let mut rows = measure(workspace, interrupt, &mut measuring)?;
    let serving = super::build(workspace, interrupt, &super::SERVING)?;
    let mut importing = Command::new(serving);
    importing.arg("--imports").args(passed_on);
    rows.extend(super::with_servers(workspace, interrupt, &mut importing)?);
    Ok(rows)
}
