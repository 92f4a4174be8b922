//! Feedback: what was recommended, brought and sold kept apart, judged in units and money, listed,
//! summed up, exported, and learnt from.

use larder_proto::larder::market::v1::*;
use sqlx::Executor;
use tonic::Code;

use super::{
    date, line, open_market, past_saturdays, plan, plan_of, record, sale, saturday, sell_on_terms, terms,
    units,
};
use crate::house::{Guest, House};

fn went(product_id: &str, brought: f64, sold: Option<f64>) -> FeedbackLine {
    FeedbackLine { product_id: product_id.into(), brought, sold, ..FeedbackLine::default() }
}

fn feedback(back: i32, lines: Vec<FeedbackLine>) -> SubmitFeedbackRequest {
    SubmitFeedbackRequest { market_id: "square".into(), held_on: date(saturday(back)), lines }
}

async fn submit(guest: &mut Guest, request: SubmitFeedbackRequest) -> Vec<Feedback> {
    guest.market.submit_feedback(request).await.unwrap().into_inner().feedback
}

async fn stats(guest: &mut Guest, group_by: FeedbackGroup) -> GetFeedbackStatsResponse {
    let request = GetFeedbackStatsRequest { group_by: group_by.into(), ..GetFeedbackStatsRequest::default() };
    guest.market.get_feedback_stats(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn what_was_planned_brought_and_sold_is_kept_apart_and_judged() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    open_market(&mut guest).await;
    sell_on_terms(&mut guest, vec![terms("bread", 400, 150), terms("cake", 350, 120)]).await;
    past_saturdays(&mut guest, 8).await;
    let lines = vec![
        FeedbackLine { own_plan: Some(60.0), ..went("bread", 50.0, None) },
        FeedbackLine { left_over: Some(3.0), ..went("cake", 10.0, Some(12.0)) },
    ];
    let told = submit(&mut guest, feedback(0, lines.clone())).await;
    let (bread, cake) = (&told[0], &told[1]);
    let sold = 36.0;
    assert!((bread.sold() - sold).abs() < 3.0, "the sales tell: {bread:?}");
    assert!((bread.left_over() - (50.0 - bread.sold())).abs() < 1e-9);
    assert!((units(&bread.realised_cost) - bread.left_over() * 1.5).abs() < 1e-6, "{bread:?}");
    assert_eq!(bread.recommended, None, "no plan was kept for that day");
    assert!(cake.notices.iter().any(|notice| notice.contains("brought is below sold")), "{cake:?}");
    assert_eq!(submit(&mut guest, feedback(0, lines)).await.len(), 2, "sent again, it counts once");
    let list = guest.market.list_feedback(ListFeedbackRequest::default()).await.unwrap().into_inner();
    assert_eq!(list.feedback.len(), 2);
    let nothing = other.market.list_feedback(ListFeedbackRequest::default()).await.unwrap().into_inner();
    assert!(nothing.feedback.is_empty());
    let foreign =
        other.market.submit_feedback(feedback(0, vec![went("bread", 1.0, None)])).await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);
    let slips = vec![went("bread", -1.0, Some(f64::NAN)), went("bread", 1.0, None)];
    let refused = guest.market.submit_feedback(feedback(0, slips)).await.unwrap_err().message().to_owned();
    for field in ["lines[0].brought: ", "lines[0].sold: ", "lines[1].product_id: must be a product that no"] {
        assert!(refused.contains(field), "{field} in {refused}");
    }
    let early =
        SubmitFeedbackRequest { held_on: Some(super::NEXT), ..feedback(0, vec![went("bread", 1.0, None)]) };
    let early = guest.market.submit_feedback(early).await.unwrap_err();
    assert_eq!(early.message(), "held_on: must be today at the market, or before");
}

#[tokio::test]
async fn statistics_tell_units_money_and_when_to_learn_anew() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    open_market(&mut guest).await;
    sell_on_terms(&mut guest, vec![terms("bread", 400, 150)]).await;
    past_saturdays(&mut guest, 20).await;
    for back in 0..6 {
        let line = FeedbackLine { own_plan: Some(80.0), ..went("bread", 50.0, None) };
        submit(&mut guest, feedback(back, vec![line])).await;
    }
    // As if each of those days had been planned: 42 loaves, nine days of ten below 48.
    let planned = "update recommendation.market_feedback set recommended = 42, model_version = 'mixture-1',
        quantiles = array(select 30 + number * 1.0 from generate_series(1, 19) as number)";
    house.database.admin_pool().execute(planned).await.unwrap();
    let all = stats(&mut guest, FeedbackGroup::Unspecified).await;
    let total = all.total.unwrap();
    assert_eq!((total.row_count, total.day_count, total.sold_out_count), (6, 6, 0));
    assert!((total.mean_variance - 8.0).abs() < 1e-9, "{total:?}");
    assert_eq!((total.service_level, total.fill_rate), (1.0, 1.0));
    assert!(total.left_over_rate > 0.1 && units(&total.waste_cost) > 0.0);
    assert!(
        units(&total.saved_against_own_plan) > 6.0 * 30.0 * 1.5,
        "80 would have been far too many: {total:?}"
    );
    assert!(total.accuracy_rate > 0.5 && total.coverage_p90 > 0.5, "{total:?}");
    let by_month = stats(&mut guest, FeedbackGroup::Month).await.stats;
    assert_eq!(by_month.len(), 2, "January and February: {by_month:?}");
    assert_eq!(by_month.iter().map(|month| month.row_count).sum::<i32>(), 6);
    let by_product = stats(&mut guest, FeedbackGroup::Product).await.stats;
    assert_eq!(by_product[0].product_id, "bread");
}

#[tokio::test]
async fn an_export_holds_every_row_and_no_formula() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    open_market(&mut guest).await;
    past_saturdays(&mut guest, 3).await;
    for back in 0..3 {
        submit(&mut guest, feedback(back, vec![went("bread", 50.0, None), went("cake", 20.0, Some(9.0))]))
            .await;
    }
    let request = ExportFeedbackRequest { product_id: "cake".into(), ..ExportFeedbackRequest::default() };
    let mut stream = guest.market.export_feedback(request).await.unwrap().into_inner();
    let mut text = String::new();
    while let Some(part) = stream.message().await.unwrap() {
        let part = part.part.unwrap();
        assert_eq!(part.content_type, "text/csv; charset=utf-8");
        text.push_str(std::str::from_utf8(&part.data).unwrap());
    }
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("held_on,market_id,product_id"));
    assert!(lines[1].starts_with("2026-02-28,square,cake,") && lines[1].contains(",20,9,11,"), "{text}");
}

#[tokio::test]
async fn what_ran_out_is_counted_as_more_in_the_next_plan() {
    let house = House::open().await;
    let (mut guest, mut twin) = (house.guest("shop").await, house.guest("twin").await);
    for vendor in [&mut guest, &mut twin] {
        open_market(vendor).await;
        sell_on_terms(vendor, vec![terms("bread", 400, 150)]).await;
        let mut sales = Vec::new();
        for back in 0..16 {
            // 30 loaves, gone by half past ten on every second Saturday.
            let last = if back % 2 == 0 { 10 * 60 + 30 } else { 13 * 60 + 30 };
            for part in 0..6 {
                let minute = 8 * 60 + (last - 8 * 60) * part / 5;
                sales.push(sale(&format!("b-{back}-{part}"), "bread", (saturday(back), minute), 5.0));
            }
        }
        record(vendor, sales).await;
    }
    for back in 0..16 {
        let brought = if back % 2 == 0 { 30.0 } else { 45.0 };
        submit(&mut guest, feedback(back, vec![went("bread", brought, None)])).await;
    }
    let (told, untold) = (plan(&mut guest, plan_of(&[])).await, plan(&mut twin, plan_of(&[])).await);
    let (told, untold) = (line(&told, "bread"), line(&untold, "bread"));
    assert!(told.demand_p50 > untold.demand_p50 * 1.1, "{told:?} beside {untold:?}");
    assert!(told.factors.iter().any(|factor| factor.kind == "sell_outs" && factor.effect > 1.0), "{told:?}");
    assert!(told.reasons.iter().any(|reason| reason.contains("sold out on")), "{told:?}");
}
