//! Calls about the generic foods that stand for names and products.

use std::sync::Arc;

use futures::FutureExt;
use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::nutrition::v1::*;

use crate::convert::food;
use crate::error::Error;
use crate::metrics;
use crate::nutrition::catalogue;
use crate::nutrition::food_match::{FoodMatch as KnownMatch, MatchState};
use crate::nutrition::foods::ProductFood;
use crate::state::State;
use crate::store::food_matches::{self, MatchPage, NewFoodMatch};
use crate::store::{interactions, tenants};
use crate::validate::Fields;
use crate::write::Write;

const MOST_NAMES: usize = 1_000;
const MOST_CANDIDATES: i32 = 5;
const DEFAULT_CANDIDATES: usize = 3;

/// Tells what is known of a product.
pub(super) async fn describe(
    state: &State,
    tenant: &TenantId,
    request: DescribeProductRequest,
) -> Result<DescribeProductResponse, Error> {
    let mut fields = Fields::default();
    fields.id("product_id", &request.product_id);
    fields.finish(())?;
    let (served, generic, of) = (state.served.clone(), state.generic_foods.clone(), tenant.clone());
    let id = request.product_id.clone();
    // The table of generic foods is read when somebody first asks: not on a thread that answers shoppers.
    let found = tokio::task::spawn_blocking(move || catalogue::product(&served, &of, &generic, &id)).await;
    let found: ProductFood = found.map_err(|error| Error::Internal(format!("describing: {error}")))??;
    let missing = catalogue::missing(&state.served, tenant);
    metrics::nutrition_answered("describe_product", missing.is_some());
    let matched = found
        .matched
        .as_ref()
        .map(|known| food::known_match(&found.food, known, state.generic_foods.find(&known.food_id)));
    let of_food = &found.food;
    Ok(DescribeProductResponse {
        product_id: of_food.food_id.clone(),
        name: of_food.name.clone(),
        nutrients_per_100g: Some(food::nutrients(&of_food.per_100g)),
        nutrient_source: food::source(found.source).into(),
        food_match: matched,
        serving_g: of_food.serving_g.map(food::shortest),
        pack_g: found.pack_g,
        allergens: food::allergen_findings(&of_food.allergens, &found.declared_allergens),
        diets: food::diet_findings(&of_food.diets, &found.declared_diets),
        degraded: missing.is_some(),
        degraded_reason: missing.unwrap_or_default(),
    })
}

/// Finds the generic foods that names may stand for.
pub(super) async fn find(state: &State, request: MatchFoodsRequest) -> Result<MatchFoodsResponse, Error> {
    let mut fields = Fields::default();
    if request.names.is_empty() || request.names.len() > MOST_NAMES {
        let count = request.names.len();
        fields.refuse("names", format!("must have 1 to {MOST_NAMES} entries; this has {count}"));
    }
    for (index, name) in request.names.iter().enumerate().filter(|_| request.names.len() <= MOST_NAMES) {
        fields.text(&format!("names[{index}].name"), &name.name, 1, 256);
        fields.text(&format!("names[{index}].category"), &name.category, 0, 128);
    }
    fields.whole("limit", request.limit.into(), 0, MOST_CANDIDATES.into());
    fields.finish(())?;
    let limit = match usize::try_from(request.limit) {
        Ok(0) | Err(_) => DEFAULT_CANDIDATES,
        Ok(limit) => limit,
    };
    let generic = state.generic_foods.clone();
    let matched = tokio::task::spawn_blocking(move || {
        let of = |asked: FoodName| MatchedName {
            candidates: generic
                .closest(&asked.name, &asked.category)
                .into_iter()
                .take(limit)
                .map(food::candidate)
                .collect(),
            name: asked.name,
        };
        request.names.into_iter().map(of).collect()
    });
    let matches = matched.await.map_err(|error| Error::Internal(format!("matching names: {error}")))?;
    metrics::nutrition_answered("match_foods", false);
    Ok(MatchFoodsResponse { matches })
}

/// Lists matches, the most doubtful first.
pub(super) async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListFoodMatchesRequest,
) -> Result<ListFoodMatchesResponse, Error> {
    let size = page::size(request.page_size)?;
    let mut fields = Fields::default();
    fields.optional_number("max_confidence", request.max_confidence, 0.0, 1.0);
    let asked = food::asked_state(&mut fields, "state", request.state);
    fields.finish(())?;
    let most_confidence = request.max_confidence.unwrap_or(1.0);
    let filters = format!("{asked:?}/{most_confidence}");
    let of = PageOf { tenant, list: "food_matches", filters };
    let place = state.pages.read(&of, &request.page_token)?;
    let after = place.as_deref().and_then(|place| place.split_once('/'));
    let after = after.and_then(|(confidence, product)| Some((confidence.parse().ok()?, product)));
    let page = MatchPage { state: asked.map(MatchState::name), most_confidence, after, size: size + 1 };
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = food_matches::list(&mut transaction, tenant, page).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| format!("{}/{}", row.confidence, row.product_id));
    let shown = rows.into_iter().map(|row| {
        let food = state.generic_foods.find(&row.food_id);
        food::stored_match(row, food)
    });
    Ok(ListFoodMatchesResponse {
        food_matches: shown.collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

/// Writes down what somebody decided about the match of a product.
pub(super) async fn confirm(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: ConfirmFoodMatchRequest,
) -> Result<ConfirmFoodMatchResponse, Error> {
    let mut fields = Fields::default();
    fields.id("product_id", &request.product_id);
    if request.reject && !request.food_id.is_empty() {
        fields.refuse("food_id", "must be left out when the match is rejected");
    }
    if !request.food_id.is_empty() && state.generic_foods.find(&request.food_id).is_none() {
        fields.refuse("food_id", "must be the food_id of a generic food, as MatchFoods tells it");
    }
    fields.finish(())?;
    let product = named_product(state, tenant, &request.product_id)?;
    let write = Write { pool: &state.app, tenant, method: "ConfirmFoodMatch", key };
    let generic = Arc::clone(&state.generic_foods);
    let written = write
        .run(&request, |db| {
            let (tenant, request) = (tenant.clone(), request.clone());
            async move {
                tenants::remember(db, &tenant).await?;
                let known = food_matches::get(db, &tenant, &request.product_id).await;
                let known = match known {
                    Ok(row) => Some(row),
                    Err(Error::NotFound { .. }) => None,
                    Err(error) => return Err(error),
                };
                let estimated = known.map(|row| row.food_id).filter(|food_id| !food_id.is_empty());
                let food_id = match (request.reject, request.food_id.is_empty(), estimated) {
                    (true, ..) => String::new(),
                    (false, false, _) => request.food_id.clone(),
                    (false, true, Some(food_id)) => food_id,
                    (false, true, None) => {
                        let why = "must name a generic food: none was estimated for this product";
                        return Err(Error::invalid("food_id", why));
                    }
                };
                let state = if request.reject { MatchState::Rejected } else { MatchState::Confirmed };
                let decided = decided(&product, food_id, &generic);
                let place = food_matches::decide(db, &tenant, &decided, state).await?;
                interactions::wake_followers(db).await?;
                let row = food_matches::get(db, &tenant, &request.product_id).await?;
                let found = KnownMatch { state, food_id: row.food_id.clone(), confidence: row.confidence };
                let food = generic.find(&row.food_id);
                let response = ConfirmFoodMatchResponse { food_match: Some(food::stored_match(row, food)) };
                Ok((response, (place, found)))
            }
            .boxed()
        })
        .await?;
    if let Some((place, found)) = written.after {
        state.served.change_matches(tenant, [(request.product_id, place, found)]);
    }
    Ok(written.response)
}

/// What is written of a decision: surer than anything that was found by name.
fn decided(
    product: &catalogue::Unmatched,
    food_id: String,
    generic: &crate::nutrition::generic_foods::GenericFoods,
) -> NewFoodMatch {
    let found = generic.closest(&product.name, &product.category).into_iter();
    let matched_words = found.filter(|one| one.food.food_id == food_id).map(|one| one.matched_words).next();
    NewFoodMatch {
        product_id: product.product_id.clone(),
        product_name: product.name.clone(),
        food_id,
        confidence: 1.0,
        matched_words: matched_words.unwrap_or_default(),
    }
}

fn named_product(state: &State, tenant: &TenantId, product_id: &str) -> Result<catalogue::Unmatched, Error> {
    let served = state.served.find(tenant.as_str()).ok_or(Error::NotFound { noun: "product" })?;
    let live = served.read();
    let product = live.serving.product(product_id).filter(|product| !product.hidden);
    let product = product.ok_or(Error::NotFound { noun: "product" })?;
    Ok(catalogue::Unmatched {
        product_id: product.product_id.clone(),
        name: product.name.clone(),
        category: product.category.clone(),
    })
}
