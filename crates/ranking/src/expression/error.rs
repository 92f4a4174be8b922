//! Why a text is not an expression, where, and what would be accepted.

use cel::parser::ParseError;

/// What was refused, with the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {cause}")]
pub struct ExpressionError {
    /// The line, 1 being the first.
    pub line: u32,
    /// The column in characters, 1 being the first.
    pub column: u32,
    /// What is wrong there.
    pub cause: ExpressionCause,
}

/// What can be wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionCause {
    /// Nothing but blanks.
    #[error("the expression is empty")]
    Empty,
    /// More text than is read.
    #[error("the expression has {length} bytes, {limit} are accepted")]
    TooLong {
        /// How long it is.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Brackets in brackets, or operators in a row, beyond what is read.
    #[error("nested deeper, or longer in a chain, than the {limit} levels that are accepted")]
    TooDeep {
        /// How deep it may be.
        limit: u16,
    },
    /// The text is not in the language.
    #[error("{detail}")]
    Syntax {
        /// What was found, and what would be accepted.
        detail: String,
    },
    /// A name that stands for nothing.
    #[error("there is no {kind} {name}{}", suggested(suggestion.as_deref()))]
    Unknown {
        /// What it was taken for, such as "field".
        kind: &'static str,
        /// The name as it was written.
        name: String,
        /// The name that may be meant.
        suggestion: Option<String>,
    },
    /// A value of another kind than is needed.
    #[error("{detail}")]
    Mismatch {
        /// What was found, and what would be accepted.
        detail: String,
    },
    /// Part of the language, but not of conditions on products.
    #[error("{detail}")]
    NotAvailable {
        /// What is not available, and what to write instead.
        detail: String,
    },
    /// It would take too long to ask about every product.
    #[error("the expression costs up to {cost} steps for each product, {limit} are accepted")]
    TooCostly {
        /// What it costs.
        cost: u32,
        /// What it may cost.
        limit: u32,
    },
}

fn suggested(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

/// Where in the text something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    line: u32,
    column: u32,
}

impl Place {
    pub(super) const START: Self = Self { line: 1, column: 1 };

    /// The place of the character that begins at a byte; beyond the end it is the end.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let mut place = Self::START;
        for found in text.get(..offset).unwrap_or(text).chars() {
            if found == '\n' {
                place = Self { line: place.line + 1, column: 1 };
            } else {
                place.column += 1;
            }
        }
        place
    }

    pub(super) fn refuses(self, cause: ExpressionCause) -> ExpressionError {
        ExpressionError { line: self.line, column: self.column, cause }
    }
}

impl ExpressionError {
    /// The first thing the parser stumbled over.
    pub(super) fn of_parser(text: &str, errors: Vec<ParseError>) -> Self {
        let Some(first) = errors.into_iter().next() else {
            return Place::START.refuses(ExpressionCause::Syntax { detail: "not an expression".to_owned() });
        };
        let at_least_one = |number: isize| u32::try_from(number.max(1)).unwrap_or(u32::MAX);
        let (line, column) = (at_least_one(first.pos.0), at_least_one(first.pos.1));
        let cause = if first.msg.contains("Recursion limit") {
            ExpressionCause::TooDeep { limit: super::scan::DEEPEST_NESTING }
        } else {
            ExpressionCause::Syntax { detail: in_plain_words(text, line, column, &first.msg) }
        };
        Self { line, column, cause }
    }
}

/// The parser lists every token it would take, by the names in its grammar; a reader needs to know
/// what stands there.
fn in_plain_words(text: &str, line: u32, column: u32, message: &str) -> String {
    if message.starts_with("invalid argument to has()") {
        return "has(...) takes a field, such as has(product.price)".to_owned();
    }
    if !message.starts_with("Syntax error") {
        return message.split(": ").next().unwrap_or(message).to_owned();
    }
    if message.contains("<EOF>") && !message.contains("extraneous") {
        return "the expression ends too early".to_owned();
    }
    let line_text = text.lines().nth(line as usize - 1).unwrap_or("");
    let rest: String = line_text.chars().skip(column as usize - 1).collect();
    match first_word(&rest) {
        Some(word) => format!("{word} cannot stand here"),
        None => "the expression ends too early".to_owned(),
    }
}

/// The word or the sign a text begins with.
fn first_word(text: &str) -> Option<String> {
    let text = text.trim_start();
    let first = text.chars().next()?;
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let word: String = if is_word(first) {
        text.chars().take_while(|&character| is_word(character)).take(40).collect()
    } else if matches!(first, '"' | '\'') {
        return Some("a text that is not closed, or not expected,".to_owned());
    } else {
        first.to_string()
    };
    Some(format!("`{word}`"))
}
