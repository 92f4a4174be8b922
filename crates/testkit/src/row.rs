//! One figure of a benchmark, as `cargo xtask bench` reads it.

use serde_json::json;

/// A figure and, where there is one, its target and what a peer reached.
pub struct Row(serde_json::Value);

impl Row {
    /// A figure of this name.
    pub fn new(id: &str, value: f64, unit: &str) -> Self {
        Self(json!({"id": id, "value": value, "unit": unit}))
    }

    /// What it has to reach, such as `< 50`.
    #[must_use]
    pub fn target(mut self, target: &str) -> Self {
        self.0["target"] = target.into();
        self
    }

    /// What another program reached in the same run.
    #[must_use]
    pub fn peer(mut self, name: &str, value: f64) -> Self {
        self.0["peer"] = name.into();
        self.0["peer_value"] = value.into();
        self
    }

    /// Prints it as a line of JSON.
    pub fn print(self) {
        println!("{}", self.0);
    }
}
