//! Guidelines: what a body of experts says a day should hold, as versioned JSON that a tenant
//! may choose among, or extend by JSON of its own. Nothing is taken from a profile unchecked.

mod check;
mod resolve;

#[cfg(test)]
mod tests;

pub(crate) use resolve::Resolved;

use crate::{InvalidField, InvalidFields, Nutrient, Sex};

/// The profiles this crate brings, by name, with their JSON.
const PROFILES: [(&str, &str); 5] = [
    ("dri", include_str!("../data/guidelines/dri.json")),
    ("who-2023", include_str!("../data/guidelines/who-2023.json")),
    ("dga-2020", include_str!("../data/guidelines/dga-2020.json")),
    ("dga-2025", include_str!("../data/guidelines/dga-2025.json")),
    ("efsa", include_str!("../data/guidelines/efsa.json")),
];

/// A profile may extend one that extends another, and so on up to this depth.
const MOST_EXTENSIONS: usize = 4;

/// A named, versioned list of rules.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guideline {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    /// Counts up whenever a rule changes.
    pub version: u32,
    /// What people call it.
    pub title: String,
    /// Who says so; for rules that name no source of their own.
    pub source: String,
    /// A profile of this crate whose rules hold too, where none of these says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// Where several rules speak of one bound of one nutrient, the last that fits the person holds.
    pub rules: Vec<GuidelineRule>,
}

/// One bound of one nutrient.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuidelineRule {
    /// What is bounded.
    pub nutrient: Nutrient,
    /// From which side.
    pub bound: Bound,
    /// By how much.
    pub amount: Amount,
    /// Of a day or of each meal.
    #[serde(default)]
    pub of: Span,
    /// Only for this sex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<Sex>,
    /// Only from this age in years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_age: Option<f64>,
    /// Only below this age in years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below_age: Option<f64>,
    /// Who says so; the profile's source when it names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The side a nutrient is bounded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the bound of its name")]
pub enum Bound {
    AtLeast,
    Ideal,
    AtMost,
}

impl Bound {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::AtLeast => "at_least",
            Self::Ideal => "ideal",
            Self::AtMost => "at_most",
        }
    }
}

/// What an amount is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the span of its name")]
pub enum Span {
    #[default]
    Day,
    Meal,
}

/// How much, in the unit of the nutrient's field.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Amount {
    /// The same for everybody.
    #[serde(rename = "per_day")]
    PerDay(f64),
    /// For each kilogram of reference weight.
    #[serde(rename = "per_kg")]
    PerKg(f64),
    /// For each 1,000 kcal of the energy target.
    #[serde(rename = "per_1000_kcal")]
    Per1000Kcal(f64),
    /// This share of the energy target, by 4 kcal a gram of protein and carbohydrate, 9 of fat.
    #[serde(rename = "percent_of_energy")]
    PercentOfEnergy(f64),
}

impl Guideline {
    /// The names of the profiles this crate brings.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PROFILES.into_iter().map(|(name, _)| name)
    }

    /// The profile of this name, the profiles it extends included.
    ///
    /// # Errors
    /// The names there are, when it is none of them.
    pub fn named(name: &str) -> Result<Self, InvalidFields> {
        let Some((_, json)) = PROFILES.into_iter().find(|(own, _)| *own == name) else {
            let names: Vec<&str> = Self::names().collect();
            return Err(InvalidFields(vec![InvalidField::new("guideline", name, names.join(", "))]));
        };
        Self::from_json(json)
    }

    /// Reads a profile of a tenant's own and checks every rule of it.
    ///
    /// # Errors
    /// Every rule that is refused, or what makes the text no profile.
    pub fn from_json(json: &str) -> Result<Self, InvalidFields> {
        let own: Self = serde_json::from_str(json).map_err(|error| {
            let accepted = "a profile with name, version, title, source and rules";
            InvalidFields(vec![InvalidField::new("guideline", error, accepted)])
        })?;
        InvalidFields::none_of(check::refused(&own))?;
        let whole = own.extended(0)?;
        InvalidFields::none_of(check::contradictions(&whole))?;
        Ok(whole)
    }

    /// These rules behind those of the profiles this one extends, so that these hold.
    fn extended(mut self, depth: usize) -> Result<Self, InvalidFields> {
        let Some(name) = &self.extends else {
            return Ok(self);
        };
        let json = PROFILES.into_iter().find(|(own, _)| own == name).filter(|_| depth < MOST_EXTENSIONS);
        let Some(base) = json.and_then(|(_, json)| serde_json::from_str::<Self>(json).ok()) else {
            let names: Vec<&str> = Self::names().collect();
            let refused = InvalidField::new("guideline.extends", name, names.join(", "));
            return Err(InvalidFields(vec![refused]));
        };
        let base = base.extended(depth + 1)?;
        let of_base = base.rules.into_iter().map(|mut rule| {
            rule.source.get_or_insert_with(|| base.source.clone());
            rule
        });
        self.rules = of_base.chain(self.rules).collect();
        Ok(self)
    }
}
