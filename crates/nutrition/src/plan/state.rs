//! A plan while it is searched: what is on each plate, with every part of the objective kept up
//! to date so that a change costs no more than what it touches.

use super::compiled::Compiled;
use super::goals::Goal;
use super::plate::Plate;

mod costs;

/// A constraint that is not kept costs so many whole deviations; a plan that is answered keeps all.
const BROKEN: f64 = 2.0;

/// The costs before a change, to go back to.
#[derive(Clone, Debug, Default)]
struct Journal {
    edits: Vec<(usize, u16, u8)>,
    people: Vec<(usize, f64)>,
    sums: Vec<f64>,
    plates: Vec<(usize, f64, f64)>,
    foods: Vec<(u16, f64, f64)>,
    total: f64,
    paid: f64,
    dishes: u32,
    missing: i32,
}

#[derive(Clone, Debug)]
pub(super) struct State<'plan> {
    pub(super) plan: &'plan Compiled,
    plates: Vec<Plate>,
    /// By day and eater, by nutrient.
    sums: Vec<f64>,
    plate_kcal: Vec<f64>,
    /// By food and slot: on how many plates it is.
    on_plates: Vec<u8>,
    uses_day: Vec<u8>,
    uses_week: Vec<u8>,
    uses: Vec<u16>,
    /// By food and day.
    servings: Vec<u16>,
    meat: Vec<u16>,
    dairy: Vec<u16>,
    person_cost: Vec<f64>,
    plate_cost: Vec<f64>,
    food_cost: Vec<f64>,
    food_paid: Vec<f64>,
    paid: f64,
    dishes: u32,
    /// Items short of the fewest, over all plates.
    missing: i32,
    total: f64,
    journal: Journal,
}

impl<'plan> State<'plan> {
    /// A plan of nothing but what is kept.
    pub(super) fn new(plan: &'plan Compiled) -> Self {
        let (foods, slots, plates) = (plan.foods.len(), plan.slots(), plan.plates());
        let people = plan.days * plan.eaters.len();
        let mut state = Self {
            plan,
            plates: vec![Plate::default(); plates],
            sums: vec![0.0; people * plan.nutrients.len()],
            plate_kcal: vec![0.0; plates],
            on_plates: vec![0; foods * slots],
            uses_day: vec![0; foods * plan.days],
            uses_week: vec![0; foods * plan.days.div_ceil(7)],
            uses: vec![0; foods],
            servings: vec![0; foods * plan.days],
            meat: vec![0; slots],
            dairy: vec![0; slots],
            person_cost: vec![0.0; people],
            plate_cost: vec![0.0; plates],
            food_cost: vec![0.0; foods],
            food_paid: vec![0.0; foods],
            paid: 0.0,
            dishes: 0,
            missing: 0,
            total: 0.0,
            journal: Journal::default(),
        };
        for plate in 0..plates {
            match &plan.kept[plate] {
                Some(items) => items.iter().for_each(|&(food, servings)| state.place(plate, food, servings)),
                None => state.missing += i32::from(plan.fewest[state.meal_of(plate)]),
            }
        }
        state.recount();
        state
    }

    pub(super) fn plate(&self, plate: usize) -> &Plate {
        &self.plates[plate]
    }

    pub(super) fn plates(&self) -> &[Plate] {
        &self.plates
    }

    pub(super) fn slot_of(&self, plate: usize) -> usize {
        plate / self.plan.eaters.len()
    }

    pub(super) fn meal_of(&self, plate: usize) -> usize {
        self.slot_of(plate) % self.plan.meals
    }

    pub(super) fn day_of(&self, plate: usize) -> usize {
        self.slot_of(plate) / self.plan.meals
    }

    pub(super) fn eater_of(&self, plate: usize) -> usize {
        plate % self.plan.eaters.len()
    }

    pub(super) fn person_of(&self, plate: usize) -> usize {
        self.day_of(plate) * self.plan.eaters.len() + self.eater_of(plate)
    }

    pub(super) fn sums_of(&self, person: usize) -> &[f64] {
        let width = self.plan.nutrients.len();
        &self.sums[person * width..][..width]
    }

    pub(super) fn goals_of(&self, plate: usize) -> &'plan [Goal] {
        &self.plan.eaters[self.eater_of(plate)].goals
    }

    pub(super) fn kcal_of(&self, plate: usize) -> f64 {
        self.plate_kcal[plate]
    }

    pub(super) fn servings_by_day(&self, food: u16) -> &[u16] {
        &self.servings[usize::from(food) * self.plan.days..][..self.plan.days]
    }

    pub(super) fn uses_of(&self, food: u16) -> u16 {
        self.uses[usize::from(food)]
    }

    pub(super) fn paid_micros(&self) -> f64 {
        self.paid
    }

    pub(super) fn dishes(&self) -> u32 {
        self.dishes
    }

    pub(super) fn person_cost(&self, person: usize) -> f64 {
        self.person_cost[person]
    }

    pub(super) fn eaten_at(&self, food: u16, slot: usize) -> bool {
        self.on_plates[usize::from(food) * self.plan.slots() + slot] > 0
    }

    /// The objective without what broken constraints cost.
    pub(super) fn objective(&self) -> f64 {
        self.total + f64::from(self.dishes) * self.plan.dish
    }

    /// What the search lowers.
    pub(super) fn value(&self) -> f64 {
        self.objective() + BROKEN * self.broken()
    }

    /// How far hard constraints are from being kept; 0 when all are.
    pub(super) fn broken(&self) -> f64 {
        let over =
            self.plan.budget_micros.map_or(0.0, |budget| (self.paid - budget).max(0.0) / budget.max(1.0));
        f64::from(self.missing) + over.min(1_000.0) + if over > 0.0 { 0.01 } else { 0.0 }
    }

    /// Puts so many servings of a food on a plate, 0 to take it off. Tells whether every limit is
    /// kept; when not, the change has to be taken back.
    pub(super) fn set(&mut self, plate: usize, food: u16, servings: u8) -> bool {
        let old = self.plates[plate].servings_of(food);
        if old == servings {
            return true;
        }
        if self.journal.edits.is_empty() {
            self.journal.total = self.total;
            self.journal.paid = self.paid;
            self.journal.dishes = self.dishes;
            self.journal.missing = self.missing;
        }
        let legal = servings <= old || self.may_add(plate, food, old, servings);
        self.remember(plate, food, old);
        self.place(plate, food, servings);
        legal
    }

    fn may_add(&self, plate: usize, food: u16, old: u8, servings: u8) -> bool {
        let (plan, card) = (self.plan, self.plan.card(food));
        if servings > card.most_servings {
            return false;
        }
        let slot = self.slot_of(plate);
        if !card.can_be_bought {
            let eaten = self.servings_by_day(food).iter().map(|&each| f64::from(each)).sum::<f64>();
            let more = f64::from(servings - old);
            if (eaten + more) * card.serving_g > card.pantry_g * (1.0 + 1e-9) {
                return false;
            }
        }
        if old > 0 {
            return true;
        }
        let items = self.plates[plate].items();
        if items.len() >= usize::from(plan.most[self.meal_of(plate)]) {
            return false;
        }
        let same = |item: &&(u16, u8)| plan.card(item.0).category == card.category;
        if card.category.is_some() && items.iter().filter(same).count() >= usize::from(plan.of_category) {
            return false;
        }
        let mixes = (card.is_meat && self.dairy[slot] > 0) || (card.is_dairy && self.meat[slot] > 0);
        if plan.kosher && mixes {
            return false;
        }
        let (day, number) = (self.day_of(plate), usize::from(food));
        self.eaten_at(food, slot)
            || (self.uses_day[number * plan.days + day] < plan.uses_per_day
                && self.uses_week[number * plan.days.div_ceil(7) + day / 7] < plan.uses_per_week)
    }

    fn remember(&mut self, plate: usize, food: u16, old: u8) {
        let person = self.person_of(plate);
        if !self.journal.people.iter().any(|each| each.0 == person) {
            self.journal.people.push((person, self.person_cost[person]));
            let width = self.plan.nutrients.len();
            self.journal.sums.extend_from_slice(&self.sums[person * width..][..width]);
        }
        if !self.journal.plates.iter().any(|each| each.0 == plate) {
            self.journal.plates.push((plate, self.plate_cost[plate], self.plate_kcal[plate]));
        }
        if !self.journal.foods.iter().any(|each| each.0 == food) {
            let number = usize::from(food);
            self.journal.foods.push((food, self.food_cost[number], self.food_paid[number]));
        }
        self.journal.edits.push((plate, food, old));
    }

    /// Moves the counts; the costs follow when the change is settled.
    fn place(&mut self, plate: usize, food: u16, servings: u8) {
        let old = self.plates[plate].servings_of(food);
        let (slot, day, number) = (self.slot_of(plate), self.day_of(plate), usize::from(food));
        let more = f64::from(servings) - f64::from(old);
        let person = self.person_of(plate);
        let width = self.plan.nutrients.len();
        for (sum, amount) in self.sums[person * width..][..width].iter_mut().zip(self.plan.serving(food)) {
            *sum += more * amount;
        }
        let card = self.plan.card(food);
        self.plate_kcal[plate] += more * card.serving_kcal;
        let by_day = &mut self.servings[number * self.plan.days + day];
        *by_day = *by_day + u16::from(servings) - u16::from(old);
        if (old == 0) != (servings == 0) {
            let fewest =
                if self.plan.kept[plate].is_some() { 0 } else { self.plan.fewest[self.meal_of(plate)] };
            let short = |count: usize| i32::from(fewest) - (count.min(usize::from(fewest)) as i32);
            self.missing -= short(self.plates[plate].items().len());
            self.plates[plate].set(food, servings);
            self.missing += short(self.plates[plate].items().len());
            self.count_use(food, slot, day, servings > 0);
        } else {
            self.plates[plate].set(food, servings);
        }
    }

    fn count_use(&mut self, food: u16, slot: usize, day: usize, added: bool) {
        let (plan, number) = (self.plan, usize::from(food));
        let on_plates = &mut self.on_plates[number * plan.slots() + slot];
        let card = plan.card(food);
        let step = |count: &mut u8| if added { *count += 1 } else { *count -= 1 };
        let step_wide = |count: &mut u16| if added { *count += 1 } else { *count -= 1 };
        let first_or_last = if added { *on_plates == 0 } else { *on_plates == 1 };
        step(on_plates);
        if card.is_meat {
            step_wide(&mut self.meat[slot]);
        }
        if card.is_dairy {
            step_wide(&mut self.dairy[slot]);
        }
        if first_or_last {
            step(&mut self.uses_day[number * plan.days + day]);
            step(&mut self.uses_week[number * plan.days.div_ceil(7) + day / 7]);
            step_wide(&mut self.uses[number]);
            if added { self.dishes += 1 } else { self.dishes -= 1 }
        }
    }

    /// Works out what the changes since the last settling cost.
    pub(super) fn settle(&mut self) -> f64 {
        for place in 0..self.journal.people.len() {
            let (person, _) = self.journal.people[place];
            let cost = self.cost_of_person(person);
            self.total += cost - self.person_cost[person];
            self.person_cost[person] = cost;
        }
        for place in 0..self.journal.plates.len() {
            let (plate, _, _) = self.journal.plates[place];
            let cost = self.cost_of_plate(plate);
            self.total += cost - self.plate_cost[plate];
            self.plate_cost[plate] = cost;
        }
        for place in 0..self.journal.foods.len() {
            let food = self.journal.foods[place].0;
            let (cost, paid) = self.cost_of_food(food);
            let number = usize::from(food);
            self.total += cost - self.food_cost[number];
            self.paid += paid - self.food_paid[number];
            (self.food_cost[number], self.food_paid[number]) = (cost, paid);
        }
        self.value()
    }

    /// Keeps the changes.
    pub(super) fn accept(&mut self) {
        self.journal.edits.clear();
        self.journal.people.clear();
        self.journal.sums.clear();
        self.journal.plates.clear();
        self.journal.foods.clear();
    }

    /// Takes the changes back.
    pub(super) fn roll_back(&mut self) {
        if self.journal.edits.is_empty() {
            return;
        }
        let mut journal = std::mem::take(&mut self.journal);
        for &(plate, food, old) in journal.edits.iter().rev() {
            self.place(plate, food, old);
        }
        let width = self.plan.nutrients.len();
        for (&(person, cost), sums) in journal.people.iter().zip(journal.sums.chunks_exact(width)) {
            self.person_cost[person] = cost;
            self.sums[person * width..][..width].copy_from_slice(sums);
        }
        for &(plate, cost, kcal) in &journal.plates {
            (self.plate_cost[plate], self.plate_kcal[plate]) = (cost, kcal);
        }
        for &(food, cost, paid) in &journal.foods {
            (self.food_cost[usize::from(food)], self.food_paid[usize::from(food)]) = (cost, paid);
        }
        (self.total, self.paid) = (journal.total, journal.paid);
        (self.dishes, self.missing) = (journal.dishes, journal.missing);
        journal.edits.clear();
        journal.people.clear();
        journal.sums.clear();
        journal.plates.clear();
        journal.foods.clear();
        self.journal = journal;
    }

    /// Takes over what is on the plates of another state of the same plan.
    pub(super) fn become_plates(&mut self, plates: &[Plate]) {
        for (plate, wanted) in plates.iter().enumerate() {
            let current = self.plates[plate];
            for &(food, _) in current.items() {
                if wanted.servings_of(food) == 0 {
                    self.place(plate, food, 0);
                }
            }
            for &(food, servings) in wanted.items() {
                self.place(plate, food, servings);
            }
        }
        self.accept();
        self.recount();
    }

    /// Takes over the plates of a plan of other limits with the same foods. Tells whether every
    /// food is there.
    pub(super) fn take_over(&mut self, other: &State<'_>) -> bool {
        let number = |place: usize| self.plan.foods.iter().position(|card| card.place == place);
        // The other plan's foods stand in its order in the request of this one.
        let numbers = (0..other.plan.foods.len()).map(number).collect::<Vec<_>>();
        let mut plates = Vec::with_capacity(other.plates.len());
        for plate in &other.plates {
            let mut taken = Plate::default();
            for &(food, servings) in plate.items() {
                let Some(number) = numbers[usize::from(food)] else { return false };
                taken.set(number as u16, servings);
            }
            plates.push(taken);
        }
        self.become_plates(&plates);
        true
    }

    /// Adds everything up anew, so that no rounding stays.
    pub(super) fn recount(&mut self) {
        let width = self.plan.nutrients.len();
        self.sums.fill(0.0);
        for plate in 0..self.plates.len() {
            let (person, mut kcal) = (self.person_of(plate), 0.0);
            for &(food, servings) in self.plates[plate].items() {
                kcal += f64::from(servings) * self.plan.card(food).serving_kcal;
                for (sum, amount) in
                    self.sums[person * width..][..width].iter_mut().zip(self.plan.serving(food))
                {
                    *sum += f64::from(servings) * amount;
                }
            }
            self.plate_kcal[plate] = kcal;
        }
        (self.total, self.paid) = (0.0, 0.0);
        for person in 0..self.person_cost.len() {
            self.person_cost[person] = self.cost_of_person(person);
            self.total += self.person_cost[person];
        }
        for plate in 0..self.plates.len() {
            self.plate_cost[plate] = self.cost_of_plate(plate);
            self.total += self.plate_cost[plate];
        }
        for food in 0..self.plan.foods.len() {
            let (cost, paid) = self.cost_of_food(food as u16);
            (self.food_cost[food], self.food_paid[food]) = (cost, paid);
            self.total += cost;
            self.paid += paid;
        }
    }
}
