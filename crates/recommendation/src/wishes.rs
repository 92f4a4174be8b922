//! From wishes to an arrangement: what the request says, over what the placement says, with
//! the promotions that run now.

use larder_ranking::{Arrangement, Boost, CategoryCap, ExpressionCache, Pin, Promoted};

use crate::arrangement;
use crate::model_settings::file::Placement;
use crate::profile::Facts;
use crate::validate::Fields;

/// What a placement says of the arrangement of its lists.
pub(crate) fn of_placement(placement: &Placement) -> arrangement::Arrangement {
    let boosts = placement
        .boosts
        .iter()
        .map(|boost| arrangement::Boost { expression: boost.expression.clone(), strength: boost.strength });
    let caps = placement
        .category_caps
        .iter()
        .map(|cap| arrangement::CategoryCap { category: cap.category.clone(), max_count: cap.max_count });
    arrangement::Arrangement {
        boosts: boosts.collect(),
        pins: Vec::new(),
        diversity: Some(placement.diversity),
        category_caps: caps.collect(),
        rotation: Some(placement.rotation),
        min_relevance: Some(placement.min_relevance),
        promotion_strength: Some(placement.promotion_strength),
        nutrition_strength: Some(placement.nutrition_strength),
        exploration: Some(placement.exploration),
    }
}

/// The arrangement that the ranking understands; an expression that does not compile is
/// refused by name.
pub(crate) fn compile(
    fields: &mut Fields,
    expressions: &ExpressionCache,
    wishes: &arrangement::Arrangement,
) -> Arrangement {
    let mut boosts = Vec::with_capacity(wishes.boosts.len());
    for (index, boost) in wishes.boosts.iter().enumerate() {
        match expressions.compile(&boost.expression) {
            Ok(expression) => boosts.push(Boost { expression, strength: boost.strength }),
            Err(error) => {
                fields.refuse(&format!("arrangement.boosts[{index}].expression"), error.to_string());
            }
        }
    }
    let caps = wishes.category_caps.iter();
    let pins = wishes.pins.iter();
    Arrangement {
        boosts,
        pins: pins
            .map(|pin| Pin { product_id: pin.product_id.clone(), position: pin.position as usize })
            .collect(),
        diversity: wishes.diversity.unwrap_or(0.0),
        category_caps: caps
            .map(|cap| CategoryCap { category: cap.category.clone(), max_count: cap.max_count as usize })
            .collect(),
        rotation: wishes.rotation.unwrap_or(0.0),
        min_relevance: wishes.min_relevance.unwrap_or(0.0),
        promotion_strength: wishes.promotion_strength.unwrap_or(0.0),
        promoted: None,
        fit_strength: wishes.nutrition_strength.unwrap_or(0.0),
        fit: None,
        spare: 0,
    }
}

/// What is in a promotion that runs at `now_us`, in microseconds since 1970.
pub(crate) fn promoted(facts: &Facts, now_us: i64) -> Promoted {
    let mut promoted = Promoted::default();
    for (_, promotion) in facts.promotions.iter().filter(|(_, promotion)| promotion.runs_at(now_us)) {
        promoted.product_ids.extend(promotion.product_ids.iter().cloned());
        promoted.categories.extend(promotion.categories.iter().cloned());
    }
    promoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Promotion;
    use crate::store::LogPosition;

    #[test]
    fn only_running_promotions_promote() {
        let mut facts = Facts::default();
        for (id, starts_at_us, ends_at_us) in [("past", 0, 10), ("now", 5, 20), ("later", 15, 30)] {
            let promotion = Promotion {
                product_ids: vec![id.into()],
                categories: vec![format!("{id} shelf")],
                starts_at_us,
                ends_at_us,
            };
            facts.promotions.change(id.into(), LogPosition { xid: 1, sequence: 1 }, Some(promotion));
        }
        let promoted = promoted(&facts, 12);
        assert_eq!(promoted.product_ids, ["now".to_owned()].into());
        assert_eq!(promoted.categories, ["now shelf".to_owned()].into());
    }

    #[test]
    fn a_boost_that_does_not_compile_is_named() {
        let boost = arrangement::Boost { expression: "product.pric > 1.0".into(), strength: 1.0 };
        let wishes = arrangement::Arrangement { boosts: vec![boost], ..arrangement::Arrangement::default() };
        let mut fields = Fields::default();
        compile(&mut fields, &ExpressionCache::new(1), &wishes);
        let refusal = fields.finish(()).unwrap_err().to_string();
        assert!(refusal.starts_with("arrangement.boosts[0].expression: "), "{refusal}");
    }
}
