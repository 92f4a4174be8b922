//! Receives the log of one cluster for as long as the process lives: through restarts of the server,
//! promotions, lost networks and full disks. What cannot be had any more is recorded as a gap, loudly,
//! and receiving goes on behind it.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use larder_replication::{BackupPosition, ConnectOptions, ReplicationConnection, SlotName};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::archive::WalArchive;
use super::envelope::Origin;
use super::lane::{Lane, Ledger};
use super::session::{Ended, Session};
use super::spool::Spool;
use super::status::{StatusPen, WalState, WalStatus};
use super::writer::OnDisk;
use crate::error::BackupError;
use crate::pipeline::SealSettings;
use crate::target::SharedTarget;

const FIRST_RETRY_DELAY: Duration = Duration::from_millis(250);
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(15);
/// Somebody has to change something: there is no hurry to ask again.
const REFUSED_RETRY_DELAY: Duration = Duration::from_secs(30);
/// Lanes empty the spool meanwhile.
const SPOOL_FULL_RETRY_DELAY: Duration = Duration::from_secs(1);
/// A session that held for so long was a good one.
const GOOD_SESSION: Duration = Duration::from_secs(60);

/// What receiving needs to know.
#[derive(Clone)]
pub struct WalSettings {
    /// The cluster's name; it begins the names of all its objects.
    pub cluster: String,
    /// Where the server is.
    pub connect: ConnectOptions,
    /// The server keeps the log for this slot; it is made when it is not there.
    pub slot: SlotName,
    /// Where the log lies until all targets have it. It belongs to this cluster alone.
    pub spool: PathBuf,
    /// With so much in the spool no more is received: the server keeps it, up to its own cap.
    pub spool_limit_bytes: u64,
    /// How often the growth of the open segment goes to the targets.
    pub flush_every: Duration,
    /// Receive although the server would keep log for us until its disk is full.
    pub allow_uncapped_slot: bool,
    /// The targets.
    pub targets: Vec<SharedTarget>,
    /// How pieces are compressed and sealed.
    pub seal: SealSettings,
}

/// A receiver at work.
pub struct WalReceiver {
    status: watch::Receiver<WalStatus>,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl WalReceiver {
    /// Starts to receive. `clock` tells the time for the status.
    ///
    /// # Errors
    /// When the spool cannot be used.
    pub fn start(
        settings: WalSettings,
        clock: fn() -> Timestamp,
        stop: CancellationToken,
    ) -> Result<Self, BackupError> {
        let spool = Spool::open(&settings.spool)?;
        let names = settings.targets.iter().map(|target| target.name().to_owned());
        let status = StatusPen::new(clock, names);
        let reader = status.reader();
        let supervisor = Supervisor { settings, spool, status, stop: stop.clone(), lanes: None };
        Ok(Self { status: reader, task: tokio::spawn(supervisor.run()), stop })
    }

    /// What it is doing, now and whenever that changes.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<WalStatus> {
        self.status.clone()
    }

    /// Stops: what has come is put on disk and, once more, to the targets.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(panic) = self.task.await {
            tracing::error!(%panic, "the receiver of the log ended early");
        }
    }
}

/// The tasks of the targets, which outlive single connections.
struct Lanes {
    on_disk: watch::Sender<OnDisk>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

struct Supervisor {
    settings: WalSettings,
    spool: Spool,
    status: StatusPen,
    stop: CancellationToken,
    lanes: Option<Lanes>,
}

impl Supervisor {
    async fn run(mut self) {
        // What was left in the spool needs no server to reach the targets.
        match (self.spool.origin(), self.spool.position()) {
            (Ok(Some(origin)), Ok(Some(position))) => self.start_lanes(origin, position),
            (Ok(_), Ok(_)) => {}
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(error.cause = %error, "the spool cannot be read")
            }
        }
        let mut delay = FIRST_RETRY_DELAY;
        while !self.stop.is_cancelled() {
            let begun = Instant::now();
            let ended = self.session().await;
            if begun.elapsed() > GOOD_SESSION {
                delay = FIRST_RETRY_DELAY;
            }
            let wait = self.tell(ended, delay);
            delay = (delay * 2).min(LONGEST_RETRY_DELAY);
            tokio::select! { () = sleep(wait) => {}, () = self.stop.cancelled() => {} }
        }
        if let Some(lanes) = self.lanes.take() {
            // Only now is everything on disk that came.
            lanes.stop.cancel();
            lanes.tasks.join_all().await;
        }
        self.status.write(|status| status.state = WalState::Stopped);
    }

    /// Notes how a session ended and returns how long to wait for the next.
    fn tell(&self, ended: Result<Ended, BackupError>, delay: Duration) -> Duration {
        match ended {
            Ok(Ended::Told) => Duration::ZERO,
            Ok(Ended::ServerStopped) => {
                tracing::info!(cluster = self.settings.cluster, "the server stopped; waiting for it");
                self.status.write(|status| status.state = WalState::Connecting);
                FIRST_RETRY_DELAY
            }
            Ok(Ended::SpoolFull) => {
                let reason = "the spool is full: a target has been away for too long".to_owned();
                tracing::error!(cluster = self.settings.cluster, reason, "the log is not received");
                self.status.write(|status| status.state = WalState::Failing(reason));
                SPOOL_FULL_RETRY_DELAY
            }
            Err(error @ BackupError::Refused(_)) => {
                tracing::error!(cluster = self.settings.cluster, error.cause = %error, "the log is not received until this is changed");
                self.status.write(|status| status.state = WalState::Refused(error.to_string()));
                REFUSED_RETRY_DELAY
            }
            Err(error) => {
                tracing::warn!(cluster = self.settings.cluster, error.cause = %error, "receiving the log failed and is tried again");
                self.status.write(|status| status.state = WalState::Failing(error.to_string()));
                delay
            }
        }
    }

    async fn session(&mut self) -> Result<Ended, BackupError> {
        let mut connection = ReplicationConnection::connect(&self.settings.connect).await?;
        let identity = connection.identify_system().await?;
        let origin = Origin {
            system: identity.system,
            size: connection.segment_size().await?,
            major_version: connection.version().major,
        };
        self.spool.claim(origin)?;
        self.status.write(|status| {
            status.system = Some(origin.system);
            status.timeline = Some(identity.timeline);
        });
        self.status.server_end(identity.flushed);
        let (settings, spool) = (self.settings.clone(), self.spool.clone());
        let (status, stop) = (self.status.clone(), self.stop.clone());
        let mut session =
            Session { settings: &settings, spool: &spool, status: &status, stop: &stop, origin, identity };
        session.check_slot_cap(&mut connection).await?;
        if self.lanes.is_some() && session.spool_is_full()? {
            return Ok(Ended::SpoolFull);
        }
        let from = session.plan(&mut connection, &self.archive(&origin)).await?;
        let since = match self.spool.since()? {
            Some(since) => since,
            None => {
                let since = self.status.now();
                self.spool.set_since(since)?;
                since
            }
        };
        self.status.write(|status| status.since = Some(since));
        if self.lanes.is_none() {
            self.start_lanes(origin, from);
        }
        let Some(lanes) = &self.lanes else {
            return Err(BackupError::Internal("no target takes the log".to_owned()));
        };
        // Sessions follow each other: the lanes see one position that only the session moves.
        let completed = lanes.on_disk.borrow().completed;
        lanes.on_disk.send_replace(OnDisk { position: from, completed });
        session.receive(connection, from, lanes.on_disk.clone()).await
    }

    fn archive(&self, origin: &Origin) -> WalArchive {
        WalArchive {
            cluster: self.settings.cluster.clone(),
            system: origin.system,
            targets: self.settings.targets.clone(),
        }
    }

    fn start_lanes(&mut self, origin: Origin, position: BackupPosition) {
        let on_disk = watch::Sender::new(OnDisk { position, completed: 0 });
        let (mut tasks, ledger, stop) = (JoinSet::new(), Ledger::default(), CancellationToken::new());
        for (number, target) in self.settings.targets.iter().enumerate() {
            let lane = Lane {
                number,
                lanes: self.settings.targets.len(),
                target: target.clone(),
                archive: self.archive(&origin),
                origin,
                spool: self.spool.clone(),
                seal: self.settings.seal.clone(),
                ledger: ledger.clone(),
                status: self.status.clone(),
                on_disk: on_disk.subscribe(),
                flush_every: self.settings.flush_every,
            };
            tasks.spawn(lane.run(stop.clone()));
        }
        self.lanes = Some(Lanes { on_disk, tasks, stop });
    }
}
