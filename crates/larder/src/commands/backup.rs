//! `larder backup`: takes backups, shows and verifies them, and gives them back. Taking and showing
//! ask the running service; a restore reads the targets itself, since it is needed most when nothing
//! runs any more.

mod drill;
mod dump;
mod rescue;
mod restore;
mod show;
pub(crate) mod wal_get;

use clap::{Subcommand, ValueEnum};
use larder_proto::larder::backup::v1::*;
use larder_proto::larder::operation::v1::Operation;

use self::drill::DrillArgs;
use self::dump::{DumpArgs, FetchArgs, LoadArgs, RescueIntoArgs};
use self::rescue::RescueArgs;
use self::restore::RestoreArgs;
use self::wal_get::WalGetArgs;
use crate::client::{Client, ConnectArgs, Credentials, call_refused};
use crate::commands::{Context, operations};
use crate::console;
use crate::error::CommandError;

const PAGE: i32 = 1_000;

/// The arguments of `larder backup`.
#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    command: BackupCommand,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Takes a backup now
    Create(CreateArgs),
    /// Lists the backups at all targets, the newest first
    List(PlainArgs),
    /// Reads every stored byte of a backup again
    Verify(VerifyArgs),
    /// Restores into an empty folder, also when nothing is running
    Restore(RestoreArgs),
    /// Restores a backup into a throw-away cluster and examines it there, also when nothing is running
    Drill(DrillArgs),
    /// Writes one database, or some of its tables, of a backup into a dump, also when nothing is running
    Rescue(RescueArgs),
    /// Recovers a backup beside the service and loads one database of it into a new one of a running server
    RescueInto(RescueIntoArgs),
    /// Dumps live databases now
    Dump(DumpArgs),
    /// Lists the dumps at all targets, the newest first
    Dumps(PlainArgs),
    /// Loads a dump, or some of its tables, into a new database of a running server
    Load(LoadArgs),
    /// Writes a dump into a file, also when nothing is running
    Fetch(FetchArgs),
    /// Gives PostgreSQL a piece of the archived log; this is its restore_command
    WalGet(WalGetArgs),
    /// Tells what could be restored now, what would be lost and how long it would take
    Status(PlainArgs),
    /// Shows what retention would remove now, and why
    Retention(PlainArgs),
    /// Forbids the removal of a backup or a dump
    Hold(HoldArgs),
    /// Allows the removal of a backup or a dump again
    Release(OneArgs),
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
    /// The backup or the dump, as `larder backup list` and `larder backup dumps` show it
    backup_id: String,
    #[command(flatten)]
    plain: PlainArgs,
}

#[derive(Debug, clap::Args)]
struct HoldArgs {
    /// The backup or the dump, as `larder backup list` and `larder backup dumps` show it
    backup_id: String,
    /// Why, for whoever finds the hold later
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    plain: PlainArgs,
}

/// How a backup is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A copy of the whole cluster
    Full,
    /// What changed since the last backup; PostgreSQL 17 and later
    Incremental,
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// How it is taken
    #[arg(long, value_enum, default_value_t = Kind::Full)]
    kind: Kind,
    /// The backup that an incremental one builds on [default: the newest]
    #[arg(long, value_name = "BACKUP", default_value = "", hide_default_value = true)]
    parent: String,
    #[command(flatten)]
    plain: PlainArgs,
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// The backup, as `larder backup list` shows it
    backup_id: String,
    /// Only at this target [default: every one that holds it]
    #[arg(long, default_value = "", hide_default_value = true)]
    target: String,
    #[command(flatten)]
    plain: PlainArgs,
}

impl BackupArgs {
    /// The arguments of `wal-get`, if these are they.
    pub(crate) fn wal_get(&self) -> Option<&WalGetArgs> {
        match &self.command {
            BackupCommand::WalGet(args) => Some(args),
            _ => None,
        }
    }
}

/// Runs the command.
pub(crate) async fn run(args: BackupArgs, context: &Context) -> Result<(), CommandError> {
    let plain = match &args.command {
        BackupCommand::Restore(args) => return restore::run(args, context).await,
        BackupCommand::Drill(args) => return drill::run(args, context).await,
        BackupCommand::Rescue(args) => return rescue::run(args, context).await,
        BackupCommand::Fetch(args) => return dump::fetch(args, context).await,
        BackupCommand::WalGet(_) => {
            return Err(CommandError::Usage("wal-get needs a process of its own".to_owned()));
        }
        BackupCommand::List(plain)
        | BackupCommand::Dumps(plain)
        | BackupCommand::Status(plain)
        | BackupCommand::Retention(plain) => plain,
        BackupCommand::Dump(args) => &args.plain,
        BackupCommand::Load(args) => &args.plain,
        BackupCommand::RescueInto(args) => &args.plain,
        BackupCommand::Create(args) => &args.plain,
        BackupCommand::Verify(args) => &args.plain,
        BackupCommand::Hold(args) => &args.plain,
        BackupCommand::Release(args) => &args.plain,
    };
    let address = context.address(&plain.connect)?;
    let client = Client::connect(&address, Credentials::from_args(&plain.connect)?).await?;
    match &args.command {
        BackupCommand::Create(args) => create(&client, args).await,
        BackupCommand::List(plain) => list(&client, plain.json).await,
        BackupCommand::Verify(args) => verify(&client, args).await,
        BackupCommand::Status(plain) => status(&client, plain.json).await,
        BackupCommand::Retention(plain) => retention(&client, plain.json).await,
        BackupCommand::Hold(args) => {
            hold(&client, &args.backup_id, Some(&args.reason), args.plain.json).await
        }
        BackupCommand::Release(args) => hold(&client, &args.backup_id, None, args.plain.json).await,
        BackupCommand::Dump(args) => dump::create(&client, args).await,
        BackupCommand::Dumps(plain) => dump::list(&client, plain.json).await,
        BackupCommand::Load(args) => dump::load(&client, args).await,
        BackupCommand::RescueInto(args) => dump::rescue(&client, args).await,
        BackupCommand::Restore(_)
        | BackupCommand::Drill(_)
        | BackupCommand::Fetch(_)
        | BackupCommand::Rescue(_)
        | BackupCommand::WalGet(_) => Ok(()),
    }
}

async fn create(client: &Client, args: &CreateArgs) -> Result<(), CommandError> {
    let kind = match args.kind {
        Kind::Full => BackupKind::Full,
        Kind::Incremental => BackupKind::Incremental,
    };
    let request = CreateBackupRequest { kind: kind.into(), parent_backup_id: args.parent.clone() };
    let refused = || call_refused("CreateBackup");
    let stream = client.backup.clone().create_backup(request).await.map_err(refused())?.into_inner();
    let followed = operations::follow("backup", stream, |answer| answer.operation.clone()).await;
    let (operation, _) = followed.map_err(refused())?;
    tell(&operation, args.plain.json, &["backup_id", "kind", "source_bytes", "stored_bytes", "targets"]);
    match operation.result.get("failed_targets").filter(|failed| !failed.is_empty()) {
        None => Ok(()),
        Some(failed) => {
            Err(CommandError::Refused(format!("the backup is there, but not everywhere: {failed}")))
        }
    }
}

async fn verify(client: &Client, args: &VerifyArgs) -> Result<(), CommandError> {
    let request = VerifyBackupRequest { backup_id: args.backup_id.clone(), target: args.target.clone() };
    let refused = || call_refused("VerifyBackup");
    let stream = client.backup.clone().verify_backup(request).await.map_err(refused())?.into_inner();
    let followed = operations::follow("verifying", stream, |answer| answer.operation.clone()).await;
    let (operation, _) = followed.map_err(refused())?;
    tell(&operation, args.plain.json, &["backup_id", "targets", "stored_bytes"]);
    Ok(())
}

fn tell(operation: &Operation, json: bool, names: &[&str]) {
    if json {
        console::print_json(&serde_json::json!(operation.result));
        return;
    }
    for name in names {
        if let Some(value) = operation.result.get(*name) {
            console::print_line(&format!("{:14}{value}", name.replace('_', " ")));
        }
    }
}

async fn list(client: &Client, json: bool) -> Result<(), CommandError> {
    let (mut backups, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListBackupsRequest { page_size: PAGE, page_token, target: String::new() };
        let answer = client.backup.clone().list_backups(request).await;
        let page = answer.map_err(call_refused("ListBackups"))?.into_inner();
        backups.extend(page.backups);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    show::backups(&backups, json);
    Ok(())
}

async fn hold(
    client: &Client,
    backup_id: &str,
    reason: Option<&str>,
    json: bool,
) -> Result<(), CommandError> {
    let request = HoldBackupRequest {
        backup_id: backup_id.to_owned(),
        release: reason.is_none(),
        reason: reason.unwrap_or_default().to_owned(),
    };
    let answer = client.backup.clone().hold_backup(request).await;
    show::held(&answer.map_err(call_refused("HoldBackup"))?.into_inner(), json);
    Ok(())
}

async fn status(client: &Client, json: bool) -> Result<(), CommandError> {
    let answer = client.backup.clone().get_recovery_status(GetRecoveryStatusRequest {}).await;
    show::status(&answer.map_err(call_refused("GetRecoveryStatus"))?.into_inner(), json);
    Ok(())
}

async fn retention(client: &Client, json: bool) -> Result<(), CommandError> {
    let answer = client.backup.clone().preview_retention(PreviewRetentionRequest::default()).await;
    let preview = answer.map_err(call_refused("PreviewRetention"))?.into_inner();
    show::verdicts(&preview, json);
    Ok(())
}
