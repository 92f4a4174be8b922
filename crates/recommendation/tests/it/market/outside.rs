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

/// Ten springs of the same weather.
fn archive() -> Value {
    let of_year = |year: i32| (1..=31).map(move |day| format!("{year}-03-{day:02}"));
    let days: Vec<_> = (2016..2026).flat_map(of_year).collect();
    let same = |value: f64| vec![value; days.len()];
    json!({
        "latitude": 52.5, "longitude": 13.4, "timezone": "Europe/Berlin", "utc_offset_seconds": 3600,
        "daily_units": {
            "time": "iso8601", "temperature_2m_max": "°C", "precipitation_sum": "mm", "wind_speed_10m_max": "km/h",
        },
        "daily": {
            "time": days, "temperature_2m_max": same(11.0), "precipitation_sum": same(1.5),
            "wind_speed_10m_max": same(18.0),
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
    let archive = async || archive().to_string();
    let routes = Router::new().route("/v1/forecast", get(answer)).route("/v1/archive", get(archive));
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

#[tokio::test]
async fn beyond_every_forecast_it_is_what_is_usual() {
    let url = provider(Arc::new(AtomicBool::new(false))).await;
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    let house = House::open_with(database, |settings| {
        settings.connectors.open_meteo_url = Some(url.parse().unwrap());
        settings.connectors.open_meteo_archive_url = Some(url.parse().unwrap());
    })
    .await;
    let mut guest = house.guest("shop").await;
    let market = Market { latitude: Some(52.5), longitude: Some(13.4), ..square() };
    let request = BatchUpsertMarketsRequest { markets: vec![market] };
    guest.market.batch_upsert_markets(request).await.unwrap();
    sell_on_terms(&mut guest, vec![terms("bread", 400, 150)]).await;
    let far = larder_proto::google::r#type::Date { year: 2026, month: 3, day: 28 };
    let asked = PlanMarketDayRequest { held_on: Some(far), what_if: true, ..plan_of(&[]) };
    for _ in 0..200 {
        let far = plan(&mut guest, asked.clone()).await;
        let weather = far.weather.unwrap();
        if weather.source() == OutlookSource::Normals {
            assert_eq!((weather.high_celsius, weather.rain_mm), (Some(11.0), Some(1.5)));
            assert_eq!(weather.rung, "climate_normals");
            assert!(far.degraded, "nobody foretold it");
            return;
        }
        assert_eq!(weather.source(), OutlookSource::None, "the first plan does not wait for the archive");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the archive was never asked");
}
