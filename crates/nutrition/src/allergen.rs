//! The fourteen groups of Annex II of Regulation (EU) No 1169/2011, and what is known of
//! each in a food. What is not known is not free of it.

/// One of the fourteen groups whose presence must be declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the group of its name in the regulation")]
#[repr(u8)]
pub enum Allergen {
    Gluten,
    Crustaceans,
    Eggs,
    Fish,
    Peanuts,
    Soybeans,
    Milk,
    Nuts,
    Celery,
    Mustard,
    Sesame,
    Sulphites,
    Lupin,
    Molluscs,
}

impl Allergen {
    /// Every group, in the order of the regulation.
    pub const ALL: [Self; 14] = [
        Self::Gluten,
        Self::Crustaceans,
        Self::Eggs,
        Self::Fish,
        Self::Peanuts,
        Self::Soybeans,
        Self::Milk,
        Self::Nuts,
        Self::Celery,
        Self::Mustard,
        Self::Sesame,
        Self::Sulphites,
        Self::Lupin,
        Self::Molluscs,
    ];
}

/// What is known of one allergen in one food.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Nobody said anything: unsafe for whoever must avoid it, unless they say otherwise.
    #[default]
    Unknown,
    /// It is an ingredient.
    Contains,
    /// Traces cannot be ruled out.
    MayContain,
    /// Somebody who knows says that it is not in there.
    Free,
}

/// What is known of every allergen in one food.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allergens([Presence; Allergen::ALL.len()]);

impl Allergens {
    /// What is known of `allergen`.
    #[must_use]
    pub fn get(&self, allergen: Allergen) -> Presence {
        self.0[allergen as usize]
    }

    /// The same with one of them said.
    #[must_use]
    pub fn with(mut self, allergen: Allergen, presence: Presence) -> Self {
        self.0[allergen as usize] = presence;
        self
    }
}
