//! What a source tells of an alert, and what becomes of what was known: sources repeat themselves, overtake themselves
//! and fall silent, and every rule for that stands here. An alert is over when its source says so and never because
//! it is silent. Instants are microseconds since 1970, UTC, as the service keeps them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::flapping::{FlapLimits, FlapScore};
use crate::labels::Labels;

/// A firing that is not newer than the resolve before it, and comes this soon after it, was overtaken
/// on its way. No source sends the two in this order: Alertmanager waits a group's interval in between.
const OVERTAKEN_US: i64 = 10_000_000;

/// One alert as a source told it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToldAlert {
    /// What it is known by.
    pub labels: Labels,
    /// What is told about it.
    pub annotations: BTreeMap<String, String>,
    /// Where its source shows it; may be empty.
    pub generator_url: String,
    /// Since when it fires, if told.
    pub starts_at_us: Option<i64>,
    /// Whether it fires.
    pub told: Told,
}

/// Whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It fires; where the source repeats itself, until then at least.
    Firing {
        /// When it is lost unless it is told again; `None` where the source only tells of changes.
        expires_at_us: Option<i64>,
    },
    /// It is over.
    Resolved {
        /// Since when.
        ends_at_us: i64,
    },
}

/// An alert as it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownAlert {
    /// What is told about it.
    pub annotations: BTreeMap<String, String>,
    /// Since when it fires, or fired.
    pub starts_at_us: i64,
    /// Since when it is over; `None` while it fires.
    pub resolved_at_us: Option<i64>,
    /// When it is lost unless it is told again.
    pub expires_at_us: Option<i64>,
    /// Since when nobody speaks for it.
    pub lost_at_us: Option<i64>,
    /// When its source said that it was over, which is believed only at the source's next sign of life.
    pub resolve_held_at_us: Option<i64>,
    /// When its source last told of it.
    pub updated_at_us: i64,
    /// Counts the changes.
    pub revision: i64,
    /// Whether something is to be decided about it.
    pub is_pending: bool,
    /// How often it turned lately; `None` while it never turned.
    pub flaps: Option<FlapScore>,
    /// Until when it counts as firing although it may be over: it comes and goes.
    pub damped_until_us: Option<i64>,
}

/// What is known after a source has spoken; `None` when nothing changes, not even when it was last seen.
/// `holds_resolves` says that the source's ends wait for its next sign of life.
///
/// A firing that is told long after the end of the same episode is believed: its source insists, and an alert too
/// many is a smaller harm than one that is never heard of again.
pub fn merge(
    known: Option<&KnownAlert>,
    told: &ToldAlert,
    holds_resolves: bool,
    limits: &FlapLimits,
    now_us: i64,
) -> Option<KnownAlert> {
    let next = told_of(known, told, holds_resolves, now_us)?;
    Some(match known {
        Some(known) => damped(known, next, limits, now_us),
        None => next,
    })
}

/// Counts a turn, and damps what turns too often.
fn damped(known: &KnownAlert, next: KnownAlert, limits: &FlapLimits, now_us: i64) -> KnownAlert {
    let fires = next.resolved_at_us.is_none();
    let has_turned = known.resolved_at_us.is_none() != fires;
    if !has_turned {
        return KnownAlert { flaps: known.flaps.clone(), damped_until_us: known.damped_until_us, ..next };
    }
    let now = instant(now_us);
    let mut flaps = known.flaps.clone().unwrap_or_else(|| first_turn(known, limits, now_us));
    flaps.check(now, limits);
    flaps.record(fires, now, limits);
    let damped_until_us = flaps.due_at(limits).map(Timestamp::as_microsecond);
    KnownAlert { flaps: Some(flaps), damped_until_us, ..next }
}

/// That it began was its first turn, if it did begin.
fn first_turn(known: &KnownAlert, limits: &FlapLimits, now_us: i64) -> FlapScore {
    let began_at = instant(known.starts_at_us.min(now_us));
    let fired = known.resolved_at_us.is_none();
    let mut flaps = FlapScore::new(false, began_at);
    flaps.record(fired, began_at, limits);
    flaps
}

fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn told_of(
    known: Option<&KnownAlert>,
    told: &ToldAlert,
    holds_resolves: bool,
    now_us: i64,
) -> Option<KnownAlert> {
    match (known, told.told) {
        (None, Told::Firing { expires_at_us }) => Some(first_seen(told, expires_at_us, None, now_us)),
        // It was over before anybody heard of it: nobody is told, and a firing that was overtaken meets this.
        (None, Told::Resolved { ends_at_us }) => Some(first_seen(told, None, Some(ends_at_us), now_us)),
        (Some(known), Told::Firing { expires_at_us }) if known.resolved_at_us.is_none() => {
            Some(seen_again(known, told, expires_at_us, now_us))
        }
        (Some(known), Told::Firing { expires_at_us }) => {
            let is_newer = told.starts_at_us.is_none_or(|starts_at_us| starts_at_us > known.starts_at_us);
            if !is_newer && now_us - known.updated_at_us < OVERTAKEN_US {
                return None;
            }
            let again = first_seen(told, expires_at_us, None, now_us);
            Some(KnownAlert { revision: known.revision + 1, ..again })
        }
        (Some(known), Told::Resolved { ends_at_us }) => over(known, ends_at_us, holds_resolves, now_us),
    }
}

fn first_seen(
    told: &ToldAlert,
    expires_at_us: Option<i64>,
    resolved_at_us: Option<i64>,
    now_us: i64,
) -> KnownAlert {
    KnownAlert {
        annotations: told.annotations.clone(),
        starts_at_us: told.starts_at_us.unwrap_or(now_us).min(resolved_at_us.unwrap_or(i64::MAX)),
        resolved_at_us,
        expires_at_us,
        lost_at_us: None,
        resolve_held_at_us: None,
        updated_at_us: now_us,
        revision: 1,
        is_pending: resolved_at_us.is_none(),
        flaps: None,
        damped_until_us: None,
    }
}

fn seen_again(known: &KnownAlert, told: &ToldAlert, expires_at_us: Option<i64>, now_us: i64) -> KnownAlert {
    let is_news = known.lost_at_us.is_some() || known.annotations != told.annotations;
    KnownAlert {
        annotations: told.annotations.clone(),
        starts_at_us: known.starts_at_us.min(told.starts_at_us.unwrap_or(known.starts_at_us)),
        resolved_at_us: None,
        expires_at_us,
        lost_at_us: None,
        resolve_held_at_us: None,
        updated_at_us: now_us,
        revision: known.revision + 1,
        is_pending: known.is_pending || is_news,
        flaps: None,
        damped_until_us: None,
    }
}

fn over(known: &KnownAlert, ends_at_us: i64, holds_resolves: bool, now_us: i64) -> Option<KnownAlert> {
    // What fires now began after the end that is told: that was the end of an earlier time.
    let is_earlier = ends_at_us < known.starts_at_us;
    if known.resolved_at_us.is_some() || is_earlier || known.resolve_held_at_us.is_some() {
        return None;
    }
    let next = KnownAlert { updated_at_us: now_us, revision: known.revision + 1, ..known.clone() };
    if holds_resolves {
        // A source that has died looks to Alertmanager as if its alerts were over.
        return Some(KnownAlert { resolve_held_at_us: Some(now_us), expires_at_us: None, ..next });
    }
    Some(KnownAlert { resolved_at_us: Some(ends_at_us), lost_at_us: None, is_pending: true, ..next })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: i64 = 1_000_000;

    fn merge(
        known: Option<&KnownAlert>,
        told: &ToldAlert,
        holds_resolves: bool,
        now_us: i64,
    ) -> Option<KnownAlert> {
        super::merge(known, told, holds_resolves, &FlapLimits::default(), now_us)
    }

    fn told(told: Told, starts_at_s: i64) -> ToldAlert {
        ToldAlert {
            labels: Labels::from_iter([("alertname", "OvenCold")]),
            annotations: BTreeMap::new(),
            generator_url: String::new(),
            starts_at_us: Some(starts_at_s * S),
            told,
        }
    }

    fn firing(starts_at_s: i64) -> ToldAlert {
        told(Told::Firing { expires_at_us: None }, starts_at_s)
    }

    fn resolved(starts_at_s: i64, ends_at_s: i64) -> ToldAlert {
        told(Told::Resolved { ends_at_us: ends_at_s * S }, starts_at_s)
    }

    #[test]
    fn a_repetition_is_no_news() {
        let first = merge(None, &firing(100), false, 100 * S).expect("known");
        let worked_on = KnownAlert { is_pending: false, ..first };
        let again = merge(Some(&worked_on), &firing(100), false, 160 * S).expect("known");
        assert!(!again.is_pending);
        assert_eq!(again.updated_at_us, 160 * S);
        let changed = ToldAlert { annotations: [("summary".into(), "cold".into())].into(), ..firing(100) };
        assert!(merge(Some(&worked_on), &changed, false, 160 * S).expect("known").is_pending);
    }

    #[test]
    fn a_resolve_that_overtakes_its_firing_wins() {
        let over = merge(None, &resolved(100, 110), false, 111 * S).expect("known");
        assert!(!over.is_pending, "nobody heard of it, so nobody is told");
        assert_eq!(merge(Some(&over), &firing(100), false, 112 * S), None);
        let later = merge(Some(&over), &firing(100), false, 150 * S).expect("known");
        assert_eq!(later.resolved_at_us, None, "a source that insists is believed");
    }

    #[test]
    fn a_new_firing_right_after_a_resolve_is_a_new_one() {
        let over = merge(None, &resolved(100, 110), false, 111 * S).expect("known");
        let again = merge(Some(&over), &firing(112), false, 112 * S).expect("known");
        assert!(again.is_pending && again.resolved_at_us.is_none());
    }

    #[test]
    fn the_end_of_an_earlier_time_ends_nothing() {
        let known = merge(None, &firing(200), false, 200 * S).expect("known");
        assert_eq!(merge(Some(&known), &resolved(100, 150), false, 201 * S), None);
        assert!(
            merge(Some(&known), &resolved(200, 260), false, 261 * S).expect("known").resolved_at_us.is_some()
        );
    }

    #[test]
    fn a_resolve_is_held_until_its_source_lives() {
        let known = merge(None, &firing(100), true, 100 * S).expect("known");
        let held = merge(Some(&known), &resolved(100, 120), true, 121 * S).expect("known");
        assert_eq!((held.resolved_at_us, held.resolve_held_at_us), (None, Some(121 * S)));
        let back = merge(Some(&held), &firing(100), true, 130 * S).expect("known");
        assert_eq!(back.resolve_held_at_us, None, "it fires on, so nothing is held");
    }

    #[test]
    fn what_comes_and_goes_is_damped_at_its_third_turn_until_it_is_calm() {
        let mut known = merge(None, &firing(1_000), false, 1_000 * S).expect("known");
        for second in (1_010..1_100).step_by(20) {
            known = merge(Some(&known), &resolved(second - 10, second), false, second * S).expect("over");
            assert_eq!(known.damped_until_us.is_some(), second > 1_010, "{second}");
            known = merge(Some(&known), &firing(second + 10), false, (second + 10) * S).expect("again");
            assert!(known.damped_until_us.is_some(), "{second}");
        }
        let calm_at_s = known.damped_until_us.expect("damped") / S;
        assert!((1_700..8_000).contains(&calm_at_s), "{calm_at_s}");
        let later_s = calm_at_s + 3_600;
        let over = merge(Some(&known), &resolved(1_100, later_s), false, later_s * S).expect("over");
        assert_eq!(over.damped_until_us, None, "one turn after a calm is a turn");
    }

    #[test]
    fn an_alert_without_a_start_goes_on_with_its_episode() {
        let open = ToldAlert { starts_at_us: None, ..firing(0) };
        let first = merge(None, &open, false, 100 * S).expect("known");
        let again = merge(Some(&first), &open, false, 160 * S).expect("known");
        assert_eq!((first.starts_at_us, again.starts_at_us), (100 * S, 100 * S));
        let over = merge(Some(&again), &resolved(0, 200), false, 200 * S).expect("known");
        let next = merge(Some(&over), &open, false, 230 * S).expect("known");
        assert_eq!((next.starts_at_us, next.resolved_at_us), (230 * S, None), "a new episode");
    }

    proptest! {
        #[test]
        fn what_is_told_twice_is_told_once(
            told in prop::collection::vec((0_i64..4, prop::option::of(1_i64..40), any::<bool>()), 1..12),
        ) {
            let mut known: Option<KnownAlert> = None;
            for (step, (episode, length, holds)) in (0..).zip(told) {
                let starts_at_s = episode * 50;
                let told = length.map_or_else(|| firing(starts_at_s), |length| resolved(starts_at_s, starts_at_s + length));
                let now_us = (300 + step) * S;
                let once = merge(known.as_ref(), &told, holds, now_us).or_else(|| known.clone());
                let twice = merge(once.as_ref(), &told, holds, now_us).or_else(|| once.clone());
                let seen = |alert: &Option<KnownAlert>| {
                    alert.as_ref().map(|alert| (alert.starts_at_us, alert.resolved_at_us, alert.resolve_held_at_us))
                };
                prop_assert_eq!(seen(&once), seen(&twice));
                if holds && known.as_ref().is_some_and(|known| known.resolved_at_us.is_none()) {
                    let is_open = once.as_ref().is_some_and(|alert| alert.resolved_at_us.is_none());
                    prop_assert!(is_open, "an end that waits for a sign of life ends nothing");
                }
                known = once;
            }
        }
    }

    #[test]
    fn a_lost_alert_that_is_told_again_is_news() {
        let known = merge(None, &firing(100), false, 100 * S).expect("known");
        let lost = KnownAlert { lost_at_us: Some(150 * S), is_pending: false, ..known };
        let back = merge(Some(&lost), &firing(100), false, 160 * S).expect("known");
        assert!(back.is_pending && back.lost_at_us.is_none());
    }
}
