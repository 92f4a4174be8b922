//! `larder certificates`: makes a private authority and the certificates it vouches for, for whoever runs a stack of
//! their own. A second run renews the certificates and keeps the authority; running services take them up.

use std::path::PathBuf;

use clap::Subcommand;
use larder_certificates::CertificateError;
use larder_certificates::authority::{Authority, Issued};

use crate::error::CommandError;
use crate::{clock, console};

/// Whom certificates are made for when nobody is named.
const SERVICES: [&str; 4] = ["gateway", "recommendation", "backup", "alerting"];
/// Where every service can be called on its own machine.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The arguments of `larder certificates`.
#[derive(Debug, clap::Args)]
pub(crate) struct CertificatesArgs {
    #[command(subcommand)]
    command: CertificatesCommand,
}

#[derive(Debug, Subcommand)]
enum CertificatesCommand {
    /// Makes or renews certificates; makes their authority where there is none yet
    Make(MakeArgs),
}

#[derive(Debug, clap::Args)]
struct MakeArgs {
    /// The folder of the authority and of what it makes
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Whom to make one for; may be given several times [default: the four services]
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// A further host name or address that each is called by; may be given several times
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// For how many days
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=825))]
    days: u32,
    /// Prints the files as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: CertificatesArgs) -> Result<(), CommandError> {
    let CertificatesCommand::Make(args) = args.command;
    make(&args)
}

fn make(args: &MakeArgs) -> Result<(), CommandError> {
    let names = match args.names.as_slice() {
        [] => SERVICES.map(str::to_owned).to_vec(),
        names => names.to_vec(),
    };
    if let Some(name) = names.iter().find(|name| !is_file_name(name)) {
        return Err(CommandError::Usage(format!(
            "--name {name:?} cannot be the name of a file; accepted are letters, digits, dashes and dots, and not `authority`"
        )));
    }
    let refused = |error: CertificateError| CommandError::Refused(error.to_string());
    let (authority, is_made) = Authority::open_or_make(&args.dir, clock::now()).map_err(refused)?;
    let mut issued = Vec::new();
    for name in names {
        let hosts: Vec<String> =
            [name.as_str()].into_iter().chain(HERE).map(str::to_owned).chain(args.hosts.clone()).collect();
        let files = authority.issue(&name, &hosts, args.days, clock::now()).map_err(refused)?;
        issued.push((name, files));
    }
    tell(args, &authority, is_made, &issued);
    Ok(())
}

fn tell(args: &MakeArgs, authority: &Authority, is_made: bool, issued: &[(String, Issued)]) {
    if args.json {
        let certificates: Vec<_> = issued
            .iter()
            .map(|(name, files)| serde_json::json!({"name": name, "certificate": files.certificate, "key": files.key}))
            .collect();
        console::print_json(&serde_json::json!({
            "authority": authority.certificate(), "authorityIsNew": is_made, "certificates": certificates,
        }));
        return;
    }
    let made = if is_made { "a new authority" } else { "the authority that was there" };
    console::print_line(&format!("{made}: {}", authority.certificate().display()));
    for (name, files) in issued {
        console::print_line(&format!(
            "{name}, for {} days: {}, {}",
            args.days,
            files.certificate.display(),
            files.key.display()
        ));
    }
}

fn is_file_name(name: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
    name != "authority" && !name.starts_with('.') && !name.is_empty() && name.chars().all(allowed)
}
