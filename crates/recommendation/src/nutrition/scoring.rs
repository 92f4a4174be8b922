//! Scores of the whole catalogue for a goal, so that recommendations may follow it: measured once
//! when products have changed, scored once for each goal, and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larder_nutrition::{
    DailyValues, Food, Measure, ScoreColumns, ScoreInput, ScoreModel, nutri_score_category,
};
use larder_ranking::{Fit, ProductRecord};
use tokio::time::Instant;

use super::foods::declared_food;
use super::generic_foods::GenericFoods;
use crate::profile::Facts;
use crate::served::ServedTenant;

/// A catalogue that changes all the time is measured again no oftener than this,
const FRESH: Duration = Duration::from_secs(1);
/// nor for more than this part of the time.
const SHARE: u32 = 20;
/// A product so many standard deviations above the mean fits a goal as well as can be.
const BEST_FIT_DEVIATIONS: f32 = 2.0;
/// What a reason begins with that a goal gives.
pub(crate) const GOAL_REASON: &str = "fits your goal: ";
/// A measure that is worth so much of its best is a reason.
const REASON_WORTH: f64 = 0.7;

/// What fits which goal, of every tenant.
#[derive(Default)]
pub(crate) struct GoalFits {
    tenants: Mutex<HashMap<String, Arc<Mutex<Measured>>>>,
}

/// The measures of a catalogue, and the fits that were worked out from them.
#[derive(Default)]
struct Measured {
    /// Changes of products, and of the foods that stand for them.
    generation: Option<(u64, u64)>,
    at: Option<Instant>,
    took: Duration,
    product_ids: Vec<String>,
    columns: ScoreColumns,
    fits: Vec<(ScoreModel, Arc<Fit>)>,
}

impl GoalFits {
    /// How well each product of a tenant fits a goal.
    pub(crate) fn of(
        &self,
        name: &str,
        tenant: &ServedTenant,
        model: &ScoreModel,
        generic: &GenericFoods,
    ) -> Arc<Fit> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let measured = tenants.entry(name.to_owned()).or_default().clone();
        drop(tenants);
        let mut measured = measured.lock().unwrap_or_else(PoisonError::into_inner);
        measured.refresh(tenant, generic);
        measured.fit(model)
    }
}

impl Measured {
    fn refresh(&mut self, tenant: &ServedTenant, generic: &GenericFoods) {
        let generation = (tenant.generation().0, tenant.facts().matches.generation());
        let started = Instant::now();
        let is_fresh = self.at.is_some_and(|at| started - at < FRESH.max(self.took * SHARE));
        if self.generation == Some(generation) || is_fresh {
            return;
        }
        let (live, facts) = (tenant.read(), tenant.facts());
        let products = live.serving.products().filter(|product| !product.hidden);
        let foods: Vec<_> = products.map(|product| measured_food(product, &facts, generic)).collect();
        drop((facts, live));
        self.columns = ScoreColumns::of(foods.iter().map(score_input), &DailyValues::fda_2016());
        self.product_ids = foods.into_iter().map(|food| food.food_id).collect();
        self.fits.clear();
        (self.generation, self.at, self.took) = (Some(generation), Some(started), started.elapsed());
    }

    fn fit(&mut self, model: &ScoreModel) -> Arc<Fit> {
        if let Some((_, fit)) = self.fits.iter().find(|(known, _)| known == model) {
            return fit.clone();
        }
        let scored = self.columns.score(model);
        let known: Vec<f32> = scored.iter().map(|one| one.score).filter(|score| !score.is_nan()).collect();
        let count = known.len().max(1) as f32;
        let mean = known.iter().sum::<f32>() / count;
        let variance = known.iter().map(|score| (score - mean).powi(2)).sum::<f32>() / count;
        let scale = BEST_FIT_DEVIATIONS * variance.sqrt().max(f32::EPSILON);
        let fits = self.product_ids.iter().zip(&scored).filter(|(_, one)| !one.score.is_nan());
        let fits = fits.map(|(product_id, one)| {
            // What is hardly known hardly counts.
            (product_id.clone(), ((one.score - mean) / scale).clamp(-1.0, 1.0) * one.confidence)
        });
        let fit = Arc::new(Fit(fits.collect()));
        self.fits.push((model.clone(), fit.clone()));
        fit
    }
}

/// A product as far as scores need it.
fn measured_food(product: &ProductRecord, facts: &Facts, generic: &GenericFoods) -> Food {
    declared_food(product, facts, generic).food
}

/// What scores are worked out from.
pub(crate) fn score_input(food: &Food) -> ScoreInput<'_> {
    ScoreInput {
        per_100g: &food.per_100g,
        category: nutri_score_category(&food.name, &food.category, food.kinds).unwrap_or_default(),
        fruit_percent: food.fruit_percent.map(f64::from),
        has_sweetener: food.has_sweetener,
    }
}

/// Why a product fits a goal, for a shopper: "fits your goal: high in protein". `None` when nothing
/// that is known of it stands out.
pub(crate) fn reason(food: &Food, model: &ScoreModel) -> Option<String> {
    let score = model.score(&score_input(food), &DailyValues::fda_2016());
    let stands_out = |one: &&larder_nutrition::Contribution| {
        one.value.is_some() && one.most_points > 0.0 && one.points >= REASON_WORTH * one.most_points
    };
    let strongest = score.contributions.iter().filter(stands_out);
    let strongest = strongest.max_by(|one, two| one.points.total_cmp(&two.points))?;
    Some(format!("{GOAL_REASON}{}", praise(strongest.measure)))
}

fn praise(measure: Measure) -> &'static str {
    match measure {
        Measure::EnergyPer100g => "low in energy",
        Measure::ProteinPer100g | Measure::ProteinPer100Kcal => "high in protein",
        Measure::FibrePer100Kcal | Measure::FibrePer100g => "high in fibre",
        Measure::SugarsPer100g => "low in sugar",
        Measure::AddedSugarsPer100g => "low in added sugar",
        Measure::SaturatedFatPer100g => "low in saturated fat",
        Measure::SodiumPer100g => "low in salt",
        Measure::NetCarbohydratePer100g => "low in carbohydrate",
        Measure::NutriScorePoints => "a good Nutri-Score",
        Measure::Nrf93 => "many nutrients for its energy",
    }
}

/// The name of the built-in score model of a goal; `None` when there is no goal. Goals are as the
/// contract numbers them.
pub(crate) fn model_of_goal(goal: i16) -> Option<&'static str> {
    match goal {
        1 => Some("weight_loss"),
        2 => Some("balanced"),
        3 => Some("muscle_gain"),
        _ => None,
    }
}
