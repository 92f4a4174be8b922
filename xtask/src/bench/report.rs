//! What a benchmark found: rows with a value, its target and, where there is one, what a
//! peer reached in the same run. The table is for people, the JSON for programs.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

/// Everything one run found.
pub(super) struct Report {
    pub(super) bench: &'static str,
    pub(super) machine: Value,
    pub(super) rows: Vec<Row>,
}

/// One figure.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    id: String,
    value: f64,
    unit: String,
    /// The bounds of the value at 95 %, where they are known.
    interval: Option<(f64, f64)>,
    /// `< 5`, `<= 5`, `> 5` or `>= 5`; `None` for a figure that is only told.
    target: Option<String>,
    /// Another program that did the same work in the same run, and what it reached.
    peer: Option<(String, f64)>,
}

impl Row {
    /// Reads what a benchmark prints:
    /// `{"id", "value", "unit", "interval"?, "target"?, "peer"?, "peer_value"?}`.
    pub(super) fn read(line: &str) -> Result<Self> {
        let row: Value = serde_json::from_str(line)?;
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        let peer = match (text("peer"), row["peer_value"].as_f64()) {
            (Some(name), Some(value)) => Some((name, value)),
            (None, None) => None,
            _ => bail!("peer and peer_value come together"),
        };
        let target = text("target");
        if let Some(target) = &target {
            limit(target)?;
        }
        let interval = match (row["interval"][0].as_f64(), row["interval"][1].as_f64()) {
            (Some(lower), Some(upper)) => Some((lower, upper)),
            _ => None,
        };
        Ok(Self {
            interval,
            id: text("id").context("id is missing")?,
            value: row["value"].as_f64().context("value is no number")?,
            unit: text("unit").context("unit is missing")?,
            target,
            peer,
        })
    }

    /// Whether the target was reached; `None` without one.
    fn ok(&self) -> Option<bool> {
        let (comparison, limit) = limit(self.target.as_deref()?).ok()?;
        Some(match comparison {
            "<" => self.value < limit,
            "<=" => self.value <= limit,
            ">" => self.value > limit,
            _ => self.value >= limit,
        })
    }

    /// The value over the peer's.
    fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().filter(|(_, value)| *value != 0.0).map(|(_, value)| self.value / value)
    }

    fn json(&self) -> Value {
        let mut row = Map::new();
        row.insert("id".to_owned(), json!(self.id));
        row.insert("value".to_owned(), json!(self.value));
        row.insert("unit".to_owned(), json!(self.unit));
        row.insert("interval".to_owned(), json!(self.interval));
        row.insert("target".to_owned(), json!(self.target));
        row.insert("ok".to_owned(), json!(self.ok()));
        row.insert("peer".to_owned(), json!(self.peer.as_ref().map(|(name, _)| name)));
        row.insert("peer_value".to_owned(), json!(self.peer.as_ref().map(|(_, value)| value)));
        row.insert("ratio".to_owned(), json!(self.ratio()));
        Value::Object(row)
    }
}

impl Report {
    /// One line, one object.
    pub(super) fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        json!({ "bench": self.bench, "machine": self.machine, "rows": rows })
    }

    /// The same for people.
    pub(super) fn table(&self) -> String {
        let mut text = format!("\n{}\n", self.bench);
        for (name, value) in self.machine.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            writeln!(text, "  {name}: {value}").expect("writing to a string cannot fail");
        }
        let heads = ["figure", "value", "target", "", "peer"].map(str::to_owned);
        let lines: Vec<[String; 5]> = std::iter::once(heads).chain(self.rows.iter().map(cells)).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3].map(width);
        text.push('\n');
        for [id, value, target, verdict, peer] in &lines {
            let line = format!(
                "  {id:<0$}  {value:>1$}  {target:<2$}  {verdict:<3$}  {peer}",
                widths[0], widths[1], widths[2], widths[3]
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

fn cells(row: &Row) -> [String; 5] {
    let verdict = match row.ok() {
        Some(true) => "ok",
        Some(false) => "MISSED",
        None => "",
    };
    let peer = row.peer.as_ref().map_or(String::new(), |(name, value)| {
        let ratio = row.ratio().map_or(String::new(), |ratio| format!(", ratio {ratio:.2}"));
        format!("{name} {} {}{ratio}", short(*value), row.unit)
    });
    [
        row.id.clone(),
        format!("{} {}", short(row.value), row.unit),
        row.target.clone().unwrap_or_default(),
        verdict.to_owned(),
        peer,
    ]
}

/// Three figures that mean something: 0.184, 3.10, 42.0, 2145.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Reads `< 5` as the comparison and the limit.
fn limit(target: &str) -> Result<(&str, f64)> {
    let (comparison, number) = target.split_once(' ').with_context(|| format!("`{target}` is no target"))?;
    if !matches!(comparison, "<" | "<=" | ">" | ">=") {
        bail!("`{target}` is no target: write it as `< 5`");
    }
    Ok((comparison, number.trim().parse().with_context(|| format!("`{target}` has no number"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let rows = [
            r#"{"id":"recommend-grpc-p99","value":3.1,"unit":"ms","target":"< 5"}"#,
            r#"{"id":"gateway-throughput","value":900,"unit":"requests/s","target":">= 1000","peer":"direct gRPC","peer_value":2000}"#,
            r#"{"id":"resident","value":0.5,"unit":"GiB"}"#,
        ];
        let rows = rows.map(|line| Row::read(line).unwrap()).into_iter().collect();
        Report { bench: "serving", machine: json!({"cores": 2}), rows }
    }

    #[test]
    fn the_object_has_every_field_of_the_format() {
        let json = report().json();
        assert_eq!(json["bench"], "serving");
        assert_eq!(json["machine"]["cores"], 2);
        assert_eq!(
            json["rows"][0],
            json!({"id": "recommend-grpc-p99", "value": 3.1, "unit": "ms", "interval": null, "target": "< 5", "ok": true,
                   "peer": null, "peer_value": null, "ratio": null})
        );
        assert_eq!(json["rows"][1]["ok"], false);
        assert_eq!(json["rows"][1]["ratio"], 0.45);
        assert_eq!(json["rows"][2]["ok"], Value::Null);
    }

    #[test]
    fn a_missed_target_is_shown() {
        let table = report().table();
        let line = |id: &str| table.lines().find(|line| line.contains(id)).unwrap().to_owned();
        assert!(line("recommend-grpc-p99").contains("< 5"), "{table}");
        assert!(line("recommend-grpc-p99").ends_with("ok"), "{table}");
        assert!(
            line("gateway-throughput").contains("MISSED  direct gRPC 2000 requests/s, ratio 0.45"),
            "{table}"
        );
    }

    #[test]
    fn a_row_that_cannot_be_judged_is_refused() {
        for wrong in [
            r#"{"id":"a","value":1,"unit":"ms","target":"about 5"}"#,
            r#"{"id":"a","value":"1","unit":"ms"}"#,
            r#"{"id":"a","value":1,"unit":"ms","peer":"nginx"}"#,
        ] {
            assert!(Row::read(wrong).is_err(), "{wrong}");
        }
    }
}
