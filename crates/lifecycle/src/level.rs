//! The three levels of health, ordered so that the worst is the greatest.
//!
//! Levels are only ever joined, never assigned: joining cannot lower, and its order does not matter.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How well something works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everything works.
    #[default]
    Healthy,
    /// It serves, but not at its best.
    Degraded,
    /// It does not do its job.
    Unhealthy,
}

impl Level {
    /// The worse of two levels.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        self.max(other)
    }

    /// The worst of many levels; healthy when there are none.
    pub fn worst_of(levels: impl IntoIterator<Item = Self>) -> Self {
        levels.into_iter().fold(Self::Healthy, Self::worst)
    }

    /// The name used in answers and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }

    /// The value of the metric `larder_health_level`: 0 healthy, 1 degraded, 2 unhealthy.
    pub(crate) fn as_metric(self) -> f64 {
        match self {
            Self::Healthy => 0.0,
            Self::Degraded => 1.0,
            Self::Unhealthy => 2.0,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_level() -> impl Strategy<Value = Level> {
        prop_oneof![Just(Level::Healthy), Just(Level::Degraded), Just(Level::Unhealthy)]
    }

    proptest! {
        #[test]
        fn the_order_of_checks_does_not_matter(
            (levels, shuffled) in prop::collection::vec(any_level(), 0..20)
                .prop_flat_map(|levels| (Just(levels.clone()), Just(levels).prop_shuffle())),
        ) {
            prop_assert_eq!(Level::worst_of(levels), Level::worst_of(shuffled));
        }

        #[test]
        fn a_later_check_never_lowers_the_level(levels in prop::collection::vec(any_level(), 1..20)) {
            for count in 1..levels.len() {
                prop_assert!(
                    Level::worst_of(levels[..count].iter().copied()) <= Level::worst_of(levels[..=count].iter().copied())
                );
            }
        }

        #[test]
        fn the_result_is_one_of_the_levels_and_at_least_each(levels in prop::collection::vec(any_level(), 1..20)) {
            let worst = Level::worst_of(levels.iter().copied());
            prop_assert!(levels.contains(&worst));
            prop_assert!(levels.iter().all(|level| *level <= worst));
        }
    }

    #[test]
    fn nothing_to_check_is_healthy() {
        assert_eq!(Level::worst_of([]), Level::Healthy);
    }

    #[test]
    fn names_on_the_wire_are_lower_case() {
        for level in [Level::Healthy, Level::Degraded, Level::Unhealthy] {
            assert_eq!(serde_json::to_string(&level).unwrap(), format!("\"{level}\""));
        }
    }
}
