//! Feedback as CSV: all of a filter, part by part as it is read.

use std::sync::Arc;

use larder_exchange::injection;
use larder_identity::TenantId;
use larder_proto::google::api::HttpBody;
use larder_proto::larder::market::v1::{ExportFeedbackRequest, ExportFeedbackResponse, Feedback};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::convert::feedback::to_wire;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::market_feedback::{self, FeedbackFilter, FeedbackPlace};

/// Rows of one part.
const PART_ROWS: i64 = 1_000;
/// Parts that wait for a slow reader.
const PARTS_AHEAD: usize = 4;
const HEADER: &str = "held_on,market_id,product_id,product_name,recommended,own_plan,brought,sold,left_over,\
sold_out_at_minute,variance,variance_percent,demand_p10,demand_p50,demand_p90,realised_cost,price,unit_cost,\
currency,model_version,notices\r\n";

/// The parts of an export.
pub(crate) type ExportStream = ReceiverStream<Result<ExportFeedbackResponse, Status>>;

/// Begins an export; refusals come before the first part.
pub(super) async fn feedback(
    state: &Arc<State>,
    tenant: &TenantId,
    request: ExportFeedbackRequest,
) -> Result<ExportStream, Error> {
    let asked = (&request.market_id, &request.product_id, &request.from_on, &request.until_on);
    let filter = super::feedback::filter(asked)?;
    let (parts, stream) = mpsc::channel(PARTS_AHEAD);
    let (state, tenant) = (state.clone(), tenant.clone());
    tokio::spawn(async move {
        if let Err(error) = write(&state, &tenant, &filter, &parts).await {
            // A reader that has gone needs no reason.
            parts.send(Err(Status::from(error))).await.ok();
        }
    });
    metrics::market_answered("export_feedback", false);
    Ok(ReceiverStream::new(stream))
}

async fn write(
    state: &State,
    tenant: &TenantId,
    filter: &FeedbackFilter,
    parts: &mpsc::Sender<Result<ExportFeedbackResponse, Status>>,
) -> Result<(), Error> {
    let mut text = HEADER.to_owned();
    let mut after: Option<FeedbackPlace> = None;
    loop {
        let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
        let rows = market_feedback::list(&mut transaction, tenant, filter, after.as_ref(), PART_ROWS).await?;
        transaction.commit().await?;
        let is_last = (rows.len() as i64) < PART_ROWS;
        after = rows.last().map(|row| FeedbackPlace {
            held_on_day: row.held_on_day,
            market_id: row.market_id.clone(),
            product_id: row.product_id.clone(),
        });
        rows.iter().for_each(|row| line(&mut text, &to_wire(row)));
        let body = HttpBody {
            content_type: "text/csv; charset=utf-8".to_owned(),
            data: std::mem::take(&mut text).into_bytes(),
            ..HttpBody::default()
        };
        if parts.send(Ok(ExportFeedbackResponse { part: Some(body) })).await.is_err() || is_last {
            return Ok(());
        }
    }
}

fn line(text: &mut String, row: &Feedback) {
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let amount = |money: &Option<larder_proto::google::r#type::Money>| {
        let micros = money.as_ref().map(|money| money.units * 1_000_000 + i64::from(money.nanos) / 1_000);
        micros.map(|micros| format!("{}", micros as f64 / 1e6)).unwrap_or_default()
    };
    let day = row.held_on.as_ref();
    let day = day.map(|day| format!("{:04}-{:02}-{:02}", day.year, day.month, day.day)).unwrap_or_default();
    let currency = row.price.as_ref().map(|price| price.currency_code.clone()).unwrap_or_default();
    let cells = [
        day,
        row.market_id.clone(),
        row.product_id.clone(),
        row.product_name.clone(),
        number(row.recommended),
        number(row.own_plan),
        number(Some(row.brought)),
        number(row.sold),
        number(row.left_over),
        row.sold_out_at_minute.map(|minute| minute.to_string()).unwrap_or_default(),
        number(row.variance),
        number(row.variance_percent),
        number(row.demand_p10),
        number(row.demand_p50),
        number(row.demand_p90),
        amount(&row.realised_cost),
        amount(&row.price),
        amount(&row.unit_cost),
        currency,
        row.model_version.clone(),
        row.notices.join("; "),
    ];
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        // A number below 0 is no formula.
        if cell.parse::<f64>().is_ok() { text.push_str(cell) } else { injection::push_field(text, cell) }
    }
    text.push_str("\r\n");
}
