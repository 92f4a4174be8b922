//! How one product stands to another, by evidence: complements are bought in one basket more often
//! than chance, substitutes are of one category, bought by the same people, and seldom together.
//!
//! Chance is each customer's own: who bought one product on `a` and the other on `b` of `d` days with
//! a basket, has both on some day with a chance of `1 - (1 - a/d)^b` if the days have nothing to do
//! with each other. What was seen over what chance would give, summed over customers, is the lift.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use super::Serving;
use crate::{
    Filter, Ranked, RankedItem, Shortfall, Source, UnknownProduct,
    snapshot::{Customers, HistoryRow, Snapshot},
};

/// Of the buyers of a product at most so many are looked at, evenly chosen.
const MOST_BUYERS: usize = 500;

/// The lift is taken as if so many more customers had behaved as chance would have it.
const PRIOR_CUSTOMERS: f32 = 5.0;

/// Of one category, two products are complements when they are bought together so much more often
/// than chance: two sorts of yogurt in one basket are still two sorts of yogurt.
const LIFT_WITHIN_CATEGORY: f32 = 1.5;

/// Of different categories, two products are complements unless they avoid each other.
const LIFT_BETWEEN_CATEGORIES: f32 = 0.9;

/// So many products have what is known of their neighbours at hand; some 600 bytes each.
const MOST_REMEMBERED: usize = 20_000;

/// Asked for so many times what is wanted, since much of it may be of the other relation.
const MORE: usize = 5;

/// How one product stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Bought instead of it.
    Substitute,
    /// Bought together with it.
    Complement,
}

/// What is known of a product and one of its neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Together {
    product: u32,
    /// How many times as often as by chance customers bought both in one basket; 1 is chance, and
    /// what little evidence comes to.
    lift: f32,
}

/// What is known of products and their neighbours, worked out when it is asked for.
#[derive(Default)]
pub(super) struct Relations {
    buyers: OnceLock<Buyers>,
    known: Mutex<HashMap<u32, Arc<[Together]>>>,
}

/// The customers who bought each product, by number.
struct Buyers {
    offsets: Vec<u32>,
    customers: Vec<u32>,
}

impl Buyers {
    fn of(customers: &Customers, products: usize) -> Self {
        let mut offsets = vec![0u32; products + 1];
        for row in customers.rows.iter().filter(|row| row.facts.purchases > 0) {
            offsets[row.product as usize + 1] += 1;
        }
        for product in 0..products {
            offsets[product + 1] += offsets[product];
        }
        let mut next = offsets.clone();
        let mut buyers = vec![0u32; offsets[products] as usize];
        for customer in 0..customers.ids.len() {
            for row in customers.rows_of(customer).iter().filter(|row| row.facts.purchases > 0) {
                let place = &mut next[row.product as usize];
                buyers[*place as usize] = customer as u32;
                *place += 1;
            }
        }
        Self { offsets, customers: buyers }
    }

    fn of_product(&self, product: u32) -> &[u32] {
        let product = product as usize;
        match (self.offsets.get(product), self.offsets.get(product + 1)) {
            (Some(&begin), Some(&end)) => &self.customers[begin as usize..end as usize],
            _ => &[],
        }
    }
}

impl Relations {
    /// Forgets what was worked out, because a customer is to be forgotten.
    pub(super) fn forget(&self) {
        self.known().clear();
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<u32, Arc<[Together]>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of the product and its stored neighbours.
    fn of(&self, serving: &Serving, snapshot: &Snapshot, product: u32) -> Arc<[Together]> {
        if let Some(known) = self.known().get(&product) {
            return known.clone();
        }
        let buyers = self.buyers.get_or_init(|| Buyers::of(&snapshot.customers, snapshot.products.ids.len()));
        let found: Arc<[Together]> = together(serving, snapshot, buyers, product).into();
        let mut known = self.known();
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert(product, found.clone());
        found
    }
}

fn together(serving: &Serving, snapshot: &Snapshot, buyers: &Buyers, product: u32) -> Vec<Together> {
    let neighbours = snapshot.models.neighbours_of(product);
    let mut sums = vec![(0.0_f32, 0.0_f32); neighbours.len()];
    let all = buyers.of_product(product);
    let stride = all.len().div_ceil(MOST_BUYERS).max(1);
    let mut days = Vec::new();
    for &customer in all.iter().step_by(stride) {
        if serving.overlay.is_erased(&snapshot.customers.ids[customer as usize]) {
            continue;
        }
        let rows = snapshot.customers.rows_of(customer as usize);
        let Some(own) = row_of(rows, product) else { continue };
        basket_days(&snapshot.customers, rows, &mut days);
        let own_days = bought_on(&snapshot.customers, own);
        for (neighbour, (seen, by_chance)) in neighbours.iter().zip(&mut sums) {
            let Some(other) = row_of(rows, neighbour.product) else { continue };
            let other_days = bought_on(&snapshot.customers, other);
            if own_days.is_empty() || other_days.is_empty() {
                continue;
            }
            let share = own_days.len() as f32 / days.len().max(1) as f32;
            *by_chance += 1.0 - (1.0 - share).powi(other_days.len() as i32);
            *seen += f32::from(u8::from(own_days.iter().any(|day| other_days.binary_search(day).is_ok())));
        }
    }
    let lift = |(seen, by_chance): (f32, f32)| (seen + PRIOR_CUSTOMERS) / (by_chance + PRIOR_CUSTOMERS);
    let pairs = neighbours.iter().zip(sums);
    pairs.map(|(neighbour, sums)| Together { product: neighbour.product, lift: lift(sums) }).collect()
}

fn row_of(rows: &[HistoryRow], product: u32) -> Option<&HistoryRow> {
    let place = rows.binary_search_by_key(&product, |row| row.product).ok()?;
    Some(&rows[place]).filter(|row| row.facts.purchases > 0)
}

fn bought_on(customers: &Customers, row: &HistoryRow) -> Vec<i32> {
    let days = customers.occasions_of(row).iter();
    days.filter(|occasion| occasion.is_purchase()).map(|occasion| occasion.day).collect()
}

/// The days on which the customer bought anything, in order.
fn basket_days(customers: &Customers, rows: &[HistoryRow], days: &mut Vec<i32>) {
    days.clear();
    let occasions = rows.iter().flat_map(|row| customers.occasions_of(row));
    days.extend(occasions.filter(|occasion| occasion.is_purchase()).map(|occasion| occasion.day));
    days.sort_unstable();
    days.dedup();
}

impl Serving {
    /// How `other` stands to `product`; `None` when nothing tells, or when they are not in the
    /// catalogue. Without enough baskets with either of them the category decides.
    pub fn relation(&self, product_id: &str, other_id: &str) -> Option<Relation> {
        let (product, other) = (self.catalogue.find(product_id)?, self.catalogue.find(other_id)?);
        self.relation_of(product, other, self.lift_of(product, other))
    }

    fn lift_of(&self, product: u32, other: u32) -> Option<f32> {
        let snapshot = self.snapshot.as_ref()?;
        let known = self.relations.of(self, snapshot, product);
        known.iter().find(|together| together.product == other).map(|together| together.lift)
    }

    fn relation_of(&self, product: u32, other: u32, lift: Option<f32>) -> Option<Relation> {
        let category = self.catalogue.category(product);
        let is_alike = category.is_some() && category == self.catalogue.category(other);
        match (is_alike, lift) {
            (true, Some(lift)) if lift >= LIFT_WITHIN_CATEGORY => Some(Relation::Complement),
            (true, _) => Some(Relation::Substitute),
            (false, Some(lift)) if lift >= LIFT_BETWEEN_CATEGORIES => Some(Relation::Complement),
            (false, _) => None,
        }
    }

    /// The products that stand to the given one as `relation` says, the strongest first: complements
    /// by similarity and the square of the lift (what is in every basket goes with nothing in
    /// particular), substitutes by similarity and how seldom they are bought together, then what is
    /// popular in the category.
    ///
    /// # Errors
    /// The product is not in the catalogue, or hidden.
    pub fn related(
        &self,
        product_id: &str,
        relation: Relation,
        limit: usize,
        filter: &Filter,
        now_us: i64,
    ) -> Result<Ranked, UnknownProduct> {
        let mut narrowed = filter.clone();
        let of = self.product(product_id).map(|product| product.category.clone()).unwrap_or_default();
        if relation == Relation::Substitute {
            let is_let_through = filter.categories.is_empty() || filter.categories.contains(&of);
            if of.is_empty() || !is_let_through {
                self.similar(product_id, 0, filter, now_us)?;
                return Ok(Ranked { shortfall: Some(Shortfall::FilterExcludesAll), ..Ranked::default() });
            }
            narrowed.categories = vec![of];
        }
        let mut found = self.similar(product_id, limit.saturating_mul(MORE), &narrowed, now_us)?;
        found.items.retain(|item| self.relation(product_id, &item.product_id) == Some(relation));
        for item in found.items.iter_mut().filter(|item| item.source == Source::Similar) {
            let pair = self.catalogue.find(product_id).zip(self.catalogue.find(&item.product_id));
            let lift = pair.and_then(|(product, other)| self.lift_of(product, other)).unwrap_or(1.0);
            match relation {
                Relation::Complement => item.score *= f64::from(lift * lift),
                Relation::Substitute => item.score /= f64::from(lift * lift),
            }
        }
        place_filling_below(&mut found.items);
        if found.items.len() >= limit {
            found.items.truncate(limit);
            found.shortfall = None;
        } else {
            found.shortfall = found.shortfall.or(Some(Shortfall::FewerThanAsked));
        }
        Ok(found)
    }
}

/// Puts what stands near first, and what fills the list up below it, on its scale.
fn place_filling_below(items: &mut [RankedItem]) {
    let is_near = |item: &RankedItem| item.source == Source::Similar;
    items.sort_by(|one, other| is_near(other).cmp(&is_near(one)).then(other.score.total_cmp(&one.score)));
    let near = items.iter().filter(|item| is_near(item)).count();
    let (near, filling) = items.split_at_mut(near);
    let (Some(lowest), Some(highest)) = (near.last(), filling.first()) else { return };
    let shrink = (lowest.score / highest.score.max(f64::MIN_POSITIVE)).min(1.0);
    filling.iter_mut().for_each(|item| item.score *= shrink);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Event, ProductRecord,
        fixtures::{NOW_US, bought, ids, product, serving},
    };

    /// Forty customers with eight baskets each. Pasta goes with pesto in one basket; spaghetti is
    /// bought by the same people, never with pasta; cat food on days that have nothing to do with
    /// either; olives avoid pasta; penne and pasta, of one category, are bought in pairs.
    fn shop() -> Serving {
        let shelves = [
            ("pasta", "Dry"),
            ("spaghetti", "Dry"),
            ("penne", "Dry"),
            ("pesto", "Sauce"),
            ("catfood", "Pets"),
            ("olives", "Deli"),
            ("water", "Drinks"),
        ];
        let products: Vec<ProductRecord> = shelves.iter().map(|(id, of)| product(id, of)).collect();
        let mut events: Vec<Event> = Vec::new();
        for customer in 0..40i64 {
            let id = format!("c{customer}");
            let mut buy = |product: &str, basket: i64| events.push(bought(&id, product, 1 + basket * 7));
            (0..8).for_each(|basket| buy("water", basket));
            for basket in [0, 2] {
                ["pasta", "pesto", "penne"].iter().for_each(|product| buy(product, basket));
            }
            [1, 3].iter().for_each(|basket| buy("spaghetti", *basket));
            [1, 5].iter().for_each(|basket| buy("olives", *basket));
            [customer % 8, (customer / 8 + 3) % 8].iter().for_each(|basket| buy("catfood", *basket));
        }
        serving(&products, &events)
    }

    #[test]
    fn baskets_tell_complements_from_substitutes() {
        let serving = shop();
        let relation = |other: &str| serving.relation("pasta", other);
        assert_eq!(relation("pesto"), Some(Relation::Complement), "always in one basket");
        assert_eq!(relation("spaghetti"), Some(Relation::Substitute), "of one kind, never in one basket");
        assert_eq!(relation("penne"), Some(Relation::Complement), "of one kind, and always in one basket");
        assert_eq!(relation("olives"), None, "another kind that avoids it is neither");
        assert_eq!(relation("water"), Some(Relation::Complement), "in every basket, so no more than chance");
        assert_eq!(relation("caviar"), None);
    }

    #[test]
    fn what_is_in_every_basket_does_not_come_before_what_goes_with_it() {
        let serving = shop();
        let filter = Filter::default();
        let related = |relation| {
            let found = serving.related("pasta", relation, 3, &filter, NOW_US).unwrap();
            assert!(found.items.is_sorted_by(|one, other| one.score >= other.score), "{found:?}");
            ids(&found).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let complements = related(Relation::Complement);
        assert_eq!(complements[..2], ["penne", "pesto"], "{complements:?}");
        assert_eq!(related(Relation::Substitute), ["spaghetti"]);
        let dairy = Filter { categories: vec!["Dairy".into()], ..Filter::default() };
        let none = serving.related("pasta", Relation::Substitute, 3, &dairy, NOW_US).unwrap();
        assert_eq!(none.shortfall, Some(Shortfall::FilterExcludesAll));
        assert!(serving.related("caviar", Relation::Complement, 3, &filter, NOW_US).is_err());
    }

    #[test]
    fn without_evidence_the_category_decides() {
        let shelves = [("bread", "Bakery"), ("rolls", "Bakery"), ("milk", "Dairy"), ("tea", "")];
        let products: Vec<ProductRecord> = shelves.iter().map(|(id, of)| product(id, of)).collect();
        let events: Vec<Event> = ["ann", "ben"]
            .iter()
            .flat_map(|id| [bought(id, "bread", 1), bought(id, "milk", 1), bought(id, "rolls", 9)])
            .collect();
        let serving = serving(&products, &events);
        assert_eq!(serving.relation("bread", "rolls"), Some(Relation::Substitute));
        assert_eq!(serving.relation("bread", "milk"), Some(Relation::Complement));
        assert_eq!(serving.relation("bread", "tea"), None, "nobody bought both");
    }

    #[test]
    fn an_erased_customer_is_no_evidence() {
        let mut serving = shop();
        assert_eq!(serving.relation("pasta", "penne"), Some(Relation::Complement));
        (0..40).for_each(|customer| serving.erase_customer(&format!("c{customer}")));
        assert_eq!(
            serving.relation("pasta", "penne"),
            Some(Relation::Substitute),
            "only the category is left"
        );
    }
}
