//! Programs of others that read what is shipped for them. `cargo xtask test` installs them and names them in variables.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::tree;

/// The program that a variable names.
pub(crate) fn program(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from);
    path.unwrap_or_else(|| panic!("{variable} is not set: run cargo xtask test, which installs the program"))
}

/// Runs it in the repository's root.
pub(crate) fn run(variable: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program(variable));
    command.args(arguments).current_dir(tree::root()).stdin(Stdio::null());
    command.output().unwrap()
}

/// Runs it, and fails with what it says when it finds anything wrong.
#[track_caller]
pub(crate) fn content(variable: &str, arguments: &[&str]) -> String {
    let output = run(variable, arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{variable} {arguments:?}: {said}{complained}");
    said
}
