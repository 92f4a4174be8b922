//! The flags of one file: checked as a whole when it is read, rules compiled once, and evaluated as flagd does.

mod references;

use std::collections::BTreeMap;

use datalogic_rs::{Engine, Logic};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::FlagError;
use crate::evaluation::{ErrorCode, Evaluation, Reason};

/// Further flags are a mistake, and so is a longer name.
const MOST_FLAGS: usize = 2_000;
const LONGEST_NAME: usize = 256;

/// One flag.
pub struct Flag {
    /// Whether it is evaluated at all.
    pub is_enabled: bool,
    /// The variants and their values, all of one type.
    pub variants: BTreeMap<String, Value>,
    /// The variant without a rule, or where the rule chooses none.
    pub default_variant: Option<String>,
    /// The rule as written, with references put in.
    pub targeting: Option<Value>,
    /// What the file says about it.
    pub metadata: Map<String, Value>,
    rule: Option<Logic>,
    written: WrittenFlag,
}

/// The flags of one file.
pub struct FlagSet {
    engine: Engine,
    flags: BTreeMap<String, Flag>,
    metadata: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenFlag {
    state: State,
    variants: BTreeMap<String, Value>,
    #[serde(default)]
    default_variant: Option<String>,
    #[serde(default)]
    targeting: Option<Value>,
    #[serde(default)]
    metadata: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum State {
    Enabled,
    Disabled,
}

impl FlagSet {
    /// No flags.
    #[must_use]
    pub fn empty() -> Self {
        Self { engine: engine(), flags: BTreeMap::new(), metadata: Map::new() }
    }

    /// Reads a file in flagd's format.
    ///
    /// # Errors
    /// The first thing that is wrong, with the flag it is wrong with.
    pub fn parse(text: &str) -> Result<Self, FlagError> {
        let file: Value = serde_json::from_str(text)?;
        let object = |name: &str| file.get(name).and_then(Value::as_object);
        let written = object("flags").ok_or(FlagError::NoFlags)?;
        let evaluators = object("$evaluators").cloned().unwrap_or_default();
        let mut set = Self { metadata: object("metadata").cloned().unwrap_or_default(), ..Self::empty() };
        for (name, flag) in written {
            let refused = |cause: String| FlagError::Flag { flag: name.clone(), cause };
            if name.is_empty() || name.len() > LONGEST_NAME {
                return Err(refused(format!("accepted are names of 1 to {LONGEST_NAME} bytes")));
            }
            let mut flag: WrittenFlag =
                serde_json::from_value(flag.clone()).map_err(|error| refused(error.to_string()))?;
            if let Some(targeting) = &mut flag.targeting {
                references::put_in(targeting, &evaluators, &mut Vec::new()).map_err(
                    |(evaluator, cause)| FlagError::Evaluator { flag: name.clone(), name: evaluator, cause },
                )?;
            }
            let flag = set.check(flag).map_err(refused)?;
            set.flags.insert(name.clone(), flag);
        }
        if set.flags.len() > MOST_FLAGS {
            let cause = format!("there are {} flags; accepted are at most {MOST_FLAGS}", set.flags.len());
            return Err(FlagError::Flag { flag: "*".to_owned(), cause });
        }
        Ok(set)
    }

    fn check(&self, written: WrittenFlag) -> Result<Flag, String> {
        let names = || written.variants.keys().cloned().collect::<Vec<_>>().join(", ");
        let mut kinds: Vec<&str> = written.variants.values().map(kind).collect();
        kinds.dedup();
        match kinds.as_slice() {
            [] => return Err("it has no variants; accepted is at least one".to_owned()),
            ["null" | "list"] => {
                return Err("accepted values are booleans, texts, numbers and objects".to_owned());
            }
            [_] => {}
            _ => {
                return Err(format!(
                    "its variants are {}; accepted are values of one type",
                    kinds.join(" and ")
                ));
            }
        }
        if let Some(name) =
            written.default_variant.as_ref().filter(|name| !written.variants.contains_key(*name))
        {
            return Err(format!("defaultVariant is {name:?}; accepted is one of {}", names()));
        }
        let targeting =
            written.targeting.clone().filter(|rule| rule.as_object().is_none_or(|rule| !rule.is_empty()));
        let targeting = targeting.filter(|rule| !rule.is_null());
        if targeting.as_ref().is_some_and(|rule| !rule.is_object()) {
            return Err("targeting is no object; accepted is a rule of JSONLogic".to_owned());
        }
        let rule = targeting.as_ref().map(|rule| self.engine.compile(rule)).transpose();
        Ok(Flag {
            is_enabled: written.state == State::Enabled,
            variants: written.variants.clone(),
            default_variant: written.default_variant.clone(),
            rule: rule.map_err(|error| format!("targeting is no rule: {error}"))?,
            targeting,
            metadata: written.metadata.clone(),
            written,
        })
    }

    /// Every flag by its name.
    pub fn flags(&self) -> impl Iterator<Item = (&str, &Flag)> {
        self.flags.iter().map(|(name, flag)| (name.as_str(), flag))
    }

    /// Whether there is such a flag.
    pub fn contains(&self, name: &str) -> bool {
        self.flags.contains_key(name)
    }

    /// The names of flags that are another here than there, or are missing in one of them.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names = self.flags.keys().chain(other.flags.keys());
        let is_other = |name: &&String| {
            let written = |set: &Self| set.flags.get(*name).map(|flag| flag.written.clone());
            written(self) != written(other)
        };
        let mut names: Vec<String> = names.filter(is_other).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Evaluates a flag at an instant, in seconds since 1970.
    pub fn evaluate(&self, name: &str, context: &Context, now_s: u64) -> Evaluation {
        let Some(flag) = self.flags.get(name) else {
            return Evaluation::failed(ErrorCode::FlagNotFound, self.metadata.clone());
        };
        let mut metadata = self.metadata.clone();
        metadata.extend(flag.metadata.clone());
        if !flag.is_enabled {
            let none = Evaluation::failed(ErrorCode::FlagNotFound, metadata);
            return Evaluation { reason: Reason::Disabled, error: None, ..none };
        }
        let chosen = match &flag.rule {
            None => return flag.default(Reason::Static, metadata),
            Some(rule) => {
                let data = context.to_data(name, now_s);
                let mut session = self.engine.session();
                session.eval_into::<Value, _>(rule, &data)
            }
        };
        let variant = match chosen {
            Ok(Value::Null) => return flag.default(Reason::Default, metadata),
            Ok(Value::String(variant)) => variant,
            // A rule without branches chooses the variant `true` or `false`.
            Ok(Value::Bool(variant)) => variant.to_string(),
            Ok(Value::Number(variant)) => variant.to_string(),
            Ok(_) | Err(_) => return Evaluation::failed(ErrorCode::ParseError, metadata),
        };
        match flag.variants.get(&variant) {
            None => Evaluation::failed(ErrorCode::General, metadata),
            Some(value) => {
                let value = value.clone();
                Evaluation { value, variant, reason: Reason::TargetingMatch, error: None, metadata }
            }
        }
    }
}

impl Flag {
    /// The default variant; without one whoever asks takes their own value.
    fn default(&self, reason: Reason, metadata: Map<String, Value>) -> Evaluation {
        let variant = self.default_variant.clone().unwrap_or_default();
        let value = self.variants.get(&variant).cloned().unwrap_or_default();
        let reason = if self.default_variant.is_none() { Reason::Default } else { reason };
        Evaluation { value, variant, reason, error: None, metadata }
    }
}

fn engine() -> Engine {
    Engine::builder().build()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests;
