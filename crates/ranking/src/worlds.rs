//! Worlds of the past to learn from: the history cut at a time, or a basket before the end, and
//! what was bought after the cut. Models of a world are fitted on what was known before it only.

mod cut;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub(crate) use self::cut::World;
use crate::{
    ContentModel, DiscoverySettings, ProfileModel, ProfileSettings, SparseMatrix, Target,
    discovery::{discover, findings_of, tastes_of_all, with_discovered},
    features::{CustomerFindings, Feature, FeatureModels, Scratch, Shelves, Statistics},
    forest::{Calibration, Forest, ForestSettings, Objective, TrainingRows},
    neighbours::Shortlists,
    occasion::DAY_US,
    ranker::LearnedRanker,
    snapshot::{Customers, Models, Tuning},
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
    /// How what is new to customers is found; `None` goes without.
    pub discovery: Option<DiscoverySettings>,
    /// Of the products that were not bought then, one in so many is learnt from.
    pub one_in: u32,
    /// One in so many customers is also shown as somebody who was here only once, and of those with a
    /// profile one in so many as somebody who was never here.
    pub newcomers_one_in: u32,
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
                group_fraction: 0.5,
                ..ForestSettings::default()
            },
            discovery: Some(DiscoverySettings::default()),
            one_in: 4,
            newcomers_one_in: 8,
            most_customers: 8_000,
        }
    }
}

/// What was told of products and customers, whatever anybody did.
pub(crate) struct Told<'a> {
    pub shelves: &'a Shelves,
    pub content: &'a ContentModel,
    /// By customer, what they say of themselves.
    pub traits: &'a [Vec<String>],
}

impl Told<'_> {
    /// What customers of each trait have; `None` when nobody says anything.
    pub(crate) fn profiles(&self, tastes: &SparseMatrix) -> Option<ProfileModel> {
        let says_something = self.traits.iter().any(|traits| !traits.is_empty());
        says_something.then(|| ProfileModel::fit(self.traits, tastes, &ProfileSettings::default()))
    }
}

/// Decides, with their number, who is shown as a newcomer too…
const NEWCOMERS: u32 = 0x6e65_7773;
/// …and who, of those with a profile, as somebody who did nothing yet.
const NOBODIES: u32 = 0x6e6f_626f;

/// A world needs at least so many customers with something to foresee.
const FEWEST_CUSTOMERS: usize = 10;

impl World {
    /// The rows to learn from: the candidates of every customer who bought something after the cut.
    fn rows(&self, tuning: &Tuning, told: &Told<'_>, schooling: &Schooling) -> TrainingRows {
        let Told { shelves, content, traits } = *told;
        let products = content.product_count();
        let reference_us = i64::from(self.now_day) * DAY_US;
        let models = Models::derive(tuning, reference_us, products, &self.customers);
        let statistics = Statistics::derive(&self.customers, shelves, products, self.now_day);
        let tastes = tastes_of_all(&self.customers, products, |customer| self.seen_on[customer]);
        let discovery = discover(&tastes, &statistics, schooling.discovery.as_ref());
        let shortlists = Shortlists::derive(&self.customers, products, self.now_day);
        let shortlists = with_discovered(shortlists, discovery.as_ref(), (content, &statistics), &tastes);
        let profiles = told.profiles(&tastes);
        let models = FeatureModels {
            models: Some(&models),
            statistics: &statistics,
            shelves,
            discovery: discovery.as_ref(),
            content: Some(content),
            profiles: profiles.as_ref(),
        };
        let lessons = Lessons { world: self, models, schooling };
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
                    let found = findings_of(customer, &shortlists, discovery.as_ref());
                    let findings = CustomerFindings { traits: &traits[customer], ..found };
                    lessons.add(customer, findings, scratch, &mut rows);
                }
                rows
            })
            .collect();
        let mut rows = TrainingRows::new(Feature::ALL.len());
        parts.into_iter().for_each(|part| rows.append(part));
        rows
    }
}

/// What the customers of one world teach.
struct Lessons<'a> {
    world: &'a World,
    models: FeatureModels<'a>,
    schooling: &'a Schooling,
}

impl Lessons<'_> {
    /// Adds what one customer teaches, some of them as newcomers too.
    fn add(
        &self,
        customer: usize,
        findings: CustomerFindings<'_>,
        scratch: &mut Scratch,
        rows: &mut TrainingRows,
    ) {
        let customers = &self.world.customers;
        scratch.history.fill(customers, customers.rows_of(customer));
        self.add_group(customer, findings, scratch, rows);
        let one_in = self.schooling.newcomers_one_in.max(1);
        let is_newcomer = mixed(customer as u32, NEWCOMERS).is_multiple_of(one_in);
        if is_newcomer && scratch.history.keep_newest_day() {
            self.add_group(
                customer,
                CustomerFindings { shortlist: &[], vector: None, ..findings },
                scratch,
                rows,
            );
        }
        let is_nobody = mixed(customer as u32, NOBODIES).is_multiple_of(one_in);
        if is_nobody && !findings.traits.is_empty() {
            scratch.history.clear();
            scratch.history.finish();
            self.add_group(
                customer,
                CustomerFindings { shortlist: &[], vector: None, ..findings },
                scratch,
                rows,
            );
        }
    }

    /// Adds the candidates for the history at hand.
    fn add_group(
        &self,
        customer: usize,
        findings: CustomerFindings<'_>,
        scratch: &mut Scratch,
        rows: &mut TrainingRows,
    ) {
        let Self { world, models, schooling } = *self;
        scratch.weigh_history(models, world.seen_on[customer]);
        scratch.clear_candidates(models.statistics.len());
        scratch.gather(models, findings);
        if schooling.target == Target::Unseen {
            scratch.retain_candidates(|candidate| !candidate.is_own());
        }
        let bought = &world.bought[customer];
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
    told: &Told<'_>,
    now_day: i32,
    tuning: &Tuning,
    schooling: &Schooling,
) -> Option<LearnedRanker> {
    let worlds = World::all(customers, now_day, schooling, tuning.personal_half_life);
    let mut rows = TrainingRows::new(Feature::ALL.len());
    let mut newest_groups = 0;
    for world in &worlds {
        rows.append(world.rows(tuning, told, schooling));
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

/// Mixes two numbers into one without a pattern (the finaliser of SplitMix64).
fn mixed(one: u32, other: u32) -> u32 {
    let mut bits = (u64::from(one) << 32 | u64::from(other)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits >> 33) as u32
}
