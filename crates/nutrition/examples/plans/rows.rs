//! The figures as they are printed: a table for people, or a JSON object a row.

use serde_json::json;

/// Prints figures.
pub(crate) struct Rows {
    json: bool,
}

impl Rows {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// One figure: its name, its value with its unit, and what it should reach.
    pub(crate) fn row(&mut self, id: &str, value: f64, unit: &str, target: Option<&str>) {
        if self.json {
            println!("{}", json!({ "id": id, "value": value, "unit": unit, "target": target }));
        } else {
            println!("{id:<58} {value:>12.4} {unit:<10} {}", target.unwrap_or(""));
        }
    }

    /// A remark, for people only.
    pub(crate) fn remark(&mut self, text: &str) {
        if !self.json {
            println!("# {text}");
        }
    }
}

/// The value below which so many of all lie.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = ((values.len() as f64 * part).ceil() as usize).clamp(1, values.len().max(1));
    values.get(place - 1).copied().unwrap_or(f64::NAN)
}
