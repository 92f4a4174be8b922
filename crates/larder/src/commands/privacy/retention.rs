//! `larder privacy retention`: how long each kind is kept, and what is past that.

use larder_proto::larder::privacy::v1::*;
use serde_json::{Value, json};

use super::{Deed, instant};
use crate::client::call_refused;
use crate::commands::Context;
use crate::commands::incident::{PlainArgs, connect};
use crate::console::{self, Align, Columns};
use crate::error::CommandError;

#[derive(Debug, clap::Args)]
pub(super) struct RetentionArgs {
    /// Whether to tell or to do
    #[arg(value_enum, default_value_t = Deed::Preview)]
    deed: Deed,
    #[command(flatten)]
    plain: PlainArgs,
}

/// Runs the command.
pub(super) async fn run(args: RetentionArgs, context: &Context) -> Result<(), CommandError> {
    let mut client = connect(&args.plain, context).await?.privacy;
    let periods = match args.deed {
        Deed::Preview => {
            let answer = client.preview_data_retention(PreviewDataRetentionRequest {}).await;
            answer.map_err(call_refused("PreviewDataRetention"))?.into_inner().periods
        }
        Deed::Apply => {
            let answer = client.apply_data_retention(ApplyDataRetentionRequest {}).await;
            answer.map_err(call_refused("ApplyDataRetention"))?.into_inner().periods
        }
    };
    if args.plain.json {
        let periods: Vec<Value> = periods.iter().map(as_json).collect();
        console::print_json(&json!({ "periods": periods }));
        return Ok(());
    }
    let rows = if args.deed == Deed::Preview { "would go" } else { "gone" };
    let titles = [
        ("kind", Align::Left),
        ("kept for", Align::Left),
        (rows, Align::Right),
        ("held", Align::Right),
        ("setting", Align::Left),
    ];
    let mut columns = Columns::new(&titles);
    for period in periods {
        let kept = match period.days {
            0 => "ever".to_owned(),
            days => format!("{days} days from {}", period.counted_from),
        };
        let (gone, held) = (period.row_count.to_string(), period.held_count.to_string());
        columns.push(vec![period.kind, kept, gone, held, period.setting]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
    Ok(())
}

fn as_json(period: &RetentionPeriod) -> Value {
    json!({
        "kind": period.kind,
        "setting": period.setting,
        "countedFrom": period.counted_from,
        "days": period.days,
        "olderThan": instant(period.older_than.as_ref()),
        "rowCount": period.row_count,
        "heldCount": period.held_count,
    })
}
