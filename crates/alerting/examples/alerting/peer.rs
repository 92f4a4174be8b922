//! Alertmanager from the distribution, as a process of its own that clusters with nobody.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::Measured;
use crate::service::{end, free_addresses, memory_mb, wait_until_ready};

pub(crate) const NAME: &str = "Alertmanager";

/// The process. It ends with this value.
pub(crate) struct Alertmanager {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl Alertmanager {
    /// Starts one that tells `url` of each group at once. `grouping` stands in the route as it is.
    pub(crate) async fn start(grouping: &str, url: &str) -> Measured<Self> {
        let program = std::env::var_os("LARDER_TEST_ALERTMANAGER").map(PathBuf::from);
        let program = program.ok_or("there is no Alertmanager to compare with; `cargo xtask` said why")?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("alertmanager.yml");
        std::fs::write(
            &file,
            format!(
                "route: {{ receiver: hook, group_wait: 0s, repeat_interval: 5s, {grouping} }}\n\
                 receivers: [{{ name: hook, webhook_configs: [{{ url: '{url}' }}] }}]\n"
            ),
        )?;
        let [address, _] = free_addresses()?;
        let child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let peer = Self { child, url: format!("http://{address}"), _folder: folder };
        wait_until_ready(&format!("{}/-/ready", peer.url)).await?;
        Ok(peer)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn memory_mb(&self, name: &str) -> Measured<f64> {
        memory_mb(&self.child, name)
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(&mut self) {
        end(&mut self.child);
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        self.kill();
    }
}
