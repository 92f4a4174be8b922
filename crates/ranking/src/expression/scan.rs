//! A look at the text before it is parsed: the parser calls itself for every level of nesting, so
//! what is nested too deeply must be refused by something that does not.

use super::{
    LONGEST_EXPRESSION,
    error::{ExpressionCause, ExpressionError, Place},
};

/// Brackets in brackets, and signs in a row, at most.
pub(super) const DEEPEST_NESTING: u16 = 24;

/// Each of these makes the parsed expression a level deeper, or may.
const MOST_OPERATORS: u16 = 64;

/// The time to parse grows with the square of the length of a chain.
const MOST_SIGNS: u16 = 800;

/// Refuses texts that are empty, too long, or nested deeper than a parser should follow.
pub(super) fn refuse_what_may_not_be_parsed(text: &str) -> Result<(), ExpressionError> {
    if text.len() > LONGEST_EXPRESSION {
        let cause = ExpressionCause::TooLong { length: text.len(), limit: LONGEST_EXPRESSION };
        return Err(Place::START.refuses(cause));
    }
    let mut scan = Scan::default();
    for (offset, character) in text.char_indices() {
        scan.step(character).map_err(|cause| Place::of(text, offset).refuses(cause))?;
    }
    scan.end().map_err(|cause| Place::of(text, text.len()).refuses(cause))
}

/// What has been seen so far.
#[derive(Default)]
struct Scan {
    /// The quote that closes the text the scan is within.
    quote: Option<char>,
    escaped: bool,
    in_comment: bool,
    before: Option<char>,
    nesting: u16,
    /// Signs in a row, such as `!!!`.
    signs: u16,
    /// Arithmetic, conditions and selections so far: they may nest without brackets.
    operators: u16,
    /// Everything outside of texts that is neither a letter nor a digit.
    all_signs: u16,
    any: bool,
}

impl Scan {
    fn step(&mut self, character: char) -> Result<(), ExpressionCause> {
        let before = self.before.replace(character);
        if self.in_comment {
            self.in_comment = character != '\n';
            return Ok(());
        }
        if self.quote.is_some() {
            return self.step_in_quotes(character);
        }
        if character.is_whitespace() && character.is_ascii() {
            return Ok(());
        }
        if character == '/' && before == Some('/') {
            self.in_comment = true;
            self.operators -= 1;
            return Ok(());
        }
        self.any = true;
        self.step_outside(character)
    }

    fn step_in_quotes(&mut self, character: char) -> Result<(), ExpressionCause> {
        if self.escaped {
            self.escaped = false;
        } else if character == '\\' {
            self.escaped = true;
        } else if self.quote == Some(character) {
            self.quote = None;
        } else if matches!(character, '\n' | '\r') {
            return Err(syntax("the text is not closed on its line"));
        }
        Ok(())
    }

    fn step_outside(&mut self, character: char) -> Result<(), ExpressionCause> {
        self.signs = if matches!(character, '!' | '-') { self.signs + 1 } else { 0 };
        self.all_signs += u16::from(!character.is_ascii_alphanumeric());
        match character {
            '"' | '\'' => self.quote = Some(character),
            '(' | '[' | '{' => self.nesting += 1,
            ')' | ']' | '}' if self.nesting == 0 => {
                return Err(syntax(&format!("`{character}` closes nothing")));
            }
            ')' | ']' | '}' => self.nesting -= 1,
            '+' | '-' | '*' | '/' | '%' | '?' => self.operators += 1,
            '!' | '=' | '<' | '>' | '&' | '|' | '.' | ',' | ':' | '_' => {}
            letter if letter.is_ascii_alphanumeric() => {}
            other => return Err(syntax(&format!("`{}` cannot stand here", other.escape_default()))),
        }
        let too_deep = self.nesting > DEEPEST_NESTING || self.signs > DEEPEST_NESTING;
        if too_deep || self.operators > MOST_OPERATORS || self.all_signs > MOST_SIGNS {
            return Err(ExpressionCause::TooDeep { limit: DEEPEST_NESTING });
        }
        Ok(())
    }

    fn end(&self) -> Result<(), ExpressionCause> {
        if self.quote.is_some() {
            return Err(syntax("the text is not closed"));
        }
        if self.nesting > 0 {
            return Err(syntax("a bracket is not closed"));
        }
        if self.any { Ok(()) } else { Err(ExpressionCause::Empty) }
    }
}

fn syntax(detail: &str) -> ExpressionCause {
    ExpressionCause::Syntax { detail: detail.to_owned() }
}
