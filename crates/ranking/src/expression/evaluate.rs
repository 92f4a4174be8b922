//! Asks a checked expression about a product. `None` stands for what is missing.

use std::borrow::Cow;

use super::{
    fields::{NUTRIENTS, nutrient, nutrient_of, price_of},
    tree::{Arithmetic, Comparison, List, Number, Quantifier, Text, TextTest, Truth},
};
use crate::ProductRecord;

pub(super) fn is_true(truth: &Truth, product: &ProductRecord) -> bool {
    Sight { product, members: None }.truth(truth) == Some(true)
}

/// What can be seen from a place in the expression.
#[derive(Clone, Copy)]
struct Sight<'a> {
    product: &'a ProductRecord,
    members: Option<&'a Member<'a>>,
}

/// The member of a list that a quantifier looks at.
struct Member<'a> {
    depth: usize,
    text: &'a str,
    outer: Option<&'a Member<'a>>,
}

#[derive(Clone, Copy)]
enum Quantity {
    Whole(i64),
    Decimal(f64),
}

impl Quantity {
    fn as_decimal(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Decimal(decimal) => decimal,
        }
    }
}

impl<'a> Sight<'a> {
    fn truth(self, truth: &'a Truth) -> Option<bool> {
        match truth {
            Truth::Constant(constant) => Some(*constant),
            Truth::InStock => Some(self.product.in_stock),
            Truth::Not(inner) => self.truth(inner).map(|truth| !truth),
            Truth::And(both) => self.decided_by(both, false),
            Truth::Or(both) => self.decided_by(both, true),
            Truth::Choice(choice) => {
                let chosen = if self.truth(&choice.0)? { &choice.1 } else { &choice.2 };
                self.truth(chosen)
            }
            Truth::Same(both) => Some(self.truth(&both.0)? == self.truth(&both.1)?),
            Truth::Numbers(comparison, both) => {
                let (one, other) = (self.number(&both.0)?, self.number(&both.1)?);
                numbers_compare(*comparison, one, other)
            }
            Truth::Texts(comparison, both) => {
                let (one, other) = (self.text(&both.0)?, self.text(&both.1)?);
                Some(compares(*comparison, one.as_ref().cmp(other.as_ref())))
            }
            Truth::TextTest(test, both) => {
                let (text, part) = (self.text(&both.0)?, self.text(&both.1)?);
                Some(match test {
                    TextTest::StartsWith => text.starts_with(part.as_ref()),
                    TextTest::EndsWith => text.ends_with(part.as_ref()),
                    TextTest::Contains => text.contains(part.as_ref()),
                })
            }
            Truth::Quantified(quantifier, list, condition) => self.quantified(*quantifier, list, condition),
            _ => self.membership(truth),
        }
    }

    fn membership(self, truth: &'a Truth) -> Option<bool> {
        let product = self.product;
        Some(match truth {
            Truth::TextAmong(text, texts) => texts.contains(self.text(text)?.as_ref()),
            Truth::NumberAmong(number, numbers) => {
                let number = self.number(number)?.as_decimal();
                numbers.contains(&number)
            }
            Truth::TextIn(text, list) => {
                let text = self.text(text)?;
                match list {
                    List::AttributeNames => product.attributes.contains_key(text.as_ref()),
                    List::Field(field) => field.of(product).iter().any(|member| *member == text),
                    List::Literal(members) => members.iter().any(|member| *member == text),
                }
            }
            Truth::NutrientNamed(text) => {
                let known = |place| nutrient_of(&product.nutrition, place).is_some();
                nutrient(self.text(text)?.as_ref()).is_some_and(known)
            }
            Truth::HasText(field) => !field.of(product).is_empty(),
            Truth::HasList(field) => !field.of(product).is_empty(),
            Truth::HasPrice => product.price_micros.is_some(),
            Truth::HasNutrient(place) => nutrient_of(&product.nutrition, *place).is_some(),
            Truth::HasAnyNutrient => product.nutrition.values().iter().any(Option::is_some),
            Truth::HasAttribute(name) => product.attributes.contains_key(name),
            Truth::HasAnyAttribute => !product.attributes.is_empty(),
            _ => return None,
        })
    }

    /// `&&` is decided by something false, `||` by something true, on either side; what decides
    /// makes up for what is missing on the other side.
    fn decided_by(self, both: &'a (Truth, Truth), decisive: bool) -> Option<bool> {
        let one = self.truth(&both.0);
        if one == Some(decisive) {
            return one;
        }
        let other = self.truth(&both.1);
        if other == Some(decisive) {
            return other;
        }
        one.and(other)
    }

    fn quantified(self, quantifier: Quantifier, list: &'a List, condition: &'a Truth) -> Option<bool> {
        match list {
            List::Field(field) => {
                self.count(quantifier, field.of(self.product).iter().map(String::as_str), condition)
            }
            List::AttributeNames => {
                self.count(quantifier, self.product.attributes.keys().map(String::as_str), condition)
            }
            List::Literal(members) => self.count(quantifier, members.iter().map(String::as_str), condition),
        }
    }

    fn count(
        self,
        quantifier: Quantifier,
        members: impl Iterator<Item = &'a str>,
        condition: &'a Truth,
    ) -> Option<bool> {
        let depth = self.members.map_or(0, |outer| outer.depth + 1);
        let (mut hits, mut undecided) = (0_usize, false);
        for text in members {
            let member = Member { depth, text, outer: self.members };
            let answer = is_member_true(self.product, &member, condition);
            match (answer, quantifier) {
                (Some(false), Quantifier::All) => return Some(false),
                (Some(true), Quantifier::Any) => return Some(true),
                (Some(hit), _) => hits += usize::from(hit),
                (None, Quantifier::ExactlyOne) => return None,
                (None, _) => undecided = true,
            }
        }
        match quantifier {
            _ if undecided => None,
            Quantifier::All => Some(true),
            Quantifier::Any => Some(false),
            Quantifier::ExactlyOne => Some(hits == 1),
        }
    }

    fn text(self, text: &'a Text) -> Option<Cow<'a, str>> {
        Some(match text {
            Text::Literal(literal) => Cow::Borrowed(literal),
            Text::Field(field) => Cow::Borrowed(field.of(self.product)),
            Text::Attribute(name) => {
                let name = self.text(name)?;
                Cow::Borrowed(self.product.attributes.get(name.as_ref())?)
            }
            Text::Variable(depth) => Cow::Borrowed(self.member(*depth)?),
            Text::Lowercase(text) => Cow::Owned(self.text(text)?.to_ascii_lowercase()),
            Text::Choice(choice) => {
                let chosen = if self.truth(&choice.0)? { &choice.1 } else { &choice.2 };
                return self.text(chosen);
            }
        })
    }

    fn member(self, depth: usize) -> Option<&'a str> {
        let mut member = self.members?;
        while member.depth > depth {
            member = member.outer?;
        }
        Some(member.text)
    }

    fn number(self, number: &'a Number) -> Option<Quantity> {
        Some(match number {
            Number::Whole(whole) => Quantity::Whole(*whole),
            Number::Decimal(decimal) => Quantity::Decimal(*decimal),
            Number::Price => Quantity::Decimal(price_of(self.product)?),
            Number::Nutrient(place) => Quantity::Decimal(nutrient_of(&self.product.nutrition, *place)?),
            Number::NutrientBy(name) => {
                let place = nutrient(self.text(name)?.as_ref())?;
                Quantity::Decimal(nutrient_of(&self.product.nutrition, place)?)
            }
            Number::LengthOfText(text) => whole(self.text(text)?.chars().count())?,
            Number::LengthOfList(list) => whole(match list {
                List::Field(field) => field.of(self.product).len(),
                List::AttributeNames => self.product.attributes.len(),
                List::Literal(members) => members.len(),
            })?,
            Number::Negated(inner) => match self.number(inner)? {
                Quantity::Whole(whole) => Quantity::Whole(whole.checked_neg()?),
                Quantity::Decimal(decimal) => Quantity::Decimal(-decimal),
            },
            Number::Arithmetic(arithmetic, both) => {
                calculate(*arithmetic, self.number(&both.0)?, self.number(&both.1)?)?
            }
            Number::ReadText(text) => Quantity::Decimal(self.text(text)?.parse().ok()?),
            Number::AsDecimal(inner) => Quantity::Decimal(self.number(inner)?.as_decimal()),
            Number::Choice(choice) => {
                let chosen = if self.truth(&choice.0)? { &choice.1 } else { &choice.2 };
                return self.number(chosen);
            }
        })
    }
}

/// A function of its own because the member lives no longer than one turn of the loop.
fn is_member_true(product: &ProductRecord, member: &Member<'_>, condition: &Truth) -> Option<bool> {
    Sight { product, members: Some(member) }.truth(condition)
}

fn whole(length: usize) -> Option<Quantity> {
    i64::try_from(length).ok().map(Quantity::Whole)
}

/// What is not a number equals nothing, and it is undecided whether it is less or greater.
fn numbers_compare(comparison: Comparison, one: Quantity, other: Quantity) -> Option<bool> {
    let order = match (one, other) {
        (Quantity::Whole(one), Quantity::Whole(other)) => Some(one.cmp(&other)),
        _ => one.as_decimal().partial_cmp(&other.as_decimal()),
    };
    match (order, comparison) {
        (Some(order), _) => Some(compares(comparison, order)),
        (None, Comparison::Equal) => Some(false),
        (None, Comparison::NotEqual) => Some(true),
        (None, _) => None,
    }
}

fn compares(comparison: Comparison, order: std::cmp::Ordering) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// Whole numbers that do not fit, and divisions of them by nothing, are missing.
fn calculate(arithmetic: Arithmetic, one: Quantity, other: Quantity) -> Option<Quantity> {
    if let (Quantity::Whole(one), Quantity::Whole(other)) = (one, other) {
        let result = match arithmetic {
            Arithmetic::Add => one.checked_add(other),
            Arithmetic::Subtract => one.checked_sub(other),
            Arithmetic::Multiply => one.checked_mul(other),
            Arithmetic::Divide => one.checked_div(other),
            Arithmetic::Remainder => one.checked_rem(other),
        };
        return result.map(Quantity::Whole);
    }
    let (one, other) = (one.as_decimal(), other.as_decimal());
    let result = match arithmetic {
        Arithmetic::Add => one + other,
        Arithmetic::Subtract => one - other,
        Arithmetic::Multiply => one * other,
        Arithmetic::Divide => one / other,
        Arithmetic::Remainder => return None,
    };
    Some(Quantity::Decimal(result))
}

/// The names are in the order the nutrition is kept in.
const _: () = assert!(NUTRIENTS.len() == 8);
