//! What fitting promises, on shops whose tastes are known.

use proptest::prelude::*;

use super::*;

/// Every customer has two in three products of their own kind.
fn shop(customers: u32, products: u32, kinds: u32) -> SparseMatrix {
    let entries = (0..customers).flat_map(|customer| {
        (0..products)
            .filter(move |product| {
                product % kinds == customer % kinds && !(customer / kinds + product / kinds).is_multiple_of(3)
            })
            .map(move |product| (customer, product, 1.0))
    });
    SparseMatrix::from_entries(customers as usize, products as usize, entries)
}

fn settings() -> FactorSettings {
    FactorSettings { factors: 16, unobserved_weight: 0.1, regularization: 0.01, ..FactorSettings::default() }
}

#[test]
fn every_sweep_lowers_the_loss() {
    let customers = shop(60, 45, 3);
    let loss = |sweeps| {
        let settings = FactorSettings { sweeps, steps: 2, ..settings() };
        FactorModel::fit(&customers, &settings).loss(&customers)
    };
    let losses: Vec<f64> = (0..7).map(loss).collect();
    assert!(losses.is_sorted_by(|before, after| before > after), "{losses:?}");
    assert!(losses[6] < 0.5 * losses[0], "{losses:?}");
}

#[test]
fn tastes_are_told_apart() {
    let customers = shop(60, 45, 3);
    let model = FactorModel::fit(&customers, &settings());
    for customer in 0..60 {
        let vector = model.customer(customer).unwrap();
        let mut order: Vec<u32> = (0..45).collect();
        order.sort_by(|one, other| model.score(vector, *other).total_cmp(&model.score(vector, *one)));
        assert!(order[..15].iter().all(|product| product % 3 == customer % 3));
        let similar = model.similar_customers(vector, 19, |other| other == customer);
        assert_eq!(similar.len(), 19);
        assert!(similar.iter().all(|(other, _)| other % 3 == customer % 3 && *other != customer));
    }
    assert!(model.similar_products(7, 14).iter().all(|(other, _)| other % 3 == 1 && *other != 7));
    assert!(model.similar_products(45, 3).is_empty());
}

#[test]
fn folding_in_a_history_gives_the_trained_vector() {
    let customers = shop(60, 45, 3);
    let model = FactorModel::fit(&customers, &settings());
    for customer in 0..60 {
        let history: Vec<(u32, f32)> = customers.row(customer as usize).iter().collect();
        let folded = model.fold_in(&history);
        for (one, other) in folded.iter().zip(model.customer(customer).unwrap()) {
            assert!((one - other).abs() < 1e-3, "customer {customer}: {one} for {other}");
        }
    }
}

#[test]
fn a_vector_that_was_right_before_a_purchase_is_soon_right_again() {
    let customers = shop(60, 45, 3);
    let model = FactorModel::fit(&customers, &settings());
    for customer in 0..60 {
        let before = model.customer(customer).unwrap();
        let mut history: Vec<(u32, f32)> = customers.row(customer as usize).iter().collect();
        history.push(((customer + 1) % 3 + 3 * (customer % 15), 1.0));
        let (anew, from_before) = (model.fold_in(&history), model.fold_in_from(before, &history));
        let distance = |one: &[f32], other: &[f32]| {
            one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum::<f32>().sqrt()
        };
        let moved = distance(before, &anew);
        assert!(distance(&from_before, &anew) < 0.05 * moved, "customer {customer} moved {moved}");
    }
    assert_eq!(model.fold_in_from(&[1.0], &[(3, 1.0)]), model.fold_in(&[(3, 1.0)]));
}

#[test]
fn folding_in_leaves_out_what_is_not_known() {
    let model = FactorModel::fit(&shop(60, 45, 3), &settings());
    let known = model.fold_in(&[(3, 1.0)]);
    assert_eq!(model.fold_in(&[(3, 1.0), (45, 1.0), (4, 0.0), (5, f32::NAN), (6, -1.0)]), known);
    assert_eq!(model.fold_in(&[]), vec![0.0; 16]);
}

#[test]
fn all_scores_are_those_of_one_product_at_a_time() {
    let model = FactorModel::fit(&shop(60, 45, 3), &settings());
    let vector = model.customer(8).unwrap();
    let mut scores = vec![1.0; 45];
    model.add_scores(vector, 2.0, &mut scores);
    for (product, score) in (0u32..).zip(scores) {
        assert!((score - 1.0 - 2.0 * model.score(vector, product)).abs() < 1e-5);
    }
}

#[test]
fn threads_change_no_bit() {
    let customers = shop(300, 90, 3);
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| FactorModel::fit(&customers, &settings()))
    };
    assert_eq!(with_threads(1), with_threads(3));
}

#[test]
fn an_empty_shop_has_no_vectors() {
    for (customers, products) in [(0, 0), (0, 3), (3, 0), (3, 3)] {
        let model = FactorModel::fit(&SparseMatrix::from_entries(customers, products, []), &settings());
        assert_eq!((model.customer_count(), model.product_count()), (customers, products));
        assert_eq!(model.fold_in(&[(0, 1.0)]), vec![0.0; 16]);
    }
}

#[test]
fn a_cut_or_changed_file_is_refused() {
    let model = FactorModel::fit(&shop(9, 6, 3), &settings());
    let bytes = model.encode();
    assert_eq!(FactorModel::decode(&bytes, 9, 6), Ok(model));
    assert!(FactorModel::decode(&bytes, 6, 9).is_err());
    assert!(FactorModel::decode(&[&bytes[..], &[0]].concat(), 9, 6).is_err());
    for length in 0..bytes.len() {
        assert!(FactorModel::decode(&bytes[..length], 9, 6).is_err());
    }
    let mut changed = bytes;
    let last = changed.len() - 4;
    changed[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(FactorModel::decode(&changed, 9, 6).is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0usize..3) {
        let _ = FactorModel::decode(&bytes, count, count);
    }
}
