//! `larder oncall`: who is on call now.

use larder_proto::larder::alerting::v1::*;
use serde_json::{Value, json};

use crate::client::call_refused;
use crate::commands::Context;
use crate::commands::incident::{PlainArgs, connect};
use crate::console::{self, Align, Columns};
use crate::error::CommandError;

/// The arguments of `larder oncall`.
#[derive(Debug, clap::Args)]
pub(crate) struct OncallArgs {
    /// One schedule [default: all]
    #[arg(default_value = "")]
    schedule: String,
    #[command(flatten)]
    plain: PlainArgs,
}

/// Runs the command.
pub(crate) async fn run(args: OncallArgs, context: &Context) -> Result<(), CommandError> {
    let mut client = connect(&args.plain, context).await?.alerting;
    let request = GetOnCallRequest { schedule: args.schedule, at: None };
    let answer = client.get_on_call(request).await.map_err(call_refused("GetOnCall"))?.into_inner();
    if args.plain.json {
        let on_call: Vec<Value> = answer
            .on_call
            .iter()
            .map(|row| json!({ "schedule": row.schedule, "contact": row.contact, "overridden": row.overridden }))
            .collect();
        console::print_json(&json!({ "onCall": on_call }));
        return Ok(());
    }
    let mut columns =
        Columns::new(&[("schedule", Align::Left), ("on call", Align::Left), ("why", Align::Left)]);
    for row in answer.on_call {
        let contact = if row.contact.is_empty() { "nobody".to_owned() } else { row.contact };
        let why = if row.overridden { "override" } else { "rotation" };
        columns.push(vec![row.schedule, contact, why.to_owned()]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
    Ok(())
}
