//! Why a file of flags is refused, with the flag and what would be accepted.

/// Why a file of flags is refused.
#[derive(Debug, thiserror::Error)]
pub enum FlagError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    File(#[from] std::io::Error),
    /// It is larger than a file of flags may be.
    #[error("has {0} bytes; accepted are at most {1}")]
    TooLarge(u64, u64),
    /// It is no JSON.
    #[error("is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It has no object `flags`.
    #[error("has no object \"flags\"; accepted is flagd's format, as {{\"flags\": {{\"name\": {{…}}}}}}")]
    NoFlags,
    /// A flag is none.
    #[error("flag {flag:?}: {cause}")]
    Flag {
        /// The flag.
        flag: String,
        /// What is wrong, and what would be accepted.
        cause: String,
    },
    /// A rule refers to an evaluator that is not there, or that refers to itself.
    #[error("flag {flag:?}: $ref {name:?} {cause}")]
    Evaluator {
        /// The flag.
        flag: String,
        /// The evaluator.
        name: String,
        /// Whether it is missing or goes in a circle.
        cause: &'static str,
    },
}
