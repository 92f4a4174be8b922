//! `larder token`: makes and takes back the credentials that callers show. Service tokens
//! are signed here and kept nowhere; API keys live in the database as hashes, and their
//! secret is shown once.

mod api_keys;
mod ingest;

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Subcommand;
use larder_identity::{Caller, Scopes, TenantId, TokenSigner};
use prost::Message;
use prost_types::FileDescriptorSet;
use secrecy::ExposeSecret;

use crate::commands::Context;
use crate::error::CommandError;
use crate::{clock, console, keys};

/// A day: a token that lives longer should be an API key, which can be revoked.
const LONGEST_TTL_S: u64 = 86_400;

/// The arguments of `larder token`.
#[derive(Debug, clap::Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Signs a service token, good for a while and not to be revoked
    Issue(IssueArgs),
    /// Creates an API key and shows its secret, this once
    CreateKey(api_keys::CreateArgs),
    /// Lists a tenant's API keys; their secrets are known to nobody
    ListKeys(api_keys::ListArgs),
    /// Revokes an API key
    RevokeKey(api_keys::RevokeArgs),
    /// Makes the token by which a source of alerts is known
    Ingest(ingest::IngestArgs),
    /// Makes an Ed25519 key pair for identity.signing_key and identity.verifying_keys
    GenerateSigningKey(GenerateArgs),
}

/// Whose credential it is and what it may do.
#[derive(Debug, clap::Args)]
struct GrantArgs {
    /// The tenant it speaks for
    #[arg(long)]
    tenant: String,
    /// A scope it has, such as catalog.read; repeat for several, '*' for all
    #[arg(long = "scope", required = true, value_name = "SCOPE")]
    scopes: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct IssueArgs {
    #[command(flatten)]
    grant: GrantArgs,
    /// Who it is for, as logs will name them
    #[arg(long, default_value = "larder-token")]
    subject: String,
    /// How long it is valid [default: identity.token_ttl_s, 300]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=LONGEST_TTL_S))]
    ttl_s: Option<u64>,
    /// Prints token and expiry as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct GenerateArgs {
    /// Prints both keys as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(args: TokenArgs, context: &Context) -> Result<(), CommandError> {
    match args.command {
        TokenCommand::Issue(args) => issue(&args, context),
        TokenCommand::CreateKey(args) => api_keys::create(&args, context).await,
        TokenCommand::ListKeys(args) => api_keys::list(&args, context).await,
        TokenCommand::RevokeKey(args) => api_keys::revoke(&args, context).await,
        TokenCommand::Ingest(args) => ingest::run(&args, context),
        TokenCommand::GenerateSigningKey(args) => generate_signing_key(&args),
    }
}

fn issue(args: &IssueArgs, context: &Context) -> Result<(), CommandError> {
    let settings = context.settings()?;
    let (tenant, scopes) = args.grant.parse()?;
    let caller = Caller { tenant, subject: args.subject.clone(), scopes };
    let ttl = args.ttl_s.map_or(settings.identity.token_ttl, Duration::from_secs);
    let now = clock::now();
    let token = keys::signer(&settings)?
        .sign(&caller, keys::AUDIENCE, ttl, now)
        .map_err(|error| CommandError::Refused(error.to_string()))?;
    if args.json {
        let expires_at = jiff::Timestamp::try_from(now + ttl).map(|at| at.to_string()).unwrap_or_default();
        console::print_json(&serde_json::json!({"token": token, "expiresAt": expires_at}));
    } else {
        console::print_line(&token);
    }
    Ok(())
}

fn generate_signing_key(args: &GenerateArgs) -> Result<(), CommandError> {
    let refused = |error: larder_identity::IdentityError| CommandError::Refused(error.to_string());
    let private = TokenSigner::generate_pem().map_err(refused)?;
    let signer = TokenSigner::from_pem(&private).map_err(refused)?;
    let (private, public) = (private.expose_secret().trim(), signer.verifying_key_pem().trim());
    if args.json {
        console::print_json(&serde_json::json!({"signingKey": private, "verifyingKey": public}));
        return Ok(());
    }
    console::print_line(&format!(
        "# For the gateway alone. Better in a file named by LARDER_IDENTITY__SIGNING_KEY_FILE than here.\n\
         [identity]\nsigning_key = \"\"\"\n{private}\n\"\"\"\n\n\
         # For every service behind it.\n[identity]\nverifying_keys = [\"\"\"\n{public}\n\"\"\"]"
    ));
    Ok(())
}

impl GrantArgs {
    /// The tenant and scopes, with the scopes that exist named when one does not.
    fn parse(&self) -> Result<(TenantId, Scopes), CommandError> {
        let tenant = parse_tenant(&self.tenant)?;
        let known = known_scopes();
        for scope in self.scopes.iter().flat_map(|scopes| scopes.split([' ', ','])) {
            if scope != "*" && !known.contains(scope) {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                return Err(CommandError::Usage(format!(
                    "--scope {scope:?} does not exist; there are {} and * for all",
                    known.join(", ")
                )));
            }
        }
        let scopes = Scopes::parse(&self.scopes.join(" ").replace(',', " "))
            .map_err(|error| CommandError::Usage(format!("--scope: {error}")))?;
        Ok((tenant, scopes))
    }
}

fn parse_tenant(tenant: &str) -> Result<TenantId, CommandError> {
    TenantId::parse(tenant).map_err(|error| CommandError::Usage(format!("--tenant {tenant:?}: {error}")))
}

/// The scopes that some RPC of the contract asks for, and that of the platform's health.
fn known_scopes() -> BTreeSet<String> {
    let files = FileDescriptorSet::decode(larder_proto::FILE_DESCRIPTOR_SET).unwrap_or_default().file;
    let mut scopes = BTreeSet::from(["platform.read".to_owned()]);
    for file in &files {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                scopes.extend(larder_proto::required_scope(&path).map(str::to_owned));
            }
        }
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(scopes: &[&str]) -> Result<(TenantId, Scopes), CommandError> {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        GrantArgs { tenant: "demo".into(), scopes }.parse()
    }

    #[test]
    fn scopes_are_those_of_the_contract() {
        let (_, scopes) = grant(&["catalog.read,models.write", "platform.read"]).unwrap();
        assert!(scopes.contains("catalog.read") && scopes.contains("models.write"));
        assert!(!scopes.contains("catalog.write"));
        let refusal = grant(&["catalog.reed"]).unwrap_err().to_string();
        assert!(refusal.contains("catalog.reed") && refusal.contains("recommendations.read"), "{refusal}");
        assert!(grant(&["*"]).unwrap().1.contains("catalog.erase"));
    }
}
