//! How connectors do, out.

use jiff::Timestamp;
use larder_connectors::{ConnectorStatus as Status, SourceStatus};
use larder_proto::larder::market::v1::{ConnectorSource, ConnectorStatus};
use larder_resilience::BreakerState;

use crate::convert::timestamp;

/// The message of one connector.
pub(crate) fn to_wire(status: Status) -> ConnectorStatus {
    let last = status.last_answer;
    ConnectorStatus {
        connector: status.connector.to_owned(),
        rung: last.map(|answer| answer.rung.to_owned()).unwrap_or_default(),
        degraded: last.is_some_and(|answer| answer.degraded),
        age_seconds: last.map_or(0, |answer| i64::try_from(answer.age.as_secs()).unwrap_or(i64::MAX)),
        answered_at: last.map(|answer| instant(answer.at)),
        sources: status.sources.into_iter().map(source).collect(),
    }
}

fn source(status: SourceStatus) -> ConnectorSource {
    let breaker = match status.breaker {
        BreakerState::Closed => "closed",
        BreakerState::HalfOpen => "half_open",
        BreakerState::Open => "open",
    };
    ConnectorSource {
        source: status.source.to_owned(),
        breaker: breaker.to_owned(),
        last_success_at: status.last_success.map(instant),
        last_error_at: status.last_error.as_ref().map(|error| instant(error.at)),
        last_error: status.last_error.map(|error| error.message).unwrap_or_default(),
    }
}

fn instant(at: Timestamp) -> prost_types::Timestamp {
    timestamp(at.as_microsecond())
}
