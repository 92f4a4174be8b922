//! How a call through a policy can end badly: the dependency's own error, or one of the policy's refusals.

use std::time::Duration;

/// Why a call gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError<E> {
    /// The dependency answered with an error; this is the one of the last attempt.
    #[error("{0}")]
    Inner(E),
    /// The last attempt was cut at its time limit; whether the dependency did the work is unknown.
    #[error("the dependency did not answer in time")]
    Timeout,
    /// The breaker is open, so nothing was sent.
    #[error("the dependency is failing and is given a pause; retry after {} ms", retry_after.as_millis())]
    BreakerOpen {
        /// When it is worth asking again.
        retry_after: Duration,
    },
    /// Too many calls are in flight or waiting, so nothing was sent.
    #[error("too many calls to the dependency are in flight")]
    BulkheadFull,
}

impl<E> CallError<E> {
    /// The hint to pass on to the caller (`Retry-After`, `google.rpc.RetryInfo`), where the policy has one.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::BreakerOpen { retry_after } => Some(*retry_after),
            Self::BulkheadFull => Some(Duration::from_secs(1)),
            Self::Inner(_) | Self::Timeout => None,
        }
    }

    /// Changes the dependency's error and leaves the policy's refusals as they are.
    pub fn map_inner<F>(self, change: impl FnOnce(E) -> F) -> CallError<F> {
        match self {
            Self::Inner(error) => CallError::Inner(change(error)),
            Self::Timeout => CallError::Timeout,
            Self::BreakerOpen { retry_after } => CallError::BreakerOpen { retry_after },
            Self::BulkheadFull => CallError::BulkheadFull,
        }
    }
}
