//! Calls about what customers log of themselves. Days are checked against the clock, and the
//! last row of a customer and day counts.

use std::collections::HashMap;

use futures::FutureExt;
use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::google::r#type::Date;
use larder_proto::larder::nutrition::v1::*;

use super::today;
use crate::batch::CheckedBatch;
use crate::convert::body_log::{
    intake_from_wire, intake_to_wire, measurement_from_wire, measurement_to_wire,
};
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::{body_measurements, intakes, tenants};
use crate::validate::Fields;
use crate::write::Write;

pub(super) async fn log_measurements(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: BatchLogBodyMeasurementsRequest,
) -> Result<BatchLogBodyMeasurementsResponse, Error> {
    let latest = latest_day(state);
    let (most, sent) = (state.settings.batch_limit_rows, request.body_measurements.clone());
    let batch =
        CheckedBatch::check("body_measurements", sent, most, |row| measurement_from_wire(row, latest))?;
    let rows = last_of_each_day(&batch.rows, |row| (row.customer_id.clone(), row.measured_on_day));
    let response = BatchLogBodyMeasurementsResponse {
        accepted_count: batch.accepted_count(),
        rejected_count: batch.rejected_count(),
        verdicts: batch.verdicts,
    };
    metrics::rows_refused("body_measurements", response.rejected_count);
    let write = Write { pool: &state.app, tenant, method: "BatchLogBodyMeasurements", key };
    let written = write
        .run(&request, |db| {
            let tenant = tenant.clone();
            async move {
                tenants::remember(db, &tenant).await?;
                body_measurements::upsert(db, &tenant, &rows).await?;
                Ok((response, ()))
            }
            .boxed()
        })
        .await?;
    Ok(written.response)
}

pub(super) async fn list_measurements(
    state: &State,
    tenant: &TenantId,
    request: ListBodyMeasurementsRequest,
) -> Result<ListBodyMeasurementsResponse, Error> {
    let size = page::size(request.page_size)?;
    let from_day = checked(&request.customer_id, request.from_on.as_ref())?;
    let filters = format!("{}/{from_day:?}", request.customer_id);
    let of = PageOf { tenant, list: "body_measurements", filters };
    let days = (from_day, before(state.pages.read(&of, &request.page_token)?)?);
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows =
        body_measurements::list(&mut transaction, tenant, &request.customer_id, days, size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| row.measured_on_day.to_string());
    Ok(ListBodyMeasurementsResponse {
        body_measurements: rows.into_iter().map(measurement_to_wire).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(super) async fn log_intakes(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: BatchLogIntakesRequest,
) -> Result<BatchLogIntakesResponse, Error> {
    let latest = latest_day(state);
    let (most, sent) = (state.settings.batch_limit_rows, request.intakes.clone());
    let batch = CheckedBatch::check("intakes", sent, most, |row| intake_from_wire(row, latest))?;
    let rows = last_of_each_day(&batch.rows, |row| (row.customer_id.clone(), row.eaten_on_day));
    let response = BatchLogIntakesResponse {
        accepted_count: batch.accepted_count(),
        rejected_count: batch.rejected_count(),
        verdicts: batch.verdicts,
    };
    metrics::rows_refused("intakes", response.rejected_count);
    let write = Write { pool: &state.app, tenant, method: "BatchLogIntakes", key };
    let written = write
        .run(&request, |db| {
            let tenant = tenant.clone();
            async move {
                tenants::remember(db, &tenant).await?;
                intakes::upsert(db, &tenant, &rows).await?;
                Ok((response, ()))
            }
            .boxed()
        })
        .await?;
    Ok(written.response)
}

pub(super) async fn list_intakes(
    state: &State,
    tenant: &TenantId,
    request: ListIntakesRequest,
) -> Result<ListIntakesResponse, Error> {
    let size = page::size(request.page_size)?;
    let from_day = checked(&request.customer_id, request.from_on.as_ref())?;
    let filters = format!("{}/{from_day:?}", request.customer_id);
    let of = PageOf { tenant, list: "intakes", filters };
    let days = (from_day, before(state.pages.read(&of, &request.page_token)?)?);
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = intakes::list(&mut transaction, tenant, &request.customer_id, days, size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| row.eaten_on_day.to_string());
    Ok(ListIntakesResponse {
        intakes: rows.into_iter().map(intake_to_wire).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

/// Tomorrow: whoever logs may live where it is tomorrow already.
fn latest_day(state: &State) -> i32 {
    today(state).saturating_add(1)
}

fn checked(customer_id: &str, from_on: Option<&Date>) -> Result<Option<i32>, Error> {
    let mut fields = Fields::default();
    fields.id("customer_id", customer_id);
    let from_day = from_on.and_then(|day| fields.day("from_on", day));
    fields.finish(from_day)
}

/// The day before which a page starts.
fn before(place: Option<String>) -> Result<Option<i32>, Error> {
    let parse =
        |place: String| place.parse().map_err(|_| Error::Internal("a page token of no day".to_owned()));
    place.map(parse).transpose()
}

/// The last row of each customer and day, in the order of the request.
fn last_of_each_day<T: Clone>(rows: &[(usize, T)], of: impl Fn(&T) -> (String, i32)) -> Vec<T> {
    let last: HashMap<_, _> = rows.iter().map(|(index, row)| (of(row), *index)).collect();
    rows.iter().filter(|(index, row)| last[&of(row)] == *index).map(|(_, row)| row.clone()).collect()
}
