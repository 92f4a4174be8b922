//! An expression after it has been checked: every value has a known kind.

use std::collections::HashSet;

use super::fields::{ListField, TextField};

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// True, false, or undecided because something is missing.
#[derive(Debug)]
pub(super) enum Truth {
    Constant(bool),
    InStock,
    Not(Box<Truth>),
    And(Box<(Truth, Truth)>),
    Or(Box<(Truth, Truth)>),
    Choice(Box<(Truth, Truth, Truth)>),
    Same(Box<(Truth, Truth)>),
    Numbers(Comparison, Box<(Number, Number)>),
    Texts(Comparison, Box<(Text, Text)>),
    TextAmong(Text, HashSet<String>),
    NumberAmong(Number, Vec<f64>),
    TextIn(Text, List),
    NutrientNamed(Text),
    TextTest(TextTest, Box<(Text, Text)>),
    HasText(TextField),
    HasList(ListField),
    HasPrice,
    HasNutrient(usize),
    HasAnyNutrient,
    HasAttribute(String),
    HasAnyAttribute,
    Quantified(Quantifier, List, Box<Truth>),
}

/// How one text is looked for in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

/// How many members of a list must satisfy a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    All,
    Any,
    ExactlyOne,
}

#[derive(Clone, Debug)]
pub(super) enum Text {
    Literal(String),
    Field(TextField),
    Attribute(Box<Text>),
    /// The member a quantifier looks at, by how many quantifiers are around it.
    Variable(usize),
    Lowercase(Box<Text>),
    Choice(Box<(Choosing, Text, Text)>),
}

/// The condition of a choice between values; shared so that values may be copied.
pub(super) type Choosing = std::sync::Arc<Truth>;

#[derive(Clone, Debug)]
pub(super) enum List {
    Field(ListField),
    AttributeNames,
    Literal(Vec<String>),
}

#[derive(Clone, Debug)]
pub(super) enum Number {
    Whole(i64),
    Decimal(f64),
    Price,
    Nutrient(usize),
    /// The nutrient a text names.
    NutrientBy(Box<Text>),
    LengthOfText(Box<Text>),
    LengthOfList(List),
    Negated(Box<Number>),
    Arithmetic(Arithmetic, Box<(Number, Number)>),
    ReadText(Box<Text>),
    AsDecimal(Box<Number>),
    Choice(Box<(Choosing, Number, Number)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Number {
    /// Whether it is a whole number; others are decimal. CEL does not mix the two in arithmetic.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Self::Whole(_) | Self::LengthOfText(_) | Self::LengthOfList(_) => true,
            Self::Decimal(_) | Self::Price | Self::Nutrient(_) | Self::NutrientBy(_) => false,
            Self::ReadText(_) | Self::AsDecimal(_) => false,
            Self::Negated(number) => number.is_whole(),
            Self::Arithmetic(_, both) => both.0.is_whole(),
            Self::Choice(choice) => choice.1.is_whole(),
        }
    }
}
