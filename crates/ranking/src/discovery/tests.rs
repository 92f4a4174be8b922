//! What is discovered for customers of two tastes.

use super::*;

/// Even customers have even products, but for one each; product 0 is everybody's.
fn shop() -> SparseMatrix {
    let entries = (0..40u32).flat_map(|customer| {
        (0..30u32)
            .filter(move |product| {
                *product == 0 || (product % 2 == customer % 2 && (customer / 2 + product / 2) % 5 != 0)
            })
            .map(move |product| (customer, product, history_value(1.0)))
    });
    SparseMatrix::from_entries(40, 30, entries)
}

fn settings() -> DiscoverySettings {
    DiscoverySettings {
        ease: EaseSettings { ridge: 5.0, ..EaseSettings::default() },
        factors: FactorSettings { factors: 16, ..FactorSettings::default() },
        ..DiscoverySettings::default()
    }
}

fn popularity(customers: &SparseMatrix) -> Vec<f32> {
    customers.transpose().rows().map(|row| row.len() as f32).collect()
}

#[test]
fn what_is_left_of_the_own_taste_comes_first() {
    let customers = shop();
    let model = DiscoveryModel::fit(&customers, &popularity(&customers), &settings());
    for (customer, found) in model.candidates_of_all(&customers, 2).into_iter().enumerate() {
        assert_eq!(found.len(), 2);
        assert!(found[0].1 >= found[1].1);
        for (product, _) in found {
            assert_eq!(product as usize % 2, customer % 2);
            assert!(customers.row(customer).columns.binary_search(&product).is_err());
        }
    }
}

#[test]
fn vectors_score_in_standard_deviations() {
    let customers = shop();
    let only_factors = DiscoverySettings { factor_share: 1.0, popularity_share: 0.0, ..settings() };
    let no_ease = EaseModel::fit(&SparseMatrix::from_entries(40, 30, []), &EaseSettings::default());
    let factors = FactorModel::fit(&customers, &only_factors.factors);
    let model = DiscoveryModel::from_parts(no_ease, Some(factors), &[], &only_factors);
    let scores = model.score_for(&[(2, 1.0), (4, 1.0)]);
    let mean = scores.iter().sum::<f32>() / 30.0;
    let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f32>() / 30.0;
    assert!(mean.abs() < 1e-3 && (variance - 1.0).abs() < 1e-2, "{mean} {variance}");
}

#[test]
fn somebody_unknown_is_shown_what_is_popular() {
    let customers = shop();
    let model = DiscoveryModel::fit(&customers, &popularity(&customers), &settings());
    assert_eq!(model.candidates(&[], 1, |_| true)[0].0, 0);
    assert_ne!(model.candidates(&[], 1, |product| product != 0)[0].0, 0);
    assert!(model.candidates(&[], 0, |_| true).is_empty());
}

#[test]
fn a_shop_without_anything_has_no_scores() {
    let model = DiscoveryModel::fit(&SparseMatrix::from_entries(0, 0, []), &[], &settings());
    assert!(model.score_for(&[(0, 1.0)]).is_empty());
    let model = DiscoveryModel::fit(&SparseMatrix::from_entries(0, 2, []), &[], &settings());
    assert_eq!(model.score_for(&[(0, 1.0)]), [0.0, 0.0]);
}

#[test]
fn having_had_more_says_more_but_ever_less() {
    let values = [0.0, 1.0, 2.0, 3.0].map(history_value);
    assert_eq!(values[..2], [0.0, 1.0]);
    assert!(values[2] - values[1] > values[3] - values[2] && values[3] > values[2]);
}

#[test]
fn what_is_written_is_read_again_and_a_customer_can_be_left_out() {
    let customers = shop();
    let model = DiscoveryModel::fit(&customers, &popularity(&customers), &settings());
    let bytes = model.encode();
    assert_eq!(DiscoveryModel::decode(&mut Reader::new("discovery", &bytes), 40, 30), Ok(model.clone()));
    for length in [0, 3, bytes.len() / 2, bytes.len() - 1] {
        let cut = DiscoveryModel::decode(&mut Reader::new("discovery", &bytes[..length]), 40, 30);
        assert!(cut.is_err(), "{length} bytes were read");
    }
    let rest = model.without_customer(3);
    let vector =
        |model: &DiscoveryModel, customer| model.factors().unwrap().customer(customer).map(<[f32]>::to_vec);
    assert_eq!(vector(&rest, 2), vector(&model, 2));
    assert_eq!(vector(&rest, 3), vector(&model, 4));
    assert_eq!(vector(&rest, 39), None);
}
