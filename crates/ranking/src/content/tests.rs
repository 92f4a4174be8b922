//! Twins are found, traits tell, and files are read with care.

use proptest::prelude::*;

use super::*;
use crate::{NutritionPer100g, fixtures::any_products};

fn product(name: &str, category: &str, brand: &str) -> Option<ProductRecord> {
    Some(ProductRecord {
        name: name.to_owned(),
        category: category.to_owned(),
        brand: brand.to_owned(),
        price_micros: Some(2_000_000),
        currency: "USD".to_owned(),
        ..ProductRecord::default()
    })
}

fn shelf() -> Vec<Option<ProductRecord>> {
    vec![
        product("Oat drink", "Dairy free", "Alpro"),
        product("Whole milk", "Dairy", "Farm"),
        product("Skimmed milk", "Dairy", "Farm"),
        product("Rye bread", "Bakery", "Baker"),
        product("Wheat bread", "Bakery", "Baker"),
        None,
        product("Oat drinks", "Dairy free", "Oatly"),
    ]
}

#[test]
fn a_planted_twin_is_the_nearest() {
    let model = ContentModel::fit(&shelf());
    for (product, twin) in [(0, 6), (1, 2), (2, 1), (3, 4), (4, 3), (6, 0)] {
        let nearest = model.nearest(&model.vector(product), 1, |other| other != product);
        assert_eq!(nearest[0].0, twin, "of {product}");
        assert!((nearest[0].1 - model.similarity(product, twin)).abs() < 1e-6);
        assert!(nearest[0].1 > 0.3);
    }
}

#[test]
fn a_product_that_came_later_has_a_vector_too() {
    let mut model = ContentModel::fit(&shelf());
    let found = |model: &ContentModel, product| -> Vec<u32> {
        model
            .nearest(&model.vector(product), 2, |other| other != product)
            .into_iter()
            .map(|(near, _)| near)
            .collect()
    };
    let later = product("Milk with vitamins", "Dairy", "Nobody").unwrap();
    model.replace(9, &later);
    assert_eq!(found(&model, 9), [1, 2]);
    assert!(found(&model, 1).contains(&9), "and it is found");
    assert_eq!(model.changed_products().collect::<Vec<_>>(), [9]);
    let before = model.vector(3);
    model.replace(3, shelf()[3].as_ref().unwrap());
    assert_eq!(model.vector(3), before);
    model.replace(3, &later);
    assert!(model.similarity(3, 9) > 0.999, "as it is now");
}

#[test]
fn newcomers_are_those_like_what_a_customer_has() {
    let model = ContentModel::fit(&shelf());
    let customers = SparseMatrix::from_rows(7, &[vec![(1, 2.0)], vec![(3, 1.0)], Vec::new()]);
    let found = newcomers_for_all(&model, &customers, 1, |product| [2, 3, 4].contains(&product));
    let first = |customer: usize| found[customer].first().map(|(product, _)| *product);
    assert_eq!((first(0), first(1), first(2)), (Some(2), Some(4), None));
    let mut likeness = Likeness::default();
    likeness.fill(Some(&model), [(1, 1.0), (2, 1.0)]);
    assert!(likeness.of(&model, 1) > 0.8 && likeness.of(&model, 3) < 0.3);
    assert_eq!(model.nearest(&likeness.vector(20), 2, |_| true).len(), 2);
    likeness.fill(Some(&model), []);
    assert!(likeness.of(&model, 1).is_nan() && likeness.vector(20) == ContentVector::default());
}

#[test]
fn nutrition_alone_tells_products_apart() {
    let with_energy = |energy_kcal| {
        let nutrition = NutritionPer100g { energy_kcal: Some(energy_kcal), ..NutritionPer100g::default() };
        Some(ProductRecord { nutrition, ..ProductRecord::default() })
    };
    let model = ContentModel::fit(&[40.0, 45.0, 500.0, 520.0].map(with_energy));
    assert!(model.similarity(0, 1) > 0.5 && model.similarity(2, 3) > 0.5);
    assert_eq!(model.similarity(0, 3), 0.0);
}

#[test]
fn what_is_not_known_is_like_nothing() {
    let model = ContentModel::fit(&shelf());
    assert!(model.nearest(&model.vector(5), 9, |_| true).is_empty());
    assert!(model.nearest(&model.vector(99), 9, |_| true).is_empty());
    assert_eq!((model.similarity(5, 1), model.similarity(1, 99)), (0.0, 0.0));
    assert_eq!(ContentModel::fit(&[]).product_count(), 0);
}

/// Customers 0 to 29 are vegan and have product 1 besides 0; the others have product 2.
fn tastes() -> (Vec<Vec<String>>, SparseMatrix) {
    let profile = |customer: usize| CustomerProfile {
        diets: if customer < 30 { vec!["Vegan ".to_owned()] } else { Vec::new() },
        sex: ["f", "m"][customer % 2].to_owned(),
        goal: if customer < 4 { "rare".to_owned() } else { String::new() },
        ..CustomerProfile::default()
    };
    let rows: Vec<Vec<(u32, f32)>> =
        (0..100).map(|customer| vec![(0, 1.0), (if customer < 30 { 1 } else { 2 }, 1.0)]).collect();
    ((0..100).map(|customer| profile(customer).traits()).collect(), SparseMatrix::from_rows(4, &rows))
}

#[test]
fn a_trait_that_matters_moves_the_shares_and_another_does_not() {
    let (traits, customers) = tastes();
    let model = ProfileModel::fit(&traits, &customers, &ProfileSettings::default());
    let shares =
        |traits: &[&str]| model.shares(&traits.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let (everybody, vegan, women) = (shares(&[]), shares(&["diet=vegan"]), shares(&["sex=f"]));
    assert!((everybody[1] - 0.3).abs() < 0.01 && (everybody[2] - 0.7).abs() < 0.01);
    assert!(vegan[1] > 0.6 && vegan[2] < 0.35);
    assert!((women[1] - everybody[1]).abs() < 0.01);
    assert!(shares(&["diet=vegan", "sex=f"])[1] > everybody[1]);
    assert!(!model.knows(&["goal=rare".to_owned()]), "four customers are too few to tell of");
    assert_eq!(shares(&["goal=rare"]), everybody);
}

#[test]
fn files_are_read_back_and_cut_ones_refused() {
    let (traits, customers) = tastes();
    let profiles = ProfileModel::fit(&traits, &customers, &ProfileSettings::default());
    let bytes = profiles.encode();
    assert_eq!(ProfileModel::decode(&bytes, 4), Ok(profiles));
    assert!(ProfileModel::decode(&bytes, 5).is_err());
    assert!((0..bytes.len()).all(|length| ProfileModel::decode(&bytes[..length], 4).is_err()));
}

proptest! {
    #[test]
    fn likeness_is_mutual_and_at_most_one(products in any_products()) {
        let records: Vec<_> = products.into_iter().map(Some).collect();
        let model = ContentModel::fit(&records);
        for one in 0..records.len() as u32 {
            for other in 0..records.len() as u32 {
                let similarity = model.similarity(one, other);
                prop_assert!((0.0..=1.0).contains(&similarity));
                prop_assert!((similarity - model.similarity(other, one)).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0usize..4) {
        let _ = ProfileModel::decode(&bytes, count);
    }
}
