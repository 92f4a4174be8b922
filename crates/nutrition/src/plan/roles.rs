//! The role a food usually has on a table, from the words of its name and shelf: at which meals
//! it is eaten, how much of it, and whether by itself at all. For catalogues whose products do
//! not say so; what a product says goes first.

use super::request::{MealKind, PlanFood};
use crate::matching::stems_of;

const USUAL_ROLES: &str = include_str!("../../data/plan/usual-roles.json");

/// The role of a food.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsualRole {
    /// What it is called in the file.
    pub role: String,
    /// The meals it suits; none is all.
    pub meals: Vec<MealKind>,
    /// Most servings of it at one meal.
    pub most_servings: Option<u8>,
    /// It is not eaten by itself, as flour and spices are not, or not planned for anybody, as wine.
    pub is_planned: bool,
}

/// The roles of foods, ready for lookups.
#[derive(Clone, Debug)]
pub struct UsualRoles {
    version: String,
    /// The first that fits is taken.
    roles: Vec<(UsualRole, Vec<Vec<String>>)>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RolesFile {
    version: String,
    roles: Vec<RoleFile>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleFile {
    role: String,
    #[serde(default)]
    meals: Vec<MealKind>,
    most_servings: Option<u8>,
    words: Vec<String>,
}

/// The role whose foods are not planned.
const NOT_PLANNED: &str = "not_planned";

impl UsualRoles {
    /// The roles that come with the crate, for English names.
    ///
    /// # Panics
    /// Never: a test reads the file.
    #[must_use]
    pub fn english() -> Self {
        Self::parse(USUAL_ROLES).expect("the roles that come with the crate are valid; a test reads them")
    }

    /// Roles in the JSON of `data/plan/usual-roles.json`.
    ///
    /// # Errors
    /// When it is not such JSON.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let file: RolesFile = serde_json::from_str(json)?;
        let role = |each: RoleFile| {
            let words = each.words.iter().map(|text| stems_of(text)).collect();
            let is_planned = each.role != NOT_PLANNED;
            (
                UsualRole {
                    role: each.role,
                    meals: each.meals,
                    most_servings: each.most_servings,
                    is_planned,
                },
                words,
            )
        };
        Ok(Self { version: file.version, roles: file.roles.into_iter().map(role).collect() })
    }

    /// Which edition of the roles this is.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The role of a food by its name, or else by its category; `None` when neither tells.
    #[must_use]
    pub fn of(&self, name: &str, category: &str) -> Option<&UsualRole> {
        [name, category].into_iter().find_map(|text| {
            let stems = stems_of(text);
            let says = |words: &Vec<Vec<String>>| {
                words.iter().any(|run| stems.windows(run.len()).any(|window| window == run))
            };
            self.roles.iter().find(|(_, words)| says(words)).map(|(role, _)| role)
        })
    }

    /// A food with what its role says where nothing is said of it; `None` when it is not planned.
    #[must_use]
    pub fn fill(&self, mut food: PlanFood) -> Option<PlanFood> {
        let Some(role) = self.of(&food.food.name, &food.food.category) else { return Some(food) };
        if !role.is_planned {
            return None;
        }
        if food.meals.is_empty() {
            food.meals.clone_from(&role.meals);
        }
        food.most_servings = food.most_servings.or(role.most_servings);
        Some(food)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Food;

    #[test]
    fn foods_have_the_roles_they_have_on_a_table() {
        let roles = UsualRoles::english();
        for (name, category, expected) in [
            ("Oatmeal, NFS", "Oatmeal", "breakfast_dish"),
            ("Peanut butter, creamy", "Nuts", "spread"),
            ("POTATO CHIPS", "GROCERY BAG SNACKS", "savoury_snack"),
            ("Potato, baked, NFS", "", "starch"),
            ("Apple juice, 100%", "Apple juice", "drink"),
            ("Apples, gala, with skin, raw", "PRODUCE APPLES", "fruit"),
            ("Flour, rice, white, unenriched", "", "not_planned"),
            ("Chicken, breast, boneless, raw", "Poultry Products", "meat"),
            ("SPICES & SEASONINGS", "GROCERY", "not_planned"),
            ("NATURAL BEEF", "MEAT BEEF", "meat"),
            ("TRADITIONAL", "ICE CREAM", "sweet"),
        ] {
            assert_eq!(roles.of(name, category).map(|role| role.role.as_str()), Some(expected), "{name}");
        }
        assert_eq!(roles.of("zzz", ""), None);
        assert_eq!(roles.version(), "2026-11-2");
    }

    #[test]
    fn what_a_product_says_goes_first() {
        let roles = UsualRoles::english();
        let named = |name: &str| PlanFood::new(Food { name: name.to_owned(), ..Food::default() });
        let soup = PlanFood { meals: vec![MealKind::Breakfast], ..named("Miso soup") };
        assert_eq!(roles.fill(soup).unwrap().meals, [MealKind::Breakfast]);
        let bread = roles.fill(named("Rye bread")).unwrap();
        assert_eq!((bread.meals.len(), bread.most_servings), (3, Some(3)));
        assert_eq!(roles.fill(named("Baking powder")), None);
        assert!(roles.fill(named("Zzz")).unwrap().meals.is_empty());
    }
}
