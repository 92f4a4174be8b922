//! The command line: which commands there are, in the order a newcomer needs them. What
//! each one takes is declared beside the code that does it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::backup::BackupArgs;
use crate::commands::certificates::CertificatesArgs;
use crate::commands::check_config::CheckConfigArgs;
use crate::commands::demo::DemoArgs;
use crate::commands::deploy::DeployArgs;
use crate::commands::evaluate::EvaluateArgs;
use crate::commands::healthcheck::HealthcheckArgs;
use crate::commands::import::ImportArgs;
use crate::commands::incident::IncidentArgs;
use crate::commands::load::LoadArgs;
use crate::commands::models::ModelsArgs;
use crate::commands::oncall::OncallArgs;
use crate::commands::privacy::PrivacyArgs;
use crate::commands::secrets::SecretsArgs;
use crate::commands::serve::ServeArgs;
use crate::commands::silence::SilenceArgs;
use crate::commands::token::TokenArgs;
use crate::commands::up::UpArgs;
use crate::commands::user::UserArgs;

const EXIT_CODES: &str = "\
Exit codes: 0 done · 1 refused or failed · 2 wrong arguments · 3 some rows of an import were
refused · 4 nothing answers, or not ready · 130 stopped by a second Ctrl-C.

Settings come from larder.toml and LARDER_<SECTION>__<FIELD>; `larder check-config` prints
what is in force.";

/// Recommendations for food businesses: what to eat, what to buy next, how much to bring
/// to market.
#[derive(Debug, Parser)]
#[command(name = "larder", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// The settings file [default: larder.toml, when there is one]
    #[arg(long, global = true, value_name = "FILE", env = "LARDER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs everything in one process, with a database of its own
    Up(UpArgs),
    /// Loads the demo shop and shows a short tour of it
    Demo(DemoArgs),
    /// Imports products, customers, interactions, promotions or budgets from CSV files
    Import(ImportArgs),
    /// Prints the settings in force, or everything that is wrong with them
    CheckConfig(CheckConfigArgs),
    /// Makes and revokes the credentials that callers show
    Token(TokenArgs),
    /// Adds, lists and shuts out the people who sign in
    User(UserArgs),
    /// Makes keys for tenants' tokens, and seals the tokens anew under another one
    Secrets(SecretsArgs),
    /// Makes an authority and certificates for services that are to prove who they are
    Certificates(CertificatesArgs),
    /// Runs one service alone, as a container does
    Serve(ServeArgs),
    /// Asks a service whether it is ready; for container health checks
    Healthcheck(HealthcheckArgs),
    /// Says go or no-go about what was put in place, and watches it
    Deploy(DeployArgs),
    /// Lists models; trains, promotes, rolls back and pins them
    Models(ModelsArgs),
    /// Takes, lists, verifies and restores backups
    Backup(BackupArgs),
    /// Exports, holds and erases what is kept about a customer; prints the documents about it
    Privacy(PrivacyArgs),
    /// Measures a model on the newest events and writes its card
    Evaluate(EvaluateArgs),
    /// Lists incidents; acknowledges and resolves them
    Incident(IncidentArgs),
    /// Tells who is on call
    Oncall(OncallArgs),
    /// Lists silences; makes and ends them
    Silence(SilenceArgs),
    /// Calls a running Larder at a fixed rate and tells how fast it answers
    Load(LoadArgs),
    /// Trains as its service tells it on stdin
    #[command(hide = true)]
    TrainWorker,
}
