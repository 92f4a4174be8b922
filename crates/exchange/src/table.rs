//! What a table is: its columns with their types, which of them are required, and what a value is.

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text, ids among it: never taken for a number.
    Text,
    /// Several texts in one cell, parted by `;`; one that belongs to a text is written `\;`.
    List,
    /// A whole number.
    Integer,
    /// Any number.
    Decimal,
    /// An amount in the currency that another column of the row names.
    Money {
        /// The name of that column.
        currency: &'static str,
    },
    /// A part of a hundred: 15 is 15 %.
    Percent,
    /// A day.
    Date,
    /// An instant, shown in UTC.
    Instant,
    /// Yes or no.
    Bool,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name in the contract and in CSV files, such as `product_id`.
    pub name: String,
    /// What its cells hold.
    pub kind: ColumnKind,
    /// Whether an import needs it.
    pub required: bool,
    /// The only texts it may hold; empty when any will do.
    pub allowed: &'static [&'static str],
    /// For people, one sentence.
    pub help: &'static str,
    /// What an example row of the template holds.
    pub example: &'static str,
    /// Whether exports have it and imports pass it over: the service sets it.
    pub is_told: bool,
}

impl Column {
    /// A column that may be left empty.
    #[must_use]
    pub fn new(name: &str, kind: ColumnKind, help: &'static str, example: &'static str) -> Self {
        let (required, is_told, allowed) = (false, false, &[] as &[_]);
        Self { name: name.to_owned(), kind, required, allowed, help, example, is_told }
    }

    /// The same column, needed by an import.
    #[must_use]
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same column, with the only texts it may hold.
    #[must_use]
    pub fn one_of(self, allowed: &'static [&'static str]) -> Self {
        Self { allowed, ..self }
    }

    /// The same column, set by the service alone.
    #[must_use]
    pub fn told(self) -> Self {
        Self { is_told: true, ..self }
    }

    /// The title for people: `product_id` is `Product id`.
    #[must_use]
    pub fn title(&self) -> String {
        if self.name.starts_with(ATTRIBUTE) {
            return self.name.clone();
        }
        let words = self.name.replace('_', " ");
        let mut letters = words.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

/// What stands before the key in the name of a column of a free attribute.
pub(crate) const ATTRIBUTE: &str = "attributes.";

/// A kind of rows, with its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Such as `products`.
    pub kind: &'static str,
    /// The title for people.
    pub title: &'static str,
    /// In the order in which they are written.
    pub columns: Vec<Column>,
    /// Whether rows may have columns called `attributes.<key>`.
    pub has_attributes: bool,
    /// Whether rows can be imported.
    pub is_imported: bool,
}

impl Table {
    /// Where the column called `name` stands.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The same table with columns for these attributes behind the others.
    #[must_use]
    pub fn with_attributes<'a>(mut self, keys: impl IntoIterator<Item = &'a str>) -> Self {
        let columns = keys.into_iter().map(|key| {
            let name = format!("{ATTRIBUTE}{key}");
            Column::new(&name, ColumnKind::Text, "Anything else that is known.", "")
        });
        self.columns.extend(columns);
        self
    }

    /// The keys of the attributes that have columns, with where they stand.
    pub fn attributes(&self) -> impl Iterator<Item = (usize, &str)> {
        let named = self.columns.iter().enumerate();
        named.filter_map(|(at, column)| Some((at, column.name.strip_prefix(ATTRIBUTE)?)))
    }
}

/// One cell with its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing is known.
    Absent,
    /// Of a column of texts.
    Text(String),
    /// Of a column of lists.
    List(Vec<String>),
    /// Of a column of whole numbers.
    Integer(i64),
    /// Of a column of numbers.
    Decimal(f64),
    /// Millionths of a currency.
    Money(i64),
    /// Hundredths: 15.0 is 15 %.
    Percent(f64),
    /// Days since 1970.
    Date(i32),
    /// Microseconds since 1970.
    Instant(i64),
    /// Of a column of yes and no.
    Bool(bool),
}

impl Value {
    /// A text, absent when empty.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Absent } else { Self::Text(text) }
    }

    /// A list, absent when empty.
    #[must_use]
    pub fn list(texts: Vec<String>) -> Self {
        if texts.is_empty() { Self::Absent } else { Self::List(texts) }
    }

    /// What `of` makes of a value that may not be there.
    pub fn maybe<T>(value: Option<T>, of: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Absent, of)
    }
}

/// The cells of one row, in the order of the table's columns.
pub type Row = Vec<Value>;

/// Several texts as one, and [`split_list`] has them back.
#[must_use]
pub(crate) fn join_list(texts: &[String]) -> String {
    let escaped: Vec<_> = texts.iter().map(|text| text.replace('\\', "\\\\").replace(';', "\\;")).collect();
    escaped.join("; ")
}

/// The texts that one cell parts by `;`; blanks around them do not count.
#[must_use]
pub(crate) fn split_list(cell: &str) -> Vec<String> {
    let (mut texts, mut text) = (Vec::new(), String::new());
    let mut letters = cell.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(next @ ('\\' | ';')) => text.push(next),
                Some(next) => text.extend(['\\', next]),
                None => text.push('\\'),
            },
            ';' => texts.push(std::mem::take(&mut text)),
            letter => text.push(letter),
        }
    }
    texts.push(text);
    let trimmed = texts.iter().map(|text| text.trim());
    trimmed.filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_title_is_for_people() {
        let column = Column::new("product_id", ColumnKind::Text, "", "");
        assert_eq!(column.title(), "Product id");
        assert_eq!(split_list(r"a; b\;c ;; d\\"), ["a", "b;c", r"d\"]);
    }

    proptest! {
        #[test]
        fn splitting_a_joined_list_gives_it_back(texts in prop::collection::vec(r"[a-z;\\]{1,8}", 0..5)) {
            prop_assert_eq!(split_list(&join_list(&texts)), texts);
        }
    }
}
