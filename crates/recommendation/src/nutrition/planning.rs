//! What a plan of meals is made from: the products of a tenant as foods with packs and prices, what
//! members must stay away from beyond the fourteen allergens, and what they like.

use std::collections::{HashMap, HashSet};

use larder_identity::TenantId;
use larder_nutrition::Allergen;
use larder_nutrition::plan::{MealKind, PlanFood, PlanMember};
use larder_ranking::{Arrangement, Filter, ProductRecord, Ranker, RecommendQuery, RepeatPolicy, Serving};

use super::foods::{NutrientSource, product_food};
use super::generic_foods::GenericFoods;
use super::labels;
use crate::error::Error;
use crate::profile::Profile;
use crate::served::Served;

/// A serving when nothing tells how much one is, in grams.
const USUAL_SERVING_G: f32 = 100.0;
/// So many of the products that are recommended to somebody count as liked.
const LIKED: usize = 300;

/// Which products may be planned.
#[derive(Default)]
pub(crate) struct ProductChoice {
    /// Empty means all.
    pub(crate) product_ids: HashSet<String>,
    /// Empty means all.
    pub(crate) categories: HashSet<String>,
    pub(crate) in_stock_only: bool,
    pub(crate) confirmed_only: bool,
    /// Products priced in another currency have no price here; `None` takes the commonest one.
    pub(crate) currency: Option<String>,
}

/// The products of a tenant, made ready for a plan.
#[derive(Default)]
pub(crate) struct PlanProducts {
    pub(crate) foods: Vec<PlanFood>,
    /// Of the prices.
    pub(crate) currency: String,
    /// Products that nobody eats by themselves, such as flour, or that are planned for nobody, such
    /// as wine.
    pub(crate) not_planned: usize,
}

impl ProductChoice {
    fn takes(&self, product: &ProductRecord) -> bool {
        !product.hidden
            && (product.in_stock || !self.in_stock_only)
            && (self.product_ids.is_empty() || self.product_ids.contains(&product.product_id))
            && (self.categories.is_empty() || self.categories.contains(&product.category))
    }
}

/// The products that may be planned.
pub(crate) fn products(
    served: &Served,
    tenant: &TenantId,
    generic: &GenericFoods,
    choice: &ProductChoice,
) -> Result<PlanProducts, Error> {
    let currency = choice.currency.clone();
    let Some(tenant) = served.find(tenant.as_str()) else {
        let nothing = PlanProducts { currency: currency.unwrap_or_default(), ..PlanProducts::default() };
        return if served.loaded() { Ok(nothing) } else { Err(Error::Unavailable(None)) };
    };
    let (live, facts) = (tenant.read(), tenant.facts());
    let chosen: Vec<_> = live.serving.products().filter(|product| choice.takes(product)).collect();
    let currency = currency.unwrap_or_else(|| commonest_currency(&chosen));
    let (mut foods, mut not_planned) = (Vec::with_capacity(chosen.len()), 0);
    for product in chosen {
        let known = product_food(product, &facts, generic);
        if choice.confirmed_only && known.source == NutrientSource::Estimated {
            continue;
        }
        let pack_g = known.pack_g;
        let mut food = known.food;
        let serving_g = food.serving_g.unwrap_or(USUAL_SERVING_G);
        food.serving_g = Some(pack_g.map_or(serving_g, |pack_g| serving_g.min(pack_g as f32)));
        let price = product.price_micros.filter(|price| *price > 0 && product.currency == currency);
        let food = PlanFood {
            price_micros: price,
            pack_g,
            meals: meals_of(product),
            can_be_bought: product.in_stock || !choice.in_stock_only,
            ..PlanFood::new(food)
        };
        // Whoever names a product wants it planned, whatever it usually is on a table.
        let named = choice.product_ids.contains(&product.product_id) || !food.meals.is_empty();
        match generic.roles().fill(food.clone()) {
            Some(filled) => foods.push(filled),
            None if named => foods.push(food),
            None => not_planned += 1,
        }
    }
    Ok(PlanProducts { foods, currency, not_planned })
}

/// The meals a product suits, out of its attribute `meals`, such as "breakfast, snack"; none is all.
fn meals_of(product: &ProductRecord) -> Vec<MealKind> {
    let words = product.attributes.get("meals").map(String::as_str).unwrap_or_default();
    let named = words.split(',').filter_map(|word| match word.trim().to_lowercase().as_str() {
        "breakfast" => Some(MealKind::Breakfast),
        "lunch" => Some(MealKind::Lunch),
        "dinner" => Some(MealKind::Dinner),
        "snack" => Some(MealKind::Snack),
        _ => None,
    });
    named.collect()
}

fn commonest_currency(products: &[&ProductRecord]) -> String {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for product in products.iter().filter(|product| product.price_micros.is_some()) {
        *counts.entry(product.currency.as_str()).or_default() += 1;
    }
    let most = counts.into_iter().max_by(|one, two| one.1.cmp(&two.1).then(two.0.cmp(one.0)));
    most.map(|(currency, _)| currency.to_owned()).unwrap_or_default()
}

/// Words of a profile that stand for no allergen and no diet that nutrition knows.
#[derive(Debug, Default)]
pub(crate) struct OtherWords {
    pub(crate) allergens: Vec<String>,
    pub(crate) diets: Vec<String>,
}

impl OtherWords {
    pub(crate) fn is_empty(&self) -> bool {
        self.allergens.is_empty() && self.diets.is_empty()
    }
}

/// Gives a member the allergens and diets of a profile. A word that stands for none that nutrition
/// knows counts as it is written: foods that are not declared to be free of it, or to suit it, are
/// excluded one by one. Gives those words.
pub(crate) fn restrict(
    served: &Served,
    tenant: &TenantId,
    member: &mut PlanMember,
    profile: &Profile,
    foods: &[PlanFood],
) -> OtherWords {
    let mut others = OtherWords::default();
    for word in &profile.allergens {
        match Allergen::named(word) {
            Ok(groups) => member.allergies.extend(
                groups.iter().filter(|one| !member.allergies.contains(one)).copied().collect::<Vec<_>>(),
            ),
            Err(_) => others.allergens.push(word.clone()),
        }
    }
    for word in &profile.diets {
        match labels::diet(word) {
            Some(diet) if !member.diets.contains(&diet) => member.diets.push(diet),
            Some(_) => {}
            None => others.diets.push(word.clone()),
        }
    }
    if others.is_empty() {
        return others;
    }
    let filter = Filter {
        profile_allergens: others.allergens.clone(),
        profile_diets: others.diets.clone(),
        allow_unknown_allergens: member.accept_unknown_allergens,
        ..Filter::default()
    };
    let served = served.find(tenant.as_str());
    let live = served.as_ref().map(|served| served.read());
    // What is no product is declared nowhere, so it is refused as what is not known.
    let record = |food_id: &str| live.as_ref().and_then(|live| live.serving.product(food_id));
    let refused = foods.iter().filter(|food| filter.why_refused(record(&food.food.food_id)).is_some());
    member.excluded_food_ids.extend(refused.map(|food| food.food.food_id.clone()));
    others
}

/// Lets what is recommended to customers count as liked, the more the higher it stands; what is
/// recommended to several counts as the one says who likes it most.
pub(crate) fn like(serving: &Serving, customers: &[&str], foods: &mut [PlanFood], now_us: i64) {
    let mut likings: HashMap<String, f64> = HashMap::new();
    for customer_id in customers.iter().filter(|customer_id| !customer_id.is_empty()) {
        let query = RecommendQuery {
            customer_id,
            limit: LIKED,
            filter: &Filter::default(),
            repeat_policy: RepeatPolicy::Allow,
            ranker: Ranker::Linear,
            arrangement: Arrangement::plain(),
            traits: &[],
            impressions: &[],
        };
        let ranked = serving.recommend(&query, now_us).items;
        let count = ranked.len().max(1) as f64;
        for (place, item) in ranked.into_iter().enumerate() {
            let liking = 1.0 - 0.5 * place as f64 / count;
            let known = likings.entry(item.product_id).or_insert(liking);
            *known = known.max(liking);
        }
    }
    for food in foods {
        if let Some(liking) = likings.get(&food.food.food_id) {
            food.liking = *liking;
        }
    }
}
