//! What every connector answers with, and what every question carries: the clock and the deadline.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::ConnectorError;

/// When a question is asked and until when an answer is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    /// The time of day, for ages and expiry.
    pub now: Timestamp,
    /// The end of the whole question, retries and further pages included.
    pub deadline: Instant,
}

impl Asking {
    /// A question asked at `now` that may take `within`.
    pub fn at(now: Timestamp, within: Duration) -> Self {
        Self { now, deadline: Instant::now() + within }
    }
}

/// An answer and how far it may be believed. `S` names the rungs of the connector's ladder.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T, S> {
    /// What was found.
    pub value: T,
    /// The rung that spoke.
    pub source: S,
    /// How old the value is; zero when it was fetched for this question.
    pub age: Duration,
    /// Whether it is less than what was asked for.
    pub degraded: bool,
    /// 0 to 1: how much of the difference from what is usual the value can be trusted with. A convention of ours, by
    /// rung and age; not a probability.
    pub confidence: f64,
    /// Why a better rung did not answer.
    pub cause: Option<ConnectorError>,
}

impl<T, S> Answer<T, S> {
    /// The same with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U, S> {
        Answer {
            value: change(self.value),
            source: self.source,
            age: self.age,
            degraded: self.degraded,
            confidence: self.confidence,
            cause: self.cause,
        }
    }
}

/// The time from `then` to `now`, zero when the clock seems to have stepped back.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or(Duration::ZERO)
}
