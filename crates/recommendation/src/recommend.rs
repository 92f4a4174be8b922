//! The recommendations: one story for the three calls. The tenant's state is read from
//! memory, ranked, and the answer says which rung it stands on and what was missing.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use larder_identity::TenantId;
use larder_ranking::{
    Filter, Ranked, RankedItem, Ranker, RecommendQuery, RepeatPolicy, Serving, Shortfall, Source,
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::Error;
use crate::metrics;
use crate::served::Served;

/// Answers kept for the day that ranking itself fails.
const KEPT_ANSWERS: usize = 10_000;

/// The rung of the ladder that an answer stands on: that of its best product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    Personal,
    Similar,
    PopularInCategory,
    Popular,
    LastGood,
    Nothing,
}

impl Rung {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Similar => "similar",
            Self::PopularInCategory => "popular_in_category",
            Self::Popular => "popular",
            Self::LastGood => "last_good",
            Self::Nothing => "nothing",
        }
    }

    fn of(items: &[RankedItem]) -> Self {
        match items.first().map(|item| item.source) {
            Some(Source::Personal) => Self::Personal,
            Some(Source::Similar) => Self::Similar,
            Some(Source::PopularInCategory) => Self::PopularInCategory,
            Some(Source::Popular) => Self::Popular,
            None => Self::Nothing,
        }
    }
}

/// What is asked for.
pub(crate) enum Question<'a> {
    For { customer_id: &'a str, repeat_policy: RepeatPolicy },
    Similar { product_id: &'a str },
    Popular,
}

impl Question<'_> {
    fn call(&self) -> &'static str {
        match self {
            Self::For { .. } => "recommend",
            Self::Similar { .. } => "similar",
            Self::Popular => "popular",
        }
    }

    fn key(&self, tenant: &TenantId) -> String {
        match self {
            Self::For { customer_id, .. } => format!("{tenant}/c/{customer_id}"),
            Self::Similar { product_id } => format!("{tenant}/p/{product_id}"),
            Self::Popular => format!("{tenant}/popular"),
        }
    }
}

/// An answer, ready to be put on the wire.
pub(crate) struct Answer {
    pub(crate) recommendation_id: Uuid,
    pub(crate) items: Vec<RankedItem>,
    pub(crate) rung: Rung,
    pub(crate) model_version: String,
    pub(crate) degraded: bool,
    /// What was missing; or, when nothing was, why the list is short.
    pub(crate) reason: String,
}

/// Answers questions from memory.
pub(crate) struct Recommender {
    served: Arc<Served>,
    last_good: Mutex<HashMap<String, Vec<RankedItem>>>,
}

impl Recommender {
    pub(crate) fn new(served: Arc<Served>) -> Self {
        Self { served, last_good: Mutex::default() }
    }

    /// Answers a question; `now_us` is in microseconds since 1970.
    pub(crate) fn answer(
        &self,
        tenant: &TenantId,
        question: &Question<'_>,
        limit: usize,
        filter: &Filter,
        now_us: i64,
    ) -> Result<Answer, Error> {
        let started = Instant::now();
        let answer = self.answer_from_memory(tenant, question, limit, filter, now_us)?;
        metrics::answered(question.call(), answer.rung, answer.degraded, started.elapsed());
        Ok(answer)
    }

    fn answer_from_memory(
        &self,
        tenant: &TenantId,
        question: &Question<'_>,
        limit: usize,
        filter: &Filter,
        now_us: i64,
    ) -> Result<Answer, Error> {
        let Some(served) = self.served.find(tenant.as_str()) else {
            return self.answer_of_stranger(question);
        };
        let live = served.read();
        let serving = &live.serving;
        let ranked =
            std::panic::catch_unwind(AssertUnwindSafe(|| rank(serving, question, limit, filter, now_us)));
        let model_version =
            serving.snapshot().map(|snapshot| snapshot.version().to_owned()).unwrap_or_default();
        let has_model = serving.snapshot().is_some();
        drop(live);
        match ranked {
            Ok(ranked) => {
                let ranked = ranked?;
                if is_plain(filter, question) {
                    self.keep(question.key(tenant), &ranked.items);
                }
                Ok(self.finish(tenant, ranked, model_version, has_model))
            }
            Err(_) => {
                let mut answer = self.last_good(tenant, question, limit, filter, model_version)?;
                let live = served.read();
                answer.items.retain(|item| may_be_shown(&live.serving, item, filter));
                Ok(answer)
            }
        }
    }

    /// Forgets the answers that were kept for a customer.
    pub(crate) fn forget(&self, tenant: &TenantId, customer_id: &str) {
        let question = Question::For { customer_id, repeat_policy: RepeatPolicy::Allow };
        self.last_good.lock().unwrap_or_else(PoisonError::into_inner).remove(&question.key(tenant));
    }

    /// A tenant that has written nothing has no products, whoever asks.
    fn answer_of_stranger(&self, question: &Question<'_>) -> Result<Answer, Error> {
        if !self.served.loaded() {
            return Err(Error::Unavailable(None));
        }
        if matches!(question, Question::Similar { .. }) {
            return Err(Error::NotFound { noun: "product" });
        }
        Ok(Answer {
            recommendation_id: Uuid::now_v7(),
            items: Vec::new(),
            rung: Rung::Nothing,
            model_version: String::new(),
            degraded: false,
            reason: Shortfall::EmptyCatalogue.to_string(),
        })
    }

    fn finish(&self, tenant: &TenantId, ranked: Ranked, model_version: String, has_model: bool) -> Answer {
        let shortfall = ranked.shortfall.map(|shortfall| shortfall.to_string()).unwrap_or_default();
        let missing = self.missing(tenant, has_model);
        Answer {
            recommendation_id: Uuid::now_v7(),
            rung: Rung::of(&ranked.items),
            items: ranked.items,
            model_version,
            degraded: missing.is_some(),
            reason: missing.unwrap_or(shortfall),
        }
    }

    fn missing(&self, tenant: &TenantId, has_model: bool) -> Option<String> {
        if !self.served.database_reachable() {
            return Some("the database cannot be reached: this is what was known before".to_owned());
        }
        if self.served.refusal(tenant.as_str()).is_some() {
            return Some("the newest model was refused: an older one answers".to_owned());
        }
        (!has_model)
            .then(|| "no model has been trained yet: this follows what was recorded so far".to_owned())
    }

    fn keep(&self, key: String, items: &[RankedItem]) {
        let mut kept = self.last_good.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_ANSWERS && !kept.contains_key(&key) {
            kept.clear();
        }
        kept.insert(key, items.to_vec());
    }

    /// The answer of last time, still under the filter of this time.
    fn last_good(
        &self,
        tenant: &TenantId,
        question: &Question<'_>,
        limit: usize,
        filter: &Filter,
        model_version: String,
    ) -> Result<Answer, Error> {
        let kept = self.last_good.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(items) = kept.get(&question.key(tenant)).filter(|_| is_plain(filter, question)) else {
            return Err(Error::Internal("ranking failed and no earlier answer is kept".to_owned()));
        };
        Ok(Answer {
            recommendation_id: Uuid::now_v7(),
            items: items.iter().take(limit).cloned().collect(),
            rung: Rung::LastGood,
            model_version,
            degraded: true,
            reason: "ranking failed: this is the answer of last time".to_owned(),
        })
    }
}

/// Whether an answer that was kept under other filters would be right here too.
fn is_plain(filter: &Filter, question: &Question<'_>) -> bool {
    let repeats =
        matches!(question, Question::For { repeat_policy, .. } if *repeat_policy != RepeatPolicy::Allow);
    !repeats
        && filter.categories.is_empty()
        && filter.exclude_product_ids.is_empty()
        && filter.min_price_micros.is_none()
        && filter.max_price_micros.is_none()
}

/// Whether an answer of last time may still name the product: hard constraints hold for it too.
fn may_be_shown(serving: &Serving, item: &RankedItem, filter: &Filter) -> bool {
    filter.why_refused(serving.product(&item.product_id)).is_none()
}

fn rank(
    serving: &Serving,
    question: &Question<'_>,
    limit: usize,
    filter: &Filter,
    now_us: i64,
) -> Result<Ranked, Error> {
    match *question {
        Question::For { customer_id, repeat_policy } => Ok(serving.recommend(
            &RecommendQuery {
                customer_id,
                limit,
                filter,
                repeat_policy,
                ranker: Ranker::Learned,
                arrangement: larder_ranking::Arrangement::plain(),
                impressions: &[],
            },
            now_us,
        )),
        Question::Similar { product_id } => serving
            .similar(product_id, limit, filter, now_us)
            .map_err(|_unknown| Error::NotFound { noun: "product" }),
        Question::Popular => Ok(serving.popular(limit, filter, now_us)),
    }
}
