//! Sums of sales, read out of the hours they are kept by.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// Which sales are summed up; days count from 1970, the last one is not in it.
#[derive(Clone, Debug)]
pub(crate) struct SalesFilter {
    pub(crate) from_day: i32,
    pub(crate) before_day: i32,
    pub(crate) market_id: Option<String>,
    pub(crate) product_id: Option<String>,
    /// Only markets of this currency.
    pub(crate) currency: String,
}

/// What sales are summed up by, as SQL knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupBy {
    Product,
    Market,
    Weekday,
    Hour,
    Day,
}

impl GroupBy {
    fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Market => "market",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Whether groups follow one another in time.
    pub(crate) fn is_time(self) -> bool {
        matches!(self, Self::Weekday | Self::Hour | Self::Day)
    }
}

/// The sales of one group.
#[derive(Clone, Debug)]
pub(crate) struct GroupSum {
    pub(crate) group: String,
    /// What it is called, where it has a name.
    pub(crate) name: String,
    pub(crate) quantity: f64,
    pub(crate) amount_micros: i64,
    pub(crate) sale_count: i64,
    pub(crate) day_count: i64,
}

/// The currency of most sales of the time and how many there are of others.
pub(crate) struct Currencies {
    pub(crate) currency: Option<String>,
    pub(crate) other_sale_count: i64,
}

/// In which currency most sales were made. Sales are only looked at where there are several.
pub(crate) async fn currencies(
    db: &mut PgConnection,
    tenant: &TenantId,
    filter: &SalesFilter,
) -> sqlx::Result<Currencies> {
    let of_markets = sqlx::query_scalar!(
        "select distinct currency from recommendation.markets
         where tenant_id = $1 and ($2::text is null or market_id = $2)",
        tenant.as_str(),
        filter.market_id,
    )
    .fetch_all(&mut *db)
    .await?;
    if of_markets.len() <= 1 {
        return Ok(Currencies { currency: of_markets.into_iter().next(), other_sale_count: 0 });
    }
    let rows = sqlx::query!(
        r#"select markets.currency, sum(hours.sale_count)::bigint as "sale_count!"
           from (
               select market_id, sum(sale_count) as sale_count
               from recommendation.sale_hours
               where tenant_id = $1
                     and sold_on >= date '1970-01-01' + $2::integer
                     and sold_on < date '1970-01-01' + $3::integer
                     and ($4::text is null or market_id = $4)
                     and ($5::text is null or product_id = $5)
               group by market_id
           ) as hours
           join recommendation.markets on markets.tenant_id = $1 and markets.market_id = hours.market_id
           group by markets.currency
           order by 2 desc, 1"#,
        tenant.as_str(),
        filter.from_day,
        filter.before_day,
        filter.market_id,
        filter.product_id,
    )
    .fetch_all(db)
    .await?;
    Ok(Currencies {
        other_sale_count: rows.iter().skip(1).map(|row| row.sale_count).sum(),
        currency: rows.into_iter().next().map(|row| row.currency),
    })
}

/// Sums by group, with the sum of all behind them, whose group is the empty one.
pub(crate) async fn sums(
    db: &mut PgConnection,
    tenant: &TenantId,
    filter: &SalesFilter,
    group_by: GroupBy,
) -> sqlx::Result<Vec<GroupSum>> {
    sqlx::query_file_as!(
        GroupSum,
        "src/store/sql/sum_sales.sql",
        tenant.as_str(),
        filter.from_day,
        filter.before_day,
        filter.market_id,
        filter.product_id,
        filter.currency,
        group_by.name()
    )
    .fetch_all(db)
    .await
}

/// The sum of everything that was sold under promotions; its group is the empty one.
pub(crate) async fn promoted_sum(
    db: &mut PgConnection,
    tenant: &TenantId,
    filter: &SalesFilter,
) -> sqlx::Result<GroupSum> {
    let sum = sqlx::query_file!(
        "src/store/sql/sum_promoted_sales.sql",
        tenant.as_str(),
        filter.from_day,
        filter.before_day,
        filter.market_id,
        filter.product_id,
        filter.currency
    )
    .fetch_one(db)
    .await?;
    Ok(GroupSum {
        group: String::new(),
        name: String::new(),
        quantity: sum.quantity,
        amount_micros: sum.amount_micros,
        sale_count: sum.sale_count,
        day_count: sum.day_count,
    })
}

/// A product at a market on a day, for the effect of promotions.
pub(crate) struct PromotedDay {
    pub(crate) market_id: String,
    pub(crate) product_id: String,
    /// The promotion most units went under; empty for none.
    pub(crate) promotion_id: String,
    pub(crate) quantity: f64,
}

/// The days of products that had any promotion in the time.
pub(crate) async fn promoted_days(
    db: &mut PgConnection,
    tenant: &TenantId,
    filter: &SalesFilter,
) -> sqlx::Result<Vec<PromotedDay>> {
    sqlx::query_file_as!(
        PromotedDay,
        "src/store/sql/list_promoted_days.sql",
        tenant.as_str(),
        filter.from_day,
        filter.before_day,
        filter.market_id,
        filter.product_id,
        filter.currency
    )
    .fetch_all(db)
    .await
}

/// What was given up in discounts.
pub(crate) struct Spent {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) budget_micros: Option<i64>,
    pub(crate) spent_micros: i64,
    pub(crate) sale_count: i64,
    pub(crate) quantity: f64,
    pub(crate) amount_micros: i64,
    pub(crate) day_count: i64,
}

/// What each promotion gave up: what was paid is the price less the discount, so that the discount is
/// its part of the price that was paid.
pub(crate) async fn spent_by_promotion(
    db: &mut PgConnection,
    tenant: &TenantId,
    filter: &SalesFilter,
) -> sqlx::Result<Vec<Spent>> {
    sqlx::query_file_as!(
        Spent,
        "src/store/sql/sum_promotion_spend.sql",
        tenant.as_str(),
        filter.from_day,
        filter.before_day,
        filter.market_id,
        filter.product_id,
        filter.currency
    )
    .fetch_all(db)
    .await
}

/// What was spent out of each budget of everybody that runs in the time and is in the currency: the
/// discounts of its days and its category.
pub(crate) async fn spent_by_budget(
    db: &mut PgConnection,
    tenant: &TenantId,
    filter: &SalesFilter,
) -> sqlx::Result<Vec<Spent>> {
    sqlx::query_file_as!(
        Spent,
        "src/store/sql/sum_budget_spend.sql",
        tenant.as_str(),
        filter.from_day,
        filter.before_day,
        filter.market_id,
        filter.product_id,
        filter.currency
    )
    .fetch_all(db)
    .await
}
