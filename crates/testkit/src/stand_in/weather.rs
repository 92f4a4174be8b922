//! Two weather services that are neither Open-Meteo nor the US National Weather Service, in their wire shapes, both
//! telling of the same days.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Json, Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::StandIn;

/// What is told of one day.
#[derive(Clone, Debug)]
pub struct ToldDay {
    /// The date, such as 2026-11-28.
    pub date: &'static str,
    /// Highest temperature, °C.
    pub high_celsius: f64,
    /// Rain, mm.
    pub rain_mm: f64,
    /// Strongest wind, km/h.
    pub wind_kmh: f64,
    /// Chance of rain, percent.
    pub rain_percent: f64,
}

type Days = State<Arc<Vec<ToldDay>>>;

/// A stand-in for Open-Meteo, forecasts and archive.
pub async fn open_meteo(days: Vec<ToldDay>) -> StandIn {
    let routes = Router::new()
        .route("/v1/forecast", get(columns))
        .route("/v1/archive", get(columns))
        .with_state(Arc::new(days));
    StandIn::serve(routes).await
}

async fn columns(State(days): Days, Query(query): Query<HashMap<String, String>>) -> Response {
    let refuse = |reason: &str| {
        (StatusCode::BAD_REQUEST, Json(json!({"error": true, "reason": reason}))).into_response()
    };
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<f64>().ok());
    if !number("latitude").is_some_and(|degrees| degrees.abs() <= 90.0) || number("longitude").is_none() {
        return refuse("Latitude must be in range of -90 to 90°.");
    }
    if !query.contains_key("timezone") {
        return refuse("Timezone is required");
    }
    let fahrenheit = query.get("temperature_unit").is_some_and(|unit| unit == "fahrenheit");
    let high = |day: &ToldDay| if fahrenheit { day.high_celsius * 1.8 + 32.0 } else { day.high_celsius };
    let mut units = json!({"time": "iso8601"});
    let mut daily = json!({"time": days.iter().map(|day| day.date).collect::<Vec<_>>()});
    for name in query.get("daily").map(String::as_str).unwrap_or_default().split(',') {
        let (unit, values): (&str, Vec<f64>) = match name {
            "temperature_2m_max" => (if fahrenheit { "°F" } else { "°C" }, days.iter().map(high).collect()),
            "precipitation_sum" => ("mm", days.iter().map(|day| day.rain_mm).collect()),
            "wind_speed_10m_max" => ("km/h", days.iter().map(|day| day.wind_kmh).collect()),
            "precipitation_probability_max" => ("%", days.iter().map(|day| day.rain_percent).collect()),
            _ => {
                return refuse(
                    "Data corrupted at path ''. Cannot initialize a daily variable from invalid String value.",
                );
            }
        };
        units[name] = json!(unit);
        daily[name] = json!(values);
    }
    Json(json!({
        "latitude": number("latitude"), "longitude": number("longitude"), "generationtime_ms": 0.1,
        "utc_offset_seconds": -28800, "timezone": query["timezone"], "elevation": 20.0,
        "daily_units": units, "daily": daily,
    }))
    .into_response()
}

/// A stand-in for the National Weather Service; it knows latitudes 24 to 50 north and wants to know who asks.
pub async fn national_weather_service(days: Vec<ToldDay>) -> StandIn {
    let routes = Router::new()
        .route("/points/{place}", get(point))
        .route("/gridpoints/SEW/124,67/forecast", get(periods))
        .route("/gridpoints/SEW/124,67", get(raw))
        .with_state(Arc::new(days));
    StandIn::serve(routes).await
}

fn problem(status: StatusCode, title: &str, detail: &str) -> Response {
    let body = json!({"type": "https://api.weather.gov/problems", "title": title, "status": status.as_u16(), "detail": detail});
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

async fn point(headers: HeaderMap, Path(place): Path<String>) -> Response {
    let says_who = headers.get(header::USER_AGENT).is_some_and(|value| value.as_bytes().contains(&b'@'));
    if !says_who {
        return problem(StatusCode::FORBIDDEN, "Forbidden", "a User-Agent header is required");
    }
    if place.split(',').any(|part| part.split_once('.').is_some_and(|(_, decimals)| decimals.len() > 4)) {
        return (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, "/points/shorter")]).into_response();
    }
    let latitude = place.split(',').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    if !(24.0..=50.0).contains(&latitude) {
        let detail = format!("Unable to provide data for requested point {place}");
        return problem(StatusCode::NOT_FOUND, "Data Unavailable For Requested Point", &detail);
    }
    Json(json!({"properties": {
        "gridId": "SEW", "gridX": 124, "gridY": 67, "timeZone": "America/Los_Angeles",
        "forecast": "https://api.weather.gov/gridpoints/SEW/124,67/forecast",
    }}))
    .into_response()
}

async fn periods(State(days): Days) -> Json<Value> {
    let mut rows = Vec::new();
    for day in days.iter() {
        let miles = (day.wind_kmh / 1.609_344).round();
        for (is_daytime, hour) in [(true, "06"), (false, "18")] {
            rows.push(json!({
                "number": rows.len() + 1, "name": "a period", "isDaytime": is_daytime,
                "startTime": format!("{}T{hour}:00:00-08:00", day.date),
                "endTime": format!("{}T{hour}:00:00-08:00", day.date),
                "temperature": if is_daytime { (day.high_celsius * 1.8 + 32.0).round() } else { 30.0 },
                "temperatureUnit": "F",
                "probabilityOfPrecipitation": {"unitCode": "wmoUnit:percent", "value": day.rain_percent},
                "windSpeed": format!("{} to {miles} mph", (miles / 2.0).round()), "windDirection": "SW",
                "shortForecast": "Rain",
            }));
        }
    }
    Json(json!({"properties": {"units": "us", "periods": rows}}))
}

/// The rain of each day in stretches of six hours, the last of which reaches into the next day.
async fn raw(State(days): Days) -> Json<Value> {
    let mut values = Vec::new();
    for day in days.iter() {
        let shares = [("08:00", 6), ("14:00", 6), ("20:00", 6)];
        for (time, hours) in shares {
            values.push(json!({
                "validTime": format!("{}T{time}:00+00:00/PT{hours}H", day.date),
                "value": day.rain_mm / 3.0,
            }));
        }
    }
    Json(json!({"properties": {"quantitativePrecipitation": {"uom": "wmoUnit:mm", "values": values}}}))
}
