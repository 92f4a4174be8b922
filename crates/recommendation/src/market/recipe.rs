//! What a demand model learns from: its version stands for that, however many days have come since.

use crate::days::date_of;

/// The way of learning; it changes when that does.
const METHOD: &str = "mixture-1";

/// A version of a demand model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// Such as `mixture-1` or `mixture-1-since-2026-01-31`.
    pub(crate) version: String,
    /// The first day it learns from, counted from 1970; nothing for as far back as sales count.
    pub(crate) learns_from_day: Option<i32>,
}

impl Recipe {
    /// The first model of every tenant: it learns from everything.
    pub(crate) fn everything() -> Self {
        Self { version: METHOD.to_owned(), learns_from_day: None }
    }

    /// A model that forgets what was before a day.
    pub(crate) fn since(day: i32) -> Self {
        Self { version: format!("{METHOD}-since-{}", date_of(day)), learns_from_day: Some(day) }
    }

    /// The recipe that was written down as the one that answers.
    pub(crate) fn of(kept: Option<(String, Option<i32>)>) -> Self {
        match kept {
            Some((version, learns_from_day)) => Self { version, learns_from_day },
            None => Self::everything(),
        }
    }

    /// The recipe in the version of a plan, which also says how much was known.
    pub(crate) fn version_of_plan(plan_version: &str) -> &str {
        plan_version.split('@').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_tells_its_recipe() {
        assert_eq!(Recipe::version_of_plan("mixture-1@2026-02-28.12"), Recipe::everything().version);
        let since = Recipe::since(20_513);
        assert_eq!(since.version, "mixture-1-since-2026-03-01");
        assert_eq!(Recipe::version_of_plan(&format!("{}@nothing.0", since.version)), since.version);
    }
}
