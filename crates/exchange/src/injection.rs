//! What a spreadsheet would take for a formula when it opens a text file (CWE-1236), and how such a
//! text is made harmless so that it can be read back: an apostrophe stands before it, as OWASP advises.

/// Characters that begin a formula, full-width ones included, as some programs fold them.
const TRIGGERS: [char; 13] = ['=', '+', '-', '@', '|', '%', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Whether the text, or the text behind apostrophes, would be taken for a formula.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(TRIGGERS)
}

/// Writes one field of a CSV file (RFC 4180): quoted where it must be, and harmless. [`restored`] has
/// the text back that a reader of CSV finds.
pub fn push_field(line: &mut String, text: &str) {
    let lead = if is_formula(text) { "'" } else { "" };
    if !text.contains([',', '"', '\r', '\n', ';', '\t']) && !text.starts_with(' ') && !text.ends_with(' ') {
        line.push_str(lead);
        line.push_str(text);
        return;
    }
    line.push('"');
    line.push_str(lead);
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            line.push_str("\"\"");
        }
        line.push_str(part);
    }
    line.push('"');
}

/// The line of a CSV file that holds these texts.
#[must_use]
pub fn line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        push_field(&mut line, field);
    }
    line.push_str("\r\n");
    line
}

/// The text as it was before it was made harmless.
#[must_use]
pub fn restored(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(bare) if is_formula(bare) => bare,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_field_leaves_its_cell_and_none_is_a_formula() {
        let field = |text: &str| {
            let mut line = String::new();
            push_field(&mut line, text);
            line
        };
        assert_eq!(field("plain"), "plain");
        assert_eq!(field("Bread, rye"), "\"Bread, rye\"");
        assert_eq!(field("a,\"b\"\r\nc"), "\"a,\"\"b\"\"\r\nc\"");
        assert_eq!(field("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(field("@cmd"), "'@cmd");
        assert_eq!(field("'=1"), "''=1");
        assert_eq!(field("O'Neill"), "O'Neill");
        assert_eq!(field("＝1"), "'＝1");
        assert_eq!(line(["a", "-b"]), "a,'-b\r\n");
    }

    proptest! {
        #[test]
        fn a_reader_of_csv_gets_every_text_back(texts in prop::collection::vec(r#"['=+@;," \r\n\ta-c-]{1,6}"#, 1..4)) {
            let written = line(texts.iter().map(String::as_str));
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(written.as_bytes());
            let record = reader.records().next().unwrap().unwrap();
            let read: Vec<_> = record.iter().map(restored).collect();
            prop_assert_eq!(read, texts);
        }
    }
}
