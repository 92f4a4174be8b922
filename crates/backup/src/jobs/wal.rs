//! Receives the log of the protected server for as long as the service runs, tells how much of it would
//! be lost, and takes a new full backup when some was.

use std::sync::Arc;
use std::time::Duration;

use larder_lifecycle::Shutdown;
use larder_replication::SlotName;
use larder_settings::Settings;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::error::BackupError;
use crate::manifest::BackupKind;
use crate::metrics;
use crate::operate::{self, CreateWishes};
use crate::progress::Progress;
use crate::state::State;
use crate::wal::{WalReceiver, WalSettings, WalState, WalStatus};

const TELL_INTERVAL: Duration = Duration::from_secs(5);

/// Starts to receive, unless the settings say not to.
///
/// # Errors
/// A slot's name that is none, or a spool that cannot be used.
pub(crate) fn start(settings: &Settings, state: &State) -> Result<Option<WalReceiver>, BackupError> {
    let backup = &settings.backup;
    if !backup.archive_wal {
        return Ok(None);
    }
    let slot = backup.wal_slot.parse::<SlotName>();
    let slot = slot.map_err(|error| BackupError::Refused(format!("`backup.wal_slot`: {error}")))?;
    let spool = backup.wal_spool.clone().unwrap_or_else(|| settings.data_dir.join("wal-spool"));
    let receiver = WalSettings {
        cluster: backup.cluster.clone(),
        connect: state.source.clone(),
        slot,
        spool: spool.join(&backup.cluster),
        spool_limit_bytes: backup.wal_spool_limit_bytes,
        flush_every: Duration::from_millis(backup.wal_flush_ms),
        allow_uncapped_slot: backup.wal_allow_uncapped_slot,
        targets: state.vault.targets.clone(),
        seal: state.vault.seal.clone(),
    };
    WalReceiver::start(receiver, state.clock, CancellationToken::new()).map(Some)
}

/// Follows the receiver until the process is asked to stop.
pub(crate) async fn follow(receiver: WalReceiver, state: Arc<State>, shutdown: Shutdown) {
    let status = receiver.status();
    let mut tick = interval(TELL_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut backed_up = 0;
    loop {
        tokio::select! {
            () = shutdown.wait() => break,
            _ = tick.tick() => {}
        }
        let now = status.borrow().clone();
        metrics::wal(&now, (state.clock)());
        if now.gaps.len() > backed_up {
            let taken = tokio::select! {
                () = shutdown.wait() => break,
                taken = back_up_again(&state) => taken,
            };
            if taken {
                backed_up = now.gaps.len();
            }
        }
    }
    receiver.stop().await;
}

/// Behind a gap nothing can be restored that began before it.
async fn back_up_again(state: &State) -> bool {
    let wishes = CreateWishes { kind: Some(BackupKind::Full), parent: None };
    match operate::create_backup(state, wishes, &Progress::silent()).await {
        Ok(_) => true,
        Err(error) => {
            tracing::error!(error.cause = %error, "the full backup that a gap in the log calls for failed");
            false
        }
    }
}

/// Why the log is not received, if it is not.
pub(crate) fn complaint(status: &watch::Receiver<WalStatus>) -> Option<String> {
    let status = status.borrow();
    match &status.state {
        WalState::Stopped => Some("the log is not received any more".to_owned()),
        WalState::Connecting | WalState::Streaming if status.slot_is_half_full() => {
            Some("the server keeps half or more of the log that it may keep for us".to_owned())
        }
        _ => status.obstacle(),
    }
}
