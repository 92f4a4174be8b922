//! Which generic food stands for a product, as it is kept in memory.

/// Where a match stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MatchState {
    /// Found by name; nobody has looked at it.
    #[default]
    Estimated,
    /// Somebody said that it is right.
    Confirmed,
    /// Somebody said that no generic food stands for the product.
    Rejected,
}

/// The generic food that stands for a product.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FoodMatch {
    pub(crate) state: MatchState,
    /// Empty when it was rejected.
    pub(crate) food_id: String,
    /// 0 to 1.
    pub(crate) confidence: f64,
}

impl MatchState {
    /// As the database calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Estimated => "estimated",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
        }
    }

    /// The state of this name; the database knows no other ones.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "confirmed" => Self::Confirmed,
            "rejected" => Self::Rejected,
            _ => Self::Estimated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_comes_back_by_its_name() {
        for state in [MatchState::Estimated, MatchState::Confirmed, MatchState::Rejected] {
            assert_eq!(MatchState::named(state.name()), state);
        }
    }
}
