//! API keys, in the database of the settings or that of the `larder up` which runs on this
//! data folder. What is shown of a key never is its secret, but for once when it is made.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use larder_database::Role;
use larder_gateway::store::{ApiKey, KeyError, NewKey, create_key, list_keys, revoke_key};
use secrecy::ExposeSecret;
use sqlx::PgPool;
use uuid::Uuid;

use super::{GrantArgs, parse_tenant};
use crate::commands::Context;
use crate::console::{Align, Columns};
use crate::error::CommandError;
use crate::{clock, console, own_database};

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    #[command(flatten)]
    grant: GrantArgs,
    /// What the key is for, 1 to 128 characters
    #[arg(long)]
    name: String,
    /// After how many days it ends by itself [default: never]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    expires_in_days: Option<u32>,
    /// Prints the key as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Whose keys
    #[arg(long)]
    tenant: String,
    /// Prints the keys as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct RevokeArgs {
    /// Whose key
    #[arg(long)]
    tenant: String,
    /// The key's id, as `larder token list-keys` shows it
    #[arg(value_name = "KEY_ID")]
    key_id: Uuid,
    /// Prints the outcome as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn create(args: &CreateArgs, context: &Context) -> Result<(), CommandError> {
    let (tenant, scopes) = args.grant.parse()?;
    let expires_at = args.expires_in_days.map(|days| clock::now() + DAY * days);
    let new = NewKey { name: args.name.clone(), scopes, expires_at };
    let created = with_database(context, async |pool| create_key(pool, &tenant, &new).await).await?;
    if args.json {
        console::print_json(&serde_json::json!({
            "keyId": created.key_id,
            "secret": created.secret.expose_secret(),
            "expiresAt": expires_at.map(shown_time),
        }));
        return Ok(());
    }
    // The secret alone goes to stdout, so that `… > key` keeps it and nothing else.
    console::print_line(created.secret.expose_secret());
    eprintln!(
        "key id {}; the line above is its secret: it is not kept and cannot be shown again",
        created.key_id
    );
    Ok(())
}

pub(super) async fn list(args: &ListArgs, context: &Context) -> Result<(), CommandError> {
    let tenant = parse_tenant(&args.tenant)?;
    let keys = with_database(context, async |pool| list_keys(pool, &tenant).await).await?;
    if args.json {
        let keys: Vec<_> = keys.iter().map(key_json).collect();
        console::print_json(&serde_json::json!({ "keys": keys }));
        return Ok(());
    }
    if keys.is_empty() {
        console::print_line(&format!("{tenant} has no API keys"));
        return Ok(());
    }
    let titles = ["key id", "name", "begins with", "scopes", "created", "last used", "state"];
    let mut columns = Columns::new(&titles.map(|title| (title, Align::Left)));
    let now = clock::now();
    for key in &keys {
        columns.push(vec![
            key.key_id.to_string(),
            console::fit(&key.name, 32),
            format!("lrd_{}", key.prefix),
            key.scopes.to_string(),
            shown_time(key.created_at),
            key.last_used_at.map_or("never".into(), shown_time),
            state(key, now).into(),
        ]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
    Ok(())
}

pub(super) async fn revoke(args: &RevokeArgs, context: &Context) -> Result<(), CommandError> {
    let tenant = parse_tenant(&args.tenant)?;
    with_database(context, async |pool| revoke_key(pool, &tenant, args.key_id).await).await?;
    if args.json {
        console::print_json(&serde_json::json!({"keyId": args.key_id, "revoked": true}));
    } else {
        console::print_line(&format!("{} is revoked; gateways forget it within half a minute", args.key_id));
    }
    Ok(())
}

fn state(key: &ApiKey, now: SystemTime) -> &'static str {
    match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(at)) if at <= now => "expired",
        _ => "good",
    }
}

fn key_json(key: &ApiKey) -> serde_json::Value {
    serde_json::json!({
        "keyId": key.key_id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes.iter().map(|scope| scope.as_str()).collect::<BTreeSet<_>>(),
        "createdAt": shown_time(key.created_at),
        "expiresAt": key.expires_at.map(shown_time),
        "revokedAt": key.revoked_at.map(shown_time),
        "lastUsedAt": key.last_used_at.map(shown_time),
    })
}

fn shown_time(at: SystemTime) -> String {
    let at = jiff::Timestamp::try_from(at).unwrap_or_default();
    format!("{at:.0}")
}

/// Does something with the database that has the keys.
async fn with_database<T>(
    context: &Context,
    work: impl AsyncFnOnce(&PgPool) -> Result<T, KeyError>,
) -> Result<T, CommandError> {
    let settings = context.settings()?;
    own_database::with_server(&settings, async |server| {
        larder_gateway::store::migrate(&server, &settings).await?;
        let pool = larder_database::connect(&server, larder_gateway::SCHEMA, Role::App, &settings.database);
        let done = work(&pool).await.map_err(|error| CommandError::Refused(error.to_string()));
        pool.close().await;
        done
    })
    .await
}
