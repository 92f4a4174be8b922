//! What comes of evaluating a flag, as OpenFeature has it.

use serde_json::{Map, Value};

/// The value of a flag and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The value; `null` when the one who asked has to take their own.
    pub value: Value,
    /// The variant's name; empty without one.
    pub variant: String,
    /// Why it is this one.
    pub reason: Reason,
    /// What went wrong.
    pub error: Option<ErrorCode>,
    /// What the file says about the flag, and about all flags.
    pub metadata: Map<String, Value>,
}

/// Why a value is the one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The flag has no rule.
    Static,
    /// A rule chose the variant.
    TargetingMatch,
    /// The rule chose nothing, so the default variant holds.
    Default,
    /// The flag is switched off.
    Disabled,
    /// Something went wrong.
    Error,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// There is no such flag.
    FlagNotFound,
    /// The rule cannot be evaluated.
    ParseError,
    /// The rule names a variant that there is not.
    General,
    /// The value is of another type than was asked for.
    TypeMismatch,
}

impl Reason {
    /// As OpenFeature writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Default => "DEFAULT",
            Self::Disabled => "DISABLED",
            Self::Error => "ERROR",
        }
    }
}

impl ErrorCode {
    /// As OpenFeature writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::ParseError => "PARSE_ERROR",
            Self::General => "GENERAL",
            Self::TypeMismatch => "TYPE_MISMATCH",
        }
    }
}

impl Evaluation {
    pub(crate) fn failed(error: ErrorCode, metadata: Map<String, Value>) -> Self {
        Self {
            value: Value::Null,
            variant: String::new(),
            reason: Reason::Error,
            error: Some(error),
            metadata,
        }
    }
}
