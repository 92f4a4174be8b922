//! Go's quoting of texts (`%q`, `strconv.Quote` and `strconv.Unquote`), since group keys and matchers are compared
//! with those of programs written in Go.

use std::fmt::Write;

/// The text within double quotes, with what cannot be printed escaped, as `strconv.Quote` does.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        push_escaped(&mut quoted, character);
    }
    quoted.push('"');
    quoted
}

fn push_escaped(quoted: &mut String, character: char) {
    let code = u32::from(character);
    let named = match character {
        '"' => Some("\\\""),
        '\\' => Some("\\\\"),
        '\u{7}' => Some("\\a"),
        '\u{8}' => Some("\\b"),
        '\u{c}' => Some("\\f"),
        '\n' => Some("\\n"),
        '\r' => Some("\\r"),
        '\t' => Some("\\t"),
        '\u{b}' => Some("\\v"),
        _ => None,
    };
    let written = match named {
        Some(name) => quoted.write_str(name),
        None if is_printable(character) => quoted.write_char(character),
        None if code < 0x80 => write!(quoted, "\\x{code:02x}"),
        None if code < 0x1_0000 => write!(quoted, "\\u{code:04x}"),
        None => write!(quoted, "\\U{code:08x}"),
    };
    written.expect("writing to a string cannot fail");
}

/// Whether Go would print it: everything but controls, unassigned and private characters, and spaces other than the
/// common one. The standard library's own judgement of what needs an escape is asked behind a letter, where marks
/// that combine need none.
fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return character == ' ' || character.is_ascii_graphic();
    }
    !character.is_whitespace() && !format!("a{character}").escape_debug().to_string().starts_with("a\\u")
}

/// Reads what stands between double quotes, escapes resolved, as `strconv.Unquote` does for text. `None` when an
/// escape is not one.
pub(crate) fn unescape(inner: &str) -> Option<String> {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => text.push(escaped(&mut rest)?),
            '"' | '\n' => return None,
            other => text.push(other),
        }
    }
    Some(text)
}

fn escaped(rest: &mut std::str::Chars<'_>) -> Option<char> {
    let character = match rest.next()? {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        plain @ ('\\' | '"') => plain,
        'x' => return numbered(rest, 2).filter(char::is_ascii),
        'u' => return numbered(rest, 4),
        'U' => return numbered(rest, 8),
        _ => return None,
    };
    Some(character)
}

fn numbered(rest: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let text: String = rest.take(digits).collect();
    let good = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| u32::from_str_radix(&text, 16).ok()).flatten().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_go_quotes_them() {
        let vectors = [
            ("plain", "\"plain\""),
            ("say \"hi\"", "\"say \\\"hi\\\"\""),
            ("back\\slash\n", "\"back\\\\slash\\n\""),
            ("\u{1}\u{7f}", "\"\\x01\\x7f\""),
            ("caf\u{e9} \u{1f600}", "\"caf\u{e9} \u{1f600}\""),
            ("e\u{301}", "\"e\u{301}\""),
            ("\u{a0}\u{feff}", "\"\\u00a0\\ufeff\""),
        ];
        for (text, quoted) in vectors {
            assert_eq!(quote(text), quoted);
            assert_eq!(unescape(&quoted[1..quoted.len() - 1]).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_escape_is_refused() {
        for inner in ["\\q", "\\x4", "\\xff", "\\ud800", "a\"b", "end\\"] {
            assert_eq!(unescape(inner), None, "{inner}");
        }
    }
}
