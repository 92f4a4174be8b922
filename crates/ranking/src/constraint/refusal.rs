//! Why a product may not be shown, in words.

use std::fmt;

/// The constraint a product breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such product.
    NotInCatalogue,
    /// The shop has taken it out of its shelves.
    Hidden,
    /// The request names it as not to be shown.
    Excluded,
    /// It cannot be bought now.
    OutOfStock,
    /// It is in none of the categories asked for.
    OtherCategory {
        /// Its category; empty when it has none.
        category: String,
    },
    /// Prices are bounded and it has none.
    NoPrice,
    /// It is priced in another currency.
    OtherCurrency {
        /// The currency asked for.
        wanted: String,
    },
    /// It costs less than the lowest price asked for.
    TooCheap,
    /// It costs more than the highest price asked for.
    TooExpensive,
    /// It contains an allergen that must not be in it.
    Allergen {
        /// Which one.
        allergen: String,
        /// Whether the customer's profile names it, and not the request.
        of_profile: bool,
    },
    /// Its allergens are not all known, and one must not be in it.
    AllergensUnknown {
        /// Which one.
        allergen: String,
        /// Whether the customer's profile names it, and not the request.
        of_profile: bool,
    },
    /// It is not known to suit a diet.
    Diet {
        /// Which one.
        diet: String,
        /// Whether the customer's profile names it, and not the request.
        of_profile: bool,
    },
    /// The filter expression does not select it.
    Expression {
        /// The expression.
        text: String,
    },
}

fn by(of_profile: bool) -> &'static str {
    if of_profile { "the profile of the customer" } else { "the request" }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInCatalogue => formatter.write_str("not in the catalogue"),
            Self::Hidden => formatter.write_str("taken out of the catalogue"),
            Self::Excluded => formatter.write_str("excluded by the request"),
            Self::OutOfStock => formatter.write_str("out of stock"),
            Self::OtherCategory { category } if category.is_empty() => {
                formatter.write_str("in no category, and only some are asked for")
            }
            Self::OtherCategory { category } => {
                write!(formatter, "in {category}, which is not among the categories asked for")
            }
            Self::NoPrice => formatter.write_str("without a price, and the price is bounded"),
            Self::OtherCurrency { wanted } => write!(formatter, "not priced in {wanted}"),
            Self::TooCheap => formatter.write_str("cheaper than the lowest price asked for"),
            Self::TooExpensive => formatter.write_str("more expensive than the highest price asked for"),
            Self::Allergen { allergen, of_profile } => {
                write!(formatter, "contains {allergen}, which {} excludes", by(*of_profile))
            }
            Self::AllergensUnknown { allergen, of_profile } => {
                write!(
                    formatter,
                    "may contain {allergen}, which {} excludes: not all of its allergens are known",
                    by(*of_profile)
                )
            }
            Self::Diet { diet, of_profile } => {
                write!(formatter, "not known to be {diet}, as {} asks for", by(*of_profile))
            }
            Self::Expression { text } => write!(formatter, "not selected by the filter {text}"),
        }
    }
}
