//! `larder privacy erase` and `larder privacy erasures`: the reports are shown as the service wrote them, so that they can be kept and
//! compared.

use std::path::PathBuf;

use clap::Subcommand;
use larder_proto::larder::privacy::v1::*;
use serde_json::{Value, json};

use super::instant;
use crate::client::call_refused;
use crate::commands::Context;
use crate::commands::incident::{PlainArgs, connect};
use crate::console::{self, Align, Columns};
use crate::error::CommandError;

const PAGE: i32 = 1_000;

#[derive(Debug, clap::Args)]
pub(super) struct EraseArgs {
    /// The customer's id
    customer_id: String,
    /// The id once more: it cannot be undone
    #[arg(long, value_name = "CUSTOMER_ID")]
    confirm: String,
    /// Why; it is kept, so it must not name the person
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    plain: PlainArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ErasuresArgs {
    #[command(subcommand)]
    command: ErasuresCommand,
}

#[derive(Debug, Subcommand)]
enum ErasuresCommand {
    /// Lists the reports, the newest first
    List(PlainArgs),
    /// Prints a report as it was written, with what backups may hold
    Show(OneArgs),
    /// Checks a report; fails when anything about it is wrong
    Verify(VerifyArgs),
}

#[derive(Debug, clap::Args)]
struct OneArgs {
    /// Its id, as `larder privacy erasures list` shows it
    erasure_id: String,
    #[command(flatten)]
    plain: PlainArgs,
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// Its id, as `larder privacy erasures list` shows it
    erasure_id: String,
    /// A report that was kept elsewhere, to be compared
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Whom it is said to be about
    #[arg(long, value_name = "CUSTOMER_ID", default_value = "")]
    customer: String,
    #[command(flatten)]
    plain: PlainArgs,
}

/// Erases.
pub(super) async fn erase(args: EraseArgs, context: &Context) -> Result<(), CommandError> {
    if args.confirm != args.customer_id {
        return Err(CommandError::Usage("--confirm must be the customer's id, letter by letter".to_owned()));
    }
    let mut client = connect(&args.plain, context).await?.privacy;
    let request = EraseCustomerDataRequest { customer_id: args.customer_id, reason: args.reason };
    let answer =
        client.erase_customer_data(request).await.map_err(call_refused("EraseCustomerData"))?.into_inner();
    if answer.erased_before {
        console::print_warning("they were erased before, and nothing came since: this is the report of then");
    }
    print(&answer.report.unwrap_or_default(), args.plain.json);
    Ok(())
}

/// Shows reports.
pub(super) async fn run(args: ErasuresArgs, context: &Context) -> Result<(), CommandError> {
    match args.command {
        ErasuresCommand::List(plain) => list(&plain, context).await,
        ErasuresCommand::Show(args) => {
            let mut client = connect(&args.plain, context).await?.privacy;
            let request = GetErasureReportRequest { erasure_id: args.erasure_id };
            let answer =
                client.get_erasure_report(request).await.map_err(call_refused("GetErasureReport"))?;
            print(&answer.into_inner().report.unwrap_or_default(), args.plain.json);
            Ok(())
        }
        ErasuresCommand::Verify(args) => verify(args, context).await,
    }
}

async fn list(plain: &PlainArgs, context: &Context) -> Result<(), CommandError> {
    let mut client = connect(plain, context).await?.privacy;
    let mut reports = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListErasuresRequest { page_size: PAGE, page_token };
        let answer = client.list_erasures(request).await.map_err(call_refused("ListErasures"))?.into_inner();
        reports.extend(answer.erasures);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if plain.json {
        let reports: Vec<Value> = reports.iter().map(as_json).collect();
        console::print_json(&json!({ "erasures": reports }));
        return Ok(());
    }
    let titles = [("erasure", Align::Left), ("at", Align::Left), ("by", Align::Left), ("why", Align::Left)];
    let mut columns = Columns::new(&titles);
    for report in reports {
        let at = instant(report.erased_at.as_ref());
        columns.push(vec![report.erasure_id, at, report.erased_by, report.reason]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
    Ok(())
}

async fn verify(args: VerifyArgs, context: &Context) -> Result<(), CommandError> {
    let copy = args.report.map(|path| std::fs::read_to_string(&path).map_err(CommandError::file(path)));
    let mut client = connect(&args.plain, context).await?.privacy;
    let request = VerifyErasureReportRequest {
        erasure_id: args.erasure_id,
        report_json: copy.transpose()?.unwrap_or_default(),
        customer_id: args.customer,
    };
    let refused = call_refused("VerifyErasureReport");
    let verdict = client.verify_erasure_report(request).await.map_err(refused)?.into_inner();
    if args.plain.json {
        let found: Vec<Value> = verdict
            .found
            .iter()
            .map(|rows| json!({ "table": rows.table, "rowCount": rows.row_count }))
            .collect();
        console::print_json(&json!({
            "intact": verdict.intact,
            "followsPrevious": verdict.follows_previous,
            "namesCustomer": verdict.names_customer,
            "found": found,
            "problems": verdict.problems,
        }));
    }
    if verdict.problems.is_empty() {
        if !args.plain.json {
            console::print_line("the report is what was written then, and follows the one before");
        }
        return Ok(());
    }
    Err(CommandError::Refused(verdict.problems.join("; ")))
}

fn print(report: &ErasureReport, json: bool) {
    if json {
        return console::print_json(&as_json(report));
    }
    console::print_line(&report.report_json);
    console::print_line(&format!("digest (SHA-256): {}", report.digest));
    for backup in &report.backups {
        let until = instant(backup.held_until.as_ref());
        let until = if until.is_empty() { "a time that its own settings tell".to_owned() } else { until };
        let newest = backup.newest_kept;
        console::print_line(&format!(
            "{} may hold it until {until}, and while one from before is among the newest {newest}",
            backup.target
        ));
    }
    let model = &report.forgotten_by_model_version;
    if model.is_empty() {
        console::print_line("no model that was trained since serves yet");
    } else {
        console::print_line(&format!("the model {model}, which serves, was trained without it"));
    }
}

fn as_json(report: &ErasureReport) -> Value {
    json!({
        "erasureId": report.erasure_id,
        "erasedAt": instant(report.erased_at.as_ref()),
        "erasedBy": report.erased_by,
        "reason": report.reason,
        "digest": report.digest,
        "reportJson": report.report_json,
        "forgottenByModelVersion": report.forgotten_by_model_version,
    })
}
