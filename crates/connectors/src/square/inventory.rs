//! What is in stock, as Square counts it. Zero beside a last sale tells that something ran out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::wire::{Count, CountsPage};
use super::{Square, SquareTokens, next_cursor};
use crate::remote::Request;
use crate::{Asking, ConnectorError, meters};

/// Objects that one question may name.
const OBJECTS_A_QUESTION: usize = 1_000;
/// Rows a page.
const PAGE_SIZE: usize = 1_000;

/// How much of something is at a location.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockCount {
    /// The catalogue's object.
    pub catalog_object_id: String,
    /// Where.
    pub location_id: String,
    /// How much; negative when more was sold than was counted in.
    pub quantity: f64,
    /// When it was counted.
    pub counted_at: Timestamp,
}

impl Square {
    /// Asks what is in stock, without a ladder.
    ///
    /// # Errors
    /// [`ConnectorError`]; a page that fails fails the whole.
    pub async fn count_stock(
        &self,
        tokens: &mut SquareTokens,
        catalog_object_ids: &[String],
        location_ids: &[String],
        asking: &Asking,
    ) -> Result<Vec<StockCount>, ConnectorError> {
        let mut stock = Vec::new();
        for objects in catalog_object_ids.chunks(OBJECTS_A_QUESTION) {
            let mut cursor: Option<String> = None;
            for page in 1.. {
                let mut body = json!({
                    "catalog_object_ids": objects,
                    "location_ids": location_ids,
                    "states": ["IN_STOCK"],
                    "limit": PAGE_SIZE,
                });
                if let Some(cursor) = &cursor {
                    body["cursor"] = json!(cursor);
                }
                let url = self.url("/v2/inventory/counts/batch-retrieve");
                let answer: CountsPage = self.ask(tokens, &Request::post(url, &body, true), asking).await?;
                let rows = answer.counts.len();
                let read = stock.len();
                stock.extend(
                    answer
                        .counts
                        .into_iter()
                        .filter_map(|row| serde_json::from_value(row).ok())
                        .filter_map(count),
                );
                meters::rows_refused("square", rows - (stock.len() - read));
                cursor = next_cursor(answer.cursor, &cursor, page)?;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(stock)
    }
}

fn count(row: Count) -> Option<StockCount> {
    let quantity = row.quantity.parse::<f64>().ok().filter(|quantity| quantity.is_finite())?;
    (row.state == "IN_STOCK").then_some(StockCount {
        catalog_object_id: row.catalog_object_id,
        location_id: row.location_id,
        quantity,
        counted_at: row.calculated_at,
    })
}
