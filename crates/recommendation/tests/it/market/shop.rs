//! The vendor's shop at Square: connected, followed, planned from, learnt from.

use larder_proto::larder::market::v1::*;
use larder_testkit::stand_in::square::MERCHANT;
use tonic::Code;

use super::stand::{
    connect, item, line as sold, message, open, order, receive, shop_of, signed, synced, units_sold,
};
use super::{date, line, plan, plan_of, saturday, sell_on_terms, square, terms};
use crate::house::{DAY_S, Guest, eventually, pass_s};

fn stall() -> Market {
    Market { square_location_id: "L1".to_owned(), ..square() }
}

async fn open_stall(guest: &mut Guest) {
    let request = BatchUpsertMarketsRequest { markets: vec![stall()] };
    assert_eq!(guest.market.batch_upsert_markets(request).await.unwrap().into_inner().rejected_count, 0);
    sell_on_terms(guest, vec![terms("bread", 400, 150)]).await;
}

/// Ten in the morning in Berlin.
fn at_ten(day: jiff::civil::Date) -> jiff::Timestamp {
    day.at(10, 0, 0, 0).in_tz("Europe/Berlin").unwrap().timestamp()
}

fn width(line: &PlanLine) -> f64 {
    line.demand_p90 / line.demand_p10.max(1.0)
}

#[tokio::test]
async fn from_the_shop_to_a_better_plan() {
    let (stand_in, house) = open().await;
    let mut guest = house.guest("shop").await;
    open_stall(&mut guest).await;
    let unknowing = plan(&mut guest, plan_of(&[])).await;
    assert_eq!(unknowing.sales.as_ref().unwrap().rung, "recorded_sales");
    assert!(!unknowing.sales.as_ref().unwrap().degraded, "nobody misses a shop that is not there");

    let connected = connect(&mut guest).await;
    assert_eq!(connected.connection.unwrap().account_id, MERCHANT);
    assert_eq!(connected.locations[0].square_location_id, "L1");
    synced(&mut guest).await;
    stand_in.put_object(item("V1", "Sourdough", "bread"));
    for back in 0..30 {
        let quantity = 36 + (back * 7) % 9;
        let lines = vec![sold("a", "V1", "Sourdough", &quantity.to_string())];
        stand_in.put_order(order(&format!("O{back}"), at_ten(saturday(back)), lines));
    }
    // Nothing comes before its turn, but a message makes it the shop's turn. Orders of before the last 72 hours
    // are read when the shop is read anew.
    let all = SyncSalesRequest { from_on: date(saturday(40)) };
    super::stand::sync(&mut guest, all).await;
    pass_s(60);
    stand_in.put_order(order("late", at_ten(saturday(0)), vec![sold("a", "V1", "Sourdough", "2")]));
    assert!(!receive(&mut guest, message("e1", "order.created")).await.unwrap());
    let total: f64 = (0..30).map(|back| f64::from(36 + (back * 7) % 9)).sum::<f64>() + 2.0;
    eventually("the message brings the order", async || {
        units_sold(&mut guest.clone()).await == [("bread".to_owned(), total)]
    })
    .await;

    let knowing = plan(&mut guest, plan_of(&[])).await;
    let sales = knowing.sales.as_ref().unwrap();
    assert_eq!((sales.rung.as_str(), sales.degraded), ("square", false), "{knowing:?}");
    assert!(sales.final_at.is_some(), "sales made offline may still come");
    assert!(!knowing.degraded_reason.contains("shop"), "{}", knowing.degraded_reason);
    let (before, after) = (line(&unknowing, "bread"), line(&knowing, "bread"));
    assert_eq!(after.method(), ForecastMethod::Model);
    assert!((36.0..=46.0).contains(&after.demand_p50), "{after:?}");
    assert!(width(after) < width(before) / 2.0, "{} then {}", width(before), width(after));

    // The next Saturday all that was brought is gone by ten: it was too little, and the model hears of it.
    pass_s(7 * DAY_S);
    let next = saturday(-1);
    stand_in.put_order(order("next", at_ten(next), vec![sold("a", "V1", "Sourdough", "40")]));
    synced(&mut guest).await;
    let went = FeedbackLine {
        product_id: "bread".into(),
        brought: 40.0,
        own_plan: Some(30.0),
        sold_out_at_minute: Some(10 * 60),
        ..FeedbackLine::default()
    };
    let request =
        SubmitFeedbackRequest { market_id: "square".into(), held_on: date(next), lines: vec![went] };
    let told = guest.market.submit_feedback(request).await.unwrap().into_inner().feedback;
    assert_eq!(
        (told[0].sold, told[0].recommended),
        (Some(40.0), Some(after.quantity)),
        "the shop told what was sold"
    );
    let stats =
        guest.market.get_feedback_stats(GetFeedbackStatsRequest::default()).await.unwrap().into_inner();
    let total = stats.total.unwrap();
    assert_eq!((total.row_count, total.sold_out_count), (1, 1), "{total:?}");
    let request = PlanMarketDayRequest { held_on: date(saturday(-2)), ..plan_of(&[]) };
    let learnt = plan(&mut guest, request).await;
    let better = line(&learnt, "bread");
    assert!(better.demand_p50 > after.demand_p50, "{} then {}", after.demand_p50, better.demand_p50);
    assert_eq!(better.day_count, after.day_count + 1);
}

/// What the shop counted of a thing at ten in the morning.
fn counted(id: &str, day: jiff::civil::Date, quantity: &str) -> serde_json::Value {
    serde_json::json!({
        "catalog_object_id": id, "catalog_object_type": "ITEM_VARIATION", "state": "IN_STOCK",
        "location_id": "L1", "quantity": quantity, "calculated_at": at_ten(day).to_string(),
    })
}

#[tokio::test]
async fn an_empty_shelf_beside_a_last_sale_means_that_it_ran_out() {
    // Twice the same sales; in one shop nothing was left at ten, in the other the counts are kept by nobody.
    let mut tops = Vec::new();
    pass_s(7 * DAY_S);
    for (quantity, other) in [("0", "0"), ("-40", "0"), ("0", "7")] {
        let (stand_in, house) = open().await;
        let mut guest = house.guest("shop").await;
        open_stall(&mut guest).await;
        connect(&mut guest).await;
        stand_in.put_object(item("V1", "Sourdough", "bread"));
        stand_in.put_object(item("V2", "Sourdough, old", "bread"));
        for back in -1..20 {
            let lines = vec![sold("a", "V1", "Sourdough", "39"), sold("b", "V2", "Sourdough, old", "1")];
            stand_in.put_order(order(&format!("O{}", back + 1), at_ten(saturday(back)), lines));
        }
        stand_in.put_count(counted("V1", saturday(-1), quantity));
        stand_in.put_count(counted("V2", saturday(-1), other));
        super::stand::sync(&mut guest, SyncSalesRequest { from_on: date(saturday(30)) }).await;
        let request = PlanMarketDayRequest { held_on: date(saturday(-2)), ..plan_of(&[]) };
        let planned = plan(&mut guest, request).await;
        tops.push(line(&planned, "bread").demand_p90);
    }
    let [ran_out, not_kept, some_left] = tops[..] else { unreachable!() };
    assert!(ran_out > not_kept, "{ran_out} and {not_kept}: more would have been sold");
    assert!(
        (not_kept - some_left).abs() < 1e-9,
        "{not_kept} and {some_left}: nothing is known of the rest of the day"
    );
}

#[tokio::test]
async fn messages_are_believed_only_signed_and_only_once() {
    let (stand_in, house) = open().await;
    let mut guest = house.guest("shop").await;
    open_stall(&mut guest).await;
    connect(&mut guest).await;
    synced(&mut guest).await;
    let asked = || stand_in.server.count("/v2/orders/search");
    let before = asked();

    let good = message("e1", "order.updated");
    let forged =
        ReceiveSquareWebhookRequest { signature: message("e2", "order.updated").signature, ..good.clone() };
    assert_eq!(receive(&mut guest, forged).await.unwrap_err().code(), Code::PermissionDenied);
    let unsigned = ReceiveSquareWebhookRequest { signature: String::new(), ..good.clone() };
    assert_eq!(receive(&mut guest, unsigned).await.unwrap_err().code(), Code::PermissionDenied);
    let strange = receive(&mut guest, signed(b"[]".to_vec())).await.unwrap_err();
    assert_eq!(strange.code(), Code::InvalidArgument, "{strange:?}");
    let stranger = serde_json::to_vec(&serde_json::json!({
        "merchant_id": "somebody else", "type": "order.updated", "event_id": "e3",
        "created_at": "2026-03-01T11:59:58Z", "data": {"type": "order", "id": "O1"},
    }));
    assert!(receive(&mut guest, signed(stranger.unwrap())).await.unwrap());
    assert_eq!(asked(), before, "none of these is worth a question");

    assert!(!receive(&mut guest, good.clone()).await.unwrap());
    eventually("the shop is asked", async || asked() > before).await;
    synced(&mut guest).await;
    let after = asked();
    for _ in 0..3 {
        assert!(receive(&mut guest, good.clone()).await.unwrap(), "it came before");
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(asked(), after);
}

#[tokio::test]
async fn a_consent_is_ended_by_who_began_it_once_and_in_time() {
    let (_stand_in, house) = open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    let begin = async |guest: &mut Guest| {
        guest.market.connect_square(ConnectSquareRequest {}).await.unwrap().into_inner()
    };
    let begun = begin(&mut guest).await;
    assert!(begun.authorize_url.contains(&begun.state) && begun.authorize_url.contains("scope="));
    let finish = |state: &str, code: &str| FinishSquareConnectionRequest {
        code: code.to_owned(),
        state: state.to_owned(),
    };
    let code = larder_testkit::stand_in::square::CODE;
    let refused = async |guest: &mut Guest, request: FinishSquareConnectionRequest| {
        guest.market.finish_square_connection(request).await.unwrap_err().message().to_owned()
    };
    assert!(refused(&mut other, finish(&begun.state, code)).await.starts_with("state: "), "not who began it");
    assert!(refused(&mut guest, finish("guessed", code)).await.starts_with("state: "));
    assert!(refused(&mut guest, finish(&begun.state, "used-up")).await.starts_with("code: "));
    assert!(refused(&mut guest, finish(&begun.state, code)).await.starts_with("state: "), "used once");
    let slow = begin(&mut guest).await;
    pass_s(601);
    assert!(refused(&mut guest, finish(&slow.state, code)).await.starts_with("state: "), "too late");
    let nobody = other.market.disconnect_square(DisconnectSquareRequest {}).await.unwrap_err();
    assert_eq!(nobody.code(), Code::FailedPrecondition);

    connect(&mut guest).await;
    assert!(shop_of(&mut guest).await.is_some() && shop_of(&mut other).await.is_none());
    let gone = guest.market.disconnect_square(DisconnectSquareRequest {}).await.unwrap().into_inner();
    assert!(gone.revoked && shop_of(&mut guest).await.is_none());
}

#[tokio::test]
async fn without_an_application_at_square_nothing_else_is_missing() {
    let house = crate::house::House::open().await;
    let mut guest = house.guest("shop").await;
    let refused = guest.market.connect_square(ConnectSquareRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("connectors.square_client_id"), "{refused:?}");
    let refused = receive(&mut guest, message("e1", "order.updated")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    open_stall(&mut guest).await;
    assert!(!plan(&mut guest, plan_of(&[])).await.lines.is_empty());
}

#[tokio::test]
async fn what_is_sold_in_the_shop_finds_its_product() {
    let (stand_in, house) = open().await;
    let mut guest = house.guest("shop").await;
    open_stall(&mut guest).await;
    guest.upsert(vec![crate::house::product("cake", "Bakery")]).await;
    for (id, name, sku) in
        [("V1", "Sourdough", "bread"), ("V2", "Product cake", ""), ("V3", "Old loaf", "7"), ("V4", "Bun", "")]
    {
        stand_in.put_object(item(id, name, sku));
    }
    let lines = ["V1", "V2", "V3", "V4"].iter().enumerate();
    let lines = lines.map(|(at, id)| sold(&format!("l{at}"), id, "as it was called then", "3")).collect();
    stand_in.put_order(order("O1", at_ten(saturday(0)), lines));
    connect(&mut guest).await;
    let told = synced(&mut guest).await;
    let counted = |name: &str| told.result[name].parse::<i64>().unwrap();
    assert!(counted("new_product_count") <= 2 && counted("refused_count") == 0, "{told:?}");
    let sums =
        |sums: &[(&str, f64)]| sums.iter().map(|&(id, units)| (id.to_owned(), units)).collect::<Vec<_>>();
    let of_each = sums(&[("bread", 3.0), ("cake", 3.0), ("square-V3", 3.0), ("square-V4", 3.0)]);
    assert_eq!(units_sold(&mut guest).await, of_each);
    assert_eq!(shop_of(&mut guest).await.unwrap().new_product_count, 2);

    // The old loaf is the bread of today, says the vendor; the bun gets a name here by itself.
    let merged =
        ShopProduct { reference: "catalog:V3".into(), product_id: "bread".into(), ..ShopProduct::default() };
    let wrong = ShopProduct { reference: "V3".into(), product_id: "br ead".into(), ..ShopProduct::default() };
    let request = BatchUpsertShopProductsRequest { shop_products: vec![merged, wrong] };
    let answer = guest.market.batch_upsert_shop_products(request).await.unwrap().into_inner();
    assert_eq!((answer.accepted_count, answer.rejected_count), (1, 1), "{answer:?}");
    guest
        .upsert(vec![larder_proto::larder::catalog::v1::Product {
            name: "Bun".into(),
            ..crate::house::product("bun", "Bakery")
        }])
        .await;
    synced(&mut guest).await;
    let merged = sums(&[("bread", 6.0), ("bun", 3.0), ("cake", 3.0)]);
    assert_eq!(units_sold(&mut guest).await, merged, "what was sold under other ids was read again");
    let page = ListShopProductsRequest { page_size: 3, ..ListShopProductsRequest::default() };
    let list = guest.market.list_shop_products(page).await.unwrap().into_inner();
    let bases: Vec<_> =
        list.shop_products.iter().map(|one| (one.reference.as_str(), one.basis.as_str())).collect();
    assert_eq!(bases, [("catalog:V1", "sku"), ("catalog:V2", "name"), ("catalog:V3", "told")]);
    let page =
        ListShopProductsRequest { page_token: list.next_page_token, ..ListShopProductsRequest::default() };
    assert_eq!(guest.market.list_shop_products(page).await.unwrap().into_inner().shop_products.len(), 1);
}
