//! The vendor's catalogue and locations: what can be sold, at which price, and where.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::wire::{CatalogObject, LocationsPage, ObjectsPage};
use super::{Square, SquareTokens, next_cursor};
use crate::remote::Request;
use crate::{Asking, ConnectorError, Money, meters};

/// Something with a price that can be put on an order; what sale lines refer to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogVariation {
    /// The id that lines of orders carry.
    pub id: String,
    /// The item it is a variation of.
    pub item_id: String,
    /// The item's name, and the variation's where it says more.
    pub name: String,
    /// The vendor's own number.
    pub sku: Option<String>,
    /// The price, unless it is typed in at the sale.
    pub price: Option<Money>,
}

/// A place of sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// IANA time zone.
    pub timezone: Option<String>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// `ACTIVE` or `INACTIVE`.
    pub status: Option<String>,
}

impl Square {
    /// Lists the catalogue, without a ladder.
    ///
    /// # Errors
    /// [`ConnectorError`]; a page that fails fails the whole.
    pub async fn list_catalog(
        &self,
        tokens: &mut SquareTokens,
        asking: &Asking,
    ) -> Result<Vec<CatalogVariation>, ConnectorError> {
        let mut objects = Vec::new();
        let mut cursor: Option<String> = None;
        for page in 1.. {
            let mut url = self.url("/v2/catalog/list");
            url.query_pairs_mut().append_pair("types", "ITEM,ITEM_VARIATION");
            if let Some(cursor) = &cursor {
                url.query_pairs_mut().append_pair("cursor", cursor);
            }
            let answer: ObjectsPage = self.ask(tokens, &Request::get(url), asking).await?;
            objects.extend(answer.objects);
            cursor = next_cursor(answer.cursor, &cursor, page)?;
            if cursor.is_none() {
                break;
            }
        }
        let rows = objects.len();
        let objects: Vec<CatalogObject> =
            objects.into_iter().filter_map(|object| serde_json::from_value(object).ok()).collect();
        meters::rows_refused("square", rows - objects.len());
        Ok(variations(objects))
    }

    /// Lists the vendor's locations.
    ///
    /// # Errors
    /// [`ConnectorError`].
    pub async fn list_locations(
        &self,
        tokens: &mut SquareTokens,
        asking: &Asking,
    ) -> Result<Vec<Location>, ConnectorError> {
        let request = Request::get(self.url("/v2/locations"));
        let answer: LocationsPage = self.ask(tokens, &request, asking).await?;
        Ok(answer.locations.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect())
    }
}

/// Variations stand inside their items and may stand beside them as well: each counts once.
fn variations(objects: Vec<CatalogObject>) -> Vec<CatalogVariation> {
    let mut items: HashMap<String, String> = HashMap::new();
    let mut loose = Vec::new();
    for object in objects.into_iter().filter(|object| !object.is_deleted) {
        match object.item_data {
            Some(item) => {
                items.insert(object.id, item.name.unwrap_or_default());
                loose.extend(item.variations);
            }
            None => loose.push(object),
        }
    }
    let mut variations: Vec<CatalogVariation> = loose
        .into_iter()
        .filter(|object| !object.is_deleted)
        .filter_map(|object| variation(object, &items))
        .collect();
    variations.sort_by(|one, other| one.id.cmp(&other.id));
    variations.dedup_by(|one, other| one.id == other.id);
    variations
}

fn variation(object: CatalogObject, items: &HashMap<String, String>) -> Option<CatalogVariation> {
    let data = object.item_variation_data?;
    let item = items.get(&data.item_id).cloned().unwrap_or_default();
    let own = data.name.filter(|name| !matches!(name.as_str(), "" | "Regular"));
    let name = match (item.is_empty(), own) {
        (false, Some(own)) => format!("{item}, {own}"),
        (true, Some(own)) => own,
        (_, None) => item,
    };
    let price =
        data.price_money.and_then(|money| Money::from_minor_units(money.amount, &money.currency).ok());
    Some(CatalogVariation { id: object.id, item_id: data.item_id, name, sku: data.sku, price })
}
