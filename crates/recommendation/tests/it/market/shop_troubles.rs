//! A shop that is away, takes its consent back, or tells strange things: plans go on, and say what is missing.

use larder_proto::larder::market::v1::*;
use larder_proto::larder::operation::v1::OperationState;
use larder_testkit::stand_in::Fault;
use serde_json::json;
use tonic::Code;

use super::stand::{
    connect, giving_back, item, line as sold, message, open, order, receive, shop_of, sync, synced,
    units_sold,
};
use super::{line, plan, plan_of, saturday, sell_on_terms, square, terms};
use crate::house::{DAY_S, Guest, eventually, pass_s};

async fn open_stall(guest: &mut Guest) {
    let markets = vec![Market { square_location_id: "L1".to_owned(), ..square() }];
    guest.market.batch_upsert_markets(BatchUpsertMarketsRequest { markets }).await.unwrap();
    sell_on_terms(guest, vec![terms("bread", 400, 150)]).await;
}

fn at_ten(day: jiff::civil::Date) -> jiff::Timestamp {
    day.at(10, 0, 0, 0).in_tz("Europe/Berlin").unwrap().timestamp()
}

/// A shop with so many Saturdays of bread, connected and read.
async fn reading(stand_in: &larder_testkit::stand_in::square::SquareStandIn, guest: &mut Guest, count: i32) {
    open_stall(guest).await;
    stand_in.put_object(item("V1", "Sourdough", "bread"));
    for back in 0..count {
        let quantity = (36 + (back * 7) % 9).to_string();
        let lines = vec![sold("a", "V1", "Sourdough", &quantity)];
        stand_in.put_order(order(&format!("O{back}"), at_ten(saturday(back)), lines));
    }
    connect(guest).await;
    synced(guest).await;
}

#[tokio::test]
async fn every_way_to_be_useless_leaves_the_plan_and_names_the_rung() {
    let faults = [
        (Fault::RateLimited { retry_after: Some("3600") }, "less often"),
        (Fault::Html, "cannot be used"),
        (Fault::HalfPage, "cannot be used"),
        (Fault::CutConnection, "reached"),
        (Fault::NeverAnswers, "in time"),
        (Fault::Status(500), "failed"),
    ];
    for (fault, said) in faults {
        let (stand_in, house) = open().await;
        let mut guest = house.guest("shop").await;
        reading(&stand_in, &mut guest, 20).await;
        let whole = plan(&mut guest, plan_of(&[])).await;
        assert!(!whole.sales.unwrap().degraded);

        stand_in.server.fail(fault.clone());
        pass_s(3_600);
        let failed = sync(&mut guest, SyncSalesRequest::default()).await;
        assert_eq!(failed.state(), OperationState::Failed, "{fault:?}");
        assert_eq!(failed.error.as_ref().unwrap().code, Code::Unavailable as i32, "{fault:?}");
        assert_eq!(failed.result["rung"], "cache");
        let cached = plan(&mut guest, plan_of(&[])).await;
        let sales = cached.sales.as_ref().unwrap();
        assert_eq!(
            (sales.rung.as_str(), sales.degraded, cached.degraded),
            ("cache", true, true),
            "{fault:?}"
        );
        assert!(cached.degraded_reason.contains(said), "{fault:?}: {}", cached.degraded_reason);
        assert_eq!(line(&cached, "bread").quantity, line(&whole_again(&mut guest).await, "bread").quantity);
        let shop = shop_of(&mut guest).await.unwrap();
        assert!(shop.degraded && shop.last_error.contains(said), "{shop:?}");

        pass_s(DAY_S);
        let recorded = plan(&mut guest, plan_of(&[])).await;
        assert_eq!(recorded.sales.as_ref().unwrap().rung, "recorded_sales", "{fault:?}");
        assert!(line(&recorded, "bread").quantity > 0.0);
        pass_s(-DAY_S - 3_600);
    }
}

async fn whole_again(guest: &mut Guest) -> MarketPlan {
    plan(guest, PlanMarketDayRequest { what_if: true, ..plan_of(&[]) }).await
}

#[tokio::test]
async fn the_longer_a_shop_is_away_the_wider_is_the_plan() {
    let (stand_in, house) = open().await;
    let mut guest = house.guest("shop").await;
    reading(&stand_in, &mut guest, 20).await;
    let request = || PlanMarketDayRequest { held_on: super::date(saturday(-4)), ..plan_of(&[]) };
    let spread = async |guest: &mut Guest| {
        let told = plan(guest, request()).await;
        let bread = line(&told, "bread");
        (bread.demand_p90 - bread.demand_p10, bread.demand_p50, told.degraded)
    };
    let (known, middle, _) = spread(&mut guest).await;
    stand_in.server.fail(Fault::NeverAnswers);
    pass_s(3 * 7 * DAY_S);
    let (unknown, same_middle, is_degraded) = spread(&mut guest).await;
    assert!(is_degraded && unknown > 1.1 * known, "{known} then {unknown}");
    assert!((same_middle - middle).abs() < 1.0, "{middle} then {same_middle}");
}

#[tokio::test]
async fn the_trouble_shows_in_health_and_ends_by_itself() {
    let (stand_in, house) = open().await;
    let mut guest = house.guest("shop").await;
    reading(&stand_in, &mut guest, 3).await;
    stand_in.server.fail(Fault::Html);
    pass_s(1);
    receive(&mut guest, message("e1", "order.updated")).await.unwrap();
    eventually("health tells of it", async || {
        let health = house.health().await;
        health.contains("1 of 1 shops could not be fetched from") && health.contains("square answers from")
    })
    .await;
    stand_in.server.heal();
    stand_in.put_order(order("new", at_ten(saturday(0)), vec![sold("a", "V1", "Sourdough", "5")]));
    // The next turn comes by itself; here time passes faster.
    pass_s(901);
    eventually("the shop is fetched from again", async || {
        shop_of(&mut guest.clone()).await.is_some_and(|shop| !shop.degraded && shop.rung == "square")
    })
    .await;
    eventually("health is well", async || !house.health().await.contains("could not be fetched from")).await;
}

#[tokio::test]
async fn tokens_are_renewed_and_a_consent_taken_back_is_told() {
    let (stand_in, house) = open().await;
    let mut guest = house.guest("shop").await;
    reading(&stand_in, &mut guest, 3).await;
    let renewals = || {
        let seen = stand_in.server.seen();
        seen.iter().filter(|seen| String::from_utf8_lossy(&seen.body).contains("\"refresh_token\"")).count()
    };
    pass_s(60);
    stand_in.expire_access_tokens();
    synced(&mut guest).await;
    assert_eq!(renewals(), 1, "a token that is not accepted is renewed");
    synced(&mut guest).await;
    assert_eq!(renewals(), 1, "and the new one was kept");
    pass_s(8 * DAY_S);
    synced(&mut guest).await;
    assert_eq!(renewals(), 2, "an old one is renewed before it ends");

    pass_s(60);
    stand_in.withdraw_consent();
    let failed = sync(&mut guest, SyncSalesRequest::default()).await;
    assert_eq!(failed.state(), OperationState::Failed, "{failed:?}");
    let shop = shop_of(&mut guest).await.unwrap();
    assert!(shop.revoked && shop.degraded && shop.last_error.contains("not accepted"), "{shop:?}");
    let request = PlanMarketDayRequest { held_on: super::date(saturday(-3)), ..plan_of(&[]) };
    let told = plan(&mut guest, request).await;
    assert!(told.degraded && line(&told, "bread").quantity > 0.0, "{told:?}");
    connect(&mut guest).await;
    synced(&mut guest).await;
    assert!(!shop_of(&mut guest).await.unwrap().revoked);
    receive(&mut guest, message("e9", "oauth.authorization.revoked")).await.unwrap();
    assert!(shop_of(&mut guest).await.unwrap().revoked, "Square tells it too");
}

#[tokio::test]
async fn strange_orders_are_taken_as_far_as_they_make_sense() {
    let (stand_in, house) = open().await;
    let mut guest = house.guest("shop").await;
    reading(&stand_in, &mut guest, 20).await;
    let usual = line(&plan(&mut guest, plan_of(&[])).await, "bread").demand_p50;
    let base: f64 = (0..20).map(|back| f64::from(36 + (back * 7) % 9)).sum();

    let saturday = saturday(0);
    // Given back before anybody sold it, paid in another currency, broken, and at a location nobody stands at.
    stand_in.put_order(giving_back("R1", at_ten(saturday), "O-unseen", sold("z", "V1", "Sourdough", "2")));
    let mut dollars = order("D1", at_ten(saturday), vec![sold("a", "V1", "Sourdough", "3")]);
    for money in ["base_price_money", "total_money"] {
        dollars["line_items"][0][money]["currency"] = json!("USD");
    }
    stand_in.put_order(dollars);
    stand_in.put_order(order(
        "B1",
        at_ten(saturday),
        vec![sold("a", "V1", "Sourdough", "half"), sold("b", "V1", "Sourdough", "0.5")],
    ));
    let mut elsewhere = order("E1", at_ten(saturday), vec![sold("a", "V1", "Sourdough", "9")]);
    elsewhere["location_id"] = json!("L7");
    stand_in.put_order(elsewhere);
    pass_s(60);
    let told = synced(&mut guest).await;
    assert_eq!(
        (told.result["refused_count"].as_str(), told.result["returned_count"].as_str()),
        ("2", "1"),
        "{told:?}"
    );
    assert!(told.result["refusal"].starts_with("order "), "{told:?}");
    assert_eq!(units_sold(&mut guest).await, [("bread".to_owned(), base - 2.0 + 0.5)]);

    // Somebody leaned on the nought: a thousand times what is usual. The plan stays near what is usual.
    stand_in.put_order(order("X1", at_ten(saturday), vec![sold("a", "V1", "Sourdough", "40000")]));
    pass_s(60);
    synced(&mut guest).await;
    let after = plan(&mut guest, plan_of(&[])).await;
    let after = line(&after, "bread");
    assert!(after.demand_p50 < 3.0 * usual, "{} then {}", usual, after.demand_p50);
}

#[tokio::test]
async fn an_order_made_offline_counts_for_its_day_three_days_later() {
    let (stand_in, house) = open().await;
    let mut guest = house.guest("shop").await;
    reading(&stand_in, &mut guest, 5).await;
    let base: f64 = (0..5).map(|back| f64::from(36 + (back * 7) % 9)).sum();
    let made = at_ten(saturday(0));
    pass_s(2 * DAY_S);
    let mut late = order("late", made, vec![sold("a", "V1", "Sourdough", "7")]);
    let sent = made + jiff::SignedDuration::from_hours(71);
    late["closed_at"] = json!(format!("{sent:.3}"));
    stand_in.put_order(late);
    synced(&mut guest).await;
    assert_eq!(units_sold(&mut guest).await, [("bread".to_owned(), base + 7.0)]);
    let request =
        GetSalesAnalyticsRequest { group_by: SalesGroup::Day.into(), ..GetSalesAnalyticsRequest::default() };
    let by_day = guest.market.get_sales_analytics(request).await.unwrap().into_inner();
    let last = by_day.sums.iter().find(|sum| sum.group == "2026-02-28").unwrap();
    assert_eq!(last.quantity, 36.0 + 7.0, "it was sold on the market day");
}

#[tokio::test]
async fn a_stall_that_is_told_later_brings_its_sales() {
    let (stand_in, house) = open().await;
    let mut guest = house.guest("shop").await;
    let markets = vec![square()];
    guest.market.batch_upsert_markets(BatchUpsertMarketsRequest { markets }).await.unwrap();
    stand_in.put_object(item("V1", "Sourdough", "bread"));
    stand_in.put_order(order("O1", at_ten(saturday(9)), vec![sold("a", "V1", "Sourdough", "5")]));
    connect(&mut guest).await;
    let nothing = synced(&mut guest).await;
    assert!(nothing.result["refusal"].contains("square_location_id"), "{nothing:?}");
    open_stall(&mut guest).await;
    synced(&mut guest).await;
    assert_eq!(units_sold(&mut guest).await, [("bread".to_owned(), 5.0)]);
}
