//! What tenants used, for themselves, and for the operating tenant what everybody used.

use larder_identity::page::{self, PageOf};
use larder_proto::google::api::HttpBody;
use larder_proto::larder::identity::v1::*;

use super::error::Error;
use super::grpc::Asker;
use super::{State, convert, tenants};
use crate::clock;
use crate::store::{self, usage::Total};
use crate::usage::{Amounts, Month, Quantity};

/// Months of one export.
const MOST_MONTHS: i64 = 120;
const MONTH_S: i64 = 2_678_400;
const TITLES: &str = "tenant_id,month,plan,request_count,received_bytes,sent_bytes\r\n";

pub(super) async fn get(
    state: &State,
    asker: &Asker,
    request: GetUsageRequest,
) -> Result<GetUsageResponse, Error> {
    let month = month("month", &request.month)?;
    let tenant = &asker.caller.tenant;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let row = store::usage::list(&mut transaction, tenant, month, month).await?.pop();
    let plan = store::usage::plan_of(&mut transaction, tenant).await?;
    transaction.commit().await?;
    let written = row.map(|row| row.amounts).unwrap_or_default();
    let amounts = written.plus(state.meter.pending(tenant, month));
    let total = Total { tenant_id: tenant.to_string(), month, amounts, plan };
    Ok(GetUsageResponse {
        quotas: quotas(state, &total),
        usage: Some(wire(state, &total)),
        reset_time: Some(convert::timestamp(month.ends_at_s().saturating_mul(1_000_000))),
    })
}

pub(super) async fn list(
    state: &State,
    asker: &Asker,
    request: ListTenantUsageRequest,
) -> Result<ListTenantUsageResponse, Error> {
    tenants::check_operator(state, asker)?;
    let month = month("month", &request.month)?;
    let size = page::size(request.page_size)?;
    let of = PageOf { tenant: &asker.caller.tenant, list: "usage", filters: month.to_string() };
    let after = state.pages.read(&of, &request.page_token)?.unwrap_or_default();
    let mut rows = store::usage::list_of_all(&state.worker, month, &after, size + 1).await?;
    let next = page::cut(&mut rows, size, |row| row.tenant_id.clone());
    Ok(ListTenantUsageResponse {
        usage: rows.iter().map(|row| wire(state, row)).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(super) async fn export(
    state: &State,
    asker: &Asker,
    request: ExportUsageRequest,
) -> Result<ExportUsageResponse, Error> {
    let format = UsageFormat::try_from(request.format)
        .map_err(|_| Error::invalid("format", "must be USAGE_FORMAT_JSON or USAGE_FORMAT_CSV"))?;
    let (from, until) =
        (month("from_month", &request.from_month)?, month("until_month", &request.until_month)?);
    if from > until {
        return Err(Error::invalid("from_month", "must not be after until_month"));
    }
    if until.begins_at_s() - from.begins_at_s() > MOST_MONTHS * MONTH_S {
        return Err(Error::invalid("from_month", "must be at most 120 months before until_month"));
    }
    let tenant = &asker.caller.tenant;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let rows = store::usage::list(&mut transaction, tenant, from, until).await?;
    transaction.commit().await?;
    let usage: Vec<Usage> = rows.iter().map(|row| wire(state, row)).collect();
    let (content_type, text) = match format {
        UsageFormat::Csv => ("text/csv; charset=utf-8; header=present", csv(&usage)),
        UsageFormat::Unspecified | UsageFormat::Json => ("application/json", json(&usage)),
    };
    let body =
        HttpBody { content_type: content_type.to_owned(), data: text.into_bytes(), extensions: Vec::new() };
    Ok(ExportUsageResponse { body: Some(body) })
}

fn csv(usage: &[Usage]) -> String {
    let mut text = TITLES.to_owned();
    // No field can hold a comma: ids, months and names of plans have letters, digits and dashes alone.
    for one in usage {
        let numbers =
            [one.request_count, one.received_bytes, one.sent_bytes].map(|number| number.to_string());
        text.push_str(&format!("{},{},{},{}\r\n", one.tenant_id, one.month, one.plan, numbers.join(",")));
    }
    text
}

fn json(usage: &[Usage]) -> String {
    let rows: Vec<_> = usage
        .iter()
        .map(|one| {
            serde_json::json!({
                "tenantId": one.tenant_id,
                "month": one.month,
                "plan": one.plan,
                "requestCount": one.request_count.to_string(),
                "receivedBytes": one.received_bytes.to_string(),
                "sentBytes": one.sent_bytes.to_string(),
            })
        })
        .collect();
    serde_json::Value::from(rows).to_string()
}

fn wire(state: &State, total: &Total) -> Usage {
    let Amounts { requests, received_bytes, sent_bytes } = total.amounts;
    Usage {
        tenant_id: total.tenant_id.clone(),
        month: total.month.to_string(),
        plan: state.meter.plans().plan_in_force(total.plan.as_deref()).to_owned(),
        request_count: whole(requests),
        received_bytes: whole(received_bytes),
        sent_bytes: whole(sent_bytes),
    }
}

fn quotas(state: &State, total: &Total) -> Vec<Quota> {
    let limits = state.meter.plans().limits_of(total.plan.as_deref());
    let quota = |quantity: Quantity| {
        let (limit, used) = (limits.of(quantity)?, total.amounts.of(quantity));
        Some(Quota {
            name: quantity.name().to_owned(),
            limit: whole(limit),
            used: whole(used),
            remaining: whole(limit.saturating_sub(used)),
        })
    };
    Quantity::ALL.into_iter().filter_map(quota).collect()
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn month(field: &'static str, text: &str) -> Result<Month, Error> {
    if text.is_empty() {
        return Ok(Month::of(clock::seconds(clock::now())));
    }
    Month::parse(text).ok_or_else(|| Error::invalid(field, "must be a month such as 2026-11"))
}
