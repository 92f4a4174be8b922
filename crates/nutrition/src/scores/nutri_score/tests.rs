//! Points and letters worked out by hand from the tables, the thresholds themselves included.

use super::*;
use crate::{Nutrient, Nutrients};
use proptest::prelude::*;

/// kJ, sugars, fat, saturated fat, salt, fibre and protein of 100 g.
fn nutrients([kj, sugars, fat, saturated, salt, fibre, protein]: [f32; 7]) -> Nutrients {
    Nutrients::UNKNOWN
        .with(Nutrient::Energy, (f64::from(kj) / 4.184) as f32)
        .with(Nutrient::Sugars, sugars)
        .with(Nutrient::Carbohydrate, 60.0)
        .with(Nutrient::Fat, fat)
        .with(Nutrient::SaturatedFat, saturated)
        .with(Nutrient::Sodium, (f64::from(salt) * 400.0 * 100.0).round() as f32 / 100.0)
        .with(Nutrient::Fibre, fibre)
        .with(Nutrient::Protein, protein)
}

fn score(category: NutriScoreCategory, amounts: [f32; 7], fruit: f64) -> NutriScore {
    let per_100g = nutrients(amounts);
    let has_sweetener = Some(false);
    nutri_score(&NutriScoreInput { per_100g: &per_100g, category, fruit_percent: Some(fruit), has_sweetener })
}

fn told(category: NutriScoreCategory, amounts: [f32; 7], fruit: f64) -> (i32, Letter) {
    let score = score(category, amounts, fruit);
    assert_eq!(score.points_low, score.points_high, "all is known");
    (score.points_low, score.letter.expect("all is known"))
}

#[test]
fn foods_get_the_points_of_the_tables() {
    use NutriScoreCategory::{Beverage, Cheese, FatsOilsNutsSeeds, General, RedMeat, Water};
    for (what, category, amounts, fruit, expected) in [
        // 4 + 3 + 0 + 0 = 7; fibre 4, protein 5: 7 - 9 = -2.
        ("muesli", General, [1500.0, 13.0, 6.0, 1.0, 0.1, 7.0, 12.5], 20.0, (-2, Letter::A)),
        // 6 + 15 + 10 + 0 = 31, so protein does not count; fibre 1.
        ("chocolate spread", General, [2250.0, 56.0, 31.0, 10.6, 0.1, 3.4, 6.3], 13.0, (30, Letter::E)),
        // Nothing to limit but 1 for energy; nothing to favour but fruit 5 and no fibre.
        ("apple", General, [218.0, 10.4, 0.2, 0.0, 0.0, 2.4, 0.3], 100.0, (-2, Letter::A)),
        // 2 + 0 + 5 + 4 = 11: protein, capped at 2 for red meat, does not count.
        ("ham steak", RedMeat, [900.0, 0.0, 15.0, 6.0, 1.0, 0.0, 20.0], 0.0, (11, Letter::D)),
        // 2 + 0 + 5 + 0 = 7 minus 2.
        ("minced beef", RedMeat, [900.0, 0.0, 15.0, 6.0, 0.2, 0.0, 20.0], 0.0, (5, Letter::C)),
        // The same as another food: 7 minus 7 of protein.
        ("as a general food", General, [900.0, 0.0, 15.0, 6.0, 0.2, 0.0, 20.0], 0.0, (0, Letter::A)),
        // 4 + 0 + 10 + 8 = 22 minus 7 of protein, which counts for cheese always.
        ("hard cheese", Cheese, [1660.0, 0.0, 33.0, 20.0, 1.7, 0.0, 25.0], 0.0, (15, Letter::D)),
        // 13.8 * 37 = 510.6 is 4; 13.8 of 91.6 is 15.07 %, 1: 5 and nothing to favour.
        ("olive oil", FatsOilsNutsSeeds, [3389.0, 0.0, 91.6, 13.8, 0.0, 0.0, 0.0], 0.0, (5, Letter::C)),
        // 3.8 * 37 = 140.6 is 1; sugars 4.3 is 1; 3.8 of 50 is 7.6 %, 0: 2; fibre 5, protein 7.
        ("almonds", FatsOilsNutsSeeds, [2400.0, 4.3, 50.0, 3.8, 0.0, 12.5, 21.0], 0.0, (-10, Letter::A)),
        // 52 * 37 = 1924 is 10; 52 of 82 is 63.4 %, 9; nothing to favour.
        ("butter", FatsOilsNutsSeeds, [3060.0, 0.5, 82.0, 52.0, 0.0, 0.0, 0.6], 0.0, (19, Letter::E)),
        // 4 (180 kJ is above 30, 90 and 150) = 3; sugars 10.6 is 9: 12.
        ("cola", Beverage, [180.0, 10.6, 0.0, 0.0, 0.0, 0.0, 0.0], 0.0, (12, Letter::E)),
        // 191 kJ is 3; sugars 4.8 is 3; saturated 1 is 0; salt 0.1 is 0; protein 3.4 is 7.
        ("milk", Beverage, [191.0, 4.8, 1.5, 1.0, 0.1, 0.0, 3.4], 0.0, (-1, Letter::B)),
        // The drink seen elsewhere: 10 + 1 minus 7.
        ("soy drink powder", Beverage, [477.1, 1.0, 2.0, 0.2, 0.1, 0.0, 24.0], 0.0, (4, Letter::C)),
        // 180 kJ is 3; sugars 9 is 7; fruit 6.
        ("orange juice", Beverage, [180.0, 9.0, 0.0, 0.0, 0.0, 0.2, 0.7], 100.0, (4, Letter::C)),
        ("water", Water, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 0.0, (0, Letter::A)),
    ] {
        assert_eq!(told(category, amounts, fruit), expected, "{what}");
    }
}

/// An amount that equals a threshold does not exceed it; a hair more does.
#[test]
fn thresholds_are_exceeded_and_ratios_reached() {
    use NutriScoreCategory::{Beverage, FatsOilsNutsSeeds, General};
    let nothing = [0.0; 7];
    let one = |place: usize, amount: f32, category, fruit| {
        let mut amounts = nothing;
        amounts[place] = amount;
        told(category, amounts, fruit).0
    };
    for (place, thresholds) in [
        (
            1,
            &[3.4_f32, 6.8, 10.0, 14.0, 17.0, 20.0, 24.0, 27.0, 31.0, 34.0, 37.0, 41.0, 44.0, 48.0, 51.0][..],
        ),
        (3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]),
        (
            4,
            &[
                0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2, 3.4, 3.6,
                3.8, 4.0,
            ],
        ),
        (5, &[3.0, 4.1, 5.2, 6.3, 7.4]),
        (6, &[2.4, 4.8, 7.2, 9.6, 12.0, 14.0, 17.0]),
    ] {
        let sign = if place >= 5 { -1 } else { 1 };
        for (points, threshold) in thresholds.iter().enumerate() {
            let points = points as i32;
            assert_eq!(one(place, *threshold, General, 0.0), sign * points, "at {threshold} of {place}");
            assert_eq!(one(place, threshold + 0.01, General, 0.0), sign * (points + 1), "above {threshold}");
        }
    }
    for (points, threshold) in [0.5_f32, 2.0, 3.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0].iter().enumerate() {
        assert_eq!(one(1, *threshold, Beverage, 0.0), points as i32, "drinks, at {threshold}");
        assert_eq!(one(1, threshold + 0.01, Beverage, 0.0), points as i32 + 1, "drinks, above {threshold}");
    }
    for (points, threshold) in [1.2_f32, 1.5, 1.8, 2.1, 2.4, 2.7, 3.0].iter().enumerate() {
        assert_eq!(one(6, *threshold, Beverage, 0.0), -(points as i32));
    }
    for (points, kj) in
        [30.0_f32, 90.0, 150.0, 210.0, 240.0, 270.0, 300.0, 330.0, 360.0, 390.0].iter().enumerate()
    {
        assert_eq!(one(0, kj + 0.1, Beverage, 0.0), points as i32 + 1, "drinks, above {kj} kJ");
        assert_eq!(one(0, kj - 0.1, Beverage, 0.0), points as i32, "drinks, below {kj} kJ");
    }
    for (points, kj) in (1..=10).map(|step| 335.0 * step as f32).enumerate() {
        assert_eq!(one(0, kj + 0.1, General, 0.0), points as i32 + 1, "above {kj} kJ");
        assert_eq!(one(0, kj - 0.1, General, 0.0), points as i32, "below {kj} kJ");
    }
    for (fruit, general, drink) in
        [(40.0, 0, 0), (40.1, -1, -2), (60.0, -1, -2), (60.1, -2, -4), (80.0, -2, -4), (80.1, -5, -6)]
    {
        assert_eq!(one(1, 0.0, General, fruit), general, "{fruit} %");
        assert_eq!(one(1, 0.0, Beverage, fruit), drink, "{fruit} % of a drink");
    }
    for (points, percent) in
        [10.0_f32, 16.0, 22.0, 28.0, 34.0, 40.0, 46.0, 52.0, 58.0, 64.0].iter().enumerate()
    {
        // 1 g of fat, so that saturated fat hardly has energy.
        let at = told(FatsOilsNutsSeeds, [0.0, 0.0, 1.0, percent / 100.0, 0.0, 0.0, 0.0], 0.0).0;
        assert_eq!(at, points as i32 + 1, "reached at {percent} %");
        let below = told(FatsOilsNutsSeeds, [0.0, 0.0, 1.0, percent / 100.0 - 0.001, 0.0, 0.0, 0.0], 0.0).0;
        assert_eq!(below, points as i32, "not reached below {percent} %");
    }
}

#[test]
fn letters_change_at_their_points() {
    use NutriScoreCategory::{Beverage, FatsOilsNutsSeeds, General};
    for (category, most) in
        [(General, [0, 2, 10, 18]), (FatsOilsNutsSeeds, [-6, 2, 10, 18]), (Beverage, [-100, 2, 6, 9])]
    {
        let letters = [Letter::A, Letter::B, Letter::C, Letter::D, Letter::E];
        for (place, most) in most.into_iter().enumerate() {
            if most > -100 {
                assert_eq!(letter(category, most), letters[place], "{category:?} at {most}");
            }
            assert_eq!(letter(category, most + 1), letters[place + 1], "{category:?} above {most}");
        }
    }
    assert_eq!(letter(Beverage, -20), Letter::B, "only water is A");
}

#[test]
fn sweeteners_cost_a_drink_four_points() {
    let per_100g = nutrients([4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let with = |has_sweetener| {
        let category = NutriScoreCategory::Beverage;
        nutri_score(&NutriScoreInput {
            per_100g: &per_100g,
            category,
            fruit_percent: Some(0.0),
            has_sweetener,
        })
    };
    assert_eq!((with(Some(true)).points_low, with(Some(true)).letter), (4, Some(Letter::C)));
    assert_eq!(with(Some(false)).letter, Some(Letter::B));
    let open = with(None);
    assert_eq!((open.letter, open.best_letter, open.worst_letter), (None, Letter::B, Letter::C));
    assert!(open.confidence < 1.0);
}

#[test]
fn what_is_not_known_leaves_a_range_of_letters() {
    let all = nutrients([1500.0, 13.0, 6.0, 1.0, 0.1, 7.0, 12.5]);
    let open = all.with(Nutrient::Sodium, None);
    let category = NutriScoreCategory::General;
    let input = NutriScoreInput { per_100g: &open, category, fruit_percent: Some(20.0), has_sweetener: None };
    let score = nutri_score(&input);
    assert_eq!(score.points_low, -2);
    // 20 of salt and no protein beside so much: 4 + 3 + 20 - 4.
    assert_eq!((score.points_high, score.letter), (23, None));
    assert_eq!((score.best_letter, score.worst_letter), (Letter::A, Letter::E));
    assert!((score.confidence - 52.0 / 72.0).abs() < 1e-9, "{}", score.confidence);
    let unsaturated = all.with(Nutrient::SaturatedFat, None).with(Nutrient::Fat, 1.0);
    let input = NutriScoreInput { per_100g: &unsaturated, ..input };
    assert_eq!(nutri_score(&input).letter, Some(Letter::A), "a gram of fat bounds the saturated fat");
    let nothing = NutriScoreInput { per_100g: &Nutrients::UNKNOWN, fruit_percent: None, ..input };
    let score = nutri_score(&nothing);
    assert_eq!((score.letter, score.best_letter, score.worst_letter), (None, Letter::A, Letter::E));
    assert!(score.confidence.abs() < 1e-9);
}

#[test]
fn what_would_improve_it_is_told_with_the_letter_it_brings() {
    // 3 + 6 + 0 + 1 = 10 points minus 2 of protein: 8, C; B from 2 on.
    let score = score(NutriScoreCategory::General, [1200.0, 21.0, 4.0, 1.0, 0.3, 1.0, 6.0], 0.0);
    assert_eq!((score.points_low, score.letter), (8, Some(Letter::C)));
    let sugar = score.improvements.iter().find(|one| one.field == "sugars_g").expect("less sugar helps");
    // Six points less, down to none: 3.4 g.
    assert_eq!(sugar.text, "17.6 g less sugar: B");
    assert!((sugar.change + 17.6).abs() < 1e-9);
    let protein = score.improvements.iter().find(|one| one.field == "protein_g");
    assert!(protein.is_none(), "five points more of protein are not enough");
}

#[test]
fn three_grams_less_sugar_can_bring_b() {
    // 3 + 3 (13 g of sugars) = 6, minus 3 of protein: 3, C. At 10 g it is 2: B.
    let score = score(NutriScoreCategory::General, [1200.0, 13.0, 4.0, 1.0, 0.1, 1.0, 8.0], 0.0);
    assert_eq!((score.points_low, score.letter), (3, Some(Letter::C)));
    assert!(score.improvements.iter().any(|one| one.text == "3 g less sugar: B"), "{:?}", score.improvements);
}

fn amounts() -> impl Strategy<Value = [f32; 7]> {
    [
        0.0..3700.0_f32,
        0.0..60.0_f32,
        0.0..100.0_f32,
        0.0..50.0_f32,
        0.0..6.0_f32,
        0.0..20.0_f32,
        0.0..40.0_f32,
    ]
}

fn categories() -> impl Strategy<Value = NutriScoreCategory> {
    use NutriScoreCategory::{Beverage, Cheese, FatsOilsNutsSeeds, General, RedMeat};
    prop::sample::select(vec![General, RedMeat, Cheese, FatsOilsNutsSeeds, Beverage])
}

proptest! {
    #[test]
    fn points_grow_with_what_is_limited_and_fall_with_what_is_favoured(
        amounts in amounts(), category in categories(), fruit in 0.0..100.0_f64, place in 0..7_usize, more in 0.1..20.0_f32
    ) {
        let before = told(category, amounts, fruit).0;
        let mut changed = amounts;
        changed[place] += more;
        let after = told(category, changed, fruit).0;
        match place {
            0 | 1 | 3 | 4 => prop_assert!(after >= before),
            5 | 6 => prop_assert!(after <= before),
            // More fat alone lowers the share of the saturated.
            _ => prop_assert!(after <= before),
        }
    }

    #[test]
    fn components_add_up_and_improvements_keep_their_word(
        amounts in amounts(), category in categories(), fruit in 0.0..100.0_f64
    ) {
        let score = score(category, amounts, fruit);
        prop_assert_eq!(score.components.iter().map(|one| one.low).sum::<i32>(), score.points_low);
        for improvement in &score.improvements {
            let mut changed = amounts;
            let mut fruit = fruit;
            let change = improvement.change as f32;
            match improvement.field {
                "sugars_g" => changed[1] += change,
                "saturated_fat_g" => changed[3] += change,
                "salt_g" => changed[4] += change,
                "fibre_g" => changed[5] += change,
                "protein_g" => changed[6] += change,
                _ => fruit += improvement.change,
            }
            // A hair further, for what the conversion to f32 loses.
            let hair = change.signum() * 0.001;
            for place in [1, 3, 4, 5, 6] {
                if changed[place].to_bits() != amounts[place].to_bits() {
                    changed[place] = (changed[place] + hair).max(0.0);
                }
            }
            prop_assert!(told(category, changed, fruit).1 <= improvement.letter, "{}", improvement.text);
            prop_assert!(improvement.letter < score.letter.expect("all is known"));
        }
    }

    #[test]
    fn a_range_holds_every_value_it_stands_for(
        amounts in amounts(), category in categories(), fruit in 0.0..100.0_f64, hidden in 0..128_u8, hides_fruit in any::<bool>()
    ) {
        let fields = [
            Nutrient::Energy, Nutrient::Sugars, Nutrient::Fat, Nutrient::SaturatedFat, Nutrient::Sodium,
            Nutrient::Fibre, Nutrient::Protein,
        ];
        let mut sound = amounts;
        sound[3] = sound[3].min(sound[2]);
        let points = told(category, sound, fruit).0;
        let mut open = nutrients(sound);
        for (place, nutrient) in fields.into_iter().enumerate() {
            if hidden & (1 << place) != 0 {
                open = open.with(nutrient, None);
            }
        }
        let fruit_percent = (!hides_fruit).then_some(fruit);
        let input = NutriScoreInput { per_100g: &open, category, fruit_percent, has_sweetener: Some(false) };
        let score = nutri_score(&input);
        prop_assert!((score.points_low..=score.points_high).contains(&points), "{points} {score:?}");
        prop_assert!((0.0..=1.0).contains(&score.confidence));
    }
}
