//! What the van and the purse hold, and the price of each where it is short: the multiplier at which
//! the best amounts just fit, found by bisection, one limit after the other until none moves.

use super::good::{Good, Resources};

/// Most rounds over the limits,
const MOST_ROUNDS: usize = 12;
/// and over this many products in all: of many products each pack matters less.
const PRODUCTS_LOOKED_AT: usize = 400;
/// Halvings of the price of one limit.
const HALVINGS: usize = 30;
/// Steps towards the lowest bound.
const STEPS: usize = 150;
/// Shares of a limit that do not count as exceeding it.
const SLACK: f64 = 1e-9;

/// What holds a plan back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Room of the van, litres.
    Volume,
    /// Load of the van, kg.
    Weight,
    /// Money for what is made or bought, in the currency.
    Budget,
}

impl Limit {
    /// All of them, in the order of [`Resources`].
    pub(super) const ALL: [Self; 3] = [Self::Volume, Self::Weight, Self::Budget];
}

/// What there is of each resource; infinite where nothing limits.
pub(super) struct Limits {
    /// What was told,
    pub(super) told: Resources,
    /// and that, or what the minimums and the vendor's own words take where that is more.
    pub(super) holds: Resources,
}

impl Limits {
    pub(super) fn of(told: Resources, goods: &[Good<'_>]) -> Self {
        let lowest: Vec<u64> = goods.iter().map(|good| good.ladder.lowest).collect();
        let least = used(goods, &lowest);
        Self { told, holds: std::array::from_fn(|each| told[each].max(least[each])) }
    }

    /// Whether something that takes so much fits.
    pub(super) fn hold(&self, used: &Resources) -> bool {
        used.iter().zip(&self.holds).all(|(used, holds)| *used <= holds + SLACK * holds.max(1.0))
    }

    /// Prices, in the currency for each litre, kg and unit of the currency, at which the best rungs fit.
    pub(super) fn prices(&self, goods: &[Good<'_>]) -> Resources {
        let mut prices = [0.0; 3];
        let rounds = (PRODUCTS_LOOKED_AT / goods.len().max(1)).clamp(3, MOST_ROUNDS);
        for _ in 0..rounds {
            let before = prices;
            for limit in 0..prices.len() {
                prices[limit] = self.price_of(limit, prices, goods);
            }
            let moved = prices.iter().zip(&before).any(|(now, then)| (now - then).abs() > 1e-6 * then.abs());
            if !moved && self.hold(&used(goods, &best_rungs(goods, &prices))) {
                break;
            }
        }
        prices
    }

    /// The lowest price of one limit at which the best rungs keep it, the other prices as they are.
    fn price_of(&self, limit: usize, mut prices: Resources, goods: &[Good<'_>]) -> f64 {
        if self.holds[limit].is_infinite() {
            return 0.0;
        }
        let room = self.holds[limit] * (1.0 + SLACK) + SLACK;
        let mut fits = |price: f64| {
            prices[limit] = price;
            goods
                .iter()
                .map(|good| good.takes(good.ladder.amount(good.best_rung(&prices)))[limit])
                .sum::<f64>()
                <= room
        };
        if fits(0.0) {
            return 0.0;
        }
        let (mut too_low, mut enough) = (0.0, 1.0);
        while !fits(enough) && enough < 1e18 {
            (too_low, enough) = (enough, enough * 8.0);
        }
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(too_low, enough);
            if fits(middle) {
                enough = middle;
            } else {
                too_low = middle;
            }
            if enough - too_low <= 1e-7 * enough {
                break;
            }
        }
        enough
    }
}

/// No plan that fits is worth more than this: the best priced worths and the price of all there is
/// (Lagrangian duality).
pub(super) fn bound(goods: &[Good<'_>], limits: &Limits, prices: &Resources) -> f64 {
    let room: f64 = prices
        .iter()
        .zip(&limits.holds)
        .filter(|(price, _)| **price > 0.0)
        .map(|(price, holds)| price * holds)
        .sum();
    room + goods.iter().map(|good| good.priced_worth(good.best_rung(prices), prices)).sum::<f64>()
}

/// Lowers the bound of several limits that influence each other, where going along one after the other
/// stops short: steps along the subgradient, as long as the worth of a known plan allows (Polyak, 1969).
pub(super) fn lower_the_bound(
    goods: &[Good<'_>],
    limits: &Limits,
    start: Resources,
    known: f64,
) -> Resources {
    let (mut prices, mut best) = (start, start);
    if limits.holds.iter().filter(|holds| holds.is_finite()).count() < 2 {
        // The bisection of a single price has found the lowest bound.
        return start;
    }
    let mut lowest = bound(goods, limits, &start);
    let (mut at, mut stride) = (lowest, 1.0);
    for _ in 0..STEPS {
        let taken = used(goods, &best_rungs(goods, &prices));
        // What is over, as a share of the limit, so that litres and money weigh alike.
        let over: Resources = std::array::from_fn(|each| {
            let (over, holds) = (taken[each] - limits.holds[each], limits.holds[each]);
            if holds.is_infinite() || holds <= 0.0 || (prices[each] <= 0.0 && over < 0.0) {
                0.0
            } else {
                over / holds
            }
        });
        let length: f64 = over.iter().map(|share| share * share).sum();
        if length < 1e-12 || at - known < 1e-9 {
            break;
        }
        let step = stride * (at - known) / length;
        for each in 0..prices.len() {
            if over[each] != 0.0 {
                prices[each] = (prices[each] + step * over[each] / limits.holds[each]).max(0.0);
            }
        }
        at = bound(goods, limits, &prices);
        if at < lowest {
            (lowest, best) = (at, prices);
        } else {
            stride *= 0.97;
        }
    }
    best
}

/// The best rung of each product at given prices.
pub(super) fn best_rungs(goods: &[Good<'_>], prices: &Resources) -> Vec<u64> {
    goods.iter().map(|good| good.best_rung(prices)).collect()
}

/// What rungs take together.
pub(super) fn used(goods: &[Good<'_>], rungs: &[u64]) -> Resources {
    let mut used = [0.0; 3];
    for (good, &rung) in goods.iter().zip(rungs) {
        for (used, take) in used.iter_mut().zip(good.takes(good.ladder.amount(rung))) {
            *used += take;
        }
    }
    used
}
