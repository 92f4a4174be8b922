//! What the goal of a customer does to a recommendation: which products fit it, and why.

use std::sync::Arc;

use larder_identity::TenantId;
use larder_nutrition::ScoreModel;
use larder_ranking::{Fit, RankedItem, Serving};

use super::foods::declared_food;
use super::generic_foods::GenericFoods;
use super::scoring::{GoalFits, model_of_goal, reason};
use crate::model_settings::ModelSettings;
use crate::profile::Profile;
use crate::served::ServedTenant;

/// Whose goal counts.
#[derive(Clone, Copy)]
pub(crate) enum GoalOf<'a> {
    /// A customer's, as their profile tells it.
    Customer(&'a str),
    /// A visitor's, as they told it.
    Visitor(&'a Profile),
}

/// The goals of customers, by the rules of their tenants.
pub(crate) struct CustomerGoals {
    settings: Arc<ModelSettings>,
    generic: Arc<GenericFoods>,
    fits: GoalFits,
}

impl CustomerGoals {
    pub(crate) fn new(settings: Arc<ModelSettings>, generic: Arc<GenericFoods>) -> Self {
        Self { settings, generic, fits: GoalFits::default() }
    }

    /// How well products fit somebody's goal; `None` for one who has none.
    pub(crate) fn fit(
        &self,
        tenant: &TenantId,
        served: &ServedTenant,
        whose: GoalOf<'_>,
    ) -> Option<Arc<Fit>> {
        let model = self.model(tenant, served, whose)?;
        Some(self.fits.of(tenant.as_str(), served, &model, &self.generic))
    }

    /// Adds to products that rose by somebody's goal why they fit it.
    pub(crate) fn tell(
        &self,
        tenant: &TenantId,
        served: &ServedTenant,
        serving: &Serving,
        (whose, items): (GoalOf<'_>, &mut [RankedItem]),
    ) {
        let rose = |item: &RankedItem| {
            item.deltas.iter().any(|delta| delta.name == NUTRITION_DELTA && delta.value > 0.0)
        };
        if !items.iter().any(rose) {
            return;
        }
        let Some(model) = self.model(tenant, served, whose) else { return };
        let facts = served.facts();
        for item in items.iter_mut().filter(|item| rose(item)) {
            let Some(product) = serving.product(&item.product_id) else { continue };
            let food = declared_food(product, &facts, &self.generic).food;
            item.reasons.extend(reason(&food, &model));
        }
    }

    /// The score that a goal stands for: the one their profile names, or the one of
    /// its direction.
    fn model(&self, tenant: &TenantId, served: &ServedTenant, whose: GoalOf<'_>) -> Option<ScoreModel> {
        let of_customer;
        let profile = match whose {
            GoalOf::Visitor(told) => told,
            GoalOf::Customer(customer_id) => {
                of_customer = served.facts().profiles.get(customer_id).cloned()?;
                &*of_customer
            }
        };
        let rules = &self.settings.of(tenant.as_str()).rules;
        let own = Some(profile.score_goal.as_str()).filter(|name| !name.is_empty());
        // A goal that the settings no longer know counts as none of its own.
        let own = own.and_then(|name| rules.find_score_model(name));
        own.or_else(|| rules.find_score_model(model_of_goal(profile.goal)?))
    }
}

/// What a goal adds to a score is called so in its deltas.
pub(crate) const NUTRITION_DELTA: &str = "nutrition";
