//! `larder up`: everything in one process with a database of its own. The first thing
//! anybody runs, so every refusal comes before anything is started, and says what to do.

use larder_gateway::FirstUser;
use larder_identity::{Caller, Scopes, TenantId, TokenSigner};
use larder_lifecycle::Shutdown;
use larder_settings::{Environment, Settings};
use secrecy::{ExposeSecret, SecretString};

use crate::client::{Client, Credentials};
use crate::commands::{Context, base_url, demo, gateway_url, service_url};
use crate::error::CommandError;
use crate::instance::{Addresses, InstanceLock};
use crate::platform::{self, Platform};
use crate::{clock, console, demo_shop, keys};

/// What is said when nobody has to prove who they are.
pub(crate) const ANONYMOUS_WARNING: &str = "anonymous access is on: everybody who reaches the ports of this process \
    may read and write every tenant. It is for development alone; set identity.authentication = \"required\" \
    (LARDER_IDENTITY__AUTHENTICATION) to end it";

/// Loading the demo shop takes seconds; the token for it need not live longer.
const DEMO_TOKEN_TTL: std::time::Duration = std::time::Duration::from_secs(3_600);

/// The arguments of `larder up`.
#[derive(Debug, clap::Args)]
pub(crate) struct UpArgs {
    /// Loads the demo shop (tenant `demo`) when it is not there yet
    #[arg(long)]
    demo: bool,
    /// Says nothing when everything is up
    #[arg(long)]
    no_banner: bool,
    /// Prints the addresses as one JSON object when everything is up
    #[arg(long)]
    json: bool,
}

/// Runs the command until it is asked to stop.
pub(crate) async fn run(args: UpArgs, context: &Context) -> Result<(), CommandError> {
    let mut settings = context.settings()?;
    settings.check()?;
    let mut lock = InstanceLock::take(&settings.data_dir)?;
    platform::check_ports(&settings)?;
    let signer = keys::signer(&settings)?;
    if settings.anonymous_allowed() {
        console::print_warning(ANONYMOUS_WARNING);
    }
    let shutdown = Shutdown::on_signals().map_err(no_signals)?;
    let telemetry = platform::start_telemetry("larder", &mut settings)?;
    let started = Platform::start(settings.clone(), telemetry.metrics(), signer.clone()).await;
    let outcome = match started {
        Ok(mut platform) => {
            let served = serve(&args, &settings, &mut platform, &signer, &mut lock, &shutdown).await;
            platform.stop().await;
            served
        }
        Err(error) => Err(error),
    };
    telemetry.shutdown().await;
    outcome
}

async fn serve(
    args: &UpArgs,
    settings: &Settings,
    platform: &mut Platform,
    signer: &TokenSigner,
    lock: &mut InstanceLock,
    shutdown: &Shutdown,
) -> Result<(), CommandError> {
    let addresses = platform.addresses();
    lock.note(Some(addresses.clone()), platform.private_server().map(|server| server.url()).as_ref())?;
    if args.demo {
        tokio::select! {
            loaded = load_demo(settings, &addresses, signer) => loaded?,
            () = shutdown.wait() => return Ok(()),
        }
    }
    // Made only where somebody sees the password, and where nothing but this machine is at stake.
    let is_shown = args.json || !args.no_banner;
    let first_user = match settings.environment {
        Environment::Development if is_shown => platform.first_user(settings).await?,
        _ => None,
    };
    if args.json {
        console::print_json(&ready(settings, &addresses, first_user.as_ref()));
    } else if !args.no_banner {
        let banner = banner(settings, platform, &addresses, first_user.as_ref());
        banner.iter().for_each(|line| eprintln!("{line}"));
    }
    tokio::select! {
        () = shutdown.wait() => Ok(()),
        service = platform.failed() => {
            Err(CommandError::Refused(format!("the {service} ended by itself; the log tells why")))
        }
    }
}

/// Loads the demo shop as any client would, with a token of this process's own.
async fn load_demo(
    settings: &Settings,
    addresses: &Addresses,
    signer: &TokenSigner,
) -> Result<(), CommandError> {
    let caller = Caller { tenant: TenantId::demo(), subject: "larder-up".into(), scopes: Scopes::all() };
    let token = signer
        .sign(&caller, keys::AUDIENCE, DEMO_TOKEN_TTL, clock::now())
        .map_err(|error| CommandError::Refused(error.to_string()))?;
    let credentials = Credentials::from_token(&SecretString::from(token))?;
    // The gateway's certificate need not be for this machine.
    let address = match settings.gateway.ends_tls() {
        false => base_url(addresses.gateway),
        true => service_url(settings, addresses.recommendation),
    };
    let client = Client::connect(&address, credentials).await?;
    demo::load(&client).await.map(|_| ())
}

fn ready(settings: &Settings, addresses: &Addresses, first_user: Option<&FirstUser>) -> serde_json::Value {
    serde_json::json!({
        "event": "ready",
        "pid": std::process::id(),
        "gateway": gateway_url(settings, addresses.gateway),
        "gatewayOps": base_url(addresses.gateway_ops),
        "recommendation": service_url(settings, addresses.recommendation),
        "recommendationOps": base_url(addresses.recommendation_ops),
        "backup": addresses.backup.map(|address| service_url(settings, address)),
        "backupOps": addresses.backup_ops.map(base_url),
        "alerting": service_url(settings, addresses.alerting),
        "alertingOps": base_url(addresses.alerting_ops),
        "firstUser": first_user.map(|user| serde_json::json!({
            "tenantId": TenantId::demo().as_str(),
            "email": user.email,
            "password": user.password.expose_secret(),
        })),
    })
}

fn banner(
    settings: &Settings,
    platform: &Platform,
    addresses: &Addresses,
    first_user: Option<&FirstUser>,
) -> Vec<String> {
    let gateway = gateway_url(settings, addresses.gateway);
    let database = match platform.private_server() {
        Some(_) => format!("a PostgreSQL of its own in {}", settings.data_dir.display()),
        None => "the PostgreSQL of database.url".to_owned(),
    };
    let (customer, product) = (demo_shop::TOUR_CUSTOMER_ID, demo_shop::TOUR_PRODUCT_ID);
    let mut lines = vec![
        String::new(),
        "Larder is up.".into(),
        String::new(),
        format!("  HTTP/JSON, gRPC, gRPC-Web  {gateway}"),
        format!("  documentation              {gateway}/docs"),
        format!("  gRPC, without the gateway  {}", service_url(settings, addresses.recommendation)),
        format!("  alerts of Prometheus       {}", service_url(settings, addresses.alerting)),
        format!("  health and metrics         {}/health/detailed", base_url(addresses.gateway_ops)),
        format!("  data                       {database}"),
        String::new(),
        "Try, in another terminal:".into(),
        format!("  curl '{gateway}/v1/customers/{customer}/recommendations?limit=5'"),
        format!("  curl '{gateway}/v1/products/{product}/similar?limit=5'"),
        "  larder demo".into(),
        String::new(),
        "Ctrl-C stops everything in order.".into(),
    ];
    if let Some(user) = first_user {
        let at = lines.len() - 1;
        lines.splice(at..at, sign_in(&gateway, user));
    }
    lines
}

/// How the first user signs in; the password is shown this once.
fn sign_in(gateway: &str, user: &FirstUser) -> [String; 5] {
    let (tenant, password) = (TenantId::demo(), user.password.expose_secret());
    [
        "Sign in as the first user; the password is shown this once (`larder user reset` makes a new token):"
            .into(),
        format!("  tenant {tenant}, address {}, password {password}", user.email),
        format!("  curl -X POST {gateway}/v1/sessions -H 'content-type: application/json' \\"),
        format!(
            "    -d '{{\"tenantId\": \"{tenant}\", \"email\": \"{}\", \"password\": \"{password}\"}}'",
            user.email
        ),
        String::new(),
    ]
}

/// Why signals cannot be waited for.
pub(crate) fn no_signals(error: std::io::Error) -> CommandError {
    CommandError::Refused(format!("cannot listen for signals: {error}"))
}
