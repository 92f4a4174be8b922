//! `cargo xtask bench nutrition`: what scores, matches and plans of meals reach. Days of meals are held
//! against what HiGHS finds in ten seconds; it comes from the configured Python package index into an
//! environment of its own in the target folder.

use std::process::Command;

use anyhow::Result;

use super::{Row, example, measure, ranking};
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;

const PACKAGE: &str = "larder-nutrition";
const SOLVER: [&str; 1] = ["highspy==1.15.1"];

/// Runs both programs and collects their rows; what stands behind `--` is for the plans.
pub(super) fn run(workspace: &Workspace, interrupt: &Interrupt, passed_on: Vec<String>) -> Result<Vec<Row>> {
    let scores = example(workspace, interrupt, PACKAGE, "scores")?;
    let plans = example(workspace, interrupt, PACKAGE, "plans")?;
    let python = ranking::environment(interrupt, &workspace.target.join("bench-nutrition"), &SOLVER)?;
    let mut rows = measure(workspace, interrupt, &mut Command::new(scores))?;
    let mut measuring = Command::new(plans);
    measuring.args(["all", "--json", "--highs"]).arg(python).args(passed_on);
    rows.extend(measure(workspace, interrupt, &mut measuring)?);
    Ok(rows)
}
