//! Examples worked by hand.

use super::super::{
    Keeps, Limit, Packing, PlannedProduct, Reason, StockLot, Terms, in_words, plan_quantities,
};
use super::{CENT, euro, loaf, request, uniform};
use crate::{Distribution, Factor, FactorKind};

#[test]
fn a_loaf_is_brought_for_the_days_its_margin_pays_for() {
    let mut product = PlannedProduct::new("loaf", uniform(0.0, 100.0), loaf());
    product.factors = vec![
        Factor::new(FactorKind::Event, 1.15).named("festival nearby"),
        Factor::new(FactorKind::Season, 1.001),
        Factor::new(FactorKind::Rain, 0.8),
    ];
    let plan = plan_quantities(&request(vec![product])).expect("sound");
    let loaf = &plan.products[0];
    // cu = 6 - 2 = 4, co = 2 - 0.5 = 1.5: 4 / 5.5.
    assert!((loaf.critical_fractile - 4.0 / 5.5).abs() < 1e-12);
    assert!((loaf.ideal - 72.727_272).abs() < 1e-4);
    assert_eq!((loaf.quantity, loaf.fresh, loaf.packs), (73.0, 73.0, Some(73)));
    // Sold: 73 - 73^2 / 200, and the hundredth below the lowest quantile is not below 1.
    assert!((loaf.expected_sold - (73.0 - 73.0 * 73.0 / 200.0)).abs() < 0.02, "{}", loaf.expected_sold);
    assert!((loaf.chance_of_selling_out - 0.27).abs() < 1e-9);
    let profit = 6.0 * loaf.expected_sold + 0.5 * loaf.expected_left_over - 2.0 * 73.0;
    assert!((loaf.expected_profit_micros as f64 / 1e6 - profit).abs() < 1e-5);
    assert_eq!(plan.totals.spend_micros, 146_000_000);
    assert_eq!(
        in_words(&loaf.reasons),
        "rain expected: 20 % fewer; festival nearby: 15 % more; a missed sale costs 4.00 EUR, a leftover \
         1.50: enough for 73 of 100 such days"
    );
}

#[test]
fn a_price_below_the_cost_brings_nothing_and_says_so() {
    let product =
        PlannedProduct::new("loaf", uniform(0.0, 100.0), Terms::new(euro(), 100 * CENT, 200 * CENT));
    let plan = plan_quantities(&request(vec![product])).expect("sound");
    assert_eq!(plan.products[0].quantity, 0.0);
    assert_eq!(plan.products[0].reasons, [Reason::PriceBelowCost]);
    assert_eq!(plan.products[0].expected_profit_micros, 0);
}

#[test]
fn goodwill_and_disposal_move_the_fractile_as_their_formula_says() {
    let terms = Terms { goodwill_micros: 100 * CENT, disposal_micros: 30 * CENT, ..loaf() };
    let product = PlannedProduct::new("loaf", uniform(0.0, 100.0), terms);
    let plan = plan_quantities(&request(vec![product])).expect("sound");
    assert!((plan.products[0].critical_fractile - 5.0 / (5.0 + 1.8)).abs() < 1e-12);
    let goodwill = plan.totals.expected_goodwill_cost_micros as f64 / 1e6;
    assert!((goodwill - plan.products[0].expected_missed).abs() < 1e-5);
}

#[test]
fn what_keeps_until_the_next_market_day_is_brought_more_freely() {
    let keeping = |shelf_life: Keeps, until_next: Option<u32>, holding: i64| {
        let terms = Terms { holding_micros: holding, ..loaf() };
        let product = PlannedProduct { shelf_life, ..PlannedProduct::new("jam", uniform(0.0, 100.0), terms) };
        let request = super::QuantityRequest { days_until_next: until_next, ..request(vec![product]) };
        plan_quantities(&request).expect("sound").products[0].clone()
    };
    let perishable = keeping(Keeps::Days(2), Some(3), 0);
    assert!((perishable.critical_fractile - 4.0 / 5.5).abs() < 1e-12);
    assert!((keeping(Keeps::Days(9), None, 0).critical_fractile - 4.0 / 5.5).abs() < 1e-12);
    // 9 days of life, 3 until the next: worth 7 of 10 parts of 2.00; a leftover loses 0.60.
    let keeps = keeping(Keeps::Days(9), Some(3), 0);
    assert!((keeps.critical_fractile - 4.0 / 4.6).abs() < 1e-12);
    assert!(keeps.reasons.contains(&Reason::KeepsUntilNext { days: 3 }));
    // Nothing but the keeping is lost of what does not spoil.
    let jam = keeping(Keeps::Always, Some(3), 10 * CENT);
    assert!((jam.critical_fractile - 4.0 / 4.1).abs() < 1e-12);
    let free = keeping(Keeps::Always, Some(3), 0);
    assert_eq!((free.critical_fractile, free.quantity), (1.0, 99.0));
    assert!(free.reasons.contains(&Reason::NothingToLose));
}

#[test]
fn what_is_left_of_earlier_days_takes_the_place_of_fresh_units() {
    let mut product = PlannedProduct::new("loaf", uniform(0.0, 100.0), loaf());
    product.shelf_life = Keeps::Days(3);
    product.stock = vec![
        StockLot { quantity: 20.0, keeps: Keeps::Days(0) },
        StockLot { quantity: 5.0, keeps: Keeps::Days(-1) },
    ];
    let plan = plan_quantities(&request(vec![product.clone()])).expect("sound");
    let loaf = &plan.products[0];
    assert_eq!((loaf.quantity, loaf.from_stock, loaf.fresh), (73.0, 20.0, 53.0));
    assert_eq!(loaf.spend_micros, 106_000_000);
    assert!(loaf.reasons.contains(&Reason::FromStock { quantity: 20.0 }));
    assert!(loaf.reasons.contains(&Reason::StockTooOld { quantity: 5.0 }));
    // Stock is brought even where the price would not pay for a fresh unit, and never beyond demand.
    product.terms = Terms::new(euro(), 100 * CENT, 200 * CENT);
    product.stock[0].quantity = 150.0;
    let plan = plan_quantities(&request(vec![product])).expect("sound");
    assert_eq!((plan.products[0].quantity, plan.products[0].fresh), (99.0, 0.0));
}

#[test]
fn packs_are_whole_and_rounded_to_the_side_that_earns_more() {
    let packed = |pack_size: f64| {
        let packing = Packing { pack_size: Some(pack_size), ..Packing::default() };
        let product = PlannedProduct { packing, ..PlannedProduct::new("roll", uniform(0.0, 100.0), loaf()) };
        plan_quantities(&request(vec![product])).expect("sound").products[0].clone()
    };
    // 72.7: 72 is nearer than 84; 60 and 90 are as far as their marginal profit says: 90 is 17.3 away.
    assert_eq!((packed(12.0).quantity, packed(12.0).packs), (72.0, Some(6)));
    assert_eq!(packed(30.0).quantity, 60.0);
    assert_eq!(packed(45.0).quantity, 90.0);
    assert!(packed(12.0).reasons.iter().any(|reason| matches!(reason, Reason::Packs { .. })));
}

#[test]
fn weighed_goods_are_rounded_to_three_digits() {
    let packing = Packing { pack_size: None, ..Packing::default() };
    let product = PlannedProduct { packing, ..PlannedProduct::new("tomatoes", uniform(0.0, 20.0), loaf()) };
    let plan = plan_quantities(&request(vec![product])).expect("sound");
    assert_eq!((plan.products[0].quantity, plan.products[0].packs), (14.5, None));
}

#[test]
fn minimums_maximums_and_batches_hold() {
    let bounded = |packing: Packing| {
        let product = PlannedProduct { packing, ..PlannedProduct::new("loaf", uniform(0.0, 100.0), loaf()) };
        plan_quantities(&request(vec![product])).expect("sound").products[0].clone()
    };
    let by_ten = Packing { pack_size: Some(10.0), ..Packing::default() };
    let least = bounded(Packing { minimum: 85.0, ..by_ten });
    assert_eq!(least.quantity, 90.0);
    assert!(least.reasons.contains(&Reason::AtLeast { minimum: 85.0 }));
    let most = bounded(Packing { maximum: Some(35.0), ..by_ten });
    assert_eq!(most.quantity, 30.0);
    assert!(most.reasons.contains(&Reason::AtMost { maximum: 35.0 }));
    let neither = bounded(Packing { minimum: 33.0, maximum: Some(38.0), ..by_ten });
    assert_eq!(neither.quantity, 30.0);
    assert!(neither.reasons.contains(&Reason::MinimumNotMet { minimum: 33.0 }));
    // A batch of 100 still earns 600 * .5 + ... : sold 50, left 50: 300 + 25 - 200 > 0.
    let batch = bounded(Packing { minimum_batch: 100.0, ..by_ten });
    assert_eq!(batch.quantity, 100.0);
    assert!(batch.reasons.contains(&Reason::WholeBatch { batch: 100.0 }));
    // One of 300 does not: 300 + 125 - 600 < 0.
    let too_large = bounded(Packing { minimum_batch: 300.0, ..by_ten });
    assert_eq!(too_large.quantity, 0.0);
    assert!(too_large.reasons.contains(&Reason::BatchTooLarge { batch: 300.0 }));
}

#[test]
fn a_full_van_takes_what_is_worth_more_for_its_room() {
    let sized = |id: &str, litres: f64| PlannedProduct {
        packing: Packing { volume_litres: Some(litres), ..Packing::default() },
        ..PlannedProduct::new(id, uniform(0.0, 100.0), loaf())
    };
    let mut request = request(vec![sized("small", 1.0), sized("large", 4.0)]);
    request.van.volume_litres = Some(200.0);
    let plan = plan_quantities(&request).expect("sound");
    let (small, large) = (&plan.products[0], &plan.products[1]);
    // One price of a litre: 1 - F(small) = (1.5 + l) / 5.5 and 1 - F(large) = (1.5 + 4 l) / 5.5 with
    // 100 (4 - l) / 5.5 + 400 (4 - 4 l) / 5.5 = 200, so l = 9 / 17: 63.1 and 34.2.
    assert_eq!((small.quantity, large.quantity), (64.0, 34.0));
    assert!(large.reasons.contains(&Reason::HeldBy(Limit::Volume)));
    assert_eq!(plan.limits.len(), 1);
    assert!(plan.limits[0].used <= 200.0 && !plan.limits[0].is_exceeded());
    let litre = plan.limits[0].worth_of_one_more_micros as f64 / 1e6;
    assert!((litre - 9.0 / 17.0).abs() < 0.06, "{litre}");
    assert_eq!(plan.missed_at_most_micros, 0);
}

#[test]
fn a_budget_and_a_load_are_kept_and_named() {
    let product = PlannedProduct {
        packing: Packing { pack_size: Some(6.0), weight_kg: Some(0.5), ..Packing::default() },
        ..PlannedProduct::new("loaf", uniform(0.0, 100.0), loaf())
    };
    let mut request = request(vec![product]);
    request.budget_micros = Some(101_000_000);
    let plan = plan_quantities(&request).expect("sound");
    assert_eq!(plan.products[0].quantity, 48.0);
    assert!(plan.products[0].reasons.contains(&Reason::HeldBy(Limit::Budget)));
    request.van.weight_kg = Some(10.0);
    let plan = plan_quantities(&request).expect("sound");
    assert_eq!(plan.products[0].quantity, 18.0);
    assert!(plan.products[0].reasons.contains(&Reason::HeldBy(Limit::Weight)));
    assert_eq!(plan.totals.weight_kg, 9.0);
}

#[test]
fn minimums_and_quantities_set_by_hand_stand_above_the_van() {
    let sized = |id: &str| PlannedProduct {
        packing: Packing { volume_litres: Some(1.0), ..Packing::default() },
        ..PlannedProduct::new(id, uniform(0.0, 100.0), loaf())
    };
    let mut set = sized("set");
    set.set_quantity = Some(60.5);
    let mut request = request(vec![set, sized("free")]);
    request.van.volume_litres = Some(50.0);
    let plan = plan_quantities(&request).expect("sound");
    assert_eq!((plan.products[0].quantity, plan.products[1].quantity), (60.5, 0.0));
    assert_eq!(plan.products[0].packs, None);
    assert!(plan.limits[0].is_exceeded());
    assert!(plan.products[0].reasons.iter().any(|reason| matches!(reason, Reason::SetByVendor { .. })));
}

#[test]
fn a_product_nobody_asks_for_and_one_of_unknown_size_are_told() {
    let nothing = PlannedProduct::new("dust", Distribution::certain(0.0).expect("possible"), loaf());
    let unknown = PlannedProduct::new("loaf", uniform(0.0, 100.0), loaf());
    let mut request = request(vec![nothing, unknown]);
    request.van.volume_litres = Some(10.0);
    let plan = plan_quantities(&request).expect("sound");
    assert_eq!(plan.products[0].quantity, 0.0);
    assert!(plan.products[0].reasons.contains(&Reason::NoDemand));
    assert_eq!(plan.products[1].quantity, 73.0);
    assert!(plan.products[1].reasons.contains(&Reason::SizeUnknown(Limit::Volume)));
}
