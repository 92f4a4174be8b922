//! The rows of an export, page by page within one moment of the database.

use larder_exchange::{Row, Table};
use larder_identity::TenantId;
use larder_proto::larder::market::v1::MarketPlan;
use prost::Message;
use sqlx::PgConnection;

use super::ExportFilter;
use crate::convert::table;
use crate::error::Error;
use crate::store::interactions::{TransactionPage, TransactionRow};
use crate::store::market_feedback::{FeedbackPlace, FeedbackRow};
use crate::store::products::ProductPage;
use crate::store::{budgets, customers, interactions, market_feedback, market_plans, products, promotions};

/// Rows of the first page, which the reader waits for, and of the others.
const FIRST_ROWS: i64 = 500;
const ROWS: i64 = 4_000;
/// More columns of attributes no table can have.
const MOST_ATTRIBUTES: i64 = 1_000;

/// Where an export has got to.
#[derive(Default)]
pub(super) struct Pages {
    place: Place,
    begun: bool,
}

#[derive(Default)]
enum Place {
    #[default]
    Start,
    Id(String),
    At(i64, String),
    Day(FeedbackPlace),
}

/// A page that was read.
struct Read {
    rows: Vec<Row>,
    /// Where the next one begins; `None` when nothing was left.
    last: Option<Place>,
}

impl Read {
    fn of<Stored>(
        stored: &[Stored],
        cells: impl Fn(&Stored) -> Row,
        place: impl Fn(&Stored) -> Place,
    ) -> Self {
        Self { rows: stored.iter().map(cells).collect(), last: stored.last().map(place) }
    }
}

/// The table with a column for every attribute that its rows have.
pub(super) async fn with_attributes(
    db: &mut PgConnection,
    tenant: &TenantId,
    table: Table,
) -> Result<Table, Error> {
    let keys = match table.kind {
        "products" => products::attribute_keys(db, tenant, MOST_ATTRIBUTES + 1).await?,
        "customers" => customers::attribute_keys(db, tenant, MOST_ATTRIBUTES + 1).await?,
        _ => Vec::new(),
    };
    if keys.len() as i64 > MOST_ATTRIBUTES {
        let told = format!(
            "{} have more than {MOST_ATTRIBUTES} different attributes, which no table holds",
            table.kind
        );
        return Err(Error::invalid("kind", told));
    }
    Ok(table.with_attributes(keys.iter().map(String::as_str)))
}

impl Pages {
    /// The next rows; none at the end.
    pub(super) async fn next(
        &mut self,
        db: &mut PgConnection,
        tenant: &TenantId,
        table: &Table,
        filter: &ExportFilter,
    ) -> Result<Option<Vec<Row>>, Error> {
        let size = if self.begun { ROWS } else { FIRST_ROWS };
        self.begun = true;
        let after = match &self.place {
            Place::Id(id) => id.clone(),
            _ => String::new(),
        };
        let read = match table.kind {
            "customers" => {
                let rows = customers::list(db, tenant, &after, size).await?;
                Read::of(&rows, |row| table::customer(table, row), |row| Place::Id(row.customer_id.clone()))
            }
            "products" => {
                let (category, in_stock) = (filter.category.as_deref(), filter.in_stock);
                let page = ProductPage { after: &after, category, in_stock, size };
                let rows = products::list(db, tenant, page).await?;
                Read::of(&rows, |row| table::product(table, row), |row| Place::Id(row.product_id.clone()))
            }
            "promotions" => {
                let rows = promotions::list(db, tenant, &after, filter.active_at_us, size).await?;
                Read::of(&rows, |row| table::promotion(table, row), |row| Place::Id(row.promotion_id.clone()))
            }
            "budgets" => {
                let rows = budgets::list(db, tenant, &after, filter.customer_id.as_deref(), size).await?;
                Read::of(&rows, |row| table::budget(table, row), |row| Place::Id(row.budget_id.clone()))
            }
            "transactions" => self.transactions(db, tenant, table, filter, size).await?,
            "market-plans" => self.plans(db, tenant, table, filter, size).await?,
            _ => self.feedback(db, tenant, table, filter, size).await?,
        };
        let Some(last) = read.last else { return Ok(None) };
        self.place = last;
        Ok(Some(read.rows))
    }

    async fn transactions(
        &self,
        db: &mut PgConnection,
        tenant: &TenantId,
        table: &Table,
        filter: &ExportFilter,
        size: i64,
    ) -> Result<Read, Error> {
        let before = match &self.place {
            Place::At(at_us, id) => Some((*at_us, id.as_str())),
            _ => None,
        };
        let page = TransactionPage {
            before,
            customer_id: filter.customer_id.as_deref(),
            product_id: filter.product_id.as_deref(),
            from_us: filter.from_us,
            until_us: filter.until_us,
            size,
        };
        let rows = interactions::list_transactions(db, tenant, page).await?;
        let place = |row: &TransactionRow| Place::At(row.occurred_at_us, row.event_id.clone());
        Ok(Read::of(&rows, |row| table::transaction(table, row), place))
    }

    async fn plans(
        &self,
        db: &mut PgConnection,
        tenant: &TenantId,
        table: &Table,
        filter: &ExportFilter,
        size: i64,
    ) -> Result<Read, Error> {
        let after = match &self.place {
            Place::At(day, market_id) => Some((i32::try_from(*day).unwrap_or_default(), market_id.as_str())),
            _ => None,
        };
        // A plan has many lines.
        let kept = market_plans::list(db, tenant, &filter.days, after, size / 100).await?;
        let last = kept.last().map(|plan| Place::At(plan.held_on_day.into(), plan.market_id.clone()));
        let mut rows = Vec::new();
        for kept in &kept {
            let plan = MarketPlan::decode(kept.plan.as_slice())
                .map_err(|error| Error::Internal(format!("a kept plan does not decode: {error}")))?;
            rows.extend(table::plan_lines(table, &plan));
        }
        Ok(Read { rows, last })
    }

    async fn feedback(
        &self,
        db: &mut PgConnection,
        tenant: &TenantId,
        table: &Table,
        filter: &ExportFilter,
        size: i64,
    ) -> Result<Read, Error> {
        let after = match &self.place {
            Place::Day(place) => Some(place),
            _ => None,
        };
        let rows = market_feedback::list(db, tenant, &filter.days, after, size).await?;
        let place = |row: &FeedbackRow| {
            Place::Day(FeedbackPlace {
                held_on_day: row.held_on_day,
                market_id: row.market_id.clone(),
                product_id: row.product_id.clone(),
            })
        };
        Ok(Read::of(&rows, |row| table::feedback(table, row), place))
    }
}
