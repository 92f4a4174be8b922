//! What only the machine itself can tell: the settings in force there, and who may read its secrets.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use larder_settings::Process;

use super::Facts;
use crate::commands::deploy::outcome::{Found, Outcome};

pub(super) async fn gateway_settings(facts: &Facts<'_>) -> Found {
    complete(facts, Process::Gateway, "larder check-config --process gateway")
}

pub(super) async fn service_settings(facts: &Facts<'_>) -> Found {
    complete(facts, Process::Service, "larder check-config --process service")
}

fn complete(facts: &Facts<'_>, process: Process, command: &str) -> Found {
    match facts.settings()?.check_for(process) {
        Ok(()) => Ok(format!("complete for {}", facts.settings()?.environment)),
        Err(error) => Err(Outcome::fail(error.to_string(), format!("`{command}` tells all of it"))),
    }
}

pub(super) async fn limits(facts: &Facts<'_>) -> Found {
    let limits = &facts.settings()?.limits;
    let rates = [
        ("limits.address_per_s", limits.address_per_s),
        ("limits.caller_per_s", limits.caller_per_s),
        ("limits.tenant_per_s", limits.tenant_per_s),
        ("limits.rpc_per_s", limits.rpc_per_s),
    ];
    let set: Vec<String> =
        rates.iter().filter(|(_, rate)| *rate > 0.0).map(|(name, rate)| format!("{name} {rate}")).collect();
    if set.is_empty() {
        return Err(Outcome::fail(
            "no rate is limited",
            "set limits.caller_per_s and limits.address_per_s (docs/reference/settings.md)",
        ));
    }
    Ok(set.join(", "))
}

pub(super) async fn secrets(facts: &Facts<'_>) -> Found {
    let missing = "no folder of secrets: name it with --secrets";
    let folder = facts.secrets.as_deref().ok_or_else(|| Outcome::skipped(missing))?;
    let mut files = Vec::new();
    collect(folder, &mut files)
        .map_err(|error| Outcome::fail(format!("{}: {error}", folder.display()), "name it with --secrets"))?;
    let open = files.iter().find(|(_, mode)| mode & 0o007 != 0);
    match open {
        Some((path, mode)) => Err(Outcome::fail(
            format!("{} has mode {:o}", path.display(), mode & 0o777),
            format!("chmod o= {}", path.display()),
        )),
        None if files.is_empty() => Err(Outcome::skipped(format!("{} is empty", folder.display()))),
        None => Ok(format!("{} files", files.len())),
    }
}

/// Every file below a folder with its mode; links are read as what they lead to, as the services do.
fn collect(folder: &Path, files: &mut Vec<(PathBuf, u32)>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let data = std::fs::metadata(&path)?;
        if !data.is_dir() {
            files.push((path, data.permissions().mode()));
        } else if !path.is_symlink() {
            collect(&path, files)?;
        }
    }
    Ok(())
}
