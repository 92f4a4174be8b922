//! Loads the settings: defaults, then the file, then environment variables, each outranking the
//! one before. Everything that is wrong is gathered and said at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::error::{Problems, SettingsError};
use crate::origin::{Origin, Origins};
use crate::sections::Setting;
use crate::{Settings, consistency, file, variables};

/// The settings file that is read when none is named and it is there.
const USUAL_FILE: &str = "larder.toml";

/// Where settings are looked for.
#[derive(Clone, Default)]
pub struct Sources {
    /// The settings file. `None` means `larder.toml` in the current folder, if it is there.
    pub file: Option<PathBuf>,
    /// The environment variables; those of others may be among them.
    pub environment_variables: BTreeMap<String, String>,
}

impl Sources {
    /// The environment variables of this process, and the file that `file` names, if it does.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        let readable = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with("LARDER_"))?;
            Some((name, value.to_string_lossy().into_owned()))
        });
        Self { file, environment_variables: readable.collect() }
    }
}

/// Tells names only: variables carry secrets.
impl fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sources")
            .field("file", &self.file)
            .field("environment_variables", &self.environment_variables.keys())
            .finish()
    }
}

/// Loads the settings from `sources`.
///
/// # Errors
/// All unknown names and all values that are not accepted, at once; or why the file cannot be
/// read. Whether the settings are safe for their environment is [`Settings::check`]'s to say.
pub fn load(sources: &Sources) -> Result<Settings, SettingsError> {
    let mut gathered = Gathered::default();
    match &sources.file {
        Some(path) => file::gather(path, &mut gathered)?,
        None if Path::new(USUAL_FILE).exists() => file::gather(Path::new(USUAL_FILE), &mut gathered)?,
        None => {}
    }
    variables::gather(&sources.environment_variables, &mut gathered);
    gathered.into_settings()
}

/// What the sources said so far.
#[derive(Default)]
pub(crate) struct Gathered {
    values: BTreeMap<&'static str, Value>,
    origins: Origins,
    problems: Vec<String>,
}

impl Gathered {
    /// Takes a value over whatever an earlier source said.
    pub(crate) fn set(&mut self, setting: &'static Setting, value: Value, origin: Origin) {
        self.values.insert(setting.key, value);
        self.origins.remember(setting.key, origin);
    }

    /// Takes away whatever an earlier source said.
    pub(crate) fn unset(&mut self, setting: &'static Setting, origin: Origin) {
        self.values.remove(setting.key);
        self.origins.remember(setting.key, origin);
    }

    /// Remembers that a value is not accepted, and shows it unless it is a secret.
    pub(crate) fn refuse_value(&mut self, setting: &Setting, given: &str, origin: &Origin) {
        let given = if setting.kind.may_show(given) { given } else { "this value" };
        let accepted = setting.kind.accepted();
        self.refuse(format!("{origin}: `{}` cannot be {given}; accepted is {accepted}", setting.key));
    }

    /// Remembers a problem.
    pub(crate) fn refuse(&mut self, problem: String) {
        self.problems.push(problem);
    }

    fn into_settings(mut self) -> Result<Settings, SettingsError> {
        match serde_path_to_error::deserialize::<_, Settings>(self.table()) {
            Ok(settings) => {
                let settings = Settings { origins: self.origins, ..settings };
                self.problems.extend(consistency::problems(&settings));
                if self.problems.is_empty() {
                    return Ok(settings);
                }
            }
            // Unreachable while every kind accepts only what its field can hold; said all the same.
            Err(error) => self.problems.push(format!("`{}` cannot be read", error.path())),
        }
        Err(SettingsError::Invalid(Problems(self.problems)))
    }

    fn table(&mut self) -> Table {
        let mut table = Table::new();
        for (key, value) in std::mem::take(&mut self.values) {
            match key.split_once('.') {
                Some((section, field)) => {
                    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
                    if let Value::Table(section) = section {
                        section.insert(field.to_owned(), value);
                    }
                }
                None => {
                    table.insert(key.to_owned(), value);
                }
            }
        }
        table
    }
}

#[cfg(test)]
mod tests;
