//! A market day asked about as a service asks: everything from the settings, everything at once, whatever is away.

use std::time::Duration;

use jiff::civil::date;
use jiff::tz::TimeZone;
use larder_connectors::{Asking, Connectors, MarketDayQuestion, Place};
use larder_demand::{DayOutlook, Weather};
use larder_settings::ConnectorSettings;
use larder_testkit::stand_in::events::{TICKETMASTER_KEY, ticketmaster};
use larder_testkit::stand_in::weather::{ToldDay, national_weather_service, open_meteo};
use larder_testkit::stand_in::{Fault, StandIn};
use serde_json::json;

use crate::outside::at;

const NOW: &str = "2026-11-23T20:00:00Z";

struct World {
    open_meteo: StandIn,
    nws: StandIn,
    ticketmaster: StandIn,
    connectors: Connectors,
}

async fn world() -> World {
    let told = vec![ToldDay {
        date: "2026-11-25",
        high_celsius: 9.0,
        rain_mm: 12.0,
        wind_kmh: 20.0,
        rain_percent: 95.0,
    }];
    let parade = json!({
        "id": "t1", "name": "Parade rehearsal", "dates": {"start": {"dateTime": "2026-11-25T20:00:00Z"}},
        "_embedded": {"venues": [{"name": "Harbor Arena", "location": {"longitude": "-122.33", "latitude": "47.6"}}]},
    });
    let (meteo, nws) = (open_meteo(told.clone()).await, national_weather_service(told).await);
    let tickets = ticketmaster(vec![parade], 200).await;
    let settings = ConnectorSettings {
        contact: Some("operations@example.com".to_owned()),
        open_meteo_url: Some(meteo.url().parse().unwrap()),
        nws_url: Some(nws.url().parse().unwrap()),
        ticketmaster_url: tickets.url().parse().unwrap(),
        ticketmaster_key: Some(TICKETMASTER_KEY.into()),
        attempt_timeout: Duration::from_millis(400),
        total_timeout: Duration::from_millis(1_500),
        ..ConnectorSettings::default()
    };
    let connectors = Connectors::from_settings(&settings).unwrap();
    World { open_meteo: meteo, nws, ticketmaster: tickets, connectors }
}

fn question(zone: &TimeZone) -> MarketDayQuestion<'_> {
    MarketDayQuestion {
        place: Place::new(47.6, -122.33).unwrap(),
        date: date(2026, 11, 25),
        zone,
        country: Some(("US", Some("WA"))),
        radius_km: 5.0,
        calendars: &[],
        manual: &[],
        normals: None,
    }
}

#[tokio::test]
async fn everything_known_makes_an_outlook() {
    let world = world().await;
    let zone = TimeZone::get("America/Los_Angeles").unwrap();
    let asking = Asking::at(at(NOW), Duration::from_secs(5));
    let known = world.connectors.market_day(&question(&zone), &asking).await;
    let weather = Weather { high_celsius: Some(9.0), rain_mm: Some(12.0), wind_kmh: Some(20.0) };
    let outlook = DayOutlook {
        weather,
        event_attendance: Some(10_000.0),
        holiday: false,
        before_holiday: true,
        ..DayOutlook::default()
    };
    assert_eq!(known.outlook(), outlook);
    assert!(!known.is_degraded());
    let rungs: Vec<&str> = known.origins().iter().map(|origin| origin.rung).collect();
    assert_eq!(rungs, ["open_meteo", "providers", "subdivision"]);
    assert!(world.connectors.statuses().iter().all(|status| !status.is_degraded()));
}

#[tokio::test]
async fn with_the_whole_world_away_there_is_an_outlook_within_the_deadline() {
    let world = world().await;
    for away in [&world.open_meteo, &world.nws, &world.ticketmaster] {
        away.fail(Fault::NeverAnswers);
    }
    let zone = TimeZone::get("America/Los_Angeles").unwrap();
    let started = tokio::time::Instant::now();
    let asking = Asking::at(at(NOW), Duration::from_secs(2));
    let known = world.connectors.market_day(&question(&zone), &asking).await;
    assert!(started.elapsed() < Duration::from_secs(4), "took {:?}", started.elapsed());
    assert_eq!(known.outlook(), DayOutlook { before_holiday: true, ..DayOutlook::default() });
    let told: Vec<(&str, bool, Option<&str>)> =
        known.origins().iter().map(|origin| (origin.rung, origin.degraded, origin.cause)).collect();
    assert_eq!(
        told,
        [("none", true, Some("timeout")), ("empty", true, Some("timeout")), ("subdivision", false, None)]
    );
    assert!(known.is_degraded());
}
