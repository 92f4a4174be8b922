//! The demo shop, carried inside the program: the tables of `demo/`, read by the importer's
//! own reader. Its purchases are of 2017; they are moved by whole weeks so that they end
//! now, as those of a shop that is open would.

use std::time::SystemTime;

use larder_proto::larder::catalog::v1::{Customer, Interaction, Product};

use crate::commands::import::{Kind, Records, read_embedded};
use crate::error::CommandError;

const PRODUCTS: &[u8] = include_bytes!("../../../demo/products.csv.gz");
const FOODS: &[u8] = include_bytes!("../../../demo/foods.csv.gz");
const CUSTOMERS: &[u8] = include_bytes!("../../../demo/customers.csv.gz");
const INTERACTIONS: &[u8] = include_bytes!("../../../demo/interactions.csv.gz");

/// A household with a history worth looking at.
pub(crate) const TOUR_CUSTOMER_ID: &str = "household-1501";
/// Bananas, which nearly everybody buys.
pub(crate) const TOUR_PRODUCT_ID: &str = "1082185";
/// The customer in the last row: when this one is there, the whole shop is.
pub(crate) const LAST_CUSTOMER_ID: &str = "household-2498";

const WEEK_S: i64 = 7 * 86_400;

/// Everything in the demo shop.
#[derive(Debug, Clone)]
pub(crate) struct DemoShop {
    /// What it sells, then the foods that are there for their nutrition alone.
    pub(crate) products: Vec<Product>,
    /// Who buys.
    pub(crate) customers: Vec<Customer>,
    /// What they bought.
    pub(crate) interactions: Vec<Interaction>,
}

/// Reads the shop, with its purchases ending in the week before `now`.
pub(crate) fn read(now: SystemTime) -> Result<DemoShop, CommandError> {
    let mut products = products_of(PRODUCTS)?;
    // Nobody can buy "Zwieback toast" as such, so it is never in stock.
    products.extend(
        products_of(FOODS)?.into_iter().map(|food| Product { in_stock: Some(false), ..measured(food) }),
    );
    let Records::Interactions(mut interactions) = read_embedded(Kind::Interactions, INTERACTIONS)? else {
        return Err(mixed_up());
    };
    move_to(&mut interactions, now);
    Ok(DemoShop { products, customers: customers()?, interactions })
}

/// Carbohydrates are told "by difference": what is left of 100 g. A little less than none
/// is left of some meats, which says that they were not measured, and not what they are.
fn measured(mut food: Product) -> Product {
    if let Some(nutrition) = &mut food.nutrition_per_100g {
        nutrition.carbohydrate_g = nutrition.carbohydrate_g.filter(|grams| *grams >= 0.0);
    }
    food
}

/// The ids of the customers, for calls about any of them.
pub(crate) fn customer_ids() -> Result<Vec<String>, CommandError> {
    Ok(customers()?.into_iter().map(|customer| customer.customer_id).collect())
}

fn products_of(table: &[u8]) -> Result<Vec<Product>, CommandError> {
    match read_embedded(Kind::Products, table)? {
        Records::Products(products) => Ok(products),
        _ => Err(mixed_up()),
    }
}

fn customers() -> Result<Vec<Customer>, CommandError> {
    match read_embedded(Kind::Customers, CUSTOMERS)? {
        Records::Customers(customers) => Ok(customers),
        _ => Err(mixed_up()),
    }
}

fn mixed_up() -> CommandError {
    CommandError::Refused("the demo shop inside this program is damaged".into())
}

/// Moves every purchase by the same number of whole weeks, so that weekdays stay.
fn move_to(interactions: &mut [Interaction], now: SystemTime) {
    let now_s = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    let times = interactions.iter().filter_map(|interaction| interaction.occurred_at.as_ref());
    let Some(last_s) = times.map(|at| at.seconds).max() else { return };
    let moved_s = (now_s - last_s).div_euclid(WEEK_S) * WEEK_S;
    for at in interactions.iter_mut().filter_map(|interaction| interaction.occurred_at.as_mut()) {
        at.seconds += moved_s;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    const NOW_S: i64 = 1_800_000_000;

    fn shop() -> DemoShop {
        read(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW_S as u64)).unwrap()
    }

    #[test]
    fn every_row_is_read_and_belongs_together() {
        let shop = shop();
        assert_eq!(shop.customers.len(), 500);
        assert_eq!(shop.products.iter().filter(|product| product.price.is_some()).count(), 3_000);
        let products: HashSet<&str> =
            shop.products.iter().map(|product| product.product_id.as_str()).collect();
        let customers: HashSet<&str> = shop.customers.iter().map(|one| one.customer_id.as_str()).collect();
        let events: HashSet<&str> = shop.interactions.iter().map(|event| event.event_id.as_str()).collect();
        assert_eq!(events.len(), shop.interactions.len(), "every event has an id of its own");
        assert!(shop.interactions.iter().all(|event| products.contains(event.product_id.as_str())));
        assert!(shop.interactions.iter().all(|event| customers.contains(event.customer_id.as_str())));
        assert!(customers.contains(TOUR_CUSTOMER_ID) && products.contains(TOUR_PRODUCT_ID));
        assert_eq!(shop.customers.last().unwrap().customer_id, LAST_CUSTOMER_ID);
    }

    #[test]
    fn purchases_end_in_the_last_week_and_keep_their_weekdays() {
        let shop = shop();
        let last =
            shop.interactions.iter().map(|event| event.occurred_at.as_ref().unwrap().seconds).max().unwrap();
        assert!((NOW_S - WEEK_S..=NOW_S).contains(&last), "{last}");
        // The last purchase was on Thursday 30 November 2017 at 23:56.
        assert_eq!((last - 1_512_086_160) % WEEK_S, 0);
    }

    #[test]
    fn what_was_not_measured_is_absent_and_foods_are_never_sold() {
        let shop = shop();
        let steak = shop.products.iter().find(|product| product.product_id == "usda-1").unwrap();
        assert_eq!(steak.nutrition_per_100g.as_ref().unwrap().fibre_g, None);
        assert_eq!(steak.nutrition_per_100g.as_ref().unwrap().sugars_g, Some(0.0));
        assert_eq!(steak.in_stock, Some(false));
    }
}
