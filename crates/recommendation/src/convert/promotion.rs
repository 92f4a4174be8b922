//! Promotions in and out.

use larder_proto::larder::catalog::v1::Promotion;

use crate::convert::timestamp;
use crate::error::Error;
use crate::profile;
use crate::store::promotions::{NewPromotion, PromotionRow};
use crate::validate::Fields;

/// Checks a promotion and makes the row of it.
pub(crate) fn from_wire(promotion: Promotion) -> Result<NewPromotion, Error> {
    let mut fields = Fields::default();
    fields.id("promotion_id", &promotion.promotion_id);
    fields.text("name", &promotion.name, 1, 256);
    fields.ids("product_ids", &promotion.product_ids, 1_000);
    fields.texts("categories", &promotion.categories, 1_000, 128);
    if promotion.product_ids.is_empty() && promotion.categories.is_empty() {
        fields.refuse("product_ids", "must name a product, unless categories names a category");
    }
    fields.positive("discount_percent", promotion.discount_percent, 100.0);
    let starts_at = required(&mut fields, "starts_at", promotion.starts_at.as_ref());
    let ends_at = required(&mut fields, "ends_at", promotion.ends_at.as_ref());
    if matches!((starts_at, ends_at), (Some(starts), Some(ends)) if ends <= starts) {
        fields.refuse("ends_at", "must be after starts_at");
    }
    fields.finish(NewPromotion {
        promotion_id: promotion.promotion_id,
        name: promotion.name,
        product_ids: promotion.product_ids,
        categories: promotion.categories,
        discount_percent: promotion.discount_percent,
        starts_at_us: starts_at.unwrap_or_default(),
        ends_at_us: ends_at.unwrap_or_default(),
    })
}

fn required(fields: &mut Fields, field: &str, at: Option<&prost_types::Timestamp>) -> Option<i64> {
    let Some(at) = at else {
        fields.refuse(field, "is required");
        return None;
    };
    fields.instant(field, at, None)
}

/// What answers need to know of a promotion that was just written.
pub(crate) fn to_fact(row: &NewPromotion) -> profile::Promotion {
    profile::Promotion {
        product_ids: row.product_ids.clone(),
        categories: row.categories.clone(),
        starts_at_us: row.starts_at_us,
        ends_at_us: row.ends_at_us,
    }
}

/// The message of a stored promotion.
pub(crate) fn to_wire(row: PromotionRow) -> Promotion {
    Promotion {
        promotion_id: row.promotion_id,
        name: row.name,
        product_ids: row.product_ids,
        categories: row.categories,
        discount_percent: row.discount_percent,
        starts_at: Some(timestamp(row.starts_at_us)),
        ends_at: Some(timestamp(row.ends_at_us)),
        created_at: Some(timestamp(row.created_at_us)),
        updated_at: Some(timestamp(row.updated_at_us)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promotion_must_end_after_it_starts() {
        let promotion = Promotion {
            promotion_id: "summer".into(),
            name: "Summer".into(),
            categories: vec!["Fruit".into()],
            discount_percent: 0.0,
            starts_at: Some(timestamp(2_000_000)),
            ends_at: Some(timestamp(1_000_000)),
            ..Promotion::default()
        };
        let error = from_wire(promotion).unwrap_err().to_string();
        assert!(error.contains("ends_at: must be after starts_at"), "{error}");
        assert!(error.contains("discount_percent: must be a number"), "{error}");
    }
}
