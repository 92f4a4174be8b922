//! `larder deploy`: says whether what was put in place may be left there. It reads, through the routes that
//! callers use; nothing is written unless `--write` says so, and nothing is taken back unless `--on-fail` says how.

mod arguments;
mod checkpoints;
mod judge;
mod measure;
mod outcome;
mod prometheus;
mod report;
mod smoke;
mod stack;
mod take_back;
mod traffic;
mod watch;

use clap::Subcommand;

use self::arguments::VerifyArgs;
use self::checkpoints::Facts;
use self::report::Report;
use self::smoke::Round;
use self::stack::Stack;
use crate::commands::Context;
use crate::console;
use crate::error::CommandError;

/// The arguments of `larder deploy`.
#[derive(Debug, clap::Args)]
pub(crate) struct DeployArgs {
    #[command(subcommand)]
    command: DeployCommand,
}

#[derive(Debug, Subcommand)]
enum DeployCommand {
    /// Asks a running Larder all that has to hold before callers come, and says go or no-go
    Verify(Box<VerifyArgs>),
    /// Lists the checkpoints of production, and what `verify` needs to go through each
    Checkpoints(ListArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(args: DeployArgs, context: &Context) -> Result<(), CommandError> {
    match args.command {
        DeployCommand::Verify(args) => verify(&args, context).await,
        DeployCommand::Checkpoints(args) => {
            report::list_checkpoints(args.json);
            Ok(())
        }
    }
}

async fn verify(args: &VerifyArgs, context: &Context) -> Result<(), CommandError> {
    args.check()?;
    let stack = Stack::of(args, context)?;
    let mut report = Report::new(stack.address.as_str());
    report.smoke = smoke::round(&stack, Round::First).await;
    if !args.smoke_only {
        let facts = Facts::gather(&stack, &report.smoke, args, context)?;
        report.checkpoints = checkpoints::go_through(&facts, &args.waivers).await;
    }
    if let (true, Some(criteria)) = (report.is_go(), args.criteria()) {
        report.watched = Some(watch::run(&stack, &criteria).await);
    }
    if let (false, Some(command)) = (report.is_go(), &args.watching.on_fail) {
        report.taken_back = Some(take_back::run(&stack, command, &report.reason()).await);
    }
    if args.json {
        console::print_json(&report.json());
    } else {
        report.lines().iter().for_each(|line| console::print_line(line));
    }
    if report.is_go() { Ok(()) } else { Err(CommandError::Refused(report.reason())) }
}
