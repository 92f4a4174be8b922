//! Customers alike and what they buy: for each customer a shortlist, made while training.
//!
//! The idea is TIFU-KNN's (Hu et al., "Modeling personalized item frequency information for
//! next-basket recommendation", SIGIR 2020), with rare products weighing more and cosine likeness.

use rayon::prelude::*;

use crate::{
    features::{HALVING_120, worth},
    occasion::Occasion,
    snapshot::Customers,
};

/// So many of the customers most alike are asked.
const MOST_NEIGHBOURS: usize = 100;

/// Of a customer's own products so many are on the shortlist, and of new ones so many.
const MOST_OWN: usize = 150;
const MOST_NEW: usize = 50;

/// Of the buyers of a product at most so many are looked at, evenly chosen, since the work grows
/// with their square.
const MOST_BUYERS: usize = 1_000;

/// A purchase within so many days is one of late.
const LATELY_DAYS: i32 = 30;

/// Decayed purchases are kept in steps of one part in so many.
const LONG_STEPS: f32 = 2_048.0;

/// What the customers most alike say of one product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShortlistEntry {
    pub product: u32,
    long_steps: u16,
    recent_steps: u16,
}

impl ShortlistEntry {
    pub(crate) fn new(product: u32, long: f32, recent: f32) -> Self {
        let long_steps = (long * LONG_STEPS).round() as u16;
        Self { product, long_steps, recent_steps: (recent * f32::from(u16::MAX)).round() as u16 }
    }

    pub(crate) fn of_steps(product: u32, long_steps: u16, recent_steps: u16) -> Self {
        Self { product, long_steps, recent_steps }
    }

    pub(crate) fn steps(self) -> (u16, u16) {
        (self.long_steps, self.recent_steps)
    }

    /// Their purchases, halving every four months; at most 32.
    pub(crate) fn long(self) -> f32 {
        f32::from(self.long_steps) / LONG_STEPS
    }

    /// The share of them who bought it of late.
    pub(crate) fn recent(self) -> f32 {
        f32::from(self.recent_steps) / f32::from(u16::MAX)
    }

    /// What decides whether it is kept.
    fn worth(self) -> f32 {
        self.long() + 2.0 * self.recent()
    }
}

/// The shortlists of all customers, each in the order of product numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shortlists {
    /// Where each customer's begins; one more than customers.
    pub offsets: Vec<u32>,
    pub entries: Vec<ShortlistEntry>,
}

/// One customer's row as likeness and voting need it.
#[derive(Clone, Copy)]
struct Vote {
    product: u32,
    /// For likeness: the logarithm of the decayed purchases, by how rare the product is, of length 1.
    weight: f32,
    decayed: f32,
    is_recent: bool,
}

impl Shortlists {
    /// As seen on `now_day`. The same on any number of threads.
    pub(crate) fn derive(customers: &Customers, products: usize, now_day: i32) -> Self {
        let votes = Votes::of(customers, products, now_day);
        let count = customers.ids.len();
        let lists: Vec<Vec<ShortlistEntry>> = (0..count)
            .into_par_iter()
            .map_init(|| Tally::new(count, products), |tally, customer| votes.shortlist(customer, tally))
            .collect();
        let mut shortlists = Self { offsets: vec![0], entries: Vec::new() };
        for list in lists {
            shortlists.push(list);
        }
        shortlists
    }

    /// With these products of each customer as well, of which customers alike say nothing.
    pub(crate) fn with_discovered(self, discovered: &[Vec<(u32, f32)>]) -> Self {
        let mut extended = Self { offsets: vec![0], entries: Vec::with_capacity(self.entries.len()) };
        for (customer, found) in discovered.iter().enumerate() {
            let mut list = self.of(customer).to_vec();
            let is_listed = |product: u32| self.of(customer).iter().any(|entry| entry.product == product);
            let new = found.iter().filter(|(product, _)| !is_listed(*product));
            list.extend(new.map(|&(product, _)| ShortlistEntry::of_steps(product, 0, 0)));
            list.sort_unstable_by_key(|entry| entry.product);
            list.dedup_by_key(|entry| entry.product);
            extended.push(list);
        }
        extended
    }

    pub(crate) fn push(&mut self, list: impl IntoIterator<Item = ShortlistEntry>) {
        self.entries.extend(list);
        let end = u32::try_from(self.entries.len()).expect("fewer than 4 billion entries fit into memory");
        self.offsets.push(end);
    }

    /// One customer's; empty for somebody without one.
    pub(crate) fn of(&self, customer: usize) -> &[ShortlistEntry] {
        match (self.offsets.get(customer), self.offsets.get(customer + 1)) {
            (Some(&begin), Some(&end)) => &self.entries[begin as usize..end as usize],
            _ => &[],
        }
    }

    pub(crate) fn without(&self, customer: usize) -> Self {
        let mut rest = Self { offsets: vec![0], entries: Vec::new() };
        for other in (0..self.offsets.len().saturating_sub(1)).filter(|&other| other != customer) {
            rest.push(self.of(other).iter().copied());
        }
        rest
    }
}

struct Votes {
    offsets: Vec<usize>,
    votes: Vec<Vote>,
    /// By product: some of its buyers with their weights.
    buyers: Vec<Vec<(u32, f32)>>,
}

impl Votes {
    fn of(customers: &Customers, products: usize, now_day: i32) -> Self {
        let mut buyer_counts = vec![0u32; products];
        let mut this = Self { offsets: vec![0], votes: Vec::new(), buyers: vec![Vec::new(); products] };
        for customer in 0..customers.ids.len() {
            for row in customers.rows_of(customer) {
                let (decayed, is_recent) = sums(customers.occasions_of(row), now_day);
                if decayed > 0.0 {
                    buyer_counts[row.product as usize] += 1;
                    this.votes.push(Vote {
                        product: row.product,
                        weight: decayed.ln_1p(),
                        decayed,
                        is_recent,
                    });
                }
            }
            this.offsets.push(this.votes.len());
        }
        this.weigh(&buyer_counts);
        this
    }

    fn weigh(&mut self, buyer_counts: &[u32]) {
        let count = self.offsets.len() - 1;
        let mut seen = vec![0u32; buyer_counts.len()];
        for customer in 0..count {
            let votes = &mut self.votes[self.offsets[customer]..self.offsets[customer + 1]];
            for vote in votes.iter_mut() {
                vote.weight *= (count as f32 / buyer_counts[vote.product as usize] as f32).ln();
            }
            let length = votes.iter().map(|vote| vote.weight * vote.weight).sum::<f32>().sqrt();
            for vote in votes.iter_mut().filter(|_| length > 0.0) {
                vote.weight /= length;
            }
            for vote in votes.iter().filter(|vote| vote.weight > 0.0) {
                let product = vote.product as usize;
                let stride = (buyer_counts[product] as usize).div_ceil(MOST_BUYERS) as u32;
                if seen[product].is_multiple_of(stride) {
                    self.buyers[product].push((customer as u32, vote.weight));
                }
                seen[product] += 1;
            }
        }
    }

    fn of_customer(&self, customer: usize) -> &[Vote] {
        &self.votes[self.offsets[customer]..self.offsets[customer + 1]]
    }

    fn shortlist(&self, customer: usize, tally: &mut Tally) -> Vec<ShortlistEntry> {
        let neighbours = self.neighbours(customer, tally);
        let total: f32 = neighbours.iter().map(|&(_, likeness)| likeness * likeness).sum();
        if total <= 0.0 {
            return Vec::new();
        }
        for &(neighbour, likeness) in &neighbours {
            let share = likeness * likeness / total;
            for vote in self.of_customer(neighbour as usize) {
                let (long, recent) = &mut tally.products[vote.product as usize];
                if *long == 0.0 {
                    tally.touched.push(vote.product);
                }
                *long += share * vote.decayed;
                *recent += if vote.is_recent { share } else { 0.0 };
            }
        }
        let own = self.of_customer(customer);
        let is_own = |product: u32| own.binary_search_by_key(&product, |vote| vote.product).is_ok();
        let entries = tally.touched.drain(..).map(|product| {
            let (long, recent) = std::mem::take(&mut tally.products[product as usize]);
            ShortlistEntry::new(product, long, recent)
        });
        let (mut list, mut new): (Vec<_>, Vec<_>) = entries.partition(|entry| is_own(entry.product));
        keep_worthiest(&mut list, MOST_OWN);
        keep_worthiest(&mut new, MOST_NEW);
        list.extend(new);
        list.sort_unstable_by_key(|entry| entry.product);
        list
    }

    /// The customers most alike, by the cosine of what they buy.
    fn neighbours(&self, customer: usize, tally: &mut Tally) -> Vec<(u32, f32)> {
        for vote in self.of_customer(customer) {
            for &(other, weight) in &self.buyers[vote.product as usize] {
                tally.customers[other as usize] += vote.weight * weight;
            }
        }
        tally.customers[customer] = 0.0;
        let mut alike: Vec<(u32, f32)> =
            (0u32..).zip(tally.customers.iter().copied()).filter(|&(_, likeness)| likeness > 0.0).collect();
        tally.customers.fill(0.0);
        if alike.len() > MOST_NEIGHBOURS {
            alike.select_nth_unstable_by(MOST_NEIGHBOURS - 1, |one, other| {
                other.1.total_cmp(&one.1).then(one.0.cmp(&other.0))
            });
            alike.truncate(MOST_NEIGHBOURS);
        }
        alike.sort_unstable_by_key(|&(other, _)| other);
        alike
    }
}

/// Sums of one thread, all zero between customers.
struct Tally {
    customers: Vec<f32>,
    products: Vec<(f32, f32)>,
    touched: Vec<u32>,
}

impl Tally {
    fn new(customers: usize, products: usize) -> Self {
        Self { customers: vec![0.0; customers], products: vec![(0.0, 0.0); products], touched: Vec::new() }
    }
}

fn sums(occasions: &[Occasion], now_day: i32) -> (f32, bool) {
    let bought = || occasions.iter().filter(|occasion| occasion.is_purchase());
    let age = |occasion: &Occasion| now_day.saturating_sub(occasion.day).max(0);
    let decayed = bought().map(|occasion| worth(age(occasion))[HALVING_120]).sum();
    (decayed, bought().any(|occasion| age(occasion) <= LATELY_DAYS))
}

fn keep_worthiest(entries: &mut Vec<ShortlistEntry>, most: usize) {
    if entries.len() > most {
        entries.select_nth_unstable_by(most - 1, |one, other| {
            other.worth().total_cmp(&one.worth()).then(one.product.cmp(&other.product))
        });
        entries.truncate(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW_US, bought, trained};

    #[test]
    fn customers_alike_bring_what_only_they_buy() {
        let mut events = Vec::new();
        for customer in ["ann", "bob"] {
            events.extend([bought(customer, "rare tea", 3), bought(customer, "milk", 3)]);
        }
        events.extend([bought("bob", "honey", 5), bought("cleo", "milk", 2), bought("cleo", "beer", 2)]);
        let snapshot = trained(&[], &events);
        let products = snapshot.products.ids.len();
        let now_day = crate::occasion::day_of(NOW_US);
        let shortlists = Shortlists::derive(&snapshot.customers, products, now_day);
        let ann = snapshot.customers.find("ann").unwrap();
        let worth_of = |id: &str| {
            let product = snapshot.products.ids.iter().position(|known| known == id).unwrap() as u32;
            shortlists
                .of(ann)
                .iter()
                .find(|entry| entry.product == product)
                .map_or(0.0, |entry| entry.worth())
        };
        assert!(worth_of("honey") > worth_of("beer"), "{} {}", worth_of("honey"), worth_of("beer"));
        assert!(shortlists.of(ann).is_sorted_by_key(|entry| entry.product));
    }

    #[test]
    fn scores_survive_their_steps() {
        let entry = ShortlistEntry::new(7, 1.25, 0.5);
        assert!((entry.long() - 1.25).abs() < 1e-3 && (entry.recent() - 0.5).abs() < 1e-4);
        assert_eq!(ShortlistEntry::new(7, 1e9, 7.0).long(), 65_535.0 / LONG_STEPS);
        let (long, recent) = entry.steps();
        assert_eq!(ShortlistEntry::of_steps(7, long, recent), entry);
    }

    #[test]
    fn leaving_one_out_leaves_the_others() {
        let mut shortlists = Shortlists { offsets: vec![0], entries: Vec::new() };
        for product in 0..3 {
            shortlists.push([ShortlistEntry::new(product, 1.0, 0.0)]);
        }
        let rest = shortlists.without(1);
        assert_eq!(rest.of(0), shortlists.of(0));
        assert_eq!(rest.of(1), shortlists.of(2));
        assert_eq!(rest.of(2), &[]);
    }
}
