//! `cargo xtask up`: from a fresh clone to answers. It sees to PostgreSQL's programs, builds
//! the `larder` command and becomes it, so signals and the exit code are its own.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::packages;
use crate::workspace::{Workspace, hide_own_variables};

/// Builds and runs `larder up --demo`, with whatever stands behind `--`.
pub(crate) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    mut arguments: Arguments,
) -> Result<ExitCode> {
    let passed_on = arguments.behind_dashes();
    arguments.end()?;
    if brings_its_own_database() {
        eprintln!("xtask: LARDER_DATABASE__URL is set, so no PostgreSQL is needed here");
    } else {
        let binaries = packages::need_postgresql(interrupt)?;
        eprintln!("xtask: PostgreSQL's programs are in {}", binaries.display());
    }
    let program = workspace.target.join("release/larder");
    if !program.is_file() {
        eprintln!("xtask: building the larder command; the first time this takes several minutes");
    }
    interrupt.run_well(workspace.cargo().args(["build", "--release", "--package", "larder"]))?;
    let mut larder = Command::new(&program);
    larder.args(["up", "--demo"]).args(passed_on).current_dir(&workspace.root);
    hide_own_variables(&mut larder);
    interrupt.check()?;
    let error = larder.exec();
    bail!("{} did not start: {error}", program.display())
}

fn brings_its_own_database() -> bool {
    ["LARDER_DATABASE__URL", "LARDER_DATABASE__URL_FILE"].iter().any(|name| std::env::var_os(name).is_some())
}
