//! `larder check-config`: prints the settings in force, secrets hidden, each with where it
//! came from, and refuses what a service would refuse to start with.

use clap::ValueEnum;
use larder_settings::Process;

use crate::commands::Context;
use crate::console;
use crate::error::CommandError;

/// Which process the settings are for; each needs only its own secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProcessName {
    /// All services in one process (`larder up`)
    All,
    /// The gateway alone
    Gateway,
    /// A service behind the gateway
    Service,
}

/// The arguments of `larder check-config`.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckConfigArgs {
    /// Which process the settings are for
    #[arg(long, value_enum, default_value_t = ProcessName::All, value_name = "PROCESS")]
    process: ProcessName,
    /// Prints settings and problems as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: CheckConfigArgs, context: &Context) -> Result<(), CommandError> {
    let settings = match context.settings() {
        Ok(settings) => settings,
        Err(error) if args.json => {
            console::print_json(&serde_json::json!({"ok": false, "problems": problems(&error)}));
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    let process = match args.process {
        ProcessName::All => Process::All,
        ProcessName::Gateway => Process::Gateway,
        ProcessName::Service => Process::Service,
    };
    let checked = settings.check_for(process).map_err(CommandError::from);
    if args.json {
        let problems = checked.as_ref().err().map(problems).unwrap_or_default();
        let ok = checked.is_ok();
        console::print_json(&serde_json::json!({"ok": ok, "problems": problems, "settings": settings}));
    } else {
        console::print_line(settings.redacted_toml().trim_end());
    }
    checked
}

/// Every problem as a sentence of its own.
fn problems(error: &CommandError) -> Vec<String> {
    match error {
        CommandError::Settings(settings) if !settings.problems().is_empty() => settings.problems().to_vec(),
        other => vec![other.to_string()],
    }
}
