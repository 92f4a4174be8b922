//! Calls about what was sold.

use futures::FutureExt;
use larder_identity::TenantId;
use larder_proto::larder::market::v1::{RecordSalesRequest, RecordSalesResponse};

use crate::batch::{CheckedBatch, last_of_each};
use crate::convert::sale::MarketsAtHand;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::{sales, tenants};
use crate::write::Write;

pub(super) async fn record(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: RecordSalesRequest,
) -> Result<RecordSalesResponse, Error> {
    let known = super::known_markets(state, tenant, request.sales.iter().map(|sale| &sale.market_id)).await?;
    let markets = MarketsAtHand::new(known.into_values().collect(), (state.clock)());
    let (most, sent) = (state.settings.batch_limit_rows, request.sales.clone());
    let batch = CheckedBatch::check("sales", sent, most, |sale| markets.sale(sale))?;
    let rows = last_of_each(&batch.rows, |row| &row.sale_id);
    let response = RecordSalesResponse {
        accepted_count: batch.accepted_count(),
        rejected_count: batch.rejected_count(),
        verdicts: batch.verdicts,
    };
    metrics::rows_refused("sales", response.rejected_count);
    let write = Write { pool: &state.app, tenant, method: "RecordSales", key };
    let written = write
        .run(&request, |db| {
            let tenant = tenant.clone();
            async move {
                tenants::remember(db, &tenant).await?;
                sales::upsert(db, &tenant, &rows).await?;
                Ok((response, rows.len()))
            }
            .boxed()
        })
        .await?;
    metrics::sales_recorded("recorded", written.after.unwrap_or(0));
    Ok(written.response)
}
