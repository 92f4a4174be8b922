//! One figure, as `cargo xtask bench` reads it.

use serde_json::json;

/// A figure and, where there is one, its target and what a peer reached.
pub(crate) struct Row(serde_json::Value);

impl Row {
    pub(crate) fn new(id: &str, value: f64, unit: &str) -> Self {
        Self(json!({"id": id, "value": value, "unit": unit}))
    }

    pub(crate) fn target(mut self, target: &str) -> Self {
        self.0["target"] = target.into();
        self
    }

    pub(crate) fn peer(mut self, name: &str, value: f64) -> Self {
        self.0["peer"] = name.into();
        self.0["peer_value"] = value.into();
        self
    }

    pub(crate) fn print(self) {
        println!("{}", self.0);
    }
}
