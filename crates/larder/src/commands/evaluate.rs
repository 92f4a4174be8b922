//! `larder evaluate`: measures how a model would do on the newest events, beside simple baselines,
//! and writes the model card for people, as Markdown, or for programs, as JSON.

mod card;

use std::path::PathBuf;

use larder_proto::larder::recommendation::v1::{EvaluateModelRequest, EvaluateModelResponse};

use crate::client::{Client, ConnectArgs, Credentials, call_refused};
use crate::commands::{Context, operations};
use crate::console;
use crate::error::CommandError;

/// The arguments of `larder evaluate`.
#[derive(Debug, clap::Args)]
pub(crate) struct EvaluateArgs {
    /// The days at the end that are held out [default: as the model settings say]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(1..=365))]
    horizon_days: Option<i32>,
    /// The length of the lists
    #[arg(long, value_name = "PRODUCTS", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=100))]
    list_length: i32,
    /// Writes JSON instead of Markdown
    #[arg(long)]
    json: bool,
    /// Writes to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Runs the command.
pub(crate) async fn run(args: EvaluateArgs, context: &Context) -> Result<(), CommandError> {
    let address = context.address(&args.connect)?;
    let client = Client::connect(&address, Credentials::from_args(&args.connect)?).await?;
    let request =
        EvaluateModelRequest { horizon_days: args.horizon_days.unwrap_or(0), list_length: args.list_length };
    let refused = || call_refused("EvaluateModel");
    let stream = client.recommendation.clone().evaluate_model(request).await.map_err(refused())?.into_inner();
    let operation_of = |answer: &EvaluateModelResponse| answer.operation.clone();
    let followed = operations::follow("evaluating", stream, operation_of).await;
    let (operation, last) = followed.map_err(refused())?;
    let of = |name: &str| operation.result.get(name).map_or("", String::as_str);
    let Some(card) = last.and_then(|last| last.card) else {
        return Err(CommandError::Refused(of("reason").to_owned()));
    };
    let text = if args.json {
        card::json(&card, of("verdict"), of("reason")).to_string()
    } else {
        card::markdown(&card, of("verdict"), of("reason"))
    };
    match &args.out {
        Some(file) => std::fs::write(file, text + "\n").map_err(CommandError::file(file)),
        None => {
            console::print_line(&text);
            Ok(())
        }
    }
}
