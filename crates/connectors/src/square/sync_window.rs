//! Which period must be asked again, and when what was sold on a market day is final. A point of sale without a
//! connection sends its orders up to 72 hours late, and markets are often without one.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How late an order taken offline may arrive.
pub const OFFLINE_LIMIT: Duration = Duration::from_secs(72 * 3_600);

const OFFLINE: SignedDuration = SignedDuration::from_hours(72);

/// A stretch of time, its end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// First instant.
    pub from: Timestamp,
    /// First instant after it.
    pub to: Timestamp,
}

impl Period {
    /// Whether an instant lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// The same stretch in parts of at most `days` (at least one), the newest first: what matters most comes first.
    pub fn newest_first(&self, days: u32) -> Vec<Self> {
        let length = SignedDuration::from_hours(24 * i64::from(days.max(1)));
        let mut parts = Vec::new();
        let mut to = self.to;
        while to > self.from {
            let from = to.checked_sub(length).unwrap_or(self.from).max(self.from);
            parts.push(Self { from, to });
            to = from;
        }
        parts
    }
}

/// How firm the figures of a market day are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActualState {
    /// The day is not over.
    Open,
    /// Orders taken offline may still arrive; final once a question asked at `final_at` or later was answered.
    Provisional {
        /// 72 hours after the end of the day.
        final_at: Timestamp,
    },
    /// Nothing can arrive any more.
    Final,
}

/// What to ask for now: everything since 72 hours before the last question that was answered in full, or since
/// `first_wanted` when there was none.
pub fn window_to_ask(last_answered: Option<Timestamp>, first_wanted: Timestamp, now: Timestamp) -> Period {
    let from = match last_answered {
        // A clock that was ahead must not make a hole.
        Some(last) => last.min(now).checked_sub(OFFLINE).unwrap_or(first_wanted).max(first_wanted),
        None => first_wanted,
    };
    Period { from: from.min(now), to: now }
}

/// How firm the figures of a day that ended at `day_end` are, with `last_answered` the last question answered in full.
pub fn actual_state(day_end: Timestamp, last_answered: Option<Timestamp>, now: Timestamp) -> ActualState {
    if now < day_end {
        return ActualState::Open;
    }
    let final_at = day_end.checked_add(OFFLINE).unwrap_or(Timestamp::MAX);
    match last_answered {
        Some(last) if last >= final_at && now >= final_at => ActualState::Final,
        _ => ActualState::Provisional { final_at },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_last_three_days_are_always_asked_again() {
        let first = at("2026-01-01T00:00:00Z");
        let now = at("2026-11-23T12:00:00Z");
        let window = window_to_ask(Some(at("2026-11-22T06:00:00Z")), first, now);
        assert_eq!(window, Period { from: at("2026-11-19T06:00:00Z"), to: now });
        assert_eq!(window_to_ask(None, first, now).from, first);
        let ahead = window_to_ask(Some(at("2030-01-01T00:00:00Z")), first, now);
        assert_eq!(ahead.from, at("2026-11-20T12:00:00Z"), "a clock that was ahead makes no hole");
    }

    #[test]
    fn a_day_is_final_only_after_a_question_that_could_know_everything() {
        let end = at("2026-11-21T22:00:00Z");
        let last = at("2026-11-24T22:00:00Z");
        assert_eq!(actual_state(end, None, at("2026-11-21T21:00:00Z")), ActualState::Open);
        let provisional = ActualState::Provisional { final_at: last };
        assert_eq!(actual_state(end, None, at("2026-12-24T00:00:00Z")), provisional);
        assert_eq!(
            actual_state(end, Some(at("2026-11-24T21:59:59Z")), at("2026-12-01T00:00:00Z")),
            provisional
        );
        assert_eq!(actual_state(end, Some(last), at("2026-11-24T22:00:01Z")), ActualState::Final);
    }

    proptest! {
        /// An order that arrives at most 72 hours late is seen by some question, whenever questions are asked.
        #[test]
        fn no_late_order_is_missed(
            gaps_h in prop::collection::vec(1_i64..200, 1..20),
            made_h in 0_i64..1_000,
            late_h in 0_i64..=72,
        ) {
            let start = at("2026-01-01T00:00:00Z");
            let hours = |count: i64| start + SignedDuration::from_hours(count);
            let (made, arrives) = (hours(made_h), hours(made_h + late_h));
            let mut clock = 0;
            let mut last = None;
            let mut seen = false;
            for gap in gaps_h.into_iter().chain([2_000]) {
                clock += gap;
                let window = window_to_ask(last, start, hours(clock));
                seen |= window.contains(made) && arrives < hours(clock);
                last = Some(hours(clock));
                let state = actual_state(made + SignedDuration::from_hours(1), last, hours(clock));
                prop_assert!(state != ActualState::Final || seen, "final before the order was seen");
            }
            prop_assert!(seen);
        }

        #[test]
        fn parts_cover_the_period_once(days in 1_u32..40, hours in 1_i64..5_000) {
            let from = at("2026-01-01T00:00:00Z");
            let period = Period { from, to: from + SignedDuration::from_hours(hours) };
            let parts = period.newest_first(days);
            prop_assert_eq!(parts[0].to, period.to);
            prop_assert_eq!(parts[parts.len() - 1].from, period.from);
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].from, pair[1].to);
            }
        }
    }
}
