//! xtask in the place of rustc. Cargo calls `RUSTC_WORKSPACE_WRAPPER rustc ARGUMENTS…` for
//! members of the workspace alone, and keeps what comes out apart from ordinary builds; so
//! the counters cost a build of the members and of nothing else.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

/// The name of the copy of this program that stands in for rustc.
const NAME: &str = "xtask-rustc-with-counters";

/// Whether cargo called this program in the place of rustc.
pub(crate) fn is_rustc_call(words: &[String]) -> bool {
    let own_name = std::env::args_os().next();
    own_name.is_some_and(|name| Path::new(&name).file_name() == Some(OsStr::new(NAME))) && !words.is_empty()
}

/// Becomes rustc.
pub(crate) fn run_rustc(words: &[String]) -> ExitCode {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    if compiles(words) {
        command.args(["-C", "instrument-coverage"]);
    }
    let error = command.exec();
    eprintln!("xtask: {} did not start: {error}", words[0]);
    ExitCode::FAILURE
}

/// Cargo also asks rustc about itself; those calls are left as they are.
fn compiles(words: &[String]) -> bool {
    words.iter().any(|word| word.starts_with("--emit"))
}

/// Copies this program to a place where no build of the workspace replaces it. The path
/// is part of what cargo keeps builds apart by, so it must be the same each time.
pub(super) fn install(target: &Path) -> Result<PathBuf> {
    let copy = target.join(NAME);
    let program = std::fs::read(std::env::current_exe()?).context("cannot read this program")?;
    if std::fs::read(&copy).ok().as_ref() == Some(&program) {
        return Ok(copy);
    }
    // Written aside and renamed: another run may be using the old copy.
    let fresh = target.join(format!("{NAME}.{}", std::process::id()));
    std::fs::write(&fresh, program)?;
    std::fs::set_permissions(&fresh, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    std::fs::rename(&fresh, &copy)?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_compile_get_counters() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(compiles(&words("rustc --crate-name larder src/lib.rs --emit=dep-info,metadata,link")));
        assert!(!compiles(&words("rustc -vV")));
        assert!(!compiles(&words("rustc - --crate-name ___ --print=file-names")));
    }
}
