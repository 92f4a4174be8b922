//! From what the parser read to what is asked: names are looked up, kinds are checked, the cost is
//! summed. Nothing that passes here can fail later.

mod calls;
mod operators;

use cel::{
    common::ast::{ComprehensionExpr, Expr, LiteralValue, SelectExpr, SourceInfo, operators as names},
    parser::Expression as Parsed,
};

use super::{
    error::{ExpressionCause, ExpressionError, Place},
    fields::{Field, NUTRIENTS, field, field_names, nearest, nutrient},
    scan::DEEPEST_NESTING,
    tree::{List, Number, Quantifier, Text, Truth},
};

/// The lists of a product are looked at as if they had so many members, which is how many the
/// catalogue takes.
const MEMBERS: u32 = 32;

/// Levels of a checked expression; chains of operators need some beyond the nesting.
const DEEPEST_TREE: u16 = 96;

/// A value of a known kind.
pub(super) enum Value {
    Truth(Truth),
    Number(Number),
    Text(Text),
    List(List),
    NumbersInList(Vec<f64>),
    Attributes,
    Nutrition,
    Product,
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Truth(_) => "true or false",
            Self::Number(number) if number.is_whole() => "a whole number",
            Self::Number(_) => "a decimal number",
            Self::Text(_) => "a text",
            Self::List(List::AttributeNames) | Self::Attributes => "the attributes",
            Self::List(_) | Self::NumbersInList(_) => "a list",
            Self::Nutrition => "the nutrition",
            Self::Product => "the whole product",
        }
    }
}

type Lowered<T> = Result<T, ExpressionError>;

/// One walk over a parsed expression.
pub(super) struct Lowering<'a> {
    text: &'a str,
    source: &'a SourceInfo,
    /// What the quantifiers around call their members.
    variables: Vec<String>,
    /// How often the place is reached when the expression is asked once.
    times: u32,
    cost: u32,
    depth: u16,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(text: &'a str, source: &'a SourceInfo) -> Self {
        Self { text, source, variables: Vec::new(), times: 1, cost: 0, depth: 0 }
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    /// Something that is true or false.
    pub(super) fn condition(&mut self, parsed: &Parsed) -> Lowered<Truth> {
        match self.value(parsed)? {
            Value::Truth(truth) => Ok(truth),
            other => Err(self.mismatch(parsed, format!("a condition is needed, this is {}", other.kind()))),
        }
    }

    fn value(&mut self, parsed: &Parsed) -> Lowered<Value> {
        self.charge(1);
        self.depth += 1;
        if self.depth > DEEPEST_TREE {
            return Err(self.refuse(parsed, ExpressionCause::TooDeep { limit: DEEPEST_NESTING }));
        }
        let value = match &parsed.expr {
            Expr::Literal(literal) => self.literal(parsed, literal),
            Expr::Ident(name) => self.name(parsed, name),
            Expr::Select(select) if select.test => self.presence(parsed, select),
            Expr::Select(select) => {
                let of = self.value(&select.operand)?;
                self.member(parsed, of, &select.field)
            }
            Expr::Call(call) => self.call(parsed, call),
            Expr::Comprehension(comprehension) => self.quantified(parsed, comprehension),
            Expr::List(list) => self.literal_list(parsed, &list.elements),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err(self.not_available(parsed, "maps and messages cannot be written in a condition"))
            }
        };
        self.depth -= 1;
        value
    }

    fn literal(&self, parsed: &Parsed, literal: &LiteralValue) -> Lowered<Value> {
        Ok(match literal {
            LiteralValue::Boolean(truth) => Value::Truth(Truth::Constant(*truth.inner())),
            LiteralValue::Double(number) => Value::Number(Number::Decimal(*number.inner())),
            LiteralValue::Int(number) if number.inner().unsigned_abs() <= 1 << f64::MANTISSA_DIGITS => {
                Value::Number(Number::Whole(*number.inner()))
            }
            LiteralValue::Int(_) => return Err(self.not_available(parsed, "the number is too large")),
            LiteralValue::String(text) => Value::Text(Text::Literal(text.inner().to_owned())),
            LiteralValue::UInt(_) => {
                return Err(self.not_available(parsed, "numbers are written without a `u` at the end"));
            }
            LiteralValue::Bytes(_) => {
                return Err(self.not_available(parsed, "texts are written without a `b` in front"));
            }
            LiteralValue::Null => {
                return Err(self.not_available(parsed, "nothing is null; has(...) asks what is known"));
            }
        })
    }

    fn name(&self, parsed: &Parsed, name: &str) -> Lowered<Value> {
        if let Some(depth) = self.variables.iter().rposition(|variable| variable == name) {
            return Ok(Value::Text(Text::Variable(depth)));
        }
        if name == "product" {
            return Ok(Value::Product);
        }
        let suggestion = match field(name) {
            Some(_) => Some(format!("product.{name}")),
            None => nearest(name, std::iter::once("product")).map(str::to_owned),
        };
        Err(self
            .refuse(parsed, ExpressionCause::Unknown { kind: "variable", name: name.to_owned(), suggestion }))
    }

    /// A field of the product, a nutrient or an attribute.
    fn member(&self, parsed: &Parsed, of: Value, name: &str) -> Lowered<Value> {
        match of {
            Value::Product => Ok(match self.field(parsed, name)? {
                Field::Text(field) => Value::Text(Text::Field(field)),
                Field::List(field) => Value::List(List::Field(field)),
                Field::Price => Value::Number(Number::Price),
                Field::InStock => Value::Truth(Truth::InStock),
                Field::Attributes => Value::Attributes,
                Field::Nutrition => Value::Nutrition,
            }),
            Value::Attributes => Ok(Value::Text(Text::Attribute(Box::new(Text::Literal(name.to_owned()))))),
            Value::Nutrition => Ok(Value::Number(Number::Nutrient(self.nutrient(parsed, name)?))),
            other => Err(self.mismatch(parsed, format!("{} has no fields", other.kind()))),
        }
    }

    /// Whether something is known of the product. Never missing itself.
    fn presence(&mut self, parsed: &Parsed, select: &SelectExpr) -> Lowered<Value> {
        let truth = match self.value(&select.operand)? {
            Value::Product => match self.field(parsed, &select.field)? {
                Field::Text(field) => Truth::HasText(field),
                Field::List(field) => Truth::HasList(field),
                Field::Price => Truth::HasPrice,
                Field::InStock => Truth::Constant(true),
                Field::Attributes => Truth::HasAnyAttribute,
                Field::Nutrition => Truth::HasAnyNutrient,
            },
            Value::Attributes => Truth::HasAttribute(select.field.clone()),
            Value::Nutrition => Truth::HasNutrient(self.nutrient(parsed, &select.field)?),
            other => return Err(self.mismatch(parsed, format!("{} has no fields", other.kind()))),
        };
        Ok(Value::Truth(truth))
    }

    /// `list.all(...)`, `list.exists(...)` and `list.exists_one(...)`, which the parser has taken
    /// apart.
    fn quantified(&mut self, parsed: &Parsed, loops: &ComprehensionExpr) -> Lowered<Value> {
        let Some((quantifier, body)) = told_apart(loops) else {
            return Err(self.not_available(
                parsed,
                "lists can be asked with exists(...), all(...) and exists_one(...), not changed",
            ));
        };
        let list = match self.value(&loops.iter_range)? {
            Value::List(list) => list,
            Value::Attributes => List::AttributeNames,
            other => {
                return Err(
                    self.mismatch(parsed, format!("a list of texts is needed, this is {}", other.kind()))
                );
            }
        };
        if loops.iter_var == "product" {
            return Err(self.not_available(parsed, "the members of a list need another name than product"));
        }
        let members = match &list {
            List::Literal(members) => u32::try_from(members.len()).unwrap_or(u32::MAX),
            List::Field(_) | List::AttributeNames => MEMBERS,
        };
        let before = self.times;
        self.times = before.saturating_mul(members);
        self.variables.push(loops.iter_var.clone());
        let condition = self.condition(body)?;
        self.variables.pop();
        self.times = before;
        Ok(Value::Truth(Truth::Quantified(quantifier, list, Box::new(condition))))
    }

    fn literal_list(&mut self, parsed: &Parsed, elements: &[Parsed]) -> Lowered<Value> {
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        for element in elements {
            match self.value(element)? {
                Value::Text(Text::Literal(text)) => texts.push(text),
                Value::Number(Number::Whole(whole)) => numbers.push(whole as f64),
                Value::Number(Number::Decimal(decimal)) => numbers.push(decimal),
                _ => return Err(self.not_available(element, "a list holds texts or numbers as they are")),
            }
        }
        match (texts.is_empty(), numbers.is_empty()) {
            (_, true) => Ok(Value::List(List::Literal(texts))),
            (true, false) => Ok(Value::NumbersInList(numbers)),
            (false, false) => Err(self.mismatch(parsed, "a list holds either texts or numbers".to_owned())),
        }
    }

    fn field(&self, parsed: &Parsed, name: &str) -> Lowered<Field> {
        field(name).ok_or_else(|| {
            let suggestion = nearest(name, field_names()).map(|near| format!("product.{near}"));
            let name = format!("product.{name}");
            self.refuse(parsed, ExpressionCause::Unknown { kind: "field", name, suggestion })
        })
    }

    fn nutrient(&self, parsed: &Parsed, name: &str) -> Lowered<usize> {
        nutrient(name).ok_or_else(|| {
            let suggestion = nearest(name, NUTRIENTS.into_iter()).map(str::to_owned);
            self.refuse(
                parsed,
                ExpressionCause::Unknown { kind: "nutrient", name: name.to_owned(), suggestion },
            )
        })
    }

    fn charge(&mut self, steps: u32) {
        self.cost = self.cost.saturating_add(steps.saturating_mul(self.times));
    }

    fn refuse(&self, parsed: &Parsed, cause: ExpressionCause) -> ExpressionError {
        let start = self.source.offset_for(parsed.id).map_or(0, |(start, _)| start as usize);
        Place::of(self.text, start).refuses(cause)
    }

    fn mismatch(&self, parsed: &Parsed, detail: String) -> ExpressionError {
        self.refuse(parsed, ExpressionCause::Mismatch { detail })
    }

    fn not_available(&self, parsed: &Parsed, detail: &str) -> ExpressionError {
        self.refuse(parsed, ExpressionCause::NotAvailable { detail: detail.to_owned() })
    }
}

/// Which quantifier the parser took apart, and the condition on each member. They differ in how
/// the loop goes on.
fn told_apart(loops: &ComprehensionExpr) -> Option<(Quantifier, &Parsed)> {
    let Expr::Call(step) = &loops.loop_step.expr else { return None };
    if loops.iter_var2.is_some() {
        return None;
    }
    let starts_with = |truth: bool| match &loops.accu_init.expr {
        Expr::Literal(LiteralValue::Boolean(start)) => *start.inner() == truth,
        _ => false,
    };
    match (step.func_name.as_str(), step.args.as_slice()) {
        (names::LOGICAL_OR, [_, body]) if starts_with(false) => Some((Quantifier::Any, body)),
        (names::LOGICAL_AND, [_, body]) if starts_with(true) => Some((Quantifier::All, body)),
        (names::CONDITIONAL, [body, ..]) if matches!(loops.result.expr, Expr::Call(_)) => {
            Some((Quantifier::ExactlyOne, body))
        }
        _ => None,
    }
}
