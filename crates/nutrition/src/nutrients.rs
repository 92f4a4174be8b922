//! Amounts of energy and nutrients. An amount that was not measured is absent, and a sum
//! with an absent part is only as complete as its parts.

/// What is counted of a food. The unit is part of the name a field of it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the nutrient of its name; `field` tells its unit")]
#[repr(u8)]
pub enum Nutrient {
    Energy,
    Protein,
    Fat,
    SaturatedFat,
    Carbohydrate,
    Sugars,
    AddedSugars,
    Fibre,
    Sodium,
    Cholesterol,
    Calcium,
    Iron,
    Potassium,
    Magnesium,
    Zinc,
    VitaminA,
    VitaminC,
    VitaminD,
    VitaminE,
    VitaminB12,
    Folate,
}

impl Nutrient {
    /// Every nutrient, in the order amounts of them are kept.
    pub const ALL: [Self; 21] = [
        Self::Energy,
        Self::Protein,
        Self::Fat,
        Self::SaturatedFat,
        Self::Carbohydrate,
        Self::Sugars,
        Self::AddedSugars,
        Self::Fibre,
        Self::Sodium,
        Self::Cholesterol,
        Self::Calcium,
        Self::Iron,
        Self::Potassium,
        Self::Magnesium,
        Self::Zinc,
        Self::VitaminA,
        Self::VitaminC,
        Self::VitaminD,
        Self::VitaminE,
        Self::VitaminB12,
        Self::Folate,
    ];

    /// The name of a field that holds it, ending with its unit.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Energy => "energy_kcal",
            Self::Protein => "protein_g",
            Self::Fat => "fat_g",
            Self::SaturatedFat => "saturated_fat_g",
            Self::Carbohydrate => "carbohydrate_g",
            Self::Sugars => "sugars_g",
            Self::AddedSugars => "added_sugars_g",
            Self::Fibre => "fibre_g",
            Self::Sodium => "sodium_mg",
            Self::Cholesterol => "cholesterol_mg",
            Self::Calcium => "calcium_mg",
            Self::Iron => "iron_mg",
            Self::Potassium => "potassium_mg",
            Self::Magnesium => "magnesium_mg",
            Self::Zinc => "zinc_mg",
            Self::VitaminA => "vitamin_a_rae_ug",
            Self::VitaminC => "vitamin_c_mg",
            Self::VitaminD => "vitamin_d_ug",
            Self::VitaminE => "vitamin_e_mg",
            Self::VitaminB12 => "vitamin_b12_ug",
            Self::Folate => "folate_dfe_ug",
        }
    }

    /// The energy of a gram of it by the general Atwater factors, in kcal; `None` for what
    /// carries none or is not counted in grams. Fibre counts as 2 (Regulation (EU) No 1169/2011,
    /// Annex XIV).
    #[must_use]
    pub fn kcal_per_gram(self) -> Option<f64> {
        match self {
            Self::Protein | Self::Carbohydrate | Self::Sugars | Self::AddedSugars => Some(4.0),
            Self::Fat | Self::SaturatedFat => Some(9.0),
            Self::Fibre => Some(2.0),
            _ => None,
        }
    }
}

/// Amounts of every nutrient, each in the unit of its field; absent where not measured.
#[derive(Clone, Copy, Debug)]
pub struct Nutrients([f32; Nutrient::ALL.len()]);

impl Nutrients {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self([f32::NAN; Nutrient::ALL.len()]);

    /// The amount of `nutrient`; `None` when it was not measured.
    #[must_use]
    pub fn get(&self, nutrient: Nutrient) -> Option<f32> {
        let amount = self.0[nutrient as usize];
        (!amount.is_nan()).then_some(amount)
    }

    /// These amounts with one of them set.
    #[must_use]
    pub fn with(mut self, nutrient: Nutrient, amount: impl Into<Option<f32>>) -> Self {
        self.0[nutrient as usize] = amount.into().unwrap_or(f32::NAN);
        self
    }

    /// These amounts of 100 g for `mass_g` grams.
    #[must_use]
    pub fn for_mass(&self, mass_g: f32) -> Self {
        Self(self.0.map(|amount| amount * mass_g / 100.0))
    }

    /// The amounts in the order of [`Nutrient::ALL`]; not a number where not measured.
    #[must_use]
    pub fn amounts(&self) -> &[f32; Nutrient::ALL.len()] {
        &self.0
    }
}

impl Default for Nutrients {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl PartialEq for Nutrients {
    /// Two unknown amounts count as equal.
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(one, two)| one == two || (one.is_nan() && two.is_nan()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nutrient_stands_at_its_place() {
        for (place, nutrient) in Nutrient::ALL.into_iter().enumerate() {
            assert_eq!(nutrient as usize, place);
        }
    }

    #[test]
    fn what_was_not_measured_stays_unknown_for_any_mass() {
        let per_100g = Nutrients::UNKNOWN.with(Nutrient::Protein, 20.0);
        let portion = per_100g.for_mass(150.0);
        assert_eq!(portion.get(Nutrient::Protein), Some(30.0));
        assert_eq!(portion.get(Nutrient::Fat), None);
    }
}
