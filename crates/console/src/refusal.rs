//! Why a page cannot be shown as it was asked for: what the gateway said, in its own words.

use serde::Serialize;
use serde_json::{Value, json};

/// What the gateway refused, or that it could not be asked.
#[derive(Clone, Debug, Serialize, thiserror::Error)]
#[error("{status}: {detail}")]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: u16,
    /// What was refused and what would be accepted.
    pub(crate) detail: String,
    /// The fields to blame: `{field, description}`.
    pub(crate) errors: Vec<Value>,
    /// Finds it in the logs.
    pub(crate) correlation_id: String,
    /// A word programs compare.
    pub(crate) reason: String,
}

impl Refusal {
    /// A refusal of the console's own.
    pub(crate) fn new(status: u16, detail: impl Into<String>) -> Self {
        let (errors, correlation_id, reason) = (Vec::new(), String::new(), String::new());
        Self { status, detail: detail.into(), errors, correlation_id, reason }
    }

    /// Nobody is signed in, or not any more.
    pub(crate) fn sign_in() -> Self {
        Self::new(401, "nobody is signed in")
    }

    /// A problem document of the gateway.
    pub(crate) fn of_problem(status: u16, document: &Value) -> Self {
        let text = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
        Self {
            status,
            detail: text("detail"),
            errors: document["errors"].as_array().cloned().unwrap_or_default(),
            correlation_id: text("correlationId"),
            reason: text("reason"),
        }
    }

    /// Whether signing in would help.
    pub(crate) fn wants_sign_in(&self) -> bool {
        self.status == 401
    }
}

/// An answer as a part of a page: the page is shown even if this part cannot be. That somebody has to sign in concerns
/// the whole page.
pub(crate) fn part(answer: Result<Value, Refusal>) -> Result<Value, Refusal> {
    match answer {
        Ok(answer) => Ok(answer),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => Ok(json!({ "problem": refusal })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_fails_leaves_the_page_and_a_lost_session_does_not() {
        let failed = part(Err(Refusal::new(403, "the scope backups.read is missing"))).unwrap();
        assert_eq!(failed["problem"]["detail"], "the scope backups.read is missing");
        assert!(part(Err(Refusal::sign_in())).is_err());
    }
}
