//! The fourteen groups of Annex II of Regulation (EU) No 1169/2011, and what is known of
//! each in a food. What is not known is not free of it.

mod names;

pub use names::{Language, Member};

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

    /// The same, with what is not known of each taken from `derived`. What somebody declared
    /// stays as it was declared.
    #[must_use]
    pub fn or_derived(mut self, derived: &Self) -> Self {
        for (own, derived) in self.0.iter_mut().zip(derived.0) {
            if *own == Presence::Unknown {
                *own = derived;
            }
        }
        self
    }

    /// What is declared free although the name says that it is in there: worth a question to
    /// whoever declared it.
    pub fn contradicted_by(&self, derived: &Self) -> impl Iterator<Item = Allergen> {
        Allergen::ALL
            .into_iter()
            .zip(self.0.into_iter().zip(derived.0))
            .filter(|(_, (own, derived))| *own == Presence::Free && *derived == Presence::Contains)
            .map(|(allergen, _)| allergen)
    }

    /// The first of `avoided` that makes this unsafe, with what is known of it. What is not known
    /// is unsafe unless the caller accepts it; traces are always unsafe.
    #[must_use]
    pub fn unsafe_for(&self, avoided: &[Allergen], accept_unknown: bool) -> Option<(Allergen, Presence)> {
        let known = avoided.iter().map(|allergen| (*allergen, self.get(*allergen)));
        known.into_iter().find(|(_, presence)| match presence {
            Presence::Contains | Presence::MayContain => true,
            Presence::Unknown => !accept_unknown,
            Presence::Free => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_unsafe_unless_the_caller_accepts_it() {
        let avoided = [Allergen::Nuts, Allergen::Milk];
        let unknown = Allergens::default();
        assert_eq!(unknown.unsafe_for(&avoided, false), Some((Allergen::Nuts, Presence::Unknown)));
        assert_eq!(unknown.unsafe_for(&avoided, true), None);
        assert_eq!(unknown.unsafe_for(&[], false), None);
        let traces = unknown.with(Allergen::Milk, Presence::MayContain);
        assert_eq!(traces.unsafe_for(&avoided, true), Some((Allergen::Milk, Presence::MayContain)));
        let free = unknown.with(Allergen::Milk, Presence::Free).with(Allergen::Nuts, Presence::Free);
        assert_eq!(free.unsafe_for(&avoided, false), None);
    }

    #[test]
    fn what_is_declared_holds_and_a_contradiction_is_told() {
        let declared = Allergens::default().with(Allergen::Gluten, Presence::Free);
        let derived = Allergens::default()
            .with(Allergen::Gluten, Presence::Contains)
            .with(Allergen::Milk, Presence::Contains);
        let both = declared.or_derived(&derived);
        assert_eq!(both.get(Allergen::Gluten), Presence::Free);
        assert_eq!(both.get(Allergen::Milk), Presence::Contains);
        assert_eq!(declared.contradicted_by(&derived).collect::<Vec<_>>(), [Allergen::Gluten]);
    }
}
