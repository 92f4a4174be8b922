//! xtask in the place of rustc. Cargo calls `RUSTC_WORKSPACE_WRAPPER rustc ARGUMENTS…` for
//! members of the workspace alone, and keeps what comes out apart from ordinary builds; so
//! a build with something extra costs the members and nothing else. Which extra is told by
//! the name this program is called by.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

/// The folder under which [`Extra::QueryData`] puts one folder a crate.
pub(crate) const QUERY_DATA_VARIABLE: &str = "XTASK_QUERY_DATA";

/// What is added to an ordinary call of rustc.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Extra {
    /// Counters of covered code.
    Counters,
    /// sqlx writes down what the database said of each query, apart for each crate.
    QueryData,
}

impl Extra {
    const ALL: [Self; 2] = [Self::Counters, Self::QueryData];

    fn program_name(self) -> &'static str {
        match self {
            Self::Counters => "xtask-rustc-with-counters",
            Self::QueryData => "xtask-rustc-with-query-data",
        }
    }

    /// The extra this process was called for, if cargo called it in the place of rustc.
    pub(crate) fn of_this_process() -> Option<Self> {
        let name = std::env::args_os().next()?;
        let name = Path::new(&name).file_name()?.to_owned();
        Self::ALL.into_iter().find(|extra| name == extra.program_name())
    }

    /// Becomes rustc. `words` begin with the path of the real one.
    pub(crate) fn run_rustc(self, words: &[String]) -> ExitCode {
        let Some((program, arguments)) = words.split_first() else {
            eprintln!("xtask: cargo named no rustc to call");
            return ExitCode::FAILURE;
        };
        let mut command = Command::new(program);
        command.args(arguments);
        if compiles(arguments) {
            self.add_to(&mut command);
        }
        let error = command.exec();
        eprintln!("xtask: {program} did not start: {error}");
        ExitCode::FAILURE
    }

    fn add_to(self, command: &mut Command) {
        match self {
            Self::Counters => {
                command.args(["-C", "instrument-coverage"]);
            }
            Self::QueryData => {
                let folder = std::env::var_os(QUERY_DATA_VARIABLE).map(PathBuf::from);
                let package = std::env::var_os("CARGO_PKG_NAME");
                if let (Some(folder), Some(package)) = (folder, package) {
                    command.env("SQLX_OFFLINE_DIR", folder.join(package));
                }
            }
        }
    }

    /// Copies this program to a place where no build of the workspace replaces it. The
    /// path is part of what cargo keeps builds apart by, so it must be the same each time.
    pub(crate) fn install(self, target: &Path) -> Result<PathBuf> {
        let copy = target.join(self.program_name());
        let program = std::fs::read(std::env::current_exe()?).context("cannot read this program")?;
        if std::fs::read(&copy).ok().as_ref() == Some(&program) {
            return Ok(copy);
        }
        // Written aside and renamed: another run may be using the old copy.
        let fresh = target.join(format!("{}.{}", self.program_name(), std::process::id()));
        std::fs::write(&fresh, program)?;
        std::fs::set_permissions(&fresh, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        std::fs::rename(&fresh, &copy)?;
        Ok(copy)
    }
}

/// Cargo also asks rustc about itself; those calls are left as they are.
fn compiles(arguments: &[String]) -> bool {
    arguments.iter().any(|word| word.starts_with("--emit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_compile_get_something_extra() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(compiles(&words("--crate-name larder src/lib.rs --emit=dep-info,metadata,link")));
        assert!(!compiles(&words("-vV")));
        assert!(!compiles(&words("- --crate-name ___ --print=file-names")));
    }

    #[test]
    fn this_test_is_not_called_in_the_place_of_rustc() {
        assert_eq!(Extra::of_this_process(), None);
    }

    #[test]
    fn the_copy_is_the_program_and_is_not_written_twice() {
        let folder = tempfile::tempdir().unwrap();
        let copy = Extra::Counters.install(folder.path()).unwrap();
        let written_at = std::fs::metadata(&copy).unwrap().modified().unwrap();
        assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(std::env::current_exe().unwrap()).unwrap());
        Extra::Counters.install(folder.path()).unwrap();
        assert_eq!(std::fs::metadata(&copy).unwrap().modified().unwrap(), written_at);
    }
}
