//! What is asked of the ranking, checked, and its answer on the way out.

use std::{collections::HashSet, sync::Arc};

use larder_proto::larder::recommendation::v1::{
    Recommendation, RecommendationFilter, RecommendationSource, RepeatPolicy, SimilarProduct,
};
use larder_ranking::{Expression, Filter, RankedItem, Source};

use crate::error::Error;
use crate::validate::Fields;

const DEFAULT_LIMIT: usize = 10;
const MOST: i32 = 1_000;

/// How many are asked for: 0 means 10.
pub(crate) fn limit(fields: &mut Fields, limit: i32) -> usize {
    if !(0..=MOST).contains(&limit) {
        fields.refuse("limit", format!("must be from 1 to {MOST}, or 0 for {DEFAULT_LIMIT}"));
    }
    match usize::try_from(limit) {
        Ok(0) | Err(_) => DEFAULT_LIMIT,
        Ok(limit) => limit,
    }
}

/// The filter of a request; absent means everything that is in stock.
pub(crate) fn filter(fields: &mut Fields, filter: Option<RecommendationFilter>) -> Filter {
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
    let expression = expression(fields, "filter.expression", &filter.expression);
    Filter {
        categories: filter.categories,
        exclude_product_ids: filter.exclude_product_ids.into_iter().collect::<HashSet<_>>(),
        min_price_micros: lowest.as_ref().map(|price| price.micros),
        max_price_micros: highest.as_ref().map(|price| price.micros),
        currency: lowest.or(highest).map(|price| price.currency),
        in_stock_only: filter.in_stock_only.unwrap_or(true),
        exclude_allergens: filter.exclude_allergens,
        allow_unknown_allergens: filter.allow_unknown_allergens,
        diets: filter.diets,
        expression,
        ..Filter::default()
    }
}

/// An expression over `product`; nothing when it is empty.
fn expression(fields: &mut Fields, field: &str, text: &str) -> Option<Arc<Expression>> {
    if text.is_empty() {
        return None;
    }
    match Expression::compile(text) {
        Ok(expression) => Some(Arc::new(expression)),
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
    Recommendation {
        product_id: item.product_id,
        score: item.score,
        source: source.into(),
        reasons: item.reasons,
        propensity: 1.0,
        ..Recommendation::default()
    }
}

/// The message of one product that stands near another.
pub(crate) fn similar_product(item: Recommendation) -> SimilarProduct {
    SimilarProduct {
        product_id: item.product_id,
        score: item.score,
        source: item.source,
        reasons: item.reasons,
        ..SimilarProduct::default()
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
            limit(&mut fields, asked);
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
        filter(&mut fields, Some(asked));
        assert!(fields.finish(()).unwrap_err().to_string().starts_with("filter.max_price: "));
        let mut fields = Fields::default();
        let asked = RecommendationFilter {
            min_price: price(3, "USD"),
            max_price: price(4, "EUR"),
            ..Default::default()
        };
        filter(&mut fields, Some(asked));
        assert!(fields.finish(()).is_err());
    }

    #[test]
    fn an_expression_is_refused_with_its_place() {
        let asked = |text: &str| RecommendationFilter { expression: text.into(), ..Default::default() };
        let mut fields = Fields::default();
        assert!(filter(&mut fields, Some(asked("product.price < 5.0"))).expression.is_some());
        assert!(filter(&mut fields, Some(asked(""))).expression.is_none());
        assert!(fields.finish(()).is_ok());
        let mut fields = Fields::default();
        filter(&mut fields, Some(asked("product.pric < 5.0")));
        let refused = fields.finish(()).unwrap_err().to_string();
        assert!(refused.starts_with("filter.expression: line 1, column 8: there is no field"), "{refused}");
    }
}
