//! The fields of a form or a query string, as they were typed.

use serde_json::{Map, Value, json};

/// Names and values in the order they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `a=1&b=2`.
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// Fields that were read in another way.
    pub(crate) fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// What was typed in a field, without space around it; empty when the field is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value.trim())
    }

    /// What was typed, when anything was.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// All values of a field that may come more than once, empty ones left out.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(own, value)| own == name && !value.trim().is_empty())
            .map(|(_, v)| v.trim())
    }

    /// The names and values of fields whose names begin so, without that beginning.
    pub(crate) fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// Every field.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A number as people write it, with a point or a comma. What is no number goes on as it was typed, so that the
    /// service refuses it by the name of its field.
    pub(crate) fn number(&self, name: &str) -> Option<Value> {
        let typed = self.given(name)?;
        let plain = typed.replace(',', ".");
        Some(plain.parse::<f64>().ok().filter(|number| number.is_finite()).map_or(json!(typed), |n| json!(n)))
    }

    /// Comma-separated words.
    pub(crate) fn words(&self, name: &str) -> Vec<&str> {
        self.get(name).split(',').map(str::trim).filter(|word| !word.is_empty()).collect()
    }

    /// As an object for templates; of a field that came twice the first value.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = Map::new();
        for (name, value) in &self.0 {
            object.entry(name.clone()).or_insert_with(|| json!(value));
        }
        Value::Object(object)
    }
}

/// A path with a query string of those fields that say something.
pub(crate) fn target(path: &str, query: &[(&str, &str)]) -> String {
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()));
    let encoded = encoded.finish();
    if encoded.is_empty() { path.to_owned() } else { format!("{path}?{encoded}") }
}

/// A text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_read_as_it_was_meant() {
        let fields = Fields::parse(b"a=+x+&n=3,5&bad=many&w=milk,+eggs,,&a=2&e=");
        assert_eq!((fields.get("a"), fields.get("none"), fields.given("e")), ("x", "", None));
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["x", "2"]);
        assert_eq!(fields.number("n"), Some(json!(3.5)));
        assert_eq!(fields.number("bad"), Some(json!("many")), "the service refuses it, not we");
        assert_eq!(fields.words("w"), ["milk", "eggs"]);
        assert_eq!(fields.to_json()["a"], " x ");
    }

    #[test]
    fn nothing_typed_leaves_its_place_in_a_path() {
        assert_eq!(segment("a/../b?c#d"), "a%2F..%2Fb%3Fc%23d");
        assert_eq!(
            target("/v1/products", &[("category", "a&b"), ("inStock", "")]),
            "/v1/products?category=a%26b"
        );
    }
}
