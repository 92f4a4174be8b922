//! Matchers: what an alert's labels must be to be meant by a route, a silence or an inhibition. Syntax, anchoring and
//! the printed form are Alertmanager's.

mod parse;

use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};

use crate::labels::Labels;
use crate::quoting::quote;

/// Compiled regular expressions larger than this are refused, in bytes.
const EXPRESSION_SIZE_MAX: usize = 1 << 20;

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, the whole value
    Like,
    /// `!~`, the whole value
    NotLike,
}

impl Comparison {
    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Like => "=~",
            Self::NotLike => "!~",
        }
    }
}

/// One condition on one label. A label that is absent counts as empty.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(into = "WireMatcher", try_from = "WireMatcher")]
pub struct Matcher {
    name: String,
    comparison: Comparison,
    value: String,
    expression: Option<Regex>,
}

/// A matcher that is refused, and what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMatcher {
    /// The text is not of the form `name = "value"`.
    #[error(
        "{text:?} is no matcher: {reason}; accepted: name=\"value\", name!=\"value\", name=~\"expression\", name!~\"expression\""
    )]
    Syntax {
        /// What was read.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The regular expression does not compile, or grows too large.
    #[error("{expression:?} is no regular expression: {reason}")]
    Expression {
        /// What was read.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Matcher {
    /// A condition on the label `name`.
    ///
    /// # Errors
    /// [`InvalidMatcher`] when the name is empty or the regular expression does not compile.
    pub fn new(
        name: impl Into<String>,
        comparison: Comparison,
        value: impl Into<String>,
    ) -> Result<Self, InvalidMatcher> {
        let (name, value) = (name.into(), value.into());
        if name.is_empty() {
            let reason = "the name of the label is empty".to_owned();
            return Err(InvalidMatcher::Syntax { text: value, reason });
        }
        let expression = match comparison {
            Comparison::Equal | Comparison::NotEqual => None,
            Comparison::Like | Comparison::NotLike => Some(compile(&value)?),
        };
        Ok(Self { name, comparison, value, expression })
    }

    /// The label it looks at.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the label is compared with.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// How it compares.
    pub fn comparison(&self) -> Comparison {
        self.comparison
    }

    /// Whether the labels fulfil it.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.value(&self.name);
        let like = || self.expression.as_ref().is_some_and(|expression| expression.is_match(value));
        match self.comparison {
            Comparison::Equal => value == self.value,
            Comparison::NotEqual => value != self.value,
            Comparison::Like => like(),
            Comparison::NotLike => !like(),
        }
    }
}

/// Anchored at both ends, as Alertmanager does it; Go's `.` and `$` mean the same here.
fn compile(expression: &str) -> Result<Regex, InvalidMatcher> {
    let refused = |reason: String| InvalidMatcher::Expression { expression: expression.to_owned(), reason };
    RegexBuilder::new(&format!("^(?:{expression})$"))
        .size_limit(EXPRESSION_SIZE_MAX)
        .build()
        .map_err(|error| refused(error.to_string().lines().last().unwrap_or_default().trim().to_owned()))
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.comparison, &self.value) == (&other.name, other.comparison, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = self.comparison.sign();
        if self.name.contains(parse::is_reserved) {
            return write!(out, "{}{sign}{}", quote(&self.name), quote(&self.value));
        }
        let value = self.value.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
        write!(out, "{}{sign}\"{value}\"", self.name)
    }
}

impl FromStr for Matcher {
    type Err = InvalidMatcher;

    fn from_str(text: &str) -> Result<Self, InvalidMatcher> {
        let matchers: Matchers = text.parse()?;
        match <[Self; 1]>::try_from(matchers.0) {
            Ok([matcher]) => Ok(matcher),
            Err(_) => {
                let reason = "exactly one is wanted here".to_owned();
                Err(InvalidMatcher::Syntax { text: text.to_owned(), reason })
            }
        }
    }
}

/// Conditions that must all hold. None at all hold for every alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Matchers(Vec<Matcher>);

impl Matchers {
    /// Sorted as Alertmanager sorts those of a route: by name, value and comparison.
    pub fn new(mut matchers: Vec<Matcher>) -> Self {
        matchers.sort_by(|one, other| {
            (&one.name, &one.value, one.comparison).cmp(&(&other.name, &other.value, other.comparison))
        });
        Self(matchers)
    }

    /// Whether the labels fulfil all of them.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|matcher| matcher.matches(labels))
    }

    /// The first that the labels do not fulfil.
    pub fn first_unfulfilled(&self, labels: &Labels) -> Option<&Matcher> {
        self.0.iter().find(|matcher| !matcher.matches(labels))
    }

    /// Whether they hold for an alert without any label, and so, most often, for too many.
    pub fn match_everything(&self) -> bool {
        self.matches(&Labels::default())
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Matcher> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Matchers {
    type Err = InvalidMatcher;

    fn from_str(text: &str) -> Result<Self, InvalidMatcher> {
        parse::matchers(text).map(Self::new)
    }
}

/// `{severity="critical",team!="shop"}`.
impl fmt::Display for Matchers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matchers: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(out, "{{{}}}", matchers.join(","))
    }
}

/// The shape of a matcher in Alertmanager's API.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMatcher {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

fn yes() -> bool {
    true
}

impl From<Matcher> for WireMatcher {
    fn from(matcher: Matcher) -> Self {
        let is_regex = matcher.expression.is_some();
        let is_equal = matches!(matcher.comparison, Comparison::Equal | Comparison::Like);
        Self { name: matcher.name, value: matcher.value, is_regex, is_equal }
    }
}

impl TryFrom<WireMatcher> for Matcher {
    type Error = InvalidMatcher;

    fn try_from(wire: WireMatcher) -> Result<Self, InvalidMatcher> {
        let comparison = match (wire.is_equal, wire.is_regex) {
            (true, false) => Comparison::Equal,
            (false, false) => Comparison::NotEqual,
            (true, true) => Comparison::Like,
            (false, true) => Comparison::NotLike,
        };
        Self::new(wire.name, comparison, wire.value)
    }
}

#[cfg(test)]
mod tests;
