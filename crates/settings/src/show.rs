//! Shows the settings in force as TOML, secrets hidden, each with where it came from. What is
//! printed can be read back by any TOML reader; what is not set stands as a comment.

use toml::Table;

use crate::Settings;
use crate::catalogue::{self, value_at};
use crate::origin::Origin;
use crate::sections::Setting;

/// Where the origins are lined up.
const ORIGIN_COLUMN: usize = 48;

impl Settings {
    /// Every setting in force as TOML, each with its origin; secrets as `"<redacted>"`.
    pub fn redacted_toml(&self) -> String {
        let mut in_force = self.clone();
        in_force.identity.authentication = Some(self.authentication());
        in_force.recommendation.snapshot_dir = Some(self.snapshot_dir());
        let table = catalogue::as_table(&in_force);

        let mut text = String::new();
        for setting in Settings::SETTINGS {
            self.push_line(&mut text, &table, setting);
        }
        for (name, section) in &catalogue::SECTIONS {
            text.push_str(&format!("\n[{name}]\n"));
            for setting in section.settings {
                self.push_line(&mut text, &table, setting);
            }
        }
        text
    }

    fn push_line(&self, text: &mut String, table: &Table, setting: &Setting) {
        let field = setting.key.rsplit('.').next().unwrap_or(setting.key);
        let origin = self.describe_origin(table, setting.key);
        let line = match value_at(table, setting.key) {
            Some(value) => format!("{field} = {value}"),
            None => format!("# {field} is not set"),
        };
        text.push_str(&format!("{line:ORIGIN_COLUMN$} # {origin}\n"));
    }

    fn describe_origin(&self, table: &Table, key: &str) -> String {
        let origin = self.origins.of(key);
        if origin != Origin::Default {
            return origin.to_string();
        }
        match key {
            "identity.authentication" if self.identity.authentication.is_none() => {
                format!("default in {}", self.environment)
            }
            "recommendation.snapshot_dir" if self.recommendation.snapshot_dir.is_none() => {
                "default, in data_dir".to_owned()
            }
            _ if value_at(table, key) == catalogue::default_of(key) => "default".to_owned(),
            _ => "set by the program".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
