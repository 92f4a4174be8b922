//! One way of recommending, measured: a list for every customer, ranked from all products, held
//! against what they went on to buy. Pure; the same lists always give the same figures.

use std::collections::HashMap;

use larder_ranking::evaluation::{Bootstrap, Evaluation, Metric, coverage, novelty_bits, score_list};
use larder_ranking::{Arrangement, Filter, Ranker, RecommendQuery, RepeatPolicy, Serving};
use rayon::prelude::*;

use super::EvaluationParameters;
use super::card::{Measured, MethodCard};
use super::read::HeldOutCustomer;

/// The seed of the bootstrap: a card is the same whenever it is made again.
const SEED: u64 = 20;

/// What one method recommends to one customer.
pub(super) struct Lists {
    /// From all products.
    pub(super) plain: Vec<String>,
    /// From the products that are new to the customer.
    pub(super) explore: Vec<String>,
}

/// What all methods are measured against.
pub(super) struct Ground<'a> {
    pub(super) customers: &'a [HeldOutCustomer],
    pub(super) list_length: usize,
    pub(super) product_count: usize,
    /// By product, how many of the customers had bought it.
    pub(super) buyers: HashMap<&'a str, usize>,
    pub(super) bootstrap: Bootstrap,
}

/// A method and its nDCG customer by customer, for comparisons.
pub(super) struct Figures {
    pub(super) card: MethodCard,
    pub(super) ndcg: Vec<f64>,
}

impl<'a> Ground<'a> {
    pub(super) fn of(
        customers: &'a [HeldOutCustomer],
        parameters: &EvaluationParameters,
        product_count: usize,
    ) -> Self {
        let mut buyers = HashMap::new();
        for product in customers.iter().flat_map(|customer| &customer.bought_before) {
            *buyers.entry(product.as_str()).or_default() += 1;
        }
        let bootstrap = Bootstrap { seed: SEED, resamples: parameters.bootstrap_samples };
        Self { customers, list_length: parameters.list_length, product_count, buyers, bootstrap }
    }

    /// Measures a method by the lists it makes.
    pub(super) fn measure(
        &self,
        method: &str,
        lists_of: impl Fn(&HeldOutCustomer) -> Lists + Send + Sync,
    ) -> Figures {
        let lists: Vec<Lists> = self.customers.par_iter().map(lists_of).collect();
        let scores = |list: fn(&Lists) -> &Vec<String>| -> Evaluation {
            let pairs = self.customers.iter().zip(&lists);
            pairs
                .map(|(one, lists)| {
                    score_list(list(lists), &one.wanted, &one.bought_before, self.list_length)
                })
                .collect()
        };
        let (plain, explore) = (scores(|lists| &lists.plain), scores(|lists| &lists.explore));
        let estimate = |of: &Evaluation, metric| Measured::mean(&self.bootstrap.estimate(&of.values(metric)));
        let shown = || lists.iter().map(|lists| lists.plain.as_slice());
        let buyers = |product: &String| self.buyers.get(product.as_str()).copied().unwrap_or(0);
        let card = MethodCard {
            method: method.to_owned(),
            ndcg: estimate(&plain, Metric::Ndcg).unwrap_or_default(),
            recall: estimate(&plain, Metric::Recall).unwrap_or_default(),
            repeat_recall: estimate(&plain, Metric::RepeatRecall),
            explore_recall: estimate(&explore, Metric::ExploreRecall),
            coverage: coverage(shown(), self.product_count),
            novelty_bits: novelty_bits(shown(), buyers, self.customers.len()),
        };
        Figures { card, ndcg: plain.values(Metric::Ndcg) }
    }

    /// Measures what a model answers at `now_us`.
    pub(super) fn measure_model(&self, method: &str, serving: &Serving, now_us: i64) -> Figures {
        self.measure(method, |customer| Lists {
            plain: answer(serving, customer, RepeatPolicy::Allow, self.list_length, now_us),
            explore: answer(serving, customer, RepeatPolicy::Exclude, self.list_length, now_us),
        })
    }
}

fn answer(
    serving: &Serving,
    customer: &HeldOutCustomer,
    repeat_policy: RepeatPolicy,
    limit: usize,
    now_us: i64,
) -> Vec<String> {
    let filter = Filter::default();
    let query = RecommendQuery {
        customer_id: &customer.customer_id,
        limit,
        filter: &filter,
        repeat_policy,
        ranker: Ranker::Learned,
        arrangement: Arrangement::plain(),
        traits: &customer.traits,
        impressions: &[],
    };
    serving.recommend(&query, now_us).items.into_iter().map(|item| item.product_id).collect()
}
