//! What a gateway has counted of its callers, read from the metrics on its ops port: how many calls, how many of
//! them ended with 5xx, how long they took. Counters only grow; what happened meanwhile is a difference.

use std::collections::BTreeMap;
use std::time::Duration;

const COUNT: &str = "http_server_request_duration_seconds_count";
const BUCKET: &str = "http_server_request_duration_seconds_bucket";

/// The counters of one moment, or what they grew by.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Traffic {
    calls: u64,
    failed: u64,
    /// Calls answered within so many microseconds.
    within_us: BTreeMap<u64, u64>,
}

impl Traffic {
    /// Reads Prometheus's text format; lines of other metrics are passed over.
    pub(super) fn parse(text: &str) -> Self {
        let mut traffic = Self::default();
        for line in text.lines() {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let Some((name, labels)) = series.split_once('{') else { continue };
            if !labels.contains("service=\"gateway\"") {
                continue;
            }
            let count = value.parse::<f64>().unwrap_or_default() as u64;
            match name {
                COUNT => {
                    traffic.calls += count;
                    let is_failure = label(labels, "http_response_status_code").starts_with('5');
                    traffic.failed += if is_failure { count } else { 0 };
                }
                BUCKET => {
                    if let Ok(limit) = label(labels, "le").parse::<f64>()
                        && limit.is_finite()
                    {
                        *traffic.within_us.entry((limit * 1e6) as u64).or_default() += count;
                    }
                }
                _ => {}
            }
        }
        traffic
    }

    /// What was added since `before`; everything, when the process began anew meanwhile.
    pub(super) fn since(&self, before: &Self) -> Self {
        if self.calls < before.calls {
            return self.clone();
        }
        let grown = |limit: &u64, count: &u64| {
            count.saturating_sub(before.within_us.get(limit).copied().unwrap_or_default())
        };
        Self {
            calls: self.calls - before.calls,
            failed: self.failed.saturating_sub(before.failed),
            within_us: self.within_us.iter().map(|(limit, count)| (*limit, grown(limit, count))).collect(),
        }
    }

    /// How many calls there were.
    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    /// How many of them ended with 5xx.
    pub(super) fn failed(&self) -> u64 {
        self.failed
    }

    /// The bucket within which 99 of 100 were answered; the largest one when they were not.
    pub(super) fn p99(&self) -> Duration {
        let wanted = (self.calls * 99).div_ceil(100);
        let reached = self.within_us.iter().find(|(_, count)| **count >= wanted);
        let limit = reached.or(self.within_us.last_key_value()).map_or(0, |(limit, _)| *limit);
        Duration::from_micros(limit)
    }
}

/// The value of a label among `a="b",c="d"}`.
fn label<'a>(labels: &'a str, name: &str) -> &'a str {
    let pairs = labels.trim_end_matches('}').split(',');
    let mut values = pairs.filter_map(|pair| pair.split_once('=')).filter(|(label, _)| *label == name);
    values.next().map_or("", |(_, value)| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "\
# TYPE http_server_request_duration_seconds histogram
http_server_request_duration_seconds_bucket{http_route=\"/v1/a\",service=\"gateway\",le=\"0.005\"} 90
http_server_request_duration_seconds_bucket{http_route=\"/v1/a\",service=\"gateway\",le=\"0.25\"} 100
http_server_request_duration_seconds_bucket{http_route=\"/v1/a\",service=\"gateway\",le=\"+Inf\"} 100
http_server_request_duration_seconds_count{http_response_status_code=\"200\",service=\"gateway\"} 99
http_server_request_duration_seconds_count{http_response_status_code=\"502\",service=\"gateway\"} 1
http_server_request_duration_seconds_count{http_response_status_code=\"500\",service=\"console\"} 7
larder_panics_total 3
";

    #[test]
    fn counters_of_all_routes_are_added_up_and_others_are_not() {
        let traffic = Traffic::parse(BEFORE);
        assert_eq!((traffic.calls(), traffic.failed()), (100, 1));
        assert_eq!(traffic.p99(), Duration::from_millis(250));
    }

    #[test]
    fn only_what_came_since_counts_and_a_restart_begins_anew() {
        let before = Traffic::parse(BEFORE);
        let after = Traffic::parse(
            &BEFORE.replace("} 90", "} 190").replace("} 100", "} 200").replace("} 99", "} 199"),
        );
        let grown = after.since(&before);
        assert_eq!((grown.calls(), grown.failed(), grown.p99()), (100, 0, Duration::from_millis(5)));
        assert_eq!(before.since(&after), before);
    }
}
