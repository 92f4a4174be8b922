//! Installs what the machine lacks from its own distribution (Debian and Ubuntu), as root
//! or with sudo; elsewhere it says exactly what to run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::interrupt::Interrupt;

/// Finds a program on PATH.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Whether this process may do as it likes.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Installs packages, after refreshing the lists. Fails with the command to run by hand
/// when there is no apt-get or no right to use it.
pub(crate) fn install(interrupt: &Interrupt, packages: &[&str]) -> Result<()> {
    let by_hand = format!("sudo apt-get update && sudo apt-get install {}", packages.join(" "));
    if find_program("apt-get").is_none() {
        bail!(
            "{} needed, and this machine has no apt-get: install by hand what `{by_hand}` would",
            packages.join(", ")
        );
    }
    if !is_root() && !sudo_works() {
        bail!("{} needed; please run:\n\n    {by_hand}\n", packages.join(", "));
    }
    eprintln!("xtask: installing {} from the distribution", packages.join(", "));
    let updated = interrupt.run(apt_get().args(["update", "-qq"]))?;
    if !updated.success() {
        eprintln!("xtask: apt-get update failed ({updated}); trying with the lists as they are");
    }
    let mut command = apt_get();
    command.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages);
    let status = interrupt.run(command.stdout(Stdio::null()))?;
    if !status.success() {
        bail!("apt-get could not install {}: {status}", packages.join(", "));
    }
    Ok(())
}

fn apt_get() -> Command {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Asks sudo for its password while a person can still type it; without a terminal sudo
/// must work without one.
fn sudo_works() -> bool {
    use std::io::IsTerminal;
    if find_program("sudo").is_none() {
        return false;
    }
    let question = if std::io::stdin().is_terminal() { "-v" } else { "-nv" };
    Command::new("sudo").arg(question).status().is_ok_and(|status| status.success())
}

/// The folder of a PostgreSQL of a version that Larder supports, the newest first:
/// the setting, then the distribution's folders, then PATH.
pub(crate) fn find_postgresql() -> Option<PathBuf> {
    let named = std::env::var_os("LARDER_DATABASE__BIN_DIR").map(PathBuf::from);
    let distribution = [18, 17, 16, 15]
        .map(|version| Path::new("/usr/lib/postgresql").join(version.to_string()).join("bin"));
    let on_path = find_program("initdb").and_then(|initdb| initdb.parent().map(Path::to_owned));
    named.into_iter().chain(distribution).chain(on_path).find(|folder| {
        folder.join("initdb").is_file() && folder.join("postgres").is_file() && supported(folder)
    })
}

fn supported(folder: &Path) -> bool {
    let Ok(output) = Command::new(folder.join("postgres")).arg("--version").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    major_version(&text).is_some_and(|major| (15..=18).contains(&major))
}

/// Reads 15 out of `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn major_version(text: &str) -> Option<u32> {
    let number =
        text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    number.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

/// Finds PostgreSQL or installs it.
pub(crate) fn need_postgresql(interrupt: &Interrupt) -> Result<PathBuf> {
    if let Some(folder) = find_postgresql() {
        return Ok(folder);
    }
    install(interrupt, &["postgresql"])?;
    match find_postgresql() {
        Some(folder) => Ok(folder),
        None => bail!(
            "Larder needs PostgreSQL 15, 16, 17 or 18 and the distribution's is another; \
             install one of them from https://wiki.postgresql.org/wiki/Apt, \
             or name its folder of programs in LARDER_DATABASE__BIN_DIR"
        ),
    }
}

/// Finds a program, also where only root looks for it, or installs the package that has it.
pub(crate) fn need_program(interrupt: &Interrupt, name: &str, package: &str) -> Result<PathBuf> {
    let find = || {
        let of_root = Path::new("/usr/sbin").join(name);
        find_program(name).or_else(|| of_root.is_file().then_some(of_root))
    };
    if let Some(program) = find() {
        return Ok(program);
    }
    install(interrupt, &[package])?;
    match find() {
        Some(program) => Ok(program),
        None => bail!("{package} was installed, but has no {name}"),
    }
}

/// Finds a Redis server or installs it.
pub(crate) fn need_redis(interrupt: &Interrupt) -> Result<PathBuf> {
    let find = || find_program("redis-server").or_else(|| find_program("valkey-server"));
    if let Some(program) = find() {
        return Ok(program);
    }
    install(interrupt, &["redis-server"])?;
    match find() {
        Some(program) => Ok(program),
        None => bail!("redis-server was installed, but is not on PATH"),
    }
}

#[cfg(test)]
mod tests {
    use super::major_version;

    #[test]
    fn the_major_version_is_read_from_what_postgres_prints() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta2"), Some(18));
        assert_eq!(major_version("no version at all"), None);
    }
}
