//! What kinds of animal and drink a food is made of, as far as it is known: diets and the
//! rules of a meal are told from them.

/// Something that a diet may rule out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum FoodKind {
    /// Pork and what is made of it.
    Pork,
    /// Beef, lamb, game and other meat of mammals, their broth and organs.
    Meat,
    /// Meat of birds, and their broth.
    Poultry,
    /// Fish with fins and scales.
    Fish,
    /// Shrimps, crabs and their like.
    Crustacean,
    /// Mussels, squid, snails and their like.
    Mollusc,
    /// Milk and what is made of it.
    Dairy,
    /// Eggs.
    Egg,
    /// Honey.
    Honey,
    /// Gelatin, isinglass and their like.
    Gelatin,
    /// Lard, suet, tallow and their like.
    AnimalFat,
    /// Blood.
    Blood,
    /// Animals that neither kosher nor halal eaters eat, such as reptiles and birds of prey.
    ForbiddenAnimal,
    /// Animals that are not kosher though they may be halal: rabbit, camel, fish without scales.
    NotKosherAnimal,
    /// Drinks with alcohol, and what is made with them.
    Alcohol,
    /// Wine and grape juice, which are kosher only from Jewish hands.
    Grape,
}

/// A set of kinds that are known to be in a food; what is not in the set may be in it still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FoodKinds(u16);

impl FoodKinds {
    /// The same with one more.
    #[must_use]
    pub fn with(self, kind: FoodKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// The kinds of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it holds `kind`.
    #[must_use]
    pub fn has(self, kind: FoodKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// Whether it holds any of `kinds`.
    #[must_use]
    pub fn has_any(self, kinds: &[FoodKind]) -> bool {
        kinds.iter().any(|kind| self.has(*kind))
    }

    /// Meat in the sense of the kosher kitchen: mammals and birds, with their fat and blood.
    #[must_use]
    pub fn is_meat(self) -> bool {
        use FoodKind::{AnimalFat, Blood, Meat, Pork, Poultry};
        self.has_any(&[Pork, Meat, Poultry, AnimalFat, Blood])
    }
}

/// Whether these foods, eaten in one meal, bring meat and milk together, which a kosher meal
/// may not (Exodus 23:19, Shulchan Aruch, Yoreh De'ah 87).
#[must_use]
pub fn breaks_kosher_meal(foods: impl IntoIterator<Item = FoodKinds>) -> bool {
    let all = foods.into_iter().fold(FoodKinds::default(), FoodKinds::and);
    all.is_meat() && all.has(FoodKind::Dairy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meat_and_milk_break_a_kosher_meal_only_together() {
        let beef = FoodKinds::default().with(FoodKind::Meat);
        let milk = FoodKinds::default().with(FoodKind::Dairy);
        let fish = FoodKinds::default().with(FoodKind::Fish);
        assert!(breaks_kosher_meal([beef, milk]));
        assert!(breaks_kosher_meal([FoodKinds::default().with(FoodKind::Poultry), milk]));
        assert!(breaks_kosher_meal([beef.and(milk)]), "a cheeseburger");
        assert!(!breaks_kosher_meal([fish, milk]));
        assert!(!breaks_kosher_meal([beef, fish, FoodKinds::default()]));
        assert!(!breaks_kosher_meal([]));
    }
}
