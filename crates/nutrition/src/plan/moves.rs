//! Changes of a plan that a search tries: one food for another, more or less of it, the same
//! dish for a whole table, and the best pair of foods in the place of two.

use super::dice::Dice;
use super::state::State;

/// Draws and makes a change. Tells whether it may stay as far as limits go; when it may not, it
/// has to be taken back.
pub(super) fn change(state: &mut State<'_>, free: &[usize], dice: &mut Dice) -> bool {
    let plate = free[dice.below(free.len())];
    if dice.below(100) < 3 {
        return cook_batch(state, plate, dice);
    }
    let table = state.plan.eaters.len() > 1 && dice.share() < 0.45;
    match dice.below(100) {
        ..12 if table => share_dish(state, plate, dice),
        12..30 if table => clear_dish(state, plate, dice),
        _ if table => swap_dish(state, plate, dice),
        ..25 => more_or_less(state, plate, dice),
        25..70 => swap_food(state, plate, dice),
        70..82 => add_food(state, plate, dice),
        82..90 => take_food(state, plate, dice),
        _ => exchange(state, plate, free, dice),
    }
}

fn drawn_item(state: &State<'_>, plate: usize, dice: &mut Dice) -> Option<(u16, u8)> {
    let items = state.plate(plate).items();
    (!items.is_empty()).then(|| items[dice.below(items.len())])
}

fn drawn_food(state: &State<'_>, plate: usize, dice: &mut Dice) -> Option<u16> {
    let choices = &state.plan.choices[state.meal_of(plate)][state.eater_of(plate)];
    (!choices.is_empty()).then(|| choices[dice.below(choices.len())])
}

fn more_or_less(state: &mut State<'_>, plate: usize, dice: &mut Dice) -> bool {
    let Some((food, servings)) = drawn_item(state, plate, dice) else { return false };
    let more = dice.below(2) == 0;
    if !more && servings == 1 {
        return false;
    }
    state.set(plate, food, if more { servings + 1 } else { servings - 1 })
}

fn swap_food(state: &mut State<'_>, plate: usize, dice: &mut Dice) -> bool {
    let Some((food, servings)) = drawn_item(state, plate, dice) else { return false };
    let Some(other) = drawn_food(state, plate, dice) else { return false };
    if other == food || state.plate(plate).servings_of(other) > 0 {
        return false;
    }
    let drawn = if dice.below(2) == 0 { servings } else { 1 + dice.below(2) as u8 };
    let drawn = drawn.min(state.plan.card(other).most_servings);
    state.set(plate, food, 0) && state.set(plate, other, drawn)
}

fn add_food(state: &mut State<'_>, plate: usize, dice: &mut Dice) -> bool {
    let Some(food) = drawn_food(state, plate, dice) else { return false };
    if state.plate(plate).servings_of(food) > 0 {
        return false;
    }
    let servings = (1 + dice.below(2) as u8).min(state.plan.card(food).most_servings);
    state.set(plate, food, servings)
}

fn take_food(state: &mut State<'_>, plate: usize, dice: &mut Dice) -> bool {
    let Some((food, _)) = drawn_item(state, plate, dice) else { return false };
    let few = state.plate(plate).items().len() <= usize::from(state.plan.fewest[state.meal_of(plate)]);
    !few && state.set(plate, food, 0)
}

/// Two foods of one person change meals.
fn exchange(state: &mut State<'_>, plate: usize, free: &[usize], dice: &mut Dice) -> bool {
    let other = free[dice.below(free.len())];
    if other == plate || state.eater_of(other) != state.eater_of(plate) {
        return false;
    }
    let (Some(one), Some(two)) = (drawn_item(state, plate, dice), drawn_item(state, other, dice)) else {
        return false;
    };
    let suits = |food: u16, plate: usize| {
        state.plan.choices[state.meal_of(plate)][state.eater_of(plate)].binary_search(&food).is_ok()
    };
    if !suits(one.0, other) || !suits(two.0, plate) {
        return false;
    }
    let twice = state.plate(other).servings_of(one.0) > 0 || state.plate(plate).servings_of(two.0) > 0;
    !twice
        && state.set(plate, one.0, 0)
        && state.set(other, two.0, 0)
        && state.set(other, one.0, one.1)
        && state.set(plate, two.0, two.1)
}

/// A pack or a batch that does not keep is opened and eaten up at the same meal of the days it
/// keeps, by everybody who may: serving by serving that would have to be paid for before it pays.
fn cook_batch(state: &mut State<'_>, plate: usize, dice: &mut Dice) -> bool {
    let plan = state.plan;
    let Some(food) = drawn_food(state, plate, dice) else { return false };
    let card = plan.card(food);
    let servings = (card.pack_g / card.serving_g).floor();
    let Some(keeps_days) = card.keeps_days.filter(|_| (2.0..200.0).contains(&servings)) else { return false };
    let (first, meal) = (state.day_of(plate), state.meal_of(plate));
    let last = (first + keeps_days).min(plan.days);
    let eaters = 0..plan.eaters.len();
    let plates = (first..last)
        .flat_map(|day| eaters.clone().map(move |eater| plan.plate(day * plan.meals + meal, eater)));
    let may = |plate: &usize| {
        plan.kept[*plate].is_none()
            && plan.eaters[state.eater_of(*plate)].may_eat[usize::from(food)]
            && state.plate(*plate).servings_of(food) == 0
    };
    let plates = plates.filter(may).collect::<Vec<_>>();
    let mut left = servings as usize;
    for (place, &plate) in plates.iter().enumerate() {
        if left == 0 {
            break;
        }
        let share = left.div_ceil(plates.len() - place).min(usize::from(card.most_servings));
        let full = state.plate(plate).items().len() >= usize::from(plan.most[meal]);
        if let Some((other, _)) = drawn_item(state, plate, dice).filter(|_| full || dice.below(2) == 0) {
            state.set(plate, other, 0);
        }
        if !state.set(plate, food, share as u8) {
            return false;
        }
        left -= share;
    }
    left < servings as usize
}

/// The plates of a table that are free.
fn table_of(state: &State<'_>, plate: usize) -> Vec<usize> {
    let slot = state.slot_of(plate);
    let plates = (0..state.plan.eaters.len()).map(|eater| state.plan.plate(slot, eater));
    plates.filter(|plate| state.plan.kept[*plate].is_none()).collect()
}

/// Everybody who eats one dish gets another, as far as they may eat it.
fn swap_dish(state: &mut State<'_>, plate: usize, dice: &mut Dice) -> bool {
    let Some((food, _)) = drawn_item(state, plate, dice) else { return false };
    let Some(other) = drawn_food(state, plate, dice) else { return false };
    let mut changed = false;
    for plate in table_of(state, plate) {
        let servings = state.plate(plate).servings_of(food);
        let may = state.plan.eaters[state.eater_of(plate)].may_eat[usize::from(other)];
        if servings == 0 || other == food || !may || state.plate(plate).servings_of(other) > 0 {
            continue;
        }
        let servings = servings.min(state.plan.card(other).most_servings);
        if !state.set(plate, food, 0) || !state.set(plate, other, servings) {
            return false;
        }
        changed = true;
    }
    changed
}

/// Everybody eats what one of them eats, as far as they may and have room.
fn share_dish(state: &mut State<'_>, plate: usize, dice: &mut Dice) -> bool {
    let Some((food, servings)) = drawn_item(state, plate, dice) else { return false };
    let mut changed = false;
    for plate in table_of(state, plate) {
        let may = state.plan.eaters[state.eater_of(plate)].may_eat[usize::from(food)];
        if !may || state.plate(plate).servings_of(food) > 0 {
            continue;
        }
        let full = state.plate(plate).items().len() >= usize::from(state.plan.most[state.meal_of(plate)]);
        if full {
            let Some((least, _)) = drawn_item(state, plate, dice) else { continue };
            if !state.set(plate, least, 0) {
                return false;
            }
        }
        if !state.set(plate, food, servings) {
            return false;
        }
        changed = true;
    }
    changed
}

/// A dish leaves the table.
fn clear_dish(state: &mut State<'_>, plate: usize, dice: &mut Dice) -> bool {
    let Some((food, _)) = drawn_item(state, plate, dice) else { return false };
    let mut changed = false;
    for plate in table_of(state, plate) {
        let few = state.plate(plate).items().len() <= usize::from(state.plan.fewest[state.meal_of(plate)]);
        if state.plate(plate).servings_of(food) > 0 && !few {
            changed |= state.set(plate, food, 0);
        }
    }
    changed
}

/// A food in so many servings for a plate, with what it adds to the value apart from the
/// deviation of nutrients and of the meal's energy.
struct Filling {
    food: u16,
    servings: u8,
    added: f64,
    kcal: f64,
}

/// Destroys two places of one person's day and repairs them with the best pair of foods there
/// is. Tells how many changes that was worth, and makes the change when it lowers the value.
pub(super) fn best_pair(state: &mut State<'_>, free: &[usize], dice: &mut Dice) -> u64 {
    let one = free[dice.below(free.len())];
    let same_person = |plate: &&usize| state.person_of(**plate) == state.person_of(one);
    let plates = free.iter().filter(same_person).copied().collect::<Vec<_>>();
    let two = plates[dice.below(plates.len())];
    let before = state.value();
    let taken = [drawn_item(state, one, dice), drawn_item(state, two, dice)];
    // An empty place may be filled too, and two places may be one.
    let taken_two = if one == two && taken[0] == taken[1] { None } else { taken[1] };
    let leave = dice.below(8) == 0;
    let mut removed = Vec::with_capacity(2);
    for (plate, item) in [(one, taken[0]), (two, taken_two)] {
        if let Some((food, servings)) = item.filter(|_| !leave) {
            state.set(plate, food, 0);
            removed.push((plate, food, servings));
        }
    }
    state.settle();
    state.accept();
    let (first, second) = (fillings(state, one), fillings(state, two));
    let tried = (first.len() + second.len()) as u64 * 2 + (first.len() * second.len()) as u64 / 12;
    let pair = cheapest_pair(state, (one, &first), (two, &second));
    let mut filled = Vec::with_capacity(2);
    let mut legal = true;
    for (plate, filling) in
        [(one, pair.0.map(|place| &first[place])), (two, pair.1.map(|place| &second[place]))]
    {
        if let Some(filling) = filling {
            legal = legal && state.set(plate, filling.food, filling.servings);
            filled.push(plate);
        }
    }
    if legal && state.settle() < before - 1e-12 {
        state.accept();
        return tried;
    }
    state.roll_back();
    for (plate, food, servings) in removed {
        state.set(plate, food, servings);
    }
    state.settle();
    state.accept();
    tried
}

/// Every food a plate may have more, in every number of servings, with what each adds.
fn fillings(state: &mut State<'_>, plate: usize) -> Vec<Filling> {
    let plan = state.plan;
    let before = state.value();
    let person = state.person_of(plate);
    let choices = &plan.choices[state.meal_of(plate)][state.eater_of(plate)];
    let mut fillings = Vec::with_capacity(choices.len() * 2);
    for &food in choices {
        if state.plate(plate).servings_of(food) > 0 {
            continue;
        }
        for servings in 1..=plan.card(food).most_servings {
            let nutrients = state.person_cost(person);
            let kcal = state.kcal_of(plate);
            let share = state.share_cost(plate, kcal);
            let legal = state.set(plate, food, servings);
            if legal {
                let value = state.settle();
                let of_nutrients = state.person_cost(person) - nutrients;
                let of_share = state.share_cost(plate, state.kcal_of(plate)) - share;
                let added = value - before - of_nutrients - of_share;
                fillings.push(Filling { food, servings, added, kcal: state.kcal_of(plate) - kcal });
            }
            state.roll_back();
            if !legal {
                break;
            }
        }
    }
    fillings
}

/// The pair, either of which may be nothing, that makes the sum of what they add, of the
/// nutrients' deviation and of the meals' shares least.
fn cheapest_pair(
    state: &State<'_>,
    (one, first): (usize, &[Filling]),
    (two, second): (usize, &[Filling]),
) -> (Option<usize>, Option<usize>) {
    let plan = state.plan;
    let sums = state.sums_of(state.person_of(one)).to_vec();
    let goals = state.goals_of(one);
    let (kcal_one, kcal_two) = (state.kcal_of(one), state.kcal_of(two));
    let room = |plate: usize| usize::from(plan.most[state.meal_of(plate)]) - state.plate(plate).items().len();
    let both_fit = one != two || room(one) >= 2;
    let mut best = (f64::INFINITY, None, None);
    let mut with_one = sums.clone();
    for place in 0..=first.len() {
        let filling = first.get(place);
        let mut base = 0.0;
        with_one.copy_from_slice(&sums);
        if let Some(filling) = filling {
            base += filling.added;
            add(&mut with_one, plan.serving(filling.food), f64::from(filling.servings));
        }
        let kcal = kcal_one + filling.map_or(0.0, |filling| filling.kcal);
        if one != two {
            base += state.share_cost(one, kcal);
        }
        for other in 0..=second.len() {
            let partner = second.get(other);
            if let (Some(filling), Some(partner)) = (filling, partner)
                && (!both_fit || filling.food == partner.food)
            {
                continue;
            }
            let kcal_there = if one == two { kcal } else { kcal_two };
            let mut value =
                base + state.share_cost(two, kcal_there + partner.map_or(0.0, |partner| partner.kcal));
            value += partner.map_or(0.0, |partner| partner.added);
            if value >= best.0 {
                continue;
            }
            value += match partner {
                None => goals.iter().zip(&with_one).map(|(goal, sum)| goal.cost(*sum)).sum::<f64>(),
                Some(partner) => {
                    let servings = f64::from(partner.servings);
                    let amounts = plan.serving(partner.food);
                    (goals.iter().zip(&with_one).zip(amounts))
                        .map(|((goal, sum), amount)| goal.cost(sum + servings * amount))
                        .sum::<f64>()
                }
            };
            if value < best.0 {
                best = (value, filling.map(|_| place), partner.map(|_| other));
            }
        }
    }
    (best.1, best.2)
}

fn add(sums: &mut [f64], amounts: &[f64], times: f64) {
    for (sum, amount) in sums.iter_mut().zip(amounts) {
        *sum += times * amount;
    }
}
