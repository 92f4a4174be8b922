//! Worlds of the past to learn from: the history cut at a time, or a basket before the end, and
//! what was bought after the cut. Models of a world are fitted on what was known before it only.

use rayon::prelude::*;

use crate::{
    Target,
    decay::HalfLife,
    features::{Feature, FeatureModels, Scratch, Shelves, Statistics},
    forest::{Calibration, Forest, ForestSettings, Objective, TrainingRows},
    history::{Facts, NEVER_US},
    neighbours::Shortlists,
    occasion::DAY_US,
    ranker::LearnedRanker,
    snapshot::{Customers, HistoryRow, Models, Tuning},
};

/// How the ranker is taught.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schooling {
    pub target: Target,
    /// So many worlds at most.
    pub worlds: usize,
    /// Worlds of days lie so many days apart.
    pub step_days: u16,
    pub forest: ForestSettings,
    /// Of the products that were not bought then, one in so many is learnt from.
    pub one_in: u32,
    /// No more customers than so many are learnt from in one world, evenly chosen.
    pub most_customers: usize,
}

impl Default for Schooling {
    fn default() -> Self {
        Self {
            target: Target::default(),
            worlds: 6,
            step_days: 15,
            forest: ForestSettings {
                objective: Objective::Logistic,
                learning_rate: 0.08,
                min_rows_in_leaf: 100,
                l2: 50.0,
                feature_fraction: 0.25,
                ..ForestSettings::default()
            },
            one_in: 4,
            most_customers: 8_000,
        }
    }
}

/// A world needs at least so many customers with something to foresee.
const FEWEST_CUSTOMERS: usize = 10;

/// Before the cut of a world of days there have to be so many days of history.
const FEWEST_DAYS_BEFORE: i32 = 45;

/// A customer is cut a basket before the end when so many baskets are left before it.
const FEWEST_BASKETS_BEFORE: usize = 2;

/// The history before a cut, and what came after it.
pub(crate) struct World {
    pub customers: Customers,
    /// By customer: the day they are seen on.
    pub seen_on: Vec<i32>,
    /// By customer: what they bought after the cut, in the order of product numbers.
    pub bought: Vec<Vec<u32>>,
    /// The day the models are fitted on.
    pub now_day: i32,
}

impl World {
    /// Cut at the start of `cut_day`, looking `days` ahead.
    pub(crate) fn of_days(customers: &Customers, cut_day: i32, days: u16, half_life: HalfLife) -> Self {
        let until = cut_day.saturating_add(i32::from(days));
        let bought = (0..customers.ids.len())
            .map(|customer| bought_on(customers, customer, |day| day >= cut_day && day < until))
            .collect();
        let before = before(customers, |_| cut_day, half_life, cut_day);
        Self { customers: before, seen_on: vec![cut_day; customers.ids.len()], bought, now_day: cut_day }
    }

    /// Each customer cut before their `back`th basket from the end, which is to be foreseen.
    pub(crate) fn of_baskets(customers: &Customers, back: usize, now_day: i32, half_life: HalfLife) -> Self {
        let (mut cuts, mut seen_on, mut bought) = (Vec::new(), Vec::new(), Vec::new());
        for customer in 0..customers.ids.len() {
            let baskets = baskets_of(customers, customer);
            let at = baskets.len().checked_sub(back).filter(|&at| at >= FEWEST_BASKETS_BEFORE);
            match at {
                Some(at) => {
                    cuts.push(baskets[at]);
                    seen_on.push(baskets[at - 1].saturating_add(1));
                    bought.push(bought_on(customers, customer, |day| day == baskets[at]));
                }
                None => {
                    cuts.push(now_day);
                    seen_on.push(now_day);
                    bought.push(Vec::new());
                }
            }
        }
        let before = before(customers, |customer| cuts[customer], half_life, now_day);
        Self { customers: before, seen_on, bought, now_day }
    }

    /// The worlds to learn from, the newest first.
    fn all(customers: &Customers, now_day: i32, schooling: &Schooling, half_life: HalfLife) -> Vec<Self> {
        let days = || customers.occasions.iter().map(|occasion| occasion.day);
        let Some(first_day) = days().min() else { return Vec::new() };
        let worlds: Vec<Self> = match schooling.target {
            Target::NextBasket => (1..=schooling.worlds)
                .map(|back| Self::of_baskets(customers, back, now_day, half_life))
                .collect(),
            Target::NextDays(ahead) => (0..schooling.worlds as i32)
                .map(|place| now_day - i32::from(ahead) - place * i32::from(schooling.step_days))
                .take_while(|&cut_day| cut_day - first_day >= FEWEST_DAYS_BEFORE)
                .map(|cut_day| Self::of_days(customers, cut_day, ahead, half_life))
                .collect(),
        };
        let teaches = |world: &Self| {
            world.bought.iter().filter(|bought| !bought.is_empty()).count() >= FEWEST_CUSTOMERS
        };
        worlds.into_iter().filter(teaches).collect()
    }

    /// The rows to learn from: the candidates of every customer who bought something after the cut.
    fn rows(
        &self,
        tuning: &Tuning,
        shelves: &Shelves,
        products: usize,
        schooling: &Schooling,
    ) -> TrainingRows {
        let reference_us = i64::from(self.now_day) * DAY_US;
        let models = Models::derive(tuning, reference_us, products, &self.customers);
        let statistics = Statistics::derive(&self.customers, shelves, products, self.now_day);
        let shortlists = Shortlists::derive(&self.customers, products, self.now_day);
        let models = FeatureModels { models: Some(&models), statistics: &statistics, shelves };
        let with_something: Vec<usize> = (0..self.bought.len())
            .filter(|&customer| {
                !self.bought[customer].is_empty() && !self.customers.rows_of(customer).is_empty()
            })
            .collect();
        let stride = with_something.len().div_ceil(schooling.most_customers.max(1)).max(1);
        let taught: Vec<usize> = with_something.into_iter().step_by(stride).collect();
        let parts: Vec<TrainingRows> = taught
            .par_chunks(64)
            .map_init(Scratch::default, |scratch, customers| {
                let mut rows = TrainingRows::new(Feature::ALL.len());
                for &customer in customers {
                    self.add_rows(customer, models, shortlists.of(customer), schooling, scratch, &mut rows);
                }
                rows
            })
            .collect();
        let mut rows = TrainingRows::new(Feature::ALL.len());
        parts.into_iter().for_each(|part| rows.append(part));
        rows
    }

    #[expect(clippy::too_many_arguments, reason = "one call, from the loop above")]
    fn add_rows(
        &self,
        customer: usize,
        models: FeatureModels<'_>,
        shortlist: &[crate::neighbours::ShortlistEntry],
        schooling: &Schooling,
        scratch: &mut Scratch,
        rows: &mut TrainingRows,
    ) {
        scratch.history.fill(&self.customers, self.customers.rows_of(customer));
        scratch.weigh_history(models, self.seen_on[customer]);
        scratch.clear_candidates(models.statistics.len());
        scratch.gather(models, shortlist);
        let bought = &self.bought[customer];
        let is_bought = |product: u32| bought.binary_search(&product).is_ok();
        scratch.retain_candidates(|candidate| {
            is_bought(candidate.product)
                || mixed(customer as u32, candidate.product).is_multiple_of(schooling.one_in.max(1))
        });
        let grades: Vec<u8> =
            scratch.candidates.iter().map(|candidate| u8::from(is_bought(candidate.product))).collect();
        if grades.iter().all(|&grade| grade == 0) {
            return;
        }
        scratch.fill_block(models);
        rows.push_group(&scratch.block, &grades, 1.0);
    }
}

/// Teaches a ranker from the worlds of the past; `None` when there is too little to learn from.
pub(crate) fn teach(
    customers: &Customers,
    shelves: &Shelves,
    products: usize,
    now_day: i32,
    tuning: &Tuning,
    schooling: &Schooling,
) -> Option<LearnedRanker> {
    let worlds = World::all(customers, now_day, schooling, tuning.personal_half_life);
    let mut rows = TrainingRows::new(Feature::ALL.len());
    let mut newest_groups = 0;
    for world in &worlds {
        rows.append(world.rows(tuning, shelves, products, schooling));
        if newest_groups == 0 {
            newest_groups = rows.groups();
        }
    }
    drop(worlds);
    let forest = Forest::train(&rows, None, &schooling.forest).forest;
    let calibration = calibrate(&forest, &rows, newest_groups, schooling.one_in)?;
    (forest.trees() > 0).then_some(LearnedRanker { target: schooling.target, forest, calibration })
}

/// Fits the chances to what happened in the newest world.
fn calibrate(forest: &Forest, rows: &TrainingRows, groups: usize, one_in: u32) -> Option<Calibration> {
    let mut block = crate::forest::FeatureBlock::new(rows.features());
    let (mut margins, mut happened) = (Vec::new(), Vec::new());
    for group in 0..groups {
        rows.fill_block(group, &mut block);
        let begin = margins.len();
        margins.resize(begin + block.rows(), 0.0);
        forest.score(&block, &mut margins[begin..]);
        happened.extend(rows.grades()[rows.group(group)].iter().map(|&grade| grade > 0));
    }
    // Each product that was not bought stands for all that were left out.
    for row in 0..happened.len() {
        for _ in 1..if happened[row] { 1 } else { one_in.max(1) } {
            margins.push(margins[row]);
            happened.push(false);
        }
    }
    Calibration::fit(&margins, &happened)
}

/// The customers as they were before a day of their own; `reference_day` is what weights are seen at.
fn before(
    customers: &Customers,
    cut_of: impl Fn(usize) -> i32,
    half_life: HalfLife,
    reference_day: i32,
) -> Customers {
    let reference_us = i64::from(reference_day) * DAY_US;
    let mut occasions = Vec::with_capacity(customers.occasions.len());
    let mut rows = Vec::with_capacity(customers.rows.len());
    for customer in 0..customers.ids.len() {
        let cut_day = cut_of(customer);
        for row in customers.rows_of(customer) {
            let known = customers.occasions_of(row);
            let known = &known[..known.partition_point(|occasion| occasion.day < cut_day)];
            if known.is_empty() {
                continue;
            }
            let begin = occasions.len() as u32;
            let mut facts = Facts::default();
            let mut weight = 0.0;
            for &occasion in known {
                let time_us = i64::from(occasion.day) * DAY_US;
                weight += f64::from(occasion.weight()) * half_life.factor(time_us, reference_us);
                facts.events += 1;
                facts.last_seen_us = time_us;
                if occasion.is_purchase() {
                    facts.purchases += 1;
                    facts.last_purchase_us = time_us;
                    if facts.first_purchase_us == NEVER_US {
                        facts.first_purchase_us = time_us;
                    }
                }
            }
            occasions.extend_from_slice(known);
            rows.push((
                customer as u32,
                HistoryRow {
                    product: row.product,
                    weight: weight as f32,
                    facts,
                    occasions_begin: begin,
                    occasions_count: known.len() as u32,
                },
            ));
        }
    }
    Customers::from_sorted_rows(customers.ids.clone(), rows, occasions)
}

fn bought_on(customers: &Customers, customer: usize, is_wanted: impl Fn(i32) -> bool) -> Vec<u32> {
    let rows = customers.rows_of(customer).iter();
    let bought = rows.filter(|row| {
        let mut days = customers.occasions_of(row).iter();
        days.any(|occasion| occasion.is_purchase() && is_wanted(occasion.day))
    });
    bought.map(|row| row.product).collect()
}

fn baskets_of(customers: &Customers, customer: usize) -> Vec<i32> {
    let occasions = customers.rows_of(customer).iter().flat_map(|row| customers.occasions_of(row));
    let mut days: Vec<i32> =
        occasions.filter(|occasion| occasion.is_purchase()).map(|occasion| occasion.day).collect();
    days.sort_unstable();
    days.dedup();
    days
}

/// Mixes two numbers into one without a pattern (the finaliser of SplitMix64).
fn mixed(one: u32, other: u32) -> u32 {
    let mut bits = (u64::from(one) << 32 | u64::from(other)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits >> 33) as u32
}
