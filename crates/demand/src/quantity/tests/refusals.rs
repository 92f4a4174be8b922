//! What cannot be meant is refused by name, all of it at once.

use super::super::{Currency, Keeps, Packing, PlannedProduct, QuantityRequest, StockLot, plan_quantities};
use super::{CENT, loaf, request, uniform};
use crate::{Distribution, Factor, FactorKind};

fn refused_after(change: impl FnOnce(&mut QuantityRequest)) -> Vec<String> {
    let mut request = request(vec![PlannedProduct::new("loaf", uniform(0.0, 10.0), loaf())]);
    change(&mut request);
    let refused = plan_quantities(&request).expect_err("refused");
    refused.0.iter().map(ToString::to_string).collect()
}

#[test]
fn bad_terms_are_refused_with_what_would_be_accepted() {
    let dollar = Currency::parse("currency", "USD").expect("three letters");
    assert_eq!(
        refused_after(|request| request.products[0].terms.currency = dollar),
        ["products[0].terms.currency: USD is refused; accepted: EUR, the currency of the plan"]
    );
    assert_eq!(
        refused_after(|request| request.products[0].terms.salvage_micros = 201 * CENT),
        ["products[0].terms.salvage_micros: 2010000 is refused; accepted: 0 to 2000000, the unit cost"]
    );
    let negative = refused_after(|request| {
        request.products[0].terms.price_micros = -1;
        request.products[0].terms.goodwill_micros = -1;
        request.products[0].terms.disposal_micros = i64::MAX;
    });
    assert_eq!(negative.len(), 3, "{negative:?}");
    assert!(negative[0].starts_with("products[0].terms.price_micros: -1 is refused"));
    let cost = refused_after(|request| request.products[0].terms.unit_cost_micros = -5);
    assert!(cost[0].contains("unit_cost_micros: -5"), "{cost:?}");
}

#[test]
fn bad_packing_is_refused() {
    let packing = |packing: Packing| refused_after(|request| request.products[0].packing = packing);
    let usual = Packing::default();
    for size in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = packing(Packing { pack_size: Some(size), ..usual });
        assert!(refused[0].starts_with("products[0].packing.pack_size"), "{refused:?}");
    }
    assert!(packing(Packing { minimum: f64::NAN, ..usual })[0].contains("minimum"));
    let below = packing(Packing { minimum: 10.0, maximum: Some(5.0), ..usual });
    assert!(below[0].starts_with("products[0].packing.maximum: 5 is refused; accepted: 10"), "{below:?}");
    assert!(packing(Packing { volume_litres: Some(-1.0), ..usual })[0].contains("volume_litres"));
    assert!(packing(Packing { weight_kg: Some(f64::NAN), ..usual })[0].contains("weight_kg"));
    assert!(packing(Packing { minimum_batch: -1.0, ..usual })[0].contains("minimum_batch"));
}

#[test]
fn bad_stock_outlooks_and_limits_are_refused() {
    let lot = StockLot { quantity: f64::NAN, keeps: Keeps::Always };
    assert!(refused_after(|request| request.products[0].stock.push(lot))[0].contains("stock[0].quantity"));
    assert!(
        refused_after(|request| request.products[0].shelf_life = Keeps::Days(-1))[0].contains("shelf_life")
    );
    assert!(
        refused_after(|request| request.products[0].set_quantity = Some(-3.0))[0].contains("set_quantity")
    );
    let factor = Factor::new(FactorKind::Rain, f64::NAN);
    assert!(
        refused_after(|request| request.products[0].factors.push(factor))[0].contains("factors[0].effect")
    );
    let absurd = Distribution::certain(1e12).expect("possible");
    assert!(refused_after(|request| request.products[0].demand = absurd)[0].contains("demand"));
    assert!(
        refused_after(|request| request.van.volume_litres = Some(f64::NAN))[0].contains("van.volume_litres")
    );
    assert!(refused_after(|request| request.van.weight_kg = Some(-1.0))[0].contains("van.weight_kg"));
    assert!(refused_after(|request| request.budget_micros = Some(-1))[0].contains("budget_micros"));
    assert!(refused_after(|request| request.days_until_next = Some(0))[0].contains("days_until_next"));
}

#[test]
fn products_are_named_once_and_there_is_at_least_one() {
    assert!(refused_after(|request| request.products.clear())[0].starts_with("products: 0"));
    let twice = refused_after(|request| request.products.push(request.products[0].clone()));
    assert!(twice[0].starts_with("products[1].product_id: loaf"), "{twice:?}");
    assert!(refused_after(|request| request.products[0].product_id.clear())[0].contains("product_id"));
}

#[test]
fn a_currency_is_three_capital_letters() {
    for code in ["", "eur", "EURO", "E1R", "€"] {
        let refused = Currency::parse("currency", code).expect_err(code);
        assert_eq!(refused.field, "currency");
    }
    assert_eq!(Currency::parse("currency", "CHF").expect("good").to_string(), "CHF");
}
