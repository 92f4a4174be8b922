//! `larder models`: which models there are and which one serves; train, promote, roll back, pin.
//! A thin layer over the calls of the service: what may serve is decided there.

use clap::Subcommand;
use larder_proto::larder::recommendation::v1::*;
use serde_json::{Value, json};
use tonic::Status;

use crate::client::{Client, ConnectArgs, Credentials, call_refused};
use crate::commands::{Context, operations};
use crate::console::{self, Align, Columns};
use crate::error::CommandError;

const PAGE: i32 = 1_000;

/// The arguments of `larder models`.
#[derive(Debug, clap::Args)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Lists the models, the newest first
    List(PlainArgs),
    /// Trains a model of everything recorded so far; it serves when it is not worse
    Train(TrainArgs),
    /// Makes a model the one that serves, whatever its evaluation says
    Promote(OneArgs),
    /// Makes the model that served before serve again
    RollBack(PlainArgs),
    /// Keeps a model: no training replaces it while it serves, and none removes it
    Pin(OneArgs),
    /// Takes the pin out again
    Unpin(OneArgs),
}

#[derive(Debug, clap::Args)]
struct PlainArgs {
    /// Prints JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, clap::Args)]
struct OneArgs {
    /// The version, as `larder models list` shows it
    model_version: String,
    #[command(flatten)]
    plain: PlainArgs,
}

#[derive(Debug, clap::Args)]
struct TrainArgs {
    /// Promote it even when its evaluation says that it is worse
    #[arg(long, conflicts_with = "keep_back")]
    force_promotion: bool,
    /// Keep it back even when it is not worse
    #[arg(long)]
    keep_back: bool,
    #[command(flatten)]
    plain: PlainArgs,
}

/// Runs the command.
pub(crate) async fn run(args: ModelsArgs, context: &Context) -> Result<(), CommandError> {
    let plain = match &args.command {
        ModelsCommand::List(plain) | ModelsCommand::RollBack(plain) => plain,
        ModelsCommand::Train(args) => &args.plain,
        ModelsCommand::Promote(args) | ModelsCommand::Pin(args) | ModelsCommand::Unpin(args) => &args.plain,
    };
    let address = context.address(&plain.connect)?;
    let client = Client::connect(&address, Credentials::from_args(&plain.connect)?).await?;
    match &args.command {
        ModelsCommand::List(plain) => list(&client, plain.json).await,
        ModelsCommand::Train(args) => train(&client, args).await,
        ModelsCommand::Promote(args) => {
            let request = PromoteModelRequest { model_version: args.model_version.clone() };
            let answer = client.recommendation.clone().promote_model(request).await;
            show("PromoteModel", answer.map(|answer| answer.into_inner().model), args.plain.json)
        }
        ModelsCommand::RollBack(plain) => {
            let answer = client.recommendation.clone().roll_back_model(RollBackModelRequest {}).await;
            show("RollBackModel", answer.map(|answer| answer.into_inner().model), plain.json)
        }
        ModelsCommand::Pin(args) => pin(&client, args, false).await,
        ModelsCommand::Unpin(args) => pin(&client, args, true).await,
    }
}

async fn pin(client: &Client, args: &OneArgs, unpin: bool) -> Result<(), CommandError> {
    let request = PinModelRequest { model_version: args.model_version.clone(), unpin };
    let answer = client.recommendation.clone().pin_model(request).await;
    show("PinModel", answer.map(|answer| answer.into_inner().model), args.plain.json)
}

async fn train(client: &Client, args: &TrainArgs) -> Result<(), CommandError> {
    let request = TrainModelRequest { force_promotion: args.force_promotion, keep_back: args.keep_back };
    let refused = || call_refused("TrainModel");
    let stream = client.recommendation.clone().train_model(request).await.map_err(refused())?.into_inner();
    let followed = operations::follow("training", stream, |answer| answer.operation.clone()).await;
    let (operation, _) = followed.map_err(refused())?;
    let of = |name: &str| operation.result.get(name).map_or("", String::as_str);
    if args.plain.json {
        console::print_json(&json!(operation.result));
    } else {
        console::print_line(&format!("{}  {}", of("model_version"), state_word(of("state"))));
        console::print_line(of("state_reason"));
    }
    Ok(())
}

async fn list(client: &Client, json: bool) -> Result<(), CommandError> {
    let mut models = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListModelsRequest { page_size: PAGE, page_token };
        let answer = client.recommendation.clone().list_models(request).await;
        let page = answer.map_err(call_refused("ListModels"))?.into_inner();
        models.extend(page.models);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if json {
        let models: Vec<Value> = models.iter().map(as_json).collect();
        console::print_json(&json!({ "models": models }));
        return Ok(());
    }
    print_table(&models);
    Ok(())
}

fn show(call: &'static str, answer: Result<Option<Model>, Status>, json: bool) -> Result<(), CommandError> {
    let model = answer.map_err(call_refused(call))?.unwrap_or_default();
    if json {
        console::print_json(&as_json(&model));
    } else {
        print_table(std::slice::from_ref(&model));
    }
    Ok(())
}

fn print_table(models: &[Model]) {
    let mut columns = Columns::new(&[
        ("version", Align::Left),
        ("state", Align::Left),
        ("nDCG", Align::Right),
        ("events", Align::Right),
        ("why", Align::Left),
    ]);
    for model in models {
        let pin = if model.pinned { ", pinned" } else { "" };
        columns.push(vec![
            model.model_version.clone(),
            format!("{}{pin}", state_word(model.state().as_str_name())),
            model.ndcg.map_or_else(String::new, |ndcg| format!("{ndcg:.4}")),
            model.interaction_count.to_string(),
            model.state_reason.clone(),
        ]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
}

/// `MODEL_STATE_KEPT_BACK` as people say it.
fn state_word(state: &str) -> String {
    state.trim_start_matches("MODEL_STATE_").replace('_', " ").to_lowercase()
}

fn as_json(model: &Model) -> Value {
    json!({
        "modelVersion": model.model_version,
        "state": model.state().as_str_name(),
        "stateReason": model.state_reason,
        "promoted": model.promoted,
        "pinned": model.pinned,
        "trainedAt": instant(model.trained_at.as_ref()),
        "promotedAt": instant(model.promoted_at.as_ref()),
        "ndcg": model.ndcg,
        "productCount": model.product_count,
        "customerCount": model.customer_count,
        "interactionCount": model.interaction_count,
        "sizeBytes": model.size_bytes,
        "checksumSha256": model.checksum_sha256,
    })
}

/// An instant as people and JSON write it.
pub(crate) fn instant(at: Option<&prost_types::Timestamp>) -> Option<String> {
    let at = at?;
    jiff::Timestamp::new(at.seconds, at.nanos).ok().map(|at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_told_in_words() {
        assert_eq!(state_word(ModelState::KeptBack.as_str_name()), "kept back");
        assert_eq!(state_word(""), "");
    }
}
