//! The suites of `larder load`: users come and go, make the calls that users make, and what became of them is judged.
//! A suite runs against a Larder that is there, or brings one of its own; faults are only made in one of its own.

mod arguments;
mod caller;
mod chaos;
mod judge;
mod memory;
mod mix;
mod page;
mod plan;
mod plot;
mod progress;
mod record;
mod report;
mod runner;
mod shape;
mod stack;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use larder_lifecycle::Shutdown;

pub(crate) use arguments::Suite;
use arguments::{Place, RunArgs};
use caller::Caller;
use chaos::Made;
use judge::Measured;
use memory::Watched;
use mix::Mix;
use plan::Plan;
use progress::Progress;
use report::{Report, SuiteReport};
use stack::Stack;

use crate::client::Credentials;
use crate::commands::{Context, up};
use crate::error::CommandError;
use crate::{clock, console};

/// A plot of memory has so many points at most.
const MOST_SAMPLES: u32 = 600;

/// Runs one suite or all of them, writes the report, and fails when one has not passed.
pub(crate) async fn run(suite: Suite, context: &Context) -> Result<(), CommandError> {
    let (run_args, place, plans) = suite.plans()?;
    report::prepare(&run_args.report_dir)?;
    let shutdown = Shutdown::on_signals().map_err(up::no_signals)?;
    let started_at = Timestamp::try_from(clock::now()).map_or_else(|_| String::new(), |now| now.to_string());
    let mut stack = None;
    let outcome = tokio::select! {
        outcome = all(&run_args, &place, &plans, context, &mut stack) => outcome,
        () = shutdown.wait() => {
            Err(CommandError::Refused("stopped before the end: nothing is judged, and no report was written".into()))
        }
    };
    if let Some(stack) = stack {
        stack.stop().await;
    }
    let report = Report::new(started_at, run_args.seed, outcome?);
    let [json, page] = report.write(&run_args.report_dir)?;
    if run_args.json {
        console::print_json(&report.json());
    } else {
        report.suites.iter().flat_map(SuiteReport::lines).for_each(|line| console::print_line(&line));
        console::print_line(&format!("The report is {} and {}.", page.display(), json.display()));
    }
    let failed: Vec<&str> =
        report.suites.iter().filter(|suite| !suite.passed).map(|suite| suite.suite).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(CommandError::Refused(format!("not passed: {}; {} says why", failed.join(", "), page.display())))
}

/// Runs the plans one after the other.
async fn all(
    args: &RunArgs,
    place: &Place,
    plans: &[Plan],
    context: &Context,
    stack: &mut Option<Stack>,
) -> Result<Vec<SuiteReport>, CommandError> {
    let (address, credentials, ports) = match place {
        Place::Private => {
            let stack = stack.insert(Stack::new(context)?);
            let address = stack.start().await?;
            (address, stack::credentials()?, stack.ops_ports())
        }
        Place::At { connect, ops } => {
            let address = context.address(connect)?;
            // The gateway whose address was not told is known here with its ops port.
            let found = (ops.is_empty() && connect.address.is_none()).then(|| context.ops_address());
            let ports = ops.iter().cloned().chain(found.transpose()?);
            let ports = ports.map(|url| (url.clone(), url)).collect();
            (address, Credentials::from_args(connect)?, ports)
        }
    };
    let caller = Arc::new(Caller::new(&address, &credentials)?);
    let with_writes = args.with_writes || place.is_private();
    let mix = Arc::new(Mix::learn(&caller, args.customers.as_deref(), with_writes).await?);
    let mut reports = Vec::new();
    for plan in plans {
        let watched = Watched::new(&ports)?;
        reports.push(one(plan, args.seed, (&caller, &mix), watched, stack.as_mut()).await?);
    }
    Ok(reports)
}

/// Runs one plan and judges it.
async fn one(
    plan: &Plan,
    seed: u64,
    (caller, mix): (&Arc<Caller>, &Arc<Mix>),
    mut watched: Watched,
    stack: Option<&mut Stack>,
) -> Result<SuiteReport, CommandError> {
    eprintln!("{}: {}", plan.suite, plan.about);
    let length = plan.shape.length();
    let started = clock::instant();
    let progress = Progress::of(plan.suite, length);
    let mut made = Made::default();
    let calls = async { Ok(runner::run(&plan.shape, seed, (caller, mix), started, progress).await) };
    let breaking = async {
        match stack {
            Some(stack) => chaos::inject(stack, &plan.faults, started, &mut made).await,
            None => Ok(()),
        }
    };
    let every = (length / MOST_SAMPLES).max(Duration::from_secs(1));
    // A fault that could not be made ends the run: what it would measure is not what was asked.
    let (record, ()) = tokio::select! {
        done = async { tokio::try_join!(calls, breaking) } => done?,
        never = watched.watch(every, started) => match never {},
    };
    let measured =
        Measured { entries: &record.entries, memory: &watched.series, faults: &made.faults, length };
    let criteria = judge::judge(&plan.limits, &measured);
    let mut report = SuiteReport::new(plan, (caller.base(), mix), &record, &measured, criteria);
    report.faults_left_out.clone_from(&made.left_out);
    Ok(report)
}
