//! `larder user`: the people who sign in, in the database of the settings or that of the `larder up` which runs on this
//! data folder. Passwords are set by their owners, with a token that is shown here once.

use clap::Subcommand;
use larder_database::Role;
use larder_gateway::{AccountError, Commander, Invited};
use larder_identity::TenantId;
use secrecy::ExposeSecret;

use crate::commands::Context;
use crate::console::{Align, Columns};
use crate::error::CommandError;
use crate::{console, own_database};

/// The arguments of `larder user`.
#[derive(Debug, clap::Args)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Adds a user and shows the token with which the password is set
    Add(AddArgs),
    /// Lists the users of a tenant
    List(ListArgs),
    /// Shows a token with which a user sets a new password
    Reset(OneArgs),
    /// Forbids a user to sign in and ends all sessions
    Disable(OneArgs),
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    #[command(flatten)]
    one: OneArgs,
    /// How people call the user
    #[arg(long, default_value = "")]
    name: String,
    /// A role: viewer, vendor, manager, administrator, operator, or one of the tenant's own; repeat for several
    #[arg(long = "role", required = true, value_name = "ROLE")]
    roles: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct OneArgs {
    /// The user's tenant
    #[arg(long)]
    tenant: String,
    /// The user's e-mail address
    email: String,
    /// Prints the outcome as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Whose users
    #[arg(long)]
    tenant: String,
    /// Prints the users as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(args: UserArgs, context: &Context) -> Result<(), CommandError> {
    match args.command {
        UserCommand::Add(args) => add(&args, context).await,
        UserCommand::List(args) => list(&args, context).await,
        UserCommand::Reset(args) => {
            let invited = with_commander(context, &args.tenant, async |commander| {
                larder_gateway::invite_again(commander, &args.email).await
            });
            show_token(&invited.await?, args.json);
            Ok(())
        }
        UserCommand::Disable(args) => disable(&args, context).await,
    }
}

async fn add(args: &AddArgs, context: &Context) -> Result<(), CommandError> {
    let operator_tenant = context.settings()?.operator_tenant().to_owned();
    let invited = with_commander(context, &args.one.tenant, async |commander| {
        let called = (args.one.email.as_str(), args.name.as_str());
        larder_gateway::create_user(commander, called, &args.roles, &operator_tenant).await
    });
    show_token(&invited.await?, args.one.json);
    Ok(())
}

/// The token alone goes to stdout, so that `… > token` keeps it and nothing else.
fn show_token(invited: &Invited, json: bool) {
    let token = invited.password_token.expose_secret();
    if json {
        console::print_json(&serde_json::json!({"userId": invited.user_id, "passwordToken": token}));
        return;
    }
    console::print_line(token);
    eprintln!(
        "user id {}; the line above sets the password, once, within a day:\n  \
         curl -X POST <gateway>/v1/password-resets:complete -H 'content-type: application/json' \\\n    \
         -d '{{\"token\": \"…\", \"newPassword\": \"…\"}}'",
        invited.user_id
    );
}

async fn list(args: &ListArgs, context: &Context) -> Result<(), CommandError> {
    let users =
        with_commander(context, &args.tenant, async |commander| larder_gateway::list_users(commander).await)
            .await?;
    if args.json {
        let users: Vec<_> = users
            .iter()
            .map(|user| {
                serde_json::json!({
                    "userId": user.user_id,
                    "email": user.email,
                    "displayName": user.display_name,
                    "roles": user.roles,
                    "createdAt": shown_time(user.created_at_us),
                    "disabledAt": user.disabled_at_us.map(shown_time),
                    "lastSignedInAt": user.last_signed_in_at_us.map(shown_time),
                })
            })
            .collect();
        console::print_json(&serde_json::json!({ "users": users }));
        return Ok(());
    }
    if users.is_empty() {
        console::print_line(&format!("{} has no users", args.tenant));
        return Ok(());
    }
    let titles = ["address", "name", "roles", "signed in last", "state"];
    let mut columns = Columns::new(&titles.map(|title| (title, Align::Left)));
    for user in &users {
        let state = match (user.disabled_at_us, user.password_changed_at_us) {
            (Some(_), _) => "disabled",
            (None, None) => "has no password yet",
            (None, Some(_)) => "good",
        };
        columns.push(vec![
            console::fit(&user.email, 48),
            console::fit(&user.display_name, 32),
            user.roles.join(" "),
            user.last_signed_in_at_us.map_or("never".into(), shown_time),
            state.into(),
        ]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
    Ok(())
}

async fn disable(args: &OneArgs, context: &Context) -> Result<(), CommandError> {
    let user_id = with_commander(context, &args.tenant, async |commander| {
        larder_gateway::disable_user(commander, &args.email).await
    })
    .await?;
    if args.json {
        console::print_json(&serde_json::json!({"userId": user_id, "disabled": true}));
    } else {
        console::print_line(&format!("{} may not sign in; open sessions end within ten seconds", args.email));
    }
    Ok(())
}

fn shown_time(at_us: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(at_us).unwrap_or_default();
    format!("{at:.0}")
}

/// Does something with the users of a tenant, as the account that runs the command.
async fn with_commander<T>(
    context: &Context,
    tenant: &str,
    work: impl AsyncFnOnce(&Commander<'_>) -> Result<T, AccountError>,
) -> Result<T, CommandError> {
    let tenant = TenantId::parse(tenant)
        .map_err(|error| CommandError::Usage(format!("--tenant {tenant:?}: {error}")))?;
    let settings = context.settings()?;
    own_database::with_server(&settings, async |server| {
        larder_gateway::store::migrate(&server, &settings).await?;
        let pool = larder_database::connect(&server, larder_gateway::SCHEMA, Role::App, &settings.database);
        let commander = Commander { pool: &pool, tenant: &tenant, actor: &console::actor() };
        let done = work(&commander).await.map_err(|error| CommandError::Refused(error.to_string()));
        pool.close().await;
        done
    })
    .await
}
