//! `larder import`: reads CSV files and sends their rows in batches. Every refused row is
//! told with its file, line, field and reason; the others go in. Because every row has an
//! id of its own, running the same import again is harmless.

mod columns;
mod kinds;
mod parse;
mod reader;
mod rejections;
mod sender;

use std::path::PathBuf;

use clap::ValueEnum;
use futures::StreamExt;
use indicatif::ProgressBar;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use crate::client::{Client, ConnectArgs, Credentials};
use crate::commands::Context;
use crate::console;
use crate::error::CommandError;
pub(crate) use kinds::Records;
pub(crate) use reader::read_embedded;
use reader::{Batch, ReadPlan};
use rejections::Rejections;

/// Batches on their way at the same time: one is written while the next one travels.
const BATCHES_IN_FLIGHT: usize = 2;

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// What is sold
    Products,
    /// Who buys
    Customers,
    /// What customers did: views, carts, purchases, likes, dislikes, ratings
    Interactions,
    /// Price cuts for a while
    Promotions,
    /// What is to be spent
    Budgets,
}

/// The arguments of `larder import`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = columns::HELP)]
pub(crate) struct ImportArgs {
    /// What the rows are
    #[arg(long, value_enum)]
    kind: Kind,
    /// CSV files with a header line, plain or gzipped (.gz)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The currency of amounts that name none, such as EUR
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// Where refused rows are written, with their line, field and reason; after mending
    /// them the file can be imported as it is
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Rows a call, up to 10,000
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch_rows: u32,
    /// Prints the outcome as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// What an import has done so far.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    /// Rows that went in, those that were there already included.
    pub(crate) accepted: u64,
    /// Rows among the accepted that were there already, as far as the service tells.
    pub(crate) duplicates: u64,
    /// Rows refused.
    pub(crate) rejected: u64,
}

impl Tally {
    fn read(&self) -> u64 {
        self.accepted + self.rejected
    }
}

/// Runs the command.
pub(crate) async fn run(args: ImportArgs, context: &Context) -> Result<(), CommandError> {
    let plan = ReadPlan::new(&args)?;
    let mut rejections = Rejections::new(args.rejects.as_deref(), &plan)?;
    let address = context.address(&args.connect)?;
    let client = Client::connect(&address, Credentials::from_args(&args.connect)?).await?;

    let started = Instant::now();
    let bar = console::bytes_bar(plan.total_bytes()?, &format!("importing {}", args.kind.noun()));
    let outcome = send_all(plan, client, &bar, &mut rejections).await;
    bar.finish_and_clear();
    let (tally, failure) = outcome;
    rejections.finish()?;
    report(&args, tally, &rejections, started);
    if let Some(failure) = failure {
        console::print_warning("the import stopped early; run it again, rows that are there are not doubled");
        return Err(failure);
    }
    if tally.rejected > 0 {
        return Err(CommandError::RowsRejected { rejected: tally.rejected, total: tally.read() });
    }
    Ok(())
}

async fn send_all(
    plan: ReadPlan,
    client: Client,
    bar: &ProgressBar,
    rejections: &mut Rejections,
) -> (Tally, Option<CommandError>) {
    let (batches, received) = tokio::sync::mpsc::channel(BATCHES_IN_FLIGHT);
    let reading_bar = bar.clone();
    let reading = tokio::task::spawn_blocking(move || reader::read_files(&plan, &reading_bar, &batches));
    let mut verdicts = ReceiverStream::new(received)
        .map(|batch: Batch| sender::send(client.clone(), batch))
        .buffered(BATCHES_IN_FLIGHT);
    let mut tally = Tally::default();
    while let Some(sent) = verdicts.next().await {
        let outcome = sent.and_then(|sent| {
            tally.accepted += sent.accepted;
            tally.duplicates += sent.duplicates;
            tally.rejected += sent.rejected.len() as u64;
            rejections.take(sent.rejected)
        });
        if let Err(failure) = outcome {
            return (tally, Some(failure));
        }
    }
    let read = reading.await.unwrap_or_else(|panic| Err(CommandError::Refused(panic.to_string())));
    (tally, read.err())
}

fn report(args: &ImportArgs, tally: Tally, rejections: &Rejections, started: Instant) {
    if args.json {
        console::print_json(&serde_json::json!({
            "kind": args.kind.noun(),
            "read_count": tally.read(),
            "accepted_count": tally.accepted,
            "duplicate_count": tally.duplicates,
            "rejected_count": tally.rejected,
            "rejections": rejections.first(),
            "duration_ms": started.elapsed().as_millis() as u64,
        }));
        return;
    }
    for line in rejections.lines() {
        eprintln!("{line}");
    }
    let there = if tally.duplicates > 0 {
        format!(" ({} were there already)", tally.duplicates)
    } else {
        String::new()
    };
    console::print_line(&format!(
        "{}: {} rows read, {} went in{there}, {} refused",
        args.kind.noun(),
        tally.read(),
        tally.accepted,
        tally.rejected,
    ));
}

impl Kind {
    /// The name of the kind, as it is given on the command line.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Customers => "customers",
            Self::Interactions => "interactions",
            Self::Promotions => "promotions",
            Self::Budgets => "budgets",
        }
    }
}
