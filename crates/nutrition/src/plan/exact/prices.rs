//! Bounds of a meal by prices of nutrients: at any prices, foods at their cost plus that of what
//! they hold, and targets met at those prices, cost no more than the best meal does (Lagrangian
//! relaxation; Geoffrion, "Lagrangean relaxation for integer programming", 1974). The prices are
//! raised along deflected subgradients (Camerini, Fratta and Maffioli, 1975) with Polyak's steps.

use std::ops::Range;

use super::meal::{Meal, Targets};
use crate::plan::check::MOST_ITEMS;

/// Part of the last direction that the next one keeps.
const KEPT_DIRECTION: f64 = 0.3;

/// Steps aim this much above the best known meal, since a bound that reaches it is enough.
const AIM: f64 = 0.005;

/// Work of a step beside that of pricing each candidate, in candidates.
const WORK_A_STEP: u64 = 20;

/// Steps without gain until they are halved.
const PATIENCE: usize = 4;

/// Dishes that may still be chosen, the cheapest first at the prices they were sorted at, side by
/// side so that a nutrient of all of them is priced at once.
#[derive(Clone, Default)]
pub(super) struct Candidates {
    pub(super) dishes: Vec<u16>,
    /// By target, by dish.
    amounts: Vec<f64>,
    /// By servings, by dish; infinite where there are not so many.
    costs: Vec<f64>,
    pub(super) priced: Priced,
}

/// Dishes at some prices of nutrients.
#[derive(Clone, Default)]
pub(super) struct Priced {
    /// By dish: what a serving's nutrients cost.
    pub(super) nutrients: Vec<f64>,
    /// By dish: what it costs with its nutrients in the number of servings that is cheapest.
    pub(super) cheapest: Vec<f64>,
}

impl Candidates {
    pub(super) fn all(meal: &Meal) -> Self {
        let mut all = Self { dishes: (0..meal.dishes.len() as u16).collect(), ..Self::default() };
        for target in 0..meal.targets.start.len() {
            all.amounts.extend(meal.dishes.iter().map(|dish| dish.amounts[target]));
        }
        for servings in 0..meal.most_servings {
            let cost = |dish: &super::meal::Dish| dish.costs.get(servings).copied().unwrap_or(f64::INFINITY);
            all.costs.extend(meal.dishes.iter().map(cost));
        }
        all
    }

    /// Some of others, in another order, with what they cost; `order` counts from `from`.
    pub(super) fn become_some_of(
        &mut self,
        others: &Self,
        from: usize,
        priced: &Priced,
        order: &[(f64, u16)],
    ) {
        let count = others.dishes.len();
        let places = || order.iter().map(|(_, place)| usize::from(*place));
        self.dishes.clear();
        self.dishes.extend(places().map(|place| others.dishes[from + place]));
        for (own, all) in [(&mut self.amounts, &others.amounts), (&mut self.costs, &others.costs)] {
            own.clear();
            for row in all.chunks_exact(count) {
                own.extend(places().map(|place| row[from + place]));
            }
        }
        self.priced.nutrients.clear();
        self.priced.nutrients.extend(places().map(|place| priced.nutrients[place]));
        self.priced.cheapest.clear();
        self.priced.cheapest.extend(order.iter().map(|(cheapest, _)| *cheapest));
    }

    /// A part of them at these prices.
    fn price(&self, part: &Range<usize>, prices: &[f64], into: &mut Priced) {
        let count = self.dishes.len();
        into.nutrients.clear();
        into.nutrients.resize(part.len(), 0.0);
        let row = |target: usize| &self.amounts[target * count..][part.clone()];
        let mut counting = prices.iter().enumerate().filter(|(_, price)| **price != 0.0);
        // Four at a time, so that the sums are read and written a quarter as often.
        while let Some((first, one)) = counting.next() {
            let mut next = || counting.next().map_or((first, 0.0), |(target, price)| (target, *price));
            let [(second, two), (third, three), (fourth, four)] = [next(), next(), next()];
            let rows = row(first).iter().zip(row(second)).zip(row(third)).zip(row(fourth));
            for (sum, (((a, b), c), d)) in into.nutrients.iter_mut().zip(rows) {
                *sum += one * a + two * b + three * c + four * d;
            }
        }
        into.cheapest.clear();
        into.cheapest.resize(part.len(), f64::INFINITY);
        for (number, row) in self.costs.chunks_exact(count).enumerate() {
            let servings = (number + 1) as f64;
            let rows = row[part.clone()].iter().zip(&into.nutrients);
            for (least, (cost, nutrients)) in into.cheapest.iter_mut().zip(rows) {
                let cost = cost + servings * nutrients;
                *least = if cost < *least { cost } else { *least };
            }
        }
    }
}

/// The few dishes that cost least among those that cost less than nothing.
pub(super) struct Bargains {
    entries: [(f64, usize); MOST_ITEMS as usize],
    most: usize,
}

impl Bargains {
    pub(super) fn among(cheapest: &[f64], most: usize) -> Self {
        let mut entries = [(0.0, usize::MAX); MOST_ITEMS as usize];
        for (place, &cost) in cheapest.iter().enumerate() {
            if cost < entries[most - 1].0 {
                let mut at = most - 1;
                while at > 0 && entries[at - 1].0 > cost {
                    entries[at] = entries[at - 1];
                    at -= 1;
                }
                entries[at] = (cost, place);
            }
        }
        Self { entries, most }
    }

    pub(super) fn sum(&self) -> f64 {
        self.entries[..self.most].iter().map(|entry| entry.0).sum()
    }

    /// The sum when one that costs so much has to be among them.
    pub(super) fn sum_with(&self, cost: f64) -> f64 {
        let last = self.entries[self.most - 1].0;
        self.sum() + if cost > last { cost - last } else { 0.0 }
    }

    fn places(&self) -> impl Iterator<Item = usize> {
        self.entries[..self.most].iter().map(|entry| entry.1).filter(|place| *place != usize::MAX)
    }
}

/// What is chosen so far: its costs, how far its sums are from their places, and how many dishes
/// may follow.
#[derive(Clone, Copy)]
pub(super) struct Chosen<'level> {
    pub(super) cost: f64,
    pub(super) distances: &'level [f64],
    pub(super) left: usize,
}

impl Chosen<'_> {
    /// What it costs at these prices when the targets are met as is best at them.
    pub(super) fn base(&self, targets: &Targets, prices: &[f64]) -> f64 {
        self.cost + targets.priced(self.distances, prices)
    }
}

/// Prices while they are raised.
#[derive(Clone, Default)]
pub(super) struct Prices {
    /// Those of the best bound.
    pub(super) best: Vec<f64>,
    tried: Vec<f64>,
    direction: Vec<f64>,
    slope: Vec<f64>,
}

/// How far a bound is to be raised.
#[derive(Clone, Copy)]
pub(super) struct Raise {
    pub(super) steps: usize,
    /// The value of the best known meal, which is enough.
    pub(super) goal: f64,
    /// The candidates are sorted at the prices to start from, and their costs are known.
    pub(super) sorted: bool,
}

/// What came of it.
pub(super) struct Raised {
    pub(super) bound: f64,
    /// The candidates that are left: no better meal has any of the others.
    pub(super) part: Range<usize>,
    /// How many candidates were priced.
    pub(super) work: u64,
}

impl Prices {
    pub(super) fn new(targets: usize) -> Self {
        let zeros = || vec![0.0; targets];
        Self { best: zeros(), tried: zeros(), direction: zeros(), slope: zeros() }
    }

    /// Raises the bound of everything that can still be made of what is chosen with a part of the
    /// candidates. When it stays below the goal, `scratch` holds them at the best prices.
    pub(super) fn raise(
        &mut self,
        meal: &Meal,
        chosen: Chosen<'_>,
        (candidates, mut part): (&Candidates, Range<usize>),
        scratch: &mut Priced,
        raise: Raise,
    ) -> Raised {
        self.tried.copy_from_slice(&self.best);
        self.direction.fill(0.0);
        let (mut best, mut length, mut idle, mut work) = (f64::NEG_INFINITY, 1.0, 0, 0);
        let mut holds_best = false;
        for step in 0..raise.steps {
            let known = raise.sorted && step == 0;
            if !known {
                candidates.price(&part, &self.tried, scratch);
                work += part.len() as u64 + WORK_A_STEP;
            }
            let (costs, skipped) = if known { (&candidates.priced, part.start) } else { (&*scratch, 0) };
            let base = chosen.base(&meal.targets, &self.tried);
            let bargains = Bargains::among(&costs.cheapest[skipped..][..part.len()], chosen.left);
            let bound = base + bargains.sum();
            if known {
                let cheapest = &candidates.priced.cheapest[part.clone()];
                let kept = cheapest.partition_point(|cost| base + bargains.sum_with(*cost) < raise.goal);
                part.end = part.start + kept;
            }
            if bound > best + 1e-7 {
                (best, idle, holds_best) = (bound, 0, !known);
                self.best.copy_from_slice(&self.tried);
            } else {
                (idle, holds_best) = (idle + 1, false);
            }
            if best >= raise.goal || part.is_empty() || step + 1 == raise.steps {
                break;
            }
            if idle == PATIENCE {
                (length, idle) = (length * 0.5, 0);
                self.tried.copy_from_slice(&self.best);
                self.direction.fill(0.0);
                continue;
            }
            self.slope_at(meal, chosen, &bargains, (candidates, costs, part.start, skipped));
            if !self.step(&meal.targets, length * (raise.goal.min(bound + 1.0) + AIM - bound)) {
                break;
            }
        }
        if !holds_best && best < raise.goal {
            candidates.price(&part, &self.best, scratch);
            work += part.len() as u64;
        }
        Raised { bound: best, part, work: work + WORK_A_STEP }
    }

    /// How the bound changes with the prices: how far the cheapest meal at them is from what is best.
    fn slope_at(
        &mut self,
        meal: &Meal,
        chosen: Chosen<'_>,
        bargains: &Bargains,
        (candidates, costs, from, skipped): (&Candidates, &Priced, usize, usize),
    ) {
        for (slope, distance) in self.slope.iter_mut().zip(chosen.distances) {
            *slope = if *distance < 0.0 { *distance } else { 0.0 };
        }
        for place in bargains.places() {
            let dish = &meal.dishes[usize::from(candidates.dishes[from + place])];
            let servings = f64::from(dish.cheapest_servings(costs.nutrients[skipped + place]));
            for (slope, amount) in self.slope.iter_mut().zip(&dish.amounts) {
                *slope += servings * amount;
            }
        }
    }

    /// A step along the slope. Tells whether there was a direction to go.
    fn step(&mut self, targets: &Targets, length: f64) -> bool {
        let mut squares = 0.0;
        let rows = self.direction.iter_mut().zip(&self.slope).zip(&self.tried);
        for (((direction, slope), price), (least, most)) in
            rows.zip(targets.before.iter().zip(&targets.after))
        {
            let next = slope + KEPT_DIRECTION * *direction;
            let blocked = (price <= least && next < 0.0) || (price >= most && next > 0.0);
            *direction = if blocked { 0.0 } else { next };
            squares += *direction * *direction;
        }
        if squares < 1e-12 {
            return false;
        }
        let stride = length / squares;
        let rows = self.tried.iter_mut().zip(&self.direction);
        for ((price, direction), (least, most)) in rows.zip(targets.before.iter().zip(&targets.after)) {
            *price = (*price + stride * direction).clamp(*least, *most);
        }
        true
    }
}
