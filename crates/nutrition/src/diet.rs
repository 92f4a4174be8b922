//! Diets and whether a food suits them.

/// A way of eating that rules foods out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the diet of its name")]
#[repr(u8)]
pub enum Diet {
    Vegan,
    Vegetarian,
    Pescatarian,
    Halal,
    Kosher,
    GlutenFree,
    LactoseFree,
    Keto,
    LowFodmap,
}

impl Diet {
    /// Every diet.
    pub const ALL: [Self; 9] = [
        Self::Vegan,
        Self::Vegetarian,
        Self::Pescatarian,
        Self::Halal,
        Self::Kosher,
        Self::GlutenFree,
        Self::LactoseFree,
        Self::Keto,
        Self::LowFodmap,
    ];
}

/// Whether a food suits one diet, and how that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suits {
    /// Nothing says so: a plan for somebody on this diet leaves the food out.
    #[default]
    Unknown,
    /// The producer or the tenant says it suits.
    Declared,
    /// Derived from what the food is: it suits.
    Derived,
    /// It does not suit, said or derived.
    No,
}

/// Whether a food suits every diet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Diets([Suits; Diet::ALL.len()]);

impl Diets {
    /// Whether it suits `diet`.
    #[must_use]
    pub fn get(&self, diet: Diet) -> Suits {
        self.0[diet as usize]
    }

    /// The same with one of them said.
    #[must_use]
    pub fn with(mut self, diet: Diet, suits: Suits) -> Self {
        self.0[diet as usize] = suits;
        self
    }

    /// The same, with what is not known of each taken from `derived`.
    #[must_use]
    pub fn or_derived(mut self, derived: &Self) -> Self {
        for (own, derived) in self.0.iter_mut().zip(derived.0) {
            if *own == Suits::Unknown {
                *own = derived;
            }
        }
        self
    }

    /// The first of `diets` that this is not known to suit.
    #[must_use]
    pub fn unsuited_for(&self, diets: &[Diet]) -> Option<(Diet, Suits)> {
        let known = diets.iter().map(|diet| (*diet, self.get(*diet)));
        known.into_iter().find(|(_, suits)| matches!(suits, Suits::Unknown | Suits::No))
    }
}
