//! Small plans against trying every amount, with the worth reckoned another way: day by day over the
//! hundredths of the demand.

use proptest::prelude::*;

use super::super::{Packing, PlannedProduct, QuantityRequest, Terms, Van, plan_quantities};
use super::{CENT, euro, request, uniform};
use crate::Distribution;

/// What an amount is worth, day by day: every hundredth of the demand in turn, 40 points in each.
fn worth_day_by_day(product: &PlannedProduct, amount: f64) -> f64 {
    let terms = &product.terms;
    let euro = |micros: i64| micros as f64 / 1e6;
    let on_a_day = |demand: f64| {
        let sold = demand.min(amount);
        (euro(terms.price_micros) + euro(terms.goodwill_micros)) * sold
            + (euro(terms.salvage_micros) - euro(terms.disposal_micros)) * (amount - sold)
            - euro(terms.unit_cost_micros) * amount
    };
    let days = 4_000;
    // The outermost hundredths are flat, as the distribution says.
    (0..days)
        .map(|day| on_a_day(product.demand.quantile((f64::from(day) + 0.5) / f64::from(days))))
        .sum::<f64>()
        / f64::from(days)
}

/// The best worth over all whole packs that fit.
fn best_of_all(request: &QuantityRequest) -> f64 {
    let worth: Vec<Vec<(f64, [f64; 3])>> = request
        .products
        .iter()
        .map(|product| {
            let size = product.packing.pack_size.expect("packs");
            let most = (product.demand.quantile(1.0) / size).ceil() as usize;
            let batch = product.packing.minimum_batch;
            (0..=most.max((batch / size).ceil() as usize))
                .map(|packs| packs as f64 * size)
                .filter(|&amount| amount == 0.0 || amount >= batch)
                .map(|amount| {
                    let cost = product.terms.unit_cost_micros as f64 / 1e6;
                    let litres = product.packing.volume_litres.unwrap_or(0.0);
                    let weight = product.packing.weight_kg.unwrap_or(0.0);
                    (worth_day_by_day(product, amount), [amount * litres, amount * weight, amount * cost])
                })
                .collect()
        })
        .collect();
    let holds = [
        request.van.volume_litres.unwrap_or(f64::INFINITY),
        request.van.weight_kg.unwrap_or(f64::INFINITY),
        request.budget_micros.map_or(f64::INFINITY, |budget| budget as f64 / 1e6),
    ];
    try_all(&worth, &holds, [0.0; 3])
}

fn try_all(worth: &[Vec<(f64, [f64; 3])>], holds: &[f64; 3], taken: [f64; 3]) -> f64 {
    let Some((first, rest)) = worth.split_first() else { return 0.0 };
    first
        .iter()
        .filter_map(|(worth, takes)| {
            let taken: [f64; 3] = std::array::from_fn(|each| taken[each] + takes[each]);
            let fits = taken.iter().zip(holds).all(|(taken, holds)| *taken <= holds + 1e-9);
            fits.then(|| worth + try_all(rest, holds, taken))
        })
        .fold(f64::NEG_INFINITY, f64::max)
}

fn product(
    (low, spread, price): (u32, u32, u32),
    (cost, salvage, pack): (u32, u32, u32),
    (litres, weight, batch): (u32, u32, u32),
) -> PlannedProduct {
    let (low, price) = (f64::from(low), i64::from(price) * CENT);
    let cost = i64::from(cost) * CENT;
    let terms = Terms { salvage_micros: cost * i64::from(salvage) / 100, ..Terms::new(euro(), price, cost) };
    PlannedProduct {
        packing: Packing {
            pack_size: Some(f64::from(pack)),
            minimum_batch: f64::from(batch),
            volume_litres: Some(f64::from(litres) / 10.0),
            weight_kg: Some(f64::from(weight) / 10.0),
            ..Packing::default()
        },
        ..PlannedProduct::new("", uniform(low, low + f64::from(spread)), terms)
    }
}

prop_compose! {
    fn small_request()(
        products in prop::collection::vec(
            ((0_u32..20, 0_u32..25, 50_u32..900), (10_u32..400, 0_u32..90, 2_u32..9), (1_u32..40, 1_u32..40, 0_u32..12)),
            1..4,
        ),
        tight in (0.1_f64..1.2, 0.1_f64..1.2, 0.1_f64..1.2),
        told in (any::<bool>(), any::<bool>(), any::<bool>()),
    ) -> QuantityRequest {
        let products: Vec<PlannedProduct> = products
            .into_iter()
            .enumerate()
            .map(|(number, (demand, money, size))| {
                PlannedProduct { product_id: number.to_string(), ..product(demand, money, size) }
            })
            .collect();
        let whole = plan_quantities(&request(products.clone())).expect("sound").totals;
        QuantityRequest {
            van: Van {
                volume_litres: told.0.then_some(whole.volume_litres * tight.0),
                weight_kg: told.1.then_some(whole.weight_kg * tight.1),
            },
            budget_micros: told.2.then_some((whole.spend_micros as f64 * tight.2) as i64),
            ..request(products)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_whole_packs_that_fit_are_worth_more(request in small_request()) {
        let plan = plan_quantities(&request).expect("sound");
        prop_assert_eq!(plan.missed_at_most_micros, 0, "small plans are proved");
        for limit in &plan.limits {
            prop_assert!(!limit.is_exceeded(), "{:?}", limit);
        }
        let worth: f64 = request
            .products
            .iter()
            .zip(&plan.products)
            .map(|(product, plan)| worth_day_by_day(product, plan.quantity))
            .sum();
        let best = best_of_all(&request);
        prop_assert!(worth >= best - 0.01 - 0.001 * best.abs(), "{} against {}", worth, best);
    }

    #[test]
    fn what_is_expected_is_the_mean_over_the_days(
        values in prop::collection::vec(0.0_f64..300.0, crate::QUANTILE_LEVELS),
        pack in 1_u32..30,
    ) {
        let demand = Distribution::of_quantiles(values.try_into().expect("as many")).expect("possible");
        let terms = Terms::new(euro(), 500 * CENT, 200 * CENT);
        let packing = Packing { pack_size: Some(f64::from(pack)), ..Packing::default() };
        let product = PlannedProduct { packing, ..PlannedProduct::new("it", demand, terms) };
        let plan = plan_quantities(&request(vec![product.clone()])).expect("sound").products[0].clone();
        let profit = worth_day_by_day(&product, plan.quantity);
        prop_assert!((plan.expected_profit_micros as f64 / 1e6 - profit).abs() < 0.5);
        prop_assert!((plan.expected_sold + plan.expected_left_over - plan.quantity).abs() < 1e-6);
        prop_assert!((plan.expected_sold + plan.expected_missed - product.demand.mean()).abs() < 1e-6);
    }
}
