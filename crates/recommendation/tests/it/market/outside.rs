//! The outside world in plans: who said so, what is done when they do not, and how that is told.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use larder_proto::larder::market::v1::*;
use larder_recommendation::{SCHEMA, migrator};
use larder_testkit::TestDatabase;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{past_saturdays, plan, plan_of, sell_on_terms, square, terms};
use crate::house::House;

/// A week of weather from the first of March on, in the shape of the provider.
fn forecast() -> Value {
    let days: Vec<_> = (1..=14).map(|day| format!("2026-03-{day:02}")).collect();
    let same = |value: f64| vec![value; days.len()];
    json!({
        "latitude": 52.5, "longitude": 13.4, "timezone": "Europe/Berlin", "utc_offset_seconds": 3600,
        "daily_units": {
            "time": "iso8601", "temperature_2m_max": "°C", "temperature_2m_min": "°C", "precipitation_sum": "mm",
            "precipitation_probability_max": "%", "wind_speed_10m_max": "km/h", "weather_code": "wmo code",
        },
        "daily": {
            "time": days, "temperature_2m_max": same(9.0), "temperature_2m_min": same(2.0),
            "precipitation_sum": same(7.5), "precipitation_probability_max": same(80.0),
            "wind_speed_10m_max": same(21.0), "weather_code": same(61.0),
        },
    })
}

/// A provider that answers, until it is told to fail.
async fn provider(fails: Arc<AtomicBool>) -> String {
    let answer = move || {
        let fails = fails.load(Ordering::SeqCst);
        async move {
            match fails {
                true => (StatusCode::INTERNAL_SERVER_ERROR, "<html>down</html>".to_owned()),
                false => (StatusCode::OK, forecast().to_string()),
            }
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().route("/v1/forecast", get(answer));
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    address
}

#[tokio::test]
async fn the_weather_comes_from_its_provider_and_from_what_was_known_when_that_fails() {
    let fails = Arc::new(AtomicBool::new(false));
    let url = provider(fails.clone()).await;
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    let mut house = House::open_with(database, |settings| {
        settings.connectors.open_meteo_url = Some(url.parse().unwrap());
    })
    .await;
    let mut guest = house.guest("shop").await;
    let market = Market { latitude: Some(52.5), longitude: Some(13.4), ..square() };
    let request = BatchUpsertMarketsRequest { markets: vec![market] };
    guest.market.batch_upsert_markets(request).await.unwrap();
    sell_on_terms(&mut guest, vec![terms("bread", 400, 150)]).await;
    past_saturdays(&mut guest, 8).await;
    let fresh = plan(&mut guest, plan_of(&[])).await;
    let weather = fresh.weather.unwrap();
    assert_eq!((weather.source(), weather.rung.as_str()), (OutlookSource::Primary, "open_meteo"));
    assert_eq!((weather.rain_mm, weather.high_celsius), (Some(7.5), Some(9.0)));
    assert!(!fresh.degraded, "{}", fresh.degraded_reason);

    // After a start nothing is in memory, and the provider is down: what the day was planned with counts.
    fails.store(true, Ordering::SeqCst);
    house.stop().await;
    house.start_with(|settings| settings.connectors.open_meteo_url = Some(url.parse().unwrap())).await;
    let mut guest = house.guest("shop").await;
    let kept = plan(&mut guest, plan_of(&[])).await;
    let weather = kept.weather.unwrap();
    assert_eq!((weather.source(), weather.rain_mm), (OutlookSource::Kept, Some(7.5)));
    assert!(kept.degraded && kept.degraded_reason.starts_with("weather: "), "{}", kept.degraded_reason);
    assert!(!kept.lines.is_empty(), "the plan is there all the same");
    let health = house.health().await;
    assert!(health.contains("weather answers from"), "{health}");
    let connectors = guest.market.list_connectors(ListConnectorsRequest {}).await.unwrap().into_inner();
    let weather = connectors.connectors.iter().find(|one| one.connector == "weather").unwrap();
    assert!(weather.degraded && !weather.sources[0].last_error.is_empty(), "{weather:?}");
    assert!(!weather.sources[0].last_error.contains("127.0.0.1"), "no address: {weather:?}");
}
