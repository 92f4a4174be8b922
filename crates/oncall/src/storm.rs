//! How much a channel may be told: up to its limit every message goes out by itself; where more waits than it takes at
//! once, one digest tells it all, so that nothing is dropped and nobody gets thousands of messages.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::settings::MessageLimit;

/// What was sent over a channel lately. It is kept with the channel, so a restart does not begin a new allowance.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChannelLoad {
    /// When messages were sent, and how many; those of nearly the same time together.
    sent: VecDeque<(Timestamp, u32)>,
    /// It asked for a pause when it was sent something last.
    #[serde(default)]
    is_refusing: bool,
}

/// What may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowance {
    /// This many messages.
    Messages(u32),
    /// Nothing before this instant.
    Wait {
        /// When to ask again.
        until: Timestamp,
    },
}

impl ChannelLoad {
    /// How many messages may be sent. Whatever stretch of the limit's length is looked at, no more than the limit
    /// falls into it.
    pub fn allowance(&mut self, limit: &MessageLimit, now: Timestamp) -> Allowance {
        self.forget(limit, now);
        let used = self.sent.iter().fold(0_u32, |used, (_, messages)| used.saturating_add(*messages));
        match limit.messages.saturating_sub(used) {
            0 => {
                let oldest = self.sent.front().map_or(now, |(sent_at, _)| *sent_at);
                Allowance::Wait { until: window(limit).map_or(now, |window| later(oldest, window)) }
            }
            left => Allowance::Messages(left),
        }
    }

    /// Notes that messages went out. Times are rounded up to a sixtieth of the limit's length, which keeps the notes
    /// short and never allows too much.
    pub fn record(&mut self, messages: u32, limit: &MessageLimit, now: Timestamp) {
        if messages == 0 {
            return;
        }
        let sent_at = rounded_up(now, limit);
        match self.sent.back_mut().filter(|(known, _)| *known == sent_at) {
            Some((_, count)) => *count = count.saturating_add(messages),
            None => self.sent.push_back((sent_at, messages)),
        }
    }

    /// Notes whether the channel asked for a pause when it was sent something.
    pub fn note_pause(&mut self, asked_for: bool) {
        self.is_refusing = asked_for;
    }

    /// How many of the messages that may be sent are sent at once: after a pause one asks whether the channel goes on.
    pub fn at_once(&self, may_be_sent: u32) -> u32 {
        if self.is_refusing { may_be_sent.min(1) } else { may_be_sent }
    }

    /// Drops what is older than the limit's stretch of time, and what a clock that went back left in the future.
    fn forget(&mut self, limit: &MessageLimit, now: Timestamp) {
        let Some(window) = window(limit) else { return };
        let newest = rounded_up(now, limit);
        self.sent.retain(|(sent_at, _)| *sent_at <= newest && now.duration_since(*sent_at) < window);
    }
}

fn rounded_up(at: Timestamp, limit: &MessageLimit) -> Timestamp {
    let step = limit.per.as_millis() as i64 / 60;
    let (milliseconds, step) = (at.as_millisecond(), step.max(1));
    Timestamp::from_millisecond((milliseconds.div_euclid(step) + 1) * step).unwrap_or(at)
}

/// Whether what waits is told in a digest: it is more than anybody reads one by one, or than may be sent.
pub fn is_flood(waiting: u64, left: u32, limit: &MessageLimit) -> bool {
    waiting > u64::from(limit.digest_above.min(left))
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
    fn after_a_pause_one_message_asks_whether_the_channel_goes_on() {
        let mut load = ChannelLoad::default();
        assert_eq!(load.at_once(20), 20);
        load.note_pause(true);
        assert_eq!((load.at_once(20), load.at_once(0)), (1, 0));
        load.note_pause(false);
        assert_eq!(load.at_once(20), 20);
        let kept: ChannelLoad = serde_json::from_str(r#"{"sent": []}"#).expect("what an older release kept");
        assert_eq!(kept, ChannelLoad::default());
    }

    #[test]
    fn a_storm_becomes_digests_and_the_limit_holds() {
        let mut load = ChannelLoad::default();
        assert_eq!(load.allowance(&LIMIT, at(0)), Allowance::Messages(20));
        assert!(is_flood(10_000, 20, &LIMIT) && is_flood(11, 20, &LIMIT) && !is_flood(10, 20, &LIMIT));
        assert!(is_flood(4, 3, &LIMIT), "fewer are left than wait");
        load.record(1, &LIMIT, at(0));
        load.record(19, &LIMIT, at(10));
        assert_eq!(load.allowance(&LIMIT, at(11)), Allowance::Wait { until: at(61) });
        assert_eq!(load.allowance(&LIMIT, at(61)), Allowance::Messages(1), "the window slides");
        let kept = serde_json::to_string(&load).expect("JSON");
        assert_eq!(serde_json::from_str::<ChannelLoad>(&kept).expect("a load"), load);
    }

    #[test]
    fn a_clock_that_jumps_back_does_not_silence_a_channel() {
        let mut load = ChannelLoad::default();
        load.record(20, &LIMIT, at(3600));
        assert_eq!(load.allowance(&LIMIT, at(0)), Allowance::Messages(20));
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
                    let (out, covered) = match load.allowance(&limit, at(now)) {
                        Allowance::Messages(left) if is_flood(waiting.into(), left, &limit) => (1, waiting),
                        Allowance::Messages(_) => (waiting, waiting),
                        Allowance::Wait { .. } => break,
                    };
                    load.record(out, &limit, at(now));
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
