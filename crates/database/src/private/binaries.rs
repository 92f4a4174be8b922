//! Finds PostgreSQL's own programs. Larder brings no database of its own: it uses the one of the
//! distribution, and when there is none it says which command installs it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::DatabaseError;

/// The major versions of PostgreSQL that Larder is tested with.
pub const SUPPORTED_VERSIONS: RangeInclusive<u32> = 15..=18;

/// One installation of PostgreSQL's server programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder with `postgres` and `initdb`.
    pub dir: PathBuf,
    /// The major version, such as 15.
    pub version: u32,
}

impl Binaries {
    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Finds the newest supported programs, or those of `version` when a cluster exists already. With
/// `bin_dir` nothing else is looked at. Runs `postgres --version`, so it may block for a moment.
///
/// # Errors
/// [`DatabaseError::ProgramsMissing`] with the folders that were searched and the command to run.
pub fn find_binaries(bin_dir: Option<&Path>, version: Option<u32>) -> Result<Binaries, DatabaseError> {
    let folders = bin_dir.map_or_else(usual_folders, |dir| vec![dir.to_owned()]);
    let found: BTreeMap<u32, PathBuf> =
        folders.iter().rev().filter_map(|dir| Some((version_in(dir)?, dir.clone()))).collect();
    let newest_fitting = found.iter().rev().find(|(candidate, _)| fits(**candidate, version));
    match newest_fitting {
        Some((version, dir)) => Ok(Binaries { dir: dir.clone(), version: *version }),
        None => Err(missing(&folders, &found, version)),
    }
}

fn fits(candidate: u32, wanted: Option<u32>) -> bool {
    SUPPORTED_VERSIONS.contains(&candidate) && wanted.is_none_or(|wanted| wanted == candidate)
}

/// `PATH` first, then where Debian, Ubuntu and the PostgreSQL project's packages install.
fn usual_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    for version in SUPPORTED_VERSIONS.rev() {
        folders.push(PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
        folders.push(PathBuf::from(format!("/usr/pgsql-{version}/bin")));
    }
    folders.retain(|folder| folder.is_dir());
    folders
}

fn version_in(dir: &Path) -> Option<u32> {
    let postgres = dir.join("postgres");
    if !postgres.is_file() || !dir.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(postgres).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// Reads the 15 of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, and of `15beta2`.
fn parse_version(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn missing(folders: &[PathBuf], found: &BTreeMap<u32, PathBuf>, version: Option<u32>) -> DatabaseError {
    let (first, last) = SUPPORTED_VERSIONS.into_inner();
    let wanted = match version {
        Some(version) => format!("the data was made by PostgreSQL {version}, whose programs"),
        None => format!("the programs of PostgreSQL {first} to {last}"),
    };
    let other: Vec<String> = found.keys().map(u32::to_string).collect();
    let instead = if other.is_empty() { String::new() } else { format!(", only {}", other.join(", ")) };
    let package = version.map_or_else(|| "postgresql".to_owned(), |version| format!("postgresql-{version}"));
    let sudo = if rustix::process::geteuid().is_root() { "" } else { "sudo " };
    let looked_in: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    DatabaseError::ProgramsMissing {
        reason: format!("{wanted} were not found{instead}"),
        looked_in: looked_in.join(", "),
        command: format!("{sudo}apt-get install -y {package}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        assert_eq!(parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(parse_version("mysqld 8"), None);
    }

    #[test]
    fn a_cluster_is_opened_by_its_own_version_only() {
        assert!(fits(16, None));
        assert!(fits(16, Some(16)));
        assert!(!fits(17, Some(16)));
        assert!(!fits(14, None));
        assert!(!fits(14, Some(14)));
    }

    #[test]
    fn a_folder_without_programs_is_answered_with_the_command_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let error = find_binaries(Some(folder.path()), Some(17)).unwrap_err().to_string();
        assert!(error.contains("the data was made by PostgreSQL 17"), "{error}");
        assert!(error.contains("apt-get install -y postgresql-17"), "{error}");
        assert!(error.contains(&folder.path().display().to_string()), "{error}");
    }
}
