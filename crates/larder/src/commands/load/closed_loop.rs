//! Calls as fast as the answers come: each caller waits for its answer before it calls
//! again. Tells the most a server can do, not what its users would feel.

use std::time::{Duration, Instant};

use super::figures::Figures;
use super::target::Target;
use crate::clock;

/// Calls from `callers` callers at once; what happens during `warmup` is not counted.
pub(super) async fn measure(target: &Target, callers: u32, warmup: Duration, duration: Duration) -> Figures {
    let from = clock::instant() + warmup;
    let until = from + duration;
    let running: Vec<_> = (0..callers)
        .map(|caller| tokio::spawn(call_until(target.clone(), u64::from(caller), from, until)))
        .collect();
    let mut figures = Figures::new();
    for caller in running {
        if let Ok(seen) = caller.await {
            figures.add(&seen);
        }
    }
    figures.set_measured_for(duration);
    figures
}

async fn call_until(target: Target, caller: u64, from: Instant, until: Instant) -> Figures {
    let mut figures = Figures::new();
    // A large odd step gives every caller customers of its own.
    let mut number = caller.wrapping_mul(7_919);
    loop {
        let started = clock::instant();
        if started >= until {
            return figures;
        }
        let outcome = target.call(number).await;
        let ended = clock::instant();
        if started >= from && ended <= until {
            figures.record(ended - started, outcome);
        }
        number = number.wrapping_add(1);
    }
}
