//! The learned ranker of a snapshot: the forest, what its margins mean as chances, and what it was
//! taught to foresee.

use crate::{
    SnapshotError,
    features::Feature,
    forest::{Calibration, Forest},
    snapshot::bytes::{Reader, Writer},
};

/// What the ranker is taught to foresee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// What is bought within so many days from now.
    NextDays(u16),
    /// What is in the next basket, whenever that is.
    NextBasket,
    /// What the customer would like of what they have not had yet, whenever: for films, books and
    /// whatever else is hardly bought twice. Products they had are left out of answers.
    Unseen,
}

/// The number of a target that has no days.
const UNSEEN: u64 = 1 << 16;

impl Default for Target {
    fn default() -> Self {
        Self::NextDays(30)
    }
}

/// A trained ranker.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LearnedRanker {
    pub target: Target,
    pub forest: Forest,
    pub calibration: Calibration,
}

impl LearnedRanker {
    /// The day the customer is seen on: with [`Target::NextBasket`] the day after the last basket,
    /// whenever they are asked for, as while training.
    pub(crate) fn day_seen(target: Target, last_basket: Option<i32>, now_day: i32) -> i32 {
        match (target, last_basket) {
            (Target::NextBasket, Some(day)) => day.saturating_add(1),
            _ => now_day,
        }
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        match self.target {
            Target::NextBasket => writer.whole(0),
            Target::Unseen => writer.whole(UNSEEN),
            Target::NextDays(days) => writer.whole(u64::from(days.max(1))),
        }
        self.calibration.encode(writer);
        self.forest.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let target = reader.whole()?;
        let target = match u16::try_from(target) {
            _ if target == UNSEEN => Target::Unseen,
            Ok(0) => Target::NextBasket,
            Ok(days) => Target::NextDays(days),
            Err(_) => return Err(reader.inconsistent("the ranker looks too far ahead")),
        };
        let calibration = Calibration::decode(reader)?;
        let forest = Forest::decode(reader)?;
        if forest.features() != Feature::ALL.len() {
            return Err(reader.inconsistent("the ranker looks at other features"));
        }
        Ok(Self { target, forest, calibration })
    }
}
