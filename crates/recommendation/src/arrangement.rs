//! How a list is arranged once its products are scored: the wishes of a request, of an arm of
//! an experiment or of a placement, laid over one another. Kept as JSON with an experiment.

use serde::{Deserialize, Serialize};

/// What is `None` or empty is as the arrangement below says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Arrangement {
    pub(crate) boosts: Vec<Boost>,
    pub(crate) pins: Vec<Pin>,
    /// 0 is the plain ranking, 1 the most varied list.
    pub(crate) diversity: Option<f64>,
    pub(crate) category_caps: Vec<CategoryCap>,
    /// How strongly products that were shown and ignored fade, 0 to 1.
    pub(crate) rotation: Option<f64>,
    /// 0 to 1.
    pub(crate) min_relevance: Option<f64>,
    /// In units of the spread of the scores, 0 to 10.
    pub(crate) promotion_strength: Option<f64>,
    /// How strongly the customer's goal counts, in units of the spread of the scores, 0 to 10.
    pub(crate) nutrition_strength: Option<f64>,
    /// The chance that a place explores, 0 to 0.5.
    pub(crate) exploration: Option<f64>,
}

/// Raises or lowers the products an expression selects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Boost {
    /// In the Common Expression Language over `product`.
    pub(crate) expression: String,
    /// In units of the spread of the scores, -10 to 10.
    pub(crate) strength: f64,
}

/// A product with a place of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pin {
    pub(crate) product_id: String,
    /// The place, 1 being the first.
    pub(crate) position: u32,
}

/// At most so many products of a category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CategoryCap {
    /// Empty: every category that has no cap of its own.
    pub(crate) category: String,
    pub(crate) max_count: u32,
}

impl Arrangement {
    /// This arrangement with what it leaves out taken from the one below. A list counts as a
    /// whole: boosts are not mixed with those below.
    #[must_use]
    pub(crate) fn over(self, below: &Self) -> Self {
        fn list<T: Clone>(upper: Vec<T>, lower: &[T]) -> Vec<T> {
            if upper.is_empty() { lower.to_vec() } else { upper }
        }
        Self {
            boosts: list(self.boosts, &below.boosts),
            pins: list(self.pins, &below.pins),
            diversity: self.diversity.or(below.diversity),
            category_caps: list(self.category_caps, &below.category_caps),
            rotation: self.rotation.or(below.rotation),
            min_relevance: self.min_relevance.or(below.min_relevance),
            promotion_strength: self.promotion_strength.or(below.promotion_strength),
            nutrition_strength: self.nutrition_strength.or(below.nutrition_strength),
            exploration: self.exploration.or(below.exploration),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_comes_from_below() {
        let boost = |strength| Boost { expression: "true".to_owned(), strength };
        let below = Arrangement {
            boosts: vec![boost(1.0)],
            diversity: Some(0.5),
            exploration: Some(0.1),
            ..Arrangement::default()
        };
        let upper = Arrangement {
            boosts: vec![boost(-2.0)],
            exploration: Some(0.0),
            rotation: Some(1.0),
            ..Arrangement::default()
        };
        let both = upper.over(&below);
        assert_eq!(both.boosts, [boost(-2.0)]);
        assert_eq!((both.diversity, both.exploration, both.rotation), (Some(0.5), Some(0.0), Some(1.0)));
        assert_eq!(Arrangement::default().over(&below), below);
    }

    #[test]
    fn an_arrangement_of_an_older_program_is_read() {
        let read: Arrangement = serde_json::from_str(r#"{"diversity": 0.25}"#).unwrap();
        assert_eq!(read, Arrangement { diversity: Some(0.25), ..Arrangement::default() });
    }
}
