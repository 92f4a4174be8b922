//! `larder backup rescue`: one database, or some of its tables, out of a backup as a dump that
//! `pg_restore` loads. No service is asked, and the live server is left alone.

use std::path::PathBuf;

use larder_backup::drill::{self, RescueRequest};
use larder_backup::{BackupError, system_clock};

use super::drill::ThrowAwayArgs;
use super::restore::with_progress;
use crate::commands::Context;
use crate::console;
use crate::error::CommandError;

#[derive(Debug, clap::Args)]
pub(super) struct RescueArgs {
    #[command(flatten)]
    source: ThrowAwayArgs,
    /// The database
    #[arg(long)]
    database: String,
    /// A table, such as public.orders; may be given again [default: the whole database]
    #[arg(long, value_name = "TABLE")]
    table: Vec<String>,
    /// The file for the dump; it must not exist
    #[arg(long, value_name = "FILE")]
    into: PathBuf,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &RescueArgs, context: &Context) -> Result<(), CommandError> {
    let settings = context.settings()?;
    let refused = |error: BackupError| CommandError::Refused(error.to_string());
    let vault = larder_backup::open_vault(&settings).await.map_err(refused)?;
    let request = RescueRequest {
        recovery: args.source.request(&vault, &settings).await?,
        database: args.database.clone(),
        tables: args.table.clone(),
        into: std::path::absolute(&args.into).map_err(CommandError::file(&args.into))?,
    };
    let rescuing = with_progress("rescue", async |progress| {
        drill::rescue(&vault, &request, progress, system_clock).await
    });
    let rescued = rescuing.await.map_err(refused)?;
    if args.json {
        console::print_json(&serde_json::json!({
            "backupId": rescued.recovered.backup_id,
            "recoverTo": rescued.recovered.recover_to,
            "file": request.into,
            "bytes": rescued.bytes,
        }));
        return Ok(());
    }
    console::print_line(&format!(
        "{} as of {} is in {}; load it with: pg_restore --exit-on-error --dbname DATABASE {}",
        args.database,
        rescued.recovered.recover_to,
        request.into.display(),
        request.into.display()
    ));
    Ok(())
}
