//! `larder token ingest`: the token by which a source of alerts is known. It is signed with
//! `alerting.signing_keys` and kept nowhere; exchanging the key takes all of them back.

use larder_alerting::TokenPower;
use larder_identity::TenantId;

use crate::commands::Context;
use crate::error::CommandError;
use crate::{console, keys};

/// The arguments of `larder token ingest`.
#[derive(Debug, clap::Args)]
pub(super) struct IngestArgs {
    /// The tenant whose alerts they are
    #[arg(long)]
    tenant: String,
    /// What the source is called, such as prometheus; a heartbeat of that name vouches for it
    #[arg(long)]
    source: String,
    /// Lets it make silences as well, as amtool does
    #[arg(long)]
    operate: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &IngestArgs, context: &Context) -> Result<(), CommandError> {
    let settings = context.settings()?;
    let tenant =
        TenantId::parse(&args.tenant).map_err(|error| CommandError::Usage(format!("--tenant: {error}")))?;
    if !larder_alerting::is_source_name(&args.source) {
        return Err(CommandError::Usage(
            "--source: accepted are 1 to 64 characters of A-Z a-z 0-9 _ -".into(),
        ));
    }
    let power = if args.operate { TokenPower::Operate } else { TokenPower::Send };
    let token = keys::alerting_keys(&settings)?.source_token(&tenant, &args.source, power);
    if args.json {
        console::print_json(&serde_json::json!({ "token": token }));
    } else {
        console::print_line(&token);
    }
    Ok(())
}
