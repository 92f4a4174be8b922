//! A value that is refused: which field, what it held, and what would be accepted.

use std::fmt::Display;

/// One refused value.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("{field}: {value} is refused; accepted: {accepted}")]
pub struct InvalidField {
    /// The path of the field, such as `products[2].terms.price_micros`.
    pub field: String,
    /// What it held.
    pub value: String,
    /// What would be accepted instead.
    pub accepted: String,
}

/// Every refused value of one request, never empty.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct InvalidFields(pub Vec<InvalidField>);

/// Collects what is refused of one request.
#[derive(Default)]
pub(crate) struct Refused(Vec<InvalidField>);

impl Refused {
    /// Refuses the field unless what it holds is good.
    pub(crate) fn unless(
        &mut self,
        good: bool,
        field: impl Into<String>,
        value: impl Display,
        accepted: impl Into<String>,
    ) {
        if !good {
            let (field, value, accepted) = (field.into(), value.to_string(), accepted.into());
            self.0.push(InvalidField { field, value, accepted });
        }
    }

    /// `Ok` when nothing was refused.
    pub(crate) fn into_result(self) -> Result<(), InvalidFields> {
        if self.0.is_empty() { Ok(()) } else { Err(InvalidFields(self.0)) }
    }
}
