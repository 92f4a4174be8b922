//! What the ranker looks at when it weighs a product for a customer. One code path for training and
//! serving: the customer's own days, the models fitted on what was known, and the day it is.
//!
//! Everything works in a [`Scratch`] that is used again and again, so that a request allocates little.

mod catalogue;
mod customer;
mod discovered;
mod fill;
mod foreseen;
mod gather;
mod own;
mod shelves;
mod statistics;
#[cfg(test)]
mod tests;

pub(crate) use catalogue::Feature;
pub use catalogue::FeatureGroup;
pub(crate) use customer::CustomerHistory;
pub(crate) use gather::Candidate;
pub(crate) use own::{HALVING_120, OwnProduct, taste, worth};
pub(crate) use shelves::Shelves;
pub(crate) use statistics::Statistics;

use self::{customer::Household, discovered::Discovered, foreseen::Foreseen, shelves::GroupSums};
use crate::{
    ContentModel, DiscoveryModel, ProfileModel,
    content::Likeness,
    forest::{FeatureBlock, Promising},
    history_value,
    neighbours::ShortlistEntry,
    snapshot::Models,
};

/// The models features are made with: all fitted on what was known at one time.
#[derive(Clone, Copy)]
pub(crate) struct FeatureModels<'a> {
    /// Item-to-item neighbours; none before the first training.
    pub models: Option<&'a Models>,
    pub statistics: &'a Statistics,
    pub shelves: &'a Shelves,
    /// Weights and vectors for what is new to a customer; none where they were not fitted.
    pub discovery: Option<&'a DiscoveryModel>,
    /// What products are; none where it does not matter.
    pub content: Option<&'a ContentModel>,
    /// What those have who say the same of themselves; none where nobody says anything.
    pub profiles: Option<&'a ProfileModel>,
}

/// What is known of one customer beside what they did: what training found out, and what they say.
#[derive(Clone, Copy, Default)]
pub(crate) struct CustomerFindings<'a> {
    /// What customers alike buy, and what was discovered for them.
    pub shortlist: &'a [ShortlistEntry],
    /// Their vector.
    pub vector: Option<&'a [f32]>,
    /// Whether something happened since the vector was found.
    pub is_vector_old: bool,
    /// The traits of their profile.
    pub traits: &'a [String],
}

/// So many of the products with most pull say what the customer likes.
const MOST_SEEDS: usize = 50;

/// Working memory of one request or one training thread.
#[derive(Default)]
pub(crate) struct Scratch {
    /// What is known of the customer; filled by the caller.
    pub history: CustomerHistory,
    /// The customer's products, as many as in the history and in its order.
    pub own: Vec<OwnProduct>,
    /// What may be recommended.
    pub candidates: Vec<Candidate>,
    /// The features of the candidates, a row each.
    pub block: FeatureBlock,
    /// The ranker's scores of the candidates.
    pub scores: Vec<f32>,
    /// For scoring them in two stages.
    pub promising: Promising,
    household: Household,
    discovered: Discovered,
    /// What the customer's profile foresees.
    pub foreseen: Foreseen,
    /// What the customer's products are.
    pub likeness: Likeness,
    /// By product: its place among the candidates, plus one.
    places: Vec<u32>,
    sums: GroupSums,
    order: Vec<u32>,
}

impl Scratch {
    /// Weighs the history: what each product and the household as a whole look like on `now_day`.
    pub(crate) fn weigh_history(&mut self, models: FeatureModels<'_>, now_day: i32) {
        own::weigh(&self.history, now_day, &mut self.own, &mut self.order);
        self.household = customer::weigh(&self.history, &self.own, now_day);
        self.sums.fill(models.shelves, &self.own);
        let strongest = self.order.iter().take(MOST_SEEDS).map(|&place| &self.own[place as usize]);
        let counted = strongest.map(|own| (own.product, history_value(own.taste)));
        self.likeness.fill(models.content, counted);
    }

    /// Starts an empty list of candidates for a catalogue of so many products.
    pub(crate) fn clear_candidates(&mut self, products: usize) {
        for candidate in self.candidates.drain(..) {
            if let Some(place) = self.places.get_mut(candidate.product as usize) {
                *place = 0;
            }
        }
        if self.places.len() < products {
            self.places.resize(products, 0);
        }
    }

    /// Adds a product once and tells its place among the candidates.
    pub(crate) fn add_candidate(&mut self, product: u32) -> usize {
        let place = &mut self.places[product as usize];
        if *place == 0 {
            self.candidates.push(Candidate::new(product));
            *place = self.candidates.len() as u32;
        }
        *place as usize - 1
    }

    /// Adds the customer's own products and what the models hold near to them.
    pub(crate) fn gather(&mut self, models: FeatureModels<'_>, findings: CustomerFindings<'_>) {
        gather::gather(self, models, findings);
    }

    /// Keeps the candidates that are accepted.
    pub(crate) fn retain_candidates(&mut self, mut accept: impl FnMut(&Candidate) -> bool) {
        gather::retain(self, &mut accept);
    }

    /// Fills the block with the features of every candidate.
    pub(crate) fn fill_block(&mut self, models: FeatureModels<'_>) {
        fill::fill(self, models);
    }
}
