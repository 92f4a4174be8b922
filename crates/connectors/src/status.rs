//! How the connectors do, for health and for whoever asks: last success, last error, breaker, rung.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use larder_resilience::BreakerState;
use serde::{Serialize, Serializer};

use crate::{Answer, ConnectorError, meters};

/// One connector: its ladder and the services behind it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConnectorStatus {
    /// `square`, `weather`, `events` or `holidays`.
    pub connector: &'static str,
    /// Its last answer; none before the first.
    pub last_answer: Option<LastAnswer>,
    /// The services it asks, the preferred one first.
    pub sources: Vec<SourceStatus>,
}

/// What the last answer of a ladder was worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LastAnswer {
    /// The rung that spoke.
    pub rung: &'static str,
    /// How old its value was.
    #[serde(rename = "age_seconds", serialize_with = "whole_seconds")]
    pub age: Duration,
    /// Whether it was less than what was asked for.
    pub degraded: bool,
    /// When it was given.
    pub at: Timestamp,
}

/// One outside service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceStatus {
    /// Its name, which is also the label of its metrics.
    pub source: &'static str,
    /// When it last answered well.
    pub last_success: Option<Timestamp>,
    /// The last failure.
    pub last_error: Option<LastError>,
    /// What the breaker would do with a call now.
    #[serde(serialize_with = "breaker_name")]
    pub breaker: BreakerState,
}

/// A failure and when it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// The kind, see [`ConnectorError::kind`].
    pub kind: &'static str,
    /// The same in words, without addresses and keys.
    pub message: String,
}

impl ConnectorStatus {
    /// Whether something is to be told: the last answer was less than asked for, or a breaker is not closed.
    pub fn is_degraded(&self) -> bool {
        self.last_answer.is_some_and(|answer| answer.degraded)
            || self.sources.iter().any(|source| source.breaker != BreakerState::Closed)
    }
}

/// Successes and failures of one service, as they come.
#[derive(Debug, Default)]
pub(crate) struct SourceRecord {
    last: Mutex<(Option<Timestamp>, Option<LastError>)>,
}

impl SourceRecord {
    pub(crate) fn note<T>(&self, source: &'static str, result: &Result<T, ConnectorError>, now: Timestamp) {
        let mut last = lock(&self.last);
        match result {
            Ok(_) => last.0 = Some(now),
            Err(error) => {
                meters::failed(source, error.kind());
                last.1 = Some(LastError { at: now, kind: error.kind(), message: error.to_string() });
            }
        }
    }

    pub(crate) fn status(&self, source: &'static str, breaker: BreakerState) -> SourceStatus {
        let last = lock(&self.last);
        SourceStatus { source, last_success: last.0, last_error: last.1.clone(), breaker }
    }
}

/// The last answer of one ladder.
#[derive(Debug)]
pub(crate) struct LadderRecord {
    connector: &'static str,
    last: Mutex<Option<LastAnswer>>,
}

impl LadderRecord {
    pub(crate) fn new(connector: &'static str) -> Self {
        Self { connector, last: Mutex::new(None) }
    }

    /// Notes an answer, counts it, and tells when the rung is another than the last time.
    pub(crate) fn note<T, S>(&self, answer: &Answer<T, S>, rung: &'static str, now: Timestamp) {
        meters::answered(self.connector, rung, answer.degraded, answer.age);
        let before = lock(&self.last).replace(LastAnswer {
            rung,
            age: answer.age,
            degraded: answer.degraded,
            at: now,
        });
        if before.is_some_and(|before| before.rung != rung) || (before.is_none() && answer.degraded) {
            tracing::info!(
                connector = self.connector,
                rung,
                degraded = answer.degraded,
                error.kind = answer.cause.as_ref().map(ConnectorError::kind),
                "connector answers from another rung"
            );
        }
    }

    pub(crate) fn status(&self, sources: Vec<SourceStatus>) -> ConnectorStatus {
        ConnectorStatus { connector: self.connector, last_answer: *lock(&self.last), sources }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn breaker_name<S: Serializer>(state: &BreakerState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match state {
        BreakerState::Closed => "closed",
        BreakerState::HalfOpen => "half_open",
        BreakerState::Open => "open",
    })
}

fn whole_seconds<S: Serializer>(age: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(age.as_secs())
}
