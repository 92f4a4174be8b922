//! The recommendations: one story for the three calls. The tenant's state is read from
//! memory, ranked, and the answer says which rung it stands on and what was missing.

mod question;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use larder_identity::TenantId;
use larder_ranking::{
    Arrangement, Filter, Impression, Ranked, RankedItem, RecommendQuery, Relation, RepeatPolicy, Serving,
    Shortfall, SimilarCustomer,
};
use tokio::time::Instant;
use uuid::Uuid;

pub(crate) use self::question::{Answer, Asking, Question, Rung};
use crate::error::Error;
use crate::given::{self, AboutCustomer, Detailed};
use crate::last_good::LastGoodAnswers;
use crate::metrics;
use crate::models_at_hand::ModelAtHand;
use crate::nutrition::customer_goals::{CustomerGoals, GoalOf};
use crate::served::{Served, ServedTenant};
use crate::session;
use crate::wishes;

/// Answers questions from memory.
pub(crate) struct Recommender {
    served: Arc<Served>,
    last_good: LastGoodAnswers,
    goals: CustomerGoals,
}

impl Recommender {
    pub(crate) fn new(served: Arc<Served>, goals: CustomerGoals) -> Self {
        Self { served, last_good: LastGoodAnswers::default(), goals }
    }

    /// Answers a question; `now_us` is in microseconds since 1970.
    pub(crate) fn answer(
        &self,
        tenant: &TenantId,
        asking: &Asking<'_>,
        now_us: i64,
    ) -> Result<Answer, Error> {
        let started = Instant::now();
        let answer = self.answer_from_memory(tenant, asking, now_us)?;
        metrics::answered(asking.question.call(), answer.rung, answer.degraded, started.elapsed());
        Ok(answer)
    }

    fn answer_from_memory(
        &self,
        tenant: &TenantId,
        asking: &Asking<'_>,
        now_us: i64,
    ) -> Result<Answer, Error> {
        let Asking { question, limit, filter, model, .. } = asking;
        let Some(served) = self.served.find(tenant.as_str()) else {
            return self.answer_of_stranger(question);
        };
        let (arrangement, impressions) =
            self.arrange_for(tenant, &served, asking.arrangement, asking.question.whose(), now_us);
        let with = RankedWith { arrangement: &arrangement, impressions: &impressions };
        let live = model.read(&served);
        let serving = &live.serving;
        let ranked = std::panic::catch_unwind(AssertUnwindSafe(|| rank(serving, asking, with, now_us)));
        let model_version =
            serving.snapshot().map(|snapshot| snapshot.version().to_owned()).unwrap_or_default();
        let has_model = serving.snapshot().is_some();
        match ranked {
            Ok(ranked) => {
                let mut ranked = ranked?;
                if let Some(key) = question.key(tenant).filter(|_| is_plain(filter)) {
                    self.last_good.keep(key, &ranked.items);
                }
                let (_, goal_of) = question.whose();
                self.tell_goal(tenant, serving, goal_of, &mut ranked.items);
                self.tell_goal(tenant, serving, goal_of, &mut ranked.spare);
                let items = details_of(serving, asking, std::mem::take(&mut ranked.items), now_us);
                let spare = details_of(serving, asking, std::mem::take(&mut ranked.spare), now_us);
                drop(live);
                remember_shown(&served, asking, &items, now_us);
                Ok(self.finish(tenant, ranked, (items, spare), model_version, has_model))
            }
            Err(_) => {
                drop(live);
                let mut answer = self.last_good(tenant, question, *limit, filter, model_version)?;
                let live = served.read();
                answer.items.retain(|item| may_be_shown(&live.serving, &item.item, filter));
                Ok(answer)
            }
        }
    }

    /// Works with a model's state and hears what an undegraded answer would have had; `None`
    /// when the tenant has written nothing yet.
    pub(crate) fn with_model<T>(
        &self,
        tenant: &TenantId,
        model: &ModelAtHand,
        work: impl FnOnce(&Serving, Option<String>) -> T,
    ) -> Result<Option<T>, Error> {
        let Some(served) = self.served.find(tenant.as_str()) else {
            return if self.served.loaded() { Ok(None) } else { Err(Error::Unavailable(None)) };
        };
        let live = model.read(&served);
        let missing = self.missing(tenant, live.serving.snapshot().is_some());
        Ok(Some(work(&live.serving, missing)))
    }

    /// How each product of an answer stands to the product it was asked for.
    pub(crate) fn relations(
        &self,
        tenant: &TenantId,
        product_id: &str,
        items: &[Detailed],
    ) -> Vec<Option<Relation>> {
        let Some(served) = self.served.find(tenant.as_str()) else { return vec![None; items.len()] };
        let live = served.read();
        items.iter().map(|item| live.serving.relation(product_id, &item.item.product_id)).collect()
    }

    /// What an arrangement is for a customer now: with the promotions that run, and what they ignored.
    pub(crate) fn arranged_for(
        &self,
        tenant: &TenantId,
        customer_id: &str,
        arrangement: Arrangement,
        now_us: i64,
    ) -> (Arrangement, Vec<Impression>) {
        match self.served.find(tenant.as_str()) {
            Some(served) => {
                let whose = (Some(customer_id), Some(GoalOf::Customer(customer_id)));
                self.arrange_for(tenant, &served, &arrangement, whose, now_us)
            }
            None => (arrangement, Vec::new()),
        }
    }

    /// The customers who buy most like one, and the model that says so.
    pub(crate) fn similar_customers(
        &self,
        tenant: &TenantId,
        customer_id: &str,
        limit: usize,
    ) -> (Vec<SimilarCustomer>, String) {
        let started = Instant::now();
        let Some(served) = self.served.find(tenant.as_str()) else { return Default::default() };
        let live = served.read();
        let version = live.serving.snapshot().map(|snapshot| snapshot.version().to_owned());
        let customers = live.serving.similar_customers(customer_id, limit);
        metrics::computed("similar_customers", started.elapsed());
        (customers, version.unwrap_or_default())
    }

    /// Forgets the answers that were kept for a customer.
    pub(crate) fn forget(&self, tenant: &TenantId, customer_id: &str) {
        let question = Question::For { customer_id, repeat_policy: RepeatPolicy::Allow };
        if let Some(key) = question.key(tenant) {
            self.last_good.forget(&key);
        }
    }

    /// The arrangement with the promotions that run now, what fits the goal that counts, and what the
    /// subject ignored of late.
    fn arrange_for(
        &self,
        tenant: &TenantId,
        served: &ServedTenant,
        arrangement: &Arrangement,
        (subject, goal_of): (Option<&str>, Option<GoalOf<'_>>),
        now_us: i64,
    ) -> (Arrangement, Vec<Impression>) {
        let mut arrangement = arrangement.clone();
        if arrangement.promotion_strength > 0.0 {
            arrangement.promoted = Some(Arc::new(wishes::promoted(&served.facts(), now_us)));
        }
        if arrangement.fit_strength > 0.0 {
            arrangement.fit = goal_of.and_then(|whose| self.goals.fit(tenant, served, whose));
        }
        let fading = subject.filter(|_| arrangement.rotation > 0.0);
        let ignored = fading.map_or_else(Vec::new, |subject| served.impressions().of(subject).to_vec());
        (arrangement, ignored)
    }

    /// Adds to products that fit the goal that counts why they do.
    pub(crate) fn tell_goal(
        &self,
        tenant: &TenantId,
        serving: &Serving,
        goal_of: Option<GoalOf<'_>>,
        items: &mut [RankedItem],
    ) {
        if let (Some(whose), Some(served)) = (goal_of, self.served.find(tenant.as_str())) {
            self.goals.tell(tenant, &served, serving, (whose, items));
        }
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
            spare: Vec::new(),
            relaxations: Vec::new(),
            rung: Rung::Nothing,
            model_version: String::new(),
            degraded: false,
            reason: Shortfall::EmptyCatalogue.to_string(),
        })
    }

    /// An answer of what was ranked, its products having been taken out of it.
    fn finish(
        &self,
        tenant: &TenantId,
        ranked: Ranked,
        (items, spare): (Vec<Detailed>, Vec<Detailed>),
        model_version: String,
        has_model: bool,
    ) -> Answer {
        let shortfall = ranked.shortfall.map(|shortfall| shortfall.to_string()).unwrap_or_default();
        let missing = self.missing(tenant, has_model);
        Answer {
            recommendation_id: Uuid::now_v7(),
            rung: Rung::of(&items),
            items,
            spare,
            relaxations: ranked.relaxations,
            model_version,
            degraded: missing.is_some(),
            reason: missing.unwrap_or(shortfall),
        }
    }

    fn missing(&self, tenant: &TenantId, has_model: bool) -> Option<String> {
        if !self.served.database_reachable() {
            return Some(self.served.known_before(tenant));
        }
        if self.served.refusal(tenant.as_str()).is_some() {
            return Some("the newest model was refused: an older one answers".to_owned());
        }
        (!has_model)
            .then(|| "no model has been trained yet: this follows what was recorded so far".to_owned())
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
        let key = question.key(tenant).filter(|_| is_plain(filter));
        let Some(items) = key.and_then(|key| self.last_good.find(&key)) else {
            return Err(Error::Internal("ranking failed and no earlier answer is kept".to_owned()));
        };
        Ok(Answer {
            recommendation_id: Uuid::now_v7(),
            items: items.into_iter().take(limit).map(Detailed::bare).collect(),
            spare: Vec::new(),
            relaxations: Vec::new(),
            rung: Rung::LastGood,
            model_version,
            degraded: true,
            reason: "ranking failed: this is the answer of last time".to_owned(),
        })
    }
}

/// Whether an answer that was kept under other filters would be right here too.
fn is_plain(filter: &Filter) -> bool {
    *filter == Filter { in_stock_only: filter.in_stock_only, ..Filter::default() }
}

/// Whether an answer of last time may still name the product: hard constraints hold for it too.
fn may_be_shown(serving: &Serving, item: &RankedItem, filter: &Filter) -> bool {
    filter.why_refused(serving.product(&item.product_id)).is_none()
}

/// What answers that are arranged are ranked with.
#[derive(Clone, Copy)]
struct RankedWith<'a> {
    arrangement: &'a Arrangement,
    impressions: &'a [Impression],
}

/// Remembers what was shown, where that lets it fade.
fn remember_shown(served: &ServedTenant, asking: &Asking<'_>, items: &[Detailed], now_us: i64) {
    if let Some(subject) = asking.question.subject()
        && asking.arrangement.rotation > 0.0
    {
        let shown = items.iter().map(|detailed| detailed.item.product_id.as_str());
        served.impressions().show(subject, shown, now_us);
    }
}

/// What is told of each product beside its place.
fn details_of(serving: &Serving, asking: &Asking<'_>, items: Vec<RankedItem>, now_us: i64) -> Vec<Detailed> {
    match asking.question {
        Question::For { customer_id, .. } => {
            let about = AboutCustomer {
                customer_id,
                filter: asking.filter,
                ranker: asking.ranker,
                arrangement: asking.arrangement,
                traits: asking.traits,
                impressions: &[],
            };
            given::detail(serving, &about, items, asking.explains, now_us)
        }
        Question::Session { .. } if asking.explains => items.into_iter().map(Detailed::of_session).collect(),
        _ => items.into_iter().map(Detailed::bare).collect(),
    }
}

fn rank(serving: &Serving, asking: &Asking<'_>, with: RankedWith<'_>, now_us: i64) -> Result<Ranked, Error> {
    let Asking { limit, filter, ranker, .. } = *asking;
    let RankedWith { arrangement, impressions } = with;
    let query = |customer_id, repeat_policy| RecommendQuery {
        customer_id,
        limit,
        filter,
        repeat_policy,
        ranker,
        arrangement,
        traits: asking.traits,
        impressions,
    };
    match asking.question {
        Question::For { customer_id, repeat_policy } => {
            Ok(serving.recommend(&query(customer_id, repeat_policy), now_us))
        }
        Question::Session { events, .. } => {
            Ok(session::recommend(serving, events, &query("", RepeatPolicy::Allow), now_us))
        }
        Question::Similar { product_id, relation } => {
            let found = match relation {
                Some(relation) => serving.related(product_id, relation, limit, filter, now_us),
                None => serving.similar(product_id, limit, filter, now_us),
            };
            found.map_err(|_unknown| Error::NotFound { noun: "product" })
        }
        Question::Popular => Ok(serving.popular(limit, filter, now_us)),
        Question::Trending => Ok(serving.trending(limit, filter, now_us)),
    }
}
