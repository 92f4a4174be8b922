//! How many users there are when, and when each of their calls is due. Users act on their own, so calls come as a
//! Poisson process, and no call waits for the answer to another.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A number of users that stays the same for a while.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) users: u32,
    pub(crate) length: Duration,
}

/// Who calls how often, from the start to the end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) steps: Vec<Step>,
    /// What each user does, on average.
    pub(crate) calls_per_user_s: f64,
}

/// A call that is to leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Due {
    pub(crate) number: u64,
    /// After the start.
    pub(crate) at: Duration,
    /// Decides what is called, and about whom.
    pub(crate) draw: u64,
}

impl Shape {
    /// From the first call to the last.
    pub(crate) fn length(&self) -> Duration {
        self.steps.iter().map(|step| step.length).sum()
    }

    /// How many calls there will be, about.
    pub(crate) fn expected_calls(&self) -> f64 {
        let calls = |step: &Step| f64::from(step.users) * step.length.as_secs_f64();
        self.steps.iter().map(calls).sum::<f64>() * self.calls_per_user_s
    }

    /// When each step begins.
    pub(crate) fn starts(&self) -> Vec<Duration> {
        let lengths = self.steps.iter().map(|step| step.length);
        lengths.scan(Duration::ZERO, |end, length| Some(std::mem::replace(end, *end + length))).collect()
    }

    /// The calls in the order in which they leave; the same ones for the same seed.
    pub(crate) fn calls(&self, seed: u64) -> impl Iterator<Item = Due> + Send + use<> {
        let (shape, mut random) = (self.clone(), StdRng::seed_from_u64(seed));
        let (mut reached, mut number) = (0.0, 0);
        std::iter::from_fn(move || {
            // The pause between two events of a process with the rate 1, in expected calls.
            reached -= (1.0 - random.random::<f64>()).ln();
            let due = Due { number, at: shape.when(reached)?, draw: random.random() };
            number += 1;
            Some(due)
        })
    }

    /// When so many calls are expected to have left.
    fn when(&self, mut calls: f64) -> Option<Duration> {
        let mut start = Duration::ZERO;
        for step in &self.steps {
            let rate = f64::from(step.users) * self.calls_per_user_s;
            let in_step = rate * step.length.as_secs_f64();
            if calls < in_step {
                return Some(start + Duration::from_secs_f64(calls / rate));
            }
            calls -= in_step;
            start += step.length;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spike() -> Shape {
        let step = |name, users, length| Step { name, users, length: Duration::from_secs(length) };
        let steps = vec![step("before", 5, 100), step("peak", 100, 50), step("after", 5, 100)];
        Shape { steps, calls_per_user_s: 2.0 }
    }

    #[test]
    fn every_step_gets_the_calls_of_its_users_and_nobody_calls_outside() {
        let shape = spike();
        assert_eq!(shape.expected_calls(), 12_000.0);
        assert_eq!(shape.starts(), [0, 100, 150].map(Duration::from_secs));
        let calls: Vec<Due> = shape.calls(7).collect();
        let between = |from: u64, to: u64| {
            let range = Duration::from_secs(from)..Duration::from_secs(to);
            calls.iter().filter(|due| range.contains(&due.at)).count() as f64
        };
        // Four standard deviations of a Poisson count.
        for (count, expected) in
            [(between(0, 100), 1_000.0), (between(100, 150), 10_000.0), (between(150, 250), 1_000.0_f64)]
        {
            assert!((count - expected).abs() < 4.0 * expected.sqrt(), "{count} of {expected}");
        }
        assert!(calls.is_sorted_by_key(|due| due.at));
        assert!(calls.iter().all(|due| due.at < shape.length()));
    }

    #[test]
    fn pauses_are_those_of_users_who_act_on_their_own() {
        let calls: Vec<Due> = spike().calls(11).filter(|due| due.at.as_secs() < 100).collect();
        let pauses: Vec<f64> = calls.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect();
        let mean = pauses.iter().sum::<f64>() / pauses.len() as f64;
        let variance = pauses.iter().map(|pause| (pause - mean).powi(2)).sum::<f64>() / pauses.len() as f64;
        // An exponential distribution's deviation is its mean; that of an even pace would be 0.
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.15, "{mean} {variance}");
    }

    #[test]
    fn a_seed_is_a_run_that_can_be_repeated() {
        let of = |seed| spike().calls(seed).take(50).collect::<Vec<_>>();
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
    }
}
