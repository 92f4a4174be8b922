//! `cargo xtask bench NAME [--json]`: one format for every benchmark. A benchmark is an
//! example of some crate, built for release, that prints one JSON object a row; this page
//! builds it, gives it throw-away servers, judges the rows and prints them. A missed target
//! is shown, not hidden, and does not fail the command. `ranking`, `nutrition`,
//! `demand` and `exchange` need no servers but peers, and have pages of their own.

mod demand;
mod exchange;
mod machine;
mod nutrition;
mod ranking;
mod report;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::packages;
use crate::servers::Servers;
use crate::workspace::Workspace;
use ranking::Ranking;
use report::{Report, Row};

/// A program that measures.
struct Bench {
    name: &'static str,
    about: &'static str,
    /// The crate it is an example of; the example has the benchmark's name.
    package: &'static str,
    /// Packages of the distribution with the programs it is compared with.
    peers: &'static [&'static str],
    /// Whether it runs the released `larder`.
    runs_larder: bool,
}

/// What serves recommendations; its program measures the service of market days too.
const SERVING: Bench = Bench {
    name: "serving",
    about: "recommendations over gRPC, over JSON and in process; start-up; memory",
    package: "larder",
    peers: &[],
    runs_larder: true,
};

/// Everything that can be measured. The program is called with what stands behind `--` and finds the
/// released `larder` in LARDER_TEST_PROGRAM and a folder to work in, removed afterwards, in
/// LARDER_TEST_FOLDER, beside the two variables that name the servers of a test run.
const BENCHES: [Bench; 4] = [
    Bench {
        name: "gateway",
        about: "the gateway beside nginx: gRPC, JSON, kept answers, protections, connections, broken services",
        package: "larder",
        peers: &["nginx"],
        runs_larder: true,
    },
    SERVING,
    Bench {
        name: "alerting",
        about: "alerts taken durably, told and acknowledged, a storm of them, beside Alertmanager",
        package: "larder-alerting",
        peers: &[],
        runs_larder: true,
    },
    Bench {
        name: "backup",
        about: "backups and restores beside pgBackRest and pg_basebackup; the log under load; memory",
        package: "larder-backup",
        peers: &["pgbackrest"],
        runs_larder: false,
    },
];

/// The benchmarks with tables of their own.
const RANKING: &str = "ranking";
const NUTRITION: &str = "nutrition";
const DEMAND: &str = "demand";
const EXCHANGE: &str = "exchange";

/// Runs one benchmark and prints its table.
pub(crate) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    mut arguments: Arguments,
) -> Result<ExitCode> {
    let passed_on = arguments.behind_dashes();
    let json = arguments.flag("--json");
    let ranking = Ranking::read(&mut arguments)?;
    let names = arguments.names()?;
    let name = match names.as_slice() {
        [] => {
            BENCHES.iter().for_each(|bench| println!("{:<12} {}", bench.name, bench.about));
            println!("{RANKING:<12} quality, training time and memory beside other recommenders");
            println!(
                "{NUTRITION:<12} scores, allergens, matches of foods and plans of meals beside a solver"
            );
            println!("{EXCHANGE:<12} files written, read and imported, beside XlsxWriter and openpyxl");
            println!("{DEMAND:<12} forecasts of market days, sell-outs and speed beside other forecasters");
            return Ok(ExitCode::SUCCESS);
        }
        [name] => name,
        _ => bail!("name one benchmark at a time"),
    };
    if name == RANKING {
        print(
            &Report {
                bench: RANKING,
                machine: machine::describe(),
                rows: ranking.run(workspace, interrupt)?,
            },
            json,
        );
        return Ok(ExitCode::SUCCESS);
    }
    if name == DEMAND {
        let rows = demand::run(workspace, interrupt, &ranking)?;
        print(&Report { bench: DEMAND, machine: machine::describe(), rows }, json);
        return Ok(ExitCode::SUCCESS);
    }
    ranking.refuse_options(name)?;
    if name == NUTRITION {
        let rows = nutrition::run(workspace, interrupt, passed_on)?;
        print(&Report { bench: NUTRITION, machine: machine::describe(), rows }, json);
        return Ok(ExitCode::SUCCESS);
    }
    if name == EXCHANGE {
        let rows = exchange::run(workspace, interrupt, passed_on)?;
        print(&Report { bench: EXCHANGE, machine: machine::describe(), rows }, json);
        return Ok(ExitCode::SUCCESS);
    }
    let Some(bench) = BENCHES.iter().find(|bench| bench.name == name) else {
        let known: Vec<&str> =
            BENCHES.iter().map(|bench| bench.name).chain([RANKING, NUTRITION, DEMAND, EXCHANGE]).collect();
        bail!("there is no benchmark `{name}`; there are {}", known.join(", "));
    };
    let missing: Vec<&str> =
        bench.peers.iter().copied().filter(|peer| packages::find_program(peer).is_none()).collect();
    if !missing.is_empty() {
        packages::install(interrupt, &missing)?;
    }
    let program = build(workspace, interrupt, bench)?;
    let rows = with_servers(workspace, interrupt, Command::new(program).args(passed_on))?;
    print(&Report { bench: bench.name, machine: machine::describe(), rows }, json);
    Ok(ExitCode::SUCCESS)
}

/// Runs a program beside servers of its own and collects its rows.
fn with_servers(workspace: &Workspace, interrupt: &Interrupt, measuring: &mut Command) -> Result<Vec<Row>> {
    let servers = Servers::start(interrupt)?;
    servers.describe_to(measuring);
    measuring.env("LARDER_TEST_FOLDER", servers.folder());
    measure(workspace, interrupt, measuring)
}

fn print(report: &Report, json: bool) {
    print!("{}", report.table());
    if json {
        println!("{}", report.json());
    }
}

/// Builds an example that needs no other program.
fn example(workspace: &Workspace, interrupt: &Interrupt, package: &str, name: &str) -> Result<PathBuf> {
    eprintln!("xtask: building for release");
    let mut command = workspace.cargo();
    interrupt.run_well(command.args(["build", "--release", "--package", package, "--example", name]))?;
    Ok(workspace.target.join("release/examples").join(name))
}

fn build(workspace: &Workspace, interrupt: &Interrupt, bench: &Bench) -> Result<PathBuf> {
    eprintln!("xtask: building for release");
    let mut command = workspace.cargo();
    command.args(["build", "--release", "--package", "larder", "--package", bench.package]);
    if bench.runs_larder {
        command.args(["--bin", "larder"]);
    }
    interrupt.run_well(command.args(["--example", bench.name]))?;
    Ok(workspace.target.join("release/examples").join(bench.name))
}

/// Runs the program and reads a row from each of its lines that is a JSON object.
fn measure(workspace: &Workspace, interrupt: &Interrupt, command: &mut Command) -> Result<Vec<Row>> {
    command
        .current_dir(&workspace.root)
        .env("LARDER_TEST_PROGRAM", workspace.target.join("release/larder"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = interrupt.spawn(command)?;
    let output = child.stdout.take().context("the benchmark has no output")?;
    // The program is waited for whatever it printed: it must not outlive its servers.
    let rows = read_rows(BufReader::new(output));
    let status = interrupt.wait(child)?;
    if !status.success() {
        bail!("the benchmark failed: {status}");
    }
    rows
}

/// Reads to the end, passes on what is no row, and tells of the first row that is wrong.
fn read_rows(output: impl BufRead) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for line in output.lines() {
        let line = line?;
        if line.starts_with('{') {
            rows.push(Row::read(&line).with_context(|| format!("`{line}` is no row")));
        } else {
            println!("{line}");
        }
    }
    rows.into_iter().collect()
}
