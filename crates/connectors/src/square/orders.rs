//! Searching a vendor's orders: every page of every group of locations, each order once in its newest version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::sale_lines::{RefusedRow, SaleLine, read_order};
use super::wire::{OneOrder, Order, OrdersPage};
use super::{Period, Square, SquareTokens, next_cursor, rfc3339};
use crate::remote::Request;
use crate::{Asking, ConnectorError, meters};

/// Locations that one search may name.
const LOCATIONS_A_SEARCH: usize = 10;
/// Orders a page.
const PAGE_SIZE: usize = 500;

/// Which sales are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalesQuery {
    /// The vendor's locations.
    pub location_ids: Vec<String>,
    /// When the orders were closed.
    pub period: Period,
}

/// What was sold in a period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sales {
    /// The period that was asked for.
    pub period: Period,
    /// One row a line of an order or of a return, in the order of sale.
    pub lines: Vec<SaleLine>,
    /// What could not be read, and why.
    pub refused: Vec<RefusedRow>,
}

impl Square {
    /// Asks for the sales of a period, without a ladder.
    ///
    /// # Errors
    /// [`ConnectorError`]; a page that fails fails the whole, since half the sales of a day would pass for all.
    pub async fn search_sales(
        &self,
        tokens: &mut SquareTokens,
        query: &SalesQuery,
        asking: &Asking,
    ) -> Result<Sales, ConnectorError> {
        let mut sales = Sales { period: query.period, lines: Vec::new(), refused: Vec::new() };
        let mut newest: BTreeMap<String, Order> = BTreeMap::new();
        for location_ids in query.location_ids.chunks(LOCATIONS_A_SEARCH) {
            let mut cursor = None;
            for page in 1.. {
                let answer = self.orders_page(tokens, location_ids, query.period, &cursor, asking).await?;
                for order in answer.orders {
                    match serde_json::from_value::<Order>(order.clone()) {
                        Ok(order) => keep_newest(&mut newest, order),
                        Err(_) => sales.refused.push(RefusedRow::order(&order)),
                    }
                }
                cursor = next_cursor(answer.cursor, &cursor, page)?;
                if cursor.is_none() {
                    break;
                }
            }
        }
        newest.into_values().for_each(|order| read_order(order, &mut sales));
        sales.lines.sort_by(|one, other| (one.sold_at, &one.id).cmp(&(other.sold_at, &other.id)));
        meters::rows_refused("square", sales.refused.len());
        Ok(sales)
    }

    /// Asks for one order, such as a webhook names. An order that is not completed has no lines.
    ///
    /// # Errors
    /// [`ConnectorError`]; [`ConnectorError::Refused`] with status 404 when there is no such order.
    pub async fn order_sales(
        &self,
        tokens: &mut SquareTokens,
        order_id: &str,
        asking: &Asking,
    ) -> Result<Sales, ConnectorError> {
        let is_id = !order_id.is_empty()
            && order_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_id {
            return Err(ConnectorError::Refused { status: 0, reason: "this is no order's id".to_owned() });
        }
        let request = Request::get(self.url(&format!("/v2/orders/{order_id}")));
        let answer: OneOrder = self.ask(tokens, &request, asking).await?;
        // One order has no period; its lines say when they were sold.
        let period = Period { from: asking.now, to: asking.now };
        let mut sales = Sales { period, lines: Vec::new(), refused: Vec::new() };
        match serde_json::from_value::<Order>(answer.order.clone()) {
            Ok(order) => read_order(order, &mut sales),
            Err(_) => sales.refused.push(RefusedRow::order(&answer.order)),
        }
        meters::rows_refused("square", sales.refused.len());
        Ok(sales)
    }

    async fn orders_page(
        &self,
        tokens: &mut SquareTokens,
        location_ids: &[String],
        period: Period,
        cursor: &Option<String>,
        asking: &Asking,
    ) -> Result<OrdersPage, ConnectorError> {
        let mut body = json!({
            "location_ids": location_ids,
            "limit": PAGE_SIZE,
            "return_entries": false,
            "query": {
                "filter": {
                    "date_time_filter": {
                        "closed_at": {"start_at": rfc3339(period.from), "end_at": rfc3339(period.to)},
                    },
                    "state_filter": {"states": ["COMPLETED"]},
                },
                // Must name the field of the filter.
                "sort": {"sort_field": "CLOSED_AT", "sort_order": "ASC"},
            },
        });
        if let Some(cursor) = cursor {
            body["cursor"] = json!(cursor);
        }
        // A search changes nothing, though it is a POST.
        let request = Request::post(self.url("/v2/orders/search"), &body, true);
        self.ask(tokens, &request, asking).await
    }
}

/// Orders may move between pages while we read them: each counts once.
fn keep_newest(newest: &mut BTreeMap<String, Order>, order: Order) {
    match newest.get(&order.id) {
        Some(known) if known.version >= order.version => {}
        _ => {
            newest.insert(order.id.clone(), order);
        }
    }
}
