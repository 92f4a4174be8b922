//! Reads `larder.toml`: every key must be a known setting, every value one that it accepts, and
//! each is remembered with its line. Messages of the TOML reader are passed on without the line
//! itself, which may hold a secret.

use std::borrow::Cow;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::SettingsError;
use crate::catalogue;
use crate::hint;
use crate::load::Gathered;
use crate::origin::Origin;

/// Gathers the settings of the file at `path`.
pub(crate) fn gather(path: &Path, gathered: &mut Gathered) -> Result<(), SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SettingsError::FileUnreadable { path: path.to_owned(), source })?;
    let table = DeTable::parse(&text).map_err(|error| SettingsError::FileMalformed {
        path: path.to_owned(),
        line: line_of(&text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let reader = Reader { path, text: &text };
    for (name, value) in in_file_order(table.get_ref()) {
        match value.get_ref() {
            DeValue::Table(section) if catalogue::find(name.get_ref()).is_none() => {
                reader.gather_section(name, section, gathered);
            }
            _ => reader.gather_one(name.get_ref(), name.span().start, value, gathered),
        }
    }
    Ok(())
}

struct Reader<'file> {
    path: &'file Path,
    text: &'file str,
}

impl Reader<'_> {
    fn gather_section(&self, name: &Spanned<Cow<'_, str>>, section: &DeTable<'_>, gathered: &mut Gathered) {
        if section.is_empty() && !catalogue::is_section(name.get_ref()) {
            self.refuse_unknown(name.get_ref(), name.span().start, gathered);
        }
        for (field, value) in in_file_order(section) {
            let key = format!("{}.{}", name.get_ref(), field.get_ref());
            self.gather_one(&key, field.span().start, value, gathered);
        }
    }

    fn gather_one(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>, gathered: &mut Gathered) {
        let Some(setting) = catalogue::find(key) else {
            return self.refuse_unknown(key, at, gathered);
        };
        let given = &self.text[value.span()];
        let origin = Origin::File { path: self.path.to_owned(), line: line_of(self.text, at) };
        if value.get_ref().as_str() == Some("") && catalogue::default_of(key).is_none() {
            return gathered.unset(setting, origin);
        }
        match plain(value.get_ref()).and_then(|value| setting.kind.read_value(value)) {
            Some(value) => gathered.set(setting, value, origin),
            None => gathered.refuse_value(setting, given, &origin),
        }
    }

    fn refuse_unknown(&self, key: &str, at: usize, gathered: &mut Gathered) {
        let known = catalogue::all().map(|setting| setting.key.to_owned());
        let known = known.chain(catalogue::SECTIONS.iter().map(|(name, _)| (*name).to_owned()));
        let meant =
            hint::nearest(key, known).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
        let line = line_of(self.text, at);
        gathered.refuse(format!("{} line {line}: unknown setting `{key}`{meant}", self.path.display()));
    }
}

/// The table is sorted by name; what is wrong is easier to mend from the top down.
fn in_file_order<'table, 'file>(
    table: &'table DeTable<'file>,
) -> Vec<(&'table Spanned<Cow<'file, str>>, &'table Spanned<DeValue<'file>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// The value without its place in the file. `None` for what no setting is made of.
fn plain(value: &DeValue<'_>) -> Option<toml::Value> {
    match value {
        DeValue::String(text) => Some(toml::Value::String(text.to_string())),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(toml::Value::Integer)
        }
        DeValue::Float(number) => number.as_str().parse().ok().map(toml::Value::Float),
        DeValue::Boolean(flag) => Some(toml::Value::Boolean(*flag)),
        DeValue::Array(items) => {
            items.iter().map(|item| plain(item.get_ref())).collect::<Option<_>>().map(toml::Value::Array)
        }
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}
