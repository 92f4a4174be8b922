//! What a flag is evaluated for: whom, and what is known of them.

use serde_json::{Map, Value};

/// Whom a flag is evaluated for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    /// Who is kept in the same share of a rollout.
    pub targeting_key: Option<String>,
    /// What rules may ask for.
    pub fields: Map<String, Value>,
}

impl Context {
    /// A context for this key.
    #[must_use]
    pub fn of(targeting_key: impl Into<String>) -> Self {
        Self { targeting_key: Some(targeting_key.into()), fields: Map::new() }
    }

    /// With a further field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// As rules see it, with what flagd adds.
    pub(crate) fn to_data(&self, flag: &str, now_s: u64) -> Value {
        let mut data = self.fields.clone();
        if let Some(key) = &self.targeting_key {
            data.insert("targetingKey".to_owned(), Value::from(key.as_str()));
        }
        data.insert("$flagd".to_owned(), serde_json::json!({"flagKey": flag, "timestamp": now_s}));
        Value::Object(data)
    }
}
