//! One tenant's models in memory: a snapshot, and what happened since overlaid on it.

mod alike;
mod arrange;
mod basket;
mod catalogue;
mod explain;
mod learned;
mod overlay;
mod popularity;
mod reasons;
mod recommend;
mod relations;
mod session;
mod taste;
#[cfg(test)]
mod tests;
mod trending;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(test)]
pub(crate) use self::learned::fill_history;
use self::{
    catalogue::Catalogue,
    overlay::{Ground, Overlay},
    popularity::PopularityOrder,
    relations::Relations,
};
pub use self::{relations::Relation, session::SessionStep};
use crate::{
    ContentModel, Event, Explanation, Filter, NextBasket, ProductRecord, ProfileModel, Ranked, Ranker,
    RecommendQuery, RepeatPolicy, SimilarCustomer, Snapshot, Target, TrainingSettings, UnknownProduct,
    decay::HalfLife,
    features::{FeatureModels, Scratch, Shelves, Statistics},
    history::{Facts, NEVER_US},
    occasion::day_of,
    ranker::LearnedRanker,
    snapshot::{HistoryRow, Models},
};

/// How strongly products that their buyers buy again are preferred: the share of buyers who do, to
/// this power. Found on held-out months of grocery purchases.
const BUY_AGAIN_POWER: f64 = 0.25;

/// Features see a customer at most so many days after the newest event.
const LONGEST_AFTER_DAYS: i32 = 30;

/// The share is taken as if ten more customers had bought the product, two of them again.
const BUY_AGAIN_PRIOR: (f64, f64) = (2.0, 10.0);

/// Answers for one tenant; the service wraps it in a lock.
///
/// What it answers depends on the events recorded, not on their order.
pub struct Serving {
    tenant: String,
    snapshot: Option<Arc<Snapshot>>,
    ground: Ground,
    catalogue: Catalogue,
    order: PopularityOrder,
    overlay: Overlay,
    /// By product: how much more it is worth recommending because its buyers buy it again.
    buy_again: Vec<f32>,
    shelves: Shelves,
    /// What products are.
    content: ContentModel,
    statistics: Statistics,
    /// Products that changed since the snapshot was made.
    changed: BTreeSet<u32>,
    relations: Relations,
    /// Working memory of requests that ended, for those that come.
    scratches: Mutex<Vec<Scratch>>,
}

impl Serving {
    /// A tenant without a model: answers from what is recorded from now on.
    pub fn empty(tenant: impl Into<String>) -> Self {
        let settings = TrainingSettings::default();
        let ground = Ground {
            popularity_half_life: HalfLife::new(settings.popularity_half_life),
            personal_half_life: HalfLife::new(settings.personal_half_life),
            recent_since_us: NEVER_US,
        };
        Self {
            tenant: tenant.into(),
            snapshot: None,
            ground,
            catalogue: Catalogue::default(),
            order: PopularityOrder::default(),
            overlay: Overlay::default(),
            buy_again: Vec::new(),
            shelves: Shelves::default(),
            content: ContentModel::fit(&[]),
            statistics: Statistics::default(),
            changed: BTreeSet::new(),
            relations: Relations::default(),
            scratches: Mutex::default(),
        }
    }

    /// Serves a snapshot.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        let ground = Ground {
            popularity_half_life: snapshot.tuning.popularity_half_life,
            personal_half_life: snapshot.tuning.personal_half_life,
            recent_since_us: snapshot.models.recent_since_us,
        };
        let shelves = Shelves::of(&snapshot.products.records);
        let statistics = Statistics::derive(
            &snapshot.customers,
            &shelves,
            snapshot.products.ids.len(),
            snapshot.reference_day(),
        );
        let mut serving = Self {
            shelves,
            content: ContentModel::fit(&snapshot.products.records),
            statistics,
            changed: BTreeSet::new(),
            relations: Relations::default(),
            scratches: Mutex::default(),
            tenant: snapshot.tenant().to_owned(),
            ground,
            catalogue: Catalogue::of(&snapshot.products),
            order: PopularityOrder::default(),
            overlay: Overlay::default(),
            buy_again: buy_again_factors(&snapshot.models),
            snapshot: Some(snapshot),
        };
        let logs =
            (0..serving.catalogue.len() as u32).map(|product| serving.popularity_log2(product)).collect();
        serving.order = PopularityOrder::of(&serving.catalogue, logs);
        serving
    }

    /// Whose answers these are.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The snapshot behind the answers, if one has been trained.
    pub fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.snapshot.as_ref()
    }

    /// Adds, replaces, hides or shows a product; the next answer respects it.
    pub fn upsert_product(&mut self, record: ProductRecord) {
        let product = self.catalogue.number_of(&record.product_id);
        self.order.remove(&self.catalogue, product);
        self.shelves.replace(product, &record);
        self.content.replace(product, &record);
        self.catalogue.replace(product, record);
        self.order.insert(&self.catalogue, product);
        self.changed.insert(product);
    }

    /// The products that were added or changed since the snapshot was made.
    pub fn changed_products(&self) -> impl Iterator<Item = &ProductRecord> {
        self.changed.iter().filter_map(|product| self.catalogue.record(*product))
    }

    /// Overlays an event; `false` when an event with this id was overlaid before.
    pub fn record(&mut self, event: &Event) -> bool {
        if !self.overlay.note_event(&event.event_id) {
            return false;
        }
        let product = self.catalogue.number_of(&event.product_id);
        let rows = self.rows_of(&event.customer_id);
        let known = rows.binary_search_by_key(&product, |row| row.product);
        let in_snapshot = known.map_or_else(|_| Facts::default(), |place| rows[place].facts);
        self.overlay.add(event, product, in_snapshot, self.ground);
        self.reorder(product);
        true
    }

    /// Forgets the customer: answers are as for somebody nobody has seen, and what they did no
    /// longer counts for what is popular. Similarities keep them until the snapshot is replaced by
    /// [`Snapshot::without_customer`].
    pub fn erase_customer(&mut self, customer_id: &str) {
        let rows = self.rows_of(customer_id).to_vec();
        for product in self.overlay.erase(customer_id, &rows, self.ground) {
            self.reorder(product);
        }
        self.relations.forget();
    }

    /// Every customer with an event here, those of the snapshot first; some may come twice.
    pub fn customer_ids(&self) -> impl Iterator<Item = &str> {
        let in_snapshot = self.snapshot.iter().flat_map(|snapshot| snapshot.customers.ids.iter());
        in_snapshot.map(String::as_str).chain(self.overlay.customer_ids())
    }

    /// Whether there is an event of a customer here who was not erased.
    pub fn knows_customer(&self, customer_id: &str) -> bool {
        !self.overlay.is_erased(customer_id) && self.customer_ids().any(|id| id == customer_id)
    }

    /// A product of the catalogue, hidden or not.
    pub fn product(&self, product_id: &str) -> Option<&ProductRecord> {
        self.catalogue.find(product_id).and_then(|product| self.catalogue.record(product))
    }

    /// Every product of the catalogue, hidden ones included.
    pub fn products(&self) -> impl Iterator<Item = &ProductRecord> {
        self.catalogue.records()
    }

    /// Products of the catalogue that are not hidden.
    pub fn product_count(&self) -> usize {
        self.catalogue.visible_count()
    }

    /// What the customer may want next. A customer nobody has seen gets what is popular.
    pub fn recommend(&self, query: &RecommendQuery<'_>, now_us: i64) -> Ranked {
        match self.learned_for(query) {
            Some(ranker) => learned::rank(self, ranker, query, None, now_us),
            None => recommend::rank(self, query, None, now_us),
        }
    }

    /// What somebody may want who is known by nothing but a session; the query's customer, ranker and
    /// repeat policy are not looked at.
    pub fn recommend_for_session(
        &self,
        steps: &[SessionStep<'_>],
        query: &RecommendQuery<'_>,
        now_us: i64,
    ) -> Ranked {
        session::rank(self, steps, query, now_us)
    }

    /// The products of a given list that may be shown, from the best to the worst for the customer;
    /// those the filter or the repeat policy excludes, and unknown ones, are left out.
    pub fn rank_products(&self, query: &RecommendQuery<'_>, product_ids: &[&str], now_us: i64) -> Ranked {
        let mut only: Vec<u32> = product_ids.iter().filter_map(|id| self.catalogue.find(id)).collect();
        only.sort_unstable();
        only.dedup();
        match self.learned_for(query) {
            Some(ranker) => learned::rank(self, ranker, query, Some(&only), now_us),
            None => recommend::rank(self, query, Some(&only), now_us),
        }
    }

    /// Why the product has its score for the customer, who says `traits` of themselves, in parts that
    /// add up to it.
    ///
    /// # Errors
    /// The product is not in the catalogue, or hidden.
    pub fn explain(
        &self,
        customer_id: &str,
        product_id: &str,
        ranker: Ranker,
        traits: &[String],
        now_us: i64,
    ) -> Result<Explanation, UnknownProduct> {
        let visible = |product: &u32| self.catalogue.is_visible(*product);
        let Some(product) = self.catalogue.find(product_id).filter(visible) else {
            return Err(UnknownProduct { product_id: product_id.to_owned() });
        };
        Ok(match self.learned(ranker) {
            Some(ranker) => explain::learned(self, ranker, (customer_id, traits), product, now_us),
            None => explain::linear(self, (customer_id, traits), product, now_us),
        })
    }

    /// The learned ranker for this query; one that foresees only what is unseen has nothing to say
    /// of what was bought before.
    fn learned_for(&self, query: &RecommendQuery<'_>) -> Option<&LearnedRanker> {
        let is_for_it = |ranker: &&LearnedRanker| {
            ranker.target != Target::Unseen || query.repeat_policy != RepeatPolicy::Only
        };
        self.learned(query.ranker).filter(is_for_it)
    }

    /// The learned ranker, when it is asked for and there is one.
    fn learned(&self, ranker: Ranker) -> Option<&LearnedRanker> {
        let learned = self.snapshot.as_ref().and_then(|snapshot| snapshot.ranker.as_ref());
        learned.filter(|_| ranker == Ranker::Learned)
    }

    /// What is bought by the people who buy the product, filled up with what is popular in its
    /// category and then with what is popular.
    ///
    /// # Errors
    /// The product is not in the catalogue, or hidden.
    pub fn similar(
        &self,
        product_id: &str,
        limit: usize,
        filter: &Filter,
        now_us: i64,
    ) -> Result<Ranked, UnknownProduct> {
        let visible = |product: &u32| self.catalogue.is_visible(*product);
        match self.catalogue.find(product_id).filter(visible) {
            Some(product) => Ok(recommend::similar(self, product, limit, filter, now_us)),
            None => Err(UnknownProduct { product_id: product_id.to_owned() }),
        }
    }

    /// What is bought most of late, each buyer counting once.
    pub fn popular(&self, limit: usize, filter: &Filter, now_us: i64) -> Ranked {
        recommend::popular(self, limit, filter, now_us)
    }

    /// What rises: products whose buyers bought them lately more than is usual in the shop. A
    /// product's score is how many times as often.
    pub fn trending(&self, limit: usize, filter: &Filter, now_us: i64) -> Ranked {
        trending::trending(self, limit, filter, now_us)
    }

    /// What the customer is expected to buy within the horizon, with how many and when.
    pub fn next_basket(&self, query: &RecommendQuery<'_>, horizon_days: u16, now_us: i64) -> NextBasket {
        basket::next_basket(self, query, horizon_days, now_us)
    }

    /// Tells of products by their id whether the customer has bought them before. The customer is
    /// looked up once, however many products are asked for.
    pub fn has_bought<'a>(&'a self, customer_id: &str) -> impl Fn(&str) -> bool + use<'a> {
        let rows = self.rows_of(customer_id);
        let fresh = self.overlay.pairs_of(customer_id);
        move |product_id| {
            let Some(product) = self.catalogue.find(product_id) else { return false };
            let known = rows.binary_search_by_key(&product, |row| row.product);
            let fresh = fresh.and_then(|pairs| pairs.get(&product));
            known.is_ok_and(|place| rows[place].facts.purchases > 0)
                || fresh.is_some_and(|pair| pair.facts.purchases > 0)
        }
    }

    /// The customers of the snapshot who buy most alike, the nearest first; none for a customer it
    /// does not know.
    pub fn similar_customers(&self, customer_id: &str, limit: usize) -> Vec<SimilarCustomer> {
        alike::similar_customers(self, customer_id, limit)
    }

    /// The customer's rows in the snapshot, in the order of products; none after an erasure.
    fn rows_of(&self, customer_id: &str) -> &[HistoryRow] {
        match &self.snapshot {
            Some(snapshot) if !self.overlay.is_erased(customer_id) => {
                snapshot.customers.rows_by_id(customer_id)
            }
            _ => &[],
        }
    }

    /// The products that were added since the snapshot was made and that nobody has had yet.
    fn unsold_since_training(&self) -> impl Iterator<Item = u32> {
        let known = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.products.ids.len() as u32);
        let added = self.changed.range(known..).copied();
        added.filter(|&product| self.order.log2(product) == f64::NEG_INFINITY)
    }

    fn profiles(&self) -> Option<&ProfileModel> {
        self.snapshot.as_ref().and_then(|snapshot| snapshot.profiles.as_ref())
    }

    fn models(&self) -> Option<&Models> {
        self.snapshot.as_ref().map(|snapshot| &snapshot.models)
    }

    fn feature_models(&self) -> FeatureModels<'_> {
        FeatureModels {
            models: self.models(),
            statistics: &self.statistics,
            shelves: &self.shelves,
            discovery: self.snapshot.as_ref().and_then(|snapshot| snapshot.discovery.as_ref()),
            content: Some(&self.content),
            profiles: self.profiles(),
        }
    }

    /// The day features see things on. Of a history that ended long ago it is at most a month after
    /// the newest event, as nothing was learnt of what comes later.
    fn feature_day(&self, now_us: i64) -> i32 {
        let in_snapshot = self.snapshot.as_ref().map(|snapshot| snapshot.reference_day());
        let fresh = self.overlay.latest_us().map(|time_us| day_of(time_us).saturating_add(1));
        let newest = in_snapshot.max(fresh).unwrap_or(i32::MAX);
        day_of(now_us).min(newest.saturating_add(LONGEST_AFTER_DAYS))
    }

    /// Does something with working memory that was used before, if there is any.
    fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let pool = || self.scratches.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = pool().pop().unwrap_or_default();
        let done = work(&mut scratch);
        pool().push(scratch);
        done
    }

    /// The time weights are seen at. Without a snapshot the newest event's, so that a history that
    /// is long ago still has an order.
    fn reference_us(&self, now_us: i64) -> i64 {
        match (&self.snapshot, self.overlay.latest_us()) {
            (Some(snapshot), _) => snapshot.reference_us,
            (None, Some(latest_us)) => latest_us.min(now_us),
            (None, None) => now_us,
        }
    }

    fn buy_again(&self, product: u32) -> f64 {
        let known = self.buy_again.get(product as usize).copied();
        f64::from(known.unwrap_or_else(|| buy_again_factor(0.0, 0.0)))
    }

    fn reorder(&mut self, product: u32) {
        let log2 = self.popularity_log2(product);
        self.order.change(&self.catalogue, product, log2);
    }

    fn popularity_log2(&self, product: u32) -> f64 {
        let in_snapshot = self.snapshot.as_ref().and_then(|snapshot| {
            let popularity = *snapshot.models.popularity.get(product as usize)?;
            Some(
                f64::from(popularity).log2()
                    + self.ground.popularity_half_life.position(snapshot.reference_us),
            )
        });
        let base = in_snapshot.unwrap_or(f64::NEG_INFINITY);
        self.overlay.popularity(product).map_or(base, |fresh| fresh.log2_with(base))
    }
}

fn buy_again_factors(models: &Models) -> Vec<f32> {
    let counts = models.repeat_buyers.iter().zip(&models.buyers);
    counts.map(|(&again, &buyers)| buy_again_factor(f64::from(again), f64::from(buyers))).collect()
}

fn buy_again_factor(again: f64, buyers: f64) -> f32 {
    ((again + BUY_AGAIN_PRIOR.0) / (buyers + BUY_AGAIN_PRIOR.1)).powf(BUY_AGAIN_POWER) as f32
}
