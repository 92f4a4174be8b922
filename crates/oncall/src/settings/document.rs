//! Reading a settings file field by field: what is missing, of the wrong kind or not asked for becomes a problem with
//! its place, and reading goes on, so that one run tells all of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duration::parse_duration;
use super::problem::{Problem, Problems, place};

/// Words nearer to each other than this are taken for a slip of the pen (Jaro-Winkler).
const SIMILAR_ENOUGH: f64 = 0.8;

/// The file being read, and what was found wrong so far.
pub(super) struct Document<'t> {
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
}

impl<'t> Document<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, problems: RefCell::default() }
    }

    pub(super) fn refuse(&self, at: &Range<usize>, field: &str, message: impl Into<String>) {
        let (line, column) = place(self.text, at.start);
        let (field, message) = (field.to_owned(), message.into());
        self.problems.borrow_mut().push(Problem { line, column, field, message });
    }

    pub(super) fn problems(self) -> Option<Problems> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        (!problems.is_empty()).then_some(Problems(problems))
    }
}

/// A value with its place and its path, for what is checked after reading, such as names of other parts.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) at: Range<usize>,
    pub(super) field: String,
}

/// One table of the file.
pub(super) struct Section<'d> {
    document: &'d Document<'d>,
    table: &'d DeTable<'d>,
    pub(super) at: Range<usize>,
    pub(super) path: String,
    asked: RefCell<Vec<&'static str>>,
}

impl<'d> Section<'d> {
    pub(super) fn root(document: &'d Document<'d>, table: &'d Spanned<DeTable<'d>>) -> Self {
        Self {
            document,
            table: table.get_ref(),
            at: table.span(),
            path: String::new(),
            asked: RefCell::default(),
        }
    }

    fn field(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn value(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.ask(key);
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// Says that the key is known here, whether or not it is read.
    pub(super) fn ask(&self, key: &'static str) {
        self.asked.borrow_mut().push(key);
    }

    pub(super) fn is_text(&self, key: &str) -> bool {
        self.table.iter().any(|(name, value)| name.get_ref() == key && value.get_ref().is_str())
    }

    pub(super) fn refuse(&self, key: &str, message: impl Into<String>) {
        let at = self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value.span());
        self.document.refuse(&at.unwrap_or_else(|| self.at.clone()), &self.field(key), message);
    }

    pub(super) fn refuse_at<T>(&self, located: &Located<T>, message: impl Into<String>) {
        self.document.refuse(&located.at, &located.field, message);
    }

    /// Says that keys nobody asked for are not understood, with the one that may have been meant.
    pub(super) fn finish(&self) {
        let asked = self.asked.borrow();
        for (name, _) in self.table.iter().filter(|(name, _)| !asked.contains(&name.get_ref().as_ref())) {
            let message = match nearest(name.get_ref(), asked.iter().copied()) {
                Some(meant) => format!("is no setting here; did you mean {meant:?}?"),
                None => format!("is no setting here; accepted: {}", asked.join(", ")),
            };
            self.document.refuse(&name.span(), &self.field(name.get_ref()), message);
        }
    }

    fn read<T>(
        &self,
        key: &'static str,
        accepted: &str,
        read: impl Fn(&'d DeValue<'d>) -> Option<T>,
    ) -> Option<Located<T>> {
        let value = self.value(key)?;
        let found = read(value.get_ref());
        if found.is_none() {
            self.refuse(key, format!("{} is refused; accepted: {accepted}", shown(value.get_ref())));
        }
        Some(Located { value: found?, at: value.span(), field: self.field(key) })
    }

    pub(super) fn text(&self, key: &'static str) -> Option<Located<String>> {
        self.read(key, "a text", |value| {
            value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
        })
    }

    pub(super) fn required_text(&self, key: &'static str) -> Option<Located<String>> {
        if !self.has(key) {
            self.ask(key);
            self.document.refuse(&self.at, &self.field(key), "is missing; accepted: a text");
            return None;
        }
        self.text(key)
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        Some(self.read(key, "true or false", DeValue::as_bool)?.value)
    }

    pub(super) fn duration(&self, key: &'static str) -> Option<Duration> {
        let accepted = "a duration such as \"30s\", \"5m\", \"1h30m\" or \"2d\"";
        Some(self.read(key, accepted, |value| value.as_str().and_then(parse_duration))?.value)
    }

    pub(super) fn number(&self, key: &'static str, range: Range<u32>) -> Option<u32> {
        let accepted = format!("a whole number from {} to {}", range.start, range.end - 1);
        let read = |value: &DeValue<'_>| {
            let integer = value.as_integer()?;
            u32::from_str_radix(integer.as_str(), integer.radix())
                .ok()
                .filter(|number| range.contains(number))
        };
        Some(self.read(key, &accepted, read)?.value)
    }

    /// A local time, as TOML writes it or as a text.
    pub(super) fn local_time(&self, key: &'static str) -> Option<jiff::civil::DateTime> {
        let read = |value: &DeValue<'_>| match value {
            DeValue::Datetime(told) if told.offset.is_none() && told.date.is_some() => {
                told.to_string().parse().ok()
            }
            DeValue::String(text) if !text.ends_with(['Z', 'z', ']']) => text.parse().ok(),
            _ => None,
        };
        Some(self.read(key, "a local time such as 2026-01-05T09:00:00", read)?.value)
    }

    /// A text that something else reads; its reason becomes the problem.
    pub(super) fn parsed<T, E: ToString>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Located<T>> {
        let text = self.text(key)?;
        match parse(&text.value) {
            Ok(value) => Some(Located { value, at: text.at, field: text.field }),
            Err(error) => {
                self.refuse_at(&text, error.to_string());
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let read = |value: &DeValue<'_>| {
            let word = value.as_str()?;
            choices.iter().find(|(choice, _)| *choice == word).map(|(_, meant)| *meant)
        };
        Some(self.read(key, &words.join(", "), read)?.value)
    }

    /// A list of texts, each with its place.
    pub(super) fn texts(&self, key: &'static str) -> Option<Vec<Located<String>>> {
        let array = self.read(key, "a list of texts", DeValue::as_array)?.value;
        let mut texts = Vec::new();
        for (index, item) in array.iter().enumerate() {
            let field = format!("{}[{index}]", self.field(key));
            match item.get_ref().as_str() {
                Some(text) => texts.push(Located { value: text.to_owned(), at: item.span(), field }),
                None => self.document.refuse(&item.span(), &field, "is refused; accepted: a text"),
            }
        }
        Some(texts)
    }

    /// Texts by their names.
    pub(super) fn text_map(&self, key: &'static str) -> BTreeMap<String, String> {
        let Some(table) = self.read(key, "a table of texts", DeValue::as_table) else {
            return BTreeMap::new();
        };
        let mut texts = BTreeMap::new();
        for (name, value) in table.value.iter() {
            match value.get_ref().as_str() {
                Some(text) => drop(texts.insert(name.get_ref().to_string(), text.to_owned())),
                None => {
                    let field = format!("{}.{}", self.field(key), name.get_ref());
                    self.document.refuse(&value.span(), &field, "is refused; accepted: a text");
                }
            }
        }
        texts
    }

    pub(super) fn section(&self, key: &'static str) -> Option<Section<'d>> {
        let table = self.read(key, "a table", DeValue::as_table)?;
        Some(self.below(table.value, table.at, table.field))
    }

    /// A list of tables; empty when it is not there.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'d>> {
        let Some(array) = self.read(key, "a list of tables", DeValue::as_array) else { return Vec::new() };
        let mut sections = Vec::new();
        for (index, item) in array.value.iter().enumerate() {
            let field = format!("{}[{index}]", self.field(key));
            match item.get_ref().as_table() {
                Some(table) => sections.push(self.below(table, item.span(), field)),
                None => self.document.refuse(&item.span(), &field, "is refused; accepted: a table"),
            }
        }
        sections
    }

    fn below(&self, table: &'d DeTable<'d>, at: Range<usize>, path: String) -> Self {
        Self { document: self.document, table, at, path, asked: RefCell::default() }
    }
}

/// The word of a list that is most like another one, if it is like it at all.
pub(super) fn nearest<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let likeness = |other: &str| strsim::jaro_winkler(word, other);
    let best = words.into_iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(best) >= SIMILAR_ENOUGH).then_some(best)
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
