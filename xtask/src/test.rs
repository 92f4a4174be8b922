//! `cargo xtask test`: one build, one run of every test, on servers started for it, and
//! the coverage of that run. The exit code is the tests' alone.

mod closing;

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::arguments::Arguments;
use crate::coverage::Coverage;
use crate::interrupt::Interrupt;
use crate::packages;
use crate::servers::Servers;
use crate::workspace::Workspace;

/// What the command line asked for.
struct Wish {
    /// Whether to measure coverage; when nothing was said, only of a whole run.
    coverage: bool,
    /// Tests marked `#[ignore]` too: the long ones.
    full: bool,
    packages: Vec<String>,
    /// Parts of names; a test runs when its name holds one of them.
    names: Vec<String>,
}

impl Wish {
    fn from_words(mut arguments: Arguments) -> Result<Self> {
        let full = arguments.flag("--full");
        let (asked_for, refused) = (arguments.flag("--coverage"), arguments.flag("--no-coverage"));
        let packages = arguments.values("-p")?;
        let names = arguments.names()?;
        let whole = packages.is_empty() && names.is_empty();
        Ok(Self { coverage: !refused && (asked_for || whole), full, packages, names })
    }
}

/// Runs the tests.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, arguments: Arguments) -> Result<ExitCode> {
    let wish = Wish::from_words(arguments)?;
    let servers = Servers::start(interrupt)?;
    let coverage = if wish.coverage { coverage(workspace, interrupt, &servers) } else { None };
    let objects = build(workspace, interrupt, &wish, coverage.as_ref())?;
    let mut runner = runner(workspace, &wish);
    servers.describe_to(&mut runner);
    if let Some(coverage) = &coverage {
        coverage.describe_to(&mut runner);
    }
    let (status, closing_lines) = run_tests(interrupt, &mut runner)?;
    if let Some(Err(error)) = coverage.map(|coverage| coverage.print(workspace, &wish.packages, &objects)) {
        eprintln!("xtask: coverage was measured but cannot be shown: {error:#}");
    }
    for line in closing_lines {
        println!("{line}");
    }
    Ok(exit_code(status))
}

/// Runs any program beside the servers.
pub(crate) fn with_servers(
    workspace: &Workspace,
    interrupt: &Interrupt,
    mut arguments: Arguments,
) -> Result<ExitCode> {
    let words = arguments.behind_dashes();
    arguments.end()?;
    let Some((program, rest)) = words.split_first() else {
        bail!(
            "name the command behind `--`, as in `cargo xtask with-servers -- cargo test -p larder-database`"
        );
    };
    let servers = Servers::start(interrupt)?;
    eprintln!("xtask: PostgreSQL is at {}, Redis at {}", servers.database_url(), servers.redis_url());
    let mut command = Command::new(program);
    command.args(rest).current_dir(&workspace.root);
    servers.describe_to(&mut command);
    Ok(exit_code(interrupt.run(&mut command)?))
}

/// Says why when coverage cannot be measured; the tests run all the same.
fn coverage(workspace: &Workspace, interrupt: &Interrupt, servers: &Servers) -> Option<Coverage> {
    match Coverage::prepare(workspace, interrupt, servers.folder()) {
        Ok(coverage) => Some(coverage),
        Err(error) => {
            eprintln!("xtask: coverage is NOT measured: {error:#}");
            None
        }
    }
}

/// Builds every test and returns the files that were built.
fn build(
    workspace: &Workspace,
    interrupt: &Interrupt,
    wish: &Wish,
    coverage: Option<&Coverage>,
) -> Result<Vec<PathBuf>> {
    let mut command = workspace.cargo();
    command.args(["test", "--no-run", "--message-format=json-render-diagnostics"]);
    command.args(selection(wish)).stdin(Stdio::null()).stdout(Stdio::piped());
    if let Some(coverage) = coverage {
        coverage.describe_to(&mut command);
    }
    let mut child = interrupt.spawn(&mut command)?;
    let mut messages = String::new();
    let read = child.stdout.take().context("cargo has no output")?.read_to_string(&mut messages);
    if !interrupt.wait(child)?.success() {
        bail!("the tests do not build");
    }
    read.context("cannot read what cargo tells")?;
    Ok(messages.lines().filter_map(executable).collect())
}

/// Crates are always built together with `larder`: alone they would get other features of
/// their dependencies, and all of those would be built again.
fn selection(wish: &Wish) -> Vec<&str> {
    // Examples are the lints' business, and examples in comments are not run.
    let tests = ["--tests"].into_iter();
    if wish.packages.is_empty() {
        return tests.chain(["--workspace"]).collect();
    }
    let packages = wish.packages.iter().map(String::as_str).chain(["larder"]);
    tests.chain(packages.flat_map(|name| ["-p", name])).collect()
}

/// The program that one line of cargo's messages tells of, if it tells of one.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    message["executable"].as_str().map(PathBuf::from)
}

/// The call that runs what was built: nextest's when it is installed, else cargo's own.
fn runner(workspace: &Workspace, wish: &Wish) -> Command {
    let mut command = workspace.cargo();
    if packages::find_program("cargo-nextest").is_some() {
        // What cargo has to say was said when it built.
        command.args(["nextest", "run", "--cargo-quiet"]).args(selection(wish));
        if !wish.packages.is_empty() {
            let filters = wish.packages.iter().map(|name| format!("package(={name})"));
            command.arg("-E").arg(filters.collect::<Vec<_>>().join(" + "));
        }
        if wish.full {
            command.args(["--run-ignored", "all"]);
        }
        return command_with_names(command, wish);
    }
    command.args(["test", "--no-fail-fast"]).args(selection(wish)).arg("--");
    if wish.full {
        command.arg("--include-ignored");
    }
    command_with_names(command, wish)
}

fn command_with_names(mut command: Command, wish: &Wish) -> Command {
    command.args(&wish.names).stdin(Stdio::null());
    command
}

/// Runs the tests. Away from a terminal the lines that tell how it ended are handed back,
/// so that they can stand at the very end of the output.
fn run_tests(interrupt: &Interrupt, runner: &mut Command) -> Result<(ExitStatus, Vec<String>)> {
    if std::io::stderr().is_terminal() {
        return Ok((interrupt.run(runner)?, Vec::new()));
    }
    let mut child = interrupt.spawn(runner.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let lines = closing::pass_through(
        child.stdout.take().context("the tests have no output")?,
        child.stderr.take().context("the tests have no error output")?,
    );
    Ok((interrupt.wait(child)?, lines))
}

fn exit_code(status: ExitStatus) -> ExitCode {
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code) => ExitCode::from(code),
        None => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(words: &str) -> Wish {
        Wish::from_words(Arguments::new(words.split_whitespace().map(str::to_owned).collect())).unwrap()
    }

    #[test]
    fn a_crate_is_always_built_together_with_larder() {
        assert_eq!(
            selection(&wish("-p larder-gateway")),
            ["--tests", "-p", "larder-gateway", "-p", "larder"]
        );
        assert_eq!(selection(&wish("")), ["--tests", "--workspace"]);
    }

    #[test]
    fn coverage_is_measured_of_a_whole_run_or_when_asked_for() {
        assert!(wish("").coverage);
        assert!(wish("--full").coverage);
        assert!(!wish("--no-coverage").coverage);
        assert!(!wish("erase").coverage);
        assert!(wish("-p larder-gateway --coverage").coverage);
    }

    #[test]
    fn only_messages_about_programs_name_one() {
        let program = r#"{"reason":"compiler-artifact","executable":"/target/debug/deps/it-1"}"#;
        assert_eq!(executable(program), Some(PathBuf::from("/target/debug/deps/it-1")));
        assert_eq!(executable(r#"{"reason":"compiler-artifact","executable":null}"#), None);
        assert_eq!(executable("not JSON"), None);
    }
}
