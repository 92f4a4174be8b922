//! Which product here a thing in the shop is: what somebody told, else the product whose id is the vendor's own
//! number there, else the one product of the same name, else a new one that is called after the shop.

use std::collections::HashMap;
use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use larder_connectors::square::{CatalogVariation, ProductReference, SaleLine};
use larder_identity::TenantId;
use sqlx::PgConnection;

use crate::error::Error;
use crate::store::shop_products::{self, KnownProduct, ShopProductRow};

const NEW: &str = "new";
/// Before the id of something in the shop's catalogue.
const CATALOG: &str = "catalog:";
const ALL: i64 = 100_000;
/// Names that the table keeps.
const NAME_LENGTH: usize = 256;
const SKU_LENGTH: usize = 128;
/// Bytes of a digest in the id of something that has none.
const DIGEST_BYTES: usize = 8;

/// How a thing in the shop is written down.
pub(crate) fn reference(product: &ProductReference) -> String {
    match product {
        ProductReference::CatalogObject(id) => format!("{CATALOG}{id}"),
        ProductReference::Named(name) => format!("name:{}", cut(name, NAME_LENGTH)),
    }
}

/// The things of one shop.
pub(crate) struct ShopProducts {
    of: HashMap<String, ShopProductRow>,
    catalog: HashMap<String, CatalogVariation>,
    now_us: i64,
}

impl ShopProducts {
    /// Reads what is known, with the shop's own catalogue beside it (empty when it could not be asked).
    pub(crate) async fn read(
        db: &mut PgConnection,
        tenant: &TenantId,
        catalog: Vec<CatalogVariation>,
        now_us: i64,
    ) -> Result<Self, Error> {
        let rows = shop_products::list(db, tenant, "", ALL).await?;
        let of = rows.into_iter().map(|row| (row.reference.clone(), row)).collect();
        let catalog = catalog.into_iter().map(|one| (format!("{CATALOG}{}", one.id), one)).collect();
        Ok(Self { of, catalog, now_us })
    }

    /// Looks again at what resembled nothing; tells whether something has become a product that there is.
    pub(crate) async fn look_again(
        &mut self,
        db: &mut PgConnection,
        tenant: &TenantId,
    ) -> Result<bool, Error> {
        let new = self.of.values().filter(|row| row.basis == NEW);
        let seen: Vec<_> = new.map(|row| (row.reference.clone(), row.name.clone())).collect();
        let rows = self.decide(db, tenant, seen).await?;
        let found: Vec<_> = rows.into_iter().filter(|row| row.basis != NEW).collect();
        shop_products::keep(db, tenant, &found).await?;
        let is_found = !found.is_empty();
        self.of.extend(found.into_iter().map(|row| (row.reference.clone(), row)));
        Ok(is_found)
    }

    /// Takes in what lines are of; tells how many things are new here.
    pub(crate) async fn take_in(
        &mut self,
        db: &mut PgConnection,
        tenant: &TenantId,
        lines: &[SaleLine],
    ) -> Result<usize, Error> {
        let mut unseen: HashMap<String, String> = HashMap::new();
        for line in lines {
            let reference = reference(&line.product);
            if !self.of.contains_key(&reference) {
                unseen.insert(reference, line.name.clone());
            }
        }
        let mut unseen: Vec<_> = unseen.into_iter().collect();
        unseen.sort_unstable();
        let rows = self.decide(db, tenant, unseen).await?;
        shop_products::keep(db, tenant, &rows).await?;
        let new = rows.iter().filter(|row| row.basis == NEW).count();
        self.of.extend(rows.into_iter().map(|row| (row.reference.clone(), row)));
        Ok(new)
    }

    /// The product of a line that was taken in.
    pub(crate) fn product_id(&self, line: &SaleLine) -> Option<&str> {
        self.of.get(&reference(&line.product)).map(|row| row.product_id.as_str())
    }

    /// The product that a thing of the shop's catalogue is.
    pub(crate) fn of_catalog(&self, id: &str) -> Option<&str> {
        self.of.get(&format!("{CATALOG}{id}")).map(|row| row.product_id.as_str())
    }

    /// Everything in the shop's catalogue that was sold once, by its id there.
    pub(crate) fn catalog_ids(&self) -> Vec<String> {
        let mut ids: Vec<_> = self
            .of
            .keys()
            .filter_map(|reference| reference.strip_prefix(CATALOG))
            .map(str::to_owned)
            .collect();
        ids.sort_unstable();
        ids
    }

    async fn decide(
        &self,
        db: &mut PgConnection,
        tenant: &TenantId,
        seen: Vec<(String, String)>,
    ) -> Result<Vec<ShopProductRow>, Error> {
        if seen.is_empty() {
            return Ok(Vec::new());
        }
        let seen: Vec<_> = seen
            .into_iter()
            .map(|(reference, sold_as)| {
                let listed = self.catalog.get(&reference);
                // The catalogue knows today's name, an old order the one of its day.
                let name = listed.map(|one| one.name.clone()).filter(|name| !name.is_empty());
                let sku = listed.and_then(|one| one.sku.clone()).unwrap_or_default();
                (reference, cut(&name.unwrap_or(sold_as), NAME_LENGTH), cut(&sku, SKU_LENGTH))
            })
            .collect();
        let skus: Vec<_> = seen.iter().map(|(_, _, sku)| sku.clone()).filter(|sku| !sku.is_empty()).collect();
        let names: Vec<_> = seen.iter().map(|(_, name, _)| name.to_lowercase()).collect();
        let known = shop_products::known(db, tenant, &skus, &names).await?;
        let row = |(reference, name, sku): (String, String, String)| {
            let (product_id, basis) = resembles(&reference, &name, &sku, &known);
            ShopProductRow {
                reference,
                name,
                sku,
                product_id,
                basis: basis.to_owned(),
                seen_at_us: self.now_us,
            }
        };
        Ok(seen.into_iter().map(row).collect())
    }
}

/// The product that a thing resembles, and by what.
fn resembles(reference: &str, name: &str, sku: &str, known: &[KnownProduct]) -> (String, &'static str) {
    if !sku.is_empty() && known.iter().any(|product| product.product_id == sku) {
        return (sku.to_owned(), "sku");
    }
    let name = name.to_lowercase();
    let mut named = known.iter().filter(|product| !name.is_empty() && product.name.to_lowercase() == name);
    match (named.next(), named.next()) {
        (Some(only), None) => (only.product_id.clone(), "name"),
        _ => (new_id(reference), NEW),
    }
}

/// An id for what resembles nothing, the same whenever it is seen.
fn new_id(reference: &str) -> String {
    let plain = reference.strip_prefix(CATALOG).filter(|id| {
        (1..=100).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    });
    match plain {
        Some(id) => format!("square-{id}"),
        None => {
            let digest = digest(&SHA256, reference.as_bytes());
            let mut id = "square-name-".to_owned();
            for byte in &digest.as_ref()[..DIGEST_BYTES] {
                // Writing to a string cannot fail.
                let _ = write!(id, "{byte:02x}");
            }
            id
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    text.trim().chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(product_id: &str, name: &str) -> KnownProduct {
        KnownProduct { product_id: product_id.to_owned(), name: name.to_owned() }
    }

    #[test]
    fn the_vendors_own_number_counts_before_the_name() {
        let shelf = [known("rye", "Rye bread"), known("sourdough", "Sourdough"), known("rye", "")];
        assert_eq!(resembles("catalog:V1", "Sourdough", "rye", &shelf), ("rye".to_owned(), "sku"));
        assert_eq!(resembles("catalog:V1", "sourDough", "x-1", &shelf), ("sourdough".to_owned(), "name"));
        assert_eq!(resembles("catalog:V1", "Baguette", "", &shelf), ("square-V1".to_owned(), "new"));
    }

    #[test]
    fn two_products_of_one_name_are_nobody() {
        let shelf = [known("roll-a", "Roll"), known("roll-b", "roll")];
        assert_eq!(resembles("catalog:V1", "Roll", "", &shelf).1, "new");
        assert_eq!(resembles("name:", "", "", &[known("a", "")]).1, "new", "no name is no resemblance");
    }

    #[test]
    fn new_ids_are_ids_and_stay_the_same() {
        let typed = new_id("name:Brötchen, groß");
        assert_eq!(typed, new_id("name:Brötchen, groß"));
        assert!(typed.starts_with("square-name-") && typed.len() == 28, "{typed}");
        assert_ne!(typed, new_id("name:Brötchen"));
        assert!(new_id("catalog:a/../b").starts_with("square-name-"));
    }
}
