//! Which rules of a profile are refused: amounts that are no amounts, shares of an energy that
//! a nutrient does not carry, and bounds that no day can keep.

use super::{Amount, Bound, Guideline, GuidelineRule, Span};
use crate::{Activity, InvalidField, LifeStage, Person, Sex};

/// More rules than this are no guideline.
const MOST_RULES: usize = 500;

/// Every field that is refused for itself.
pub(super) fn refused(guideline: &Guideline) -> Vec<InvalidField> {
    let mut refused = Vec::new();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let name = guideline.name.as_bytes();
    if name.is_empty() || name.len() > 64 || !name.iter().all(|byte| is_plain(*byte)) {
        let accepted = "1 to 64 lower-case letters, digits and hyphens";
        refused.push(InvalidField::new("guideline.name", &guideline.name, accepted));
    }
    if guideline.version == 0 {
        refused.push(InvalidField::new("guideline.version", 0, "1 or more"));
    }
    if guideline.rules.len() > MOST_RULES {
        let accepted = format!("at most {MOST_RULES} rules");
        refused.push(InvalidField::new("guideline.rules", guideline.rules.len(), accepted));
    }
    for (index, rule) in guideline.rules.iter().enumerate() {
        refused.extend(refused_of_rule(index, rule));
    }
    refused
}

fn refused_of_rule(index: usize, rule: &GuidelineRule) -> Option<InvalidField> {
    let field = |part: &str| format!("guideline.rules[{index}].{part}");
    let (part, amount, most) = match rule.amount {
        Amount::PerDay(amount) => ("amount.per_day", amount, 100_000.0),
        Amount::PerKg(amount) => ("amount.per_kg", amount, 1_000.0),
        Amount::Per1000Kcal(amount) => ("amount.per_1000_kcal", amount, 100_000.0),
        Amount::PercentOfEnergy(percent) => ("amount.percent_of_energy", percent, 100.0),
    };
    if let Some(refused) = InvalidField::unless_within(&field(part), amount, 0.0..=most) {
        return Some(refused);
    }
    if matches!(rule.amount, Amount::PercentOfEnergy(_)) && rule.nutrient.kcal_per_gram().is_none() {
        let accepted = "a nutrient that carries energy, or another kind of amount";
        return Some(InvalidField::new(field(part), rule.nutrient.field(), accepted));
    }
    if rule.sex == Some(Sex::Unspecified) {
        return Some(InvalidField::new(field("sex"), "unspecified", "female, male, or left out"));
    }
    let (from, below) = (rule.from_age.unwrap_or(0.0), rule.below_age.unwrap_or(200.0));
    // Written so that not a number is refused too.
    let is_span = from >= 0.0 && below > from;
    (!is_span).then(|| InvalidField::new(field("below_age"), below, format!("an age above {from}")))
}

/// Bounds that contradict each other for an ordinary adult at an ordinary energy.
pub(super) fn contradictions(guideline: &Guideline) -> Vec<InvalidField> {
    let mut refused: Vec<InvalidField> = Vec::new();
    for sex in [Sex::Female, Sex::Male] {
        for age_years in [19.0, 30.0, 50.0, 60.0, 75.0] {
            for energy_kcal in [1_500.0, 2_500.0, 4_000.0] {
                let person = ordinary(sex, age_years);
                refused.extend(contradictions_for(guideline, &person, energy_kcal));
            }
        }
    }
    refused.sort_by(|one, two| one.field.cmp(&two.field));
    refused.dedup_by(|one, two| one.field == two.field);
    refused
}

fn ordinary(sex: Sex, age_years: f64) -> Person {
    let life_stage = LifeStage::Usual;
    let activity = Activity::Moderate;
    Person { sex, age_years, height_cm: 170.0, weight_kg: 65.0, body_fat: None, activity, life_stage }
}

fn contradictions_for(guideline: &Guideline, person: &Person, energy_kcal: f64) -> Vec<InvalidField> {
    let bounds = guideline.resolve(person, energy_kcal, Span::Day);
    let least = bounds.iter().filter(|bound| bound.bound == Bound::AtLeast);
    least
        .filter_map(|least| {
            let most =
                bounds.iter().find(|one| one.nutrient == least.nutrient && one.bound == Bound::AtMost)?;
            (least.value > most.value).then(|| {
                let field = format!("guideline.rules: {}", least.nutrient.field());
                let value = format!("at least {:.1} and at most {:.1}", least.value, most.value);
                InvalidField::new(field, value, "a lower bound below the upper bound")
            })
        })
        .collect()
}
