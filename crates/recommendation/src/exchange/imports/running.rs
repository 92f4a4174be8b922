//! Runs of an import: every row is judged, and the good ones are written in one transaction, with what was
//! there before. A run shows every second that it goes on; one that fell silent may be run again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use larder_exchange::Table;
use larder_identity::TenantId;
use sqlx::PgConnection;
use tokio::sync::mpsc;

use super::reading::{self, Judged, JudgedRow, KnownFile, Met, Progress, Spooled};
use crate::convert::table::incoming::Record;
use crate::error::Error;
use crate::exchange::table_of;
use crate::metrics;
use crate::state::State;
use crate::store::budgets::NewBudget;
use crate::store::customers::NewCustomer;
use crate::store::imports::{self, Answers, ImportRow, Outcome, Run};
use crate::store::interactions::NewInteraction;
use crate::store::products::NewProduct;
use crate::store::promotions::NewPromotion;
use crate::store::{budgets, customers, imported, interactions, products, promotions, tenants};

/// Rows that are written at once.
const BATCH_ROWS: usize = 4_000;
/// A run that has not shown itself for so long has ended with its process.
const SILENT_US: i64 = 60_000_000;
/// How often a run shows how far it has come.
const SHOW: Duration = Duration::from_secs(1);

/// What is wanted of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) dry_run: bool,
    pub(crate) valid_rows_only: bool,
}

/// Whether a run goes on now.
pub(crate) fn goes_on(run: &Run, now_us: i64) -> bool {
    run.outcome == Outcome::Running && now_us - run.alive_at_us < SILENT_US
}

/// Begins a run, unless one goes on or the import is committed.
pub(crate) async fn begin(
    state: &Arc<State>,
    tenant: &TenantId,
    import_id: &str,
    wanted: Wanted,
) -> Result<ImportRow, Error> {
    let now_us = (state.clock)();
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    imports::lock(&mut transaction, tenant, import_id).await?;
    let import = imports::get(&mut transaction, tenant, import_id).await?;
    let is_running = import.run.as_ref().is_some_and(|run| goes_on(&run.0, now_us));
    if import.undone_at_us.is_some() {
        return Err(Error::NotSetUp("the import was taken back; begin another one"));
    }
    if import.committed_at_us.is_some() || is_running {
        // Whoever asks twice hears what the first time came to.
        return Ok(import);
    }
    let permit = state.imports.clone().try_acquire_owned().map_err(|_| {
        Error::Busy("as many imports as may run at once are under way; try again when one has ended")
    })?;
    let table = table_of(&import.kind)?;
    let file = reading::spool(&mut transaction, tenant, &import).await?;
    let run = Run {
        outcome: Outcome::Running,
        dry_run: wanted.dry_run,
        valid_rows_only: wanted.valid_rows_only,
        read: 0,
        accepted: 0,
        rejected: 0,
        passed_over: 0,
        duplicates: 0,
        read_percent: 0,
        message: String::new(),
        started_at_us: now_us,
        finished_at_us: None,
        alive_at_us: now_us,
        is_cancelled: false,
    };
    imports::note_run(&mut transaction, tenant, import_id, &run).await?;
    let answered = imports::get(&mut transaction, tenant, import_id).await?;
    transaction.commit().await?;
    let work = Work {
        state: state.clone(),
        tenant: tenant.clone(),
        import_id: import_id.to_owned(),
        table,
        answers: import.answers.0,
        run,
        progress: file.progress(),
        met: Met::default(),
        batch: 0,
        shown_at: tokio::time::Instant::now(),
    };
    tokio::spawn(async move {
        work.run(file).await;
        drop(permit);
    });
    Ok(answered)
}

struct Work {
    state: Arc<State>,
    tenant: TenantId,
    import_id: String,
    table: Table,
    answers: Answers,
    run: Run,
    progress: Progress,
    met: Met,
    /// The number of the next batch.
    batch: i32,
    shown_at: tokio::time::Instant,
}

impl Work {
    async fn run(mut self, file: Spooled) {
        let ended = self.attempt(file).await;
        let is_written = ended.is_ok() && !self.run.dry_run;
        (self.run.outcome, self.run.message) = match ended {
            Ok(()) => (Outcome::Succeeded, String::new()),
            Err(Ended::Cancelled) => (Outcome::Cancelled, "cancelled; nothing was written".to_owned()),
            Err(Ended::Refused(reason)) => (Outcome::Refused, reason),
            Err(Ended::Error(error @ Error::Invalid(_))) => (Outcome::Refused, error.to_string()),
            Err(Ended::Error(error)) => {
                tracing::warn!(import.id = self.import_id, error.cause = %error, "an import failed");
                (Outcome::Failed, "something went wrong inside; nothing was written, run it again".to_owned())
            }
        };
        let rows = if is_written { self.run.accepted } else { 0 };
        metrics::import_ended(self.table.kind, self.run.outcome.name(), rows);
        if !is_written {
            self.run.finished_at_us = Some((self.state.clock)());
            // A database that is away leaves the run silent, which is known for what it is after a minute.
            self.show().await.ok();
        }
    }

    async fn attempt(&mut self, file: Spooled) -> Result<(), Ended> {
        if self.run.dry_run {
            return self.pass(file, None).await;
        }
        let mut transaction =
            larder_database::begin_tenant(&self.state.app, &self.tenant).await.map_err(Error::from)?;
        tenants::remember(&mut transaction, &self.tenant).await.map_err(Error::from)?;
        self.pass(file, Some(&mut *transaction)).await?;
        if self.is_lost() {
            return Err(Ended::Refused(format!(
                "{} of {} rows are refused, and all or nothing was wanted; nothing was written",
                self.run.rejected, self.run.read
            )));
        }
        // How it ended is told by the transaction that writes the rows: either both are there or neither.
        let run = Run {
            outcome: Outcome::Succeeded,
            read_percent: 100,
            finished_at_us: Some((self.state.clock)()),
            ..self.run.clone()
        };
        let marked = imports::committed(&mut transaction, &self.tenant, &self.import_id, &run).await;
        if !marked.map_err(Error::from)? {
            return Err(self.show().await.err().unwrap_or(Ended::Cancelled));
        }
        interactions::wake_followers(&mut transaction).await.map_err(Error::from)?;
        transaction.commit().await.map_err(Error::from)?;
        Ok(())
    }

    /// Whether nothing will be written any more.
    fn is_lost(&self) -> bool {
        self.run.rejected > 0 && !self.run.valid_rows_only
    }

    /// Goes over every row, and writes the good ones where a transaction is given.
    async fn pass(&mut self, file: Spooled, mut db: Option<&mut PgConnection>) -> Result<(), Ended> {
        let (rows, mut batches) = mpsc::channel::<Vec<JudgedRow>>(1);
        let (table, answers) = (self.table.clone(), self.answers.clone());
        let now_us = (self.state.clock)();
        let reading = tokio::task::spawn_blocking(move || {
            let mut batch = Vec::with_capacity(BATCH_ROWS);
            let mut take = |_: &KnownFile, row: JudgedRow| {
                batch.push(row);
                if batch.len() < BATCH_ROWS {
                    return ControlFlow::Continue(());
                }
                let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ROWS));
                if rows.blocking_send(full).is_ok() {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            };
            let known = reading::judge(file, &table, &answers, now_us, &mut take);
            // Whoever left needs no more rows.
            rows.blocking_send(batch).ok();
            known
        });
        while let Some(batch) = batches.recv().await {
            let records = self.count(batch);
            if let Some(db) = db.as_deref_mut().filter(|_| !self.is_lost()) {
                self.write(db, records).await?;
            }
            self.show_if_due().await?;
        }
        reading.await.map_err(|error| Error::Internal(format!("reading an upload: {error}")))??;
        Ok(())
    }

    /// Writes rows of different ids, with what is needed to take them back.
    async fn write(&mut self, db: &mut PgConnection, records: Vec<Record>) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        if self.table.kind != "transactions" {
            let ids: Vec<String> = records.iter().map(|record| record.id().to_owned()).collect();
            imported::keep_before(db, &self.tenant, (&self.import_id, self.table.kind), &ids).await?;
        }
        let rows = Rows::of(records);
        rows.upsert(db, &self.tenant).await?;
        if rows.purchases.is_empty() {
            return Ok(());
        }
        let added = interactions::append(db, &self.tenant, &rows.purchases).await?.event_ids;
        self.run.passed_over += i64::try_from(rows.purchases.len() - added.len()).unwrap_or(i64::MAX);
        let added: Vec<String> = added.into_iter().collect();
        imported::keep_added(db, &self.tenant, (&self.import_id, self.batch), &added).await?;
        self.batch += 1;
        Ok(())
    }

    /// Counts a batch and gives the last good row of each id.
    fn count(&mut self, batch: Vec<JudgedRow>) -> Vec<Record> {
        let mut records: Vec<Record> = Vec::with_capacity(batch.len());
        for row in batch {
            self.run.read += 1;
            match row.judged {
                Judged::Bad(_) => self.run.rejected += 1,
                Judged::Example => self.run.passed_over += 1,
                Judged::Good(record) => {
                    self.run.accepted += 1;
                    if self.met.again(record.id()) {
                        self.run.duplicates += 1;
                    }
                    records.push(*record);
                }
            }
        }
        let mut seen = std::collections::HashSet::new();
        records.reverse();
        records.retain(|record| seen.insert(record.id().to_owned()));
        records.reverse();
        records
    }

    async fn show_if_due(&mut self) -> Result<(), Ended> {
        if self.shown_at.elapsed() < SHOW {
            return Ok(());
        }
        self.shown_at = tokio::time::Instant::now();
        self.show().await
    }

    /// Writes down how far the run has come, beside the transaction of the rows. An error when it shall not
    /// go on.
    async fn show(&mut self) -> Result<(), Ended> {
        let mut transaction =
            larder_database::begin_tenant(&self.state.app, &self.tenant).await.map_err(Error::from)?;
        imports::lock(&mut transaction, &self.tenant, &self.import_id).await.map_err(Error::from)?;
        let kept = imports::get(&mut transaction, &self.tenant, &self.import_id).await?;
        self.run.is_cancelled = kept.run.is_some_and(|run| run.0.is_cancelled);
        self.run.alive_at_us = (self.state.clock)();
        self.run.read_percent = self.progress.percent();
        imports::note_run(&mut transaction, &self.tenant, &self.import_id, &self.run)
            .await
            .map_err(Error::from)?;
        transaction.commit().await.map_err(Error::from)?;
        if kept.part_count.is_none() {
            // A customer was erased, and the file may name them.
            return Err(Ended::Refused("its file was taken away meanwhile; nothing was written".to_owned()));
        }
        if self.run.is_cancelled { Err(Ended::Cancelled) } else { Ok(()) }
    }
}

enum Ended {
    Cancelled,
    Refused(String),
    Error(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// The rows of a batch; but for one kind there are none.
#[derive(Default)]
struct Rows {
    customers: Vec<NewCustomer>,
    products: Vec<NewProduct>,
    promotions: Vec<NewPromotion>,
    budgets: Vec<NewBudget>,
    purchases: Vec<NewInteraction>,
}

impl Rows {
    fn of(records: Vec<Record>) -> Self {
        let mut rows = Self::default();
        for record in records {
            match record {
                Record::Customer(row) => rows.customers.push(row),
                Record::Product(row) => rows.products.push(row),
                Record::Promotion(row) => rows.promotions.push(row),
                Record::Budget(row) => rows.budgets.push(row),
                Record::Transaction(row) => rows.purchases.push(row),
            }
        }
        rows
    }

    /// Inserts or replaces those that can be replaced.
    async fn upsert(&self, db: &mut PgConnection, tenant: &TenantId) -> Result<(), Error> {
        if !self.customers.is_empty() {
            customers::upsert(db, tenant, &self.customers).await?;
        }
        if !self.products.is_empty() {
            products::upsert(db, tenant, &self.products).await?;
        }
        if !self.promotions.is_empty() {
            promotions::upsert(db, tenant, &self.promotions).await?;
        }
        if !self.budgets.is_empty() {
            budgets::upsert(db, tenant, &self.budgets).await?;
        }
        Ok(())
    }
}
