//! What is asked of a planner, and how it refuses.

use crate::{Allergen, DailyTargets, Diet, Food, InvalidFields, Nutrient, NutrientTarget};

/// A meal of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the meal of its name")]
#[repr(u8)]
pub enum MealKind {
    Breakfast,
    Lunch,
    Dinner,
    Snack,
}

/// One meal of every day of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct MealSlot {
    /// Which meal.
    pub kind: MealKind,
    /// Its part of the day's energy, above 0 and at most 1; the parts of a day need not add up to 1
    /// when a plan is for some of its meals only.
    pub share: f64,
    /// Fewest foods each person eats at it, at least 1.
    pub fewest_items: u8,
    /// Most foods each person eats at it, at most 8.
    pub most_items: u8,
}

/// A food that may be planned.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanFood {
    /// What it is, what 100 g of it hold, and its serving, which is not divided.
    pub food: Food,
    /// Price of one pack in millionths of the currency; `None` is not known.
    pub price_micros: Option<i64>,
    /// Mass of one pack in grams, or of a cooked batch; `None` when it is sold by the serving.
    pub pack_g: Option<f64>,
    /// Days, the first included, an opened pack or a cooked batch can be eaten; `None` when it
    /// keeps for as long as any plan.
    pub keeps_days: Option<u16>,
    /// The meals it suits; none is all.
    pub meals: Vec<MealKind>,
    /// How much it is liked, 0 to 1; 0.5 when nothing is known.
    pub liking: f64,
    /// Most servings of it one person eats at one meal; `None` takes the limit of the plan.
    pub most_servings: Option<u8>,
    /// Whether it can be bought; what cannot is only eaten from the pantry.
    pub can_be_bought: bool,
}

impl PlanFood {
    /// A food that suits every meal, keeps, and of which no price is known.
    #[must_use]
    pub fn new(food: Food) -> Self {
        Self {
            food,
            price_micros: None,
            pack_g: None,
            keeps_days: None,
            meals: Vec::new(),
            liking: 0.5,
            most_servings: None,
            can_be_bought: true,
        }
    }
}

/// Somebody who eats.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanMember {
    /// The caller's id of them.
    pub member_id: String,
    /// Energy of a day in kcal.
    pub energy_kcal: f64,
    /// Nutrients of a day; one of energy is ignored for `energy_kcal`.
    pub targets: Vec<NutrientTarget>,
    /// Allergens they must not eat. Traces count, and so does what nobody said anything of.
    pub allergies: Vec<Allergen>,
    /// Accept foods of which nobody said whether an allergen is in them.
    pub accept_unknown_allergens: bool,
    /// Diets they keep: a food of which nobody knows whether it suits is left out.
    pub diets: Vec<Diet>,
    /// Foods they do not eat.
    pub excluded_food_ids: Vec<String>,
    /// Categories of foods they do not eat.
    pub excluded_categories: Vec<String>,
}

impl PlanMember {
    /// Somebody with these targets and no restrictions.
    #[must_use]
    pub fn new(member_id: impl Into<String>, targets: &DailyTargets) -> Self {
        Self {
            member_id: member_id.into(),
            energy_kcal: targets.energy_kcal,
            targets: targets.nutrients.clone(),
            ..Self::default()
        }
    }
}

/// What is at home: free, and eaten before anything is bought.
#[derive(Clone, Debug, PartialEq)]
pub struct PantryStock {
    /// Of which food.
    pub food_id: String,
    /// How much of it, in grams.
    pub mass_g: f64,
}

/// A meal that stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptMeal {
    /// Which day, the first being 0.
    pub day: usize,
    /// Which of the day's meals, the first being 0.
    pub meal: usize,
    /// What is eaten.
    pub dishes: Vec<KeptDish>,
}

/// A food of a meal that stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptDish {
    /// Which food.
    pub food_id: String,
    /// Who eats how much of it.
    pub portions: Vec<KeptPortion>,
}

/// What one person eats of a food that stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptPortion {
    /// Who.
    pub member_id: String,
    /// How many servings.
    pub servings: u8,
}

/// How often, how much and among how many.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanLimits {
    /// Most servings of one food one person eats at one meal, 1 to 20.
    pub most_servings: u8,
    /// Most meals of one day with the same food.
    pub uses_per_day: u8,
    /// Most meals of seven days, counted from the first, with the same food.
    pub uses_per_week: u8,
    /// Most foods of one category one person eats at one meal; foods without a category are not counted.
    pub of_category_per_meal: u8,
    /// Most foods that are considered; of more, the most promising are.
    pub foods_considered: usize,
}

impl Default for PlanLimits {
    fn default() -> Self {
        Self {
            most_servings: 3,
            uses_per_day: 1,
            uses_per_week: 3,
            of_category_per_meal: 2,
            foods_considered: 300,
        }
    }
}

/// How much each part of the objective counts; none is below 0. The mean deviation of the targets
/// counts 1.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanWeights {
    /// Energy among the targets, each nutrient being 1.
    pub energy: f64,
    /// Nutrients that count more or less than 1 among the targets.
    pub nutrients: Vec<(Nutrient, f64)>,
    /// Deviation of meals' energy from their shares of the day.
    pub meal_shares: f64,
    /// Amounts that are not known.
    pub unknown: f64,
    /// Money.
    pub cost: f64,
    /// Money for what is opened and not eaten while it keeps.
    pub waste: f64,
    /// Eating what is less liked.
    pub disliking: f64,
    /// Eating the same food again.
    pub repetition: f64,
    /// Another dish on the table: what makes a household eat together.
    pub dishes: f64,
}

impl Default for PlanWeights {
    fn default() -> Self {
        Self {
            energy: 2.0,
            nutrients: Vec::new(),
            meal_shares: 0.25,
            unknown: 1.0,
            cost: 0.05,
            waste: 0.05,
            disliking: 0.05,
            repetition: 0.02,
            dishes: 0.02,
        }
    }
}

/// What is asked of the planner.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRequest {
    /// How many days, 1 to 14.
    pub days: usize,
    /// The meals of each day, 1 to 8.
    pub meals: Vec<MealSlot>,
    /// Who eats, 1 to 12 people.
    pub members: Vec<PlanMember>,
    /// What may be eaten.
    pub foods: Vec<PlanFood>,
    /// What is at home.
    pub pantry: Vec<PantryStock>,
    /// Meals that stay as they are.
    pub kept: Vec<KeptMeal>,
    /// Most that may be paid for the packs that are bought, in millionths of the currency.
    pub budget_micros: Option<i64>,
    /// How often, how much and among how many.
    pub limits: PlanLimits,
    /// How much each part of the objective counts.
    pub weights: PlanWeights,
    /// Chooses among plans that are as good; the same seed gives the same plan.
    pub seed: u64,
    /// Changes that are tried: some 2,000,000 a second.
    pub effort: u64,
    /// Tell which constraints bind, by planning a little without each.
    pub explain_binding: bool,
}

impl PlanRequest {
    /// A plan with the usual limits and weights.
    #[must_use]
    pub fn new(days: usize, meals: Vec<MealSlot>, members: Vec<PlanMember>, foods: Vec<PlanFood>) -> Self {
        Self {
            days,
            meals,
            members,
            foods,
            pantry: Vec::new(),
            kept: Vec::new(),
            budget_micros: None,
            limits: PlanLimits::default(),
            weights: PlanWeights::default(),
            seed: 1,
            effort: 500_000,
            explain_binding: false,
        }
    }
}

/// Why nothing was planned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanRefusal {
    /// Fields were refused.
    #[error(transparent)]
    Invalid(#[from] InvalidFields),
    /// No plan keeps every hard constraint.
    #[error("no plan keeps every constraint; {}", relaxations(.relax))]
    Infeasible {
        /// What would make a plan possible, each alone.
        relax: Vec<Relaxation>,
    },
}

fn relaxations(relax: &[Relaxation]) -> String {
    if relax.is_empty() {
        return "relaxing one of them alone is not enough".to_owned();
    }
    relax
        .iter()
        .map(|each| format!("relax {}: {}", each.constraint, each.detail))
        .collect::<Vec<_>>()
        .join("; ")
}

/// A constraint without which a plan is possible.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Relaxation {
    /// The field of the request it is.
    pub constraint: String,
    /// What would be enough, as far as that was found.
    pub detail: String,
}
