//! What is answered of a customer and given products: their order, what keeps them out, what
//! their scores are made of, and what is in the next basket.

use std::collections::HashSet;

use larder_identity::TenantId;
use larder_ranking::{
    Arrangement, Contribution, Explanation, FeatureGroup, Filter, Impression, NextBasket, RankedItem, Ranker,
    RecommendQuery, RepeatPolicy, Serving, Source,
};
use tokio::time::Instant;

use crate::error::Error;
use crate::metrics;
use crate::models_at_hand::ModelAtHand;
use crate::nutrition::customer_goals::GoalOf;
use crate::recommend::Recommender;

/// The place of a product is told among so many.
const RANKING_DEPTH: usize = 1_000;

/// Whom it is about, and what may be shown to them.
pub(crate) struct AboutCustomer<'a> {
    pub(crate) customer_id: &'a str,
    pub(crate) filter: &'a Filter,
    pub(crate) ranker: Ranker,
    /// As it is for them now.
    pub(crate) arrangement: &'a Arrangement,
    /// What they say of themselves.
    pub(crate) traits: &'a [String],
    /// What they were shown and ignored.
    pub(crate) impressions: &'a [Impression],
}

/// Where the answers come from.
pub(crate) struct Given<'a> {
    pub(crate) recommender: &'a Recommender,
    pub(crate) tenant: &'a TenantId,
    pub(crate) model: &'a ModelAtHand,
    /// Microseconds since 1970.
    pub(crate) now_us: i64,
}

/// A ranked product with what is known of it for the customer.
pub(crate) struct Detailed {
    pub(crate) item: RankedItem,
    pub(crate) repeat: bool,
    /// 0 to 1.
    pub(crate) relevance: f64,
    pub(crate) explanation: Option<Explanation>,
}

impl Detailed {
    /// A product of which nothing more is told than its place.
    pub(crate) fn bare(item: RankedItem) -> Self {
        Self { relevance: item.relevance.map_or(0.0, f64::from), item, repeat: false, explanation: None }
    }

    /// A product for a session: all of its score is where it stands, but for the arrangement.
    pub(crate) fn of_session(item: RankedItem) -> Self {
        let group = match item.source {
            Source::Similar | Source::Personal => FeatureGroup::SimilarProducts,
            Source::Popular | Source::PopularInCategory => FeatureGroup::Popularity,
        };
        let amount = item.score - item.deltas.iter().map(|delta| delta.value).sum::<f64>();
        let sentence = item.reasons.first().cloned().unwrap_or_default();
        let explanation = Explanation {
            product_id: item.product_id.clone(),
            score: amount,
            base: 0.0,
            contributions: vec![Contribution { group, amount, sentence }],
        };
        Self { explanation: Some(explanation), ..Self::bare(item) }
    }
}

/// Products in order, and those that were left out.
#[derive(Default)]
pub(crate) struct GivenOrder {
    pub(crate) items: Vec<Detailed>,
    /// Product and reason.
    pub(crate) left_out: Vec<(String, String)>,
    pub(crate) model_version: String,
    /// What an undegraded answer would have had.
    pub(crate) missing: Option<String>,
}

/// A product whose score was taken apart.
pub(crate) struct Explained {
    pub(crate) product_id: String,
    pub(crate) explanation: Option<Explanation>,
    /// As it stands in the list; `None` for a product beyond it.
    pub(crate) shown: Option<RankedItem>,
    /// From 1; 0 when it is not among the first thousand.
    pub(crate) rank: usize,
    pub(crate) refused_because: String,
    pub(crate) reasons: Vec<String>,
}

/// A basket with the model that foretold it.
pub(crate) struct BasketAnswer {
    pub(crate) basket: NextBasket,
    /// For each item, whether it was bought before.
    pub(crate) repeats: Vec<bool>,
    pub(crate) model_version: String,
    pub(crate) missing: Option<String>,
}

/// Adds to ranked products what is told of them beside their order.
pub(crate) fn detail(
    serving: &Serving,
    about: &AboutCustomer<'_>,
    items: Vec<RankedItem>,
    explains: bool,
    now_us: i64,
) -> Vec<Detailed> {
    let best = items.first().map_or(0.0, |item| item.score);
    let has_bought = serving.has_bought(about.customer_id);
    let detail = |item: RankedItem| Detailed {
        repeat: has_bought(&item.product_id),
        relevance: match item.relevance {
            Some(relevance) => f64::from(relevance),
            None if best > 0.0 => (item.score / best).clamp(0.0, 1.0),
            None => 0.0,
        },
        explanation: explains
            .then(|| {
                serving.explain(about.customer_id, &item.product_id, about.ranker, about.traits, now_us).ok()
            })
            .flatten(),
        item,
    };
    items.into_iter().map(detail).collect()
}

impl Given<'_> {
    /// Ranks the given products; what may not be shown is left out and told why.
    pub(crate) fn rank(
        &self,
        about: &AboutCustomer<'_>,
        product_ids: &[String],
        explains: bool,
    ) -> Result<GivenOrder, Error> {
        let started = Instant::now();
        let order = self.recommender.with_model(self.tenant, self.model, |serving, missing| {
            let ids: Vec<_> = product_ids.iter().map(String::as_str).collect();
            // Everything that may be shown is shown: nothing that would leave a product out applies.
            let arrangement = Arrangement {
                pins: Vec::new(),
                category_caps: Vec::new(),
                min_relevance: 0.0,
                spare: 0,
                ..about.arrangement.clone()
            };
            let arranged = RecommendQuery { arrangement: &arrangement, ..query(about, ids.len()) };
            let mut ranked = serving.rank_products(&arranged, &ids, self.now_us);
            self.tell_goal(serving, about, &mut ranked.items);
            let shown: HashSet<_> = ranked.items.iter().map(|item| item.product_id.clone()).collect();
            let left_out = product_ids.iter().filter(|id| !shown.contains(*id));
            GivenOrder {
                left_out: left_out.map(|id| (id.clone(), why_left_out(serving, about, id))).collect(),
                items: detail(serving, about, ranked.items, explains, self.now_us),
                model_version: version(serving),
                missing,
            }
        })?;
        metrics::computed("rank_products", started.elapsed());
        Ok(order.unwrap_or_else(|| GivenOrder {
            left_out: product_ids.iter().map(|id| (id.clone(), "not in the catalogue".to_owned())).collect(),
            ..GivenOrder::default()
        }))
    }

    /// Takes the scores of the given products apart, as they stand in a list of `limit` products, or
    /// behind it.
    pub(crate) fn explain(
        &self,
        about: &AboutCustomer<'_>,
        product_ids: &[String],
        limit: usize,
    ) -> Result<(Vec<Explained>, String), Error> {
        let started = Instant::now();
        let explained = self.recommender.with_model(self.tenant, self.model, |serving, _| {
            let mut list = serving.recommend(&query(about, limit), self.now_us);
            self.tell_goal(serving, about, &mut list.items);
            self.tell_goal(serving, about, &mut list.spare);
            let mut ranking: Vec<_> = list.items.into_iter().chain(list.spare).collect();
            let arranged = ranking.len();
            if product_ids.iter().any(|id| ranking.iter().all(|item| item.product_id != *id)) {
                let plain = RecommendQuery {
                    arrangement: Arrangement::plain(),
                    impressions: &[],
                    ..query(about, RANKING_DEPTH)
                };
                let behind = serving.recommend(&plain, self.now_us).items.into_iter();
                let shown: HashSet<_> = ranking.iter().map(|item| item.product_id.clone()).collect();
                ranking.extend(behind.filter(|item| !shown.contains(&item.product_id)));
            }
            let explain = |id: &String| {
                let refusal = about.filter.why_refused(serving.product(id));
                let place = ranking.iter().position(|item| item.product_id == *id);
                Explained {
                    product_id: id.clone(),
                    explanation: serving
                        .explain(about.customer_id, id, about.ranker, about.traits, self.now_us)
                        .ok(),
                    shown: place.filter(|place| *place < arranged).map(|place| ranking[place].clone()),
                    rank: place.map_or(0, |place| place + 1),
                    refused_because: refusal.map(|refusal| refusal.to_string()).unwrap_or_default(),
                    reasons: place.map(|place| ranking[place].reasons.clone()).unwrap_or_default(),
                }
            };
            (product_ids.iter().map(explain).collect::<Vec<_>>(), version(serving))
        })?;
        metrics::computed("explain", started.elapsed());
        let unknown = |id: &String| Explained {
            product_id: id.clone(),
            explanation: None,
            shown: None,
            rank: 0,
            refused_because: "not in the catalogue".to_owned(),
            reasons: Vec::new(),
        };
        Ok(explained.unwrap_or_else(|| (product_ids.iter().map(unknown).collect(), String::new())))
    }

    fn tell_goal(&self, serving: &Serving, about: &AboutCustomer<'_>, items: &mut [RankedItem]) {
        self.recommender.tell_goal(self.tenant, serving, Some(GoalOf::Customer(about.customer_id)), items);
    }

    /// Foretells the next basket.
    pub(crate) fn next_basket(
        &self,
        about: &AboutCustomer<'_>,
        limit: usize,
        horizon_days: u16,
    ) -> Result<BasketAnswer, Error> {
        let started = Instant::now();
        let answer = self.recommender.with_model(self.tenant, self.model, |serving, missing| {
            let basket = serving.next_basket(&query(about, limit), horizon_days, self.now_us);
            let bought = serving.has_bought(about.customer_id);
            BasketAnswer {
                repeats: basket.items.iter().map(|item| bought(&item.item.product_id)).collect(),
                basket,
                model_version: version(serving),
                missing,
            }
        })?;
        metrics::computed("next_basket", started.elapsed());
        Ok(answer.unwrap_or_else(|| BasketAnswer {
            basket: NextBasket {
                shortfall: Some(larder_ranking::Shortfall::EmptyCatalogue),
                ..NextBasket::default()
            },
            repeats: Vec::new(),
            model_version: String::new(),
            missing: None,
        }))
    }
}

fn query<'a>(about: &AboutCustomer<'a>, limit: usize) -> RecommendQuery<'a> {
    RecommendQuery {
        customer_id: about.customer_id,
        limit,
        filter: about.filter,
        repeat_policy: RepeatPolicy::Allow,
        ranker: about.ranker,
        arrangement: about.arrangement,
        traits: about.traits,
        impressions: about.impressions,
    }
}

fn why_left_out(serving: &Serving, about: &AboutCustomer<'_>, product_id: &str) -> String {
    let refusal = about.filter.why_refused(serving.product(product_id));
    refusal.map_or_else(|| "the customer does not want it".to_owned(), |refusal| refusal.to_string())
}

fn version(serving: &Serving) -> String {
    serving.snapshot().map(|snapshot| snapshot.version().to_owned()).unwrap_or_default()
}
