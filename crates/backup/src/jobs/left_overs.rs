//! Takes away what killed processes of this machine had begun to store and nobody will finish: parts of uploads
//! that no list shows, and objects without a manifest. What became a backup at a target stays there.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use larder_lifecycle::Shutdown;
use tokio::time::{MissedTickBehavior, interval};

use crate::error::BackupError;
use crate::metrics;
use crate::operate;
use crate::state::State;
use crate::under_way::{Kind, Left};

/// A target that is away is asked again.
const AGAIN: Duration = Duration::from_secs(300);
/// Later than any clock: whatever lies below the name of something that nobody works at was begun before.
const WHENEVER: Duration = Duration::from_secs(4_000_000_000);

/// Looks at the start, and every few minutes after it.
pub(crate) async fn run(state: Arc<State>, shutdown: Shutdown) {
    let mut tick = interval(AGAIN);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.wait() => return,
            _ = tick.tick() => {}
        }
        tokio::select! {
            () = shutdown.wait() => return,
            () = look(&state) => {}
        }
    }
}

async fn look(state: &State) {
    let left = match state.under_way.left() {
        Ok(left) => left,
        Err(error) => {
            tracing::warn!(error.cause = %error, "the notes of what was being stored cannot be read");
            return;
        }
    };
    for left in left {
        let id = left.id.clone();
        match take_away(state, &left).await {
            Ok(uploads) => {
                tracing::warn!(backup.id = %id, upload.count = uploads, "what was broken off half-way is taken away");
                left.done();
            }
            // The sweep of retention goes by the age, at every target.
            Err(_) if operate::is_left_over(&id, (state.clock)()) => left.done(),
            Err(error) => {
                metrics::failed("take_away_left_overs", error.stage());
                tracing::warn!(backup.id = %id, error.cause = %error, "what was broken off half-way is still there");
            }
        }
    }
}

/// Returns how many uploads were aborted.
async fn take_away(state: &State, left: &Left) -> Result<usize, BackupError> {
    let (vault, id) = (&state.vault, &left.id);
    let prefix = match left.kind {
        Kind::Backup => format!("{}{id}/", vault.prefix()),
        Kind::Dump => format!("{}{id}/", vault.dump_prefix()),
    };
    let mut uploads = 0;
    for target in &vault.targets {
        uploads += target.remove_unfinished(&prefix, SystemTime::UNIX_EPOCH + WHENEVER).await?;
        match left.kind {
            Kind::Backup => match vault.read_manifest(target, id).await {
                Err(BackupError::NoSuchBackup(_)) => vault.remove(target, id).await?,
                // It is a backup, whole or damaged, and no left-over.
                Ok(_) | Err(BackupError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            },
            Kind::Dump => match vault.read_dump_manifest(target, id).await {
                Err(BackupError::NoSuchDump(_)) => vault.remove_dump(target, id).await?,
                Ok(_) | Err(BackupError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            },
        }
    }
    Ok(uploads)
}
