//! Sales: once by their id, however late, summed up by everything they have.

use larder_proto::google::r#type::Money;
use larder_proto::larder::catalog::v1::{
    BatchUpsertBudgetsRequest, BatchUpsertPromotionsRequest, Budget, Promotion,
};
use larder_proto::larder::market::v1::*;

use super::{date, euros, open_market, past_saturdays, record, sale, saturday, units};
use crate::house::{Guest, House};

async fn analytics(guest: &mut Guest, group_by: SalesGroup) -> GetSalesAnalyticsResponse {
    let request = GetSalesAnalyticsRequest {
        group_by: group_by.into(),
        from_on: date(saturday(60)),
        ..GetSalesAnalyticsRequest::default()
    };
    guest.market.get_sales_analytics(request).await.unwrap().into_inner()
}

fn group<'a>(answer: &'a GetSalesAnalyticsResponse, group: &str) -> &'a SalesSum {
    answer.sums.iter().find(|sum| sum.group == group).unwrap()
}

#[tokio::test]
async fn a_sale_counts_once_and_a_later_word_on_it_replaces_the_earlier() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    open_market(&mut guest).await;
    let first = sale("s-1", "bread", (saturday(0), 9 * 60), 5.0);
    let answer = record(&mut guest, vec![first.clone(), sale("s-2", "bread", (saturday(0), 600), 2.0)]).await;
    assert_eq!((answer.accepted_count, answer.rejected_count), (2, 0));
    record(&mut guest, vec![first.clone(), first.clone()]).await;
    let by_product = analytics(&mut guest, SalesGroup::Product).await;
    assert_eq!((group(&by_product, "bread").quantity, group(&by_product, "bread").sale_count), (7.0, 2));
    // It was the Saturday before, and cake: the sums of both days and both products follow.
    record(&mut guest, vec![sale("s-1", "cake", (saturday(1), 9 * 60), 4.0)]).await;
    let by_day = analytics(&mut guest, SalesGroup::Day).await;
    assert_eq!(group(&by_day, &saturday(0).to_string()).quantity, 2.0);
    assert_eq!(group(&by_day, &saturday(1).to_string()).quantity, 4.0);
    let back = Sale {
        returned_sale_id: "s-2".into(),
        amount: Some(Money { currency_code: "EUR".into(), units: -4, nanos: 0 }),
        ..sale("r-1", "bread", (saturday(0), 660), -1.0)
    };
    record(&mut guest, vec![back]).await;
    let by_product = analytics(&mut guest, SalesGroup::Product).await;
    let bread = group(&by_product, "bread");
    assert_eq!((bread.quantity, units(&bread.amount)), (1.0, 4.0), "what was given back is taken off");
    assert!(analytics(&mut other, SalesGroup::Product).await.sums.is_empty());
    let moon = Sale { market_id: "moon".into(), ..first.clone() };
    let dollars = Some(Money { currency_code: "USD".into(), units: 1, nanos: 0 });
    let bad = vec![moon, Sale { amount: dollars, ..first.clone() }, Sale { quantity: 0.0, ..first }];
    let refused = record(&mut guest, bad).await;
    assert_eq!((refused.accepted_count, refused.rejected_count), (0, 3));
    let told: Vec<_> =
        refused.verdicts.iter().map(|verdict| verdict.status.as_ref().unwrap().message.as_str()).collect();
    assert!(told[0].starts_with("market_id: ") && told[1].starts_with("amount.currency_code: "), "{told:?}");
}

#[tokio::test]
async fn sums_by_everything_add_up() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    open_market(&mut guest).await;
    past_saturdays(&mut guest, 10).await;
    let whole = analytics(&mut guest, SalesGroup::Product).await.total.unwrap();
    assert_eq!((whole.day_count, whole.sale_count), (10, 60));
    for by in
        [SalesGroup::Product, SalesGroup::Market, SalesGroup::Weekday, SalesGroup::Hour, SalesGroup::Day]
    {
        let answer = analytics(&mut guest, by).await;
        let sum: f64 = answer.sums.iter().map(|sum| sum.quantity).sum();
        assert!((sum - whole.quantity).abs() < 1e-9, "{by:?}: {sum}");
        assert_eq!(answer.total.as_ref().unwrap().sale_count, 60, "{by:?}");
    }
    let hours = analytics(&mut guest, SalesGroup::Hour).await;
    assert_eq!(hours.sums.iter().map(|sum| sum.group.as_str()).collect::<Vec<_>>(), ["8", "10", "12"]);
    let weekdays = analytics(&mut guest, SalesGroup::Weekday).await;
    assert_eq!(weekdays.sums[0].group, "6", "Saturday by the clock of the market");
    let markets = analytics(&mut guest, SalesGroup::Market).await;
    assert_eq!(markets.sums[0].name, "Market square");
    let slip = GetSalesAnalyticsRequest {
        from_on: date(saturday(0)),
        until_on: date(saturday(2)),
        ..GetSalesAnalyticsRequest::default()
    };
    let refused = guest.market.get_sales_analytics(slip).await.unwrap_err().message().to_owned();
    assert!(refused.contains("group_by: ") && refused.contains("until_on: "), "{refused}");
}

#[tokio::test]
async fn promotions_tell_what_they_gave_up_and_what_they_brought() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    open_market(&mut guest).await;
    let at = |day: jiff::civil::Date| {
        let at = day.in_tz("Europe/Berlin").unwrap().timestamp();
        Some(prost_types::Timestamp { seconds: at.as_second(), nanos: 0 })
    };
    let promotion = Promotion {
        promotion_id: "bread-week".into(),
        name: "Bread weeks".into(),
        product_ids: vec!["bread".into()],
        discount_percent: 20.0,
        starts_at: at(saturday(4)),
        ends_at: at(saturday(0).tomorrow().unwrap()),
        ..Promotion::default()
    };
    let request = BatchUpsertPromotionsRequest { promotions: vec![promotion] };
    guest.catalog.batch_upsert_promotions(request).await.unwrap();
    let budget = Budget {
        budget_id: "february".into(),
        name: "February".into(),
        amount: euros(10_000),
        starts_on: date(saturday(4)),
        ends_on: date(saturday(0)),
        ..Budget::default()
    };
    guest.catalog.batch_upsert_budgets(BatchUpsertBudgetsRequest { budgets: vec![budget] }).await.unwrap();
    // 30 on the four promoted Saturdays, 20 on the eight before; each at 4.00 less nothing.
    let sales = (0..12).map(|back| {
        let promoted = back < 4;
        let quantity = if promoted { 30.0 } else { 20.0 };
        let promotion_id = if promoted { "bread-week".to_owned() } else { String::new() };
        Sale { promotion_id, ..sale(&format!("p-{back}"), "bread", (saturday(back), 600), quantity) }
    });
    record(&mut guest, sales.collect()).await;
    let answer = analytics(&mut guest, SalesGroup::Promotion).await;
    let told = group(&answer, "bread-week");
    assert_eq!((told.name.as_str(), told.quantity), ("Bread weeks", 120.0));
    // What was paid is 80 % of the price: a quarter of it was given up.
    assert!((units(&told.spent) - 480.0 * 0.25).abs() < 1e-6, "{told:?}");
    assert_eq!((told.uplift, told.uplift_low, told.uplift_high), (Some(1.5), Some(1.5), Some(1.5)));
    let budgets = analytics(&mut guest, SalesGroup::Budget).await;
    let february = group(&budgets, "february");
    assert_eq!(units(&february.budget), 100.0);
    assert!((units(&february.spent) - 120.0).abs() < 1e-6, "more than there was: {february:?}");
}
