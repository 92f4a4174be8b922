//! What the planner and the matcher of foods reach: `cargo run --release -p larder-nutrition
//! --example plans -- [plan|match|all] [--json] [--households N] [--highs PYTHON]`.
//! `PYTHON` is an interpreter that has `highspy`; with it, days are compared with what HiGHS
//! finds in ten seconds. Every kitchen and household is made from a fixed seed.

mod highs;
mod kitchen;
mod matching;
mod planning;
mod rows;

use std::process::ExitCode;

use rows::Rows;

/// What the command line asks for.
#[derive(Default)]
pub(crate) struct Asked {
    plan: bool,
    matches: bool,
    json: bool,
    households: usize,
    highs: Option<String>,
}

fn main() -> ExitCode {
    let asked = match read(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(error) => {
            eprintln!("plans: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut rows = Rows::new(asked.json);
    if asked.matches {
        matching::measure(&mut rows);
    }
    if asked.plan {
        planning::measure(&asked, &mut rows);
    }
    ExitCode::SUCCESS
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked { households: 10_000, ..Asked::default() };
    while let Some(word) = words.next() {
        match word.as_str() {
            "plan" => asked.plan = true,
            "match" => asked.matches = true,
            "all" => (asked.plan, asked.matches) = (true, true),
            "--json" => asked.json = true,
            "--households" => {
                let count = words.next().and_then(|count| count.parse().ok());
                asked.households = count.ok_or("--households takes a number")?;
            }
            "--highs" => asked.highs = Some(words.next().ok_or("--highs takes a Python interpreter")?),
            other => {
                return Err(format!(
                    "{other} is not known; plan, match, all, --json, --households and --highs are"
                ));
            }
        }
    }
    if !asked.plan && !asked.matches {
        (asked.plan, asked.matches) = (true, true);
    }
    Ok(asked)
}
