//! The methods agree with each other and with the definition.

use proptest::prelude::*;

use super::*;

/// Customers of `groups` tastes over products of as many kinds, with some noise.
fn shop(customers: u32, products: u32, groups: u32) -> SparseMatrix {
    let mix = |customer: u32, product: u32| {
        let mut mixed = customer.wrapping_mul(0x9e37_79b9) ^ product.wrapping_mul(0x85eb_ca6b);
        mixed = (mixed ^ mixed >> 15).wrapping_mul(0x2c1b_3c6d);
        mixed ^ mixed >> 13
    };
    let entries = (0..customers).flat_map(|customer| {
        (0..products).filter_map(move |product| {
            let is_own_kind = customer % groups == product % groups;
            let (chance, mixed) = (if is_own_kind { 40 } else { 6 }, mix(customer, product));
            (mixed % 100 < chance).then_some((customer, product, 1.0 + (mixed / 100 % 3) as f32 / 2.0))
        })
    });
    SparseMatrix::from_entries(customers as usize, products as usize, entries)
}

fn settings(method: EaseMethod) -> EaseSettings {
    EaseSettings {
        ridge: 10.0,
        dropout: 0.1,
        method: Some(method),
        neighbours: 1_000,
        ..EaseSettings::default()
    }
}

/// All weights as a dense matrix by source.
fn dense(model: &EaseModel) -> Vec<Vec<f32>> {
    let row = |source| {
        let mut row = vec![0.0; model.product_count()];
        model.neighbours_of(source).for_each(|(target, weight)| row[target as usize] = weight);
        row
    };
    (0..model.product_count() as u32).map(row).collect()
}

fn largest_difference(one: &[Vec<f32>], other: &[Vec<f32>]) -> f32 {
    let pairs = one.iter().flatten().zip(other.iter().flatten());
    pairs.map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}

/// By the definition: each product's ridge regression on all others, by elimination in double precision.
fn by_definition(customers: &SparseMatrix, settings: &EaseSettings) -> Vec<Vec<f32>> {
    let count = customers.column_count();
    let mut gram = vec![vec![0.0f64; count]; count];
    for row in customers.rows() {
        for (one, value) in row.iter() {
            row.iter().for_each(|(other, other_value)| {
                gram[one as usize][other as usize] += f64::from(value * other_value);
            });
        }
    }
    let share = f64::from(settings.dropout / (1.0 - settings.dropout));
    let mut weights = vec![vec![0.0; count]; count];
    for target in 0..count {
        let others: Vec<usize> = (0..count).filter(|&product| product != target).collect();
        let mut rows: Vec<Vec<f64>> = others
            .iter()
            .map(|&one| {
                let mut row: Vec<f64> = others.iter().map(|&other| gram[one][other]).collect();
                row.push(gram[one][target]);
                row
            })
            .collect();
        for (place, &product) in others.iter().enumerate() {
            rows[place][place] += f64::from(settings.ridge) + share * gram[product][product];
        }
        for (solution, &source) in eliminate(rows).into_iter().zip(&others) {
            weights[source][target] = solution as f32;
        }
    }
    weights
}

fn eliminate(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let count = rows.len();
    for pivot in 0..count {
        let (pivot_row, scale) = (rows[pivot].clone(), rows[pivot][pivot]);
        for (place, row) in rows.iter_mut().enumerate() {
            if place != pivot {
                let factor = row[pivot] / scale;
                row.iter_mut().zip(&pivot_row).for_each(|(value, pivot)| *value -= factor * pivot);
            }
        }
    }
    (0..count).map(|place| rows[place][count] / rows[place][place]).collect()
}

#[test]
fn every_exact_method_is_the_regression_on_all_other_products() {
    let customers = shop(60, 40, 4);
    let expected = by_definition(&customers, &settings(EaseMethod::Primal));
    for method in [EaseMethod::Primal, EaseMethod::Dual] {
        let model = EaseModel::fit(&customers, &settings(method));
        assert_eq!(model.method(), method);
        let difference = largest_difference(&dense(&model), &expected);
        assert!(difference < 1e-4, "{method:?} differs by {difference}");
    }
}

#[test]
fn primal_and_dual_agree_on_wide_and_on_tall_matrices() {
    for (customers, products) in [(30, 300), (300, 90)] {
        let customers = shop(customers, products, 5);
        let [primal, dual] = [EaseMethod::Primal, EaseMethod::Dual]
            .map(|method| dense(&EaseModel::fit(&customers, &settings(method))));
        assert!(largest_difference(&primal, &dual) < 1e-3);
    }
}

#[test]
fn blocks_over_all_products_are_exact() {
    // Of one taste, so that any two products are bought together.
    let customers = shop(80, 50, 1);
    let exact = dense(&EaseModel::fit(&customers, &settings(EaseMethod::Primal)));
    let blocks = dense(&EaseModel::fit(&customers, &settings(EaseMethod::Blocks)));
    assert!(largest_difference(&exact, &blocks) < 1e-4);
}

#[test]
fn blocks_near_the_exact_solution_as_they_grow() {
    let customers = shop(400, 300, 6);
    let scores = |method, block_neighbours| {
        let settings = EaseSettings { block_neighbours, ridge: 60.0, ..settings(method) };
        let model = EaseModel::fit(&customers, &settings);
        let of_customer = |customer| {
            let mut scores = vec![0.0; 300];
            model.add_scores(&customers.row(customer).iter().collect::<Vec<_>>(), &mut scores);
            scores
        };
        (0..400).map(of_customer).collect::<Vec<_>>()
    };
    let exact = scores(EaseMethod::Primal, 0);
    let nearness = [30, 100, 250].map(|block_neighbours| {
        let blocks = scores(EaseMethod::Blocks, block_neighbours);
        exact.iter().zip(&blocks).map(|(one, other)| correlation(one, other)).sum::<f32>() / 400.0
    });
    assert!(nearness.is_sorted() && nearness[1] > 0.85 && nearness[2] > 0.94, "{nearness:?}");
}

fn correlation(one: &[f32], other: &[f32]) -> f32 {
    let centred = |values: &[f32]| {
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        values.iter().map(|value| value - mean).collect::<Vec<_>>()
    };
    let product =
        |one: &[f32], other: &[f32]| one.iter().zip(other).map(|(one, other)| one * other).sum::<f32>();
    let (one, other) = (centred(one), centred(other));
    product(&one, &other) / (product(&one, &one) * product(&other, &other)).sqrt()
}

#[test]
fn the_strongest_weights_are_kept_in_order() {
    let customers = shop(60, 40, 4);
    let all = EaseModel::fit(&customers, &settings(EaseMethod::Dual));
    let few = EaseModel::fit(&customers, &EaseSettings { neighbours: 7, ..settings(EaseMethod::Dual) });
    for product in 0..40 {
        let expected: Vec<_> = all.neighbours_of(product).take(7).collect();
        assert!(expected.is_sorted_by(|one, other| one.1.abs() >= other.1.abs()));
        assert_eq!(few.neighbours_of(product).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_method_follows_size_and_memory() {
    let method = |customers, products, memory_budget_bytes| {
        let settings = EaseSettings { memory_budget_bytes, ..EaseSettings::default() };
        EaseModel::fit(&shop(customers, products, 3), &settings).method()
    };
    assert_eq!(method(90, 20, 1 << 20), EaseMethod::Primal);
    assert_eq!(method(20, 90, 1 << 20), EaseMethod::Dual);
    assert_eq!(method(90, 20, 4 * 15 * 15), EaseMethod::Blocks);
}

#[test]
fn products_of_too_few_customers_take_no_part() {
    let customers = SparseMatrix::from_rows(
        4,
        &[vec![(0, 1.0), (2, 1.0)], vec![(0, 1.0), (2, 1.0), (3, 1.0)], vec![(2, 1.0)]],
    );
    for method in [EaseMethod::Primal, EaseMethod::Dual, EaseMethod::Blocks] {
        let model = EaseModel::fit(&customers, &settings(method));
        assert_eq!(model.neighbours_of(3).len() + model.neighbours_of(1).len(), 0);
        assert_eq!(model.neighbours_of(0).map(|(product, _)| product).collect::<Vec<_>>(), [2]);
        assert_eq!(model.neighbours_of(99).len(), 0);
    }
}

#[test]
fn an_empty_shop_has_no_weights() {
    for (customers, products) in [(0, 0), (0, 3), (3, 0)] {
        for method in [None, Some(EaseMethod::Primal), Some(EaseMethod::Dual), Some(EaseMethod::Blocks)] {
            let empty = SparseMatrix::from_entries(customers, products, []);
            let model = EaseModel::fit(&empty, &EaseSettings { method, ..EaseSettings::default() });
            assert_eq!((model.product_count(), model.weight_count()), (products, 0));
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let customers = shop(120, 100, 4);
    for method in [EaseMethod::Primal, EaseMethod::Dual, EaseMethod::Blocks] {
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| EaseModel::fit(&customers, &settings(method)))
        };
        assert_eq!(with_threads(1), with_threads(3));
    }
}

#[test]
fn a_cut_or_changed_file_is_refused_or_read_without_panic() {
    let model = EaseModel::fit(&shop(30, 20, 3), &settings(EaseMethod::Dual));
    let bytes = model.encode();
    assert_eq!(EaseModel::decode(&bytes, 20), Ok(model));
    assert!(EaseModel::decode(&bytes, 21).is_err());
    assert!(EaseModel::decode(&[&bytes[..], &[0]].concat(), 20).is_err());
    for length in 0..bytes.len() {
        assert!(EaseModel::decode(&bytes[..length], 20).is_err());
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0usize..9) {
        let _ = EaseModel::decode(&bytes, count);
    }
}
