//! Reading matchers as Alertmanager does by default: first by its UTF-8 grammar, where names may be quoted and
//! unquoted values hold no special character, then by the older, more tolerant one.

use super::{Comparison, InvalidMatcher, Matcher};
use crate::quoting::unescape;

/// Characters that must be quoted to stand in a name or a value.
pub(super) fn is_reserved(character: char) -> bool {
    character.is_whitespace() || "{}!=~,\\\"'`".contains(character)
}

pub(super) fn matchers(text: &str) -> Result<Vec<Matcher>, InvalidMatcher> {
    let strict = Strict { rest: text }.matchers();
    match strict {
        Ok(matchers) => matchers
            .into_iter()
            .map(|(name, comparison, value)| Matcher::new(name, comparison, value))
            .collect(),
        Err(reason) => classic(text).ok_or_else(|| refused(text, reason))?,
    }
}

fn refused(text: &str, reason: String) -> InvalidMatcher {
    InvalidMatcher::Syntax { text: text.to_owned(), reason }
}

type Parts = (String, Comparison, String);

/// The UTF-8 grammar. Its reasons are what the user is told.
struct Strict<'t> {
    rest: &'t str,
}

impl Strict<'_> {
    fn matchers(mut self) -> Result<Vec<Parts>, String> {
        let braced = self.take("{");
        let mut parts = Vec::new();
        loop {
            self.skip_space();
            if self.rest.is_empty() || self.rest.starts_with('}') {
                break;
            }
            parts.push(self.matcher()?);
            self.skip_space();
            if !self.take(",") {
                break;
            }
        }
        if self.take("}") != braced {
            return Err(if braced {
                "the closing brace is missing"
            } else {
                "a closing brace without an opening one"
            }
            .into());
        }
        self.skip_space();
        if self.rest.is_empty() { Ok(parts) } else { Err(format!("{:?} is left over", self.rest)) }
    }

    fn matcher(&mut self) -> Result<Parts, String> {
        let name = self.word("the name of a label")?;
        self.skip_space();
        let signs = [
            ("=~", Comparison::Like),
            ("!~", Comparison::NotLike),
            ("!=", Comparison::NotEqual),
            ("=", Comparison::Equal),
        ];
        let comparison =
            signs.into_iter().find(|(sign, _)| self.take(sign)).map(|(_, comparison)| comparison);
        let comparison = comparison.ok_or_else(|| format!("=, !=, =~ or !~ is missing behind {name:?}"))?;
        self.skip_space();
        Ok((name, comparison, self.word("a value")?))
    }

    fn word(&mut self, what: &str) -> Result<String, String> {
        if let Some(quoted) = self.rest.strip_prefix('"') {
            let end = end_of_quoted(quoted).ok_or("the closing quote is missing")?;
            let inner = &quoted[..end];
            self.rest = &quoted[end + 1..];
            return unescape(inner).ok_or_else(|| format!("{inner:?} has an escape that is none"));
        }
        let end = self.rest.find(is_reserved).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if word.is_empty() { Err(format!("{what} is missing")) } else { Ok(word.to_owned()) }
    }

    fn take(&mut self, sign: &str) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

fn end_of_quoted(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    quoted.char_indices().find_map(|(at, character)| {
        let ends = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// The older grammar: values need no quotes and may hold anything but a comma; escapes that are none stand for
/// themselves. `None` when it does not understand the text either.
fn classic(text: &str) -> Option<Result<Vec<Matcher>, InvalidMatcher>> {
    let inner = text.strip_prefix('{').unwrap_or(text);
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let parts = split_outside_quotes(inner).into_iter().map(classic_parts).collect::<Option<Vec<Parts>>>()?;
    Some(parts.into_iter().map(|(name, comparison, value)| Matcher::new(name, comparison, value)).collect())
}

fn split_outside_quotes(text: &str) -> Vec<&str> {
    let (mut quoted, mut escaped, mut from) = (false, false, 0);
    let mut parts = Vec::new();
    for (at, character) in text.char_indices() {
        match character {
            ',' if !quoted => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = character == '\\' && !escaped;
    }
    if !text[from..].trim().is_empty() {
        parts.push(&text[from..]);
    }
    parts
}

fn classic_parts(text: &str) -> Option<Parts> {
    let text = text.trim();
    let end =
        text.find(|character: char| !(character.is_ascii_alphanumeric() || "_:".contains(character)))?;
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start();
    let signs = [
        ("=~", Comparison::Like),
        ("!=", Comparison::NotEqual),
        ("!~", Comparison::NotLike),
        ("=", Comparison::Equal),
    ];
    let (comparison, value) =
        signs.iter().find_map(|(sign, comparison)| Some((*comparison, rest.strip_prefix(sign)?)))?;
    Some((name.to_owned(), comparison, classic_value(value.trim())?))
}

fn classic_value(raw: &str) -> Option<String> {
    let inner = match raw.strip_prefix('"') {
        Some(quoted) => {
            let end = end_of_quoted(quoted)?;
            (end + 1 == quoted.len()).then_some(&quoted[..end])?
        }
        None => raw,
    };
    let mut value = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        match character {
            '"' => return None,
            '\\' => match rest.next() {
                Some('n') => value.push('\n'),
                Some(plain @ ('"' | '\\')) => value.push(plain),
                Some(other) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    Some(value)
}
