//! The labels of an alert, and the fingerprint by which one alert that comes by several ways is one alert. Both are
//! Alertmanager's to the bit: other programs compute and compare them too.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::quoting::quote;

/// The name of the label that names an alert.
pub const ALERT_NAME: &str = "alertname";

/// Labels by name, in the order of their names. An empty value is no label.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(from = "BTreeMap<String, String>")]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// What a label holds; `None` when there is none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// What a label holds, empty when there is none, as matchers see it.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The name of the alert, empty when it has none.
    pub fn alert_name(&self) -> &str {
        self.value(ALERT_NAME)
    }

    /// Names and values, in the order of the names' bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of the labels whose name is kept.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        self.iter().filter(|(name, _)| keep(name)).collect()
    }

    /// The labels that all of the sets hold with the same value; none when there is no set.
    #[must_use]
    pub fn in_all<'l>(sets: impl IntoIterator<Item = &'l Self>) -> Self {
        let mut sets = sets.into_iter();
        let Some(mut shared) = sets.next().cloned() else { return Self::default() };
        for set in sets {
            shared.0.retain(|name, value| set.get(name) == Some(value));
        }
        shared
    }

    /// FNV-1a of 64 bits over names and values in the order of the names, each ended by the byte 255, as
    /// Prometheus' `LabelSet.Fingerprint` has it.
    pub fn fingerprint(&self) -> Fingerprint {
        const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let texts = self.iter().flat_map(|(name, value)| [name, value]);
        let bytes = texts.flat_map(|text| text.bytes().chain([0xff]));
        Fingerprint(bytes.fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME)))
    }
}

impl From<BTreeMap<String, String>> for Labels {
    fn from(labels: BTreeMap<String, String>) -> Self {
        Self(labels.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        let labels = labels.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self::from(labels.collect::<BTreeMap<String, String>>())
    }
}

/// `{alertname="CacheDown", job="gateway"}`, as Prometheus prints a set of labels.
impl fmt::Display for Labels {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<String> =
            self.iter().map(|(name, value)| format!("{name}={}", quote(value))).collect();
        write!(out, "{{{}}}", labels.join(", "))
    }
}

/// What an alert is known by: a hash of its labels, written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

/// A fingerprint that is not 16 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fingerprint; accepted: 16 hexadecimal digits")]
pub struct NotAFingerprint(String);

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let good = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = good.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or_else(|| NotAFingerprint(text.to_owned()))
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = NotAFingerprint;

    fn try_from(text: String) -> Result<Self, NotAFingerprint> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_prometheus() {
        let vectors: [(&[(&str, &str)], u64); 2] = [
            (&[], 14_695_981_039_346_656_037),
            (&[("name", "garland, briggs"), ("fear", "love is not enough")], 5_799_056_148_416_392_346),
        ];
        for (labels, expected) in vectors {
            assert_eq!(labels.iter().copied().collect::<Labels>().fingerprint().0, expected);
        }
        let x = Labels::from_iter([("alertname", "X")]);
        assert_eq!(x.fingerprint().to_string(), "d2aeefc389ca7746");
    }

    #[test]
    fn an_empty_value_is_no_label_wherever_it_comes_from() {
        let with = Labels::from_iter([("alertname", "X"), ("team", "")]);
        assert_eq!(with, Labels::from_iter([("alertname", "X")]));
        assert_eq!(with.value("team"), "");
        let read: Labels =
            serde_json::from_str(r#"{"alertname":"X","team":""}"#).expect("an object of strings");
        assert_eq!(read.fingerprint(), with.fingerprint());
    }

    #[test]
    fn the_separator_keeps_neighbours_apart() {
        let one = Labels::from_iter([("ab", "c")]);
        let other = Labels::from_iter([("a", "bc")]);
        assert_ne!(one.fingerprint(), other.fingerprint());
    }

    #[test]
    fn a_fingerprint_is_read_back_and_nothing_else_is() {
        let fingerprint = Fingerprint(0x00ab);
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        for text in ["", "ab", "00000000000000zz", "+0000000000000ab", "00000000000000000"] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_all_have_alike_is_shared() {
        let one = Labels::from_iter([("alertname", "X"), ("pod", "a")]);
        let other = Labels::from_iter([("alertname", "X"), ("pod", "b")]);
        assert_eq!(Labels::in_all([&one, &other]), Labels::from_iter([("alertname", "X")]));
        assert_eq!(Labels::in_all([]), Labels::default());
        assert_eq!(one.to_string(), r#"{alertname="X", pod="a"}"#);
    }
}
