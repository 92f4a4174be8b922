//! The model's promises: it always answers, says who spoke, learns what is there, and nobody's slip of
//! the pen or closed day moves it far.

use jiff::{ToSpan, civil::Date, civil::date};

use super::*;

const FIRST: Date = date(2025, 1, 4);

fn day(week: i32, sold: f64) -> PastDay {
    let outlook = DayOutlook::default();
    PastDay { date: FIRST + (7 * week).days(), sold, brought: None, sold_out_at: None, outlook }
}

fn series(product: &str, market: &str, sold: &[f64]) -> SeriesHistory {
    let days = (0..).zip(sold).map(|(week, &sold)| day(week, sold)).collect();
    SeriesHistory { product: product.to_owned(), market: market.to_owned(), category: None, days }
}

fn vendor(series: Vec<SeriesHistory>) -> VendorHistory {
    VendorHistory { series, ..VendorHistory::default() }
}

fn ask(history: &VendorHistory, product: &str, market: &str, outlook: &DayOutlook) -> Forecast {
    let query = ForecastQuery { product, market, date: FIRST + (7 * 200).days(), outlook };
    DemandModel::learn(history, 1).forecast(&query)
}

fn usual(history: &VendorHistory) -> Forecast {
    ask(history, "bread", "square", &DayOutlook::default())
}

/// Around `level`, the same every time.
fn around(level: f64, days: usize) -> Vec<f64> {
    (0..days).map(|day| level * (1.0 + 0.2 * ((day * 37 % 11) as f64 / 5.0 - 1.0))).collect()
}

#[test]
fn without_anything_a_guess_says_that_it_is_one() {
    let forecast = usual(&VendorHistory::default());
    assert_eq!(forecast.method, Method::Heuristic(HeuristicReason::NothingKnown));
    let (low, high) = (forecast.distribution.quantile(0.1), forecast.distribution.quantile(0.9));
    assert!(high / low > 20.0, "{low} to {high}");
}

#[test]
fn visitors_tell_more_than_nothing() {
    let mut history = vendor(vec![series("bread", "square", &[]), series("rolls", "square", &[])]);
    history.markets.push(MarketProfile { market: "square".to_owned(), expected_visitors: Some(500.0) });
    let forecast = usual(&history);
    assert_eq!(forecast.method, Method::Heuristic(HeuristicReason::NoHistory));
    assert!((forecast.distribution.quantile(0.5) - 30.0).abs() < 0.1);
}

#[test]
fn a_new_market_is_judged_by_the_others() {
    let sold = around(50.0, 30);
    let history = vendor(vec![
        series("bread", "harbour", &sold),
        series("rolls", "harbour", &around(200.0, 30)),
        series("rolls", "square", &around(100.0, 30)),
        series("bread", "square", &[]),
    ]);
    let forecast = usual(&history);
    assert_eq!(forecast.method, Method::Heuristic(HeuristicReason::FewDays));
    let median = forecast.distribution.quantile(0.5);
    assert!((18.0..45.0).contains(&median), "half of the harbour's 50, somewhat drawn to it: {median}");
    assert!((forecast.pooled_share - 1.0).abs() < 1e-12);
}

#[test]
fn one_sale_is_not_trusted_alone() {
    let mut others = vec![series("bread", "square", &[5.0])];
    others.extend(["a", "b", "c", "d"].map(|product| series(product, "square", &around(60.0, 20))));
    let forecast = usual(&vendor(others));
    let alone = usual(&vendor(vec![series("bread", "square", &[5.0])]));
    assert_eq!(forecast.method, Method::Heuristic(HeuristicReason::FewDays));
    assert!(forecast.pooled_share > 0.05, "{}", forecast.pooled_share);
    assert!(forecast.distribution.quantile(0.5) > alone.distribution.quantile(0.5));
}

#[test]
fn many_days_speak_for_themselves() {
    let forecast = usual(&vendor(vec![series("bread", "square", &around(80.0, 60))]));
    assert_eq!((forecast.method, forecast.past_days), (Method::Model, 60));
    let [low, middle, high] = [0.1, 0.5, 0.9].map(|level| forecast.distribution.quantile(level));
    assert!((75.0..85.0).contains(&middle), "{middle}");
    assert!((62.0..74.0).contains(&low) && (86.0..98.0).contains(&high), "{low} to {high}");
}

#[test]
fn a_thousand_times_too_much_is_a_slip_of_the_pen() {
    let clean = around(80.0, 40);
    let mut slipped = clean.clone();
    slipped[37] *= 1000.0;
    let [clean, slipped] =
        [clean, slipped].map(|sold| usual(&vendor(vec![series("bread", "square", &sold)])));
    for level in [0.1, 0.5, 0.9] {
        let (clean, slipped) = (clean.distribution.quantile(level), slipped.distribution.quantile(level));
        assert!((slipped / clean - 1.0).abs() < 0.05, "{level}: {clean} became {slipped}");
    }
}

#[test]
fn impossible_sales_are_left_out_and_the_last_record_of_a_date_counts() {
    let mut history = vendor(vec![series("bread", "square", &around(80.0, 12))]);
    let expected = usual(&history);
    let days = &mut history.series[0].days;
    let last = days[11].clone();
    days.insert(0, PastDay { sold: 700.0, ..last.clone() });
    days.insert(3, PastDay { sold: f64::NAN, date: last.date + 7.days(), ..last.clone() });
    days.push(PastDay { sold: -4.0, date: last.date + 14.days(), ..last });
    assert_eq!(usual(&history), expected);
}

#[test]
fn closed_days_are_no_days_without_demand() {
    let mut sold = around(80.0, 40);
    (sold[20], sold[33]) = (0.0, 0.0);
    let forecast = usual(&vendor(vec![series("bread", "square", &sold)]));
    let middle = forecast.distribution.quantile(0.5);
    assert!((74.0..86.0).contains(&middle), "{middle}");
}

#[test]
fn a_relaunched_product_is_believed_after_some_days() {
    let mut sold = around(40.0, 40);
    sold.extend(around(120.0, 10));
    let forecast = usual(&vendor(vec![series("bread", "square", &sold)]));
    let middle = forecast.distribution.quantile(0.5);
    assert!((85.0..150.0).contains(&middle), "{middle}");
}

#[test]
fn rain_counts_where_it_counted() {
    let mut history = vendor(vec![series("bread", "square", &around(80.0, 60))]);
    for (number, day) in history.series[0].days.iter_mut().enumerate() {
        let rains = number * 7 % 5 == 0;
        day.outlook.weather.rain_mm = Some(if rains { 10.0 } else { 0.0 });
        day.sold *= if rains { 0.6 } else { 1.0 };
    }
    let outlook = |rain_mm| DayOutlook {
        weather: crate::Weather { rain_mm: Some(rain_mm), ..crate::Weather::default() },
        ..DayOutlook::default()
    };
    let [dry, wet] = [0.0, 10.0].map(|rain_mm| ask(&history, "bread", "square", &outlook(rain_mm)));
    let ratio = wet.distribution.quantile(0.5) / dry.distribution.quantile(0.5);
    assert!((0.5..0.8).contains(&ratio), "{ratio}");
    let told = wet.factors.iter().find(|factor| factor.kind == crate::FactorKind::Rain).unwrap();
    assert!((0.5..0.85).contains(&told.effect), "{told}");
}

#[test]
fn rain_that_never_mattered_is_not_told() {
    let mut history = vendor(vec![series("bread", "square", &around(80.0, 60))]);
    for (number, day) in history.series[0].days.iter_mut().enumerate() {
        day.outlook.weather.rain_mm = Some(if number * 7 % 5 == 0 { 10.0 } else { 0.0 });
    }
    let weather = crate::Weather { rain_mm: Some(10.0), ..crate::Weather::default() };
    let wet = ask(&history, "bread", "square", &DayOutlook { weather, ..DayOutlook::default() });
    let told = wet.factors.iter().find(|factor| factor.kind == crate::FactorKind::Rain);
    assert!(told.is_none_or(|factor| (factor.effect - 1.0).abs() < 0.03), "{told:?}");
}

#[test]
fn sell_outs_are_told_and_raise_the_level() {
    let mut history = vendor(vec![series("bread", "square", &around(80.0, 20))]);
    let before = usual(&history).distribution.quantile(0.5);
    for day in &mut history.series[0].days {
        day.sold = day.sold.min(75.0);
        day.sold_out_at = (day.sold >= 75.0).then_some(0.8);
    }
    let forecast = usual(&history);
    assert!(forecast.sold_out_days > 5 && forecast.sold_out_uplift > 0.05, "{forecast:?}");
    assert!(forecast.distribution.quantile(0.5) > 0.93 * before);
    let told = |factor: &&Factor| matches!(factor.kind, crate::FactorKind::SoldOut { .. });
    assert!(forecast.factors.iter().any(|factor| told(&factor)));
}

#[test]
fn a_stored_model_answers_the_same() {
    let history =
        vendor(vec![series("bread", "square", &around(80.0, 30)), series("rolls", "square", &[3.0])]);
    let model = DemandModel::learn(&history, 1);
    let stored = serde_json::to_string(&model).unwrap();
    let read: DemandModel = serde_json::from_str(&stored).unwrap();
    let outlook = DayOutlook::default();
    let query =
        ForecastQuery { product: "rolls", market: "square", date: date(2026, 3, 7), outlook: &outlook };
    let (read, told) = (read.forecast(&query), model.forecast(&query));
    assert_eq!((read.method, read.factors), (told.method, told.factors));
    for (read, told) in read.distribution.quantiles().iter().zip(told.distribution.quantiles()) {
        assert!((read - told).abs() <= 1e-12 * told, "{read} is not {told}");
    }
}

/// Every day of a year and a half; small products sell half as much again in the first days of a month.
fn every_day(products: usize) -> VendorHistory {
    let one = |product: usize| {
        let days = (0..550).map(|number| {
            let date = FIRST + number.days();
            let luck = 1.0 + 0.1 * (((number as usize * 37 + product * 11) % 23) as f64 / 11.0 - 1.0);
            let sold = (60.0 + 10.0 * product as f64) * turned(product, date) * luck;
            PastDay { date, ..day(0, sold) }
        });
        SeriesHistory { days: days.collect(), ..series(&format!("p{product}"), "square", &[]) }
    };
    vendor((0..products).map(one).collect())
}

fn turned(product: usize, date: Date) -> f64 {
    if date.day() <= 12 && product < 4 { 1.5 } else { 1.0 }
}

#[test]
fn what_no_cheap_expert_knows_is_learnt_from_all_products() {
    let history = every_day(8);
    let model = DemandModel::learn(&history, 7);
    let outlook = DayOutlook::default();
    // The last known days are of the first days of July 2026, which every level follows.
    for (ahead, product) in [(3, 2), (3, 6), (7, 2), (7, 6)] {
        let date = FIRST + (549 + ahead).days();
        let query =
            ForecastQuery { product: &format!("p{product}"), market: "square", date, outlook: &outlook };
        let said = model.forecast(&query).distribution;
        let ordinary = (60.0 + 10.0 * product as f64) * turned(product, date);
        let middle = said.quantile(0.5);
        assert!((middle / ordinary - 1.0).abs() < 0.12, "{product} on {date}: {middle} for {ordinary}");
        assert!(said.quantile(0.9) < 1.3 * ordinary, "and narrow");
    }
}

#[test]
fn a_model_that_learns_day_by_day_answers_like_one_that_learnt_all_at_once() {
    let all = vendor(vec![
        series("bread", "square", &around(80.0, 44)),
        series("rolls", "square", &around(30.0, 40)),
    ]);
    let mut known = all.clone();
    known.series.iter_mut().for_each(|one| one.days.retain(|day| day.date < FIRST + (7 * 36).days()));
    let mut model = DemandModel::learn(&known, 1);
    for week in 36..44 {
        for (known, one) in known.series.iter_mut().zip(&all.series) {
            known.days.extend(one.days.iter().filter(|day| day.date == FIRST + (7 * week).days()).cloned());
        }
        assert!(model.learn_later_days(&known, 1));
    }
    let outlook = DayOutlook::default();
    let query = ForecastQuery {
        product: "bread",
        market: "square",
        date: FIRST + (7 * 45).days(),
        outlook: &outlook,
    };
    let (later, at_once) = (model.forecast(&query), DemandModel::learn(&all, 1).forecast(&query));
    assert_eq!((later.past_days, later.method), (at_once.past_days, at_once.method));
    for (later, at_once) in later.distribution.quantiles().iter().zip(at_once.distribution.quantiles()) {
        assert!((later / at_once - 1.0).abs() <= 0.01, "{later} is not {at_once}");
    }
}

#[test]
fn what_changed_behind_its_back_has_to_be_learnt_anew() {
    let known = vendor(vec![series("bread", "square", &around(80.0, 20))]);
    let learnt = DemandModel::learn(&known, 1);
    let mut corrected = known.clone();
    corrected.series[0].days[7].sold += 1.0;
    let mut late = known.clone();
    late.series[0].days.push(PastDay { date: FIRST + 3.days(), ..day(0, 80.0) });
    let mut wider = known.clone();
    wider.series.push(series("rolls", "square", &around(30.0, 20)));
    for changed in [corrected, late, wider] {
        let mut model = learnt.clone();
        assert!(!model.learn_later_days(&changed, 1));
        assert_eq!(model.series().count(), 1);
    }
    assert!(!DemandModel::learn(&VendorHistory::default(), 1).learn_later_days(&known, 1));
    assert!(learnt.clone().learn_later_days(&known, 1), "nothing new is nothing to do");
}

#[test]
fn after_a_long_silence_a_product_begins_anew() {
    let mut sold = vec![0.0; 100];
    sold.extend(around(90.0, 4));
    let history =
        vendor(vec![series("bread", "square", &sold), series("rolls", "square", &around(30.0, 104))]);
    let middle = usual(&history).distribution.quantile(0.5);
    assert!((60.0..120.0).contains(&middle), "{middle}");
    let mut silent = vec![0.0; 20];
    silent.extend(around(90.0, 4));
    let before = usual(&vendor(vec![series("bread", "square", &silent)])).distribution.quantile(0.5);
    assert!(before < middle, "twenty days are no long silence: {before}");
}

proptest::proptest! {
    /// Whatever was sold, there is an answer, and its quantiles do not fall.
    #[test]
    fn there_is_always_an_answer(
        sold in proptest::collection::vec(proptest::prelude::any::<f64>(), 0..40), lead_days in 0_u32..10,
    ) {
        let history = vendor(vec![series("bread", "square", &sold), series("rolls", "square", &[1e300, 0.0, 1e-300])]);
        let model = DemandModel::learn(&history, lead_days);
        let outlook = DayOutlook { price: Some(f64::NAN), event_attendance: Some(-1.0), ..DayOutlook::default() };
        for (product, market) in [("bread", "square"), ("rolls", "square"), ("cake", "moon")] {
            let query = ForecastQuery { product, market, date: date(2030, 2, 28), outlook: &outlook };
            let quantiles = *model.forecast(&query).distribution.quantiles();
            proptest::prop_assert!(quantiles.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }
}
