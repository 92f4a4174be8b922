//! What is asked of the ranking, checked, and its answer on the way out.

use std::{collections::HashSet, sync::Arc};

use larder_proto::larder::recommendation::v1::{
    BasketItem, Contribution, Explanation, PopularityKind, ProductRelation, RecommendNextBasketResponse,
    Recommendation, RecommendationFilter, RecommendationSource, Relaxation, RepeatPolicy, SimilarProduct,
};
use larder_ranking::{
    Delta, Expression, ExpressionCache, FeatureGroup, Filter, RankedItem, Relation, Source,
};

use crate::convert::timestamp;
use crate::error::Error;
use crate::given::{BasketAnswer, Detailed, Explained};
use crate::nutrition::customer_goals::NUTRITION_DELTA;
use crate::nutrition::labels;
use crate::nutrition::scoring::GOAL_REASON;
use crate::recommend::Question;
use crate::validate::Fields;

/// How many an answer has when nobody says.
pub(crate) const DEFAULT_LIMIT: usize = 10;
const MOST: i32 = 1_000;

/// How many are asked for: 0 means `default`.
pub(crate) fn limit(fields: &mut Fields, limit: i32, default: usize) -> usize {
    if !(0..=MOST).contains(&limit) {
        fields.refuse("limit", format!("must be from 1 to {MOST}, or 0 for {default}"));
    }
    match usize::try_from(limit) {
        Ok(0) | Err(_) => default,
        Ok(limit) => limit,
    }
}

/// The filter of a request; absent means everything that is in stock.
pub(crate) fn filter(
    fields: &mut Fields,
    expressions: &ExpressionCache,
    filter: Option<RecommendationFilter>,
) -> Filter {
    let filter = filter.unwrap_or_default();
    fields.texts("filter.categories", &filter.categories, 100, 128);
    fields.ids("filter.exclude_product_ids", &filter.exclude_product_ids, 10_000);
    let lowest = filter.min_price.as_ref().and_then(|price| fields.amount("filter.min_price", price));
    let highest = filter.max_price.as_ref().and_then(|price| fields.amount("filter.max_price", price));
    if let (Some(lowest), Some(highest)) = (&lowest, &highest) {
        if lowest.currency != highest.currency {
            fields.refuse("filter.max_price.currency_code", "must be the currency of min_price");
        } else if lowest.micros > highest.micros {
            fields.refuse("filter.max_price", "must not be below min_price");
        }
    }
    fields.texts("filter.exclude_allergens", &filter.exclude_allergens, 32, 64);
    fields.texts("filter.diets", &filter.diets, 32, 64);
    let expression = expression(fields, expressions, "filter.expression", &filter.expression);
    Filter {
        categories: filter.categories,
        exclude_product_ids: filter.exclude_product_ids.into_iter().collect::<HashSet<_>>(),
        min_price_micros: lowest.as_ref().map(|price| price.micros),
        max_price_micros: highest.as_ref().map(|price| price.micros),
        currency: lowest.or(highest).map(|price| price.currency),
        in_stock_only: filter.in_stock_only.unwrap_or(true),
        exclude_allergens: labels::with_groups(&filter.exclude_allergens),
        allow_unknown_allergens: filter.allow_unknown_allergens,
        diets: filter.diets,
        expression,
        ..Filter::default()
    }
}

/// An expression over `product`; nothing when it is empty.
fn expression(
    fields: &mut Fields,
    expressions: &ExpressionCache,
    field: &str,
    text: &str,
) -> Option<Arc<Expression>> {
    if text.is_empty() {
        return None;
    }
    match expressions.compile(text) {
        Ok(expression) => Some(expression),
        Err(error) => {
            fields.refuse(field, error.to_string());
            None
        }
    }
}

/// The repeat policy; groceries are bought again, so the default allows it.
pub(crate) fn repeat_policy(fields: &mut Fields, policy: i32) -> larder_ranking::RepeatPolicy {
    match RepeatPolicy::try_from(policy) {
        Ok(RepeatPolicy::Unspecified | RepeatPolicy::Allow) => larder_ranking::RepeatPolicy::Allow,
        Ok(RepeatPolicy::Exclude) => larder_ranking::RepeatPolicy::Exclude,
        Ok(RepeatPolicy::Only) => larder_ranking::RepeatPolicy::Only,
        Err(_) => {
            fields.refuse(
                "repeat_policy",
                "must be one of REPEAT_POLICY_ALLOW, REPEAT_POLICY_EXCLUDE, REPEAT_POLICY_ONLY",
            );
            larder_ranking::RepeatPolicy::Allow
        }
    }
}

/// How the products asked for stand to another; `None` means either way.
pub(crate) fn relation(fields: &mut Fields, relation: i32) -> Option<Relation> {
    match ProductRelation::try_from(relation) {
        Ok(ProductRelation::Unspecified) => None,
        Ok(ProductRelation::Substitute) => Some(Relation::Substitute),
        Ok(ProductRelation::Complement) => Some(Relation::Complement),
        Err(_) => {
            let known = "must be one of PRODUCT_RELATION_SUBSTITUTE, PRODUCT_RELATION_COMPLEMENT";
            fields.refuse("relation", known);
            None
        }
    }
}

/// What popular is to mean.
pub(crate) fn popularity(fields: &mut Fields, kind: i32) -> Question<'static> {
    match PopularityKind::try_from(kind) {
        Ok(PopularityKind::Unspecified | PopularityKind::MostBought) => Question::Popular,
        Ok(PopularityKind::Trending) => Question::Trending,
        Err(_) => {
            fields.refuse("kind", "must be one of POPULARITY_KIND_MOST_BOUGHT, POPULARITY_KIND_TRENDING");
            Question::Popular
        }
    }
}

/// Checks that the id of a path or request is one.
pub(crate) fn id(field: &str, id: &str) -> Result<(), Error> {
    let mut fields = Fields::default();
    fields.id(field, id);
    fields.finish(())
}

/// The message of one ranked product.
pub(crate) fn recommendation(item: RankedItem) -> Recommendation {
    let source = match item.source {
        Source::Personal => RecommendationSource::Personal,
        Source::Similar => RecommendationSource::Similar,
        Source::PopularInCategory => RecommendationSource::PopularInCategory,
        Source::Popular => RecommendationSource::Popular,
    };
    let source = if item.pinned { RecommendationSource::Pinned } else { source };
    Recommendation {
        product_id: item.product_id,
        score: item.score,
        source: source.into(),
        reasons: item.reasons,
        propensity: 1.0,
        ..Recommendation::default()
    }
}

/// The message of a ranked product with all that is told of it.
pub(crate) fn detailed(detailed: Detailed) -> Recommendation {
    let item = &detailed.item;
    let parts =
        detailed.explanation.as_ref().map(|of| contributions(of, (&item.deltas, &item.reasons), item.score));
    Recommendation {
        repeat: detailed.repeat,
        relevance: detailed.relevance,
        contributions: parts.unwrap_or_default(),
        ..recommendation(detailed.item)
    }
}

/// The parts of a score, which they add up to: those of the model, those of the arrangement,
/// and, of what fills a list up on the scale of what is above it, the difference.
fn contributions(
    explanation: &larder_ranking::Explanation,
    (deltas, reasons): (&[Delta], &[String]),
    score: f64,
) -> Vec<Contribution> {
    let part = |name: &str, value, sentence: &str| Contribution {
        name: name.to_owned(),
        value,
        sentence: sentence.to_owned(),
    };
    let mut parts = vec![part("base", explanation.base, "")];
    let of_model = explanation.contributions.iter();
    parts.extend(of_model.map(|of| part(group_name(of.group), of.amount, &of.sentence)));
    let goal = reasons.iter().find(|reason| reason.starts_with(GOAL_REASON)).map_or("", String::as_str);
    let sentence = |delta: &Delta| if delta.name == NUTRITION_DELTA && delta.value > 0.0 { goal } else { "" };
    parts.extend(deltas.iter().map(|delta| part(delta.name, delta.value, sentence(delta))));
    let difference = score - parts.iter().map(|part| part.value).sum::<f64>();
    if difference.abs() > 1e-6 {
        parts.push(part("place_in_list", difference, ""));
    }
    parts
}

/// The message of a wish that was given up.
pub(crate) fn relaxation(relaxation: &larder_ranking::Relaxation) -> Relaxation {
    Relaxation { wish: relaxation.wish.to_string(), detail: relaxation.detail.clone() }
}

/// The name of a kind of evidence on the wire.
fn group_name(group: FeatureGroup) -> &'static str {
    match group {
        FeatureGroup::OwnPurchases => "own_purchases",
        FeatureGroup::Rhythm => "rhythm",
        FeatureGroup::Household => "household",
        FeatureGroup::Popularity => "popularity",
        FeatureGroup::Loyalty => "loyalty",
        FeatureGroup::SimilarCustomers => "similar_customers",
        FeatureGroup::SimilarProducts => "similar_products",
        FeatureGroup::Category => "category",
        FeatureGroup::Brand => "brand",
        FeatureGroup::Disliked => "disliked",
    }
}

/// The message of a score that was taken apart.
pub(crate) fn explanation(explained: Explained) -> Explanation {
    let of_model = explained.explanation.as_ref().map_or(0.0, |of| of.score);
    let (score, deltas) = explained.shown.map_or((of_model, Vec::new()), |item| (item.score, item.deltas));
    let parts = explained.explanation.map(|of| contributions(&of, (&deltas, &explained.reasons), score));
    let mut contributions = parts.unwrap_or_default();
    contributions.sort_by(|one, other| other.value.abs().total_cmp(&one.value.abs()));
    Explanation {
        product_id: explained.product_id,
        score,
        contributions,
        rank: i32::try_from(explained.rank).unwrap_or(i32::MAX),
        refused_because: explained.refused_because,
        reasons: explained.reasons,
    }
}

/// The message of a basket that is expected.
pub(crate) fn next_basket(answer: BasketAnswer) -> RecommendNextBasketResponse {
    let shortfall = answer.basket.shortfall.map(|shortfall| shortfall.to_string()).unwrap_or_default();
    let items = answer.basket.items.into_iter().zip(answer.repeats).map(|(item, repeat)| BasketItem {
        product_id: item.item.product_id,
        score: item.item.score,
        probability: item.probability,
        expected_quantity: item.expected_quantity,
        due_at: item.due_at_us.map(timestamp),
        interval_days: item.interval_days,
        last_purchased_at: item.last_purchased_at_us.map(timestamp),
        repeat,
        reasons: item.item.reasons,
    });
    RecommendNextBasketResponse {
        recommendation_id: uuid::Uuid::now_v7().to_string(),
        items: items.collect(),
        next_basket_at: answer.basket.next_basket_at_us.map(timestamp),
        model_version: answer.model_version,
        degraded: answer.missing.is_some(),
        degraded_reason: answer.missing.unwrap_or(shortfall),
    }
}

/// The message of one product that stands near another.
pub(crate) fn similar_product(item: Recommendation, relation: Option<Relation>) -> SimilarProduct {
    let relation = match relation {
        None => ProductRelation::Unspecified,
        Some(Relation::Substitute) => ProductRelation::Substitute,
        Some(Relation::Complement) => ProductRelation::Complement,
    };
    SimilarProduct {
        product_id: item.product_id,
        score: item.score,
        source: item.source,
        reasons: item.reasons,
        relation: relation.into(),
    }
}

#[cfg(test)]
mod tests {
    use larder_proto::google::r#type::Money;

    use super::*;

    fn price(units: i64, currency: &str) -> Option<Money> {
        Some(Money { currency_code: currency.into(), units, nanos: 0 })
    }

    #[test]
    fn limits_are_bounded() {
        for (asked, refused) in [(-1, true), (0, false), (1_000, false), (1_001, true)] {
            let mut fields = Fields::default();
            limit(&mut fields, asked, DEFAULT_LIMIT);
            assert_eq!(fields.finish(()).is_err(), refused, "{asked}");
        }
    }

    #[test]
    fn price_bounds_must_agree() {
        let mut fields = Fields::default();
        let asked = RecommendationFilter {
            min_price: price(5, "USD"),
            max_price: price(4, "USD"),
            ..Default::default()
        };
        filter(&mut fields, &ExpressionCache::new(1), Some(asked));
        assert!(fields.finish(()).unwrap_err().to_string().starts_with("filter.max_price: "));
        let mut fields = Fields::default();
        let asked = RecommendationFilter {
            min_price: price(3, "USD"),
            max_price: price(4, "EUR"),
            ..Default::default()
        };
        filter(&mut fields, &ExpressionCache::new(1), Some(asked));
        assert!(fields.finish(()).is_err());
    }

    #[test]
    fn an_expression_is_refused_with_its_place() {
        let asked = |text: &str| RecommendationFilter { expression: text.into(), ..Default::default() };
        let mut fields = Fields::default();
        assert!(
            filter(&mut fields, &ExpressionCache::new(1), Some(asked("product.price < 5.0")))
                .expression
                .is_some()
        );
        assert!(filter(&mut fields, &ExpressionCache::new(1), Some(asked(""))).expression.is_none());
        assert!(fields.finish(()).is_ok());
        let mut fields = Fields::default();
        filter(&mut fields, &ExpressionCache::new(1), Some(asked("product.pric < 5.0")));
        let refused = fields.finish(()).unwrap_err().to_string();
        assert!(refused.starts_with("filter.expression: line 1, column 8: there is no field"), "{refused}");
    }
}
