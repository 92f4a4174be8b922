//! The days on which one customer did something with one product: what rhythm, recency and worlds
//! of the past are read from. A bounded log, the same whatever order the events came in.

use crate::{Event, InteractionKind, decay::clamp_time};

/// One day in microseconds.
pub(crate) const DAY_US: i64 = 24 * 3_600_000_000;

/// Of one customer and product so many of the newest days are kept.
pub(crate) const MOST_DAYS_PER_PAIR: usize = 64;

/// Of one customer so many of the newest days, counted product by product, are kept.
pub(crate) const MOST_DAYS_PER_CUSTOMER: usize = 5_000;

/// Quantities are kept in steps of this many pieces.
const QUANTITY_STEP: f64 = 1.0 / 16.0;

/// Interest without a purchase is kept in steps of a hundredth of a purchase.
const INTEREST_STEP: f64 = 0.01;

/// The day a time falls on, in days since 1970-01-01 UTC.
pub(crate) fn day_of(time_us: i64) -> i32 {
    clamp_time(time_us).div_euclid(DAY_US) as i32
}

/// What a customer did with a product on one day. Sums saturate, and nothing is ever taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Occasion {
    /// Days since 1970-01-01 UTC.
    pub day: i32,
    /// Pieces bought, in sixteenths.
    pub quantity: u16,
    /// Purchases, however many pieces each.
    pub purchases: u8,
    /// Views, carts, likes and good ratings, in hundredths of a purchase.
    pub interest: u8,
}

impl Occasion {
    /// The event as an occasion; `None` when it says nothing for the product.
    pub(crate) fn of(event: &Event, time_us: i64, weight: f64) -> Option<Self> {
        let mut occasion = Self { day: day_of(time_us), ..Self::default() };
        if event.kind == InteractionKind::Purchase {
            let pieces = if event.quantity.is_finite() { event.quantity.max(0.0) } else { 1.0 };
            occasion.quantity = (pieces / QUANTITY_STEP).round() as u16;
            occasion.purchases = 1;
        } else {
            occasion.interest = (weight / INTEREST_STEP).round() as u8;
        }
        (occasion.purchases > 0 || occasion.interest > 0).then_some(occasion)
    }

    /// Whether anything was bought.
    pub(crate) fn is_purchase(self) -> bool {
        self.purchases > 0
    }

    /// Pieces bought.
    pub(crate) fn pieces(self) -> f32 {
        f32::from(self.quantity) * QUANTITY_STEP as f32
    }

    /// How much it counts, a day with a purchase being 1 however much was bought.
    pub(crate) fn weight(self) -> f32 {
        if self.is_purchase() { 1.0 } else { (f32::from(self.interest) * INTEREST_STEP as f32).min(1.0) }
    }

    fn add(&mut self, other: Self) {
        self.quantity = self.quantity.saturating_add(other.quantity);
        self.purchases = self.purchases.saturating_add(other.purchases);
        self.interest = self.interest.saturating_add(other.interest);
    }
}

/// The newest days of one customer and product, in the order of days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OccasionLog {
    days: Vec<Occasion>,
}

impl OccasionLog {
    /// Adds what was done on a day; a day older than all of a full log is left out.
    pub(crate) fn add(&mut self, occasion: Occasion) {
        match self.days.binary_search_by_key(&occasion.day, |known| known.day) {
            Ok(place) => self.days[place].add(occasion),
            Err(0) if self.days.len() >= MOST_DAYS_PER_PAIR => {}
            Err(place) => {
                // Most logs hold a day or two: room for more would be most of the memory.
                self.days.reserve_exact(1);
                self.days.insert(place, occasion);
                if self.days.len() > MOST_DAYS_PER_PAIR {
                    self.days.remove(0);
                }
            }
        }
    }

    /// Forgets the days before `day`, and their memory.
    pub(crate) fn forget_before(&mut self, day: i32) {
        let older = self.days.partition_point(|known| known.day < day);
        if older > 0 {
            self.days.drain(..older);
            self.days.shrink_to_fit();
        }
    }

    pub(crate) fn days(&self) -> &[Occasion] {
        &self.days
    }
}

/// Appends two logs of the same customer and product as one, the newest days of them.
pub(crate) fn append_merged(known: &[Occasion], fresh: &[Occasion], into: &mut Vec<Occasion>) {
    let begin = into.len();
    let mut fresh = fresh.iter().peekable();
    for &occasion in known {
        while let Some(&earlier) = fresh.next_if(|other| other.day < occasion.day) {
            into.push(earlier);
        }
        let mut merged = occasion;
        if let Some(&same) = fresh.next_if(|other| other.day == occasion.day) {
            merged.add(same);
        }
        into.push(merged);
    }
    into.extend(fresh);
    let surplus = (into.len() - begin).saturating_sub(MOST_DAYS_PER_PAIR);
    into.drain(begin..begin + surplus);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_occasions() -> impl Strategy<Value = Vec<Occasion>> {
        let one = (0i32..120, 0u16..300, 0u8..3, 0u8..60)
            .prop_map(|(day, quantity, purchases, interest)| Occasion { day, quantity, purchases, interest });
        prop::collection::vec(one, 0..150)
    }

    fn log_of(occasions: impl IntoIterator<Item = Occasion>) -> OccasionLog {
        let mut log = OccasionLog::default();
        occasions.into_iter().for_each(|occasion| log.add(occasion));
        log
    }

    #[test]
    fn days_before_1970_are_days_too() {
        assert_eq!(day_of(-1), -1);
        assert_eq!(day_of(0), 0);
        assert_eq!(day_of(DAY_US - 1), 0);
        assert_eq!(day_of(i64::MIN), day_of(i64::MIN + 1));
    }

    proptest! {
        #[test]
        fn a_log_is_bounded_and_does_not_depend_on_the_order(occasions in any_occasions()) {
            let forward = log_of(occasions.iter().copied());
            let backward = log_of(occasions.iter().rev().copied());
            prop_assert_eq!(&forward, &backward);
            prop_assert!(forward.days().len() <= MOST_DAYS_PER_PAIR);
            prop_assert!(forward.days().is_sorted_by(|one, other| one.day < other.day));
        }

        #[test]
        fn merging_two_logs_is_logging_all(occasions in any_occasions(), cut in 0usize..150) {
            let (before, after) = occasions.split_at(cut.min(occasions.len()));
            let mut merged = Vec::new();
            append_merged(log_of(before.iter().copied()).days(), log_of(after.iter().copied()).days(), &mut merged);
            let whole = log_of(occasions.iter().copied());
            prop_assert_eq!(merged.as_slice(), whole.days());
        }
    }
}
