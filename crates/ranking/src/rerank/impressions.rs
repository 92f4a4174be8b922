//! What was shown to whom and not taken up: a bounded memory, so that the same products are not
//! shown for ever.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// So many products are remembered for a customer; those shown longest ago are forgotten.
const MOST_OF_A_CUSTOMER: usize = 200;

/// A product that was shown to a customer who did nothing with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impression {
    /// Which product.
    pub product_id: Arc<str>,
    /// How many times it was shown since the customer last did something with it.
    pub times: u32,
    /// When it was shown last, in microseconds since 1970-01-01 UTC.
    pub last_shown_us: i64,
}

/// The impressions of a tenant's customers; those of whom nothing was shown for longest are forgotten
/// first.
#[derive(Debug)]
pub struct Impressions {
    most: usize,
    count: usize,
    next_turn: u64,
    customers: HashMap<Arc<str>, Shown>,
    /// The customers in the order in which something was last shown to them.
    turns: BTreeMap<u64, Arc<str>>,
}

#[derive(Debug, Default)]
struct Shown {
    turn: u64,
    products: Vec<Impression>,
}

impl Impressions {
    /// Remembers so many products of all customers together at most.
    pub fn new(most: usize) -> Self {
        Self { most, count: 0, next_turn: 0, customers: HashMap::new(), turns: BTreeMap::new() }
    }

    /// How many products are remembered, of all customers together.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What the customer was shown and did nothing with, in no order.
    pub fn of(&self, customer_id: &str) -> &[Impression] {
        self.customers.get(customer_id).map_or(&[], |shown| &shown.products)
    }

    /// Remembers what was shown.
    pub fn show<'a>(
        &mut self,
        customer_id: &str,
        product_ids: impl IntoIterator<Item = &'a str>,
        at_us: i64,
    ) {
        let mut shown = self.take(customer_id);
        for product_id in product_ids {
            match shown.products.iter_mut().find(|known| &*known.product_id == product_id) {
                Some(known) => {
                    known.times = known.times.saturating_add(1);
                    known.last_shown_us = known.last_shown_us.max(at_us);
                }
                None => {
                    let product_id = Arc::from(product_id);
                    shown.products.push(Impression { product_id, times: 1, last_shown_us: at_us });
                }
            }
        }
        if shown.products.len() > MOST_OF_A_CUSTOMER {
            let newest_first = |one: &Impression, other: &Impression| {
                other
                    .last_shown_us
                    .cmp(&one.last_shown_us)
                    .then_with(|| one.product_id.cmp(&other.product_id))
            };
            shown.products.sort_by(newest_first);
            shown.products.truncate(MOST_OF_A_CUSTOMER);
        }
        self.put(customer_id, shown);
        while self.count > self.most {
            let Some((_, longest_ago)) = self.turns.pop_first() else { break };
            self.count -= self.customers.remove(&longest_ago).map_or(0, |shown| shown.products.len());
        }
    }

    /// The customer did something with the product: it was not ignored.
    pub fn interact(&mut self, customer_id: &str, product_id: &str) {
        let Some(shown) = self.customers.get_mut(customer_id) else { return };
        if let Some(place) = shown.products.iter().position(|known| &*known.product_id == product_id) {
            shown.products.swap_remove(place);
            self.count -= 1;
            if shown.products.is_empty() {
                self.forget(customer_id);
            }
        }
    }

    /// Forgets the customer.
    pub fn forget(&mut self, customer_id: &str) {
        self.take(customer_id);
    }

    fn take(&mut self, customer_id: &str) -> Shown {
        let Some(shown) = self.customers.remove(customer_id) else { return Shown::default() };
        self.turns.remove(&shown.turn);
        self.count -= shown.products.len();
        shown
    }

    fn put(&mut self, customer_id: &str, mut shown: Shown) {
        if shown.products.is_empty() {
            return;
        }
        let customer_id: Arc<str> = customer_id.into();
        shown.turn = self.next_turn;
        self.next_turn += 1;
        self.count += shown.products.len();
        self.turns.insert(shown.turn, Arc::clone(&customer_id));
        self.customers.insert(customer_id, shown);
    }
}
