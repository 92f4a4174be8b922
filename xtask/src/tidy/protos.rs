//! The contract follows `buf lint`'s standard rules, and breaks nobody who was built against what
//! it promised before: `proto/baseline.binpb`. Without buf, and without a way to get it, these rules
//! are skipped and say so.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Complaint;
use crate::interrupt::Interrupt;
use crate::wheels::Wheel;
use crate::workspace::Workspace;

const BUF: Wheel = Wheel { package: "buf-bin", version: "1.75.0", program: "buf" };

/// The contract as it was promised: what stands there may be added to, not taken away.
const BASELINE: &str = "proto/baseline.binpb";

pub(super) fn check(workspace: &Workspace, interrupt: &Interrupt) -> Result<Vec<Complaint>> {
    let buf = match BUF.find_or_install(interrupt) {
        Ok(buf) => buf,
        Err(error) => {
            eprintln!("xtask: proto/ is NOT linted: {error:#}");
            return Ok(Vec::new());
        }
    };
    let mut complaints = complaints_of(workspace, &buf, &["lint", "proto"])?;
    let broken = complaints_of(workspace, &buf, &["breaking", "proto", "--against", BASELINE])?;
    if !broken.is_empty() {
        complaints.extend(broken);
        complaints.push(Complaint(format!(
            "clients built before would break; if that is meant, say so in CHANGELOG.md and write the \
             promise anew: buf build proto --exclude-source-info -o {BASELINE}"
        )));
    }
    Ok(complaints)
}

fn complaints_of(workspace: &Workspace, buf: &Path, arguments: &[&str]) -> Result<Vec<Complaint>> {
    let output = Command::new(buf).args(arguments).current_dir(&workspace.root).output();
    let output = output.context("buf did not start")?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).lines().map(|line| Complaint(line.to_owned())).collect())
}
