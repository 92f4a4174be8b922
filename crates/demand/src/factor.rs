//! What moved a forecast away from the usual day, by name and by how much, so that a plan can
//! tell it in words: "rain expected: 20 % fewer". Factors multiply; none of them is a forecast.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

/// Effects closer to 1 than this are not worth a word.
const WORTH_A_WORD: f64 = 0.01;

/// What may move the demand of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorKind {
    /// Rain, or its absence.
    Rain,
    /// A hot day.
    Heat,
    /// A cold day.
    Cold,
    /// Strong wind.
    Wind,
    /// People drawn by something close by.
    Event,
    /// A public holiday.
    Holiday,
    /// A day or two before a public holiday.
    BeforeHoliday,
    /// Closed schools.
    SchoolHoliday,
    /// The product is promoted.
    Promotion,
    /// Another price than usual.
    Price,
    /// The day of the week.
    Weekday,
    /// The time of the year.
    Season,
    /// Rising or falling sales.
    Trend,
    /// More was asked for than was sold on the days it sold out.
    SoldOut {
        /// Days it sold out,
        days: u32,
        /// of this many last days.
        of: u32,
    },
    /// Days of other products or markets stand in for days of its own.
    Pooling {
        /// Days of its own.
        own_days: u32,
    },
}

/// One effect on the demand of a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// What it is,
    pub kind: FactorKind,
    /// and what it multiplies the demand by: 1 changes nothing, 0.8 is a fifth less; finite, 0
    /// or above.
    pub effect: f64,
    /// What to call it in place of the words of its kind, such as "harvest festival nearby".
    pub name: Option<String>,
}

impl Factor {
    /// A factor that goes by the words of its kind.
    #[must_use]
    pub fn new(kind: FactorKind, effect: f64) -> Self {
        Self { kind, effect, name: None }
    }

    /// The same factor under a name of its own.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Whether it moves the demand by a whole percent or more.
    #[must_use]
    pub fn is_worth_a_word(&self) -> bool {
        (self.effect - 1.0).abs() >= WORTH_A_WORD
    }
}

/// Such as "rain expected: 20 % fewer".
impl fmt::Display for Factor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rises = self.effect >= 1.0;
        match &self.name {
            Some(name) => out.write_str(name)?,
            None => write_words(self.kind, rises, out)?,
        }
        let percent = ((self.effect - 1.0).abs() * 100.0).round();
        let link = if matches!(self.kind, FactorKind::SoldOut { .. }) { ": counted as" } else { ":" };
        match percent {
            0.0 => write!(out, "{link} no change"),
            _ => write!(out, "{link} {percent} % {}", if rises { "more" } else { "fewer" }),
        }
    }
}

fn write_words(kind: FactorKind, rises: bool, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    out.write_str(match kind {
        FactorKind::Rain if rises => "no rain expected",
        FactorKind::Rain => "rain expected",
        FactorKind::Heat => "hot day expected",
        FactorKind::Cold => "cold day expected",
        FactorKind::Wind if rises => "no wind expected",
        FactorKind::Wind => "strong wind expected",
        FactorKind::Event => "event nearby",
        FactorKind::Holiday => "public holiday",
        FactorKind::BeforeHoliday => "just before a public holiday",
        FactorKind::SchoolHoliday => "school holidays",
        FactorKind::Promotion => "promoted",
        FactorKind::Price => "changed price",
        FactorKind::Weekday => "day of the week",
        FactorKind::Season => "time of the year",
        FactorKind::Trend if rises => "sales have been rising",
        FactorKind::Trend => "sales have been falling",
        FactorKind::SoldOut { days, of } => return write!(out, "sold out on {days} of the last {of} days"),
        FactorKind::Pooling { own_days: 0 } => "no market day of its own yet, judged by others",
        FactorKind::Pooling { own_days: 1 } => "only one market day of its own, leaning on others",
        FactorKind::Pooling { own_days } => {
            return write!(out, "only {own_days} market days of its own, leaning on others");
        }
    })
}
