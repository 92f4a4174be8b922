//! What there is: the workspace's folder, its members and their dependencies, as
//! `cargo metadata` tells them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The workspace this command was called in.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) members: Vec<Member>,
}

/// One crate of the workspace.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// Names of the packages it depends on, those of its tests left out.
    pub(crate) dependencies: Vec<String>,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let manifest = std::env::var("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").to_owned());
        let root = Path::new(&manifest).parent().context("xtask has a folder above it")?;
        let metadata = metadata(root)?;
        let members = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
        Ok(Self {
            root: root.to_owned(),
            target: path(&metadata["target_directory"])?,
            members: members.iter().map(member).collect::<Result<_>>()?,
        })
    }

    /// A call of the same cargo that runs this command, in the workspace's folder.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var("CARGO").unwrap_or("cargo".to_owned()));
        command.current_dir(&self.root);
        // Cargo describes xtask to xtask; the call below is about something else.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_")) {
            command.env_remove(name);
        }
        command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
        command
    }
}

const CACHE_VARIABLE: &str = "LARDER_CACHE_DIR";

/// Keeps a variable that is meant for this command from programs that would take it for an
/// unknown setting.
pub(crate) fn hide_own_variables(command: &mut Command) {
    command.env_remove(CACHE_VARIABLE);
}

/// Where tools and wheels that are not part of the build are kept between runs.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(CACHE_VARIABLE) {
        return Ok(PathBuf::from(folder));
    }
    let home = std::env::home_dir().context("the home folder is unknown; set LARDER_CACHE_DIR")?;
    Ok(home.join(".cache/larder"))
}

fn metadata(root: &Path) -> Result<Value> {
    let output = Command::new(std::env::var("CARGO").unwrap_or("cargo".to_owned()))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("cargo metadata did not start")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata answered no JSON")
}

fn member(package: &Value) -> Result<Member> {
    let manifest = path(&package["manifest_path"])?;
    let dependencies = package["dependencies"].as_array().context("a package has no dependencies list")?;
    Ok(Member {
        name: text(&package["name"])?,
        folder: manifest.parent().context("a manifest lies in a folder")?.to_owned(),
        dependencies: dependencies
            .iter()
            .filter(|dependency| dependency["kind"] != "dev")
            .map(|dependency| text(&dependency["name"]))
            .collect::<Result<_>>()?,
    })
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context("cargo metadata has an unexpected shape")?.to_owned())
}

fn path(value: &Value) -> Result<PathBuf> {
    text(value).map(PathBuf::from)
}
