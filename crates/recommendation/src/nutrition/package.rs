//! How much is in a package, by what is printed on it: "12 OZ", "1.5 L", "6 PK/4 OZ".

/// Grams of one unit; of a litre of what is sold by volume as much as of water.
const UNITS: [(&str, f64); 22] = [
    ("G", 1.0),
    ("GR", 1.0),
    ("GRAM", 1.0),
    ("GRAMS", 1.0),
    ("KG", 1_000.0),
    ("OZ", 28.349_523),
    ("FL OZ", 29.573_53),
    ("FLOZ", 29.573_53),
    ("LB", 453.592_37),
    ("LBS", 453.592_37),
    ("ML", 1.0),
    ("CL", 10.0),
    ("L", 1_000.0),
    ("LT", 1_000.0),
    ("LTR", 1_000.0),
    ("LITER", 1_000.0),
    ("LITRE", 1_000.0),
    ("PT", 473.176_5),
    ("QT", 946.352_9),
    ("GA", 3_785.411_8),
    ("GAL", 3_785.411_8),
    ("PINT", 473.176_5),
];

/// More than this is no package that a household buys.
const MOST_G: f64 = 100_000.0;

/// The mass of a package in grams, by its size as printed on it. `None` when it names no mass
/// and no volume, or cannot be read.
pub(crate) fn mass_g(package_size: &str) -> Option<f64> {
    let text = package_size.trim().to_uppercase();
    let (pieces, one) = match text.split_once('/') {
        // "6 PK/4 OZ" and "12/4 OZ" are so many of so much; "3/4 OZ" is less than one.
        Some((before, after)) if before.ends_with("PK") || before.ends_with("CT") => (number(before)?, after),
        Some((before, after)) if !is_share(before, after) => (before.trim().parse::<f64>().ok()?, after),
        _ => (1.0, text.as_str()),
    };
    let mass_g = pieces * of_one(one.trim())?;
    (mass_g > 0.0 && mass_g <= MOST_G).then_some(mass_g)
}

/// The last part of a name between commas that tells a mass: "Tomato Juice, 46 OZ, Variety 2".
pub(crate) fn mass_in_name_g(name: &str) -> Option<f64> {
    name.rsplit(", ").find_map(mass_g)
}

fn of_one(text: &str) -> Option<f64> {
    let unit_starts = text.find(|letter: char| letter.is_ascii_uppercase())?;
    let (amount, unit) = text.split_at(unit_starts);
    let unit = unit.trim().trim_end_matches('.');
    let (_, grams) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    Some(amount_of(amount.trim())? * grams)
}

/// "12", "1.5", "1/2" and "10 1/2".
fn amount_of(text: &str) -> Option<f64> {
    if let Some((whole, share)) = text.split_once(' ') {
        return Some(whole.parse::<f64>().ok()? + amount_of(share.trim())?);
    }
    match text.split_once('/') {
        Some((upper, lower)) => {
            let share = upper.parse::<f64>().ok()? / lower.parse::<f64>().ok()?;
            share.is_finite().then_some(share)
        }
        None => text.parse::<f64>().ok(),
    }
}

/// Whether this is a fraction as packages print them, alone or behind a whole number.
fn is_share(before: &str, after: &str) -> bool {
    let upper = before.rsplit(' ').next().unwrap_or_default().parse::<u32>();
    let digits = after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len());
    let is_whole = !after[digits..].starts_with('.');
    let lower = after[..digits].parse::<u32>();
    matches!((upper, lower), (Ok(upper), Ok(lower)) if is_whole && upper < lower && [2, 3, 4, 8, 16].contains(&lower))
}

/// The number a text begins with.
fn number(text: &str) -> Option<f64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    text[..end].parse::<f64>().ok().filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packages_are_read_as_they_are_printed() {
        let sizes = [
            ("12 OZ", 340.19),
            ("1 LB", 453.59),
            ("500 g", 500.0),
            ("1.5 L", 1_500.0),
            ("1 GAL", 3_785.41),
            ("6 PK/4 OZ", 680.39),
            ("10/6.75 OZ", 1_913.59),
            ("12/4 OZ", 1_360.78),
            ("1/2 OZ", 14.17),
            ("3/4 OZ", 21.26),
            ("10 1/2 oz.", 297.67),
        ];
        for (size, grams) in sizes {
            let read = mass_g(size).unwrap_or_default();
            assert!((read - grams).abs() < 0.01, "{size}: {read}");
        }
        for size in ["", "12 CT", "75 SQ FT", "OZ", "2 DZ", "0 OZ", "1/0 OZ", "9999999 LB", "NaN OZ", "€ OZ"]
        {
            assert_eq!(mass_g(size), None, "{size}");
        }
        assert!((mass_in_name_g("Tomato Juice, 46 OZ, Variety 2").unwrap() - 1_304.08).abs() < 0.01);
        assert_eq!(mass_in_name_g("Bananas"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_printed_is_a_believable_mass_or_none(text in ".{0,24}") {
            if let Some(grams) = mass_g(&text) {
                prop_assert!(grams > 0.0 && grams <= MOST_G);
            }
        }
    }
}
