//! Fetches the sales of every tenant's shop at its turn, and at once after a message. It runs beside the calls and
//! must not be in their way: a few shops at a time, small transactions, and whoever fails waits.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use larder_identity::TenantId;
use larder_lifecycle::Shutdown;

use crate::error::Error;
use crate::metrics;
use crate::shop::sync;
use crate::shop::tokens::Shops;
use crate::state::State;
use crate::store::connections::{self, Census};
use crate::training::read::Progress;

/// How often it is looked whose turn it is.
const LOOK: Duration = Duration::from_secs(5);
/// Shops that are fetched at once; a slow one holds up no more than its place.
const AT_ONCE: usize = 4;
/// Turns that are taken before it is looked again.
const TURNS: i64 = 64;

/// How the shops of this installation do, for health.
#[derive(Default)]
pub(crate) struct ShopsCensus {
    last: Mutex<Census>,
}

impl ShopsCensus {
    /// What is to be told of them; nothing when all is well.
    pub(crate) fn trouble(&self) -> Option<String> {
        let census = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = Vec::new();
        if census.failing > 0 {
            told.push(format!("{} of {} shops could not be fetched from", census.failing, census.connected));
        }
        if census.revoked > 0 {
            told.push(format!("{} shops must be connected again", census.revoked));
        }
        (!told.is_empty()).then(|| told.join("; "))
    }

    fn take(&self, census: Census, now_us: i64) {
        metrics::shops(
            census.connected,
            census.failing,
            census.revoked,
            census.oldest_answer_us.map(|us| now_us - us),
        );
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = census;
    }
}

/// Takes turns until shutdown; does nothing where Square is not set up.
pub(crate) async fn run(state: Arc<State>, shutdown: Shutdown) {
    if Shops::of(&state.connectors).is_err() {
        // A task that ends before the shutdown is one that failed.
        shutdown.wait().await;
        return;
    }
    loop {
        tokio::select! {
            () = shutdown.wait() => return,
            () = state.shop_nudge.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        let turns = tokio::select! {
            () = shutdown.wait() => return,
            turns = take_turns(&state) => turns,
        };
        if let Err(error) = turns {
            tracing::warn!(error.cause = %error, "shops cannot be looked at");
        }
    }
}

async fn take_turns(state: &State) -> Result<(), Error> {
    let now_us = (state.clock)();
    let mut connection = state.worker.acquire().await?;
    let due = connections::due(&mut connection, now_us, TURNS).await?;
    drop(connection);
    let turns = futures::stream::iter(due).for_each_concurrent(AT_ONCE, |tenant| async move {
        let Ok(tenant) = TenantId::parse(&tenant) else { return };
        match sync::run(state, &tenant, None, &Progress::default()).await {
            Ok(report) => tracing::debug!(
                tenant.id = %tenant,
                sales = report.sales,
                refused = report.refused,
                rung = report.rung,
                error.kind = report.cause.as_ref().map(larder_connectors::ConnectorError::kind),
                "shop synchronised"
            ),
            Err(Error::Busy(_) | Error::NotConnected) => {}
            Err(error) => {
                tracing::warn!(tenant.id = %tenant, error.cause = %error, "shop was not synchronised")
            }
        }
    });
    turns.await;
    let mut connection = state.worker.acquire().await?;
    state.shops.take(connections::census(&mut connection).await?, (state.clock)());
    Ok(())
}
