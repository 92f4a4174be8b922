//! A Larder of its own: PostgreSQL, Redis where it is installed, the four services as processes of their own, the demo
//! shop in it, and between them ways that can be broken. Everything is in a folder that goes with it.

pub(crate) mod link;
mod redis;
mod service;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use larder_database::{PrivateCluster, PrivateClusterSettings, Server};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use self::link::{Condition, End, Link};
use self::redis::Redis;
use self::service::Service;
use super::mix::Part;
use crate::client::{Client, ConnectArgs, Credentials};
use crate::commands::{Context, base_url, demo};
use crate::error::CommandError;

/// The name of a PostgreSQL socket at the port of private clusters.
const SOCKET: &str = ".s.PGSQL.5432";
/// Where root's private clusters are, outside of their data folders.
const ROOTS_CLUSTERS: &str = "/var/lib/larder";

/// The stack. `stop` takes it down; one that is dropped leaves its services killed.
pub(crate) struct Stack {
    services: Vec<Service>,
    links: Vec<(Part, Link)>,
    redis: Option<Redis>,
    cluster: Option<PrivateCluster>,
    bin_dir: Option<PathBuf>,
    folder: TempDir,
}

/// Who loads a stack of its own: nobody in particular, who may do anything there.
pub(crate) fn credentials() -> Result<Credentials, CommandError> {
    let tenant = Some("demo".to_owned());
    Credentials::from_args(&ConnectArgs { address: None, token: None, api_key: None, tenant })
}

impl Stack {
    /// Nothing is started yet.
    pub(crate) fn new(context: &Context) -> Result<Self, CommandError> {
        let bin_dir = context.settings()?.database.bin_dir;
        let folder = tempfile::Builder::new()
            .prefix("larder-load-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir()
            .map_err(CommandError::file(std::env::temp_dir()))?;
        Ok(Self { services: Vec::new(), links: Vec::new(), redis: None, cluster: None, bin_dir, folder })
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts everything, loads the demo shop and returns the gateway's address.
    pub(crate) async fn start(&mut self) -> Result<String, CommandError> {
        eprintln!("starting a Larder of its own in {}", self.folder.path().display());
        let data_dir = self.data_dir();
        std::fs::create_dir_all(&data_dir).map_err(CommandError::file(&data_dir))?;
        let settings = PrivateClusterSettings { data_dir, bin_dir: self.bin_dir.clone() };
        let cluster = self.cluster.insert(PrivateCluster::start(settings).await?);
        let socket = cluster.socket_dir().join(SOCKET);
        let server = cluster.server().clone();
        let database = self.link(Part::Database, End::Socket(socket)).await?;
        self.redis = Redis::start(self.folder.path()).await?;
        let redis = match self.redis.as_ref().map(Redis::address) {
            Some(address) => Some(self.link(Part::Redis, End::Tcp(address)).await?),
            None => {
                eprintln!("redis-server is not installed: the gateway counts and keeps answers in memory");
                None
            }
        };
        let ports = free_ports()?;
        let variables = self.variables(&ports, &server, database, redis).await?;
        for (name, ops) in [
            ("recommendation", ports[3]),
            ("alerting", ports[5]),
            ("backup", ports[7]),
            ("gateway", ports[1]),
        ] {
            let mut service = Service::new(name, ops, variables.clone(), self.folder.path());
            service.start()?;
            self.services.push(service);
            if let Some(service) = self.services.last_mut() {
                service.ready().await?;
            }
        }
        let address = base_url(ports[0]);
        let loaded = demo::load(&Client::connect(&address, credentials()?).await?).await?;
        eprintln!("{}", loaded.sentence());
        Ok(address)
    }

    async fn link(&mut self, part: Part, end: End) -> Result<SocketAddr, CommandError> {
        let no_port = |error| CommandError::Refused(format!("no port on this machine: {error}"));
        let link = Link::to(end).await.map_err(no_port)?;
        let address = link.address();
        self.links.push((part, link));
        Ok(address)
    }

    /// The settings of every service; each takes what is for it.
    async fn variables(
        &mut self,
        ports: &[SocketAddr; 8],
        server: &Server,
        database: SocketAddr,
        redis: Option<SocketAddr>,
    ) -> Result<Vec<(String, String)>, CommandError> {
        let recommendation = self.link(Part::Recommendation, End::Tcp(ports[2])).await?;
        let alerting = self.link(Part::Alerting, End::Tcp(ports[4])).await?;
        let backup = self.link(Part::Backup, End::Tcp(ports[6])).await?;
        let database =
            format!("postgres://{}@{database}/{}?sslmode=disable", server.user(), server.database());
        let mut variables = vec![
            ("LARDER_DATA_DIR", self.data_dir().display().to_string()),
            ("LARDER_ENVIRONMENT", "development".into()),
            ("LARDER_TELEMETRY__LOG_FILTER", "warn".into()),
            ("LARDER_DATABASE__URL", database),
            ("LARDER_GATEWAY__RECOMMENDATION_URL", base_url(recommendation)),
            ("LARDER_GATEWAY__ALERTING_URL", base_url(alerting)),
            ("LARDER_GATEWAY__BACKUP_URL", base_url(backup)),
            ("LARDER_BACKUP__ALERTING_URL", base_url(ports[4])),
        ];
        let names = ["GATEWAY", "RECOMMENDATION", "ALERTING", "BACKUP"];
        let mut variables: Vec<(String, String)> =
            variables.drain(..).map(|(name, value)| (name.to_owned(), value)).collect();
        for (name, pair) in names.iter().zip(ports.chunks(2)) {
            variables.push((format!("LARDER_{name}__LISTEN_ADDRESS"), pair[0].to_string()));
            variables.push((format!("LARDER_{name}__OPS_ADDRESS"), pair[1].to_string()));
            if *name != "GATEWAY" {
                variables.push((format!("LARDER_GATEWAY__{name}_OPS_URL"), base_url(pair[1])));
            }
        }
        variables.extend(redis.map(|at| ("LARDER_REDIS__URL".to_owned(), format!("redis://{at}"))));
        if let Some(bin_dir) = &self.bin_dir {
            variables.push(("LARDER_DATABASE__BIN_DIR".into(), bin_dir.display().to_string()));
        }
        Ok(variables)
    }

    /// Every service with the address of its ops port.
    pub(crate) fn ops_ports(&self) -> Vec<(String, String)> {
        self.services.iter().map(|service| (service.name.to_owned(), base_url(service.ops))).collect()
    }

    /// The service that is this part.
    pub(crate) fn service(&mut self, part: Part) -> Result<&mut Service, CommandError> {
        let name = match part {
            Part::Gateway => "gateway",
            Part::Recommendation => "recommendation",
            Part::Backup => "backup",
            Part::Alerting => "alerting",
            Part::Database | Part::Redis => "",
        };
        let found = self.services.iter_mut().find(|service| service.name == name);
        found.ok_or_else(|| CommandError::Refused(format!("{part:?} is no service of this stack")))
    }

    /// Whether there is such a part.
    pub(crate) fn has(&self, part: Part) -> bool {
        part == Part::Gateway || self.links.iter().any(|(of, _)| *of == part)
    }

    /// Makes the way to a part as told.
    pub(crate) fn set_link(&self, part: Part, condition: Condition) {
        self.links.iter().filter(|(of, _)| *of == part).for_each(|(_, link)| link.set(condition));
    }

    /// Resets the connections to a part.
    pub(crate) fn reset_link(&self, part: Part) {
        self.links.iter().filter(|(of, _)| *of == part).for_each(|(_, link)| link.reset());
    }

    /// Kills PostgreSQL without warning; it is started again by itself, and recovers from its log.
    pub(crate) fn kill_database(&self) -> Result<(), CommandError> {
        let Some(cluster) = &self.cluster else { return Ok(()) };
        let path = cluster.cluster_dir().join("postmaster.pid");
        let text = std::fs::read_to_string(&path).map_err(CommandError::file(&path))?;
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| CommandError::Refused(format!("{} names no process", path.display())))?;
        kill_process(pid, Signal::KILL)
            .map_err(|error| CommandError::Refused(format!("PostgreSQL cannot be killed: {error}")))
    }

    /// Stops everything in order and removes it.
    pub(crate) async fn stop(mut self) {
        for service in self.services.iter_mut().rev() {
            service.stop().await;
        }
        if let Some(redis) = self.redis.take() {
            redis.stop().await;
        }
        if let Some(cluster) = self.cluster.take()
            && let Err(error) = cluster.stop().await
        {
            eprintln!("the private PostgreSQL did not stop in order: {error}");
        }
        remove_roots_cluster(&self.data_dir());
    }
}

/// Root's cluster lies outside of the folder that goes with the stack; a link there leads to it.
fn remove_roots_cluster(data_dir: &Path) {
    let link = std::fs::read_link(data_dir.join("postgres")).ok();
    let home = link.as_deref().and_then(Path::parent).filter(|home| home.starts_with(ROOTS_CLUSTERS));
    if let Some(home) = home
        && let Err(error) = std::fs::remove_dir_all(home)
    {
        eprintln!("{} could not be removed: {error}", home.display());
    }
}

/// Ports that were free a moment ago: two for each service.
fn free_ports() -> Result<[SocketAddr; 8], CommandError> {
    let no_port = |error| CommandError::Refused(format!("no port on this machine: {error}"));
    let mut listeners = Vec::new();
    let mut ports = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); 8];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(no_port)?;
        *port = listener.local_addr().map_err(no_port)?;
        // All are held until the last one is known, or one could come twice.
        listeners.push(listener);
    }
    Ok(ports)
}
