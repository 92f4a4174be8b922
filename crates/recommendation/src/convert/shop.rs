//! Shops in and out.

use larder_connectors::square::Location;
use larder_proto::larder::market::v1::{SalesOutlook, ShopConnection, ShopLocation, ShopProduct};

use crate::convert::timestamp;
use crate::error::Error;
use crate::shop::standing::Standing;
use crate::store::connections::{ConnectionRow, SQUARE};
use crate::store::shop_products::ShopProductRow;
use crate::validate::Fields;

const LONGEST_REFERENCE: usize = 300;

/// How a shop is connected; `new_products` resemble nothing here.
pub(crate) fn connection(shop: &ConnectionRow, new_products: i64, now_us: i64) -> ShopConnection {
    let standing = Standing::of(Some(shop), now_us);
    ShopConnection {
        connector: SQUARE.to_owned(),
        account_id: shop.account_id.clone(),
        connected_at: Some(timestamp(shop.connected_at_us)),
        token_expires_at: Some(timestamp(shop.token_expires_at_us)),
        revoked: shop.is_revoked,
        rung: if shop.synced_at_us.is_some() { standing.rung.to_owned() } else { String::new() },
        degraded: shop.synced_at_us.is_some() && standing.missing.is_some(),
        synced_at: shop.synced_at_us.map(timestamp),
        known_from: shop.answered_from_us.map(timestamp),
        known_until: shop.answered_until_us.map(timestamp),
        last_error: shop.last_error.clone(),
        new_product_count: i32::try_from(new_products).unwrap_or(i32::MAX),
    }
}

/// Where the sales of a plan come from; `day_end_us` is the end of the last market day.
pub(crate) fn sales_outlook(standing: &Standing, day_end_us: Option<i64>, now_us: i64) -> SalesOutlook {
    let final_at_us = day_end_us.and_then(|end_us| standing.final_at_us(end_us, now_us));
    SalesOutlook {
        rung: standing.rung.to_owned(),
        degraded: standing.missing.is_some(),
        known_until: standing.known_until_us.map(timestamp),
        final_at: final_at_us.map(timestamp),
    }
}

pub(crate) fn location(location: Location) -> ShopLocation {
    ShopLocation {
        square_location_id: location.id,
        name: location.name,
        time_zone: location.timezone.unwrap_or_default(),
        currency_code: location.currency.unwrap_or_default(),
        active: location.status.as_deref() == Some("ACTIVE"),
    }
}

pub(crate) fn product_to_wire(row: ShopProductRow) -> ShopProduct {
    ShopProduct {
        reference: row.reference,
        name: row.name,
        sku: row.sku,
        product_id: row.product_id,
        basis: row.basis,
        seen_at: Some(timestamp(row.seen_at_us)),
    }
}

/// Checks what somebody tells of a thing in the shop.
pub(crate) fn product_from_wire(row: ShopProduct, now_us: i64) -> Result<ShopProductRow, Error> {
    let mut fields = Fields::default();
    let is_reference = ["catalog:", "name:"]
        .iter()
        .any(|kind| row.reference.strip_prefix(kind).is_some_and(|rest| !rest.is_empty()));
    if !is_reference || row.reference.chars().count() > LONGEST_REFERENCE {
        fields.refuse(
            "reference",
            "must be one of ListShopProducts: \"catalog:\" or \"name:\" and what follows",
        );
    }
    fields.id("product_id", &row.product_id);
    fields.finish(ShopProductRow {
        reference: row.reference,
        name: String::new(),
        sku: String::new(),
        product_id: row.product_id,
        basis: "told".to_owned(),
        seen_at_us: now_us,
    })
}
