//! Every rung of the weather's ladder, for every way in which a provider can be useless.

use std::time::Duration;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use larder_connectors::weather::{
    ClimateNormals, DayForecast, Nws, NwsSettings, OpenMeteo, OpenMeteoSettings, WeatherLadder,
    WeatherQuestion, WeatherRung,
};
use larder_connectors::{Answer, Asking, ConnectorError, Place};
use larder_demand::Weather;
use larder_testkit::stand_in::weather::{ToldDay, national_weather_service, open_meteo};
use larder_testkit::stand_in::{Fault, StandIn};

use crate::outside::{asking, at, base, client, every_fault, limits};

const NOW: &str = "2026-11-23T20:00:00Z";
const SATURDAY: Date = date(2026, 11, 28);

fn told() -> Vec<ToldDay> {
    let day = |date, high_celsius, rain_mm| ToldDay {
        date,
        high_celsius,
        rain_mm,
        wind_kmh: 32.18688,
        rain_percent: 70.0,
    };
    vec![day("2026-11-27", 10.0, 0.0), day("2026-11-28", 15.0, 6.0), day("2026-11-29", 20.0, 1.5)]
}

struct World {
    open_meteo: StandIn,
    nws: StandIn,
    ladder: WeatherLadder,
    zone: TimeZone,
    normals: ClimateNormals,
}

impl World {
    async fn new() -> Self {
        let (first, second) = (open_meteo(told()).await, national_weather_service(told()).await);
        let ladder = WeatherLadder::new(Some(meteo_at(&first)), Some(nws_at(&second)));
        let years: Vec<(Date, Weather)> = date(2020, 1, 1)
            .series(1.day())
            .take(1_461)
            .map(|day| (day, Weather { high_celsius: Some(8.0), rain_mm: Some(4.0), wind_kmh: None }))
            .collect();
        let normals = ClimateNormals::from_history(&years);
        Self {
            open_meteo: first,
            nws: second,
            ladder,
            zone: TimeZone::get("America/Los_Angeles").unwrap(),
            normals,
        }
    }

    async fn ask(&self, asking: &Asking, date: Date, normals: bool) -> Answer<DayForecast, WeatherRung> {
        let question = WeatherQuestion {
            place: Place::new(47.6062095, -122.3320708).unwrap(),
            date,
            zone: &self.zone,
            normals: normals.then_some(&self.normals),
        };
        self.ladder.weather(&question, asking).await
    }
}

fn meteo_at(stand_in: &StandIn) -> OpenMeteo {
    let settings = OpenMeteoSettings {
        forecast_url: base(stand_in.url()),
        archive_url: Some(base(stand_in.url())),
        api_key: Some("weather-key".into()),
    };
    OpenMeteo::new(settings, &client(), &limits())
}

fn nws_at(stand_in: &StandIn) -> Nws {
    Nws::new(NwsSettings { base_url: base(stand_in.url()) }, &client(), &limits())
}

fn later(hours: i64) -> Asking {
    Asking::at(at(NOW) + SignedDuration::from_hours(hours), Duration::from_secs(5))
}

#[tokio::test]
async fn the_first_provider_is_asked_in_our_units_and_with_the_key() {
    let world = World::new().await;
    let answer = world.ask(&asking(NOW), SATURDAY, true).await;
    assert_eq!((answer.source, answer.degraded, answer.age), (WeatherRung::OpenMeteo, false, Duration::ZERO));
    let weather = Weather { high_celsius: Some(15.0), rain_mm: Some(6.0), wind_kmh: Some(32.18688) };
    assert_eq!(answer.value, DayForecast { date: SATURDAY, weather, rain_chance: Some(0.7) });
    let seen = world.open_meteo.seen();
    let query = &seen[0].query;
    assert_eq!((query["latitude"].as_str(), query["longitude"].as_str()), ("47.6062", "-122.3321"));
    assert_eq!(query["timezone"], "America/Los_Angeles");
    assert_eq!((query["temperature_unit"].as_str(), query["apikey"].as_str()), ("celsius", "weather-key"));
    assert_eq!(world.nws.seen().len(), 0);
}

#[tokio::test]
async fn each_provider_in_turn_then_the_last_good_then_what_is_usual_then_nothing() {
    for (fault, kind) in every_fault() {
        let world = World::new().await;
        world.open_meteo.fail(fault.clone());
        let second = world.ask(&asking(NOW), SATURDAY, true).await;
        assert_eq!(
            (second.source, second.degraded),
            (WeatherRung::NationalWeatherService, true),
            "{fault:?}"
        );
        assert_eq!(second.cause.as_ref().map(ConnectorError::kind), Some(kind), "{fault:?}");

        world.nws.fail(fault.clone());
        let kept = world.ask(&later(24), SATURDAY, true).await;
        assert_eq!((kept.source, kept.degraded), (WeatherRung::LastGoodForecast, true), "{fault:?}");
        assert_eq!(kept.age, Duration::from_secs(24 * 3_600));
        assert_eq!(kept.value, second.value);

        let usual = world.ask(&later(73), SATURDAY, true).await;
        assert_eq!((usual.source, usual.degraded), (WeatherRung::ClimateNormals, true), "{fault:?}");
        assert_eq!(
            usual.value.weather,
            Weather { high_celsius: Some(8.0), rain_mm: Some(4.0), wind_kmh: None }
        );

        let nothing = world.ask(&later(73), SATURDAY, false).await;
        assert_eq!(
            (nothing.source, nothing.value.weather),
            (WeatherRung::None, Weather::default()),
            "{fault:?}"
        );
        let confidences = [second.confidence, kept.confidence, usual.confidence, nothing.confidence];
        assert!(confidences.windows(2).all(|pair| pair[0] > pair[1]), "{confidences:?}");
        assert!(world.ladder.status().is_degraded());
    }
}

#[tokio::test]
async fn the_second_provider_says_the_same_in_our_units() {
    let world = World::new().await;
    world.open_meteo.fail(Fault::Status(500));
    let answer = world.ask(&asking(NOW), SATURDAY, true).await;
    let weather = answer.value.weather;
    assert_eq!(weather.high_celsius, Some(15.0), "59 °F");
    assert!((weather.wind_kmh.unwrap() - 32.18688).abs() < 1e-6, "10 to 20 mph");
    // All of the day's three stretches lie within Saturday at the market.
    assert!((weather.rain_mm.unwrap() - 6.0).abs() < 1e-9, "{weather:?}");
    assert_eq!(answer.value.rain_chance, Some(0.7));
    let paths: Vec<String> = world.nws.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths[0], "/points/47.6062,-122.3321");
    world.ask(&later(2), SATURDAY, true).await;
    assert_eq!(world.nws.count("/points"), 1, "the cell is kept");
}

#[tokio::test]
async fn rain_that_is_not_known_is_absent_and_not_zero() {
    let world = World::new().await;
    world.open_meteo.fail(Fault::Status(500));
    // Faults go by the beginning of a path: the forecast's works, whatever else the cell tells does not.
    world.nws.pass_under("/gridpoints/SEW/124,67/forecast");
    world.nws.fail_under("/gridpoints/SEW/124,67", None, Fault::Status(500));
    let answer = world.ask(&asking(NOW), SATURDAY, true).await;
    assert_eq!(answer.source, WeatherRung::NationalWeatherService);
    assert_eq!((answer.value.weather.rain_mm, answer.value.weather.high_celsius), (None, Some(15.0)));
}

#[tokio::test]
async fn a_wrong_unit_falls_to_the_next_rung() {
    let page = |unit: &str, high: f64| {
        format!(
            r#"{{"daily_units": {{"temperature_2m_max": "{unit}", "precipitation_sum": "mm", "wind_speed_10m_max": "km/h",
            "precipitation_probability_max": "%"}}, "daily": {{"time": ["2026-11-28"], "temperature_2m_max": [{high}],
            "precipitation_sum": [0.0], "wind_speed_10m_max": [3.0], "precipitation_probability_max": [5]}}}}"#
        )
    };
    for (body, told) in [
        (page("°F", 59.0), "temperature_2m_max in °F where °C was asked for"),
        (page("°C", 288.15), "a temperature that no weather has"),
        (page("°C", 15.0).replace("\"mm\"", "\"inch\""), "precipitation_sum in inch where mm was asked for"),
        (page("°C", 15.0).replace("[3.0]", "[]"), "columns of different lengths"),
    ] {
        let world = World::new().await;
        world.open_meteo.fail(Fault::Body(body));
        let answer = world.ask(&asking(NOW), SATURDAY, true).await;
        assert_eq!(answer.source, WeatherRung::NationalWeatherService);
        assert_eq!(answer.cause, Some(ConnectorError::NotUnderstood { reason: told.to_owned() }));
    }
}

#[tokio::test]
async fn an_error_in_a_good_status_is_an_error() {
    let world = World::new().await;
    world.open_meteo.fail(Fault::Body(r#"{"error": true, "reason": "no such model"}"#.to_owned()));
    let answer = world.ask(&asking(NOW), SATURDAY, true).await;
    let cause = ConnectorError::Refused { status: 200, reason: "no such model".to_owned() };
    assert_eq!((answer.source, answer.cause), (WeatherRung::NationalWeatherService, Some(cause)));
}

#[tokio::test]
async fn a_day_too_far_away_is_not_even_asked_for() {
    let world = World::new().await;
    for day in [date(2027, 3, 6), date(2026, 1, 3)] {
        let answer = world.ask(&asking(NOW), day, true).await;
        assert_eq!(answer.source, WeatherRung::ClimateNormals, "{day}");
        assert_eq!(answer.cause.as_ref().map(ConnectorError::kind), Some("not_covered"));
    }
    assert_eq!(world.open_meteo.seen().len() + world.nws.seen().len(), 0);
}

#[tokio::test]
async fn outside_the_united_states_the_second_provider_knows_nothing() {
    let world = World::new().await;
    world.open_meteo.fail(Fault::Status(500));
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let question = WeatherQuestion {
        place: Place::new(52.52, 13.405).unwrap(),
        date: SATURDAY,
        zone: &zone,
        normals: None,
    };
    let answer = world.ladder.weather(&question, &asking(NOW)).await;
    assert_eq!(answer.source, WeatherRung::None);
    assert_eq!(world.nws.seen().len(), 1, "a refusal is not asked for again");
}

#[tokio::test]
async fn a_fresh_forecast_is_not_asked_for_again() {
    let world = World::new().await;
    world.ask(&asking(NOW), SATURDAY, true).await;
    let half_an_hour = Asking::at(at(NOW) + SignedDuration::from_mins(30), Duration::from_secs(5));
    let again = world.ask(&half_an_hour, date(2026, 11, 29), true).await;
    assert_eq!((again.source, again.degraded), (WeatherRung::OpenMeteo, false));
    assert_eq!((again.age, again.value.weather.high_celsius), (Duration::from_secs(1_800), Some(20.0)));
    assert_eq!(world.open_meteo.seen().len(), 1);
    world.ask(&later(2), SATURDAY, true).await;
    assert_eq!(world.open_meteo.seen().len(), 2);
}

#[tokio::test]
async fn the_archive_gives_what_normals_are_made_of() {
    let stand_in = open_meteo(told()).await;
    let zone = TimeZone::get("America/Los_Angeles").unwrap();
    let place = Place::new(47.6, -122.3).unwrap();
    let days = (date(2026, 11, 27), date(2026, 11, 29));
    let ladder = WeatherLadder::new(Some(meteo_at(&stand_in)), None);
    let history = ladder.history(place, days, &zone, &asking(NOW)).await.unwrap();
    let highs: Vec<f64> = history.iter().filter_map(|(_, weather)| weather.high_celsius).collect();
    assert_eq!(highs, [10.0, 15.0, 20.0]);
    let seen = stand_in.seen();
    assert_eq!((seen[0].path.as_str(), seen[0].query["start_date"].as_str()), ("/v1/archive", "2026-11-27"));
}

#[tokio::test]
async fn with_no_provider_at_all_there_is_still_an_answer() {
    let ladder = WeatherLadder::new(None, None);
    let zone = TimeZone::UTC;
    let question =
        WeatherQuestion { place: Place::new(0.0, 0.0).unwrap(), date: SATURDAY, zone: &zone, normals: None };
    let answer = ladder.weather(&question, &asking(NOW)).await;
    assert_eq!((answer.source, answer.cause), (WeatherRung::None, Some(ConnectorError::NotConfigured)));
}

#[tokio::test]
async fn a_short_forecast_does_not_displace_a_longer_one() {
    let long = open_meteo(told()).await;
    let near: Vec<ToldDay> = told().into_iter().take(1).collect();
    let short = national_weather_service(near).await;
    let ladder = WeatherLadder::new(Some(meteo_at(&long)), Some(nws_at(&short)));
    let zone = TimeZone::get("America/Los_Angeles").unwrap();
    let place = Place::new(47.6, -122.3).unwrap();
    let question = |date| WeatherQuestion { place, date, zone: &zone, normals: None };
    ladder.weather(&question(SATURDAY), &asking(NOW)).await;
    long.fail(Fault::Status(500));
    let friday = ladder.weather(&question(date(2026, 11, 27)), &later(2)).await;
    assert_eq!(friday.source, WeatherRung::NationalWeatherService);
    let saturday = ladder.weather(&question(SATURDAY), &later(2)).await;
    assert_eq!((saturday.source, saturday.age), (WeatherRung::LastGoodForecast, Duration::from_secs(7_200)));

    let saved = serde_json::to_string(&ladder.kept().save()).unwrap();
    let restarted = WeatherLadder::new(None, None);
    restarted.kept().load(serde_json::from_str(&saved).unwrap());
    let after = restarted.weather(&question(SATURDAY), &later(2)).await;
    assert_eq!((after.source, after.value), (WeatherRung::LastGoodForecast, saturday.value));
}
