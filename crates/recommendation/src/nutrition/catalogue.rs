//! The products of a tenant as nutrition asks for them, out of memory, and the matching of those
//! whose nutrients nobody told.

use larder_identity::TenantId;

use super::food_match::MatchState;
use super::foods::{ProductFood, declared, product_food};
use super::generic_foods::GenericFoods;
use crate::error::Error;
use crate::served::Served;
use crate::store::food_matches::NewFoodMatch;

/// A product that a generic food may stand for.
#[derive(Clone, Debug)]
pub(crate) struct Unmatched {
    pub(crate) product_id: String,
    pub(crate) name: String,
    pub(crate) category: String,
}

/// One product as a food; a hidden one is not there.
pub(crate) fn product(
    served: &Served,
    tenant: &TenantId,
    generic: &GenericFoods,
    product_id: &str,
) -> Result<ProductFood, Error> {
    let missing =
        || if served.loaded() { Error::NotFound { noun: "product" } } else { Error::Unavailable(None) };
    let tenant = served.find(tenant.as_str()).ok_or_else(missing)?;
    let live = tenant.read();
    let product = live.serving.product(product_id).filter(|product| !product.hidden).ok_or_else(missing)?;
    Ok(product_food(product, &tenant.facts(), generic))
}

/// What an undegraded answer about products would have had; `None` when nothing is missing.
pub(crate) fn missing(served: &Served, tenant: &TenantId) -> Option<String> {
    (!served.database_reachable()).then(|| served.known_before(tenant))
}

/// Every visible product whose nutrients nobody told and about whose match nobody decided.
pub(crate) fn unmatched(served: &Served, tenant: &TenantId, category: &str) -> Result<Vec<Unmatched>, Error> {
    let Some(tenant) = served.find(tenant.as_str()) else {
        return if served.loaded() { Ok(Vec::new()) } else { Err(Error::Unavailable(None)) };
    };
    let (live, facts) = (tenant.read(), tenant.facts());
    let open = |product_id: &str| {
        let found = facts.matches.get(product_id);
        found.is_none_or(|found| found.state == MatchState::Estimated)
    };
    let products = live.serving.products().filter(|product| !product.hidden);
    let products = products.filter(|product| category.is_empty() || product.category == category);
    let untold = products.filter(|product| {
        declared(&product.nutrition).amounts().iter().all(|amount| amount.is_nan())
            && open(&product.product_id)
    });
    let named = untold.map(|product| Unmatched {
        product_id: product.product_id.clone(),
        name: product.name.clone(),
        category: product.category.clone(),
    });
    Ok(named.collect())
}

/// The closest generic food of a product, if there is one at least so sure.
pub(crate) fn estimate(product: &Unmatched, generic: &GenericFoods, least: f64) -> Option<NewFoodMatch> {
    let closest = generic.closest(&product.name, &product.category).into_iter().next()?;
    (closest.confidence >= least).then(|| NewFoodMatch {
        product_id: product.product_id.clone(),
        product_name: product.name.clone(),
        food_id: closest.food.food_id,
        confidence: closest.confidence,
        matched_words: closest.matched_words,
    })
}
