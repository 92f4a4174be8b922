//! How sure a match is: a logistic function of what was found of a name, fitted to labelled
//! names that are not among those it is judged by.

/// What is known of a match.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Evidence {
    /// The part of the name's words, weighted by what they tell, that the food has: 0 to 1.
    pub(super) recall: f32,
    /// The part of the food's words that the name or its shelf has: 0 to 1.
    pub(super) precision: f32,
    /// The part of the category's words that the food has: 0 to 1.
    pub(super) category: f32,
    /// The name has a word that names a food.
    pub(super) named: bool,
    /// What the shelf says for the food, less what speaks against it.
    pub(super) leaning: f32,
    /// The name or its category names no food.
    pub(super) not_food: bool,
}

impl Evidence {
    /// The score that orders foods; about 0 to 1.5.
    pub(super) fn score(&self) -> f32 {
        self.recall * (0.55 + 0.45 * self.precision) + 0.25 * self.category + self.leaning
    }

    /// The chance, 0 to 1, that the food can stand for the product.
    pub(super) fn confidence(&self) -> f32 {
        let named = f32::from(u8::from(self.named));
        let evidence = -2.0
            + 1.6 * self.recall * named
            + 2.2 * self.precision
            + 0.8 * self.category
            + self.leaning.clamp(-0.5, 0.3)
            + 0.3 * named;
        let confidence = 1.0 / (1.0 + (-evidence).exp());
        if self.not_food { confidence * NOT_FOOD } else { confidence }
    }
}

/// What is left of a confidence where words say that the product is no food.
const NOT_FOOD: f32 = 0.08;
