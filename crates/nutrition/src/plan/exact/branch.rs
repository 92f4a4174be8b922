//! Branch and bound over the dishes of a meal, the most promising first: each is either the next
//! on the plate or on none of the plates that follow. The last two are tried out together.

use super::meal::{Dish, Meal};
use super::prices::{Bargains, Candidates, Chosen, Priced, Prices, Raise};

/// A meal that is better by less is as good.
const HAIR: f64 = 1e-9;

/// Effort between two questions whether to stop.
const WORK_A_QUESTION: u64 = 50_000;

/// Steps of raising a bound, by the dishes that may still follow: fewer where there are many meals
/// of which each is soon tried out.
const STEPS: [usize; 5] = [1, 1, 8, 16, 40];

/// Steps of raising a bound where more may follow, and for the first.
const MOST_STEPS: usize = 300;

/// What was found.
pub(super) struct FoundMeal {
    /// Dishes by number with their servings, when they are better than what was known.
    pub(super) items: Option<Vec<(u16, u8)>>,
    /// What was not looked at has no smaller objective than this; infinite when nothing was left.
    pub(super) open: f64,
    pub(super) stopped: bool,
}

pub(super) struct Branching<'meal, 'stop> {
    meal: &'meal Meal,
    /// The objective of the best meal that is known.
    value: f64,
    items: Option<Vec<(u16, u8)>>,
    plate: Vec<(u16, u8)>,
    paid: f64,
    open: f64,
    work: u64,
    most_work: u64,
    next_question: u64,
    stop: &'stop dyn Fn() -> bool,
    stopped: bool,
}

/// What is worked with at one number of dishes on the plate.
#[derive(Clone)]
struct Level {
    candidates: Candidates,
    /// Of the sums of what is on the plate from their places, by target.
    distances: Vec<f64>,
    prices: Prices,
    priced: Priced,
    /// Candidates that are kept, by place with what they cost.
    order: Vec<(f64, u16)>,
}

/// A plate that is filled further.
#[derive(Clone, Copy)]
struct Node {
    /// The first candidate that may follow.
    from: usize,
    /// Costs of what is on the plate, apart from the targets.
    cost: f64,
}

/// The dishes of a level that are tried out last, cheapest first.
struct Last<'level> {
    level: &'level Level,
    from: usize,
    /// What the plate before them costs at the level's prices.
    base: f64,
}

impl<'meal, 'stop> Branching<'meal, 'stop> {
    /// `value` is the objective of a meal that is known, infinite when none is.
    pub(super) fn new(meal: &'meal Meal, value: f64, most_work: u64, stop: &'stop dyn Fn() -> bool) -> Self {
        Self {
            meal,
            value,
            items: None,
            plate: Vec::new(),
            paid: 0.0,
            open: f64::INFINITY,
            work: 0,
            most_work,
            next_question: WORK_A_QUESTION,
            stop,
            stopped: false,
        }
    }

    pub(super) fn run(mut self) -> FoundMeal {
        let start = &self.meal.targets.start;
        let level = Level {
            candidates: Candidates::default(),
            distances: start.clone(),
            prices: Prices::new(start.len()),
            priced: Priced::default(),
            order: Vec::new(),
        };
        let mut levels = vec![level; self.meal.most];
        levels[0].candidates = Candidates::all(self.meal);
        self.visit(&mut levels, Node { from: 0, cost: 0.0 });
        FoundMeal { items: self.items, open: self.open, stopped: self.stopped }
    }

    /// Looks at a plate and everything that can be made of it; `levels` begins with its own.
    fn visit(&mut self, levels: &mut [Level], node: Node) {
        let Some((level, below)) = levels.split_first_mut() else { return };
        self.note(node.cost + self.meal.targets.cost(&level.distances), None);
        if node.from >= level.candidates.dishes.len() {
            return;
        }
        let Some(base) = self.bound(level, node) else { return };
        self.keep(level, base);
        if self.meal.most - self.plate.len() <= 2 {
            self.finish(level, node, base);
            return;
        }
        below[0].candidates.become_some_of(&level.candidates, node.from, &level.priced, &level.order);
        self.branch(level, below, node.cost, base);
    }

    /// What the plate costs at the best prices that were found, with the candidates priced at them;
    /// `None` when nothing better can come of it.
    fn bound(&mut self, level: &mut Level, node: Node) -> Option<f64> {
        let left = self.meal.most - self.plate.len();
        let first = self.plate.is_empty();
        let steps = STEPS.get(left).copied().filter(|_| !first).unwrap_or(MOST_STEPS);
        let chosen = Chosen { cost: node.cost, distances: &level.distances, left };
        let raise = Raise { steps, goal: self.value - HAIR, sorted: !first };
        let candidates = (&level.candidates, node.from..level.candidates.dishes.len());
        let raised = level.prices.raise(self.meal, chosen, candidates, &mut level.priced, raise);
        self.work += raised.work;
        let is_open = raised.bound < self.value - HAIR && !raised.part.is_empty();
        is_open.then(|| chosen.base(&self.meal.targets, &level.prices.best))
    }

    /// Keeps the candidates with which something better can come of the plate, the cheapest first.
    fn keep(&self, level: &mut Level, base: f64) {
        let bargains = Bargains::among(&level.priced.cheapest, self.meal.most - self.plate.len());
        level.order.clear();
        for (place, &cost) in level.priced.cheapest.iter().enumerate() {
            if base + bargains.sum_with(cost) < self.value - HAIR {
                level.order.push((cost, place as u16));
            }
        }
        level.order.sort_unstable_by(|one, two| one.0.total_cmp(&two.0).then(one.1.cmp(&two.1)));
    }

    /// Each candidate in turn as the next on the plate, without those before it.
    fn branch(&mut self, level: &Level, below: &mut [Level], cost: f64, base: f64) {
        let left = self.meal.most - self.plate.len();
        for place in 0..below[0].candidates.dishes.len() {
            let cheapest = &below[0].candidates.priced.cheapest;
            let others = cheapest[place + 1..].iter().take(left - 1).map(|cost| cost.min(0.0)).sum::<f64>();
            let least = base + others;
            if least + cheapest[place] >= self.value - HAIR {
                continue;
            }
            if self.is_over() {
                self.open = self.open.min(least + cheapest[place]);
                continue;
            }
            let number = below[0].candidates.dishes[place];
            let nutrients = below[0].candidates.priced.nutrients[place];
            let dish = &self.meal.dishes[usize::from(number)];
            for servings in 1..=dish.costs.len() {
                let own = dish.costs[servings - 1];
                let priced = least + own + servings as f64 * nutrients;
                if priced >= self.value - HAIR || !self.put(number, servings) {
                    continue;
                }
                let next = &mut below[0];
                for ((distance, before), amount) in
                    next.distances.iter_mut().zip(&level.distances).zip(&dish.amounts)
                {
                    *distance = before + servings as f64 * amount;
                }
                next.prices.best.copy_from_slice(&level.prices.best);
                self.visit(below, Node { from: place + 1, cost: cost + own });
                self.take_off();
            }
        }
    }

    /// The last one or two dishes.
    fn finish(&mut self, level: &Level, node: Node, base: f64) {
        let two = self.meal.most - self.plate.len() == 2;
        let mut distances = level.distances.clone();
        for (rank, &(cheapest, place)) in level.order.iter().enumerate() {
            let others = &level.order[rank + 1..];
            let partner = if two { others.first().map_or(0.0, |(cost, _)| cost.min(0.0)) } else { 0.0 };
            if base + cheapest + partner >= self.value - HAIR {
                continue;
            }
            let number = level.candidates.dishes[node.from + usize::from(place)];
            let dish = &self.meal.dishes[usize::from(number)];
            for servings in 1..=dish.costs.len() {
                let nutrients = servings as f64 * level.priced.nutrients[usize::from(place)];
                let own = dish.costs[servings - 1];
                if base + own + nutrients + partner >= self.value - HAIR || !self.put(number, servings) {
                    continue;
                }
                for ((distance, before), amount) in
                    distances.iter_mut().zip(&level.distances).zip(&dish.amounts)
                {
                    *distance = before + servings as f64 * amount;
                }
                let chosen = Chosen { cost: node.cost + own, distances: &distances, left: 1 };
                let base = chosen.base(&self.meal.targets, &level.prices.best);
                if base + partner < self.value - HAIR {
                    self.note(chosen.cost + self.meal.targets.cost(&distances), None);
                    if two {
                        self.last(&Last { level, from: node.from, base }, chosen, others);
                    }
                }
                self.take_off();
            }
        }
    }

    /// The last dish.
    fn last(&mut self, last: &Last<'_>, chosen: Chosen<'_>, order: &[(f64, u16)]) {
        let (level, base) = (last.level, last.base);
        for &(cheapest, place) in order {
            if base + cheapest >= self.value - HAIR {
                break;
            }
            let number = level.candidates.dishes[last.from + usize::from(place)];
            let dish = &self.meal.dishes[usize::from(number)];
            let nutrients = level.priced.nutrients[usize::from(place)];
            for servings in 1..=dish.costs.len() {
                if base + dish.costs[servings - 1] + servings as f64 * nutrients >= self.value - HAIR {
                    continue;
                }
                self.work += 4;
                let value = self.value_with(chosen, dish, servings);
                if value < self.value - HAIR && self.put(number, servings) {
                    self.take_off();
                    self.note(value, Some((number, servings as u8)));
                }
            }
        }
    }

    /// The objective with one more dish; no better than the best when part of it shows that already.
    fn value_with(&self, chosen: Chosen<'_>, dish: &Dish, servings: usize) -> f64 {
        let own = chosen.cost + dish.costs[servings - 1];
        let two_sided = own + self.meal.targets.cost_of_two_sided(chosen.distances, dish, servings as f64);
        if two_sided >= self.value {
            return two_sided;
        }
        two_sided + self.meal.targets.cost_of_one_sided(chosen.distances, dish, servings as f64)
    }

    /// Remembers the plate, with one more dish, when it is the best so far.
    fn note(&mut self, value: f64, another: Option<(u16, u8)>) {
        let count = self.plate.len() + usize::from(another.is_some());
        if value < self.value - HAIR && count >= self.meal.fewest {
            self.value = value;
            self.items = Some(self.plate.iter().copied().chain(another).collect());
        }
    }

    /// Puts a dish on the plate when every limit is kept, and tells whether it is.
    fn put(&mut self, number: u16, servings: usize) -> bool {
        let meal = self.meal;
        let dish = &meal.dishes[usize::from(number)];
        let others = || self.plate.iter().map(|(other, _)| &meal.dishes[usize::from(*other)]);
        if dish.category.is_some()
            && others().filter(|other| other.category == dish.category).count() >= meal.of_category
        {
            return false;
        }
        let mixes = |other: &Dish| (other.is_meat && dish.is_dairy) || (other.is_dairy && dish.is_meat);
        if meal.kosher && others().any(mixes) {
            return false;
        }
        if self.paid + dish.paid[servings - 1] > meal.budget {
            return false;
        }
        self.plate.push((number, servings as u8));
        self.paid = self.recounted();
        true
    }

    fn take_off(&mut self) {
        self.plate.pop();
        self.paid = self.recounted();
    }

    /// Counted anew each time, so that no rounding stays.
    fn recounted(&self) -> f64 {
        let paid = |&(number, servings): &(u16, u8)| {
            self.meal.dishes[usize::from(number)].paid[usize::from(servings) - 1]
        };
        self.plate.iter().map(paid).sum()
    }

    fn is_over(&mut self) -> bool {
        if self.work >= self.next_question {
            self.next_question = self.work + WORK_A_QUESTION;
            self.stopped = self.stopped || (self.stop)();
        }
        self.stopped || self.work >= self.most_work
    }
}
