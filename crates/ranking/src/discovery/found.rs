//! What training finds out of each customer by a discovery model.

use super::{DiscoveryModel, DiscoverySettings};
use crate::{
    ContentModel, SparseMatrix,
    content::newcomers_for_all,
    features::{CustomerFindings, Statistics},
    neighbours::Shortlists,
};

/// Of fewer customers nothing is found out.
const FEWEST_CUSTOMERS: usize = 10;

/// In a shop of so few customers that there are not so many for each buyer a product has to have, fewer
/// buyers are enough for weights…
const CUSTOMERS_PER_BUYER: usize = 200;
/// …down to so many.
const FEWEST_BUYERS_IN_SMALL_SHOPS: usize = 2;

/// Products of fewer buyers are too new to be known by who bought them.
const FEWEST_BUYERS: f32 = 5.0;

/// So many of them are put on each customer's shortlist.
const MOST_NEWCOMERS: usize = 10;

/// So many products new to each customer are put on their shortlist.
const MOST_DISCOVERED: usize = 30;

/// Fits what tells of products new to a customer; `None` when that is not wanted or too few customers
/// did anything.
pub(crate) fn discover(
    tastes: &SparseMatrix,
    statistics: &Statistics,
    settings: Option<&DiscoverySettings>,
) -> Option<DiscoveryModel> {
    let popularity: Vec<f32> =
        (0..statistics.len() as u32).map(|product| statistics.of(product).buyers_within[2]).collect();
    let customers = tastes.rows().filter(|row| !row.is_empty()).count();
    settings.filter(|_| customers >= FEWEST_CUSTOMERS).map(|settings| {
        let mut settings = settings.clone();
        let fewest = (customers / CUSTOMERS_PER_BUYER).max(FEWEST_BUYERS_IN_SMALL_SHOPS);
        settings.ease.fewest_customers = settings.ease.fewest_customers.min(fewest);
        DiscoveryModel::fit(tastes, &popularity, &settings)
    })
}

/// The shortlists with what was discovered for each customer, and with products too new for that which
/// are like what they have.
pub(crate) fn with_discovered(
    shortlists: Shortlists,
    discovery: Option<&DiscoveryModel>,
    (content, statistics): (&ContentModel, &Statistics),
    tastes: &SparseMatrix,
) -> Shortlists {
    let is_new = |product: u32| statistics.of(product).buyers < FEWEST_BUYERS;
    let mut found = newcomers_for_all(content, tastes, MOST_NEWCOMERS, is_new);
    if let Some(model) = discovery {
        for (found, more) in found.iter_mut().zip(model.candidates_of_all(tastes, MOST_DISCOVERED)) {
            found.extend(more);
        }
    }
    shortlists.with_discovered(&found)
}

/// What training found out of a customer of the matrix it was fitted to.
pub(crate) fn findings_of<'a>(
    customer: usize,
    shortlists: &'a Shortlists,
    discovery: Option<&'a DiscoveryModel>,
) -> CustomerFindings<'a> {
    let factors = discovery.and_then(DiscoveryModel::factors);
    let vector = factors.and_then(|factors| factors.customer(customer as u32));
    CustomerFindings { shortlist: shortlists.of(customer), vector, is_vector_old: false, traits: &[] }
}
