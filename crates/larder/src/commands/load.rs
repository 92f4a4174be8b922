//! `larder load`: calls a running Larder and tells how fast the answers came. Open-loop
//! by default: calls leave at a fixed rate whatever the answers do, and a call's time
//! runs from the moment it should have left, so that a stall cannot hide the calls it
//! held up (coordinated omission). A suite instead (`larder load sustained`) lets users come
//! and go, mixes the calls they make, and judges what it measured.

mod closed_loop;
mod connection;
mod figures;
mod open_loop;
mod suites;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use crate::client::{ConnectArgs, Credentials};
use crate::commands::Context;
use crate::console;
use crate::error::CommandError;
use figures::Figures;
use target::Target;

/// How Larder is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetKind {
    /// Over gRPC
    Grpc,
    /// Over HTTP with JSON
    Http,
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Call {
    /// Ten recommendations for a customer of the demo shop
    Recommend,
    /// A page of 100 products
    ListProducts,
}

/// The arguments of `larder load`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct LoadArgs {
    /// Which suite; left out, one kind of call is made as the options say
    #[command(subcommand)]
    suite: Option<suites::Suite>,
    /// How Larder is reached
    #[arg(long, value_enum, default_value_t = TargetKind::Grpc)]
    target: TargetKind,
    /// What is called
    #[arg(long, value_enum, default_value_t = Call::Recommend)]
    call: Call,
    /// Calls a second; 0 = closed loop, in which each of --callers waits for its answer
    #[arg(long, default_value_t = 2_000, value_name = "CALLS")]
    rate: u32,
    /// How long to measure
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    duration_s: u64,
    /// How long to call before measuring
    #[arg(long, default_value_t = 1, value_name = "SECONDS")]
    warmup_s: u64,
    /// Connections; the calls take turns on them
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// Calls under way at once in a closed loop
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    callers: u32,
    /// Whom recommendations are asked for, one customer id a line; left out, the customers of
    /// the demo shop
    #[arg(long, value_name = "FILE")]
    customers: Option<PathBuf>,
    /// The place in the app whose settings the answers follow
    #[arg(long, default_value = "", value_name = "NAME")]
    placement: String,
    /// Only products this expression selects, such as 'product.price < 5.0'
    #[arg(long, default_value = "", value_name = "EXPRESSION")]
    filter: String,
    /// Prints the figures as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Runs the command.
pub(crate) async fn run(mut args: LoadArgs, context: &Context) -> Result<(), CommandError> {
    if let Some(suite) = args.suite.take() {
        return suites::run(suite, context).await;
    }
    let address = context.address(&args.connect)?;
    let credentials = Credentials::from_args(&args.connect)?;
    let measuring = tokio::task::spawn_blocking(move || measure(&args, &address, credentials));
    match measuring.await.map_err(|error| CommandError::Refused(format!("measuring: {error}")))??.answered() {
        0 => Err(CommandError::Refused("no call was answered".into())),
        _ => Ok(()),
    }
}

/// Measures and reports. One thread makes all calls: it has no locks to take and nobody to wake, and
/// leaves as much of the machine as it can to what is measured.
fn measure(args: &LoadArgs, address: &str, credentials: Credentials) -> Result<Figures, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CommandError::Refused(format!("no thread to run on: {error}")))?;
    let warmup = Duration::from_secs(args.warmup_s);
    let duration = Duration::from_secs(args.duration_s);
    runtime.block_on(async {
        let target = Target::connect(args, address, credentials).await?;
        let unreachable = |cause| CommandError::Unreachable { address: address.to_owned(), cause };
        target.call(0).await.map_err(unreachable)?;
        let figures = match args.rate {
            0 => closed_loop::measure(&target, args.callers, warmup, duration).await,
            rate => open_loop::measure(&target, rate, warmup, duration).await,
        };
        report(args, address, &figures);
        Ok(figures)
    })
}

fn report(args: &LoadArgs, address: &str, figures: &Figures) {
    if args.json {
        let mut object = figures.json();
        object["target"] = name(&args.target).into();
        object["call"] = name(&args.call).into();
        object["rate_asked"] = args.rate.into();
        object["connections"] = args.connections.into();
        console::print_json(&object);
        return;
    }
    let pace = match args.rate {
        0 => format!("{} callers, closed loop", args.callers),
        rate => format!("{rate} calls/s, open loop"),
    };
    let (call, target) = (name(&args.call), name(&args.target));
    console::print_line(&console::heading(&format!("{call} over {target} at {address}: {pace}")));
    figures.lines().iter().for_each(|line| console::print_line(line));
}

fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
