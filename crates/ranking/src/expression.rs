//! Filter expressions: a shop's own condition on a product, in the Common Expression Language.
//!
//! The `cel` crate parses; a small evaluator of our own answers, because it is asked about every
//! product of a catalogue. Whatever an expression may cost is decided when it is compiled, and what
//! costs too much is refused: evaluating can neither fail, nor panic, nor take long.
//!
//! **What is missing does not match.** A price, nutrient or attribute that is not known makes the
//! part it stands in undecided, as an error does in CEL: `&&` with something false is still false,
//! `||` with something true is still true, and a product for which the whole stays undecided does
//! not match, negated or not. `has(product.price)` asks whether it is known.

mod cache;
mod error;
mod evaluate;
mod fields;
mod lower;
mod scan;
#[cfg(test)]
mod tests;
mod tree;

use cel::parser::Parser;

pub use self::{
    cache::ExpressionCache,
    error::{ExpressionCause, ExpressionError},
};
use self::{error::Place, lower::Lowering, tree::Truth};
use crate::ProductRecord;

/// So many bytes of text at most.
pub const LONGEST_EXPRESSION: usize = 2_048;

/// What an expression may cost for one product, in steps of about three nanoseconds.
pub const HIGHEST_COST: u32 = 1_000;

/// A condition on a product that is ready to be asked.
#[derive(Debug)]
pub struct Expression {
    text: String,
    truth: Truth,
    cost: u32,
}

impl PartialEq for Expression {
    /// The same text is the same condition.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl Expression {
    /// Reads a condition on `product`: its fields are `id`, `name`, `category`, `brand`, `currency`
    /// (texts, empty when there is none), `price` (of one unit; missing when unknown), `in_stock`,
    /// `tags`, `allergens`, `diets` (lists of texts), `attributes` (texts by name) and `nutrition`
    /// (what 100 g hold, by name, such as `nutrition.protein_g`).
    ///
    /// # Errors
    /// Where the text stops being a condition that may be asked, and why.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        scan::refuse_what_may_not_be_parsed(text)?;
        let parser = Parser::new().max_recursion_depth(scan::DEEPEST_NESTING * 2);
        let (parsed, source) = parser
            .parse_with_source_info(text)
            .map_err(|errors| ExpressionError::of_parser(text, errors.errors))?;
        let mut lowering = Lowering::new(text, &source);
        let truth = lowering.condition(&parsed)?;
        let cost = lowering.cost();
        if cost > HIGHEST_COST {
            return Err(Place::START.refuses(ExpressionCause::TooCostly { cost, limit: HIGHEST_COST }));
        }
        Ok(Self { text: text.to_owned(), truth, cost })
    }

    /// The text it was compiled from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What asking about one product costs at most, in steps of about three nanoseconds.
    pub fn cost(&self) -> u32 {
        self.cost
    }

    /// Whether the product matches; what is not known of it does not.
    pub fn matches(&self, product: &ProductRecord) -> bool {
        evaluate::is_true(&self.truth, product)
    }
}
