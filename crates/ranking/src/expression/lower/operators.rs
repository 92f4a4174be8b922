//! Operators: both sides must be of kinds that can be compared, or calculated with.

use cel::{common::ast::operators as names, parser::Expression as Parsed};

use super::{Lowered, Lowering, Value};
use crate::expression::tree::{Arithmetic, Comparison, List, Number, Text, Truth};

/// A look into a table.
const COST_OF_A_LOOK_UP: u32 = 4;

/// Comparing a text with the members of a list of a product.
const COST_OF_LOOKING_THROUGH: u32 = 16;

impl Lowering<'_> {
    pub(super) fn operator(&mut self, parsed: &Parsed, name: &str, arguments: &[Parsed]) -> Lowered<Value> {
        match (name, arguments) {
            (names::LOGICAL_NOT, [inner]) => Ok(Value::Truth(Truth::Not(Box::new(self.condition(inner)?)))),
            (names::LOGICAL_AND, [one, other]) => {
                let both = (self.condition(one)?, self.condition(other)?);
                Ok(Value::Truth(Truth::And(Box::new(both))))
            }
            (names::LOGICAL_OR, [one, other]) => {
                let both = (self.condition(one)?, self.condition(other)?);
                Ok(Value::Truth(Truth::Or(Box::new(both))))
            }
            (names::CONDITIONAL, [condition, one, other]) => self.choice(parsed, condition, one, other),
            (names::IN, [member, of]) => self.membership(parsed, member, of),
            (names::INDEX, [of, key]) => self.index(parsed, of, key),
            (names::NEGATE, [inner]) => self.negated(parsed, inner),
            (_, [one, other]) => {
                if let Some(comparison) = comparison(name) {
                    let (one, other) = (self.value(one)?, self.value(other)?);
                    self.compared(parsed, comparison, one, other)
                } else if let Some(arithmetic) = arithmetic(name) {
                    let (one, other) = (self.value(one)?, self.value(other)?);
                    self.calculated(parsed, arithmetic, one, other)
                } else {
                    Err(self.not_available(parsed, "this operator is not part of conditions"))
                }
            }
            _ => Err(self.not_available(parsed, "this operator is not part of conditions")),
        }
    }

    fn compared(&self, parsed: &Parsed, how: Comparison, one: Value, other: Value) -> Lowered<Value> {
        let kinds = (one.kind(), other.kind());
        let truth = match (one, other) {
            (Value::Number(one), Value::Number(other)) => Truth::Numbers(how, Box::new((one, other))),
            (Value::Text(one), Value::Text(other)) => Truth::Texts(how, Box::new((one, other))),
            (Value::Truth(one), Value::Truth(other)) => match how {
                Comparison::Equal => Truth::Same(Box::new((one, other))),
                Comparison::NotEqual => Truth::Not(Box::new(Truth::Same(Box::new((one, other))))),
                _ => return Err(self.mismatch(parsed, "true and false have no order".to_owned())),
            },
            (Value::List(_), _) | (_, Value::List(_)) => {
                let hint = "a list is asked with `\"word\" in product.tags` or product.tags.exists(...)";
                return Err(self.mismatch(parsed, hint.to_owned()));
            }
            _ => {
                let detail = format!("{} cannot be compared with {}", kinds.0, kinds.1);
                return Err(self.mismatch(parsed, detail));
            }
        };
        Ok(Value::Truth(truth))
    }

    fn calculated(&self, parsed: &Parsed, how: Arithmetic, one: Value, other: Value) -> Lowered<Value> {
        let kinds = (one.kind(), other.kind());
        let (Value::Number(one), Value::Number(other)) = (one, other) else {
            let detail = format!("only numbers can be calculated with, not {} and {}", kinds.0, kinds.1);
            return Err(self.mismatch(parsed, detail));
        };
        if one.is_whole() != other.is_whole() {
            let hint = "whole and decimal numbers cannot be calculated with together: write 2.0 for 2";
            return Err(self.mismatch(parsed, hint.to_owned()));
        }
        if how == Arithmetic::Remainder && !one.is_whole() {
            return Err(self.mismatch(parsed, "only whole numbers have a remainder".to_owned()));
        }
        Ok(Value::Number(Number::Arithmetic(how, Box::new((one, other)))))
    }

    fn negated(&mut self, parsed: &Parsed, inner: &Parsed) -> Lowered<Value> {
        match self.value(inner)? {
            Value::Number(Number::Decimal(decimal)) => Ok(Value::Number(Number::Decimal(-decimal))),
            Value::Number(Number::Whole(whole)) => Ok(Value::Number(Number::Whole(-whole))),
            Value::Number(number) => Ok(Value::Number(Number::Negated(Box::new(number)))),
            other => Err(self.mismatch(parsed, format!("a number is needed, this is {}", other.kind()))),
        }
    }

    fn choice(
        &mut self,
        parsed: &Parsed,
        condition: &Parsed,
        one: &Parsed,
        other: &Parsed,
    ) -> Lowered<Value> {
        let condition = self.condition(condition)?;
        match (self.value(one)?, self.value(other)?) {
            (Value::Truth(one), Value::Truth(other)) => {
                Ok(Value::Truth(Truth::Choice(Box::new((condition, one, other)))))
            }
            (Value::Text(one), Value::Text(other)) => {
                Ok(Value::Text(Text::Choice(Box::new((condition.into(), one, other)))))
            }
            (Value::Number(one), Value::Number(other)) if one.is_whole() == other.is_whole() => {
                Ok(Value::Number(Number::Choice(Box::new((condition.into(), one, other)))))
            }
            (one, other) => {
                let detail = format!(
                    "both sides of a choice are of one kind, not {} and {}",
                    one.kind(),
                    other.kind()
                );
                Err(self.mismatch(parsed, detail))
            }
        }
    }

    fn membership(&mut self, parsed: &Parsed, member: &Parsed, of: &Parsed) -> Lowered<Value> {
        let (member, of) = (self.value(member)?, self.value(of)?);
        let truth = match (member, of) {
            (Value::Text(text), Value::List(List::Literal(texts))) => {
                self.charge(COST_OF_A_LOOK_UP);
                Truth::TextAmong(text, texts.into_iter().collect())
            }
            (Value::Number(number), Value::NumbersInList(numbers)) => {
                self.charge(u32::try_from(numbers.len() / 4).unwrap_or(u32::MAX));
                Truth::NumberAmong(number, numbers)
            }
            (Value::Text(text), Value::List(List::Field(field))) => {
                self.charge(COST_OF_LOOKING_THROUGH);
                Truth::TextIn(text, List::Field(field))
            }
            (Value::Text(text), Value::Attributes) => {
                self.charge(COST_OF_A_LOOK_UP);
                Truth::TextIn(text, List::AttributeNames)
            }
            (Value::Text(text), Value::Nutrition) => {
                self.charge(COST_OF_A_LOOK_UP);
                Truth::NutrientNamed(text)
            }
            (member, of) => {
                let detail = format!("{} cannot be looked for in {}", member.kind(), of.kind());
                return Err(self.mismatch(parsed, detail));
            }
        };
        Ok(Value::Truth(truth))
    }

    /// `attributes["name"]`, which also takes names a field cannot have.
    fn index(&mut self, parsed: &Parsed, of: &Parsed, key: &Parsed) -> Lowered<Value> {
        self.charge(COST_OF_A_LOOK_UP);
        match (self.value(of)?, self.value(key)?) {
            (of, Value::Text(Text::Literal(name))) => self.member(key, of, &name),
            (Value::Attributes, Value::Text(name)) => Ok(Value::Text(Text::Attribute(Box::new(name)))),
            (Value::Nutrition, Value::Text(name)) => Ok(Value::Number(Number::NutrientBy(Box::new(name)))),
            (of, key) => {
                let detail = format!("{} cannot be indexed with {}", of.kind(), key.kind());
                Err(self.mismatch(parsed, detail))
            }
        }
    }
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        names::EQUALS => Comparison::Equal,
        names::NOT_EQUALS => Comparison::NotEqual,
        names::LESS => Comparison::Less,
        names::LESS_EQUALS => Comparison::LessOrEqual,
        names::GREATER => Comparison::Greater,
        names::GREATER_EQUALS => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn arithmetic(name: &str) -> Option<Arithmetic> {
    Some(match name {
        names::ADD => Arithmetic::Add,
        names::SUBSTRACT => Arithmetic::Subtract,
        names::MULTIPLY => Arithmetic::Multiply,
        names::DIVIDE => Arithmetic::Divide,
        names::MODULO => Arithmetic::Remainder,
        _ => return None,
    })
}
