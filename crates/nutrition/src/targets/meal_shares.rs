//! How a day's amounts are shared among its meals. The last meal takes what rounding leaves, so
//! the parts add up to the whole exactly.

use crate::{InvalidField, InvalidFields};

/// Shares of a day, in the order of its meals.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct MealShares(Vec<f64>);

/// The usual shares of one to six meals: breakfast, lunch and dinner of three; with a snack as
/// the last of four; with a snack in the morning and one in the afternoon of five. Others are even.
///
/// # Errors
/// Fewer than 1 or more than 12 meals.
pub fn usual_meal_shares(meals: usize) -> Result<MealShares, InvalidFields> {
    MealShares::new(match meals {
        1 => vec![1.0],
        2 => vec![0.5, 0.5],
        3 => vec![0.30, 0.40, 0.30],
        4 => vec![0.25, 0.35, 0.30, 0.10],
        5 => vec![0.20, 0.10, 0.30, 0.10, 0.30],
        // More than are accepted are refused by `new`, whatever their number.
        _ => vec![1.0 / meals.max(1) as f64; meals.min(13)],
    })
}

impl MealShares {
    /// Shares of one's own.
    ///
    /// # Errors
    /// No or more than 12 meals, a share that is not above 0, or a sum that is not 1.
    pub fn new(shares: Vec<f64>) -> Result<Self, InvalidFields> {
        let mut refused = Vec::new();
        if shares.is_empty() || shares.len() > 12 {
            refused.push(InvalidField::new("meal_shares", shares.len(), "1 to 12 meals"));
        }
        for (index, share) in shares.iter().enumerate() {
            if !(*share > 0.0 && *share <= 1.0) {
                let field = format!("meal_shares[{index}]");
                refused.push(InvalidField::new(field, share, "above 0 and at most 1"));
            }
        }
        let sum: f64 = shares.iter().sum();
        if refused.is_empty() && (sum - 1.0).abs() > 1e-6 {
            refused.push(InvalidField::new("meal_shares", sum, "shares that add up to 1"));
        }
        InvalidFields::none_of(refused)?;
        Ok(Self(shares))
    }

    /// The shares, in the order of the meals.
    #[must_use]
    pub fn shares(&self) -> &[f64] {
        &self.0
    }

    /// `total` in one part a meal: whole numbers all but the last, which takes the rest. The parts
    /// add up to a whole `total` exactly.
    #[must_use]
    pub fn split(&self, total: f64) -> Vec<f64> {
        let mut parts: Vec<f64> = self.0.iter().map(|share| (share * total).floor()).collect();
        let before: f64 = parts.iter().rev().skip(1).sum();
        if let Some(last) = parts.last_mut() {
            *last = total - before;
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_meal_takes_what_rounding_leaves() {
        let parts = |meals, total| usual_meal_shares(meals).expect("it is usual").split(total);
        assert_eq!(parts(3, 2001.0), [600.0, 800.0, 601.0]);
        assert_eq!(parts(4, 1999.0), [499.0, 699.0, 599.0, 202.0]);
        assert_eq!(parts(5, 2000.0), [400.0, 200.0, 600.0, 200.0, 600.0]);
        assert_eq!(parts(1, 77.0), [77.0]);
    }

    #[test]
    fn shares_that_are_no_day_are_refused() {
        let refused = |shares: &[f64]| MealShares::new(shares.to_vec()).expect_err("no day").to_string();
        assert!(refused(&[0.5, 0.4]).contains("0.9 is refused"));
        assert!(refused(&[1.2, -0.2]).contains("meal_shares[1]: -0.2"));
        assert!(refused(&[]).contains("1 to 12 meals"));
        assert!(refused(&[f64::NAN, 1.0]).contains("meal_shares[0]"));
        assert!(usual_meal_shares(0).is_err() && usual_meal_shares(13).is_err());
    }

    proptest! {
        #[test]
        fn parts_add_up_exactly(weights in prop::collection::vec(0.01..1.0_f64, 1..12), total in 0..20_000_u32) {
            let sum: f64 = weights.iter().sum();
            let shares = MealShares::new(weights.iter().map(|one| one / sum).collect()).expect("they are sound");
            let parts = shares.split(f64::from(total));
            prop_assert_eq!(parts.iter().sum::<f64>().to_bits(), f64::from(total).to_bits());
            for (part, share) in parts.iter().zip(shares.shares()).rev().skip(1) {
                prop_assert!((part - share * f64::from(total)).abs() <= 1.0);
            }
            prop_assert!(parts.iter().all(|part| *part >= 0.0));
        }
    }
}
