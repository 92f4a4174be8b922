//! What the console says, in each of its languages: one table a language, and the way numbers and days are written in it.

use std::collections::BTreeMap;

const ENGLISH: &str = include_str!("../messages/en.toml");
const GERMAN: &str = include_str!("../messages/de.toml");

/// A language of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    English,
    /// German.
    German,
}

impl Language {
    /// All of them, the first for whoever asks for none of them.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::German];

    /// As pages and cookies name it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// In its own words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// The language of a code.
    pub(crate) fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(code))
    }

    /// The best of `Accept-Language` that there is.
    pub(crate) fn accepted(header: &str) -> Self {
        let mut best = (0.0, Self::English);
        for range in header.split(',') {
            let (tag, weight) = range.split_once(";q=").unwrap_or((range, "1"));
            let weight: f64 = weight.trim().parse().unwrap_or(0.0);
            let primary = tag.trim().split('-').next().unwrap_or_default();
            if let Some(language) = Self::parse(primary)
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }

    /// What separates whole units from their parts, and thousands from each other.
    pub(crate) fn separators(self) -> (char, char) {
        match self {
            Self::English => ('.', ','),
            Self::German => (',', '.'),
        }
    }
}

/// The messages of a language.
pub(crate) struct Words(BTreeMap<String, String>);

impl Words {
    /// The table of a language.
    pub(crate) fn of(language: Language) -> Self {
        let text = match language {
            Language::English => ENGLISH,
            Language::German => GERMAN,
        };
        Self(toml::from_str(text).expect("a test reads both tables"))
    }

    /// A message, with `{name}` replaced by the values given.
    pub(crate) fn say(&self, key: &str, values: &[(String, String)]) -> Option<String> {
        let mut text = self.0.get(key)?.clone();
        for (name, value) in values {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholders(text: &str) -> Vec<&str> {
        let mut names: Vec<&str> =
            text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_language_says_everything() {
        let (english, german) = (Words::of(Language::English), Words::of(Language::German));
        let keys = |words: &Words| words.0.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&english), keys(&german));
        for (key, text) in &english.0 {
            assert!(!text.is_empty() && !german.0[key].is_empty(), "{key}");
            assert_eq!(placeholders(text), placeholders(&german.0[key]), "{key}");
        }
    }

    #[test]
    fn the_best_language_that_there_is_is_taken() {
        assert_eq!(Language::accepted("de-AT,de;q=0.9,en;q=0.8"), Language::German);
        assert_eq!(Language::accepted("fr,en;q=0.5,de;q=0.3"), Language::English);
        assert_eq!(Language::accepted("ja"), Language::English);
        assert_eq!(Language::accepted(""), Language::English);
    }

    #[test]
    fn values_stand_where_they_belong() {
        let words = Words(BTreeMap::from([("a".into(), "{count} of {all}".into())]));
        assert_eq!(
            words.say("a", &[("count".into(), "3".into()), ("all".into(), "{x}".into())]).unwrap(),
            "3 of {x}"
        );
        assert_eq!(words.say("b", &[]), None);
    }
}
