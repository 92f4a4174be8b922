//! The templates of the pages, one environment a language. They are named `.html`, so that whatever they show is
//! escaped; nothing in this crate marks a text as safe.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};
use serde_json::Value as Json;

use crate::figures::{self, NOTHING};
use crate::words::{Language, Words};

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        /// Every template with its source.
        const SOURCES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../templates/", $name)))),*];
    };
}

templates![
    "access.html",
    "audit.html",
    "backup.html",
    "backups.html",
    "base.html",
    "carried.html",
    "catalogue.html",
    "customer.html",
    "customers.html",
    "erased.html",
    "experiment.html",
    "experiments.html",
    "exports.html",
    "feedback.html",
    "flags.html",
    "import.html",
    "imports.html",
    "incident.html",
    "incidents.html",
    "macros.html",
    "market.html",
    "model.html",
    "models.html",
    "nutrition.html",
    "on_call.html",
    "overview.html",
    "privacy.html",
    "privacy_document.html",
    "product.html",
    "promotions.html",
    "recommendations.html",
    "refused.html",
    "sign_in.html",
    "statistics.html",
    "tenants.html",
];

/// Both languages' templates.
pub(crate) struct Templates {
    english: Environment<'static>,
    german: Environment<'static>,
}

impl Templates {
    /// Reads them all.
    pub(crate) fn new() -> Self {
        Self { english: environment(Language::English), german: environment(Language::German) }
    }

    /// Writes a page.
    pub(crate) fn render(&self, language: Language, name: &str, values: Json) -> Result<String, Error> {
        let environment = match language {
            Language::English => &self.english,
            Language::German => &self.german,
        };
        environment.get_template(name)?.render(Value::from(Serde(values)))
    }
}

fn environment(language: Language) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    let tags_leave_no_lines = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(tags_leave_no_lines.expect("the usual signs are signs"));
    add_words(&mut environment, Words::of(language));
    add_figures(&mut environment, language);
    for (name, source) in SOURCES {
        environment.add_template(name, source).expect("a test renders every template");
    }
    environment
}

fn add_words(environment: &mut Environment<'static>, words: Words) {
    let words = std::sync::Arc::new(words);
    let (enumerated, done) = (words.clone(), words.clone());
    environment.add_function("t", move |key: String, values: Kwargs| -> Result<String, Error> {
        let mut given = Vec::new();
        for name in values.args() {
            given.push((name.to_owned(), values.get::<Value>(name)?.to_string()));
        }
        let missing = || Error::new(ErrorKind::InvalidOperation, format!("there is no message {key}"));
        words.say(&key, &given).ok_or_else(missing)
    });
    // What was done before this page came; whatever else a link says there is not shown.
    environment.add_filter("done_word", move |key: String| -> String {
        done.say(&format!("done.{key}"), &[]).unwrap_or_default()
    });
    // A word of the contract, such as INCIDENT_STATE_OPEN: as the language says it, or else as it is, made readable.
    environment.add_filter("word", move |value: Serde<Json>| -> String {
        let text = value.0.as_str().unwrap_or_default();
        if text.is_empty() {
            return NOTHING.to_owned();
        }
        let said = enumerated.say(&format!("word.{text}"), &[]);
        said.unwrap_or_else(|| text.to_lowercase().replace('_', " "))
    });
}

fn add_figures(environment: &mut Environment<'static>, language: Language) {
    let number = move |value: Serde<Json>, decimals: Option<usize>| -> String {
        figures::as_number(&value.0).map_or_else(
            || NOTHING.to_owned(),
            |value| figures::number(language, value, decimals.unwrap_or(0)),
        )
    };
    environment.add_filter("num", number);
    environment.add_filter("percent", move |value: Serde<Json>, decimals: Option<usize>| -> String {
        figures::as_number(&value.0).map_or_else(
            || NOTHING.to_owned(),
            |value| figures::percent(language, value, decimals.unwrap_or(0)),
        )
    });
    environment.add_filter("bytes", move |value: Serde<Json>| -> String {
        figures::as_number(&value.0)
            .map_or_else(|| NOTHING.to_owned(), |value| figures::bytes(language, value))
    });
    environment.add_filter("took", move |value: Serde<Json>| -> String {
        figures::as_number(&value.0)
            .map_or_else(|| NOTHING.to_owned(), |value| figures::duration_ms(language, value))
    });
    environment.add_filter("money", move |value: Serde<Json>| figures::money(language, &value.0));
    environment.add_filter("plain_amount", |value: Serde<Json>| {
        figures::amount(&value.0).map_or_else(String::new, |amount| amount.to_string())
    });
    environment.add_filter("day", move |value: Serde<Json>| figures::day(language, &value.0));
    environment.add_filter("short_day", move |value: Serde<Json>| figures::short_day(language, &value.0));
    environment.add_filter("instant", move |value: Serde<Json>| figures::instant(language, &value.0));
    environment.add_filter("iso_day", |value: Serde<Json>| {
        figures::as_day(&value.0).map_or_else(String::new, |day| day.to_string())
    });
    environment.add_filter("path_part", |value: String| crate::fields::segment(&value));
}

#[cfg(test)]
mod tests;
