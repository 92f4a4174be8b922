//! How much a channel may be told: up to its limit every message goes out by itself, and what comes beyond it is
//! gathered into one digest, so that nothing is dropped and nobody gets thousands of messages.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::settings::MessageLimit;

/// What was sent over a channel lately. It is kept with the channel, so a restart does not begin a new allowance.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChannelLoad {
    sent: VecDeque<Timestamp>,
    paused_until: Option<Timestamp>,
}

/// What may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowance {
    /// This many messages, each by itself.
    Each {
        /// At least one.
        messages: u32,
    },
    /// One digest of everything that waits.
    Digest,
    /// Nothing before this instant.
    Wait {
        /// When to ask again.
        until: Timestamp,
    },
}

impl ChannelLoad {
    /// What may be sent when so many messages wait. The last message of an allowance is kept for the digest as soon
    /// as more wait than the rest of the allowance can carry; pages for people go before others, which is the
    /// caller's order of the queue.
    pub fn allowance(&mut self, waiting: u32, limit: &MessageLimit, now: Timestamp) -> Allowance {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Allowance::Wait { until };
        }
        self.paused_until = None;
        self.forget(limit, now);
        let used = u32::try_from(self.sent.len()).unwrap_or(u32::MAX);
        let left = limit.messages.saturating_sub(used);
        if left == 0 {
            let oldest = self.sent.front().copied().unwrap_or(now);
            return Allowance::Wait { until: window(limit).map_or(now, |window| later(oldest, window)) };
        }
        if waiting > left || waiting >= limit.digest_above.max(2) && waiting > left.saturating_sub(1) {
            return if left == 1 { Allowance::Digest } else { Allowance::Each { messages: left - 1 } };
        }
        Allowance::Each { messages: waiting.max(1).min(left) }
    }

    /// Notes that messages went out.
    pub fn record(&mut self, messages: u32, now: Timestamp) {
        self.sent.extend(std::iter::repeat_n(now, messages as usize));
    }

    /// Notes that the receiver asked for silence until an instant, as an HTTP 429 does. An earlier end than one that
    /// is known already changes nothing.
    pub fn pause(&mut self, until: Timestamp) {
        self.paused_until = self.paused_until.max(Some(until));
    }

    /// Drops what is older than the limit's stretch of time, and what a clock that went back left in the future.
    fn forget(&mut self, limit: &MessageLimit, now: Timestamp) {
        let Some(window) = window(limit) else { return };
        self.sent.retain(|sent_at| *sent_at <= now && now.duration_since(*sent_at) < window);
    }
}

fn window(limit: &MessageLimit) -> Option<SignedDuration> {
    SignedDuration::try_from(limit.per).ok()
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + seconds).expect("an instant")
    }

    const LIMIT: MessageLimit = MessageLimit { messages: 20, per: Duration::from_secs(60), digest_above: 10 };

    #[test]
    fn a_storm_becomes_single_messages_and_one_digest() {
        let mut load = ChannelLoad::default();
        let mut waiting = 10_000;
        assert_eq!(load.allowance(waiting, &LIMIT, at(0)), Allowance::Each { messages: 19 });
        load.record(19, at(0));
        waiting -= 19;
        assert_eq!(load.allowance(waiting, &LIMIT, at(0)), Allowance::Digest);
        load.record(1, at(0));
        assert_eq!(load.allowance(5, &LIMIT, at(1)), Allowance::Wait { until: at(60) });
        assert_eq!(load.allowance(5, &LIMIT, at(60)), Allowance::Each { messages: 5 });
    }

    #[test]
    fn a_pause_holds_and_only_grows() {
        let mut load = ChannelLoad::default();
        load.pause(at(30));
        load.pause(at(10));
        assert_eq!(load.allowance(1, &LIMIT, at(29)), Allowance::Wait { until: at(30) });
        assert_eq!(load.allowance(1, &LIMIT, at(30)), Allowance::Each { messages: 1 });
    }

    #[test]
    fn a_clock_that_jumps_back_does_not_silence_a_channel() {
        let mut load = ChannelLoad::default();
        load.record(20, at(3600));
        assert_eq!(load.allowance(1, &LIMIT, at(0)), Allowance::Each { messages: 1 });
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_the_limit(
            arrivals in prop::collection::vec((0_i64..20, 0_u32..200), 1..60),
            messages in 1_u32..30,
        ) {
            let limit = MessageLimit { messages, ..LIMIT };
            let (mut load, mut waiting, mut now) = (ChannelLoad::default(), 0_u32, 0);
            let mut sent: Vec<i64> = Vec::new();
            let mut told = 0;
            let mut arrived = 0;
            for (pause, more) in arrivals.into_iter().chain([(600, 0), (600, 0), (600, 0)]) {
                now += pause;
                waiting += more;
                arrived += more;
                while waiting > 0 {
                    let (out, covered) = match load.allowance(waiting, &limit, at(now)) {
                        Allowance::Each { messages } => (messages, messages),
                        Allowance::Digest => (1, waiting),
                        Allowance::Wait { .. } => break,
                    };
                    load.record(out, at(now));
                    sent.extend(std::iter::repeat_n(now, out as usize));
                    waiting -= covered;
                    told += covered;
                }
            }
            prop_assert_eq!((waiting, told), (0, arrived), "everything is told");
            for (first, &start) in sent.iter().enumerate() {
                let within = sent[first..].iter().filter(|&&time| time < start + 60).count();
                prop_assert!(within <= messages as usize, "{within} in one window");
            }
        }
    }
}
