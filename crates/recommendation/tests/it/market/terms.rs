//! Markets, their days and the terms of products: a verdict a row, and nothing of another tenant's.

use larder_proto::larder::market::v1::*;
use tonic::Code;

use super::{date, open_market, saturday, sell_on_terms, square, terms};
use crate::house::House;

#[tokio::test]
async fn rows_have_verdicts_and_lists_have_pages() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    let bad = Market { time_zone: "Mars".into(), ..square() };
    let harbour = Market { market_id: "harbour".into(), ..square() };
    let request = BatchUpsertMarketsRequest { markets: vec![square(), bad, harbour] };
    let answer = guest.market.batch_upsert_markets(request).await.unwrap().into_inner();
    assert_eq!((answer.accepted_count, answer.rejected_count), (2, 1));
    assert!(answer.verdicts[1].status.as_ref().unwrap().message.starts_with("time_zone: "));
    let first = ListMarketsRequest { page_size: 1, ..ListMarketsRequest::default() };
    let page = guest.market.list_markets(first.clone()).await.unwrap().into_inner();
    assert_eq!(page.markets[0].market_id, "harbour");
    let next = ListMarketsRequest { page_token: page.next_page_token, ..first };
    let page = guest.market.list_markets(next).await.unwrap().into_inner();
    assert_eq!((page.markets[0].market_id.as_str(), page.next_page_token.as_str()), ("square", ""));
    assert!(
        other
            .market
            .list_markets(ListMarketsRequest::default())
            .await
            .unwrap()
            .into_inner()
            .markets
            .is_empty()
    );
    for market_id in ["square", "missing"] {
        let delete = DeleteMarketRequest { market_id: market_id.into() };
        let refused = other.market.delete_market(delete).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::NotFound, "market not found"));
    }
    guest.market.delete_market(DeleteMarketRequest { market_id: "harbour".into() }).await.unwrap();
    let left = guest.market.list_markets(ListMarketsRequest::default()).await.unwrap().into_inner();
    assert_eq!(left.markets.len(), 1);
}

#[tokio::test]
async fn days_and_terms_belong_to_markets_there_are() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    open_market(&mut guest).await;
    let day = MarketDay {
        market_id: "square".into(),
        held_on: date(saturday(1)),
        state: MarketDayState::Cancelled.into(),
        note: "storm".into(),
        ..MarketDay::default()
    };
    let nowhere = MarketDay { market_id: "moon".into(), ..day.clone() };
    let dateless = MarketDay { held_on: None, ..day.clone() };
    let request = BatchUpsertMarketDaysRequest { market_days: vec![day, nowhere, dateless] };
    let answer = guest.market.batch_upsert_market_days(request).await.unwrap().into_inner();
    assert_eq!((answer.accepted_count, answer.rejected_count), (1, 2));
    let list = ListMarketDaysRequest { market_id: "square".into(), ..ListMarketDaysRequest::default() };
    let days = guest.market.list_market_days(list).await.unwrap().into_inner().market_days;
    assert_eq!((days.len(), days[0].note.as_str(), days[0].state()), (1, "storm", MarketDayState::Cancelled));

    sell_on_terms(
        &mut guest,
        vec![
            terms("bread", 400, 150),
            MarketProduct { market_id: "square".into(), ..terms("bread", 450, 150) },
        ],
    )
    .await;
    let mixed = MarketProduct { unit_cost: None, ..terms("cake", 300, 100) };
    let foreign = MarketProduct { market_id: "moon".into(), ..terms("cake", 300, 100) };
    let request = BatchUpsertMarketProductsRequest { market_products: vec![mixed, foreign] };
    let answer = guest.market.batch_upsert_market_products(request).await.unwrap().into_inner();
    assert_eq!(answer.rejected_count, 2);
    assert_eq!(answer.verdicts[0].status.as_ref().unwrap().message, "unit_cost: is required");
    let list = ListMarketProductsRequest { page_size: 1, ..ListMarketProductsRequest::default() };
    let first = guest.market.list_market_products(list.clone()).await.unwrap().into_inner();
    assert_eq!(first.market_products[0].market_id, "", "those of every market come first");
    let next = ListMarketProductsRequest { page_token: first.next_page_token, ..list };
    let second = guest.market.list_market_products(next).await.unwrap().into_inner();
    assert_eq!(second.market_products[0].price.as_ref().unwrap().nanos, 500_000_000);
}
