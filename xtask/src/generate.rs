//! `cargo xtask gen`: writes every generated file anew. The generators are the tests that
//! prove those files fresh; told to, they write instead of comparing. By convention such a
//! test has `committed` in its name and reads `LARDER_UPDATE_GENERATED`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;

const VARIABLE: &str = "LARDER_UPDATE_GENERATED";
const NAME_PART: &str = "committed";

/// Runs the generators of every crate that has one.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, arguments: Arguments) -> Result<ExitCode> {
    arguments.end()?;
    let mut command = workspace.cargo();
    command.args(["test", "--package", "larder"]).env(VARIABLE, "1");
    for member in workspace.members.iter().filter(|member| member.name.starts_with("larder-")) {
        if generates(&member.folder)? {
            command.args(["--package", &member.name]);
        }
    }
    interrupt.run_well(command.args(["--", NAME_PART]))?;
    interrupt.run_well(workspace.cargo().args(["fmt", "--all"]))?;
    eprintln!("xtask: generated files are fresh; `git status` shows what changed");
    Ok(ExitCode::SUCCESS)
}

/// Whether a crate has a test that writes when told to.
fn generates(folder: &Path) -> Result<bool> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let found = if path.is_dir() {
            generates(&path)?
        } else {
            path.extension().is_some_and(|extension| extension == "rs")
                && std::fs::read_to_string(&path)?.contains(&format!("var_os(\"{VARIABLE}\")"))
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_generates_when_a_test_of_it_reads_the_variable() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tests")).unwrap();
        std::fs::write(folder.path().join("tests/generated.rs"), "//! Nothing.").unwrap();
        assert!(!generates(folder.path()).unwrap());
        let test = "if std::env::var_os(\"LARDER_UPDATE_GENERATED\").is_some() {}";
        std::fs::write(folder.path().join("tests/generated.rs"), test).unwrap();
        assert!(generates(folder.path()).unwrap());
    }
}
