//! A value that is refused: which field, what it held, and what would be accepted.

use std::fmt::Display;
use std::ops::RangeInclusive;

/// One refused value.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("{field}: {value} is refused; accepted: {accepted}")]
pub struct InvalidField {
    /// The path of the field, such as `person.height_cm`.
    pub field: String,
    /// What it held.
    pub value: String,
    /// What would be accepted instead.
    pub accepted: String,
}

impl InvalidField {
    pub(crate) fn new(field: impl Into<String>, value: impl Display, accepted: impl Into<String>) -> Self {
        Self { field: field.into(), value: value.to_string(), accepted: accepted.into() }
    }

    /// `Some` refusal unless `value` is a number within `range`.
    pub(crate) fn unless_within(field: &str, value: f64, range: RangeInclusive<f64>) -> Option<Self> {
        // Not a number is in no range.
        (!range.contains(&value))
            .then(|| Self::new(field, value, format!("{} to {}", range.start(), range.end())))
    }
}

/// Every refused value of one request, never empty.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct InvalidFields(pub Vec<InvalidField>);

impl InvalidFields {
    /// `Ok` when nothing was refused.
    pub(crate) fn none_of(fields: Vec<InvalidField>) -> Result<(), Self> {
        if fields.is_empty() { Ok(()) } else { Err(Self(fields)) }
    }
}
