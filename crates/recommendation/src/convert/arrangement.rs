//! Arrangements in and out.

use larder_proto::larder::recommendation::v1 as wire;

use crate::arrangement::{Arrangement, Boost, CategoryCap, Pin};
use crate::validate::Fields;

const MOST_BOOSTS: usize = 20;
const MOST_PINS: usize = 20;
const MOST_CAPS: usize = 100;
const MOST_POSITION: i32 = 1_000;

/// Checks an arrangement; absent says nothing and leaves everything as it is below.
pub(crate) fn from_wire(
    fields: &mut Fields,
    field: &str,
    arrangement: Option<wire::Arrangement>,
) -> Arrangement {
    let arrangement = arrangement.unwrap_or_default();
    let at = |name: &str| format!("{field}.{name}");
    fields.optional_number(&at("diversity"), arrangement.diversity, 0.0, 1.0);
    fields.optional_number(&at("rotation"), arrangement.rotation, 0.0, 1.0);
    fields.optional_number(&at("min_relevance"), arrangement.min_relevance, 0.0, 1.0);
    fields.optional_number(&at("promotion_strength"), arrangement.promotion_strength, 0.0, 10.0);
    fields.optional_number(&at("nutrition_strength"), arrangement.nutrition_strength, 0.0, 10.0);
    fields.optional_number(&at("exploration"), arrangement.exploration, 0.0, 0.5);
    Arrangement {
        boosts: boosts(fields, &at("boosts"), arrangement.boosts),
        pins: pins(fields, &at("pins"), arrangement.pins),
        diversity: arrangement.diversity,
        category_caps: category_caps(fields, &at("category_caps"), arrangement.category_caps),
        rotation: arrangement.rotation,
        min_relevance: arrangement.min_relevance,
        promotion_strength: arrangement.promotion_strength,
        nutrition_strength: arrangement.nutrition_strength,
        exploration: arrangement.exploration,
    }
}

fn boosts(fields: &mut Fields, field: &str, boosts: Vec<wire::Boost>) -> Vec<Boost> {
    if boosts.len() > MOST_BOOSTS {
        fields.refuse(field, format!("must have at most {MOST_BOOSTS} entries"));
        return Vec::new();
    }
    for (index, boost) in boosts.iter().enumerate() {
        fields.text(&format!("{field}[{index}].expression"), &boost.expression, 1, 2_048);
        fields.number(&format!("{field}[{index}].strength"), boost.strength, -10.0, 10.0);
    }
    let checked =
        boosts.into_iter().map(|boost| Boost { expression: boost.expression, strength: boost.strength });
    checked.collect()
}

fn pins(fields: &mut Fields, field: &str, pins: Vec<wire::Pin>) -> Vec<Pin> {
    if pins.len() > MOST_PINS {
        fields.refuse(field, format!("must have at most {MOST_PINS} entries"));
        return Vec::new();
    }
    for (index, pin) in pins.iter().enumerate() {
        fields.id(&format!("{field}[{index}].product_id"), &pin.product_id);
        let position = format!("{field}[{index}].position");
        if !(1..=MOST_POSITION).contains(&pin.position) {
            fields.refuse(&position, format!("must be from 1 to {MOST_POSITION}"));
        } else if pins[..index].iter().any(|before| before.position == pin.position) {
            fields.refuse(&position, "must be a place that no other pin has");
        }
        if pins[..index].iter().any(|before| before.product_id == pin.product_id) {
            fields.refuse(&format!("{field}[{index}].product_id"), "must be a product that no other pin has");
        }
    }
    let checked = pins.into_iter().map(|pin| Pin {
        product_id: pin.product_id,
        position: u32::try_from(pin.position).unwrap_or_default(),
    });
    checked.collect()
}

fn category_caps(fields: &mut Fields, field: &str, caps: Vec<wire::CategoryCap>) -> Vec<CategoryCap> {
    if caps.len() > MOST_CAPS {
        fields.refuse(field, format!("must have at most {MOST_CAPS} entries"));
        return Vec::new();
    }
    for (index, cap) in caps.iter().enumerate() {
        fields.text(&format!("{field}[{index}].category"), &cap.category, 0, 128);
        if cap.max_count < 1 {
            fields.refuse(&format!("{field}[{index}].max_count"), "must be at least 1");
        }
        if caps[..index].iter().any(|before| before.category == cap.category) {
            fields.refuse(&format!("{field}[{index}].category"), "must be a category that no other cap has");
        }
    }
    let checked = caps.into_iter().map(|cap| CategoryCap {
        category: cap.category,
        max_count: u32::try_from(cap.max_count).unwrap_or_default(),
    });
    checked.collect()
}

/// The message of an arrangement; nothing when it says nothing.
pub(crate) fn to_wire(arrangement: Arrangement) -> Option<wire::Arrangement> {
    if arrangement == Arrangement::default() {
        return None;
    }
    let boosts = arrangement.boosts.into_iter();
    let pins = arrangement.pins.into_iter();
    let caps = arrangement.category_caps.into_iter();
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    Some(wire::Arrangement {
        boosts: boosts
            .map(|boost| wire::Boost { expression: boost.expression, strength: boost.strength })
            .collect(),
        pins: pins
            .map(|pin| wire::Pin { product_id: pin.product_id, position: number(pin.position) })
            .collect(),
        diversity: arrangement.diversity,
        category_caps: caps
            .map(|cap| wire::CategoryCap { category: cap.category, max_count: number(cap.max_count) })
            .collect(),
        rotation: arrangement.rotation,
        min_relevance: arrangement.min_relevance,
        promotion_strength: arrangement.promotion_strength,
        exploration: arrangement.exploration,
        nutrition_strength: arrangement.nutrition_strength,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> wire::Arrangement {
        wire::Arrangement {
            boosts: vec![wire::Boost { expression: "product.price < 2.0".into(), strength: -0.5 }],
            pins: vec![wire::Pin { product_id: "bread".into(), position: 3 }],
            diversity: Some(0.0),
            category_caps: vec![wire::CategoryCap { category: String::new(), max_count: 2 }],
            rotation: Some(1.0),
            min_relevance: Some(0.1),
            promotion_strength: Some(2.0),
            exploration: Some(0.25),
            nutrition_strength: Some(0.5),
        }
    }

    fn refusal(change: impl FnOnce(&mut wire::Arrangement)) -> String {
        let (mut fields, mut arrangement) = (Fields::default(), whole());
        change(&mut arrangement);
        from_wire(&mut fields, "arrangement", Some(arrangement));
        fields.finish(()).unwrap_err().to_string()
    }

    #[test]
    fn an_arrangement_comes_back() {
        let mut fields = Fields::default();
        let checked = from_wire(&mut fields, "arrangement", Some(whole()));
        fields.finish(()).unwrap();
        assert_eq!(to_wire(checked), Some(whole()));
        assert_eq!(to_wire(from_wire(&mut Fields::default(), "arrangement", None)), None);
    }

    #[test]
    fn each_bad_field_is_named() {
        let start = |refusal: String| refusal.split(':').next().unwrap().to_owned();
        assert_eq!(start(refusal(|bad| bad.exploration = Some(0.51))), "arrangement.exploration");
        assert_eq!(start(refusal(|bad| bad.diversity = Some(f64::NAN))), "arrangement.diversity");
        assert_eq!(start(refusal(|bad| bad.boosts[0].strength = 11.0)), "arrangement.boosts[0].strength");
        assert_eq!(start(refusal(|bad| bad.pins[0].position = 0)), "arrangement.pins[0].position");
        assert_eq!(start(refusal(|bad| bad.pins.push(bad.pins[0].clone()))), "arrangement.pins[1].position");
        assert_eq!(
            start(refusal(|bad| bad.category_caps[0].max_count = 0)),
            "arrangement.category_caps[0].max_count"
        );
        assert_eq!(start(refusal(|bad| bad.boosts = vec![bad.boosts[0].clone(); 21])), "arrangement.boosts");
    }
}
