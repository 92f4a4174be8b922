//! What would bring a better letter: for each amount the smallest change of it alone.

use super::points::Amounts;
use super::{Letter, letter};
use crate::scores::Range;

/// A change of one amount that brings a better letter.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Improvement {
    /// Which amount, with its unit: `sugars_g`, `salt_g`, `fruit_percent`.
    pub field: &'static str,
    /// By how much, below 0 for less; of 100 g.
    pub change: f64,
    /// The letter it brings.
    pub letter: Letter,
    /// In words: `3 g less sugar: B`.
    pub text: String,
}

/// An amount that can be changed: how to reach it, what it is called, and the most of it.
struct Lever {
    field: &'static str,
    unit: &'static str,
    word: &'static str,
    amount: fn(&mut Amounts) -> &mut Range,
    /// `None` is an amount to lower.
    raise_to: Option<f64>,
}

const LEVERS: [Lever; 6] = [
    Lever { field: "sugars_g", unit: "g", word: "sugar", amount: |all| &mut all.sugars_g, raise_to: None },
    Lever {
        field: "saturated_fat_g",
        unit: "g",
        word: "saturated fat",
        amount: |all| &mut all.saturated_g,
        raise_to: None,
    },
    Lever { field: "salt_g", unit: "g", word: "salt", amount: |all| &mut all.salt_g, raise_to: None },
    Lever {
        field: "fibre_g",
        unit: "g",
        word: "fibre",
        amount: |all| &mut all.fibre_g,
        raise_to: Some(30.0),
    },
    Lever {
        field: "protein_g",
        unit: "g",
        word: "protein",
        amount: |all| &mut all.protein_g,
        raise_to: Some(60.0),
    },
    Lever {
        field: "fruit_percent",
        unit: "%",
        word: "fruit and vegetables",
        amount: |all| &mut all.fruit_percent,
        raise_to: Some(100.0),
    },
];

/// Every single change that brings a better letter than `now`, the smallest share of the amount first.
pub(super) fn find(amounts: &Amounts, now: Letter) -> Vec<Improvement> {
    let mut found: Vec<(f64, Improvement)> =
        LEVERS.iter().filter_map(|lever| lever.smallest_change(*amounts, now)).collect();
    found.sort_by(|one, two| one.0.total_cmp(&two.0));
    found.into_iter().map(|(_, improvement)| improvement).collect()
}

impl Lever {
    /// The change with its size against the amount or the room above it.
    fn smallest_change(&self, mut amounts: Amounts, now: Letter) -> Option<(f64, Improvement)> {
        let amount = (self.amount)(&mut amounts).exact()?;
        let letter_at = |tenths: i64| {
            let changed = amount + tenths as f64 / 10.0;
            let mut amounts = amounts;
            *(self.amount)(&mut amounts) = Range::exactly((changed * 1e6).round() / 1e6);
            letter(amounts.category, amounts.bounds().1.total())
        };
        let room = self.raise_to.map_or(amount, |most| most - amount);
        let sign = if self.raise_to.is_some() { 1 } else { -1 };
        // Points only fall on the way, so the first step that is enough can be halved in on.
        let (mut too_little, mut enough) = (0, (room * 10.0).floor() as i64);
        if enough <= 0 || letter_at(sign * enough) >= now {
            return None;
        }
        while enough - too_little > 1 {
            let middle = i64::midpoint(too_little, enough);
            if letter_at(sign * middle) < now { enough = middle } else { too_little = middle }
        }
        let letter = letter_at(sign * enough);
        let change = (sign * enough) as f64 / 10.0;
        let more = if sign > 0 { "more" } else { "less" };
        let text = format!("{} {} {more} {}: {letter:?}", change.abs(), self.unit, self.word);
        Some((change.abs() / room, Improvement { field: self.field, change, letter, text }))
    }
}
