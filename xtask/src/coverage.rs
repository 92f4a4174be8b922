//! Line coverage of the workspace's own crates without a second build of everything else:
//! only members are compiled with counters, by way of [`crate::rustc_wrapper`], and the tests' counts
//! are read with the LLVM tools that belong to this rustc.

mod report;
mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::interrupt::Interrupt;
use crate::rustc_wrapper::Extra;
use crate::workspace::Workspace;
use tools::Tools;

/// Coverage of one test run.
pub(crate) struct Coverage {
    tools: Tools,
    wrapper: PathBuf,
    counts: PathBuf,
}

impl Coverage {
    /// Makes ready to measure; `Err` holds why coverage cannot be measured here.
    pub(crate) fn prepare(workspace: &Workspace, interrupt: &Interrupt, folder: &Path) -> Result<Self> {
        let tools = Tools::find_or_install(interrupt)?;
        let counts = folder.join("coverage");
        std::fs::create_dir(&counts)?;
        // Tests start programs that run as another user, and those write counts too.
        std::fs::set_permissions(&counts, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
        Ok(Self { tools, wrapper: Extra::Counters.install(&workspace.target)?, counts })
    }

    /// Has a cargo call compile the members with counters, and the tests count into files.
    pub(crate) fn describe_to(&self, command: &mut Command) {
        command.env("RUSTC_WORKSPACE_WRAPPER", &self.wrapper);
        // %m merges the counts of all processes of one binary, eight files for each.
        command.env("LLVM_PROFILE_FILE", self.counts.join("%8m.profraw"));
    }

    /// Prints the table of covered lines, one row a crate; of `packages` alone, if any are named.
    pub(crate) fn print(
        &self,
        workspace: &Workspace,
        packages: &[String],
        objects: &[PathBuf],
    ) -> Result<()> {
        let merged = self.counts.join("merged.profdata");
        let raw: Vec<PathBuf> = std::fs::read_dir(&self.counts)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<_>>()?;
        if raw.is_empty() {
            bail!("no test wrote any counts");
        }
        run_quietly(
            Command::new(&self.tools.profdata)
                .args(["merge", "-sparse", "-failure-mode=warn", "-o"])
                .arg(&merged)
                .args(&raw),
        )?;
        let mut export = Command::new(&self.tools.cov);
        export.args(["export", "-summary-only", "-instr-profile"]).arg(&merged);
        for object in objects {
            export.arg("-object").arg(object);
        }
        let export = run_quietly(&mut export)?;
        let export = serde_json::from_slice(&export).context("llvm-cov wrote no JSON")?;
        let mut crates = report::lines_per_crate(&export, workspace)?;
        crates.retain(|name, _| packages.is_empty() || packages.contains(name));
        print!("{}", report::table(&crates));
        Ok(())
    }
}

fn run_quietly(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("{:?} did not start", command.get_program()))?;
    if !output.status.success() {
        bail!("{:?} failed: {}", command.get_program(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}
