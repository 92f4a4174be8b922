//! The other programs, each with the same compressor, level and threads, and each syncing what it
//! stores.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use larder_testkit::{TestCluster, run};
use tokio::time::Instant;

/// `pg_basebackup` into one tar archive.
pub(crate) fn base_backup(cluster: &TestCluster, folder: &Path) -> Duration {
    fs::create_dir(folder).unwrap();
    cluster.hand_over(folder);
    let mut command = cluster.program("pg_basebackup");
    command.args(["-Ft", "-X", "fetch", "-c", "fast", "--compress=client-zstd:1", "-D"]).arg(folder);
    let begun = Instant::now();
    run(&mut command);
    let taken = begun.elapsed();
    fs::remove_dir_all(folder).unwrap();
    taken
}

/// pgBackRest with a repository of its own.
pub(crate) struct PgBackRest<'a> {
    cluster: &'a TestCluster,
    config: PathBuf,
    restored: PathBuf,
}

impl<'a> PgBackRest<'a> {
    pub(crate) fn prepare(cluster: &'a TestCluster, folder: &Path) -> Self {
        let place = cluster.socket_dir().join("pgbackrest");
        let restored = folder.join("pgbackrest-restored");
        for folder in [&place, &restored] {
            fs::create_dir_all(folder).unwrap();
            cluster.hand_over(folder);
        }
        let config = place.join("pgbackrest.conf");
        let text = format!(
            "[global]\nrepo1-path={place}/repo\nlog-path={place}\nlock-path={place}\nspool-path={place}\n\
             compress-type=zst\ncompress-level=1\nprocess-max=2\nstart-fast=y\narchive-check=n\n\
             log-level-console=warn\nlog-level-file=off\nrepo1-retention-full=1\n\
             [bench]\npg1-path={data}\npg1-socket-path={socket}\npg1-port={port}\npg1-user=postgres\n",
            place = place.display(),
            data = cluster.data_dir().display(),
            socket = cluster.socket_dir().display(),
            port = cluster.port(),
        );
        fs::write(&config, text).unwrap();
        cluster.hand_over(&config);
        let peer = Self { cluster, config, restored };
        run(peer.command().arg("stanza-create"));
        peer
    }

    fn command(&self) -> Command {
        let mut command = Command::new("/usr/bin/setpriv");
        if let Some((user, group)) = self.cluster.account() {
            command.args([
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
            ]);
        }
        command.arg("/usr/bin/pgbackrest").arg(format!("--config={}", self.config.display()));
        command.arg("--stanza=bench").env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
        command
    }

    pub(crate) fn back_up(&self) -> Duration {
        let begun = Instant::now();
        run(self.command().args(["backup", "--type=full"]));
        begun.elapsed()
    }

    pub(crate) fn restore(&self) -> Duration {
        let begun = Instant::now();
        run(self.command().arg(format!("--pg1-path={}", self.restored.display())).arg("restore"));
        let taken = begun.elapsed();
        fs::remove_dir_all(&self.restored).unwrap();
        fs::create_dir(&self.restored).unwrap();
        self.cluster.hand_over(&self.restored);
        taken
    }
}
