//! `cargo xtask`: the one front door for building, testing and checking Larder.
//! Every recipe in the justfile and in continuous integration is a thin alias of a command
//! here. It depends on none of Larder's crates, so it builds in seconds.

mod arguments;
mod clock;
mod coverage;
mod interrupt;
mod lint;
mod packages;
mod servers;
mod test;
mod tidy;
mod wheels;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;

const USAGE: &str = "\
cargo xtask COMMAND

  test [--full] [--no-coverage] [-p CRATE]… [NAME…]
                       run the tests on a PostgreSQL and a Redis started for them
  with-servers -- COMMAND…
                       run a command with that PostgreSQL and Redis
  lint                 rustfmt and clippy, warnings are errors
  tidy                 the rules of the house that no compiler knows
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if coverage::wrapper::is_rustc_call(&words) {
        return coverage::wrapper::run_rustc(&words);
    }
    match run(words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: Vec<String>) -> Result<ExitCode> {
    let mut words = words.into_iter();
    let Some(command) = words.next() else {
        print!("{USAGE}");
        return Ok(ExitCode::FAILURE);
    };
    let arguments = Arguments::new(words.collect());
    if matches!(command.as_str(), "help" | "--help" | "-h") || arguments.asks_for_help() {
        print!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = Workspace::find()?;
    let interrupt = Interrupt::install()?;
    match command.as_str() {
        "test" => test::run(&workspace, &interrupt, arguments),
        "with-servers" => test::with_servers(&workspace, &interrupt, arguments),
        "lint" => lint::run(&workspace, &interrupt, arguments),
        "tidy" => tidy::run(&workspace, &interrupt, arguments),
        other => bail!("there is no command `{other}`\n\n{USAGE}"),
    }
}
