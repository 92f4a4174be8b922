//! `cargo xtask ci`: everything that must be green before a change lands, in the order in
//! which it is cheapest to fail. `.ci/run` and the workflow call the same commands.

use std::process::ExitCode;

use anyhow::Result;

use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;
use crate::{deny, lint, prepare, test, tidy};

/// Runs each command; the first that fails ends the run.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, arguments: Arguments) -> Result<ExitCode> {
    arguments.end()?;
    let words = |words: &[&str]| Arguments::new(words.iter().map(|word| (*word).to_owned()).collect());
    tidy::run(workspace, interrupt, words(&[]))?;
    deny::run(workspace, interrupt, words(&[]))?;
    lint::run(workspace, interrupt, words(&[]))?;
    prepare::run(workspace, interrupt, words(&["--check"]))?;
    // Whether generated files are fresh is one of the tests.
    test::run(workspace, interrupt, words(&[]))
}
