//! `larder secrets`: makes keys that tenants' tokens are sealed with, and seals the tokens anew under another one
//! while everything runs.

use clap::Subcommand;
use larder_connectors::secrets::{KeyRing, generate_key};
use larder_database::Role;
use larder_recommendation::{Rotation, SCHEMA, rotate_secrets};
use secrecy::ExposeSecret;

use crate::commands::Context;
use crate::error::CommandError;
use crate::{console, own_database};

/// The arguments of `larder secrets`.
#[derive(Debug, clap::Args)]
pub(crate) struct SecretsArgs {
    #[command(subcommand)]
    command: SecretsCommand,
}

#[derive(Debug, Subcommand)]
enum SecretsCommand {
    /// Makes a key for connectors.secret_keys
    GenerateKey(GenerateArgs),
    /// Seals tenants' tokens anew under the first key of connectors.secret_keys
    Rotate(RotateArgs),
}

#[derive(Debug, clap::Args)]
struct GenerateArgs {
    /// What to call it: letters, digits, - and _; say the month
    #[arg(long)]
    id: String,
}

#[derive(Debug, clap::Args)]
struct RotateArgs {
    /// Tokens of one transaction
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch: u16,
    /// Prints what was done as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(args: SecretsArgs, context: &Context) -> Result<(), CommandError> {
    match args.command {
        SecretsCommand::GenerateKey(args) => generate(&args),
        SecretsCommand::Rotate(args) => rotate(&args, context).await,
    }
}

fn generate(args: &GenerateArgs) -> Result<(), CommandError> {
    let refused = |error: larder_connectors::secrets::SecretError| CommandError::Refused(error.to_string());
    let key = generate_key().map_err(refused)?;
    // A ring of this key alone refuses an id that none may have.
    KeyRing::new(&[(args.id.clone(), key.clone())]).map_err(refused)?;
    console::print_line(&format!("{}:{}", args.id, key.expose_secret()));
    Ok(())
}

async fn rotate(args: &RotateArgs, context: &Context) -> Result<(), CommandError> {
    let settings = context.settings()?;
    let keys = settings.connectors.secret_keys.as_ref().ok_or_else(|| {
        CommandError::Refused("connectors.secret_keys is not set: there is nothing to seal with".into())
    })?;
    let ring = KeyRing::parse(keys)
        .map_err(|error| CommandError::Refused(format!("connectors.secret_keys: {error}")))?;
    let rotation = own_database::with_server(&settings, async |server| {
        let pool = larder_database::connect(&server, SCHEMA, Role::Worker, &settings.database);
        let rotation = rotate_secrets(&pool, &ring, args.batch, |_| {}).await;
        pool.close().await;
        rotation.map_err(|error| CommandError::Refused(error.to_string()))
    })
    .await?;
    tell(&rotation, ring.active_id(), args.json);
    match rotation.unopened.len() {
        0 => Ok(()),
        left => Err(CommandError::Refused(format!(
            "{left} tenants' tokens stayed as they were; put the missing keys back, or let these tenants connect again"
        ))),
    }
}

fn tell(rotation: &Rotation, key_id: &str, json: bool) {
    if json {
        let unopened: Vec<_> = rotation.unopened.iter().map(|(tenant, _)| tenant).collect();
        console::print_json(&serde_json::json!({
            "keyId": key_id, "resealed": rotation.resealed, "renewedMeanwhile": rotation.renewed_meanwhile,
            "unopened": unopened,
        }));
        return;
    }
    console::print_line(&format!(
        "{} tenants' tokens are sealed anew under the key `{key_id}`",
        rotation.resealed
    ));
    for (tenant, reason) in &rotation.unopened {
        console::print_warning(&format!("{tenant}: {reason}"));
    }
}
