//! From a stream of events to a snapshot.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::{
    ContentModel, DiscoverySettings, Event, ProductRecord, Snapshot, SnapshotHeader, Target,
    decay::{HalfLife, clamp_time},
    discovery::{discover, tastes_of_all, with_discovered},
    features::{Shelves, Statistics},
    forest::{MOST_LEAVES, MOST_TREES},
    history::Pair,
    neighbours::Shortlists,
    occasion::{MOST_DAYS_PER_CUSTOMER, Occasion, day_of},
    ranker::LearnedRanker,
    snapshot::{Customers, HistoryRow, Models, Products, Tuning},
    worlds::{Schooling, Told, teach},
};

const DAY: Duration = Duration::from_hours(24);

/// How a model is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSettings {
    /// After this time a purchase counts half for what is popular. At least an hour.
    pub popularity_half_life: Duration,
    /// After this time an event counts half for what a customer likes. At least an hour.
    pub personal_half_life: Duration,
    /// How many similar products are kept for each product.
    pub neighbours_per_product: usize,
    /// What a learned ranker is taught to foresee; `None` trains without one.
    pub ranker: Option<Target>,
    /// The most trees the ranker may have.
    pub ranker_trees: usize,
    /// The most leaves a tree of it may have.
    pub ranker_leaves: usize,
    /// The days on which customers did something with a product may take so much memory; beyond it
    /// the oldest days of all customers are left out. What they add up to (how often, how lately,
    /// how much a customer is drawn to a product) stays.
    pub log_limit_bytes: usize,
    /// How weights and vectors for what is new to customers are fitted; `None` trains without.
    pub discovery: Option<DiscoverySettings>,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            popularity_half_life: DAY * 14,
            personal_half_life: DAY * 120,
            neighbours_per_product: 50,
            ranker: Some(Target::default()),
            ranker_trees: MOST_TREES,
            ranker_leaves: MOST_LEAVES,
            log_limit_bytes: 1 << 30,
            discovery: Some(DiscoverySettings::default()),
        }
    }
}

/// Reads products and events in any order and makes a snapshot of them.
///
/// Memory grows with the pairs of customer and product, not with the events, and the days logged of
/// them are bounded. Event ids are not
/// looked at: give every event once.
pub struct Trainer {
    tuning: Tuning,
    schooling: Option<Schooling>,
    discovery: Option<DiscoverySettings>,
    now_us: i64,
    product_numbers: HashMap<String, u32>,
    records: Vec<Option<ProductRecord>>,
    customer_numbers: HashMap<String, u32>,
    /// By customer's id, what they say of themselves.
    traits: HashMap<String, Vec<String>>,
    pairs: HashMap<(u32, u32), Pair>,
    /// So many days may be logged, and so many are.
    most_days: usize,
    logged_days: usize,
    /// Days before it have been left out.
    logged_since: Option<i32>,
}

/// While events come in, the log may be longer than allowed by one part in so many: looking for the
/// oldest days takes a walk through all of them.
const SLACK: usize = 4;

impl Trainer {
    /// `now_us` is the time the snapshot is trained at; events after it count as happening then.
    pub fn new(settings: TrainingSettings, now_us: i64) -> Self {
        Self {
            tuning: Tuning {
                popularity_half_life: HalfLife::new(settings.popularity_half_life),
                personal_half_life: HalfLife::new(settings.personal_half_life),
                neighbours_per_product: u32::try_from(settings.neighbours_per_product).unwrap_or(u32::MAX),
            },
            schooling: settings.ranker.map(|target| schooling(target, &settings)),
            discovery: settings.discovery,
            now_us: clamp_time(now_us),
            product_numbers: HashMap::new(),
            records: Vec::new(),
            customer_numbers: HashMap::new(),
            traits: HashMap::new(),
            pairs: HashMap::new(),
            most_days: (settings.log_limit_bytes / size_of::<Occasion>()).max(1),
            logged_days: 0,
            logged_since: None,
        }
    }

    /// The time the snapshot is trained at, in microseconds since 1970.
    pub fn now_us(&self) -> i64 {
        self.now_us
    }

    /// Adds a product, or replaces the one with the same id.
    pub fn add_product(&mut self, product: ProductRecord) {
        let number = self.product_number(&product.product_id);
        self.records[number as usize] = Some(product);
    }

    /// Adds what a customer says of themselves ([`crate::CustomerProfile::traits`]), or replaces it.
    pub fn add_customer(&mut self, customer_id: &str, traits: Vec<String>) {
        self.traits.insert(customer_id.to_owned(), traits);
    }

    /// Counts an event; its product and customer need not be known.
    pub fn add_event(&mut self, event: &Event) {
        let product = self.product_number(&event.product_id);
        let customer = number_of(&mut self.customer_numbers, &event.customer_id);
        let pair = self.pairs.entry((customer, product)).or_default();
        let before = pair.occasions.days().len();
        pair.add(event, event.occurred_at_us.min(self.now_us), self.tuning.personal_half_life);
        if let Some(day) = self.logged_since {
            pair.occasions.forget_before(day);
        }
        self.logged_days = self.logged_days + pair.occasions.days().len() - before;
        if self.logged_days > self.most_days + self.most_days / SLACK {
            self.shorten_log();
        }
    }

    /// Leaves out the oldest days of all customers until the log is as short as it has to be, and
    /// tells the first day, since 1970, that is still complete; `None` when nothing was left out.
    ///
    /// Only whole days go, and a day that is too old now is too old whatever else comes: so what is
    /// left does not depend on the order of events.
    pub fn shorten_log(&mut self) -> Option<i32> {
        if self.logged_days > self.most_days {
            let mut by_day: BTreeMap<i32, usize> = BTreeMap::new();
            for occasion in self.pairs.values().flat_map(|pair| pair.occasions.days()) {
                *by_day.entry(occasion.day).or_default() += 1;
            }
            let mut left = self.most_days;
            let too_old = by_day.iter().rev().find(|(_, count)| {
                let fits = **count <= left;
                left = left.saturating_sub(**count);
                !fits
            });
            // Days between the newest that has to go and the next one may still come.
            let since = too_old.map(|(day, _)| day.saturating_add(1));
            self.logged_since = since.max(self.logged_since);
            let day = self.logged_since.unwrap_or(i32::MIN);
            self.pairs.values_mut().for_each(|pair| pair.occasions.forget_before(day));
            self.logged_days = self.pairs.values().map(|pair| pair.occasions.days().len()).sum();
        }
        self.logged_since
    }

    /// Derives the models. The same products and events give the same snapshot in any order.
    pub fn finish(mut self, header: SnapshotHeader) -> Snapshot {
        self.shorten_log();
        let reference_us =
            self.pairs.values().map(latest_time_us).max().unwrap_or(self.now_us).min(self.now_us);
        let (product_ids, product_places) = sorted_with_places(self.product_numbers);
        let (customer_ids, customer_places) = sorted_with_places(self.customer_numbers);
        let mut records = vec![None; product_ids.len()];
        for (number, record) in self.records.into_iter().enumerate() {
            records[product_places[number] as usize] = record;
        }
        let customers = gather_customers(self.pairs, customer_ids, &customer_places, |product, pair| {
            let weight = pair.weight.value(self.tuning.personal_half_life, reference_us) as f32;
            (product_places[product as usize], weight)
        });
        let models = Models::derive(&self.tuning, reference_us, product_ids.len(), &customers);
        let now_day = day_of(reference_us).saturating_add(1);
        let shelves = Shelves::of(&records);
        let content = ContentModel::fit(&records);
        let statistics = Statistics::derive(&customers, &shelves, product_ids.len(), now_day);
        let target = self.schooling.as_ref().map(|schooling| schooling.target);
        let seen_on = |customer: usize| match target {
            Some(target) => LearnedRanker::day_seen(target, customers.last_basket(customer), now_day),
            None => now_day,
        };
        let tastes = tastes_of_all(&customers, product_ids.len(), seen_on);
        let discovery = discover(&tastes, &statistics, self.discovery.as_ref());
        let shortlists = Shortlists::derive(&customers, product_ids.len(), now_day);
        let shortlists = with_discovered(shortlists, discovery.as_ref(), (&content, &statistics), &tastes);
        let traits: Vec<Vec<String>> =
            customers.ids.iter().map(|id| self.traits.remove(id).unwrap_or_default()).collect();
        let told = Told { shelves: &shelves, content: &content, traits: &traits };
        let profiles = told.profiles(&tastes);
        let ranker =
            self.schooling.and_then(|schooling| teach(&customers, &told, now_day, &self.tuning, &schooling));
        let products = Products { ids: product_ids, records };
        Snapshot {
            shortlists,
            discovery,
            profiles,
            ranker,
            header,
            tuning: self.tuning,
            trained_at_us: self.now_us,
            reference_us,
            products,
            customers,
            models,
        }
    }

    fn product_number(&mut self, product_id: &str) -> u32 {
        let number = number_of(&mut self.product_numbers, product_id);
        if number as usize == self.records.len() {
            self.records.push(None);
        }
        number
    }
}

/// How a ranker is taught, no larger than the settings allow.
fn schooling(target: Target, settings: &TrainingSettings) -> Schooling {
    let discovery = settings.discovery.clone();
    let mut schooling = Schooling { target, discovery, ..Schooling::default() };
    schooling.forest.trees = schooling.forest.trees.min(settings.ranker_trees);
    schooling.forest.leaves = schooling.forest.leaves.min(settings.ranker_leaves);
    schooling
}

/// The pairs as rows in the order of customers and products, with the newest days of each customer.
fn gather_customers(
    pairs: HashMap<(u32, u32), Pair>,
    ids: Vec<String>,
    places: &[u32],
    place_and_weight: impl Fn(u32, &Pair) -> (u32, f32),
) -> Customers {
    let mut sorted: Vec<(u32, u32, f32, Pair)> = pairs
        .into_iter()
        .map(|((customer, product), pair)| {
            let (product, weight) = place_and_weight(product, &pair);
            (places[customer as usize], product, weight, pair)
        })
        .collect();
    sorted.sort_unstable_by_key(|&(customer, product, ..)| (customer, product));
    let mut rows = Vec::with_capacity(sorted.len());
    let mut occasions = Vec::new();
    for of_customer in sorted.chunk_by(|one, other| one.0 == other.0) {
        let mut oldest = oldest_day_kept(of_customer);
        for (customer, product, weight, pair) in of_customer {
            let begin = occasions.len();
            occasions.extend(pair.occasions.days().iter().filter(|occasion| oldest.keeps(occasion.day)));
            let row = HistoryRow {
                product: *product,
                weight: *weight,
                facts: pair.facts,
                occasions_begin: u32::try_from(begin).expect("fewer than 4 billion days fit into memory"),
                occasions_count: (occasions.len() - begin) as u32,
            };
            rows.push((*customer, row));
        }
    }
    Customers::from_sorted_rows(ids, rows, occasions)
}

/// Which days of a customer are kept: those after `day`, and so many of that day.
struct OldestDay {
    day: i32,
    left: usize,
}

impl OldestDay {
    fn keeps(&mut self, day: i32) -> bool {
        if day == self.day && self.left > 0 {
            self.left -= 1;
            return true;
        }
        day > self.day
    }
}

fn oldest_day_kept(pairs: &[(u32, u32, f32, Pair)]) -> OldestDay {
    let count: usize = pairs.iter().map(|(.., pair)| pair.occasions.days().len()).sum();
    if count <= MOST_DAYS_PER_CUSTOMER {
        return OldestDay { day: i32::MIN, left: 0 };
    }
    let mut days: Vec<i32> =
        pairs.iter().flat_map(|(.., pair)| pair.occasions.days()).map(|occasion| occasion.day).collect();
    days.sort_unstable_by(|one, other| other.cmp(one));
    let day = days[MOST_DAYS_PER_CUSTOMER - 1];
    let left = days[..MOST_DAYS_PER_CUSTOMER].iter().filter(|&&kept| kept == day).count();
    OldestDay { day, left }
}

fn number_of(numbers: &mut HashMap<String, u32>, id: &str) -> u32 {
    if let Some(&number) = numbers.get(id) {
        return number;
    }
    let number = u32::try_from(numbers.len()).expect("fewer than 4 billion ids fit into memory");
    numbers.insert(id.to_owned(), number);
    number
}

fn latest_time_us(pair: &Pair) -> i64 {
    pair.facts.last_seen_us.max(pair.facts.opinion_at_us)
}

/// The ids in order, and for each number the place its id has come to.
fn sorted_with_places(numbers: HashMap<String, u32>) -> (Vec<String>, Vec<u32>) {
    let mut by_id: Vec<(String, u32)> = numbers.into_iter().collect();
    by_id.sort_unstable();
    let mut places = vec![0; by_id.len()];
    for (place, (_, number)) in (0..).zip(&by_id) {
        places[*number as usize] = place;
    }
    (by_id.into_iter().map(|(id, _)| id).collect(), places)
}

#[cfg(test)]
mod tests;
