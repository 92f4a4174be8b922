//! From Square's orders to sale lines: quantities from decimal strings, returns as negative lines that name what
//! they undo, money in micros, and the time of the sale, also of one made offline and sent days later.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Sales;
use super::sync_window::OFFLINE_LIMIT;
use super::wire::{Line, Order, WireMoney};
use crate::answer::age;
use crate::{Money, MoneyError};

/// Digits before and after the point that a quantity may have.
const QUANTITY_DIGITS: (usize, usize) = (9, 5);

/// One product on one order, or on one return.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaleLine {
    /// The same for the same line however often it is read.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// Grows when the order changes; the higher one counts.
    pub order_version: i64,
    /// Where it was sold.
    pub location_id: String,
    /// What was sold.
    pub product: ProductReference,
    /// The product's name at the time.
    pub name: String,
    /// How much, in the product's unit; negative for what was given back. Never zero.
    pub quantity: f64,
    /// Price of one before discounts, if told.
    pub unit_price: Option<Money>,
    /// What was paid for the line, discounts and taxes in; negative for what was given back.
    pub total: Money,
    /// Of that, taxes.
    pub tax: Option<Money>,
    /// What was taken off.
    pub discount: Option<Money>,
    /// When it was sold, as far as can be known.
    pub sold_at: Timestamp,
    /// What it undoes, for a return.
    pub return_of: Option<ReturnOf>,
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProductReference {
    /// An object of the vendor's catalogue.
    CatalogObject(String),
    /// Something typed in by hand, known by its name alone.
    Named(String),
}

/// The sale that a return undoes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnOf {
    /// The order of the sale, if told.
    pub order_id: Option<String>,
    /// The line of that order, if told.
    pub line_uid: Option<String>,
}

/// A row that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// The order, as far as it could be read.
    pub order_id: String,
    /// The line, when the order could be read.
    pub line_uid: Option<String>,
    /// What is wrong with it.
    pub reason: String,
}

impl RefusedRow {
    pub(super) fn order(order: &Value) -> Self {
        let order_id = order["id"].as_str().unwrap_or("unknown").to_owned();
        Self { order_id, line_uid: None, reason: "the order is of another shape".to_owned() }
    }
}

/// Adds the order's lines and returns to `sales`.
pub(super) fn read_order(order: Order, sales: &mut Sales) {
    if order.state.as_deref() != Some("COMPLETED") {
        return;
    }
    let Some(sold_at) = sold_at(&order) else {
        let reason = "the order has no time".to_owned();
        sales.refused.push(RefusedRow { order_id: order.id, line_uid: None, reason });
        return;
    };
    for line in &order.line_items {
        push(read_line(&order, line, sold_at, None), sales);
    }
    for returned in &order.returns {
        for line in &returned.return_line_items {
            push(read_line(&order, line, sold_at, Some(returned.source_order_id.as_deref())), sales);
        }
    }
}

fn push(line: Result<Option<SaleLine>, RefusedRow>, sales: &mut Sales) {
    match line {
        Ok(line) => sales.lines.extend(line),
        Err(refused) => sales.refused.push(refused),
    }
}

/// When the sale was made. An order taken offline is closed when it is sent, up to 72 hours later, but keeps the time
/// it was created; one that is fulfilled later, or stayed open for longer than that, is sold when it is closed.
fn sold_at(order: &Order) -> Option<Timestamp> {
    match (order.created_at, order.closed_at) {
        (Some(created), Some(closed)) => {
            let at_the_stall = order.fulfillments.is_empty() && age(created, closed) <= OFFLINE_LIMIT;
            Some(if at_the_stall { created } else { closed })
        }
        (created, closed) => closed.or(created),
    }
}

/// A line; none for what is no product (a gift card sold is money, not goods). `returns` is given for a line of a
/// return: the order that it undoes, if told.
fn read_line(
    order: &Order,
    line: &Value,
    sold_at: Timestamp,
    returns: Option<Option<&str>>,
) -> Result<Option<SaleLine>, RefusedRow> {
    let refuse = |uid: Option<&str>, reason: &str| RefusedRow {
        order_id: order.id.clone(),
        line_uid: uid.map(str::to_owned),
        reason: reason.to_owned(),
    };
    let line: Line = serde_json::from_value(line.clone())
        .map_err(|_| refuse(line["uid"].as_str(), "the line is of another shape"))?;
    if line.item_type.as_deref() == Some("GIFT_CARD") {
        return Ok(None);
    }
    let quantity = quantity(&line.quantity).map_err(|reason| refuse(Some(&line.uid), reason))?;
    let amounts = Amounts::read(&line).map_err(|reason| refuse(Some(&line.uid), &reason))?;
    let name = line.variation_name.as_deref().filter(|name| !matches!(*name, "" | "Regular"));
    let item = line.name.clone().unwrap_or_default();
    let name = name.map_or(item.clone(), |variation| format!("{item}, {variation}"));
    let product = match line.catalog_object_id {
        Some(id) => ProductReference::CatalogObject(id),
        None if item.is_empty() => return Err(refuse(Some(&line.uid), "the line names no product")),
        None => ProductReference::Named(item),
    };
    let is_return = returns.is_some();
    let signed = |money: Money| if is_return { money.negated() } else { money };
    Ok(Some(SaleLine {
        id: format!("square:{}:{}", order.id, line.uid),
        order_id: order.id.clone(),
        order_version: order.version,
        location_id: order.location_id.clone(),
        product,
        name,
        quantity: if is_return { -quantity } else { quantity },
        unit_price: amounts.unit_price,
        total: signed(amounts.total),
        tax: amounts.tax.map(signed),
        discount: amounts.discount.map(signed),
        sold_at,
        return_of: returns.map(|order_id| ReturnOf {
            order_id: order_id.map(str::to_owned),
            line_uid: line.source_line_item_uid,
        }),
    }))
}

/// The money of a line, all in one currency.
struct Amounts {
    unit_price: Option<Money>,
    total: Money,
    tax: Option<Money>,
    discount: Option<Money>,
}

impl Amounts {
    fn read(line: &Line) -> Result<Self, String> {
        let read = |money: &Option<WireMoney>| {
            money.as_ref().map(|money| Money::from_minor_units(money.amount, &money.currency)).transpose()
        };
        let all =
            [&line.base_price_money, &line.total_money, &line.total_tax_money, &line.total_discount_money]
                .map(read)
                .into_iter()
                .collect::<Result<Vec<Option<Money>>, MoneyError>>()
                .map_err(|error| error.to_string())?;
        let [unit_price, total, tax, discount] =
            <[Option<Money>; 4]>::try_from(all).map_err(|_| "four amounts".to_owned())?;
        let total = total.ok_or("the line has no total")?;
        let mixed = [&unit_price, &tax, &discount]
            .into_iter()
            .flatten()
            .any(|money| money.currency != total.currency);
        if mixed {
            return Err("the line mixes currencies".to_owned());
        }
        Ok(Self { unit_price, total, tax, discount })
    }
}

/// A quantity from Square's decimal string: digits, a point, up to five digits more; above zero.
fn quantity(text: &str) -> Result<f64, &'static str> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, QUANTITY_DIGITS.0) || !digits(fraction, QUANTITY_DIGITS.1) {
        return Err("the quantity is no decimal number above zero");
    }
    match text.parse::<f64>() {
        Ok(quantity) if quantity > 0.0 => Ok(quantity),
        _ => Err("the quantity is no decimal number above zero"),
    }
}

#[cfg(test)]
mod tests;
