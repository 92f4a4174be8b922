//! Reads a command's own words: flags, options with a value, names, and what stands
//! behind `--`. Each is taken out as it is asked for; what is left over is refused.

use anyhow::{Result, bail};

/// The words behind the command's name.
pub(crate) struct Arguments {
    words: Vec<String>,
    behind_dashes: Vec<String>,
}

impl Arguments {
    pub(crate) fn new(mut words: Vec<String>) -> Self {
        let behind_dashes = match words.iter().position(|word| word == "--") {
            Some(at) => words.split_off(at).split_off(1),
            None => Vec::new(),
        };
        Self { words, behind_dashes }
    }

    pub(crate) fn asks_for_help(&self) -> bool {
        self.words.iter().any(|word| word == "--help" || word == "-h")
    }

    /// Takes `--name` out and tells whether it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() != before
    }

    /// Takes out every `NAME VALUE` and `NAME=VALUE`.
    pub(crate) fn values(&mut self, name: &str) -> Result<Vec<String>> {
        let mut values = Vec::new();
        let mut kept = Vec::new();
        let mut words = std::mem::take(&mut self.words).into_iter();
        while let Some(word) = words.next() {
            if word == name {
                let Some(value) = words.next() else { bail!("{name} needs a value") };
                values.push(value);
            } else if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                values.push(value.to_owned());
            } else {
                kept.push(word);
            }
        }
        self.words = kept;
        Ok(values)
    }

    /// What stands behind `--`, for the program that is called.
    pub(crate) fn behind_dashes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.behind_dashes)
    }

    /// The names that are left; an option nobody asked for is an error.
    pub(crate) fn names(self) -> Result<Vec<String>> {
        if let Some(option) = self.words.iter().find(|word| word.starts_with('-')) {
            bail!("there is no option `{option}` here; see `cargo xtask help`");
        }
        if !self.behind_dashes.is_empty() {
            bail!("this command passes nothing on, so nothing may stand behind `--`");
        }
        Ok(self.words)
    }

    /// Refuses anything that is left.
    pub(crate) fn end(self) -> Result<()> {
        match self.names()?.first() {
            Some(name) => bail!("`{name}` is not expected here; see `cargo xtask help`"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &str) -> Arguments {
        Arguments::new(words.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn flags_values_and_names_are_told_apart() {
        let mut given = arguments("--full -p ranking snapshot -p=gateway");
        assert!(given.flag("--full"));
        assert!(!given.flag("--no-coverage"));
        assert_eq!(given.values("-p").unwrap(), ["ranking", "gateway"]);
        assert_eq!(given.names().unwrap(), ["snapshot"]);
    }

    #[test]
    fn an_unknown_option_is_refused_by_name() {
        let refusal = arguments("--fast").names().unwrap_err().to_string();
        assert!(refusal.contains("`--fast`"), "{refusal}");
    }

    #[test]
    fn words_behind_the_dashes_are_left_alone() {
        let mut given = arguments("-- cargo test -p larder");
        assert_eq!(given.behind_dashes(), ["cargo", "test", "-p", "larder"]);
        assert!(given.end().is_ok());
    }
}
