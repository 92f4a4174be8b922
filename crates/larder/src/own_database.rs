//! The database of commands that need no service: the one that is configured, the private one of the `larder up`
//! that runs on this data folder, or that folder's private one, run for as long as the work takes.

use larder_database::{PrivateCluster, PrivateClusterSettings, Server};
use larder_settings::Settings;

use crate::error::CommandError;
use crate::instance;

/// Does something with the database's server.
pub(crate) async fn with_server<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(Server) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    if let Some(url) = &settings.database.url {
        return work(Server::from_url(url)?).await;
    }
    if let Some(url) = instance::running(&settings.data_dir).and_then(|running| running.database_url) {
        return work(Server::from_url(&url)?).await;
    }
    let cluster = PrivateCluster::start(PrivateClusterSettings {
        data_dir: settings.data_dir.clone(),
        bin_dir: settings.database.bin_dir.clone(),
    })
    .await?;
    let done = work(cluster.server().clone()).await;
    cluster.stop().await?;
    done
}
