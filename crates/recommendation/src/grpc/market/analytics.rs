//! Calls that sum up what was sold.

use std::collections::HashMap;

use larder_demand::{Uplift, UpliftDay};
use larder_identity::TenantId;
use larder_proto::larder::market::v1::*;
use sqlx::PgConnection;

use crate::convert::money;
use crate::days::utc_day;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::sales_analytics::{self, GroupBy, GroupSum, SalesFilter, Spent};
use crate::validate::Fields;

const USUAL_DAYS: i32 = 30;
const MOST_DAYS: i32 = 3_660;
const DEFAULT_LIMIT: usize = 100;

pub(super) async fn sum_up(
    state: &State,
    tenant: &TenantId,
    request: GetSalesAnalyticsRequest,
) -> Result<GetSalesAnalyticsResponse, Error> {
    let today = utc_day((state.clock)());
    let mut fields = Fields::default();
    let group = SalesGroup::try_from(request.group_by).unwrap_or_default();
    if group == SalesGroup::Unspecified {
        fields.refuse(
            "group_by",
            "must be one of SALES_GROUP_PRODUCT, _MARKET, _WEEKDAY, _HOUR, _DAY, _PROMOTION, _BUDGET",
        );
    }
    fields.optional_id("market_id", &request.market_id);
    fields.optional_id("product_id", &request.product_id);
    fields.whole("limit", request.limit.into(), 0, 1_000);
    let (from_day, until_day) = super::period(&mut fields, &request.from_on, &request.until_on, today);
    let from_day = from_day.unwrap_or(until_day - USUAL_DAYS + 1);
    if until_day - from_day >= MOST_DAYS {
        fields.refuse("from_on", format!("must be at most {MOST_DAYS} days before until_on"));
    }
    fields.finish(())?;
    let only = |id: &str| (!id.is_empty()).then(|| id.to_owned());
    let mut filter = SalesFilter {
        from_day,
        before_day: until_day + 1,
        market_id: only(&request.market_id),
        product_id: only(&request.product_id),
        currency: String::new(),
    };
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let currencies = sales_analytics::currencies(&mut transaction, tenant, &filter).await?;
    filter.currency = currencies.currency.unwrap_or_default();
    let mut answer = answer(&mut transaction, tenant, &filter, group).await?;
    transaction.commit().await?;
    answer
        .sums
        .truncate(usize::try_from(request.limit).ok().filter(|most| *most > 0).unwrap_or(DEFAULT_LIMIT));
    metrics::market_answered("sales_analytics", false);
    Ok(GetSalesAnalyticsResponse { other_currency_count: currencies.other_sale_count, ..answer })
}

async fn answer(
    db: &mut PgConnection,
    tenant: &TenantId,
    filter: &SalesFilter,
    group: SalesGroup,
) -> Result<GetSalesAnalyticsResponse, Error> {
    let group_by = match group {
        SalesGroup::Promotion => {
            let sums = promotions(db, tenant, filter).await?;
            return promoted(db, tenant, filter, sums).await;
        }
        SalesGroup::Budget => {
            let spent = sales_analytics::spent_by_budget(db, tenant, filter).await?;
            let sums = spent.into_iter().map(|spent| spent_to_wire(spent, filter)).collect();
            return promoted(db, tenant, filter, sums).await;
        }
        SalesGroup::Market => GroupBy::Market,
        SalesGroup::Weekday => GroupBy::Weekday,
        SalesGroup::Hour => GroupBy::Hour,
        SalesGroup::Day => GroupBy::Day,
        SalesGroup::Product | SalesGroup::Unspecified => GroupBy::Product,
    };
    let mut sums = sales_analytics::sums(db, tenant, filter, group_by).await?;
    let total = sums.iter().position(|sum| sum.group.is_empty()).map(|place| sums.swap_remove(place));
    let total = total.map(|sum| sum_to_wire(sum, filter));
    let mut sums: Vec<_> = sums.into_iter().map(|sum| sum_to_wire(sum, filter)).collect();
    sort(&mut sums, group_by.is_time());
    Ok(GetSalesAnalyticsResponse { sums, total, other_currency_count: 0 })
}

/// Sums of promotions or budgets, with that of all promotions.
async fn promoted(
    db: &mut PgConnection,
    tenant: &TenantId,
    filter: &SalesFilter,
    mut sums: Vec<SalesSum>,
) -> Result<GetSalesAnalyticsResponse, Error> {
    let total = sum_to_wire(sales_analytics::promoted_sum(db, tenant, filter).await?, filter);
    sort(&mut sums, false);
    Ok(GetSalesAnalyticsResponse { sums, total: Some(total), other_currency_count: 0 })
}

/// By time where the group is one, otherwise by falling amount.
fn sort(sums: &mut [SalesSum], is_time: bool) {
    let units = |sum: &SalesSum| sum.amount.as_ref().map_or((0, 0), |amount| (amount.units, amount.nanos));
    let number = |sum: &SalesSum| sum.group.parse::<u32>().ok();
    sums.sort_by(|one, other| {
        if is_time {
            number(one).cmp(&number(other)).then_with(|| one.group.cmp(&other.group))
        } else {
            units(other).cmp(&units(one)).then_with(|| one.group.cmp(&other.group))
        }
    });
}

/// Promotions with what they gave up and how many more units went on their days.
async fn promotions(
    db: &mut PgConnection,
    tenant: &TenantId,
    filter: &SalesFilter,
) -> Result<Vec<SalesSum>, Error> {
    let spent = sales_analytics::spent_by_promotion(db, tenant, filter).await?;
    let days = sales_analytics::promoted_days(db, tenant, filter).await?;
    let mut of: HashMap<String, Vec<UpliftDay>> = HashMap::new();
    for spent in &spent {
        let series: Vec<_> = days
            .iter()
            .filter(|day| day.promotion_id.is_empty() || day.promotion_id == spent.id)
            .map(|day| UpliftDay {
                series: format!("{}/{}", day.market_id, day.product_id),
                promoted: !day.promotion_id.is_empty(),
                quantity: day.quantity.max(0.0),
            })
            .collect();
        of.insert(spent.id.clone(), series);
    }
    let with_uplift = |spent: Spent| {
        let uplift = of.get(&spent.id).and_then(|days| Uplift::of(days));
        SalesSum {
            uplift: uplift.map(|uplift| uplift.factor),
            uplift_low: uplift.map(|uplift| uplift.low),
            uplift_high: uplift.map(|uplift| uplift.high),
            ..spent_to_wire(spent, filter)
        }
    };
    Ok(spent.into_iter().map(with_uplift).collect())
}

fn sum_to_wire(sum: GroupSum, filter: &SalesFilter) -> SalesSum {
    SalesSum {
        group: sum.group,
        name: sum.name,
        quantity: sum.quantity,
        amount: Some(money(sum.amount_micros, &filter.currency)),
        sale_count: sum.sale_count,
        day_count: i32::try_from(sum.day_count).unwrap_or(i32::MAX),
        quantity_per_day: sum.quantity / sum.day_count.max(1) as f64,
        ..SalesSum::default()
    }
}

fn spent_to_wire(spent: Spent, filter: &SalesFilter) -> SalesSum {
    let amount = |micros: i64| money(micros, &filter.currency);
    let (budget_micros, spent_micros) = (spent.budget_micros, spent.spent_micros);
    let sum = GroupSum {
        group: spent.id,
        name: spent.name,
        quantity: spent.quantity,
        amount_micros: spent.amount_micros,
        sale_count: spent.sale_count,
        day_count: spent.day_count,
    };
    SalesSum {
        budget: budget_micros.map(amount),
        spent: Some(amount(spent_micros)),
        ..sum_to_wire(sum, filter)
    }
}
