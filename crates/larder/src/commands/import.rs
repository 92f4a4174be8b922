//! `larder import`: reads CSV files and sends their rows in batches; workbooks, and files that go in as a
//! whole or not at all, are uploaded and read by the service. Every refused row is
//! told with its file, line, field and reason; the others go in. Because every row has an
//! id of its own, running the same import again is harmless.

mod columns;
mod kinds;
mod parse;
mod reader;
mod rejections;
mod sender;
mod uploaded;

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
    /// What was bought, with the columns that exports have
    Transactions,
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
    #[arg(long, value_enum, required_unless_present = "undo")]
    kind: Option<Kind>,
    /// CSV files with a header line, plain or gzipped (.gz), or workbooks (.xlsx, .xls, .ods)
    #[arg(required_unless_present = "undo", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The currency of amounts that name none, such as EUR
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// Where refused rows are written, with their line, field and reason; after mending them the file can be
    /// imported as it is. Of a file that is uploaded it is a workbook (.xlsx)
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Writes all rows of a file or, when one is refused, none
    #[arg(long)]
    all_or_nothing: bool,
    /// Judges every row and writes none
    #[arg(long)]
    dry_run: bool,
    /// What a title of the file means, such as "Art. no.=product_id"; an empty name passes the column over
    #[arg(long = "map", value_name = "TITLE=COLUMN", value_parser = uploaded::mapping)]
    maps: Vec<(String, String)>,
    /// What parts whole numbers from their places, where numbers could mean two things
    #[arg(long, value_name = "MARK", value_parser = [".", ","])]
    decimal_mark: Option<String>,
    /// What comes first in days such as 03/04/2026
    #[arg(long, value_name = "ORDER", value_parser = ["day_first", "month_first"])]
    date_order: Option<String>,
    /// Takes back an import that was committed in the last seven days, by the id that was printed
    #[arg(long, value_name = "IMPORT", conflicts_with_all = ["kind", "files"])]
    undo: Option<String>,
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
    let address = context.address(&args.connect)?;
    let Some(kind) = args.kind else {
        let client = Client::connect(&address, Credentials::from_args(&args.connect)?).await?;
        return uploaded::undo(args.undo.unwrap_or_default(), client, args.json).await;
    };
    if uploaded::is_wanted(&args) {
        uploaded::check(&args, kind)?;
        let client = Client::connect(&address, Credentials::from_args(&args.connect)?).await?;
        return uploaded::run(&args, kind, client).await;
    }
    let plan = ReadPlan::new(&args, kind)?;
    let mut rejections = Rejections::new(args.rejects.as_deref(), &plan)?;
    let client = Client::connect(&address, Credentials::from_args(&args.connect)?).await?;

    let started = Instant::now();
    let bar = console::bytes_bar(plan.total_bytes()?, &format!("importing {}", kind.noun()));
    let outcome = send_all(plan, client, &bar, &mut rejections).await;
    bar.finish_and_clear();
    let (tally, failure) = outcome;
    rejections.finish()?;
    report((&args, kind), tally, &rejections, started);
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

fn report((args, kind): (&ImportArgs, Kind), tally: Tally, rejections: &Rejections, started: Instant) {
    if args.json {
        console::print_json(&serde_json::json!({
            "kind": kind.noun(),
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
        kind.noun(),
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
            Self::Transactions => "transactions",
            Self::Promotions => "promotions",
            Self::Budgets => "budgets",
        }
    }
}
