//! Champion and challenger: who takes over, who is rolled back, and what is written down.

use jiff::Timestamp;

use super::super::{Championship, DayScore, Decision, PromotionRules, Verdict, compare};
use super::{Dice, saturday};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn score(week: i64, loss: f64, below_p90: f64) -> DayScore {
    DayScore { date: saturday(week), loss, forecasts: 10, below_p90 }
}

/// So many days on which the second model is better by `gain`, with a tenth of the loss as noise.
fn scores(dice: &mut Dice, days: i64, gain: f64) -> (Vec<DayScore>, Vec<DayScore>) {
    (0..days)
        .map(|week| {
            let day = 0.1 + 0.02 * dice.normal().abs();
            let noise = 0.01 * dice.normal();
            (score(week, day, 9.0), score(week, day * (1.0 - gain) + noise, 9.0))
        })
        .unzip()
}

#[test]
fn only_days_that_both_forecast_are_compared() {
    let mut dice = Dice(31);
    let (champion, challenger) = scores(&mut dice, 30, 0.1);
    let verdict = |one: &[DayScore], two: &[DayScore]| compare(one, two, &PromotionRules::default()).verdict;
    assert_eq!(verdict(&champion, &challenger), Verdict::Better);
    assert_eq!(verdict(&champion[..9], &challenger), Verdict::TooFewDays);
    assert_eq!(verdict(&champion[..15], &challenger[15..]), Verdict::TooFewDays);
    assert_eq!(verdict(&challenger, &champion), Verdict::NotBetter);
    assert_eq!(compare(&champion, &challenger[10..], &PromotionRules::default()).days, 20);
    assert_eq!(verdict(&[], &[]), Verdict::TooFewDays);
}

#[test]
fn a_better_loss_does_not_buy_worse_promises() {
    let mut dice = Dice(32);
    let (champion, mut challenger) = scores(&mut dice, 30, 0.1);
    for score in &mut challenger {
        score.below_p90 = 7.0;
    }
    let comparison = compare(&champion, &challenger, &PromotionRules::default());
    assert_eq!(comparison.verdict, Verdict::CoverageWorse);
    assert!((comparison.challenger_coverage - 0.7).abs() < 1e-9);
}

#[test]
fn a_model_that_is_no_better_seldom_passes_though_looked_at_after_each_day_of_a_year() {
    let mut dice = Dice(33);
    let mut passes = |gain: f64| {
        (0..300)
            .filter(|_| {
                let (champion, challenger) = scores(&mut dice, 52, gain);
                (10..=52).any(|days| {
                    let scores = (&champion[..days], &challenger[..days]);
                    compare(scores.0, scores.1, &PromotionRules::default()).verdict == Verdict::Better
                })
            })
            .count()
    };
    let (worse, same, better) = (passes(-0.03), passes(0.0), passes(0.05));
    assert!(worse <= 3, "{worse} of 300 that are 3 % worse");
    assert!(same <= 30, "{same} of 300 that are no better");
    assert!(better >= 290, "{better} of 300 that are 5 % better");
}

#[test]
fn a_challenger_takes_over_is_watched_and_rolled_back_with_an_entry_each() {
    let mut dice = Dice(34);
    let rules = PromotionRules::default();
    let mut championship = Championship::new("v1");
    let (worse, better) = scores(&mut dice, 30, 0.1);

    let kept = championship.challenge(NOW, "v2", (&better, &worse), &rules);
    assert_eq!((kept.decision, championship.champion.as_str()), (Decision::Kept, "v1"));
    assert_eq!(championship.watch(NOW, (&worse, &better), &rules), None);

    let promoted = championship.challenge(NOW, "v2", (&worse, &better), &rules);
    assert_eq!((promoted.decision, promoted.champion.as_str()), (Decision::Promoted, "v1"));
    assert!(promoted.reason.starts_with("better on "), "{}", promoted.reason);
    assert_eq!((championship.champion.as_str(), championship.previous.as_deref()), ("v2", Some("v1")));
    let itself = championship.challenge(NOW, "v2", (&worse, &better), &rules);
    assert_eq!(itself.decision, Decision::Kept);

    let fine = championship.watch(NOW, (&better, &worse), &rules).expect("one before");
    assert_eq!((fine.decision, championship.champion.as_str()), (Decision::Kept, "v2"));
    let back = championship.watch(NOW, (&worse, &better), &rules).expect("one before");
    assert_eq!((back.decision, back.champion.as_str()), (Decision::RolledBack, "v2"));
    assert_eq!((championship.champion.as_str(), championship.previous.as_deref()), ("v1", None));
}

#[test]
fn somebody_may_roll_back_by_hand_while_there_is_a_model_before() {
    let mut championship = Championship { champion: "v2".to_owned(), previous: Some("v1".to_owned()) };
    let entry = championship.roll_back(NOW, "the plans look wrong").expect("one before");
    assert_eq!((entry.decision, entry.comparison), (Decision::RolledBack, None));
    assert_eq!((entry.champion.as_str(), entry.challenger.as_str()), ("v2", "v1"));
    let refused = championship.roll_back(NOW, "again").expect_err("none before");
    assert_eq!(refused.to_string(), "there is no model before v1 to roll back to");
}
