//! From a vendor's days to a quantity with its reasons in words: rain, festivals and sell-outs of a
//! made-up year come back as what is said of the next Saturday.

use jiff::civil::{Date, date};

use super::super::{PlannedProduct, ProductPlan, in_words, plan_quantities};
use super::{loaf, request};
use crate::{
    DayOutlook, DemandModel, FactorKind, ForecastQuery, PastDay, SeriesHistory, VendorHistory, Weather,
};

const WEEKS: u32 = 60;

fn saturday(week: u32) -> Date {
    date(2024, 1, 6).checked_add(jiff::Span::new().weeks(i64::from(week))).expect("within the calendar")
}

fn outlook(rain: bool, festival: bool) -> DayOutlook {
    let rain_mm = Some(if rain { 8.0 } else { 0.0 });
    DayOutlook {
        weather: Weather { rain_mm, ..Weather::default() },
        event_attendance: Some(if festival { 5_000.0 } else { 0.0 }),
        ..DayOutlook::default()
    }
}

/// Every third Saturday or so is wet (a third fewer), every seventh has a festival (a third more); 66
/// are brought each time, so festivals sell out at a known hour.
fn history() -> VendorHistory {
    let days = (0..WEEKS).map(|week| {
        let (rain, festival) = (week % 3 == 1, week % 7 == 2);
        let usual = 60.0 * if rain { 0.67 } else { 1.0 } * if festival { 1.33 } else { 1.0 };
        // From 12 % fewer to 12 % more, in no order that is one of rain or festivals.
        let demand = usual * (1.0 + 0.03 * (f64::from(week * 5 % 9) - 4.0));
        PastDay {
            date: saturday(week),
            sold: demand.min(66.0).round(),
            brought: Some(66.0),
            sold_out_at: (demand > 66.0).then_some(66.0 / demand),
            outlook: outlook(rain, festival),
        }
    });
    let series = SeriesHistory {
        product: "loaf".to_owned(),
        market: "square".to_owned(),
        days: days.collect(),
        ..SeriesHistory::default()
    };
    VendorHistory { series: vec![series], ..VendorHistory::default() }
}

fn plan(model: &DemandModel, outlook: &DayOutlook) -> ProductPlan {
    let query = ForecastQuery { product: "loaf", market: "square", date: saturday(WEEKS), outlook };
    let forecast = model.forecast(&query);
    let product = PlannedProduct {
        factors: forecast.factors,
        ..PlannedProduct::new("loaf", forecast.distribution, loaf())
    };
    plan_quantities(&request(vec![product])).expect("sound").products.remove(0)
}

/// The effect of a factor among the reasons.
fn effect(plan: &ProductPlan, kind: FactorKind) -> Option<f64> {
    plan.reasons.iter().find_map(|reason| match reason {
        super::super::Reason::Factor(factor) if factor.kind == kind => Some(factor.effect),
        _ => None,
    })
}

#[test]
fn rain_and_festivals_of_the_past_move_the_quantity_and_are_told() {
    let model = DemandModel::learn(&history(), 1);
    let (wet, dry) = (plan(&model, &outlook(true, false)), plan(&model, &outlook(false, false)));
    let festival = plan(&model, &outlook(false, true));
    assert!(wet.quantity < dry.quantity && dry.quantity < festival.quantity);
    // Dry days are 60, wet ones 40: between a quarter and two fifths fewer.
    let share = wet.demand_p50 / dry.demand_p50;
    assert!((0.6..0.8).contains(&share), "{share}");
    // More than the 66 that were ever sold at a festival.
    assert!(festival.demand_p50 > 66.0, "{}", festival.demand_p50);
    assert!(effect(&wet, FactorKind::Rain).is_some_and(|effect| effect < 0.9), "{:?}", wet.reasons);
    assert!(
        effect(&festival, FactorKind::Event).is_some_and(|effect| effect > 1.1),
        "{:?}",
        festival.reasons
    );
    assert!(in_words(&wet.reasons).contains("rain expected: "), "{}", in_words(&wet.reasons));
    assert!(in_words(&festival.reasons).contains("event nearby: "), "{}", in_words(&festival.reasons));
}
