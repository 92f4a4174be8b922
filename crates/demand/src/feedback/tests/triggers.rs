//! What calls for training, and what does not.

use std::collections::BTreeSet;

use super::super::{
    Drift, FeedbackRecord, LastDaysRule, TrainingStand, Trigger, TriggerSettings, judge, retraining_triggers,
};
use super::{Dice, day, forecast, saturday};
use crate::Distribution;

/// Normal demand around 50 with a deviation of 10, by its quantiles.
fn around_fifty() -> Distribution {
    let mut dice = Dice(99);
    let mut draws: Vec<f64> = (0..20_000).map(|_| 50.0 + 10.0 * dice.normal()).collect();
    draws.sort_by(f64::total_cmp);
    Distribution::from_fn(|level| draws[(level * 20_000.0) as usize]).expect("finite")
}

/// So many weeks of three products whose demand is off by `shift` from week `from` on, with as much
/// brought as `service` deviations above the mean: what is above is not sold.
fn weeks(dice: &mut Dice, weeks: i64, (shift, from): (f64, i64), service: f64) -> Vec<FeedbackRecord> {
    let demand = around_fifty();
    let mut records = Vec::new();
    for week in 0..weeks {
        for product in ["loaf", "roll", "tart"] {
            let off = if week >= from { shift } else { 0.0 };
            let asked = (50.0 + off + 10.0 * dice.normal()).round().max(0.0);
            let brought = (50.0 + 10.0 * service).round();
            records.push(FeedbackRecord {
                product_id: product.to_owned(),
                forecast: forecast(demand.clone()),
                ..day(week, brought, asked.min(brought))
            });
        }
    }
    records
}

fn stand() -> TrainingStand {
    TrainingStand {
        model_version: "v1".to_owned(),
        trained_through: Some(saturday(500)),
        known_products: BTreeSet::from(["loaf", "roll", "tart"].map(str::to_owned)),
    }
}

fn called(records: &[FeedbackRecord], stand: &TrainingStand) -> Vec<Trigger> {
    retraining_triggers(&judge(records, &LastDaysRule::default()), stand, &TriggerSettings::default())
}

#[test]
fn an_honest_model_is_mostly_left_alone_even_when_much_sells_out() {
    for service in [5.0, 0.5] {
        let mut dice = Dice(21);
        let calls = (0..200)
            .filter(|_| !called(&weeks(&mut dice, 26, (0.0, 0), service), &stand()).is_empty())
            .count();
        assert!(calls <= 30, "{calls} of 200 half years with stock {service} deviations above the mean");
    }
}

#[test]
fn a_market_that_lost_a_fifth_of_its_buyers_is_called() {
    let mut dice = Dice(22);
    let found = (0..100)
        .filter(|_| {
            called(&weeks(&mut dice, 26, (-10.0, 13), 1.0), &stand()).iter().any(|trigger| {
                matches!(trigger, Trigger::Drift { direction: Drift::Down, .. } | Trigger::Bias { .. })
            })
        })
        .count();
    assert!(found >= 95, "{found} of 100");
}

#[test]
fn quantiles_that_are_too_narrow_are_called() {
    let mut dice = Dice(23);
    let mut records = weeks(&mut dice, 40, (0.0, 0), 5.0);
    let narrow = Distribution::from_fn(|level| 50.0 + 4.0 * (level - 0.5)).expect("finite");
    for record in &mut records {
        record.forecast = forecast(narrow.clone());
    }
    let levels: Vec<f64> = called(&records, &stand())
        .iter()
        .filter_map(
            |trigger| if let Trigger::Calibration { level, .. } = trigger { Some(*level) } else { None },
        )
        .collect();
    assert_eq!(levels, [0.1, 0.9]);
}

#[test]
fn the_errors_of_another_version_are_not_this_ones_fault() {
    let mut dice = Dice(24);
    let records = weeks(&mut dice, 26, (-25.0, 0), 1.0);
    assert!(!called(&records, &stand()).is_empty());
    let newer = TrainingStand { model_version: "v2".to_owned(), ..stand() };
    assert!(called(&records, &newer).is_empty());
}

#[test]
fn new_days_and_new_products_are_called_once_there_are_enough() {
    let mut dice = Dice(25);
    let records = weeks(&mut dice, 8, (0.0, 0), 5.0);
    let trained = |week| TrainingStand { trained_through: Some(saturday(week)), ..stand() };
    assert_eq!(called(&records, &trained(4)), []);
    assert_eq!(called(&records, &trained(3)), [Trigger::NewDays { days: 4 }]);
    let mut never = TrainingStand { trained_through: None, ..stand() };
    never.known_products.remove("tart");
    let words: Vec<String> = called(&records, &never).iter().map(ToString::to_string).collect();
    assert_eq!(words, ["8 market days are new", "tart is new"]);
}
