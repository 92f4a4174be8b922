//! What would be different.

use super::super::{Packing, PlanDifference, PlannedProduct, plan_quantities};
use super::{CENT, QuantityRequest, loaf, request, uniform};

fn two_products() -> QuantityRequest {
    let sized = |id: &str| PlannedProduct {
        packing: Packing { volume_litres: Some(1.0), ..Packing::default() },
        ..PlannedProduct::new(id, uniform(0.0, 100.0), loaf())
    };
    request(vec![sized("loaf"), sized("roll")])
}

fn changed(change: impl FnOnce(&mut QuantityRequest)) -> PlanDifference {
    let mut other = two_products();
    change(&mut other);
    let plan = |request: &QuantityRequest| plan_quantities(request).expect("sound");
    PlanDifference::between(&plan(&two_products()), &plan(&other))
}

#[test]
fn nothing_changed_makes_no_difference() {
    let same = changed(|_| {});
    assert!(same.products.is_empty());
    assert_eq!((same.totals.expected_profit_micros, same.totals.volume_litres), (0, 0.0));
}

#[test]
fn a_price_changes_its_product_alone_while_nothing_is_short() {
    let changed = changed(|request| request.products[1].terms.price_micros = 300 * CENT);
    assert_eq!(changed.products.len(), 1);
    let roll = &changed.products[0];
    // 1 / 2.5 in place of 4 / 5.5.
    assert_eq!((roll.product_id.as_str(), roll.quantity), ("roll", 40.0 - 73.0));
    assert!(roll.chance_of_selling_out > 0.3 && roll.expected_left_over < 0.0);
    assert_eq!(changed.totals.expected_profit_micros, roll.expected_profit_micros);
    assert_eq!(changed.totals.spend_micros, -33 * 200 * CENT);
}

#[test]
fn a_smaller_van_and_a_quantity_set_by_hand_move_the_others() {
    let changed = changed(|request| {
        request.van.volume_litres = Some(100.0);
        request.products[0].set_quantity = Some(80.0);
    });
    let quantities: Vec<f64> = changed.products.iter().map(|product| product.quantity).collect();
    assert_eq!(quantities, [80.0 - 73.0, 20.0 - 73.0]);
    assert!(changed.totals.expected_profit_micros < 0);
}
