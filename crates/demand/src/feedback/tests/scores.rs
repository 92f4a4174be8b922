//! Scores of single days, those that ran out included.

use super::super::{
    DayScore, FeedbackRecord, LastDaysRule, ModelForecast, ScoredForecast, judge, score_days,
};
use super::{Dice, day, saturday, uniform};
use crate::Distribution;

#[test]
fn a_day_is_scored_by_its_quantiles_as_a_share_of_the_usual_demand() {
    let forecast = uniform(0.0, 100.0);
    let score = |demand: f64, is_least: bool| {
        let scored = ScoredForecast { forecast: &forecast, demand, is_least, usual: 50.0 };
        DayScore::of(saturday(1), &[scored]).expect("one forecast")
    };
    // Pinball of .1, .25, .5, .75 and .9 at 50: 4, 6.25, 0, 6.25 and 4; the mean over 50.
    assert!((score(50.0, false).loss - 20.5 / 5.0 / 50.0).abs() < 1e-9);
    assert_eq!((score(50.0, false).forecasts, score(50.0, false).below_p90), (1, 1.0));
    assert_eq!(score(95.0, false).below_p90, 0.0);
    // Ran out at 50: nothing above 50 is held against the forecast, and of what is left .4 of .5 is
    // below P90.
    assert!((score(50.0, true).loss - 10.25 / 5.0 / 50.0).abs() < 1e-9);
    assert!((score(50.0, true).below_p90 - 0.8).abs() < 1e-9);
    assert_eq!(score(95.0, true).below_p90, 0.0);
    assert_eq!(DayScore::of(saturday(1), &[]), None);
}

#[test]
fn forecasts_are_scored_on_the_days_they_were_made_for() {
    let forecast = |product: &str, week: i64| ModelForecast {
        product_id: product.to_owned(),
        market_id: "square".to_owned(),
        date: saturday(week),
        demand: uniform(0.0, 100.0),
    };
    let records = [
        day(1, 200.0, 40.0),
        day(2, 200.0, 60.0),
        FeedbackRecord { sold: None, ..day(3, 200.0, 0.0) },
        FeedbackRecord { product_id: "roll".to_owned(), ..day(2, 60.0, 60.0) },
    ];
    let forecasts = [
        forecast("loaf", 2),
        forecast("roll", 2),
        forecast("loaf", 1),
        forecast("loaf", 3),
        forecast("tart", 1),
    ];
    let scores = score_days(&forecasts, &judge(&records, &LastDaysRule::default()));
    let days: Vec<_> = scores.iter().map(|score| (score.date, score.forecasts)).collect();
    assert_eq!(days, [(saturday(1), 1), (saturday(2), 2)]);
    // Usual: 50 of the loaf, 60 of the roll, which ran out at 60: .1, .25 and .5 lose 5, 8.75 and 5.
    let loaf = (0.1 * 50.0 + 0.25 * 35.0 + 0.5 * 10.0 + 0.25 * 15.0 + 0.1 * 30.0) / 5.0 / 50.0;
    let roll = (0.1 * 50.0 + 0.25 * 35.0 + 0.5 * 10.0) / 5.0 / 60.0;
    assert!((scores[1].loss - (loaf + roll) / 2.0).abs() < 1e-9);
    assert!(score_days(&[], &[]).is_empty());
}

#[test]
fn days_that_run_out_do_not_reward_a_forecast_that_is_too_low_or_too_high() {
    let mut dice = Dice(41);
    let mut draws: Vec<f64> = (0..10_000).map(|_| 50.0 + 12.0 * dice.normal()).collect();
    draws.sort_by(f64::total_cmp);
    let honest = Distribution::from_fn(|level| draws[(level * 10_000.0) as usize]).expect("finite");
    let mean_loss = |forecast: &Distribution| {
        let mut dice = Dice(42);
        let scored = (0..4_000).map(|_| {
            let (asked, brought) = (50.0 + 12.0 * dice.normal(), 35.0 + 40.0 * dice.share());
            let is_least = asked >= brought;
            ScoredForecast { forecast, demand: asked.min(brought), is_least, usual: 50.0 }
        });
        DayScore::of(saturday(1), &scored.collect::<Vec<_>>()).expect("forecasts").loss
    };
    let best = mean_loss(&honest);
    for factor in [0.8, 0.9, 1.1, 1.2] {
        assert!(mean_loss(&honest.scaled(factor)) > best, "{factor} times the truth is scored better");
    }
}
