//! The laws of retention, over any backups and any clock.

use proptest::prelude::*;

use super::*;

const DAY: i64 = 86_400;
const BEGIN: i64 = 1_795_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn candidate(second: i64, number: u32) -> Candidate {
    Candidate {
        backup_id: BackupId::new(at(second), number),
        parent: None,
        is_proven: false,
        is_held: false,
        is_in_use: false,
        series: String::new(),
    }
}

fn policy(keep_count: u32, keep_days: u32) -> Policy {
    Policy { keep_count, keep_days, daily: 0, weekly: 0, monthly: 0, yearly: 0 }
}

prop_compose! {
    fn any_policy()(
        keep_count in 0..4_u32, keep_days in 0..40_u32, daily in 0..8_u32, weekly in 0..5_u32,
        monthly in 0..5_u32, yearly in 0..3_u32,
    ) -> Policy {
        Policy { keep_count, keep_days, daily, weekly, monthly, yearly }
    }
}

prop_compose! {
    /// Chains as they come about: each backup may build on the one before it.
    fn any_candidates()(
        all in prop::collection::vec((0..400 * DAY, any::<bool>(), any::<u8>(), 0..3_u8), 1..40),
    ) -> Vec<Candidate> {
        let mut seconds: Vec<_> = all;
        seconds.sort_by_key(|(second, ..)| *second);
        let mut candidates: Vec<Candidate> = Vec::new();
        for (number, (second, builds, dice, series)) in seconds.into_iter().enumerate() {
            let series = if series == 0 { "another".to_owned() } else { String::new() };
            let earlier = candidates.iter().rev().find(|other| other.series == series);
            let parent = earlier.filter(|_| builds && series.is_empty()).map(|other| other.backup_id.clone());
            candidates.push(Candidate {
                parent,
                is_proven: dice % 5 == 0,
                is_held: dice % 17 == 1,
                is_in_use: dice % 19 == 2,
                series,
                ..candidate(BEGIN + second, number as u32)
            });
        }
        candidates
    }
}

fn kept(verdicts: &[RetentionVerdict]) -> BTreeSet<BackupId> {
    verdicts.iter().filter(|verdict| verdict.stays()).map(|verdict| verdict.backup_id.clone()).collect()
}

proptest! {
    #[test]
    fn what_must_stay_stays(policy in any_policy(), candidates in any_candidates(), now in 0..800 * DAY) {
        let kept = kept(&decide(&policy, &candidates, at(BEGIN + now)));
        for candidate in &candidates {
            let stays = kept.contains(&candidate.backup_id);
            prop_assert!(stays || !candidate.is_held);
            prop_assert!(stays || !candidate.is_in_use);
            if let Some(parent) = candidate.parent.as_ref().filter(|_| stays) {
                prop_assert!(kept.contains(parent), "a kept backup lost its parent");
            }
        }
        for series in ["", "another"] {
            let of = || candidates.iter().filter(|candidate| candidate.series == series);
            let newest = of().map(|candidate| &candidate.backup_id).max();
            let proven = of().filter(|candidate| candidate.is_proven).map(|candidate| &candidate.backup_id).max();
            prop_assert!(newest.is_none_or(|newest| kept.contains(newest)));
            prop_assert!(proven.is_none_or(|proven| kept.contains(proven)), "the last proven one went");
        }
    }

    #[test]
    fn a_clock_that_jumps_ahead_takes_nothing_away(
        policy in any_policy(), candidates in any_candidates(), jump in 0..40_000_i64,
    ) {
        let newest = candidates.iter().map(|candidate| candidate.backup_id.begun_at()).max().unwrap();
        let before = decide(&policy, &candidates, newest);
        let after = decide(&policy, &candidates, newest + SignedDuration::from_hours(jump));
        prop_assert_eq!(before, after);
    }

    #[test]
    fn deciding_again_after_removing_removes_nothing_more(policy in any_policy(), candidates in any_candidates()) {
        let now = at(BEGIN + 400 * DAY);
        let stay = kept(&decide(&policy, &candidates, now));
        let left: Vec<_> = candidates.into_iter().filter(|it| stay.contains(&it.backup_id)).collect();
        prop_assert_eq!(kept(&decide(&policy, &left, now)), stay);
    }

    #[test]
    fn the_order_of_backups_does_not_matter(policy in any_policy(), mut candidates in any_candidates()) {
        let now = at(BEGIN + 400 * DAY);
        let before = decide(&policy, &candidates, now);
        candidates.reverse();
        prop_assert_eq!(before, decide(&policy, &candidates, now));
    }
}

#[test]
fn days_weeks_and_months_keep_their_newest() {
    let candidates: Vec<_> = (0..90).map(|day| candidate(BEGIN + day * DAY, day as u32)).collect();
    let now = at(BEGIN + 90 * DAY);
    let count = |policy: Policy| kept(&decide(&policy, &candidates, now)).len();
    assert_eq!(count(policy(1, 0)), 1);
    assert_eq!(count(policy(1, 7)), 7);
    assert_eq!(count(Policy { daily: 10, ..policy(1, 0) }), 10);
    assert_eq!(count(Policy { weekly: 4, ..policy(1, 0) }), 4);
    assert_eq!(count(Policy { monthly: 3, ..policy(1, 0) }), 3);
    assert_eq!(count(Policy { yearly: 5, ..policy(1, 0) }), 2, "they lie in two years");
}

#[test]
fn a_backup_of_another_cluster_pushes_none_out() {
    let mut candidates: Vec<_> = (0..4).map(|day| candidate(BEGIN + day * DAY, 0)).collect();
    candidates[3].series = "another".to_owned();
    let kept = kept(&decide(&policy(1, 0), &candidates, at(BEGIN + 9 * DAY)));
    assert!(kept.contains(&candidates[2].backup_id), "the newest of this cluster stays");
    assert_eq!(kept.len(), 2);
}

#[test]
fn while_new_ones_fail_the_proven_one_stays() {
    let mut candidates: Vec<_> = (0..30).map(|day| candidate(BEGIN + day * DAY, 0)).collect();
    candidates[0].is_proven = true;
    let verdicts = decide(&policy(2, 5), &candidates, at(BEGIN + 30 * DAY));
    assert_eq!(verdicts.last().unwrap().reason, Reason::LastProven);
    assert_eq!(verdicts[10].reason.to_string(), "nothing keeps it any more");
}

#[test]
fn what_a_restore_would_begin_with_stays_near_and_the_rest_moves_by_its_age() {
    let tiers = [(30, "ARCHIVE"), (90, "COLD")]
        .map(|(after_days, class)| Tier { after_days, storage_class: class.to_owned() });
    let day = |day: i64, number| candidate(BEGIN + day * DAY, number);
    let (old, middle, base, newest) = (day(0, 1), day(60, 2), day(80, 3), day(99, 4));
    let (proven, read) =
        (Candidate { is_proven: true, ..day(2, 5) }, Candidate { is_in_use: true, ..day(1, 6) });
    let candidates = [
        old.clone(),
        middle.clone(),
        base.clone(),
        Candidate { parent: Some(base.backup_id.clone()), ..newest.clone() },
        proven,
        read,
    ];
    let everything = decide(&policy(9, 999), &candidates, at(BEGIN + 100 * DAY));
    let placed = tiers_of(&tiers, &candidates, &everything, at(BEGIN + 100 * DAY));
    let expected = BTreeMap::from([(old.backup_id.clone(), "COLD"), (middle.backup_id.clone(), "ARCHIVE")]);
    assert_eq!(placed, expected);
    assert!(
        tiers_of(&tiers, &candidates, &everything, at(BEGIN + 29 * DAY)).is_empty(),
        "nothing is old yet"
    );
    let later = at(BEGIN + 300 * DAY);
    let few = decide(&policy(1, 0), &candidates, later);
    let placed = tiers_of(&tiers, &candidates, &few, later);
    assert!(!placed.contains_key(&old.backup_id), "what goes is not moved before");
    assert!(!placed.contains_key(&newest.backup_id) && !placed.contains_key(&base.backup_id), "{placed:?}");
}
