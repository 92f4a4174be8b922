//! The breaker's life on a hand-driven clock, and its laws under random outcomes.

use super::*;
use proptest::prelude::*;

const LIMITS: BreakerLimits =
    BreakerLimits { failure_ratio: 0.5, min_calls: 4, open_for: Duration::from_secs(5), half_open_calls: 3 };

fn pass(breaker: &mut Breaker, verdict: Verdict, now: Instant) {
    let admission = breaker.admit(now).expect("the breaker lets the call pass");
    breaker.record(admission, verdict, now);
}

fn opened(now: Instant) -> Breaker {
    let mut breaker = Breaker::new(LIMITS, now);
    (0..4).for_each(|_| pass(&mut breaker, Verdict::Failing, now));
    breaker
}

#[test]
fn too_few_calls_prove_nothing() {
    let now = Instant::now();
    let mut breaker = Breaker::new(LIMITS, now);
    (0..3).for_each(|_| pass(&mut breaker, Verdict::Failing, now));
    assert_eq!(breaker.state(now), BreakerState::Closed);
    pass(&mut breaker, Verdict::Failing, now);
    assert_eq!(breaker.state(now), BreakerState::Open);
}

#[test]
fn a_minority_of_failures_keeps_it_closed() {
    let now = Instant::now();
    let mut breaker = Breaker::new(LIMITS, now);
    for round in 0..300 {
        let verdict = if round % 3 == 2 { Verdict::Failing } else { Verdict::Working };
        pass(&mut breaker, verdict, now);
    }
    assert_eq!(breaker.state(now), BreakerState::Closed);
}

#[test]
fn open_it_refuses_and_says_for_how_long() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let refused = breaker.admit(now + Duration::from_secs(2)).unwrap_err();
    assert_eq!(refused, Duration::from_secs(3));
}

#[test]
fn exactly_three_probes_pass_and_close_it() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let later = now + LIMITS.open_for;
    assert_eq!(breaker.state(later), BreakerState::HalfOpen);
    let probes: Vec<Admission> = (0..3).map(|_| breaker.admit(later).unwrap()).collect();
    assert!(breaker.admit(later).is_err(), "a fourth probe is refused");
    for probe in &probes[..2] {
        breaker.record(*probe, Verdict::Working, later);
    }
    assert!(breaker.admit(later).is_err(), "finished probes make no room for more");
    breaker.record(probes[2], Verdict::Working, later);
    assert_eq!(breaker.state(later), BreakerState::Closed);
}

#[test]
fn one_failed_probe_opens_it_for_another_full_time() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let later = now + LIMITS.open_for;
    pass(&mut breaker, Verdict::Working, later);
    pass(&mut breaker, Verdict::Failing, later);
    assert_eq!(breaker.state(later), BreakerState::Open);
    assert_eq!(breaker.admit(later).unwrap_err(), LIMITS.open_for);
}

#[test]
fn a_cancelled_probe_gives_its_place_back() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let later = now + LIMITS.open_for;
    (0..10).for_each(|_| pass(&mut breaker, Verdict::Unknown, later));
    (0..3).for_each(|_| pass(&mut breaker, Verdict::Working, later));
    assert_eq!(breaker.state(later), BreakerState::Closed);
}

#[test]
fn a_late_failure_from_before_does_not_spoil_the_probes() {
    let now = Instant::now();
    let mut breaker = Breaker::new(LIMITS, now);
    let slow = breaker.admit(now).unwrap();
    (0..4).for_each(|_| pass(&mut breaker, Verdict::Failing, now));
    let later = now + LIMITS.open_for;
    pass(&mut breaker, Verdict::Working, later);
    breaker.record(slow, Verdict::Failing, later);
    assert_eq!(breaker.state(later), BreakerState::HalfOpen);
}

#[test]
fn it_starts_over_with_an_empty_window_after_closing() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let later = now + LIMITS.open_for;
    (0..3).for_each(|_| pass(&mut breaker, Verdict::Working, later));
    (0..3).for_each(|_| pass(&mut breaker, Verdict::Failing, later));
    assert_eq!(breaker.state(later), BreakerState::Closed);
}

proptest! {
    /// Whatever happens, a dependency that works again is let back in.
    #[test]
    fn it_always_heals(history in prop::collection::vec((0_u8..3, 0_u64..3_000), 0..200)) {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(LIMITS, now);
        for (outcome, pause_ms) in history {
            now += Duration::from_millis(pause_ms);
            if let Ok(admission) = breaker.admit(now) {
                let verdict = [Verdict::Working, Verdict::Failing, Verdict::Unknown][usize::from(outcome)];
                breaker.record(admission, verdict, now);
            }
        }
        now += Duration::from_secs(20);
        for _ in 0..LIMITS.half_open_calls {
            let admission = breaker.admit(now);
            prop_assert!(admission.is_ok());
            breaker.record(admission.unwrap(), Verdict::Working, now);
        }
        prop_assert_eq!(breaker.state(now), BreakerState::Closed);
    }

    /// Between opening and closing, no more calls pass at once than there are probes.
    #[test]
    fn no_more_probes_than_configured_are_in_flight(arrivals in 1_usize..100) {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + LIMITS.open_for;
        let admitted = (0..arrivals).filter(|_| breaker.admit(later).is_ok()).count();
        prop_assert_eq!(admitted, arrivals.min(3));
    }
}
