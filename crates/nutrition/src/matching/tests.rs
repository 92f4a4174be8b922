//! The matcher on names of a real grocery catalogue that were labelled by hand.

use proptest::prelude::*;

use super::*;
use crate::Nutrient;

fn judgement_of(labelled: &str) -> Judgement {
    let table = FoodTable::usda();
    judge(&table, &FoodMatcher::new(&table), &JudgedName::parse(labelled).unwrap())
}

#[test]
fn nine_of_ten_names_find_a_right_food_among_three() {
    let judgement = judgement_of(include_str!("tests/sample.tsv"));
    assert_eq!(judgement.names, 200);
    assert!(
        judgement.right_in_three >= 180,
        "{} right in three: {:#?}",
        judgement.right_in_three,
        judgement.missed
    );
    assert!(judgement.right_first >= 160, "{} right first", judgement.right_first);
}

#[test]
fn confidence_is_near_the_truth() {
    let judgement = judgement_of(include_str!("tests/sample.tsv"));
    let right_first = judgement.right_first as f64 / judgement.names as f64;
    assert!((judgement.mean_confidence - right_first).abs() < 0.06, "{judgement:?}");
    assert!(judgement.brier < 0.14, "{}", judgement.brier);
}

#[test]
fn what_is_no_food_is_not_trusted() {
    let table = FoodTable::usda();
    let matcher = FoodMatcher::new(&table);
    for (name, category) in [
        ("LIQUID DISH DETERGENT", "GROCERY DISHWASH DETERGENTS"),
        ("BATTERIES AA 4CT", "GROCERY HOUSEHOLD"),
        ("BAR SOAP LAVENDER", ""),
        ("CANNED CAT FOOD (9 LIVES/FRISK", "GROCERY CAT FOOD"),
        ("TOILET TISSUE", "GROCERY BATH TISSUES"),
        ("MISC SALES TRANS", "GROCERY COUPON/MISC ITEMS"),
        ("BOTTLE DEPOSITS", "GROCERY BOTTLE DEPOSITS"),
        ("ALUMINUM FOIL", "GROCERY FD WRAPS/BAGS/TRSH BG"),
        ("SANDWICH BAGS", "GROCERY FD WRAPS/BAGS/TRSH BG"),
        ("DOG BISCUITS (HARD BISCUIT)", "GROCERY DOG FOODS"),
    ] {
        let confidence = matcher.find(name, category).first().map_or(0.0, |found| found.confidence);
        assert!(confidence < 0.2, "{name}: {confidence}");
    }
}

#[test]
fn abbreviations_of_the_trade_are_understood() {
    let table = FoodTable::usda();
    let matcher = FoodMatcher::new(&table);
    for (name, category, expected, words) in [
        ("FLUID MILK WHITE ONLY", "GROCERY FLUID MILK PRODUCTS", "Milk, NFS", "fluid milk white only"),
        ("FRZN GARLIC BREAD/TOAST/STICKS", "GROCERY FROZEN BREAD/DOUGH", "Garlic bread, frozen", "garlic"),
        ("CHIX BRST BNLS", "MEAT", "Chicken, breast, boneless, skinless, raw", "chix"),
        ("WHL WHT BREAD", "BAKERY", "Bread, whole wheat", "wht"),
        ("CHOC MILK", "DAIRY", "Chocolate milk, NFS", "choc milk"),
    ] {
        let found = matcher.find(name, category);
        let place = found.iter().take(3).position(|food| food.name == expected);
        assert!(place.is_some(), "{name}: {:?}", found.iter().map(|food| &food.name).collect::<Vec<_>>());
        let matched = &found[place.unwrap()].matched_words;
        assert!(matched.iter().any(|word| word == words), "{name}: {matched:?}");
    }
}

#[test]
fn the_table_keeps_what_was_not_measured_unknown() {
    let table = FoodTable::usda();
    assert_eq!(table.foods().len(), 7168);
    let sirloin = table.find("1").unwrap();
    assert_eq!(sirloin.food.name, "APPLEBEE'S, 9 oz house sirloin steak");
    assert_eq!(sirloin.food.per_100g.get(Nutrient::Protein), Some(26.85));
    assert_eq!(sirloin.food.per_100g.get(Nutrient::Fibre), None);
    assert_eq!(sirloin.portion_g(), Some(157.0));
    assert_eq!(table.find("3656").unwrap().portion_g(), None, "the table divides by no pieces here");
    let amounts = |food: &TableFood| {
        food.food.per_100g.amounts().iter().all(|amount| amount.is_nan() || *amount >= 0.0)
    };
    assert!(table.foods().iter().all(amounts));
}

#[test]
fn a_bad_table_is_refused_by_line_and_column() {
    let compress = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let error = |bytes: &[u8]| FoodTable::parse(bytes).unwrap_err().to_string();
    assert!(error(b"no gzip").contains("cannot be read"));
    assert!(error(&compress("food_id,name\n1,Egg\n")).contains("no column"));
    let header = "food_id,name,source,category,portion_unit,portion_g,energy_kcal,protein_g,fat_g,saturated_fat_g,\
        carbohydrate_g,sugars_g,fiber_g,sodium_mg,cholesterol_mg,calcium_mg,iron_mg,potassium_mg,magnesium_mg,\
        zinc_mg,vitamin_c_mg,vitamin_a_rae_ug,vitamin_d_ug,vitamin_b12_ug,folate_ug";
    let line = "\n1,Egg,sr,Eggs,,50,-5,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\n";
    let refused = error(&compress(&format!("{header}{line}")));
    assert!(refused.contains("line 2") && refused.contains("energy_kcal"), "{refused}");
}

#[test]
fn a_catalogue_is_parted_by_how_sure_its_matches_are() {
    let table = FoodTable::usda();
    let matcher = FoodMatcher::new(&table);
    let product = |product_id: &str, name: &str, category: &str| ProductName {
        product_id: product_id.to_owned(),
        name: name.to_owned(),
        category: category.to_owned(),
    };
    let products = [
        product("a", "BANANAS", "PRODUCE TROPICAL FRUIT"),
        product("b", "LAUNDRY DETERGENT", "GROCERY LAUNDRY"),
        product("c", "KOSHER FOODS", "GROCERY HISPANIC"),
    ];
    let review = review_catalogue(&matcher, &products, 0.75, 0.2);
    let ids = |list: &[ReviewedMatch]| list.iter().map(|each| each.product_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&review.estimated), ["a"]);
    assert_eq!(ids(&review.doubtful), ["c"]);
    assert_eq!(ids(&review.unmatched), ["b"]);
}

#[test]
fn a_lexicon_with_an_impossible_weight_is_refused() {
    let json =
        include_str!("../../data/matching/grocery-words.json").replacen("\"cost\": 0.25", "\"cost\": 7", 1);
    assert!(Lexicon::parse(&json).unwrap_err().to_string().contains("narrow.cost"));
    assert!(Lexicon::parse("{}").is_err());
    assert_eq!(Lexicon::grocery().version(), "2026-11-1");
}

#[test]
fn labelled_names_of_other_shapes_are_refused() {
    assert_eq!(JudgedName::parse("a\tb\n"), Err(JudgedNameError { line: 1, columns: 2 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_answered_with_chances(name in "\\PC{0,60}", category in "\\PC{0,30}") {
        thread_local! {
            static MATCHER: FoodMatcher = FoodMatcher::new(&FoodTable::usda());
        }
        let found = MATCHER.with(|matcher| matcher.find(&name, &category));
        prop_assert!(found.len() <= 5);
        for food in &found {
            prop_assert!((0.0..=1.0).contains(&food.confidence));
            prop_assert!(!food.matched_words.is_empty());
        }
    }
}
