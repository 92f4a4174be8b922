//! Which model foretells: never behind for long, no wait for another tenant's, tried against a challenger when its
//! errors call for one, rolled back by hand, and learning no day twice.

use larder_proto::larder::market::v1::*;
use larder_recommendation::{SCHEMA, migrator};
use larder_testkit::TestDatabase;
use std::time::Duration;
use tonic::Code;

use super::{
    date, line, open_market, past_saturdays, plan, plan_of, record, sale, saturday, sell_on_terms, square,
    terms,
};
use crate::house::{DAY_S, Guest, House, eventually, pass_s};

async fn models(guest: &mut Guest) -> Vec<DemandModel> {
    let answer = guest.market.list_demand_models(ListDemandModelsRequest::default()).await.unwrap();
    answer.into_inner().demand_models
}

#[tokio::test]
async fn a_plan_right_after_a_sale_does_not_wait_and_says_so() {
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    let house = House::open_with(database, |settings| {
        settings.recommendation.demand_patience = Duration::ZERO;
    })
    .await;
    let mut guest = house.guest("shop").await;
    open_market(&mut guest).await;
    sell_on_terms(&mut guest, vec![terms("bread", 400, 150)]).await;
    past_saturdays(&mut guest, 8).await;
    let first = plan(&mut guest, plan_of(&[])).await;
    assert!(!first.model_is_behind, "the first model is waited for");
    record(&mut guest, vec![sale("new", "bread", (saturday(0), 600), 400.0)]).await;
    let at_once = plan(&mut guest, plan_of(&[])).await;
    assert!(at_once.model_is_behind);
    assert_eq!(at_once.model_version, first.model_version, "the model before answers");
    eventually("the sale is learnt", async || {
        let later = plan(&mut guest.clone(), plan_of(&[])).await;
        !later.model_is_behind
            && line(&later, "bread").demand_p90 > line(&at_once, "bread").demand_p90
            && later.model_version != first.model_version
    })
    .await;
}

#[tokio::test]
async fn a_day_is_learnt_once_when_it_is_over_there_or_somebody_told_of_it() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    // Noon in UTC on Sunday: midnight has passed in Auckland, and is far in Honolulu.
    let far = |id: &str, zone: &str| Market { market_id: id.into(), time_zone: zone.into(), ..square() };
    let markets = vec![far("auckland", "Pacific/Auckland"), far("honolulu", "Pacific/Honolulu")];
    guest.market.batch_upsert_markets(BatchUpsertMarketsRequest { markets }).await.unwrap();
    sell_on_terms(&mut guest, vec![terms("bread", 400, 150)]).await;
    let sunday = saturday(0).tomorrow().unwrap();
    let of = |market: &str, id: &str, at: &str| {
        let at: jiff::Timestamp = at.parse().unwrap();
        Sale {
            market_id: market.into(),
            sold_at: Some(prost_types::Timestamp { seconds: at.as_second(), nanos: 0 }),
            ..sale(id, "bread", (sunday, 0), 30.0)
        }
    };
    // Both of the first of March by the clock there.
    let sales =
        vec![of("auckland", "a", "2026-03-01T01:00:00Z"), of("honolulu", "h", "2026-03-01T11:00:00Z")];
    assert_eq!(record(&mut guest, sales).await.rejected_count, 0);
    let days = async |guest: &mut Guest, market: &str| {
        let request = PlanMarketDayRequest { market_id: market.into(), ..plan_of(&[]) };
        line(&plan(guest, request).await, "bread").day_count
    };
    assert_eq!((days(&mut guest, "auckland").await, days(&mut guest, "honolulu").await), (1, 0));
    let stats = guest.market.get_feedback_stats(GetFeedbackStatsRequest::default()).await.unwrap();
    assert!(stats.into_inner().total.is_none(), "statistics go by the same clocks");
    assert_eq!(days(&mut guest, "honolulu").await, 0, "and leave the model as it was");
    // The stall there closes early, and the vendor says how it went.
    let went = FeedbackLine { product_id: "bread".into(), brought: 40.0, ..FeedbackLine::default() };
    let request =
        SubmitFeedbackRequest { market_id: "honolulu".into(), held_on: date(sunday), lines: vec![went] };
    guest.market.submit_feedback(request).await.unwrap();
    assert_eq!(days(&mut guest, "honolulu").await, 1);
    pass_s(DAY_S);
    assert_eq!(days(&mut guest, "honolulu").await, 1, "the same day is not learnt again when it is over");
}

/// Bread that sold anything for two years, then the same for half a year.
async fn restless_then_steady(guest: &mut Guest) {
    open_market(guest).await;
    sell_on_terms(guest, vec![terms("bread", 400, 150), terms("cake", 350, 120)]).await;
    let mut sales = Vec::new();
    for back in 0..130 {
        let restless = [5.0, 190.0, 30.0, 150.0, 12.0, 90.0, 220.0];
        for (product, level) in [("bread", 1.0), ("cake", 0.5)] {
            let units = match back {
                0..24 => 100.0 + f64::from((back * 7) % 5) - 2.0,
                _ => restless[(back * 3 % 7) as usize],
            };
            let id = format!("{product}-{back}");
            sales.push(sale(&id, product, (saturday(back), 600), (units * level).round()));
        }
    }
    assert_eq!(record(guest, sales).await.rejected_count, 0);
}

/// Plans and sells so many Saturdays to come; buyers ask for `units` of bread and half as much cake.
async fn live_on(guest: &mut Guest, weeks: std::ops::Range<i32>, units: f64) {
    for week in weeks {
        let day = saturday(-week);
        let request = PlanMarketDayRequest { held_on: date(day), ..plan_of(&[]) };
        plan(guest, request).await;
        pass_s(7 * DAY_S);
        let noise = f64::from((week * 7) % 5) - 2.0;
        let mut lines = Vec::new();
        for (product, level) in [("bread", 1.0), ("cake", 0.5)] {
            let asked = ((units + noise) * level).round();
            record(guest, vec![sale(&format!("{product}-next-{week}"), product, (day, 600), asked)]).await;
            lines.push(FeedbackLine {
                product_id: product.into(),
                brought: 300.0,
                ..FeedbackLine::default()
            });
        }
        let request = SubmitFeedbackRequest { market_id: "square".into(), held_on: date(day), lines };
        guest.market.submit_feedback(request).await.unwrap();
    }
}

#[tokio::test]
async fn a_challenger_that_is_better_answers_and_is_rolled_back_by_hand() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    restless_then_steady(&mut guest).await;
    let nothing =
        guest.market.roll_back_demand_model(RollBackDemandModelRequest::default()).await.unwrap_err();
    assert_eq!(nothing.code(), Code::FailedPrecondition, "{nothing:?}");
    // Half of the buyers stay away from one week to the next.
    live_on(&mut guest, 1..9, 50.0).await;
    eventually("a challenger is tried", async || !models(&mut guest.clone()).await.is_empty()).await;
    let tried = models(&mut guest).await;
    assert_eq!(tried.len(), 2, "{tried:?}");
    let of = |state: DemandModelState| tried.iter().find(|model| model.state() == state);
    let (now, before) = (of(DemandModelState::Serving).unwrap(), of(DemandModelState::Previous).unwrap());
    assert_eq!(before.model_version, "mixture-1");
    assert!(now.model_version.starts_with("mixture-1-since-") && now.learns_from.is_some(), "{now:?}");
    assert!(now.loss.unwrap() < 0.99 * now.loss_of_champion.unwrap(), "{now:?}");
    assert!(now.compared_day_count >= 10 && now.verdict.contains("better on"), "{now:?}");
    assert!(!now.signs.is_empty() && now.signs.iter().all(|sign| sign.kind != "new_days"), "{now:?}");
    assert!(models(&mut other).await.is_empty(), "another tenant's models are its own");

    let request = || PlanMarketDayRequest { held_on: date(saturday(-9)), ..plan_of(&[]) };
    let told = plan(&mut guest, request()).await;
    assert!(told.model_version.starts_with(&now.model_version), "{}", told.model_version);
    let by_hand = RollBackDemandModelRequest { reason: "the fair was on".into() };
    let back = guest.market.roll_back_demand_model(by_hand).await.unwrap().into_inner().demand_model.unwrap();
    assert_eq!((back.model_version.as_str(), back.state()), ("mixture-1", DemandModelState::Serving));
    assert!(back.verdict.contains("the fair was on"), "{back:?}");
    assert!(plan(&mut guest, request()).await.model_version.starts_with("mixture-1@"));
    let nothing =
        guest.market.roll_back_demand_model(RollBackDemandModelRequest::default()).await.unwrap_err();
    assert_eq!(nothing.code(), Code::FailedPrecondition, "{nothing:?}");
}

#[tokio::test]
async fn a_challenger_that_is_no_better_is_kept_out() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    open_market(&mut guest).await;
    sell_on_terms(&mut guest, vec![terms("bread", 400, 150), terms("cake", 350, 120)]).await;
    past_saturdays(&mut guest, 60).await;
    live_on(&mut guest, 1..8, 12.0).await;
    eventually("a challenger is tried", async || !models(&mut guest.clone()).await.is_empty()).await;
    let tried = models(&mut guest).await;
    let rejected = tried.iter().find(|model| model.state() == DemandModelState::Rejected).unwrap();
    assert!(!rejected.verdict.is_empty() && !rejected.signs.is_empty(), "{rejected:?}");
    let serving = tried.iter().find(|model| model.state() == DemandModelState::Serving).unwrap();
    assert_eq!((tried.len(), serving.model_version.as_str()), (2, "mixture-1"), "{tried:?}");
    let request = PlanMarketDayRequest { held_on: date(saturday(-8)), ..plan_of(&[]) };
    assert!(plan(&mut guest, request).await.model_version.starts_with("mixture-1@"));
}
