//! A figure as `cargo xtask bench` reads it.

use serde_json::{Value, json};

pub(crate) struct Row(Value);

impl Row {
    pub(crate) fn new(id: &str, value: f64, unit: &str) -> Self {
        Self(json!({"id": id, "value": value, "unit": unit}))
    }

    pub(crate) fn target(mut self, target: &str) -> Self {
        self.0["target"] = json!(target);
        self
    }

    pub(crate) fn peer(mut self, name: &str, value: f64) -> Self {
        self.0["peer"] = json!(name);
        self.0["peer_value"] = json!(value);
        self
    }

    pub(crate) fn print(&self) {
        println!("{}", self.0);
    }
}
