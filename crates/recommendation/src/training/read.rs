//! Reading a tenant's log for a training, once from its begin to its end for each model that is
//! fitted: never are the events of two trainings in memory at once. Only reads; each pass is one
//! transaction that sees one state.

use std::collections::{HashMap, HashSet};

use larder_ranking::{Event, InteractionKind, Serving, Trainer};
use sqlx::PgPool;
use tokio::sync::mpsc;

use super::{TrainingProgress, count};
use crate::error::Error;
use crate::store::held_out::{self, DataWindow, Span};
use crate::store::{self, LogPosition, customers, interactions, products};

const ROWS: i64 = 10_000;
/// A mean over so many customers is sure to a third of a percentage point.
const MOST_CUSTOMERS: i64 = 20_000;

/// Tells whoever asked how far the work has come.
#[derive(Clone, Default)]
pub(crate) struct Progress(pub(crate) Option<mpsc::Sender<TrainingProgress>>);

impl Progress {
    pub(crate) async fn tell(&self, step: &str, done_count: i64) {
        if let Some(listener) = &self.0 {
            // Nobody listening any more is no reason to stop.
            let _ = listener.send(TrainingProgress { step: step.to_owned(), done_count }).await;
        }
    }
}

/// The log of one tenant.
pub(super) struct LogReader<'a> {
    pub(super) pool: &'a PgPool,
    pub(super) tenant: &'a str,
    pub(super) progress: &'a Progress,
}

/// A customer whose later purchases are to be foretold.
pub(super) struct HeldOutCustomer {
    pub(super) customer_id: String,
    /// What they say of themselves.
    pub(super) traits: Vec<String>,
    /// What they went on to buy.
    pub(super) wanted: HashSet<String>,
    /// What they had bought before.
    pub(super) bought_before: HashSet<String>,
    /// How often, older purchases counting less.
    pub(super) frequencies: HashMap<String, f64>,
}

/// What is known of the log before it is read.
pub(super) struct Outline {
    /// When the first and the last purchase happened.
    pub(super) window: DataWindow,
    /// Everything counts as a purchase but dislikes, since there are no purchases.
    pub(super) any_kind: bool,
    /// Transactions below it have ended.
    pub(super) horizon: i64,
}

/// What a pass over the log gave.
pub(super) struct Pass {
    pub(super) trainer: Trainer,
    pub(super) horizon: i64,
}

impl LogReader<'_> {
    /// Looks how far the purchases reach; `None` when there are none up to `now_us`.
    pub(super) async fn outline(&self, now_us: i64) -> Result<Option<Outline>, Error> {
        let mut db = self.pool.begin().await?;
        store::freeze(&mut db).await?;
        let horizon = interactions::horizon(&mut db).await?;
        let span = Span { tenant: self.tenant, from_us: 0, until_us: now_us.saturating_add(1), horizon };
        for any_kind in [false, true] {
            if let Some(window) = held_out::data_window(&mut db, span, any_kind).await? {
                return Ok(Some(Outline { window, any_kind, horizon }));
            }
        }
        Ok(None)
    }

    /// The customers with purchases from `split_us` up to the last one.
    pub(super) async fn held_out(
        &self,
        outline: &Outline,
        split_us: i64,
    ) -> Result<Vec<HeldOutCustomer>, Error> {
        let mut db = self.pool.begin().await?;
        store::freeze(&mut db).await?;
        let span = self.span(outline, split_us, outline.window.last_us + 1);
        let rows = held_out::customers(&mut db, span, outline.any_kind, MOST_CUSTOMERS).await?;
        let mut traits = self.traits(split_us).await?;
        let customers = rows.into_iter().map(|row| HeldOutCustomer {
            traits: traits.remove(&row.customer_id).unwrap_or_default(),
            customer_id: row.customer_id,
            wanted: row.product_ids.into_iter().collect(),
            bought_before: HashSet::new(),
            frequencies: HashMap::new(),
        });
        Ok(customers.collect())
    }

    /// By customer, what they say of themselves.
    pub(super) async fn traits(&self, now_us: i64) -> Result<HashMap<String, Vec<String>>, Error> {
        let mut db = self.pool.begin().await?;
        store::freeze(&mut db).await?;
        let (mut traits, mut after) = (HashMap::new(), String::new());
        loop {
            let rows = customers::profiles(&mut db, self.tenant, &after, ROWS).await?;
            let Some((last, _)) = rows.last() else { return Ok(traits) };
            after.clone_from(last);
            let said = rows.into_iter().map(|(customer_id, profile)| (customer_id, profile.traits(now_us)));
            traits.extend(said.filter(|(_, traits)| !traits.is_empty()));
        }
    }

    /// Feeds `trainer` with all products, profiles and every event that `takes` says yes to.
    pub(super) async fn feed(
        &self,
        step: &str,
        mut trainer: Trainer,
        mut takes: impl FnMut(&Event) -> bool + Send,
    ) -> Result<Pass, Error> {
        let mut db = self.pool.begin().await?;
        store::freeze(&mut db).await?;
        let horizon = interactions::horizon(&mut db).await?;
        let mut after = LogPosition::default();
        loop {
            let rows = products::changes(&mut db, Some(self.tenant), after, Some(horizon), ROWS).await?;
            let Some(last) = rows.last() else { break };
            after = last.position;
            rows.into_iter().for_each(|row| trainer.add_product(row.record));
        }
        for (customer_id, traits) in self.traits(trainer.now_us()).await? {
            trainer.add_customer(&customer_id, traits);
        }
        let (mut after, mut read) = (LogPosition::default(), 0);
        loop {
            let rows = interactions::log(&mut db, Some(self.tenant), after, Some(horizon), ROWS).await?;
            let Some(last) = rows.last() else { break };
            after = last.position;
            read += count(rows.len() as u64);
            let taken = rows.iter().filter_map(|row| row.event.as_ref()).filter(|event| takes(event));
            taken.for_each(|event| trainer.add_event(event));
            self.progress.tell(step, read).await;
        }
        Ok(Pass { trainer, horizon })
    }

    /// Lays what happened from `from_us` on and before `until_us` over `serving`, as serving does
    /// with what comes after its model.
    pub(super) async fn overlay(
        &self,
        serving: &mut Serving,
        outline: &Outline,
        (from_us, until_us): (i64, i64),
    ) -> Result<(), Error> {
        let mut db = self.pool.begin().await?;
        store::freeze(&mut db).await?;
        let span = self.span(outline, from_us, until_us);
        let mut after = LogPosition::default();
        loop {
            let rows = held_out::events(&mut db, span, after, ROWS).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.position;
            for event in rows.into_iter().filter_map(|row| row.event) {
                serving.record(&event);
            }
        }
    }

    fn span(&self, outline: &Outline, from_us: i64, until_us: i64) -> Span<'_> {
        Span { tenant: self.tenant, from_us, until_us, horizon: outline.horizon }
    }
}

/// Notes what the customers had bought before the split while the log goes by.
pub(super) struct Histories<'a> {
    places: HashMap<String, usize>,
    customers: &'a mut [HeldOutCustomer],
    split_us: i64,
    half_life_us: f64,
    any_kind: bool,
}

impl<'a> Histories<'a> {
    pub(super) fn of(
        customers: &'a mut [HeldOutCustomer],
        split_us: i64,
        half_life_us: f64,
        any_kind: bool,
    ) -> Self {
        let places =
            (0..).zip(customers.iter()).map(|(place, one)| (one.customer_id.clone(), place)).collect();
        Self { places, customers, split_us, half_life_us, any_kind }
    }

    /// Whether the event came before the split; a purchase of these customers is noted.
    pub(super) fn take(&mut self, event: &Event) -> bool {
        if event.occurred_at_us >= self.split_us {
            return false;
        }
        let is_purchase = event.kind == InteractionKind::Purchase
            || (self.any_kind && event.kind != InteractionKind::Dislike);
        if is_purchase && let Some(place) = self.places.get(&event.customer_id) {
            let age_us = (self.split_us - event.occurred_at_us) as f64;
            let customer = &mut self.customers[*place];
            customer.bought_before.insert(event.product_id.clone());
            *customer.frequencies.entry(event.product_id.clone()).or_default() +=
                (-age_us / self.half_life_us).exp2();
        }
        true
    }
}
