//! What the history of all customers says of each product on a day: how popular, how much of late,
//! and whether its buyers come back. Derived from the customers' days, so it is never stored.

use super::{
    own::{HALF_LIVES_DAYS, HALVING_120, worth},
    shelves::{CATEGORY, KIND, Shelves, WAYS},
};
use crate::{occasion::Occasion, snapshot::Customers};

/// The share of buyers who bought again is taken as if ten more had bought it, two of them again.
const AGAIN_PRIOR: (f32, f32) = (2.0, 10.0);

/// The share who came back is taken as if ten more had bought it earlier, one of whom came back.
const CAME_BACK_PRIOR: (f32, f32) = (1.0, 10.0);

/// The mean gap is taken as if there had been two more gaps of two months.
const GAP_PRIOR: (f32, f32) = (120.0, 2.0);

/// A purchase counts half for what sells of late after so many days.
const LATELY_HALF_LIFE_DAYS: f32 = 14.0;

/// What is known of one product.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ProductFacts {
    pub buyers: f32,
    /// Who bought it within 7, 14, 30 and 60 days.
    pub buyers_within: [f32; 4],
    pub sold_120: f32,
    pub sold_14: f32,
    pub trend: f32,
    pub sold_since: f32,
    pub bought_again: f32,
    pub came_back: f32,
    pub common_gap: f32,
    pub purchases_per_buyer: f32,
    /// Its share of what is sold of its category, kind and brand.
    pub share_of: [f32; WAYS],
    /// What is sold of its category and kind of late, by what was sold before, as a share of the shop.
    pub trend_of: [f32; 2],
    /// What is sold of its category at this time of the year by what is sold in a year.
    pub season: f32,
}

/// A season comes again after so many days.
const YEAR_DAYS: i32 = 365;

const WITHIN_DAYS: [i32; 4] = [7, 14, 30, 60];

/// Every product, and the ones most sold of late.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Statistics {
    products: Vec<ProductFacts>,
    /// What most customers bought in the last 14 days, the most first.
    pub popular: Vec<u32>,
}

/// So many popular products are candidates for everybody.
const MOST_POPULAR: usize = 30;

#[derive(Clone, Copy, Default)]
struct Counts {
    repeat_buyers: f32,
    earlier_buyers: f32,
    came_back: f32,
    gaps: f32,
    gap_days: f32,
    days: f32,
    days_0_to_30: f32,
    /// Bought from 365 to 336 days ago, and within 365 days.
    year_ago: f32,
    year: f32,
    days_30_to_90: f32,
}

impl Statistics {
    /// Of so many products, as seen on `now_day`.
    pub(crate) fn derive(customers: &Customers, shelves: &Shelves, products: usize, now_day: i32) -> Self {
        let mut facts = vec![ProductFacts { sold_since: f32::NAN, ..ProductFacts::default() }; products];
        let mut counts = vec![Counts::default(); products];
        for row in &customers.rows {
            let product = row.product as usize;
            count(&mut facts[product], &mut counts[product], customers.occasions_of(row), now_day);
        }
        for (facts, counts) in facts.iter_mut().zip(&counts) {
            facts.bought_again = (counts.repeat_buyers + AGAIN_PRIOR.0) / (facts.buyers + AGAIN_PRIOR.1);
            facts.came_back =
                (counts.came_back + CAME_BACK_PRIOR.0) / (counts.earlier_buyers + CAME_BACK_PRIOR.1);
            facts.common_gap = (counts.gap_days + GAP_PRIOR.0) / (counts.gaps + GAP_PRIOR.1);
            facts.purchases_per_buyer = counts.days / facts.buyers.max(1.0);
            facts.trend = (counts.days_0_to_30 + 1.0) / (counts.days_30_to_90 / 2.0 + 1.0);
        }
        share_out(&mut facts, shelves);
        let oldest = customers.occasions.iter().map(|occasion| occasion.day).min().unwrap_or(now_day);
        let has_a_year = now_day.saturating_sub(oldest) >= YEAR_DAYS;
        pool(&mut facts, &counts, shelves, has_a_year);
        let mut popular: Vec<u32> =
            (0..products as u32).filter(|&product| facts[product as usize].buyers_within[1] > 0.0).collect();
        popular.sort_by(|&one, &other| {
            let lately = |product: u32| facts[product as usize].buyers_within[1];
            lately(other).total_cmp(&lately(one)).then(one.cmp(&other))
        });
        popular.truncate(MOST_POPULAR);
        Self { products: facts, popular }
    }

    /// How many products there are.
    pub(crate) fn len(&self) -> usize {
        self.products.len()
    }

    /// The product's facts; those of one nobody bought when it is new.
    pub(crate) fn of(&self, product: u32) -> ProductFacts {
        self.products.get(product as usize).copied().unwrap_or(ProductFacts {
            sold_since: f32::NAN,
            bought_again: AGAIN_PRIOR.0 / AGAIN_PRIOR.1,
            came_back: CAME_BACK_PRIOR.0 / CAME_BACK_PRIOR.1,
            common_gap: GAP_PRIOR.0 / GAP_PRIOR.1,
            trend: 1.0,
            trend_of: [1.0; 2],
            season: f32::NAN,
            ..ProductFacts::default()
        })
    }
}

fn count(facts: &mut ProductFacts, counts: &mut Counts, occasions: &[Occasion], now_day: i32) {
    let age_of = |occasion: &Occasion| now_day.saturating_sub(occasion.day).max(0);
    let mut bought = occasions.iter().filter(|occasion| occasion.is_purchase()).peekable();
    let Some(first_age) = bought.peek().map(|occasion| age_of(occasion)) else { return };
    let (mut days, mut last_age) = (0.0, first_age);
    for occasion in bought {
        let age = age_of(occasion);
        days += 1.0;
        last_age = age;
        facts.sold_120 += worth(age)[HALVING_120];
        facts.sold_14 += (-(age as f32) / LATELY_HALF_LIFE_DAYS).exp2();
        counts.year += f32::from(u8::from(age < YEAR_DAYS));
        counts.year_ago += f32::from(u8::from((YEAR_DAYS - 30..YEAR_DAYS).contains(&age)));
        counts.days_0_to_30 += f32::from(u8::from(age <= 30));
        counts.days_30_to_90 += f32::from(u8::from(age > 30 && age <= 90));
    }
    facts.buyers += 1.0;
    for (within, limit) in facts.buyers_within.iter_mut().zip(WITHIN_DAYS) {
        *within += f32::from(u8::from(last_age <= limit));
    }
    let last = last_age as f32;
    facts.sold_since = if facts.sold_since.is_nan() { last } else { facts.sold_since.min(last) };
    counts.days += days;
    counts.gaps += days - 1.0;
    counts.gap_days += (first_age - last_age) as f32;
    counts.repeat_buyers += f32::from(u8::from(days > 1.0));
    if first_age > 30 {
        counts.earlier_buyers += 1.0;
        counts.came_back += f32::from(u8::from(last_age <= 30));
    }
}

/// A share of a shelf is taken as if so many more purchases had been as everywhere.
const SHELF_PRIOR: f32 = 20.0;

/// What is told of whole shelves: what rises, and what its season is.
fn pool(facts: &mut [ProductFacts], counts: &[Counts], shelves: &Shelves, has_a_year: bool) {
    let mut sums: [Vec<Counts>; 2] = [CATEGORY, KIND].map(|way| vec![Counts::default(); shelves.count(way)]);
    let mut all = Counts::default();
    for (product, counts) in (0u32..).zip(counts) {
        all.add(counts);
        let [category, kind, _] = shelves.of_product(product);
        for (way, shelf) in [(CATEGORY, category), (KIND, kind)] {
            if let Some(shelf) = shelf {
                sums[way][shelf as usize].add(counts);
            }
        }
    }
    let share = |part: f32, all: f32| part / all.max(1.0);
    for (product, facts) in (0u32..).zip(facts.iter_mut()) {
        let [category, kind, _] = shelves.of_product(product);
        let of = |way: usize, shelf: Option<u32>| shelf.map(|shelf| &sums[way][shelf as usize]);
        let (category, kind) = (of(CATEGORY, category), of(KIND, kind));
        facts.trend_of = [category, kind].map(|sum| {
            let Some(sum) = sum else { return 1.0 };
            let lately = sum.days_0_to_30 + SHELF_PRIOR * share(all.days_0_to_30, all.days);
            let before = sum.days_30_to_90 + SHELF_PRIOR * share(all.days_30_to_90, all.days);
            share(lately, all.days_0_to_30) / share(before, all.days_30_to_90).max(f32::MIN_POSITIVE)
        });
        facts.season = match category {
            Some(sum) if has_a_year => {
                let usual = 30.0 / YEAR_DAYS as f32;
                (sum.year_ago + SHELF_PRIOR * usual) / (sum.year + SHELF_PRIOR) / usual
            }
            _ => f32::NAN,
        };
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.days += other.days;
        self.days_0_to_30 += other.days_0_to_30;
        self.days_30_to_90 += other.days_30_to_90;
        self.year_ago += other.year_ago;
        self.year += other.year;
    }
}

fn share_out(facts: &mut [ProductFacts], shelves: &Shelves) {
    let mut sums: [Vec<f32>; WAYS] = std::array::from_fn(|way| vec![0.0; shelves.count(way)]);
    for (product, facts) in (0u32..).zip(facts.iter()) {
        for (way, shelf) in shelves.of_product(product).into_iter().enumerate() {
            if let Some(shelf) = shelf {
                sums[way][shelf as usize] += facts.sold_120;
            }
        }
    }
    for (product, facts) in (0u32..).zip(facts.iter_mut()) {
        for (way, shelf) in shelves.of_product(product).into_iter().enumerate() {
            let sum = shelf.map_or(0.0, |shelf| sums[way][shelf as usize]);
            facts.share_of[way] = if sum > 0.0 { facts.sold_120 / sum } else { 0.0 };
        }
    }
}

const _: () = assert!(HALF_LIVES_DAYS[HALVING_120] == 120.0);
