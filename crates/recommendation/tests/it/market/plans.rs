//! Plans: honest from the first day, better with every other, within what the van and the purse hold,
//! and answering what if.

use larder_proto::larder::catalog::v1::Product;
use larder_proto::larder::market::v1::*;
use tonic::Code;

use super::{
    NEXT, date, euros, line, open_market, past_saturdays, plan, plan_of, saturday, sell_on_terms, terms,
    units,
};
use crate::house::House;

#[tokio::test]
async fn a_first_day_has_a_prior_and_later_days_a_model() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    open_market(&mut guest).await;
    sell_on_terms(&mut guest, vec![terms("bread", 400, 150), terms("cake", 350, 120)]).await;
    let first = plan(&mut guest, plan_of(&[])).await;
    assert_eq!((first.lines.len(), first.market_name.as_str()), (2, "Market square"));
    let bread = line(&first, "bread");
    assert_eq!((bread.method(), bread.day_count), (ForecastMethod::Prior, 0));
    assert!(bread.method_reason.contains("visitors"), "{bread:?}");
    assert!(bread.demand_p90 > 2.0 * bread.demand_p10, "nobody knows: {bread:?}");
    past_saturdays(&mut guest, 26).await;
    let later = plan(&mut guest, plan_of(&[])).await;
    let (bread, cake) = (line(&later, "bread"), line(&later, "cake"));
    assert_eq!((bread.method(), bread.day_count), (ForecastMethod::Model, 26));
    assert!((36.0..44.0).contains(&bread.demand_p50) && (9.0..15.0).contains(&cake.demand_p50), "{later:?}");
    assert!(bread.demand_p90 < 1.5 * bread.demand_p10, "now it is known: {bread:?}");
    assert!((30.0..50.0).contains(&bread.last_four_mean), "{bread:?}");
    let fractile = (4.0 - 1.5) / 4.0;
    assert!((bread.critical_fractile - fractile).abs() < 1e-9);
    assert_eq!(bread.quantity.fract(), 0.0, "whole loaves");
    assert_eq!(bread.demand_quantiles.len(), 19);
    assert!(!bread.reasons.is_empty() && later.model_version.starts_with("mixture-1@2026-02-28"));
    assert_ne!(first.model_version, later.model_version);
}

#[tokio::test]
async fn what_if_is_answered_and_not_kept() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    open_market(&mut guest).await;
    sell_on_terms(&mut guest, vec![terms("bread", 400, 150)]).await;
    past_saturdays(&mut guest, 20).await;
    let sheet = GetPlanSheetRequest { market_id: "square".into(), held_on: "2026-03-07".into() };
    let dear =
        WhatIfProduct { product_id: "bread".into(), unit_cost: euros(380), ..WhatIfProduct::default() };
    let asked = PlanMarketDayRequest { products: vec![dear], what_if: true, ..plan_of(&[]) };
    let what_if = guest.market.plan_market_day(asked).await.unwrap().into_inner();
    assert!(!what_if.kept);
    let difference = what_if.difference.clone().unwrap();
    assert_eq!(difference.products.len(), 1, "{difference:?}");
    assert!(
        difference.products[0].quantity < 0.0 && units(&difference.expected_profit) < 0.0,
        "{difference:?}"
    );
    assert_eq!(guest.market.get_plan_sheet(sheet.clone()).await.unwrap_err().code(), Code::NotFound);
    let usual = plan(&mut guest, plan_of(&[])).await;
    let quantity = |plan: &MarketPlan| line(plan, "bread").quantity;
    let dear = quantity(&what_if.plan.unwrap());
    assert_eq!(dear - quantity(&usual), difference.products[0].quantity);
    assert!(dear < quantity(&usual), "a loaf that costs more is risked less");
    let poor = PlanMarketDayRequest { budget: euros(1_500), what_if: true, ..plan_of(&[]) };
    let poor = plan(&mut guest, poor).await;
    assert!(quantity(&poor) <= 10.0 && units(&poor.cost) <= 15.0, "{poor:?}");
    assert_eq!(poor.binding_constraints, ["budget"]);
    assert!(line(&poor, "bread").reasons.iter().any(|reason| reason.contains("budget")), "{poor:?}");
    let set = WhatIfProduct { product_id: "bread".into(), quantity: Some(7.0), ..WhatIfProduct::default() };
    let set = plan(&mut guest, PlanMarketDayRequest { products: vec![set], ..plan_of(&[]) }).await;
    assert_eq!(quantity(&set), 7.0);
    let page = guest.market.get_plan_sheet(sheet.clone()).await.unwrap().into_inner().sheet.unwrap();
    let html = String::from_utf8(page.data).unwrap();
    assert_eq!(page.content_type, "text/html; charset=utf-8");
    assert!(html.contains("Saturday, 7 March 2026") && html.contains("set by hand"), "{html}");
    assert_eq!(other.market.get_plan_sheet(sheet).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(other.market.plan_market_day(plan_of(&[])).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn days_that_cannot_be_planned_are_refused_by_name() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    open_market(&mut guest).await;
    let refused = async |guest: &mut crate::house::Guest, request: PlanMarketDayRequest| {
        guest.market.plan_market_day(request).await.unwrap_err().message().to_owned()
    };
    let nothing = refused(&mut guest, plan_of(&[])).await;
    assert!(nothing.starts_with("product_ids: must name products with terms"), "{nothing}");
    sell_on_terms(&mut guest, vec![terms("bread", 400, 150)]).await;
    let past = PlanMarketDayRequest { held_on: date(saturday(0)), ..plan_of(&[]) };
    assert!(refused(&mut guest, past).await.starts_with("held_on: must be today or later"));
    let dateless = PlanMarketDayRequest { held_on: None, ..plan_of(&[]) };
    assert_eq!(refused(&mut guest, dateless).await, "held_on: is required");
    let off = MarketDay {
        market_id: "square".into(),
        held_on: Some(NEXT),
        state: MarketDayState::Cancelled.into(),
        ..MarketDay::default()
    };
    let request = BatchUpsertMarketDaysRequest { market_days: vec![off] };
    guest.market.batch_upsert_market_days(request).await.unwrap();
    assert_eq!(refused(&mut guest, plan_of(&[])).await, "held_on: must be a day that is not called off");
    let later = Some(larder_proto::google::r#type::Date { year: 2026, month: 3, day: 14 });
    let dollars =
        Some(larder_proto::google::r#type::Money { currency_code: "USD".into(), units: 9, nanos: 0 });
    let slips = PlanMarketDayRequest {
        held_on: later,
        budget: dollars,
        van_volume_l: Some(f64::NAN),
        weather: Some(WeatherOutlook { rain_mm: Some(-1.0), ..WeatherOutlook::default() }),
        ..plan_of(&[])
    };
    let told = refused(&mut guest, slips.clone()).await;
    assert!(told.contains("van_volume_l: ") && told.contains("weather.rain_mm: "), "{told}");
    let mixed = PlanMarketDayRequest { van_volume_l: None, weather: None, ..slips };
    assert!(refused(&mut guest, mixed).await.starts_with("budget.currency_code: must be EUR"));
}

#[tokio::test]
async fn a_holiday_an_event_and_the_weather_are_told_with_their_source() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    open_market(&mut guest).await;
    let bread = Product { product_id: "bread".into(), name: "Rye bread".into(), ..Product::default() };
    guest.upsert(vec![bread]).await;
    sell_on_terms(&mut guest, vec![terms("bread", 400, 150)]).await;
    past_saturdays(&mut guest, 12).await;
    let fair = MarketEvent { name: "Spring fair".into(), attendance: Some(5_000) };
    let day = MarketDay {
        market_id: "square".into(),
        held_on: Some(NEXT),
        state: MarketDayState::Held.into(),
        events: vec![fair],
        ..MarketDay::default()
    };
    let request = BatchUpsertMarketDaysRequest { market_days: vec![day] };
    guest.market.batch_upsert_market_days(request).await.unwrap();
    let rain = WeatherOutlook { rain_mm: Some(12.0), ..WeatherOutlook::default() };
    let told = plan(&mut guest, PlanMarketDayRequest { weather: Some(rain), ..plan_of(&[]) }).await;
    let (weather, events) = (told.weather.as_ref().unwrap(), told.events.as_ref().unwrap());
    assert_eq!((weather.source(), weather.rain_mm), (OutlookSource::Told, Some(12.0)));
    assert_eq!((events.source(), events.attendance), (OutlookSource::Told, 5_000.0));
    assert_eq!(
        (events.names.as_slice(), told.lines[0].name.as_str()),
        (&["Spring fair".to_owned()][..], "Rye bread")
    );
    let again = plan(&mut guest, plan_of(&[])).await;
    assert_eq!(again.weather.unwrap().source(), OutlookSource::Kept, "what was told is still known");
    let good_friday = larder_proto::google::r#type::Date { year: 2026, month: 4, day: 3 };
    let holiday = plan(&mut guest, PlanMarketDayRequest { held_on: Some(good_friday), ..plan_of(&[]) }).await;
    assert!(
        holiday.holiday.contains("Friday") || holiday.holiday.contains("Karfreitag"),
        "{}",
        holiday.holiday
    );
    assert_eq!(holiday.weather.unwrap().source(), OutlookSource::None);
}
