//! Plans of meals in and out: who eats, what there is, what is kept, and the meals that came of it.

use std::collections::{HashMap, HashSet};

use larder_nutrition::plan::{
    KeptDish, KeptMeal, KeptPortion, MealKind as Kind, MealSlot as Slot, PantryStock as Stock, Plan,
    PlanFood, PlanLimits as Limits, PlanRefusal, PlanRequest, PlanWeights as Weights,
    PlannedMeal as PureMeal, Relaxation, ShoppingItem as Item, Substitute as PureSubstitute,
};
use larder_nutrition::{InvalidFields, Nutrient};
use larder_proto::larder::nutrition::v1::*;

use crate::convert::{food, money};
use crate::error::{Error, Violation};
use crate::nutrition::planning::OtherWords;
use crate::validate::Fields;

/// Changes that are tried in a millisecond.
const CHANGES_PER_MS: u64 = 2_000;
const DEFAULT_EFFORT_MS: u64 = 500;
const MOST_FOODS: usize = 10_000;

/// The meals of a day; the usual four when none is told.
pub(crate) fn slots(fields: &mut Fields, meals: &[MealSlot]) -> Vec<Slot> {
    let usual = [(Kind::Breakfast, 0.25), (Kind::Lunch, 0.35), (Kind::Dinner, 0.30), (Kind::Snack, 0.10)];
    if meals.is_empty() {
        let slot = |(kind, share)| Slot {
            kind,
            share,
            fewest_items: if kind == Kind::Snack { 1 } else { 2 },
            most_items: 4,
        };
        return usual.map(slot).into();
    }
    let is_usual = meals.iter().all(|meal| meal.share == 0.0);
    let shares = larder_nutrition::usual_meal_shares(meals.len()).ok();
    let mut checked = Vec::with_capacity(meals.len());
    for (index, meal) in meals.iter().enumerate() {
        let at = |name: &str| format!("meals[{index}].{name}");
        let kind = meal_kind(fields, &at("kind"), meal.kind);
        fields.whole(&at("min_items"), meal.min_items.into(), 0, 8);
        fields.whole(&at("max_items"), meal.max_items.into(), 0, 8);
        if !is_usual {
            fields.positive(&at("share"), meal.share, 1.0);
        }
        let usual = shares.as_ref().and_then(|shares| shares.shares().get(index).copied()).unwrap_or(1.0);
        let fewest_items = or_default(meal.min_items, if kind == Kind::Snack { 1 } else { 2 });
        checked.push(Slot {
            kind,
            share: if is_usual { usual } else { meal.share },
            fewest_items,
            most_items: or_default(meal.max_items, fewest_items.max(4)),
        });
    }
    checked
}

fn meal_kind(fields: &mut Fields, field: &str, kind: i32) -> Kind {
    match MealKind::try_from(kind) {
        Ok(MealKind::Breakfast) => Kind::Breakfast,
        Ok(MealKind::Lunch) => Kind::Lunch,
        Ok(MealKind::Dinner) => Kind::Dinner,
        Ok(MealKind::Snack) => Kind::Snack,
        _ => {
            let accepted = "MEAL_KIND_BREAKFAST, _LUNCH, _DINNER, _SNACK";
            fields.refuse(field, format!("must be one of {accepted}"));
            Kind::Snack
        }
    }
}

fn or_default(number: i32, default: u8) -> u8 {
    u8::try_from(number).ok().filter(|number| *number > 0).unwrap_or(default)
}

/// Foods beside the catalogue.
pub(crate) fn own_foods(
    fields: &mut Fields,
    field: &str,
    foods: &[Food],
    currency: Option<&str>,
) -> Vec<PlanFood> {
    if foods.len() > MOST_FOODS {
        fields.refuse(field, format!("must have at most {MOST_FOODS} entries; this has {}", foods.len()));
        return Vec::new();
    }
    let mut ids = HashSet::new();
    let mut checked = Vec::with_capacity(foods.len());
    for (index, own) in foods.iter().enumerate() {
        let at = |name: &str| format!("{field}[{index}].{name}");
        if !ids.insert(own.food_id.as_str()) {
            fields.refuse(&at("food_id"), "must be an id that no other food has");
        }
        let price = own.price.as_ref().and_then(|price| fields.amount(&at("price"), price));
        let price =
            price.filter(|price| currency.is_none_or(|wanted| wanted == price.currency) && price.micros > 0);
        fields.optional_number(&at("pack_g"), own.pack_g, 0.1, 100_000.0);
        let food = food::from_wire(fields, &format!("{field}[{index}]"), own);
        checked.push(PlanFood {
            price_micros: price.map(|price| price.micros),
            pack_g: own.pack_g,
            ..PlanFood::new(food)
        });
    }
    checked
}

/// What is at home.
pub(crate) fn pantry(fields: &mut Fields, pantry: &[PantryStock]) -> Vec<Stock> {
    if pantry.len() > 1_000 {
        fields.refuse("pantry", "must have at most 1000 entries");
        return Vec::new();
    }
    for (index, stock) in pantry.iter().enumerate() {
        fields.id(&format!("pantry[{index}].food_id"), &stock.food_id);
        fields.positive(&format!("pantry[{index}].mass_g"), stock.mass_g, 1_000_000.0);
    }
    pantry.iter().map(|stock| Stock { food_id: stock.food_id.clone(), mass_g: stock.mass_g }).collect()
}

/// Meals that stay as they are.
pub(crate) fn kept(fields: &mut Fields, field: &str, meals: &[PlannedMeal]) -> Vec<KeptMeal> {
    let number = |number: i32| usize::try_from(number).unwrap_or(usize::MAX);
    let mut checked = Vec::with_capacity(meals.len());
    for (index, meal) in meals.iter().enumerate() {
        fields.whole(&format!("{field}[{index}].day"), meal.day.into(), 0, 13);
        fields.whole(&format!("{field}[{index}].meal"), meal.meal.into(), 0, 7);
        let mut dishes = Vec::with_capacity(meal.dishes.len());
        for (place, dish) in meal.dishes.iter().enumerate() {
            let at = format!("{field}[{index}].dishes[{place}]");
            for (portion, of) in dish.portions.iter().enumerate() {
                fields.whole(&format!("{at}.portions[{portion}].servings"), of.servings.into(), 1, 20);
            }
            let portion = |of: &PlannedPortion| KeptPortion {
                member_id: of.member_id.clone(),
                servings: u8::try_from(of.servings).unwrap_or(1),
            };
            let portions = dish.portions.iter().map(portion).collect();
            dishes.push(KeptDish { food_id: dish.food_id.clone(), portions });
        }
        checked.push(KeptMeal { day: number(meal.day), meal: number(meal.meal), dishes });
    }
    checked
}

/// How often, how much and among how many.
pub(crate) fn limits(fields: &mut Fields, limits: Option<&PlanLimits>) -> Limits {
    let (told, mut checked) = (limits.cloned().unwrap_or_default(), Limits::default());
    let mut bounded = |name: &str, told: i32, most: i64, into: &mut u8| {
        fields.whole(&format!("limits.{name}"), told.into(), 0, most);
        *into = or_default(told, *into);
    };
    bounded("max_servings", told.max_servings, 20, &mut checked.most_servings);
    bounded("max_uses_per_day", told.max_uses_per_day, 8, &mut checked.uses_per_day);
    bounded("max_uses_per_week", told.max_uses_per_week, 56, &mut checked.uses_per_week);
    bounded("max_of_category_per_meal", told.max_of_category_per_meal, 8, &mut checked.of_category_per_meal);
    let considered = told.max_foods_considered;
    if considered != 0 {
        fields.whole("limits.max_foods_considered", considered.into(), 10, 1_000);
        checked.foods_considered = usize::try_from(considered).unwrap_or(checked.foods_considered);
    }
    checked
}

/// How much each part of the objective counts.
pub(crate) fn weights(fields: &mut Fields, weights: Option<&PlanWeights>) -> Weights {
    let (told, mut checked) = (weights.cloned().unwrap_or_default(), Weights::default());
    let parts = [
        ("energy", told.energy, &mut checked.energy),
        ("meal_shares", told.meal_shares, &mut checked.meal_shares),
        ("unknown", told.unknown, &mut checked.unknown),
        ("cost", told.cost, &mut checked.cost),
        ("waste", told.waste, &mut checked.waste),
        ("disliking", told.disliking, &mut checked.disliking),
        ("repetition", told.repetition, &mut checked.repetition),
        ("dishes", told.dishes, &mut checked.dishes),
    ];
    for (name, told, into) in parts {
        fields.optional_number(&format!("weights.{name}"), told, 0.0, 100.0);
        *into = told.unwrap_or(*into);
    }
    for (name, weight) in &told.nutrients {
        let field = format!("weights.nutrients[{name}]");
        fields.number(&field, *weight, 0.0, 100.0);
        match Nutrient::ALL.into_iter().find(|nutrient| nutrient.field() == name) {
            Some(nutrient) => checked.nutrients.push((nutrient, *weight)),
            None => fields.refuse(&field, "must be the name of a nutrient, such as protein_g"),
        }
    }
    checked
}

/// Changes that are tried for a time that is told in milliseconds.
pub(crate) fn effort(fields: &mut Fields, effort_ms: i32) -> u64 {
    if effort_ms != 0 {
        fields.whole("effort_ms", effort_ms.into(), 10, 5_000);
    }
    let ms = u64::try_from(effort_ms).ok().filter(|ms| *ms > 0).unwrap_or(DEFAULT_EFFORT_MS);
    ms * CHANGES_PER_MS
}

/// A refusal with the fields of the contract; `others` are the words of each member that stand for
/// no allergen or diet that nutrition knows.
pub(crate) fn refusal(refusal: PlanRefusal, others: &[OtherWords]) -> Error {
    match refusal {
        PlanRefusal::Invalid(InvalidFields(refused)) => {
            let violation = |one: larder_nutrition::InvalidField| Violation {
                field: wire_names(&one.field),
                description: format!("{} is refused; accepted: {}", one.value, wire_names(&one.accepted)),
            };
            Error::Invalid(refused.into_iter().take(40).map(violation).collect())
        }
        PlanRefusal::Infeasible { mut relax } => {
            for (place, words) in others.iter().enumerate().filter(|(_, words)| !words.is_empty()) {
                let excluded = format!("members[{place}].excluded_food_ids");
                if let Some(at) = relax.iter().position(|one| one.constraint == excluded) {
                    relax.splice(at..=at, asked_by_words(place, words));
                }
            }
            let text = wire_names(&PlanRefusal::Infeasible { relax: relax.clone() }.to_string());
            let relax = relax
                .into_iter()
                .map(|one| Violation { field: wire_names(&one.constraint), description: one.detail });
            Error::NoPlan { text, relax: relax.collect() }
        }
    }
}

/// What foods are excluded for when words do that nobody knows but the tenant: they count as they
/// are written.
fn asked_by_words(place: usize, words: &OtherWords) -> Vec<Relaxation> {
    let listed = |words: &[String]| words.join(", ");
    let mut relax = Vec::new();
    if !words.allergens.is_empty() {
        relax.push(Relaxation {
            constraint: format!("members[{place}].profile.allergens"),
            detail: format!(
                "only foods declared to be free of {} may be eaten, which is none of the fourteen groups and counts as it is written",
                listed(&words.allergens)
            ),
        });
    }
    if !words.diets.is_empty() {
        relax.push(Relaxation {
            constraint: format!("members[{place}].profile.diets"),
            detail: format!(
                "only foods declared to suit {} may be eaten, which is no diet that is derived and counts as it is written",
                listed(&words.diets)
            ),
        });
    }
    relax
}

/// The planner's names of fields as the contract has them.
fn wire_names(text: &str) -> String {
    let names = [
        ("budget_micros", "budget"),
        ("kept[", "kept_meals["),
        ("place.", ""),
        ("fewest_items", "min_items"),
        ("most_items", "max_items"),
        ("limits.foods_considered", "limits.max_foods_considered"),
        ("limits.uses_per_", "limits.max_uses_per_"),
        ("limits.most_servings", "limits.max_servings"),
        ("limits.of_category", "limits.max_of_category"),
    ];
    names.into_iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The message of a plan; prices are in `currency`.
pub(crate) fn to_wire(plan: Plan, currency: &str, not_planned: usize) -> PlanMealsResponse {
    let priced = plan.shopping.items.iter().any(|item| item.cost_micros.is_some());
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    PlanMealsResponse {
        targets: plan.targets.iter().map(target_met).collect(),
        without_price_count: number(plan.shopping.without_price),
        cost: priced.then(|| money(plan.shopping.cost_micros, currency)),
        shopping_items: plan.shopping.items.into_iter().map(|item| shopping_item(item, currency)).collect(),
        objective: plan.objective,
        objective_bound: plan.proof.map(|proof| proof.bound),
        optimal: plan.proof.is_some_and(|proof| proof.optimal),
        binding_constraints: plan
            .binding
            .into_iter()
            .map(|of| BindingConstraint {
                constraint: wire_names(&of.constraint),
                objective_without: of.objective_without,
            })
            .collect(),
        left_out: Some(PlanCoverage {
            without_serving_count: number(plan.left_out.without_serving),
            without_energy_count: number(plan.left_out.without_energy),
            without_price_count: number(plan.left_out.without_price),
            not_allowed_count: number(plan.left_out.not_allowed),
            less_promising_count: number(plan.left_out.less_promising),
            not_planned_count: number(not_planned),
        }),
        meals: plan
            .days
            .into_iter()
            .flat_map(|day| {
                let of_day = day.day;
                day.meals.into_iter().enumerate().map(move |(place, meal)| planned_meal(of_day, place, meal))
            })
            .collect(),
        degraded: false,
        degraded_reason: String::new(),
    }
}

fn planned_meal(day: usize, place: usize, meal: PureMeal) -> PlannedMeal {
    let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let portion = |of: larder_nutrition::plan::Portion| PlannedPortion {
        member_id: of.member_id,
        servings: of.servings.into(),
        energy_kcal: of.energy_kcal,
    };
    let dish = |of: larder_nutrition::plan::PlannedDish| PlannedDish {
        food_id: of.food_id,
        name: of.name,
        serving_g: of.serving_g,
        portions: of.portions.into_iter().map(portion).collect(),
    };
    PlannedMeal {
        day: number(day),
        meal: number(place),
        kind: kind_to_wire(meal.kind).into(),
        kept: meal.kept,
        dishes: meal.dishes.into_iter().map(dish).collect(),
    }
}

fn kind_to_wire(kind: Kind) -> MealKind {
    match kind {
        Kind::Breakfast => MealKind::Breakfast,
        Kind::Lunch => MealKind::Lunch,
        Kind::Dinner => MealKind::Dinner,
        Kind::Snack => MealKind::Snack,
    }
}

fn target_met(of: &larder_nutrition::plan::TargetMet) -> TargetMet {
    TargetMet {
        member_id: of.member_id.clone(),
        day: i32::try_from(of.day).unwrap_or(i32::MAX),
        nutrient: of.nutrient.field().to_owned(),
        amount: of.amount,
        at_least: of.target.at_least,
        ideal: of.target.ideal,
        at_most: of.target.at_most,
        met: of.met,
        coverage: of.coverage,
    }
}

fn shopping_item(item: Item, currency: &str) -> ShoppingItem {
    ShoppingItem {
        food_id: item.food_id,
        name: item.name,
        packs: i32::try_from(item.packs).unwrap_or(i32::MAX),
        pack_g: item.pack_g,
        cost: item.cost_micros.map(|micros| money(micros, currency)),
        eaten_g: item.eaten_g,
        from_pantry_g: item.from_pantry_g,
        left_g: item.left_g,
        wasted_g: item.wasted_g,
    }
}

/// The message of a food that may take the place of another in the plan of `request`.
pub(crate) fn substitute(of: PureSubstitute, request: &PlanRequest) -> Substitute {
    let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let foods: HashMap<_, _> =
        request.foods.iter().map(|food| (food.food.food_id.as_str(), &food.food)).collect();
    let portion = |food_id: &str, of: KeptPortion| PlannedPortion {
        member_id: of.member_id,
        energy_kcal: foods.get(food_id).map_or(0.0, |food| f64::from(of.servings) * serving_kcal(food)),
        servings: of.servings.into(),
    };
    let dish = |of: KeptDish| {
        let food = foods.get(of.food_id.as_str());
        PlannedDish {
            name: food.map(|food| food.name.clone()).unwrap_or_default(),
            serving_g: food.and_then(|food| food.serving_g).map_or(0.0, f64::from),
            portions: of.portions.into_iter().map(|each| portion(&of.food_id, each)).collect(),
            food_id: of.food_id,
        }
    };
    let meal = |of: KeptMeal| PlannedMeal {
        day: number(of.day),
        meal: number(of.meal),
        kind: request.meals.get(of.meal).map_or(0, |slot| kind_to_wire(slot.kind).into()),
        dishes: of.dishes.into_iter().map(dish).collect(),
        kept: false,
    };
    Substitute {
        name: of.name,
        portions: of.portions.into_iter().map(|each| portion(&of.food_id, each)).collect(),
        food_id: of.food_id,
        objective: of.objective,
        meals: of.meals.into_iter().map(meal).collect(),
    }
}

/// Energy of one serving.
fn serving_kcal(food: &larder_nutrition::Food) -> f64 {
    let per_100g = food.per_100g.get(Nutrient::Energy).map_or(0.0, f64::from);
    per_100g * food.serving_g.map_or(0.0, f64::from) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_meals_share_a_day_and_slips_are_named() {
        let mut fields = Fields::default();
        let usual = slots(&mut fields, &[]);
        assert!((usual.iter().map(|slot| slot.share).sum::<f64>() - 1.0).abs() < 1e-9);
        let three = [1, 2, 3].map(|kind| MealSlot { kind, ..MealSlot::default() });
        let three = slots(&mut fields, &three);
        assert_eq!(three.iter().map(|slot| slot.share).collect::<Vec<_>>(), [0.30, 0.40, 0.30]);
        fields.finish(()).unwrap();
        let mut fields = Fields::default();
        slots(&mut fields, &[MealSlot { kind: 9, share: f64::NAN, min_items: -1, max_items: 9 }]);
        let refused = fields.finish(()).unwrap_err().to_string();
        for field in ["meals[0].kind: ", "meals[0].share: ", "meals[0].min_items: ", "meals[0].max_items: "] {
            assert!(refused.contains(field), "{refused}");
        }
    }

    #[test]
    fn refusals_speak_of_the_fields_of_the_contract() {
        let meal = larder_nutrition::InvalidField {
            field: "meals[0].fewest_items".into(),
            value: "5".into(),
            accepted: "1 to most_items".into(),
        };
        let refused = refusal(PlanRefusal::Invalid(InvalidFields(vec![meal])), &[]).to_string();
        assert_eq!(refused, "meals[0].min_items: 5 is refused; accepted: 1 to max_items");
    }

    #[test]
    fn words_that_only_the_tenant_knows_are_named_in_the_place_of_the_foods_they_exclude() {
        let infeasible = |constraint: &str| PlanRefusal::Infeasible {
            relax: vec![Relaxation {
                constraint: constraint.into(),
                detail: "a plan is possible without it".into(),
            }],
        };
        let others = OtherWords { allergens: vec!["kiwi".into()], diets: vec!["paleo".into()] };
        let others = [OtherWords::default(), others];
        let Error::NoPlan { text, relax } = refusal(infeasible("members[1].excluded_food_ids"), &others)
        else {
            panic!("no plan")
        };
        let fields: Vec<_> = relax.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["members[1].profile.allergens", "members[1].profile.diets"]);
        assert!(text.contains("free of kiwi") && text.contains("suit paleo"), "{text}");
        let Error::NoPlan { relax, .. } = refusal(infeasible("members[0].excluded_food_ids"), &others) else {
            panic!("no plan")
        };
        assert_eq!(relax[0].field, "members[0].excluded_food_ids", "what the caller excluded stays so");
    }
}
