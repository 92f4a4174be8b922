//! Where a number comes from: every figure this crate tells can be worked out again by hand
//! from its formula, its inputs and the source of the formula.

use std::borrow::Cow;

/// How one number was worked out.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Derivation {
    /// What was worked out, with its unit, such as `resting_kcal` or `protein_g.at_least`.
    pub gives: Cow<'static, str>,
    /// The number itself.
    pub value: f64,
    /// The name of the formula, with its terms where they are short.
    pub formula: Cow<'static, str>,
    /// What went into it.
    pub inputs: Vec<Input>,
    /// The paper, standard or table that says so.
    pub source: Cow<'static, str>,
}

/// One value that went into a formula; the unit is the end of its name.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Input {
    /// Such as `weight_kg`.
    pub name: Cow<'static, str>,
    /// In the unit the name ends with.
    pub value: f64,
}

impl Derivation {
    pub(crate) fn of(gives: impl Into<Cow<'static, str>>, value: f64) -> Self {
        Self {
            gives: gives.into(),
            value,
            formula: Cow::Borrowed("given"),
            inputs: Vec::new(),
            source: Cow::Borrowed("the request"),
        }
    }

    pub(crate) fn by(
        mut self,
        formula: impl Into<Cow<'static, str>>,
        source: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.formula = formula.into();
        self.source = source.into();
        self
    }

    pub(crate) fn from(mut self, name: &'static str, value: f64) -> Self {
        self.inputs.push(Input { name: Cow::Borrowed(name), value });
        self
    }
}
