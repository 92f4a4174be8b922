//! The contract follows `buf lint`'s standard rules. Without buf, and without a way to get
//! it, this rule is skipped and says so.

use std::process::Command;

use anyhow::{Context, Result};

use super::Complaint;
use crate::interrupt::Interrupt;
use crate::wheels::Wheel;
use crate::workspace::Workspace;

const BUF: Wheel = Wheel { package: "buf-bin", version: "1.75.0", program: "buf" };

pub(super) fn check(workspace: &Workspace, interrupt: &Interrupt) -> Result<Vec<Complaint>> {
    let buf = match BUF.find_or_install(interrupt) {
        Ok(buf) => buf,
        Err(error) => {
            eprintln!("xtask: proto/ is NOT linted: {error:#}");
            return Ok(Vec::new());
        }
    };
    let output = Command::new(buf)
        .args(["lint", "proto"])
        .current_dir(&workspace.root)
        .output()
        .context("buf did not start")?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).lines().map(|line| Complaint(line.to_owned())).collect())
}
