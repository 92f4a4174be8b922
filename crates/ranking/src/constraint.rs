//! Hard constraints: which products may be shown at all. Nothing that ranks or arranges can
//! override them, because it only ever sees what has passed here.
//!
//! A filter is made ready once and kept with the products it lets through as a set of bits; when a
//! product changes, its bit is set anew in every set that is kept. The first request with a filter
//! asks about the products it looks at, one by one; only a filter that comes again is worth a look at
//! the whole catalogue.

mod cache;
mod checks;
mod refusal;
mod set;
#[cfg(test)]
mod tests;

pub use self::refusal::Refusal;
pub(crate) use self::{
    cache::{FilterCache, Passing},
    checks::Checks,
    set::ProductSet,
};

use crate::{Filter, ProductRecord};

impl Filter {
    /// The first constraint a product breaks; `None` when it may be shown.
    pub fn why_refused(&self, product: Option<&ProductRecord>) -> Option<Refusal> {
        let Some(product) = product else { return Some(Refusal::NotInCatalogue) };
        if self.exclude_product_ids.contains(&product.product_id) {
            return Some(Refusal::Excluded);
        }
        Checks::of(self).why_refused(product)
    }
}
