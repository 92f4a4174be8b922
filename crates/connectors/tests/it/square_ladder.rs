//! Every rung of Square's ladders, for every way in which Square can be useless.

use std::time::Duration;

use jiff::SignedDuration;
use larder_connectors::square::{SaleLine, Square, SquareRung, SquareTokens};
use larder_connectors::{Answer, Asking, ConnectorError};
use larder_resilience::BreakerState;
use larder_settings::ResilienceSettings;
use larder_testkit::stand_in::Fault;
use larder_testkit::stand_in::square::{CODE, SquareStandIn};

use crate::outside::{asking, at, connected, every_fault, limits, square};
use crate::square_sales::{market_day, saturday};

async fn ask(
    square: &Square,
    tokens: &mut SquareTokens,
    now: &str,
    recorded: Vec<SaleLine>,
) -> Answer<Vec<SaleLine>, SquareRung> {
    let answer = square.sales(tokens, &saturday(), async { recorded }, &asking(now)).await;
    answer.map(|sales| sales.lines)
}

#[tokio::test]
async fn square_then_its_last_word_then_what_was_recorded() {
    for (fault, kind) in every_fault() {
        let (stand_in, square, mut tokens) = connected().await;
        market_day(&stand_in, 3);
        let fresh = ask(&square, &mut tokens, "2026-11-23T12:00:00Z", vec![]).await;
        assert_eq!((fresh.source, fresh.degraded, fresh.value.len()), (SquareRung::Square, false, 3));
        assert_eq!((fresh.age, fresh.cause), (Duration::ZERO, None));

        stand_in.server.fail(fault.clone());
        let cached = ask(&square, &mut tokens, "2026-11-24T12:00:00Z", vec![]).await;
        assert_eq!(
            (cached.source, cached.degraded, cached.value.len()),
            (SquareRung::Cache, true, 3),
            "{fault:?}"
        );
        assert_eq!(cached.age, Duration::from_secs(24 * 3_600));
        assert_eq!(cached.cause.as_ref().map(ConnectorError::kind), Some(kind), "{fault:?}");
        assert!(cached.confidence < fresh.confidence);

        let recorded = vec![fresh.value[0].clone()];
        let last = ask(&square, &mut tokens, "2026-11-24T12:00:01Z", recorded).await;
        assert_eq!(
            (last.source, last.degraded, last.value.len()),
            (SquareRung::RecordedSales, true, 1),
            "{fault:?}"
        );
        assert!(last.confidence < cached.confidence);

        let status = square.status();
        assert_eq!(status.last_answer.map(|answer| answer.rung), Some("recorded_sales"));
        assert!(status.is_degraded());
        assert_eq!(status.sources[0].last_success, Some(at("2026-11-23T12:00:00Z")));
    }
}

#[tokio::test]
async fn it_climbs_back_by_itself() {
    let (stand_in, square, mut tokens) = connected().await;
    market_day(&stand_in, 3);
    stand_in.server.fail(Fault::Status(500));
    assert_eq!(
        ask(&square, &mut tokens, "2026-11-23T12:00:00Z", vec![]).await.source,
        SquareRung::RecordedSales
    );
    stand_in.server.heal();
    let healed = ask(&square, &mut tokens, "2026-11-23T12:00:10Z", vec![]).await;
    assert_eq!((healed.source, healed.value.len()), (SquareRung::Square, 3));
    assert!(!square.status().is_degraded());
}

#[tokio::test]
async fn the_cache_answers_for_the_period_that_was_asked() {
    let (stand_in, square, mut tokens) = connected().await;
    market_day(&stand_in, 10);
    ask(&square, &mut tokens, "2026-11-23T12:00:00Z", vec![]).await;
    stand_in.server.fail(Fault::Status(500));
    let mut query = saturday();
    query.period.to = at("2026-11-21T17:00:04Z");
    let answer = square.sales(&mut tokens, &query, async { vec![] }, &asking("2026-11-23T13:00:00Z")).await;
    assert_eq!((answer.source, answer.value.lines.len()), (SquareRung::Cache, 4));
    query.location_ids = vec!["L9".to_owned()];
    let elsewhere =
        square.sales(&mut tokens, &query, async { vec![] }, &asking("2026-11-23T13:00:00Z")).await;
    assert_eq!(elsewhere.source, SquareRung::RecordedSales, "another location's sales are no answer");
}

#[tokio::test]
async fn catalogue_and_stock_fall_to_the_cache_and_to_nothing() {
    let (stand_in, square, mut tokens) = connected().await;
    let object = serde_json::json!({"type": "ITEM_VARIATION", "id": "V1", "item_variation_data": {"item_id": "I1", "name": "Loaf"}});
    stand_in.put_object(object);
    let (objects, places) = (["V1".to_owned()], ["L1".to_owned()]);
    let first = asking("2026-11-23T12:00:00Z");
    assert_eq!(square.catalog(&mut tokens, &first).await.source, SquareRung::Square);
    assert_eq!(square.stock(&mut tokens, &objects, &places, &first).await.source, SquareRung::Square);
    stand_in.server.fail(Fault::Html);
    let hours =
        |count: i64| Asking::at(first.now + SignedDuration::from_hours(count), Duration::from_secs(5));
    let cached = square.catalog(&mut tokens, &hours(24)).await;
    assert_eq!((cached.source, cached.value.len()), (SquareRung::Cache, 1));
    assert_eq!(square.stock(&mut tokens, &objects, &places, &hours(1)).await.source, SquareRung::Cache);
    let none = square.catalog(&mut tokens, &hours(25)).await;
    assert_eq!((none.source, none.value.len(), none.confidence), (SquareRung::None, 0, 0.0));
    assert_eq!(square.stock(&mut tokens, &objects, &places, &hours(25)).await.source, SquareRung::None);
}

#[tokio::test]
async fn what_was_kept_survives_a_restart() {
    let (stand_in, square_before, mut tokens) = connected().await;
    market_day(&stand_in, 3);
    ask(&square_before, &mut tokens, "2026-11-23T12:00:00Z", vec![]).await;
    let saved = serde_json::to_string(&square_before.sales_kept().save()).unwrap();
    let square_after = square(&stand_in, &limits());
    square_after.sales_kept().load(serde_json::from_str(&saved).unwrap());
    stand_in.server.fail(Fault::Status(500));
    let answer = ask(&square_after, &mut tokens, "2026-11-23T13:00:00Z", vec![]).await;
    assert_eq!((answer.source, answer.value.len()), (SquareRung::Cache, 3));
}

#[tokio::test]
async fn an_hour_of_too_many_requests_costs_one_request() {
    let (stand_in, square, mut tokens) = connected().await;
    stand_in.server.fail(Fault::RateLimited { retry_after: Some("3600") });
    let before = stand_in.server.seen().len();
    for second in 0..20 {
        let answer = ask(&square, &mut tokens, &format!("2026-11-23T12:00:{second:02}Z"), vec![]).await;
        assert_eq!(answer.source, SquareRung::RecordedSales);
    }
    assert_eq!(stand_in.server.seen().len() - before, 1);
    assert_eq!(square.status().sources[0].breaker, BreakerState::Closed, "a limit is no failure");
    let mut other = tokens.clone();
    other.merchant_id = "another vendor".to_owned();
    stand_in.server.heal();
    let answer = ask(&square, &mut other, "2026-11-23T12:01:00Z", vec![]).await;
    assert_eq!(answer.source, SquareRung::Square, "one vendor's pause is none of another's");
}

#[tokio::test]
async fn a_dead_square_is_left_in_peace_and_answers_come_at_once() {
    let stand_in = SquareStandIn::open(crate::outside::TOKENS_EXPIRE).await;
    let patient =
        ResilienceSettings { breaker_min_calls: 3, breaker_open: Duration::from_secs(60), ..limits() };
    let square = square(&stand_in, &patient);
    let mut tokens = square.exchange_code(CODE, &asking("2026-11-23T12:00:00Z")).await.unwrap();
    stand_in.server.fail(Fault::NeverAnswers);
    for _ in 0..3 {
        ask(&square, &mut tokens, "2026-11-23T12:00:00Z", vec![]).await;
    }
    assert_eq!(square.status().sources[0].breaker, BreakerState::Open);
    let started = tokio::time::Instant::now();
    let answer = ask(&square, &mut tokens, "2026-11-23T12:00:00Z", vec![]).await;
    assert_eq!(answer.cause.as_ref().map(ConnectorError::kind), Some("resting"));
    assert!(started.elapsed() < Duration::from_secs(1), "took {:?}", started.elapsed());
}

#[tokio::test]
async fn the_deadline_holds_for_all_pages_together() {
    let (stand_in, square, mut tokens) = connected().await;
    stand_in.server.fail(Fault::NeverAnswers);
    let hurried = Asking::at(at("2026-11-23T12:00:00Z"), Duration::from_millis(300));
    let started = tokio::time::Instant::now();
    let answer = square.sales(&mut tokens, &saturday(), async { vec![] }, &hurried).await;
    assert_eq!(answer.cause, Some(ConnectorError::Timeout));
    assert!(started.elapsed() < Duration::from_secs(1), "took {:?}", started.elapsed());
}
