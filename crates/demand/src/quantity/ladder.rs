//! The amounts of one product that may be brought, from nothing upwards: first what is left of
//! earlier days, then whole packs on top of it. A rung is one pack, or a grain of weighed goods.

use super::request::PlannedProduct;

/// Of an amount that was divided, so much may be an error of arithmetic.
const SLACK: f64 = 1e-9;

/// The amounts that may be brought.
pub(super) struct Ladder {
    /// Units of a rung.
    step: f64,
    /// Usable stock, all of it below the first pack.
    stock: f64,
    /// Rungs that are stock alone.
    stock_rungs: u64,
    /// The first rung that holds a whole batch.
    batch_rung: u64,
    /// The vendor's own word: the only amount.
    set: Option<f64>,
    /// Lowest and highest rung that may be chosen.
    pub(super) lowest: u64,
    pub(super) highest: u64,
}

impl Ladder {
    pub(super) fn of(product: &PlannedProduct, stock: f64) -> Self {
        let packing = &product.packing;
        let most_asked = product.demand.quantile(1.0);
        let step = packing.pack_size.unwrap_or_else(|| grain(most_asked.max(stock).max(packing.minimum)));
        let stock_rungs = (stock / step - SLACK).ceil().max(0.0) as u64;
        let batch = (packing.minimum_batch / step - SLACK).ceil().max(0.0) as u64;
        let set = product.set_quantity;
        let batch_rung = stock_rungs + batch;
        let mut ladder = Self { step, stock, stock_rungs, batch_rung, set, lowest: 0, highest: 0 };
        if set.is_none() {
            ladder.bound(most_asked.max(packing.minimum), packing.minimum, packing.maximum);
        }
        ladder
    }

    /// Sets the lowest and the highest rung. The maximum holds before the minimum does.
    fn bound(&mut self, most: f64, minimum: f64, maximum: Option<f64>) {
        let allowed = maximum.map_or(u64::MAX, |maximum| self.at_most(maximum));
        let mut highest = self.at_least(most);
        if self.is_part_of_a_batch(highest) {
            highest = self.batch_rung;
        }
        highest = highest.min(allowed);
        self.highest = if self.is_part_of_a_batch(highest) { self.stock_rungs } else { highest };
        let lowest = self.at_least(minimum).min(self.highest);
        self.lowest = if self.is_part_of_a_batch(lowest) { self.batch_rung } else { lowest };
    }

    /// Whether a rung has packs, but fewer than are made at once.
    fn is_part_of_a_batch(&self, rung: u64) -> bool {
        self.stock_rungs < rung && rung < self.batch_rung
    }

    /// The amount of a rung, in the product's unit.
    pub(super) fn amount(&self, rung: u64) -> f64 {
        if let Some(set) = self.set {
            return set;
        }
        if rung <= self.stock_rungs {
            return tidy(rung as f64 * self.step).min(self.stock);
        }
        self.stock + tidy((rung - self.stock_rungs) as f64 * self.step)
    }

    /// The highest rung with at most this amount.
    pub(super) fn at_most(&self, amount: f64) -> u64 {
        if amount + SLACK < self.stock {
            return ((amount / self.step + SLACK).floor() as u64).min(self.stock_rungs);
        }
        self.stock_rungs + ((amount - self.stock) / self.step + SLACK).floor().max(0.0) as u64
    }

    /// The lowest rung with at least this amount.
    fn at_least(&self, amount: f64) -> u64 {
        let below = self.at_most(amount);
        if self.amount(below) + SLACK >= amount { below } else { below + 1 }
    }

    /// The next rung above that may be chosen.
    pub(super) fn above(&self, rung: u64) -> Option<u64> {
        let next = if self.is_part_of_a_batch(rung + 1) { self.batch_rung } else { rung + 1 };
        (next <= self.highest).then_some(next)
    }

    /// The next rung below that may be chosen.
    pub(super) fn below(&self, rung: u64) -> Option<u64> {
        self.chosen_below(rung, 1)
    }

    /// The rung that may be chosen, so many below or a little lower.
    pub(super) fn chosen_below(&self, rung: u64, by: u64) -> Option<u64> {
        let lower = rung.checked_sub(by)?;
        let lower = if self.is_part_of_a_batch(lower) { self.stock_rungs } else { lower };
        (lower >= self.lowest).then_some(lower)
    }

    /// The highest rung that may be chosen with at most this amount, or the lowest of all.
    pub(super) fn chosen_at_most(&self, amount: f64) -> u64 {
        let rung = self.at_most(amount).clamp(self.lowest, self.highest);
        if self.is_part_of_a_batch(rung) { self.stock_rungs.max(self.lowest) } else { rung }
    }

    /// Whole packs on a rung, the vendor's own word included where it is made of whole packs.
    pub(super) fn packs(&self, fresh: f64) -> Option<u64> {
        let packs = fresh / self.step;
        ((packs - packs.round()).abs() < 1e-6).then(|| packs.round() as u64)
    }
}

/// The smallest amount of weighed goods worth telling apart: three digits of the most there may be.
fn grain(most: f64) -> f64 {
    if most > 0.0 { 10.0_f64.powi(most.log10().floor() as i32 - 2).max(1e-3) } else { 1e-3 }
}

/// Takes away what multiplying by a decimal fraction added.
fn tidy(amount: f64) -> f64 {
    (amount * 1e9).round() / 1e9
}
