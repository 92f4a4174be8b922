//! `cargo xtask lint`: rustfmt and clippy over everything, warnings are errors.

use std::process::ExitCode;

use anyhow::Result;

use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;

/// Checks format and lints.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, arguments: Arguments) -> Result<ExitCode> {
    arguments.end()?;
    interrupt.run_well(workspace.cargo().args(["fmt", "--all", "--check"]))?;
    let mut clippy = workspace.cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    interrupt.run_well(&mut clippy)?;
    Ok(ExitCode::SUCCESS)
}
