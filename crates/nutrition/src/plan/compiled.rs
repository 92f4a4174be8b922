//! A request made ready for search: foods and targets by number, every weight worked into the
//! coefficients, and only what each person may eat among the choices.

use std::collections::HashMap;

use super::goals::{Goal, counted_nutrients, goal, planned_part, target_of, weight_of};
use super::preselect::preselected;
use super::request::{PlanMember, PlanRequest};
use super::stock::Provision;
use crate::{Diet, Food, FoodKind, Nutrient, Suits};

/// Foods of a meal that the parts of the objective that count foods are divided by.
pub(super) const USUAL_ITEMS: f64 = 3.0;

/// A food by number.
#[derive(Clone, Debug)]
pub(super) struct FoodCard {
    /// Its place among the foods of the request.
    pub(super) place: usize,
    pub(super) serving_g: f64,
    pub(super) serving_kcal: f64,
    /// Price of a gram and of a pack, in parts of the objective's reference of cost.
    pub(super) gram_cost: f64,
    pub(super) pack_micros: f64,
    pub(super) pack_g: f64,
    pub(super) keeps_days: Option<usize>,
    pub(super) pantry_g: f64,
    pub(super) can_be_bought: bool,
    pub(super) most_servings: u8,
    /// What eating it at one meal costs for not being liked best.
    pub(super) disliking: f64,
    pub(super) category: Option<u16>,
    pub(super) is_meat: bool,
    pub(super) is_dairy: bool,
}

/// Somebody by number.
#[derive(Clone, Debug)]
pub(super) struct Eater {
    pub(super) energy_kcal: f64,
    /// By nutrient number; energy is number 0.
    pub(super) goals: Vec<Goal>,
    /// By food: what one serving costs for amounts that are not known.
    pub(super) unknown: Vec<f64>,
    /// By food: whether they may eat it.
    pub(super) may_eat: Vec<bool>,
}

/// A request by numbers.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    /// What money is counted as a part of, in millionths of the currency.
    reference: f64,
    pub(super) days: usize,
    pub(super) meals: usize,
    pub(super) nutrients: Vec<Nutrient>,
    pub(super) foods: Vec<FoodCard>,
    /// By food, by nutrient: what a serving holds; 0 where that is not known, which `unknown` charges.
    pub(super) amounts: Vec<f64>,
    pub(super) eaters: Vec<Eater>,
    /// By meal of a day, by eater: the foods they may eat there.
    pub(super) choices: Vec<Vec<Vec<u16>>>,
    pub(super) fewest: Vec<u8>,
    pub(super) most: Vec<u8>,
    /// By meal of a day: energy that is due there, as a part of the planned meals of a day.
    pub(super) shares: Vec<f64>,
    pub(super) share_weight: f64,
    /// By plate: what stays as it is.
    pub(super) kept: Vec<Option<Vec<(u16, u8)>>>,
    pub(super) uses_per_day: u8,
    pub(super) uses_per_week: u8,
    pub(super) of_category: u8,
    pub(super) kosher: bool,
    pub(super) budget_micros: Option<f64>,
    pub(super) cost_weight: f64,
    pub(super) waste_weight: f64,
    pub(super) repetition: f64,
    pub(super) dish: f64,
    /// How many foods of the request were left out, and why.
    pub(super) left_out: LeftOut,
}

/// Foods that were not considered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) no_serving: usize,
    pub(super) no_energy: usize,
    pub(super) no_price: usize,
    pub(super) not_allowed: usize,
    pub(super) less_promising: usize,
}

impl Compiled {
    /// `None` when no food of the request can be planned.
    pub(super) fn new(request: &PlanRequest) -> Option<Self> {
        Self::at_reference(request, None)
    }

    /// The same with money counted as another plan counts it, so that objectives can be compared.
    pub(super) fn at_cost_of(request: &PlanRequest, other: &Self) -> Option<Self> {
        Self::at_reference(request, Some(other.reference))
    }

    fn at_reference(request: &PlanRequest, reference: Option<f64>) -> Option<Self> {
        let chosen = preselected(request);
        if chosen.places.is_empty() {
            return None;
        }
        let nutrients = counted_nutrients(&request.members);
        let people = request.members.len() * request.days;
        let reference = reference.unwrap_or_else(|| cost_reference(request, &chosen.places));
        let foods = cards(request, &chosen.places, reference);
        let amounts = amounts(request, &foods, &nutrients);
        let eaters = (request.members.iter())
            .map(|member| eater(request, member, &foods, &nutrients, 1.0 / people as f64))
            .collect::<Vec<_>>();
        let choices = choices(request, &foods, &eaters);
        let slots = (request.days * request.meals.len()) as f64;
        let kept = kept_plates(request, &foods);
        Some(Self {
            reference,
            days: request.days,
            meals: request.meals.len(),
            nutrients,
            foods,
            amounts,
            eaters,
            choices,
            fewest: request.meals.iter().map(|meal| meal.fewest_items).collect(),
            most: request.meals.iter().map(|meal| meal.most_items).collect(),
            shares: request.meals.iter().map(|meal| meal.share / planned_part(request)).collect(),
            share_weight: request.weights.meal_shares / people as f64,
            kept,
            uses_per_day: request.limits.uses_per_day,
            uses_per_week: request.limits.uses_per_week,
            of_category: request.limits.of_category_per_meal,
            kosher: request.members.iter().any(|member| member.diets.contains(&Diet::Kosher)),
            budget_micros: request.budget_micros.map(|micros| micros as f64),
            cost_weight: request.weights.cost,
            waste_weight: request.weights.waste,
            repetition: request.weights.repetition / (USUAL_ITEMS * slots),
            dish: request.weights.dishes / (USUAL_ITEMS * slots),
            left_out: chosen.left_out,
        })
    }

    pub(super) fn slots(&self) -> usize {
        self.days * self.meals
    }

    /// The plate of an eater at a meal of a day.
    pub(super) fn plate(&self, slot: usize, eater: usize) -> usize {
        slot * self.eaters.len() + eater
    }

    pub(super) fn plates(&self) -> usize {
        self.slots() * self.eaters.len()
    }

    pub(super) fn serving(&self, food: u16) -> &[f64] {
        let width = self.nutrients.len();
        &self.amounts[usize::from(food) * width..][..width]
    }

    /// What money costs as a part of the objective, with what is wasted.
    pub(super) fn money(&self, card: &FoodCard, provision: &Provision) -> f64 {
        card.gram_cost
            * (self.cost_weight * (provision.bought_g + provision.wasted_g)
                + self.waste_weight * provision.wasted_g)
    }

    pub(super) fn card(&self, food: u16) -> &FoodCard {
        &self.foods[usize::from(food)]
    }
}

/// Why a person may not eat a food.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    Allergy,
    Diet,
    Excluded,
}

pub(super) fn unfit(member: &PlanMember, food: &Food) -> Option<Unfit> {
    if food.allergens.unsafe_for(&member.allergies, member.accept_unknown_allergens).is_some() {
        return Some(Unfit::Allergy);
    }
    let suits = |diet: &Diet| matches!(food.diets.get(*diet), Suits::Declared | Suits::Derived);
    if !member.diets.iter().all(suits) {
        return Some(Unfit::Diet);
    }
    let excluded = member.excluded_food_ids.contains(&food.food_id)
        || (!food.category.is_empty() && member.excluded_categories.contains(&food.category));
    excluded.then_some(Unfit::Excluded)
}

fn eater(
    request: &PlanRequest,
    member: &PlanMember,
    foods: &[FoodCard],
    nutrients: &[Nutrient],
    scale: f64,
) -> Eater {
    let asked = |nutrient: &Nutrient| target_of(request, member, *nutrient).is_some();
    let energy_kcal = member.energy_kcal * planned_part(request);
    let weights = nutrients.iter().map(|each| if asked(each) { weight_of(request, *each) } else { 0.0 });
    let sum = weights.clone().sum::<f64>().max(f64::MIN_POSITIVE);
    let parts = weights.map(|weight| weight / sum * scale).collect::<Vec<_>>();
    let goals = (nutrients.iter().zip(&parts))
        .map(|(nutrient, part)| {
            target_of(request, member, *nutrient).map_or_else(Goal::default, |target| goal(&target, *part))
        })
        .collect();
    // What is not known of a food may be anything: it is charged as if the part of the day's
    // energy that the serving is were a deviation of that nutrient.
    let unknown = |card: &FoodCard| {
        let per_100g = &request.foods[card.place].food.per_100g;
        let missing = nutrients.iter().zip(&parts).filter(|(nutrient, _)| per_100g.get(**nutrient).is_none());
        let parts = missing.map(|(_, part)| part).sum::<f64>();
        request.weights.unknown * parts * (card.serving_kcal / energy_kcal).max(0.01)
    };
    Eater {
        energy_kcal,
        goals,
        unknown: foods.iter().map(unknown).collect(),
        may_eat: foods.iter().map(|card| unfit(member, &request.foods[card.place].food).is_none()).collect(),
    }
}

/// What a plan may be expected to cost: the budget, or the people's energy at the middle price of
/// the foods' energy. Money counts as a part of it.
fn cost_reference(request: &PlanRequest, places: &[usize]) -> f64 {
    if let Some(budget) = request.budget_micros.filter(|budget| *budget > 0) {
        return budget as f64;
    }
    let per_kcal = |place: &usize| {
        let food = &request.foods[*place];
        let kcal = f64::from(food.food.per_100g.get(Nutrient::Energy)?) / 100.0;
        let pack_g = food.pack_g.or(food.food.serving_g.map(f64::from))?;
        (kcal > 0.05).then_some(food.price_micros? as f64 / (pack_g * kcal))
    };
    let mut prices = places.iter().filter_map(per_kcal).collect::<Vec<_>>();
    prices.sort_by(f64::total_cmp);
    let middle = prices.get(prices.len() / 2).copied().unwrap_or(1.0);
    let kcal = request.members.iter().map(|member| member.energy_kcal).sum::<f64>() * request.days as f64;
    (middle * kcal * planned_part(request)).max(1.0)
}

fn cards(request: &PlanRequest, places: &[usize], reference: f64) -> Vec<FoodCard> {
    let mut pantry: HashMap<&str, f64> = HashMap::new();
    for stock in &request.pantry {
        *pantry.entry(stock.food_id.as_str()).or_default() += stock.mass_g;
    }
    let mut categories: HashMap<&str, u16> = HashMap::new();
    let plates = (request.members.len() * request.days * request.meals.len()) as f64;
    let mut card = |place: &usize| {
        let food = &request.foods[*place];
        let serving_g = f64::from(food.food.serving_g.unwrap_or(1.0));
        let pack_g = food.pack_g.unwrap_or(serving_g);
        let price = food.price_micros.map_or(0.0, |micros| micros as f64);
        let number = categories.len() as u16;
        let category = (!food.food.category.is_empty())
            .then(|| *categories.entry(food.food.category.as_str()).or_insert(number));
        FoodCard {
            place: *place,
            serving_g,
            serving_kcal: food.food.per_100g.get(Nutrient::Energy).map_or(0.0, f64::from) * serving_g / 100.0,
            gram_cost: price / pack_g / reference,
            pack_micros: price,
            pack_g,
            // A pack that outlasts the plan keeps, as far as the plan can tell.
            keeps_days: food.keeps_days.map(usize::from),
            pantry_g: pantry.get(food.food.food_id.as_str()).copied().unwrap_or(0.0),
            can_be_bought: food.can_be_bought,
            most_servings: food.most_servings.unwrap_or(request.limits.most_servings),
            disliking: request.weights.disliking * (1.0 - food.liking) / (USUAL_ITEMS * plates),
            category,
            is_meat: food.food.kinds.is_meat(),
            is_dairy: food.food.kinds.has(FoodKind::Dairy),
        }
    };
    places.iter().map(&mut card).collect()
}

fn amounts(request: &PlanRequest, foods: &[FoodCard], nutrients: &[Nutrient]) -> Vec<f64> {
    let mut amounts = Vec::with_capacity(foods.len() * nutrients.len());
    for card in foods {
        let per_100g = &request.foods[card.place].food.per_100g;
        amounts.extend(
            nutrients.iter().map(|each| per_100g.get(*each).map_or(0.0, f64::from) * card.serving_g / 100.0),
        );
    }
    amounts
}

fn choices(request: &PlanRequest, foods: &[FoodCard], eaters: &[Eater]) -> Vec<Vec<Vec<u16>>> {
    let kosher = request.members.iter().any(|member| member.diets.contains(&Diet::Kosher));
    let of_meal = |slot: &super::MealSlot| {
        let suits = |food: &u16| {
            let card = &foods[usize::from(*food)];
            let meals = &request.foods[card.place].meals;
            let stocked = card.can_be_bought || card.pantry_g >= card.serving_g;
            (meals.is_empty() || meals.contains(&slot.kind))
                && stocked
                && !(kosher && card.is_meat && card.is_dairy)
        };
        let suited = (0..foods.len() as u16).filter(suits).collect::<Vec<_>>();
        let of_eater =
            |eater: &Eater| suited.iter().copied().filter(|food| eater.may_eat[usize::from(*food)]).collect();
        eaters.iter().map(of_eater).collect()
    };
    request.meals.iter().map(of_meal).collect()
}

fn kept_plates(request: &PlanRequest, foods: &[FoodCard]) -> Vec<Option<Vec<(u16, u8)>>> {
    let members = request.members.len();
    let mut plates = vec![None; request.days * request.meals.len() * members];
    let number = foods
        .iter()
        .enumerate()
        .map(|(number, card)| (request.foods[card.place].food.food_id.as_str(), number as u16));
    let number = number.collect::<HashMap<_, _>>();
    for kept in &request.kept {
        let slot = kept.day * request.meals.len() + kept.meal;
        for (eater, member) in request.members.iter().enumerate() {
            let mut plate = Vec::new();
            for dish in &kept.dishes {
                let portions = dish.portions.iter().filter(|portion| portion.member_id == member.member_id);
                let servings = portions.map(|portion| portion.servings).sum::<u8>();
                if let Some(food) = number.get(dish.food_id.as_str()).filter(|_| servings > 0) {
                    plate.push((*food, servings));
                }
            }
            plates[slot * members + eater] = Some(plate);
        }
    }
    plates
}
