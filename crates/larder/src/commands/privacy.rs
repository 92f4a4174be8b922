//! `larder privacy`: everything about one customer as a file, erasure with its report, legal holds, periods and the documents
//! made of all that. What may be deleted is decided by the service.

mod erasures;
mod export;
mod holds;
mod retention;

use clap::{Subcommand, ValueEnum};
use larder_proto::larder::privacy::v1::*;

use crate::client::call_refused;
use crate::commands::Context;
use crate::commands::incident::{PlainArgs, connect};
use crate::console;
use crate::error::CommandError;

/// The arguments of `larder privacy`.
#[derive(Debug, clap::Args)]
pub(crate) struct PrivacyArgs {
    #[command(subcommand)]
    command: PrivacyCommand,
}

#[derive(Debug, Subcommand)]
enum PrivacyCommand {
    /// Writes everything that is kept about a customer into a file (JSON)
    Export(export::ExportArgs),
    /// Erases a customer for good and shows the report that proves it
    Erase(erasures::EraseArgs),
    /// Lists the reports of erasures; shows and verifies one
    Erasures(erasures::ErasuresArgs),
    /// Lists legal holds; puts one on a customer and releases it
    Holds(holds::HoldsArgs),
    /// Tells what is past its period, and lets it go
    Retention(retention::RetentionArgs),
    /// Prints the record of personal data (Markdown)
    Inventory(PlainArgs),
    /// Prints a privacy notice for customers (Markdown), to be checked by somebody who knows the law
    Notice(PlainArgs),
    /// Prints a data processing agreement (Markdown), to be checked by somebody who knows the law
    Agreement(PlainArgs),
}

/// Whether what would happen is told, or done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Deed {
    /// Tells what is past its period
    Preview,
    /// Deletes it
    Apply,
}

/// Runs the command.
pub(crate) async fn run(args: PrivacyArgs, context: &Context) -> Result<(), CommandError> {
    match args.command {
        PrivacyCommand::Export(args) => export::run(args, context).await,
        PrivacyCommand::Erase(args) => erasures::erase(args, context).await,
        PrivacyCommand::Erasures(args) => erasures::run(args, context).await,
        PrivacyCommand::Holds(args) => holds::run(args, context).await,
        PrivacyCommand::Retention(args) => retention::run(args, context).await,
        PrivacyCommand::Inventory(plain) => document(&plain, context, "inventory").await,
        PrivacyCommand::Notice(plain) => document(&plain, context, "notice").await,
        PrivacyCommand::Agreement(plain) => document(&plain, context, "agreement").await,
    }
}

async fn document(plain: &PlainArgs, context: &Context, kind: &str) -> Result<(), CommandError> {
    let mut client = connect(plain, context).await?.privacy;
    let request = GetPrivacyDocumentRequest { kind: kind.to_owned() };
    let answer = client.get_privacy_document(request).await.map_err(call_refused("GetPrivacyDocument"))?;
    let document = answer.into_inner();
    if plain.json {
        console::print_json(&serde_json::json!({
            "title": document.title,
            "missingSettings": document.missing_settings,
            "markdown": document.markdown,
        }));
        return Ok(());
    }
    console::print_line(document.markdown.trim_end());
    if !document.missing_settings.is_empty() {
        let missing = document.missing_settings.join(", ");
        console::print_warning(&format!("to be filled in, in the settings or by hand: {missing}"));
    }
    Ok(())
}

/// An instant as people read it; empty when there is none.
fn instant(at: Option<&prost_types::Timestamp>) -> String {
    at.map(ToString::to_string).unwrap_or_default()
}
