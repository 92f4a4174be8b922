//! Which rung each product stands on. Where nothing is short, every product stands on its best rung
//! and that is the optimum. Otherwise packs are added by what they are worth for what they take, and
//! a branch and bound below the bound of the multipliers either improves on that or proves it best.

use super::good::{Good, Resources};
use super::limits::{Limits, best_rungs, bound, lower_the_bound, used};

/// Most steps of the branch and bound: about a millisecond.
const MOST_STEPS: usize = 20_000;
/// Most times that packs of one product are added or taken away.
const MOST_MOVES: usize = 2_000;
/// Packs whose worth for what they take differs by less than this share are added together.
const AS_GOOD: f64 = 1e-4;
/// Most rungs of one product that the branch and bound looks at.
const MOST_RUNGS: usize = 400;

/// The rungs of a plan and how they came about.
pub(super) struct Chosen {
    /// One for each product.
    pub(super) rungs: Vec<u64>,
    /// The best rungs if nothing were short.
    pub(super) unlimited: Vec<u64>,
    /// What one more litre, kg and unit of the currency would be worth.
    pub(super) prices: Resources,
    /// At most so much, in the currency, is missed against the best whole packs; 0 where proved.
    pub(super) missed_at_most: f64,
}

pub(super) fn choose(goods: &[Good<'_>], limits: &Limits) -> Chosen {
    let unlimited = best_rungs(goods, &[0.0; 3]);
    if limits.hold(&used(goods, &unlimited)) {
        return Chosen { rungs: unlimited.clone(), unlimited, prices: [0.0; 3], missed_at_most: 0.0 };
    }
    let first = limits.prices(goods);
    let mut rungs = fill(goods, limits, &first);
    let prices = lower_the_bound(goods, limits, first, worth_of(goods, &rungs));
    let again = fill(goods, limits, &prices);
    if worth_of(goods, &again) > worth_of(goods, &rungs) {
        rungs = again;
    }
    let mut search = Search::new(goods, limits, prices, rungs);
    search.run();
    Chosen { unlimited, prices, missed_at_most: search.missed_at_most(), rungs: search.best }
}

/// A plan that fits, from the best rungs at given prices.
fn fill(goods: &[Good<'_>], limits: &Limits, prices: &Resources) -> Vec<u64> {
    let mut rungs = best_rungs(goods, prices);
    take_until_it_fits(goods, limits, prices, &mut rungs);
    add_while_it_fits(goods, limits, prices, &mut rungs);
    rungs
}

fn worth_of(goods: &[Good<'_>], rungs: &[u64]) -> f64 {
    goods.iter().zip(rungs).map(|(good, &rung)| good.worth(good.ladder.amount(rung))).sum()
}

/// Takes packs away, the least worth for what they take first. The bisection ends on the side that
/// fits, so this is for several limits that have not settled.
fn take_until_it_fits(goods: &[Good<'_>], limits: &Limits, prices: &Resources, rungs: &mut [u64]) {
    for _ in 0..MOST_MOVES {
        let over = used(goods, rungs);
        if limits.hold(&over) {
            return;
        }
        let relieves = |takes: &Resources| {
            (0..takes.len()).any(|each| takes[each] > 0.0 && over[each] > limits.holds[each])
        };
        let cheapest = (0..goods.len())
            .filter_map(|number| {
                let next = goods[number].ladder.below(rungs[number])?;
                let (worth, takes) = step(&goods[number], next, rungs[number]);
                relieves(&takes).then(|| (number, worth / scarcity(&takes, prices, limits)))
            })
            .min_by(|one, other| one.1.total_cmp(&other.1));
        let Some((number, _)) = cheapest else { return };
        let fits = |takes: &Resources| limits.hold(&std::array::from_fn(|each| over[each] - takes[each]));
        rungs[number] = take_several(&goods[number], rungs[number], fits);
    }
    // Too many small packs to take away one by one: what is lowest always fits.
    for (rung, good) in rungs.iter_mut().zip(goods) {
        *rung = good.ladder.lowest;
    }
}

/// The next rung below, or one further down while what is taken away is not yet enough.
fn take_several(good: &Good<'_>, from: u64, fits: impl Fn(&Resources) -> bool) -> u64 {
    let Some(mut to) = good.ladder.below(from) else { return from };
    let mut stride = 1;
    while let Some(further) = good.ladder.chosen_below(to, stride) {
        if fits(&step(good, further, from).1) {
            break;
        }
        (to, stride) = (further, stride * 2);
    }
    to
}

/// Adds packs as long as one that is worth something fits, the most worth for what it takes first.
fn add_while_it_fits(goods: &[Good<'_>], limits: &Limits, prices: &Resources, rungs: &mut [u64]) {
    for _ in 0..MOST_MOVES {
        let taken = used(goods, rungs);
        let fits = |takes: &Resources| limits.hold(&std::array::from_fn(|each| taken[each] + takes[each]));
        let best = (0..goods.len())
            .filter_map(|number| {
                let next = goods[number].ladder.above(rungs[number])?;
                let (worth, takes) = step(&goods[number], rungs[number], next);
                (worth > 1e-9 && fits(&takes))
                    .then(|| (number, next, worth / scarcity(&takes, prices, limits)))
            })
            .max_by(|one, other| one.2.total_cmp(&other.2).then(other.0.cmp(&one.0)));
        let Some((number, next, ratio)) = best else { return };
        let is_as_good = |worth: f64, takes: &Resources| {
            fits(takes) && worth / scarcity(takes, prices, limits) > ratio * (1.0 - AS_GOOD)
        };
        rungs[number] = add_several(&goods[number], (rungs[number], next), is_as_good);
    }
}

/// The next rung above, or one further up while all the packs to it are about as good as the first.
fn add_several(
    good: &Good<'_>,
    (from, next): (u64, u64),
    is_as_good: impl Fn(f64, &Resources) -> bool,
) -> u64 {
    let (mut to, mut stride) = (next, 1);
    while to + stride <= good.ladder.highest {
        let (worth, takes) = step(good, from, to + stride);
        if is_as_good(worth, &takes) {
            (to, stride) = (to + stride, stride * 2);
        } else if stride == 1 {
            break;
        } else {
            stride /= 2;
        }
    }
    to
}

/// What going from one rung up to another is worth and takes.
fn step(good: &Good<'_>, lower: u64, upper: u64) -> (f64, Resources) {
    let (lower, upper) = (good.ladder.amount(lower), good.ladder.amount(upper));
    let (less, more) = (good.takes(lower), good.takes(upper));
    (good.worth(upper) - good.worth(lower), std::array::from_fn(|each| more[each] - less[each]))
}

/// What a step takes, weighed by prices; a little by its share of the limits, for where none is short.
fn scarcity(takes: &Resources, prices: &Resources, limits: &Limits) -> f64 {
    let priced: f64 = takes.iter().zip(prices).map(|(take, price)| take * price).sum();
    let shares: f64 = takes.iter().zip(&limits.holds).map(|(take, holds)| take / holds.max(1e-9)).sum();
    priced + 1e-6 * shares + 1e-15
}

/// One rung that a product may stand on.
#[derive(Clone, Copy)]
struct Choice {
    rung: u64,
    /// What it is worth less than the product's best rung at the prices.
    loss: f64,
    worth: f64,
    takes: Resources,
}

/// Branch and bound over the rungs whose loss at the prices is below the gap: the sum of the best
/// priced worths and the price of all there is bounds every plan from above (Lagrangian duality).
struct Search<'goods> {
    limits: &'goods Limits,
    /// Choices of each product, the smallest loss first.
    choices: Vec<Vec<Choice>>,
    /// The least that this product and all after it take.
    least: Vec<Resources>,
    /// No plan is worth more.
    bound: f64,
    best: Vec<u64>,
    best_worth: f64,
    standing: Vec<u64>,
    steps: usize,
    cut_short: bool,
}

impl<'goods> Search<'goods> {
    fn new(goods: &[Good<'_>], limits: &'goods Limits, prices: Resources, rungs: Vec<u64>) -> Self {
        let best = best_rungs(goods, &prices);
        let bound = bound(goods, limits, &prices);
        let best_worth = worth_of(goods, &rungs);
        let gap = bound - best_worth;
        let mut cut_short = false;
        let mut choices: Vec<Vec<Choice>> = Vec::with_capacity(goods.len());
        for (number, good) in goods.iter().enumerate() {
            let (found, all) = choices_of(good, best[number], &prices, gap);
            cut_short |= !all;
            choices.push(found);
        }
        let mut least = vec![[0.0; 3]; goods.len() + 1];
        for number in (0..goods.len()).rev() {
            least[number] = std::array::from_fn(|each| {
                let fewest =
                    choices[number].iter().map(|choice| choice.takes[each]).fold(f64::INFINITY, f64::min);
                least[number + 1][each] + fewest
            });
        }
        let standing = rungs.clone();
        Self { limits, choices, least, bound, best: rungs, best_worth, standing, steps: 0, cut_short }
    }

    fn run(&mut self) {
        self.descend(0, 0.0, 0.0, [0.0; 3]);
    }

    /// What the best found may be short of the optimum.
    fn missed_at_most(&self) -> f64 {
        if self.cut_short { (self.bound - self.best_worth).max(0.0) } else { 0.0 }
    }

    fn descend(&mut self, number: usize, loss: f64, worth: f64, taken: Resources) {
        if number == self.choices.len() {
            if worth > self.best_worth + 1e-9 {
                self.best_worth = worth;
                self.best.clone_from(&self.standing);
            }
            return;
        }
        for place in 0..self.choices[number].len() {
            let choice = self.choices[number][place];
            if self.bound - loss - choice.loss <= self.best_worth + 1e-9 {
                return;
            }
            if self.steps >= MOST_STEPS {
                self.cut_short = true;
                return;
            }
            self.steps += 1;
            let taken = std::array::from_fn(|each| taken[each] + choice.takes[each]);
            let at_least = std::array::from_fn(|each| taken[each] + self.least[number + 1][each]);
            if self.limits.hold(&at_least) {
                self.standing[number] = choice.rung;
                self.descend(number + 1, loss + choice.loss, worth + choice.worth, taken);
            }
        }
    }
}

/// The rungs of a product that lose no more than the gap, and whether these are all of them. Worth
/// rises to one top and falls, so the search goes outwards from the best.
fn choices_of(good: &Good<'_>, best: u64, prices: &Resources, gap: f64) -> (Vec<Choice>, bool) {
    let top = good.priced_worth(best, prices);
    let choice = |rung: u64| {
        let amount = good.ladder.amount(rung);
        let loss = (top - good.priced_worth(rung, prices)).max(0.0);
        Choice { rung, loss, worth: good.worth(amount), takes: good.takes(amount) }
    };
    let mut found = vec![choice(best)];
    let mut all = true;
    for upwards in [false, true] {
        let mut rung = best;
        while let Some(next) = if upwards { good.ladder.above(rung) } else { good.ladder.below(rung) } {
            let choice = choice(next);
            if choice.loss > gap + 1e-9 {
                break;
            }
            if found.len() >= MOST_RUNGS {
                all = false;
                break;
            }
            found.push(choice);
            rung = next;
        }
    }
    found.sort_by(|one, other| one.loss.total_cmp(&other.loss).then(one.rung.cmp(&other.rung)));
    (found, all)
}
