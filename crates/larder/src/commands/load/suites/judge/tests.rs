//! Runs that are known to be good or bad in one respect.

use super::*;
use crate::commands::load::suites::caller::Outcome;
use crate::commands::load::suites::record::Record;

const SECOND: Duration = Duration::from_secs(1);

/// Ten calls of a kind a second, each as `outcome` says for its moment in milliseconds.
fn calls(record: &mut Record, seconds: u64, kind: Kind, outcome: impl Fn(u64) -> (u64, Outcome)) {
    for at in (0..seconds * 1_000).step_by(100) {
        let (took_ms, outcome) = outcome(at);
        record.add(Duration::from_millis(at), Duration::from_millis(took_ms), kind, outcome);
    }
}

fn failed() -> Outcome {
    Outcome::Failed("HTTP 503".into())
}

fn measured<'a>(record: &'a Record, faults: &'a [Injected], seconds: u64) -> Measured<'a> {
    Measured { entries: &record.entries, memory: &[], faults, length: SECOND * seconds as u32 }
}

fn verdict(limit: Limit, measured: &Measured) -> (Option<f64>, bool) {
    let [criterion] = &judge(&[limit], measured)[..] else { unreachable!("one limit, one criterion") };
    (criterion.found, criterion.passed)
}

#[test]
fn one_failure_in_a_thousand_is_too_many_and_one_in_two_thousand_is_not() {
    for (seconds, passed) in [(100, false), (200, true)] {
        let mut record = Record::default();
        calls(&mut record, seconds, Kind::Recommend, |at| {
            (5, if at == 0 { failed() } else { Outcome::Good })
        });
        let (found, is_passed) = verdict(Limit::ErrorPercent(0.1), &measured(&record, &[], seconds));
        assert_eq!((found, is_passed), (Some(10.0 / seconds as f64), passed));
    }
}

#[test]
fn nothing_measured_is_nothing_passed() {
    let nothing = Record::default();
    let measured = measured(&nothing, &[], 60);
    let limits = [
        Limit::ErrorPercent(0.1),
        Limit::P99(SECOND),
        Limit::GrowthPercent(5.0),
        Limit::UnrelatedErrorPercent(0.0),
        Limit::FaultRecovery(SECOND),
    ];
    for criterion in judge(&limits, &measured) {
        assert!(!criterion.passed && criterion.found.is_none(), "{criterion:?}");
        assert!(criterion.sentence().contains("FAILED") && criterion.sentence().contains("not measured"));
    }
}

#[test]
fn after_a_spike_slow_answers_count_as_failures_do() {
    let limit = Limit::Recovery { before: SECOND * 10, since: SECOND * 20, within: SECOND * 10 };
    let healthy = (5, Outcome::Good);
    for (bad, until_s, expected) in [
        ((5, failed()), 24, (Some(4.0), true)),
        ((400, Outcome::Good), 26, (Some(6.0), true)),
        ((400, Outcome::Good), 31, (Some(11.0), false)),
        // Thirty milliseconds more are not slow.
        ((35, Outcome::Good), 40, (Some(0.0), true)),
        // It never recovers.
        ((5, failed()), 60, (None, false)),
    ] {
        let mut record = Record::default();
        calls(&mut record, 60, Kind::Recommend, |at| {
            if (10_000..until_s * 1_000).contains(&at) { bad.clone() } else { healthy.clone() }
        });
        assert_eq!(verdict(limit.clone(), &measured(&record, &[], 60)), expected, "{bad:?} until {until_s}");
    }
}

#[test]
fn two_good_seconds_between_bad_ones_are_no_recovery() {
    let mut record = Record::default();
    calls(&mut record, 40, Kind::Recommend, |at| {
        let bad = (10_000..12_000).contains(&at) || (14_000..15_000).contains(&at);
        (5, if bad { failed() } else { Outcome::Good })
    });
    let limit = Limit::Recovery { before: SECOND * 5, since: SECOND * 10, within: SECOND * 10 };
    assert_eq!(verdict(limit, &measured(&record, &[], 40)), (Some(5.0), true));
}

#[test]
fn seconds_in_which_nobody_called_show_nothing() {
    let mut record = Record::default();
    calls(&mut record, 10, Kind::ListIncidents, |_| (5, Outcome::Good));
    // Nobody asks for four seconds after the fault, and who asks then is refused.
    let at = |record: &mut Record, ms, outcome| {
        record.add(Duration::from_millis(ms), Duration::from_millis(5), Kind::ListIncidents, outcome);
    };
    at(&mut record, 24_500, failed());
    at(&mut record, 27_500, Outcome::Good);
    let broken = [fault(Part::Alerting)];
    let run = measured(&record, &broken, 60);
    assert_eq!(verdict(Limit::FaultRecovery(SECOND * 10), &run), (Some(5.0), true));
    assert_eq!(verdict(Limit::UnrelatedErrorPercent(0.0), &run).0, Some(0.0), "it was not over yet");
}

fn fault(part: Part) -> Injected {
    Injected { name: "a fault", part, from: SECOND * 10, healed: SECOND * 20 }
}

#[test]
fn only_what_needs_the_broken_part_may_fail_and_only_until_it_has_recovered() {
    let broken = [fault(Part::Alerting)];
    let during = |at: u64| (10_000..23_000).contains(&at);
    let mut record = Record::default();
    calls(&mut record, 60, Kind::ListIncidents, |at| (5, if during(at) { failed() } else { Outcome::Good }));
    calls(&mut record, 60, Kind::Recommend, |_| (5, Outcome::Good));
    let run = measured(&record, &broken, 60);
    assert_eq!(verdict(Limit::UnrelatedErrorPercent(0.0), &run), (Some(0.0), true));
    assert_eq!(verdict(Limit::FaultRecovery(SECOND * 10), &run), (Some(3.0), true));
    assert_eq!(verdict(Limit::FaultRecovery(SECOND * 3), &run), (Some(3.0), false));
    let (related, unrelated) = split(&broken[0], &record.entries);
    assert_eq!((related.asked, related.failed, unrelated.asked, unrelated.failed), (100, 100, 100, 0));

    // The same failures, but of a call that could have been answered.
    let elsewhere = [fault(Part::Backup)];
    let (found, passed) = verdict(Limit::UnrelatedErrorPercent(0.0), &measured(&record, &elsewhere, 60));
    assert!(found.unwrap() > 5.0 && !passed, "{found:?}");
}

#[test]
fn a_failure_before_the_fault_or_after_the_recovery_is_nobodys_excuse() {
    for at_ms in [2_000, 40_000] {
        let mut record = Record::default();
        calls(&mut record, 60, Kind::ListIncidents, |at| {
            (5, if at == at_ms || (11_000..12_000).contains(&at) { failed() } else { Outcome::Good })
        });
        let broken = [fault(Part::Alerting)];
        let (found, passed) = verdict(Limit::UnrelatedErrorPercent(0.0), &measured(&record, &broken, 60));
        assert!(found.unwrap() > 0.0 && !passed, "{at_ms}: {found:?}");
    }
}

#[test]
fn degraded_answers_are_no_failures_and_no_recovery() {
    let mut record = Record::default();
    calls(&mut record, 60, Kind::Recommend, |at| {
        (5, if (10_000..25_000).contains(&at) { Outcome::Degraded } else { Outcome::Good })
    });
    let broken = [fault(Part::Recommendation)];
    let run = measured(&record, &broken, 60);
    assert_eq!(verdict(Limit::FaultRecovery(SECOND * 10), &run), (Some(5.0), true));
    let (related, _) = split(&broken[0], &record.entries);
    assert_eq!((related.asked, related.failed, related.degraded), (100, 0, 100));
}

#[test]
fn one_process_without_samples_leaves_memory_unjudged() {
    let flat = |process: &str| Series {
        process: process.into(),
        samples: (0..60).map(|at| (f64::from(at), 1_000_000)).collect(),
    };
    let record = Record::default();
    for (second, expected) in [(flat("backup"), (Some(0.0), true)), (Series::default(), (None, false))] {
        let memory = [flat("gateway"), second];
        let run = Measured { memory: &memory, ..measured(&record, &[], 60) };
        assert_eq!(verdict(Limit::GrowthPercent(5.0), &run), expected);
    }
}
