//! A plan as a page that prints on a sheet of paper: what to load, and room to write down how it went.

use std::fmt::Write as _;

use larder_proto::google::r#type::{Date, Money};
use larder_proto::larder::market::v1::{MarketPlan, OutlookSource, PlanLine};

const STYLE: &str = "
:root { color-scheme: light; font: 11pt/1.35 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #111; background: #fff; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
p { margin: .25rem 0; }
table { border-collapse: collapse; width: 100%; margin-top: 1rem; }
th, td { border-bottom: 1px solid #888; padding: .35rem .5rem; text-align: left; vertical-align: top; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.bring { font-size: 1.25rem; font-weight: 700; }
td.write { min-width: 4rem; border-left: 1px solid #888; }
small { color: #444; }
tfoot td { border-bottom: none; font-weight: 700; }
@media print { body { margin: 0; max-width: none; } tr { break-inside: avoid; } thead { display: table-header-group; } }
@page { margin: 12mm; }
";

/// The page of a plan: a whole HTML document that asks for nothing else.
pub(crate) fn page(plan: &MarketPlan) -> String {
    let (market, day) = (escaped(&plan.market_name), plan.held_on.as_ref().map(day).unwrap_or_default());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{market}, {day}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{market}</h1>\n<p>{day}{}</p>\n",
        if plan.holiday.is_empty() { String::new() } else { format!(" · {}", escaped(&plan.holiday)) },
    );
    about_the_day(&mut page, plan);
    page.push_str(
        "<table>\n<thead><tr><th>Product</th><th class=\"number\">Bring</th><th class=\"number\">Packs</th><th class=\"number\">Expected</th><th>Why</th><th>Sold</th><th>Left</th><th>Sold out at</th></tr></thead>\n<tbody>\n",
    );
    for line in &plan.lines {
        row(&mut page, line);
    }
    page.push_str("</tbody>\n</table>\n");
    totals(&mut page, plan);
    page.push_str("</body>\n</html>\n");
    page
}

fn about_the_day(page: &mut String, plan: &MarketPlan) {
    let mut said = Vec::new();
    if let Some(weather) = &plan.weather {
        let mut parts = Vec::new();
        parts.extend(weather.high_celsius.map(|high| format!("up to {high:.0} °C")));
        parts.extend(weather.rain_mm.map(|rain| format!("{rain:.0} mm of rain")));
        parts.extend(weather.wind_kmh.map(|wind| format!("wind up to {wind:.0} km/h")));
        match parts.is_empty() {
            true => said.push("no weather forecast".to_owned()),
            false => said.push(parts.join(", ")),
        }
        if weather.source() == OutlookSource::Kept {
            said.push("weather as last known".to_owned());
        }
    }
    if let Some(events) = plan.events.as_ref().filter(|events| !events.names.is_empty()) {
        said.push(format!("nearby: {}", escaped(&events.names.join(", "))));
    }
    if plan.degraded {
        said.push(escaped(&plan.degraded_reason));
    }
    let _infallible = writeln!(page, "<p><small>{}</small></p>", said.join(" · "));
}

fn row(page: &mut String, line: &PlanLine) {
    let name = if line.name.is_empty() { &line.product_id } else { &line.name };
    let packs = if line.packs == 0 { String::new() } else { line.packs.to_string() };
    let left = if line.from_left_over > 0.0 {
        format!("<br><small>{} left from before</small>", units(line.from_left_over))
    } else {
        String::new()
    };
    let reasons: Vec<_> = line.reasons.iter().map(|reason| escaped(reason)).collect();
    let _infallible = writeln!(
        page,
        "<tr><td>{}{left}</td><td class=\"number bring\">{}</td><td class=\"number\">{packs}</td><td class=\"number\">{}<br><small>{} to {}</small></td><td><small>{}</small></td><td class=\"write\"></td><td class=\"write\"></td><td class=\"write\"></td></tr>",
        escaped(name),
        units(line.quantity),
        about(line.demand_p50),
        about(line.demand_p10),
        about(line.demand_p90),
        reasons.join("; "),
    );
}

fn totals(page: &mut String, plan: &MarketPlan) {
    let mut said = Vec::new();
    let mut amount = |what: &str, money: &Option<Money>| {
        said.extend(money.as_ref().map(|money| format!("{what} {}", self::amount(money))));
    };
    amount("to make or buy", &plan.cost);
    amount("expected sales", &plan.expected_revenue);
    amount("expected profit", &plan.expected_profit);
    amount("expected waste", &plan.expected_waste_cost);
    if plan.volume_l > 0.0 {
        said.push(format!("{:.0} l", plan.volume_l));
    }
    if plan.weight_kg > 0.0 {
        said.push(format!("{:.0} kg", plan.weight_kg));
    }
    let _infallible = writeln!(page, "<p>{}</p>", said.join(" · "));
    let _infallible = writeln!(
        page,
        "<p><small>Expected: the middle of the forecast, and what nine days of ten lie between. Model {}.</small></p>",
        escaped(&plan.model_version)
    );
}

fn units(quantity: f64) -> String {
    let rounded = (quantity * 100.0).round() / 100.0;
    if rounded.fract() == 0.0 || rounded >= 20.0 { format!("{rounded:.0}") } else { format!("{rounded:.2}") }
}

/// A quantity that is not known better than that.
fn about(quantity: f64) -> String {
    if quantity >= 3.0 { format!("{quantity:.0}") } else { format!("{quantity:.1}") }
}

fn amount(money: &Money) -> String {
    let micros = money.units * 1_000_000 + i64::from(money.nanos) / 1_000;
    let sign = if micros < 0 { "-" } else { "" };
    format!(
        "{sign}{}.{:02} {}",
        micros.abs() / 1_000_000,
        micros.abs() % 1_000_000 / 10_000,
        money.currency_code
    )
}

fn day(date: &Date) -> String {
    let parts = (i16::try_from(date.year), i8::try_from(date.month), i8::try_from(date.day));
    let (Ok(year), Ok(month), Ok(day)) = parts else { return String::new() };
    jiff::civil::Date::new(year, month, day)
        .map_or_else(|_| String::new(), |date| date.strftime("%A, %-d %B %Y").to_string())
}

/// Text as HTML shows it: what stands in names of products is shown, never done.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_and_never_done() {
        let line = PlanLine {
            product_id: "cake".into(),
            name: "<script>alert('cake')</script>".into(),
            quantity: 12.0,
            packs: 2,
            reasons: vec!["rain expected: 20 % fewer".into()],
            ..PlanLine::default()
        };
        let plan = MarketPlan {
            market_name: "Farmers & friends".into(),
            held_on: Some(Date { year: 2026, month: 5, day: 30 }),
            lines: vec![line],
            ..MarketPlan::default()
        };
        let page = page(&plan);
        assert!(page.contains("Farmers &amp; friends") && page.contains("Saturday, 30 May 2026"), "{page}");
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
        assert!(page.contains("rain expected: 20 % fewer") && page.contains(">12<"), "{page}");
    }

    #[test]
    fn amounts_and_units_read_as_people_write_them() {
        let amount = |units, nanos| amount(&Money { currency_code: "USD".into(), units, nanos });
        assert_eq!(
            (amount(3, 50_000_000), amount(-1, -500_000_000)),
            ("3.05 USD".into(), "-1.50 USD".into())
        );
        assert_eq!((units(12.0), units(0.255), units(34.4)), ("12".into(), "0.26".into(), "34".into()));
    }
}
