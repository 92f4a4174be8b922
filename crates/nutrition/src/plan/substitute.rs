//! One item of a plan replaced, and everything else kept.

use super::compiled::Compiled;
use super::request::{KeptDish, KeptMeal, KeptPortion, PlanRefusal, PlanRequest};
use super::state::State;
use crate::{InvalidField, InvalidFields};

/// Where an item of a plan is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemPlace {
    /// Which day, the first being 0.
    pub day: usize,
    /// Which of the day's meals, the first being 0.
    pub meal: usize,
    /// Which food of it.
    pub food_id: String,
}

/// A food that may take the place of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Substitute {
    /// Which food.
    pub food_id: String,
    /// What people call it.
    pub name: String,
    /// Who eats how much of it: everybody who ate the other.
    pub portions: Vec<KeptPortion>,
    /// The objective of the plan with it.
    pub objective: f64,
    /// The plan with it, as meals that stay as they are.
    pub meals: Vec<KeptMeal>,
}

/// Foods that may take the place of one item of a plan, the best first, at most `most`. Whoever
/// eats the item may eat each of them, and every hard constraint is kept.
///
/// # Errors
/// [`PlanRefusal::Invalid`] when fields are refused or nobody eats the item, and
/// [`PlanRefusal::Infeasible`] when no food of the request may take its place.
pub fn substitute_item(
    request: &PlanRequest,
    meals: &[KeptMeal],
    place: &ItemPlace,
    most: usize,
) -> Result<Vec<Substitute>, PlanRefusal> {
    let request = PlanRequest { kept: meals.to_vec(), ..request.clone() };
    super::check::check(&request)?;
    let nothing = || PlanRefusal::Infeasible { relax: Vec::new() };
    let plan = Compiled::new(&request).ok_or_else(nothing)?;
    let mut state = State::new(&plan);
    let old = plan.foods.iter().position(|card| request.foods[card.place].food.food_id == place.food_id);
    let plates = old.map(|old| plates_with(&state, place, old as u16)).unwrap_or_default();
    let (Some(old), false) = (old.map(|old| old as u16), plates.is_empty()) else {
        let accepted = "a food that somebody eats at that meal";
        let field = InvalidField::new("place.food_id", &place.food_id, accepted);
        return Err(PlanRefusal::Invalid(InvalidFields(vec![field])));
    };
    let mut found = Vec::new();
    for &food in &plan.choices[place.meal][state.eater_of(plates[0])] {
        if food != old
            && let Some((objective, servings)) = try_food(&mut state, &plates, old, food)
        {
            found.push((objective, food, servings));
        }
    }
    found.sort_by(|one, two| one.0.total_cmp(&two.0).then(one.1.cmp(&two.1)));
    found.truncate(most);
    if found.is_empty() {
        return Err(nothing());
    }
    let substitute = |(objective, food, servings): (f64, u16, Vec<u8>)| {
        let source = &request.foods[plan.card(food).place].food;
        let portion = |(plate, servings): (&usize, u8)| KeptPortion {
            member_id: request.members[state.eater_of(*plate)].member_id.clone(),
            servings,
        };
        let portions = plates.iter().zip(servings).map(portion).collect::<Vec<_>>();
        let meals = replaced(meals, place, &source.food_id, &portions);
        Substitute { food_id: source.food_id.clone(), name: source.name.clone(), portions, objective, meals }
    };
    Ok(found.into_iter().map(substitute).collect())
}

fn plates_with(state: &State<'_>, place: &ItemPlace, food: u16) -> Vec<usize> {
    if place.day >= state.plan.days || place.meal >= state.plan.meals {
        return Vec::new();
    }
    let slot = place.day * state.plan.meals + place.meal;
    let plates = (0..state.plan.eaters.len()).map(|eater| state.plan.plate(slot, eater));
    plates.filter(|plate| state.plate(*plate).servings_of(food) > 0).collect()
}

/// The objective with another food in the place of one, in the best numbers of servings; `None`
/// when somebody may not eat it or a constraint would break.
fn try_food(state: &mut State<'_>, plates: &[usize], old: u16, food: u16) -> Option<(f64, Vec<u8>)> {
    let plan = state.plan;
    let may = |plate: &usize| {
        plan.choices[state.meal_of(*plate)][state.eater_of(*plate)].binary_search(&food).is_ok()
            && state.plate(*plate).servings_of(food) == 0
    };
    if !plates.iter().all(may) {
        return None;
    }
    let broken = state.broken();
    let taken = plates.iter().map(|plate| state.plate(*plate).servings_of(old)).collect::<Vec<_>>();
    for &plate in plates {
        state.set(plate, old, 0);
    }
    let mut chosen = vec![1_u8; plates.len()];
    let mut legal = plates.iter().all(|plate| state.set(*plate, food, 1));
    let mut best = if legal { state.settle() } else { f64::INFINITY };
    let mut place = 0;
    while legal && place < plates.len() {
        let more = chosen[place] + 1;
        let fits = state.set(plates[place], food, more);
        let value = state.settle();
        if fits && value < best {
            (best, chosen[place]) = (value, more);
        } else {
            state.set(plates[place], food, chosen[place]);
            state.settle();
            place += 1;
        }
    }
    legal = legal && state.broken() <= broken.max(0.0);
    let objective = state.objective();
    state.roll_back();
    debug_assert!(
        plates.iter().zip(&taken).all(|(plate, servings)| state.plate(*plate).servings_of(old) == *servings)
    );
    legal.then_some((objective, chosen))
}

fn replaced(meals: &[KeptMeal], place: &ItemPlace, food_id: &str, portions: &[KeptPortion]) -> Vec<KeptMeal> {
    let mut meals = meals.to_vec();
    for meal in meals.iter_mut().filter(|meal| (meal.day, meal.meal) == (place.day, place.meal)) {
        meal.dishes.retain(|dish| dish.food_id != place.food_id);
        // Somebody else may eat it there already.
        match meal.dishes.iter_mut().find(|dish| dish.food_id == food_id) {
            Some(dish) => dish.portions.extend_from_slice(portions),
            None => meal.dishes.push(KeptDish { food_id: food_id.to_owned(), portions: portions.to_vec() }),
        }
    }
    meals
}
