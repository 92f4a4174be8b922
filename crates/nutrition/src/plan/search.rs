//! The search for a plan: simulated annealing over small changes (Kirkpatrick, Gelatt and
//! Vecchi, Science 1983), large neighbourhoods where it has cooled, and for a single meal the
//! proof by branch and bound.

use super::compiled::Compiled;
use super::dice::Dice;
use super::exact::{self, Proved};
use super::moves::{best_pair, change};
use super::plate::Plate;
use super::request::PlanRequest;
use super::state::State;

/// The search is heated and cooled so many times, each time from the best plan so far.
const ROUNDS: u64 = 4;

/// Part of the effort that is spent on annealing; the rest is on large neighbourhoods.
const ANNEALING: f64 = 0.6;

/// Changes that are tried for a single meal before it is proved: branch and bound gains little from
/// a better start.
const BEFORE_PROOF: u64 = 3_000;

/// Changes between two questions whether to stop.
const CHANGES_A_QUESTION: u64 = 512;

/// A plan that was found.
pub(super) struct Found<'plan> {
    pub(super) state: State<'plan>,
    /// Changes that were tried.
    pub(super) tried: u64,
    /// The caller ended the search early.
    pub(super) stopped: bool,
    /// What branch and bound said, where it was asked.
    pub(super) proved: Option<Proved>,
}

impl Found<'_> {
    /// Whether every hard constraint is kept.
    pub(super) fn keeps_everything(&self) -> bool {
        self.state.broken() <= 0.0
    }
}

pub(super) fn search<'plan>(
    plan: &'plan Compiled,
    request: &PlanRequest,
    stop: &dyn Fn() -> bool,
) -> Found<'plan> {
    let state = State::new(plan);
    if !exact::is_single_meal(&state) {
        return searched(state, request.seed, request.effort, stop);
    }
    let quick = request.effort.min(BEFORE_PROOF);
    let mut found = searched(state, request.seed, quick, stop);
    let proved = if found.stopped { None } else { exact::prove_single_meal(&mut found.state, stop) };
    if proved.is_some_and(|proved| proved.optimal) {
        return Found { proved, ..found };
    }
    // Without a proof more search is all there is; what was proved of other meals stays true.
    let more = searched(found.state, request.seed, request.effort - quick, stop);
    let bound = |proved: Proved| Proved { bound: proved.bound.min(more.state.objective()), ..proved };
    Found { proved: proved.map(bound), tried: found.tried + more.tried, ..more }
}

fn searched<'plan>(state: State<'plan>, seed: u64, effort: u64, stop: &dyn Fn() -> bool) -> Found<'plan> {
    let mut search = Search::new(state, seed, stop);
    search.run(effort);
    let (tried, stopped) = (search.tried, search.stopped);
    Found { state: search.into_best(), tried, stopped, proved: None }
}

/// Goes on from a plan, for so many changes.
pub(super) fn improve<'plan>(
    state: State<'plan>,
    seed: u64,
    effort: u64,
    stop: &dyn Fn() -> bool,
) -> (State<'plan>, u64) {
    let mut search = Search::new(state, seed, stop);
    search.run(effort);
    let tried = search.tried;
    (search.into_best(), tried)
}

struct Search<'plan, 'stop> {
    state: State<'plan>,
    best: Vec<Plate>,
    best_value: f64,
    free: Vec<usize>,
    dice: Dice,
    tried: u64,
    next_question: u64,
    stop: &'stop dyn Fn() -> bool,
    stopped: bool,
}

impl<'plan, 'stop> Search<'plan, 'stop> {
    fn new(state: State<'plan>, seed: u64, stop: &'stop dyn Fn() -> bool) -> Self {
        let plan = state.plan;
        let has_choice = |plate: &usize| {
            plan.kept[*plate].is_none()
                && !plan.choices[state.meal_of(*plate)][state.eater_of(*plate)].is_empty()
        };
        let free = (0..plan.plates()).filter(has_choice).collect();
        let (best, best_value) = (state.plates().to_vec(), state.value());
        Self {
            state,
            best,
            best_value,
            free,
            dice: Dice::new(seed),
            tried: 0,
            next_question: 0,
            stop,
            stopped: false,
        }
    }

    fn into_best(mut self) -> State<'plan> {
        self.state.become_plates(&self.best);
        self.state
    }

    fn run(&mut self, effort: u64) {
        if self.free.is_empty() {
            return;
        }
        self.fill();
        // A deviation is divided by the people and days, and so is the heat that makes up for it.
        let people = (self.state.plan.days * self.state.plan.eaters.len()) as f64;
        for round in 0..ROUNDS {
            let start = self.tried;
            let share = effort / ROUNDS;
            let hottest = if round == 0 { 0.05 } else { 0.015 } / people;
            self.anneal(start + (share as f64 * ANNEALING) as u64, hottest, 0.0002 / people);
            self.back_to_best();
            self.repair(start + share);
            self.note();
            if self.stopped {
                break;
            }
        }
    }

    /// Gives every plate its fewest foods, the best there are one after the other.
    fn fill(&mut self) {
        for place in 0..self.free.len() {
            let plate = self.free[place];
            let fewest = usize::from(self.state.plan.fewest[self.state.meal_of(plate)]);
            while self.state.plate(plate).items().len() < fewest && self.add_best(plate) {}
        }
        self.note();
    }

    fn add_best(&mut self, plate: usize) -> bool {
        let plan = self.state.plan;
        let choices = &plan.choices[self.state.meal_of(plate)][self.state.eater_of(plate)];
        let mut best: Option<(f64, u16)> = None;
        for &food in choices {
            self.tried += 1;
            if self.state.plate(plate).servings_of(food) == 0 && self.state.set(plate, food, 1) {
                let value = self.state.settle();
                if best.is_none_or(|(least, _)| value < least) {
                    best = Some((value, food));
                }
            }
            self.state.roll_back();
        }
        let Some((_, food)) = best else { return false };
        self.state.set(plate, food, 1);
        self.state.settle();
        self.state.accept();
        true
    }

    fn anneal(&mut self, until: u64, hottest: f64, coldest: f64) {
        let start = self.tried;
        let length = until.saturating_sub(start).max(1) as f64;
        let mut heat = hottest;
        let mut value = self.state.value();
        while self.tried < until && !self.asked_to_stop() {
            self.tried += 1;
            if self.tried.is_multiple_of(64) {
                heat = hottest * (coldest / hottest).powf((self.tried - start) as f64 / length);
            }
            if !change(&mut self.state, &self.free, &mut self.dice) {
                self.state.roll_back();
                continue;
            }
            let changed = self.state.settle();
            if changed <= value || self.dice.share() < ((value - changed) / heat).exp() {
                self.state.accept();
                value = changed;
                if value < self.best_value - 1e-12 {
                    self.note();
                }
            } else {
                self.state.roll_back();
            }
        }
        self.state.recount();
    }

    /// Destroys and repairs until the effort is spent.
    fn repair(&mut self, until: u64) {
        while self.tried < until && !self.asked_to_stop() {
            self.tried += best_pair(&mut self.state, &self.free, &mut self.dice).max(1);
        }
        self.state.recount();
    }

    fn note(&mut self) {
        if self.state.value() < self.best_value {
            self.best_value = self.state.value();
            self.best.copy_from_slice(self.state.plates());
        }
    }

    fn back_to_best(&mut self) {
        self.state.become_plates(&self.best);
    }

    fn asked_to_stop(&mut self) -> bool {
        if self.tried >= self.next_question {
            self.next_question = self.tried + CHANGES_A_QUESTION;
            self.stopped = self.stopped || (self.stop)();
        }
        self.stopped
    }
}
