//! How an outside service can fail us. No variant carries a URL or a body: either may hold a key.

use std::time::Duration;

use larder_resilience::{CallError, Outcome};

/// The pause asked for when a service says "too many requests" and not for how long.
const UNNAMED_PAUSE: Duration = Duration::from_millis(500);

/// Why an outside service gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectorError {
    /// The token or key is not accepted (401, 403).
    #[error("the credentials were not accepted: {reason}")]
    Unauthorised {
        /// 401 when it is not known who asks, 403 when that one may not.
        status: u16,
        /// What the service said of it.
        reason: String,
    },
    /// 429: we asked too often.
    #[error("the service asks to be asked less often")]
    RateLimited {
        /// When to come back, if it said so.
        retry_after: Option<Duration>,
    },
    /// Another 4xx: the question was not accepted.
    #[error("the question was refused with status {status}: {reason}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the service said of it.
        reason: String,
    },
    /// 5xx or 408.
    #[error("the service failed with status {status}")]
    Failing {
        /// The HTTP status.
        status: u16,
        /// When to come back, if it said so.
        retry_after: Option<Duration>,
    },
    /// An answer that is not of the shape that was agreed: HTML, half a page, another unit.
    #[error("the answer cannot be used: {reason}")]
    NotUnderstood {
        /// What is wrong with it.
        reason: String,
    },
    /// The answer is longer than we are ready to read.
    #[error("the answer is longer than {limit_bytes} bytes")]
    TooLarge {
        /// What would have been read.
        limit_bytes: usize,
    },
    /// No connection, or one that was lost half-way.
    #[error("the service could not be reached: {reason}")]
    Unreachable {
        /// What the network said.
        reason: String,
    },
    /// No answer in time.
    #[error("the service did not answer in time")]
    Timeout,
    /// Nothing was sent: it failed or limited us lately and is left in peace.
    #[error("the service is left in peace for {} s more", retry_after.as_secs_f64().ceil())]
    Resting {
        /// When it will be asked again.
        retry_after: Duration,
    },
    /// Nothing was sent: too many questions are under way.
    #[error("too many questions to the service are under way")]
    Busy,
    /// It answered, but has nothing on what was asked (a day too far ahead, a place it does not cover).
    #[error("the service knows nothing of that: {reason}")]
    NotCovered {
        /// What it does not know.
        reason: String,
    },
    /// Nobody said where to ask or with which key.
    #[error("the service is not configured")]
    NotConfigured,
}

impl ConnectorError {
    /// The label of metrics and of health.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unauthorised { .. } => "unauthorised",
            Self::RateLimited { .. } => "rate_limited",
            Self::Refused { .. } => "refused",
            Self::Failing { .. } => "failing",
            Self::NotUnderstood { .. } => "not_understood",
            Self::TooLarge { .. } => "too_large",
            Self::Unreachable { .. } => "unreachable",
            Self::Timeout => "timeout",
            Self::Resting { .. } => "resting",
            Self::Busy => "busy",
            Self::NotCovered { .. } => "not_covered",
            Self::NotConfigured => "not_configured",
        }
    }

    /// When it is worth asking again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Failing { retry_after, .. } => *retry_after,
            Self::Resting { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    pub(crate) fn not_understood(reason: impl Into<String>) -> Self {
        Self::NotUnderstood { reason: reason.into() }
    }

    /// Joins the policy's refusals with the service's own.
    pub(crate) fn from_call(error: CallError<Self>) -> Self {
        match error {
            CallError::Inner(inner) => inner,
            CallError::Timeout => Self::Timeout,
            CallError::BreakerOpen { retry_after } => Self::Resting { retry_after },
            CallError::BulkheadFull => Self::Busy,
        }
    }

    /// What one attempt's error says about the service, for [`larder_resilience::Policy::call`].
    pub(crate) fn judge(&self) -> Outcome {
        match self {
            Self::RateLimited { retry_after } => {
                Outcome::RetryableAfter(retry_after.unwrap_or(UNNAMED_PAUSE))
            }
            Self::Failing { retry_after: Some(hint), .. } => Outcome::RetryableAfter(*hint),
            Self::Failing { retry_after: None, .. } | Self::Unreachable { .. } | Self::Timeout => {
                Outcome::Retryable
            }
            // Half a page may be whole the next time.
            Self::NotUnderstood { .. } => Outcome::Retryable,
            Self::TooLarge { .. } => Outcome::Failure,
            _ => Outcome::Success,
        }
    }
}
