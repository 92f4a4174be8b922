//! The ranges that the fields of the model settings must keep. They are the ones the schema
//! tells; a test goes through the schema and tries each bound.

use larder_ranking::Expression;

use crate::model_settings::file::{
    Boost, CategoryCap, Evaluation, ModelSettingsFile, Placement, Ranker, Training,
};
use crate::model_settings::rules;
use crate::validate::Fields;

/// Checks every value of a file.
pub(super) fn check(fields: &mut Fields, file: &ModelSettingsFile) {
    training(fields, "training", &file.training);
    rules::check(fields, "nutrition", &file.nutrition, &[]);
    for (name, of) in &file.placements {
        placement(fields, &format!("placements.{name}"), name, of);
    }
    for (tenant, of) in &file.tenants {
        if larder_identity::TenantId::parse(tenant).is_err() {
            fields.refuse(&format!("tenants.{tenant}"), "must be the id of a tenant");
        }
        training(fields, &format!("tenants.{tenant}.training"), &of.training);
        rules::check(
            fields,
            &format!("tenants.{tenant}.nutrition"),
            &of.nutrition,
            &file.nutrition.guidelines,
        );
        for (name, of) in &of.placements {
            placement(fields, &format!("tenants.{tenant}.placements.{name}"), name, of);
        }
    }
}

fn training(fields: &mut Fields, at: &str, training: &Training) {
    let Training {
        popularity_half_life_days,
        personal_half_life_days,
        neighbours_per_product,
        factors,
        log_limit_bytes,
        ranker: of_ranker,
        evaluation: of_evaluation,
    } = training;
    fields.number(&format!("{at}.popularity_half_life_days"), *popularity_half_life_days, 0.1, 3_650.0);
    fields.number(&format!("{at}.personal_half_life_days"), *personal_half_life_days, 0.1, 3_650.0);
    fields.whole(&format!("{at}.neighbours_per_product"), (*neighbours_per_product).into(), 1, 1_000);
    fields.whole(&format!("{at}.factors"), (*factors).into(), 0, 256);
    let bytes = i64::try_from(*log_limit_bytes).unwrap_or(i64::MAX);
    fields.whole(&format!("{at}.log_limit_bytes"), bytes, 1_048_576, 1_099_511_627_776);
    ranker(fields, &format!("{at}.ranker"), of_ranker);
    evaluation(fields, &format!("{at}.evaluation"), of_evaluation);
}

fn ranker(fields: &mut Fields, at: &str, ranker: &Ranker) {
    fields.whole(&format!("{at}.trees"), ranker.trees.into(), 1, 150);
    fields.whole(&format!("{at}.leaves"), ranker.leaves.into(), 2, 31);
    fields.whole(&format!("{at}.horizon_days"), ranker.horizon_days.into(), 1, 365);
}

fn evaluation(fields: &mut Fields, at: &str, evaluation: &Evaluation) {
    fields.whole(&format!("{at}.horizon_days"), evaluation.horizon_days.into(), 1, 365);
    fields.whole(&format!("{at}.list_length"), evaluation.list_length.into(), 1, 100);
    fields.whole(&format!("{at}.bootstrap_samples"), evaluation.bootstrap_samples.into(), 100, 10_000);
}

fn placement(fields: &mut Fields, at: &str, name: &str, placement: &Placement) {
    fields.placement(at, name);
    fields.whole(&format!("{at}.limit"), placement.limit.into(), 1, 1_000);
    fields.number(&format!("{at}.diversity"), placement.diversity, 0.0, 1.0);
    fields.number(&format!("{at}.rotation"), placement.rotation, 0.0, 1.0);
    fields.number(&format!("{at}.min_relevance"), placement.min_relevance, 0.0, 1.0);
    fields.number(&format!("{at}.promotion_strength"), placement.promotion_strength, 0.0, 10.0);
    fields.number(&format!("{at}.nutrition_strength"), placement.nutrition_strength, 0.0, 10.0);
    fields.number(&format!("{at}.exploration"), placement.exploration, 0.0, 0.5);
    if placement.category_caps.len() > 100 {
        fields.refuse(&format!("{at}.category_caps"), "must have at most 100 entries");
    }
    for (index, CategoryCap { category, max_count }) in placement.category_caps.iter().enumerate() {
        fields.text(&format!("{at}.category_caps[{index}].category"), category, 0, 128);
        fields.whole(&format!("{at}.category_caps[{index}].max_count"), (*max_count).into(), 1, 1_000);
    }
    if placement.boosts.len() > 20 {
        fields.refuse(&format!("{at}.boosts"), "must have at most 20 entries");
    }
    for (index, Boost { expression, strength }) in placement.boosts.iter().enumerate() {
        let field = format!("{at}.boosts[{index}].expression");
        fields.text(&field, expression, 1, 2_048);
        // A boost that cannot be worked out would fail every answer of the place.
        if let Err(error) = Expression::compile(expression)
            && !expression.is_empty()
        {
            fields.refuse(&field, error.to_string());
        }
        fields.number(&format!("{at}.boosts[{index}].strength"), *strength, -10.0, 10.0);
    }
}
