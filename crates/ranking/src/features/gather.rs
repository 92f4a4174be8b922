//! Which products are weighed for a customer: the own ones, what customers alike buy, what is
//! bought with the own ones, and what is popular.

use super::{CustomerFindings, FeatureModels, MOST_SEEDS, Scratch};

/// The place of a product that the customer has nothing to do with.
pub(crate) const NO_PLACE: u32 = u32::MAX;

/// Of a longer history only the products with most pull are weighed.
const MOST_OWN: usize = 300;

/// So many of the products nearest to the seeds are weighed beside the own ones.
const MOST_NEAR: usize = 30;

/// A product on its way into the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub product: u32,
    /// Its place among the customer's own products, or [`NO_PLACE`].
    pub own: u32,
    /// Mean similarity to the seeds; 0 to 1.
    pub similarity: f32,
    /// The seed that says most for it, when there is similarity.
    pub nearest: u32,
    /// What that seed says.
    nearest_share: f32,
    /// How many customers bought it and that seed.
    pub common_buyers: u32,
    /// Decayed purchases of the customers most alike.
    pub neighbours_long: f32,
    /// Share of them who bought it of late.
    pub neighbours_recent: f32,
    /// Stays whatever its similarity.
    pub is_kept: bool,
}

impl Candidate {
    pub(super) fn new(product: u32) -> Self {
        Self {
            product,
            own: NO_PLACE,
            similarity: 0.0,
            nearest: product,
            nearest_share: 0.0,
            common_buyers: 0,
            neighbours_long: 0.0,
            neighbours_recent: 0.0,
            is_kept: false,
        }
    }

    pub(crate) fn is_own(&self) -> bool {
        self.own != NO_PLACE
    }
}

/// Somebody of whom training found nothing out is given so many products by the weights.
const MOST_DISCOVERED: usize = 60;

/// Somebody with fewer products than this is given so many by their profile.
const FEW_OWN: usize = 20;
const MOST_FORESEEN: usize = 40;

pub(super) fn gather(scratch: &mut Scratch, models: FeatureModels<'_>, findings: CustomerFindings<'_>) {
    let size = scratch.places.len() as u32;
    let CustomerFindings { shortlist, vector, is_vector_old, traits } = findings;
    let history = (&scratch.own[..], &scratch.order[..]);
    scratch.discovered.fill(models.discovery, history, size as usize, (vector, is_vector_old));
    if shortlist.is_empty() {
        for product in scratch.discovered.best(MOST_DISCOVERED) {
            let at = scratch.add_candidate(product);
            scratch.candidates[at].is_kept = true;
        }
    }
    scratch.foreseen.fill(models.profiles, traits, size as usize);
    if let Some(profiles) = models.profiles.filter(|_| scratch.own.len() < FEW_OWN) {
        for product in scratch.foreseen.best(profiles, MOST_FORESEEN) {
            let at = scratch.add_candidate(product);
            scratch.candidates[at].is_kept = true;
        }
    }
    for place in 0..scratch.own.len() {
        let own = &scratch.own[place];
        let (product, is_kept) = (own.product, own.rank < MOST_OWN as f32);
        let at = scratch.add_candidate(product);
        scratch.candidates[at].own = place as u32;
        scratch.candidates[at].is_kept |= is_kept;
    }
    for entry in shortlist.iter().filter(|entry| entry.product < size) {
        let at = scratch.add_candidate(entry.product);
        let candidate = &mut scratch.candidates[at];
        candidate.neighbours_long = entry.long();
        candidate.neighbours_recent = entry.recent();
        candidate.is_kept |= !candidate.is_own();
    }
    for &product in models.statistics.popular.iter().filter(|&&product| product < size) {
        let at = scratch.add_candidate(product);
        scratch.candidates[at].is_kept |= !scratch.candidates[at].is_own();
    }
    relate(scratch, models);
    keep_nearest(scratch);
}

/// Adds what is bought by the people who buy the seeds (Sarwar et al., WWW 2001).
fn relate(scratch: &mut Scratch, models: FeatureModels<'_>) {
    let Some(models) = models.models else { return };
    let mut weights = 0.0;
    for seed in 0..scratch.order.len().min(MOST_SEEDS) {
        let own = scratch.own[scratch.order[seed] as usize];
        let weight = (1.0 + own.pull()).log2();
        weights += weight;
        for near in models.neighbours_of(own.product) {
            let at = scratch.add_candidate(near.product);
            let candidate = &mut scratch.candidates[at];
            let share = weight * near.similarity;
            candidate.similarity += share;
            if share > candidate.nearest_share {
                candidate.nearest_share = share;
                candidate.nearest = own.product;
                candidate.common_buyers = near.common_buyers;
            }
        }
    }
    if weights > 0.0 {
        for candidate in &mut scratch.candidates {
            candidate.similarity /= weights;
        }
    }
}

fn keep_nearest(scratch: &mut Scratch) {
    let candidates = &scratch.candidates;
    let mut near: Vec<(f32, u32)> = candidates
        .iter()
        .filter(|candidate| !candidate.is_kept && !candidate.is_own())
        .map(|candidate| (candidate.similarity, candidate.product))
        .collect();
    if near.len() > MOST_NEAR {
        near.select_nth_unstable_by(MOST_NEAR - 1, |one, other| {
            other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
        });
        near.truncate(MOST_NEAR);
    }
    for (_, product) in near {
        let place = scratch.places[product as usize] as usize - 1;
        scratch.candidates[place].is_kept = true;
    }
    retain(scratch, &mut |candidate| candidate.is_kept);
}

pub(super) fn retain(scratch: &mut Scratch, accept: &mut dyn FnMut(&Candidate) -> bool) {
    let places = &mut scratch.places;
    let mut kept = 0;
    scratch.candidates.retain(|candidate| {
        let stays = accept(candidate);
        kept += u32::from(stays);
        places[candidate.product as usize] = if stays { kept } else { 0 };
        stays
    });
}
