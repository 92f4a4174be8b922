//! What would be different.

use super::super::{Change, Packing, PlannedProduct, what_if};
use super::{CENT, loaf, request, uniform};
use crate::{Factor, FactorKind};

fn two_products() -> super::QuantityRequest {
    let sized = |id: &str| PlannedProduct {
        packing: Packing { volume_litres: Some(1.0), ..Packing::default() },
        ..PlannedProduct::new(id, uniform(0.0, 100.0), loaf())
    };
    request(vec![sized("loaf"), sized("roll")])
}

#[test]
fn nothing_changed_makes_no_difference() {
    let same = what_if(&two_products(), &[]).expect("sound");
    assert!(same.differences.is_empty());
    assert_eq!(same.before, same.after);
}

#[test]
fn a_price_changes_its_product_alone_while_nothing_is_short() {
    let change = Change::Price { product_id: "roll".to_owned(), price_micros: 300 * CENT };
    let changed = what_if(&two_products(), &[change]).expect("sound");
    assert_eq!(changed.differences.len(), 1);
    let roll = &changed.differences[0];
    // 1 / 2.5 in place of 4 / 5.5.
    assert_eq!((roll.product_id.as_str(), roll.quantity), ("roll", 40.0 - 73.0));
    assert!(roll.chance_of_selling_out > 0.3 && roll.expected_left_over < 0.0);
    assert_eq!(changed.totals.expected_profit_micros, roll.expected_profit_micros);
    assert_eq!(changed.totals.spend_micros, -33 * 200 * CENT);
}

#[test]
fn a_smaller_van_and_a_quantity_set_by_hand_move_the_others() {
    let changes = [
        Change::VanVolume(Some(100.0)),
        Change::Quantity { product_id: "loaf".to_owned(), quantity: Some(80.0) },
    ];
    let changed = what_if(&two_products(), &changes).expect("sound");
    assert_eq!(changed.after.products[0].quantity, 80.0);
    assert_eq!(changed.after.products[1].quantity, 20.0);
    assert!(changed.totals.expected_profit_micros < 0);
    let back = [
        changes[0].clone(),
        changes[1].clone(),
        Change::Quantity { product_id: "loaf".to_owned(), quantity: None },
    ];
    let back = what_if(&two_products(), &back).expect("sound");
    assert_eq!(back.after.products[0].quantity + back.after.products[1].quantity, 100.0);
}

#[test]
fn costs_salvage_budgets_loads_and_outlooks_may_change() {
    let loaf = || "loaf".to_owned();
    let quantity_after =
        |change: Change| what_if(&two_products(), &[change]).expect("sound").after.products[0].quantity;
    // cu 2, co 3.5; cu 4, co 2.
    assert_eq!(quantity_after(Change::UnitCost { product_id: loaf(), unit_cost_micros: 400 * CENT }), 36.0);
    assert_eq!(quantity_after(Change::Salvage { product_id: loaf(), salvage_micros: 0 }), 67.0);
    assert_eq!(quantity_after(Change::Budget(Some(0))), 0.0);
    assert_eq!(quantity_after(Change::VanWeight(Some(0.0))), 73.0);
    let outlook = Change::Outlook {
        product_id: loaf(),
        demand: Box::new(uniform(0.0, 50.0)),
        factors: vec![Factor::new(FactorKind::Rain, 0.5)],
    };
    let changed = what_if(&two_products(), &[outlook]).expect("sound");
    assert_eq!(changed.after.products[0].quantity, 36.0);
    assert!(changed.after.products[0].reasons[0].to_string().starts_with("rain expected: 50 %"));
}

#[test]
fn a_change_of_a_product_that_is_not_there_is_refused() {
    let change = Change::Quantity { product_id: "cake".to_owned(), quantity: None };
    let refused = what_if(&two_products(), &[Change::Budget(None), change]).expect_err("refused");
    assert_eq!(refused.0[0].field, "changes[1].product_id");
    let nan = Change::Quantity { product_id: "roll".to_owned(), quantity: Some(f64::NAN) };
    assert!(what_if(&two_products(), &[nan]).is_err());
}
