//! Finds PostgreSQL's own programs. Larder brings no database of its own: it uses the one of the
//! distribution, and when there is none it says which command installs it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::DatabaseError;

/// The major versions of PostgreSQL that Larder is tested with.
pub const SUPPORTED_VERSIONS: RangeInclusive<u32> = 15..=18;

/// What runs a server.
const SERVER_PROGRAMS: [&str; 2] = ["postgres", "initdb"];

/// One installation of PostgreSQL's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder with the programs that were asked for.
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

/// Which versions are of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Any that is supported, the newest first.
    Newest,
    /// This one alone, since the data were made by it.
    Exactly(u32),
    /// This one or the next newer: a dump program reads no server that is newer than itself.
    AtLeast(u32),
}

/// Finds the newest programs that run a server, or those of `version` when a cluster exists already.
/// With `bin_dir` nothing else is looked at. It runs a program for its version, so it may block for a
/// moment.
///
/// # Errors
/// As [`find_programs`].
pub fn find_binaries(bin_dir: Option<&Path>, version: Option<u32>) -> Result<Binaries, DatabaseError> {
    find_programs(&SERVER_PROGRAMS, bin_dir, version.map_or(Wanted::Newest, Wanted::Exactly))
}

/// Finds a folder that holds every one of `names`, of a version that is of use. A folder with some of
/// them is passed over: the programs of one version belong together.
///
/// # Errors
/// [`DatabaseError::ProgramsMissing`] with the folders that were searched, what they lack and the
/// command to run.
pub fn find_programs(
    names: &[&str],
    bin_dir: Option<&Path>,
    wanted: Wanted,
) -> Result<Binaries, DatabaseError> {
    let folders = bin_dir.map_or_else(usual_folders, |dir| vec![dir.to_owned()]);
    let (mut found, mut lacking) = (BTreeMap::new(), Vec::new());
    for dir in &folders {
        let lacks: Vec<&str> = names.iter().filter(|name| !has(dir, name)).copied().collect();
        if lacks.is_empty() {
            let version = names.first().and_then(|name| version_of(&dir.join(name)));
            // The first folder of a version wins, as it does in PATH.
            version.map(|version| found.entry(version).or_insert_with(|| dir.clone()));
        } else if lacks.len() < names.len() {
            lacking.push(format!("{} lacks {}", dir.display(), lacks.join(", ")));
        }
    }
    match best(found.keys().copied(), wanted) {
        Some(version) => Ok(Binaries { dir: found[&version].clone(), version }),
        None => {
            let found: Vec<u32> = found.into_keys().collect();
            Err(missing(names, wanted, &Search { folders: &folders, found: &found, lacking: &lacking }))
        }
    }
}

fn best(found: impl Iterator<Item = u32>, wanted: Wanted) -> Option<u32> {
    let mut supported = found.filter(|version| SUPPORTED_VERSIONS.contains(version));
    match wanted {
        Wanted::Newest => supported.max(),
        Wanted::Exactly(exactly) => supported.find(|version| *version == exactly),
        // What is newer than need be writes what an older server does not understand.
        Wanted::AtLeast(least) => supported.filter(|version| *version >= least).min(),
    }
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

/// Whether a folder has a program itself: Debian's `pg_wrapper`, which runs whichever version it thinks
/// is meant, is none.
fn has(dir: &Path, name: &str) -> bool {
    let program = std::fs::canonicalize(dir.join(name));
    program.is_ok_and(|program| program.is_file() && program.file_name().is_some_and(|own| own == name))
}

fn version_of(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// Reads the 15 of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, and of `15beta2`.
fn parse_version(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// What was looked at, and in vain.
struct Search<'a> {
    folders: &'a [PathBuf],
    found: &'a [u32],
    lacking: &'a [String],
}

fn missing(names: &[&str], wanted: Wanted, search: &Search<'_>) -> DatabaseError {
    let (first, last) = SUPPORTED_VERSIONS.into_inner();
    let names = names.join(", ");
    let (what, package) = match wanted {
        Wanted::Newest => {
            (format!("the programs {names} of PostgreSQL {first} to {last}"), "postgresql".to_owned())
        }
        Wanted::Exactly(version) => (
            format!("the data was made by PostgreSQL {version}, whose programs {names}"),
            format!("postgresql-{version}"),
        ),
        Wanted::AtLeast(version) => (
            format!("the server is PostgreSQL {version}: {names} of {version} or newer, up to {last},"),
            format!("postgresql-client-{version}"),
        ),
    };
    let other: Vec<String> = search.found.iter().map(u32::to_string).collect();
    let instead =
        if other.is_empty() { String::new() } else { format!(", only those of {}", other.join(", ")) };
    let lacking =
        if search.lacking.is_empty() { String::new() } else { format!("; {}", search.lacking.join("; ")) };
    let sudo = if rustix::process::geteuid().is_root() { "" } else { "sudo " };
    let looked_in: Vec<String> = search.folders.iter().map(|folder| folder.display().to_string()).collect();
    DatabaseError::ProgramsMissing {
        reason: format!("{what} were not found{instead}{lacking}"),
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
    fn the_version_is_the_newest_the_same_or_the_next_newer() {
        let of = |found: &[u32], wanted| best(found.iter().copied(), wanted);
        assert_eq!(of(&[14, 15, 17, 19], Wanted::Newest), Some(17));
        assert_eq!(of(&[15, 16], Wanted::Exactly(16)), Some(16));
        assert_eq!(of(&[15, 17], Wanted::Exactly(16)), None);
        assert_eq!(of(&[14], Wanted::Exactly(14)), None);
        assert_eq!(of(&[15, 17, 18], Wanted::AtLeast(16)), Some(17));
        assert_eq!(of(&[15, 16], Wanted::AtLeast(17)), None);
    }

    fn program(folder: &Path, name: &str, version: &str) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_folder_that_lacks_a_program_is_named_with_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        program(folder.path(), "postgres", "17.2");
        program(folder.path(), "initdb", "17.2");
        assert_eq!(find_binaries(Some(folder.path()), Some(17)).unwrap().version, 17);
        let names = ["postgres", "pg_controldata", "pg_amcheck"];
        let refused =
            find_programs(&names, Some(folder.path()), Wanted::Exactly(17)).unwrap_err().to_string();
        assert!(refused.contains("lacks pg_controldata, pg_amcheck"), "{refused}");
        program(folder.path(), "pg_controldata", "17.2");
        program(folder.path(), "pg_amcheck", "17.2");
        assert!(find_programs(&names, Some(folder.path()), Wanted::Exactly(17)).is_ok());
    }

    #[test]
    fn a_program_older_than_the_server_is_refused_with_what_would_do() {
        let folder = tempfile::tempdir().unwrap();
        program(folder.path(), "pg_dump", "15.18");
        let refused =
            find_programs(&["pg_dump"], Some(folder.path()), Wanted::AtLeast(17)).unwrap_err().to_string();
        for told in
            ["the server is PostgreSQL 17", "of 17 or newer", "only those of 15", "postgresql-client-17"]
        {
            assert!(refused.contains(told), "{told}: {refused}");
        }
    }

    #[test]
    fn a_wrapper_is_no_program() {
        let folder = tempfile::tempdir().unwrap();
        program(folder.path(), "pg_wrapper", "17.2");
        std::os::unix::fs::symlink(folder.path().join("pg_wrapper"), folder.path().join("pg_dump")).unwrap();
        assert!(find_programs(&["pg_dump"], Some(folder.path()), Wanted::Newest).is_err());
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
