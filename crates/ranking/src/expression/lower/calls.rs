//! Calls by name: `size`, `double`, `startsWith` and the like; everything else is an operator.

use cel::{common::ast::CallExpr, parser::Expression as Parsed};

use super::{Lowered, Lowering, Value, nearest};
use crate::expression::{
    error::ExpressionCause,
    tree::{List, Number, Text, TextTest, Truth},
};

/// What may be called by name.
const FUNCTIONS: [&str; 10] = [
    "size",
    "double",
    "startsWith",
    "endsWith",
    "contains",
    "lowerAscii",
    "has",
    "exists",
    "all",
    "exists_one",
];

/// A pass over a text of a product, which may have some hundred characters.
const COST_OF_READING: u32 = 10;

impl Lowering<'_> {
    pub(super) fn call(&mut self, parsed: &Parsed, call: &CallExpr) -> Lowered<Value> {
        match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
            (name, None, arguments) if !name.starts_with(|first: char| first.is_ascii_alphabetic()) => {
                self.operator(parsed, name, arguments)
            }
            ("size", None, [of]) => self.size(parsed, of),
            ("size", Some(of), []) => self.size(parsed, of),
            ("double", None, [of]) => self.double(parsed, of),
            ("lowerAscii", Some(of), []) => {
                self.charge(COST_OF_READING);
                Ok(Value::Text(Text::Lowercase(Box::new(self.text_of(of)?))))
            }
            ("startsWith", Some(text), [part]) => self.text_test(TextTest::StartsWith, text, part),
            ("endsWith", Some(text), [part]) => self.text_test(TextTest::EndsWith, text, part),
            ("contains", Some(text), [part]) => {
                self.charge(COST_OF_READING);
                self.text_test(TextTest::Contains, text, part)
            }
            (name, _, _) => Err(self.no_such_call(parsed, name)),
        }
    }

    fn no_such_call(&self, parsed: &Parsed, name: &str) -> crate::ExpressionError {
        if FUNCTIONS.contains(&name) {
            return self.mismatch(parsed, format!("{name} is not called like this: {}", usage(name)));
        }
        let suggestion = nearest(name, FUNCTIONS.into_iter()).map(str::to_owned);
        self.refuse(parsed, ExpressionCause::Unknown { kind: "function", name: name.to_owned(), suggestion })
    }

    fn size(&mut self, parsed: &Parsed, of: &Parsed) -> Lowered<Value> {
        self.charge(COST_OF_READING);
        let number = match self.value(of)? {
            Value::Text(text) => Number::LengthOfText(Box::new(text)),
            Value::List(list) => Number::LengthOfList(list),
            Value::Attributes => Number::LengthOfList(List::AttributeNames),
            Value::NumbersInList(numbers) => {
                Number::LengthOfList(List::Literal(vec![String::new(); numbers.len()]))
            }
            other => return Err(self.mismatch(parsed, format!("{} has no size", other.kind()))),
        };
        Ok(Value::Number(number))
    }

    fn double(&mut self, parsed: &Parsed, of: &Parsed) -> Lowered<Value> {
        let number = match self.value(of)? {
            Value::Text(text) => {
                self.charge(COST_OF_READING);
                Number::ReadText(Box::new(text))
            }
            Value::Number(number) => Number::AsDecimal(Box::new(number)),
            other => return Err(self.mismatch(parsed, format!("{} is not a number", other.kind()))),
        };
        Ok(Value::Number(number))
    }

    fn text_test(&mut self, test: TextTest, text: &Parsed, part: &Parsed) -> Lowered<Value> {
        let both = (self.text_of(text)?, self.text_of(part)?);
        Ok(Value::Truth(Truth::TextTest(test, Box::new(both))))
    }

    pub(super) fn text_of(&mut self, parsed: &Parsed) -> Lowered<Text> {
        match self.value(parsed)? {
            Value::Text(text) => Ok(text),
            other => Err(self.mismatch(parsed, format!("a text is needed, this is {}", other.kind()))),
        }
    }
}

fn usage(name: &str) -> &'static str {
    match name {
        "size" => "size(product.tags)",
        "double" => "double(product.attributes.weight)",
        "startsWith" => "product.name.startsWith(\"Oat\")",
        "endsWith" => "product.name.endsWith(\"milk\")",
        "contains" => "product.name.contains(\"milk\")",
        "lowerAscii" => "product.name.lowerAscii()",
        "has" => "has(product.price)",
        _ => "product.tags.exists(tag, tag == \"organic\")",
    }
}
