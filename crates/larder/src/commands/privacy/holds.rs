//! `larder privacy holds`: on whom nothing may be deleted, and why.

use clap::Subcommand;
use larder_proto::larder::privacy::v1::*;
use serde_json::{Value, json};

use super::instant;
use crate::client::call_refused;
use crate::commands::Context;
use crate::commands::incident::{PlainArgs, connect};
use crate::console::{self, Align, Columns};
use crate::error::CommandError;

#[derive(Debug, clap::Args)]
pub(super) struct HoldsArgs {
    #[command(subcommand)]
    command: HoldsCommand,
}

#[derive(Debug, Subcommand)]
enum HoldsCommand {
    /// Lists the holds in force, the newest first
    List(ListArgs),
    /// Puts a hold on a customer
    Add(AddArgs),
    /// Releases a hold
    Release(ReleaseArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Those that were released too
    #[arg(long)]
    all: bool,
    /// Only this customer's
    #[arg(long, value_name = "CUSTOMER_ID", default_value = "")]
    customer: String,
    #[command(flatten)]
    plain: PlainArgs,
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// The customer's id
    customer_id: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    plain: PlainArgs,
}

#[derive(Debug, clap::Args)]
struct ReleaseArgs {
    /// Its id, as `larder privacy holds list` shows it
    hold_id: String,
    /// Why it may end
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    plain: PlainArgs,
}

/// Runs the command.
pub(super) async fn run(args: HoldsArgs, context: &Context) -> Result<(), CommandError> {
    let (holds, json) = match args.command {
        HoldsCommand::List(args) => {
            let mut client = connect(&args.plain, context).await?.privacy;
            let request = ListLegalHoldsRequest { customer_id: args.customer, include_released: args.all };
            let answer = client.list_legal_holds(request).await.map_err(call_refused("ListLegalHolds"))?;
            (answer.into_inner().holds, args.plain.json)
        }
        HoldsCommand::Add(args) => {
            let mut client = connect(&args.plain, context).await?.privacy;
            let request = SetLegalHoldRequest { customer_id: args.customer_id, reason: args.reason };
            let answer = client.set_legal_hold(request).await.map_err(call_refused("SetLegalHold"))?;
            (answer.into_inner().hold.into_iter().collect(), args.plain.json)
        }
        HoldsCommand::Release(args) => {
            let mut client = connect(&args.plain, context).await?.privacy;
            let request = ReleaseLegalHoldRequest { hold_id: args.hold_id, reason: args.reason };
            let answer =
                client.release_legal_hold(request).await.map_err(call_refused("ReleaseLegalHold"))?;
            (answer.into_inner().hold.into_iter().collect(), args.plain.json)
        }
    };
    print(holds, json);
    Ok(())
}

fn print(holds: Vec<LegalHold>, json: bool) {
    if json {
        let holds: Vec<Value> = holds.iter().map(as_json).collect();
        return console::print_json(&json!({ "holds": holds }));
    }
    let titles = [
        ("hold", Align::Left),
        ("customer", Align::Left),
        ("since", Align::Left),
        ("by", Align::Left),
        ("why", Align::Left),
        ("released", Align::Left),
    ];
    let mut columns = Columns::new(&titles);
    for hold in holds {
        let (since, released) = (instant(hold.set_at.as_ref()), instant(hold.released_at.as_ref()));
        columns.push(vec![hold.hold_id, hold.customer_id, since, hold.set_by, hold.reason, released]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
}

fn as_json(hold: &LegalHold) -> Value {
    json!({
        "holdId": hold.hold_id,
        "customerId": hold.customer_id,
        "reason": hold.reason,
        "setBy": hold.set_by,
        "setAt": instant(hold.set_at.as_ref()),
        "releasedBy": hold.released_by,
        "releaseReason": hold.release_reason,
        "releasedAt": instant(hold.released_at.as_ref()),
    })
}
