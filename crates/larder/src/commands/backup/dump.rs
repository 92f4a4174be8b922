//! `larder backup dump|dumps|load|rescue-into|fetch`: dumps of live databases, and databases given back to
//! a running server. `fetch` alone asks no service: it reads the targets itself.

use std::path::PathBuf;

use larder_backup::BackupError;
use larder_backup::dump::{DumpPart, read_dump};
use larder_backup::manifest::{BackupId, RefusedId};
use larder_proto::larder::backup::v1::rescue_database_request::RecoverTo;
use larder_proto::larder::backup::v1::*;
use tokio::fs::OpenOptions;

use super::restore::{RecoveryArgs, read_identities, with_progress};
use super::{PAGE, PlainArgs, show, tell};
use crate::client::{Client, call_refused};
use crate::commands::{Context, operations};
use crate::console;
use crate::error::CommandError;

#[derive(Debug, clap::Args)]
pub(super) struct DumpArgs {
    /// The database [default: those of the settings, or every one that takes connections]
    #[arg(default_value = "", hide_default_value = true)]
    database: String,
    #[command(flatten)]
    pub(super) plain: PlainArgs,
}

/// Where something is loaded to.
#[derive(Debug, clap::Args)]
struct IntoArgs {
    /// The new database; there may be none of this name
    #[arg(long, value_name = "DATABASE")]
    into: String,
    /// A table, such as public.orders; may be given again [default: the whole database]
    #[arg(long, value_name = "TABLE")]
    table: Vec<String>,
    /// Leaves owners and rights out, for a server without the roles
    #[arg(long)]
    skip_owners: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct LoadArgs {
    /// The dump, as `larder backup dumps` shows it
    dump_id: String,
    #[command(flatten)]
    into: IntoArgs,
    /// The target to read from [default: the first that holds it]
    #[arg(long, default_value = "", hide_default_value = true)]
    target: String,
    #[command(flatten)]
    pub(super) plain: PlainArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct RescueIntoArgs {
    /// The backup [default: the newest]
    #[arg(default_value = "", hide_default_value = true)]
    backup_id: String,
    /// The database as it was named when it was backed up
    #[arg(long)]
    database: String,
    #[command(flatten)]
    into: IntoArgs,
    #[command(flatten)]
    recovery: RecoveryArgs,
    /// The target to read from [default: the first that holds it]
    #[arg(long, default_value = "", hide_default_value = true)]
    target: String,
    #[command(flatten)]
    pub(super) plain: PlainArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct FetchArgs {
    /// The dump, as `larder backup dumps` shows it
    dump_id: String,
    /// The file for it; it must not exist
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Fetches the roles and tablespaces instead, as SQL
    #[arg(long)]
    globals: bool,
    /// The target to read from [default: the first that holds it]
    #[arg(long)]
    target: Option<String>,
    /// The file with the secret keys of age, for a dump that is sealed
    #[arg(long, value_name = "FILE")]
    identity_file: Option<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn create(client: &Client, args: &DumpArgs) -> Result<(), CommandError> {
    let request = CreateDumpRequest { database: args.database.clone() };
    let refused = || call_refused("CreateDump");
    let stream = client.backup.clone().create_dump(request).await.map_err(refused())?.into_inner();
    let followed = operations::follow("dump", stream, |answer| answer.operation.clone()).await;
    let (operation, _) = followed.map_err(refused())?;
    tell(&operation, args.plain.json, &["dump_ids", "databases", "stored_bytes"]);
    match operation.result.get("failed_targets").filter(|failed| !failed.is_empty()) {
        None => Ok(()),
        Some(failed) => {
            Err(CommandError::Refused(format!("the dump is there, but not everywhere: {failed}")))
        }
    }
}

pub(super) async fn list(client: &Client, json: bool) -> Result<(), CommandError> {
    let (mut dumps, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListDumpsRequest { page_size: PAGE, page_token, target: String::new() };
        let answer = client.backup.clone().list_dumps(request).await;
        let page = answer.map_err(call_refused("ListDumps"))?.into_inner();
        dumps.extend(page.dumps);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    show::dumps(&dumps, json);
    Ok(())
}

const LOADED: [&str; 4] = ["database", "compared_tables", "compared_rows", "keeps_locale"];

pub(super) async fn load(client: &Client, args: &LoadArgs) -> Result<(), CommandError> {
    let request = LoadDumpRequest {
        dump_id: args.dump_id.clone(),
        target: args.target.clone(),
        database: args.into.into.clone(),
        tables: args.into.table.clone(),
        skip_owners: args.into.skip_owners,
    };
    let refused = || call_refused("LoadDump");
    let stream = client.backup.clone().load_dump(request).await.map_err(refused())?.into_inner();
    let followed = operations::follow("loading", stream, |answer| answer.operation.clone()).await;
    let (operation, _) = followed.map_err(refused())?;
    tell(&operation, args.plain.json, &LOADED);
    Ok(())
}

pub(super) async fn rescue(client: &Client, args: &RescueIntoArgs) -> Result<(), CommandError> {
    let request = RescueDatabaseRequest {
        backup_id: args.backup_id.clone(),
        target: args.target.clone(),
        source_database: args.database.clone(),
        tables: args.into.table.clone(),
        database: args.into.into.clone(),
        skip_owners: args.into.skip_owners,
        recover_to: recover_to(&args.recovery),
    };
    let refused = || call_refused("RescueDatabase");
    let stream = client.backup.clone().rescue_database(request).await.map_err(refused())?.into_inner();
    let followed = operations::follow("rescue", stream, |answer| answer.operation.clone()).await;
    let (operation, _) = followed.map_err(refused())?;
    tell(&operation, args.plain.json, &["backup_id", "recovered_to", "database"]);
    Ok(())
}

fn recover_to(recovery: &RecoveryArgs) -> Option<RecoverTo> {
    let at = |at: jiff::Timestamp| {
        RecoverTo::At(prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() })
    };
    let lsn = recovery.lsn.map(|lsn| RecoverTo::Lsn(lsn.to_string()));
    lsn.or_else(|| recovery.time.map(at))
        .or_else(|| recovery.point.clone().map(RecoverTo::Point))
        .or_else(|| recovery.latest.then_some(RecoverTo::Latest(true)))
}

/// Writes a dump into a file of this machine, for `pg_restore` and `psql` by hand.
pub(super) async fn fetch(args: &FetchArgs, context: &Context) -> Result<(), CommandError> {
    let refused = |error: BackupError| CommandError::Refused(error.to_string());
    let id = args.dump_id.parse::<BackupId>();
    let id = id.map_err(|error: RefusedId| CommandError::Usage(error.to_string()))?;
    let vault = larder_backup::open_vault(&context.settings()?).await.map_err(refused)?;
    let (target, manifest) = vault.find_dump(&id, args.target.as_deref()).await.map_err(refused)?;
    let identities = args.identity_file.as_deref().map(read_identities).transpose()?.unwrap_or_default();
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(&args.to).await;
    let mut file = opened.map_err(CommandError::file(&args.to))?;
    let part = if args.globals { DumpPart::Globals } else { DumpPart::Archive };
    let reading = with_progress("fetching", async |progress| {
        read_dump(&vault, (&target, &manifest), &identities, part, &mut file, progress).await
    });
    let written = reading.await.map_err(refused);
    let synced = match written {
        Ok(bytes) => file.sync_all().await.map(|()| bytes).map_err(CommandError::file(&args.to)),
        Err(error) => Err(error),
    };
    let bytes = match synced {
        Ok(bytes) => bytes,
        Err(error) => {
            // It is ours alone: it was not there before.
            let _ = tokio::fs::remove_file(&args.to).await;
            return Err(error);
        }
    };
    if args.json {
        console::print_json(&serde_json::json!({ "dumpId": id, "file": args.to, "bytes": bytes }));
        return Ok(());
    }
    let file = args.to.display();
    let how = if args.globals {
        "psql --set ON_ERROR_STOP=1 --file"
    } else {
        "pg_restore --exit-on-error --dbname DATABASE"
    };
    console::print_line(&format!(
        "{} of {} is in {file}; load it with: {how} {file}",
        manifest.database, manifest.snapshot_at
    ));
    Ok(())
}
