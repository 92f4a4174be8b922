//! `larder demo`: loads the demo shop when it is not there, trains a model on it, and
//! shows on one customer what recommendations are about.

mod load;
mod tour;

use larder_identity::TenantId;

use crate::client::{Client, ConnectArgs, Credentials};
use crate::commands::Context;
use crate::error::CommandError;
use crate::{console, demo_shop};

pub(crate) use load::load;

/// What `larder demo --help` adds.
const ABOUT_THE_DATA: &str = "\
The shop is tenant `demo`: 3,000 groceries, 500 households and their purchases (The Complete
Journey, CC0), 7,168 foods with their nutrition (USDA FoodData Central), and a pizza stand with
two markets and a year of sales (fictional; R package gt, MIT). Purchases and sales are moved by
whole weeks so that they end now. Running this again loads nothing twice; each tour records one
more purchase.";

/// The arguments of `larder demo`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = ABOUT_THE_DATA)]
pub(crate) struct DemoArgs {
    /// The customer of the tour
    #[arg(long, value_name = "ID", default_value = demo_shop::TOUR_CUSTOMER_ID)]
    customer: String,
    /// Loads the shop and shows nothing
    #[arg(long)]
    load_only: bool,
    /// Prints what was loaded and shown as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Runs the command.
pub(crate) async fn run(args: DemoArgs, context: &Context) -> Result<(), CommandError> {
    let mut connect = args.connect.clone();
    if connect.token.is_none() && connect.api_key.is_none() && connect.tenant.is_none() {
        connect.tenant = Some(TenantId::demo().to_string());
    }
    let address = context.address(&connect)?;
    let client = Client::connect(&address, Credentials::from_args(&connect)?).await?;
    let loaded = load(&client).await?;
    if !args.json {
        console::print_line(&loaded.sentence());
    }
    let tour = if args.load_only { None } else { Some(tour::take(client, &args.customer).await?) };
    if args.json {
        let tour = tour.as_ref().map(tour::Tour::json);
        console::print_json(&serde_json::json!({"loaded": loaded.json(), "tour": tour}));
    } else if let Some(tour) = tour {
        tour.lines().iter().for_each(|line| console::print_line(line));
        console::print_line("");
        console::print_line(&console::dim(&format!("Everything here is also HTTP: {address}/docs")));
    }
    Ok(())
}
