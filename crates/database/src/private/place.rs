//! Where a private cluster lives and whose it is. An ordinary user keeps it in the data folder.
//! PostgreSQL refuses root, so root keeps it under `/var/lib/larder`, owned by an unprivileged
//! account, and leaves a link in the data folder.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use rustix::process::geteuid;

use super::lock::FolderLock;
use crate::error::DatabaseError;
use crate::server::Server;

/// The superuser of a private cluster.
pub(crate) const SUPERUSER: &str = "postgres";

const ROOTS_CLUSTERS: &str = "/var/lib/larder";

/// The accounts that root hands the cluster to, the best first.
const UNPRIVILEGED_ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// The folders of one private cluster, all of them existing but `cluster`.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The folder that holds the cluster, its lock and nothing of anybody else.
    pub(crate) home: PathBuf,
    /// The cluster itself.
    pub(crate) cluster: PathBuf,
    /// What the server writes about itself.
    pub(crate) log: PathBuf,
    /// The folder of the server's socket.
    pub(crate) sockets: PathBuf,
    /// The account the server runs as, when it is another one than ours.
    pub(crate) account: Option<Account>,
}

/// An unprivileged account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Place {
    /// Decides where the cluster of `data_dir` is, takes its lock and makes the folders around it.
    pub(crate) fn claim(data_dir: &Path) -> Result<(Self, FolderLock), DatabaseError> {
        create_private_folder(data_dir)?;
        let data_dir = on(fs::canonicalize(data_dir), "open", data_dir)?;
        let link = data_dir.join("postgres");
        let (home, account) = if geteuid().is_root() {
            let home = home_of_root(&data_dir, &link)?;
            let account = Account::for_cluster(&home.join("postgres"))?;
            prepare_home_of_root(&home, account, &link)?;
            (home, Some(account))
        } else {
            refuse_link_of_root(&data_dir, &link)?;
            (data_dir.clone(), None)
        };
        let lock = FolderLock::take(&home, &data_dir)?;
        let cluster = home.join("postgres");
        let sockets = prepare_sockets(&cluster, account)?;
        let log = data_dir.join("postgres.log");
        Ok((Self { home, cluster, log, sockets, account }, lock))
    }

    /// The server that will listen here.
    pub(crate) fn server(&self) -> Result<Server, DatabaseError> {
        Server::at_socket(&self.sockets, SUPERUSER)
    }

    /// Gives `path` to the account that the server runs as.
    pub(crate) fn hand_over(&self, path: &Path) -> Result<(), DatabaseError> {
        hand_over(path, self.account)
    }
}

/// The account, as user and group, that PostgreSQL's servers must run as on behalf of this process:
/// none when it is an ordinary user, whose servers are its own; an unprivileged one when it is root.
///
/// # Errors
/// [`DatabaseError::Folder`] when root's machine knows neither `postgres` nor `nobody`.
pub fn server_account() -> Result<Option<(u32, u32)>, DatabaseError> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    Account::unprivileged().map(|account| Some((account.uid, account.gid)))
}

impl Account {
    /// The owner of an existing cluster, or the best account for a new one.
    fn for_cluster(cluster: &Path) -> Result<Self, DatabaseError> {
        if let Ok(metadata) = fs::metadata(cluster) {
            return Ok(Self { uid: metadata.uid(), gid: metadata.gid() });
        }
        Self::unprivileged()
    }

    fn unprivileged() -> Result<Self, DatabaseError> {
        let path = Path::new("/etc/passwd");
        let accounts = on(fs::read_to_string(path), "read", path)?;
        let found = UNPRIVILEGED_ACCOUNTS.iter().find_map(|name| Self::named(name, &accounts));
        found.ok_or_else(|| DatabaseError::Folder {
            action: "find the account postgres or nobody in",
            path: path.to_owned(),
            source: io::Error::from(io::ErrorKind::NotFound),
        })
    }

    fn named(name: &str, accounts: &str) -> Option<Self> {
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2);
        Some(Self { uid: ids.next()?.parse().ok()?, gid: ids.next()?.parse().ok()? })
    }
}

/// The link in the data folder is followed, so that a folder that was moved keeps its data.
fn home_of_root(data_dir: &Path, link: &Path) -> Result<PathBuf, DatabaseError> {
    let Ok(metadata) = fs::symlink_metadata(link) else {
        return Ok(Path::new(ROOTS_CLUSTERS).join(short_hash(data_dir)));
    };
    if !metadata.is_symlink() {
        return Err(DatabaseError::FolderOwner {
            folder: data_dir.to_owned(),
            reason: format!(
                "holds a database of the user with id {}: run larder as that user, or choose another \
                 folder with LARDER_DATA_DIR",
                metadata.uid()
            ),
        });
    }
    let target = on(fs::read_link(link), "read", link)?;
    match target.parent() {
        Some(home) if home.starts_with(ROOTS_CLUSTERS) && home.is_dir() => Ok(home.to_owned()),
        _ => Ok(Path::new(ROOTS_CLUSTERS).join(short_hash(data_dir))),
    }
}

fn prepare_home_of_root(home: &Path, account: Account, link: &Path) -> Result<(), DatabaseError> {
    // Others may pass through to a folder whose name they know, and list nothing.
    let parent = Path::new(ROOTS_CLUSTERS);
    create_private_folder(parent)?;
    on(fs::set_permissions(parent, fs::Permissions::from_mode(0o711)), "change", parent)?;
    create_private_folder(home)?;
    hand_over(home, Some(account))?;
    let cluster = home.join("postgres");
    if fs::read_link(link).ok().as_ref() != Some(&cluster) {
        let _ = fs::remove_file(link);
        on(std::os::unix::fs::symlink(&cluster, link), "create", link)?;
    }
    Ok(())
}

fn refuse_link_of_root(data_dir: &Path, link: &Path) -> Result<(), DatabaseError> {
    match fs::read_link(link) {
        Ok(target) if target.starts_with(ROOTS_CLUSTERS) => Err(DatabaseError::FolderOwner {
            folder: data_dir.to_owned(),
            reason: "holds a database that was made as root: run larder as root, or choose another folder \
                     with LARDER_DATA_DIR"
                .to_owned(),
        }),
        _ => Ok(()),
    }
}

/// A socket's path may have 107 bytes, less than many data folders have. `/run/user` comes last:
/// it is taken away when its user logs out, also from a server that goes on running.
fn prepare_sockets(cluster: &Path, account: Option<Account>) -> Result<PathBuf, DatabaseError> {
    let owner = account.map_or(geteuid().as_raw(), |account| account.uid);
    let parents = match account {
        Some(_) => ["/run".to_owned(), "/tmp".to_owned()],
        None => ["/tmp".to_owned(), format!("/run/user/{owner}")],
    };
    let name = format!("larder-{}", short_hash(cluster));
    let mut refusal = None;
    for parent in parents {
        let sockets = Path::new(&parent).join(&name);
        match prepare_socket_folder(&sockets, owner, account) {
            Ok(()) => return Ok(sockets),
            Err(error) => refusal = Some(error),
        }
    }
    Err(refusal.expect("two folders were tried"))
}

/// In `/tmp` anybody may have made the folder before us: it is only used when it is the owner's.
fn prepare_socket_folder(sockets: &Path, owner: u32, account: Option<Account>) -> Result<(), DatabaseError> {
    match fs::DirBuilder::new().mode(0o700).create(sockets) {
        Ok(()) => hand_over(sockets, account)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return on(Err(error), "create", sockets),
    }
    let metadata = on(fs::symlink_metadata(sockets), "read", sockets)?;
    if metadata.is_dir() && metadata.uid() == owner && metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    on(Err(io::Error::other("it exists and is not private to the server's account")), "use", sockets)
}

fn hand_over(path: &Path, account: Option<Account>) -> Result<(), DatabaseError> {
    let Some(account) = account else { return Ok(()) };
    let given = std::os::unix::fs::lchown(path, Some(account.uid), Some(account.gid));
    on(given, "give to an unprivileged account", path)
}

fn create_private_folder(path: &Path) -> Result<(), DatabaseError> {
    on(fs::DirBuilder::new().recursive(true).mode(0o700).create(path), "create", path)
}

/// Twelve hexadecimal digits of the SHA-256 of a path.
fn short_hash(path: &Path) -> String {
    let hash = digest::digest(&digest::SHA256, path.as_os_str().as_bytes());
    hash.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Says what was tried on which path.
pub(crate) fn on<T>(result: io::Result<T>, action: &'static str, path: &Path) -> Result<T, DatabaseError> {
    result.map_err(|source| DatabaseError::Folder { action, path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_by_its_whole_name() {
        let accounts =
            "root:x:0:0::/root:/bin/sh\npostgres2:x:7:7::/:/bin/sh\npostgres:x:101:104:,,:/:/bin/sh\n";
        assert_eq!(Account::named("postgres", accounts), Some(Account { uid: 101, gid: 104 }));
        assert_eq!(Account::named("nobody", accounts), None);
    }

    #[test]
    fn a_socket_folder_of_somebody_else_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        fs::DirBuilder::new().mode(0o777).create(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(prepare_socket_folder(&open, geteuid().as_raw(), None).is_err());
        assert!(prepare_socket_folder(&folder.path().join("new"), geteuid().as_raw(), None).is_ok());
        assert!(prepare_socket_folder(&folder.path().join("new"), geteuid().as_raw() + 1, None).is_err());
    }

    #[test]
    fn socket_paths_stay_short() {
        let name = format!("/run/user/4294967295/larder-{}/.s.PGSQL.5432", short_hash(Path::new("/srv")));
        assert!(name.len() <= 107, "{name}");
    }
}
