//! Checks of outgoing dependencies that ask nothing of them: the breaker already knows how they do.

use std::time::Duration;

use larder_resilience::{BreakerState, Policy};

use crate::check::{Check, CheckOutcome};
use crate::level::Level;

/// Reading a breaker takes no time; the limit is a formality.
const LIMIT: Duration = Duration::from_secs(1);

/// A check named after the policy's dependency: healthy while the breaker is closed, degraded while it probes, and
/// `when_open` while it is open.
pub fn breaker(policy: Policy, when_open: Level) -> Check {
    Check::optional(policy.name(), LIMIT, move || {
        let outcome = judge(policy.breaker_state(), when_open);
        async move { outcome }
    })
}

fn judge(state: BreakerState, when_open: Level) -> CheckOutcome {
    let cause = match state {
        BreakerState::Closed => return CheckOutcome::healthy(),
        BreakerState::HalfOpen => {
            return CheckOutcome::degraded("calls failed; a few are let through to try");
        }
        BreakerState::Open => "calls fail and are held back",
    };
    CheckOutcome { level: when_open, cause: Some(cause.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_resilience::Outcome;
    use larder_settings::ResilienceSettings;

    async fn call(policy: &Policy, answer: Result<(), ()>) {
        let _ = policy.call(None, false, |_| async { answer }, |()| Outcome::Failure).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_level_follows_the_breaker() {
        let settings = ResilienceSettings {
            breaker_min_calls: 2,
            breaker_half_open_calls: 1,
            breaker_open: Duration::from_secs(5),
            ..ResilienceSettings::default()
        };
        let policy = Policy::seeded("square", &settings, 1);
        let check = breaker(policy.clone(), Level::Unhealthy);
        assert_eq!(check.name, "square");
        assert_eq!((check.run)().await, CheckOutcome::healthy());

        call(&policy, Err(())).await;
        call(&policy, Err(())).await;
        let open = (check.run)().await;
        assert_eq!((open.level, open.cause.is_some()), (Level::Unhealthy, true));

        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!((check.run)().await.level, Level::Degraded);
        call(&policy, Ok(())).await;
        assert_eq!((check.run)().await, CheckOutcome::healthy());
    }

    #[test]
    fn an_open_breaker_is_as_bad_as_told() {
        assert_eq!(judge(BreakerState::Open, Level::Degraded).level, Level::Degraded);
        assert_eq!(judge(BreakerState::HalfOpen, Level::Unhealthy).level, Level::Degraded);
    }
}
