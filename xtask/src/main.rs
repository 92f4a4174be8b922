//! `cargo xtask`: the one front door for building, testing and checking Larder.
//! Every recipe in the justfile and in continuous integration is a thin alias of a command
//! here. It depends on none of Larder's crates, so it builds in seconds.

mod arguments;
mod bench;
mod ci;
mod clock;
mod containers;
mod coverage;
mod deny;
mod generate;
mod interrupt;
mod lint;
mod packages;
mod prepare;
mod rustc_wrapper;
mod schemathesis;
mod servers;
mod stack;
mod test;
mod tidy;
mod up;
mod wheels;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;

const USAGE: &str = "\
cargo xtask COMMAND

  up [-- ARGUMENTS…]   build larder and run it with the demo shop, on a PostgreSQL of its own
  test [--full] [--coverage | --no-coverage] [-p CRATE]… [NAME…]
                       run the tests, --full the long ones too, on a PostgreSQL and a Redis started for them
  test-stack           break the database of a whole stack, and see that it is told and heals
  test-containers [--larder FILE]
                       the same with the shipped images and compose files, as containers, of a larder that is built already
                       or built for it; as root, up to twenty minutes
  schemathesis [--seconds N]
                       ask a demo shop everything that its OpenAPI document allows and forbids
  with-servers -- COMMAND…
                       run a command with that PostgreSQL and Redis
  bench NAME [--json] [-- ARGUMENTS…]
                       measure; without NAME, list what can be measured
  bench ranking [--json] [--data DIR] [--protocol NAME] [--split-at TIME] [--until TIME] [--seed N]
                       measure recommendations beside other recommenders; --without-peers: alone
  lint                 rustfmt and clippy, warnings are errors
  tidy                 the rules of the house that no compiler knows
  deny                 licences, banned crates and sources of all dependencies
  gen                  write generated files anew
  prepare [--check] [CRATE…]
                       write, or compare, what the database says of each query
  ci                   tidy, deny, lint, prepare --check and test
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(extra) = rustc_wrapper::Extra::of_this_process() {
        return extra.run_rustc(&words);
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
        "up" => up::run(&workspace, &interrupt, arguments),
        "test" => test::run(&workspace, &interrupt, arguments),
        "test-stack" => stack::run(&workspace, &interrupt, arguments),
        "test-containers" => containers::run(&workspace, &interrupt, arguments),
        "schemathesis" => schemathesis::run(&workspace, &interrupt, arguments),
        "with-servers" => test::with_servers(&workspace, &interrupt, arguments),
        "bench" => bench::run(&workspace, &interrupt, arguments),
        "lint" => lint::run(&workspace, &interrupt, arguments),
        "tidy" => tidy::run(&workspace, &interrupt, arguments),
        "deny" => deny::run(&workspace, &interrupt, arguments),
        "gen" => generate::run(&workspace, &interrupt, arguments),
        "prepare" => prepare::run(&workspace, &interrupt, arguments),
        "ci" => ci::run(&workspace, &interrupt, arguments),
        other => bail!("there is no command `{other}`\n\n{USAGE}"),
    }
}
