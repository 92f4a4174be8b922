//! Rules as they are written down beside the messages, and what each says to people.

/// A message that has rules, or none.
pub trait Ruled {
    /// Its rules; `None` when every value of every field is let through.
    const RULES: Option<&'static Message>;
}

/// The rules of a message's fields.
#[derive(Debug)]
pub struct Message {
    /// Those with rules, or with messages that have some.
    pub fields: &'static [Field],
}

/// The rules of one field.
#[derive(Debug)]
pub struct Field {
    /// Its number on the wire.
    pub number: u32,
    /// Its name in the contract.
    pub name: &'static str,
    /// How it is written.
    pub kind: Kind,
    /// Whether it is a list.
    pub is_list: bool,
    /// Whether a value that is 0 or empty was said, and not left out.
    pub has_presence: bool,
    /// What it has to be.
    pub rule: Rule,
    /// The rules of the message that it holds.
    pub inner: Option<&'static Message>,
}

/// How a value is written on the wire, as far as rules need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// Bytes; a rule may ask for some.
    Bytes,
    /// A message.
    Message,
    /// A whole number as a varint, negative ones in two's complement.
    Whole,
    /// A whole number as a varint, negative ones in zigzag.
    ZigZag,
    /// A number of eight bytes with a fraction.
    Double,
    /// A number of four bytes with a fraction.
    Float,
}

/// What a field has to be. What is left out (0, empty, `None`) is not asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// It may not be left out or empty.
    pub required: bool,
    /// So many characters at least, unless it is left out.
    pub min_length: u32,
    /// So many characters at most.
    pub max_length: u32,
    /// These characters alone, as between the brackets of a regular expression: single ones and ranges.
    pub characters: &'static str,
    /// Not below, unless it is left out.
    pub minimum: Option<f64>,
    /// Not above.
    pub maximum: Option<f64>,
    /// So many entries at most.
    pub max_items: u32,
}

impl Rule {
    /// Asks for nothing.
    pub const NONE: Self = Self {
        required: false,
        min_length: 0,
        max_length: 0,
        characters: "",
        minimum: None,
        maximum: None,
        max_items: 0,
    };

    /// What a text would have to be.
    pub(crate) fn of_text(&self) -> String {
        let least = self.min_length.max(u32::from(self.required));
        let length = match (least, self.max_length) {
            (0, 0) => String::new(),
            (least, 0) => format!("at least {least} characters"),
            (0, most) => format!("at most {most} characters"),
            (least, most) => format!("{least} to {most} characters"),
        };
        match (length.as_str(), self.characters) {
            ("", characters) => format!("must be characters of {}", spelled(characters)),
            (length, "") => format!("must be {length} long"),
            (length, characters) => format!("must be {length} of {}", spelled(characters)),
        }
    }

    /// What a number would have to be.
    pub(crate) fn of_number(&self) -> String {
        match (self.minimum, self.maximum) {
            (Some(least), Some(most)) => format!("must be from {least} to {most}"),
            (Some(least), None) => format!("must be {least} or more"),
            (None, Some(most)) => format!("must be {most} or less"),
            (None, None) => "must be said".to_owned(),
        }
    }

    /// Whether the rule lets a character through.
    pub(crate) fn allows(&self, character: char) -> bool {
        if self.characters.is_empty() {
            return true;
        }
        ranges(self.characters).any(|(first, last)| (first..=last).contains(&character))
    }
}

/// `A-Za-z._~-` as A to Z, a to z, and four single characters; a dash at the end is one.
fn ranges(characters: &str) -> impl Iterator<Item = (char, char)> {
    let mut rest = characters.chars().peekable();
    std::iter::from_fn(move || {
        let first = rest.next()?;
        if rest.peek() != Some(&'-') {
            return Some((first, first));
        }
        let mut further = rest.clone();
        further.next();
        match further.next() {
            None => Some((first, first)),
            Some(last) => {
                rest = further;
                Some((first, last))
            }
        }
    })
}

fn spelled(characters: &str) -> String {
    let spell = |(first, last)| if first == last { format!("{first}") } else { format!("{first}-{last}") };
    ranges(characters).map(spell).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_read_as_between_brackets() {
        let rule = Rule { characters: "A-Za-z0-9._~-", ..Rule::NONE };
        assert!("Az09._~-".chars().all(|character| rule.allows(character)));
        assert!(!" /é\0,+".chars().any(|character| rule.allows(character)));
        assert_eq!(spelled(rule.characters), "A-Z a-z 0-9 . _ ~ -");
    }

    #[test]
    fn each_rule_says_what_would_be_accepted() {
        let text = |required, min_length, max_length, characters| {
            Rule { required, min_length, max_length, characters, ..Rule::NONE }.of_text()
        };
        assert_eq!(text(true, 0, 128, "a-z"), "must be 1 to 128 characters of a-z");
        assert_eq!(text(false, 3, 0, ""), "must be at least 3 characters long");
        assert_eq!(text(false, 0, 64, ""), "must be at most 64 characters long");
        let number = |minimum, maximum| Rule { minimum, maximum, ..Rule::NONE }.of_number();
        assert_eq!(number(Some(0.0), Some(0.5)), "must be from 0 to 0.5");
        assert_eq!(number(Some(1.0), None), "must be 1 or more");
    }
}
