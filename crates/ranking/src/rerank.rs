//! After ranking: a pool of scored products becomes the list that is shown.
//!
//! What may not be shown at all is not in the pool; nothing here can bring it back. Boosts,
//! promotions and rotation move scores and leave a named delta each, so that a score is still the sum
//! of what it is made of. Caps, pins, diversity and the lowest relevance are wishes about the list;
//! a wish that cannot be kept is given up by name:
//!
//! * **category caps** give way, last and lowest, when the list would be shorter than asked for;
//! * **a pin** gives way to a hard constraint, and to a place that the list does not have;
//! * **rotation and diversity** have nothing to choose from when everything in the pool is shown;
//! * **the lowest relevance** never gives way: the list stays short, and the answer says so.

mod arrange;
mod arrangement;
mod diversity;
mod impressions;
mod score;
mod similarity;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    arrange::{Arranged, Wishes, arrange},
    score::{Adjustments, Deltas, Pooled, spread_of},
    similarity::Likeness,
};
pub use self::{
    arrangement::{Arrangement, Boost, CategoryCap, Fit, Pin, Promoted, Relaxation, Wish},
    impressions::{Impression, Impressions},
    score::Delta,
};
